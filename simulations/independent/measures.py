"""List what is measured on every family of independent accounts, open or sealed."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cache
from typing import NamedTuple

import numpy as np
import polars as pl
from scipy.stats import norm

from oneup_pinterest.methods.verdicts import LEVEL
from simulations.change import Comparisons, compared
from simulations.first_weeks import Family, independent_outcomes
from simulations.formats import video_contrasts
from simulations.independent.world import WORD, Design
from simulations.movers import verdicts_of_pins
from simulations.new_pins import new_pin_contrasts
from simulations.texts import word_contrasts
from simulations.timing import weekday_contrasts

_CLAIMS = ("more", "less", "above", "below")
_YEAR_PART = 252  # days: 500 pins at 2 per day


class Share(NamedTuple):
    """How many of the worlds of one family had what was looked for.

    oracle: the share that a test would find which knows how much its estimate varies in this family.
    """

    hits: int
    worlds: int
    oracle: float | None = None


class Measure(NamedTuple):
    """What is measured on each family, and its bound; the question is a choice of the command line."""

    question: str
    what: str
    bound: float
    at_most: bool
    of_family: Callable[[Family, int, int], Share]


def change_measures() -> Iterator[Measure]:
    """Yield the measures of the change of the typical pin."""
    question = "change"
    nulls = (
        ("28 days, 2 pins per day", Design()),
        ("28 days, 10 pins per day", Design(pins_per_day=10)),
        ("28 days, shared swings of 30%", Design(day_sd=0.3)),
        ("28 days, 10 pins per day, shared swings of 30%", Design(pins_per_day=10, day_sd=0.3)),
        ("28 days, 10 pins per day, shared swings of 15%", Design(pins_per_day=10, day_sd=0.15)),
        ("28 days, weekly batches of 14", Design(batch=14)),
        ("28 days, 26 weeks of history", Design(days=182)),
    )
    for name, design in nulls:
        yield Measure(question, f"{name}: false alarms", 0.06, True, _alarms(design, 28))
        yield Measure(question, "the same: 95% interval covers the truth", 0.93, False, _coverage(design, 28))
    week = Design(effect_days=7)
    yield Measure(question, "7 days, 8 weeks of history: false alarms", 0.06, True, _alarms(week, 7))
    for name, design, bound in (
        ("all gains × 1.5, log sd of reach 1.0", Design(effect=1.5), 0.6),
        ("all gains × 1.5, log sd of reach 1.5", Design(effect=1.5, log_sd=1.5), 0.45),
        ("all gains × 2, log sd of reach 1.0", Design(effect=2), 0.9),
        ("all gains × 2, log sd of reach 1.5", Design(effect=2, log_sd=1.5), 0.9),
        ("10 pins per day, all gains × 1.3", Design(effect=1.3, pins_per_day=10), 0.8),
        ("weekly batches of 14, all gains × 2", Design(effect=2, batch=14), 0.85),
        ("26 weeks of history, all gains × 1.5", Design(effect=1.5, days=182), 0.6),
    ):
        yield Measure(question, f"{name}: found", bound, False, _alarms(design, 28))


@cache
def _compared(family: Family, design: Design, runs: int, periods: int, seed: int) -> Comparisons:
    return compared([family], design, runs, periods=periods, seed=seed)


def _alarms(design: Design, periods: int) -> Callable[[Family, int, int], Share]:
    def share(family: Family, runs: int, seed: int) -> Share:
        found = _compared(family, design, runs, periods, seed)
        return Share(round(found.alarms * found.worlds), found.worlds, _oracle(found) if design.effect != 1 else None)

    return share


def _oracle(found: Comparisons) -> float:
    """Return the power of a z test at 5% that knows the standard deviation of the estimate; 0 without estimates."""
    if len(found.found) < 2:
        return 0.0
    truth = np.array(found.truths)
    deviation = np.std([change.estimate for change in found.found] - truth, ddof=1)
    return float(norm.cdf(np.abs(truth).mean() / max(deviation, 1e-9) - norm.ppf(0.975)))


def _coverage(design: Design, periods: int) -> Callable[[Family, int, int], Share]:
    def share(family: Family, runs: int, seed: int) -> Share:
        found = _compared(family, design, runs, periods, seed)
        return Share(round(found.coverage * len(found.found)), len(found.found))

    return share


def first_week_measures() -> Iterator[Measure]:
    """Yield the measures of what compares pins by their first week: new pins, words, weekdays and formats."""
    new = Design(days=65, log_sd=1.6)
    for name, design in (("2 pins per day", new), ("weekly batches of 14", Design(days=65, batch=14))):
        yield Measure("new-pins", f"{name}: false alarms", 0.06, True, _new_pins(design))
    lifted = Design(days=65, pins_per_day=1.2, log_sd=1.6, effect_days=36, new_pin_effect=3.0)
    yield Measure(
        "new-pins", "some 30 per period, new ones × 3, log sd of reach 1.6: found", 0.6, False, _new_pins(lifted)
    )

    texts = Design(days=_YEAR_PART, word_share=0.15)
    for name, design in (("2 pins per day", texts), ("weekly batches of 14", replace(texts, batch=14))):
        yield Measure("words", f"500 pins, {name}: worlds with a claimed word", 0.06, True, _words(design, None))
    helped = replace(texts, word_effect=2.0)
    yield Measure(
        "words", "500 pins, a word in 15% of them × 2: found by a search", 0.6, False, _words(helped, None, WORD)
    )
    yield Measure("words", "the same: found by a planned question", 0.6, False, _words(helped, WORD, WORD))

    plain, saturday = Design(days=_YEAR_PART), Design(days=_YEAR_PART, weekday_effect=1.5)
    yield Measure("weekdays", "500 pins: worlds with a claimed weekday", 0.06, True, _weekdays(plain, is_planned=False))
    yield Measure("weekdays", "a planned Saturday: false alarms", 0.06, True, _weekdays(plain, is_planned=True))
    yield Measure("weekdays", "a planned Saturday × 1.5: found", 0.45, False, _weekdays(saturday, is_planned=True))

    pins = Design(days=126)
    for name, design in (("2 pins per day", pins), ("weekly batches of 14", replace(pins, batch=14))):
        yield Measure("formats", f"250 pins, {name}: false alarms", 0.06, True, _formats(design))
    yield Measure("formats", "250 pins, videos × 2: found", 0.5, False, _formats(replace(pins, format_effect=2.0)))


def mover_measures() -> Iterator[Measure]:
    """Yield the measure of movers: worlds without a burst in which a pin is named."""
    yield Measure("movers", "worlds without a burst in which a pin is named", 0.06, True, _movers)


def _new_pins(design: Design) -> Callable[[Family, int, int], Share]:
    def share(family: Family, runs: int, seed: int) -> Share:
        found = new_pin_contrasts(_outcomes(family, design, runs, seed))
        return Share(sum(contrast.p_value < LEVEL for contrast in found), len(found))

    return share


def _words(design: Design, planned: str | None, looked_for: str | None = None) -> Callable[[Family, int, int], Share]:
    def share(family: Family, runs: int, seed: int) -> Share:
        found = word_contrasts(_outcomes(family, design, runs, seed), planned)
        if looked_for is not None:
            found = found.filter(pl.col("word") == looked_for)
            return Share(found.filter(pl.col("verdict") == "more").height, found.height)
        return _accounts_with_a_claim(found)

    return share


def _weekdays(design: Design, *, is_planned: bool) -> Callable[[Family, int, int], Share]:
    def share(family: Family, runs: int, seed: int) -> Share:
        outcomes = _outcomes(family, design, runs, seed).filter("weekday_null")
        if outcomes.is_empty():
            return Share(0, 0)
        found = weekday_contrasts(outcomes, "Saturday" if is_planned else None)
        if design.weekday_effect != 1:
            return Share(found.filter(pl.col("verdict") == "above").height, found.height)
        return _accounts_with_a_claim(found)

    return share


def _formats(design: Design) -> Callable[[Family, int, int], Share]:
    def share(family: Family, runs: int, seed: int) -> Share:
        return _accounts_with_a_claim(video_contrasts(_outcomes(family, design, runs, seed)))

    return share


def _movers(family: Family, runs: int, seed: int) -> Share:
    false = worlds = 0
    for run in range(max(runs // 4, 1)):  # a world takes half a second
        world = family(np.random.default_rng([seed, run]), Design(pins_per_day=0.5))
        if not len(world.bursts):
            worlds += 1
            false += bool(set(_CLAIMS) & set(verdicts_of_pins(world).values()))
    return Share(false, worlds)


@cache
def _outcomes(family: Family, design: Design, runs: int, seed: int) -> pl.DataFrame:
    return independent_outcomes(design, max(runs // 2, 1), {"family": family}, seed)


def _accounts_with_a_claim(found: pl.DataFrame) -> Share:
    claims = found.group_by("social_network_id").agg(pl.col("verdict").is_in(_CLAIMS).any())
    return Share(int(claims["verdict"].sum()), claims.height)


MEASURES = (*change_measures(), *first_week_measures(), *mover_measures())
