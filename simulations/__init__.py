"""Promises of the statistics, measured on made-up data whose truth is known.

`python -m simulations` measures them with many runs and prints the table that docs/statistics.md
holds; `simulations/test_promises.py` measures the same with fewer, at every `make test-all`.
"""

from typing import NamedTuple


class Promise(NamedTuple):
    """One promise: what is measured, what came out, and the bound that it keeps.

    `at_most` says whether the bound is an upper one. `runs` is the number of simulated histories behind `measured`.
    """

    theme: str
    what: str
    measured: float
    bound: float
    at_most: bool
    runs: int

    @property
    def is_kept(self) -> bool:
        """Return whether what was measured keeps the bound."""
        return self.measured <= self.bound if self.at_most else self.measured >= self.bound
