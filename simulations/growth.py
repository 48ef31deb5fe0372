"""Promises about half-lives, growth curves, shares of old pins and cohorts, on pins with known growth curves."""

from collections.abc import Iterator
from datetime import datetime, timedelta

import numpy as np
import numpy.typing as npt
import polars as pl

from oneup_pinterest.history.account_history import AccountHistory
from oneup_pinterest.history.by_age import counters_by_age
from oneup_pinterest.history.loaded_history import LoadedHistory
from oneup_pinterest.questions.cohorts.statistic import ALPHA, cohort_verdict, permuted_p_values
from oneup_pinterest.questions.growth.age_bands import age_band_shares, share_intervals
from oneup_pinterest.questions.growth.half_life import half_life_of, half_lives
from oneup_pinterest.questions.growth.statistic import MIN_COUNT, Curves, followed_curves, growth_curves
from simulations import Promise
from simulations.worlds import LAST_SNAPSHOT, RATES, made_up_pins

Floats = npt.NDArray[np.float64]
HORIZON, SHAPE = 30, 0.6
RATE_STRENGTH = 200.0
POPULATION_PINS = 200_000  # a sample so large that it stands for the population
LOST_SHARE = 0.06  # share of pins that disappear at some age


def promises(scale: int) -> Iterator[Promise]:
    """Yield every promise about growth and cohorts."""
    yield from _interval_promises(300 * scale)
    yield from _history_promises(12 * scale)
    yield from _curve_promises(15 * scale)
    yield from _old_pin_promises(90 * scale)
    yield from _cohort_promises(500 * scale)


def _scales(rng: np.random.Generator, pins: int) -> Floats:
    """Return the time scales of growth in days, of fast and slow pins."""
    return np.exp(rng.normal(2.3, 0.8, pins))


def _share_by_age(ages: Floats, scales: Floats) -> Floats:
    """Return the share of the final counter of each pin at each age (one row per pin)."""
    grown: Floats = -np.expm1(-((ages[None, :] / scales[:, None]) ** SHAPE))
    return grown


def _world(rng: np.random.Generator, pins: int, reach: float, days: int = 75) -> pl.DataFrame:
    return made_up_pins(
        rng,
        pins,
        days,
        publish_days=days,
        reach=rng.lognormal(reach, 1.6, pins),
        scale_days=_scales(rng, pins),
        shape=SHAPE,
        rate_strength=RATE_STRENGTH,
    )


def _simulate_counters(rng: np.random.Generator, pins: int, reach: float, horizon: int) -> tuple[Floats, Floats]:
    """Return counts of saves at each age up to the horizon, and their expected curves."""
    curves = _share_by_age(np.arange(horizon + 1.0), _scales(rng, pins))
    mean = RATES["saves"]
    rates = rng.beta(mean * RATE_STRENGTH, (1 - mean) * RATE_STRENGTH, pins)
    expected = rng.lognormal(reach, 1.6, pins) * rates
    gains = rng.poisson(np.diff(curves, axis=1) * expected[:, None])
    counted: Floats = np.pad(np.cumsum(gains, axis=1), ((0, 0), (1, 0))).astype(np.float64)
    return counted, curves


def _true_half_life(reach: float, horizon: int = HORIZON) -> float:
    """Return the median age at half of the expected counter at the horizon, over pins with enough counts."""
    counted, curves = _simulate_counters(np.random.default_rng(1), POPULATION_PINS, reach, horizon)
    return float(np.median(_ages_at_half(curves[counted[:, -1] >= MIN_COUNT])))


