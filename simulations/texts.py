"""Promises about texts: of many features and words, some stand out by luck, and none of these is claimed."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial

import numpy as np
import polars as pl

from oneup_pinterest.history.first_week import with_weeks
from oneup_pinterest.questions.texts.statistic import compared_features
from oneup_pinterest.questions.texts.words import compared_words
from simulations import Promise, coverage_required, false_alarms_allowed
from simulations.first_weeks import independent_outcomes
from simulations.formats import batched
from simulations.independent import WORD, Design
from simulations.worlds import each_account

QUESTION = "texts"
RUNS = 36
INDEPENDENT_RUNS = 3  # of each family
PERMUTATIONS = 199
FIRST = datetime(2025, 12, 29)
_MARKS = ("?", "!", " #diy", " 20", "\nmore", " save it", " for christmas", " 30%")


def texts(
    rng: np.random.Generator, runs: int, pins: int = 120, word_effect: float = 1, mark_effect: float = 1
) -> pl.DataFrame:
    """Return accounts whose pins have 6 of 60 words, one of 4 fixed phrases, and each mark with a probability of 30%.

    Outcomes are Poisson counts whose means have a lognormal spread of sigma 1 around 15. They are `word_effect` times
    as high for texts with `word00` (one pin in 10), and `mark_effect` times as high for texts with a question mark.
    """
    total = runs * pins
    order = rng.random((total, 60)).argpartition(6, axis=1)[:, :6]
    marks = rng.random((total, len(_MARKS))) < 0.3
    phrase = rng.integers(0, 4, total)
    pin_texts = [
        " ".join([*(f"word{word:02}" for word in words), f"always with phrase{number}"])
        + "".join(mark for mark, has in zip(_MARKS, held, strict=True) if has)
        for words, number, held in zip(order, phrase, marks, strict=True)
    ]
    factor = np.where((order == 0).any(axis=1), word_effect, 1) * np.where(marks[:, 0], mark_effect, 1)
    return with_weeks(
        pl.DataFrame(
            {
                "social_network_id": np.repeat([f"{run:05}" for run in range(runs)], pins),
                "id": [f"{pin:05}" for pin in range(pins)] * runs,
                "moment": [FIRST + timedelta(days=int(day)) for day in rng.integers(0, 84, total)],
                "value": rng.poisson(15 * rng.lognormal(0, 1, total) * factor).astype(np.float64),
                "format": "pin",
                "media_type": "IMAGE",
                "text": pin_texts,
            }
        )
    )


def promises(scale: int) -> Iterator[Promise]:
    """Yield the share of accounts with a false claim about a feature or word, and how often a true effect is found."""
    rng = np.random.default_rng(20260306)
    runs = RUNS * scale
    without_effect = texts(rng, runs)
    effects = each_account(without_effect, partial(compared_features, permutations=PERMUTATIONS))
    contrasts = each_account(without_effect, partial(compared_words, permutations=PERMUTATIONS))
    yield Promise(
        QUESTION,
        "accounts in which any text feature is claimed although none matters",
        _worlds(effects, pl.col("verdict").is_in(["more", "less"])) / runs,
        false_alarms_allowed(runs),
        True,
        runs,
    )
    yield Promise(
        QUESTION,
        "worlds in which any word is claimed although none matters",
        _worlds(contrasts, pl.col("verdict").is_in(["more", "less"])) / runs,
        false_alarms_allowed(runs),
        True,
        runs,
    )
    yield Promise(
        QUESTION,
        "naive: the same if every |z| above 1.96 is a claim",
        _worlds(contrasts, pl.col("z").abs() > 1.96) / runs,
        0.5,
        False,
        runs,
    )
    batches = batched(np.random.default_rng(20260308), runs)
    claims = {
        "feature": each_account(batches, partial(compared_features, permutations=PERMUTATIONS)).filter(
            pl.col("verdict").is_in(["more", "less"])
        ),
        "word": each_account(batches, partial(compared_words, permutations=PERMUTATIONS)).filter(
            pl.col("verdict").is_in(["more", "less"])
        ),
    }
    for what, claimed in claims.items():
        yield Promise(
            QUESTION,
            f"pins published in batches with the same text and shared luck: accounts in which a {what} is claimed",
            claimed["social_network_id"].n_unique() / runs,
            false_alarms_allowed(runs),
            True,
            runs,
        )
    with_effect = texts(rng, runs // 2, 240, word_effect=5, mark_effect=2.5)
    found = each_account(with_effect, partial(compared_features, permutations=PERMUTATIONS)).filter(
        pl.col("feature") == "asks a question"
    )
    yield Promise(
        QUESTION,
        "a question mark that multiplies the outcome by 2.5 is found (240 pins)",
        found.filter(pl.col("verdict") == "more").height / (runs // 2),
        0.8,
        False,
        runs // 2,
    )
    words = each_account(with_effect, partial(compared_words, permutations=PERMUTATIONS)).filter(
        pl.col("word") == "word00"
    )
    yield Promise(
        QUESTION,
        "a word of a tenth of the pins with 5 times the outcome is found (240 pins)",
        words.filter(pl.col("verdict") == "more").height / (runs // 2),
        0.6,
        False,
        runs // 2,
    )
    yield from _independent_promises(INDEPENDENT_RUNS * scale)


def _independent_promises(runs: int) -> Iterator[Promise]:
    """Yield false alarms and power of words in accounts that were written without knowledge of the test."""
    plain, batches = Design(days=252, word_share=0.15), Design(days=252, batch=14, word_share=0.15)
    contrasts = [word_contrasts(independent_outcomes(design, runs)) for design in (plain, batches)]
    worlds = sum(found["social_network_id"].n_unique() for found in contrasts)
    claimed = sum(_worlds(found, pl.col("verdict").is_in(["more", "less"])) for found in contrasts)
    yield Promise(
        QUESTION,
        "independent worlds, one by one and in weekly batches: worlds in which any word is claimed",
        claimed / worlds,
        false_alarms_allowed(worlds),
        True,
        worlds,
    )
    helped = independent_outcomes(replace(plain, word_effect=2.0), runs)
    for what, word in (("a search", None), ("a planned question", WORD)):
        found = word_contrasts(helped, word).filter(pl.col("word") == WORD)
        yield Promise(
            QUESTION,
            f"independent worlds, a word in 15% of 500 pins with twice the reach: found by {what}",
            found.filter(pl.col("verdict") == "more").height / found.height,
            0.6,
            False,
            found.height,
        )
    holds = found.drop_nulls("ratio").select(pl.lit(2.0).is_between("low", "high").mean()).item()
    yield Promise(
        QUESTION,
        "the same: 95% interval holds the true ratio",
        holds,
        coverage_required(found.height),
        False,
        found.height,
    )


def word_contrasts(outcomes: pl.DataFrame, word: str | None = None) -> pl.DataFrame:
    return each_account(outcomes, partial(compared_words, word=word, permutations=PERMUTATIONS))


def _worlds(rows: pl.DataFrame, is_claim: pl.Expr) -> int:
    return rows.filter(is_claim)["social_network_id"].n_unique()
