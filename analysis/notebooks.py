"""Opens JupyterLab on the notebooks, with the database chosen."""

import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path

from analysis.errors import UserError
from analysis.load import open_history

DATABASE_VARIABLE = "ONEUP_PINTEREST_DATABASE"
DEFAULT_DATABASE = "oneup_pinterest.duckdb"
COPIES = Path("oneup_pinterest_notebooks")

_PACKAGE = Path(__file__).resolve().parent
_PACKAGED = _PACKAGE / "notebook_files"  # pyproject.toml puts them there in a wheel
_CHECKED_OUT = _PACKAGE.parent / "notebooks"


def open_notebooks(database: str | Path) -> None:
    """Starts JupyterLab in this terminal and returns when it is stopped.

    From a checkout it opens the repository's notebooks; from an installed package, copies of them in
    `./oneup_pinterest_notebooks`, where files that are there already are left as they are.

    Raises:
        UserError: JupyterLab is not installed or ended with an error, or `database` cannot be read.
    """
    if importlib.util.find_spec("jupyterlab") is None:
        raise UserError('JupyterLab is not installed: pip install "source-oneup-pinterest[notebooks]"')
    with open_history(database):  # says now, not in a cell, what is wrong with it
        pass
    folder = notebook_folder()
    environment = {**os.environ, DATABASE_VARIABLE: str(Path(database).resolve())}
    command = [sys.executable, "-m", "jupyterlab", str(folder)]
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        command.append("--allow-root")  # whoever is root here, in a container mostly, has chosen to be
    try:
        status = subprocess.run(command, env=environment, check=False).returncode  # noqa: S603 # our own interpreter
    except KeyboardInterrupt:  # Ctrl-C is how JupyterLab is stopped
        return
    if status > 0:
        raise UserError(f"JupyterLab ended with exit status {status}; its messages above say why.")


def notebook_folder() -> Path:
    """The folder with the notebooks to open; makes it from the packaged ones where there is no checkout.

    Raises:
        UserError: the package came without notebooks, or the copies cannot be written.

    >>> (notebook_folder() / "00_start_here.ipynb").exists()
    True
    """
    if _PACKAGED.is_dir():
        try:
            COPIES.mkdir(exist_ok=True)
            for source in sorted(_PACKAGED.glob("*.ipynb")):
                if not (COPIES / source.name).exists():
                    shutil.copyfile(source, COPIES / source.name)
        except OSError as error:
            raise UserError(f"The notebooks cannot be copied to {COPIES}: {error.strerror}.") from None
        return COPIES
    if not _CHECKED_OUT.is_dir():
        raise UserError("This installation has no notebooks: install source-oneup-pinterest again.")
    return _CHECKED_OUT


def chosen_database() -> Path:
    """The database for a notebook: the one that `open_notebooks` was given, or else `oneup_pinterest.duckdb` here
    or in the folder above.

    >>> os.environ["ONEUP_PINTEREST_DATABASE"] = "demo/oneup_pinterest.duckdb"
    >>> print(chosen_database().as_posix())
    demo/oneup_pinterest.duckdb
    >>> del os.environ["ONEUP_PINTEREST_DATABASE"]
    """
    if name := os.environ.get(DATABASE_VARIABLE):
        return Path(name)
    here, above = Path(DEFAULT_DATABASE), Path("..") / DEFAULT_DATABASE
    return above if above.exists() and not here.exists() else here
