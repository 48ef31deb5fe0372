"""Create the views that readers see: the tables of `TABLES`, over the tables of a file, whoever wrote it."""

from collections.abc import Sequence
from datetime import date

import duckdb

from oneup_pinterest.database.invalid_values import FIRST_DAY, last_possible_day, register_impossible_days
from oneup_pinterest.database.renames import Rename, register_renames, with_newest_ids
from oneup_pinterest.database.schema import (
    EXTRACTED_AT,
    PIN_ATTRIBUTES,
    PIN_COUNTERS,
    SYNC_RUNS,
    TABLES,
    TableSchema,
    quoted,
)
from oneup_pinterest.database.stored_tables import StoredTable, register_tables
from oneup_pinterest.database.table_sql import cast_column, qualified_name, required_columns


def create_views(
    connection: duckdb.DuckDBPyConnection, tables: Sequence[StoredTable], renames: Sequence[Rename] = ()
) -> None:
    """Create one temporary view per table of `TABLES`, always with its columns and types.

    A table that the file lacks becomes an empty view, and tables of several schemas become one view. Rows with an
    impossible day are left out. Only the newest row of a key is kept, except in a file of ours: other tools may append
    instead of replacing. Rows of a renamed account get its newest id; no other place maps one account to another.
    """
    register_tables(connection, tables)
    register_renames(connection, renames)
    read = [table for table in tables if table.is_read]
    ours = any(table.relation == SYNC_RUNS for table in read) and len({table.schema for table in read}) == 1
    last_day = last_possible_day(connection, read)
    impossible = register_impossible_days(connection, read, last_day)
    limit = last_day if impossible else None
    ((database,),) = connection.execute("SELECT current_database()").fetchall()
    for name, relation in TABLES.items():
        held = [table for table in read if table.relation == name]
        pins = [table for table in read if table.relation == "pins"]
        if name == "pins_latest" and pins and (impossible or not held or not ours or renames):
            body = newest_rows(relation, f"FROM temp.main.{quoted('pins')}", relation.columns)
        else:
            body = _body(name, relation, database, held, deduplicate=not ours, limit=limit)
            if renames and held and name != SYNC_RUNS:
                body = with_newest_ids(body, relation.key)
        connection.execute(f"CREATE TEMP VIEW {quoted(name)} AS {body}")
    if ours and not renames:
        for table in read:
            if table.relation in (PIN_ATTRIBUTES, PIN_COUNTERS):
                chosen = _select("pins", database, table, limit, only_stored=True)
                connection.execute(f"CREATE TEMP VIEW {table.relation} AS {chosen}")


def has_pin_tables(connection: duckdb.DuckDBPyConnection) -> bool:
    """Return whether the connection has the views `_pin_attributes` and `_pin_counters`.

    It has them for a file of ours that holds nothing else and no renamed account.
    """
    found = connection.execute(
        "SELECT count(*) FROM duckdb_views() WHERE temporary AND view_name IN (?, ?)", [PIN_ATTRIBUTES, PIN_COUNTERS]
    ).fetchall()
    return found == [(2,)]


def _body(
    name: str,
    relation: TableSchema,
    database: str,
    tables: Sequence[StoredTable],
    *,
    deduplicate: bool,
    limit: date | None,
) -> str:
    if not tables:
        nulls = ", ".join(f"NULL::{kind} AS {quoted(column)}" for column, kind in relation.columns.items())
        return f"SELECT {nulls} WHERE false"
    columns = [column for column in relation.columns if any(column in table.columns for table in tables)]
    if len(tables) == 1:
        body = _select(name, database, tables[0], limit)
        return newest_rows(relation, f"FROM ({body})", columns) if deduplicate else body
    kinds: dict[str, set[str]] = {}
    for table in tables:
        for column, kind in table.types.items():
            kinds.setdefault(column, set()).add(kind)
    differing = {column for column, types in kinds.items() if len(types) > 1}
    body = " UNION ALL BY NAME ".join(
        f"SELECT *, {number} AS _oneup_source FROM ({_select(name, database, table, limit, as_text=differing)})"
        for number, table in enumerate(tables)
    )
    return newest_rows(relation, f"FROM ({body})", [*columns, "_oneup_source"])


def newest_rows(relation: TableSchema, source: str, columns: Sequence[str] | dict[str, str] | None = None) -> str:
    """Return a query for the row of each key that was extracted last.

    `columns`: those that the source has (default: those of the schema).
    """
    columns = relation.columns if columns is None else columns
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
    table: StoredTable,
    limit: date | None,
    *,
    only_stored: bool = False,
    as_text: frozenset[str] | set[str] = frozenset(),
) -> str:
    """Return a query for a table's rows with the columns of the schema; missing ones are null, or left out."""
    relation = TABLES[name]
    selected = [
        f"{cast_column(relation, table, column)} AS {quoted(column)}"
        if column in table.columns
        else f"NULL::{kind} AS {quoted(column)}"
        for column, kind in relation.columns.items()
        if column in table.columns or not only_stored
    ]
    for column, stored in table.columns.items():
        if column not in relation.columns and not column.lower().startswith("_airbyte_"):
            selected.append(f"{quoted(stored)}::VARCHAR AS {quoted(column)}" if column in as_text else quoted(stored))
    conditions = [f"{cast_column(relation, table, column)} IS NOT NULL" for column in required_columns(relation, table)]
    if limit is not None and relation.date is not None and relation.date in table.columns:
        day = cast_column(relation, table, relation.date)
        conditions.append(f"({day} IS NULL OR {day} BETWEEN DATE '{FIRST_DAY}' AND DATE '{limit}')")
    where = f" WHERE {' AND '.join(conditions)}" if conditions else ""
    return f"SELECT {', '.join(selected)} FROM {qualified_name(database, table)}{where}"
