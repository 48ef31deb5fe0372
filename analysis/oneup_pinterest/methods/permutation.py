"""Test a difference between two groups within strata, by shuffling the groups inside each stratum."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from oneup_pinterest.methods.types import Flags, Floats, Integers

MIN_IN_GROUP = 5
SIGNIFICANT = 0.05
PERMUTATIONS = 999
_CELLS = 2_000_000  # of one chunk of permutations, so that memory does not grow with the pins


class Difference(NamedTuple):
    """The mean of one group minus that of another, within strata.

    - estimate, low, high: difference and its 95% interval, in the unit of the outcome
    - p_value: share of shuffles with a difference at least as large (in standard errors)
    - first, second: size of each group in the strata that have both, which are the ones compared
    """

    estimate: float
    low: float
    high: float
    p_value: float
    first: int
    second: int


def difference_within(
    outcome: Floats,
    strata: Integers,
    is_first: Flags,
    rng: np.random.Generator,
    permutations: int = PERMUTATIONS,
) -> Difference | None:
    """Compare two groups inside each stratum.

    Return None where a group has fewer than 5 members in the strata that have both, or where the outcomes inside each
    stratum do not vary. The three arrays have one element per member.

    Differences of the strata are weighted by n1 n2 / (n1 + n2), as Mantel and Haenszel (1959) do. The null hypothesis
    is a shuffle of the groups inside each stratum. The statistic is divided by a standard error with one variance per
    group, so that unequal spreads do not look like a difference (Janssen 1997,
    https://doi.org/10.1016/S0167-7152(97)00043-6). The interval takes its width from the same shuffles, so it excludes
    0 exactly when p is at most 0.05.

    >>> rng = np.random.default_rng(0)
    >>> outcome = np.concatenate([rng.normal(1, 0.1, 50), rng.normal(0, 0.1, 50)])
    >>> found = difference_within(outcome, np.zeros(100, np.int64), np.arange(100) < 50, rng)
    >>> round(found.estimate, 1), found.p_value
    (1.0, 0.001)
    """
    order = np.argsort(strata, kind="stable")
    outcome, strata, is_first = outcome[order], strata[order], is_first[order]
    _, inverse, sizes = np.unique(strata, return_inverse=True, return_counts=True)
    firsts = np.bincount(inverse, is_first)
    has_both = (firsts > 0) & (firsts < sizes)
    keep = has_both[inverse]
    outcome, is_first = outcome[keep], is_first[keep]
    first, second = firsts[has_both].astype(np.float64), (sizes - firsts)[has_both].astype(np.float64)
    if first.sum() < MIN_IN_GROUP or second.sum() < MIN_IN_GROUP:
        return None
    starts = np.concatenate([[0], np.cumsum(sizes[has_both])[:-1]]).astype(np.int64)
    outcome = outcome - np.repeat(np.add.reduceat(outcome, starts) / sizes[has_both], sizes[has_both])
    if np.abs(outcome).max() < 1e-9:
        return None
    groups = _Groups(outcome, starts, first, second)
    estimate, error = (float(part[0]) for part in groups.compared(is_first[None, :]))
    if error == 0:
        return None
    null_statistics = np.concatenate(
        [np.abs(_divided(*groups.compared(shuffled))) for shuffled in _shuffles(is_first, starts, permutations, rng)]
    )
    extreme = abs(estimate) / error
    as_large = null_statistics >= extreme - 1e-9
    p_value = (1 + as_large.sum()) / (1 + null_statistics.size)
    # with this width the interval touches 0 exactly when p reaches 0.05
    rank = int(SIGNIFICANT * (1 + null_statistics.size))
    width = float(np.sort(null_statistics)[::-1][rank - 1]) * error
    return Difference(estimate, estimate - width, estimate + width, float(p_value), int(first.sum()), int(second.sum()))


class _Groups(NamedTuple):
    """Outcomes (sorted by stratum, minus its mean), the starts of the strata, and the sizes of both groups in each."""

    outcome: Floats
    starts: Integers
    first: Floats
    second: Floats

    def compared(self, is_first: Flags) -> tuple[Floats, Floats]:
        """Return the weighted difference and its standard error for each row of labels."""
        squares = self.outcome**2
        ones = np.add.reduceat(np.where(is_first, self.outcome, 0.0), self.starts, axis=1)
        one_squares = np.add.reduceat(np.where(is_first, squares, 0.0), self.starts, axis=1)
        twos = -ones  # the outcomes of a stratum sum to 0
        two_squares = np.add.reduceat(squares, self.starts) - one_squares
        weight = self.first * self.second / (self.first + self.second)
        weight = weight / weight.sum()
        difference: Floats = (ones / self.first - twos / self.second) @ weight
        # residuals after strata and difference: a group's variance is then known even where a stratum has only one
        # of its members
        size = self.first + self.second
        share = self.first / size
        squared = difference**2
        one_rest = one_squares.sum(axis=1) - 2 * difference * (ones @ (1 - share))
        one_rest += squared * (self.first * (1 - share) ** 2).sum()
        two_rest = two_squares.sum(axis=1) + 2 * difference * (twos @ share) + squared * (self.second * share**2).sum()
        one_variance, two_variance = (
            np.maximum(rest, 0) / max(float((group * (1 - 1 / size)).sum()) - 0.5, 1.0)
            for rest, group in ((one_rest, self.first), (two_rest, self.second))
        )
        error: Floats = np.sqrt(
            one_variance * (weight**2 / self.first).sum() + two_variance * (weight**2 / self.second).sum()
        )
        return difference, error


def _shuffles(labels: Flags, starts: Integers, permutations: int, rng: np.random.Generator) -> Iterator[Flags]:
    """Yield the labels shuffled inside each stratum, `permutations` rows in all, in chunks."""
    for rows in chunks(labels.size, permutations):
        shuffled = np.tile(labels, (rows, 1))
        shuffle_within(shuffled, starts, rng)
        yield shuffled


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
