"""The DuckDB file as it is opened, to read or to write: a short wait for others, and a sentence where it cannot be."""

import os
import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb
import polars as pl

from oneup_pinterest.console import print_message
from oneup_pinterest.errors import UserError

PATIENCE = 10.0  # seconds: a report, a status or a cell of a notebook is done by then, a first sync is not
PAUSE = 0.1
MAGIC = slice(8, 12), b"DUCK"  # where every DuckDB file says that it is one
DAMAGED = ("Could not read enough bytes", "Corrupt database file")
WORK_SUFFIX = ".syncing"  # of the folder beside a file in which a sync keeps what is on its way
FULL = ("No space left on device", "File too large", "Disk quota exceeded", "max_temp_directory_size")


def database_path(value: str | os.PathLike[str]) -> Path:
    """Return the absolute path of the file that `--database` names; it is always a file.

    DuckDB takes a relative `md:x`, `sqlite:x` or `:memory:` for something else, an absolute path never.

    Raises:
        UserError: DuckDB cannot keep a database and its log under that name (exit status 2).

    >>> database_path("/data/md:history.duckdb").as_posix()
    '/data/md:history.duckdb'
    """
    text = os.fspath(value)
    reason = _reason_against(text)
    if reason:
        raise UserError(f"{reason}: name another file with --database.", 2)
    return Path(text).absolute()


def _reason_against(text: str) -> str | None:
    """Why no database can be kept under a name; None where it can."""
    if not text:
        return "The name of the database is empty"
    if "\0" in text:
        return f"{text} holds a NUL character, which no file name may"
    if text.startswith("ducklake:"):
        return f"{text} is a DuckLake, which this version does not read or write"
    if text.rpartition(os.sep)[2] in ("", os.curdir, os.pardir):
        return f"{text} is the name of a folder"
    path = Path(text).absolute()
    places = (path, Path(os.path.realpath(path)))  # as named, and where symbolic links lead
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
    """Return where DuckDB keeps the log (WAL) of a database: `.wal` comes last, or before the first question mark.

    >>> log_of(Path("history.duckdb")).name, log_of(Path("wh?at.duckdb")).name
    ('history.duckdb.wal', 'wh.wal?at.duckdb')
    """
    before, mark, after = path.name.partition("?")
    return path.with_name(f"{before}.wal{mark}{after}")


def connect_waiting(
    path: Path, connect: Callable[[], duckdb.DuckDBPyConnection], to_write: bool
) -> duckdb.DuckDBPyConnection:
    """The connection that `connect` makes, once no other process is in the way, which is waited for a little.

    Raises:
        UserError: another program has the file, it is no DuckDB file, a damaged one or a newer DuckDB's, or it may
            not be read or written. The file is then as it was.
    """
    if path.is_file():
        _require_magic(path)
    started, told = time.monotonic(), False
    while True:
        try:
            return connect()
        except duckdb.Error as error:
            waited = time.monotonic() - started
            if not _is_in_use(error) or waited >= PATIENCE:
                raise open_error(path, error, to_write) from None
        if not told and waited >= 1:
            told = True
            print_message(f"{path} is in use by another program: waiting up to {PATIENCE:.0f} seconds for it.")
        time.sleep(PAUSE)


