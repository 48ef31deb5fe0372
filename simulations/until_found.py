"""Promises about what would be found: the change that is called detectable is found in about 80% of cases.

Each account has no effect at first. What its own comparison calls detectable is then built into the same pins, and the
comparison is made again. For a given change, as many pins (or weeks) are drawn as the answer says are needed.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date, datetime, timedelta
from functools import partial
from typing import NamedTuple

import numpy as np
import polars as pl

from oneup_pinterest.history.first_week import with_weeks
from oneup_pinterest.methods.power import POWER, SOUGHT, TREND_WEEKS, pins_until_found
from oneup_pinterest.methods.types import Floats
from oneup_pinterest.methods.verdicts import LEVEL
from oneup_pinterest.questions.change.statistic import fitted_trend
from oneup_pinterest.questions.formats.statistic import compared_formats
from oneup_pinterest.questions.texts.statistic import compared_features
from oneup_pinterest.questions.texts.words import compared_words
from oneup_pinterest.questions.timing.statistic import compared_slots
from simulations import Promise
from simulations.first_weeks import independent_outcomes
from simulations.formats import video_contrasts
from simulations.independent import Design
from simulations.independent.open_families import FAMILIES
from simulations.timing import weekday_contrasts

QUESTION = "when will I know"
RUNS = 24
INDEPENDENT_RUNS = 4  # of each family
PERMUTATIONS = 499  # of twelve features, one is found at 0.4%
MIN_PINS, MAX_PINS = 40, 2_000
WEEKS, PINS = 26, 260
_MONDAY = datetime(2026, 1, 5)
_CLAIMED = ("more", "above")


class Asked(NamedTuple):
    """A comparison of a pin's group with others: the statistic, the row of the group, and which pins are in it."""

    what: str
    statistic: Callable[[pl.DataFrame], pl.DataFrame]
    row: pl.Expr
    group: pl.Expr


ASKED = (
    Asked(
        "format",
        partial(compared_formats, permutations=PERMUTATIONS),
        pl.col("first") == "video",
        pl.col("format") == "video",
    ),
    Asked(
        "one of the features of texts",
        partial(compared_features, permutations=PERMUTATIONS),
        pl.col("feature") == "asks a question",
        pl.col("text").str.contains("?", literal=True),
    ),
    Asked(
        "one of the words",
        partial(compared_words, permutations=PERMUTATIONS),
        pl.col("word") == "plum",
        pl.col("text").str.contains("plum"),
    ),
    Asked(
        "a planned word",
        partial(compared_words, word="plum", permutations=PERMUTATIONS),
        pl.col("word") == "plum",
        pl.col("text").str.contains("plum"),
    ),
    Asked(
        "one of the weekdays",
        partial(compared_slots, by="weekday", permutations=PERMUTATIONS),
        pl.col("weekday") == 6,
        pl.col("moment").dt.weekday() == 6,
    ),
    Asked(
        "a planned weekday",
        partial(compared_slots, by="weekday", weekday="Saturday", permutations=PERMUTATIONS),
        pl.col("weekday") == 6,
        pl.col("moment").dt.weekday() == 6,
    ),
    Asked(
        "one of the hours",
        partial(compared_slots, by="hour", hours=3, permutations=PERMUTATIONS),
        pl.col("hour") == 12,
        pl.col("moment").dt.hour() // 3 == 4,
    ),
)


