"""Build the frames that statistics return: the rows of one account, with its id."""

import polars as pl

from oneup_pinterest.methods.types import Columns, Floats, Integers


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


def day_numbers(rows: pl.DataFrame) -> Integers:
    """Return the days of publication (column `moment`) as numbers; pins without one share a day.

    >>> from datetime import datetime
    >>> day_numbers(pl.DataFrame({"moment": [datetime(1970, 1, 3, 9), None]})).tolist()
    [2, 0]
    """
    days: Integers = rows["moment"].dt.epoch("d").cast(pl.Int64).fill_null(0).to_numpy()
    return days


def mean_of(values: Floats) -> float | None:
    """Return the mean, None where there are no values.

    >>> import numpy as np
    >>> mean_of(np.array([1.0, 2.0])), mean_of(np.array([]))
    (1.5, None)
    """
    return float(values.mean()) if values.size else None
