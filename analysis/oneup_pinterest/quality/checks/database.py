"""Checks of the tables in the file: columns, keys, values that cannot be read, and tables that are not read."""

from collections.abc import Iterator, Sequence

import polars as pl

from oneup_pinterest.database.column_types import COLUMN_TYPES
from oneup_pinterest.database.invalid_values import FIRST_DAY
from oneup_pinterest.database.schema import STREAMS, TABLES
from oneup_pinterest.formatting import format_count, format_list, truncate
from oneup_pinterest.history.observations import is_in_order
from oneup_pinterest.quality.checks.context import CheckContext
from oneup_pinterest.quality.findings import Finding


def find_schema_drift(context: CheckContext) -> Iterator[Finding]:
    """Report columns that OneUp added, and known columns that the file lacks."""
    for table in sorted(context.tables, key=lambda table: (table.relation, table.schema)):
        if table.relation not in STREAMS or not table.is_read:
            continue
        expected = TABLES[table.relation].columns
        added = sorted(name for name in table.columns if name not in expected and not name.startswith("_airbyte_"))
        missing = [name for name in expected if name not in table.columns]
        if added:
            yield Finding(
                check="new_columns",
                severity="info",
                what=f"{table.place} has columns that this kit does not know: {format_list(added)}.",
                what_to_do="Nothing to do: the file keeps them, and nothing here reads them.",
            )
        if missing:
            yield Finding(
                check="missing_columns",
                severity="warning",
                what=f"{table.place} lacks {format_list(missing)}; here they are unknown in every row.",
                what_to_do="Check whether the stream was synced with a selection of fields, or by an older connector.",
            )


def find_duplicate_keys(context: CheckContext) -> Iterator[Finding]:
    """Report rows that share a key: every count over them is too high."""
    for stream, frame in (
        ("pins", context.history.pins),
        ("account_followers", context.history.followers),
        ("overview_metrics", context.history.overview),
        ("pin_totals", context.history.pin_totals),
        ("accounts", context.history.accounts),
    ):
        duplicates = count_duplicate_keys(frame, TABLES[stream].key)
        if duplicates > 0:
            yield Finding(
                check="duplicate_keys",
                severity="error",
                what=f"{duplicates:,} rows of {stream} have the key of another row "
                f"({format_list(TABLES[stream].key)}).",
                what_to_do="Another program wrote into the file: sync into a new one, or delete the duplicate rows.",
            )


def count_duplicate_keys(frame: pl.DataFrame, key: Sequence[str]) -> int:
    """Return how many rows have the key of another row before them.

    >>> count_duplicate_keys(pl.DataFrame({"id": ["1", "2", "1"]}), ["id"])
    1
    """
    ordered = frame.select(key)
    is_as_above = pl.all_horizontal(pl.col(name).eq_missing(pl.col(name).shift(1)) for name in key)
    if not is_in_order(ordered):
        ordered = ordered.sort(key)
    return int(ordered.select(is_as_above.slice(1).sum()).item())


def find_path_values(context: CheckContext) -> Iterator[Finding]:
    """Report values that a version before schema version 2 took from the path of the file, and rows merged by that."""
    what_to_do = (
        "The real values cannot be restored, and the counters of past days are lost for these rows. Sync into a new "
        "file, in a folder without `=` in its path, and keep this one only for data that no finding names."
    )
    for replaced in context.replaced:
        rows = format_list([f"{format_count(count, 'row')} of {stream}" for stream, count in replaced.rows.items()])
        path = "the path of this file" if replaced.part else "the former path of this file"
        part = replaced.part or f"{replaced.column}={replaced.value}"
        yield Finding(
            check="path_in_data",
            severity="error",
            since=replaced.since,
            what=f"{rows} have a wrong `{replaced.column}`: an older version of this kit took the value from `{part}` "
            f"in {path}.",
            what_to_do=what_to_do,
        )
    for merged in context.merged:
        yield Finding(
            check="path_in_data",
            severity="error",
            since=merged.since,
            what=f"The first sync of {merged.stream} read {merged.records:,} records but left "
            f"{format_count(merged.rows, 'row')}: an older version of this kit took a value of each row from the path "
            "of this file, such as `id=5`, so many rows became one.",
            what_to_do=what_to_do,
        )


def find_unreadable_values(context: CheckContext) -> Iterator[Finding]:
    """Report values that are not of their column's type. A row without its key is left out; other values are null."""
    for values in context.unreadable:
        what = f"{values.values:,} of {format_count(values.rows, 'row')} lack {values.column}: they are left out."
        if values.example is not None:
            effect = "these rows are left out" if values.is_key else "they count as unknown"
            what = (
                f"{values.values:,} of {values.rows:,} values of {values.column} cannot be read as "
                f'{COLUMN_TYPES[values.type].description}, for example "{truncate(values.example)}": {effect}.'
            )
        yield Finding(
            check="unreadable_values",
            severity="error",
            what=what,
            what_to_do=f"Correct them at their source, then sync again. This query shows them: {values.query};",
        )


def find_impossible_days(context: CheckContext) -> Iterator[Finding]:
    """Report rows from before Pinterest opened or after the newest extraction."""
    for days in context.impossible:
        column = "snapshot_date" if "snapshot_date" in days.statement else "period_end"
        span = f"{days.first}" if days.first == days.last else f"{days.first} to {days.last}"
        reasons = [f"before Pinterest existed ({FIRST_DAY.year})"] * (days.first < FIRST_DAY)
        reasons += ["later than the newest sync"] * (days.last >= FIRST_DAY)
        remedy = f"Delete the rows: {days.statement}"
        if days.is_view:
            remedy = f"{days.place} is a view; delete the rows from its table, as in: {days.statement}"
        verbs = ("has", "is") if days.rows == 1 else ("have", "are")
        yield Finding(
            check="impossible_days",
            severity="warning",
            what=f"{format_count(days.rows, 'row')} of {days.relation} {verbs[0]} an impossible {column} "
            f"({span}: {' or '.join(reasons)}) and {verbs[1]} left out.",
            what_to_do=f"Check the clock of the machine that synced. {remedy}",
        )


def find_unread_tables(context: CheckContext) -> Iterator[Finding]:
    """Report tables that look like a stream, but under another prefix than the one that is read."""
    for table in context.tables:
        if not table.is_read:
            yield Finding(
                check="tables_not_read",
                severity="info",
                what=f"{table.place} looks like the stream {table.relation}, but is not read.",
                what_to_do=f'Nothing to do if it is a copy. Otherwise choose it with --prefix "{table.pattern}".',
            )
