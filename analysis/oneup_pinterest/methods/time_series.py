"""Estimate level, weekday cycle and spread of daily series, robust to single outliers."""

import numpy as np
import numpy.typing as npt

from oneup_pinterest.methods.types import Floats

MEDIAN_DAYS = 29  # four weeks and the day in the middle: a single odd week hardly moves their median
ADDED = 0.5  # to counts before the logarithm, which 0 does not have
NORMAL_MAD = 1.4826  # standard deviation of a normal distribution over its median absolute deviation


def level_and_weekdays(logs: Floats, weekdays: npt.NDArray[np.int64]) -> tuple[Floats, Floats]:
    """Return the rolling median of a series of logarithms (nan: unknown), and each day's weekday effect.

    Both have one element per day, in log units. Weekday effects are medians, shrunk towards 0 by the share of their
    variance that chance alone explains (empirical Bayes; Efron and Morris, JASA 70, 1975).

    >>> level, weekly = level_and_weekdays(np.array([1.0, 1, 1, 1, 1, 2, 1] * 8), np.arange(56) % 7)
    >>> level[:3].round(2).tolist(), weekly[4:7].round(2).tolist()
    ([1.0, 1.0, 1.0], [0.0, 1.0, 0.0])
    """
    level = rolling_median(logs)
    effects = np.zeros(7)
    for _ in range(2):  # the second pass takes the level of the adjusted days
        rest = logs - level
        here = np.array([_median(rest[weekdays == day]) for day in range(7)])
        here -= _median(here)
        within = robust_deviation(rest - here[weekdays])
        seen = np.maximum([np.isfinite(rest[weekdays == day]).sum() for day in range(7)], 1)
        by_chance = 1.57 * within**2 / seen.mean()  # pi / 2: variance of a median relative to that of a mean
        between = float(np.var(here, ddof=1))
        effects = here * (max(between - by_chance, 0.0) / between if between > 0 else 0.0)
        level = rolling_median(logs - effects[weekdays])
    return level, effects[weekdays]


def rolling_median(values: Floats, window: int = MEDIAN_DAYS) -> Floats:
    """Return the median of the `window` days around each day: fewer at the ends, and unknown days (nan) do not count.

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
    """Return the median absolute deviation, scaled to the standard deviation of a normal distribution; 0 if empty.

    Source: Rousseeuw and Croux, JASA 88, 1993.

    >>> round(robust_deviation(np.array([1.0, 2, 3, 4, 900])), 2)
    1.48
    """
    return NORMAL_MAD * _median(np.abs(values - _median(values)))


def trimmed_deviation(values: Floats) -> float:
    """Return the standard deviation of the values within 4 robust deviations of the median; 0 if they are constant.

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
