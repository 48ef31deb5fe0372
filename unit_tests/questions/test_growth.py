"""A growth curve uses the same pins at every age, and needs enough pins."""

import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import vl_convert

from oneup_pinterest.database.load import load_pins
from oneup_pinterest.history.account_history import AccountHistory
from oneup_pinterest.history.by_age import counters_by_age, counters_by_early_age
from oneup_pinterest.history.loaded_history import LoadedHistory
from oneup_pinterest.questions import chart_style as style
from oneup_pinterest.questions.growth.answer import followed_answer, growth_answer, growth_share_answer
from oneup_pinterest.questions.growth.chart import growth_chart
from oneup_pinterest.questions.growth.statistic import (
    followed_curves,
    followed_pins,
    growth_curves,
    growth_fit,
    median_interval_ranks,
)
from test_support.history import as_other_destination, make_history
from test_support.made_pins import EMPTY, VARIANTS, pin, steady


def test_curve_has_the_same_pins_at_every_age() -> None:
    old = [steady(f"old{number}", 0, number) for number in range(1, 8)]
    young = [steady(f"young{number}", 4, 1000, range(1, 4)) for number in range(20)]
    curve = growth_curves(AccountHistory.from_pins(pl.concat([*old, *young])), "saves", 7).filter(
        pl.col("measure") == "count"
    )
    assert curve["median"].to_list() == [4.0 * age for age in range(1, 8)]
    assert curve["pins"].unique().to_list() == [7]


def test_curve_does_not_need_observations_beyond_the_horizon() -> None:
    pins = pl.concat([steady("long", 0, 1, range(1, 30)), pin("gap", 0, {6: 3, 20: 9, 21: 9}), steady("short", 20, 2)])
    early = counters_by_early_age(LoadedHistory(pins), "saves", 7)
    assert early.height < counters_by_age(LoadedHistory(pins), ["saves"]).height
    whole, part = (
        followed_curves(seen, pins["snapshot_date"].max(), 7)
        for seen in (counters_by_age(LoadedHistory(pins), ["saves"]), early)
    )
    assert json.dumps(part, default=np.ndarray.tolist) == json.dumps(whole, default=np.ndarray.tolist)


def test_pins_with_a_late_start_or_long_gap_are_left_out_and_counted() -> None:
    pins = pl.concat(
        [
            steady("whole", 0, 1),
            steady("late", 0, 1, range(3, 8)),
            pin("gap", 0, {1: 1, 2: 2, 5: 5, 6: 6, 7: 7}),
            pin("short gap", 0, {1: 1, 2: 2, 4: 4, 5: 5, 7: 7}),
            steady("young", 3, 1, range(1, 5)),
            steady("vanished", 0, 1, range(1, 4)),
        ]
    )
    assert followed_pins(AccountHistory.from_pins(pins), "saves").row(0, named=True) == {
        "social_network_id": "pin_one",
        "horizon": 7,
        "pins": 2,
        "too_young": 1,
        "unobserved": 2,
        "lost": 1,
    }
    curves = followed_curves(counters_by_age(LoadedHistory(pins), ["saves"]), pins["snapshot_date"].max(), 7)
    assert curves.ids == ["short gap", "whole"]
    assert curves.values.tolist() == [list(range(8))] * 2
    assert curves.lost_at.tolist() == [3]
    assert curves.lost.tolist() == [[0, 1, 2, 3, 3, 3, 3, 3]]


def test_counter_at_the_horizon_uses_the_next_observation() -> None:
    pins = pin("a", 0, {1: 1, 3: 3, 5: 10, 6: 12, 8: 16})
    curves = followed_curves(counters_by_age(LoadedHistory(pins), ["saves"]), pins["snapshot_date"].max(), 7)
    assert curves.values.tolist() == [[0, 1, 2, 3, 6.5, 10, 12, 14]]


