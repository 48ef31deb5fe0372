"""Test whether a series stepped to other levels, or only wanders: steps against first-order autoregression."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from oneup_pinterest.methods.types import Floats

_PERSISTENCE = (0.4, 0.7, 0.9, 0.97, 0.995)  # the last is nearly a random walk
_WANDERING = (0.3, 0.6, 0.9, 1.0)  # share of the variance that is autoregressive; the rest is white
_MODELS = [(0.0, 0.0), *((persistence, share) for persistence in _PERSISTENCE for share in _WANDERING)]


@dataclass(frozen=True)
class StepTest:
    """Steps in a series beside the best series without them.

    - p: p value of the steps together
    - deviations: standard deviation of the size of each step, in units of the series
    """

    p: float
    deviations: Floats


def steps_against_wandering(
    series: Floats, starts: Sequence[int], shortest: int, draws: int = 199, seed: int = 0
) -> StepTest:
    """Test steps at `starts` (places in the series) against a series that wanders about a straight line.

    Without steps the series is a line, white noise and a first-order autoregression, as persistent as the data have it:
    up to nearly a random walk. With steps it is the same with levels. The statistic is the likelihood ratio, and its
    distribution comes from a parametric bootstrap of the best model without steps, in which the same number of steps
    (each at least `shortest` values from the ends) is looked for. So series that wander, or swing smoothly, have steps
    as large by chance.

    >>> noise = np.random.default_rng(1).normal(0, 0.1, 60)
    >>> steps_against_wandering(noise + np.where(np.arange(60) < 30, 0.0, 1.0), [30], 10).p
    0.005
    >>> steps_against_wandering(np.cumsum(noise), [30], 10).p > 0.05
    True
    """
    size = len(series)
    drawn = _without_steps(series, draws, seed)
    every = np.column_stack([series, drawn])
    columns = np.arange(size)[:, None] >= np.arange(shortest, size - shortest + 1)
    least = np.full(draws + 1, -np.inf)
    most, of_steps, deviations = least.copy(), -np.inf, np.zeros(len(starts))
    for log_determinant, whitened in _whitened(np.hstack([_line(size), columns, every])):
        step, values = _beside_a_line(whitened, columns.shape[1])
        unexplained = (values**2).sum(axis=0)
        least = np.maximum(least, _likelihood(unexplained, size, log_determinant))
        explained = _greedily_explained(step, values[:, 1:], len(starts))
        most[1:] = np.maximum(most[1:], _likelihood(unexplained[1:] - explained, size, log_determinant))
        given = step[:, np.asarray(starts) - shortest]
        normal = given.T @ given
        sizes = np.linalg.solve(normal, given.T @ values[:, 0])
        left = float(unexplained[0] - sizes @ (given.T @ values[:, 0]))
        likelihood = float(_likelihood(np.array([left]), size, log_determinant)[0])
        if likelihood > of_steps:
            of_steps = likelihood
            freedom = max(size - 2 - len(starts), 1)
            deviations = np.sqrt(np.diagonal(np.linalg.inv(normal)) * left / freedom)
    ratio = of_steps - least[0]
    return StepTest(float((1 + (most[1:] - least[1:] >= ratio).sum()) / (draws + 1)), deviations)


def _line(size: int) -> Floats:
    return np.column_stack([np.ones(size), np.linspace(-1, 1, size)])


def _likelihood(unexplained: Floats, size: int, log_determinant: float) -> Floats:
    return np.asarray(-size / 2 * np.log(np.maximum(unexplained, 1e-12)) - log_determinant / 2)


def _whitened(columns: Floats) -> Iterator[tuple[float, Floats]]:
    """Yield for each model the logarithm of its determinant and the columns as it sees them without correlation.

    The Kalman filter of an autoregression in white noise, with a variance of 1.
    """
    for persistence, share in _MODELS:
        state, uncertain = np.zeros(columns.shape[1]), share
        whitened, log_determinant = np.empty(columns.shape), 0.0
        for place, row in enumerate(columns):
            variance = uncertain + 1 - share + 1e-9
            rest = row - state
            whitened[place] = rest / np.sqrt(variance)
            log_determinant += float(np.log(variance))
            gain = uncertain / variance
            state = persistence * (state + gain * rest)
            uncertain = persistence**2 * uncertain * (1 - gain) + (1 - persistence**2) * share
        yield log_determinant, whitened


def _beside_a_line(whitened: Floats, steps: int) -> tuple[Floats, Floats]:
    """Return the columns of steps and of values without what a line explains."""
    line = np.linalg.qr(whitened[:, :2])[0]
    rest = whitened[:, 2:] - line @ (line.T @ whitened[:, 2:])
    return rest[:, :steps], rest[:, steps:]


def _greedily_explained(step: Floats, values: Floats, number: int) -> Floats:
    """Return how much of the squares of each column of values so many steps explain, chosen one after the other."""
    product, known = step.T @ values, step.T @ step
    drawn = np.arange(values.shape[1])
    own = np.repeat(np.diagonal(known)[:, None], values.shape[1], axis=1)
    explained = np.zeros(values.shape[1])
    rows: list[Floats] = []
    for _ in range(number):
        share = np.where(own > 1e-6, product**2 / np.maximum(own, 1e-6), 0.0)
        best = share.argmax(axis=0)
        explained += share[best, drawn]
        # what the steps have in common with the chosen ones is taken out, as by Gram and Schmidt
        common = known[:, best] - sum((row * row[best, drawn] for row in rows), start=np.zeros_like(own))
        row = common / np.sqrt(np.maximum(own[best, drawn], 1e-6))
        product = product - row * (product[best, drawn] / np.sqrt(np.maximum(own[best, drawn], 1e-6)))
        own = own - row**2
        rows.append(row)
    return explained


def _without_steps(series: Floats, draws: int, seed: int) -> Floats:
    """Return series drawn from the model without steps that the data make most likely (restricted likelihood)."""
    size, best, model, variance = len(series), -np.inf, _MODELS[0], 1.0
    for tried, (log_determinant, whitened) in zip(
        _MODELS, _whitened(np.column_stack([_line(size), series])), strict=True
    ):
        triangle = np.linalg.qr(whitened)[1]
        left = float(triangle[2, 2] ** 2)
        restricted = -(size - 2) / 2 * np.log(max(left, 1e-12)) - log_determinant / 2
        restricted -= float(np.log(np.abs(np.diagonal(triangle)[:2])).sum())
        if restricted > best:
            best, model, variance = restricted, tried, left / (size - 2)
    persistence, share = model
    rng = np.random.default_rng(seed)
    white, new = rng.normal(0, np.sqrt(1 - share), (size, draws)), rng.normal(0, np.sqrt(share), (size, draws))
    state = new[0]
    for place in range(size):
        white[place] += state
        if place + 1 < size:
            state = persistence * state + np.sqrt(1 - persistence**2) * new[place + 1]
    return np.asarray(white * np.sqrt(variance))
