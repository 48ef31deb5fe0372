"""Promises about the time of publication: nothing is claimed if no slot matters, and a strong effect is found."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from functools import partial

import numpy as np
import numpy.typing as npt
import polars as pl

from oneup_pinterest.history.first_week import with_weeks
from oneup_pinterest.questions.timing.statistic import By, Weekday, compared_slots
from simulations import Promise, coverage_required, false_alarms_allowed
from simulations.first_weeks import independent_outcomes
from simulations.independent import Design
from simulations.worlds import each_account

Floats = npt.NDArray[np.float64]
_SIGMA = 1.6  # of the logarithm of outcomes; the best of a hundred pins has 40 times the median
_PERMUTATIONS = 199  # the level of the test does not depend on the number; the package uses ten times as many
_MONDAY = datetime(2026, 1, 5)
_GROUPINGS = {"weekday": "weekday", "hour": "blocks of three hours", "slot": "both (7 x 8)"}
_NO_EFFECT = np.zeros(7)


def promises(scale: int) -> Iterator[Promise]:
    """Yield each promise once it is measured; `scale` 1 takes about ten seconds."""
    worlds = {
        "300 pins": _simulated_accounts(np.random.default_rng(80), runs := 40 * scale, 300, 120, _NO_EFFECT),
        "300 pins, up to 8 of a day that share its luck": _simulated_accounts(
            np.random.default_rng(81), runs, 300, 120, _NO_EFFECT, batch=8
        ),
        "60 pins": _simulated_accounts(np.random.default_rng(82), runs, 60, 60, _NO_EFFECT),
    }
    # each type of account has too few runs for a bound so close to the level, so they are measured together
    claims = pl.concat([_claims(outcomes) for outcomes in worlds.values()])
    for by in ("weekday", "hour", "slot"):
        yield Promise(
            "timing",
            f"no slot matters: nothing is claimed by {_GROUPINGS[by]}",
            1 - _share(claims[by]),
            1 - false_alarms_allowed(claims.height),
            False,
            claims.height,
        )
    anything = claims.select(pl.any_horizontal("weekday", "hour", "slot")).to_series()
    yield Promise(
        "timing",
        "the same: none is claimed by any of the three",
        1 - _share(anything),
        1 - false_alarms_allowed(claims.height),
        False,
        claims.height,
    )
    ratios = _median_best_ratio(worlds["300 pins"].filter(pl.col("social_network_id") < f"pin_{20 * scale:06}"))
    yield Promise(
        "timing",
        "the same, 300 pins: plain mean of the best hour of the week, relative to the mean of all pins",
        ratios,
        5,
        False,
        20 * scale,
    )

    saturday = np.where(np.arange(7) == 5, np.log(3), 0.0)
    found = each_account(
        _simulated_accounts(np.random.default_rng(83), runs, 400, 150, saturday),
        partial(compared_slots, by="weekday", permutations=_PERMUTATIONS),
    ).filter(pl.col("weekday") == 6)
    share = _share(found["verdict"] == "above")
    yield Promise("timing", "pins of Saturday do 3 times as well, 400 pins: share found", share, 0.7, False, runs)

    rng = np.random.default_rng(84)
    truth = rng.normal(0, 0.3, (runs, 7))
    known = _against_truth(_simulated_accounts(rng, runs, 400, 150, truth, level=5), truth)
    holds = float(known.select(pl.col("truth").is_between("low", "high").mean()).item())
    pooled, raw = (
        known.select((pl.col(name) - pl.col("truth")).pow(2).mean().sqrt()).item() for name in ("effect", "difference")
    )
    name = "weekdays differ by chance (0.3 in log units)"
    yield Promise("timing", f"{name}: 95% interval holds the true effect", holds, 0.92, False, runs)
    yield Promise("timing", f"{name}: error of pooled over raw effects", float(pooled / raw), 0.95, True, runs)
    yield from _independent_promises(5 * scale)


def _independent_promises(runs: int) -> Iterator[Promise]:
    """Yield false alarms and power of weekdays in accounts that were written without knowledge of the test."""
    plain = Design(days=252)
    alike = independent_outcomes(plain, runs).filter("weekday_null")
    asked_for: tuple[tuple[str, Weekday | None], ...] = (("any weekday", None), ("a planned weekday", "Saturday"))
    for what, weekday in asked_for:
        claimed = _claimed(weekday_contrasts(alike, weekday))
        yield Promise(
            "timing",
            f"independent worlds: {what} is claimed",
            _share(claimed),
            false_alarms_allowed(len(claimed)),
            True,
            len(claimed),
        )
    better = independent_outcomes(replace(plain, weekday_effect=1.5), runs).filter("weekday_null")
    asked = weekday_contrasts(better, "Saturday")
    found = _share(asked["verdict"] == "above")
    name = "independent worlds, 500 pins, Saturday 1.5 times"
    yield Promise("timing", f"{name}: found by a planned question", found, 0.45, False, asked.height)
    holds = asked.drop_nulls("effect").select(pl.lit(50).is_between("low", "high").mean()).item()
    yield Promise(
        "timing", f"{name}: 95% interval holds it", holds, coverage_required(asked.height), False, asked.height
    )


def weekday_contrasts(outcomes: pl.DataFrame, weekday: Weekday | None) -> pl.DataFrame:
    return each_account(outcomes, partial(compared_slots, by="weekday", weekday=weekday, permutations=_PERMUTATIONS))


def _claimed(found: pl.DataFrame) -> pl.Series:
    """Return for each account whether anything is claimed."""
    claimed = pl.col("verdict").is_in(["above", "below"]).any()
    return found.group_by("social_network_id", maintain_order=True).agg(claimed)["verdict"]


def _simulated_accounts(
    rng: np.random.Generator, worlds: int, pins: int, days: int, effects: Floats, batch: int = 1, level: float = 3
) -> pl.DataFrame:
    """Return outcomes of accounts with unevenly used slots, a trend over time, and effects of weekdays.

    `effects` is in log units, per weekday or per account and weekday. With `batch`, up to that many pins are published
    per day, and half of their variance is shared by the pins of a day.
    """
    shape = (worlds, pins)
    weekdays, hours = rng.dirichlet(np.full(7, 3.0), worlds), rng.dirichlet(np.full(24, 0.7), worlds)
    weekday = np.stack([rng.choice(7, -(-pins // batch), p=share) for share in weekdays])
    day = 7 * rng.integers(0, days // 7, weekday.shape) + weekday
    day = np.repeat(day, batch, axis=1)[:, :pins]
    hour = np.stack([rng.choice(24, pins, p=share) for share in hours])
    luck = rng.normal(0, 1, shape)
    if batch > 1:
        of_days = rng.normal(0, 1, (worlds, days))
        luck = np.sqrt(0.5) * (luck + np.take_along_axis(of_days, day, axis=1))
    trend = rng.normal(0, 1, (worlds, 1)) * day / days
    effect = np.take_along_axis(np.broadcast_to(effects, (worlds, 7)), day % 7, axis=1)
    value = np.floor(np.exp(level + trend + effect + _SIGMA * luck))
    account = np.repeat(np.arange(worlds), pins)
    return with_weeks(
        pl.DataFrame(
            {
                "account": account,
                "number": np.tile(np.arange(pins), worlds),
                "value": value.ravel(),
                "minutes": (1440 * day + 60 * hour + rng.integers(0, 60, shape)).ravel(),
            }
        ).select(
            social_network_id=pl.lit("pin_") + pl.col("account").cast(pl.String).str.zfill(6),
            id=pl.col("number").cast(pl.String).str.zfill(5),
            moment=pl.lit(_MONDAY) + pl.duration(minutes=pl.col("minutes")),
            value="value",
        )
    )


def _claims(outcomes: pl.DataFrame) -> pl.DataFrame:
    """Return per account whether anything is claimed by weekday, by blocks of three hours, and by both together."""
    groupings: tuple[By, ...] = ("weekday", "hour", "slot")
    found = [
        each_account(outcomes, partial(compared_slots, by=by, hours=3, permutations=_PERMUTATIONS))
        .group_by("social_network_id", maintain_order=True)
        .agg(pl.col("verdict").is_in(["above", "below"]).any().alias(by))
        for by in groupings
    ]
    return pl.concat([found[0], *(part.drop("social_network_id") for part in found[1:])], how="horizontal")


def _share(which: pl.Series) -> float:
    return int(which.sum()) / len(which)


def _median_best_ratio(outcomes: pl.DataFrame) -> float:
    """Return the median over accounts of the best hour's mean outcome, relative to the mean of all pins."""
    found = each_account(outcomes, partial(compared_slots, by="slot", permutations=1))
    best = found.group_by("social_network_id").agg(pl.col("mean_ratio").max())
    return float(best.select(pl.col("mean_ratio").median()).item())


def _against_truth(outcomes: pl.DataFrame, truth: Floats) -> pl.DataFrame:
    """Return the weekdays with an estimated effect, with their true difference from other pins, in log units."""
    effects = each_account(outcomes, partial(compared_slots, by="weekday", permutations=1))
    found = effects.with_columns(truth=pl.Series(truth.ravel()))
    pins, own = pl.col("pins"), pl.col("truth")
    others = (((pins * own).sum() - pins * own) / (pins.sum() - pins)).over("social_network_id")
    logs = found.select("difference", (pl.col("effect", "low", "high") / 100).log1p(), truth=own - others)
    return logs.filter(pl.col("effect").is_not_null())
