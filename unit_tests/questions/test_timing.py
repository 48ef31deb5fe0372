"""Publication times are compared by outcomes after exactly one week, in the chosen time zones."""

from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from oneup_pinterest.database.load import load_pins
from oneup_pinterest.errors import UserError
from oneup_pinterest.history.account_history import AccountHistory, load_account_history
from oneup_pinterest.history.first_week import first_week_outcomes, with_weeks
from oneup_pinterest.history.loaded_history import LoadedHistory
from oneup_pinterest.questions.answer import Answer
from oneup_pinterest.questions.timing.answer import hour_answer, slots_answer, weekday_answer
from oneup_pinterest.questions.timing.chart import slots_chart, slots_grid
from oneup_pinterest.questions.timing.statistic import By, compared_slots, pooled
from simulations.worlds import MadeUpHistory
from test_support.history import make_history
from test_support.made_pins import EMPTY, VARIANTS, pin
from unit_tests.questions.test_change import checked_spec

MONDAY = datetime(2026, 1, 5)
ANSWERS = (weekday_answer, hour_answer, slots_answer)
each_answer = pytest.mark.parametrize("answer", ANSWERS, ids=lambda function: function.__name__)


def outcomes(number: int = 210, saturday: float = 1.0, seed: int = 0, account: str = "pin_a") -> pl.DataFrame:
    """Return one pin per day, published at 9, 12 or 18 o'clock; outcomes of Saturdays are multiplied by `saturday`."""
    rng = np.random.default_rng(seed)
    days = np.arange(number)
    value = np.floor(40 * rng.lognormal(0, 0.8, number) * np.where(days % 7 == 5, saturday, 1.0))
    hours = rng.choice([9, 12, 18], number)
    return with_weeks(
        pl.DataFrame(
            {
                "social_network_id": account,
                "id": [f"{day:04}" for day in days],
                "value": value,
                "moment": [MONDAY + timedelta(hours=int(hour)) for hour in 24 * days + hours],
            }
        )
    )


def published_at(moment: datetime | None, saves: dict[int, int], name: str = "a") -> pl.DataFrame:
    """Return a pin published at a moment, with its saves by days after January 1."""
    return pin(name, 0, saves).with_columns(pl.lit(moment, pl.Datetime("us")).alias("timestamp"))


def test_outcome_is_interpolated_around_the_seventh_day() -> None:
    evening = published_at(datetime(2026, 1, 1, 18), {7: 10, 8: 30})
    found = first_week_outcomes(LoadedHistory(evening))
    assert found.select("value", "moment").row(0) == (10 + 0.75 * 20, datetime(2026, 1, 1, 18))


def test_pin_unobserved_around_its_seventh_day_has_no_outcome() -> None:
    assert first_week_outcomes(LoadedHistory(published_at(datetime(2026, 1, 1, 18), {6: 10}))).is_empty()
    assert first_week_outcomes(LoadedHistory(published_at(None, {7: 10, 8: 11}))).is_empty()
    assert first_week_outcomes(LoadedHistory(EMPTY)).is_empty()


def test_time_zone_changes_the_hour_and_the_outcome() -> None:
    noon = published_at(datetime(2026, 1, 1, 12), {7: 0, 8: 24})
    read_as = first_week_outcomes(
        LoadedHistory(noon), published_zone="America/New_York", display_zone="America/New_York"
    )
    assert read_as["value"][0] == pytest.approx(17)  # 17:00 in UTC
    assert read_as["moment"][0] == datetime(2026, 1, 1, 12)
    shown = first_week_outcomes(LoadedHistory(noon), display_zone="Asia/Kolkata")
    assert shown.select("value", "moment").row(0) == (12, datetime(2026, 1, 1, 17, 30))


@pytest.mark.parametrize(
    ("hour", "moments"),
    [
        (datetime(2026, 3, 29, 2, 30), []),  # the clock skips from 2 to 3
        (datetime(2026, 10, 25, 2, 30), [datetime(2026, 10, 25, 0, 30)]),  # the first of the two
    ],
)
def test_skipped_hour_has_no_outcome_and_repeated_hour_means_the_first(hour: datetime, moments: list[datetime]) -> None:
    ages = (hour.date() - date(2026, 1, 1)).days
    seen = published_at(hour, {ages + 7: 5, ages + 8: 6})
    assert first_week_outcomes(LoadedHistory(seen), published_zone="Europe/Berlin")["moment"].to_list() == moments


