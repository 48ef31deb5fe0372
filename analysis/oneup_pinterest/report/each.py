"""Write one page per account into a folder, and an index of them."""

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

from oneup_pinterest.database.place import place_of
from oneup_pinterest.database.reader import Database, open_history, read_relation
from oneup_pinterest.database.stored_tables import HistoryFile
from oneup_pinterest.errors import UserError
from oneup_pinterest.formatting import format_count, truncate
from oneup_pinterest.history.accounts import account_names, accounts_by_pins

INDEX = "index.html"
MAX_NAME = 60  # characters of a file name, without its suffix
SHOWN = ("impressions", "saves", "repins", "clicks", "posts", "followers")  # figures of the index
RESERVED = {"con", "prn", "aux", "nul", "index", *(f"{port}{n}" for port in ("com", "lpt") for n in range(10))}

Progress = Callable[[int, int, str], None]  # done, of how many, the account


class AccountRow(NamedTuple):
    """A row of the index: the account's page and its figures (`tiles_of`), or why there is no page."""

    name: str
    id: str
    file: str
    tiles: dict[str, dict[str, Any]]
    summary: str
    findings: int
    error: str | None


def write_each(
    database: Database,
    folder: Path,
    write_page: Callable[[Database, Path], dict[str, Any]],
    write_index: Callable[[dict[str, Any], Path], None],
    progress: Progress | None = None,
) -> tuple[Path, list[AccountRow]]:
    """Write a page per account and an index of them; return the path of the index and its rows.

    `write_page` writes the page of a database with one account and returns its variables, `write_index` writes the
    index. One account is in memory at a time. An account whose page cannot be written does not stop the others.

    Raises:
        UserError: as `open_history`, or the folder cannot be made.
    """
    chosen = database if isinstance(database, HistoryFile) else HistoryFile(place_of(database))
    with open_history(database) as history:
        relations = ("pins_latest", "overview_metrics", "account_followers", "accounts")
        frames = [read_relation(history, name, columns=["social_network_id"]) for name in relations]
        accounts = read_relation(history, "accounts")
    ids, names = accounts_by_pins(*frames), account_names(accounts)
    files = file_names(ids, dict(accounts.select("social_network_id", "username").iter_rows()))
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"{folder} cannot be made: {error.strerror}. Name another folder with --each.", 2) from None
    rows = []
    for done, account in enumerate(ids, 1):
        name = names.get(account, account)
        rows.append(_row(replace(chosen, accounts=(account,)), account, name, folder / files[account], write_page))
        if progress is not None:
            progress(done, len(ids), name)
    write_index({"rows": rows, "shown": SHOWN, "count": format_count(len(rows), "account")}, folder / INDEX)
    return folder / INDEX, rows


def _row(
    file: HistoryFile, account: str, name: str, target: Path, write_page: Callable[[Database, Path], dict[str, Any]]
) -> AccountRow:
    try:
        (page,) = write_page(file, target)["accounts"]
    except UserError as error:
        return AccountRow(name, account, target.name, {}, "", 0, str(error))
    serious = sum(item.severity != "info" for item in page["findings"])
    tiles = {tile["key"]: tile for tile in page["tiles"]}
    return AccountRow(name, account, target.name, tiles, page["summary"], serious, None)


def file_names(ids: list[str], usernames: dict[str, str | None]) -> dict[str, str]:
    """Return a file name per account: its username, else its id, in letters that every file system has.

    >>> file_names(["pin_a", "pin_b", "pin_c"], {"pin_a": "Shop & Co", "pin_b": "shop  co", "pin_c": "con"})
    {'pin_a': 'shop_co.html', 'pin_b': 'shop_co-2.html', 'pin_c': 'account_con.html'}
    """
    found: dict[str, str] = {}
    taken: set[str] = set()
    for account in ids:
        plain = truncate(usernames.get(account) or account, 200).lower()
        stem = re.sub(r"[^a-z0-9-]+", "_", plain).strip("_-")[:MAX_NAME] or "account"
        stem = f"account_{stem}" if stem in RESERVED else stem
        name, number = stem, 1
        while name in taken:
            number += 1
            name = f"{stem}-{number}"
        taken.add(name)
        found[account] = f"{name}.html"
    return found
