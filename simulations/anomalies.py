"""Promises about anomalies and level shifts, on daily gains whose truth is known."""

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

import numpy as np
import polars as pl

from oneup_pinterest.methods.time_series import robust_deviation
from oneup_pinterest.questions.anomalies.level_shifts import gain_levels
from oneup_pinterest.questions.anomalies.statistic import daily_anomalies
from simulations import Promise, false_alarms_allowed
from simulations.worlds import MadeUpHistory, each_account

FIRST_DAY = date(2026, 1, 1)
QUESTION = "anomalies"
LENGTHS = (60, 90, 120, 200)


def made_up_days(
    rng: np.random.Generator,
    days: int,
    *,
    level: float | None = None,
    growth: float | None = None,
    rho: float = 0.5,
    wander: float = 0.15,
    dispersion: tuple[float, float] = (0.01, 0.1),
    shift: Any = 1.0,
    account: str = "pin_world",
) -> pl.DataFrame:
    """Return the daily gains of one account: over-dispersed saves around a level that varies.

    The expected count is the product of `level` (default: log-uniform from 5 to 500), a weekday cycle (standard
    deviation 0.25 in logarithms), slow growth (up to 1% per day), and an autocorrelated part with standard deviation
    `wander` and correlation `rho` from day to day. Each count is negative binomial with a dispersion in the range
    `dispersion`. `shift` multiplies the expected counts (one value per day).
    """
    level = float(np.exp(rng.uniform(np.log(5), np.log(500)))) if level is None else level
    growth = float(rng.uniform(0, 0.01)) if growth is None else growth
    weekly = np.tile(rng.normal(0, 0.25, 7), days // 7 + 1)[:days]
    part = np.empty(days)
    part[0] = rng.normal(0, wander)
    noise = rng.normal(0, wander * np.sqrt(1 - rho**2), days)
    for day in range(1, days):
        part[day] = rho * part[day - 1] + noise[day]
    mean = level * np.exp(weekly + part + growth * np.arange(days)) * shift
    spread = rng.uniform(*dispersion)
    counts = rng.poisson(mean * rng.gamma(1 / spread, spread, days))
    return as_gains(counts, account)


def as_gains(counts: Any, account: str = "pin_world") -> pl.DataFrame:
    """Return daily counts of saves as `account_daily_gains` returns them."""
    return pl.DataFrame(
        {
            "social_network_id": account,
            "metric": "saves",
            "counter_type": "lifetime",
            "day": [FIRST_DAY + timedelta(days=day) for day in range(len(counts))],
            "gain": np.asarray(counts, dtype=np.float64),
            "is_imputed": False,
            "is_provisional": False,
            "pins_fallen": 0,
            "pins_observed": 50,
        }
    )


def promises(scale: int) -> Iterator[Promise]:
    """Yield false alarms and detections of anomalies and level shifts, also those of naive methods."""
    rng = np.random.default_rng(20260301)
    for name, lengths in (("60 to 200 days", LENGTHS), ("28 to 59 days", (28, 35, 42, 56))):
        runs = 80 * scale
        clean = _random_accounts(rng, runs, lengths)
        yield Promise(
            QUESTION,
            f"clean series of {name} in which any day is reported",
            _count_accounts_with_anomaly(clean) / runs,
            false_alarms_allowed(runs),
            True,
            runs,
        )
    runs = 60 * scale
    yield Promise(
        QUESTION,
        "a day with 5 times its count is found (60 to 200 days, level of at least 30 per day)",
        _detection_rate(rng, runs),
        0.9,
        False,
        runs,
    )
    yield from _gap_promises(rng, 40 * scale)
    yield from _level_shift_promises(rng, 40 * scale)


def _random_accounts(rng: np.random.Generator, runs: int, lengths: tuple[int, ...], **options: Any) -> pl.DataFrame:
    return pl.concat(
        made_up_days(rng, int(rng.choice(lengths)), rho=float(rng.uniform(0, 0.7)), account=f"{run:05}", **options)
        for run in range(runs)
    )


def history_of(gains: pl.DataFrame) -> MadeUpHistory:
    """Return a history of one account that has only daily gains."""
    return MadeUpHistory(account_gains=gains, account=gains["social_network_id"][0])


def _anomalies(accounts: pl.DataFrame) -> pl.DataFrame:
    return each_account(accounts, lambda gains: daily_anomalies(history_of(gains)))


def _level_shifts(accounts: pl.DataFrame) -> pl.DataFrame:
    return each_account(accounts, lambda gains: gain_levels(history_of(gains)))


def _count_accounts_with_anomaly(accounts: pl.DataFrame) -> int:
    return _anomalies(accounts).filter(pl.col("state").is_in(["high", "low"]))["social_network_id"].n_unique()


def _detection_rate(rng: np.random.Generator, runs: int) -> float:
    accounts, truth = [], set()
    for run in range(runs):
        account_days = made_up_days(
            rng,
            int(rng.choice(LENGTHS)),
            level=float(rng.uniform(30, 500)),
            dispersion=(0.01, 0.05),
            account=f"{run:05}",
        )
        odd = int(rng.integers(3, account_days.height - 3))
        counts = account_days["gain"].to_numpy().copy()
        counts[odd] *= 5
        accounts.append(account_days.with_columns(gain=pl.Series(counts)))
        truth.add((f"{run:05}", account_days["day"][odd]))
    high = _anomalies(pl.concat(accounts)).filter(pl.col("state") == "high")
    return len(truth & set(high.select("social_network_id", "day").rows())) / runs


def _gap_promises(rng: np.random.Generator, runs: int) -> Iterator[Promise]:
    divided, on_one_day, scores = [], [], []
    for run in range(runs):
        account_days = made_up_days(rng, 90, level=float(rng.uniform(30, 500)), growth=0.0, account=f"{run:05}")
        first = int(rng.integers(20, 60))
        counts = account_days["gain"].to_numpy().copy()
        total, is_gap = counts[first : first + 4].sum(), (np.arange(90) >= first) & (np.arange(90) < first + 4)
        counts[is_gap] = total / 4
        divided.append(account_days.with_columns(gain=pl.Series(counts), is_imputed=pl.Series(is_gap)))
        counts[is_gap] = [0, 0, 0, total]
        on_one_day.append(account_days.with_columns(gain=pl.Series(counts)))
        scores.append(abs(total - np.median(counts)) / robust_deviation(counts))
    yield Promise(
        QUESTION,
        "series with a gap of 4 days, divided equally, in which any day is reported",
        _count_accounts_with_anomaly(pl.concat(divided)) / runs,
        false_alarms_allowed(runs),
        True,
        runs,
    )
    yield Promise(
        QUESTION,
        "naive: series with the gap counted on one day in which any day is reported",
        _count_accounts_with_anomaly(pl.concat(on_one_day)) / runs,
        0.9,
        False,
        runs,
    )
    yield Promise(
        QUESTION, "naive: robust z of a gap counted on one day (median)", float(np.median(scores)), 5, False, runs
    )


def _level_shift_promises(rng: np.random.Generator, runs: int) -> Iterator[Promise]:
    steady = _random_accounts(rng, runs, (42, *LENGTHS))
    false = _level_shifts(steady).filter(pl.col("change").is_not_null())["social_network_id"].n_unique()
    yield Promise(
        QUESTION, "series without a shift in which one is named", false / runs, false_alarms_allowed(runs), True, runs
    )
    naive = sum(_naive_shifts(world["gain"].to_numpy()) for _, world in steady.group_by("social_network_id"))
    what = "naive: series without a shift in which a textbook penalty names one"
    yield Promise(QUESTION, what, naive / runs, 0.3, False, runs)
    runs //= 2
    yield from _wandering(rng, runs)
    for name, quiet, least in (("", {}, 0.6), ("quiet ", {"wander": 0.05, "dispersion": (0.005, 0.02)}, 0.9)):
        found, covered = _shifted(rng, runs, **quiet)
        what = f"a doubling or halving of a {name}series is found within 3 days (60 to 200 days)"
        yield Promise(QUESTION, what, found / runs, least, False, runs)
        yield Promise(QUESTION, "of these, the 95% interval holds the true change", covered / found, 0.93, False, found)


def _shifted(rng: np.random.Generator, runs: int, **quiet: Any) -> tuple[int, int]:
    """Return how many shifts are found within 3 days, and how many of their intervals hold the true change."""
    worlds, truth = [], {}
    for run in range(runs):
        days = int(rng.choice(LENGTHS))
        shift = int(rng.integers(14, days - 13))
        factor = np.where(np.arange(days) >= shift, 2.0 if run % 2 else 0.5, 1.0)
        level = float(rng.uniform(20, 500) if not quiet else rng.uniform(100, 500))
        worlds.append(made_up_days(rng, days, level=level, growth=0.0, shift=factor, account=f"{run:05}", **quiet))
        truth[f"{run:05}"] = (FIRST_DAY + timedelta(days=shift), 100.0 if run % 2 else -50.0)
    found = covered = 0
    for row in _level_shifts(pl.concat(worlds)).filter(pl.col("change").is_not_null()).iter_rows(named=True):
        day, change = truth[row["social_network_id"]]
        if abs((row["first_day"] - day).days) <= 3:
            found += 1
            covered += row["change_low"] <= change <= row["change_high"]
    return found, covered


def _wandering(rng: np.random.Generator, runs: int) -> Iterator[Promise]:
    """Yield series that wander or swing smoothly, which step nowhere."""
    false = 0
    kinds = ("random walks", "persistent (AR 0.95) series", "smooth waves")
    for what in kinds:
        worlds = []
        for run in range(runs):
            days = int(rng.choice(LENGTHS))
            if what == "random walks":
                path = np.cumsum(rng.normal(0, rng.uniform(0.03, 0.1), days))
            elif what == "smooth waves":
                path = rng.uniform(0.2, 0.7) * np.cos(
                    np.arange(days) * 2 * np.pi / rng.uniform(60, 365) + rng.uniform(0, 7)
                )
            else:
                path, noise = np.zeros(days), rng.normal(0, 0.1, days)
                for day in range(1, days):
                    path[day] = 0.95 * path[day - 1] + noise[day]
            level, shift = float(rng.uniform(20, 500)), np.exp(path)
            worlds.append(made_up_days(rng, days, level=level, wander=0.05, shift=shift, account=f"{run:05}"))
        shifts = _level_shifts(pl.concat(worlds)).filter(pl.col("change").is_not_null())
        false += shifts["social_network_id"].n_unique()
    runs *= len(kinds)
    yield Promise(
        QUESTION, f"{', '.join(kinds)} in which a shift is named", false / runs, false_alarms_allowed(runs), True, runs
    )


def _naive_shifts(counts: Any) -> bool:
    """Return whether PELT finds a shift with the penalty for independent days, 2 log n times the variance."""
    from ruptures import KernelCPD

    logs = np.log(counts + 0.5)
    variance = np.var(np.diff(logs)) / 2
    ends = KernelCPD(kernel="linear", min_size=10).fit(logs[:, None]).predict(pen=2 * variance * np.log(len(logs)))
    return len(ends) > 1
