"""List the accounts of a history, and their names for people."""

import polars as pl


def account_names(accounts: pl.DataFrame) -> dict[str, str]:
    """Return a name for people per `social_network_id`, from `load_accounts`: full name and username, where known.

    >>> account_names(pl.DataFrame({"social_network_id": ["pin_a"], "full_name": ["Ann"], "username": ["ann"]}))
    {'pin_a': 'Ann (@ann)'}
    """
    names = {}
    for row in accounts.select("social_network_id", "full_name", "username").iter_rows(named=True):
        full, user = (row["full_name"] or "").strip(), (row["username"] or "").strip()
        names[row["social_network_id"]] = f"{full} (@{user})" if full and user else full or user
    return {account: name for account, name in names.items() if name}


def accounts_by_pins(pins_latest: pl.DataFrame, *others: pl.DataFrame) -> list[str]:
    """Return every `social_network_id` in any of the frames, the one with most pins first.

    >>> pins = pl.DataFrame({"social_network_id": ["pin_b", "pin_b", "pin_a"]})
    >>> accounts_by_pins(pins, pl.DataFrame({"social_network_id": ["pin_new"]}))
    ['pin_b', 'pin_a', 'pin_new']
    """
    column = "social_network_id"
    named = pl.concat([frame.select(column) for frame in (pins_latest, *others)]).unique().drop_nulls()
    counted = named.join(pins_latest.group_by(column).len(), on=column, how="left")
    ids: list[str] = counted.sort("len", column, descending=[True, False], nulls_last=True)[column].to_list()
    return ids
