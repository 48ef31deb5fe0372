"""Estimate the level that all units of a panel share in each period, and whether it changed.

Pins differ in reach by orders of magnitude and fade as they age. So each pin is compared with itself: its own level is
profiled out, a smooth curve of age is fitted, and what is left is the level that all pins share in each period. That
level swings from week to week (season, algorithm, holidays). How much it does is learned from the series itself.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from oneup_pinterest.methods.types import Flags, Floats

DISPERSION = 0.1  # weight 1 / (1 + 0.1 x count): a viral pin does not decide alone
MIN_PERIODS_OF_BEND = 4  # with fewer periods the logarithms of age get a straight line
FADING = 2.0  # standard deviation of the prior of d log gain / d log age; pins mostly fade with a power below 2
SWING_SCALE = 0.5  # log units; scale of the half-t prior (3 df) of the standard deviation of shared swings

_SWINGS = np.array([0.0, 0.03, 0.06, 0.1, 0.15, 0.2, 0.3, 0.4, 0.6, 0.9])
_PERSISTENCE = np.array([0.0, 0.3, 0.6, 0.8, 0.9])
_ITERATIONS, _TOLERANCE = 40, 1e-6
_FARTHEST = 12.0  # log units; no ratio is looked for beyond it


@dataclass(frozen=True)
class Levels:
    """The level that all units share in each period.

    number: of the period, counted in periods (one without data is left out); level: in log units, the first is 0;
    covariance: of the levels, as far as the units alone explain it; df: effective number of units, less one.
    """

    number: Floats
    level: Floats
    covariance: Floats
    df: float


class LogRatio(NamedTuple):
    """A contrast of levels in log units, with its 95% interval, the p value of 0 and the posterior's deviation."""

    estimate: float
    low: float
    high: float
    p: float
    deviation: float


def shared_levels(counts: Floats, exposure: Floats, age: Floats) -> Levels:
    """Estimate the level that all units share in each period from counts (units x periods).

    `exposure`: the share of the period in which the unit was counted, 0 to 1; 0 leaves the cell out. `age`: of the
    unit in the middle of the period, in days. Every period needs some counts.

    Quasi-Poisson with a level per unit, which is profiled out by conditioning on the unit's total, a restricted cubic
    spline of log age with 3 knots (Harrell, Regression Modeling Strategies, 2.4.5; a straight line with fewer than 4
    periods), and a level per period. Units are weighted by 1 / (1 + 0.1 x total). The covariance is the sandwich over
    units (Liang and Zeger, Biometrika 73, 1986). A wide normal prior holds the curve of age where the ages of the units
    do not separate it from the levels.

    Raises:
        ValueError: fewer than 2 units have counts in 2 periods, so nothing can be compared.

    >>> counts, age = np.tile([10.0, 10, 20, 20], (30, 1)), np.arange(30)[:, None] * 9 + np.arange(4) * 7.0
    >>> np.abs(shared_levels(counts, np.ones((30, 4)), age).level).round(2).tolist()
    [0.0, 0.0, 0.69, 0.69]
    """
    there = exposure > 0
    total = np.where(there, counts, 0.0).sum(axis=1)
    kept = (total > 0) & (there.sum(axis=1) > 1)
    if kept.sum() < 2:
        raise ValueError("at least 2 units with counts in 2 periods are needed")
    there, total = there[kept], total[kept]
    counts, exposure = np.where(there, counts[kept], 0.0), exposure[kept]
    curve, spread = _spline(np.log(np.maximum(age[kept], 0.5)), there)
    offset = np.where(there, np.log(np.where(there, exposure, 1.0)), -np.inf)
    weight = 1 / (1 + DISPERSION * total)
    periods, bends = counts.shape[1], curve.shape[2]
    theta = np.zeros(bends + periods - 1)
    prior = np.zeros(len(theta))
    prior[:bends] = 1 / (FADING * spread) ** 2
    for _ in range(_ITERATIONS):
        share = _shares(offset, curve, theta)
        score = _scores(counts - total[:, None] * share, curve, weight)
        information = _information(share, curve, weight * total) + np.diag(prior)
        step = np.clip(np.linalg.solve(information, score.sum(axis=0) - prior * theta), -1, 1)
        theta = theta + step
        if np.abs(step).max() < _TOLERANCE:
            break
    inverse = np.linalg.inv(information)[:, bends:]
    influence = score @ inverse
    behind = weight * total
    df = max(float(behind.sum() ** 2 / (behind**2).sum()) - 1, 1.0)
    covariance = np.zeros((periods, periods))
    covariance[1:, 1:] = influence.T @ influence * (df + 1) / df + (inverse.T * prior) @ inverse
    return Levels(np.arange(periods, dtype=np.float64), np.concatenate([[0.0], theta[bends:]]), covariance, df)


