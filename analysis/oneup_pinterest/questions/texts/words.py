"""Test which words go with more or less, at the same age and among the same weeks: all of them, or a given one."""

from math import ceil

import numpy as np
import polars as pl

from oneup_pinterest.errors import UserError
from oneup_pinterest.history.account_history import AccountHistory
from oneup_pinterest.history.first_week import MIN_PINS
from oneup_pinterest.history.loaded_history import computed_once
from oneup_pinterest.history.pins_needed import with_pins_needed
from oneup_pinterest.methods.frames import day_numbers, mean_of, with_account
from oneup_pinterest.methods.permutation import PERMUTATIONS, SIGNIFICANT, PinsWithin
from oneup_pinterest.methods.power import SOUGHT
from oneup_pinterest.methods.types import Columns
from oneup_pinterest.methods.verdicts import LESS, MORE, WITHIN_NORMAL_VARIATION
from oneup_pinterest.questions.texts.statistic import MAX_CHARACTERS, one_of_a_text, outcomes_with_text, words_of

MAX_WORDS = 400  # the most common words and pairs: with more comparisons, less is found
MIN_PINS_WITH_WORD = 5
MIN_SHARE = 0.02  # of the pins: a rarer word has to bring several times as much to stand out, and hides the others
MAX_WORD_LENGTH = 40

_WORDS: Columns = {
    "word": pl.String,
    "pins": pl.Int64,
    "publication_days": pl.Int64,
    "mean_with": pl.Float64,
    "mean_without": pl.Float64,
    "ratio": pl.Float64,
    "low": pl.Float64,
    "high": pl.Float64,
    "z": pl.Float64,
    "p_value": pl.Float64,
    "verdict": pl.String,
    "pins_in_all": pl.Int64,
    "words_compared": pl.Int64,
    "detectable": pl.Float64,
}


@computed_once
def word_contrasts(
    history: AccountHistory, metric: str = "saves", word: str | None = None, *, sought: float = SOUGHT
) -> pl.DataFrame:
    """Return `compared_words` of the account's pins that have a text, and what it takes to find more.

    Further columns: those of `history.pins_needed.with_pins_needed` for `ratio` and for a rise of `sought` percent.
    """
    outcomes = outcomes_with_text(history, metric)
    return with_pins_needed(compared_words(outcomes, word), pl.col("ratio").log(), history, outcomes, sought)


def compared_words(
    outcomes: pl.DataFrame, word: str | None = None, *, permutations: int = PERMUTATIONS, seed: int = 0
) -> pl.DataFrame:
    """Compare the pins that have a word, or a pair of words, with the other pins of the same weeks.

    `outcomes` is a frame of `first_week_outcomes`. With `word` (see `planned_word`) only this one is tested,
    with a level of its own: for a question that was there before the data. Otherwise all are tested together. A word
    counts once per pin. The (at most 400) most common ones are compared that `fewest_pins` have, of at least 3 days,
    and as many do not; of words that are always in the same pins, only the longest. One row per word; no rows where an
    account has fewer than 20 pins with a text, or no such word. Columns, sorted by account and z (most first):

    - social_network_id, word (lower case; a pair is two words that follow each other)
    - pins: number of pins with the word; publication_days: number of days on which they were published
    - mean_with, mean_without: mean outcome of the pins with it and without it (count)
    - ratio, low, high: typical outcome with the word over that without, among pins of the same weeks, and the 95%
      interval of this word alone; null where too many counts are 0
    - z: difference of the logs of 1 + outcome, in standard errors
    - p_value: share of shuffles in which any tested word has a z at least as large (Westfall and Young 1993)
    - verdict: `more`, `less` (p at most 0.05), or `within normal variation`
    - pins_in_all, words_compared: numbers of pins and of words tested
    - detectable: the smallest ratio of this word that would be found in 80% of cases now among all words tested, as a
      rise in percent; null where ratio is

    Pins of one day and of one week share their luck and often their subject; see `PinsWithin`.

    Raises:
        UserError: as `planned_word`.

    >>> from datetime import datetime, timedelta
    >>> outcomes = pl.DataFrame({"social_network_id": "pin_a", "id": [f"{n:03}" for n in range(80)], "weeks": 0,
    ...     "moment": [datetime(2026, 1, 5) + timedelta(hours=7 * n) for n in range(80)],
    ...     "text": [f"{('Plum', 'Bean', 'Plain', 'Plum')[n % 4]} {n}" for n in range(80)],
    ...     "value": [20.0, 5.0, 4.0, 9.0] * 20})
    >>> found = compared_words(outcomes)
    >>> found.select("word", "pins", "mean_with", "verdict").rows()[0]
    ('plum', 40, 14.5, 'more')
    >>> compared_words(outcomes, "Bean").select("word", "words_compared", "verdict").rows()
    [('bean', 1, 'less')]
    """
    asked = None if word is None else planned_word(word)
    if outcomes.is_empty():
        return with_account("", None, _WORDS)
    table = _contrasts(outcomes, asked, permutations, seed)
    return with_account(outcomes["social_network_id"][0], table, _WORDS)