def test_shares_use_pins_with_enough_counts_and_end_at_one() -> None:
    few = [steady(f"few{number}", 0, 1) for number in range(10)]
    many = [pin(f"many{number}", 0, {age: 10 * (3 + age) for age in range(1, 8)}) for number in range(5)]
    share = growth_curves(AccountHistory.from_pins(pl.concat([*few, *many])), "saves", 7).filter(
        pl.col("measure") == "share"
    )
    assert share["pins"].unique().to_list() == [5]
    assert share["median"].to_list() == pytest.approx([(3 + age) / 10 for age in range(1, 8)])


def test_bands_need_enough_pins() -> None:
    curve = growth_curves(
        AccountHistory.from_pins(pl.concat([steady(str(number), 0, number) for number in range(1, 6)])), "saves", 7
    )
    count = curve.filter(pl.col("measure") == "count").row(6, named=True)
    assert (count["p25"], count["median"], count["p75"]) == (14, 21, 28)
    assert [count[name] for name in ("low", "high", "p10", "p90")] == [None] * 4
    assert growth_curves(
        AccountHistory.from_pins(pl.concat([steady(str(number), 0, 1) for number in range(4)])), "saves", 7
    ).is_empty()


def test_interval_of_a_median_comes_from_order_statistics() -> None:
    # Conover's table: ranks 6 and 15 of 20 contain the median with a probability of 95.9%
    assert median_interval_ranks(20) == (5, 14)
    pins = pl.concat([steady(f"{number:02}", 0, number) for number in range(1, 21)])
    row = growth_curves(AccountHistory.from_pins(pins), "saves", 7).filter(measure="count", age=7).row(0, named=True)
    assert (row["low"], row["high"]) == (6 * 7, 15 * 7)


def test_row_order_does_not_matter() -> None:
    pins = pl.concat([steady(f"{number:02}", number % 3, number + 1, range(1, 12)) for number in range(25)])
    shuffled = pins.sample(fraction=1, shuffle=True, seed=3)
    assert growth_curves(AccountHistory.from_pins(pins), "saves", 7).equals(
        growth_curves(AccountHistory.from_pins(shuffled), "saves", 7)
    )


def test_fit_recovers_its_curve_and_rejects_another_shape() -> None:
    ages = np.arange(1, 31)
    bent = np.where(ages < 15, 0.1 * ages / 15, 0.1 + 0.9 * (ages - 15) / 15)
    good = (1 - np.exp(-((ages / 8) ** 0.7))) / (1 - np.exp(-((30 / 8) ** 0.7)))
    frames = [
        pl.DataFrame({"social_network_id": name, "measure": "share", "horizon": 30, "age": ages, "median": median})
        for name, median in (("pin_a", good), ("pin_b", np.where(ages < 20, 0.0, bent)))
    ]
    found, refused = (growth_fit(frame).row(0, named=True) for frame in frames)
    assert found["scale_days"] == pytest.approx(8, abs=0.01)
    assert found["shape"] == pytest.approx(0.7, abs=0.01)
    assert refused["scale_days"] is None
    assert "misses the median by" in refused["reason"]
    assert growth_fit(growth_curves(AccountHistory.from_pins(EMPTY))).is_empty()


def test_answer_has_the_median_its_interval_and_the_pins() -> None:
    pins = pl.concat([steady(f"{number:02}", 0, number + 3) for number in range(20)])
    answer = growth_answer(AccountHistory.from_pins(pins))
    assert answer.sentence == (
        "The median pin has 88 saves at an age of 7 days (95% interval 56 to 119; half of the pins have 54 to 121), "
        "of 20 pins followed that long."
    )
    assert answer.table is not None
    assert answer.table["Age (days)"].to_list() == [1, 2, 3, 5, 7]
    share = growth_share_answer(AccountHistory.from_pins(pins))
    assert share.sentence.startswith(
        "Of the saves that it has at 7 days, the median pin has 14% at 1 day, 43% at 3 days"
    )
    followed = "Pins followed from their first days by their saves: 20 to 7 days, 0 to 30 days, 0 to 90 days."
    assert followed_answer(AccountHistory.from_pins(pins)).sentence == followed


