"""Promises about formats, where seasons and ages could look like effects of the format."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial

import numpy as np
import numpy.typing as npt
import polars as pl
from scipy import stats

from oneup_pinterest.history.first_week import with_weeks
from oneup_pinterest.questions.formats.statistic import compared_formats
from simulations import Promise, coverage_required, false_alarms_allowed
from simulations.first_weeks import independent_outcomes
from simulations.independent import VIDEO, Design
from simulations.worlds import each_account

QUESTION = "formats"
RUNS = 100
NULL_RUNS = 250
BATCHED_RUNS = 150
INDEPENDENT_RUNS = 8  # of each family
PERMUTATIONS = 199  # enough for a verdict at 5%
FIRST = datetime(2025, 12, 29)


def confounded(rng: np.random.Generator, runs: int, effect: float = 1.0, pins: int = 160) -> pl.DataFrame:
    """Return accounts with 16 weeks: 30% videos in the first half, and 70% in the second, when all pins did better.

    Outcomes are Poisson counts whose means have a lognormal spread of sigma 1 around 20. Means are doubled in the
    second half, and multiplied by `effect` for videos.
    """
    day = rng.integers(0, 112, (runs, pins))
    is_late = day >= 56
    is_video = rng.random((runs, pins)) < np.where(is_late, 0.7, 0.3)
    mean = 20 * rng.lognormal(0, 1, (runs, pins)) * np.where(is_late, 2, 1) * np.where(is_video, effect, 1)
    return with_weeks(
        pl.DataFrame(
            {
                "social_network_id": np.repeat([f"{run:05}" for run in range(runs)], pins),
                "id": [f"{pin:05}" for pin in range(pins)] * runs,
                "moment": [FIRST + timedelta(days=int(number)) for number in day.ravel()],
                "value": rng.poisson(mean).ravel().astype(np.float64),
                "format": np.where(is_video, "video", "image").ravel(),
                "media_type": "IMAGE",
                "text": "Soup",
            }
        )
    )


def batched(rng: np.random.Generator, runs: int, batches: int = 40, pins: int = 4) -> pl.DataFrame:
    """Return accounts that publish batches of one day, format and text with shared luck; nothing matters.

    Outcomes are lognormal, with sigma 1.2 between batches and 1.6 within; 30% of the batches are videos; 16 weeks.
    """
    shape = (runs, batches)
    day = np.repeat(rng.integers(0, 112, shape), pins, axis=1)
    is_video = np.repeat(rng.random(shape) < 0.3, pins, axis=1)
    luck = np.repeat(rng.normal(3, 1.2, shape), pins, axis=1)
    words = rng.choice([f"word{number:02}" for number in range(30)], (*shape, 6))
    texts = [
        " ".join(chosen) + ("?" if asks else "")
        for chosen, asks in zip(words.reshape(-1, 6), (rng.random(shape) < 0.3).ravel(), strict=True)
    ]
    return with_weeks(
        pl.DataFrame(
            {
                "social_network_id": np.repeat([f"{run:05}" for run in range(runs)], batches * pins),
                "id": [f"{pin:05}" for pin in range(batches * pins)] * runs,
                "moment": [FIRST + timedelta(days=int(number)) for number in day.ravel()],
                "value": np.exp(rng.normal(luck, 1.6)).round().ravel(),
                "format": np.where(is_video, "video", "image").ravel(),
                "media_type": "IMAGE",
                "text": np.repeat(texts, pins),
            }
        )
    )


def promises(scale: int) -> Iterator[Promise]:
    """Yield the share of accounts with a false claim about a format, and how often a true difference is found."""
    rng = np.random.default_rng(20260305)
    runs = NULL_RUNS * scale
    worlds = confounded(rng, runs)
    found = each_account(worlds, partial(compared_formats, permutations=PERMUTATIONS))
    claimed = found.filter(pl.col("verdict").is_in(["more", "less"])).height / runs
    yield Promise(
        QUESTION,
        "worlds in which a format is claimed although only the season differs",
        claimed,
        false_alarms_allowed(runs),
        True,
        runs,
    )
    yield Promise(
        QUESTION,
        "naive: the same by a t-test of logarithms that ignores the weeks",
        _naive_claims(worlds) / runs,
        0.3,
        False,
        runs,
    )
    of_videos = pl.when(pl.col("first") == "video").then(pl.col("ratio").log()).otherwise(-pl.col("ratio").log())
    bias = abs(found.select(of_videos.mean()).item())
    yield Promise(QUESTION, "bias of the logarithm of videos' ratio in these accounts", bias, 0.05, True, runs)
    runs = RUNS * scale
    better = each_account(confounded(rng, runs, 2.0), partial(compared_formats, permutations=PERMUTATIONS))
    yield Promise(
        QUESTION,
        "videos with twice the outcome are found (160 pins)",
        better.filter(pl.col("verdict").is_in(["more", "less"])).height / runs,
        0.8,
        False,
        runs,
    )
    signed = pl.when(pl.col("first") == "video").then(pl.col("low"))
    signed_high = pl.when(pl.col("first") == "video").then(pl.col("high"))
    ends = better.select(low=signed.otherwise(1 / pl.col("high")), high=signed_high.otherwise(1 / pl.col("low")))
    covers = ends.select(pl.lit(2.0).is_between("low", "high").mean()).item()
    yield Promise(QUESTION, "their 95% interval has the true ratio", covers, coverage_required(runs), False, runs)
    runs = BATCHED_RUNS * scale
    batches = each_account(
        batched(np.random.default_rng(20260307), runs), partial(compared_formats, permutations=PERMUTATIONS)
    )
    yield Promise(
        QUESTION,
        "pins published in batches with shared luck: accounts in which a format is claimed",
        batches.filter(pl.col("verdict").is_in(["more", "less"])).height / runs,
        max(0.07, false_alarms_allowed(runs)),
        True,
        runs,
    )
    yield from _independent_promises(INDEPENDENT_RUNS * scale)
    runs = RUNS * scale
    by_age_now, at_week_one = _ratios_by_age(rng, runs)
    yield Promise(
        QUESTION,
        "naive: ratio of the counters of older images to younger videos, without an effect",
        by_age_now,
        1.8,
        False,
        runs,
    )
    yield Promise(
        QUESTION, "the same at an age of 7 days: distance of the ratio from 1", abs(at_week_one - 1), 0.1, True, runs
    )


def _independent_promises(runs: int) -> Iterator[Promise]:
    """Yield false alarms and power of formats in accounts that were written without knowledge of the test."""
    plain, batches = Design(days=126), Design(days=126, batch=14)
    pairs = pl.concat([video_contrasts(independent_outcomes(design, runs)) for design in (plain, batches)])
    claimed = pairs.select(pl.col("verdict").is_in(["more", "less"]).mean()).item()
    yield Promise(
        QUESTION,
        "independent worlds, one by one and in weekly batches: pairs of formats that are claimed",
        claimed,
        false_alarms_allowed(pairs.height),
        True,
        pairs.height,
    )
    better = video_contrasts(independent_outcomes(replace(plain, format_effect=2.0), runs))
    found = better.select(pl.col("verdict").is_in(["more", "less"]).mean()).item()
    yield Promise(
        QUESTION, "independent worlds, 250 pins, videos with twice the reach: found", found, 0.5, False, better.height
    )
    truth = pl.when(pl.col("first") == VIDEO).then(2.0).otherwise(0.5)
    holds = better.drop_nulls("ratio").select(truth.is_between("low", "high").mean()).item()
    yield Promise(
        QUESTION,
        "the same: 95% interval holds the true ratio",
        holds,
        coverage_required(better.height),
        False,
        better.height,
    )


def video_contrasts(outcomes: pl.DataFrame) -> pl.DataFrame:
    """Return the comparison of videos with all other formats."""
    others = pl.when(pl.col("format") == VIDEO).then("format").otherwise(pl.lit("other"))
    return each_account(outcomes.with_columns(format=others), partial(compared_formats, permutations=PERMUTATIONS))


def _naive_claims(worlds: pl.DataFrame) -> int:
    claims = 0
    for part in worlds.partition_by("social_network_id"):
        is_video = part["format"].to_numpy() == "video"
        outcome = part["value"].log1p().to_numpy()
        claims += int(stats.ttest_ind(outcome[is_video], outcome[~is_video], equal_var=False).pvalue <= 0.05)
    return claims


def _ratios_by_age(rng: np.random.Generator, runs: int, pins: int = 200) -> tuple[float, float]:
    """Return the ratios of means now and at 7 days, of old images (60 to 120 days) and young videos (8 to 25 days)."""
    by_age_now, at_week_one = [], []
    for _ in range(runs):
        ages = np.concatenate([rng.uniform(60, 120, pins), rng.uniform(8, 25, pins)])
        final = 60 * rng.lognormal(0, 0.6, 2 * pins)

        at_week = rng.poisson(final * _share_by_age(np.full(2 * pins, 7.0)))
        now = at_week + rng.poisson(final * (_share_by_age(ages) - _share_by_age(np.full(2 * pins, 7.0))))
        by_age_now.append(now[:pins].mean() / now[pins:].mean())
        at_week_one.append(at_week[:pins].mean() / at_week[pins:].mean())
    return float(np.median(by_age_now)), float(np.median(at_week_one))


def _share_by_age(ages: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    share: npt.NDArray[np.float64] = 1 - np.exp(-((ages / 25) ** 0.8))
    return share
