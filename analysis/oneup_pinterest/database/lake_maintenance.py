"""Keep a lake small and fast: merge its small files, and remove what nothing refers to any more."""

from typing import NamedTuple

import duckdb

from oneup_pinterest.database.lake import Lake, lake_error
from oneup_pinterest.database.lake_connection import CATALOG, connect_lake
from oneup_pinterest.database.place import Place
from oneup_pinterest.errors import UserError

LONGEST_TRANSACTION = "INTERVAL 1 DAY"  # a read or a commit may take so long; files of older snapshots are removed


class Maintained(NamedTuple):
    """What the newest rows of a lake take before and after, and how many files and snapshots were removed."""

    files_before: int
    bytes_before: int
    files_after: int
    bytes_after: int
    expired_snapshots: int
    removed_files: int


def maintain(place: Place) -> Maintained:
    """Merge the small files of a lake, and remove snapshots and files that are older than LONGEST_TRANSACTION.

    Syncs and readers may run meanwhile. What a snapshot held when it was removed can no longer be read as of then.

    Raises:
        UserError: as `connect_lake`; or the place is a file, which needs nothing of this (exit status 2).
    """
    if not isinstance(place, Lake):
        raise UserError(f"{place} is a DuckDB file, which needs no maintenance.", 2)
    connection = connect_lake(place, to_write=True)
    try:
        files_before, bytes_before = _size(connection)
        # merging first, so that the files it replaces are removed once no reader can need them
        connection.execute("CALL ducklake_merge_adjacent_files(?)", [CATALOG])
        older = f"older_than => now() - {LONGEST_TRANSACTION}"
        expired = len(connection.execute(f"CALL ducklake_expire_snapshots('{CATALOG}', {older})").fetchall())
        removed = len(connection.execute(f"CALL ducklake_cleanup_old_files('{CATALOG}', {older})").fetchall())
        removed += len(connection.execute(f"CALL ducklake_delete_orphaned_files('{CATALOG}', {older})").fetchall())
        return Maintained(files_before, bytes_before, *_size(connection), expired, removed)
    except duckdb.Error as error:
        raise lake_error(place, error) from None
    finally:
        connection.close()


def _size(connection: duckdb.DuckDBPyConnection) -> tuple[int, int]:
    ((files, size),) = connection.execute(
        "SELECT coalesce(sum(file_count), 0)::BIGINT, coalesce(sum(file_size_bytes), 0)::BIGINT "
        "FROM ducklake_table_info(?)",
        [CATALOG],
    ).fetchall()
    return files, size
