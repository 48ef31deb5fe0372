"""Verdicts about changes of an account come from its pins, and unknown days do not count as zeros."""

import json
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import vl_convert

from oneup_pinterest.database.load import load_pins
from oneup_pinterest.history.account_history import AccountHistory
from oneup_pinterest.history.gains import account_daily_gains
from oneup_pinterest.history.loaded_history import LoadedHistory
from oneup_pinterest.history.period_change import account_change
from oneup_pinterest.methods.verdicts import holm
from oneup_pinterest.questions import chart_style as style
from oneup_pinterest.questions.answer import interval_text
from oneup_pinterest.questions.change.answer import change_answer, new_pins_answer, trend_answer
from oneup_pinterest.questions.change.chart import change_chart, trend_chart
from oneup_pinterest.questions.change.new_pins import new_pins_change
from oneup_pinterest.questions.change.statistic import account_trend, fitted_trend, weekly_sums
from oneup_pinterest.questions.overview.chart import accounts_chart, now_and_before_chart
from test_support.history import make_history

FIRST = date(2026, 1, 1)
Counters = dict[str, list[int | None]]


def observed_pins(counters: Counters, metric: str = "saves", first_published: int = -100) -> pl.DataFrame:
    """Return pins observed daily from FIRST on, with their counters; None means no observation."""
    rows = [
        {
            "social_network_id": "pin_a",
            "id": pin,
            "timestamp": datetime(2026, 1, 1) + timedelta(days=first_published + number),
            "snapshot_date": FIRST + timedelta(days=day),
            metric: value,
        }
        for number, (pin, values) in enumerate(counters.items())
        for day, value in enumerate(values)
        if value is not None
    ]
    schema = {"social_network_id": pl.String, "id": pl.String, "timestamp": pl.Datetime, "snapshot_date": pl.Date}
    return pl.DataFrame(rows, schema={**schema, metric: pl.Int64})


def steady(pins: int = 20, days: int = 17, factor: int = 1) -> Counters:
    """Return counters of pins that each gain their number per day, and `factor` times that from the eighth day on."""
    return {
        f"{pin:03}": [100 + (pin + 1) * (day + (factor - 1) * max(0, day - 7)) for day in range(days)]
        for pin in range(pins)
    }


def test_period_sums_leave_out_provisional_days() -> None:
    row = account_change(AccountHistory.from_pins(observed_pins(steady())), 7, ["saves"]).row(0, named=True)
    assert (row["before"], row["now"]) == (7 * 210, 7 * 210)
    assert (row["before_start"], row["now_end"]) == (date(2026, 1, 1), date(2026, 1, 14))
    assert (row["gained_change"], row["verdict"], row["pins"]) == (0.0, "within normal variation", 20)
    assert row["p"] == pytest.approx(1)
    assert row["watched_now"] == row["watched_before"] == 20


def noisy(factor: float, days: int = 66, pins: int = 30, seed: int = 1) -> Counters:
    """Each pin gains a Poisson number per day; in the last 7 settled days `factor` times as many on average."""
    rng = np.random.default_rng(seed)
    mean = np.where(np.arange(days - 1) >= days - 10, factor, 1.0)
    gains = rng.poisson(np.outer(np.arange(pins) % 5 + 4, mean))
    return {f"{pin:03}": [100, *(int(value) for value in 100 + np.cumsum(gains[pin]))] for pin in range(pins)}


def changed(counters: Counters, days: int = 7) -> dict[str, Any]:
    history = AccountHistory.from_pins(observed_pins(counters))
    return account_change(history, days, ["saves"]).row(0, named=True)


def test_tripled_gains_are_up_and_the_reverse_is_down() -> None:
    up = changed(noisy(3))
    assert (round(up["gained_change"], -2), up["verdict"]) == (200, "up")
    assert up["change_low"] < 200 < up["change_high"]
    down = changed(noisy(1 / 3))
    assert (round(down["gained_change"], -1), down["verdict"]) == (-70, "down")
    assert down["change_low"] < -66.7 < down["change_high"]


def test_longer_history_narrows_the_interval() -> None:
    short, long = changed(noisy(1.5, days=24)), changed(noisy(1.5, days=150))
    assert short["verdict"] == "within normal variation"
    assert long["verdict"] == "up"
    assert long["detectable"] < short["detectable"] / 2
    assert long["days_needed"] < short["days_needed"]


def test_change_with_swings_that_all_pins_share_is_normal_variation() -> None:
    rng = np.random.default_rng(4)
    swings = np.exp(rng.normal(0, 0.6, 10).repeat(7)[:65])
    swings[-9:-2] = swings[:56].max()  # a week as good as the best one before
    gains = rng.poisson(np.outer(np.full(40, 9.0), swings))
    row = changed({f"{pin:03}": [0, *(int(value) for value in np.cumsum(gains[pin]))] for pin in range(40)})
    assert abs(row["now"] - row["before"]) > 5 * np.sqrt(row["now"] + row["before"]), "far beyond counting noise"
    assert row["verdict"] == "within normal variation"


