"""Counters by age come only from observations, and stop at a reset."""

from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl

from oneup_pinterest.database.load import load_pins
from oneup_pinterest.history.by_age import counters_at_age, counters_by_age
from oneup_pinterest.history.loaded_history import LoadedHistory
from test_support.history import make_history

PUBLISHED = datetime(2026, 3, 1, 9)


def snapshots(saves: dict[int, int], pin: str = "1", published: datetime | None = PUBLISHED) -> list[dict[str, Any]]:
    """Return snapshots of one pin, with its saves by age in days."""
    return [
        {
            "social_network_id": "pin_a",
            "id": pin,
            "timestamp": published,
            "snapshot_date": date(2026, 3, 1) + timedelta(days=age),
            "saves": count,
            "format": "pin",
            "media_type": "IMAGE",
            "text": "Soup",
        }
        for age, count in saves.items()
    ]


def by_age(*rows: list[dict[str, Any]]) -> list[tuple[int, int]]:
    pins = pl.DataFrame([row for group in rows for row in group], schema_overrides={"timestamp": pl.Datetime("us")})
    return counters_by_age(LoadedHistory(pins), ["saves"]).select("age", "value").rows()


def test_snapshot_on_the_day_after_publication_has_age_one() -> None:
    assert by_age(snapshots({0: 1, 1: 4, 2: 6})) == [(1, 4), (2, 6)]


def test_counter_stays_at_its_maximum_during_a_restatement() -> None:
    assert by_age(snapshots({1: 1000, 2: 990, 3: 1005})) == [(1, 1000), (2, 1000), (3, 1005)]


def test_observations_after_a_reset_are_left_out() -> None:
    # with fewer observations before the fall, this could be a reverted rise
    before_reset = {1: 100, 2: 110, 3: 115, 4: 118}
    assert by_age(snapshots({**before_reset, 5: 2, 6: 9})) == list(before_reset.items())


def test_pins_without_a_publication_time_have_no_age() -> None:
    assert by_age(snapshots({1: 100, 2: 110}, published=None)) == []


def test_rolling_counters_have_no_values_by_age(tmp_path: Path) -> None:
    pins = load_pins(make_history(tmp_path / "h.duckdb", days=20, rolling=True))
    assert counters_by_age(LoadedHistory(pins), ["impressions", "saves"]).is_empty()


def test_counters_are_interpolated_over_at_most_a_week() -> None:
    pins = pl.DataFrame([*snapshots({4: 10, 10: 16}), *snapshots({4: 10, 12: 18}, pin="2")])
    assert counters_at_age(LoadedHistory(pins), 7, ["saves"]).select("id", "value", "is_interpolated").rows() == [
        ("1", 13.0, True)
    ]


def test_empty_history_has_the_same_columns(tmp_path: Path) -> None:
    empty = load_pins(make_history(tmp_path / "empty.duckdb", days=0))
    full = load_pins(make_history(tmp_path / "full.duckdb", days=12, pins=5))
    assert counters_by_age(LoadedHistory(empty)).schema == counters_by_age(LoadedHistory(full)).schema
    assert counters_at_age(LoadedHistory(empty), 7).schema == counters_at_age(LoadedHistory(full), 7).schema
