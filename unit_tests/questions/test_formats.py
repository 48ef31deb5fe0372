"""Formats are compared at the same age and within the same weeks."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from oneup_pinterest.database.load import load_pins
from oneup_pinterest.errors import UserError
from oneup_pinterest.history.account_history import AccountHistory
from oneup_pinterest.history.first_week import check_zones, first_week_outcomes, with_weeks
from oneup_pinterest.history.loaded_history import LoadedHistory
from oneup_pinterest.methods.permutation import PinsWithin
from oneup_pinterest.questions.formats.answer import format_answer
from oneup_pinterest.questions.formats.chart import MAX_PAIRS, formats_chart
from oneup_pinterest.questions.formats.statistic import MAX_FORMATS, compared_formats, compared_formats_together
from simulations.formats import confounded
from simulations.worlds import MadeUpHistory
from test_support.history import HOSTILE_TEXT, make_history, make_long_history
from unit_tests.questions.test_change import HISTORIES, checked_spec

MONDAY = datetime(2026, 1, 5)


def outcomes(formats: Sequence[str | None], values: list[float], days: list[int] | None = None) -> pl.DataFrame:
    """Return pins with an outcome, each published on a different day; `days` decides which weeks they belong to."""
    days = days or [0] * len(values)
    return with_weeks(
        pl.DataFrame(
            {
                "social_network_id": "pin_a",
                "id": [f"{n:05}" for n in range(len(values))],
                "value": values,
                "moment": [MONDAY + timedelta(days=day) for day in days],
                "format": formats,
                "media_type": "IMAGE",
                "text": "Soup",
            },
            schema_overrides={"format": pl.String, "value": pl.Float64},
        )
    ).with_columns(moment=pl.lit(MONDAY) + pl.duration(days=pl.int_range(pl.len())))


def simpson() -> pl.DataFrame:
    """Return 10 videos of 50 pins in one month and 40 of 50 in a later one, when every pin had four times the saves."""
    formats, values, days = [], [], []
    for late, videos in ((0, 10), (1, 40)):
        for n in range(50):
            formats.append("video" if n < videos else "image")
            values.append((40.0 if late else 10.0) * (1 + 0.1 * (n % 5)))
            days.append(late * 56)
    return outcomes(formats, values, days)


def test_season_is_not_mistaken_for_an_effect_of_the_format() -> None:
    row = compared_formats(simpson()).row(0, named=True)
    assert {row["first"], row["second"]} == {"image", "video"}
    crude = row["crude_ratio"] if row["first"] == "video" else 1 / row["crude_ratio"]
    # 80% of the videos are in the better month, and 20% of the images
    assert crude == pytest.approx(np.exp(0.6 * np.log(41 / 11)), rel=0.02)
    assert row["ratio"] == pytest.approx(1, abs=0.01)
    assert row["verdict"] == "within normal variation"
    assert row["low"] < 1 < row["high"]


def test_better_format_is_reported_with_its_ratio() -> None:
    values = [(21.0 if n % 4 == 0 else 10.0) + n % 3 for n in range(120)]
    made = outcomes(["video" if n % 4 == 0 else "image" for n in range(120)], values)
    row = compared_formats(made).row(0, named=True)
    assert (row["first"], row["pins_first"], row["pins_second"], row["verdict"]) == ("video", 30, 90, "more")
    assert row["mean_first"] == 22
    assert row["ratio"] == pytest.approx(2, rel=0.02)
    assert row["crude_ratio"] == pytest.approx(23 / 12, rel=0.01)  # geometric means of 1 + count
    sentence = _sentence(made)
    assert sentence.startswith("Video pins had 22.0 saves on average after 7 days, image pins 11.0; ")
    assert "the typical one had 2.0 times as many" in sentence
    assert "more (30 and 90 pins, published on 120 days)" in sentence


def test_a_format_of_a_few_lucky_batches_is_not_claimed() -> None:
    rng = np.random.default_rng(2)
    batch, is_video = np.arange(120) // 12, np.arange(120) // 12 % 3 == 0
    luck = np.where(is_video, 2.2, rng.lognormal(0, 1, 10)[batch])
    values = rng.poisson(20 * luck * rng.lognormal(0, 0.3, 120)).astype(float).tolist()
    made = outcomes(["video" if video else "image" for video in is_video], values)
    alone = compared_formats(made).row(0, named=True)
    batches = made.with_columns(moment=pl.lit(MONDAY) + pl.duration(days=pl.Series(batch)))
    together = compared_formats(batches).row(0, named=True)
    assert (together["pins_first"], together["publication_days"]) == (48, 10)
    assert (alone["verdict"], together["verdict"]) == ("more", "within normal variation")


def _sentence(made: pl.DataFrame) -> str:
    return format_answer(MadeUpHistory(outcomes=made)).sentence


def test_sentence_states_a_null_result() -> None:
    sentence = _sentence(simpson())
    assert sentence.startswith("No format differs by more than chance")
    assert "the typical one had 1.0 times as many" in sentence


def test_answer_says_if_there_is_only_one_format() -> None:
    assert _sentence(outcomes(["image"] * 30, [3.0] * 30)).startswith("All 30 pins are of one format (image)")
    assert "unknown" in _sentence(outcomes([None] * 30, [3.0] * 30))


def test_too_few_pins_give_a_reason_with_their_number() -> None:
    sentence = _sentence(outcomes(["a", "b"] * 5, [1.0] * 10))
    assert (
        sentence
        == "Not enough data yet: formats need at least 20 pins whose saves after 7 days are known; there are 10."
    )
    assert "b: 3 of at least 5 pins" in _sentence(outcomes(["a"] * 30 + ["b"] * 3, [float(n) for n in range(33)]))


def test_formats_that_never_share_weeks_cannot_be_compared() -> None:
    made = outcomes(["a"] * 30 + ["b"] * 30, [float(n % 7) for n in range(60)], [0] * 30 + [100] * 30)
    row = compared_formats(made).row(0, named=True)
    assert (row["verdict"], row["ratio"]) == ("no verdict", None)
    assert "same weeks" in row["reason"]


def test_format_of_one_day_only_is_not_compared() -> None:
    made = outcomes(
        ["video" if n % 4 == 0 else "image" for n in range(120)], [(30.0 + n % 3) / (1 + n % 4) for n in range(120)]
    )
    is_video = pl.col("format") == "video"
    for days, reason in (
        (1, "video: published on 1 of at least 3 days"),
        (2, "video: published on 2 of at least 3 days"),
    ):
        few = made.with_columns(
            moment=pl.when(is_video)
            .then(pl.lit(MONDAY) + pl.duration(days=pl.int_range(pl.len()) // 4 % days))
            .otherwise("moment")
        )
        row = compared_formats(few).row(0, named=True)
        assert (row["pins_first"], row["ratio"], row["verdict"], row["reason"]) == (30, None, "no verdict", reason)
        assert reason in _sentence(few)
    assert compared_formats(made)["verdict"].to_list() == ["more"]


@pytest.mark.parametrize("values", [[0.0] * 60, [7.0] * 60])
def test_identical_counts_have_no_verdict(values: list[float]) -> None:
    assert compared_formats(outcomes(["a", "b"] * 30, values))["verdict"].to_list() == ["no verdict"]
    assert _sentence(outcomes(["a", "b"] * 30, values)).startswith("Not enough data yet")


def test_only_the_most_common_formats_are_compared_and_drawn() -> None:
    made = outcomes(
        [f"{HOSTILE_TEXT} \u202e {n % 12}\U0001f35c" for n in range(240)], [float(n % 9) for n in range(240)]
    )
    pairs = compared_formats(made)
    assert pairs.height == MAX_FORMATS * (MAX_FORMATS - 1) // 2
    assert len(checked_spec(formats_chart(pairs, "saves"))["data"]["values"]) <= MAX_PAIRS
    assert "\u202e" not in _sentence(made)


def test_row_order_does_not_matter() -> None:
    made = confounded(np.random.default_rng(3), 2, 2.0)
    one = made.filter(pl.col("social_network_id") == "00001")
    whole = compared_formats(one)
    assert compared_formats(one.sample(fraction=1, shuffle=True, seed=1)).equals(whole)
    assert compared_formats(made.clear()).schema == whole.schema
    together = compared_formats_together(made).row(0, named=True)
    assert together["pins_first"] + together["pins_second"] == made.height
    assert together["verdict"] in ("more", "less")


def test_interval_excludes_zero_exactly_when_p_is_small() -> None:
    rng = np.random.default_rng(5)
    strata, group = np.repeat(np.arange(4), 15).astype(np.int64), np.arange(60) % 3 == 0
    for effect in (0.0, 0.4, 0.6, 1.0, 2.0):
        values = np.exp(3 + rng.normal(0, 1, 60) + effect * group)
        found = PinsWithin(values, strata, np.arange(60)).contrast(group, rng, 199)
        assert found is not None
        contrast = found[0]
        assert contrast.low is not None
        assert contrast.high is not None
        assert (contrast.low > 0 or contrast.high < 0) == (contrast.p_value <= 0.05)


def test_outcome_is_the_count_after_exactly_seven_days() -> None:
    first = datetime(2026, 3, 1).date()
    pins = pl.concat(
        pl.DataFrame(
            {
                "social_network_id": "pin_a",
                "id": name,
                "timestamp": datetime(2026, 3, 1, hour),
                "text": None,
                "format": None,
                "media_type": None,
                "snapshot_date": [first + timedelta(days=n) for n in seen],
                "saves": [10 * n for n in seen],
            },
            schema_overrides={"text": pl.String, "format": pl.String, "media_type": pl.String},
        )
        for name, hour, seen in (("1", 0, range(12)), ("2", 18, range(12)), ("3", 0, range(5)))
    )
    assert first_week_outcomes(LoadedHistory(pins)).select("id", "value").rows() == [("1", 70.0), ("2", 77.5)]


def test_unknown_time_zone_is_rejected() -> None:
    with pytest.raises(UserError, match="'Mars/Base' is no time zone"):
        check_zones("UTC", "Mars/Base")


@pytest.mark.slow
@pytest.mark.parametrize("name", HISTORIES)
def test_every_history_gets_valid_answers(name: str, tmp_path: Path) -> None:
    pins = load_pins(make_history(tmp_path / "h.duckdb", **HISTORIES[name]), ["pin_one"])
    for metric in ("saves", "impressions"):
        answer = format_answer(AccountHistory.from_pins(pins), metric)
        assert answer.sentence.endswith((".", "!"))
        assert "nan" not in answer.sentence.lower().split()


def test_long_history_gets_an_answer_and_a_chart(tmp_path: Path) -> None:
    pins = load_pins(make_long_history(tmp_path / "h.duckdb", ("pin_one",), days=60, pins=120), ["pin_one"])
    answer = format_answer(AccountHistory.from_pins(pins), width=340)
    spec = checked_spec(answer.chart)
    assert spec["description"].startswith("Saves after 7 days")
    assert "log scale" in str(spec)
    assert answer.table is not None
    assert answer.table.height == 3
    assert any("false discovery rate" in note for note in answer.notes)
