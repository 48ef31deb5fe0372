"""Test which features of a text go with more or less, at the same age and among the same weeks."""

from typing import Any

import numpy as np
import polars as pl

from oneup_pinterest.history.account_history import AccountHistory
from oneup_pinterest.history.loaded_history import computed_once
from oneup_pinterest.history.pins_needed import with_pins_needed
from oneup_pinterest.methods.frames import day_numbers, mean_of, with_account
from oneup_pinterest.methods.log_contrasts import LogContrast
from oneup_pinterest.methods.permutation import PERMUTATIONS, PinsWithin
from oneup_pinterest.methods.power import SOUGHT
from oneup_pinterest.methods.types import Columns
from oneup_pinterest.methods.verdicts import with_verdicts

MAX_CHARACTERS = 1_000  # of a text; Pinterest's descriptions have at most 800

_MARKUP = r"<[^<>]{0,200}>"
_ADDRESS = r"(?i)\b(?:https?://|www\.)\S+"
_WORD = r"[\p{L}\p{N}][\p{L}\p{M}\p{N}]*(?:['’][\p{L}\p{M}\p{N}]+)*"
_CALLS = (
    r"save|shop|buy|order|click|tap|swipe|read more|learn more|learn how|find out|discover|download|sign up|subscribe|"
    r"follow|get the|grab|try|check out|visit|link in bio|"
    r"jetzt|entdecke|speicher\w*|guarda|descubre|compra|découvre\w*|enregistre\w*|achete\w*|scopri|salva"
)
_SEASONS = (
    r"spring|summer|autumn|fall|winter|christmas|xmas|advent|halloween|thanksgiving|easter|valentine\w*|new year\w*|"
    r"holidays?|mother'?s day|father'?s day|back to school|"
    r"frühling|sommer|herbst|weihnacht\w*|ostern|noël|été|automne|hiver|printemps|navidad|verano|otoño|invierno|"
    r"primavera|natale|estate|autunno|inverno|pascua|pasqua"
)
LONG = "longer than the account's median"
_TEXT, _LETTERS = pl.col("text"), pl.col("text").str.count_matches(r"\p{L}")
# Each is true or false of a text, so that one test fits all and none assumes a linear effect
FEATURES: dict[str, pl.Expr] = {
    LONG: pl.col("words") > pl.col("words").median().over("social_network_id"),
    "has a hashtag": _TEXT.str.contains(r"#[\p{L}\p{N}_]"),
    "asks a question": _TEXT.str.contains(r"[?？؟]"),
    "has an exclamation mark": _TEXT.str.contains(r"[!！¡]"),
    "has a number": _TEXT.str.contains(r"\p{Nd}"),
    "has an emoji": _TEXT.str.contains(r"[\p{Emoji_Presentation}\p{Extended_Pictographic}]"),
    "has a web address": _TEXT.str.contains(_ADDRESS),
    "calls to act (save, shop, try …)": _TEXT.str.contains(rf"(?i)\b(?:{_CALLS})\b"),
    "names a season or feast": _TEXT.str.contains(rf"(?i)\b(?:{_SEASONS})\b"),
    "has several lines": _TEXT.str.contains(r"\S[ \t]*\r?\n\s*\S"),
    "is mostly in capitals": _TEXT.str.count_matches(r"\p{Lu}").cast(pl.Float64) > 0.5 * _LETTERS,
    "has a price or a percentage": _TEXT.str.contains(r"[$€£¥₹]\s?\d|\d\s?(?:[$€£¥₹%])"),
}

_EFFECTS: Columns = {
    "feature": pl.String,
    "pins_with": pl.Int64,
    "pins_without": pl.Int64,
    "mean_with": pl.Float64,
    "mean_without": pl.Float64,
    "ratio": pl.Float64,
    "low": pl.Float64,
    "high": pl.Float64,
    "p_value": pl.Float64,
    "q_value": pl.Float64,
    "verdict": pl.String,
    "features_compared": pl.Int64,
    "detectable": pl.Float64,
}


def text_features(outcomes: pl.DataFrame) -> pl.DataFrame:
    """Return the outcomes that have a text, with a column `words` (a count) and one of booleans for each of `FEATURES`.

    Texts are taken up to 1,000 characters; words are runs of letters and digits of any script, without markup and web
    addresses. Calls to act and seasons are known in English and by a few words of four other languages.

    >>> texts = pl.DataFrame({"social_network_id": "pin_a", "text": ["20 ideas for Christmas? #diy", "Soup", None]})
    >>> found = text_features(texts)
    >>> found.select("words", "asks a question", "has a hashtag", "names a season or feast").rows()
    [(5, True, True, True), (1, False, False, False)]
    """
    return (
        outcomes.filter(pl.col("text").is_not_null())
        .with_columns(pl.col("text").str.slice(0, MAX_CHARACTERS))
        .with_columns(words=words_of(pl.col("text")).list.len().cast(pl.Int64))
        .with_columns(**FEATURES)
    )


def outcomes_with_text(history: AccountHistory, metric: str) -> pl.DataFrame:
    """Return the first-week outcomes of the account's pins that have a text."""
    return history.first_week(metric).filter(pl.col("text").str.strip_chars() != "")


