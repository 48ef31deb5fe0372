"""Outcomes of the first week of made-up accounts, as `first_week_outcomes` returns them."""

from datetime import datetime, timedelta

import numpy as np
import polars as pl

from oneup_pinterest.history.first_week import AGE, with_weeks
from simulations.independent import Design, IndependentWorld
from simulations.independent.open_families import FAMILIES

_MONDAY = datetime(2026, 1, 5)
_SEED = 20261126


def independent_worlds(design: Design, runs: int) -> dict[str, list[IndependentWorld]]:
    """Draw so many accounts of each open family."""
    return {
        name: [draw(np.random.default_rng([_SEED, number, run]), design) for run in range(runs)]
        for number, (name, draw) in enumerate(FAMILIES.items())
    }


def independent_outcomes(design: Design, runs: int) -> pl.DataFrame:
    """Return the first-week saves of so many accounts of each open family; accounts are named after it.

    Further columns: at_age (saves at age 7), back (days from the last publication), weekday_null, cohort_null.
    """
    worlds = independent_worlds(design, runs)
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
            "back": born.max() - born,
            "weekday_null": bool(world.truth["weekday_null"]),
            "cohort_null": bool(world.truth["cohort_null"]),
        }
    )
