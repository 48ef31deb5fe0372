"""The summary uses one source per figure, names the pins behind a change, and works from the first day on."""

from datetime import date, timedelta
from pathlib import Path

import polars as pl
import pytest

from oneup_pinterest.database.schema import TABLES
from oneup_pinterest.history.account_history import AccountHistory, load_account_history
from oneup_pinterest.history.period_change import account_change
from oneup_pinterest.questions.summary.answer import summary_answer, summary_sentence
from oneup_pinterest.questions.summary.statistic import (
    GAINS,
    ONEUP,
    comparison_days,
    period_figures,
    recent_series,
)
from test_support.history import make_history, make_long_history
from unit_tests.questions.test_change import observed_pins, steady


def figures_of(history: AccountHistory) -> dict[str, dict[str, object]]:
    return {row["key"]: row for row in period_figures(history).iter_rows(named=True)}


def history_of(path: Path, days: int) -> AccountHistory:
    return load_account_history(make_history(path / "h.duckdb", ("pin_one",), days=days), "pin_one")


@pytest.mark.parametrize(("days", "compared"), [(1, None), (16, None), (17, 7), (31, 14), (59, 28)])
def test_longest_comparable_period_is_chosen(tmp_path: Path, days: int, compared: int | None) -> None:
    assert comparison_days(history_of(tmp_path, days)) == compared


def test_figures_come_from_gains_where_they_can_be_compared(tmp_path: Path) -> None:
    history = history_of(tmp_path, 20)
    figures, change = figures_of(history), account_change(history, 7)
    assert {figures[key]["source"] for key in ("impressions", "saves", "repins", "clicks", "comments")} == {GAINS}
    saves = change.row(0, named=True)
    assert (figures["saves"]["value"], figures["saves"]["before"]) == (saves["now"], saves["before"])
    assert figures["saves"]["verdict"] == saves["verdict"]
    assert figures["posts"]["value"] == saves["pins_now"]
    assert figures["saves"]["difference"] == saves["now"] - saves["before"]


def test_figures_of_the_first_day_are_totals_of_oneup(tmp_path: Path) -> None:
    history = history_of(tmp_path, 1)
    figures = figures_of(history)
    assert {figures[key]["source"] for key in ("impressions", "saves", "posts")} == {ONEUP}
    totals = history.overview.filter(pl.col("key") == "saves").row(0, named=True)
    assert figures["saves"]["value"] == totals["value_current_period"]
    assert figures["saves"]["verdict"] is None
    assert "These are OneUp's own totals" in summary_sentence(history)
    assert figures["followers"]["before"] is None


def test_rolling_counter_falls_back_to_the_total_of_oneup(tmp_path: Path) -> None:
    path = make_history(tmp_path / "h.duckdb", ("pin_one",), days=20, rolling=True)
    figures = figures_of(load_account_history(path, "pin_one"))
    assert figures["saves"]["source"] == ONEUP
    assert figures["saves"]["verdict"] is None


def test_sentence_names_the_few_pins_behind_a_rise() -> None:
    viral = [10 + (0 if day < 8 else 200 * (day - 7)) for day in range(17)]
    pins = observed_pins({**{f"p{n}": [5 * day for day in range(17)] for n in range(9)}, "viral": viral})
    sentence = summary_sentence(AccountHistory.from_pins(pins))
    assert "Saves rose" in sentence
    assert "One pin brought" in sentence
    assert "without it saves would be unchanged" in sentence
    assert "No pin was published, as many as in the period before." in sentence


def test_unchanged_account_has_no_pins_behind_it() -> None:
    sentence = summary_sentence(AccountHistory.from_pins(observed_pins(steady(pins=3))))
    assert sentence.startswith("Saves stayed at 42.")
    assert "brought" not in sentence


def test_series_end_12_weeks_ago_and_have_one_value_per_day(tmp_path: Path) -> None:
    path = make_long_history(tmp_path / "h.duckdb", ("pin_one",), days=100)
    series = recent_series(load_account_history(path, "pin_one"))
    assert series.select("key", "day").is_duplicated().sum() == 0
    for _, part in series.group_by("key"):
        last = part["day"].max()
        assert isinstance(last, date)
        assert part["day"].min() > last - timedelta(days=84)  # type: ignore[operator] # Polars' stub


def test_account_without_any_data_says_so() -> None:
    empty = AccountHistory("pin_a", pl.DataFrame(schema=TABLES["pins"].schema))
    assert summary_answer(empty).sentence == "Not enough data yet: neither totals nor pins have been synced."
    assert period_figures(empty).is_empty()


def test_table_of_the_answer_has_the_figures(tmp_path: Path) -> None:
    history = history_of(tmp_path, 20)
    table = summary_answer(history).table
    assert table is not None
    assert table["Figure"].to_list() == [
        "Impressions",
        "Saves",
        "Repins",
        "Clicks",
        "Comments",
        "Pins Published",
        "Followers",
    ]
