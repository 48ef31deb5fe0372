"""Half-lives use pins observed up to a horizon; the share of old pins uses gains of settled days."""

import json
from datetime import date
from pathlib import Path

import polars as pl
import pytest
import vl_convert

from oneup_pinterest.database.load import load_pins
from oneup_pinterest.history.account_history import AccountHistory
from oneup_pinterest.questions import chart_style as style
from oneup_pinterest.questions.growth.age_bands import age_band_shares, weekly_gains_by_age
from oneup_pinterest.questions.growth.answer import evergreen_answer, half_life_answer
from oneup_pinterest.questions.growth.chart import age_bands_chart, half_life_chart
from oneup_pinterest.questions.growth.half_life import ALLOWANCE, half_life_curve, half_lives
from test_support.history import make_history
from test_support.made_pins import EMPTY, VARIANTS, pin, steady

FAST = {1: 20, 2: 30, 3: 35, 4: 38, 5: 39, 6: 40, 7: 40}  # half of 40 at age 1
SLOW = {1: 0, 2: 2, 3: 5, 4: 10, 5: 20, 6: 30, 7: 40}  # half of 40 at age 5


def some(counters: dict[int, int], number: int, name: str, published: int = 0) -> list[pl.DataFrame]:
    return [pin(f"{name}{each:03}", published, counters) for each in range(number)]


def at_seven(pins: list[pl.DataFrame]) -> dict[str, object]:
    return half_lives(AccountHistory.from_pins(pl.concat(pins)), "saves", [7]).row(0, named=True)


def test_half_life_is_the_median_age_at_half_of_the_count() -> None:
    row = at_seven(some(FAST, 30, "fast") + some(SLOW, 11, "slow"))
    assert (row["half_life"], row["pins"], row["censored"], row["reason"]) == (1.0, 41, 0, None)
    row = at_seven(some(FAST, 11, "fast") + some(SLOW, 30, "slow"))
    assert (row["half_life"], row["low"], row["high"]) == (5.0, 5.0, pytest.approx(5.0 * (1 + ALLOWANCE)))


def test_counters_are_interpolated_linearly() -> None:
    counters = {2: 10, 3: 30, 5: 36, 7: 40}  # half of 40 is reached at age 2.5
    assert at_seven(some(counters, 20, "a"))["half_life"] == 2.5
    counters = {2: 40, 4: 50, 7: 50}
    assert at_seven([*some({**counters, 6: 50}, 20, "a")])["half_life"] == 1.25


# a rise of 500 is unconfirmed
@pytest.mark.parametrize(("young", "counted"), [({1: 15, 2: 30}, 60), ({1: 500, 2: 900}, 0)])
def test_pins_younger_than_the_horizon_do_not_count(young: dict[int, int], counted: int) -> None:
    old = some(FAST, 10, "fast") + some(SLOW, 15, "slow")
    without, row = at_seven(old), at_seven(old + some(young, 60, "young", published=5))
    assert row["too_young"] == counted
    assert [row[name] for name in ("half_life", "low", "high", "pins")] == [
        without[name] for name in ("half_life", "low", "high", "pins")
    ]


def test_pins_with_small_counts_are_left_out_and_counted() -> None:
    row = at_seven(some(FAST, 25, "fast") + some(dict.fromkeys(range(1, 8), 1), 30, "small"))
    assert (row["pins"], row["too_few"], row["half_life"]) == (25, 30, 1.0)


def test_vanished_pins_are_censored_at_half_of_their_last_count() -> None:
    # two of 30 pins vanish with 30 saves; they had 15 at age 1.5, so they are not at risk at age 5
    gone = some({1: 10, 2: 20, 3: 30}, 2, "gone")
    pins = pl.concat(some(FAST, 12, "fast") + some(SLOW, 16, "slow") + gone)
    row = half_lives(AccountHistory.from_pins(pins), "saves", [7]).row(0, named=True)
    assert (row["pins"], row["censored"], row["half_life"]) == (30, 2, 5.0)
    curve = half_life_curve(AccountHistory.from_pins(pins), "saves", 7)
    assert curve.select("age", "at_risk").rows() == [(0.0, 30), (1.0, 30), (1.5, 18), (5.0, 16)]
    assert curve["share"].to_list() == pytest.approx([1, 0.6, 0.6, 0])


