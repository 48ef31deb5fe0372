"""Promises about movers, in accounts in which all pins only age and in accounts in which one pin takes off."""

from collections.abc import Iterator
from datetime import timedelta

import numpy as np
import polars as pl

from oneup_pinterest.history.account_history import AccountHistory
from oneup_pinterest.methods.verdicts import NO_VERDICT
from oneup_pinterest.questions.movers.statistic import pin_movers
from simulations import Promise, false_alarms_allowed
from simulations.independent import Design, IndependentWorld
from simulations.independent.open_families import FAMILIES
from simulations.worlds import LAST_SNAPSHOT, each_account, made_up_pins

DAYS = 45
QUESTION = "movers"
HARD_FAMILIES = ("late_bloomers", "overdispersed", "viral_tail", "shared_swings")
ACCOUNT_TYPES = ("alike", "speeds", "evergreen", "noisy")


def simulate_account(rng: np.random.Generator, pins: int, account_type: str, account: str) -> pl.DataFrame:
    """Return the pins of an account that only age.

    `alike`: all at the same speed. `speeds`: at different speeds. `evergreen`: some of them last. `noisy`: at different
    speeds, with clumped counts and random days per pin (standard deviation 0.5). Reach is lognormal with sigma 1.6, and
    each pin has its own rates.
    """
    reach = rng.lognormal(9, 1.6, pins)
    if account_type == "alike":
        scale, shape = np.full(pins, 12.0), np.full(pins, 0.6)
    elif account_type in ("speeds", "noisy"):
        scale, shape = rng.lognormal(np.log(12), 0.7, pins), rng.uniform(0.45, 0.9, pins)
    else:
        lasting = rng.random(pins) < 0.3
        scale = np.where(lasting, rng.uniform(60, 130, pins), rng.lognormal(1.1, 0.4, pins))
        shape = np.where(lasting, rng.uniform(0.9, 1.2, pins), rng.uniform(0.6, 0.95, pins))
    made = made_up_pins(rng, pins, DAYS, 120, account=account, reach=reach, scale_days=scale, shape=shape)
    return _noisy(rng, made) if account_type == "noisy" else made


def _noisy(rng: np.random.Generator, made: pl.DataFrame) -> pl.DataFrame:
    made = made.sort("id", "snapshot_date")
    steps = made["saves"].to_numpy() - made["saves"].shift(1, fill_value=0).to_numpy()
    first = (made["id"] != made["id"].shift(1)).fill_null(True).to_numpy()
    drawn = rng.poisson(np.maximum(steps, 0) * rng.gamma(4, 1 / 4, len(steps)))
    counts = np.where(first, made["saves"].to_numpy(), drawn)
    return made.with_columns(saves=pl.Series(counts)).with_columns(pl.col("saves").cum_sum().over("id"))


def promises(scale: int) -> Iterator[Promise]:
    """Yield the share of accounts with a false mover, and how often a pin that takes off is found."""
    rng = np.random.default_rng(20260302)
    for account_type in ACCOUNT_TYPES:
        runs = 12 * scale
        accounts = pl.concat(
            simulate_account(rng, int(rng.choice([30, 80, 150])), account_type, f"{run:05}") for run in range(runs)
        )
        movers = _movers(accounts)
        named = movers.filter(pl.col("verdict").is_in(["more", "less"]))["social_network_id"].n_unique()
        what = f"accounts in which any pin is reported although all only age ({account_type})"
        yield Promise(QUESTION, what, named / runs, false_alarms_allowed(runs), True, runs)
    yield from _independent(4 * scale)
    runs = 20 * scale
    accounts = pl.concat(simulate_account(rng, 120, "speeds", f"{run:05}") for run in range(runs))
    yield Promise(
        QUESTION,
        "naive: accounts whose largest ratio of two weeks is of a pin with fewer than 5 saves before",
        _share_of_small_bases(accounts),
        0.9,
        False,
        runs,
    )
    found, total = _detect_takeoffs(rng, accounts)
    yield Promise(
        QUESTION,
        "a pin older than 40 days, expected to gain at least 10, that gains 5 times as many is found",
        found / total,
        0.8,
        False,
        total,
    )


