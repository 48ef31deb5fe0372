"""Find what the texts of better pins have in common: features, and words that one half uses more than the other."""

from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from oneup_pinterest.history.account_history import AccountHistory
from oneup_pinterest.history.first_week import MIN_PINS
from oneup_pinterest.history.loaded_history import computed_once
from oneup_pinterest.methods.frames import with_account
from oneup_pinterest.methods.permutation import PERMUTATIONS, SIGNIFICANT, chunks, difference_within, shuffle_within
from oneup_pinterest.methods.types import Columns, Floats, Integers
from oneup_pinterest.methods.verdicts import WITHIN_NORMAL_VARIATION, with_verdicts

MAX_CHARACTERS = 1_000  # of a text; Pinterest's descriptions have at most 800
MAX_WORDS = 400  # the most common words and pairs: with more comparisons, less is found
MIN_PINS_WITH_WORD = 5
MAX_WORD_LENGTH = 40
PRIOR_WORDS = 500.0  # weight of the prior in words, as for the short texts of Monroe et al.

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
    "ratio": pl.Float64,
    "low": pl.Float64,
    "high": pl.Float64,
    "p_value": pl.Float64,
    "q_value": pl.Float64,
    "verdict": pl.String,
}
_WORDS: Columns = {
    "word": pl.String,
    "pins": pl.Int64,
    "better": pl.Int64,
    "share_better": pl.Float64,
    "expected_share": pl.Float64,
    "log_odds": pl.Float64,
    "z": pl.Float64,
    "p_value": pl.Float64,
    "verdict": pl.String,
    "pins_in_all": pl.Int64,
    "words_compared": pl.Int64,
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
        .with_columns(words=_words_of(pl.col("text")).list.len().cast(pl.Int64))
        .with_columns(**FEATURES)
    )


def outcomes_with_text(history: AccountHistory, metric: str) -> pl.DataFrame:
    """Return the first-week outcomes of the account's pins that have a text."""
    return history.first_week(metric).filter(pl.col("text").str.strip_chars() != "")


@computed_once
def text_effects(history: AccountHistory, metric: str = "saves") -> pl.DataFrame:
    """Return `compared_features` of the account's pins that have a text."""
    return compared_features(outcomes_with_text(history, metric))


def compared_features(outcomes: pl.DataFrame, *, permutations: int = PERMUTATIONS, seed: int = 0) -> pl.DataFrame:
    """Compare pins whose text has a feature with pins of the same weeks without it, by what they had after a week.

    `outcomes` is a frame of `first_week_outcomes`. One row per feature; no rows for an account without texts.
    Columns, sorted by the first and, in the order of `FEATURES`, by the second:

    - social_network_id, feature
    - pins_with, pins_without: number of pins with an outcome and a distinct text, with the feature and without it
    - ratio, low, high: typical outcome (geometric mean of 1 + count) with the feature over that without, and its 95%
      interval
    - p_value: of a shuffle inside the weeks; q_value: adjusted over the features (Benjamini and Hochberg 1995)
    - verdict: `more`, `less` (q at most 0.05), `within normal variation`, or `no verdict` (fewer than 5 with or
      without in the same weeks); the numbers are then null

    Pins with the same text in the same weeks count as one, by their typical outcome, here and in `compared_words`.
    Texts go with subjects, so a feature that stands out need not be the cause. The test is `difference_within`
    (Janssen 1997).

    >>> outcomes = pl.DataFrame({"social_network_id": "pin_a", "id": [f"{n:03}" for n in range(80)], "weeks": 0,
    ...     "text": [f"Soup {'a' * n}{'!' * (n % 2)}" for n in range(80)],
    ...     "value": [9.0 + n % 5 + 11 * (n % 2) for n in range(80)]})
    >>> found = compared_features(outcomes).drop_nulls("ratio")
    >>> found.select("feature", pl.col("ratio").round(1), "verdict").rows()
    [('has an exclamation mark', 1.9, 'more')]
    """
    rows = text_features(_one_of_a_text(outcomes)).sort("weeks", "id")
    if rows.is_empty():
        return with_account("", None, _EFFECTS)
    outcome, weeks = rows["value"].log1p().to_numpy(), rows["weeks"].to_numpy()
    rng = np.random.default_rng(seed)
    found: list[dict[str, Any]] = []
    for feature in FEATURES:
        has = rows[feature].to_numpy()
        row: dict[str, Any] = {"feature": feature, "pins_with": int(has.sum()), "pins_without": int((~has).sum())}
        if difference := difference_within(outcome, weeks, has, rng, permutations):
            ratios = np.exp([difference.estimate, difference.low, difference.high]).tolist()
            row |= {**dict(zip(("ratio", "low", "high"), ratios, strict=True)), "p_value": difference.p_value}
        found.append(row)
    table = with_verdicts(pl.DataFrame(found, schema=_EFFECTS))
    return with_account(rows["social_network_id"][0], table, _EFFECTS)


