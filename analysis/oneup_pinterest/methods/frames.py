"""Build the frames that statistics return: the rows of one account, with its id."""

import polars as pl

from oneup_pinterest.methods.types import Columns


def with_account(account: str, rows: pl.DataFrame | None, columns: Columns) -> pl.DataFrame:
    """Return the rows of one account with `social_network_id` as the first column; None means no rows.

    `columns` has the other columns of the result, in order, with their types.

    >>> with_account("pin_a", pl.DataFrame({"saves": [1]}), {"saves": pl.Int64}).rows()
    [('pin_a', 1)]
    >>> with_account("pin_a", None, {"saves": pl.Int64}).columns
    ['social_network_id', 'saves']
    """
    schema = pl.Schema({"social_network_id": pl.String(), **columns})
    if rows is None:
        return pl.DataFrame(schema=schema)
    return rows.select(pl.lit(account, pl.String).alias("social_network_id"), *columns).cast(schema)
