"""Test differences between groups of pins within strata, by shuffling what days and weeks leave unexplained."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from oneup_pinterest.methods.log_contrasts import FARTHEST, MIN_SLOPE, Clusters, LogContrast, log_slopes, percent_of
from oneup_pinterest.methods.power import power_deviations, with_own_spread
from oneup_pinterest.methods.types import Flags, Floats, Integers

MIN_IN_GROUP = 5
MIN_DAYS = 3  # of publication: pins of a day share their luck, so that one or two days are no evidence
SIGNIFICANT = 0.05
PERMUTATIONS = 999
_COLUMNS = 16  # whitened at once
_CELLS = 2_000_000  # of one chunk of permutations, so that memory does not grow with the pins


class Scan(NamedTuple):
    """Contrasts of many groups, each with all other pins of its strata; one element per group.

    - difference, error: of the logs of 1 + count, and its standard error; error is infinite where nothing can be told,
      as of a group on fewer than 3 days
    - slope: how far these logs move with the log of the expected count (see `log_slopes`)
    - deviations: difference / error
    - contrasts: ratio of the expected counts (in logs) with the p value and interval of this group alone
    - p_value: share of shuffles in which any group deviates as much (Westfall and Young 1993)
    - threshold: deviations with a `p_value` of the level that was asked for
    - parts: of each group, see `power.with_own_spread`
    """

    difference: Floats
    error: Floats
    slope: Floats
    deviations: Floats
    contrasts: list[LogContrast]
    p_value: Floats
    threshold: float
    parts: Integers

    @property
    def detectable(self) -> Floats:
        """Return the smallest rise of each group (percent) that would be found in 80% of cases, among all groups."""
        needed = with_own_spread(self.threshold + power_deviations(), self.parts)
        reach = needed * self.error / np.maximum(self.slope, MIN_SLOPE)
        return percent_of(np.minimum(reach, FARTHEST))


class PinsWithin:
    """Counts of pins by stratum, minus the luck of days and weeks: what the groups of pins are compared by.

    `values` are counts, `strata` and `days` numbers, one per pin. Days and weeks are random (see `Clusters`): the logs
    of 1 + count are transformed so that equal pins have independent errors of one variance, and then centered in each
    stratum. The null hypothesis is a shuffle of these errors inside each stratum.

    >>> rng = np.random.default_rng(0)
    >>> is_first = np.arange(200) % 4 == 0
    >>> values = rng.poisson(np.where(is_first, 40, 20)).astype(float)
    >>> pins = PinsWithin(values, np.zeros(200, np.int64), np.arange(200))
    >>> found, first, second = pins.contrast(is_first, rng)
    >>> round(float(np.exp(found.estimate)), 1), found.p_value, first, second
    (1.9, 0.001, 50, 150)
    """

    def __init__(self, values: Floats, strata: Integers, days: Integers) -> None:
        self._clusters = Clusters(strata, days)
        self._order = self._clusters.order
        outcome = np.log1p(values[self._order])
        self._slopes, self._strata = log_slopes(values[self._order]), strata[self._order]
        self._clusters.fit(outcome)
        self._errors: Floats = self._clusters.whitened(outcome[:, None])[:, 0]

    def contrast(
        self, is_first: Flags, rng: np.random.Generator, permutations: int = PERMUTATIONS
    ) -> tuple[LogContrast, int, int] | None:
        """Compare one group with all other pins of the strata that have both; also return the sizes of both there.

        Return None where one of them has fewer than 5 pins there, or pins of fewer than 3 days, or where the counts do
        not vary. The statistic is divided by a standard error that allows for unequal spreads (Janssen 1997,
        https://doi.org/10.1016/S0167-7152(97)00043-6). The interval takes its width from the same shuffles, so it
        excludes 0 exactly when p is at most 0.05.
        """
        is_first = is_first[self._order]
        keep = self._has_both(is_first)
        first, second = int(is_first[keep].sum()), int((~is_first[keep]).sum())
        are_few = min(first, second) < MIN_IN_GROUP or not self._has_days((is_first & keep)[:, None] * 1.0, keep)[0]
        if are_few or np.abs(self._errors[keep]).max() < 1e-9:
            return None
        column = self._clusters.whitened(is_first.astype(np.float64)[:, None])[:, 0]
        if (column**2).sum() < 1e-9:
            return None
        days = self._clusters.day_starts
        estimate, error = (float(part[0]) for part in _studentized(self._errors[None, :], column, days))
        if error < 1e-12:
            return None
        null = np.concatenate(
            [_divided(*_studentized(rows, column, days)) for rows in self._shuffled(permutations, rng)]
        )
        p_value, quantile = _tail(np.abs(null), abs(estimate) / error)
        slope = float(self._slopes[keep & is_first].mean() + self._slopes[keep & ~is_first].mean()) / 2
        parts = float(self._parts((is_first & keep)[:, None] * 1.0, keep)[0])
        return LogContrast.of(estimate, quantile * error, p_value, slope, parts), first, second

    def scan(
        self,
        groups: npt.NDArray[np.floating],
        rng: np.random.Generator,
        permutations: int = PERMUTATIONS,
        level: float = SIGNIFICANT,
    ) -> Scan:
        """Compare each group (columns of 0 and 1) with all other pins, and allow for the number of groups."""
        held = groups[self._order]
        held[:, ~self._has_days(held, np.ones(len(held), dtype=bool))] = 0  # not compared
        columns = np.empty(held.shape, dtype=np.float32)
        norm, scores = np.empty(held.shape[1]), np.empty(held.shape[1])
        for first in range(0, norm.size, _COLUMNS):  # memory: a large account has 400 words of 100,000 pins
            block = self._clusters.whitened(held[:, first : first + _COLUMNS].astype(np.float64))
            norm[first : first + _COLUMNS] = lengths = np.sqrt((block**2).sum(axis=0))
            block /= np.where(lengths > 1e-6, lengths, np.inf)
            scores[first : first + _COLUMNS], columns[:, first : first + _COLUMNS] = self._errors @ block, block
        spread = float(np.sqrt((self._errors**2).sum() / max(self._clusters.free, 1)))
        known = norm > 1e-6
        error = np.divide(spread, norm, out=np.full_like(norm, np.inf), where=known)
        deviations = scores / max(spread, 1e-12)
        null = np.abs(
            np.concatenate([rows.astype(np.float32) @ columns for rows in self._shuffled(permutations, rng)])
        ) / max(spread, 1e-12)
        largest = null.max(axis=1)
        pins, whole = held.sum(axis=0), float(self._slopes.sum())
        with_it = self._slopes.astype(held.dtype) @ held
        slopes = (with_it / np.maximum(pins, 1) + (whole - with_it) / np.maximum(len(held) - pins, 1)) / 2
        contrasts = []
        for number in range(norm.size):
            p_value, quantile = _tail(null[:, number], abs(deviations[number]))
            if known[number]:
                parts = (float(deviations[number] * error[number]), float(quantile * error[number]))
                contrasts.append(LogContrast.of(*parts, p_value, float(slopes[number])))
            else:
                contrasts.append(LogContrast(None, None, None, 1.0))
        p_values = np.array([_tail(largest, abs(deviation))[0] for deviation in deviations])
        difference = np.where(known, deviations * np.where(known, error, 0), 0.0)
        threshold = _tail(largest, 0, level)[1]
        independent = self._parts(held, np.ones(len(held), dtype=bool))
        return Scan(difference, error, slopes, deviations, contrasts, p_values, threshold, independent)

    def _has_both(self, is_first: Flags) -> Flags:
        """Return which pins belong to a stratum with pins of both groups."""
        starts = self._clusters.starts
        sizes = np.diff([*starts, is_first.size])
        firsts = np.add.reduceat(is_first.astype(np.int64), starts)
        both: Flags = np.repeat((firsts > 0) & (firsts < sizes), sizes)
        return both

    def _has_days(self, held: npt.NDArray[np.floating], keep: Flags) -> Flags:
        """Return which groups (columns) have pins of enough days among those to keep, and leave pins of as many."""
        starts = self._clusters.day_starts
        pins = np.add.reduceat(held, starts, axis=0)
        others = np.add.reduceat(keep.astype(np.int64), starts)[:, None] - pins
        enough: Flags = np.minimum((pins > 0).sum(axis=0), (others > 0).sum(axis=0)) >= MIN_DAYS
        return enough

    def _parts(self, held: npt.NDArray[np.floating], keep: Flags) -> Integers:
        """Return of each group (columns) the number of days among the pins to keep; one of both groups has its pins."""
        starts = self._clusters.day_starts
        sizes = np.add.reduceat(keep.astype(np.int64), starts)[:, None]
        pins = np.add.reduceat(held, starts, axis=0)
        parts: Integers = np.where((pins > 0) & (pins < sizes), sizes, np.minimum(sizes, 1)).sum(axis=0)
        return parts

    def _shuffled(self, permutations: int, rng: np.random.Generator) -> Iterator[Floats]:
        for rows in chunks(self._errors.size, permutations):
            shuffled = np.tile(self._errors, (rows, 1))
            shuffle_within(shuffled, self._clusters.starts, rng)
            yield shuffled


def _studentized(rows: Floats, column: Floats, days: Integers) -> tuple[Floats, Floats]:
    """Return the slope of each row on the column, and its standard error.

    It is that of days as clusters (Liang and Zeger 1986): right where spreads differ, or where days share more than the
    model says. `days` are the starts of the days.
    """
    squares = column**2
    whole = float(squares.sum())
    slope: Floats = rows @ column / whole
    rest = np.add.reduceat(rows * column, days, axis=1) - slope[:, None] * np.add.reduceat(squares, days)
    error: Floats = np.sqrt((rest**2).sum(axis=1)) / whole
    return slope, error


def _tail(null: Floats, observed: float, level: float = SIGNIFICANT) -> tuple[float, float]:
    """Return the p value of the observed statistic (itself one shuffle), and the statistic with a p of `level`."""
    p_value = (1 + float((null >= observed - 1e-9).sum())) / (1 + null.size)
    rank = max(int(level * (1 + null.size)), 1)
    return p_value, float(np.partition(null, null.size - rank)[null.size - rank])


def chunks(width: int, permutations: int) -> Iterator[int]:
    """Yield the number of rows to shuffle at once so that memory stays bounded; they add up to `permutations`.

    >>> list(chunks(1_000_000, 5))
    [2, 2, 1]
    """
    step = max(1, _CELLS // max(width, 1))
    for done in range(0, permutations, step):
        yield min(step, permutations - done)


def shuffle_within(rows: npt.NDArray[np.generic], starts: Integers, rng: np.random.Generator) -> None:
    """Shuffle each row in place, inside the strata that start at these columns."""
    for start, end in zip(starts, [*starts[1:], rows.shape[1]], strict=True):
        part = rows[:, start:end]
        rng.permuted(part, axis=1, out=part)


def _divided(difference: Floats, error: Floats) -> Floats:
    """Return difference / error, 0 where the error is 0."""
    quotient: Floats = np.divide(difference, error, out=np.zeros_like(difference), where=error > 0)
    return quotient
