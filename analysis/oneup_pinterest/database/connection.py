"""Open a DuckDB file to read or to write: wait briefly for other programs, and explain what goes wrong."""

import os
import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb
import polars as pl

from oneup_pinterest.console import print_message
from oneup_pinterest.database.lake import PREFIX, Lake, is_connection_error, lake_error
from oneup_pinterest.errors import UserError

MAX_WAIT = 10.0  # seconds; enough for a report, a status or a notebook cell, but not for a first sync
RETRY_INTERVAL = 0.1  # seconds
MAGIC = slice(8, 12), b"DUCK"  # in every DuckDB file
DAMAGE_MESSAGES = ("Could not read enough bytes", "Corrupt database file")
WORK_SUFFIX = ".syncing"  # of the folder beside a file that holds the temporary files of a sync
# DuckDB's own words, and those that it adds to what Windows says in the language of the user
IN_USE_MESSAGES = ("Could not set lock on file", "File is already open in")
SHARING_VIOLATION = 32  # Windows' number of the error that another process has opened the file for itself
DISK_FULL_MESSAGES = ("No space left on device", "File too large", "Disk quota exceeded", "max_temp_directory_size")


def database_path(value: str | os.PathLike[str], named: str = "with --database") -> Path:
    """Return the absolute path of the file that `--database` names; `named` tells people how else they named it.

    DuckDB reads a relative `md:x`, `sqlite:x` or `:memory:` as something other than a file, but never an absolute path.

    Raises:
        UserError: DuckDB cannot store a database and its log under that name (exit status 2).

    >>> database_path("/data/md:history.duckdb").as_posix()
    '/data/md:history.duckdb'
    """
    text = os.fspath(value)
    reason = _why_unusable(text)
    if reason:
        raise UserError(f"{reason}: name another file {named}.", 2)
    return Path(text).absolute()


def _why_unusable(text: str) -> str | None:
    """Return why a database cannot be stored under a name; None if it can."""
    if not text:
        return "The name of the database is empty"
    if "\0" in text:
        return f"{text} holds a NUL character, which no file name may"
    if text.startswith(PREFIX):
        return f"{text} is a lake, but this needs a file"
    if re.split(f"[{re.escape(os.sep + (os.altsep or ''))}]", text)[-1] in ("", os.curdir, os.pardir):
        return f"{text} is the name of a folder"
    path = Path(text).absolute()
    places = (path, Path(os.path.realpath(path)))  # as named, and with symbolic links resolved
    try:
        os.fsdecode(places[0]).encode(), os.fsdecode(places[1]).encode()
    except UnicodeEncodeError:
        return f"{path} is not UTF-8, and DuckDB opens no other path"
    if os.sep == "/" and any("\\" in str(place) for place in places):
        return f"{path} has a backslash in it, and DuckDB cannot open that"
    if any("?" in str(place.parent) for place in places):
        return f"{path} has a folder with a question mark in its name, where DuckDB cannot write its log"
    return None


def log_of(path: Path) -> Path:
    """Return the path of the write-ahead log (WAL) of a database: `.wal` comes last, or before the first question mark.

    >>> log_of(Path("history.duckdb")).name, log_of(Path("wh?at.duckdb")).name
    ('history.duckdb.wal', 'wh.wal?at.duckdb')
    """
    before, mark, after = path.name.partition("?")
    return path.with_name(f"{before}.wal{mark}{after}")


def connect_waiting(
    path: Path, connect: Callable[[], duckdb.DuckDBPyConnection], to_write: bool
) -> duckdb.DuckDBPyConnection:
    """Return the connection that `connect` makes, after a short wait for other processes that use the file.

    Raises:
        UserError: another program uses the file; it is not a DuckDB file, is damaged or was written by a newer DuckDB;
            or it may not be read or written. The file is not changed then.
    """
    if path.is_file():
        require_magic(path)
    started, has_reported = time.monotonic(), False
    while True:
        try:
            return connect()
        except duckdb.Error as error:
            waited = time.monotonic() - started
            if not is_in_use(error) or waited >= MAX_WAIT:
                raise open_error(path, error, to_write) from None
        if not has_reported and waited >= 1:
            has_reported = True
            print_message(f"{path} is in use by another program: waiting up to {MAX_WAIT:.0f} seconds for it.")
        time.sleep(RETRY_INTERVAL)