def test_too_many_vanished_pins_give_no_half_life() -> None:
    row = at_seven(some(FAST, 30, "fast") + some({1: 10, 2: 20, 3: 30}, 5, "gone"))
    assert row["half_life"] is None
    assert row["reason"] == "5 of 35 pins were not seen any more, or were reset, before age 7"


def test_horizon_with_fewer_than_20_pins_has_a_reason_and_no_curve() -> None:
    pins = pl.concat(some(FAST, 19, "fast"))
    rows = half_lives(AccountHistory.from_pins(pins), "saves")
    assert rows["horizon"].to_list() == [7, 30, 90]
    assert rows["half_life"].null_count() == 3
    assert rows["reason"].to_list()[0] == (
        "20 pins seen from the start to age 7 with at least 20 at that age are needed, and there are 19"
    )
    assert half_life_curve(AccountHistory.from_pins(pins), "saves", 7).is_empty()


def test_answer_names_its_horizon_and_what_is_missing() -> None:
    answer = half_life_answer(AccountHistory.from_pins(pl.concat(some(FAST, 30, "fast") + some(SLOW, 11, "slow"))))
    assert answer.sentence.startswith(
        "Half of the pins have half of their saves of 7 days by an age of 1.0 days (95% interval 1.0 to 1.0; 41 pins "
        "with at least 20 saves at 7 days). There is none for 30 days: 20 pins seen"
    )
    assert answer.chart is not None
    assert answer.table is not None
    assert answer.table["Half-life (days)"].to_list() == [1.0, None, None]


def aged(young: int = 25, old: int = 25) -> pl.DataFrame:
    """Return pins observed on 35 days: young ones gain 3 per day, and old ones, from an age of 75 days, 1 per day."""
    days = range(75, 110)
    return pl.concat(
        [pin(f"old{n}", 0, {day: 100 + day for day in days}) for n in range(old)]
        + [pin(f"new{n}", 74, {day - 74: 3 * (day - 74) for day in days}) for n in range(young)]
    )


def test_share_of_old_pins_covers_30_settled_days() -> None:
    shares = age_band_shares(AccountHistory.from_pins(aged()))
    of = {row["band"]: row for row in shares.iter_rows(named=True)}
    # old pins are 109 days old at the last snapshot; without the two provisional days, gains have ages 78 to 107
    # and, of young pins, 4 to 33
    assert (of["over 60"]["days"], of["over 60"]["total"]) == (30, 25 * 30 * 4)
    assert of["over 60"]["share"] == pytest.approx(0.25)
    assert of["over 90"]["share"] == pytest.approx(17 / 120)
    assert of["61 to 90"]["share"] == pytest.approx(13 / 120)
    assert of["31 to 60"]["gain"] == 25 * 3 * 3
    assert of["over 60"]["low"] < 0.25 < of["over 60"]["high"]
    assert of["over 60"]["oldest_age"] == 107
    answer = evergreen_answer(AccountHistory.from_pins(aged()))
    assert "25% came from pins older than 60 days (95% interval " in answer.sentence
    assert "Pins older than 90 days brought 14%" in answer.sentence


def test_unobserved_ages_have_no_share() -> None:
    pins = aged().filter((pl.col("snapshot_date") - pl.col("timestamp").cast(pl.Date)).dt.total_days() <= 90)
    of = {row["band"]: row for row in age_band_shares(AccountHistory.from_pins(pins)).iter_rows(named=True)}
    assert of["over 90"]["share"] is None
    assert of["over 90"]["reason"] == "no pin was observed at that age"
    assert of["over 60"]["share"] is not None
    sentence = evergreen_answer(AccountHistory.from_pins(pins)).sentence
    assert "What pins older than 90 days brought is not known: the oldest observed was at 90 days" in sentence


def test_share_of_zero_has_an_upper_bound() -> None:
    still = [pin(f"still{n}", 0, dict.fromkeys(range(75, 110), 5)) for n in range(30)]
    growing = [pin(f"new{n}", 74, {age: 3 * age for age in range(1, 36)}) for n in range(30)]
    row = (
        age_band_shares(AccountHistory.from_pins(pl.concat(still + growing))).filter(band="over 60").row(0, named=True)
    )
    assert (row["share"], row["low"]) == (0.0, 0.0)
    assert row["high"] == pytest.approx(1 - 0.025 ** (1 / 30))