def test_typical_pin_does_not_depend_on_how_much_was_published() -> None:
    pins = observed_pins(noisy(1))
    one = account_change(AccountHistory.from_pins(pins), 7, ["saves"]).row(0, named=True)
    first_seen = FIRST + timedelta(days=57)
    extra = observed_pins({f"new{n}": [None] * 57 + [90 * (day + 1) for day in range(9)] for n in range(9)})
    extra = extra.with_columns(timestamp=pl.lit(datetime.combine(first_seen, datetime.min.time()) - timedelta(days=1)))
    more = account_change(AccountHistory.from_pins(pl.concat([pins, extra])), 7, ["saves"]).row(0, named=True)
    assert more["gained_change"] > 100
    assert more["change"] == pytest.approx(one["change"], abs=1e-6)


def test_year_before_is_known_after_a_year() -> None:
    counters: Counters = {f"{pin:03}": [pin + 2 * day for day in range(390)] for pin in range(8)}
    row = changed(counters)
    assert row["year_before"] == row["now"] == 8 * 2 * 7
    assert row["usual_low"] == row["usual_high"] == 0
    assert changed(noisy(1))["year_before"] is None


def test_one_viral_pin_is_within_normal_variation() -> None:
    counters = steady()
    counters["000"] = [day if day < 8 else 10_000 * day for day in range(17)]
    row = changed(counters)
    assert row["gained_change"] > 1000
    assert row["verdict"] == "within normal variation"


