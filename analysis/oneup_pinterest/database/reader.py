"""Read a database: open it with its tables as views, and read a view or the covered days as frames."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date, datetime
from pathlib import Path
from typing import NamedTuple

import duckdb
import polars as pl

from oneup_pinterest.clock import utc_now
from oneup_pinterest.database._arrow import to_polars
from oneup_pinterest.database.accounts import Accounts, account_ids
from oneup_pinterest.database.connection import connect_waiting, explain_database_errors
from oneup_pinterest.database.invalid_values import CLOCK_TOLERANCE
from oneup_pinterest.database.lake import Lake
from oneup_pinterest.database.lake_connection import connect_lake
from oneup_pinterest.database.migrations import read_schema_version
from oneup_pinterest.database.place import Place, place_of
from oneup_pinterest.database.rename_detection import find_renames
from oneup_pinterest.database.schema import (
    EXTRACTED_AT,
    PIN_ATTRIBUTES,
    PIN_COUNTERS,
    STREAMS,
    TABLES,
    TableSchema,
    quoted,
)
from oneup_pinterest.database.selection import select_rows
from oneup_pinterest.database.stored_tables import HistoryFile, find_tables, registered_tables
from oneup_pinterest.database.views import create_views, has_pin_tables
from oneup_pinterest.errors import UserError
from oneup_pinterest.formatting import format_count

Database = str | Path | Lake | HistoryFile


@contextmanager
def open_history(database: Database) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open a database read-only, with each table of `TABLES` as a view with its columns and types.

    Hold the connection briefly: no sync can write into the file meanwhile.

    Raises:
        UserError: as `place_of` and `connect_lake`; or the file does not exist, is not a DuckDB database or is damaged;
            a newer DuckDB or a newer version of this kit wrote it; a sync is writing it for longer than a short wait;
            it holds none of the streams under the chosen schemas and prefix; it can be read in more than one way; or
            as `database.selection.select_rows`.

    >>> import duckdb, tempfile
    >>> database = tempfile.mkdtemp() + "/history.duckdb"
    >>> with duckdb.connect(database) as connection:
    ...     _ = connection.execute("CREATE TABLE accounts AS SELECT 'pin_a' AS social_network_id, 'a' AS username")
    >>> with open_history(database) as history:
    ...     history.sql("SELECT username, is_expired FROM accounts").fetchall()
    [('a', None)]
    """
    path = place_of(database)
    connection = _connect(path)
    try:
        with explain_database_errors(path, to_write=False):
            connection.execute("SET TimeZone = 'UTC'")
            read_schema_version(connection, path)
            schemas, prefix = (database.schemas, database.prefix) if isinstance(database, HistoryFile) else ((), None)
            if isinstance(path, Lake):
                schemas, prefix = ["main"], ""
            tables = find_tables(connection, str(path), schemas, prefix)
            if isinstance(path, Lake):
                tables = [table for table in tables if table.relation not in (PIN_ATTRIBUTES, PIN_COUNTERS)]
            if not any(table.relation in STREAMS for table in tables):
                names = ", ".join(STREAMS)
                raise UserError(
                    f"{path} holds none of the streams ({names}): sync into it first, or name another file."
                )
            create_views(connection, tables, find_renames(connection, tables))
            if isinstance(database, HistoryFile) and database.is_restricted:
                select_rows(connection, database)
            yield connection
    finally:
        connection.close()


def _connect(place: Place) -> duckdb.DuckDBPyConnection:
    if isinstance(place, Lake):
        return connect_lake(place)
    if not place.is_file():
        what = "is a folder" if place.is_dir() else "does not exist"
        raise UserError(
            f"{place} {what}: name the DuckDB file with --database, or make one with `oneup-pinterest sync`.", 2
        )
    return connect_waiting(place, lambda: duckdb.connect(place, read_only=True), to_write=False)


class DataWindow(NamedTuple):
    """What a database covers. The snapshot of a day has the figures up to the day before it."""

    first_day: date | None
    last_day: date | None
    snapshot_days: int
    accounts: int
    pins: int
    last_extracted: datetime | None

    def __str__(self) -> str:
        if self.first_day is None or self.last_day is None:
            return f"No snapshot yet; {format_count(self.accounts, 'account')}."
        return (
            f"{format_count(self.snapshot_days, 'daily snapshot')} from {self.first_day} to {self.last_day}: "
            f"{format_count(self.pins, 'pin')} of {format_count(self.accounts, 'account')}."
        )


def read_relation(
    history: duckdb.DuckDBPyConnection,
    name: str,
    accounts: Accounts = None,
    since: date | None = None,
    until: date | None = None,
    columns: Collection[str] | None = None,
) -> pl.DataFrame:
    """Return a table of `TABLES` as a frame, from a connection that `open_history` returned.

    Read several tables over one connection to see them at one moment. `columns`: only these (default: all).

    >>> import duckdb, tempfile
    >>> database = tempfile.mkdtemp() + "/history.duckdb"
    >>> with duckdb.connect(database) as connection:
    ...     _ = connection.execute("CREATE TABLE accounts AS SELECT 'pin_a' AS social_network_id")
    >>> with open_history(database) as history:
    ...     read_relation(history, "accounts").height, read_relation(history, "pins").height
    (1, 0)
    """
    relation = TABLES[name]
    wanted = [column for column in relation.columns if columns is None or column in columns]
    ids = account_ids(history, accounts)
    if name == "pins" and has_pin_tables(history):
        return _pins_of_two_tables(history, wanted, ids, since, until)
    order = ", ".join(map(quoted, relation.key))
    where, values = _where(relation, ids, since, until)
    return to_polars(
        history.sql(f"SELECT {_column_list(wanted)} FROM {quoted(name)}{where} ORDER BY {order}", params=values)
    )