def step_at_end(levels: Levels, length: int) -> LogRatio:
    """Estimate the step between the last `length` periods and as many before, beyond a trend and the series' swings.

    The levels are a step, a straight trend, and swings with first-order autocorrelation, beside the noise of the
    units. Size and persistence of the swings are integrated out over a grid (prior of the size: half-t with 3 degrees
    of freedom, Gelman, Bayesian Analysis 1, 2006; of the persistence: uniform), the coefficients with flat priors. So
    with few periods the prior keeps the interval wide, and a long history narrows it.

    The step is what is left beyond the trend: gains that only go on to rise or fall as before have none. With fewer
    than four periods, no trend is allowed for. Periods before the two that are compared only say how the series swings
    and where its trend goes.

    >>> rng = np.random.default_rng(1)
    >>> level = rng.normal(0, 0.05, 26) + np.where(np.arange(26) >= 22, 0.5, 0)
    >>> found = step_at_end(Levels(np.arange(26.0), level, np.eye(26) * 1e-4, 50.0), 4)
    >>> 0.3 < found.low < 0.5 < found.high < 0.7
    True
    """
    back = levels.number[-1] - levels.number
    is_now, is_before = back < length, (back >= length) & (back < 2 * length)
    columns, contrast = [is_now.astype(np.float64)], [1.0]
    if not np.all(is_now | is_before):
        columns.append(is_before.astype(np.float64))
        contrast.append(-1.0)
    if len(back) > len(columns) + 1:
        columns.append(back / len(back))
        contrast.append(0.0)
    return contrast_of(levels, np.column_stack(columns), np.array(contrast))


def slope(levels: Levels) -> LogRatio:
    """Estimate the straight trend of the levels per period, beyond swings as in `step_at_end`.

    >>> round(slope(Levels(np.arange(12.0), np.arange(12) * 0.1, np.eye(12) * 1e-4, 50.0)).estimate, 2)
    0.1
    """
    return contrast_of(levels, levels.number[:, None], np.ones(1))


def contrast_of(levels: Levels, design: Floats, contrast: Floats) -> LogRatio:
    """Return `contrast` of the coefficients of `design` (periods x coefficients; the intercept is implied)."""
    periods = len(levels.level)
    difference = np.hstack([-np.ones((periods - 1, 1)), np.eye(periods - 1)])  # to the first period
    lag = np.abs(np.subtract.outer(levels.number, levels.number))
    swings = np.stack([difference @ phi**lag @ difference.T for phi in _PERSISTENCE])
    known = difference @ levels.covariance @ difference.T + 1e-9 * np.eye(periods - 1)
    design, level = difference @ design, difference @ levels.level
    covariance = known + np.multiply.outer(_SWINGS**2, swings)  # swings x persistence x periods x periods
    factor = np.linalg.cholesky(covariance)
    whitened = np.linalg.solve(
        factor, np.broadcast_to(np.column_stack([design, level]), (*factor.shape[:3], design.shape[1] + 1))
    )
    x, y = whitened[..., :-1], whitened[..., -1:]
    normal = np.swapaxes(x, -1, -2) @ x
    inverse = np.linalg.inv(normal)
    coefficients = inverse @ (np.swapaxes(x, -1, -2) @ y)
    rest = ((y - x @ coefficients) ** 2).sum(axis=(-1, -2))
    log_determinant = 2 * np.log(np.diagonal(factor, axis1=-2, axis2=-1)).sum(axis=-1)
    likelihood = -0.5 * (log_determinant + np.linalg.slogdet(normal)[1] + rest)
    prior = np.gradient(_SWINGS) * (1 + (_SWINGS / SWING_SCALE) ** 2 / 3) ** -2  # half-t with 3 degrees of freedom
    share = np.exp(likelihood - likelihood.max()) * prior[:, None]
    share = (share / share.sum()).ravel()
    mean = (coefficients[..., 0] @ contrast).ravel()
    deviation = np.sqrt(np.einsum("i,...ij,j->...", contrast, inverse, contrast)).ravel()
    return _mixture(share, mean, deviation, levels.df)


