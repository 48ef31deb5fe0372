"""Checks of the file as a whole, of its runs and of its connections to Pinterest."""

import json
from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Any

import polars as pl

from oneup_pinterest.database.schema import STREAMS, TABLES
from oneup_pinterest.history.observations import is_in_order
from oneup_pinterest.quality.checks.context import (
    CheckContext,
    Finding,
    counted,
    finding_of,
    listed,
)

STALE_AFTER = timedelta(hours=36)  # a daily sync that failed once, and half a day to notice


def stale_data(facts: CheckContext) -> Iterator[Finding]:
    """The last sync is older than 36 hours."""
    if facts.last_sync is not None and facts.now - facts.last_sync > STALE_AFTER:
        hours = (facts.now - facts.last_sync).total_seconds() / 3600
        age = f"{hours:.0f} hours" if hours < 72 else f"{hours / 24:,.0f} days"
        failed = not facts.runs.filter(pl.col("started_at") > facts.last_sync).is_empty()
        why = "see what stopped the syncs since" if failed else "see why no sync ran since"
        yield finding_of(
            "stale_data",
            "warning",
            "all",
            facts.last_sync.date(),
            f"The last sync {'that was done ' if failed else ''}was {age} ago.",
            f"Sync now, and {why}: the daily detail of days without a sync is lost.",
        )


def unfinished_runs(facts: CheckContext) -> Iterator[Finding]:
    """What the last run skipped or broke on, and whether an earlier one was cut off."""
    runs = facts.runs.tail(5)
    for run in runs.iter_rows(named=True):
        # the file could be opened, so no sync is running: one that says so was killed
        if run["status"] in ("running", "interrupted"):
            yield finding_of(
                "interrupted_run",
                "info",
                "all",
                run["started_at"].date(),
                f"The sync started at {run['started_at']:%Y-%m-%d %H:%M} UTC was interrupted; what it wrote is whole.",
                "Nothing, if a later sync is done: it went on where this one stopped.",
            )
    if runs.is_empty():
        return
    last = runs.row(-1, named=True)
    if last["status"] == "failed":
        yield finding_of(
            "failed_run",
            "error",
            "all",
            last["started_at"].date(),
            f"The last sync failed: {last['error'] or 'no reason was recorded'}",
            "Fix what the message names, then sync again.",
        )
    for skipped in _list(last["skipped_accounts"]):
        yield finding_of(
            "skipped_account",
            "error",
            str(skipped.get("social_network_id", "unknown")),
            last["started_at"].date(),
            f"The last sync could not read this account: {skipped.get('reason', 'no reason was recorded')}",
            "Fix what the message names, then sync again: the account catches up.",
        )


def _list(text: str | None) -> list[dict[str, Any]]:
    try:
        value = json.loads(text or "[]")
    except ValueError:
        return []
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def lost_connections(facts: CheckContext) -> Iterator[Finding]:
    """OneUp flags the connection to Pinterest; the API then answers with plausible zeros."""
    flagged = facts.accounts.filter(
        pl.col("is_expired").fill_null(value=False) | pl.col("need_refresh").fill_null(value=False)
    )
    for account, at in flagged.select("social_network_id", "_airbyte_extracted_at").iter_rows():
        yield finding_of(
            "lost_connection",
            "error",
            account,
            at and at.date(),
            "OneUp says that its connection to this Pinterest account is expired or needs a refresh; "
            "figures may be zeros that mean nothing.",
            "Connect the account to Pinterest again in OneUp.",
        )


def schema_drift(facts: CheckContext) -> Iterator[Finding]:
    """Columns that OneUp added, and columns of the contract that the file lacks."""
    for table in sorted(facts.tables, key=lambda table: (table.relation, table.schema)):
        if table.relation not in STREAMS or not table.is_read:
            continue
        stream, expected = table.place, TABLES[table.relation].columns
        added = sorted(name for name in table.columns if name not in expected and not name.startswith("_airbyte_"))
        missing = [name for name in expected if name not in table.columns]
        if added:
            yield finding_of(
                "new_columns",
                "info",
                "all",
                None,
                f"{stream} has columns that this kit does not know: {listed(added)}.",
                "Nothing to do: they are kept in the file. Nothing here reads them.",
            )
        if missing:
            yield finding_of(
                "missing_columns",
                "warning",
                "all",
                None,
                f"{stream} lacks {listed(missing)}; here they are unknown in every row.",
                "See whether the stream was synced with a selection of fields, or by an older connector.",
            )


def duplicate_keys(facts: CheckContext) -> Iterator[Finding]:
    """Rows that share a key: every count over them is too high."""
    for stream, frame in (
        ("pins", facts.pins),
        ("account_followers", facts.followers),
        ("overview_metrics", facts.overview),
        ("pin_totals", facts.totals),
        ("accounts", facts.accounts),
    ):
        twice = rows_of_one_key(frame, TABLES[stream].key)
        if twice > 0:
            yield finding_of(
                "duplicate_keys",
                "error",
                "all",
                None,
                f"{twice:,} rows of {stream} have the key of another row ({listed(list(TABLES[stream].key))}).",
                "Something else wrote into the file: sync into a new one, or remove the rows that are there twice.",
            )


def path_in_data(facts: CheckContext) -> Iterator[Finding]:
    """Values that a version before layout 2 took from the path of the file, and rows that became one by it."""
    what_to_do = (
        "The real values cannot be restored, and the counters of past days are lost for these rows: sync into a new "
        "file, best in a folder without `=` in its path, and keep this one only for what no finding names."
    )
    for found in facts.replaced:
        rows = listed([f"{counted(count, 'row')} of {stream}" for stream, count in found.rows.items()])
        path = "the path of this file" if found.part else "the path that this file then had"
        part = found.part or f"{found.column}={found.value}"
        yield finding_of(
            "path_in_data",
            "error",
            "all",
            found.since,
            f"{rows} have a wrong `{found.column}`: an older version of this kit wrote into each row what `{part}` in "
            f"{path} says.",
            what_to_do,
        )
    for lost in facts.merged:
        yield finding_of(
            "path_in_data",
            "error",
            "all",
            lost.since,
            f"The first sync of {lost.stream} read {lost.records:,} records and left {counted(lost.rows, 'row')}: an "
            "older version of this kit wrote into each row what a part like `id=5` in the path of this file said, so "
            "that many became one.",
            what_to_do,
        )


def rows_of_one_key(frame: pl.DataFrame, key: Sequence[str]) -> int:
    """How many rows are too many.

    >>> rows_of_one_key(pl.DataFrame({"id": ["1", "2", "1"]}), ["id"])
    1
    """
    ordered = frame.select(key)
    above = pl.all_horizontal(pl.col(name).eq_missing(pl.col(name).shift(1)) for name in key)
    if not is_in_order(ordered):
        ordered = ordered.sort(key)
    return int(ordered.select(above.slice(1).sum()).item())
