"""The DuckDB file that a sync writes: create it, attach it, and keep the work folder beside it."""

import os
import re
import uuid
from contextlib import suppress
from pathlib import Path

import duckdb

from oneup_pinterest.database.connection import WORK_SUFFIX, connect_waiting, database_path, log_of, open_error
from oneup_pinterest.database.lake import Lake
from oneup_pinterest.database.lake_connection import connect_lake
from oneup_pinterest.database.place import Place
from oneup_pinterest.errors import UserError

STORAGE_VERSION = "v1.2.0"  # DuckDB 1.2 and later, and MotherDuck, can read it
# DuckDB's temporary files, a database that is being created, and the batches of 0.1.0
OWN_FILES = re.compile(r"duckdb_temp_.*|[0-9a-f]{32}\.duckdb(\.wal)?|batch\.parquet")


def create_database(path: Path) -> bool:
    """Create an empty database in one step, so that a killed process leaves a whole file or none.

    Returns:
        False if another sync created it first.

    Raises:
        UserError: The file or its work folder cannot be created.
    """
    target = Path(os.path.realpath(path))  # where a symbolic link leads
    folder = make_work_folder(path)
    created = folder / f"{uuid.uuid4().hex}.duckdb"
    try:
        with duckdb.connect() as connection:
            # only a new file gets the storage version; an existing one keeps its own
            connection.execute(f"ATTACH {_literal(created)} AS made (TYPE duckdb, STORAGE_VERSION '{STORAGE_VERSION}')")
            connection.execute("DETACH made")
        try:
            os.link(created, target)  # fails if another sync was faster
        except OSError:
            if target.exists():
                return False
            created.rename(target)  # a file system without hard links
    except (OSError, duckdb.Error) as error:
        if not target.exists():
            raise open_error(path, error, to_write=True) from None
        return False
    finally:
        with suppress(OSError):
            created.unlink(missing_ok=True)
            log_of(created).unlink(missing_ok=True)
            if not target.exists():
                folder.rmdir()
    return True


def attach(path: Place, mode: str) -> duckdb.DuckDBPyConnection:
    """Return a connection with the file or lake attached and in use; `mode` is READ_WRITE or READ_ONLY.

    Raises:
        UserError: As `database_path`, `connect_waiting` and `connect_lake`.
    """
    if isinstance(path, Lake):
        return connect_lake(path, to_write=mode == "READ_WRITE")
    path = database_path(path)

    def connect() -> duckdb.DuckDBPyConnection:
        if mode == "READ_WRITE" and not path.exists():  # a failed sync has removed its empty file meanwhile
            create_database(path)
        connection = duckdb.connect()
        try:
            connection.execute("SET TimeZone = 'UTC'")
            connection.execute(f"ATTACH {_literal(path)} AS history (TYPE duckdb, {mode})")
            connection.execute("USE history")
        except duckdb.Error:
            connection.close()
            raise
        return connection

    return connect_waiting(path, connect, to_write=True)  # READ_ONLY too: it only reads the state for a sync


def work_folder(path: Path) -> Path:
    """Return the work folder of a database: beside the file, so that the file's lock guards the folder too."""
    target = Path(os.path.realpath(path))
    return target.with_name(target.name + WORK_SUFFIX)


def make_work_folder(path: Path) -> Path:
    """Create the work folder of a database if it does not exist yet, and return it.

    Raises:
        UserError: It cannot be created, a file has its name, or the user has no permission to write to it.
    """
    folder = work_folder(path)
    try:
        folder.mkdir(exist_ok=True)
    except FileExistsError:
        raise UserError(
            f"{folder} is not a folder, but a sync needs a folder of that name for its temporary files. "
            "Move the file away, then sync again."
        ) from None
    except OSError as error:
        raise open_error(path, error, to_write=True) from None
    if not os.access(folder, os.W_OK | os.X_OK):
        raise UserError(
            f"You have no permission to write to {folder}; another user's sync may have left it. "
            "Remove the folder or change its permissions, then sync again."
        )
    return folder


def clear_work_folder(folder: Path) -> None:
    """Remove a sync's own files from a work folder, and the folder itself if it is then empty."""
    with suppress(OSError):
        if folder.is_symlink():
            return
        for path in list(folder.iterdir()):
            if OWN_FILES.fullmatch(path.name) and (path.is_symlink() or not path.is_dir()):
                path.unlink()
        folder.rmdir()


def _literal(path: Path) -> str:
    return "'" + str(path).replace("'", "''") + "'"
