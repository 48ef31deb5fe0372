"""Where the config and the database are if no option names them.

A folder that holds one of them is a project of its own. Elsewhere, they are in the user's folders of the platform; a
user without a home (a number in a container) has none, so the current folder is used.
"""

import os
from contextlib import suppress
from pathlib import Path

from oneup_pinterest.console import print_message

APPLICATION = "oneup-pinterest"
CONFIG = Path("secrets/config.json")
DATABASE = Path("oneup_pinterest.duckdb")


def default_config() -> Path:
    """Return the config in this folder if it is there, else the one in the user's config folder."""
    return CONFIG if CONFIG.exists() else user_config()


def user_config() -> Path:
    """Return the config in the user's config folder, whether or not it is there."""
    import platformdirs  # of the extra `analysis`; `--help` works without

    try:
        return platformdirs.user_config_path(APPLICATION, appauthor=False) / CONFIG.name
    except RuntimeError:  # no home
        return CONFIG


def default_database() -> Path:
    """Return the absolute path of the database: in this folder if it or a config is there, else in the data folder.

    A history in the other place is named on stderr, so that nobody starts a second one unawares.
    """
    chosen, other = _places()
    if chosen != DATABASE.absolute():
        with suppress(OSError):  # the command says so if it cannot write there
            chosen.parent.mkdir(parents=True, exist_ok=True)
    if other != chosen and os.access(other, os.F_OK):
        print_message(f"note: this uses {chosen}; another history is in {other} (choose with --database).")
    return chosen


def is_default(database: os.PathLike[str]) -> bool:
    """Return whether a command in this folder uses this database if no option names one."""
    return database == _places()[0]


def _places() -> tuple[Path, Path]:
    """Return the path of the default database, and the place where it is not looked for."""
    import platformdirs

    here = DATABASE.absolute()
    try:
        own = platformdirs.user_data_path(APPLICATION, appauthor=False) / DATABASE
    except RuntimeError:  # no home
        own = here
    return (here, own) if DATABASE.exists() or CONFIG.exists() else (own, here)