@pytest.mark.slow
@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("metric", ["saves", "comments"])
def test_incomplete_histories_get_an_answer_in_words(tmp_path: Path, variant: str, metric: str) -> None:
    pins = load_pins(make_history(tmp_path / "h.duckdb", **VARIANTS[variant]), ["pin_one"])
    for answer in (
        growth_answer(AccountHistory.from_pins(pins), metric),
        growth_share_answer(AccountHistory.from_pins(pins), metric),
        followed_answer(AccountHistory.from_pins(pins), metric),
    ):
        assert answer.sentence.endswith(".")
        assert "None" not in answer.sentence
        if variant in ("empty", "one pin"):
            assert answer.sentence.startswith("Not enough data yet: ") or answer.chart is None
    if variant == "rolling" and metric == "saves":
        assert growth_answer(AccountHistory.from_pins(pins), metric).sentence.startswith("Gains of saves are not known")


def test_too_few_pins_give_a_reason_with_their_number() -> None:
    answer = growth_answer(AccountHistory.from_pins(pl.concat([steady("a", 0, 2), steady("b", 0, 2)])))
    assert answer.sentence == "Not enough data yet: growth curves need at least 5 pins followed to age 7; there are 2."


def test_unknown_and_zero_counters_do_not_fail(tmp_path: Path) -> None:
    pins = load_pins(make_history(tmp_path / "h.duckdb"), ["pin_one"])
    nothing = pl.lit(None)
    unknown = pins.with_columns(
        saves=nothing.cast(pl.Int64), timestamp=nothing.cast(pl.Datetime("us")), text=nothing.cast(pl.String)
    )
    assert growth_answer(AccountHistory.from_pins(unknown)).sentence.startswith("Not enough data yet: ")
    zero = pl.concat([pin(f"{number}", 0, dict.fromkeys(range(1, 8), 0)) for number in range(8)])
    assert growth_answer(AccountHistory.from_pins(zero)).sentence.startswith(
        "The median pin has 0 saves at an age of 7 days"
    )
    assert growth_share_answer(AccountHistory.from_pins(zero)).sentence.startswith("Not enough data yet: ")


def test_pyairbyte_file_gives_the_same_answer(tmp_path: Path) -> None:
    path = make_history(tmp_path / "h.duckdb", days=40, pins=3)
    other = as_other_destination(path, tmp_path / "o.duckdb")
    here, there = (
        growth_answer(AccountHistory.from_pins(load_pins(database, ["pin_one"])), "clicks")
        for database in (path, other)
    )
    assert here.sentence == there.sentence
    assert here.chart is not None


@pytest.mark.parametrize("measure", ["count", "share"])
@pytest.mark.parametrize("pins", [0, 5, 25])
def test_chart_is_valid_described_and_drawable(measure: str, pins: int) -> None:
    frames = [steady(f"{number:02}", 0, number + 5) for number in range(pins)]
    curves = growth_curves(AccountHistory.from_pins(pl.concat(frames) if frames else EMPTY), "saves", 7)
    chart = growth_chart(curves, "saves", measure, 340)
    spec = chart.to_dict()
    assert len(spec["description"]) > 20
    line = next(layer for layer in spec["layer"] if layer["mark"]["type"] == "line")
    assert line["encoding"]["x"]["title"] == "Age of the pin (days)"
    assert line["encoding"]["y"]["title"] in (
        "Saves of a pin",
        "Percent of the saves at 7 days",
        "Percent of the saves at 1 days",
    )
    svg = vl_convert.vegalite_to_svg(json.dumps(style.styled(chart)), vl_version=style.VEGALITE)
    assert "NaN" not in svg
    assert "undefined" not in svg
    areas = [layer for layer in spec["layer"] if layer["mark"]["type"] == "area"]
    assert len(areas) == {0: 0, 5: 1, 25: 2}[pins]
