"""Contrast groups of pins on the log scale, where the pins of one day and of one week share their luck.

The model of the outcomes is a mean per stratum, a random part per week, one per day, and one per pin. Its variances are
those of the restricted likelihood (Patterson and Thompson 1971, https://doi.org/10.1093/biomet/58.3.545). So pins of a
batch count as much as they are worth, whether they come one by one or all at once.
"""

import math
from typing import NamedTuple

import numpy as np

from oneup_pinterest.methods.power import critical_deviations, deviations_found, with_own_spread
from oneup_pinterest.methods.types import Flags, Floats, Integers
from oneup_pinterest.methods.verdicts import LEVEL

_MAX_VARIANCE = 100.0  # of days or weeks, where that of a pin is 1: beyond it, only the means of days or weeks count
# Twice the log likelihood that days and weeks must gain to count is at most 3, which the best of seven weeks often
# gains where nothing is shared. It falls with the number of pins: the more there are, the more an oversight costs.
_MAX_GAIN, _GAIN_PINS = 3.0, 180.0
_COARSE = ((0.02, 0.1), (0.02, 0.4), (0.3, 0.02))  # variances of days and weeks to begin with
_CLEAR = 0.1  # variance of weeks, where that of a pin is 1, from which on luck may last longer than a week
MIN_SLOPE = 0.02  # where nearly all counts are 0, logs do not tell a ratio
MIN_VARIANCE = 1e-18  # of logs of counts: what equal counts have is the rounding of numbers
FARTHEST = 7.0  # logs: a factor beyond about 1,000 is not an estimate