def read_newest_periods(
    history: duckdb.DuckDBPyConnection,
    name: str,
    accounts: Accounts = None,
    since: date | None = None,
    until: date | None = None,
    columns: Collection[str] | None = None,
) -> pl.DataFrame:
    """Return the rows of the newest period of each account and preset, from a table of periods with presets.

    The parameters are those of `read_relation`. Older periods, which are most of such a table, are not read.

    >>> import duckdb, tempfile
    >>> database = tempfile.mkdtemp() + "/history.duckdb"
    >>> with duckdb.connect(database) as connection:
    ...     _ = connection.execute("CREATE TABLE post_performance AS SELECT 'pin_a' AS social_network_id, "
    ...         "DATE '2026-03-01' + day::INTEGER AS period_end, 1 AS position FROM range(3) AS days(day)")
    >>> with open_history(database) as history:
    ...     read_newest_periods(history, "post_performance")["period_end"].to_list()
    [datetime.date(2026, 3, 3)]
    """
    relation = TABLES[name]
    wanted = [column for column in relation.columns if columns is None or column in columns]
    where, values = _where(relation, account_ids(history, accounts), since, until)
    newest = f"SELECT social_network_id, preset, max(period_end) AS period_end FROM {quoted(name)}{where} GROUP BY ALL"
    return to_polars(
        history.sql(
            f"SELECT {_column_list(wanted)} FROM {quoted(name)} AS every SEMI JOIN ({newest}) AS newest ON "
            "every.social_network_id = newest.social_network_id AND every.preset IS NOT DISTINCT FROM newest.preset "
            f"AND every.period_end = newest.period_end ORDER BY {', '.join(map(quoted, relation.key))}",
            params=values,
        )
    )


def read_window(history: duckdb.DuckDBPyConnection) -> DataWindow:
    """Return what a database covers, from a connection that `open_history` returned."""
    days = "SELECT DISTINCT snapshot_date FROM pins UNION SELECT DISTINCT snapshot_date FROM account_followers"
    ids = " UNION ".join(f"SELECT DISTINCT social_network_id FROM {quoted(stream)}" for stream in STREAMS)
    at = f"coalesce(max({EXTRACTED_AT}) FILTER (WHERE {EXTRACTED_AT} <= $clock), max({EXTRACTED_AT}))"
    times = " UNION ALL ".join(f"SELECT {at} AS extracted FROM {quoted(stream)}" for stream in STREAMS)
    row = history.execute(
        f"SELECT *, (SELECT count(social_network_id) FROM ({ids})), (SELECT count(*) FROM pins_latest), "
        "(SELECT coalesce(max(extracted) FILTER (WHERE extracted <= $clock), max(extracted)) FROM ("
        f"{times})) FROM (SELECT min(snapshot_date), max(snapshot_date), count(DISTINCT snapshot_date) FROM ({days}))",
        {"clock": (utc_now() + CLOCK_TOLERANCE).replace(tzinfo=None)},
    ).fetchall()[0]
    return DataWindow(*row)


def _pins_of_two_tables(
    history: duckdb.DuckDBPyConnection,
    wanted: Sequence[str],
    accounts: Sequence[str] | None,
    since: date | None,
    until: date | None,
) -> pl.DataFrame:
    """Return `pins` of a file of ours, with its texts read once per pin instead of once per row.

    That takes a fifth of the time and half of the memory (`benchmarks/growth.py`).
    """
    stored, relation = {table.relation: table.columns for table in registered_tables(history)}, TABLES["pins"]
    of_pin, of_day = ([name for name in wanted if name in stored[table]] for table in (PIN_ATTRIBUTES, PIN_COUNTERS))
    where, values = _where(relation._replace(date=None), accounts)
    place = "row_number() OVER (ORDER BY social_network_id, id) - 1 AS pin"
    numbers = f"SELECT pin_key, {place} FROM {PIN_ATTRIBUTES}{where}"
    texts = to_polars(
        history.sql(
            f"SELECT {_column_list(of_pin)} FROM {PIN_ATTRIBUTES}{where} ORDER BY social_network_id, id", params=values
        )
    )
    within, days = _where(relation, None, since, until)
    rows = to_polars(
        history.sql(
            f"SELECT pin, {_column_list(of_day)} FROM {PIN_COUNTERS} JOIN ({numbers}) USING (pin_key){within} "
            "ORDER BY pin, snapshot_date",
            params=[*values, *days],
        )
    ).rechunk()
    nulls = {name: pl.lit(None, dtype) for name, dtype in relation.schema.items() if name not in (*of_pin, *of_day)}
    return rows.with_columns(texts[rows["pin"]].get_columns()).with_columns(**nulls).select(wanted)


def _where(
    relation: TableSchema, accounts: Sequence[str] | None, since: date | None = None, until: date | None = None
) -> tuple[str, list[object]]:
    """Return an SQL condition with its values."""
    conditions: list[str] = []
    values: list[object] = []
    if accounts is not None:
        conditions.append("social_network_id IN (SELECT unnest(?::VARCHAR[]))")
        values.append(list(accounts))
    for day, sign in ((since, ">="), (until, "<=")):
        if day is not None and relation.date is not None:
            conditions.append(f"{relation.date} {sign} ?::DATE")
            values.append(day)
    return f" WHERE {' AND '.join(conditions)}" if conditions else "", values


def _column_list(columns: Iterable[str]) -> str:
    return ", ".join(map(quoted, columns))
