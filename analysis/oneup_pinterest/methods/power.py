"""Say which difference a comparison would find now, and how much more data another one needs.

All sizes are logarithms of ratios. A difference is found if its p value is at most 5%. If several comparisons are made
side by side, each has its share of the 5% (Bonferroni): what a single true difference among them needs.
"""

import math

import numpy as np

from oneup_pinterest.methods.types import Floats, Integers
from oneup_pinterest.methods.verdicts import LEVEL

POWER = 0.8  # share of cases in which a difference of the size in question is found
SOUGHT = 50.0  # percent; the given change, unless another one is asked for
TREND_WEEKS = 12  # a given change of a trend is spread over a quarter
MIN_SIZE = 1e-6  # log units; a smaller difference is none
MIN_REST = 0.1  # share of the spread that is luck; with less, nothing can be told from luck
# The variance of a mean falls with the number of values, and that of a slope with the cube of the length. Swings that
# persist from week to week slow that down; 2.5 keeps the promise with and without them (simulations/until_found.py).
_OF_MEAN, _OF_SLOPE = 1.0, 2.5


def deviations_found(tests: int = 1) -> float:
    """Return how many deviations from 0 a difference must be to be found in 80% of cases, as one of `tests`.

    >>> round(deviations_found(), 2), round(deviations_found(12), 2)
    (2.8, 3.71)
    """
    return critical_deviations(tests) + power_deviations()


def critical_deviations(tests: int = 1) -> float:
    """Return how many deviations from 0 an estimate must be so that its p value is 5% / `tests`.

    >>> round(critical_deviations(), 2)
    1.96
    """
    from scipy.special import ndtri

    return float(ndtri(1 - LEVEL / (2 * tests)))


def power_deviations() -> float:
    """Return how many deviations beyond the threshold a difference must be to be found in 80% of cases.

    >>> round(power_deviations(), 2)
    0.84
    """
    from scipy.special import ndtri

    return float(ndtri(POWER))


def with_own_spread(deviations: float, parts: float | Integers) -> Floats:
    """Return how many deviations a difference must be, if it should be `deviations` beside the spread that it makes.

    A true difference between groups of pins adds to what the parts of the data seem to differ by luck. The more it
    does, the fewer `parts` there are: days of publication, or pins where a day has pins of both groups.

    >>> with_own_spread(2.8, np.array([30, 1_000])).round(2).tolist()
    [3.26, 2.81]
    """
    return np.asarray(deviations / np.sqrt(np.maximum(1 - deviations**2 / np.asarray(parts), MIN_REST)))


def detectable_ratio(deviation: float) -> float:
    """Return the ratio that a comparison with this deviation (log units) finds in 80% of cases, at 5%.

    >>> round(detectable_ratio(0.1), 2)
    1.32
    """
    return math.exp(deviations_found() * deviation)


def days_until_found(estimate: float, deviation: float, days: int) -> float:
    """Return how many days each period must have until a change of this size is found in 80% of cases, at 5%.

    `estimate` and `deviation`: of the log ratio of two periods of `days` days. The variance falls as the periods grow.

    >>> round(days_until_found(0.2, 0.1, 28))
    55
    """
    return float(days * (deviations_found() * deviation / max(abs(estimate), 1e-9)) ** (2 / _OF_MEAN))


def pins_until_found(size: float, detectable: float, pins: int) -> float:
    """Return how many pins it takes to find a difference of `size`, if `pins` pins find one of `detectable`.

    The variance falls with the number of pins, if more come in the same mix and in batches of the same size.

    >>> round(pins_until_found(0.2, 0.4, 100))
    400
    """
    needed: float = pins * (detectable / max(abs(size), MIN_SIZE)) ** (2 / _OF_MEAN)
    return needed


def weeks_until_found(size: float, detectable: float, weeks: int) -> float:
    """Return how many weeks it takes to find a trend of `size` per week, if `weeks` weeks find one of `detectable`.

    It is the length of the whole trend, with the weeks that are there.

    >>> round(weeks_until_found(0.02, 0.16, 8))
    42
    """
    needed: float = weeks * (detectable / max(abs(size), MIN_SIZE)) ** (2 / _OF_SLOPE)
    return needed