@each_answer
@pytest.mark.parametrize("zone", ["Europe/Berlinn", ""])
def test_unknown_time_zone_is_rejected(answer: Any, zone: str) -> None:
    with pytest.raises(UserError, match="is no time zone"):
        answer(AccountHistory.from_pins(EMPTY), published_zone=zone)
    with pytest.raises(UserError, match="is no time zone"):
        answer(AccountHistory.from_pins(EMPTY), display_zone=zone)


def test_weeks_are_merged_until_they_have_twenty_pins() -> None:
    assert outcomes(42)["weeks"].to_list() == [0] * 21 + [1] * 21


def test_slots_with_equal_means_have_no_effect() -> None:
    flat = outcomes().with_columns(value=pl.when(pl.col("id").cast(pl.Int64) // 7 % 2 == 0).then(9.0).otherwise(19.0))
    found = compared_slots(flat, "weekday")
    assert found["mean_ratio"].to_list() == pytest.approx([1.0] * 7)
    assert found["mean"].to_list() == [14.0] * 7
    assert found["effect"].to_list() == pytest.approx([0.0] * 7, abs=1e-6)
    assert found["verdict"].unique().to_list() == ["within normal variation"]


def test_difference_compares_logarithms_with_the_other_pins() -> None:
    exact = outcomes().with_columns(value=pl.when(pl.col("moment").dt.weekday() == 6).then(39.0).otherwise(19.0))
    noisy = exact.with_columns(pl.col("value") + pl.col("id").cast(pl.Int64) // 7 % 2 * 1e-6)
    saturday = compared_slots(noisy, "weekday").row(5, named=True)
    assert saturday["difference"] == pytest.approx(np.log(40 / 20))
    assert saturday["mean_ratio"] == pytest.approx(39 / ((39 + 6 * 19) / 7))
    assert saturday["pins"] == 30


def test_only_the_weekday_with_a_true_effect_is_above() -> None:
    found = compared_slots(outcomes(saturday=3), "weekday")
    assert found.filter(pl.col("verdict") == "above")["weekday"].to_list() == [6]
    saturday = found.row(5, named=True)
    assert 30 < saturday["low"] < saturday["effect"] < saturday["high"]
    assert saturday["effect"] < 100 * np.expm1(saturday["difference"])  # shrunk toward 0


@pytest.mark.parametrize("by", ["weekday", "hour", "slot"])
def test_different_means_alone_are_not_an_effect(by: By) -> None:
    found = compared_slots(outcomes(), by, 3)
    assert set(found["verdict"]) <= {"within normal variation", "few pins"}
    best = found["mean_ratio"].max()
    assert isinstance(best, float)
    assert best > 1.05
    assert found["chance_ratio"][0] > 1.05


def test_trend_is_not_mistaken_for_a_weekday_effect() -> None:
    late = outcomes(140).filter((pl.col("moment").dt.weekday() != 6) | (pl.col("moment") > MONDAY + timedelta(days=98)))
    grown = late.with_columns(value=pl.col("value") * (1 + 29 * (pl.col("moment") > MONDAY + timedelta(days=98))))
    found = compared_slots(with_weeks(grown.drop("weeks")), "weekday")
    assert found["mean_ratio"][5] > 1.3
    assert found["verdict"][5] == "within normal variation"
    assert abs(found["difference"][5]) < 0.5


def test_every_slot_has_a_row_and_few_pins_have_no_effect() -> None:
    found = compared_slots(outcomes(), "slot", 3)
    assert found.select("weekday", "hour").rows() == [(day, hour) for day in range(1, 8) for hour in range(0, 24, 3)]
    assert found["pins"].sum() == 210
    few = found.filter(pl.col("pins") < 3)
    assert few["verdict"].unique().to_list() == ["few pins"]
    assert few["effect"].null_count() == few.height > 0


def test_row_order_does_not_matter() -> None:
    made = outcomes(saturday=4, seed=2)
    assert compared_slots(made.sample(fraction=1, shuffle=True, seed=3), "weekday").equals(
        compared_slots(made, "weekday")
    )


@pytest.mark.parametrize(
    ("made", "reason"),
    [
        (outcomes(19), "from 20 pins on"),
        (outcomes(1), "there is 1."),
        (outcomes(40).with_columns(moment=pl.lit(MONDAY)), "at least 3 weeks"),
        (outcomes().with_columns(value=pl.lit(0.0)), "had the same count"),
        (outcomes(28).filter(pl.col("moment").dt.weekday() == 1), "from 20 pins on"),
        (outcomes(210).filter(pl.col("moment").dt.weekday() == 1), "two slots"),
    ],
)
def test_too_little_data_gives_a_reason(made: pl.DataFrame, reason: str) -> None:
    found = compared_slots(made, "weekday")
    assert found.height == 7
    assert reason in found["reason"][0]
    assert found["effect"].null_count() == 7
    answer = weekday_answer(MadeUpHistory(outcomes=made))
    assert answer.sentence.startswith("Not enough data yet: ")
    assert answer.chart is None


def test_frame_without_pins_has_the_same_columns() -> None:
    nothing = compared_slots(outcomes().clear(), "hour", 3)
    assert nothing.is_empty()
    assert nothing.schema == compared_slots(outcomes(), "hour", 3).schema


@pytest.mark.parametrize("hours", [0, 5, 24, -3])
def test_hours_must_divide_a_day(hours: int) -> None:
    with pytest.raises(ValueError, match="divide a day"):
        compared_slots(outcomes(), "hour", hours)


def test_planned_weekday_is_tested_alone() -> None:
    made = outcomes(saturday=1.8, seed=3)
    searched = compared_slots(made, "weekday").row(5, named=True)
    alone = compared_slots(made, "weekday", weekday="Saturday")
    row = alone.row(0, named=True)
    assert (alone.height, row["weekday"], row["pins"]) == (1, 6, searched["pins"])
    assert row["p_value"] < searched["p_value"]
    assert row["low"] < row["effect"] < row["high"]
    assert (row["verdict"] == "above") == (row["low"] > 0)
    answer = weekday_answer(MadeUpHistory(outcomes=made), weekday="Saturday")
    assert answer.question == "Does publishing on Saturday matter for saves?"
    assert answer.sentence.startswith("Pins published on Saturday had ")
    checked_spec(answer.chart)
    with pytest.raises(ValueError, match="only by weekday"):
        compared_slots(made, "hour", 3, weekday="Saturday")


@pytest.mark.parametrize("days", [1, 2])
def test_planned_weekday_of_pins_of_a_day_or_two_is_not_judged(days: int) -> None:
    made, is_saturday = outcomes(), pl.col("moment").dt.weekday() == 6
    saturdays = made.filter(is_saturday).sort("moment")
    moved = saturdays.with_columns(
        moment=pl.lit(MONDAY) + pl.duration(days=5 + 7 * (pl.int_range(pl.len()) % days), hours=9),
        value=pl.lit(5_000.0) + pl.int_range(pl.len()),
    )
    few = with_weeks(pl.concat([made.filter(~is_saturday), moved.select(made.columns)]).drop("weeks"))
    alone = compared_slots(few, "weekday", weekday="Saturday").row(0, named=True)
    assert (alone["pins"], alone["publication_days"]) == (30, days)
    assert (alone["effect"], alone["p_value"], alone["verdict"]) == (None, None, "few pins")
    of_all = compared_slots(few, "weekday").row(5, named=True)
    assert (of_all["effect"], of_all["verdict"]) == (None, "few pins")
    answer = weekday_answer(MadeUpHistory(outcomes=few), weekday="Saturday")
    assert answer.sentence.startswith("Not enough data yet: too few pins")


def test_planned_weekday_needs_what_a_weekday_of_all_needs() -> None:
    """Few pins in all: three of each weekday are compared, five are asked of a planned one."""
    made, is_saturday = outcomes(), pl.col("moment").dt.weekday() == 6
    for pins in (2, 3, 5):
        few = pl.concat([made.filter(~is_saturday), made.filter(is_saturday).head(pins)])
        assert (compared_slots(few, "weekday").row(5, named=True)["effect"] is None) == (pins < 3)
        alone = compared_slots(few, "weekday", weekday="Saturday").row(0, named=True)
        assert (alone["effect"] is None) == (pins < 5)


def test_uncertain_effects_shrink_more_toward_zero() -> None:
    middle, width = pooled(np.array([0.5, 0.5, -0.5]), np.array([0.05, 0.5, 0.05]))
    assert 0 < middle[1] < middle[0] <= 0.5
    assert width[1] > width[0]


def test_sentence_names_the_weekday_that_stands_out() -> None:
    answer = weekday_answer(MadeUpHistory(outcomes=outcomes(saturday=4)))
    assert "Saturday" in answer.sentence
    assert "p = " not in answer.sentence
    one = outcomes(saturday=2.5, seed=1)
    effect = compared_slots(one, "weekday").row(5, named=True)
    assert weekday_answer(MadeUpHistory(outcomes=one)).sentence == (
        f"Pins published on Saturday had {effect['mean']:,.1f} saves on average after a week; the typical one "
        f"+{effect['effect']:.0f}% (95% interval +{effect['low']:.0f}% to +{effect['high']:.0f}%) against others of "
        "the same weeks: above (30 of 210 pins on 30 days)."
    )


def test_sentence_states_that_no_weekday_differs() -> None:
    answer = weekday_answer(MadeUpHistory(outcomes=outcomes()))
    best = compared_slots(outcomes(), "weekday").sort("effect").row(-1, named=True)
    assert answer.sentence.startswith("No weekday differs by more than chance: of 210 pins, ")
    assert f"{best['effect']:+.0f}% (95% interval −{-best['low']:.0f}% to +{best['high']:.0f}%)" in answer.sentence
    assert "OneUp does not say in which zone it gives times; here they are read as UTC." in answer.notes
    ratio = max(compared_slots(outcomes(), "weekday")["mean_ratio"].to_list())
    assert any(f"the best weekday has {ratio:.1f} times" in note for note in answer.notes)
    assert any("four times in five" in note for note in answer.notes)
    assert not any("could be judged" in note for note in answer.notes)


def test_notes_name_the_chosen_time_zones() -> None:
    answer = hour_answer(MadeUpHistory(outcomes=outcomes()), published_zone="UTC", display_zone="Europe/Berlin")
    assert answer.notes[-1].endswith("here they are read as UTC and shown in Europe/Berlin.")
    assert any("3 of 8 could be judged" in note for note in answer.notes)


def test_tables_have_one_row_per_slot_with_pins() -> None:
    by_day, by_hour, both = (answer(MadeUpHistory(outcomes=outcomes())).table for answer in ANSWERS)
    assert by_day is not None
    assert by_hour is not None
    assert both is not None
    assert by_day["Weekday"].to_list()[:2] == ["Monday", "Tuesday"]
    assert by_hour["Hours"].to_list() == ["09:00 to 12:00", "12:00 to 15:00", "18:00 to 21:00"]
    assert both.columns[:3] == ["Weekday", "Hours", "Pins"]
    assert both.height == 21


def test_chart_labels_only_what_stands_out() -> None:
    effects = compared_slots(outcomes(saturday=2.5, seed=1), "weekday")
    spec = checked_spec(slots_chart(effects, "saves"))
    rows = spec["layer"][1]["data"]["values"]
    assert [row["slot"] for row in rows if row["label"]] == ["Saturday"]
    assert len({row["color"] for row in rows}) == 2
    assert "Saturday +" in spec["description"]


def test_grid_shows_pins_and_marks_few_pins_and_effects() -> None:
    lifted = outcomes(420).with_columns(
        value=pl.when((pl.col("moment").dt.weekday() == 6) & (pl.col("moment").dt.hour() == 18))
        .then(pl.col("value") * 8)
        .otherwise(pl.col("value"))
    )
    spec = checked_spec(slots_grid(compared_slots(lifted, "slot", 3), "saves", 340))
    few, known, found, texts = (layer["data"]["values"] for layer in spec["layer"])
    assert len(few) + len(known) == len(texts) == 56
    assert [(row["day"], row["hour"]) for row in found] == [("Sat", 18)]
    assert [row["text"] for row in texts if row["text"].startswith("▲")] == [f"▲ {found[0]['pins']}"]
    assert spec["description"].endswith("% (above).")


@pytest.mark.slow
@pytest.mark.parametrize("name", VARIANTS)
def test_every_history_gets_valid_answers(tmp_path: Path, name: str) -> None:
    pins = load_pins(make_history(tmp_path / "h.duckdb", **VARIANTS[name]), ["pin_one"])
    for answer in ANSWERS:
        check_answer(answer(AccountHistory.from_pins(pins)))
        if name == "rolling":
            assert "falls too often" in answer(AccountHistory.from_pins(pins)).sentence
    for missing in ("saves", "timestamp"):
        check_answer(
            weekday_answer(
                AccountHistory.from_pins(pins.with_columns(pl.lit(None, pins.schema[missing]).alias(missing)))
            )
        )


def check_answer(answer: Answer) -> None:
    assert answer.sentence.endswith(".")
    assert (answer.chart is None) == ("chance" not in answer.sentence and "on average" not in answer.sentence)
    if answer.chart is not None:
        checked_spec(answer.chart)


def test_long_history_gets_answers(tmp_path: Path) -> None:
    history = load_account_history(make_history(tmp_path / "h.duckdb", days=75), "pin_one")
    by_weekday = weekday_answer(history)
    check_answer(by_weekday)
    assert by_weekday.chart is not None
    check_answer(hour_answer(history))
    assert "at least two slots" in slots_answer(history).sentence
