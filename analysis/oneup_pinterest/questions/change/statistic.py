"""Do the weekly gains of an account grow?

Whether its gains changed is in `history.period_change`, because other questions use that comparison too.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import polars as pl

from oneup_pinterest.history.account_history import AccountHistory
from oneup_pinterest.history.counter_types import USABLE
from oneup_pinterest.history.loaded_history import computed_once
from oneup_pinterest.history.period_change import (
    HEADLINE,
    not_lifetime,
    percent_change,
    withdraw_unseen_falls,
)
from oneup_pinterest.history.pin_levels import MIN_GAINS
from oneup_pinterest.methods.frames import with_account
from oneup_pinterest.methods.log_contrasts import percent_of
from oneup_pinterest.methods.own_level import Levels, slope
from oneup_pinterest.methods.power import SOUGHT, TREND_WEEKS, detectable_ratio, weeks_until_found
from oneup_pinterest.methods.time_series import ADDED
from oneup_pinterest.methods.types import Columns
from oneup_pinterest.methods.verdicts import with_holm_verdicts

WEEKS, MIN_WEEKS = 12, 6  # a quarter; with fewer than 6 weeks the first and the last decide the slope
DAYS_OF_WEEK_KNOWN = 5

TREND: Columns = {
    "metric": pl.String,
    "weeks": pl.Int64,
    "first_day": pl.Date,
    "last_day": pl.Date,
    "pins": pl.Int64,
    "watched_first": pl.Float64,
    "watched_last": pl.Float64,
    "change": pl.Float64,
    "change_low": pl.Float64,
    "change_high": pl.Float64,
    "p": pl.Float64,
    "p_adjusted": pl.Float64,
    "detectable": pl.Float64,
    "weeks_needed": pl.Float64,
    "weeks_sought": pl.Float64,
    "verdict": pl.String,
    "reason": pl.String,
}
WEEKLY: Columns = {
    "metric": pl.String,
    "week": pl.Int64,
    "first_day": pl.Date,
    "last_day": pl.Date,
    "days_known": pl.Int64,
    "gain": pl.Float64,
    "is_imputed": pl.Boolean,
}


def weekly_sums(account_gains: pl.DataFrame, weeks: int = WEEKS) -> pl.DataFrame:
    """Return what an account gained in each of its last settled weeks of 7 days, from `account_daily_gains`.

    No rows for metrics that are not lifetime counters. Columns, sorted by the first three:

    - social_network_id, metric; week: 0 is the newest, -1 the one before it
    - first_day, last_day: days; days_known: of 7
    - gain: count; scaled up to 7 days where 5 or 6 are known, null where fewer are
    - is_imputed: the gain of some day is spread over a gap between syncs

    >>> from datetime import date
    >>> gains = pl.DataFrame({"social_network_id": "pin_a", "metric": "saves", "gain": 2.0, "counter_type": "lifetime",
    ...     "day": [date(2026, 3, day) for day in range(1, 15)], "is_provisional": False, "is_imputed": False})
    >>> weekly_sums(gains).select("week", "days_known", "gain").rows()
    [(-1, 7, 14.0), (0, 7, 14.0)]
    """
    settled = account_gains.filter(~pl.col("is_provisional") & pl.col("counter_type").is_in(USABLE))
    keys = ["social_network_id", "metric"]
    back = (pl.col("day").max().over(keys) - pl.col("day")).dt.total_days()
    first = (pl.col("day").max().over(keys) - pl.col("day").min().over(keys)).dt.total_days()
    return (
        settled.with_columns(week=-(back // 7), whole=(first + 1) // 7)
        .filter((-pl.col("week") < pl.col("whole")) & (pl.col("week") > -weeks))
        .with_columns(last_day=pl.col("day").max().over(keys) + pl.duration(days=7 * pl.col("week")))
        .group_by(*keys, "week")
        .agg(
            first_day=(pl.col("last_day").first() - pl.duration(days=6)).cast(pl.Date),
            last_day=pl.col("last_day").first().cast(pl.Date),
            days_known=pl.col("gain").is_not_null().sum().cast(pl.Int64),
            gain=pl.col("gain").sum() * 7 / pl.col("gain").is_not_null().sum(),
            is_imputed=pl.col("is_imputed").any(),
        )
        .with_columns(gain=pl.when(pl.col("days_known") >= DAYS_OF_WEEK_KNOWN).then("gain"))
        .select("social_network_id", *WEEKLY)
        .sort(*keys, "week")
    )


def weekly_gains(history: AccountHistory, weeks: int = WEEKS) -> pl.DataFrame:
    """Return `weekly_sums` (counts per week) of the account's gains."""
    return weekly_sums(history.account_gains, weeks)


