"""The layout of a file that `sync` made: its number, whether this kit knows it, and how an older one becomes today's.

A released layout changes only by a migration here and a fixture in `integration_tests/schema_versions`;
docs/database.md has the steps.
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path

import duckdb

from oneup_pinterest.clock import utc_now
from oneup_pinterest.database.listings import create_listings, take_over_listings
from oneup_pinterest.database.schema import EXTRACTED_AT, SYNC_RUNS
from oneup_pinterest.errors import UserError

TABLE = "_layout"
PERIODS = {  # stream → what of its key a period is
    "overview_metrics": ("social_network_id", "preset", "period_end"),
    "post_performance": ("social_network_id", "preset", "period_end"),
    "pin_totals": ("social_network_id", "period_start", "period_end"),
}


def _add_number(connection: duckdb.DuckDBPyConnection) -> None:
    """A new file, or one of a build before 0.1.0: those have the tables of layout 1, but no number."""
    connection.execute(f"CREATE TABLE {TABLE} (version INTEGER)")
    connection.execute(f"INSERT INTO {TABLE} VALUES (0)")


def _to_layout_2(connection: duckdb.DuckDBPyConnection) -> None:
    """Layout 2: which key listed which accounts; a state has entries per account and preset, and the day from which
    each was read."""
    create_listings(connection)
    take_over_listings(connection)
    _replace_whole_periods(connection)
    _note_end_of_layout_1(connection)


def _replace_whole_periods(connection: duckdb.DuckDBPyConnection) -> None:
    """Remove rows of a period that are older than the run which read the period last.

    In layout 1, a list that came again shorter left its last positions beside the new ones.
    """
    tables = connection.execute(
        "SELECT table_name FROM duckdb_tables() WHERE database_name = current_database() AND schema_name = 'main'"
    ).fetchall()
    if (SYNC_RUNS,) not in tables:
        return
    for table, scope in PERIODS.items():
        if (table,) in tables:
            columns = ", ".join(scope)
            connection.execute(
                f"DELETE FROM {table} AS stored USING (SELECT {columns}, max({EXTRACTED_AT}) AS newest FROM {table} "
                f"GROUP BY {columns}) AS last WHERE {' AND '.join(f'stored.{name} = last.{name}' for name in scope)} "
                f"AND EXISTS (FROM {SYNC_RUNS} WHERE started_at > stored.{EXTRACTED_AT} AND started_at <= last.newest)"
            )


def _note_end_of_layout_1(connection: duckdb.DuckDBPyConnection) -> None:
    """Keep until when an older version wrote into the file, because it let the file's path replace values."""
    until = f"TIMESTAMP '{utc_now():%Y-%m-%d %H:%M:%S.%f}'" if _has(connection, SYNC_RUNS) else "NULL::TIMESTAMP"
    connection.execute(f"CREATE OR REPLACE TABLE {TABLE} AS SELECT version, {until} AS layout_1_until FROM {TABLE}")


MIGRATIONS: Mapping[int, Callable[[duckdb.DuckDBPyConnection], None]] = {
    0: _add_number,
    1: _to_layout_2,
}  # from which layout → what
LAYOUT = len(MIGRATIONS)


def layout_of(connection: duckdb.DuckDBPyConnection, path: Path) -> int:
    """The layout of the connection's file; 0 where it has no number, as in another destination's file.

    Raises:
        UserError: a newer version of this kit wrote it.
    """
    there = _has(connection, TABLE)
    row = connection.execute(f"SELECT max(version) FROM main.{TABLE}").fetchone() if there else None
    version = int(row[0]) if row and row[0] is not None else 0
    if version > LAYOUT:
        raise UserError(
            f"{path} was written by a newer version of this kit (layout {version}; this one knows up to {LAYOUT}): "
            "upgrade source-oneup-pinterest. The file is as it was."
        )
    return version


def end_of_layout_1(connection: duckdb.DuckDBPyConnection, path: Path) -> datetime | None:
    """Until when a version that knew no layout beyond 1 wrote into the connection's file; None where none did.

    Raises:
        UserError: as `layout_of`.
    """
    if not _has(connection, SYNC_RUNS):  # no sync of ours wrote it
        return None
    if layout_of(connection, path) < 2:
        return datetime.max
    row = connection.execute(f"SELECT max(layout_1_until) FROM main.{TABLE}").fetchone()
    return row[0] if row else None


def _has(connection: duckdb.DuckDBPyConnection, table: str) -> bool:
    """Whether the connection's file has a table of that name in schema `main`."""
    found = connection.execute(
        "SELECT 1 FROM duckdb_tables() WHERE database_name = current_database() AND schema_name = 'main' "
        "AND table_name = ?",
        [table],
    ).fetchone()
    return found is not None


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
