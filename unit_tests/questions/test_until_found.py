"""What would be found now, and when more would be found, follows from the noise that the data were made with."""

from datetime import date, datetime, timedelta
from functools import partial

import numpy as np
import polars as pl
import pytest

from oneup_pinterest.history.first_week import AGE
from oneup_pinterest.history.loaded_history import LoadedHistory
from oneup_pinterest.history.pins_needed import with_pins_needed
from oneup_pinterest.methods.types import Floats
from oneup_pinterest.questions.change.statistic import fitted_trend
from oneup_pinterest.questions.formats.answer import format_answer
from oneup_pinterest.questions.formats.statistic import compared_formats, format_differences
from oneup_pinterest.questions.texts.answer import text_answer, words_answer
from oneup_pinterest.questions.texts.statistic import compared_features
from oneup_pinterest.questions.texts.words import compared_words
from oneup_pinterest.questions.timing.answer import weekday_answer
from oneup_pinterest.questions.timing.statistic import compared_slots
from simulations.worlds import MadeUpHistory

MONDAY = datetime(2026, 1, 5)
PINS = 210
FOUND = 2.8  # deviations that are found in 80% of cases, at 5%


def outcomes(noise: float = 1.0, batch: int = 1, seed: int = 3) -> pl.DataFrame:
    """Return pins with large counts and this deviation of their logs; a third are videos, and texts with a plum.

    They are published one a day, or in batches of one day that share their luck.
    """
    rng = np.random.default_rng(seed)
    number = np.arange(PINS)
    luck = noise * standardized(rng.normal(0, 1, PINS))[number // batch * batch]
    has = number // batch % 3 == 0
    return pl.DataFrame(
        {
            "social_network_id": "pin_a",
            "id": [f"{pin:05}" for pin in number],
            "value": 10_000 * np.exp(luck),
            "moment": [MONDAY + timedelta(days=int(pin) // batch) for pin in number],
            "weeks": 0,
            "format": np.where(has, "video", "image"),
            "media_type": "IMAGE",
            "text": [
                f"{'plum' if one else 'soup'}{'?' if one else ''} {pin}" for pin, one in zip(number, has, strict=True)
            ],
        }
    )


def standardized(values: Floats) -> Floats:
    """Return the values with a mean of 0 and a deviation of 1, so that the noise is known."""
    return np.asarray((values - values.mean()) / values.std())


def log_of(percent: float) -> float:
    return float(np.log1p(percent / 100))


def of_error(group: float) -> float:
    """Return the deviation of a difference between this many pins and the others, if the logs deviate by 1."""
    return float(np.sqrt(1 / group + 1 / (PINS - group)))


def test_detectable_ratio_of_a_format_follows_from_the_noise() -> None:
    for noise in (0.3, 1.0):
        row = compared_formats(outcomes(noise)).row(0, named=True)
        assert log_of(row["detectable"]) == pytest.approx(FOUND * noise * of_error(70), rel=0.15)


def test_batches_that_share_their_luck_find_less() -> None:
    one_by_one, batches = (compared_formats(outcomes(batch=batch)).row(0, named=True) for batch in (1, 7))
    # 30 batches of 7 are worth little more than 30 pins
    assert log_of(batches["detectable"]) > 2 * log_of(one_by_one["detectable"])


def test_detectable_ratio_of_several_pairs_allows_for_their_number() -> None:
    made = outcomes()
    alone = compared_formats(made).row(0, named=True)
    split = made.with_columns(
        format=pl.when(pl.int_range(pl.len()) % 3 == 1).then(pl.lit("carousel")).otherwise("format")
    )
    of_three = compared_formats(split)
    assert of_three.height == 3
    # 2.39 + 0.84 deviations at 5% / 3, of 70 pins against 70
    for detectable in of_three["detectable"]:
        assert log_of(detectable) == pytest.approx(3.24 * np.sqrt(2 / 70), rel=0.2)
    assert log_of(alone["detectable"]) < log_of(of_three["detectable"].min())


def test_detectable_ratio_of_a_feature_follows_from_the_noise() -> None:
    found = compared_features(outcomes())
    row = found.row(by_predicate=pl.col("feature") == "asks a question", named=True)
    assert row["features_compared"] == found.drop_nulls("ratio").height == found.drop_nulls("detectable").height
    deviations = {1: 2.80, 2: 3.08}[row["features_compared"]]
    assert log_of(row["detectable"]) == pytest.approx(deviations * of_error(70), rel=0.15)


def test_a_planned_word_shows_a_smaller_difference_than_one_of_many() -> None:
    planned = compared_words(outcomes(), "plum").row(0, named=True)
    assert log_of(planned["detectable"]) == pytest.approx(FOUND * of_error(70), rel=0.15)
    rng = np.random.default_rng(1)
    wordy = outcomes().with_columns(
        text=pl.col("text") + pl.Series([" " + " ".join(f"w{n}" for n in rng.integers(0, 20, 4)) for _ in range(PINS)])
    )
    searched = compared_words(wordy).row(by_predicate=pl.col("word") == "plum", named=True)
    assert log_of(searched["detectable"]) > 1.15 * log_of(planned["detectable"])


def test_a_planned_weekday_shows_a_smaller_difference_than_one_of_seven() -> None:
    planned = compared_slots(outcomes(), "weekday", weekday="Saturday").row(0, named=True)
    assert log_of(planned["detectable"]) == pytest.approx(FOUND * of_error(30), rel=0.15)
    searched = compared_slots(outcomes(), "weekday").row(5, named=True)
    assert log_of(searched["detectable"]) > 1.15 * log_of(planned["detectable"])


def test_a_weekday_with_fewer_pins_shows_only_a_larger_difference() -> None:
    made = outcomes().filter((pl.col("moment").dt.weekday() != 6) | (pl.int_range(pl.len()) % 4 == 0))
    found = compared_slots(made, "weekday")
    saturday, sunday = (found.row(number, named=True) for number in (5, 6))
    assert saturday["pins"] < sunday["pins"] / 2
    assert saturday["detectable"] > sunday["detectable"]


def weekly(growth: float, noise: float, weeks: int) -> pl.DataFrame:
    logs = noise * standardized(np.random.default_rng(5).normal(0, 1, weeks)) + growth * np.arange(weeks)
    gains: Floats = np.repeat(2_000 * np.exp(logs), 7)
    return pl.DataFrame(
        {
            "social_network_id": "pin_a",
            "metric": "saves",
            "day": [date(2026, 1, 1) + timedelta(days=day) for day in range(7 * weeks)],
            "gain": gains,
            "counter_type": "lifetime",
            "is_provisional": False,
            "is_imputed": False,
        }
    )


def test_detectable_trend_follows_from_the_noise_and_the_cube_of_the_weeks() -> None:
    short, long = (fitted_trend(weekly(0, 0.2, weeks), "saves", weeks) for weeks in (12, 48))
    for row, weeks, most in ((short, 12, 3.0), (long, 48, 1.7)):
        of_slope = 0.2 / np.sqrt((weeks**3 - weeks) / 12)
        # swings that might persist make it less sure, most of all where there are few weeks
        assert FOUND * of_slope < log_of(row["detectable"]) < most * FOUND * of_slope
    assert long["detectable"] < short["detectable"] / 4


def test_weeks_needed_fall_with_the_size_of_the_trend() -> None:
    row = fitted_trend(weekly(0.03, 0.3, 12), "saves", 12, sought=50)
    steeper = fitted_trend(weekly(0.03, 0.3, 12), "saves", 12, sought=200)
    assert row["weeks_sought"] > steeper["weeks_sought"]
    assert row["detectable"] == steeper["detectable"]
    given = log_of(200) / 12
    assert steeper["weeks_sought"] == pytest.approx(12 * (log_of(row["detectable"]) / given) ** 0.8)
    size = abs(log_of(row["change"]))
    assert row["weeks_needed"] == pytest.approx(12 * (log_of(row["detectable"]) / size) ** 0.8)


def seen_until(day: datetime) -> LoadedHistory:
    return LoadedHistory(pl.DataFrame({"snapshot_date": [day.date()]}))


def compared(history: LoadedHistory, sought: float = 50.0) -> dict[str, float | str | None]:
    table = pl.DataFrame({"ratio": [1.25], "detectable": [100.0]})
    return with_pins_needed(table, pl.col("ratio").log(), history, outcomes(), sought).row(0, named=True)


def test_days_needed_follow_from_the_accounts_own_rate() -> None:
    row = compared(seen_until(MONDAY + timedelta(days=PINS + AGE)))
    pins = PINS * (np.log(2) / np.log(1.5)) ** 2
    assert row["pins_per_week"] == 7
    assert row["pins_sought"] == np.ceil(pins)
    assert row["days_sought"] == np.ceil(pins) - PINS
    assert row["pins_needed"] == np.ceil(PINS * (np.log(2) / np.log(1.25)) ** 2)
    assert row["days_reason"] is None


def test_days_are_unknown_if_nothing_was_published_lately() -> None:
    row = compared(seen_until(MONDAY + timedelta(days=PINS + AGE + 28)))
    assert (row["days_needed"], row["days_sought"], row["pins_per_week"]) == (None, None, 0)
    assert row["days_reason"] == "no such pin was published in the last 28 days that can be known"
    assert row["pins_sought"] is not None
    half = compared(seen_until(MONDAY + timedelta(days=PINS + AGE + 14)))
    assert half["pins_per_week"] == 3.5


def test_a_change_that_would_show_now_needs_no_more_days() -> None:
    now = seen_until(MONDAY + timedelta(days=PINS + AGE))
    assert compared(now, sought=101.0)["days_sought"] == 0
    with pytest.raises(ValueError, match="above 0%"):
        compared(now, sought=0.0)


def test_nothing_is_needed_where_there_is_one_format() -> None:
    made = outcomes().with_columns(format=pl.lit("video"))
    found = format_differences(MadeUpHistory(outcomes=made))
    assert found.is_empty()
    assert found.schema == format_differences(MadeUpHistory(outcomes=outcomes())).schema


def test_answers_say_what_would_show_now_and_when_more_would() -> None:
    history = partial(MadeUpHistory, outcomes=outcomes(0.8))
    for answer in (
        format_answer(history()),
        text_answer(history()),
        words_answer(history()),
        weekday_answer(history()),
        weekday_answer(history(), weekday="Saturday"),
    ):
        (note,) = [note for note in answer.notes if "or more would show now" in note]
        assert "at 7 pins per week, ×1.5 would show after about " in note or "would show now (four" in note, answer
