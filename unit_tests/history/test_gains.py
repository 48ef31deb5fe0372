"""Gains are differences between snapshots, and only of counters that can be trusted."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
from polars.testing import assert_frame_equal

from oneup_pinterest.database.load import load_pins
from oneup_pinterest.history.counter_types import counter_types
from oneup_pinterest.history.gains import account_daily_gains, daily_gains
from oneup_pinterest.history.loaded_history import LoadedHistory
from oneup_pinterest.history.observations import METRICS
from test_support.history import LAST_DAY, make_history
from unit_tests.history.snapshots import START, by_day_number, frame, snapshots


def gains(*rows: Sequence[dict[str, Any]], pin: str | None = None) -> list[tuple[int, float | None]]:
    result = daily_gains(LoadedHistory(frame(*rows)), ["saves"])
    if pin is not None:
        result = result.filter(pl.col("id") == pin)
    return [((day - START).days, gain) for day, gain in result.select("day", "gain").iter_rows()]


def test_gain_is_dated_to_the_last_full_day_before_the_snapshot() -> None:
    assert gains(snapshots("1", {1: 10, 2: 13, 3: 13})) == [(1, 3.0), (2, 0.0)]


def test_gain_over_a_gap_is_spread_over_its_days_and_marked() -> None:
    result = daily_gains(LoadedHistory(frame(snapshots("1", {0: 10, 4: 18, 5: 19}))), ["saves"])
    assert result["gain"].to_list() == [2.0, 2.0, 2.0, 2.0, 1.0]
    assert result["is_imputed"].to_list() == [True] * 4 + [False]
    assert result["day"].to_list() == [START + timedelta(days=day) for day in range(5)]


def test_first_observation_of_an_old_pin_is_not_a_gain() -> None:
    old = snapshots("2", {1: 900, 2: 901})
    assert gains(snapshots("1", {0: 0, 1: 0, 2: 0}), old, pin="2") == [(1, 1.0)]


def test_first_counters_of_a_new_account_are_a_gain() -> None:
    assert gains(snapshots("1", {0: 5}, published=datetime(2026, 2, 28, 12))) == [(-1, 5.0)]


def test_first_snapshot_that_includes_older_pins_gives_no_gain() -> None:
    new = snapshots("1", {0: 5}, published=datetime(2026, 2, 28, 12))
    assert gains(new, snapshots("2", {0: 900})) == []
    undated = pl.DataFrame(new).with_columns(timestamp=pl.lit(None, pl.Datetime("us")))
    assert daily_gains(LoadedHistory(undated), ["saves"]).is_empty()


def test_first_counters_of_a_newly_published_pin_are_a_gain() -> None:
    new = snapshots("2", {3: 8}, published=datetime(2026, 3, 3, 9))
    assert gains(snapshots("1", {0: 0, 2: 0, 3: 0}), new, pin="2") == [(2, 8.0)]


def test_gain_of_a_new_pin_after_a_gap_starts_at_publication() -> None:
    new = snapshots("2", {5: 8}, published=datetime(2026, 3, 4, 9))
    result = daily_gains(LoadedHistory(frame(snapshots("1", {0: 0, 5: 0}), new)), ["saves"]).filter(pl.col("id") == "2")
    assert result.select("day", "gain", "is_imputed", "is_new").rows() == [
        (date(2026, 3, 4), 4.0, True, True),
        (date(2026, 3, 5), 4.0, True, True),
    ]


def gains_and_falls(saves: dict[int, int | None]) -> list[tuple[float | None, str | None]]:
    """Return the gain and the type of fall of each day of one pin."""
    return daily_gains(LoadedHistory(frame(snapshots("1", saves))), ["saves"]).select("gain", "fall").rows()


def test_falling_counter_gives_an_unknown_gain_not_zero() -> None:
    result = daily_gains(LoadedHistory(frame(snapshots("1", by_day_number(10, 3, 5)))), ["saves"])
    assert result["gain"].to_list() == [None, 2.0]
    assert result["is_fall"].to_list() == [True, False]


def test_recovery_from_a_restatement_is_not_a_gain() -> None:
    assert gains_and_falls(by_day_number(1000, 985, 990, 1000, 1004)) == [
        (None, "restatement"),
        (0.0, None),
        (0.0, None),
        (4.0, None),
    ]


def test_small_fall_of_a_small_counter_is_a_restatement() -> None:
    assert gains_and_falls(by_day_number(5, 3, 4, 6)) == [(None, "restatement"), (0.0, None), (1.0, None)]


def test_gains_continue_after_a_reset() -> None:
    assert gains_and_falls(by_day_number(500, 4, 9, 9)) == [(None, "reset"), (5.0, None), (0.0, None)]


def test_fall_between_restatement_and_reset_is_a_plain_fall() -> None:
    assert gains_and_falls(by_day_number(100, 102, 70, 75)) == [(2.0, None), (None, "fall"), (5.0, None)]


def test_equal_fall_of_most_pins_at_once_is_a_restatement() -> None:
    pins = [snapshots(str(pin), by_day_number(100, 90, 101)) for pin in range(4)]
    result = daily_gains(LoadedHistory(frame(*pins)), ["saves"])
    assert result.select("gain", "fall").rows() == [(None, "restatement"), (1.0, None)] * 4


def test_dip_that_recovers_at_once_is_ignored() -> None:
    assert gains_and_falls(by_day_number(500, 502, 0, 508)) == [(2.0, None), (3.0, None), (3.0, None)]


def gains_and_imputed(
    *saves: int | None, published: datetime = datetime(2025, 1, 1)
) -> list[tuple[float | None, bool]]:
    """Return the gain of each day, and whether it is imputed."""
    rows = frame(snapshots("1", by_day_number(*saves), published))
    return daily_gains(LoadedHistory(rows), ["saves"]).select("gain", "is_imputed").rows()


def test_reverted_rise_is_not_a_gain_and_its_days_are_imputed() -> None:
    clean, spread = (1.0, False), (1.0, True)
    assert gains_and_imputed(100, 101, 102, 900_000, 104, 105) == [clean, clean, spread, spread, clean]
    assert gains_and_imputed(102, 150, 104) == [spread, spread]
    assert gains_and_imputed(100, 101, 102, 900_000, 850_000, 105, 106) == [clean, clean, *[spread] * 3, clean]
    assert gains_and_imputed(100, 101, 102, *[900_000] * 3, 106, 107) == [clean, clean, *[spread] * 4, clean]
    assert gains_and_imputed(100, 101, 900_000, 103, 800_000, 105) == [clean, *[spread] * 4]
    assert gains_and_imputed(1_000_000, 1_000_010, 1_015_000, 1_000_030) == [(10.0, False), (10.0, True), (10.0, True)]


def test_reverted_rise_after_a_gap_is_not_a_gain() -> None:
    assert gains_and_imputed(100, 101, None, None, 900_000, 105) == [(1.0, False), *[(1.0, True)] * 4]


def test_reverted_first_observation_of_a_new_pin_is_not_a_gain() -> None:
    assert gains_and_imputed(900_000, 6, 7, 8, published=datetime(2026, 2, 28, 12)) == [
        (3.0, True),
        (3.0, True),
        (1.0, False),
        (1.0, False),
    ]
    # an old pin has no known gain before its first snapshot; 101 is too many for a counter after a reset
    assert gains_and_imputed(900_000, 101, 102) == [(1.0, False)]
    assert gains_and_imputed(900_000, 5, 9) == [(None, False), (4.0, False)]


def test_spike_does_not_change_other_gains() -> None:
    pins = [snapshots(str(pin), by_day_number(100, 101, 102, 900_000, 104, 105)) for pin in range(4)]
    assert daily_gains(LoadedHistory(frame(*pins)), ["saves"])["gain"].to_list() == [1.0] * 20
    both = frame(snapshots("1", by_day_number(100, 101, 900_000, 103))).with_columns(clicks=pl.Series([1, 2, 4, 7]))
    clicks = daily_gains(LoadedHistory(both), ["saves", "clicks"]).filter(pl.col("metric") == "clicks")
    assert clicks.select("gain", "is_imputed").rows() == [(1.0, False), (2.0, False), (3.0, False)]


def test_spike_of_a_new_pin_does_not_reach_into_the_pin_before() -> None:
    older = snapshots("1", {0: 5, 1: 6, 2: 7})
    newer = snapshots("2", {1: 80, 2: 50, 3: 20, 4: 20, 5: 20}, published=datetime(2026, 3, 1, 12))
    assert gains(older, newer, pin="1") == [(0, 1.0), (1, 1.0)]


def test_lasting_rise_is_confirmed_after_three_more_observations() -> None:
    saves = (100, 101, 102, 103, 5000, 5100, 5150)
    for length in (5, 6, 7):
        result = daily_gains(LoadedHistory(frame(snapshots("1", by_day_number(*saves[:length])))), ["saves"])
        assert result.filter("is_unconfirmed").select("gain").rows() == [(4897.0,)]
    settled = daily_gains(LoadedHistory(frame(snapshots("1", by_day_number(*saves, 5160)))), ["saves"])
    assert settled["gain"].to_list() == [1.0, 1.0, 1.0, 4897.0, 100.0, 50.0, 10.0]
    assert not settled["is_unconfirmed"].any()


def test_unusual_rise_is_a_gain_but_unconfirmed() -> None:
    result = daily_gains(LoadedHistory(frame(snapshots("1", by_day_number(100, 101, 102, 900_000)))), ["saves"])
    assert result.select("gain", "is_unconfirmed").rows() == [(1.0, False), (1.0, False), (899_898.0, True)]
    account = account_daily_gains(
        LoadedHistory(frame(snapshots("1", by_day_number(100, 101, 102, 900_000)))), ["saves"]
    )
    assert account["pins_unconfirmed"].to_list() == [0, 0, 1]
    usual = frame(
        snapshots("1", by_day_number(100, 101, 102, 900)), snapshots("2", by_day_number(100, 500, 1000, 1500))
    )
    assert not daily_gains(LoadedHistory(usual), ["saves"])["is_unconfirmed"].any()


def test_impossible_counters_are_ignored() -> None:
    for impossible in (-5, 2**53 + 1, 2**62):
        assert gains_and_imputed(100, impossible, 102) == [(1.0, True), (1.0, True)]
    rows = frame(snapshots("1", by_day_number(10, 12, 90_000))).with_columns(impressions=pl.Series([500, 510, 520]))
    assert daily_gains(LoadedHistory(rows), ["saves"])["gain"].to_list() == [2.0]
    unseen = rows.with_columns(impressions=pl.lit(0))  # as in a file without impressions
    assert daily_gains(LoadedHistory(unseen), ["saves"])["gain"].to_list() == [2.0, 89_988.0]


def test_zeros_between_observations_are_a_dip_even_after_fast_growth() -> None:
    assert [gain for gain, _ in gains_and_imputed(30, 80, 90, 97, 100, 0, 0, 103)] == [50, 10, 7, 3, 1, 1, 1]


def test_zeros_of_some_pins_are_ignored_after_a_recent_rise() -> None:
    zeroed = [snapshots(str(pin), by_day_number(3, 9 * (pin + 1), 0, 0, 9 * (pin + 1) + 3)) for pin in range(3)]
    others = [snapshots(str(pin), by_day_number(10, 20, 30, 40, 50)) for pin in range(5, 7)]
    result = daily_gains(LoadedHistory(frame(*zeroed, *others)), ["saves"])
    last = result.filter(pl.col("day") > START, pl.col("id").is_in(["0", "1", "2"]))
    assert last.select("gain", "is_imputed").rows() == [(1.0, True)] * 9
    kept = result.filter(pl.col("id").is_in(["5", "6"]))
    assert kept.select("gain", "is_imputed").rows() == [(10.0, False)] * 8


def test_zeros_of_one_pin_are_ignored_if_it_returns_to_its_level() -> None:
    assert [gain for gain, _ in gains_and_imputed(30, 80, 0, 83)] == [50.0, 1.5, 1.5]
    assert gains_and_falls(by_day_number(30, 80, 0, 500))[1:] == [(210.0, None)] * 2, (
        "a dip: it rose by far more than ever before"
    )


def test_pin_counted_from_zero_is_a_reset_beside_zeros_of_others() -> None:
    zeroed = [snapshots(str(pin), by_day_number(40, 50, 0, 52)) for pin in range(5)]
    again, steady = snapshots("9", by_day_number(40, 50, 0, 4)), snapshots("8", by_day_number(10, 20, 30, 40))
    result = daily_gains(LoadedHistory(frame(*zeroed, steady, again)), ["saves"])
    assert result.filter(pl.col("id") == "9").select("gain", "fall").rows()[1:] == [(None, "reset"), (4.0, None)]
    assert result.filter(pl.col("id").is_in(["0", "8"]))["gain"].to_list() == [10.0, 1.0, 1.0, *[10.0] * 3]


def test_small_counters_that_restart_at_zero_are_resets() -> None:
    pins = [snapshots(str(pin), by_day_number(9, 0, 9 if pin < 2 else 1)) for pin in range(5)]
    result = daily_gains(LoadedHistory(frame(*pins, snapshots("9", by_day_number(1, 2, 3)))), ["saves"])
    assert result.filter(pl.col("id") != "9")["fall"].to_list() == ["reset", None] * 5


def test_fall_within_the_last_two_days_gains_is_a_restatement() -> None:
    new = datetime(2026, 2, 28, 9)
    assert gains_and_falls(by_day_number(100, 130, 160, 140, 150, 170)) == [
        (30.0, None),
        (30.0, None),
        (None, "restatement"),
        (0.0, None),
        (10.0, None),
    ]
    result = daily_gains(LoadedHistory(frame(snapshots("1", by_day_number(40, 30, 45), new))), ["saves"])
    assert result.select("gain", "fall").rows() == [(40.0, None), (None, "restatement"), (5.0, None)]


def test_fall_between_weekly_syncs_is_no_restatement_of_the_last_days() -> None:
    saves = (100, 130, 160, 140, 150, 170)
    daily, weekly = (
        daily_gains(LoadedHistory(frame(snapshots("1", {step * day: n for day, n in enumerate(saves)}))), ["saves"])
        for step in (1, 7)
    )
    assert daily["fall"].drop_nulls().to_list() == ["restatement"]
    assert set(weekly["fall"].drop_nulls()) == {"fall"}
    assert weekly["gain"].tail(14).to_list() == [10 / 7] * 7 + [20 / 7] * 7, "counted from the value after the fall"


def test_snapshot_with_zeros_for_all_pins_is_ignored() -> None:
    pins = [snapshots(str(pin), by_day_number(100, 0, 0, 109)) for pin in range(3)]
    result = daily_gains(LoadedHistory(frame(*pins, snapshots("9", by_day_number(0, 0, 0, 0)))), ["saves"])
    assert result.filter(pl.col("id") == "0").select("gain", "is_imputed").rows() == [(3.0, True)] * 3


def test_rises_during_a_reset_of_all_pins_are_not_gains() -> None:
    pins = [snapshots(str(pin), by_day_number(500, 2, 5)) for pin in range(4)]
    result = daily_gains(LoadedHistory(frame(*pins, snapshots("9", by_day_number(1, 3, 4)))), ["saves"])
    assert result.filter(pl.col("id") == "9").select("gain", "fall").rows() == [(None, "reset"), (1.0, None)]


def test_row_order_does_not_matter(tmp_path: Path) -> None:
    pins = load_pins(make_history(tmp_path / "h.duckdb", days=12, reset_on=8))
    mixed = pins.sample(fraction=1, shuffle=True, seed=3)
    for function in (daily_gains, account_daily_gains, counter_types):
        assert function(LoadedHistory(mixed)).equals(function(LoadedHistory(pins)))


def test_vanished_pin_is_unobserved_not_zero() -> None:
    assert gains(snapshots("1", {0: 1, 1: 2}), snapshots("2", {0: 0, 1: 0, 2: 0}), pin="1") == [(0, 1.0)]


def test_null_counter_is_ignored() -> None:
    assert gains(snapshots("1", {0: 10, 1: None, 2: 14})) == [(0, 2.0), (1, 2.0)]


def test_last_two_days_of_an_account_are_provisional() -> None:
    result = daily_gains(LoadedHistory(frame(snapshots("1", dict.fromkeys(range(6), 1)))), ["saves"])
    assert result["is_provisional"].to_list() == [False, False, False, True, True]


def test_gains_add_up_to_the_change_of_the_counters(tmp_path: Path) -> None:
    pins = load_pins(make_history(tmp_path / "h.duckdb", days=20, missing_days=(4, 5, 11)))
    ends = pins.sort("snapshot_date").group_by("id").agg(moved=pl.col("saves").last() - pl.col("saves").first())
    result = (
        daily_gains(LoadedHistory(pins), ["saves"]).filter(~pl.col("is_new")).group_by("id").agg(pl.col("gain").sum())
    )
    both = ends.join(result, on="id", how="left").with_columns(pl.col("gain").fill_null(0))
    assert both.filter((pl.col("moved") - pl.col("gain")).abs() > 1e-9).is_empty()


def test_gains_since_a_day_equal_those_of_the_whole_history(tmp_path: Path) -> None:
    for options in ({"missing_days": (9, 10, 11)}, {"reset_on": 11}, {"rolling": True}):
        pins = load_pins(make_history(tmp_path / f"{len(options)}{options}.duckdb", days=20, **options))  # type: ignore[arg-type]
        since = LAST_DAY - timedelta(days=10)
        assert_frame_equal(
            daily_gains(LoadedHistory(pins), since=since),
            daily_gains(LoadedHistory(pins)).filter(pl.col("day") >= since),
        )


def test_account_gains_count_observed_imputed_and_fallen_pins() -> None:
    result = account_daily_gains(
        LoadedHistory(
            frame(snapshots("1", {0: 1, 1: 3, 2: 4}), snapshots("2", {0: 1, 2: 5}), snapshots("3", {0: 9, 1: 8, 2: 8}))
        ),
        ["saves"],
    )
    columns = ("gain", "pins_observed", "pins_imputed", "pins_fallen", "is_imputed")
    assert result.select(columns).rows() == [(4.0, 3, 1, 1, False), (3.0, 3, 1, 0, False)]


def test_account_day_without_known_gains_is_null() -> None:
    assert account_daily_gains(LoadedHistory(frame(snapshots("1", {0: 9, 1: 3}))), ["saves"])["gain"].to_list() == [
        None
    ]


def test_account_day_with_more_falls_than_rises_is_null() -> None:
    reset = [snapshots(str(pin), {0: 9, 1: 0}) for pin in range(3)]
    assert account_daily_gains(LoadedHistory(frame(*reset, snapshots("4", {0: 1, 1: 2}))), ["saves"])[
        "gain"
    ].to_list() == [None]


def test_account_day_without_changes_is_zero() -> None:
    assert account_daily_gains(LoadedHistory(frame(snapshots("1", {0: 9, 1: 9}))), ["saves"])["gain"].to_list() == [0.0]


def test_account_gains_have_one_row_per_metric_and_day(tmp_path: Path) -> None:
    result = account_daily_gains(LoadedHistory(load_pins(make_history(tmp_path / "h.duckdb", days=5, pins=3))))
    assert set(result["metric"]) == set(METRICS)
    assert result.select("social_network_id", "metric", "day").is_duplicated().sum() == 0


def test_frames_without_pins_have_the_same_columns(tmp_path: Path) -> None:
    empty = load_pins(make_history(tmp_path / "empty.duckdb", days=0))
    full = load_pins(make_history(tmp_path / "full.duckdb", days=3, pins=2))
    for function in (daily_gains, account_daily_gains, counter_types):
        assert function(LoadedHistory(empty)).is_empty()
        assert function(LoadedHistory(empty)).schema == function(LoadedHistory(full)).schema