def open_error(path: Path, error: Exception, to_write: bool) -> UserError:
    """Return an error that explains why a file could not be opened or created."""
    text = str(error)
    by = re.search(r"PID (\d+)", text)
    is_own = by is not None and int(by[1]) == os.getpid()  # Windows locks a file within a process too
    if is_in_use(error) and not is_own:
        process = f" (process {by[1]})" if by else ""
        if to_write:
            return UserError(
                f"{path} is in use by another program{process}, a sync or a notebook that has it open: wait until it "
                "is done, or close the file there, then sync again."
            )
        return UserError(f"{path} is being written{process}, most likely by a sync: try again when it is done.")
    if is_own or "file handle conflict" in text or "different configuration" in text:
        return UserError(
            f"{path} is being written or read in this very process, by another connection (`duckdb.connect`, "
            "PyAirbyte's cache): close that connection, then try again."
        )
    folder = Path(os.path.realpath(path)).parent  # with symbolic links resolved
    if path.is_dir() or not folder.is_dir():
        what = "is a folder" if path.is_dir() else f"cannot be created, because there is no folder {folder}"
        return UserError(f"{path} {what}: name a file with --database.", 2)
    if "can only read" in text and "older" not in text:
        return UserError(f"{path} was written by a DuckDB newer than {duckdb.__version__}: upgrade the duckdb package.")
    if "replaying WAL" in text:
        return UserError(
            f"{log_of(path)} does not belong to {path}, or is damaged: if the database was moved or restored, restore "
            "the .wal file of the same moment, or move this one away; then try again."
        )
    if any(words in text for words in (*DISK_FULL_MESSAGES, *DAMAGE_MESSAGES)):
        return _disk_error(path, error, to_write)
    if "Permission denied" in text or "Read-only file system" in text or (to_write and not _may_write(path)):
        what = "written" if to_write else "read"
        return UserError(
            f"{path} cannot be {what} by you: change the permissions of the file and its folder, or name another file "
            "with --database."
        )
    return UserError(f"{path} cannot be opened{' for writing' if to_write else ''}: {_line(error)}")


@contextmanager
def explain_database_errors(path: os.PathLike[str], to_write: bool) -> Iterator[None]:
    """Turn errors of an open file, such as a full disk or a damaged block, into a `UserError`.

    Raises:
        UserError: the disk or the file failed.
    """
    try:
        yield
    except (duckdb.Error, pl.exceptions.PolarsError, OSError) as error:
        if isinstance(path, Lake) and (_is_disk_error(error) or is_connection_error(error)):
            raise lake_error(path, error) from None
        if not _is_disk_error(error):
            raise  # a bug: keep the traceback
        raise _disk_error(Path(path), error, to_write) from None


def require_magic(path: Path) -> None:
    """Refuse other files: DuckDB would open Parquet, SQLite or CSV too, and download an extension to read it."""
    place, magic = MAGIC
    try:
        with path.open("rb") as file:
            start = file.read(place.stop)
    except OSError as error:
        if getattr(error, "winerror", None) == SHARING_VIOLATION:
            return  # another process writes it: DuckDB says which
        raise UserError(f"{path} cannot be read: {error.strerror}.") from None
    if start[place] != magic:
        what = "is empty" if not start else "is not a DuckDB database"
        raise UserError(f"{path} {what}: name the file of an earlier sync, or a new one, with --database.", 2)


def is_in_use(error: Exception) -> bool:
    """Return whether a file could not be opened because another process has it open."""
    return any(words in str(error) for words in IN_USE_MESSAGES)


def _is_disk_error(error: Exception) -> bool:
    disk_errors = (PermissionError, duckdb.IOException, duckdb.FatalException, duckdb.SerializationException)
    return (
        isinstance(error, disk_errors)
        or type(error) is duckdb.Error  # a checksum mismatch
        or any(words in str(error) for words in DISK_FULL_MESSAGES)
    )


def _disk_error(path: Path, error: Exception, to_write: bool) -> UserError:
    text = str(error)
    full = next((words for words in DISK_FULL_MESSAGES if words in text), None)
    if full:
        named = re.search(r"""["'](/[^"']+)["']""", text)
        place = Path(named[1] if named else path).absolute().parent
        place = place.parent if place.suffix == WORK_SUFFIX else place  # that folder is deleted by now
        words = f" ({full})" if " " in full else ""
        return UserError(
            f"There is no room left in {place}{words}: free some space, then try again. "
            f"What was committed to {path} is kept."
        )
    if any(words in text for words in DAMAGE_MESSAGES):
        return UserError(
            f"{path} is damaged ({_line(error)}): restore it from a backup, or name another file with --database."
        )
    what = "written" if to_write else "read"
    return UserError(
        f"{path} could not be {what} ({_line(error)}): check the disk, or restore the file from a backup. What was "
        "committed before is kept."
    )


def _may_write(path: Path) -> bool:
    return os.access(path if path.exists() else path.parent, os.W_OK)


def _line(error: Exception) -> str:
    return str(error).splitlines()[0].removeprefix("IO Error: ").rstrip(".")
