"""Predict what a pin gains in a week from its own level and its age, and say how unusual a gain is for the account."""

from dataclasses import astuple, dataclass
from itertools import product

import numpy as np

from oneup_pinterest.methods.types import Floats

WINDOW_DAYS = 7
MIN_COUNT = 10  # counts, expected or gained: below it, a handful that came together looks like a mover
# How far pins of one level spread beyond chance (standard deviation of the logarithm), whatever their age; how much
# more for each unit of the logarithm by which they aged; and how many counts come together (1: each by itself). The
# first are what few pins are taken to have, the others what is tried
USUAL_SPREAD = (0.25, 0.75, 1.5)
STEADY_SPREADS = (0.05, 0.15, 0.25, 0.4, 0.6, 0.9)
AGING_SPREADS = (0.0, 0.75, 1.5, 3.0)
CLUMPS = (1.0, 1.5, 2.25)

TAIL = 0.1  # share of the past weeks of pins that show how unusual weeks become
USUAL_TAIL, USUAL_WEEKS = 1.3, 10  # length of the tail where no past weeks are known, and their weight in weeks
LONGEST = 4.0  # beyond the start; a past week that is more unusual counts as this much: it may be a mover itself

Spread = tuple[float, float, float]


@dataclass(frozen=True)
class Week:
    """What pins gained in a week (counts), and what is known of them from the days before, one element per pin.

    - gain: counts in the week
    - level: counts per week in the days before; seen: counts in these days
    - aged: by how much the logarithm of their age grew in between
    - rising: times the level that they come to if they go on to rise as they did between the two weeks before; 1 where
      they did not rise
    """

    gain: Floats
    level: Floats
    seen: Floats
    aged: Floats
    rising: Floats


@dataclass(frozen=True)
class Prediction:
    """What each pin is expected to gain, with a 95% interval (counts), and the one-sided p values of its gain."""

    expected: Floats
    low: Floats
    high: Floats
    above: Floats
    below: Floats


@dataclass(frozen=True)
class Tail:
    """How unusual the weeks of an account's pins become, beyond what a model says of them.

    `start` and `length` are logarithms of p values. Beyond the start they are taken to be exponential, with a mean
    excess of 1 for a model that holds, and more where pins have trends of their own or counts come in clumps (peaks
    over threshold; Davison and Smith, Journal of the Royal Statistical Society B 52, 1990).
    """

    start: float
    length: float

    @classmethod
    def of(cls, past: Floats) -> "Tail":
        """Fit the tail to p values of past weeks, in which hardly a pin moved; it is never shorter than the model's.

        >>> round(Tail.of((np.arange(2000) + 0.5) / 2000).length, 1)
        1.0
        """
        known = -np.log(np.maximum(past, 1e-300))
        start = max(float(np.quantile(known, 1 - TAIL)) if known.size else 0.0, -float(np.log(TAIL)))
        excess = np.minimum(known[known > start] - start, LONGEST)
        length = (excess.sum() + USUAL_TAIL * USUAL_WEEKS) / (excess.size + USUAL_WEEKS)
        return cls(start, max(float(length), 1.0))

    def corrected(self, p: Floats) -> Floats:
        """Return p values of the model as the account's past weeks show them.

        >>> Tail(2.0, 2.0).corrected(np.exp([-1.0, -4.0])).round(4).tolist() == np.exp([-1.0, -3.0]).round(4).tolist()
        True
        """
        unusual = -np.log(np.maximum(p, 1e-300))
        return np.asarray(
            np.exp(-np.where(unusual > self.start, self.start + (unusual - self.start) / self.length, unusual))
        )

    def of_model(self, p: float) -> float:
        """Return the p value of the model that `corrected` turns into this one."""
        unusual = -float(np.log(p))
        return float(np.exp(-max(unusual, self.start + (unusual - self.start) * self.length)))


