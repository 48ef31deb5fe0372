"""Find rows in which a version before schema version 2 replaced values with parts of the file's path.

It passed batches to DuckDB in a Parquet file at `<database>.syncing/batch.parquet`, and DuckDB read each part
`column=value` of that path as a Hive partition. The value replaced the real one in every row, and rows that differed in
nothing else of their key became one. Files that only later versions wrote have no such rows.
"""

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import suppress
from datetime import date, datetime
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import unquote

import duckdb

from oneup_pinterest.database.connection import WORK_SUFFIX
from oneup_pinterest.database.migrations import end_of_version_1
from oneup_pinterest.database.schema import EXTRACTED_AT, STREAMS, SYNC_RUNS, quoted

NO_VALUE = "__HIVE_DEFAULT_PARTITION__"  # how a Hive partition writes null
MAX_DAYS_APART = 3  # a day this close to its extraction is right, or as good as right
ACCOUNT_COLUMNS = ("username", "full_name", "page_id")  # one value per account; different accounts differ
USUAL_VALUES = {"social_network_type": "pinterest", "is_expired": "false", "need_refresh": "false"}
MIN_RECORDS = 10  # fewer may have been lost in other ways
MAX_KEPT_SHARE = 1 / 3  # of a first sync's records: all have keys of their own, but an API may send them twice


class ReplacedValues(NamedTuple):
    """Rows of some streams (stream → how many) that carry one value in a column, the oldest since a day.

    `part` is the part of the file's path that says so; None where the file lies elsewhere now.
    """

    column: str
    value: str | None
    part: str | None
    rows: Mapping[str, int]
    since: date


class MergedRows(NamedTuple):
    """A stream whose first sync, on a day, read many more records than it left rows."""

    stream: str
    records: int
    rows: int
    since: date


def path_values(path: Path) -> dict[str, tuple[str, str | None]]:
    """Return the columns, in lower case, that a path gave a value, each with the part of the path and the value.

    >>> path_values(Path("/data/ID=5/impressions=7.duckdb"))
    {'id': ('ID=5', '5'), 'impressions': ('impressions=7.duckdb', '7.duckdb.syncing')}
    """
    found: dict[str, tuple[str, str | None]] = {}
    for part in path.with_name(path.name + WORK_SUFFIX).parts:
        column, _, value = part.partition("=")
        if part.count("=") == 1:
            text = None if value == NO_VALUE else unquote(value)
            found.setdefault(column.lower(), (part.removesuffix(WORK_SUFFIX), text))
    return found


def find_replaced_values(history: duckdb.DuckDBPyConnection) -> tuple[list[ReplacedValues], list[MergedRows]]:
    """Return such damage in the file of a connection that `open_history` returned.

    It shows as a value of the current path in all rows of a day, unless it may be the real one; as days and accounts
    that cannot be real, as in a file that was moved; and as rows that were merged.
    """
    ((name, path),) = history.execute(
        "SELECT database_name, path FROM duckdb_databases() WHERE database_name = current_database()"
    ).fetchall()
    until = end_of_version_1(history, Path(path))
    if until is None:
        return [], []
    rows = _OldRows(history, name, until)
    values = path_values(Path(os.path.realpath(path)))
    found: dict[str, ReplacedValues] = {}
    for stream in STREAMS:
        for column, part, value, count, since in (*rows.with_values(stream, values), *rows.impossible(stream, values)):
            before = found.get(column, ReplacedValues(column, value, part, {}, since))
            found[column] = before._replace(rows={**before.rows, stream: count}, since=min(before.since, since))
    return list(found.values()), list(rows.merged())


