"""Promises about change: false alarms, coverage and power on the accounts of `simulations.independent`."""

from collections.abc import Iterator, Sequence
from datetime import date
from typing import NamedTuple

import numpy as np
import polars as pl

from oneup_pinterest.history.pin_levels import PinDays, level_change
from oneup_pinterest.methods.own_level import LogRatio
from oneup_pinterest.methods.verdicts import LEVEL
from oneup_pinterest.questions.change.statistic import WEEKS, fitted_trend
from simulations import Promise, coverage_required, false_alarms_allowed
from simulations.first_weeks import Family
from simulations.independent import Design, IndependentWorld
from simulations.independent.open_families import FAMILIES

_STEADY = ("poisson_lognormal", "overdispersed", "viral_tail", "weekly_topics")  # without large swings
_FIRST_DAY = date(2026, 1, 1)


class Comparisons(NamedTuple):
    """What comparing the last two periods of several worlds gave: one entry per world that could be compared."""

    worlds: int
    found: list[LogRatio]
    truths: list[float]

    @property
    def alarms(self) -> float:
        """Return the share of all worlds with a p value below 5%."""
        return sum(change.p < LEVEL for change in self.found) / self.worlds

    @property
    def coverage(self) -> float:
        """Return the share of the intervals that hold the true log ratio."""
        held = [change.low <= truth <= change.high for change, truth in zip(self.found, self.truths, strict=True)]
        return sum(held) / max(len(held), 1)


def promises(scale: int) -> Iterator[Promise]:
    """Yield each promise once it is measured; `scale` 1 takes about ten seconds."""
    yield from _change_promises(scale)
    yield from _trend_promises(scale)


def _change_promises(scale: int) -> Iterator[Promise]:
    question = "change of the typical pin"
    runs = 12 * scale
    every = list(FAMILIES.values())
    for name, design in (
        ("28 days, 2 pins per day", Design()),
        ("28 days, swings of 30% that all pins share", Design(day_sd=0.3)),
        ("28 days, weekly batches of 14", Design(batch=14)),
    ):
        null = compared(every, design, runs)
        yield Promise(
            question, f"{name}: false alarms", null.alarms, false_alarms_allowed(null.worlds), True, null.worlds
        )
        yield Promise(
            question,
            "the same: 95% interval covers the truth",
            null.coverage,
            coverage_required(len(null.found)),
            False,
            len(null.found),
        )
    week = compared(every, Design(effect_days=7, days=63), runs, periods=7)
    yield Promise(question, "7 days: false alarms", week.alarms, false_alarms_allowed(week.worlds), True, week.worlds)

    steady = [FAMILIES[name] for name in _STEADY]
    for name, design, bound in (
        ("all gains × 1.5, log sd of reach 1.0", Design(effect=1.5), 0.6),
        ("all gains × 1.5, log sd of reach 1.5", Design(effect=1.5, log_sd=1.5), 0.45),
        ("all gains × 2, log sd of reach 1.5", Design(effect=2, log_sd=1.5), 0.9),
        ("weekly batches of 14, all gains × 2", Design(effect=2, batch=14), 0.85),
    ):
        found = compared(steady, design, runs)
        yield Promise(question, f"{name}: share found", found.alarms, bound, False, found.worlds)
        yield Promise(
            question,
            "the same: 95% interval covers the truth",
            found.coverage,
            coverage_required(found.worlds),
            False,
            found.worlds,
        )


def _trend_promises(scale: int) -> Iterator[Promise]:
    question = "trend"
    every = [family for name, family in FAMILIES.items() if name != "yearly_wave"]  # which has a trend
    p = [trend_p(family, Design(days=84), seed) for family in every for seed in range(12 * scale)]
    claimed = sum(value < LEVEL for value in p if value is not None) / len(p)
    yield Promise(
        question, "12 weeks, steady accounts: false alarms", claimed, false_alarms_allowed(len(p)), True, len(p)
    )
    grown = [_growing_p(seed) for seed in range(30 * scale)]
    found = sum(value is not None and value < LEVEL for value in grown) / len(grown)
    yield Promise(question, "8 weeks, gains grow 25% per week: share found", found, 0.5, False, len(grown))


def compared(families: Sequence[Family], design: Design, runs: int, *, periods: int = 28, seed: int = 1) -> Comparisons:
    """Compare the last two periods of `runs` worlds per family, in saves."""
    found, truths = [], []
    for place, family in enumerate(families):
        for run in range(runs):
            world = family(np.random.default_rng([seed, place, run]), design)
            change = level_change(world_pin_days(world), periods)
            if not isinstance(change, str):
                found.append(change)
                truths.append(float(np.log(world.truth["ratio"])))
    return Comparisons(len(families) * runs, found, truths)


def world_pin_days(world: IndependentWorld, metric: str = "saves") -> PinDays:
    """Return the gains of a world as `history.pin_levels` takes them."""
    gains = world.gains[metric]
    days = len(gains)
    day, pin = np.nonzero(world.born <= np.arange(days)[:, None])
    return PinDays(pin, days - 1 - day, gains[day, pin].astype(np.float64), (days - 1 - world.born).astype(np.float64))


def trend_p(family: Family, design: Design, seed: int) -> float | None:
    """Return the p value of the trend in a world's weekly saves, or None without a comparison."""
    world = family(np.random.default_rng([2, seed]), design)
    return _trend_of(world.gains["saves"].sum(axis=1))


def _growing_p(seed: int) -> float | None:
    world = FAMILIES["viral_tail"](np.random.default_rng([3, seed]), Design(days=56))
    grown = world.gains["saves"].sum(axis=1) * 1.25 ** (np.arange(56) / 7)
    return _trend_of(grown)


def _trend_of(gains: np.ndarray[tuple[int], np.dtype[np.float64]]) -> float | None:
    frame = pl.DataFrame({"gain": gains.astype(np.float64)}).with_columns(
        day=pl.lit(_FIRST_DAY) + pl.duration(days=pl.int_range(pl.len())),
        social_network_id=pl.lit("pin_a"),
        metric=pl.lit("saves"),
        counter_type=pl.lit("lifetime"),
        is_provisional=pl.lit(value=False),
        is_imputed=pl.lit(value=False),
    )
    row = fitted_trend(frame, "saves", WEEKS)
    return row.get("p")
