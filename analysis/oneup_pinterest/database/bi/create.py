"""Create the views for BI in the file, and keep what they need to know of renamed accounts."""

from collections.abc import Sequence

import duckdb

from oneup_pinterest.database.bi.columns import BI_VIEWS
from oneup_pinterest.database.bi.statements import bi_views
from oneup_pinterest.database.column_types import TIME
from oneup_pinterest.database.comments import replace_view
from oneup_pinterest.database.renames import Rename, newest_ids
from oneup_pinterest.database.schema import EXTRACTED_AT, PIN_ATTRIBUTES, PIN_COUNTERS, STREAMS, TABLES

RENAMES = "_renames"


def create_bi_views(connection: duckdb.DuckDBPyConnection) -> None:
    """Create the views for BI in the connection's file, unless they are there as this version makes them.

    A file without pins gets none until pins are synced. To create them takes a fifth of a second.
    """
    tables = _usable_tables(connection)
    if not {PIN_ATTRIBUTES, PIN_COUNTERS} <= tables:
        return
    create_renames(connection)
    for name, query in bi_views(tables).items():
        replace_view(connection, name, query, BI_VIEWS[name][0])


def create_renames(connection: duckdb.DuckDBPyConnection) -> None:
    """Create the table of renamed accounts unless it exists."""
    connection.execute(
        f"CREATE TABLE IF NOT EXISTS {RENAMES} "
        "(social_network_id VARCHAR, newest_id VARCHAR, place INTEGER, pin_ids MAP(VARCHAR, VARCHAR))"
    )


def _usable_tables(connection: duckdb.DuckDBPyConnection) -> set[str]:
    """Return the tables of pins, and those of the streams whose columns have the types of the schema."""
    stored: dict[str, set[tuple[str, str]]] = {}
    for table, column, kind in connection.execute(
        "SELECT table_name, column_name, data_type FROM duckdb_columns() JOIN duckdb_tables() "
        "USING (database_oid, schema_name, table_name) WHERE duckdb_columns.database_name = current_database() "
        "AND schema_name = 'main'"
    ).fetchall():
        stored.setdefault(table, set()).add((column, kind))
    named = {"accounts", "account_followers"}  # of the other streams, only the times of extraction are read
    return {
        table
        for table, columns in stored.items()
        if table in (PIN_ATTRIBUTES, PIN_COUNTERS)
        or (
            table in STREAMS
            and columns >= set(TABLES[table].columns.items() if table in named else [(EXTRACTED_AT, TIME)])
        )
    }


def write_renames(connection: duckdb.DuckDBPyConnection, renames: Sequence[Rename]) -> None:
    """Keep the renamed accounts for the views for BI, inside the open transaction."""
    newest = newest_ids(renames)
    rows = [
        (rename.older, newest[rename.older], place, list(rename.ids), list(rename.ids.values()))
        for place, rename in enumerate(renames)
    ]
    stored = f"SELECT * EXCLUDE (pin_ids), map_keys(pin_ids), map_values(pin_ids) FROM {RENAMES} ORDER BY place"
    if rows != connection.execute(stored).fetchall():
        connection.execute(f"DELETE FROM {RENAMES}")
        for row in rows:
            connection.execute(f"INSERT INTO {RENAMES} VALUES (?, ?, ?, map(?::VARCHAR[], ?::VARCHAR[]))", row)
