"""Contrast groups of pins on the log scale, where the pins of one day and of one week share their luck.

The model of the outcomes is a mean per stratum, a random part per week, one per day, and one per pin. Its variances are
those of the restricted likelihood (Patterson and Thompson 1971, https://doi.org/10.1093/biomet/58.3.545). So pins of a
batch count as much as they are worth, whether they come one by one or all at once.
"""

from typing import NamedTuple

import numpy as np

from oneup_pinterest.methods.types import Flags, Floats, Integers
from oneup_pinterest.methods.verdicts import LEVEL

_MAX_VARIANCE = 100.0  # of days or weeks, where that of a pin is 1: beyond it, only the means of days or weeks count
_MIN_GAIN = 0.5  # of twice the log likelihood: less is no sign that pins share anything
_CLEAR = 0.1  # variance of weeks, where that of a pin is 1, from which on luck may last longer than a week
_MIN_SLOPE = 0.02  # where nearly all counts are 0, logs do not tell a ratio
_FARTHEST = 7.0  # logs: a factor beyond about 1,000 is not an estimate


class Clusters:
    """Pins sorted by stratum, week and day, with the variances of days and weeks relative to that of a pin.

    Days belong to one week, and weeks to one stratum: `order` sorts any array of pins so.
    """

    def __init__(self, strata: Integers, weeks: Integers, days: Integers) -> None:
        self.order: Integers = np.lexsort((days, weeks, strata))
        columns = [column[self.order] for column in (strata, weeks, days)]
        is_new = np.zeros(strata.size, dtype=bool)
        is_new[:1] = True
        self._levels: list[tuple[Integers, Integers]] = []
        for column in columns:  # a day is one day of one week of one stratum
            is_new[1:] |= column[1:] != column[:-1]
            self._levels.append((np.flatnonzero(is_new), np.cumsum(is_new) - 1))
        self.starts = self._levels[0][0]
        self.free = strata.size - self.starts.size
        self.of_weeks, self.of_days = 0.0, 0.0

    def fit(self, outcome: Floats) -> None:
        """Find the variances of days and weeks under which this outcome (sorted) is most likely."""
        from scipy.optimize import minimize

        sizes = [np.diff([*starts, outcome.size]) for starts, _ in self._levels]
        # days with a single pin say nothing about what days share
        has_days, has_weeks = sizes[2].size <= outcome.size / 2, sizes[1].size > sizes[0].size
        if self.free < 3 or not (has_days or has_weeks):
            return

        both = np.column_stack([np.ones(outcome.size), outcome])

        def loss(parameters: Floats) -> float:
            self.of_days, self.of_weeks = (float(part) for part in parameters * [has_days, has_weeks])
            by_day = np.log1p(sizes[2] * self.of_days).sum()
            by_week = np.log1p(self.of_weeks * self._squares_of_weeks()).sum()
            ones, values = self._whitened(both).T
            information = np.add.reduceat(ones**2, self.starts)
            rest = (values**2).sum() - (np.add.reduceat(ones * values, self.starts) ** 2 / information).sum()
            return float(by_day + by_week + np.log(information).sum() + self.free * np.log(max(rest, 1e-12)))

        bounds = [(0.0, _MAX_VARIANCE)] * 2
        alone = loss(np.zeros(2))
        best = minimize(loss, np.array([0.1, 0.1]), method="L-BFGS-B", bounds=bounds, options={"maxiter": 30})
        loss(best.x if best.fun < alone - _MIN_GAIN else np.zeros(2))

    def whitened(self, columns: Floats) -> Floats:
        """Return the columns (sorted pins x columns) minus their strata, so that equal pins have independent errors."""
        ones, values = self._whitened(np.ones((len(columns), 1))), self._whitened(columns)
        starts, place = self._levels[0]
        slope = np.add.reduceat(ones * values, starts) / np.add.reduceat(ones**2, starts)
        centered: Floats = values - ones * slope[place]
        return centered

    def fitted_means(self, outcome: Floats) -> tuple[Floats, Floats, float, Integers, int]:
        """Fit the outcome (sorted); return for each stratum its mean, the information on it and its pins.

        In between is the variance of a pin (information 1 is that of one pin alone), at the end the number of weeks.
        """
        self.fit(outcome)
        ones, values = (self._whitened(column[:, None])[:, 0] for column in (np.ones(outcome.size), outcome))
        information = np.add.reduceat(ones**2, self.starts)
        mean = np.add.reduceat(ones * values, self.starts) / information
        variance = float((self.whitened(outcome[:, None]) ** 2).sum() / max(self.free, 1))
        pins = np.diff([*self.starts, outcome.size])
        return mean, information, variance, pins, self._levels[1][0].size

    def _whitened(self, columns: Floats) -> Floats:
        starts, place = self._levels[2]
        size = np.diff([*starts, len(columns)])
        kept = 1 / np.sqrt(1 + size * self.of_days)
        values = columns - ((1 - kept) / size)[place][:, None] * np.add.reduceat(columns, starts)[place]
        starts, place = self._levels[1]
        ones, squares = kept[self._levels[2][1]], self._squares_of_weeks()
        part = (1 - 1 / np.sqrt(1 + self.of_weeks * squares)) / squares
        return values - ones[:, None] * (part[:, None] * np.add.reduceat(ones[:, None] * values, starts))[place]

    def _squares_of_weeks(self) -> Floats:
        days, place = self._levels[2]
        size = np.diff([*days, place.size])
        squares: Floats = np.add.reduceat((1 / (1 + size * self.of_days))[place], self._levels[1][0])
        return squares