def predicted(now: Week, past: list[Week]) -> Prediction:
    """Return the prediction of this week, with intervals and p values as wide as the past weeks show.

    >>> still = Week(np.full(20, 21.0), np.full(20, 21.0), np.full(20, 42.0), np.zeros(20), np.ones(20))
    >>> predicted(still, [still]).expected.round(1)[:2].tolist()
    [21.0, 21.0]
    """
    from scipy import stats  # slow to import

    weeks = [now, *past]
    spread, logs = USUAL_SPREAD, [np.zeros(len(week.gain)) for week in weeks]
    for _ in range(3):
        logs = [_aging(week, spread) for week in weeks]
        spread = _spread(weeks, logs)
    unusual = [_chances(week, log, spread) for week, log in zip(past, logs[1:], strict=True)]
    rising, falling = (
        Tail.of(np.concatenate([np.empty(0), *of_side]))
        for of_side in (zip(*unusual, strict=True) if unusual else ((), ()))
    )
    expected = now.level * np.exp(logs[0])
    size = _size(expected, now, spread)
    above, below = _p_values(now, expected, size)
    return Prediction(
        expected,
        stats.nbinom.ppf(falling.of_model(0.025), size, size / (size + expected)),
        stats.nbinom.isf(rising.of_model(0.025), size, size / (size + expected * now.rising)),
        rising.corrected(above),
        falling.corrected(below),
    )


def _chances(week: Week, logs: Floats, spread: Spread) -> tuple[Floats, Floats]:
    """Return the p values of the pins of a past week that have enough counts for a verdict."""
    expected = week.level * np.exp(logs)
    above, below = _p_values(week, expected, _size(expected, week, spread))
    are_many = np.maximum(week.gain, expected) >= MIN_COUNT
    return above[are_many], below[are_many]


def _p_values(week: Week, expected: Floats, size: Floats) -> tuple[Floats, Floats]:
    """Return the one-sided p values: of so many counts or more although they go on to rise, and of so many or fewer."""
    from scipy import stats  # slow to import

    above = stats.nbinom.sf(np.ceil(week.gain) - 1, size, size / (size + expected * week.rising))
    return above, stats.nbinom.cdf(np.floor(week.gain), size, size / (size + expected))


def _aging(week: Week, spread: Spread) -> Floats:
    """Return the logarithm of the factor of the week and of a power of age, fitted with Huber's weights."""
    design = np.column_stack([np.ones(len(week.gain)), week.aged])
    ridge = np.array([1.0, 4.0])  # shrink toward no change: few pins make few claims
    coefficients = np.zeros(2)
    for _ in range(30):
        expected = week.level * np.exp(design @ coefficients)
        variance = expected + expected**2 / _size(expected, week, spread)
        rest = (week.gain - expected) / np.sqrt(variance)
        weight = expected**2 / variance * np.minimum(1, 1.5 / np.maximum(np.abs(rest), 1e-9))
        gradient = design.T @ (weight * (week.gain - expected) / expected) - ridge * coefficients
        step = np.linalg.solve(design.T @ (design * weight[:, None]) + np.diag(ridge), gradient)
        coefficients = np.clip(coefficients + np.clip(step, -0.5, 0.5), -4, 4)
        if np.abs(step).max() < 1e-4:
            break
    logs: Floats = design @ coefficients
    return logs


def _spread(weeks: list[Week], logs: list[Floats]) -> Spread:
    """Return the spread of pins that is most likely over all weeks."""
    from scipy.special import gammaln

    every = Week(*(np.concatenate(parts) for parts in zip(*map(astuple, weeks), strict=True)))
    expected = every.level * np.exp(np.concatenate(logs))
    best, found = -np.inf, USUAL_SPREAD
    whole = gammaln(every.gain + 1)
    for tried in product(STEADY_SPREADS, AGING_SPREADS, CLUMPS):
        size = _size(expected, every, tried)
        likely = size / (size + expected)
        counted = gammaln(every.gain + size) - gammaln(size) - whole
        chance = np.exp(counted + size * np.log(likely) + every.gain * np.log1p(-likely))
        # one pin in a hundred may be a mover, which does not show how the others spread
        likelihood = float(np.log(0.99 * chance + 0.01 / (1 + 10 * expected)).sum())
        likelihood -= np.log(tried[0] / USUAL_SPREAD[0]) ** 2 + (tried[1] - USUAL_SPREAD[1]) ** 2
        if likelihood > best:
            best, found = likelihood, tried
    return found


def _size(expected: Floats, week: Week, spread: Spread) -> Floats:
    """Return the size parameter of the negative binomial of each pin: the smaller, the wider."""
    steady, aging, clump = spread
    of_level, of_pins = clump / week.seen, steady**2 + (aging * week.aged) ** 2
    return np.asarray(1 / (of_level + of_pins * (1 + of_level) + (clump - 1) / expected))
