"""Copy a database into a backup file, also while a sync writes it, and check the copy by reading it back.

DuckDB has no copy of a file that another process is writing, so the files are copied as bytes. If no process writes,
a shared lock keeps writers away until the copy is compared with the file, table by table. If a sync is writing, the
copy counts only if no checkpoint ended meanwhile: then it is what the file would be after a power failure at that
moment, and DuckDB recovers everything that was committed. DuckDB ensures this by three rules. Blocks that the newest
header refers to are not overwritten before the next header. A block is written before the commit in the log that
refers to it. The log only grows until a checkpoint ends.
"""

import os
import shutil
import tempfile
import time
from contextlib import closing, suppress
from io import FileIO
from pathlib import Path
from typing import NamedTuple

import duckdb

from oneup_pinterest.database.connection import (
    RETRY_INTERVAL,
    database_path,
    is_in_use,
    log_of,
    open_error,
    require_magic,
)
from oneup_pinterest.database.lake import Lake
from oneup_pinterest.database.migrations import read_schema_version
from oneup_pinterest.database.place import place_of
from oneup_pinterest.database.schema import quoted
from oneup_pinterest.errors import UserError

WORK_PREFIX = ".oneup_backup_"  # of the folder beside the backup, in which it is made
HEADERS = 3 * 4096  # bytes: the main header and the two headers of which the newer one counts
MAX_SECONDS = 60  # of tries to copy a file while a sync writes it; each takes about a second per gigabyte
_CHUNK = 8 * 2**20  # bytes
_LOGS = (".checkpoint", ".recovery")  # suffixes of other logs that DuckDB keeps for a while
_LEFT_AFTER = 86_400  # seconds after which the work folder of a killed backup is removed


class _Contents(NamedTuple):
    """What is compared: rows and checksum of each table; views, comments and the rest of the catalog as sorted rows."""

    tables: dict[str, tuple[int, int | None]]
    catalog: list[tuple[object, ...]]


def back_up(database: str | Path | Lake, target: str | Path) -> dict[str, int]:
    """Write a copy of a database to a new file, and return the number of rows per table.

    The copy holds everything that was committed: tables, views and comments. A sync may be running; what it has not
    committed is left out. The copy gets its name only after every row of it was read back, and was compared with the
    database if no other process was writing that.

    Raises:
        UserError: as `database_path`; the database does not exist, is damaged or was written by a newer version; the
            target exists, or its folder does not (exit status 2); the target cannot be written; the copy differs from
            the database; or a sync changes the database faster than it can be copied.

    >>> folder = tempfile.mkdtemp()
    >>> with duckdb.connect(folder + "/history.duckdb") as connection:
    ...     _ = connection.execute("CREATE TABLE accounts AS SELECT 'pin_a' AS social_network_id")
    >>> back_up(folder + "/history.duckdb", folder + "/copy.duckdb")
    {'accounts': 1}
    """
    path = place_of(database)
    if isinstance(path, Lake):
        raise UserError(
            f"{path} is a lake, which this command does not copy: back up its catalog (pg_dump, or a copy of the file "
            "while no sync runs) first and its data files after it.",
            2,
        )
    if not path.is_file():
        raise UserError(
            f"{path} {'is a folder' if path.is_dir() else 'does not exist'}: name the DuckDB file with --database.", 2
        )
    file = _new_file(target)
    try:
        _remove_left_folders(file.parent)
        with tempfile.TemporaryDirectory(prefix=WORK_PREFIX, dir=file.parent, ignore_cleanup_errors=True) as folder:
            copy = Path(folder) / "copy.duckdb"
            contents = _copy(path, copy)
            found = _read_back(path, copy)
            if contents is not None and contents != found:
                raise UserError(f"The copy of {path} differs from it, so there is no backup: check the disk.")
            shutil.copymode(path, copy)
            with copy.open("rb") as written:
                os.fsync(written.fileno())
            _give_name(copy, file)
    except OSError as error:
        raise UserError(f"{file} cannot be written: {error.strerror}. There is no backup.") from None
    return {name: rows for name, (rows, _) in found.tables.items()}


def _new_file(target: str | Path) -> Path:
    file = database_path(target, "for the backup")
    for name in (file, log_of(file)):  # DuckDB would read an older log as a part of the backup
        if os.path.lexists(name):
            raise UserError(f"{name} exists: a backup replaces no file, so name a new one.", 2)
    if not file.parent.is_dir():
        raise UserError(f"There is no folder {file.parent}: create it, or name another file for the backup.", 2)
    return file


def _remove_left_folders(folder: Path) -> None:
    """Remove what killed backups left; a running one is younger."""
    for left in folder.glob(f"{WORK_PREFIX}*"):
        with suppress(OSError):
            if time.time() - left.stat().st_mtime > _LEFT_AFTER:
                shutil.rmtree(left)


