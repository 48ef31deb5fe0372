"""Gini coefficient and share of the top tenth, on pins whose spread is known."""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from oneup_pinterest.questions.concentration.statistic import gini_of, intervals
from simulations import Promise

Floats = npt.NDArray[np.float64]
MANY = 2_000_000  # pins that stand for all there could be


def promises(scale: int) -> Iterator[Promise]:
    """Yield every promise of this theme; see `simulations`."""
    for what, mean, sigma, pins, runs, bounds in (
        ("heavy tails, 50 pins", None, 1.6, 50, 120, (0.88, 0.88)),
        ("heavy tails, 100 pins", None, 1.6, 100, 80, (0.9, 0.9)),
        ("heavy tails, 300 pins", None, 1.6, 300, 40, (0.92, 0.92)),
        ("heavy tails in small counts, 100 pins", 3.0, 1.6, 100, 80, (0.9, 0.9)),
        ("light tails, 50 pins", 20.0, 0.8, 50, 120, (0.93, 0.9)),
    ):
        yield from _covered(what, mean, sigma, pins, runs * scale, bounds)


def _drawn(rng: np.random.Generator, mean: float | None, sigma: float, pins: int) -> Floats:
    """Return counters of pins: lognormal, or Poisson counts with a lognormal mean."""
    expected = rng.lognormal(np.log(mean or 1.0), sigma, pins)
    values: Floats = np.sort(rng.poisson(expected) if mean else expected).astype(np.float64)
    return values


def _covered(
    what: str, mean: float | None, sigma: float, pins: int, runs: int, bounds: tuple[float, float]
) -> Iterator[Promise]:
    rng = np.random.default_rng(47)
    many = _drawn(np.random.default_rng(1), mean, sigma, MANY)
    truth = gini_of(many), many[-MANY // 10 :].sum() / many.sum()
    inside, naive = [], []
    for run in range(runs):
        values = _drawn(rng, mean, sigma, pins)
        measured = intervals(values, seed=run)
        inside.append([low <= true <= high for true, (_, low, high) in zip(truth, measured, strict=True)])
        low, high = _percentile(rng, values)
        naive.append(low <= truth[0] <= high)
    for name, covered, bound in zip(("Gini", "top tenth"), np.mean(inside, axis=0), bounds, strict=True):
        yield Promise(
            "concentration", f"{name} ({what}): its interval covers the truth", float(covered), bound, False, runs
        )
    gained = (1 - np.mean(inside, axis=0)[0]) / max(1 - float(np.mean(naive)), 1 / runs)
    if sigma > 1:
        yield Promise(
            "concentration",
            f"Gini ({what}): misses, as a share of those of the percentile bootstrap",
            float(gained),
            0.6,
            True,
            runs,
        )


def _percentile(rng: np.random.Generator, values: Floats) -> tuple[float, float]:
    """Return the textbook's interval."""
    pins = len(values)
    drawn = np.sort(values[rng.integers(0, pins, (300, pins))], axis=1)
    rank = 2 * np.arange(1, pins + 1) - pins - 1
    with np.errstate(all="ignore"):
        ginis = (drawn @ rank) / drawn.sum(axis=1) / (pins - 1)
    low, high = np.quantile(ginis, [0.025, 0.975])
    return float(low), float(high)