def _independent(runs: int) -> Iterator[Promise]:
    """Yield false alarms and finds in families of accounts that the method was not made for."""
    false = found = there = 0
    for family in (*HARD_FAMILIES, "bursts"):
        for run in range(runs * (4 if family == "bursts" else 1)):
            world = FAMILIES[family](np.random.default_rng([run, len(family)]), Design(pins_per_day=0.5))
            verdicts = verdicts_of_pins(world)
            if family != "bursts":
                false += bool({"more", "less"} & set(verdicts.values()))
                continue
            first_day = world.gains["saves"].shape[0] - 9
            burst = {pin for pin, day, _ in world.bursts if first_day <= day <= first_day + 4}
            of_burst = [verdicts[pin] for pin in burst if verdicts.get(pin, NO_VERDICT) != NO_VERDICT]
            there, found = there + len(of_burst), found + of_burst.count("more")
    alarms = runs * len(HARD_FAMILIES)
    what = "independent worlds in which any pin is named although no pin bursts (late bloomers, clumps, viral pins)"
    yield Promise(QUESTION, what, false / alarms, false_alarms_allowed(alarms), True, alarms)
    yield Promise(
        QUESTION, "independent worlds: a pin that bursts in the week is found", found / there, 0.7, False, there
    )


def verdicts_of_pins(world: IndependentWorld) -> dict[int, str]:
    """Return the verdict of each pin of an independent account that has one, by the pin's number."""
    pins = world.pins_frame(world.aligned_date(LAST_SNAPSHOT), opening=True)
    numbers = {name: number for number, name in enumerate(pins["id"].unique().sort())}
    pins = pins.with_columns(permalink=pl.lit(None, pl.String), media_url=pl.lit(None, pl.String))
    movers = pin_movers(AccountHistory.from_pins(pins)).select("id", "verdict")
    return {numbers[name]: verdict for name, verdict in movers.iter_rows()}


def _movers(accounts: pl.DataFrame) -> pl.DataFrame:
    return each_account(accounts, lambda pins: pin_movers(AccountHistory.from_pins(pins)))


def _share_of_small_bases(accounts: pl.DataFrame) -> float:
    back = (pl.lit(LAST_SNAPSHOT) - pl.col("snapshot_date")).dt.total_days()
    weeks = accounts.group_by("social_network_id", "id").agg(
        now=pl.col("saves").filter(back == 2).first() - pl.col("saves").filter(back == 9).first(),
        before=pl.col("saves").filter(back == 9).first() - pl.col("saves").filter(back == 16).first(),
    )
    firsts = (
        weeks.filter(pl.col("before") > 0)
        .sort("social_network_id", pl.col("now") / pl.col("before"), descending=[False, True])
        .unique("social_network_id", keep="first", maintain_order=True)
    )
    return float((firsts["before"] < 5).mean())  # type: ignore[arg-type]


def _detect_takeoffs(rng: np.random.Generator, accounts: pl.DataFrame) -> tuple[int, int]:
    """Multiply gains of one pin per account by five in the last 9 days; return how many are found, and their number."""
    key = ["social_network_id", "id"]
    able = _movers(accounts).filter((pl.col("expected") >= 10) & (pl.col("age") > 40)).select(key)
    chosen = able[rng.permutation(able.height)].unique("social_network_id", keep="first", maintain_order=True)
    before = pl.col("saves").filter(pl.col("snapshot_date") <= LAST_SNAPSHOT - timedelta(days=9)).last().over(key)
    taken = accounts.join(chosen.with_columns(is_chosen=True), on=key, how="left").sort(*key, "snapshot_date")
    grows = pl.col("is_chosen").fill_null(False) & (pl.col("saves") > before)
    taken = taken.with_columns(saves=pl.when(grows).then(before + 5 * (pl.col("saves") - before)).otherwise("saves"))
    verdicts = _movers(taken).join(chosen, on=key, how="semi")["verdict"]
    return int((verdicts == "more").sum()), chosen.height