class LogContrast(NamedTuple):
    """A difference of logs of expected counts (0: the groups are alike), its 95% interval and the p value of none.

    The first three are None where the counts are too small to tell a ratio.
    """

    estimate: float | None
    low: float | None
    high: float | None
    p_value: float

    @classmethod
    def of(cls, difference: float, width: float, p_value: float, slope: float) -> "LogContrast":
        """Return the contrast from a difference of log(1 + count), half its interval, and the slope of these logs."""
        if slope < _MIN_SLOPE:
            return cls(None, None, None, p_value)
        ends = ((difference + sign * width) / slope for sign in (0, -1, 1))
        estimate, low, high = (float(np.clip(end, -_FARTHEST, _FARTHEST)) for end in ends)
        return cls(estimate, low, high, p_value)


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


def change_of_typical(values: Floats, is_now: Flags, weeks: Integers, days: Integers) -> LogContrast | None:
    """Return by how much the log of a pin's expected count differs between two periods of publication.

    `values` are counts, one per pin, all at one age. `days` and `weeks` (day and week of publication; weeks belong to
    one period) say which pins share luck. The test is Student's t with the degrees of freedom of Satterthwaite (1946),
    as what weeks share is known from few weeks only. Where weeks clearly differ, luck may last longer than one: then
    the test is made with pairs of weeks too, and the larger p value counts. None where nothing varies.

    >>> values = np.array([4.0, 9, 5, 8, 6, 7, 5, 9, 4, 8] * 4)
    >>> is_now, days = np.arange(40) >= 20, np.arange(40)
    >>> found = change_of_typical(values * np.where(is_now, 3, 1), is_now, days // 7, days)
    >>> round(float(np.exp(found.estimate)), 1), found.p_value < 0.001
    (2.9, True)
    """
    slopes = log_slopes(values)
    slope = float((slopes[is_now].mean() + slopes[~is_now].mean()) / 2)
    outcome = np.log1p(values)
    found = _between_periods(outcome, is_now, weeks, days)
    if found is None:
        return None
    if found.of_weeks > _CLEAR:
        found = max(
            found, _between_periods(outcome, is_now, weeks // 2, days) or found, key=lambda block: block.p_value
        )
    return LogContrast.of(found.difference, found.width, found.p_value, slope)


class _PeriodDifference(NamedTuple):
    """Difference of two periods, half of its 95% interval, p value, and the fitted relative variance of weeks."""

    difference: float
    width: float
    p_value: float
    of_weeks: float


def _between_periods(outcome: Floats, is_now: Flags, weeks: Integers, days: Integers) -> _PeriodDifference | None:
    from scipy.stats import t

    clusters = Clusters(is_now.astype(np.int64), weeks, days)
    mean, information, variance, pins, blocks = clusters.fitted_means(outcome[clusters.order])
    if not variance > 0:
        return None
    squared = variance * (1 / information).sum()
    of_pins = min(variance * (1 / pins).sum(), squared)
    free_pins, free_blocks = outcome.size - 2, max(blocks - 2, 1)
    free = squared**2 / (of_pins**2 / free_pins + (squared - of_pins) ** 2 / free_blocks)
    error, difference = float(np.sqrt(squared)), float(mean[1] - mean[0])
    width, p_value = t.ppf(1 - LEVEL / 2, free) * error, 2 * t.sf(abs(difference) / error, free)
    return _PeriodDifference(difference, float(width), float(p_value), clusters.of_weeks)
