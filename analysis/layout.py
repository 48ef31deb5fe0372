"""The layout of a file that `sync` made: its number, whether this kit knows it, and how an older one becomes today's.

A released layout changes only by a migration here and a fixture in integration_tests/layouts; docs/database.md tells
the steps.
"""

from collections.abc import Callable, Mapping
from pathlib import Path

import duckdb

from analysis.errors import UserError
from analysis.listings import create_listings, take_over_listings

TABLE = "_layout"


def _add_number(connection: duckdb.DuckDBPyConnection) -> None:
    """A new file, or one of a build before 0.1.0: those have the tables of layout 1, but no number."""
    connection.execute(f"CREATE TABLE {TABLE} (version INTEGER)")
    connection.execute(f"INSERT INTO {TABLE} VALUES (0)")


def _add_listings(connection: duckdb.DuckDBPyConnection) -> None:
    """Layout 2: which key listed which accounts. A state has entries per account and preset, and the day from which
    each was read."""
    create_listings(connection)
    take_over_listings(connection)


MIGRATIONS: Mapping[int, Callable[[duckdb.DuckDBPyConnection], None]] = {
    0: _add_number,
    1: _add_listings,
}  # from which layout → what
LAYOUT = len(MIGRATIONS)


def layout_of(connection: duckdb.DuckDBPyConnection, path: Path) -> int:
    """The layout of the connection's file; 0 where it has no number, as in another destination's file.

    Raises:
        UserError: a newer version of this kit wrote it.
    """
    there = connection.execute(
        "SELECT 1 FROM duckdb_tables() WHERE database_name = current_database() AND schema_name = 'main' "
        f"AND table_name = '{TABLE}'"
    ).fetchone()
    row = connection.execute(f"SELECT max(version) FROM main.{TABLE}").fetchone() if there else None
    version = int(row[0]) if row and row[0] is not None else 0
    if version > LAYOUT:
        raise UserError(
            f"{path} was written by a newer version of this kit (layout {version}; this one knows up to {LAYOUT}): "
            "upgrade source-oneup-pinterest. The file is as it was."
        )
    return version


def migrate(connection: duckdb.DuckDBPyConnection, path: Path) -> None:
    """Brings a file to today's layout, inside the open transaction, so that it is wholly done or not at all.

    Raises:
        UserError: as `layout_of`.
    """
    version = layout_of(connection, path)
    for older in range(version, LAYOUT):
        MIGRATIONS[older](connection)
    if version < LAYOUT:
        connection.execute(f"UPDATE {TABLE} SET version = {LAYOUT}")
