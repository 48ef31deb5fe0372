"""Statistics: pure functions from frames to frames, each with a promise that a simulation keeps.

They take any number of accounts and answer for each by itself; nothing here reads a file, draws or writes prose.
"""

from collections.abc import Callable

import polars as pl


def for_each_account(
    frame: pl.DataFrame,
    statistic: Callable[[pl.DataFrame], pl.DataFrame],
    schema: dict[str, pl.DataType | type[pl.DataType]],
) -> pl.DataFrame:
    """The rows that `statistic` gives for each account of the frame, with `social_network_id` in front.

    `schema` has the columns that `statistic` returns; so a frame without rows has them too.

    >>> pins = pl.DataFrame({"social_network_id": ["pin_a", "pin_b", "pin_b"], "saves": [1, 2, 3]})
    >>> for_each_account(pins, lambda part: part.select(pl.col("saves").sum()), {"saves": pl.Int64}).rows()
    [('pin_a', 1), ('pin_b', 5)]
    """
    whole = pl.Schema({"social_network_id": pl.String(), **schema})
    if frame["social_network_id"].n_unique() == 1:
        # the frame itself: what was read of it may be known already (`oneup_pinterest.history.remembered`)
        accounts = {frame["social_network_id"][0]: frame}
    else:
        by_key = frame.partition_by("social_network_id", maintain_order=True, as_dict=True)
        accounts = {key[0]: part for key, part in by_key.items()}
    parts = [
        statistic(accounts[account]).select(pl.lit(account, pl.String).alias("social_network_id"), *schema).cast(whole)
        for account in sorted(accounts, key=lambda account: (account is not None, account))
    ]
    return pl.concat(parts) if parts else pl.DataFrame(schema=whole)
