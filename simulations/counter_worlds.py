"""Simulated counters of pins whose truth is known, and their snapshots as `load_pins` returns them."""

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import polars as pl

SIZES = ((5, 10), (30, 30), (80, 60))  # pins and days, from a first week to two months
METRICS = ("impressions", "saves")
DAYS_BEFORE_FIRST_SNAPSHOT = 200  # days before the first snapshot
LAST_SNAPSHOT = date(2026, 3, 31)
WEEKDAYS = (0.94, 0.9, 0.92, 0.93, 0.98, 1.14, 1.19)
Counts = npt.NDArray[np.int64]


class World(NamedTuple):
    """Lifetime counters at the end of each day (rows) of each pin (columns), by metric.

    Snapshots exist for the last `days` rows. `born` is the row of the day on which a pin was published.
    """

    counters: dict[str, Counts]
    born: Counts
    days: int

    @property
    def is_seen(self) -> npt.NDArray[np.bool_]:
        """Return whether each pin is published, snapshots x pins."""
        rows = np.arange(DAYS_BEFORE_FIRST_SNAPSHOT, DAYS_BEFORE_FIRST_SNAPSHOT + self.days)
        return np.asarray(rows[:, None] >= self.born[None, :])

    def seen(self, metric: str) -> Counts:
        """Return the true counters, snapshots x pins."""
        return self.counters[metric][-self.days :].copy()


def worlds(rng: np.random.Generator, runs: int) -> Iterator[World]:
    """Yield pins with few and very many impressions, a save rate per pin, and days that differ."""
    for run in range(runs):
        pins, days = SIZES[run % len(SIZES)]
        rows = DAYS_BEFORE_FIRST_SNAPSHOT + days
        born = rng.integers(0, rows, pins)
        age = np.arange(rows)[:, None] - born[None, :] + 1
        reach, scale, shape = rng.lognormal(5, 1.6, pins), rng.uniform(5, 60, pins), rng.uniform(0.5, 0.9, pins)
        grown = 1 - np.exp(-((np.maximum(age, 0) / scale) ** shape))
        day = np.array([WEEKDAYS[row % 7] for row in range(rows)]) * rng.lognormal(0, 0.1, rows)
        expected = np.diff(grown, axis=0, prepend=np.zeros((1, pins))) * reach * day[:, None]
        impressions = rng.poisson(np.maximum(expected, 0))
        saves = rng.binomial(impressions, rng.beta(2, 98, pins))
        counters = {"impressions": np.cumsum(impressions, axis=0), "saves": np.cumsum(saves, axis=0)}
        yield World(counters, born, days)


def observed(world: World, changed: dict[str, Counts] | None = None, without: Counts | None = None) -> pl.DataFrame:
    """Return the observations as `load_pins` does, with `changed` counters and without some snapshots."""
    changed = changed or {}
    pins, days = world.born.size, world.days
    published = [_day(world, int(row)) for row in world.born]
    frame = pl.DataFrame(
        {
            "id": [f"{number:05}" for number in range(pins)] * days,
            "timestamp": [datetime.combine(day, datetime.min.time()) + timedelta(hours=9) for day in published] * days,
            "snapshot_date": [snapshot_day(world, index) for index in range(days) for _ in range(pins)],
            "index": np.repeat(np.arange(days), pins),
            "is_seen": world.is_seen.ravel(),
            **{metric: changed.get(metric, world.seen(metric)).ravel() for metric in METRICS},
        }
    )
    missing = [] if without is None else without.tolist()
    return frame.filter(pl.col("is_seen") & ~pl.col("index").is_in(missing)).select(
        pl.lit("pin_world").alias("social_network_id"), "id", "timestamp", "snapshot_date", *METRICS
    )


def true_gains(world: World, metric: str) -> pl.DataFrame:
    """Return the true gain of each pin on the day before each snapshot except the first (id, day, truth)."""
    gained = np.diff(world.seen(metric), axis=0)
    days, pins = gained.shape
    return pl.DataFrame(
        {
            "id": [f"{number:05}" for number in range(pins)] * days,
            "day": [snapshot_day(world, index + 1) - timedelta(days=1) for index in range(days) for _ in range(pins)],
            "truth": gained.ravel(),
        }
    )


def ids(is_chosen: npt.NDArray[np.bool_]) -> list[str]:
    return [f"{number:05}" for number in np.flatnonzero(is_chosen)]


def _day(world: World, row: int) -> date:
    return LAST_SNAPSHOT - timedelta(days=DAYS_BEFORE_FIRST_SNAPSHOT + world.days - row)


def snapshot_day(world: World, index: int) -> date:
    """Return the date of a snapshot."""
    return LAST_SNAPSHOT - timedelta(days=world.days - 1 - index)
