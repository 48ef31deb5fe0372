"""Weeks of publication are compared at the same age, are blank if unknown, and do not differ because of one pin."""

import json
from datetime import date
from pathlib import Path

import polars as pl
import pytest
import vl_convert

from oneup_pinterest.database.load import load_pins
from oneup_pinterest.history.account_history import AccountHistory
from oneup_pinterest.history.by_age import counters_at_age
from oneup_pinterest.history.loaded_history import LoadedHistory
from oneup_pinterest.questions import chart_style as style
from oneup_pinterest.questions.cohorts.answer import cohorts_answer
from oneup_pinterest.questions.cohorts.chart import cohorts_chart
from oneup_pinterest.questions.cohorts.statistic import cohort_matrix, cohort_verdict
from test_support.history import make_history
from test_support.made_pins import EMPTY, VARIANTS, pin

MONDAY = 4  # days after the first day of `made_pins`, 1 January 2026, a Thursday


def week(number: int, saves: list[int], ages: range = range(6, 16)) -> list[pl.DataFrame]:
    """Return pins published on the Monday of a week; each has the same saves at all ages."""
    return [
        pin(f"w{number}-{each}", MONDAY + 7 * number, dict.fromkeys(ages, count)) for each, count in enumerate(saves)
    ]


def cells(pins: list[pl.DataFrame]) -> dict[tuple[date, int], dict[str, object]]:
    return {
        (row["cohort"], row["week"]): row
        for row in cohort_matrix(AccountHistory.from_pins(pl.concat(pins))).iter_rows(named=True)
    }


def test_cells_are_means_and_blank_if_unknown() -> None:
    of = cells(week(0, [1, 2, 9]) + week(1, [4, 4], range(9, 16)) + week(2, [8], range(1, 8)))
    first, second, third = date(2026, 1, 5), date(2026, 1, 12), date(2026, 1, 19)
    assert (of[first, 1]["mean"], of[first, 1]["median"], of[first, 1]["pins"]) == (4.0, 2.0, 3)
    assert (of[first, 3]["mean"], of[first, 3]["reason"]) == (None, "not seen")
    assert (of[second, 1]["mean"], of[second, 1]["reason"]) == (None, "not seen")
    assert (of[second, 2]["mean"], of[second, 2]["reason"]) == (4.0, None)
    assert (of[third, 1]["mean"], of[third, 2]["mean"], of[third, 2]["reason"]) == (8.0, None, "not yet that old")
    assert len(of) == 3 * 12


def test_week_with_too_few_observed_pins_is_blank() -> None:
    of = cells([*week(0, [1] * 4), pin("late", MONDAY, {12: 9, 13: 9})])
    monday = date(2026, 1, 5)
    assert (of[monday, 1]["seen"], of[monday, 1]["pins"], of[monday, 1]["mean"]) == (4, 5, 1.0)
    of = cells([*week(0, [1] * 3), pin("late", MONDAY, {12: 9, 13: 9})])
    assert (of[monday, 1]["seen"], of[monday, 1]["mean"]) == (3, None)


def test_cells_match_counters_at_age(tmp_path: Path) -> None:
    pins = load_pins(make_history(tmp_path / "h.duckdb", ("pin_one",), days=60, pins=5, missing_days=(30, 31, 33)))
    matrix = cohort_matrix(AccountHistory.from_pins(pins))
    for weeks in (1, 2, 5):
        values = counters_at_age(LoadedHistory(pins), 7 * weeks, ["saves"]).with_columns(
            cohort=pl.col("published").cast(pl.Date).dt.truncate("1w")
        )
        expected = values.group_by("cohort").agg(pl.len().cast(pl.Int64).alias("seen"), pl.col("value").mean())
        found = matrix.filter(pl.col("week") == weeks).join(expected, on="cohort", suffix="_expected")
        assert found.height > 3
        assert found["seen"].equals(found["seen_expected"], check_names=False)
        known = found.filter(pl.col("mean").is_not_null())
        assert known["mean"].to_list() == pytest.approx(known["value"].to_list())