@computed_once
def account_trend(
    history: AccountHistory, metrics: Sequence[str] = HEADLINE, *, weeks: int = WEEKS, sought: float = SOUGHT
) -> pl.DataFrame:
    """Estimate how weekly gains grow or shrink over the last settled weeks (at most `weeks`, at least 6).

    One row per metric, in the order of `metrics`; no rows for an account without pins. Columns:

    - social_network_id, metric; weeks: number of weeks with a known gain
    - first_day, last_day: of the weeks
    - pins: pins seen in them or since
    - watched_first, watched_last: mean number of pins seen per day in the first and in the last of these weeks
    - change, change_low, change_high: mean growth in percent per week, with the bounds of its 95% interval
    - p, p_adjusted, reason: as in `account_change`; verdict: up, down, within normal variation, or no verdict (also for
      a fall where a fifth more pins were seen at first than at last: what a pin gains unseen is unknown, not zero)

    - detectable: the smallest growth in percent per week that would be found in 80% of cases now, at 5% for this
      metric alone
    - weeks_needed: weeks that a trend must have, with those that are there, until a growth as large as `change` would
      be found in 80% of cases; weeks_sought: the same for a growth of `sought` percent in 12 weeks. Only the last
      `weeks` weeks are looked at

    A straight line through the logarithms of the weekly gains, beyond swings that may persist from week to week
    (`methods.own_level.slope`).

    >>> from datetime import date, timedelta
    >>> seen = [date(2026, 1, 1) + timedelta(days=n) for n in range(52)]
    >>> pins = pl.concat([pl.DataFrame({"social_network_id": "pin_a", "id": str(pin), "snapshot_date": seen,
    ...     "timestamp": date(2025, 11, 1) + timedelta(days=pin), "saves": [n * (pin + 1) for n in range(52)]})
    ...     for pin in range(9)])
    >>> account_trend(AccountHistory.from_pins(pins), ["saves"]).select("weeks", "pins", "change", "verdict").row(0)
    (7, 9, 0.0, 'within normal variation')
    """
    if history.pins.is_empty():
        return with_account(history.social_network_id, None, TREND)
    known = history.account_gains
    rows = [
        {"metric": metric} | fitted_trend(known.filter(pl.col("metric") == metric), metric, weeks, sought)
        for metric in metrics
    ]
    first_day = min((row["first_day"] for row in rows if "first_day" in row), default=None)
    if first_day is not None:
        seen = history.pins.filter(pl.col("snapshot_date") > first_day)["id"].n_unique()
        rows = [row | {"pins": seen} if "first_day" in row else row for row in rows]
    table = withdraw_unseen_falls(with_holm_verdicts(rows, TREND), "watched_first", "watched_last")
    return with_account(history.social_network_id, table, TREND)


def fitted_trend(known: pl.DataFrame, metric: str, weeks: int, sought: float = SOUGHT) -> dict[str, Any]:
    """Return the row of `account_trend` for one metric, from its gains of all pins together (`account_daily_gains`)."""
    if not known["counter_type"].is_in(USABLE).all():
        return {"reason": not_lifetime(metric)}
    table = weekly_sums(known, weeks).drop_nulls("gain")
    if table.height < MIN_WEEKS:
        return {
            "weeks": table.height,
            "reason": f"{MIN_WEEKS} whole settled weeks are needed; there are {table.height}",
        }
    row = {
        "weeks": table.height,
        "first_day": table["first_day"][0],
        "last_day": table["last_day"][-1],
        **_pins_seen(known, table),
    }
    gained = table["gain"].to_numpy()
    if (fewest := gained.sum()) < MIN_GAINS * MIN_WEEKS:
        return row | {"reason": f"{MIN_GAINS * MIN_WEEKS} {metric} in these weeks are needed; there are {fewest:,.0f}"}
    noise = np.diag(1 / np.maximum(gained, 1.0))  # of a Poisson count's logarithm
    levels = Levels(table["week"].to_numpy().astype(np.float64), np.log(gained + ADDED), noise, np.inf)
    found = slope(levels)
    reach = np.log(detectable_ratio(found.deviation))
    given = np.log1p(sought / 100) / TREND_WEEKS
    return row | {
        **percent_change(found),
        "p": found.p,
        "detectable": float(percent_of(reach)),
        "weeks_needed": weeks_until_found(found.estimate, reach, table.height),
        "weeks_sought": weeks_until_found(given, reach, table.height),
    }


def _pins_seen(known: pl.DataFrame, weeks: pl.DataFrame) -> dict[str, float | None]:
    """Return the mean number of pins seen per day in the first and the last week."""
    means = {}
    for name, place in (("watched_first", 0), ("watched_last", -1)):
        days = known.filter(pl.col("day").is_between(weeks["first_day"][place], weeks["last_day"][place]))
        means[name] = days["pins_observed"].mean() if "pins_observed" in days.columns else None
    return means  # type: ignore[return-value]
