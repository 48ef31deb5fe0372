"""Top pins are ordered by what they brought in the period, by known days, or by their counters on the first day."""

from pathlib import Path

import polars as pl

from oneup_pinterest.history.account_history import AccountHistory, load_account_history
from oneup_pinterest.history.period_change import account_change
from oneup_pinterest.questions.top_pins.answer import top_pins_answer
from oneup_pinterest.questions.top_pins.statistic import KNOWN, PERIOD, SO_FAR, top_pins
from test_support.history import make_history
from unit_tests.questions.test_change import observed_pins


def history_of(path: Path, days: int) -> AccountHistory:
    return load_account_history(make_history(path / "h.duckdb", ("pin_one",), days=days), "pin_one")


def test_values_add_up_to_the_gains_of_the_period(tmp_path: Path) -> None:
    history = history_of(tmp_path, 20)
    top = top_pins(history, "saves")
    row = account_change(history, 7, ["saves"]).row(0, named=True)
    assert (top.basis, top.start, top.end) == (PERIOD, row["now_start"], row["now_end"])
    assert top.pins["value"].sum() == row["now"]
    assert abs(top.pins["share"].sum() - 100) < 1e-9
    assert top.pins["value"].is_sorted(descending=True)


def test_a_short_history_uses_every_settled_day(tmp_path: Path) -> None:
    history = history_of(tmp_path, 8)
    top = top_pins(history, "saves")
    settled = history.account_gains.filter((pl.col("metric") == "saves") & ~pl.col("is_provisional"))
    assert top.basis == KNOWN
    assert (top.start, top.end) == (settled["day"].min(), settled["day"].max())
    assert top.pins["value"].sum() == settled["gain"].sum()


def test_the_first_day_uses_counters_since_publication(tmp_path: Path) -> None:
    history = history_of(tmp_path, 1)
    top = top_pins(history, "saves")
    assert (top.basis, top.start) == (SO_FAR, None)
    assert top.pins["value"].sum() == history.pins["saves"].sum()
    assert "since publication" in top_pins_answer(history).sentence


def test_rolling_counter_uses_what_is_seen_now(tmp_path: Path) -> None:
    path = make_history(tmp_path / "h.duckdb", ("pin_one",), days=20, rolling=True)
    assert top_pins(load_account_history(path, "pin_one"), "saves").basis == SO_FAR


def test_pins_without_gains_are_left_out() -> None:
    pins = observed_pins({"a": [3 * day for day in range(17)], "b": [7] * 17})
    assert top_pins(AccountHistory.from_pins(pins), "saves").pins["id"].to_list() == ["a"]


def test_missing_metric_gives_no_pins() -> None:
    pins = observed_pins({"a": [3 * day for day in range(17)]}).select(
        "social_network_id", "id", "timestamp", "snapshot_date", "saves"
    )
    assert top_pins(AccountHistory.from_pins(pins), "clicks").pins.is_empty()