def _copy(path: Path, copy: Path) -> _Contents | None:
    """Copy the database with its log into one file; return what it holds, or None if another process writes it."""
    require_magic(path)
    deadline = time.monotonic() + MAX_SECONDS
    # stays open until the lock is released: a process that closes a file loses all of its locks on it
    with path.open("rb", buffering=0) as source:
        while True:
            try:
                with closing(duckdb.connect(path, read_only=True)) as connection:
                    contents = _contents(connection)
                    _copy_files(path, source, copy)
                _merge_log(copy)
                return contents
            except duckdb.Error as error:
                if not is_in_use(error):
                    raise open_error(path, error, to_write=False) from None
                in_use = error
            with suppress(duckdb.Error):  # cut in a way that DuckDB does not recover: not seen yet
                if _copy_files(path, source, copy):
                    _merge_log(copy)
                    return None
            if time.monotonic() > deadline:
                raise open_error(path, in_use, to_write=False)
            time.sleep(RETRY_INTERVAL)


def _copy_files(path: Path, source: FileIO, copy: Path) -> bool:
    """Copy the log and then the database; return whether no checkpoint ended meanwhile."""
    log, copied_log = log_of(path), log_of(copy)
    copied_log.unlink(missing_ok=True)
    headers = _headers(source)
    with suppress(FileNotFoundError), log.open("rb", buffering=0) as opened:
        _write(opened, copied_log)
    source.seek(0)
    _write(source, copy)
    with copy.open("rb", buffering=0) as copied:
        is_same = _headers(source) == headers == _headers(copied)
    return is_same and not _other_logs(log) and (not copied_log.exists() or _starts_with(log, copied_log))


def _headers(file: FileIO) -> bytes:
    file.seek(0)
    return file.read(HEADERS)


def _write(source: FileIO, target: Path) -> None:
    with target.open("wb") as file:
        shutil.copyfileobj(source, file, _CHUNK)


def _other_logs(log: Path) -> list[Path]:
    """Return the logs that DuckDB keeps beside a database while a checkpoint or a recovery runs."""
    return [path for path in (log.with_name(f"{log.name}{suffix}") for suffix in _LOGS) if os.path.lexists(path)]


def _starts_with(log: Path, copied_log: Path) -> bool:
    """Return whether a log still begins with what was copied of it."""
    try:
        with log.open("rb") as opened, copied_log.open("rb") as copied:
            return all(opened.read(len(chunk)) == chunk for chunk in iter(lambda: copied.read(_CHUNK), b""))
    except FileNotFoundError:
        return False


def _merge_log(copy: Path) -> None:
    """Bring what is in the log of the copy into the copy, so that the backup is one file."""
    if log_of(copy).exists():
        with closing(duckdb.connect(copy)) as connection:
            connection.execute("CHECKPOINT")


def _read_back(path: Path, copy: Path) -> _Contents:
    """Read every row of the copy.

    Raises:
        UserError: it cannot be read, or as `read_schema_version`.
    """
    try:
        with closing(duckdb.connect(copy, read_only=True)) as connection:
            read_schema_version(connection, path)
            return _contents(connection)
    except duckdb.Error as error:
        line = str(error).splitlines()[0].rstrip(".")
        raise UserError(f"The copy of {path} cannot be read back ({line}), so there is no backup: try again.") from None


def _contents(connection: duckdb.DuckDBPyConnection) -> _Contents:
    here = "database_name = current_database() AND NOT internal"
    names = connection.execute(f"SELECT schema_name, table_name FROM duckdb_tables() WHERE {here} ORDER BY ALL")
    tables = {}
    for schema, table in names.fetchall():
        # hash() takes a whole row, and the sum does not depend on the order of rows
        ((rows, checksum),) = connection.execute(
            f"SELECT count(*), sum(hash(_oneup_row)) FROM {quoted(schema)}.{quoted(table)} AS _oneup_row"
        ).fetchall()
        tables[table if schema == "main" else f"{schema}.{table}"] = rows, checksum
    catalog = connection.execute(
        f"SELECT schema_name, view_name, NULL, sql, comment FROM duckdb_views() WHERE {here} UNION ALL "
        f"SELECT schema_name, table_name, NULL, sql, comment FROM duckdb_tables() WHERE {here} UNION ALL "
        f"SELECT schema_name, table_name, column_name, data_type, comment FROM duckdb_columns() WHERE {here} "
        "ORDER BY ALL"
    )
    return _Contents(tables, catalog.fetchall())


def _give_name(copy: Path, file: Path) -> None:
    try:
        os.link(copy, file)  # fails if the file exists by now
    except OSError:
        if os.path.lexists(file):
            raise UserError(f"{file} exists: a backup replaces no file, so name a new one.", 2) from None
        copy.rename(file)  # a file system without hard links
