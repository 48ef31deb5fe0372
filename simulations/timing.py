"""Promises about the time of publication: nothing is claimed where no slot matters, and a strong effect is found."""

from collections.abc import Iterator
from datetime import datetime
from functools import partial

import numpy as np
import numpy.typing as npt
import polars as pl

from oneup_pinterest.history.first_week import with_weeks
from oneup_pinterest.questions.timing.statistic import By, compared_slots
from simulations import Promise
from simulations.worlds import each_account

Floats = npt.NDArray[np.float64]
_SPREAD = 1.6  # of the logarithm of pins' outcomes: the best of a hundred has 40 times the median
_PERMUTATIONS = 199  # a test keeps its level with any number of them; the product takes ten times as many
_MONDAY = datetime(2026, 1, 5)
_ASKED = {"weekday": "weekday", "hour": "blocks of three hours", "slot": "both (7 x 8)"}
_NONE = np.zeros(7)


def promises(scale: int) -> Iterator[Promise]:
    """Yield each promise as it is measured; `scale` 1 takes some ten seconds."""
    worlds = {
        "300 pins": _worlds(np.random.default_rng(80), runs := 100 * scale, 300, 120, _NONE),
        "300 pins, up to 8 of a day that share its luck": _worlds(
            np.random.default_rng(81), runs, 300, 120, _NONE, batch=8
        ),
        "60 pins": _worlds(np.random.default_rng(82), runs, 60, 60, _NONE),
    }
    # each kind's runs are too few for a bound of its own so near to the level, so all are told together
    claims = pl.concat([_claims(outcomes) for outcomes in worlds.values()])
    for by in ("weekday", "hour", "slot"):
        yield Promise(
            "timing",
            f"no slot matters: none is claimed by {_ASKED[by]}",
            1 - _share(claims[by]),
            0.96,
            False,
            claims.height,
        )
    anything = claims.select(pl.any_horizontal("weekday", "hour", "slot")).to_series()
    yield Promise(
        "timing", "the same: none is claimed by any of the three", 1 - _share(anything), 0.94, False, claims.height
    )
    ratios = _ratios(worlds["300 pins"].filter(pl.col("social_network_id") < f"pin_{20 * scale:06}"))
    yield Promise(
        "timing",
        "the same, 300 pins: best hour of the week by plain means, times the mean of all",
        ratios,
        5,
        False,
        20 * scale,
    )

    saturday = np.where(np.arange(7) == 5, np.log(3), 0.0)
    found = each_account(
        _worlds(np.random.default_rng(83), runs, 400, 150, saturday),
        partial(compared_slots, by="weekday", permutations=_PERMUTATIONS),
    ).filter(pl.col("weekday") == 6)
    share = _share(found["verdict"] == "above")
    yield Promise("timing", "Saturday's pins do 3 times as well, 400 pins: found", share, 0.7, False, runs)

    rng = np.random.default_rng(84)
    truth = rng.normal(0, 0.3, (runs, 7))
    known = _against_truth(_worlds(rng, runs, 400, 150, truth, level=5), truth)
    holds = float(known.select(pl.col("truth").is_between("low", "high").mean()).item())
    pooled, raw = (
        known.select((pl.col(name) - pl.col("truth")).pow(2).mean().sqrt()).item() for name in ("effect", "difference")
    )
    name = "weekdays differ by chance (0.3 in log units)"
    yield Promise("timing", f"{name}: 95% interval holds the true effect", holds, 0.88, False, runs)
    yield Promise("timing", f"{name}: error of pooled over raw effects", float(pooled / raw), 0.95, True, runs)


def _worlds(
    rng: np.random.Generator, worlds: int, pins: int, days: int, effects: Floats, batch: int = 1, level: float = 3
) -> pl.DataFrame:
    """Return outcomes of one account a world: slots used unevenly, a trend over time, and the effects of weekdays.

    `effects` is in log units, of each weekday or of each world and weekday. With `batch`, pins are published up to so
    many a day, and half of their variance is the day's.
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
    value = np.floor(np.exp(level + trend + effect + _SPREAD * luck))
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
    """Return, for each account, whether anything is claimed by weekday, by three hours and by both together."""
    asked: tuple[By, ...] = ("weekday", "hour", "slot")
    found = [
        each_account(outcomes, partial(compared_slots, by=by, hours=3, permutations=_PERMUTATIONS))
        .group_by("social_network_id", maintain_order=True)
        .agg(pl.col("verdict").is_in(["above", "below"]).any().alias(by))
        for by in asked
    ]
    return pl.concat([found[0], *(part.drop("social_network_id") for part in found[1:])], how="horizontal")


def _share(which: pl.Series) -> float:
    return int(which.sum()) / len(which)


def _ratios(outcomes: pl.DataFrame) -> float:
    """Return the median over accounts of the best hour's mean outcome, relative to that of all pins."""
    found = each_account(outcomes, partial(compared_slots, by="slot", permutations=1))
    best = found.group_by("social_network_id").agg(pl.col("mean_ratio").max())
    return float(best.select(pl.col("mean_ratio").median()).item())


def _against_truth(outcomes: pl.DataFrame, truth: Floats) -> pl.DataFrame:
    """Return the weekdays that could be judged, with the true difference from the other pins; all in log units."""
    effects = each_account(outcomes, partial(compared_slots, by="weekday", permutations=1))
    found = effects.with_columns(truth=pl.Series(truth.ravel()))
    pins, own = pl.col("pins"), pl.col("truth")
    others = (((pins * own).sum() - pins * own) / (pins.sum() - pins)).over("social_network_id")
    logs = found.select("difference", (pl.col("effect", "low", "high") / 100).log1p(), truth=own - others)
    return logs.filter(pl.col("effect").is_not_null())
