"""Promises about change: false alarms, coverage and power, on accounts that are known to be steady or not."""

from collections.abc import Callable, Iterator
from datetime import date, timedelta
from typing import Any, NamedTuple

import numpy as np
import polars as pl

from oneup_pinterest.history.period_change import CHANGE, change_table, compared_periods
from oneup_pinterest.methods.frames import with_account
from oneup_pinterest.questions.change.statistic import TREND, WEEKS, fitted_trend, trend_table
from simulations import Promise

_LAST = date(2026, 3, 31)
_WEEKDAYS = (0.94, 0.9, 0.92, 0.93, 0.98, 1.14, 1.19)
_DAYS_BEFORE = 90  # days of publication before the first snapshot; older pins are not observed
_MEAN_IMPRESSIONS = 1_500  # mean final impressions per pin, whatever the spread
_SHARE_BY_AGE = 1 - np.exp(
    -((np.arange(_DAYS_BEFORE + 1) / 12) ** 0.6)
)  # share of its reach that a pin has at each age


def promises(scale: int) -> Iterator[Promise]:
    """Yield each promise once it is measured; `scale` 1 takes about ten seconds."""
    yield from _gains_promises(scale)
    yield from _trend_promises(scale)


def _gains_promises(scale: int) -> Iterator[Promise]:
    question = "change of gains"
    steady = _observed_accounts(np.random.default_rng(1), runs := 200 * scale, days=56)
    result = _change(steady, 28)
    yield Promise(question, "28 days, 2 pins per day, steady: false alarms", _claim_rate(result), 0.06, True, runs)
    yield Promise(question, "the same: 95% interval covers the truth", _coverage(result, 0), 0.93, False, runs)
    yield Promise(question, "the same: false alarms of a Poisson test", _poisson_claim_rate(result), 0.3, False, runs)

    doubled = np.repeat([1.0, 2.0], 28)
    result = _change(_observed_accounts(np.random.default_rng(2), runs := 60 * scale, 56, swing=doubled), 28)
    yield Promise(question, "28 days, all gains doubled: share found", _claim_rate(result, "up"), 0.5, False, runs)
    yield Promise(question, "the same: 95% interval covers the truth", _coverage(result, 100), 0.91, False, runs)

    result = _change(_observed_accounts(np.random.default_rng(3), runs := 300 * scale, days=14), 7)
    yield Promise(question, "7 days, 2 pins per day, steady: false alarms", _claim_rate(result), 0.06, True, runs)
    viral = _observed_accounts(np.random.default_rng(4), runs := 120 * scale, days=14, sigma=2.2)
    result = _change(viral, 7)
    yield Promise(question, "7 days, viral pins (sigma 2.2): false alarms", _claim_rate(result), 0.08, True, runs)
    batches = _observed_accounts(np.random.default_rng(5), runs := 120 * scale, days=14, batch=10)
    result = _change(batches, 7)
    yield Promise(question, "7 days, published in batches of 10: false alarms", _claim_rate(result), 0.08, True, runs)


def _trend_promises(scale: int) -> Iterator[Promise]:
    question = "trend"
    result = _trend(_observed_accounts(np.random.default_rng(8), runs := 120 * scale, days=56))
    yield Promise(question, "8 weeks, 2 pins per day, steady: false alarms", _claim_rate(result), 0.06, True, runs)
    yield Promise(question, "the same: 95% interval covers the truth", _coverage(result, 0), 0.92, False, runs)
    rising = 1.25 ** (np.arange(56) / 7)
    result = _trend(_observed_accounts(np.random.default_rng(9), runs := 30 * scale, 56, swing=rising))
    yield Promise(
        question, "8 weeks, gains grow 25% per week: share found", _claim_rate(result, "up"), 0.5, False, runs
    )


class ObservedAccounts(NamedTuple):
    """Input of the change statistics: pins, and their gains in daily snapshots."""

    pins: pl.DataFrame
    gains: pl.DataFrame
    account_gains: pl.DataFrame


def _change(world: ObservedAccounts, days: int) -> pl.DataFrame:
    def statistic(pins: pl.DataFrame, gains: pl.DataFrame, account_gains: pl.DataFrame) -> pl.DataFrame:
        published, seen_on = _published(pins), pins["snapshot_date"].unique().sort()
        row = compared_periods(lambda _: gains, account_gains, "saves", days, published, seen_on, 0)
        rows = change_table([{"metric": "saves", "days": days, **row}])
        return with_account(pins["social_network_id"][0], rows, CHANGE)

    return _for_each_account(world, statistic)


def _trend(world: ObservedAccounts) -> pl.DataFrame:
    def statistic(pins: pl.DataFrame, gains: pl.DataFrame, account_gains: pl.DataFrame) -> pl.DataFrame:
        row = fitted_trend(lambda _: gains, account_gains, "saves", WEEKS, _published(pins), 0)
        return with_account(pins["social_network_id"][0], trend_table([{"metric": "saves", **row}]), TREND)

    return _for_each_account(world, statistic)