def test_verdict_is_a_trend_only_if_later_pins_differ() -> None:
    better = [each for number in range(6) for each in week(number, [10 * number + extra for extra in range(8)])]
    row = cohort_verdict(AccountHistory.from_pins(pl.concat(better))).row(0, named=True)
    assert (row["verdict"], row["cohorts"], row["pins"]) == ("up", 6, 48)
    assert row["trend"] > 0.9
    worse = [each for number in range(6) for each in week(number, [90 - 10 * number + extra for extra in range(8)])]
    assert cohort_verdict(AccountHistory.from_pins(pl.concat(worse)))["verdict"][0] == "down"
    alike = [each for number in range(6) for each in week(number, list(range(8)))]
    row = cohort_verdict(AccountHistory.from_pins(pl.concat(alike))).row(0, named=True)
    assert (row["verdict"], row["p_differ"], row["first_median"]) == ("within normal variation", 1.0, 3.5)
    same = [each for number in range(3) for each in week(number, [4] * 6)]
    assert cohort_verdict(AccountHistory.from_pins(pl.concat(same))).row(0, named=True)["p_differ"] == 1.0


def test_single_different_week_is_not_a_trend() -> None:
    levels = [0, 100, 0]
    pins = [each for number in range(3) for each in week(number, [levels[number] + extra for extra in range(10)])]
    assert cohort_verdict(AccountHistory.from_pins(pl.concat(pins)))["verdict"][0] == "differ"
    assert cohorts_answer(AccountHistory.from_pins(pl.concat(pins))).sentence.startswith(
        "The weeks differ at an age of 7 days (30 pins of 3 weeks"
    )


def test_one_viral_pin_does_not_make_a_week_better() -> None:
    pins = [each for number in range(4) for each in week(number, list(range(8)))]
    viral = pin("viral", MONDAY + 21, dict.fromkeys(range(6, 16), 100_000))
    answer = cohorts_answer(AccountHistory.from_pins(pl.concat([*pins, viral])))
    assert answer.sentence.startswith(
        "The weeks are within normal variation at an age of 7 days: they differ no more than chance"
    )


def test_small_weeks_are_not_compared() -> None:
    row = cohort_verdict(AccountHistory.from_pins(pl.concat(week(0, [1] * 5) + week(1, [2] * 4)))).row(0, named=True)
    assert row["verdict"] is None
    assert row["reason"] == "two weeks of publication with 5 pins seen at age 7 are needed, and there is one"
    answer = cohorts_answer(AccountHistory.from_pins(pl.concat(week(0, [1] * 5) + week(1, [2] * 4))))
    assert answer.sentence == f"Not enough data yet: {row['reason']}."
    assert answer.chart is not None


def test_row_order_does_not_matter() -> None:
    pins = pl.concat([each for number in range(4) for each in week(number, [number, 5, 3, 8, 1, 2])])
    assert cohort_verdict(AccountHistory.from_pins(pins)).equals(
        cohort_verdict(AccountHistory.from_pins(pins.sample(fraction=1, shuffle=True, seed=2)))
    )
    assert cohort_matrix(AccountHistory.from_pins(pins)).equals(
        cohort_matrix(AccountHistory.from_pins(pins.sample(fraction=1, shuffle=True, seed=2)))
    )


@pytest.mark.slow
@pytest.mark.parametrize("variant", VARIANTS)
def test_incomplete_histories_get_an_answer_in_words(tmp_path: Path, variant: str) -> None:
    pins = load_pins(make_history(tmp_path / "h.duckdb", **VARIANTS[variant]), ["pin_one"])
    for metric in ("saves", "comments"):
        answer = cohorts_answer(AccountHistory.from_pins(pins), metric)
        assert answer.sentence.endswith(".")
        assert "None" not in answer.sentence
        if variant in ("empty", "one sync", "one pin"):
            assert answer.sentence.startswith("Not enough data yet: ")
            assert answer.chart is None or variant == "one pin"


def test_chart_is_a_triangle_with_numbers() -> None:
    matrix = cohort_matrix(AccountHistory.from_pins(pl.concat(week(0, [1, 3]) + week(1, [40, 80]))))
    chart = cohorts_chart(matrix, "saves", 340)
    spec = chart.to_dict()
    assert spec["description"].startswith(
        "Mean saves of a pin by week of publication and age: at 7 days 2.0 in the week"
    )
    labels = [row["label"] for layer in spec["layer"][1:] for row in layer["data"]["values"]]
    assert sorted(labels) == ["2", "2", "60", "60"]
    cell = spec["layer"][0]["encoding"]
    assert (cell["x"]["title"], cell["y"]["title"]) == ("Age of the pins (weeks)", "Published in the week of")
    for drawn in (
        chart,
        cohorts_chart(matrix.clear(), "saves"),
        cohorts_chart(cohort_matrix(AccountHistory.from_pins(EMPTY)), "saves"),
    ):
        drawn.to_dict()
        svg = vl_convert.vegalite_to_svg(json.dumps(style.styled(drawn)), vl_version=style.VEGALITE)
        assert "NaN" not in svg
        assert "undefined" not in svg