class Clusters:
    """Pins sorted by stratum and day of publication, with the variances of days and weeks relative to that of a pin.

    `days` are numbers. A week has `length` days; on which of them it begins is fitted, because an account's weeks need
    not be those of the calendar. `order` sorts any array of pins as they are here, `starts` and
    `day_starts` are those of the strata and of the days.
    """

    def __init__(self, strata: Integers, days: Integers, length: int = 7) -> None:
        self.order: Integers = np.lexsort((days, strata))
        self.week_variance, self.day_variance = 0.0, 0.0
        self._strata, self._days, self._length = strata[self.order], days[self.order], length
        self._of_strata, self._of_days = _level(self._strata), _level(self._strata, self._days)
        self._begin_weeks(0)
        self.starts, self.day_starts = self._of_strata.starts, self._of_days.starts
        self.free = strata.size - self.starts.size

    def fit(self, outcome: Floats) -> None:
        """Find the weeks and the variances of days and weeks under which this outcome (sorted) is most likely."""
        from scipy.optimize import minimize

        if self.free < 3:
            return
        both = np.column_stack([np.ones(outcome.size), outcome])
        # days with a single pin say nothing about what days share
        has_days = self._of_days.starts.size <= outcome.size / 2

        def loss(parameters: Floats) -> float:
            self.day_variance, self.week_variance = parameters[0] * has_days, parameters[1]
            by_day = np.log1p(self._of_days.sizes * self.day_variance).sum()
            by_week = np.log1p(self.week_variance * self._squares_of_weeks()).sum()
            ones, values = self._whitened(both).T
            information = np.add.reduceat(ones**2, self.starts)
            rest = (values**2).sum() - (np.add.reduceat(ones * values, self.starts) ** 2 / information).sum()
            return float(by_day + by_week + np.log(information).sum() + self.free * np.log(max(rest, 1e-12)))

        def loss_of_weeks(first: int) -> float:
            self._begin_weeks(first)
            return min(loss(np.array(parts)) for parts in _COARSE)

        alone = loss(np.zeros(2))
        losses = [loss_of_weeks(first) for first in range(self._length)]
        self._begin_weeks(int(np.argmin(losses)))
        if min(losses) > alone + 0.5:  # no sign of anything shared
            loss(np.zeros(2))
            return
        bounds = [(0.0, _MAX_VARIANCE)] * 2
        best = minimize(loss, np.array([0.1, 0.1]), method="L-BFGS-B", bounds=bounds, options={"maxiter": 30})
        # weekly batches have one week only, whichever day it begins on
        is_chosen = max(losses) - min(losses) > 1e-9
        gain = min(_MAX_GAIN, _GAIN_PINS / outcome.size) if is_chosen else 0.0
        loss(best.x if best.fun < alone - gain else np.zeros(2))

    def whitened(self, columns: Floats) -> Floats:
        """Return the columns (sorted pins x columns) minus their strata, so that equal pins have independent errors."""
        ones, values = self._whitened(np.ones((len(columns), 1))), self._whitened(columns)
        starts = self.starts
        slope = np.add.reduceat(ones * values, starts) / np.add.reduceat(ones**2, starts)
        centered: Floats = values - ones * slope[self._of_strata.place]
        return centered

    def fitted_means(self, outcome: Floats) -> tuple[Floats, Floats, float, int]:
        """Fit the outcome (sorted); return of each stratum its mean and the information on it, as a number of pins.

        Then come the variance of a pin, and the number of weeks.
        """
        self.fit(outcome)
        ones, values = (self._whitened(column[:, None])[:, 0] for column in (np.ones(outcome.size), outcome))
        information = np.add.reduceat(ones**2, self.starts)
        mean = np.add.reduceat(ones * values, self.starts) / information
        variance = float((self.whitened(outcome[:, None]) ** 2).sum() / max(self.free, 1))
        return mean, information, variance, self._of_weeks.starts.size

    def _begin_weeks(self, first: int) -> None:
        self._of_weeks = _level(self._strata, (self._days + first) // self._length)

    def _whitened(self, columns: Floats) -> Floats:
        days, weeks, squares = self._of_days, self._of_weeks, self._squares_of_weeks()
        kept = 1 / np.sqrt(1 + days.sizes * self.day_variance)
        sums = np.add.reduceat(columns, days.starts)
        values = columns - (((1 - kept) / days.sizes)[:, None] * sums)[days.place]
        ones = kept[days.place][:, None]
        part = (1 - 1 / np.sqrt(1 + self.week_variance * squares)) / squares
        whole: Floats = values - ones * (part[:, None] * np.add.reduceat(ones * values, weeks.starts))[weeks.place]
        return whole

    def _squares_of_weeks(self) -> Floats:
        kept = 1 / (1 + self._of_days.sizes * self.day_variance)
        squares: Floats = np.add.reduceat(kept[self._of_days.place], self._of_weeks.starts)
        return squares


class _Level(NamedTuple):
    """Groups of sorted pins: where each starts, its size, and the group of each pin."""

    starts: Integers
    sizes: Integers
    place: Integers


def _level(*columns: Integers) -> _Level:
    is_new = np.zeros(columns[0].size, dtype=bool)
    is_new[:1] = True
    for column in columns:
        is_new[1:] |= column[1:] != column[:-1]
    starts = np.flatnonzero(is_new)
    return _Level(starts, np.diff([*starts, is_new.size]), np.cumsum(is_new) - 1)


class LogContrast(NamedTuple):
    """A difference of logs of expected counts (0: the groups are alike), its 95% interval and the p value of none.

    The first three are None where the counts are too small to tell a ratio. `parts`: see `power.with_own_spread`.
    """

    estimate: float | None
    low: float | None
    high: float | None
    p_value: float
    parts: float = math.inf

    @classmethod
    def of(
        cls, difference: float, width: float, p_value: float, slope: float, parts: float = math.inf
    ) -> "LogContrast":
        """Return the contrast from a difference of log(1 + count), half its interval, and the slope of these logs."""
        if slope < MIN_SLOPE:
            return cls(None, None, None, p_value, parts)
        ends = ((difference + sign * width) / slope for sign in (0, -1, 1))
        estimate, low, high = (float(np.clip(end, -FARTHEST, FARTHEST)) for end in ends)
        return cls(estimate, low, high, p_value, parts)

    def ratios(self) -> dict[str, float]:
        """Return ratio, low, high and p_value as columns of a row; none where there is no ratio."""
        if self.estimate is None:
            return {}
        ratio, low, high = np.exp(np.array(self[:3])).tolist()
        return {"ratio": ratio, "low": low, "high": high, "p_value": self.p_value}

    def detectable(self, tests: int = 1) -> float | None:
        """Return the smallest rise (percent) that would be found in 80% of cases, as one of `tests` comparisons.

        The deviation is that of the interval, so it allows for batches and for few pins. None where there is no
        interval.

        >>> round(LogContrast(0.0, -0.3, 0.3, 1.0, 100).detectable())
        56
        """
        if self.estimate is None or self.low is None or self.high is None:
            return None
        width = max(self.high - self.estimate, self.estimate - self.low)  # a bound may be cut off
        reach = width / critical_deviations() * float(with_own_spread(deviations_found(tests), self.parts))
        return 100 * math.expm1(min(reach, FARTHEST))


def log_slopes(values: Floats) -> Floats:
    """Return how far log(1 + count) moves for each pin if the log of its expected count moves by 1.

    It is 0 for a count of 0, 0.7 for 1 and nearly 1 for 10 and more: the effect of thinning counts (keeping each unit
    with a probability), which is what a smaller reach does to Poisson counts whatever the pins' own means.

    >>> log_slopes(np.array([0.0, 1.0, 10.0])).round(2).tolist()
    [0.0, 0.69, 0.95]
    """
    whole = np.maximum(values, 1e-9)
    slopes: Floats = whole * np.log1p(1 / whole)
    return slopes


def percent_of(logarithm: Floats) -> Floats:
    """Return differences of logarithms as changes in percent.

    >>> percent_of(np.log([1.5])).round().tolist()
    [50.0]
    """
    percent: Floats = 100 * np.expm1(logarithm)
    return percent


def change_of_typical(values: Floats, is_now: Flags, days: Integers) -> LogContrast | None:
    """Return by how much the log of a pin's expected count differs between two periods of publication.

    `values` are counts, one per pin, all at one age; `days` are the days of publication, as numbers. The test is
    Student's t with the degrees of freedom of Satterthwaite (1946), as what weeks share is known from few weeks only.
    Where weeks clearly differ, luck may last longer than one: then the test is made with pairs of weeks too, and the
    larger p value counts. None where nothing varies.

    >>> values = np.array([4.0, 9, 5, 8, 6, 7, 5, 9, 4, 8] * 4)
    >>> is_now, days = np.arange(40) >= 20, np.arange(40)
    >>> found = change_of_typical(values * np.where(is_now, 3, 1), is_now, days)
    >>> round(float(np.exp(found.estimate)), 1), found.p_value < 0.001
    (2.9, True)
    """
    slopes = log_slopes(values)
    slope = float((slopes[is_now].mean() + slopes[~is_now].mean()) / 2)
    outcome = np.log1p(values)
    found = _between_periods(outcome, is_now, days, 7)
    if found is None:
        return None
    if found.of_weeks > _CLEAR:
        pairs = _between_periods(outcome, is_now, days, 14) or found
        found = max(found, pairs, key=lambda block: block.p_value)
    return LogContrast.of(found.difference, found.width, found.p_value, slope)


class _PeriodDifference(NamedTuple):
    """Difference of two periods, half of its 95% interval, p value, and the fitted relative variance of weeks."""

    difference: float
    width: float
    p_value: float
    of_weeks: float


def _between_periods(outcome: Floats, is_now: Flags, days: Integers, length: int) -> _PeriodDifference | None:
    from scipy.stats import t

    clusters = Clusters(is_now.astype(np.int64), days, length)
    mean, information, variance, weeks = clusters.fitted_means(outcome[clusters.order])
    if variance < MIN_VARIANCE:
        return None
    squared = variance * (1 / information).sum()
    of_pins = min(variance * (1 / is_now.sum() + 1 / (~is_now).sum()), squared)
    free_pins, free_weeks = outcome.size - 2, max(weeks - 2, 1)
    free = squared**2 / (of_pins**2 / free_pins + (squared - of_pins) ** 2 / free_weeks)
    error, difference = float(np.sqrt(squared)), float(mean[1] - mean[0])
    width, p_value = t.ppf(1 - LEVEL / 2, free) * error, 2 * t.sf(abs(difference) / error, free)
    return _PeriodDifference(difference, float(width), float(p_value), clusters.week_variance)
