"""An account's settled days as a series: what anomalies, level shifts and forecasts share."""

import numpy as np
import numpy.typing as npt
import polars as pl

from oneup_pinterest.history.counter_types import USABLE

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]
MEDIAN_DAYS = 29  # four weeks and the day in the middle: one odd week cannot move a median of them
FALLEN_SHARE = 0.1  # of an account's pins: when more counters fell, a day's sum is too much of a lower bound
ADDED = 0.5  # to counts before their logarithm is taken, so that zero has one
NORMAL_MAD = 1.4826  # of the normal distribution: its standard deviation in median absolute deviations

_SCHEMA = {
    "social_network_id": pl.String(),
    "day": pl.Date(),
    "gain": pl.Float64(),
    "is_imputed": pl.Boolean(),
    "is_sure": pl.Boolean(),
}


def settled_days(gains: pl.DataFrame, metric: str) -> pl.DataFrame:
    """Every day of each account from its first settled one to its last, from frames of `account_daily_gains`.

    Columns, sorted by the first two:

    - social_network_id, day
    - gain: of `metric`, as a count; null on days of which it is not known
    - is_imputed: the gain is part of a gap's that was divided by its days
    - is_sure: the gain is known and was counted on this very day, not next to a gap or an unknown day either, and at
      most a tenth of the counters fell on it: what happened here can be judged day by day

    No rows for accounts of which `metric` is no lifetime counter. Provisional days are left out.

    >>> from datetime import date
    >>> gains = pl.DataFrame({"social_network_id": "pin_a", "metric": "saves", "kind": "lifetime", "gain": 3.0,
    ...     "day": [date(2026, 3, day) for day in (1, 2, 3, 5)], "is_imputed": False, "is_provisional": False,
    ...     "pins_fallen": 0, "pins_observed": 9})
    >>> settled_days(gains, "saves").select("gain", "is_sure").rows()
    [(3.0, True), (3.0, True), (3.0, False), (None, False), (3.0, False)]
    """
    rows = gains.filter((pl.col("metric") == metric) & pl.col("kind").is_in(USABLE) & ~pl.col("is_provisional"))
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


def level_and_weekdays(logs: Floats, weekdays: npt.NDArray[np.int64]) -> tuple[Floats, Floats]:
    """The rolling median of a series of logarithms (nan: unknown), and what its day of the week adds to each day.

    Weekday effects are medians, drawn towards none as far as chance alone would make them differ (a weekday of which
    there are four Mondays says little).

    >>> level, weekly = level_and_weekdays(np.array([1.0, 1, 1, 1, 1, 2, 1] * 8), np.arange(56) % 7)
    >>> level[:3].round(2).tolist(), weekly[4:7].round(2).tolist()
    ([1.0, 1.0, 1.0], [0.0, 1.0, 0.0])
    """
    level = rolling_median(logs)
    effects = np.zeros(7)
    for _ in range(2):  # the second time the level is that of the adjusted days
        rest = logs - level
        here = np.array([_median(rest[weekdays == day]) for day in range(7)])
        here -= _median(here)
        within = robust_deviation(rest - here[weekdays])
        seen = np.maximum([np.isfinite(rest[weekdays == day]).sum() for day in range(7)], 1)
        by_chance = 1.57 * within**2 / seen.mean()  # pi / 2: the variance of a median against a mean's
        between = float(np.var(here, ddof=1))
        effects = here * (max(between - by_chance, 0.0) / between if between > 0 else 0.0)
        level = rolling_median(logs - effects[weekdays])
    return level, effects[weekdays]


def rolling_median(values: Floats, window: int = MEDIAN_DAYS) -> Floats:
    """The median of the days around each; fewer at the ends; days that are unknown (nan) do not count.

    >>> rolling_median(np.array([1.0, 1, 9, 1, np.nan]), 3).tolist()
    [1.0, 1.0, 1.0, 5.0, 1.0]
    """
    half = window // 2
    padded = np.concatenate([np.full(half, np.nan), values, np.full(half, np.nan)])
    ordered = np.sort(np.lib.stride_tricks.sliding_window_view(padded, window), axis=1)  # nan last
    count = np.isfinite(ordered).sum(axis=1)
    rows = np.arange(len(values))
    middle: Floats = ordered[rows, np.maximum(count - 1, 0) // 2] + ordered[rows, np.minimum(count // 2, window - 1)]
    return middle / 2


def robust_deviation(values: Floats) -> float:
    """The standard deviation that a normal distribution with this median absolute deviation has; 0 for no values.

    >>> round(robust_deviation(np.array([1.0, 2, 3, 4, 900])), 2)
    1.48
    """
    return NORMAL_MAD * _median(np.abs(values - _median(values)))


def trimmed_deviation(values: Floats) -> float:
    """The standard deviation without what lies beyond 4 robust deviations: nearly all the days count, not a third.

    >>> round(trimmed_deviation(np.array([1.0, 2, 3, 4, 900])), 2)
    1.29
    """
    known = values[np.isfinite(values)]
    reach = 4 * robust_deviation(known)
    kept = known[np.abs(known - _median(known)) <= reach]
    if reach == 0 or kept.size < 2:
        return 0.0
    return float(np.std(kept, ddof=1))


def _median(values: Floats) -> float:
    known = values[np.isfinite(values)]
    return float(np.median(known)) if known.size else 0.0
