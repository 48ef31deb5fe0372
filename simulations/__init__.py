"""Promises of the statistics, measured on made-up data whose truth is known.

`python -m simulations` measures them with many runs and prints the table of docs/results/statistics.md;
`simulations/test_promises.py` measures the same with fewer runs in `make test-all`.
"""

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
