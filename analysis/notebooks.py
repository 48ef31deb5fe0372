"""Opens JupyterLab on the notebooks, with the database chosen."""

import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path

import polars as pl
from great_tables import GT

from analysis.answers import Answer
from analysis.errors import UserError
from analysis.load import (
    data_window,
    load_account_followers,
    load_accounts,
    load_overview_metrics,
    load_pins_latest,
    open_history,
)
from analysis.summaries import account_names, accounts_by_pins
from analysis.texts import shortened, written_table

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


def start(account: str | None = None) -> tuple[Path, str]:
    """The first cell of every notebook: makes charts show, and says what the data cover before anything else.

    Returns the chosen database and the `social_network_id` to look at: `account`, or else the one with most pins
    (`none` where there is no account yet: every frame of it is empty, and every answer says so).
    """
    from analysis.charts.style import register_renderer

    register_renderer()
    database = chosen_database()
    print(data_window(database))
    listed = load_accounts(database)
    others = load_overview_metrics(database), load_account_followers(database), listed
    accounts = accounts_by_pins(load_pins_latest(database), *others)
    if account is not None and account not in accounts:
        raise UserError(f"{account} is not in this database; there are: {', '.join(accounts) or 'no accounts'}.")
    chosen = account or next(iter(accounts), "none")
    names = account_names(listed)
    for known in accounts:
        print("→" if known == chosen else " ", known, shortened(names.get(known, "")))
    if not accounts:
        print("Not enough data yet: no account has been synced.")
    return database, chosen


def show(answer: Answer) -> None:
    """Displays an answer in a notebook: its chart, its sentence and notes, its table."""
    from IPython.display import display

    if answer.chart is not None:
        display(answer.chart)  # type: ignore[no-untyped-call]
    print(answer.sentence, *answer.notes, sep="\n")
    if answer.table is not None and answer.table.height:
        display(as_html_table(answer.table))  # type: ignore[no-untyped-call]


def as_html_table(table: pl.DataFrame) -> GT:
    """The table as HTML that needs no script, with numbers on the right and all texts escaped."""
    numbers = [name for name, kind in table.schema.items() if kind.is_numeric()]
    return GT(written_table(table)).cols_align("right", columns=numbers) if numbers else GT(written_table(table))
