"""Forecast by repeating the past, and judge forecasts by their errors from earlier days."""

from typing import NamedTuple

import numpy as np

from oneup_pinterest.methods.types import Flags, Floats, Integers

HORIZON = 14  # days
TOTAL_DAYS = 28  # of the total that is forecast as a whole: four weeks
SHARE = 0.8  # of days, weeks and totals within the interval
# Nominal shares that bring it to about that where swings persist, trends bend and one pin brings most (see
# simulations/forecast.py): days to come are less like those before than these are like each other.
_OF_DAYS, _OF_TOTALS = 0.86, 0.87
MIN_ERRORS = 10  # fewer do not show where the outer tenths start
WEEK = 7
WEEKS_OF_MEAN = 4
_MIN_TOTALS = 2  # spans of 28 days, side by side, of which one is forecast from the other
_ALIKE_DAYS = 3  # errors of so many days in a row are about as many as one


class Backtest(NamedTuple):
    """A model's forecasts from each origin (rows) for each of the next days; the last row is the future.

    mae is the mean absolute error; None where no gain of a tested day is known by itself.
    """

    paths: Floats
    mae: float | None
    low: Floats
    high: Floats
    coverage: float | None
    week_low: Floats
    week_high: Floats


class Total(NamedTuple):
    """The forecast of a total (counts), with its interval; nan where too little is known."""

    forecast: float
    low: float
    high: float


def last_week_again(gain: Floats, origins: Integers) -> Floats:
    """Return the week before each origin, and before the end, repeated over the horizon.

    >>> last_week_again(np.arange(7.0), np.empty(0, dtype=np.int64))[0, :9].tolist()
    [0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 0.0, 1.0]
    """
    return mean_of_weeks(gain, origins, 1)


def mean_of_weeks(gain: Floats, origins: Integers, weeks: int = WEEKS_OF_MEAN) -> Floats:
    """Return the mean of the last same weekdays before each origin, and before the end, over the horizon.

    >>> mean_of_weeks(np.repeat([1.0, 3.0], 7), np.empty(0, dtype=np.int64), 2)[0, :2].tolist()
    [2.0, 2.0]
    """
    starts = np.append(origins, len(gain))[:, None] + np.arange(HORIZON) % WEEK
    paths: Floats = np.mean([gain[starts - WEEK * (back + 1)] for back in range(weeks)], axis=0)
    return paths


def total_again(gain: Floats, counted: Flags) -> Total:
    """Forecast the total of the next 28 days: as many as in the last 28, with the errors that this had before.

    `counted`: whether the gain of the day is known by itself. The interval is that of `_interval`.

    >>> total_again(np.full(84, 2.0), np.full(84, True))
    Total(forecast=56.0, low=56.0, high=56.0)
    """
    if len(gain) < TOTAL_DAYS:
        return Total(np.nan, np.nan, np.nan)
    sums = np.lib.stride_tricks.sliding_window_view(gain, TOTAL_DAYS).sum(axis=1)
    is_known = np.lib.stride_tricks.sliding_window_view(counted, TOTAL_DAYS).mean(axis=1) > 0.5
    error = np.log((sums[TOTAL_DAYS:] + 1) / (sums[:-TOTAL_DAYS] + 1))[is_known[TOTAL_DAYS:]]
    independent = len(gain) / TOTAL_DAYS - 1
    low, high = _interval(error, independent) if independent >= _MIN_TOTALS else (np.nan, np.nan)
    last = float(sums[-1])
    return Total(last, max(float((last + 1) * np.exp(low)) - 1, 0.0), float((last + 1) * np.exp(high)) - 1)


def backtested(
    gain: Floats,
    counted: Flags,
    early: Integers,
    origins: Integers,
    paths: Floats,
) -> Backtest:
    """Return the intervals and errors of `paths`: one row per element of `early` and `origins`, and the future."""
    starts = np.append(np.concatenate([early, origins]), len(gain))
    target = starts[:, None] + np.arange(HORIZON)
    is_known = (target < len(gain)) & np.append(counted, False)[np.minimum(target, len(gain))]
    there = np.append(gain, np.nan)[np.minimum(target, len(gain))]
    error = np.where(is_known, np.log((there + 1) / (paths + 1)), np.nan)
    low, high = np.full(paths.shape, np.nan), np.full(paths.shape, np.nan)
    for place in range(len(early), len(starts)):
        for week in range(HORIZON // WEEK):
            span = slice(week * WEEK, (week + 1) * WEEK)
            earlier = error[:, span][target[:, span] < starts[place]]
            seen = np.unique(target[:, span][(target[:, span] < starts[place]) & is_known[:, span]]).size
            least, most = _quantiles(earlier[np.isfinite(earlier)], seen / _ALIKE_DAYS)
            low[place, span] = np.maximum((paths[place, span] + 1) * np.exp(least) - 1, 0.0)
            high[place, span] = (paths[place, span] + 1) * np.exp(most) - 1
    tested = slice(len(early), len(starts) - 1)
    compared = is_known[tested] & np.isfinite(low[tested])
    held = (there[tested] >= low[tested]) & (there[tested] <= high[tested])
    off = np.abs(there - paths)[tested][is_known[tested]]
    totals = paths.reshape(len(starts), -1, WEEK).sum(axis=2)
    sums = np.where(is_known, there, np.nan).reshape(len(starts), -1, WEEK).sum(axis=2)
    week_error = np.log((sums + 1) / (totals + 1))
    # weeks that start a day apart share six days: seven of them count as one
    known_errors = [errors[np.isfinite(errors)] for errors in week_error.T]
    bounds = np.array([_interval(errors, errors.size / WEEK) for errors in known_errors])
    week_low, week_high = np.maximum((totals[-1] + 1) * np.exp(bounds.T) - 1, 0.0)
    return Backtest(
        paths[len(early) :],
        float(off.mean()) if off.size else None,
        low[len(early) :],
        high[len(early) :],
        float(held[compared].mean()) if compared.any() else None,
        week_low,
        week_high,
    )


def _quantiles(errors: Floats, independent: float) -> tuple[float, float]:
    """Return bounds that hold 80% of the days to come; `independent` is the effective number of errors."""
    if errors.size < MIN_ERRORS:
        return np.nan, np.nan
    outer = (1 - _OF_DAYS) / 2 - _OF_DAYS / 2 / (independent + 1)  # quantiles of a finite sample are too narrow
    return float(np.quantile(errors, max(outer, 0.0))), float(np.quantile(errors, min(1 - outer, 1.0)))


def _interval(errors: Floats, independent: float) -> tuple[float, float]:
    """Return bounds that hold 80% of future totals, from few errors: Student's t of their root mean square.

    They are taken about 0, not about their mean, so that a trend widens the interval to both sides.
    """
    from scipy import stats  # slow to import

    if errors.size < MIN_ERRORS:
        return np.nan, np.nan
    reach = float(stats.t.ppf((1 + _OF_TOTALS) / 2, max(independent, 1.0)) * np.sqrt(np.mean(errors**2)))
    return -reach, reach
