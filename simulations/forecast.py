"""Promises about forecasts, followers and effort, on series whose truth is known."""

from collections.abc import Iterator
from datetime import timedelta

import numpy as np
import polars as pl

from oneup_pinterest.questions.followers.effort import association_of_weeks
from oneup_pinterest.questions.followers.statistic import follower_association, follower_trend
from oneup_pinterest.questions.forecast.statistic import BASELINE, HORIZON, MEAN, gain_forecasts
from simulations import Promise
from simulations.anomalies import FIRST_DAY, as_gains, history_of, made_up_days
from simulations.independent import Design
from simulations.independent.open_families import FAMILIES
from simulations.worlds import MadeUpHistory, each_account

QUESTION = "forecast"
LENGTHS = (56, 70, 90, 150)


def promises(scale: int) -> Iterator[Promise]:
    """Yield the coverage of the baseline, the choice of a model, and false alarms about followers and effort."""
    rng = np.random.default_rng(20260303)
    runs = 90 * scale
    for name, growth, number in (("", None, runs), (" under a trend of -1 to -2% a day", (-0.02, -0.01), runs // 3)):
        found = _coverage(rng, number, growth)
        for of_what, held in zip(("days", "weekly totals", "totals of 28 days"), found, strict=True):
            what = f"{of_what} that the chosen baseline's 80% intervals hold{name}"
            yield Promise(QUESTION, what, held, 0.8, False, number)
            if growth is None:
                yield Promise(QUESTION, f"{what}, at most", held, 0.97, True, number)
    yield Promise(QUESTION, "error of the mean of four weeks over that of the last week", _mean_error(), 0.9, True, 40)
    runs = 6 * scale
    worlds = pl.concat(made_up_days(rng, 75, level=80, account=f"{run:05}") for run in range(runs))
    skill = each_account(worlds, lambda gains: gain_forecasts(history_of(gains)).skill)
    worst = skill.filter("is_chosen")["relative_mae"].max()
    yield Promise(
        QUESTION,
        "largest error of the chosen model in the backtest, relative to the baseline",
        float(worst),
        1.0,
        True,
        runs,
    )  # type: ignore[arg-type]
    yield Promise(
        QUESTION,
        "forecasts without a row of the baseline",
        runs - skill.filter(pl.col("model") == BASELINE).height,
        0,
        True,
        runs,
    )
    yield from _followers(rng, 150 * scale)
    yield from _effort(rng, 150 * scale)


def _coverage(rng: np.random.Generator, runs: int, growth: tuple[float, float] | None) -> tuple[float, float, float]:
    held: list[list[float]] = [[], [], []]
    for run in range(runs):
        length, daily = int(rng.choice(LENGTHS)), None if growth is None else float(rng.uniform(*growth))
        level = None if daily is None else float(np.exp(rng.uniform(*np.log([100, 500]))))
        rho = float(rng.uniform(0, 0.8))
        world = made_up_days(rng, length + 28, rho=rho, growth=daily, level=level, account=f"{run:05}")
        forecasts = gain_forecasts(history_of(world.head(length)), models=())
        chosen = forecasts.skill.filter("is_chosen")["model"][0]
        days, weeks = (frame.filter(pl.col("model") == chosen) for frame in (forecasts.days, forecasts.weeks))
        truth = world["gain"].to_numpy()[length:]
        sums = (truth[:HORIZON], truth[:HORIZON].reshape(-1, 7).sum(axis=1), truth.sum(keepdims=True))
        for of_kind, frame, true in zip(held, (days, weeks, forecasts.totals), sums, strict=True):
            known = frame.with_columns(truth=pl.Series(true)).drop_nulls("low")
            of_kind += known.select(pl.col("truth").is_between("low", "high")).to_series().cast(pl.Float64).to_list()
    days_held, weeks_held, totals_held = (float(np.mean(of_kind)) for of_kind in held)
    return days_held, weeks_held, totals_held


def _mean_error() -> float:
    """Return the median error of the mean of four weeks, against the last week's, in independent worlds."""
    errors = []
    for run, family in enumerate(("overdispersed", "shared_swings", "bursts", "weekly_holidays") * 10):
        world = FAMILIES[family](np.random.default_rng([run, 3]), Design(days=90, pins_per_day=1.0))
        skill = gain_forecasts(history_of(as_gains(world.gains["saves"].sum(axis=1))), models=()).skill
        errors.append(skill.filter(pl.col("model") == MEAN)["relative_mae"][0])
    return float(np.median(errors))


def _followers(rng: np.random.Generator, runs: int) -> Iterator[Promise]:
    """Yield promises on accounts whose autocorrelated follower changes are independent of the gains."""
    followers, gains = [], []
    for run in range(runs):
        days = int(rng.choice([49, 70, 120]))
        world = made_up_days(rng, days, level=60, account=f"{run:05}")
        change, noise = np.zeros(days + 1), rng.normal(0, 4, days + 1)
        for day in range(1, days + 1):
            change[day] = 0.4 * change[day - 1] + noise[day]
        followers.append(
            pl.DataFrame(
                {
                    "social_network_id": f"{run:05}",
                    "total_followers": (5000 + change.cumsum()).round().astype(np.int64),
                    "snapshot_date": [FIRST_DAY + timedelta(days=day) for day in range(days + 1)],
                }
            )
        )
        gains.append(world)
    histories = [
        MadeUpHistory(account_gains=one, followers=other, account=one["social_network_id"][0])
        for one, other in zip(gains, followers, strict=True)
    ]
    trends = pl.concat(follower_trend(history) for history in histories)["verdict"]
    named = int(trends.is_in(["up", "down"]).sum())
    yield Promise(
        "followers", "accounts without a trend that are reported to grow or shrink", named / runs, 0.08, True, runs
    )
    together = pl.concat(follower_association(history) for history in histories)["verdict"]
    named = int(together.is_in(["rise together", "move apart"]).sum())
    yield Promise(
        "followers",
        "accounts with independent gains and followers that are reported to be associated",
        named / runs,
        0.09,
        True,
        runs,
    )


def _effort(rng: np.random.Generator, runs: int) -> Iterator[Promise]:
    """Yield promises on accounts whose effort and gains both grow but are independent."""
    frames = []
    for run in range(runs):
        weeks = int(rng.choice([8, 12, 26, 40]))
        growth = np.exp(0.05 * np.arange(weeks))
        level = 200 * growth * np.exp(rng.normal(0, 0.3, weeks))
        later = {
            name: rng.poisson(level * np.exp(rng.normal(0, 0.1, weeks))).astype(float)
            for name in ("of_others", "others_next_week", "others_in_two_weeks")
        }
        frames.append(
            pl.DataFrame(
                {
                    "social_network_id": f"{run:05}",
                    "published": rng.poisson(4 * growth),
                    **later,
                    "week": [FIRST_DAY + timedelta(weeks=week) for week in range(weeks)],
                }
            )
        )
    worlds = pl.concat(frames)
    verdicts = each_account(worlds, association_of_weeks)
    named = verdicts.filter(pl.col("verdict").is_in(["rise together", "move apart"]))["social_network_id"].n_unique()
    yield Promise(
        "effort",
        "accounts whose effort is reported to be associated with gains, at any of three lags",
        named / runs,
        0.08,
        True,
        runs,
    )
    naive = sum(
        abs(np.corrcoef(frame["published"], frame["of_others"])[0, 1]) > 1.96 / np.sqrt(frame.height)
        for frame in frames
    )
    what = "naive: accounts whose plain correlation with effort looks significant"
    yield Promise("effort", what, naive / runs, 0.2, False, runs)
