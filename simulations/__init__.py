"""Promises of the statistics, measured on made-up data whose truth is known.

`python -m simulations` measures them with many runs and prints the table of docs/results/statistics.md;
`simulations/test_promises.py` measures the same with fewer runs in `make test-all`.
"""

from math import sqrt
from typing import NamedTuple


class Promise(NamedTuple):
    """One promise: the question, what is measured, the measured value and its bound.

    `at_most` is whether the bound is an upper one. `runs` is the number of simulated histories behind `measured`.
    """

    question: str
    what: str
    measured: float
    bound: float
    at_most: bool
    runs: int

    @property
    def is_kept(self) -> bool:
        """Return whether the measured value keeps the bound."""
        return self.measured <= self.bound if self.at_most else self.measured >= self.bound


def false_alarms_allowed(runs: int) -> float:
    """Return the bound on the share of false alarms: 6%, and in few runs what luck makes of a test at 5%.

    >>> false_alarms_allowed(100), false_alarms_allowed(10_000)
    (0.094, 0.06)
    """
    return round(max(0.06, 0.05 + 2 * sqrt(0.05 * 0.95 / max(runs, 1))), 3)


def coverage_required(runs: int) -> float:
    """Return the bound on the share of intervals that hold the truth: 93%, and less in few runs.

    >>> coverage_required(100), coverage_required(10_000)
    (0.906, 0.93)
    """
    return round(min(0.93, 0.95 - 2 * sqrt(0.05 * 0.95 / max(runs, 1))), 3)
