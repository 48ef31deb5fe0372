"""The schema version of a database that `sync` made, and the migrations from older versions.

A released schema changes only by a migration here and a fixture in `integration_tests/schema_versions`;
docs/database.md has the steps.
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from os import PathLike

import duckdb

from oneup_pinterest.clock import utc_now
from oneup_pinterest.database.listed_accounts import create_listed_accounts, fill_listed_accounts
from oneup_pinterest.database.schema import EXTRACTED_AT, PIN_COUNTERS, SYNC_RUNS, create_pin_images
from oneup_pinterest.errors import UserError

VERSION_TABLE = "_layout"
PERIOD_KEYS = {  # the part of a stream's key that identifies a period
    "overview_metrics": ("social_network_id", "preset", "period_end"),
    "post_performance": ("social_network_id", "preset", "period_end"),
    "pin_totals": ("social_network_id", "period_start", "period_end"),
}


def _add_version(connection: duckdb.DuckDBPyConnection) -> None:
    """Migrate a new file, or one of a build before 0.1.0, which has the tables of version 1 but no version."""
    connection.execute(f"CREATE TABLE {VERSION_TABLE} (version INTEGER)")
    connection.execute(f"INSERT INTO {VERSION_TABLE} VALUES (0)")


def _to_version_2(connection: duckdb.DuckDBPyConnection) -> None:
    """Migrate to version 2: listed accounts per key, states with the day they start from, and thumbnails of pins."""
    create_pin_images(connection)
    create_listed_accounts(connection)
    fill_listed_accounts(connection)
    _replace_whole_periods(connection)
    _record_end_of_version_1(connection)


def _replace_whole_periods(connection: duckdb.DuckDBPyConnection) -> None:
    """Delete rows of a period that are older than the run that read the period last.

    In version 1, a list that came again with fewer entries kept its old last positions.
    """
    tables = connection.execute(
        "SELECT table_name FROM duckdb_tables() WHERE database_name = current_database() AND schema_name = 'main'"
    ).fetchall()
    if (SYNC_RUNS,) not in tables:
        return
    for table, scope in PERIOD_KEYS.items():
        if (table,) in tables:
            columns = ", ".join(scope)
            connection.execute(
                f"DELETE FROM {table} AS stored USING (SELECT {columns}, max({EXTRACTED_AT}) AS newest FROM {table} "
                f"GROUP BY {columns}) AS last WHERE {' AND '.join(f'stored.{name} = last.{name}' for name in scope)} "
                f"AND EXISTS (FROM {SYNC_RUNS} WHERE started_at > stored.{EXTRACTED_AT} AND started_at <= last.newest)"
            )


def _record_end_of_version_1(connection: duckdb.DuckDBPyConnection) -> None:
    """Record until when an older version of this kit wrote into the file, which let its path replace values."""
    until = f"TIMESTAMP '{utc_now():%Y-%m-%d %H:%M:%S.%f}'" if _has_table(connection, SYNC_RUNS) else "NULL::TIMESTAMP"
    connection.execute(
        f"CREATE OR REPLACE TABLE {VERSION_TABLE} AS SELECT version, {until} AS layout_1_until FROM {VERSION_TABLE}"
    )


MIGRATIONS: Mapping[int, Callable[[duckdb.DuckDBPyConnection], None]] = {
    0: _add_version,
    1: _to_version_2,
}  # from this schema version to the next
SCHEMA_VERSION = len(MIGRATIONS)


def read_schema_version(connection: duckdb.DuckDBPyConnection, path: PathLike[str]) -> int:
    """Return the schema version of the connection's file; 0 where it has none, as in another destination's file.

    Raises:
        UserError: a newer version of this kit wrote it.
    """
    has_version = _has_table(connection, VERSION_TABLE)
    row = connection.execute(f"SELECT max(version) FROM main.{VERSION_TABLE}").fetchone() if has_version else None
    version = int(row[0]) if row and row[0] is not None else 0
    if version > SCHEMA_VERSION:
        raise UserError(
            f"{path} was written by a newer version of this kit (schema version {version}; this one supports up to "
            f"{SCHEMA_VERSION}): upgrade source-oneup-pinterest. The file was not changed."
        )
    return version


def end_of_version_1(connection: duckdb.DuckDBPyConnection, path: PathLike[str]) -> datetime | None:
    """Return until when a kit of schema version 1 wrote into the connection's file; None if none did.

    In a file that is still of version 1, that is `datetime.max`.

    Raises:
        UserError: as `read_schema_version`.
    """
    if not _has_table(connection, SYNC_RUNS):  # no sync of ours wrote it
        return None
    if read_schema_version(connection, path) < 2:
        return datetime.max
    row = connection.execute(f"SELECT max(layout_1_until) FROM main.{VERSION_TABLE}").fetchone()
    return row[0] if row else None


def _has_table(connection: duckdb.DuckDBPyConnection, name: str) -> bool:
    """Return whether the connection's file has a table or view of that name in schema `main`."""
    found = connection.execute(
        "SELECT 1 FROM information_schema.tables WHERE table_catalog = current_database() AND table_schema = 'main' "
        "AND lower(table_name) = ?",
        [name],
    ).fetchone()
    return found is not None


def migrate(connection: duckdb.DuckDBPyConnection, path: PathLike[str]) -> None:
    """Migrate a file to the current schema version, inside the open transaction.

    Raises:
        UserError: as `read_schema_version`, or another program keeps its pins in schema `main` (exit status 2).
    """
    version = read_schema_version(connection, path)
    if not version and not _has_table(connection, PIN_COUNTERS) and _has_table(connection, "pins"):
        raise UserError(
            f"{path} has pins that another program wrote, and a sync would hide them: name another file with "
            "--database. All commands that read can read this one as it is.",
            2,
        )
    for older in range(version, SCHEMA_VERSION):
        MIGRATIONS[older](connection)
    if version < SCHEMA_VERSION:
        connection.execute(f"UPDATE {VERSION_TABLE} SET version = {SCHEMA_VERSION}")
