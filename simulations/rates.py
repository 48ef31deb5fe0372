"""Promises about rates: error and coverage of shrunk rates, and how well a ranking finds the truly best pins."""

from collections.abc import Callable, Iterator
from datetime import date
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import polars as pl

from oneup_pinterest.history.account_history import AccountHistory
from oneup_pinterest.questions.rates.statistic import ranked_pins
from simulations import Promise
from simulations.worlds import each_account

Floats = npt.NDArray[np.float64]
_TOP = 20


class MeasuredRates(NamedTuple):
    """The measured rates of the accounts of one world; `pins` has one row per pin with its true rate."""

    pins: pl.DataFrame
    accounts: int

    @property
    def error_ratio(self) -> float:
        """Return the root mean squared error of shrunk rates, divided by that of raw rates."""
        shrunk, raw = (
            self.pins.select((pl.col(name) - pl.col("truth")).pow(2).mean().sqrt()).item() for name in ("rate", "raw")
        )
        return float(shrunk / raw)

    @property
    def coverage(self) -> float:
        """Return the share of the pins whose interval covers the true rate."""
        return float(self.pins.select(pl.col("truth").is_between("rate_low", "rate_high").mean()).item())

    @property
    def coverage_of_best(self) -> float:
        """Return `coverage` of the pins whose true rate is above three times the account's mean; nan without any."""
        best = self.pins.filter(pl.col("truth") > 3 * pl.col("truth").mean().over("social_network_id"))
        return MeasuredRates(best, self.accounts).coverage if best.height else float("nan")

    def recovery(self, by: str) -> float:
        """Return the share of the truly best 20 pins that are among the best 20 by a column."""
        best = (
            pl.col(name).rank("ordinal", descending=True).over("social_network_id") <= _TOP for name in ("truth", by)
        )
        both = self.pins.select(pl.all_horizontal(*best).sum()).item()
        return float(both / (_TOP * self.accounts))


def promises(scale: int) -> Iterator[Promise]:
    """Yield each promise as it is measured; `scale` 1 takes a few seconds."""
    worlds: tuple[tuple[str, int, Callable[[np.random.Generator, Floats], Floats], float], ...] = (
        ("300 pins, Beta(2, 198)", 300, lambda rng, reach: rng.beta(2, 198, len(reach)), 0.4),
        ("300 pins, half 0.5% and half 3%", 300, lambda rng, reach: rng.choice([0.005, 0.03], len(reach)), 0.5),
        ("300 pins, rates that fall with reach", 300, _falling_with_reach, 0.6),
        ("300 pins, Pareto rates", 300, _pareto, 0.7),
        ("300 pins, log-normal rates (sd 1)", 300, lambda rng, reach: 0.006 * rng.lognormal(0, 1, len(reach)), 0.6),
        ("30 pins, Beta(2, 198)", 30, lambda rng, reach: rng.beta(2, 198, len(reach)), 0.5),
    )
    for number, (name, pins, true_rates, error) in enumerate(worlds):
        measured = _measure(np.random.default_rng(20 + number), runs := 40 * scale, pins, true_rates)
        yield Promise("rates", f"{name}: error of shrunk over raw rates", measured.error_ratio, error, True, runs)
        yield Promise("rates", f"{name}: 95% interval holds the true rate", measured.coverage, 0.93, False, runs)
        if np.isfinite(best := measured.coverage_of_best):
            what = f"{name}: 95% interval holds true rates above three times the mean"
            yield Promise("rates", what, best, 0.93, False, runs)
        if number == 0:
            shrunk, raw = measured.recovery("rate"), measured.recovery("raw")
            yield Promise("ranking", f"{name}: share of the truly best 20 that is found", shrunk, 0.4, False, runs)
            yield Promise("ranking", "the same: difference to raw rates", shrunk - raw, 0.05, False, runs)
            yield from _calibration(measured)


def _calibration(measured: MeasuredRates) -> Iterator[Promise]:
    """Yield the calibration of the top-20 probabilities: the largest gap in five bins, and the Brier score."""
    is_top = pl.col("truth").rank("ordinal", descending=True).over("social_network_id") <= _TOP
    pins = measured.pins.with_columns(
        is_in_top=is_top.cast(pl.Float64), tenth=(pl.col("p_in_top") * 5).floor().clip(0, 4)
    )
    bins = pins.group_by("tenth").agg(gap=(pl.col("p_in_top").mean() - pl.col("is_in_top").mean()).abs(), pins=pl.len())
    gap = float(bins.filter(pl.col("pins") >= 50).select(pl.col("gap").max()).item())
    yield Promise(
        "ranking",
        "probability of being in the top 20: largest gap to the observed share",
        gap,
        0.1,
        True,
        measured.accounts,
    )
    score = pins.select((pl.col("p_in_top") - pl.col("is_in_top")).pow(2).mean()).item()
    share = _TOP * measured.accounts / pins.height
    ratio = float(score / (share * (1 - share)))
    yield Promise(
        "ranking", "the same: Brier score, relative to equal probabilities", ratio, 0.8, True, measured.accounts
    )


def _measure(
    rng: np.random.Generator, accounts: int, pins: int, true_rates: Callable[[np.random.Generator, Floats], Floats]
) -> MeasuredRates:
    number = accounts * pins
    reach = np.maximum(np.floor(rng.lognormal(5, 1.6, number)), 1)
    truth = true_rates(rng, reach)
    counts = rng.binomial(reach.astype(np.int64), truth)
    drawn = pl.DataFrame(
        {
            "account": np.arange(number) // pins,
            "id": np.arange(number),
            "impressions": reach.astype(np.int64),
            "saves": counts,
            "truth": truth,
        }
    ).select(
        pl.format("pin_{}", "account").alias("social_network_id"),
        pl.col("id").cast(pl.String),
        "truth",
        text=pl.lit("A made-up pin"),
        permalink=pl.lit(None, pl.String),
        timestamp=pl.lit(date(2026, 3, 1)),
        snapshot_date=pl.lit(date(2026, 3, 31)),
        impressions="impressions",
        saves="saves",
    )
    ranked = each_account(
        drawn.drop("truth"), lambda part: ranked_pins(AccountHistory.from_pins(part), "saves", _TOP, draws=500)
    )
    return MeasuredRates(
        ranked.join(drawn.select("social_network_id", "id", "truth"), on=["social_network_id", "id"]), accounts
    )


def _falling_with_reach(rng: np.random.Generator, reach: Floats) -> Floats:
    """Return rates whose mean falls from 2.5% at 10 impressions to 0.6% at 5,000, with a spread between pins."""
    mean = 0.04 * reach**-0.22
    rates: Floats = rng.beta(mean * 300, (1 - mean) * 300)
    return rates


def _pareto(rng: np.random.Generator, reach: Floats) -> Floats:
    """Return rates from 0.4% on, of which a few are many times as high."""
    rates: Floats = np.minimum(0.004 * (1 + rng.pareto(2, len(reach))), 0.9)
    return rates
