"""The questions with promises: functions that take the multiple of the tests' runs and yield promises."""

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
    new_pins,
    rates,
    texts,
    timing,
    until_found,
)

QUESTIONS: dict[str, Callable[[int], Iterable[Promise]]] = {
    "histories": histories.promises,
    "glitches": glitches.promises,
    "movers": movers.promises,
    "anomalies": anomalies.promises,
    "forecast": forecast.promises,
    "change": change.promises,
    "new_pins": new_pins.promises,
    "rates": rates.promises,
    "growth": growth.promises,
    "concentration": concentration.promises,
    "timing": timing.promises,
    "formats": formats.promises,
    "texts": texts.promises,
    "until_found": until_found.promises,
}
