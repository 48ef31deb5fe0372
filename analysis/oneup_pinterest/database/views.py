"""The relations of the contract as views over the tables of a file, whoever wrote it."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import NamedTuple

import duckdb

from oneup_pinterest.clock import utc_now
from oneup_pinterest.database.column_types import NUMBER, TEXT, always_casts
from oneup_pinterest.database.renames import Rename, keep_renames, under_new_ids
from oneup_pinterest.database.schema import (
    EXTRACTED_AT,
    PIN_ATTRIBUTES,
    PIN_COUNTERS,
    STREAMS,
    SYNC_RUNS,
    TABLES,
    TableSchema,
    quoted,
)
from oneup_pinterest.database.sources import Table, keep_tables

FIRST_DAY = date(2010, 1, 1)  # Pinterest opened in that year
AHEAD = timedelta(days=1)  # somewhere it is tomorrow already
_DAYS = "temp.main._oneup_days"  # where an open connection keeps what `_impossible_days` found
_MAY_BE_NULL = ("preset",)  # of the columns of keys


class ImpossibleDays(NamedTuple):
    """Rows of a table that are left out, because their day cannot be: how many, and the statement to delete them."""

    relation: str
    rows: int
    first: date
    last: date
    place: str
    is_view: bool
    statement: str


class Unreadable(NamedTuple):
    """Values of a column (`table.column`) that are not of its type, with an example, and a query that finds them.

    There is no example where what is missing is a part of the key.
    """

    column: str
    type: str
    values: int
    rows: int
    example: str | None
    is_key: bool
    query: str


def create_views(
    connection: duckdb.DuckDBPyConnection, tables: Sequence[Table], renames: Sequence[Rename] = ()
) -> None:
    """Create one temporary view per relation: always there, always with the contract's columns and types.

    A relation that the file lacks is an empty view. Tables of several schemas are one relation. Except in a file
    of ours, rows of the same key are reduced to the newest, because other tools may append instead of replacing.
    Rows whose day cannot be are left out. The rows of an account that was renamed have its new id: here, and nowhere
    else, the older account is taken for the newer one.
    """
    keep_tables(connection, tables)
    keep_renames(connection, renames)
    read = [table for table in tables if table.is_read]
    ours = any(table.relation == SYNC_RUNS for table in read) and len({table.schema for table in read}) == 1
    last_day = _last_possible_day(connection, read)
    impossible = _impossible_days(connection, read, last_day)
    limit = last_day if impossible else None
    ((database,),) = connection.execute("SELECT current_database()").fetchall()
    for name, relation in TABLES.items():
        held = [table for table in read if table.relation == name]
        pins = [table for table in read if table.relation == "pins"]
        if name == "pins_latest" and pins and (impossible or not held or not ours or renames):
            body = _newest(relation, f"FROM temp.main.{quoted('pins')}", relation.columns)
        else:
            body = _body(name, relation, database, held, deduplicate=not ours, limit=limit)
            if renames and held and name != SYNC_RUNS:
                body = under_new_ids(body, relation.key)
        connection.execute(f"CREATE TEMP VIEW {quoted(name)} AS {body}")
    if ours and not renames:
        for table in read:
            if table.relation in (PIN_ATTRIBUTES, PIN_COUNTERS):
                chosen = _select("pins", database, table, limit, only_stored=True)
                connection.execute(f"CREATE TEMP VIEW {table.relation} AS {chosen}")


def has_pin_tables(connection: duckdb.DuckDBPyConnection) -> bool:
    """Whether the views `_pin_attributes` and `_pin_counters` are there: in a file of ours that holds nothing else, and
    no renamed account."""
    found = connection.execute(
        "SELECT count(*) FROM duckdb_views() WHERE temporary AND view_name IN (?, ?)", [PIN_ATTRIBUTES, PIN_COUNTERS]
    ).fetchall()
    return found == [(2,)]


def impossible_days(connection: duckdb.DuckDBPyConnection) -> list[ImpossibleDays]:
    """What was left out of the relations of a connection that `open_history` gave."""
    return [ImpossibleDays(*row) for row in connection.execute(f"FROM {_DAYS}").fetchall()]


def unreadable_values(connection: duckdb.DuckDBPyConnection, tables: Sequence[Table]) -> list[Unreadable]:
    """Count the values of each column that are not of the contract's type, and the rows whose key is not complete.

    Only columns whose stored type has values that do not fit are looked at, and keys of files of ours are always
    complete. Each table is read once, and nothing of it is kept in memory.
    """
    ours = {table.schema for table in tables if table.relation == SYNC_RUNS}
    ((database,),) = connection.execute("SELECT current_database()").fetchall()
    found = []
    for table in tables:
        relation = TABLES.get(table.relation)
        if relation is None or not table.is_read:
            continue
        tests = [
            (name, False, _is_unreadable(relation, table, name))
            for name in relation.columns
            if name in table.columns and not always_casts(table.types[name], relation.columns[name])
        ]
        if table.schema not in ours:
            tests += [(name, True, f"NOT ({_is_given(relation, table, name)})") for name in _needed(relation, table)]
        if not tests:
            continue
        counts = ", ".join(
            f"count(*) FILTER (WHERE {test}), "
            f"min(left(CAST({quoted(table.columns[name])} AS VARCHAR), 40)) FILTER (WHERE {test})"
            for name, _, test in tests
        )
        rows, *numbers = connection.execute(f"SELECT count(*), {counts} FROM {_source(database, table)}").fetchall()[0]
        for (name, is_absent, test), values, example in zip(tests, numbers[::2], numbers[1::2], strict=True):
            if values:
                query = f"FROM {table.place} WHERE {test}"
                found.append(
                    Unreadable(
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


def _last_possible_day(connection: duckdb.DuckDBPyConnection, tables: Sequence[Table]) -> date:
    """A day after the newest extraction; extractions later than the clock count only where there are no others."""
    clock = (utc_now() + AHEAD).replace(tzinfo=None)
    ((database,),) = connection.execute("SELECT current_database()").fetchall()
    parts = [
        f"SELECT TRY_CAST({quoted(table.columns[EXTRACTED_AT])} AS TIMESTAMP) AS extracted "
        f"FROM {_source(database, table)}"
        for table in _dated(tables)
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
    return newest.date() + AHEAD if isinstance(newest, datetime) and newest.year < date.max.year else clock.date()


def _impossible_days(
    connection: duckdb.DuckDBPyConnection, tables: Sequence[Table], last_day: date
) -> list[ImpossibleDays]:
    ((database,),) = connection.execute("SELECT current_database()").fetchall()
    connection.execute(
        f"CREATE TEMP TABLE {_DAYS.rpartition('.')[2]} (relation VARCHAR, rows BIGINT, first DATE, last DATE, "
        "place VARCHAR, is_view BOOLEAN, statement VARCHAR)"
    )
    found = []
    for table in _dated(tables):
        name = "pins" if table.relation == PIN_COUNTERS else table.relation
        relation = TABLES.get(name)
        if relation is None or relation.date is None or relation.date not in table.columns:
            continue
        day = _cast(relation, table, relation.date)
        outside = f"{day} NOT BETWEEN DATE '{FIRST_DAY}' AND DATE '{last_day}'"
        rows, first, last = connection.execute(
            f"SELECT count(*), min({day}), max({day}) FROM {_source(database, table)} WHERE {outside}"
        ).fetchall()[0]
        if rows:
            statement = f"DELETE FROM {table.place} WHERE {outside};"
            found.append(ImpossibleDays(name, rows, first, last, table.place, table.is_view, statement))
            connection.execute(f"INSERT INTO {_DAYS} VALUES (?, ?, ?, ?, ?, ?, ?)", list(found[-1]))
    return found


def _dated(tables: Sequence[Table]) -> list[Table]:
    """The tables of the streams; of pins in two tables the one that has the days, because `pins` is then a join."""
    split = {table.schema for table in tables if table.relation == PIN_COUNTERS}
    return [
        table
        for table in tables
        if table.relation == PIN_COUNTERS
        or (table.relation in STREAMS and not (table.relation == "pins" and table.schema in split))
    ]


def _body(
    name: str, relation: TableSchema, database: str, tables: Sequence[Table], *, deduplicate: bool, limit: date | None
) -> str:
    if not tables:
        nothing = ", ".join(f"NULL::{kind} AS {quoted(column)}" for column, kind in relation.columns.items())
        return f"SELECT {nothing} WHERE false"
    columns = [column for column in relation.columns if any(column in table.columns for table in tables)]
    if len(tables) == 1:
        body = _select(name, database, tables[0], limit)
        return _newest(relation, f"FROM ({body})", columns) if deduplicate else body
    kinds: dict[str, set[str]] = {}
    for table in tables:
        for column, kind in table.types.items():
            kinds.setdefault(column, set()).add(kind)
    differing = {column for column, types in kinds.items() if len(types) > 1}
    body = " UNION ALL BY NAME ".join(
        f"SELECT *, {number} AS _oneup_source FROM ({_select(name, database, table, limit, as_text=differing)})"
        for number, table in enumerate(tables)
    )
    return _newest(relation, f"FROM ({body})", [*columns, "_oneup_source"])


def _newest(relation: TableSchema, source: str, columns: Sequence[str] | dict[str, str]) -> str:
    """Of rows with the same key the one that was extracted last."""
    newest = [
        quoted(c) for c in (relation.date, EXTRACTED_AT) if c is not None and c in columns and c not in relation.key
    ]
    order = [f"{column} DESC NULLS LAST" for column in newest]
    left_out = ""
    if "_oneup_source" in columns:
        order.append("_oneup_source")
        left_out = " EXCLUDE (_oneup_source)"
    ordered = f" ORDER BY {', '.join(order)}" if order else ""
    key = ", ".join(quoted(column) for column in relation.key)
    return f"SELECT *{left_out} {source} QUALIFY row_number() OVER (PARTITION BY {key}{ordered}) = 1"


def _select(
    name: str,
    database: str,
    table: Table,
    limit: date | None,
    *,
    only_stored: bool = False,
    as_text: frozenset[str] | set[str] = frozenset(),
) -> str:
    """A table's rows with the relation's columns; those that it lacks are null, or left out."""
    relation = TABLES[name]
    selected = [
        f"{_cast(relation, table, column)} AS {quoted(column)}"
        if column in table.columns
        else f"NULL::{kind} AS {quoted(column)}"
        for column, kind in relation.columns.items()
        if column in table.columns or not only_stored
    ]
    for column, stored in table.columns.items():
        if column not in relation.columns and not column.lower().startswith("_airbyte_"):
            selected.append(f"{quoted(stored)}::VARCHAR AS {quoted(column)}" if column in as_text else quoted(stored))
    conditions = [f"{_cast(relation, table, column)} IS NOT NULL" for column in _needed(relation, table)]
    if limit is not None and relation.date is not None and relation.date in table.columns:
        day = _cast(relation, table, relation.date)
        conditions.append(f"({day} IS NULL OR {day} BETWEEN DATE '{FIRST_DAY}' AND DATE '{limit}')")
    where = f" WHERE {' AND '.join(conditions)}" if conditions else ""
    return f"SELECT {', '.join(selected)} FROM {_source(database, table)}{where}"


def _cast(relation: TableSchema, table: Table, column: str) -> str:
    # a value that does not fit is unknown, as everywhere: null is not zero
    stored, kind = quoted(table.columns[column]), relation.columns[column]
    cast = stored if table.types[column] == kind else f"TRY_CAST({stored} AS {kind})"
    return f"CASE WHEN isfinite({cast}) THEN {cast} END" if kind == NUMBER else cast


def _needed(relation: TableSchema, table: Table) -> list[str]:
    """The columns of the key without which a row says nothing."""
    return [name for name in relation.key if name in table.columns and name not in _MAY_BE_NULL]


def _is_unreadable(relation: TableSchema, table: Table, column: str) -> str:
    return f"{_is_given(relation, table, column)} AND {_cast(relation, table, column)} IS NULL"


def _is_given(relation: TableSchema, table: Table, column: str) -> str:
    """Whether there is a value; a blank text where no text belongs is none."""
    stored = quoted(table.columns[column])
    blank = table.types[column] == TEXT and relation.columns[column] != TEXT
    return f"coalesce(trim({stored}) <> '', false)" if blank else f"{stored} IS NOT NULL"


def _source(database: str, table: Table) -> str:
    return f"{quoted(database)}.{quoted(table.schema)}.{quoted(table.name)}"  # in full, or a view would find itself