def _interval_promises(runs: int) -> Iterator[Promise]:
    """Yield the coverage on curves like those of `followed_curves`, in which some pins may disappear."""
    for horizon, pins, reach, lost in (
        (7, 150, 8.0, 0.0),
        (30, 60, 8.0, 0.0),
        (30, 500, 8.0, 0.0),
        (30, 250, 6.5, 0.0),
        (30, 150, 8.0, LOST_SHARE),
    ):
        truth, covered, errors = _true_half_life(reach, horizon), [], []
        rng = np.random.default_rng(42)
        for _ in range(runs):
            counted, _curves = _simulate_counters(rng, pins, reach, horizon)
            is_lost = rng.random(pins) < lost
            last = rng.integers(2, horizon, is_lost.sum())
            vanished = np.minimum(counted[is_lost], np.take_along_axis(counted[is_lost], last[:, None], axis=1))
            followed = Curves([""] * int((~is_lost).sum()), counted[~is_lost], last, vanished, 0, 0)
            row = half_life_of(followed, horizon).row(0, named=True)
            if row["half_life"] is None:
                continue
            covered.append(row["low"] <= truth <= (row["high"] or np.inf))
            errors.append(float(np.log(row["half_life"] / truth)))
        what = (
            f"{pins} pins" + (", few saves per pin" if reach < 7 else "") + (", 6% of them disappear" if lost else "")
        )
        name = f"half-life at {horizon} days ({what}): "
        yield Promise(
            "growth", f"{name}95% interval covers the truth", float(np.mean(covered)), 0.93, False, len(covered)
        )
        yield Promise("growth", f"{name}median error, as a factor", _factor(errors), 1.06, True, len(covered))


def _ages_at_half(curves: Floats) -> Floats:
    half = curves[:, -1:] / 2
    after = (curves >= half).argmax(axis=1)[:, None]
    high, low = (np.take_along_axis(curves, at, axis=1) for at in (after, after - 1))
    ages: Floats = (after - 1 + (half - low) / (high - low))[:, 0]
    return ages


def _history_promises(runs: int) -> Iterator[Promise]:
    """Yield the error on whole histories, relative to that of naive estimates."""
    rng = np.random.default_rng(43)
    truth = _true_half_life(8.0)
    errors, mixed_age_errors, censored_now, censored_half = [], [], [], []
    for _ in range(runs):
        world = _world(rng, 500, 8.0)
        errors.append(np.log(half_lives(AccountHistory.from_pins(world), "saves", [HORIZON])["half_life"][0] / truth))
        mixed_age_errors.append(np.log(_naive_half_life(world) / truth))
        now, half = _kaplan_meier_half_lives(world)
        censored_now.append(np.log(now / truth))
        censored_half.append(np.log(half / truth))
    name = "half-life at 30 days (500 pins of 1 to 75 days): "
    for what, others, bound in (
        ("of half of each pin's latest count", mixed_age_errors, 1.0),
        ("of Kaplan-Meier with young pins censored at half of their count", censored_half, 0.9),
        ("of Kaplan-Meier with young pins censored at their age", censored_now, 0.3),
    ):
        yield Promise("growth", f"{name}error, relative to that {what}", _rms(errors) / _rms(others), bound, True, runs)


def _factor(errors: list[float]) -> float:
    return float(np.exp(abs(np.median(errors))))


def _rms(errors: list[float]) -> float:
    return float(np.sqrt(np.mean(np.square(errors))))


def _naive_half_life(world: pl.DataFrame) -> float:
    """Return the naive estimate: the median age at half of each pin's current count."""
    seen = counters_by_age(LoadedHistory(world), ["saves"]).with_columns(last=pl.col("value").last().over("id"))
    first = seen.filter((pl.col("last") >= MIN_COUNT) & (pl.col("value") >= pl.col("last") / 2))
    median = first.group_by("id").agg(pl.col("age").min())["age"].median()
    assert isinstance(median, float)
    return median


def _kaplan_meier_half_lives(world: pl.DataFrame) -> tuple[float, float]:
    """Return the textbook estimates: Kaplan-Meier, with young pins censored at their age and at half of their count."""
    from scipy.stats import CensoredData, ecdf

    seen = counters_by_age(LoadedHistory(world), ["saves"])
    curves = followed_curves(seen, LAST_SNAPSHOT, HORIZON)
    exact = _ages_at_half(curves.values[curves.values[:, -1] >= MIN_COUNT])
    young = seen.filter(pl.col("value").last().over("id") >= MIN_COUNT).filter(~pl.col("id").is_in(curves.ids))
    young = young.with_columns(is_half=pl.col("value") >= pl.col("value").last().over("id") / 2)
    bounds = young.group_by("id").agg(now=pl.col("age").max(), half=pl.col("age").filter("is_half").min())
    found = []
    for column in ("now", "half"):
        survival = ecdf(CensoredData(uncensored=exact, right=bounds[column].to_numpy().astype(np.float64))).sf
        below = survival.quantiles[survival.probabilities <= 0.5]
        found.append(float(below[0]) if len(below) else float(HORIZON))
    return found[0], found[1]


