"""Outcomes of the first week of made-up accounts, as `first_week_outcomes` returns them."""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

import numpy as np
import polars as pl

from oneup_pinterest.history.first_week import AGE, with_weeks
from simulations.independent import Design, IndependentWorld
from simulations.independent.open_families import FAMILIES

_MONDAY = datetime(2026, 1, 5)
_SEED = 20261126


Family = Callable[[np.random.Generator, Design], IndependentWorld]


def independent_worlds(
    design: Design, runs: int, families: Mapping[str, Family] = FAMILIES, seed: int = _SEED
) -> dict[str, list[IndependentWorld]]:
    """Draw `runs` accounts of each family."""
    return {
        name: [draw(np.random.default_rng([seed, number, run]), design) for run in range(runs)]
        for number, (name, draw) in enumerate(families.items())
    }


def independent_outcomes(
    design: Design, runs: int, families: Mapping[str, Family] = FAMILIES, seed: int = _SEED
) -> pl.DataFrame:
    """Return the first-week saves of `runs` accounts of each family; accounts are named after it.

    Further columns: at_age (saves at age 7), back (days from the last publication), weekday_null, cohort_null.
    """
    worlds = independent_worlds(design, runs, families, seed)
    return with_weeks(
        pl.concat(
            _outcomes(world, f"{name} {run:05}") for name, drawn in worlds.items() for run, world in enumerate(drawn)
        )
    )


def _outcomes(world: IndependentWorld, account: str) -> pl.DataFrame:
    """Return the outcomes of the pins that were published on observed days and seen for eight days."""
    counter = world.gains["saves"].cumsum(axis=0)
    pin = np.flatnonzero((world.born >= 0) & (world.born + AGE + 1 < len(counter)))
    born, minute = world.born[pin], world.minute[pin]
    at_age, later = counter[born + AGE, pin], counter[born + AGE + 1, pin]
    first = _MONDAY + timedelta(days=world.first_weekday)
    return pl.DataFrame(
        {
            "social_network_id": account,
            "id": [f"{number:05}" for number in pin],
            "value": at_age + minute / 1440 * (later - at_age),
            "moment": [first + timedelta(days=int(d), minutes=int(m)) for d, m in zip(born, minute, strict=True)],
            "format": [world.format[number] for number in pin],
            "media_type": "IMAGE",
            "text": [world.title[number] for number in pin],
            "at_age": at_age.astype(np.float64),
            "back": born.max(initial=0) - born,  # an account may have published nothing
            "weekday_null": bool(world.truth["weekday_null"]),
            "cohort_null": bool(world.truth["cohort_null"]),
        }
    )
