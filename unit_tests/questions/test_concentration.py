"""Concentration is measured at one age with an interval, and needs enough pins."""

import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import vl_convert

from oneup_pinterest.database.load import load_pins
from oneup_pinterest.history.account_history import AccountHistory
from oneup_pinterest.questions import chart_style as style
from oneup_pinterest.questions.concentration import answer as answers
from oneup_pinterest.questions.concentration.answer import concentration_answer, pareto_answer
from oneup_pinterest.questions.concentration.chart import lorenz_chart, pareto_chart
from oneup_pinterest.questions.concentration.statistic import concentration, gini_of, largest_pins, lorenz_curve
from test_support.history import HOSTILE_TEXT, make_history
from test_support.made_pins import EMPTY, VARIANTS, pin


def at_28(counts: list[int]) -> pl.DataFrame:
    return pl.concat([pin(f"{number:03}", 0, {28: count, 29: count}) for number, count in enumerate(counts)])


def test_gini_is_the_mean_difference_divided_by_twice_the_mean() -> None:
    values = np.array([3.0, 1.0, 8.0, 0.0, 5.0])
    pairs = [abs(a - b) for a in values for b in values]
    assert gini_of(values) == pytest.approx(sum(pairs) / (5 * 4) / 2 / values.mean())


def test_figures_match_a_sample_computed_by_hand() -> None:
    row = concentration(AccountHistory.from_pins(at_28([90] * 5 + [10] * 45))).row(0, named=True)
    assert (row["age"], row["pins"], row["total"], row["without"]) == (28, 50, 900, 0)
    assert row["top_share"] == pytest.approx(450 / 900)
    assert row["gini"] == pytest.approx(5 * 45 * 80 / (50 * 49 / 2) / 2 / 18)


def test_interval_contains_the_estimate_and_narrows_with_more_pins() -> None:
    widths = []
    for pins in (60, 240):
        row = concentration(
            AccountHistory.from_pins(at_28([round(np.exp(each * 6 / pins)) for each in range(pins)]))
        ).row(0, named=True)
        assert 0 < row["gini_low"] < row["gini"] < row["gini_high"] < 1
        assert 0 < row["top_low"] < row["top_share"] < row["top_high"] < 1
        widths.append(row["gini_high"] - row["gini_low"])
    assert widths[1] < 0.6 * widths[0]


def test_equal_pins_have_no_concentration() -> None:
    row = concentration(AccountHistory.from_pins(at_28([7] * 60))).row(0, named=True)
    assert [row["gini"], row["gini_low"], row["gini_high"]] == pytest.approx([0, 0, 0])
    assert row["top_share"] == pytest.approx(0.1)


def test_one_pin_with_all_counts_is_full_concentration() -> None:
    row = concentration(AccountHistory.from_pins(at_28([500] + [0] * 59))).row(0, named=True)
    assert row["gini"] == pytest.approx(1)
    assert (row["top_share"], row["without"]) == (1, 59)
    assert concentration_answer(AccountHistory.from_pins(at_28([500] + [0] * 59))).sentence.endswith(".")


def test_pins_are_compared_at_the_same_age() -> None:
    young = [pin(f"young{n}", 60, {28: 10, 29: 10}) for n in range(30)]
    old = [pin(f"old{n}", 0, {28: 10, 60: 500, 89: 1000}) for n in range(30)]
    assert concentration(AccountHistory.from_pins(pl.concat(young + old)))["gini"][0] == pytest.approx(0)


def test_too_few_pins_or_counts_give_a_reason() -> None:
    assert (
        concentration(AccountHistory.from_pins(at_28([5] * 49)))["reason"][0]
        == "at least 50 pins seen at age 28 are needed, and there are 49"
    )
    row = concentration(AccountHistory.from_pins(at_28([1] * 60))).row(0, named=True)
    assert row["reason"] == "at least 100 saves in all at age 28 are needed, and there are 60"
    assert row["gini"] is None


def test_lorenz_curve_runs_from_zero_to_one() -> None:
    curve = lorenz_curve(AccountHistory.from_pins(at_28([1, 1, 2, 4])))
    assert curve.select("pins_share", "total_share").rows() == [(0, 0), (0.25, 0.125), (0.5, 0.25), (0.75, 0.5), (1, 1)]
    assert lorenz_curve(AccountHistory.from_pins(at_28([0] * 5))).is_empty()
    assert lorenz_curve(AccountHistory.from_pins(at_28(list(range(1000))))).height == 101


def test_largest_pins_add_up_and_leave_out_pins_without_counts() -> None:
    ranked = largest_pins(AccountHistory.from_pins(at_28([0, 30, 10, 60])))
    assert ranked["id"].to_list() == ["003", "001", "002"]
    assert ranked["cumulative_share"].to_list() == pytest.approx([0.6, 0.9, 1.0])


