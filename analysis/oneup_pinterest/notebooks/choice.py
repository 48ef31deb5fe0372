"""Decide which database, account and days a notebook shows.

What a notebook gives to `start` comes first, then what was chosen with `choose` in any notebook of this JupyterLab,
then the options of the command `oneup-pinterest notebooks`.
"""

import json
import os
from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import NamedTuple

import duckdb

from oneup_pinterest.database.accounts import account_ids
from oneup_pinterest.database.lake import PREFIX
from oneup_pinterest.database.place import Place, place_of
from oneup_pinterest.database.reader import Database, open_history, read_relation, read_window
from oneup_pinterest.database.stored_tables import HistoryFile
from oneup_pinterest.errors import UserError
from oneup_pinterest.formatting import isolate_bidi, truncate
from oneup_pinterest.history.accounts import account_names, accounts_by_pins

DATABASE_VARIABLE = "ONEUP_PINTEREST_DATABASE"
SCHEMAS_VARIABLE, PREFIX_VARIABLE = "ONEUP_PINTEREST_SCHEMAS", "ONEUP_PINTEREST_PREFIX"  # a JSON list; a text
ACCOUNTS_VARIABLE = "ONEUP_PINTEREST_ACCOUNTS"  # a JSON list
SINCE_VARIABLE, UNTIL_VARIABLE = "ONEUP_PINTEREST_SINCE", "ONEUP_PINTEREST_UNTIL"  # YYYY-MM-DD
CHOICE_VARIABLE = "ONEUP_PINTEREST_CHOICE"  # the file that `write_choice` writes, which JupyterLab's kernels share
DEFAULT_DATABASE = "oneup_pinterest.duckdb"

Day = date | str | None


class Choice(NamedTuple):
    """The account (None: the one with most pins) and the first and last day (None: no limit) to look at."""

    account: str | None = None
    since: date | None = None
    until: date | None = None


def environment_of(database: Database) -> dict[str, str]:
    """Return the environment variables from which `chosen_database` in another process finds the database."""
    place = place_of(database)
    environment = {DATABASE_VARIABLE: str(place.resolve() if isinstance(place, Path) else place)}
    if isinstance(database, HistoryFile):
        environment[SCHEMAS_VARIABLE] = json.dumps(list(database.schemas))
        if database.prefix is not None:
            environment[PREFIX_VARIABLE] = database.prefix
        environment[ACCOUNTS_VARIABLE] = json.dumps(list(database.accounts))
        for variable, day in ((SINCE_VARIABLE, database.since), (UNTIL_VARIABLE, database.until)):
            if day is not None:
                environment[variable] = day.isoformat()
    return environment


def chosen_database() -> Place | HistoryFile:
    """Return the database for a notebook.

    It is the one that `open_notebooks` was given, with its accounts and days, or else `oneup_pinterest.duckdb` here or
    in the folder above.

    >>> os.environ["ONEUP_PINTEREST_DATABASE"] = "demo/oneup_pinterest.duckdb"
    >>> print(chosen_database().as_posix())
    demo/oneup_pinterest.duckdb
    >>> del os.environ["ONEUP_PINTEREST_DATABASE"]
    """
    if name := os.environ.get(DATABASE_VARIABLE):
        schemas, prefix = json.loads(os.environ.get(SCHEMAS_VARIABLE, "[]")), os.environ.get(PREFIX_VARIABLE)
        days = [_as_day(os.environ.get(variable) or None, variable) for variable in (SINCE_VARIABLE, UNTIL_VARIABLE)]
        accounts = json.loads(os.environ.get(ACCOUNTS_VARIABLE, "[]"))
        file = HistoryFile(_named(name), schemas, prefix, accounts, *days)
        return file if schemas or prefix is not None or file.is_restricted else file.path
    here, above = Path(DEFAULT_DATABASE), Path("..") / DEFAULT_DATABASE
    return above if above.exists() and not here.exists() else here


def start(account: str | None = None, since: Day = None, until: Day = None) -> tuple[Place | HistoryFile, str]:
    """Prepare a notebook in its first cells: enable charts, and show what the data cover.

    Return the chosen database, restricted to the days, and the `social_network_id` to look at: that of `account` (id or
    @username), or else the one with most pins. It is `none` if there is no account yet; every frame is then empty, and
    every answer says so. What is None comes from `choose`, and else from the command line. Days are YYYY-MM-DD.

    Raises:
        UserError: a day is no day, or the database does not know the account or has nothing of these days.
    """
    from oneup_pinterest.questions.chart_style import register_renderer

    register_renderer()
    given = Choice(account, _as_day(since, "SINCE"), _as_day(until, "UNTIL"))
    kept = read_choice()
    database = chosen_database()
    if kept is not None:
        database = with_days(database, kept.since, kept.until)
        given = given._replace(account=given.account or kept.account)
    if given.since or given.until:
        earlier = database if isinstance(database, HistoryFile) else HistoryFile(database)
        database = with_days(database, given.since or earlier.since, given.until or earlier.until)
    with open_history(database) as history:
        print(read_window(history))
        ids = account_ids(history, given.account)
        accounts, names = known_accounts(history)
    chosen = next(iter(accounts if ids is None else ids), "none")
    for known in accounts:
        print("→" if known == chosen else " ", truncate(known), isolate_bidi(names.get(known)))
    if not accounts:
        print("Not enough data yet: no account has been synced.")
    return database, chosen


def known_accounts(history: duckdb.DuckDBPyConnection) -> tuple[list[str], Mapping[str, str]]:
    """Return the accounts of an open database, the one with most pins first, and the names of those that have one."""
    relations = ("pins_latest", "overview_metrics", "account_followers", "accounts")
    pins_latest, *others = (read_relation(history, name) for name in relations)
    return accounts_by_pins(pins_latest, *others), account_names(others[-1])


def with_days(database: Place | HistoryFile, since: date | None, until: date | None) -> Place | HistoryFile:
    """Return the database restricted to these days, and otherwise as it was."""
    if isinstance(database, HistoryFile):
        return replace(database, since=since, until=until)
    return HistoryFile(database, since=since, until=until) if since or until else database


def choice_file() -> Path | None:
    """Return where this JupyterLab keeps a choice; None in a kernel that `open_notebooks` did not start."""
    name = os.environ.get(CHOICE_VARIABLE)
    return Path(name) if name else None


def read_choice() -> Choice | None:
    """Return what was chosen with `choose`; None if nothing was."""
    file = choice_file()
    if file is None or not file.exists():
        return None
    account, *days = json.loads(file.read_text(encoding="utf-8"))
    return Choice(account, *(date.fromisoformat(day) if day else None for day in days))


def write_choice(file: Path, choice: Choice) -> None:
    """Keep a choice for all notebooks of this JupyterLab."""
    days = [day.isoformat() if day else None for day in (choice.since, choice.until)]
    written = file.with_suffix(".new")
    written.write_text(json.dumps([choice.account, *days]), encoding="utf-8")
    written.replace(file)  # at once, because another notebook may read it now


def _as_day(day: Day, name: str) -> date | None:
    if not isinstance(day, str):
        return day
    try:
        return date.fromisoformat(day)
    except ValueError:
        raise UserError(f"{name} is not a day: write it as YYYY-MM-DD, for example 2026-03-31.", 2) from None


def _named(name: str) -> Place:
    """Return the lake or the path, which stays relative."""
    return place_of(name) if name.startswith(PREFIX) else Path(name)