@computed_once
def word_contrasts(history: AccountHistory, metric: str = "saves") -> pl.DataFrame:
    """Return `compared_words` of the account's pins that have a text."""
    return compared_words(outcomes_with_text(history, metric))


def compared_words(outcomes: pl.DataFrame, *, permutations: int = PERMUTATIONS, seed: int = 0) -> pl.DataFrame:
    """Compare how often better pins, and the other pins of the same weeks, use each word and pair of words.

    `outcomes` is a frame of `first_week_outcomes`. A pin is better if it has more than the median of its weeks. A word
    counts once per pin. The (at most 400) most common ones are compared that at least 5 pins have and at least 5 do
    not; of words that are always in the same pins, only the longest. One row per word; no rows where an account has
    fewer than 20 pins with a text, or fewer than two such words. Columns, sorted by account and z (best first):

    - social_network_id, word (lower case; a pair is two words that follow each other)
    - pins, better: number of pins with the word; of these, better ones
    - share_better, expected_share: better / pins (0 to 1), and its value if the word does not matter
    - log_odds: log-odds ratio of the word in better pins against the others, with an informative Dirichlet prior
    - z: log_odds minus its mean over shuffles of the better pins inside their weeks, over its standard deviation
    - p_value: share of shuffles in which any word has a z at least as large (Westfall and Young 1993)
    - verdict: `better`, `worse` (p at most 0.05), or `within normal variation`
    - pins_in_all, words_compared: numbers of pins and of words of the account

    The log-odds are those of Monroe, Colaresi and Quinn, Fightin' Words (2008, https://doi.org/10.1093/pan/mpn018).
    Their z assumes that words are sampled one by one, but pins are: here the shuffles measure chance.

    >>> outcomes = pl.DataFrame({"social_network_id": "pin_a", "id": [f"{n:03}" for n in range(80)], "weeks": 0,
    ...     "text": [f"{('Plum', 'Bean', 'Plain', 'Plum')[n % 4]} {n}" for n in range(80)],
    ...     "value": [20.0, 5.0, 4.0, 9.0] * 20})
    >>> found = compared_words(outcomes)
    >>> found.select("word", "pins", "better").rows()[0], found["verdict"].to_list()[0]
    (('plum', 40, 40), 'better')
    """
    if outcomes.is_empty():
        return with_account("", None, _WORDS)
    return with_account(outcomes["social_network_id"][0], _contrasts(outcomes, permutations, seed), _WORDS)


def _contrasts(outcomes: pl.DataFrame, permutations: int, seed: int) -> pl.DataFrame:
    rows = (
        _one_of_a_text(outcomes)
        .with_columns(is_better=pl.col("value") > pl.col("value").median().over("weeks"))
        # weeks whose pins are all alike have nothing to compare
        .filter(pl.col("is_better").any().over("weeks"))
        .sort("weeks", "id")
        .with_row_index("pin")
    )
    words = _compared_words(rows) if rows.height >= MIN_PINS else pl.DataFrame()
    if words.height < 2:  # the odds of a word need other words
        return pl.DataFrame(schema=_WORDS)
    has = np.zeros((rows.height, words.height), dtype=np.float32)
    for column, pins in enumerate(words["pin"]):  # at most MAX_WORDS
        has[pins.to_numpy(), column] = 1
    is_better = rows["is_better"].to_numpy()
    starts = np.unique(rows["weeks"].to_numpy(), return_index=True)[1].astype(np.int64)
    size = np.diff([*starts, rows.height])
    better_share = np.repeat(np.add.reduceat(is_better.astype(np.float64), starts) / size, size)
    better = is_better.astype(np.float32) @ has
    counts = has.sum(axis=0).astype(np.float64)
    log_odds = _log_odds(better.astype(np.float64)[None, :], counts)[0]
    shuffled = _shuffled_log_odds(is_better, has, starts, counts, permutations, np.random.default_rng(seed))
    # the observed value counts as one of the shuffles, so that it contributes to their spread
    together = np.vstack([log_odds[None, :], shuffled])
    spread = together.std(axis=0)
    deviation = together - together.mean(axis=0)
    standardized = np.divide(deviation, spread, out=np.zeros_like(deviation), where=spread > 1e-9)
    z, largest = standardized[0], np.abs(standardized).max(axis=1)
    p_value = (largest[None, :] >= np.abs(z)[:, None] - 1e-9).mean(axis=1)
    share = better / counts
    return (
        words.select("word", "pins")
        .with_columns(
            pl.Series("better", better.round().astype(np.int64)),
            pl.Series("share_better", share),
            pl.Series("expected_share", (better_share @ has) / counts),
            pl.Series("log_odds", log_odds),
            pl.Series("z", z),
            pl.Series("p_value", p_value),
            pl.Series(
                "verdict",
                np.where(p_value > SIGNIFICANT, WITHIN_NORMAL_VARIATION, np.where(z > 0, "better", "worse")).tolist(),
            ),
            pins_in_all=pl.lit(rows.height, pl.Int64),
            words_compared=pl.lit(words.height, pl.Int64),
        )
        .sort("z", "word", descending=[True, False])
    )