def _curve_promises(runs: int) -> Iterator[Promise]:
    """Yield promises on accounts whose newer pins do 4 times as well, while only older pins are known for 30 days."""
    ages = np.array([1, 3, 7, 14, 30])
    rng = np.random.default_rng(2)
    scales = _scales(rng, POPULATION_PINS)
    curve = _share_by_age(ages.astype(np.float64), scales)
    rates = rng.beta(RATES["saves"] * RATE_STRENGTH, (1 - RATES["saves"]) * RATE_STRENGTH, POPULATION_PINS)
    mean_counts = rng.lognormal(8, 1.6, POPULATION_PINS)[:, None] * rates[:, None] * curve
    counts = rng.poisson(mean_counts)
    true_median = np.median(counts, axis=0)
    has_enough = mean_counts[:, -1] >= MIN_COUNT
    true_share = np.median(curve[has_enough] / curve[has_enough][:, -1:], axis=0)
    rng = np.random.default_rng(44)
    covered, share_errors, naive_errors = [], [], []
    for _ in range(runs):
        older, newer = _world(rng, 120, 8.0), _world(rng, 120, 8.0 + np.log(4))
        turn = LAST_SNAPSHOT - timedelta(days=HORIZON)
        is_newer = pl.col("timestamp").cast(pl.Date) > turn
        world = pl.concat([older.filter(~is_newer), newer.filter(is_newer).with_columns(id="n" + pl.col("id"))])
        curves = growth_curves(AccountHistory.from_pins(world), "saves", HORIZON).filter(
            pl.col("age").is_in(ages.tolist())
        )
        count, share = curves.filter(measure="count"), curves.filter(measure="share")
        covered.append((count["low"].to_numpy() <= true_median) & (true_median <= count["high"].to_numpy()))
        share_errors.append(np.abs(share["median"].to_numpy() - true_share).max())
        naive = (
            counters_by_age(LoadedHistory(world), ["saves"]).group_by("age").agg(pl.col("value").median()).sort("age")
        )
        naive = naive.filter(pl.col("age").is_in(ages.tolist()))
        naive_errors.append(np.abs(naive["value"].to_numpy() / naive["value"][-1] - true_share).max())
    yield Promise(
        "growth",
        "95% interval of the median counter at ages of 1 to 30 days covers the truth",
        float(np.mean(covered)),
        0.93,
        False,
        runs,
    )
    yield Promise(
        "growth",
        "share of the 30-day value at each age: mean of the largest error",
        float(np.mean(share_errors)),
        0.1,
        True,
        runs,
    )
    yield Promise(
        "growth",
        "the same, relative to medians over all pins seen at each age, if newer pins do better",
        float(np.mean(share_errors) / np.mean(naive_errors)),
        0.5,
        True,
        runs,
    )


