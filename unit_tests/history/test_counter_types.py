"""Counters are lifetime, rolling or restated, and one event does not change the type."""

from datetime import datetime, timedelta
from pathlib import Path

import polars as pl

from oneup_pinterest.database.load import load_pins
from oneup_pinterest.history.counter_types import USABLE, counter_types
from oneup_pinterest.history.gains import account_daily_gains
from oneup_pinterest.history.loaded_history import LoadedHistory
from test_support.history import LAST_DAY, make_history
from unit_tests.history.snapshots import by_day_number, frame, snapshots


def test_restated_last_days_do_not_make_a_counter_rolling() -> None:
    saves = [100 + 10 * day + (9 if day % 2 else -4) for day in range(30)]
    falling = [100 + 10 * (day // 2 * 2) + (9 if day % 2 else 5) for day in range(30)]
    pins = [snapshots(str(pin), by_day_number(*(falling if pin % 2 else saves))) for pin in range(6)]
    types = counter_types(LoadedHistory(frame(*pins)), ["saves"])
    assert types["counter_type"].is_in(USABLE).all()


def test_counter_that_falls_repeatedly_is_rolling(tmp_path: Path) -> None:
    pins = load_pins(make_history(tmp_path / "h.duckdb", days=20, rolling=True))
    moving = counter_types(LoadedHistory(pins)).filter(pl.col("rises") > 0)
    assert moving.height
    assert set(moving["counter_type"]) == {"rolling"}
    assert set(moving["rules_out_days"]) == {None}
    assert "rolling" in account_daily_gains(LoadedHistory(pins), ["saves"])["counter_type"].to_list()


def test_quiet_metric_takes_the_counter_type_of_impressions() -> None:
    ups_and_downs = [9, 8, 9, 7, 9, 6, 9, 8]
    pins = frame(snapshots("1", by_day_number(*[4] * 4, *[3] * 4))).with_columns(impressions=pl.Series(ups_and_downs))
    assert dict(counter_types(LoadedHistory(pins), ["saves"]).select("metric", "counter_type").rows()) == {
        "saves": "rolling"
    }
    assert dict(
        counter_types(LoadedHistory(pins.drop("impressions")), ["saves"]).select("metric", "counter_type").rows()
    ) == {"saves": "lifetime"}


def test_counter_that_fell_for_most_pins_is_restated_and_usable() -> None:
    saves = [100 + 5 * day - 20 * (day >= 12) for day in range(25)]
    types = counter_types(
        LoadedHistory(frame(*[snapshots(str(pin), by_day_number(*saves)) for pin in range(6)])), ["saves"]
    )
    assert types.select("counter_type", "restatements", "resets", "falls").row(0) == ("restated", 1, 0, 6)
    assert types["counter_type"].is_in(USABLE).all()


def test_reset_of_one_pin_is_counted_and_keeps_the_type_lifetime() -> None:
    pins = [snapshots(str(pin), by_day_number(*range(100, 130))) for pin in range(5)]
    types = counter_types(
        LoadedHistory(frame(*pins, snapshots("9", by_day_number(*range(100, 110), *range(20))))), ["saves"]
    )
    assert types.select("counter_type", "resets", "pins_reset", "falls").row(0) == ("lifetime", 0, 1, 1)


def test_ruled_out_days_are_unknown_for_a_short_history() -> None:
    long = counter_types(
        LoadedHistory(frame(snapshots("1", by_day_number(*range(60)), published=datetime(2026, 2, 1)))), ["saves"]
    )
    assert long.select("counter_type", "rules_out_days").row(0) == ("lifetime", 28 + 59 - 19 - 1)
    short = counter_types(LoadedHistory(frame(snapshots("1", by_day_number(*range(5))))), ["saves"])
    assert short.select("counter_type", "rules_out_days").row(0) == ("lifetime", None)


def test_one_reset_of_all_pins_keeps_the_type_lifetime(tmp_path: Path) -> None:
    pins = load_pins(make_history(tmp_path / "h.duckdb", days=20, reset_on=10))
    types = counter_types(LoadedHistory(pins), ["impressions"])
    assert set(types["counter_type"]) == {"lifetime"}
    assert set(types["resets"]) == {1}
    day = LAST_DAY - timedelta(days=10)
    fallen = account_daily_gains(LoadedHistory(pins), ["impressions"]).filter(pl.col("day") == day)
    assert (fallen["pins_fallen"] > 0).all()


def test_few_restatements_keep_the_type_lifetime() -> None:
    pins = frame(snapshots("1", {day: 10 * day - (1 if day == 7 else 0) * 15 for day in range(60)}))
    assert counter_types(LoadedHistory(pins), ["saves"]).select("falls", "counter_type").row(0) == (1, "lifetime")
