"""Features and words of better pins are found in any script, and only if chance does not explain them."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from oneup_pinterest.database.load import load_pins
from oneup_pinterest.errors import UserError
from oneup_pinterest.history.account_history import AccountHistory
from oneup_pinterest.history.first_week import with_weeks
from oneup_pinterest.questions.texts.answer import text_answer, words_answer
from oneup_pinterest.questions.texts.chart import features_chart, words_chart
from oneup_pinterest.questions.texts.statistic import (
    FEATURES,
    LONG,
    MAX_CHARACTERS,
    compared_features,
    text_features,
)
from oneup_pinterest.questions.texts.words import compared_words
from simulations.worlds import MadeUpHistory
from test_support.history import HOSTILE_TEXT, make_history, make_long_history
from unit_tests.questions.test_change import HISTORIES, checked_spec

HOSTILE_TEXTS = [
    None,
    "",
    "   ",
    "\n\r\n",
    HOSTILE_TEXT,
    "שלום עולם \u202e חדש",
    "مرق؟ حساء",
    "🍜🍲" * 50,
    "a" * 10_000,
    "soup " * 2_000,
    "\x00\x1b[31mred",
    "汤很好喝",
    "İSTANBUL ﬁ",
    "<" * 5_000,
    "{{7*7}} $(id) %s",
]


def outcomes(texts: Sequence[str | None], values: list[float]) -> pl.DataFrame:
    """Return pins of a few days; trailing spaces make each text unique."""
    texts = [text if text is None else text + " " * number for number, text in enumerate(texts)]
    return with_weeks(
        pl.DataFrame(
            {
                "social_network_id": "pin_a",
                "id": [f"{n:05}" for n in range(len(values))],
                "value": values,
                "moment": [datetime(2026, 3, 2) + timedelta(days=n % 7) for n in range(len(values))],
                "format": "pin",
                "media_type": "IMAGE",
                "text": texts,
            },
            schema_overrides={"text": pl.String, "value": pl.Float64},
        )
    )


def plums() -> pl.DataFrame:
    """Return pins of which the half that asks about plums has twice the saves."""
    return outcomes(
        ["Plum cake?", "Bean soup", "Plum soup?", "Plain soup"] * 20,
        [(21.0 if n % 2 == 0 else 10.0) + n % 3 for n in range(80)],
    )


@pytest.mark.parametrize(
    ("text", "features"),
    [
        ("Soup", set()),
        ("Soup? 20 ways", {"asks a question", "has a number"}),
        ("مرق؟", {"asks a question"}),
        ("EASY SOUP!", {"is mostly in capitals", "has an exclamation mark"}),
        ("soup 🍜", {"has an emoji"}),
        ("soup\nbread", {"has several lines"}),
        ("#soup", {"has a hashtag"}),
        ("see https://soup.example/a", {"has a web address"}),
        ("Try this", {"calls to act (save, shop, try …)"}),
        ("Weihnachten", {"names a season or feast"}),
        ("soup, $5", {"has a number", "has a price or a percentage"}),
        ("poultry", set()),
    ],
)
def test_features_of_a_text_are_found(text: str, features: set[str]) -> None:
    row = text_features(outcomes([text], [1.0])).row(0, named=True)
    assert {name for name in FEATURES if row[name] and name != LONG} == features


def test_words_are_counted_without_markup_and_urls() -> None:
    found = text_features(outcomes(["<b>Plum</b> cake https://x.example/a/b it's", "汤 很"], [1.0, 2.0]))
    assert found["words"].to_list() == [3, 2]


def test_feature_that_doubles_the_outcome_is_reported_with_its_ratio() -> None:
    row = compared_features(plums()).row(by_predicate=pl.col("feature") == "asks a question", named=True)
    assert (row["pins_with"], row["pins_without"], row["verdict"]) == (40, 40, "more")
    assert row["ratio"] == pytest.approx(2, rel=0.02)
    assert row["low"] < row["ratio"] < row["high"]
    sentence = text_answer(MadeUpHistory(outcomes=plums())).sentence
    assert sentence.startswith(
        "Pins whose text asks a question had 22.0 saves on average after 7 days, the others 11.0."
    )
    assert "the typical one had 2.0 times as many" in sentence
    assert "40 pins with it and 40 without" in sentence


def test_words_of_the_better_pins_come_first_with_their_figures() -> None:
    found = compared_words(plums())
    row = found.row(0, named=True)
    assert (row["word"], row["pins"], row["publication_days"], row["verdict"]) == ("plum", 40, 7, "more")
    assert row["ratio"] == pytest.approx(2, rel=0.02)
    assert row["low"] < row["ratio"] < row["high"]
    assert found["verdict"].to_list()[-1] != "more"
    sentence = words_answer(MadeUpHistory(outcomes=plums())).sentence
    assert "Pins with “plum” had 22.0 saves on average, the others 11.0; " in sentence
    assert "more (40 pins published on 7 days)" in sentence


def test_a_planned_word_is_tested_alone_and_found_where_a_search_is_not_sure() -> None:
    rng = np.random.default_rng(4)
    texts = [" ".join([*(f"w{number:02}" for number in rng.choice(60, 6, replace=False))]) for _ in range(200)]
    made = outcomes(
        texts, [float(rng.poisson(20 * rng.lognormal(0, 1) * (1.6 if "w07" in text else 1))) for text in texts]
    )
    searched = compared_words(made).row(by_predicate=pl.col("word") == "w07", named=True)
    alone = compared_words(made, "W07").row(0, named=True)
    assert (alone["words_compared"], alone["word"], alone["ratio"]) == (1, "w07", pytest.approx(searched["ratio"]))
    assert searched["verdict"] == "within normal variation"
    assert alone["verdict"] == "more"
    answer = words_answer(MadeUpHistory(outcomes=made), word="W07")
    assert answer.question == "Does “w07” go with more saves?"
    assert answer.sentence.startswith("Pins with “w07” had")
    missing = words_answer(MadeUpHistory(outcomes=made), word="pear").sentence
    assert missing == (
        "Not enough data yet: “pear” has to be in at least 5 pins of 3 days or more and missing from 5 others, and "
        "counts that differ."
    )


def test_a_planned_word_is_read_as_texts_are() -> None:
    made = MadeUpHistory(outcomes=plums())
    for word, read in (("Plum!", "plum"), (" PLUM ", "plum"), ("Bean-Soup", "bean soup"), ("#plum cake?", "plum cake")):
        answer = words_answer(made, word=word)
        assert answer.question == f"Does “{read}” go with more saves?"
        assert f"Pins with “{read}” had" in answer.sentence
        assert compared_words(plums(), word)["word"].to_list() == [read]


@pytest.mark.parametrize("word", ["", "!?", "plum cake recipes", "<b>"])
def test_a_planned_word_that_is_none_or_several_is_rejected(word: str) -> None:
    with pytest.raises(UserError, match="Ask for one word, or for two that follow each other"):
        words_answer(MadeUpHistory(outcomes=plums()), word=word)
    with pytest.raises(UserError, match="Ask for one word"):
        compared_words(plums(), word)


def test_a_word_of_pins_of_two_days_is_not_compared() -> None:
    made = plums().with_columns(
        text=pl.when(pl.col("moment").dt.day() <= 3).then(pl.lit("Fig ") + pl.col("text")).otherwise("text"),
        value=pl.col("value") * pl.when(pl.col("moment").dt.day() <= 3).then(9).otherwise(1),
    )
    assert made.filter(pl.col("text").str.starts_with("Fig"))["moment"].dt.date().n_unique() == 2
    found = compared_words(made)
    assert "plum" in found["word"].to_list()
    assert not [word for word in found["word"] if "fig" in word]
    assert found["words_compared"].unique().to_list() == [found.height]
    assert compared_words(made, "fig").is_empty()
    assert (
        "“fig” has to be in at least 5 pins of 3 days or more"
        in words_answer(MadeUpHistory(outcomes=made), word="fig").sentence
    )


def test_features_of_the_same_pins_count_once() -> None:
    made = outcomes(
        ["Plum cake for 5 $" if n % 2 else "Bean soup" for n in range(80)], [float(n * 7 % 31) for n in range(80)]
    )
    found = compared_features(made).drop_nulls("ratio")
    assert {"has a number", "has a price or a percentage"} <= set(found["feature"])
    assert found["features_compared"].unique().to_list() == [1]
    answer = text_answer(MadeUpHistory(outcomes=made))
    assert answer.sentence.endswith("1 feature was compared in 80 pins.")
    assert any(note.startswith("1 feature was asked at once") for note in answer.notes)


def test_a_word_of_one_lucky_batch_is_not_claimed() -> None:
    rng = np.random.default_rng(3)
    batch = np.repeat(np.arange(10), 12)
    luck = np.where(batch == 4, 8.0, rng.lognormal(0, 0.7, 10)[batch])
    values = rng.poisson(20 * luck * rng.lognormal(0, 0.5, 120)).astype(float).tolist()
    made = outcomes([f"soup {'plum' if number == 4 else 'bean'} {n % 9}" for n, number in enumerate(batch)], values)
    moments = pl.Series("moment", [datetime(2026, 1, 5) + timedelta(days=3 * int(number)) for number in batch])
    assert "more" not in compared_words(with_weeks(made.with_columns(moments).drop("weeks")))["verdict"].to_list()


def test_word_counts_once_per_pin_and_inseparable_words_are_merged() -> None:
    texts = ["egg egg egg fried rice", "egg noodle"] * 15 + ["noodle"] * 10
    found = compared_words(outcomes(texts, [float(n % 11) for n in range(40)]), permutations=99)
    pins = dict(found.select("word", "pins").iter_rows())
    assert pins["egg"] == 30
    assert "fried" not in pins, "it always occurs with rice"
    assert "rice" not in pins
    assert pins["noodle"] == 25


def test_pins_with_the_same_text_are_one_observation() -> None:
    made = plums()
    repeated = pl.concat([made, made.with_columns(pl.col("id") + "-again")])
    first, again = (
        compared_features(frame).row(by_predicate=pl.col("feature") == "asks a question", named=True)
        for frame in (made, repeated)
    )
    assert again["pins_with"] == first["pins_with"] == 40
    assert again["ratio"] == pytest.approx(first["ratio"])
    assert compared_words(repeated)["pins"].to_list() == compared_words(made)["pins"].to_list()


def test_sentence_states_a_null_result() -> None:
    rng = np.random.default_rng(0)
    made = outcomes([f"soup {n % 5} {'!' if n % 3 else '?'}" for n in range(100)], rng.lognormal(2, 1, 100).tolist())
    assert text_answer(MadeUpHistory(outcomes=made)).sentence.startswith(
        "No feature of the texts goes with more or fewer"
    )
    assert words_answer(MadeUpHistory(outcomes=made)).sentence.startswith("No word goes with more or fewer saves than")


def test_too_few_pins_texts_or_words_give_a_reason() -> None:
    few = outcomes(["Soup"] * 4, [1.0] * 4)
    none = outcomes([None, ""] * 20, [float(n) for n in range(40)])
    one_word = outcomes(["Soup"] * 40, [float(n % 7) for n in range(40)])
    alike = outcomes(["Soup!", "Plum cake"] * 20, [3.0] * 40)
    for answer in (text_answer, words_answer):
        assert "there are 4." in answer(MadeUpHistory(outcomes=few)).sentence
        assert (
            "pins with a text whose saves after 7 days are known; there are 0."
            in answer(MadeUpHistory(outcomes=none)).sentence
        )
        assert answer(MadeUpHistory(outcomes=alike)).sentence.startswith("Not enough data yet")
    assert words_answer(MadeUpHistory(outcomes=one_word)).sentence.startswith("Not enough data yet: a word is needed")


def test_hostile_texts_are_treated_as_plain_words() -> None:
    made = outcomes(HOSTILE_TEXTS * 8, [float(n * 7 % 31) for n in range(8 * len(HOSTILE_TEXTS))])
    assert text_features(made)["words"].max() == MAX_CHARACTERS // 5
    for answer in (
        text_answer(MadeUpHistory(outcomes=made), width=340),
        words_answer(MadeUpHistory(outcomes=made)),
    ):
        assert not set(answer.sentence) & set("\x00\x1b\u202e<")
        checked_spec(answer.chart)
    words = compared_words(made)
    assert not any("<" in word or len(word) > 81 for word in words["word"])


def test_long_words_and_non_bmp_characters_are_drawn() -> None:
    contrasts = pl.DataFrame(
        {
            "word": ["𝓈ℴ𝓊𝓅 " * 8, "x" * 40, "𐤔"],
            "z": [4.0, 0.5, -3.0],
            "pins": [9] * 3,
            "ratio": [1.6, 1.1, None],
            "verdict": ["more", "within normal variation", "less"],
        }
    )
    spec = checked_spec(words_chart(contrasts, "saves", 340))
    assert all(ord(character) <= 0xFFFF for row in spec["data"]["values"] for character in row["word"])


def test_charts_without_rows_are_drawn() -> None:
    checked_spec(words_chart(compared_words(plums()).clear(), "saves"))
    checked_spec(features_chart(compared_features(plums()).clear(), "saves"))


def test_row_order_does_not_matter_and_empty_frames_keep_columns() -> None:
    made = plums()
    shuffled = made.sample(fraction=1, shuffle=True, seed=1)
    for statistic in (compared_features, compared_words):
        whole = statistic(made)
        assert statistic(shuffled).equals(whole)
        assert statistic(made.clear()).schema == whole.schema


@pytest.mark.slow
@pytest.mark.parametrize("name", HISTORIES)
def test_every_history_gets_valid_answers(name: str, tmp_path: Path) -> None:
    pins = load_pins(make_history(tmp_path / "h.duckdb", **HISTORIES[name]), ["pin_one"])
    for answer in (text_answer(AccountHistory.from_pins(pins)), words_answer(AccountHistory.from_pins(pins))):
        assert answer.sentence.endswith((".", "!"))
        assert "nan" not in answer.sentence.lower().split()


def test_long_history_with_hostile_texts_gets_answers_and_charts(tmp_path: Path) -> None:
    path = make_long_history(tmp_path / "h.duckdb", ("pin_one",), days=60, pins=120, hostile=True)
    pins = load_pins(path, ["pin_one"])
    for answer in (text_answer(AccountHistory.from_pins(pins)), words_answer(AccountHistory.from_pins(pins))):
        spec = checked_spec(answer.chart)
        assert len(spec["description"]) > 40
        assert answer.table is not None
        assert "were compared in" in answer.sentence