def _one_of_a_text(outcomes: pl.DataFrame) -> pl.DataFrame:
    """Return the outcomes with a text; pins with the same text in the same weeks become one.

    They share a subject and its luck: counted one by one, a single lucky subject would look like many lucky words.
    """
    return (
        outcomes.filter(pl.col("value").is_not_null() & pl.col("text").is_not_null())
        .sort("weeks", "id")
        .group_by("social_network_id", "weeks", "text", maintain_order=True)
        .agg(pl.col("id").first(), pl.col("value").log1p().mean().exp() - 1)
    )


def _compared_words(rows: pl.DataFrame) -> pl.DataFrame:
    """Return words and pairs with the pins that have them: word, pins (a count), pin (list of row numbers)."""
    single = (
        rows.select("pin", word=_words_of(pl.col("text").str.slice(0, MAX_CHARACTERS)))
        .explode("word")
        .filter(pl.col("word").is_not_null() & (pl.col("word").str.len_chars() <= MAX_WORD_LENGTH))
    )
    after = pl.col("word").shift(-1).over("pin")
    pairs = single.select("pin", word=pl.concat_str("word", pl.lit(" "), after)).filter(pl.col("word").is_not_null())
    most = rows.height - MIN_PINS_WITH_WORD
    return (
        pl.concat([single, pairs])
        .unique(["pin", "word"])
        .group_by("word")
        # a fingerprint of the set of pins: words that always occur together are one comparison
        .agg(pins=pl.len().cast(pl.Int64), pin=pl.col("pin"), same=pl.col("pin").hash(seed=7).sum())
        .filter(pl.col("pins").is_between(MIN_PINS_WITH_WORD, most))
        .sort(pl.col("word").str.len_chars(), "word", descending=[True, False])
        .unique(["pins", "same"], keep="first", maintain_order=True)
        .sort("pins", "word", descending=[True, False])
        .head(MAX_WORDS)
        .select("word", "pins", "pin")
    )


def _words_of(text: pl.Expr) -> pl.Expr:
    plain = text.str.replace_all(_MARKUP, " ").str.replace_all(_ADDRESS, " ")
    return plain.str.to_lowercase().str.extract_all(_WORD)


def _log_odds(better: Floats, counts: Floats) -> Floats:
    """Return the log-odds of each word in the better pins against the others, per row of counts."""
    prior = PRIOR_WORDS * counts / counts.sum()
    ones, twos = better + prior, counts - better + prior
    odds_one = ones / (ones.sum(axis=1, keepdims=True) - ones)
    odds_two = twos / (twos.sum(axis=1, keepdims=True) - twos)
    logarithm: Floats = np.log(odds_one) - np.log(odds_two)
    return logarithm


def _shuffled_log_odds(
    is_better: npt.NDArray[np.bool_],
    has: npt.NDArray[np.float32],
    starts: Integers,
    counts: Floats,
    permutations: int,
    rng: np.random.Generator,
) -> Floats:
    found = []
    for rows in chunks(is_better.size, permutations):
        labels = np.tile(is_better, (rows, 1))
        shuffle_within(labels, starts, rng)
        found.append(_log_odds((labels.astype(np.float32) @ has).astype(np.float64), counts))
    shuffled: Floats = np.concatenate(found)
    return shuffled
