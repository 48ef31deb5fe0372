"""What the comparison of texts promises: of many features and words, some stand out by luck, and none is claimed."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from functools import partial

import numpy as np
import polars as pl

from oneup_pinterest.history.first_week import with_weeks
from oneup_pinterest.questions.texts.statistic import compared_features, compared_words
from simulations import Promise
from simulations.formats import batched
from simulations.worlds import each_account

THEME = "words"
RUNS = 100
PERMUTATIONS = 199
FIRST = datetime(2025, 12, 29)
_MARKS = ("?", "!", " #diy", " 20", "\nmore", " save it", " for christmas", " 30%")


def texts(
    rng: np.random.Generator, runs: int, pins: int = 120, word_effect: float = 1, mark_effect: float = 1
) -> pl.DataFrame:
    """Return accounts whose pins draw 6 of 60 words, one of 4 fixed phrases, and each mark with 30%.

    Outcomes are Poisson counts of means with a lognormal spread of sigma 1 around 15; those of texts with `word00`
    (a pin in 10) are `word_effect` times as many, those with a question mark `mark_effect` times.
    """
    total = runs * pins
    order = rng.random((total, 60)).argpartition(6, axis=1)[:, :6]
    marks = rng.random((total, len(_MARKS))) < 0.3
    phrase = rng.integers(0, 4, total)
    written = [
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
                "text": written,
            }
        )
    )


def promises(scale: int) -> Iterator[Promise]:
    """Yield the share of worlds with a false claim about a feature or word, and how often a true effect is found."""
    rng = np.random.default_rng(20260306)
    runs = RUNS * scale
    alike = texts(rng, runs)
    effects = each_account(alike, partial(compared_features, permutations=PERMUTATIONS))
    contrasts = each_account(alike, partial(compared_words, permutations=PERMUTATIONS))
    yield Promise(
        THEME,
        "worlds in which any feature of texts is claimed although none matters",
        _worlds(effects, pl.col("verdict").is_in(["more", "less"])) / runs,
        0.06,
        True,
        runs,
    )
    yield Promise(
        THEME,
        "worlds in which any word is claimed although none matters",
        _worlds(contrasts, pl.col("verdict").is_in(["better", "worse"])) / runs,
        0.06,
        True,
        runs,
    )
    yield Promise(
        THEME,
        "naive: the same where a z beyond 1.96 is a claim",
        _worlds(contrasts, pl.col("z").abs() > 1.96) / runs,
        0.5,
        False,
        runs,
    )
    same = batched(np.random.default_rng(20260308), runs)
    claims = {
        "feature": each_account(same, partial(compared_features, permutations=PERMUTATIONS)).filter(
            pl.col("verdict").is_in(["more", "less"])
        ),
        "word": each_account(same, partial(compared_words, permutations=PERMUTATIONS)).filter(
            pl.col("verdict").is_in(["better", "worse"])
        ),
    }
    for what, claimed in claims.items():
        yield Promise(
            THEME,
            f"pins come in batches of a text that share its luck: worlds in which a {what} is claimed",
            claimed["social_network_id"].n_unique() / runs,
            0.07,
            True,
            runs,
        )
    helped = texts(rng, runs // 2, 240, word_effect=5, mark_effect=2.5)
    found = each_account(helped, partial(compared_features, permutations=PERMUTATIONS)).filter(
        pl.col("feature") == "asks a question"
    )
    yield Promise(
        THEME,
        "a question mark with 2.5 times the outcome is found (240 pins)",
        found.filter(pl.col("verdict") == "more").height / (runs // 2),
        0.8,
        False,
        runs // 2,
    )
    words = each_account(helped, partial(compared_words, permutations=PERMUTATIONS)).filter(pl.col("word") == "word00")
    yield Promise(
        THEME,
        "a word of a tenth of the pins with 5 times the outcome is found (240 pins)",
        words.filter(pl.col("verdict") == "better").height / (runs // 2),
        0.6,
        False,
        runs // 2,
    )


def _worlds(rows: pl.DataFrame, is_claim: pl.Expr) -> int:
    return rows.filter(is_claim)["social_network_id"].n_unique()
