"""The folder beside a database in which a sync keeps what is on its way; what others put there is left alone."""

import os
import re
from contextlib import suppress
from pathlib import Path

from oneup_pinterest.database.connection import WORK_SUFFIX, open_error
from oneup_pinterest.errors import UserError

# DuckDB's temporary files, a database that is being made, and the batches of 0.1.0
OURS = re.compile(r"duckdb_temp_.*|[0-9a-f]{32}\.duckdb(\.wal)?|batch\.parquet")


def work_folder(path: Path) -> Path:
    """Return the work folder of a database: beside the file, so that the lock of the one guards the other."""
    target = Path(os.path.realpath(path))
    return target.with_name(target.name + WORK_SUFFIX)


def make_work_folder(path: Path) -> Path:
    """Make the work folder of a database, if there is none yet, and return it.

    Raises:
        UserError: it cannot be made, something else has its name, or the user may not write in it.
    """
    folder = work_folder(path)
    try:
        folder.mkdir(exist_ok=True)
    except FileExistsError:
        raise UserError(
            f"{folder} is no folder, and a sync needs one of that name for its temporary files: move it away, then "
            "sync again."
        ) from None
    except OSError as error:
        raise open_error(path, error, to_write=True) from None
    if not os.access(folder, os.W_OK | os.X_OK):
        raise UserError(
            f"{folder} cannot be written by you; a sync of another user may have left it: remove it or change its "
            "rights, then sync again."
        )
    return folder


def clear_work_folder(folder: Path) -> None:
    """Remove what syncs left in a work folder, and the folder itself if it is then empty."""
    with suppress(OSError):
        if folder.is_symlink():
            return
        for path in list(folder.iterdir()):
            if OURS.fullmatch(path.name) and (path.is_symlink() or not path.is_dir()):
                path.unlink()
        folder.rmdir()