def open_error(path: Path, error: Exception, to_write: bool) -> UserError:
    """What is wrong with a file that could not be opened or made."""
    text = str(error)
    if _is_in_use(error):
        by = re.search(r"PID (\d+)", text)
        process = f" (process {by[1]})" if by else ""
        if to_write:
            return UserError(
                f"{path} is in use by another program{process}, a sync or a notebook that has it open: wait until it "
                "is done, or close it there, then sync again."
            )
        return UserError(f"{path} is being written{process}, by a sync most likely: try again when that is done.")
    if "file handle conflict" in text or "different configuration" in text:
        return UserError(
            f"{path} is being written or read in this very process, by a connection of its own (`duckdb.connect`, "
            "PyAirbyte's cache): close that, then try again."
        )
    folder = Path(os.path.realpath(path)).parent  # of where a symbolic link leads
    if path.is_dir() or not folder.is_dir():
        what = "is a folder" if path.is_dir() else f"cannot be made, because there is no folder {folder}"
        return UserError(f"{path} {what}: name a file with --database.", 2)
    if "can only read" in text and "older" not in text:
        return UserError(f"{path} was written by a DuckDB newer than {duckdb.__version__}: upgrade the duckdb package.")
    if "replaying WAL" in text:
        return UserError(
            f"{log_of(path)} is not the one that belongs to {path}, or is damaged: where the database was moved or "
            "restored, put back the .wal of the same moment, or move this one away; then try again."
        )
    if any(words in text for words in (*FULL, *DAMAGED)):
        return _disk_error(path, error, to_write)
    if "Permission denied" in text or "Read-only file system" in text or (to_write and not _may_write(path)):
        what = "written" if to_write else "read"
        return UserError(
            f"{path} cannot be {what} by you: change the rights of the file and its folder, or name another file with "
            "--database."
        )
    return UserError(f"{path} cannot be opened{' for writing' if to_write else ''}: {_line(error)}")


@contextmanager
def explain_database_errors(path: Path, to_write: bool) -> Iterator[None]:
    """Turns what can go wrong with a file while it is open (a full disk, a damaged block) into a sentence.

    Raises:
        UserError: that went wrong.
    """
    try:
        yield
    except (duckdb.Error, pl.exceptions.PolarsError, OSError) as error:
        if not _is_of_the_disk(error):
            raise  # a mistake of ours, which wants its traceback
        raise _disk_error(path, error, to_write) from None


def _require_magic(path: Path) -> None:
    """DuckDB would take Parquet, SQLite or CSV for a database, and ask the network for what reads it."""
    place, magic = MAGIC
    try:
        with path.open("rb") as file:
            start = file.read(place.stop)
    except OSError as error:
        raise UserError(f"{path} cannot be read: {error.strerror}.") from None
    if start[place] != magic:
        what = "is empty, and no database" if not start else "is not a DuckDB database"
        raise UserError(f"{path} {what}: name the file that was synced into, or a new one, with --database.", 2)


def _is_in_use(error: Exception) -> bool:
    return "Could not set lock on file" in str(error)


def _is_of_the_disk(error: Exception) -> bool:
    of_the_disk = (PermissionError, duckdb.IOException, duckdb.FatalException, duckdb.SerializationException)
    return (
        isinstance(error, of_the_disk)
        or type(error) is duckdb.Error  # a checksum that does not fit
        or any(words in str(error) for words in FULL)
    )


def _disk_error(path: Path, error: Exception, to_write: bool) -> UserError:
    text = str(error)
    full = next((words for words in FULL if words in text), None)
    if full:
        named = re.search(r"""["'](/[^"']+)["']""", text)
        place = Path(named[1] if named else path).absolute().parent
        place = place.parent if place.suffix == WORK_SUFFIX else place  # which is gone by now
        words = f" ({full})" if " " in full else ""
        return UserError(
            f"There is no room left in {place}{words}: make some, then try again; what was committed to {path} is kept."
        )
    if any(words in text for words in DAMAGED):
        return UserError(
            f"{path} is damaged ({_line(error)}): restore it from a backup, or name another file with --database."
        )
    what = "written" if to_write else "read"
    return UserError(
        f"{path} could not be {what} ({_line(error)}): see to the disk, or restore the file from a backup; what was "
        "committed before is kept."
    )


def _may_write(path: Path) -> bool:
    return os.access(path if path.exists() else path.parent, os.W_OK)


def _line(error: Exception) -> str:
    return str(error).splitlines()[0].removeprefix("IO Error: ").rstrip(".")
