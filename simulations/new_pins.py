"""What the comparison of new pins promises: no change is claimed where there is none, and a threefold one is found."""

from collections.abc import Iterator
from datetime import date, timedelta

import numpy as np
import polars as pl

from oneup_pinterest.history.account_history import AccountHistory
from oneup_pinterest.methods.log_contrasts import LogContrast, change_of_typical
from oneup_pinterest.questions.change.new_pins import MIN_NEW_PINS, new_pins_change
from simulations import Promise, coverage_required, false_alarms_allowed
from simulations.first_weeks import independent_outcomes
from simulations.independent import Design
from simulations.worlds import each_account

QUESTION = "new pins"
_LAST = date(2026, 3, 31)
_DAYS = 28
_NULL = {
    "2 pins a day": Design(days=65, log_sd=1.6),
    "weekly batches of 14": Design(days=65, batch=14),
}


def promises(scale: int) -> Iterator[Promise]:
    """Yield each promise as it is measured; `scale` 1 takes about ten seconds."""
    rng = np.random.default_rng(6)
    pins = _new_pins(rng, runs := 100 * scale)
    told = _told(pins, ["saves", "impressions"])
    saves = told.filter(pl.col("metric") == "saves")
    yield Promise(
        QUESTION,
        "30 pins a side, the same process: false alarms",
        _claims(saves),
        false_alarms_allowed(runs),
        True,
        runs,
    )
    yield Promise(
        QUESTION, "the same: 95% interval holds the truth", _coverage(saves, 0), coverage_required(runs), False, runs
    )
    yield Promise(QUESTION, "the same: false alarms of a two-proportion z-test", _z_claims(told), 0.3, False, runs)
    yield Promise(QUESTION, "the same: false alarms of a Poisson test", _poisson_claims(saves), 0.3, False, runs)
    tripled = _told(_new_pins(rng, runs := 60 * scale, lift=3), ["saves"])
    found = float(tripled.select((pl.col("verdict") == "up").mean()).item())
    yield Promise(QUESTION, "30 pins a side, three times the reach: found", found, 0.4, False, runs)
    yield Promise(
        QUESTION,
        "the same: 95% interval holds the truth",
        _coverage(tripled, 200),
        coverage_required(runs),
        False,
        runs,
    )

    alike = [
        contrast for design in _NULL.values() for contrast in new_pin_contrasts(independent_outcomes(design, 8 * scale))
    ]
    claimed = sum(contrast.p_value < 0.05 for contrast in alike) / len(alike)
    yield Promise(
        QUESTION,
        "independent worlds, one by one and in batches: false alarms",
        claimed,
        false_alarms_allowed(len(alike)),
        True,
        len(alike),
    )
    better = Design(days=65, pins_per_day=1.2, log_sd=1.6, effect_days=36, new_pin_effect=3.0)
    lifted = new_pin_contrasts(independent_outcomes(better, 8 * scale))
    found = sum(contrast.p_value < 0.05 for contrast in lifted) / len(lifted)
    yield Promise(
        QUESTION, "independent worlds, some 30 a side, three times the reach: found", found, 0.5, False, len(lifted)
    )
    holds = [contrast.low <= np.log(3) <= (contrast.high or 0.0) for contrast in lifted if contrast.low is not None]
    yield Promise(
        QUESTION,
        "the same: 95% interval holds the truth",
        sum(holds) / len(holds),
        coverage_required(len(holds)),
        False,
        len(holds),
    )


def new_pin_contrasts(outcomes: pl.DataFrame) -> list[LogContrast]:
    """Return the contrast of the two last periods of the independent accounts whose seasons do not differ."""
    outcomes = outcomes.filter("cohort_null", pl.col("back") < 2 * _DAYS)
    found = []
    for account in outcomes.partition_by("social_network_id", maintain_order=True):
        back = account["back"].to_numpy()
        is_now = back < _DAYS
        is_comparable = min(is_now.sum(), (~is_now).sum()) >= MIN_NEW_PINS
        contrast = change_of_typical(account["at_age"].to_numpy(), is_now, -back) if is_comparable else None
        found.append(contrast or LogContrast(None, None, None, 1.0))
    return found


def _told(pins: pl.DataFrame, metrics: list[str]) -> pl.DataFrame:
    return each_account(pins, lambda part: new_pins_change(AccountHistory.from_pins(part), _DAYS, 7, metrics))


def _new_pins(rng: np.random.Generator, accounts: int, lift: float = 1) -> pl.DataFrame:
    """Return accounts with 30 pins from each of two periods of 28 days, seen at ages 6 and 7."""
    pins = accounts * 60
    is_now = np.arange(pins) % 2 == 1
    reach = rng.lognormal(5, 1.6, pins) * np.where(is_now, lift, 1.0)
    impressions = rng.poisson(reach)
    saves = rng.binomial(impressions, rng.beta(2, 198, pins))
    back = rng.integers(0, 28, pins) + np.where(is_now, 0, 28)
    back[::60], back[1::60] = 28, 0  # the last day has a pin in every account: the periods are where they should be
    born = pl.DataFrame(
        {
            "account": np.arange(pins) // 60,
            "id": np.arange(pins),
            "back": back,
            "impressions": impressions,
            "saves": saves,
        }
    ).select(
        pl.format("pin_{}", "account").alias("social_network_id"),
        pl.col("id").cast(pl.String),
        pl.lit("pin").alias("format"),
        pl.lit("IMAGE").alias("media_type"),
        pl.lit("A made-up pin").alias("text"),
        timestamp=(pl.lit(_LAST - timedelta(days=7)) - pl.duration(days="back")).cast(pl.Datetime("us")),
        impressions="impressions",
        saves="saves",
    )
    on = [born.with_columns(snapshot_date=pl.col("timestamp").dt.date() + timedelta(days=age)) for age in (6, 7)]
    return pl.concat(on)


def _claims(told: pl.DataFrame) -> float:
    """Return the share of the accounts with a p value below 5%."""
    return float(told.select((pl.col("p").fill_null(1) < 0.05).mean()).item())


def _coverage(told: pl.DataFrame, truth: float) -> float:
    """Return the share of the intervals that hold the truth, among those that there are."""
    return float(told.drop_nulls("p").select(pl.lit(truth).is_between("change_low", "change_high").mean()).item())


def _poisson_claims(told: pl.DataFrame) -> float:
    """Return the share of the accounts whose sums over 30 pins differ by more than Poisson counts would."""
    now, before = pl.col("now") * 30, pl.col("before") * 30
    return float(told.select((((now - before) / (now + before).sqrt()).abs() > 1.96).mean()).item())


def _z_claims(told: pl.DataFrame) -> float:
    """Return the share of the accounts whose save rates differ by the textbook's test of two proportions."""
    wide = told.pivot("metric", index="social_network_id", values=["now", "before"])
    x, n = pl.col("now_saves") * 30, pl.col("now_impressions") * 30
    y, m = pl.col("before_saves") * 30, pl.col("before_impressions") * 30
    pooled = (x + y) / (n + m)
    z = (x / n - y / m) / (pooled * (1 - pooled) * (1 / n + 1 / m)).sqrt()
    return float(wide.select((z.abs() > 1.96).mean()).item())