def _spline(log_age: Floats, there: Flags) -> tuple[Floats, float]:
    """Return the columns of a restricted cubic spline with 3 knots, centered and scaled (units x periods x 2), and the
    standard deviation of the logarithms of age."""
    seen = log_age[there]
    low, middle, high = np.quantile(seen, [0.02, 0.5, 0.98])
    columns = [log_age]
    if there.shape[1] >= MIN_PERIODS_OF_BEND and low < middle < high:
        bend = (
            np.maximum(log_age - low, 0) ** 3
            - np.maximum(log_age - middle, 0) ** 3 * (high - low) / (high - middle)
            + np.maximum(log_age - high, 0) ** 3 * (middle - low) / (high - middle)
        )
        columns.append(bend)
    curve = np.stack(columns, axis=-1)
    curve = curve - curve[there].mean(axis=0)
    scaled: Floats = curve / np.maximum(curve[there].std(axis=0), 1e-9)
    return scaled, max(float(seen.std()), 1e-9)


def _shares(offset: Floats, curve: Floats, theta: Floats) -> Floats:
    """Return which share of its total each unit is expected to have in each period."""
    bends = curve.shape[2]
    expected = offset + curve @ theta[:bends] + np.concatenate([[0.0], theta[bends:]])
    share = np.exp(expected - expected.max(axis=1, keepdims=True))
    return np.asarray(share / share.sum(axis=1, keepdims=True))


def _scores(rest: Floats, curve: Floats, weight: Floats) -> Floats:
    """Return each unit's contribution to the score; the sums of `rest` over the periods are 0."""
    return np.asarray(weight[:, None] * np.hstack([np.einsum("up,upb->ub", rest, curve), rest[:, 1:]]))


def _information(share: Floats, curve: Floats, weight: Floats) -> Floats:
    """Return the expected information: the weighted covariance of the design within units."""
    periods, bends = share.shape[1] - 1, curve.shape[2]
    weighted = weight[:, None] * share
    mean = np.einsum("up,upb->ub", share, curve)
    within = curve - mean[:, None, :]
    information = np.empty((bends + periods, bends + periods))
    information[:bends, :bends] = np.einsum("up,upb,upc->bc", weighted, within, within, optimize=True)
    information[bends:, :bends] = np.einsum("up,upb->pb", weighted[:, 1:], within[:, 1:])
    information[:bends, bends:] = information[bends:, :bends].T
    information[bends:, bends:] = np.diag(weighted[:, 1:].sum(axis=0)) - weighted[:, 1:].T @ share[:, 1:]
    return information


def _mixture(share: Floats, mean: Floats, deviation: Floats, df: float) -> LogRatio:
    """Return the summary of a mixture of t distributions."""
    from scipy import special

    def below(value: float) -> float:
        return float(share @ special.stdtr(df, (value - mean) / deviation))

    def quantile(q: float) -> float:
        low, high = -_FARTHEST, _FARTHEST
        for _ in range(40):
            middle = (low + high) / 2
            low, high = (middle, high) if below(middle) < q else (low, middle)
        return (low + high) / 2

    estimate = float(share @ mean)
    spread = float(np.sqrt(share @ (deviation**2 + (mean - estimate) ** 2)))
    tail = below(0.0)
    return LogRatio(estimate, quantile(0.025), quantile(0.975), min(1.0, 2 * min(tail, 1 - tail)), spread)