def _old_pin_promises(runs: int) -> Iterator[Promise]:
    """Yield promises about the share of 30 days of gains that comes from pins older than 60 days."""
    truth = float(
        np.divide(*(column.sum() for column in _expected_gains(np.random.default_rng(3), POPULATION_PINS, 0.0)[:2]))
    )
    for what, pins, sigma in (
        ("150 pins", 150, 1.0),
        ("60 pins, a few have most of the gains", 60, 1.6),
        ("300 pins, a few have most of the gains", 300, 1.6),
    ):
        rng = np.random.default_rng(45)
        covered = []
        for run in range(runs):
            expected_old, expected, reach = _expected_gains(rng, pins, sigma)
            old = rng.poisson(expected_old * reach).astype(np.float64)
            whole = old + rng.poisson((expected - expected_old) * reach)
            _, low, high = share_intervals(old[whole > 0, None], whole[whole > 0], seed=run)[0]
            covered.append(low <= truth <= high)
        yield Promise(
            "growth",
            f"share of gains from pins older than 60 days ({what}): 95% interval covers the truth",
            float(np.mean(covered)),
            0.91,
            False,
            runs,
        )
    rng = np.random.default_rng(49)
    shares = []
    for _ in range(max(1, runs // 30)):
        world = made_up_pins(
            rng, 1500, 34, 122, reach=rng.lognormal(8, 0.5, 1500), scale_days=_scales(rng, 1500), shape=SHAPE
        )
        age = (pl.col("snapshot_date") - pl.col("timestamp").cast(pl.Date)).dt.total_days()
        shares.append(
            age_band_shares(AccountHistory.from_pins(world.filter(age <= 90)), "impressions").filter(band="over 60")[
                "share"
            ][0]
        )
    yield Promise(
        "growth",
        "the same from whole histories of 1,500 pins: relative error",
        float(abs(np.mean(shares) / truth - 1)),
        0.1,
        True,
        len(shares),
    )


def _expected_gains(rng: np.random.Generator, pins: int, sigma: float) -> tuple[Floats, Floats, Floats]:
    """Return the gains of pins in 30 days, at ages above 60 and in all, as shares of their reach; and their reach."""
    scales = _scales(rng, pins)
    published = rng.integers(0, 120, pins)  # days before the last day
    now, start = np.minimum(published + 1, 90), np.minimum(np.maximum(0, published - 29), 90)
    gained = _share_at(now, scales) - _share_at(start, scales)
    old = np.where(now > 60, _share_at(now, scales) - _share_at(np.maximum(60, start), scales), 0.0)
    return old, gained, rng.lognormal(8, sigma, pins)


def _share_at(ages: npt.NDArray[np.int64], scales: Floats) -> Floats:
    """Return `_share_by_age` for one age per pin."""
    grown: Floats = -np.expm1(-((ages / scales) ** SHAPE))
    return grown


def _cohort_promises(runs: int) -> Iterator[Promise]:
    for what, pins, reach in (("12 pins per week", 120, 8.0), ("6 pins per week, few saves", 60, 5.0)):
        rng = np.random.default_rng(46)
        alarms = []
        for run in range(runs):
            counts = rng.poisson(rng.lognormal(reach, 1.6, pins) * rng.beta(2, 198, pins)).astype(np.float64)
            alarms.append(permuted_p_values(counts, np.full(10, pins // 10), run)[0] <= ALPHA)
        yield Promise(
            "growth",
            f"cohorts ({what}): a difference is claimed although there is none",
            float(np.mean(alarms)),
            0.06,
            True,
            runs,
        )
    rng = np.random.default_rng(48)
    found = [_verdict(_at_seven_days(rng, 250, 8.0, 3.0)) == "up" for _ in range(runs // 25)]
    yield Promise(
        "growth",
        "cohorts (25 pins per week): three times as many saves in the second half are found as `up`",
        float(np.mean(found)),
        0.8,
        False,
        len(found),
    )


def _at_seven_days(rng: np.random.Generator, pins: int, reach: float, factor: float) -> pl.DataFrame:
    """Return pins of ten weeks observed at 7 and 8 days, those of the last five weeks with `factor` times the reach."""
    published = rng.integers(0, 70, pins)
    expected = rng.lognormal(reach, 1.6, pins) * rng.beta(2, 198, pins) * np.where(published >= 35, factor, 1.0)
    saves = rng.poisson(expected * _share_by_age(np.array([7.0]), _scales(rng, pins))[:, 0])
    first = pl.DataFrame(
        {
            "social_network_id": "pin_world",
            "id": [f"{number:05}" for number in range(pins)],
            "format": "pin",
            "text": "A made-up pin",
            "media_type": "IMAGE",
            "impressions": 100 * saves,
            "saves": saves,
            "timestamp": [datetime(2026, 1, 5, 12) + timedelta(days=int(day)) for day in published],
        }
    )
    day = pl.col("timestamp").cast(pl.Date)
    return pl.concat([first.with_columns(snapshot_date=day.dt.offset_by(f"{age}d")) for age in (7, 8)])


def _verdict(world: pl.DataFrame) -> str | None:
    verdict: str | None = cohort_verdict(AccountHistory.from_pins(world), "saves")["verdict"][0]
    return verdict