def test_weeks_that_double_grow_by_a_hundred_percent() -> None:
    gains = pl.DataFrame({"gain": [2.0 ** (day // 7) * 5 for day in range(70)]}).with_columns(
        day=pl.lit(FIRST) + pl.duration(days=pl.int_range(pl.len())),
        social_network_id=pl.lit("pin_a"),
        metric=pl.lit("saves"),
        counter_type=pl.lit("lifetime"),
        is_provisional=pl.lit(value=False),
        is_imputed=pl.lit(value=False),
        pins_observed=pl.lit(9),
    )
    row = fitted_trend(gains, "saves", 12)
    assert row["change"] == pytest.approx(100, abs=2)
    assert row["p"] < 0.01


def test_holm_multiplies_by_the_number_of_remaining_tests() -> None:
    assert holm(pl.Series([0.04, 0.01, 0.03])).tolist() == pytest.approx([0.06, 0.03, 0.06])


def test_unknown_day_is_left_out_of_both_periods() -> None:
    gained = {pin: np.arange(17) * (pin + 1) for pin in range(20)}
    counters: Counters = {  # each is reset at the snapshot of the eleventh day
        str(pin): [int(value) for value in np.where(np.arange(17) < 10, 1000 + values, 1 + values - values[10])]
        for pin, values in gained.items()
    }
    row = account_change(AccountHistory.from_pins(observed_pins(counters)), 7, ["saves"]).row(0, named=True)
    assert row["days_compared"] == 6
    assert row["now"] == row["before"] == 6 * 210


def test_short_history_gives_a_reason_with_its_number_of_days() -> None:
    row = account_change(AccountHistory.from_pins(observed_pins(steady(days=17))), 28, ["saves"]).row(0, named=True)
    assert row["verdict"] == "no verdict"
    assert row["reason"] == "a history of 2 x 28 settled days is needed; there are 14"


def test_gap_across_the_end_of_a_period_prevents_a_comparison() -> None:
    counters = {
        pin: [value if not 4 <= day <= 10 else None for day, value in enumerate(values)]
        for pin, values in steady().items()
    }
    row = account_change(AccountHistory.from_pins(observed_pins(counters)), 7, ["saves"]).row(0, named=True)
    assert row["reason"] == "a gap of 8 days between two syncs lies across the ends of the periods"


def test_comparison_needs_six_pins() -> None:
    five, six = (
        account_change(AccountHistory.from_pins(observed_pins(steady(pins))), 7, ["saves"]).row(0, named=True)
        for pins in (5, 6)
    )
    assert five["reason"] == "at least 6 pins that gained saves are needed, and a few of them must not have most of it"
    assert six["reason"] is None


def test_gains_are_shown_where_pins_are_too_few_for_a_verdict() -> None:
    pins = observed_pins(steady(pins=3)).with_columns(repins="saves", clicks="saves")
    answer = change_answer(AccountHistory.from_pins(pins), "saves", days=7)
    assert answer.sentence == (
        "Saves: 42 over the last 7 days, after 42 (0%); no verdict, at least 6 pins that gained saves are needed, and "
        "a few of them must not have most of it."
    )
    assert answer.chart is None
    assert answer.table is not None


def test_pins_that_are_no_longer_seen_do_not_look_like_a_fall() -> None:
    counters: Counters = {
        pin: [value if day < 56 or number % 3 == 0 else None for day, value in enumerate(values)]
        for number, (pin, values) in enumerate(noisy(1).items())
    }
    row = changed(counters)
    assert row["watched_before"] > 2.5 * row["watched_now"] == 25
    assert row["gained_change"] < -50
    assert (row["verdict"], abs(row["change"]) < 20) == ("within normal variation", True)


def test_row_order_does_not_matter() -> None:
    pins = observed_pins(steady(factor=2))
    mixed = pins.sample(fraction=1, shuffle=True, seed=1)
    first, second = (account_change(AccountHistory.from_pins(rows), 7, ["saves"]) for rows in (pins, mixed))
    assert first.equals(second)


def test_rows_of_several_accounts_are_rejected() -> None:
    pins = observed_pins(steady())
    with pytest.raises(ValueError, match="of one account"):
        AccountHistory.from_pins(pl.concat([pins, pins.with_columns(social_network_id=pl.lit("pin_b"))]))


def test_weekly_sum_is_scaled_from_at_least_five_known_days() -> None:
    days = [date(2026, 3, day) for day in range(1, 22)]
    gains = pl.DataFrame(
        {
            "social_network_id": "pin_a",
            "metric": "saves",
            "day": days,
            "counter_type": "lifetime",
            "gain": [None, None, *[1.0] * 5, None, None, None, *[1.0] * 4, *[2.0] * 7],
            "is_provisional": False,
            "is_imputed": False,
        }
    )
    assert weekly_sums(gains).select("week", "days_known", "gain").rows() == [
        (-2, 5, 7.0),
        (-1, 4, None),
        (0, 7, 14.0),
    ]


def test_trend_needs_six_whole_weeks() -> None:
    pins = observed_pins(steady(days=40))
    row = account_trend(AccountHistory.from_pins(pins), ["saves"]).row(0, named=True)
    assert (row["weeks"], row["reason"]) == (5, "6 whole settled weeks are needed; there are 5")


def test_frames_without_rows_have_the_same_columns() -> None:
    pins = observed_pins(steady(factor=2)).with_columns(
        text=pl.lit(None, pl.String), format=pl.lit(None, pl.String), media_type=pl.lit(None, pl.String)
    )
    empty = pins.clear()
    assert (
        account_change(AccountHistory.from_pins(empty), metrics=["saves"]).schema
        == account_change(AccountHistory.from_pins(pins), metrics=["saves"]).schema
    )
    assert (
        new_pins_change(AccountHistory.from_pins(empty), metrics=["saves"]).schema
        == new_pins_change(AccountHistory.from_pins(pins), metrics=["saves"]).schema
    )
    assert (
        account_trend(AccountHistory.from_pins(empty), ["saves"]).schema
        == account_trend(AccountHistory.from_pins(pins), ["saves"]).schema
    )


def test_sentence_states_a_null_result() -> None:
    pins = observed_pins(noisy(1)).with_columns(repins="saves", clicks="saves")
    answer = change_answer(AccountHistory.from_pins(pins), "saves", days=7)
    assert answer.sentence.endswith("within normal variation (30 pins).")
    assert "; beyond the trend, the typical pin " in answer.sentence
    assert "95% interval −" in answer.sentence
    (until,) = [note for note in answer.notes if note.startswith("Saves: a change of the typical pin shows now from")]
    assert "a year" in until or "weeks per period" in until
    assert any("cannot be told from the season" in note for note in answer.notes)


def test_metric_beside_the_headline_ones_is_judged_alone() -> None:
    pins = observed_pins(noisy(3), "impressions").with_columns(
        saves=0, repins=0, clicks=0, comments=pl.lit(0), text=pl.lit(None, pl.String)
    )
    history = AccountHistory.from_pins(pins)
    answer = change_answer(history, "impressions", days=7)
    assert answer.question == "Did impressions change over the last 7 days?"
    assert answer.sentence.startswith("Impressions: ")
    assert answer.sentence.endswith(": up (30 pins).")
    assert not any("judged together" in note for note in answer.notes)
    assert answer.table is not None
    assert answer.table["Metric"].to_list() == ["Impressions"]
    row = account_change(history, 7, ["impressions"]).row(0, named=True)
    assert row["p_adjusted"] == row["p"]
    assert change_answer(history, "comments", days=7).sentence.startswith("Comments: 0 over the last 7 days")


def test_change_of_nothing_is_not_said_to_show_later() -> None:
    history = AccountHistory.from_pins(observed_pins(steady()).with_columns(repins="saves", clicks="saves"))
    notes = change_answer(history, "saves", days=7).notes
    (until,) = [note for note in notes if note.startswith("Saves: a change of the typical pin shows now from about +")]
    assert "One of" not in until
    assert not [note for note in notes if "0% would" in note or "0% is too small" in note]


def test_verdict_lost_to_adjustment_is_within_normal_variation() -> None:
    assert interval_text(None, 22) == "95% interval +22% or less"
    for seed in range(30):  # find a history with a verdict for saves alone, but not among all metrics
        pins, other = observed_pins(noisy(1.4, pins=9, seed=seed)), observed_pins(noisy(1, pins=9, seed=seed + 100))
        pins = pins.with_columns(repins=other["saves"], clicks=other["saves"])
        row = account_change(AccountHistory.from_pins(pins), 7).row(0, named=True)
        if row["p"] < 0.05 <= row["p_adjusted"]:
            assert row["verdict"] == "within normal variation"
            return
    pytest.fail("no simulated history has a verdict that is lost to the adjustment")


HISTORIES: dict[str, dict[str, Any]] = {
    "empty": {"days": 0},
    "one sync": {"days": 1},
    "one pin": {"accounts": ("pin_one",), "days": 2, "pins": 1},
    "gap": {"days": 70, "missing_days": tuple(range(20, 45))},
    "reset": {"days": 70, "reset_on": 50},
    "rolling": {"days": 30, "rolling": True},
    "complete": {"days": 75, "pins": 20},
}


@pytest.mark.slow
@pytest.mark.parametrize("name", HISTORIES)
def test_every_history_gets_valid_answers(tmp_path: Path, name: str) -> None:
    pins = load_pins(make_history(tmp_path / "h.duckdb", **HISTORIES[name])).filter(
        pl.col("social_network_id") == "pin_one"
    )
    answers = [
        change_answer(AccountHistory.from_pins(pins)),
        change_answer(AccountHistory.from_pins(pins), "clicks", days=7),
        new_pins_answer(AccountHistory.from_pins(pins)),
        trend_answer(AccountHistory.from_pins(pins)),
    ]
    for answer in answers:
        assert answer.sentence
        says_why = answer.sentence.startswith("Not enough data yet: ") or "no verdict" in answer.sentence
        assert says_why or answer.chart is not None
        if answer.chart is not None:
            checked_spec(answer.chart)
    assert (answers[0].chart is not None) == (name in ("complete", "reset"))


def checked_spec(chart: Any) -> dict[str, Any]:
    """Return the specification of a chart; check that it is valid and draws in both versions of Vega-Lite."""
    spec: dict[str, Any] = chart.to_dict()
    assert len(spec["description"]) > 20
    titles = [e[a].get("title") for e in (layer["encoding"] for layer in spec["layer"]) for a in ("x", "y") if a in e]
    assert any(titles)
    for version in (style.VEGALITE, "5.20"):
        svg = vl_convert.vegalite_to_svg(json.dumps(style.styled(chart)), vl_version=version)
        assert "<path" in svg
        assert "NaN" not in svg
    return spec


def test_charts_are_valid_and_described_with_numbers() -> None:
    change = pl.DataFrame(
        {
            "social_network_id": ["pin_a", "pin_b"],
            "metric": ["saves", "clicks"],
            "change": [-8.0, 300.0],
            "change_low": [-31.0, None],
            "change_high": [22.0, None],
            "verdict": ["within normal variation", "up"],
            "pins": [30, 7],
            "now": [5.0, 8.0],
            "before": [5.4, 2.0],
        }
    )
    assert "Saves −8% (−31% to +22%), within normal variation" in checked_spec(change_chart(change))["description"]
    assert "Clicks ▲ up, 8 from 2" in checked_spec(now_and_before_chart(change))["description"]
    named = checked_spec(accounts_chart(change, {"pin_a": "Same", "pin_b": "Same"}))
    assert {row["name"] for row in named["data"]["values"]} == {"pin_a", "pin_b"}
    assert "Change of the typical pin (log scale)" in str(named)
    for small in (change.clear(), change.head(1)):
        checked_spec(change_chart(small))
        checked_spec(now_and_before_chart(small))
        checked_spec(accounts_chart(small))


def test_trend_line_is_drawn_through_the_weekly_mean() -> None:
    pins = observed_pins(steady(days=60))
    weekly = weekly_sums(account_daily_gains(LoadedHistory(pins), ["saves"]))
    spec = checked_spec(trend_chart(weekly, account_trend(AccountHistory.from_pins(pins), ["saves"]), "saves"))
    assert {row["fitted"] for row in spec["data"]["values"]} == {7 * 210.0}