class _OldRows:
    """The rows of a file that a version before schema version 2 may have written: those extracted before `until`."""

    def __init__(self, history: duckdb.DuckDBPyConnection, database: str, until: datetime) -> None:
        self._history = history
        self._database = database
        self._until = until
        self._columns: dict[str, dict[str, str]] = {}
        for table, column, kind in history.execute(
            "SELECT table_name, column_name, data_type FROM duckdb_columns() "
            "WHERE database_name = current_database() AND schema_name = 'main' ORDER BY column_index"
        ).fetchall():
            self._columns.setdefault(table, {})[column] = kind
        self._accounts = sorted(self._accounts_of_states())
        self._has_known_accounts = any(
            self._count(stream, "list_contains($accounts, social_network_id)") for stream in STREAMS
        )

    def with_values(self, stream: str, values: Mapping[str, tuple[str, str | None]]) -> Iterator[tuple[Any, ...]]:
        """Return columns in which all rows of some day carry the value of the path, with part, value, rows and day."""
        for column, kind in self._of(stream).items():
            part, value = values.get(column.lower(), ("", None))
            if not part or column == EXTRACTED_AT or (value or "").lower() == USUAL_VALUES.get(column):
                continue
            if column == "social_network_id" and self._may_be_real(value):
                continue
            cast = f"TRY_CAST($value AS {kind})"
            real = "false"
            if kind == "DATE":
                real = f"coalesce(abs(extracted::DATE - {cast}) <= {MAX_DAYS_APART}, false)"
            elif column == "preset":
                real = "coalesce($value = 'last_' || (period_end - period_start + 1) || '_days', false)"
            elif column in ACCOUNT_COLUMNS:
                real = f"(SELECT count(DISTINCT social_network_id) < 2 FROM ({self._select(stream)}))"
            count, since = self._fetch(
                "SELECT sum(rows), min(since) FROM (SELECT count(*) AS rows, min(extracted)::DATE AS since "
                f"FROM ({self._select(stream)}) WHERE NOT {real} "
                f"GROUP BY CASE WHEN {cast} IS NOT NULL THEN extracted::DATE END "  # any column may be empty for a day
                f"HAVING bool_and({quoted(column)} IS NOT DISTINCT FROM {cast}))",
                value,
            )
            if count:
                yield column, part, value, int(count), since

    def impossible(self, stream: str, values: Mapping[str, tuple[str, str | None]]) -> Iterator[tuple[Any, ...]]:
        """Return days and accounts that are not real in any row of some day, whatever the path is now.

        Rows whose day is left out everywhere have a finding of their own.
        """
        columns = self._of(stream)
        conditions = {}
        if "snapshot_date" in columns:
            conditions["snapshot_date"] = f"abs({EXTRACTED_AT}::DATE - snapshot_date) > {MAX_DAYS_APART}"
        if "social_network_id" in columns and self._accounts and not self._has_known_accounts:
            conditions["social_network_id"] = "NOT list_contains($accounts, social_network_id)"
        for column, condition in conditions.items():
            if column not in values:
                count, since, value = self._fetch(
                    "SELECT sum(rows), min(day), min(value)::VARCHAR FROM (SELECT count(*) AS rows, "
                    f"{EXTRACTED_AT}::DATE AS day, min({column}) AS value FROM temp.main.{quoted(stream)} "
                    f"WHERE {EXTRACTED_AT} < $until GROUP BY day HAVING bool_and({condition}))"
                )
                if count:
                    yield column, None, value, int(count), since

    def merged(self) -> Iterator[MergedRows]:
        """Return streams that lost most records of their first sync; none if it did not count its records."""
        seen: set[str] = set()
        for started, text in self._history.execute(
            f"SELECT started_at, streams::VARCHAR FROM {self._name(SYNC_RUNS)} WHERE started_at < ? ORDER BY ALL",
            [self._until],
        ).fetchall():
            if not text:
                return
            for stream, counts in json.loads(text).items():
                records, rows = counts["records"], counts["rows"]
                if records and stream not in seen:
                    seen.add(stream)
                    if records >= MIN_RECORDS and rows <= records * MAX_KEPT_SHARE:
                        yield MergedRows(stream, records, rows, started.date())

    def _may_be_real(self, account: str | None) -> bool:
        """Return whether rows of an account may be its own: states name it alone, or others with rows, or none."""
        others = set(self._accounts) - {account}
        if not others:
            return True
        return account in self._accounts and any(
            self._count(stream, "list_contains($accounts, social_network_id) AND social_network_id <> $value", account)
            for stream in STREAMS
        )

    def _accounts_of_states(self) -> Iterator[str]:
        with suppress(duckdb.CatalogException):
            for (text,) in self._history.execute(f"SELECT state FROM {self._name('_airbyte_state')}").fetchall():
                for entry in json.loads(text).get("states", ()):
                    yield entry["partition"]["social_network_id"]

    def _of(self, stream: str) -> dict[str, str]:
        """Return column → type; empty where the file lacks the stream."""
        columns = self._columns.get(stream, {})
        return columns if EXTRACTED_AT in columns else {}

    def _select(self, stream: str) -> str:
        return f"SELECT *, {EXTRACTED_AT} AS extracted FROM {self._name(stream)} WHERE {EXTRACTED_AT} < $until"

    def _name(self, table: str) -> str:
        return f"{quoted(self._database)}.main.{quoted(table)}"

    def _count(self, stream: str, condition: str, value: str | None = None) -> int:
        if "social_network_id" not in self._of(stream):
            return 0
        return int(self._fetch(f"SELECT count(*) FROM ({self._select(stream)}) WHERE {condition}", value)[0])

    def _fetch(self, query: str, value: str | None = None) -> tuple[Any, ...]:
        known = {"until": self._until, "value": value, "accounts": self._accounts}
        used = {name: part for name, part in known.items() if f"${name}" in query}
        (row,) = self._history.execute(query, used).fetchall()
        return tuple(row)