def _published(pins: pl.DataFrame) -> pl.DataFrame:
    return pins.group_by("id").agg(published=pl.col("timestamp").max()).sort("id")


def _for_each_account(
    world: ObservedAccounts, statistic: Callable[[pl.DataFrame, pl.DataFrame, pl.DataFrame], pl.DataFrame]
) -> pl.DataFrame:
    parts = [frame.partition_by("social_network_id", as_dict=True) for frame in world]
    pins, gains, account_gains = parts
    return pl.concat(
        statistic(pins[key], gains.get(key, world.gains.clear()), account_gains[key]) for key in sorted(pins)
    )


def _observed_accounts(
    rng: np.random.Generator, accounts: int, days: int, *, sigma: float = 1.6, batch: int = 1, swing: Any = 1.0
) -> ObservedAccounts:
    """Return accounts that publish 2 pins per day at random, observed for `days` settled days.

    Reach is lognormal, the save rate of each pin Beta with mean 1%; days differ by weekday, and by 5% at random for
    all pins alike. A pin is watched until it is 90 days old. `swing` multiplies the gains of the days.
    """
    published_on = np.arange(-_DAYS_BEFORE, days)
    count = rng.poisson(2 / batch, (accounts, len(published_on))) * batch
    account, index = np.nonzero(count)
    repeats = count[account, index]
    account, born = np.repeat(account, repeats), np.repeat(published_on[index], repeats)
    reach = _MEAN_IMPRESSIONS * rng.lognormal(-(sigma**2) / 2, sigma, len(born))
    day = np.arange(days)
    age = day - born[:, None]
    is_watched = (age >= 0) & (age < _DAYS_BEFORE)
    activity = np.resize(_WEEKDAYS, days) * swing * rng.lognormal(0, 0.05, (accounts, days))[account]
    mean = np.where(
        is_watched, _SHARE_BY_AGE[np.clip(age + 1, 0, _DAYS_BEFORE)] - _SHARE_BY_AGE[np.clip(age, 0, _DAYS_BEFORE)], 0
    )
    gained = rng.poisson(mean * reach[:, None] * activity * rng.beta(2, 198, len(born))[:, None])
    pin, on = np.nonzero(gained)
    names = pl.format("pin_{}", "account").alias("social_network_id")
    first = pl.lit(_LAST - timedelta(days=days - 1))
    gains = pl.DataFrame({"account": account[pin], "id": pin, "on": on, "gain": gained[pin, on].astype(float)}).select(
        names,
        pl.col("id").cast(pl.String),
        metric=pl.lit("saves"),
        day=first + pl.duration(days="on"),
        gain="gain",
        is_imputed=pl.lit(False),
        is_provisional=pl.lit(False),
    )
    pins = pl.DataFrame({"account": account, "id": np.arange(len(born)), "born": born}).select(
        names,
        pl.col("id").cast(pl.String),
        timestamp=(first + pl.duration(days="born")).cast(pl.Datetime("us")),
        snapshot_date=pl.lit(_LAST + timedelta(days=1)),
    )
    every_day = (
        pl.DataFrame({"account": np.arange(accounts)})
        .select(names)
        .join(pl.DataFrame({"on": day}).select(day=first + pl.duration(days="on")), how="cross")
    )
    keys = ["social_network_id", "day"]
    account_gains = every_day.join(gains.group_by(keys).agg(pl.col("gain").sum()), on=keys, how="left").select(
        "social_network_id",
        "day",
        pl.col("gain").fill_null(0),
        metric=pl.lit("saves"),
        counter_type=pl.lit("lifetime"),
        is_provisional=pl.lit(False),
        is_imputed=pl.lit(False),
    )
    return ObservedAccounts(pins, gains, account_gains)


def _claim_rate(result: pl.DataFrame, verdict: str | None = None, p: str = "p_adjusted") -> float:
    """Return the share of the accounts with a given verdict, or with any."""
    claimed = pl.col("verdict") == verdict if verdict else pl.col(p).fill_null(1) < 0.05
    return float(result.select(claimed.mean()).item())


def _coverage(result: pl.DataFrame, truth: float) -> float:
    """Return the share of the existing intervals that cover the truth."""
    account_gains = result.filter(pl.col("p").is_not_null())
    low, high = pl.col("change_low").fill_null(-100.0), pl.col("change_high").fill_null(np.inf)
    return float(account_gains.select(((low <= truth) & (high >= truth)).mean()).item())


def _poisson_claim_rate(result: pl.DataFrame, *, sums: bool = False) -> float:
    """Return the share of the accounts whose two sums differ significantly for Poisson counts."""
    pins = 30 if sums else 1  # per period, because `now` and `before` are means
    now, before = pl.col("now") * pins, pl.col("before") * pins
    return float(result.select((((now - before) / (now + before).sqrt()).abs() > 1.96).mean()).item())