def account(rng: np.random.Generator, pins: int, weeks: int, batch: int) -> pl.DataFrame:
    """Return an account that publishes batches of pins at random times; no group of pins is better.

    Counts are Poisson with lognormal means of sigma 1 around 20. With batches of more than one pin, a third of this
    variance is shared by the pins of a batch, and their format and question mark are the same.
    """
    batches = -(-pins // batch)
    day = rng.integers(0, 7 * weeks, batches)
    shared, own = (rng.normal(0, 1, size) for size in (batches, pins))
    place = np.repeat(np.arange(batches), batch)[:pins]
    share = 1 / 3 if batch > 1 else 0.0
    luck = np.sqrt(share) * shared[place] + np.sqrt(1 - share) * own
    is_video, asks = (rng.random(batches) < 0.3 for _ in range(2))
    words = rng.choice(["plum", *(f"word{number:02}" for number in range(30))], (pins, 4))
    return with_weeks(
        pl.DataFrame(
            {
                "social_network_id": "pin_a",
                "id": [f"{pin:05}" for pin in range(pins)],
                "moment": [
                    _MONDAY + timedelta(days=int(number), hours=int(hour))
                    for number, hour in zip(day[place], rng.integers(0, 24, pins), strict=True)
                ],
                "value": rng.poisson(20 * np.exp(luck)).astype(np.float64),
                "format": np.where(is_video[place], "video", "image"),
                "media_type": "IMAGE",
                "text": [
                    f"{' '.join(chosen)} {pin}{'?' if asked else ''}"
                    for pin, (chosen, asked) in enumerate(zip(words, asks[place], strict=True))
                ],
            }
        )
    )


def with_effect(outcomes: pl.DataFrame, asked: Asked, percent: float) -> pl.DataFrame:
    """Return the outcomes with those of the group raised by so many percent."""
    raised = pl.col("value") * (1 + percent / 100)
    return outcomes.with_columns(value=pl.when(asked.group).then(raised).otherwise("value"))


def is_found(outcomes: pl.DataFrame, asked: Asked) -> bool:
    """Return whether the group is said to have more."""
    return bool(asked.statistic(outcomes).filter(asked.row)["verdict"].is_in(_CLAIMED).any())


def promises(scale: int) -> Iterator[Promise]:
    """Yield how far the share that is found is from 80%; `scale` 1 takes about 20 seconds."""
    runs = RUNS * scale
    for batch, name in ((1, "pins one by one"), (4, "batches of 4 with shared luck")):
        for number, asked in enumerate(ASKED):
            rng = np.random.default_rng([20261127, batch, number])
            yield from _pins_promises(rng, asked, runs, batch, name)
    yield from _independent_promises(INDEPENDENT_RUNS * scale)
    for persistence in (0.0, 0.4):
        yield from _trend_promises(np.random.default_rng([20261127, int(10 * persistence)]), runs * 3, persistence)


def _pins_promises(rng: np.random.Generator, asked: Asked, runs: int, batch: int, name: str) -> Iterator[Promise]:
    found, needed = [], []
    for _ in range(runs):
        outcomes = account(rng, PINS, WEEKS, batch)
        detectable = asked.statistic(outcomes).filter(asked.row)["detectable"].drop_nulls().to_list()
        if detectable:
            found.append(is_found(with_effect(outcomes, asked, detectable[0]), asked))
            needed.append(pins_until_found(np.log1p(SOUGHT / 100), np.log1p(detectable[0] / 100), PINS))
    yield _promise(f"{asked.what}, {name}: share in which the detectable rise is found", found)
    pins = int(np.clip(np.median(needed), MIN_PINS, MAX_PINS))
    weeks = round(WEEKS * pins / PINS)
    later = [is_found(with_effect(account(rng, pins, weeks, batch), asked, SOUGHT), asked) for _ in range(runs)]
    yield _promise("the same: × 1.5 with as many pins as are said to be needed", later)


def _independent_promises(runs: int) -> Iterator[Promise]:
    """Yield the same for accounts that were written without knowledge of the tests: a rise that suits their family."""
    saturday = partial(weekday_contrasts, weekday="Saturday")
    for name, design, statistic, effect in (
        ("videos", Design(days=126), video_contrasts, "format_effect"),
        ("videos, weekly batches of 14", Design(days=126, batch=14), video_contrasts, "format_effect"),
        ("a planned weekday", Design(days=252), saturday, "weekday_effect"),
    ):
        found: list[bool] = []
        for family, draw in FAMILIES.items():
            alike = statistic(independent_outcomes(design, runs, {family: draw}))
            usual = alike.select((pl.col("detectable") / 100 + 1).log().median().exp()).item()
            better = independent_outcomes(replace(design, **{effect: usual}), runs, {family: draw}, seed=7)
            found += statistic(better)["verdict"].is_in(["more", "less", "above"]).to_list()
        yield _promise(f"independent worlds, {name}: share in which the detectable rise is found", found)


def _trend_promises(rng: np.random.Generator, runs: int, persistence: float) -> Iterator[Promise]:
    growth = np.log1p(SOUGHT / 100) / TREND_WEEKS
    found, later = [], []
    for _ in range(runs):
        gains = _weekly(rng, TREND_WEEKS, persistence, 0.0)
        row = _trend(gains)
        slope = np.log1p(row["detectable"] / 100)
        found.append(_trend(gains * np.exp(slope * np.arange(TREND_WEEKS)))["p"] < LEVEL)
        weeks = int(np.ceil(row["weeks_sought"]))
        later.append(_trend(_weekly(rng, weeks, persistence, growth))["p"] < LEVEL)
    name = f"trend of 12 weeks, swings of 15% with a persistence of {persistence:g}"
    yield _promise(f"{name}: share in which the detectable growth is found", found)
    # weeks without persistent swings need fewer than the answer says, so that weeks with them do not need more
    what = "the same: × 1.5 in 12 weeks is found in as many weeks as are said to be needed"
    yield Promise(QUESTION, what, sum(later) / runs, round(POWER - _allowed(runs), 3), False, runs)


def _weekly(rng: np.random.Generator, weeks: int, persistence: float, growth: float) -> Floats:
    """Return weekly gains of about 300 with swings, which persist, and a growth per week (log units)."""
    swing = rng.normal(0, 0.15, weeks)
    for week in range(1, weeks):
        swing[week] = persistence * swing[week - 1] + np.sqrt(1 - persistence**2) * swing[week]
    return rng.poisson(300 * np.exp(swing + growth * np.arange(weeks))).astype(np.float64)


def _trend(weekly: Floats) -> dict[str, float]:
    days = len(weekly) * 7
    gains = pl.DataFrame(
        {
            "social_network_id": "pin_a",
            "metric": "saves",
            "day": [date(2026, 1, 1) + timedelta(days=day) for day in range(days)],
            "gain": np.repeat(weekly / 7, 7),
            "counter_type": "lifetime",
            "is_provisional": False,
            "is_imputed": False,
        }
    )
    return fitted_trend(gains, "saves", len(weekly))


def _promise(what: str, found: list[bool]) -> Promise:
    """Return the promise that the share found is 80%, within 10 points and what luck makes of few runs."""
    runs = len(found)
    distance = abs(sum(found) / runs - POWER)
    return Promise(QUESTION, f"{what}, distance from 80%", distance, round(_allowed(runs), 3), True, runs)


def _allowed(runs: int) -> float:
    """Return how far from 80% the share may be: 10 points, and what luck makes of few runs."""
    return 0.1 + 2 * float(np.sqrt(POWER * (1 - POWER) / runs))