def test_row_order_does_not_matter() -> None:
    pins = at_28([number**2 for number in range(70)])
    assert concentration(AccountHistory.from_pins(pins)).equals(
        concentration(AccountHistory.from_pins(pins.sample(fraction=1, shuffle=True, seed=1)))
    )
    assert largest_pins(AccountHistory.from_pins(pins)).equals(
        largest_pins(AccountHistory.from_pins(pins.sample(fraction=1, shuffle=True, seed=1)))
    )


def test_answer_has_the_share_its_interval_and_the_pins() -> None:
    answer = concentration_answer(AccountHistory.from_pins(at_28([90] * 5 + [10] * 45)))
    assert answer.sentence.startswith("The tenth of the pins with most saves has 50% of them (95% interval ")
    assert "50 pins at an age of 28 days with 900 saves" in answer.sentence
    assert answer.table is not None
    assert answer.table.row(1) == (10, pytest.approx(50))
    young = pl.concat([pin(f"{number:03}", 0, {7: 5 + number, 8: 9 + number}) for number in range(55)])
    assert "55 pins at an age of 7 days" in concentration_answer(AccountHistory.from_pins(young)).sentence


def test_seven_days_are_measured_only_where_28_have_no_result(monkeypatch: pytest.MonkeyPatch) -> None:
    ages = []

    def record(history: AccountHistory, metric: str, age: int) -> pl.DataFrame:
        ages.append(age)
        return concentration(history, metric, age)

    monkeypatch.setattr(answers, "concentration", record)
    concentration_answer(AccountHistory.from_pins(at_28([90] * 5 + [10] * 45)))
    assert ages == [28]
    concentration_answer(AccountHistory.from_pins(at_28([90] * 5)))
    assert ages == [28, 28, 7]


@pytest.mark.slow
@pytest.mark.parametrize("variant", VARIANTS)
def test_incomplete_histories_get_an_answer_in_words(tmp_path: Path, variant: str) -> None:
    pins = load_pins(make_history(tmp_path / "h.duckdb", **VARIANTS[variant]), ["pin_one"])
    for metric in ("saves", "comments"):
        for answer in (
            concentration_answer(AccountHistory.from_pins(pins), metric),
            pareto_answer(AccountHistory.from_pins(pins), metric),
        ):
            assert answer.sentence.endswith(".")
            assert "None" not in answer.sentence
        if variant in ("empty", "one sync", "one pin"):
            assert concentration_answer(AccountHistory.from_pins(pins), metric).sentence.startswith(
                "Not enough data yet: "
            )


def test_hostile_texts_are_cleaned_and_shortened() -> None:
    pins = at_28([10, 20, 30]).with_columns(text=pl.lit(HOSTILE_TEXT + "\n\u202e" + "x" * 500))
    answer = pareto_answer(AccountHistory.from_pins(pins))
    assert "\u202e" not in answer.sentence
    assert "\n" not in answer.sentence
    assert answer.table is not None
    assert max(len(text) for text in answer.table["Pin"]) <= 140
    assert pareto_answer(AccountHistory.from_pins(at_28([10, 20]))).sentence.startswith(
        "“no text” has 67% of all saves that 2 pins have"
    )


def test_emoji_at_the_cut_of_a_label_does_not_break_the_chart() -> None:
    for letters in range(30):
        text = pl.lit("W" * letters + "📌" * 5 + "x" * 20)
        chart = pareto_chart(
            largest_pins(AccountHistory.from_pins(at_28([10, 20]).with_columns(text=text))), "saves", 340
        )
        assert "📌" not in "".join(row["text"] for row in chart.to_dict()["data"]["values"])
        assert "📌" in chart.to_dict()["data"]["values"][0]["whole"]
    vl_convert.vegalite_to_png(json.dumps(style.styled(chart)), vl_version=style.VEGALITE)


def test_charts_are_valid_described_and_drawable() -> None:
    pins = at_28([90] * 5 + [10] * 45)
    charts = [
        lorenz_chart(lorenz_curve(AccountHistory.from_pins(pins)), "saves", 0.5, 340),
        lorenz_chart(lorenz_curve(AccountHistory.from_pins(EMPTY)), "saves"),
        pareto_chart(largest_pins(AccountHistory.from_pins(pins), limit=10), "saves", 340),
        pareto_chart(largest_pins(AccountHistory.from_pins(EMPTY)), "saves"),
    ]
    for chart in charts:
        spec = chart.to_dict()
        assert len(spec["description"]) > 20
        assert all(layer["encoding"]["x"]["title"] for layer in spec["layer"])
        svg = vl_convert.vegalite_to_svg(json.dumps(style.styled(chart)), vl_version=style.VEGALITE)
        assert "NaN" not in svg
        assert "undefined" not in svg
    assert charts[0].to_dict()["description"] == "Lorenz curve of saves over pins: the best tenth of the pins has 50%."