@computed_once
def text_effects(history: AccountHistory, metric: str = "saves", *, sought: float = SOUGHT) -> pl.DataFrame:
    """Return `compared_features` of the account's pins that have a text, and what it takes to find more.

    Further columns: those of `history.pins_needed.with_pins_needed` for `ratio` and for a rise of `sought` percent.
    """
    outcomes = outcomes_with_text(history, metric)
    return with_pins_needed(compared_features(outcomes), pl.col("ratio").log(), history, outcomes, sought)


def compared_features(outcomes: pl.DataFrame, *, permutations: int = PERMUTATIONS, seed: int = 0) -> pl.DataFrame:
    """Compare pins whose text has a feature with pins of the same weeks without it, by what they had after a week.

    `outcomes` is a frame of `first_week_outcomes`. One row per feature; no rows for an account without texts.
    Columns, sorted by the first and, in the order of `FEATURES`, by the second:

    - social_network_id, feature
    - pins_with, pins_without: number of pins with an outcome and a distinct text, with the feature and without it
    - mean_with, mean_without: mean outcome of these pins (count)
    - ratio, low, high: typical outcome with the feature over that without, and its 95% interval: the factor on expected
      counts that explains the difference of the logs of 1 + count
    - p_value: of a shuffle inside the weeks, where pins of one day and week share their luck; q_value: adjusted over
      the features (Benjamini and Hochberg 1995)
    - verdict: `more`, `less` (q at most 0.05), `within normal variation`, or `no verdict` (fewer than 5 with or
      without in the same weeks, or all of fewer than 3 days); the numbers are then null
    - features_compared: number of features with numbers; those that the same pins have count once
    - detectable: the smallest ratio that would be found in 80% of cases now, as a rise in percent: what a single
      difference among the features needs (5% divided by features_compared)

    Pins with the same text in the same weeks count as one, by their typical outcome, here and in `compared_words`.
    Texts go with subjects, so a feature that stands out need not be the cause. The test is `PinsWithin.contrast`
    (Janssen 1997).

    >>> from datetime import datetime, timedelta
    >>> outcomes = pl.DataFrame({"social_network_id": "pin_a", "id": [f"{n:03}" for n in range(80)], "weeks": 0,
    ...     "moment": [datetime(2026, 1, 5) + timedelta(hours=7 * n) for n in range(80)],
    ...     "text": [f"Soup {'a' * n}{'!' * (n % 2)}" for n in range(80)],
    ...     "value": [9.0 + n % 5 + 11 * (n % 2) for n in range(80)]})
    >>> found = compared_features(outcomes).drop_nulls("ratio")
    >>> found.select("feature", pl.col("ratio").round(1), "verdict").rows()
    [('has an exclamation mark', 2.0, 'more')]
    """
    rows = text_features(one_of_a_text(outcomes)).sort("weeks", "id")
    if rows.is_empty():
        return with_account("", None, _EFFECTS)
    pins = PinsWithin(rows["value"].to_numpy(), rows["weeks"].to_numpy(), day_numbers(rows))
    rng = np.random.default_rng(seed)
    found: list[dict[str, Any]] = []
    tested: dict[bytes, LogContrast | None] = {}  # by the pins that have a feature
    had: list[bytes] = []
    for feature in FEATURES:
        has = rows[feature].to_numpy()
        value = rows["value"].to_numpy()
        row: dict[str, Any] = {"feature": feature, "pins_with": int(has.sum()), "pins_without": int((~has).sum())}
        row |= {"mean_with": mean_of(value[has]), "mean_without": mean_of(value[~has])}
        if has.tobytes() not in tested:
            contrast = pins.contrast(has, rng, permutations)
            tested[has.tobytes()] = contrast[0] if contrast and contrast[0].estimate is not None else None
        found.append(row)
        had.append(has.tobytes())
    compared = sum(contrast is not None for contrast in tested.values())
    for row, pins_with in zip(found, had, strict=True):
        if same := tested[pins_with]:
            row |= {**same.ratios(), "detectable": same.detectable(compared)}
    table = with_verdicts(pl.DataFrame(found, schema=_EFFECTS)).with_columns(features_compared=pl.lit(compared))
    return with_account(rows["social_network_id"][0], table, _EFFECTS)


def one_of_a_text(outcomes: pl.DataFrame) -> pl.DataFrame:
    """Return the outcomes with a text; pins with the same text in the same weeks become one.

    They share a subject and its luck: counted one by one, a single lucky subject would look like many lucky words.
    """
    return (
        outcomes.filter(pl.col("value").is_not_null() & pl.col("text").is_not_null())
        .sort("weeks", "id")
        .group_by("social_network_id", "weeks", "text", maintain_order=True)
        .agg(pl.col("id", "moment").first(), pl.col("value").log1p().mean().exp() - 1)
    )


def words_of(text: pl.Expr) -> pl.Expr:
    """Return the list of words of each text, in lower case: runs of letters and digits, without markup and addresses.

    >>> pl.select(words_of(pl.lit("<b>Plum</b> cake, https://a.example")))["literal"].to_list()
    [['plum', 'cake']]
    """
    plain = text.str.replace_all(_MARKUP, " ").str.replace_all(_ADDRESS, " ")
    return plain.str.to_lowercase().str.extract_all(_WORD)
