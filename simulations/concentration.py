"""Promises about concentration: the Gini coefficient and the share of the top tenth, on pins of known spread."""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from oneup_pinterest.questions.concentration.statistic import gini_of, intervals
from simulations import Promise

Floats = npt.NDArray[np.float64]
PARETO = 0.0  # stands for a Pareto distribution, in place of a sigma
POPULATION_PINS = 2_000_000  # a sample so large that it stands for the population


def promises(scale: int) -> Iterator[Promise]:
    """Yield every promise about concentration."""
    for what, mean, sigma, pins, runs, bounds in (
        ("heavy tails, 50 pins", None, 1.6, 50, 100, (0.92, 0.92)),
        ("heavy tails, 100 pins", None, 1.6, 100, 80, (0.92, 0.92)),
        ("heavy tails, 300 pins", None, 1.6, 300, 40, (0.93, 0.93)),
        ("heavier tails, 300 pins", None, 2.2, 300, 40, (0.9, 0.9)),
        ("Pareto tails of infinite variance, 300 pins", None, PARETO, 300, 40, (0.85, 0.85)),
        ("heavy tails in small counts, 100 pins", 3.0, 1.6, 100, 80, (0.92, 0.92)),
        ("light tails, 50 pins", 20.0, 0.8, 50, 100, (0.93, 0.93)),
    ):
        yield from _coverage_promises(what, mean, sigma, pins, runs * scale, bounds)


def _draw_counters(rng: np.random.Generator, mean: float | None, sigma: float, pins: int) -> Floats:
    """Return counters of pins: lognormal (with `PARETO` as sigma: Pareto), or Poisson counts with a lognormal mean."""
    if sigma == PARETO:
        pareto: Floats = np.sort(1 + rng.pareto(1.5, pins))
        return pareto
    expected = rng.lognormal(np.log(mean or 1.0), sigma, pins)
    values: Floats = np.sort(rng.poisson(expected) if mean else expected).astype(np.float64)
    return values


def _coverage_promises(
    what: str, mean: float | None, sigma: float, pins: int, runs: int, bounds: tuple[float, float]
) -> Iterator[Promise]:
    rng = np.random.default_rng(47)
    population = _draw_counters(np.random.default_rng(1), mean, sigma, POPULATION_PINS)
    truth = gini_of(population), population[-POPULATION_PINS // 10 :].sum() / population.sum()
    inside, naive = [], []
    for run in range(runs):
        values = _draw_counters(rng, mean, sigma, pins)
        measured = intervals(values, seed=run)
        inside.append([low <= true <= high for true, (_, low, high) in zip(truth, measured, strict=True)])
        low, high = _percentile_interval(rng, values)
        naive.append(low <= truth[0] <= high)
    for name, covered, bound in zip(("Gini", "top tenth"), np.mean(inside, axis=0), bounds, strict=True):
        yield Promise(
            "concentration", f"{name} ({what}): 95% interval covers the truth", float(covered), bound, False, runs
        )
    miss_ratio = (1 - np.mean(inside, axis=0)[0]) / max(1 - float(np.mean(naive)), 1 / runs)
    if sigma > 1:
        yield Promise(
            "concentration",
            f"Gini ({what}): share of intervals that miss the truth, relative to the percentile bootstrap",
            float(miss_ratio),
            0.6,
            True,
            runs,
        )


def _percentile_interval(rng: np.random.Generator, values: Floats) -> tuple[float, float]:
    """Return the percentile bootstrap interval of a textbook."""
    pins = len(values)
    drawn = np.sort(values[rng.integers(0, pins, (300, pins))], axis=1)
    rank = 2 * np.arange(1, pins + 1) - pins - 1
    with np.errstate(all="ignore"):
        ginis = (drawn @ rank) / drawn.sum(axis=1) / (pins - 1)
    low, high = np.quantile(ginis, [0.025, 0.975])
    return float(low), float(high)
