"""Make the first config: check a key, list its accounts, and write the file that only its owner can read."""

import json
import os
import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from difflib import get_close_matches
from pathlib import Path
from typing import Any, NamedTuple

from oneup_pinterest.database.listed_accounts import CONNECTED, NOT_CONNECTED, UNKNOWN
from oneup_pinterest.errors import UserError
from oneup_pinterest.files import replaced_file
from oneup_pinterest.formatting import format_account, format_names, truncate
from oneup_pinterest.sync.connector import Connector
from oneup_pinterest.sync.events import FailureEvent, RecordEvent

MAX_ASKED = 20  # accounts that are tried, one request each: more would use up the limit of requests
ACCOUNTS_KEY = "social_network_ids"
EVERY_ACCOUNT = {ACCOUNTS_KEY: None, "shard": None}


class ListedAccount(NamedTuple):
    """An account that OneUp lists for a key."""

    id: str
    username: str | None
    name: str | None
    state: str

    def cells(self) -> tuple[str, ...]:
        """Return the account as a row for a terminal."""
        return truncate(self.username, 40), truncate(self.name, 40), self.state, truncate(self.id, 60)

    @property
    def label(self) -> str:
        """The account's name in a sentence."""
        return format_account(self.id, self.username)


def lost_accounts(listed: Sequence[ListedAccount]) -> str:
    """Return the names of the accounts that must be connected again, as a list in a sentence; empty without any."""
    return format_names(account.label for account in listed if account.state == NOT_CONNECTED)


def list_accounts(config: Mapping[str, Any]) -> list[ListedAccount]:
    """Return the Pinterest accounts of the config's key, with one request to OneUp.

    Raises:
        UserError: the config is not valid or OneUp refuses the key (exit status 2), or OneUp cannot be reached (1).
    """
    connector = Connector({**config, **EVERY_ACCOUNT}, {})
    found = []
    for event in connector.read(["accounts"]):
        if isinstance(event, FailureEvent):
            raise UserError(event.reason, 2 if event.is_config_error else 1)
        if isinstance(event, RecordEvent):
            found.append(_listed(event.data))
    return found


def _listed(row: Mapping[str, Any]) -> ListedAccount:
    state = account_state(is_expired=row["is_expired"], need_refresh=row["need_refresh"])
    return ListedAccount(row["social_network_id"], row["username"], row["full_name"], state)


def account_state(*, is_expired: bool | None, need_refresh: bool | None) -> str:
    """Return what OneUp says of its connection to an account.

    >>> account_state(is_expired=False, need_refresh=True)
    'connect again in OneUp'
    """
    if is_expired or need_refresh:
        return NOT_CONNECTED
    return CONNECTED if is_expired is not None or need_refresh is not None else UNKNOWN


def unreadable(config: Mapping[str, Any], accounts: Sequence[ListedAccount]) -> dict[str, str]:
    """Return which of the first accounts OneUp gives no figures of, by name, with the reason of each."""
    asked = {account.id: account.label for account in accounts[:MAX_ASKED]}
    connector = Connector({**config, **EVERY_ACCOUNT, ACCOUNTS_KEY: list(asked)}, {})
    failures = [event for event in connector.read(["account_followers"]) if isinstance(event, FailureEvent)]
    return {asked.get(failure.account or "", "OneUp"): failure.reason for failure in failures}


def chosen_accounts(listed: Sequence[ListedAccount], names: Sequence[str]) -> list[ListedAccount] | None:
    """Return the accounts that are named by id or @username; None, which means all, without names.

    Raises:
        UserError: a name is not in the list (exit status 2).

    >>> shop = ListedAccount("pin_1", "shop", None, "connected")
    >>> chosen_accounts([shop], ["@shop"]) == [shop], chosen_accounts([shop], [])
    (True, None)
    """
    if not names:
        return None
    by_name = {account.id: account for account in listed}
    by_name |= {f"@{account.username}".lower(): account for account in listed if account.username}
    chosen = []
    for name in names:
        account = by_name.get(name) or by_name.get(f"@{name.removeprefix('@')}".lower())
        if account is None:
            near = get_close_matches(name, by_name, 1)
            hint = f"Did you mean {near[0]}?" if near else f"It lists {format_names(one.label for one in listed)}."
            raise UserError(f"OneUp lists no account {name} for this key. {hint}", 2)
        chosen.append(account)
    return list(dict.fromkeys(chosen))


def numbers_in(text: str, highest: int) -> list[int]:
    """Return the numbers of a list such as 1,3-5.

    Raises:
        UserError: the text is not such a list, or a number is not between 1 and `highest`.

    >>> numbers_in("4, 1-2", 5)
    [4, 1, 2]
    """
    found: list[int] = []
    for part in text.replace(",", " ").split():
        match = re.fullmatch(r"(\d{1,6})(?:-(\d{1,6}))?", part)
        first, last = (int(match[1]), int(match[2] or match[1])) if match else (0, 0)
        if not 1 <= first <= last <= highest:
            raise UserError(
                f"{truncate(part, 20)} is not a number from 1 to {highest}: write for example 1,3-5, or all.", 2
            )
        found += range(first, last + 1)
    if not found:
        raise UserError(f"Write numbers from 1 to {highest}, for example 1,3-5, or all.", 2)
    return list(dict.fromkeys(found))


def read_known(path: Path) -> dict[str, Any]:
    """Return what a config holds already, so that its other keys are kept; nothing if there is no file.

    Raises:
        UserError: the file is not a JSON object, or cannot be read (exit status 2).
    """
    try:
        known = json.loads(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise UserError(f"{path} cannot be read: {error.strerror}. Name another file with --config.", 2) from None
    except ValueError:
        known = None
    if not isinstance(known, dict):
        raise UserError(f"{path} is not a JSON object: move it away, or name another file with --config.", 2)
    return known


def require_writable(path: Path) -> None:
    """Refuse a config that could not be written, before anybody types a key.

    Raises:
        UserError: the user may not write the folder of the file, or there can be no such folder (exit status 2).
    """
    folder = next(parent for parent in path.absolute().parents if os.access(parent, os.F_OK))
    if not folder.is_dir() or not os.access(folder, os.W_OK | os.X_OK):
        raise UserError(f"{path} cannot be written, because {folder} is not a folder that you may write to.", 2)


def write_config(path: Path, config: Mapping[str, Any], chosen: Sequence[ListedAccount] | None) -> None:
    """Write the config so that only its owner can read it, replacing an earlier one at once.

    `chosen`: the accounts to sync; None for all, also those that are connected later.

    Raises:
        UserError: the file cannot be written.
    """
    values = {name: value for name, value in config.items() if name != ACCOUNTS_KEY}
    if chosen is not None:
        values[ACCOUNTS_KEY] = [account.id for account in chosen]
    with suppress(OSError):  # `replaced_file` says so if there can be no such folder
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with replaced_file(path, "Name another file with --config.") as unfinished:
        unfinished.unlink(missing_ok=True)
        with os.fdopen(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
            file.write(json.dumps(values, indent=2, ensure_ascii=False) + "\n")
