"""Anomalies are unusual days; gaps, weekly cycles and steady growth are not."""

import json
from datetime import timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import vl_convert

from oneup_pinterest.database.load import load_pins
from oneup_pinterest.history.account_history import AccountHistory
from oneup_pinterest.history.settled_days import settled_days
from oneup_pinterest.questions import chart_style as style
from oneup_pinterest.questions.anomalies.answer import anomalies_answer
from oneup_pinterest.questions.anomalies.chart import anomalies_chart
from oneup_pinterest.questions.anomalies.statistic import SCHEMA, daily_anomalies
from simulations.worlds import MadeUpHistory
from test_support.history import make_history
from test_support.made_gains import FIRST, WEEK, assert_drawn, gains_of


def states(gains: pl.DataFrame) -> dict[int, str]:
    """Return the state of each day that is not usual, by number of days after FIRST."""
    days = daily_anomalies(MadeUpHistory(account_gains=gains)).filter(pl.col("state") != "usual")
    return {(row["day"] - FIRST).days: row["state"] for row in days.iter_rows(named=True)}


def test_unusually_many_or_few_gains_are_high_or_low() -> None:
    counts = WEEK * 8
    counts[20] *= 5
    counts[33] = 1
    assert states(gains_of(counts)) == {20: "high", 33: "low"}


def test_weekly_cycle_and_steady_growth_are_not_anomalies() -> None:
    weekly = [10, 10, 10, 10, 10, 60, 60]
    assert states(gains_of([round(count * 1.01**day) for day, count in enumerate(weekly * 10)])) == {}


def test_weekday_that_breaks_its_cycle_is_an_anomaly() -> None:
    counts = [100, 100, 100, 100, 100, 600, 600] * 10
    counts[36] = 600
    assert states(gains_of(counts)) == {36: "high"}


def test_gap_and_its_neighboring_days_get_no_verdict() -> None:
    counts: list[float] = list(WEEK * 8)
    counts[20:24] = [90.0] * 4
    imputed = [20 <= day < 24 for day in range(len(counts))]
    assert states(gains_of(counts, is_imputed=imputed)) == dict.fromkeys(range(19, 25), "not judged")
    counts[20:24] = [0, 0, 0, 160]
    assert states(gains_of(counts))[23] == "high", "if the whole gain falls on one day, the day is high"


def test_uncertain_days_get_no_verdict() -> None:
    counts: list[float] = list(WEEK * 8)
    counts[20] = counts[50] = counts[-1] = 900
    fallen = [30 if day == 20 else 0 for day in range(len(counts))]
    gains = gains_of(counts, pins_fallen=fallen, is_provisional=[day >= len(counts) - 2 for day in range(len(counts))])
    gains = gains.with_columns(gain=pl.when(pl.col("day") != FIRST + timedelta(days=50)).then("gain"))
    assert states(gains) == {20: "not judged", 49: "not judged", 50: "unknown", 51: "not judged"}
    assert daily_anomalies(MadeUpHistory(account_gains=gains)).height == len(counts) - 2


def test_zero_among_small_counts_is_not_an_anomaly() -> None:
    counts = np.random.default_rng(3).poisson(3, 90).astype(float)
    assert (counts == 0).any()
    assert states(gains_of(list(counts))) == {}


def test_too_few_days_or_no_gains_give_no_rows() -> None:
    for counts in ([], [5], WEEK * 3, [0] * 60):
        days = daily_anomalies(MadeUpHistory(account_gains=gains_of(list(counts))))
        assert days.is_empty()
        assert days.columns == ["social_network_id", *SCHEMA]


def test_row_order_does_not_matter() -> None:
    counts = WEEK * 8
    counts[20] *= 5
    gains = gains_of(counts)
    mixed = MadeUpHistory(account_gains=gains.sample(fraction=1, shuffle=True, seed=2))
    assert daily_anomalies(mixed).equals(daily_anomalies(MadeUpHistory(account_gains=gains)))


def test_missing_day_is_unknown_and_makes_its_neighbors_unsure() -> None:
    days = settled_days(MadeUpHistory(account_gains=gains_of([1.0, 2, 3, 4, 5]).filter(pl.col("gain") != 3)), "saves")
    assert days["gain"].to_list() == [1, 2, None, 4, 5]
    assert days["is_sure"].to_list() == [True, False, False, False, True]


def test_answer_names_and_draws_the_unusual_day() -> None:
    counts = WEEK * 8
    counts[20] *= 5
    answer = anomalies_answer(MadeUpHistory(account_gains=gains_of(counts)))
    assert answer.sentence.startswith("1 of 56 days stands out: 21 Jan 2026 with 195 saves where 3")
    assert answer.table is not None
    assert answer.table["Verdict"][0] == "▲ high"  # unusual days come first, then the newest days
    assert set(answer.table["Verdict"][1:]) <= {"= usual", "? not judged"}
    assert answer.table["Day"][1:].is_sorted(descending=True)
    assert_drawn(answer.chart)
    assert "1 Jan 2026 to 25 Feb 2026" in answer.chart.to_dict()["description"]  # type: ignore[union-attr]


def test_answer_says_that_no_day_stands_out_or_what_is_missing(tmp_path: Path) -> None:
    assert anomalies_answer(MadeUpHistory(account_gains=gains_of(WEEK * 8))).sentence.startswith(
        "No day stands out: none of 56 days"
    )
    assert "28 settled days" in anomalies_answer(MadeUpHistory(account_gains=gains_of(WEEK * 3))).sentence
    assert "none of them" in anomalies_answer(MadeUpHistory(account_gains=gains_of([0] * 60))).sentence
    rolling = AccountHistory.from_pins(
        load_pins(make_history(tmp_path / "h.duckdb", ("pin_one",), days=40, rolling=True))
    )
    assert "falls too often" in anomalies_answer(rolling).sentence


@pytest.mark.parametrize("days", [0, 1, 45])
def test_history_of_any_length_gets_an_answer(tmp_path: Path, days: int) -> None:
    path = make_history(tmp_path / "h.duckdb", ("pin_one",), days=days, missing_days=(20, 21), reset_on=30)
    assert anomalies_answer(AccountHistory.from_pins(load_pins(path))).sentence


def test_chart_without_days_does_not_fail() -> None:
    chart = anomalies_chart(daily_anomalies(MadeUpHistory(account_gains=gains_of([]))))
    vl_convert.vegalite_to_svg(json.dumps(style.styled(chart)), vl_version=style.VEGALITE)
