"""Build the series of an account's settled days, which anomalies, level shifts, forecasts and followers share."""

import polars as pl

from oneup_pinterest.history.account_history import AccountHistory
from oneup_pinterest.history.counter_types import USABLE
from oneup_pinterest.history.loaded_history import computed_once

FALLEN_SHARE = 0.1  # of an account's pins: if more counters fell, the sum of the day is too low

_SCHEMA = {
    "social_network_id": pl.String(),
    "day": pl.Date(),
    "gain": pl.Float64(),
    "is_imputed": pl.Boolean(),
    "is_sure": pl.Boolean(),
}


@computed_once
def settled_days(history: AccountHistory, metric: str = "saves") -> pl.DataFrame:
    """Return `settled_rows` (counts per day) of the account's gains."""
    return settled_rows(history.account_gains, metric)


def settled_rows(account_gains: pl.DataFrame, metric: str) -> pl.DataFrame:
    """Return every day of each account from its first settled one to its last, from frames of `account_daily_gains`.

    Columns, sorted by the first two:

    - social_network_id, day
    - gain: count of `metric`; null where unknown
    - is_imputed: the gain of a gap between syncs was divided by its days
    - is_sure: the gain of this very day is known, neither neighbor is in a gap or unknown, and at most a tenth of the
      counters fell. Only such days can be compared one by one

    No rows for accounts whose `metric` is not a lifetime counter. Provisional days are left out.

    >>> from datetime import date
    >>> gains = pl.DataFrame({"social_network_id": "pin_a", "metric": "saves", "counter_type": "lifetime", "gain": 3.0,
    ...     "day": [date(2026, 3, day) for day in (1, 2, 3, 5)], "is_imputed": False, "is_provisional": False,
    ...     "pins_fallen": 0, "pins_observed": 9})
    >>> settled_rows(gains, "saves").select("gain", "is_sure").rows()
    [(3.0, True), (3.0, True), (3.0, False), (None, False), (3.0, False)]
    """
    rows = account_gains.filter(
        (pl.col("metric") == metric) & pl.col("counter_type").is_in(USABLE) & ~pl.col("is_provisional")
    )
    if rows.is_empty():
        return pl.DataFrame(schema=_SCHEMA)
    days = rows.group_by("social_network_id").agg(day=pl.date_ranges(pl.col("day").min(), pl.col("day").max()).first())
    known = pl.col("gain").is_not_null() & ~pl.col("is_imputed")
    near = pl.col("is_counted").shift(1, fill_value=True) & pl.col("is_counted").shift(-1, fill_value=True)
    return (
        days.explode("day")
        .join(rows, on=["social_network_id", "day"], how="left")
        .sort("social_network_id", "day")
        .with_columns(pl.col("is_imputed").fill_null(False))
        .with_columns(is_counted=known)
        .with_columns(
            is_sure=pl.col("is_counted")
            & near.over("social_network_id")
            & (pl.col("pins_fallen") <= FALLEN_SHARE * pl.col("pins_observed"))
        )
        .select(pl.col("social_network_id", "day", "gain", "is_imputed"), pl.col("is_sure").fill_null(False))
        .cast(pl.Schema(_SCHEMA))
    )
