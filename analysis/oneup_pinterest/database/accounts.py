"""Look up accounts in a database by id or username, as people name them."""

from collections.abc import Sequence

import duckdb

from oneup_pinterest.database.renames import newest_ids, registered_renames
from oneup_pinterest.database.schema import PIN_ATTRIBUTES, STREAMS, quoted
from oneup_pinterest.database.views import has_pin_tables
from oneup_pinterest.errors import UserError
from oneup_pinterest.formatting import format_names, truncate

Accounts = str | Sequence[str] | None  # one id or @username, or several; None is all accounts


def account_ids(history: duckdb.DuckDBPyConnection, accounts: Accounts) -> list[str] | None:
    """Return the `social_network_id`s of the given accounts, or None for all accounts.

    An account is given by its id, or by `@` and its username in any case. Ids and usernames from before a rename find
    it too. A file without any account accepts every name.

    Raises:
        UserError: the file does not know an account (exit status 2).
    """
    if accounts is None:
        return None
    given = [accounts] if isinstance(accounts, str) else list(accounts)
    if not given:
        return []
    renames = registered_renames(history)
    newest = newest_ids(renames)
    given = [newest.get(account, account) for account in given]
    names: dict[str, list[str]] = {}
    for rename in renames:
        names.setdefault(_plain(rename.older_name or ""), []).append(newest[rename.older])
    for account, username in history.execute("SELECT social_network_id, username FROM accounts ORDER BY 1").fetchall():
        names.setdefault(_plain(username or ""), []).append(account)
    known = {account for ids in names.values() for account in ids}
    if any(account not in known and not account.startswith("@") for account in given):
        known |= _ids(history)
    ids: dict[str, None] = {}
    for account in given:
        found = [account] if account in known else names.get(_plain(account), []) if account.startswith("@") else []
        if not found and (known or (known := _ids(history))):
            usernames = {account: name for name, those in names.items() if name for account in those}
            known_names = format_names(
                truncate(account) + (f" (@{usernames[account]})" if account in usernames else "")
                for account in sorted(known | _ids(history))
            )
            meant = f" Did you mean @{account}?" if names.get(_plain(account)) else ""
            raise UserError(f"{truncate(account)} is not in this database; there are: {known_names}.{meant}", 2)
        ids |= dict.fromkeys(found)
    return list(ids)


def _plain(username: str) -> str:
    return username.strip().removeprefix("@").lower()


def _ids(history: duckdb.DuckDBPyConnection) -> set[str]:
    pins = PIN_ATTRIBUTES if has_pin_tables(history) else "pins"  # one row per pin, not one per pin and day
    sources = (pins if stream == "pins" else stream for stream in STREAMS)
    union = " UNION ".join(f"SELECT social_network_id FROM {quoted(source)}" for source in sources)
    return {account for (account,) in history.execute(union).fetchall() if account is not None}
