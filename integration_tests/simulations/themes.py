"""The themes that have promises, each a function from a number of runs (1: the tests' own) to its promises."""

from collections.abc import Callable, Iterable

from integration_tests.simulations import Promise

THEMES: dict[str, Callable[[int], Iterable[Promise]]] = {}
