"""What movers promise, in accounts in which every pin only ages, and in such where one pin takes off."""

from collections.abc import Iterator
from datetime import timedelta

import numpy as np
import polars as pl

from oneup_pinterest.history.account_history import AccountHistory
from oneup_pinterest.questions.movers.statistic import pin_movers
from simulations import Promise
from simulations.worlds import LAST_SNAPSHOT, each_account, made_up_pins

DAYS = 45
THEME = "movers"
KINDS = ("alike", "speeds", "evergreen", "noisy")


def world(rng: np.random.Generator, pins: int, kind: str, account: str) -> pl.DataFrame:
    """Return pins that only age: equal (`alike`), of many speeds (`speeds`), some evergreen (`evergreen`),
    or of many speeds, with counts that come in clumps, and good and bad days of a pin's own of deviation 0.5 (`noisy`).

    Reach is lognormal with sigma 1.6, and rates are a pin's own.
    """
    reach = rng.lognormal(9, 1.6, pins)
    if kind == "alike":
        scale, shape = np.full(pins, 12.0), np.full(pins, 0.6)
    elif kind in ("speeds", "noisy"):
        scale, shape = rng.lognormal(np.log(12), 0.7, pins), rng.uniform(0.45, 0.9, pins)
    else:
        lasting = rng.random(pins) < 0.3
        scale = np.where(lasting, rng.uniform(60, 130, pins), rng.lognormal(1.1, 0.4, pins))
        shape = np.where(lasting, rng.uniform(0.9, 1.2, pins), rng.uniform(0.6, 0.95, pins))
    made = made_up_pins(rng, pins, DAYS, 120, account=account, reach=reach, scale_days=scale, shape=shape)
    return _noisy(rng, made) if kind == "noisy" else made


def _noisy(rng: np.random.Generator, made: pl.DataFrame) -> pl.DataFrame:
    made = made.sort("id", "snapshot_date")
    steps = made["saves"].to_numpy() - made["saves"].shift(1, fill_value=0).to_numpy()
    first = (made["id"] != made["id"].shift(1)).fill_null(True).to_numpy()
    drawn = rng.poisson(np.maximum(steps, 0) * rng.gamma(4, 1 / 4, len(steps)))
    counts = np.where(first, made["saves"].to_numpy(), drawn)
    return made.with_columns(saves=pl.Series(counts)).with_columns(pl.col("saves").cum_sum().over("id"))


def promises(scale: int) -> Iterator[Promise]:
    """Yield the share of worlds with a falsely named pin, and how often a pin that takes off is found."""
    rng = np.random.default_rng(20260302)
    for kind in KINDS:
        runs = 40 * scale
        worlds = pl.concat(world(rng, int(rng.choice([30, 80, 150])), kind, f"{run:05}") for run in range(runs))
        movers = _movers(worlds)
        named = movers.filter(pl.col("verdict").is_in(["more", "less"]))["social_network_id"].n_unique()
        what = f"worlds in which any pin is named although all only age ({kind})"
        yield Promise(THEME, what, named / runs, 0.06, True, runs)
    runs = 40 * scale
    worlds = pl.concat(world(rng, 120, "speeds", f"{run:05}") for run in range(runs))
    yield Promise(
        THEME,
        "naive: worlds in which the largest ratio of two weeks is of a pin with fewer than 5 before",
        _small_firsts(worlds),
        0.9,
        False,
        runs,
    )
    found, there = _taken_off(rng, worlds)
    yield Promise(
        THEME,
        "a pin past 40 days, expected to gain 10 and more, that gains 5 times as many is found",
        found / there,
        0.8,
        False,
        there,
    )


def _movers(worlds: pl.DataFrame) -> pl.DataFrame:
    return each_account(worlds, lambda pins: pin_movers(AccountHistory.from_pins(pins)))


def _small_firsts(worlds: pl.DataFrame) -> float:
    back = (pl.lit(LAST_SNAPSHOT) - pl.col("snapshot_date")).dt.total_days()
    weeks = worlds.group_by("social_network_id", "id").agg(
        now=pl.col("saves").filter(back == 2).first() - pl.col("saves").filter(back == 9).first(),
        before=pl.col("saves").filter(back == 9).first() - pl.col("saves").filter(back == 16).first(),
    )
    firsts = (
        weeks.filter(pl.col("before") > 0)
        .sort("social_network_id", pl.col("now") / pl.col("before"), descending=[False, True])
        .unique("social_network_id", keep="first", maintain_order=True)
    )
    return float((firsts["before"] < 5).mean())  # type: ignore[arg-type]


def _taken_off(rng: np.random.Generator, worlds: pl.DataFrame) -> tuple[int, int]:
    """Return how many pins that gain five times as much in their last 9 days are found, and how many there are."""
    key = ["social_network_id", "id"]
    able = _movers(worlds).filter((pl.col("expected") >= 10) & (pl.col("age") > 40)).select(key)
    chosen = able[rng.permutation(able.height)].unique("social_network_id", keep="first", maintain_order=True)
    before = pl.col("saves").filter(pl.col("snapshot_date") <= LAST_SNAPSHOT - timedelta(days=9)).last().over(key)
    taken = worlds.join(chosen.with_columns(is_chosen=True), on=key, how="left").sort(*key, "snapshot_date")
    grows = pl.col("is_chosen").fill_null(False) & (pl.col("saves") > before)
    taken = taken.with_columns(saves=pl.when(grows).then(before + 5 * (pl.col("saves") - before)).otherwise("saves"))
    verdicts = _movers(taken).join(chosen, on=key, how="semi")["verdict"]
    return int((verdicts == "more").sum()), chosen.height