def test_too_few_pins_or_days_give_a_reason() -> None:
    reasons = age_band_shares(AccountHistory.from_pins(aged(5, 5)))["reason"].unique().to_list()
    assert reasons == ["at least 20 pins that gained something are needed, and there are 10"]
    few_days = age_band_shares(AccountHistory.from_pins(aged().filter(pl.col("snapshot_date") >= date(2026, 4, 10))))[
        "reason"
    ].to_list()
    assert few_days[0] == "gains of at least 14 settled days are needed, and there are 8"


def test_age_bands_sum_to_the_gain_of_each_whole_week() -> None:
    weekly = weekly_gains_by_age(AccountHistory.from_pins(aged()))
    assert weekly.group_by("week").agg(pl.col("gain").sum()).sort("week")["gain"].to_list() == [25 * 4 * 7.0] * 3
    assert all(week.weekday() == 0 for week in weekly["week"])
    assert "over 90" in weekly["band"].to_list()
    assert weekly.filter(pl.col("week") == weekly["week"].min())["share"].sum() == pytest.approx(1)


def test_row_order_does_not_matter() -> None:
    pins = aged()
    shuffled = pins.sample(fraction=1, shuffle=True, seed=5)
    assert age_band_shares(AccountHistory.from_pins(pins)).equals(age_band_shares(AccountHistory.from_pins(shuffled)))
    assert half_lives(AccountHistory.from_pins(pins)).equals(half_lives(AccountHistory.from_pins(shuffled)))


@pytest.mark.slow
@pytest.mark.parametrize("variant", VARIANTS)
def test_incomplete_histories_get_an_answer_in_words(tmp_path: Path, variant: str) -> None:
    pins = load_pins(make_history(tmp_path / "h.duckdb", **VARIANTS[variant]), ["pin_one"])
    for metric in ("saves", "clicks"):
        for answer in (
            half_life_answer(AccountHistory.from_pins(pins), metric),
            evergreen_answer(AccountHistory.from_pins(pins), metric),
        ):
            assert answer.sentence.endswith(".")
            assert "None " not in answer.sentence
            if variant == "rolling":
                assert "falls too often" in answer.sentence
            elif variant != "reset":
                assert answer.sentence.startswith("Not enough data yet: ")


def test_charts_are_valid_described_and_drawable() -> None:
    pins = pl.concat(some(FAST, 30, "fast") + some(SLOW, 11, "slow"))
    weekly = weekly_gains_by_age(AccountHistory.from_pins(aged()))
    charts = [
        half_life_chart(half_life_curve(AccountHistory.from_pins(pins), "saves", 7), "saves"),
        half_life_chart(half_life_curve(AccountHistory.from_pins(EMPTY)), "saves"),
        age_bands_chart(weekly, "saves", 340),
        age_bands_chart(weekly.filter(pl.col("week") == weekly["week"].max()), "saves"),
        age_bands_chart(weekly.clear(), "saves"),
    ]
    for chart in charts:
        spec = chart.to_dict()
        assert len(spec["description"]) > 20
        views = spec.get("layer", [spec])
        titles = [
            view["encoding"][axis]["title"]
            for view in views
            for axis in ("x", "y")
            if "title" in view["encoding"][axis]
        ]
        assert titles
        assert all(titles)
        svg = vl_convert.vegalite_to_svg(json.dumps(style.styled(chart)), vl_version=style.VEGALITE)
        assert "NaN" not in svg
        assert "undefined" not in svg
    assert charts[0].to_dict()["description"].endswith("half of the pins by 1.0 days.")
    last_week = "in the last week 75% from pins of 8 to 30 days, 25% from over 90."
    assert charts[2].to_dict()["description"].endswith(last_week)


def test_half_life_of_steady_pins_is_half_the_horizon() -> None:
    pins = pl.concat([steady(f"{n:02}", 0, n + 5) for n in range(20)])
    row = half_lives(AccountHistory.from_pins(pins), "saves", [7]).row(0, named=True)
    assert row["half_life"] == pytest.approx(3.5)
