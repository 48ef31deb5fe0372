"""Gains: what was gained between snapshots, and never more than can be known."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
from polars.testing import assert_frame_equal

from oneup_pinterest.database.load import load_pins
from oneup_pinterest.history.counter_types import USABLE, counter_types
from oneup_pinterest.history.gains import account_daily_gains, daily_gains
from oneup_pinterest.history.loaded_history import LoadedHistory
from oneup_pinterest.history.observations import METRICS
from test_support.history import LAST_DAY, make_history

START = date(2026, 3, 1)


def seen(pin: str, saves: dict[int, int | None], published: datetime = datetime(2025, 1, 1)) -> list[dict[str, Any]]:
    """Snapshots of one pin: saves by the number of the day."""
    return [
        {
            "social_network_id": "pin_a",
            "id": pin,
            "timestamp": published,
            "snapshot_date": START + timedelta(days=day),
            "saves": count,
        }
        for day, count in saves.items()
    ]


def frame(*rows: Sequence[dict[str, Any]]) -> pl.DataFrame:
    return pl.DataFrame([row for group in rows for row in group], schema_overrides={"saves": pl.Int64})


def gains(*rows: Sequence[dict[str, Any]], pin: str | None = None) -> list[tuple[int, float | None]]:
    result = daily_gains(LoadedHistory(frame(*rows)), ["saves"])
    if pin is not None:
        result = result.filter(pl.col("id") == pin)
    return [((day - START).days, gain) for day, gain in result.select("day", "gain").iter_rows()]


def test_a_gain_is_booked_on_the_last_full_day_before_the_later_snapshot() -> None:
    assert gains(seen("1", {1: 10, 2: 13, 3: 13})) == [(1, 3.0), (2, 0.0)]


def test_a_gap_is_divided_among_its_days_and_marked() -> None:
    result = daily_gains(LoadedHistory(frame(seen("1", {0: 10, 4: 18, 5: 19}))), ["saves"])
    assert result["gain"].to_list() == [2.0, 2.0, 2.0, 2.0, 1.0]
    assert result["is_imputed"].to_list() == [True] * 4 + [False]
    assert result["day"].to_list() == [START + timedelta(days=day) for day in range(5)]


def test_the_first_sight_of_an_old_pin_is_no_gain() -> None:
    old = seen("2", {1: 900, 2: 901})
    assert gains(seen("1", {0: 0, 1: 0, 2: 0}), old, pin="2") == [(1, 1.0)]


def test_all_that_the_first_pins_of_a_new_account_have_is_a_gain_of_the_day_before_its_first_snapshot() -> None:
    assert gains(seen("1", {0: 5}, published=datetime(2026, 2, 28, 12))) == [(-1, 5.0)]


def test_beside_older_pins_the_first_snapshot_gives_no_gain_even_for_new_ones() -> None:
    new = seen("1", {0: 5}, published=datetime(2026, 2, 28, 12))
    assert gains(new, seen("2", {0: 900})) == []
    undated = pl.DataFrame(new).with_columns(timestamp=pl.lit(None, pl.Datetime("us")))
    assert daily_gains(LoadedHistory(undated), ["saves"]).is_empty()


def test_all_that_a_pin_published_since_the_last_snapshot_has_is_a_gain() -> None:
    new = seen("2", {3: 8}, published=datetime(2026, 3, 3, 9))
    assert gains(seen("1", {0: 0, 2: 0, 3: 0}), new, pin="2") == [(2, 8.0)]


def test_a_new_pin_after_a_gap_gained_since_its_publication() -> None:
    new = seen("2", {5: 8}, published=datetime(2026, 3, 4, 9))
    result = daily_gains(LoadedHistory(frame(seen("1", {0: 0, 5: 0}), new)), ["saves"]).filter(pl.col("id") == "2")
    assert result.select("day", "gain", "is_imputed", "is_new").rows() == [
        (date(2026, 3, 4), 4.0, True, True),
        (date(2026, 3, 5), 4.0, True, True),
    ]


def told(saves: dict[int, int | None]) -> list[tuple[float | None, str | None]]:
    """Gain and kind of fall at each step of one pin."""
    return daily_gains(LoadedHistory(frame(seen("1", saves))), ["saves"]).select("gain", "fall").rows()


def numbered(*saves: int | None) -> dict[int, int | None]:
    return dict(enumerate(saves))


def test_a_fall_is_unknown_and_not_a_gain_of_zero() -> None:
    result = daily_gains(LoadedHistory(frame(seen("1", numbered(10, 3, 5)))), ["saves"])
    assert result["gain"].to_list() == [None, 2.0]
    assert result["is_fall"].to_list() == [True, False]


def test_the_recovery_from_a_restatement_is_no_gain() -> None:
    assert told(numbered(1000, 985, 990, 1000, 1004)) == [
        (None, "restatement"),
        (0.0, None),
        (0.0, None),
        (4.0, None),
    ]


def test_a_count_or_two_off_a_small_counter_is_a_restatement() -> None:
    assert told(numbered(5, 3, 4, 6)) == [(None, "restatement"), (0.0, None), (1.0, None)]


def test_after_a_reset_counters_count_anew() -> None:
    assert told(numbered(500, 4, 9, 9)) == [(None, "reset"), (5.0, None), (0.0, None)]


def test_a_fall_in_between_has_a_name_of_its_own() -> None:
    assert told(numbered(100, 102, 70, 75)) == [(2.0, None), (None, "fall"), (5.0, None)]


def test_the_same_share_taken_from_most_pins_at_once_is_a_restatement() -> None:
    pins = [seen(str(pin), numbered(100, 90, 101)) for pin in range(4)]
    result = daily_gains(LoadedHistory(frame(*pins)), ["saves"])
    assert result.select("gain", "fall").rows() == [(None, "restatement"), (1.0, None)] * 4


def test_a_reading_from_which_the_counter_came_right_back_is_no_observation() -> None:
    assert told(numbered(500, 502, 0, 508)) == [(2.0, None), (3.0, None), (3.0, None)]


def booked(*saves: int | None, published: datetime = datetime(2025, 1, 1)) -> list[tuple[float | None, bool]]:
    """Gain of each day, and whether it is imputed."""
    rows = frame(seen("1", numbered(*saves), published))
    return daily_gains(LoadedHistory(rows), ["saves"]).select("gain", "is_imputed").rows()


def test_a_rise_that_is_taken_back_is_no_gain_and_its_days_are_imputed() -> None:
    clean, spread = (1.0, False), (1.0, True)
    assert booked(100, 101, 102, 900_000, 104, 105) == [clean, clean, spread, spread, clean]
    assert booked(102, 150, 104) == [spread, spread]
    assert booked(100, 101, 102, 900_000, 850_000, 105, 106) == [clean, clean, *[spread] * 3, clean]
    assert booked(100, 101, 102, *[900_000] * 3, 106, 107) == [clean, clean, *[spread] * 4, clean]
    assert booked(100, 101, 900_000, 103, 800_000, 105) == [clean, *[spread] * 4]
    assert booked(1_000_000, 1_000_010, 1_015_000, 1_000_030) == [(10.0, False), (10.0, True), (10.0, True)]


def test_a_rise_after_a_gap_that_is_taken_back_is_no_gain() -> None:
    assert booked(100, 101, None, None, 900_000, 105) == [(1.0, False), *[(1.0, True)] * 4]


def test_the_first_sight_of_a_new_pin_that_is_taken_back_is_no_gain() -> None:
    assert booked(900_000, 6, 7, 8, published=datetime(2026, 2, 28, 12)) == [
        (3.0, True),
        (3.0, True),
        (1.0, False),
        (1.0, False),
    ]
    # of an old pin nothing is known of the day before; what is left after a reset is less than this
    assert booked(900_000, 101, 102) == [(1.0, False)]
    assert booked(900_000, 5, 9) == [(None, False), (4.0, False)]


def test_a_spike_of_all_pins_or_of_one_counter_leaves_the_rest_as_it_is() -> None:
    pins = [seen(str(pin), numbered(100, 101, 102, 900_000, 104, 105)) for pin in range(4)]
    assert daily_gains(LoadedHistory(frame(*pins)), ["saves"])["gain"].to_list() == [1.0] * 20
    both = frame(seen("1", numbered(100, 101, 900_000, 103))).with_columns(clicks=pl.Series([1, 2, 4, 7]))
    clicks = daily_gains(LoadedHistory(both), ["saves", "clicks"]).filter(pl.col("metric") == "clicks")
    assert clicks.select("gain", "is_imputed").rows() == [(1.0, False), (2.0, False), (3.0, False)]


def test_a_viral_rise_that_stays_is_booked_and_confirmed_after_three_observations() -> None:
    saves = (100, 101, 102, 103, 5000, 5100, 5150)
    for length in (5, 6, 7):
        result = daily_gains(LoadedHistory(frame(seen("1", numbered(*saves[:length])))), ["saves"])
        assert result.filter("is_unconfirmed").select("gain").rows() == [(4897.0,)]
    settled = daily_gains(LoadedHistory(frame(seen("1", numbered(*saves, 5160)))), ["saves"])
    assert settled["gain"].to_list() == [1.0, 1.0, 1.0, 4897.0, 100.0, 50.0, 10.0]
    assert not settled["is_unconfirmed"].any()


def test_an_unusual_rise_is_booked_but_unconfirmed_until_it_stays() -> None:
    result = daily_gains(LoadedHistory(frame(seen("1", numbered(100, 101, 102, 900_000)))), ["saves"])
    assert result.select("gain", "is_unconfirmed").rows() == [(1.0, False), (1.0, False), (899_898.0, True)]
    account = account_daily_gains(LoadedHistory(frame(seen("1", numbered(100, 101, 102, 900_000)))), ["saves"])
    assert account["pins_unconfirmed"].to_list() == [0, 0, 1]
    usual = frame(seen("1", numbered(100, 101, 102, 900)), seen("2", numbered(100, 500, 1000, 1500)))
    assert not daily_gains(LoadedHistory(usual), ["saves"])["is_unconfirmed"].any()


def test_counts_that_cannot_be_are_no_observations() -> None:
    for impossible in (-5, 2**53 + 1, 2**62):
        assert booked(100, impossible, 102) == [(1.0, True), (1.0, True)]
    rows = frame(seen("1", numbered(10, 12, 90_000))).with_columns(impressions=pl.Series([500, 510, 520]))
    assert daily_gains(LoadedHistory(rows), ["saves"])["gain"].to_list() == [2.0]
    unseen = rows.with_columns(impressions=pl.lit(0))  # the file lacks impressions
    assert daily_gains(LoadedHistory(unseen), ["saves"])["gain"].to_list() == [2.0, 89_988.0]


def test_zeros_in_the_middle_are_a_dip_although_the_pin_once_rose_much() -> None:
    assert [gain for gain, _ in booked(30, 80, 90, 97, 100, 0, 0, 103)] == [50, 10, 7, 3, 1, 1, 1]


def test_a_snapshot_of_zeros_for_all_pins_is_no_observation() -> None:
    pins = [seen(str(pin), numbered(100, 0, 0, 109)) for pin in range(3)]
    result = daily_gains(LoadedHistory(frame(*pins, seen("9", numbered(0, 0, 0, 0)))), ["saves"])
    assert result.filter(pl.col("id") == "0").select("gain", "is_imputed").rows() == [(3.0, True)] * 3


def test_of_a_reset_of_all_pins_not_even_the_rises_are_gains() -> None:
    pins = [seen(str(pin), numbered(500, 2, 5)) for pin in range(4)]
    result = daily_gains(LoadedHistory(frame(*pins, seen("9", numbered(1, 3, 4)))), ["saves"])
    assert result.filter(pl.col("id") == "9").select("gain", "fall").rows() == [(None, "reset"), (1.0, None)]


def test_the_order_of_rows_changes_nothing(tmp_path: Path) -> None:
    pins = load_pins(make_history(tmp_path / "h.duckdb", days=12, reset_on=8))
    mixed = pins.sample(fraction=1, shuffle=True, seed=3)
    for function in (daily_gains, account_daily_gains, counter_types):
        assert function(LoadedHistory(mixed)).equals(function(LoadedHistory(pins)))


def test_a_pin_that_vanished_is_unseen_and_not_zero() -> None:
    assert gains(seen("1", {0: 1, 1: 2}), seen("2", {0: 0, 1: 0, 2: 0}), pin="1") == [(0, 1.0)]


def test_a_null_counter_is_no_observation() -> None:
    assert gains(seen("1", {0: 10, 1: None, 2: 14})) == [(0, 2.0), (1, 2.0)]


def test_the_last_two_days_of_an_account_are_provisional() -> None:
    result = daily_gains(LoadedHistory(frame(seen("1", dict.fromkeys(range(6), 1)))), ["saves"])
    assert result["is_provisional"].to_list() == [False, False, False, True, True]


def test_gains_add_up_to_what_the_counters_moved(tmp_path: Path) -> None:
    pins = load_pins(make_history(tmp_path / "h.duckdb", days=20, missing_days=(4, 5, 11)))
    ends = pins.sort("snapshot_date").group_by("id").agg(moved=pl.col("saves").last() - pl.col("saves").first())
    result = (
        daily_gains(LoadedHistory(pins), ["saves"]).filter(~pl.col("is_new")).group_by("id").agg(pl.col("gain").sum())
    )
    both = ends.join(result, on="id", how="left").with_columns(pl.col("gain").fill_null(0))
    assert both.filter((pl.col("moved") - pl.col("gain")).abs() > 1e-9).is_empty()


def test_gains_since_a_day_are_those_of_the_whole_history(tmp_path: Path) -> None:
    for options in ({"missing_days": (9, 10, 11)}, {"reset_on": 11}, {"rolling": True}):
        pins = load_pins(make_history(tmp_path / f"{len(options)}{options}.duckdb", days=20, **options))  # type: ignore[arg-type]
        since = LAST_DAY - timedelta(days=10)
        assert_frame_equal(
            daily_gains(LoadedHistory(pins), since=since),
            daily_gains(LoadedHistory(pins)).filter(pl.col("day") >= since),
        )


def test_account_gains_count_pins_observed_imputed_and_fallen() -> None:
    result = account_daily_gains(
        LoadedHistory(frame(seen("1", {0: 1, 1: 3, 2: 4}), seen("2", {0: 1, 2: 5}), seen("3", {0: 9, 1: 8, 2: 8}))),
        ["saves"],
    )
    columns = ("gain", "pins_observed", "pins_imputed", "pins_fallen", "is_imputed")
    assert result.select(columns).rows() == [(4.0, 3, 1, 1, False), (3.0, 3, 1, 0, False)]


def test_an_account_day_on_which_no_gain_is_known_is_null() -> None:
    assert account_daily_gains(LoadedHistory(frame(seen("1", {0: 9, 1: 3}))), ["saves"])["gain"].to_list() == [None]


def test_an_account_day_on_which_more_counters_fell_than_rose_is_null() -> None:
    reset = [seen(str(pin), {0: 9, 1: 0}) for pin in range(3)]
    assert account_daily_gains(LoadedHistory(frame(*reset, seen("4", {0: 1, 1: 2}))), ["saves"])["gain"].to_list() == [
        None
    ]


def test_an_account_day_on_which_nothing_moved_is_zero() -> None:
    assert account_daily_gains(LoadedHistory(frame(seen("1", {0: 9, 1: 9}))), ["saves"])["gain"].to_list() == [0.0]


def test_metrics_are_never_mixed(tmp_path: Path) -> None:
    result = account_daily_gains(LoadedHistory(load_pins(make_history(tmp_path / "h.duckdb", days=5, pins=3))))
    assert set(result["metric"]) == set(METRICS)
    assert result.select("social_network_id", "metric", "day").is_duplicated().sum() == 0


def test_a_counter_that_falls_again_and_again_is_rolling(tmp_path: Path) -> None:
    pins = load_pins(make_history(tmp_path / "h.duckdb", days=20, rolling=True))
    moving = counter_types(LoadedHistory(pins)).filter(pl.col("rises") > 0)
    assert moving.height
    assert set(moving["counter_type"]) == {"rolling"}
    assert set(moving["rules_out_days"]) == {None}
    assert "rolling" in account_daily_gains(LoadedHistory(pins), ["saves"])["counter_type"].to_list()


def test_a_metric_that_hardly_moves_follows_the_impressions() -> None:
    ups_and_downs = [9, 8, 9, 7, 9, 6, 9, 8]
    pins = frame(seen("1", numbered(*[4] * 4, *[3] * 4))).with_columns(impressions=pl.Series(ups_and_downs))
    assert dict(counter_types(LoadedHistory(pins), ["saves"]).select("metric", "counter_type").rows()) == {
        "saves": "rolling"
    }
    assert dict(
        counter_types(LoadedHistory(pins.drop("impressions")), ["saves"]).select("metric", "counter_type").rows()
    ) == {"saves": "lifetime"}


def test_counters_of_which_most_fell_at_one_sync_are_restated_and_usable() -> None:
    saves = [100 + 5 * day - 20 * (day >= 12) for day in range(25)]
    kinds = counter_types(LoadedHistory(frame(*[seen(str(pin), numbered(*saves)) for pin in range(6)])), ["saves"])
    assert kinds.select("counter_type", "restatements", "resets", "falls").row(0) == ("restated", 1, 0, 6)
    assert kinds["counter_type"].is_in(USABLE).all()


def test_a_pin_that_was_reset_alone_is_counted_and_leaves_the_counter_a_lifetime_one() -> None:
    pins = [seen(str(pin), numbered(*range(100, 130))) for pin in range(5)]
    kinds = counter_types(LoadedHistory(frame(*pins, seen("9", numbered(*range(100, 110), *range(20))))), ["saves"])
    assert kinds.select("counter_type", "resets", "pins_reset", "falls").row(0) == ("lifetime", 0, 1, 1)


def test_what_a_history_rules_out_is_told_and_unknown_where_it_is_short() -> None:
    long = counter_types(
        LoadedHistory(frame(seen("1", numbered(*range(60)), published=datetime(2026, 2, 1)))), ["saves"]
    )
    assert long.select("counter_type", "rules_out_days").row(0) == ("lifetime", 28 + 59 - 19 - 1)
    short = counter_types(LoadedHistory(frame(seen("1", numbered(*range(5))))), ["saves"])
    assert short.select("counter_type", "rules_out_days").row(0) == ("lifetime", None)


def test_one_reset_of_all_pins_leaves_a_lifetime_counter_one(tmp_path: Path) -> None:
    pins = load_pins(make_history(tmp_path / "h.duckdb", days=20, reset_on=10))
    kinds = counter_types(LoadedHistory(pins), ["impressions"])
    assert set(kinds["counter_type"]) == {"lifetime"}
    assert set(kinds["resets"]) == {1}
    day = LAST_DAY - timedelta(days=10)
    fallen = account_daily_gains(LoadedHistory(pins), ["impressions"]).filter(pl.col("day") == day)
    assert (fallen["pins_fallen"] > 0).all()


def test_a_few_restatements_leave_a_lifetime_counter_one() -> None:
    pins = frame(seen("1", {day: 10 * day - (1 if day == 7 else 0) * 15 for day in range(60)}))
    assert counter_types(LoadedHistory(pins), ["saves"]).select("falls", "counter_type").row(0) == (1, "lifetime")


def test_no_pins_give_frames_of_the_same_columns(tmp_path: Path) -> None:
    empty = load_pins(make_history(tmp_path / "empty.duckdb", days=0))
    full = load_pins(make_history(tmp_path / "full.duckdb", days=3, pins=2))
    for function in (daily_gains, account_daily_gains, counter_types):
        assert function(LoadedHistory(empty)).is_empty()
        assert function(LoadedHistory(empty)).schema == function(LoadedHistory(full)).schema
