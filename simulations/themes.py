"""The themes that have promises, each a function from a number of runs (1: the tests' own) to its promises."""

from collections.abc import Callable, Iterable

from simulations import (
    Promise,
    anomalies,
    change,
    concentration,
    forecast,
    formats,
    glitches,
    growth,
    histories,
    movers,
    rates,
    timing,
    words,
)

THEMES: dict[str, Callable[[int], Iterable[Promise]]] = {
    "histories": histories.promises,
    "glitches": glitches.promises,
    "movers": movers.promises,
    "anomalies": anomalies.promises,
    "forecast": forecast.promises,
    "change": change.promises,
    "rates": rates.promises,
    "growth": growth.promises,
    "concentration": concentration.promises,
    "timing": timing.promises,
    "formats": formats.promises,
    "words": words.promises,
}
