"""Series of days: their level, their weekday cycle and how far they scatter, whatever single odd days do."""

import numpy as np
import numpy.typing as npt

from oneup_pinterest.methods.types import Floats

MEDIAN_DAYS = 29  # four weeks and the day in the middle: one odd week cannot move a median of them
ADDED = 0.5  # to counts before their logarithm is taken, so that zero has one
NORMAL_MAD = 1.4826  # of the normal distribution: its standard deviation in median absolute deviations


def level_and_weekdays(logs: Floats, weekdays: npt.NDArray[np.int64]) -> tuple[Floats, Floats]:
    """Return the rolling median of a series of logarithms (nan: unknown), and each day's weekday effect.

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
    """Return the median of the days around each; fewer at the ends; days that are unknown (nan) do not count.

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
    """Return the standard deviation that a normal distribution with this median absolute deviation has; 0 if empty.

    >>> round(robust_deviation(np.array([1.0, 2, 3, 4, 900])), 2)
    1.48
    """
    return NORMAL_MAD * _median(np.abs(values - _median(values)))


def trimmed_deviation(values: Floats) -> float:
    """Return the standard deviation of the values within 4 robust deviations.

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
