"""Estimate ratios of sums over pins, with p value and interval by resampling the pins.

Each function has a p value for every possible true ratio. The interval holds the ratios whose p value is above 5%, so
a verdict and its interval never contradict each other.
"""

from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np

from oneup_pinterest.methods.types import Flags, Floats
from oneup_pinterest.methods.verdicts import LEVEL

DRAWS = 4_999  # the smallest p value is then 0.0002: enough for a table of some hundred accounts
_CELLS = 4_000_000  # draws x clusters held at once: 32 MB
_CACHED = 2**16  # of these at once: half a megabyte, which stays in the processor's cache
_FARTHEST = 7.0  # logs: a factor beyond about 1,000 is not an estimate
_CLOSE = 1e-3  # logs: 0.1%, finer than intervals are printed


class RatioEstimate(NamedTuple):
    """A ratio (1 is no change), its 95% interval and the p value of no change; None where it does not exist."""

    ratio: float | None
    low: float | None
    high: float | None
    p: float


def ratio_of_sums(before: Floats, now: Floats, is_born_before: Flags, seed: int = 0) -> RatioEstimate:
    """Return the sum of `now` over the sum of `before`, where each pair of elements belongs to one cluster of pins.

    The arrays have one element per cluster: its counts in each period, and whether it was published in the period
    before.

    The test flips the signs of now - r * before at random, cluster by cluster. The p value of a ratio r is the share
    of flips whose sum is at least as far from 0 as the observed one (Efron, "Student's t-test under symmetry
    conditions", JASA 64, 1969). The number of clusters thereby counts as random too.

    Clusters start at once and fade slowly, which is not symmetric: a period with few publications would look like a
    decline. So the clusters published in the period before are flipped once more, as if published now, with half their
    weight. In simulation this is the smallest weight that keeps false alarms at 6%.

    >>> sums = np.arange(1.0, 41.0)
    >>> ratio_of_sums(sums, 2.0 * sums, sums < 0).ratio
    2.0
    """
    total = np.array([before.sum(), now.sum()])
    as_if_now = np.column_stack([before[is_born_before], np.zeros(is_born_before.sum())]) / 2
    own = np.column_stack([before, now])
    parts = np.vstack([own, as_if_now])
    parts = parts[parts.sum(axis=1) > 0]
    if not len(parts):
        return RatioEstimate(None, None, None, 1.0)
    flipped = np.vstack([2 * (flips @ parts) - parts.sum(axis=0) for flips in _random_subsets(len(parts), seed)])

    def p_value(log_ratio: float) -> float:
        ratio = np.exp(log_ratio)
        seen = abs(total[1] - ratio * total[0]) * (1 - 1e-9)
        return float((1 + np.sum(np.abs(flipped[:, 1] - ratio * flipped[:, 0]) >= seen)) / (DRAWS + 1))

    ratio = float(total[1] / total[0]) if total[0] else None
    low, high = _accepted(p_value, ratio)
    return RatioEstimate(ratio, low, high, p_value(0.0))


def weekly_growth_rate(sums: Floats, weeks: Floats, is_born_early: Flags, seed: int = 0) -> RatioEstimate:
    """Return the factor by which the column sums of `sums` (counts, clusters of pins x weeks) grow from week to week.

    After division by this growth, the weeks have no linear slope. The p value and interval come from flipping the sign
    of each cluster's part in that slope at random, as in `ratio_of_sums` (Efron 1969), extended to more than two
    periods. `weeks` numbers the columns. `is_born_early`: the cluster was published in the first half of the weeks;
    it is flipped once more with half its weight, as if published half the weeks later.

    >>> round(weekly_growth_rate(np.ones((20, 1)) * 1.1 ** np.arange(6.0), np.arange(6.0), np.zeros(20, bool)).ratio, 3)
    1.1
    """
    total = sums.sum(axis=0)
    is_moving = sums.sum(axis=1) > 0
    if not is_moving.any():
        return RatioEstimate(None, None, None, 1.0)
    slope = weeks - weeks.mean()
    shift = np.ceil((weeks.max() - weeks.min() + 1) / 2)
    later = np.where(weeks + shift <= weeks.max(), slope + shift, 0)
    own = np.hstack([sums, np.zeros_like(sums)])[is_moving]
    again = np.hstack([np.zeros_like(sums), sums / 2])[is_born_early & is_moving]
    parts = np.vstack([own, again])
    flipped = np.vstack([2 * (flips @ parts) - parts.sum(axis=0) for flips in _random_subsets(len(parts), seed)])

    def weights(growth: float, at: Floats) -> Floats:
        weighed: Floats = at * np.exp(-growth * slope)
        return weighed

    def p_value(growth: float) -> float:
        seen = abs(total @ weights(growth, slope)) * (1 - 1e-9)
        drawn = flipped @ np.concatenate([weights(growth, slope), weights(growth, later)])
        return float((1 + np.sum(np.abs(drawn) >= seen)) / (DRAWS + 1))

    # the slope decreases with the growth that is taken out, so bisection finds its one root
    steep, flat = -_FARTHEST, _FARTHEST
    for _ in range(60):
        middle = (steep + flat) / 2
        steep, flat = (middle, flat) if total @ weights(middle, slope) > 0 else (steep, middle)
    has_root = abs(steep) < 0.99 * _FARTHEST
    ratio = float(np.exp(steep)) if has_root else None
    low, high = _accepted(p_value, ratio)
    return RatioEstimate(ratio, low, high, p_value(0.0))


def _random_subsets(clusters: int, seed: int) -> Iterator[Floats]:
    """Yield DRAWS random subsets as rows of zeros and ones, in blocks that fit into memory."""
    rng = np.random.default_rng(seed)
    rows = max(1, _CELLS // clusters)
    for first in range(0, DRAWS, rows):
        some = rng.integers(0, 256, (min(rows, DRAWS - first), -(-clusters // 8)), dtype=np.uint8)
        step = max(1, _CACHED // clusters)
        for start in range(0, len(some), step):
            yield np.unpackbits(some[start : start + step], axis=1, count=clusters).astype(np.float64)


def _accepted(p_value: Callable[[float], float], ratio: float | None) -> tuple[float | None, float | None]:
    """Return the smallest and the largest ratio that the test does not reject: double the steps, then bisect."""
    if ratio is None or ratio <= 0:
        return None, None
    bounds: list[float | None] = []
    for sign in (-1, 1):
        inside, step = float(np.log(ratio)), 0.02
        while step < 2 * _FARTHEST and p_value(inside + sign * step) > LEVEL:
            inside, step = inside + sign * step, step * 2
        if step >= 2 * _FARTHEST:
            bounds.append(None)
            continue
        outside = inside + sign * step
        while abs(outside - inside) > _CLOSE:
            middle = (inside + outside) / 2
            inside, outside = (middle, outside) if p_value(middle) > LEVEL else (inside, middle)
        bounds.append(float(np.exp(inside)))
    return bounds[0], bounds[1]