def planned_word(word: str) -> str:
    """Return a word or a pair of words as texts are read: in lower case, without punctuation.

    Raises:
        UserError: there is no word in it, or more than two.

    >>> planned_word("Recipes!"), planned_word("Plum-Cake")
    ('recipes', 'plum cake')
    """
    found: list[str] = pl.select(words_of(pl.lit(word))).item().to_list()
    if not 1 <= len(found) <= 2:
        raise UserError(f"Ask for one word, or for two that follow each other: {word!r} has {len(found)} words.")
    return " ".join(found)


def fewest_pins(pins: int, word: str | None = None) -> int:
    """Return how many of an account's pins must have a word, and how many must not, so that it is compared.

    >>> fewest_pins(1000), fewest_pins(1000, "spring")
    (20, 5)
    """
    return MIN_PINS_WITH_WORD if word else max(MIN_PINS_WITH_WORD, ceil(MIN_SHARE * pins))


def _contrasts(outcomes: pl.DataFrame, word: str | None, permutations: int, seed: int) -> pl.DataFrame:
    rows = one_of_a_text(outcomes).sort("weeks", "id").with_row_index("pin")
    words = _candidates(rows, word) if rows.height >= MIN_PINS else pl.DataFrame()
    # the counts of each group of weeks may be alike
    varies = rows.select((pl.col("value") != pl.col("value").first().over("weeks")).any()).item()
    if words.is_empty() or not varies:
        return pl.DataFrame(schema=_WORDS)
    has = np.zeros((rows.height, words.height), dtype=np.float32)
    for column, pins in enumerate(words["pin"]):  # at most MAX_WORDS
        has[pins.to_numpy(), column] = 1
    values, days = rows["value"].to_numpy(), day_numbers(rows)
    pins_within = PinsWithin(values, rows["weeks"].to_numpy(), days)
    scan = pins_within.scan(has, np.random.default_rng(seed), permutations)
    is_known = np.isfinite(scan.error)
    found = [
        {
            "word": name,
            "pins": count,
            "publication_days": np.unique(days[is_with]).size,
            "mean_with": mean_of(values[is_with]),
            "mean_without": mean_of(values[~is_with]),
            "z": z,
            **contrast.ratios(),
            "p_value": p_value,
            "verdict": WITHIN_NORMAL_VARIATION if p_value > SIGNIFICANT else MORE if z > 0 else LESS,
            "pins_in_all": rows.height,
            "words_compared": int(is_known.sum()),
            "detectable": None if contrast.estimate is None else detectable,
        }
        for (name, count), is_with, z, contrast, p_value, detectable, known in zip(
            words.select("word", "pins").iter_rows(),
            has.T > 0,
            scan.deviations.tolist(),
            scan.contrasts,
            scan.p_value.tolist(),
            scan.detectable.tolist(),
            is_known,
            strict=True,
        )
        if known
    ]
    return pl.DataFrame(found, schema=_WORDS).sort("z", "word", descending=[True, False])


def _candidates(rows: pl.DataFrame, word: str | None) -> pl.DataFrame:
    """Return words and pairs (or only this one) with their pins: word, pins (a count), pin (list of row numbers)."""
    single = (
        rows.select("pin", word=words_of(pl.col("text").str.slice(0, MAX_CHARACTERS)))
        .explode("word")
        .filter(pl.col("word").is_not_null() & (pl.col("word").str.len_chars() <= MAX_WORD_LENGTH))
    )
    after = pl.col("word").shift(-1).over("pin")
    pairs = single.select("pin", word=pl.concat_str("word", pl.lit(" "), after)).filter(pl.col("word").is_not_null())
    fewest = fewest_pins(rows.height, word)
    asked = pl.lit(True) if word is None else pl.col("word") == word
    return (
        pl.concat([single, pairs])
        .filter(asked)
        .unique(["pin", "word"])
        .group_by("word")
        # a fingerprint of the set of pins: words that always occur together are one comparison
        .agg(pins=pl.len().cast(pl.Int64), pin=pl.col("pin"), same=pl.col("pin").hash(seed=7).sum())
        .filter(pl.col("pins").is_between(fewest, rows.height - fewest))
        .sort(pl.col("word").str.len_chars(), "word", descending=[True, False])
        .unique(["pins", "same"], keep="first", maintain_order=True)
        .sort("pins", "word", descending=[True, False])
        .head(MAX_WORDS)
        .select("word", "pins", "pin")
    )
