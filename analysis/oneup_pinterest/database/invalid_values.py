"""Find what is left out of the views: rows with impossible days, and values that are not of their column's type."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import NamedTuple

import duckdb

from oneup_pinterest.clock import utc_now
from oneup_pinterest.database.column_types import always_casts
from oneup_pinterest.database.schema import EXTRACTED_AT, PIN_COUNTERS, STREAMS, SYNC_RUNS, TABLES, quoted
from oneup_pinterest.database.stored_tables import StoredTable
from oneup_pinterest.database.table_sql import (
    cast_column,
    is_given,
    is_unreadable,
    qualified_name,
    required_columns,
)

FIRST_DAY = date(2010, 1, 1)  # Pinterest opened in that year
CLOCK_TOLERANCE = timedelta(days=1)  # somewhere it is already tomorrow
_DAYS = "temp.main._oneup_days"  # where an open connection keeps what `register_impossible_days` found


class ImpossibleDays(NamedTuple):
    """Rows of a table that are left out because their day is impossible, and the statement that deletes them."""

    relation: str
    rows: int
    first: date
    last: date
    place: str
    is_view: bool
    statement: str


class UnreadableValues(NamedTuple):
    """Values of a column (`table.column`) that are not of its type, with an example and a query that finds them.

    `example` is None where a part of the key is missing.
    """

    column: str
    type: str
    values: int
    rows: int
    example: str | None
    is_key: bool
    query: str


def last_possible_day(connection: duckdb.DuckDBPyConnection, tables: Sequence[StoredTable]) -> date:
    """Return the day after the newest extraction; extractions in the future count only if there are no others."""
    clock = (utc_now() + CLOCK_TOLERANCE).replace(tzinfo=None)
    ((database,),) = connection.execute("SELECT current_database()").fetchall()
    parts = [
        f"SELECT TRY_CAST({quoted(table.columns[EXTRACTED_AT])} AS TIMESTAMP) AS extracted "
        f"FROM {qualified_name(database, table)}"
        for table in _dated_tables(tables)
        if EXTRACTED_AT in table.columns
    ]
    newest = None
    if parts:
        maxima = " UNION ALL ".join(
            "SELECT max(extracted) FILTER (WHERE extracted <= $clock) AS past, "
            f"max(extracted) FILTER (WHERE isfinite(extracted)) AS latest FROM ({part})"
            for part in parts
        )
        ((newest,),) = connection.execute(
            f"SELECT coalesce(max(past), max(latest)) FROM ({maxima})", {"clock": clock}
        ).fetchall()
    return (
        newest.date() + CLOCK_TOLERANCE
        if isinstance(newest, datetime) and newest.year < date.max.year
        else clock.date()
    )


def register_impossible_days(
    connection: duckdb.DuckDBPyConnection, tables: Sequence[StoredTable], last_day: date
) -> list[ImpossibleDays]:
    """Return the rows with a day before Pinterest opened or after `last_day`, and keep them with the connection."""
    ((database,),) = connection.execute("SELECT current_database()").fetchall()
    connection.execute(
        f"CREATE TEMP TABLE {_DAYS.rpartition('.')[2]} (relation VARCHAR, rows BIGINT, first DATE, last DATE, "
        "place VARCHAR, is_view BOOLEAN, statement VARCHAR)"
    )
    found = []
    for table in _dated_tables(tables):
        name = "pins" if table.relation == PIN_COUNTERS else table.relation
        relation = TABLES.get(name)
        if relation is None or relation.date is None or relation.date not in table.columns:
            continue
        day = cast_column(relation, table, relation.date)
        outside = f"{day} NOT BETWEEN DATE '{FIRST_DAY}' AND DATE '{last_day}'"
        rows, first, last = connection.execute(
            f"SELECT count(*), min({day}), max({day}) FROM {qualified_name(database, table)} WHERE {outside}"
        ).fetchall()[0]
        if rows:
            statement = f"DELETE FROM {table.place} WHERE {outside};"
            found.append(ImpossibleDays(name, rows, first, last, table.place, table.is_view, statement))
            connection.execute(f"INSERT INTO {_DAYS} VALUES (?, ?, ?, ?, ?, ?, ?)", list(found[-1]))
    return found


def registered_impossible_days(connection: duckdb.DuckDBPyConnection) -> list[ImpossibleDays]:
    """Return the impossible days that are left out of the views of a connection from `open_history`."""
    return [ImpossibleDays(*row) for row in connection.execute(f"FROM {_DAYS}").fetchall()]


def find_unreadable_values(
    connection: duckdb.DuckDBPyConnection, tables: Sequence[StoredTable]
) -> list[UnreadableValues]:
    """Return the values that are not of their column's type, and the rows whose key is incomplete.

    Columns whose stored type always fits are skipped, and so are keys of our own files. Each table is read once and
    not kept in memory.
    """
    ours = {table.schema for table in tables if table.relation == SYNC_RUNS}
    ((database,),) = connection.execute("SELECT current_database()").fetchall()
    found = []
    for table in tables:
        relation = TABLES.get(table.relation)
        if relation is None or not table.is_read:
            continue
        tests = [
            (name, False, is_unreadable(relation, table, name))
            for name in relation.columns
            if name in table.columns and not always_casts(table.types[name], relation.columns[name])
        ]
        if table.schema not in ours:
            tests += [
                (name, True, f"NOT ({is_given(relation, table, name)})") for name in required_columns(relation, table)
            ]
        if not tests:
            continue
        counts = ", ".join(
            f"count(*) FILTER (WHERE {test}), "
            f"min(left(CAST({quoted(table.columns[name])} AS VARCHAR), 40)) FILTER (WHERE {test})"
            for name, _, test in tests
        )
        rows, *numbers = connection.execute(
            f"SELECT count(*), {counts} FROM {qualified_name(database, table)}"
        ).fetchall()[0]
        for (name, is_absent, test), values, example in zip(tests, numbers[::2], numbers[1::2], strict=True):
            if values:
                query = f"FROM {table.place} WHERE {test}"
                found.append(
                    UnreadableValues(
                        f"{table.place}.{table.columns[name]}",
                        relation.columns[name],
                        values,
                        rows,
                        None if is_absent else example,
                        name in relation.key,
                        query,
                    )
                )
    return found


def _dated_tables(tables: Sequence[StoredTable]) -> list[StoredTable]:
    """Return the tables of the streams; of pins in two tables the one with the days, because `pins` is then a join."""
    split = {table.schema for table in tables if table.relation == PIN_COUNTERS}
    return [
        table
        for table in tables
        if table.relation == PIN_COUNTERS
        or (table.relation in STREAMS and not (table.relation == "pins" and table.schema in split))
    ]
