"""The checks of snapshots find missing days, zeros, undated pins and time zone changes."""

from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from oneup_pinterest.history.gains import daily_gains
from oneup_pinterest.history.loaded_history import LoadedHistory
from oneup_pinterest.quality.checks.snapshots import snapshot_coverage
from oneup_pinterest.quality.run_checks import find_problems
from oneup_pinterest.questions.followers.statistic import follower_changes
from simulations.worlds import MadeUpHistory
from unit_tests.quality.contexts import FIRST, context_of, find_by_check, frame_of, metric, pin


def test_coverage_distinguishes_no_pins_from_no_sync() -> None:
    followers = frame_of(
        "account_followers",
        [{"social_network_id": "pin_a", "snapshot_date": FIRST + timedelta(days=day)} for day in (0, 1, 3)],
    )
    coverage = snapshot_coverage(frame_of("pins", [pin(1, 1), pin(2, 1)]), followers)
    assert coverage["pins"].to_list() == [0, 2, None, 0]
    assert coverage["is_synced"].to_list() == [True, True, False, True]


def test_zeros_are_found_only_after_nonzero_values() -> None:
    pins = [pin(number, day, 0 if day == 2 else 50) for number in range(3) for day in range(4)]
    zero = find_by_check(context_of(pins))["all_zero"]
    assert (zero.severity, zero.since) == ("error", date(2026, 3, 3))
    assert "On 1 day, most recently 3 Mar 2026, every counter of every pin was 0" in zero.what
    overview = [metric(key, 0 if end == 2 else 9, end) for key in ("saves", "clicks") for end in range(3)]
    assert "every total of the account was 0" in find_by_check(context_of(overview=overview))["all_zero"].what
    new = [metric("saves", end, end) for end in range(3)]
    assert "all_zero" not in find_by_check(context_of([pin(1, 0, 0), pin(2, 0, 0), pin(3, 0, 0)], new))


def test_undated_pins_are_found() -> None:
    undated = find_by_check(context_of([pin(1, 0, timestamp=None), pin(2, 0)]))["pins_without_date"]
    assert (undated.severity, undated.what) == ("warning", "1 of 2 pins have no publication time.")


def synced_at(*moments: tuple[int, int, int]) -> list[dict[str, Any]]:
    """Return one pin that gains 10 per sync.

    A moment has the day of the snapshot, and the day and hour (UTC) of the extraction.
    """
    return [
        pin(1, day, 100 + 10 * number, _airbyte_extracted_at=datetime(2026, 3, 1) + timedelta(days=utc_day, hours=hour))
        for number, (day, utc_day, hour) in enumerate(moments)
    ]


def cron(hour: int, *days: int, zone: str) -> list[tuple[int, int, int]]:
    """Return syncs at one hour (UTC) of some days after 1 March 2026, each with its day in a time zone."""
    moments = [datetime(2026, 3, 1, hour, 30, tzinfo=UTC) + timedelta(days=day) for day in days]
    return [
        ((moment.astimezone(ZoneInfo(zone)).date() - FIRST).days, day, hour)
        for moment, day in zip(moments, days, strict=True)
    ]


@pytest.mark.parametrize(
    ("moments", "what"),
    [
        # UTC, then Tokyo, at 20:00 UTC: the day after the change has no snapshot
        (
            ((0, 0, 20), (1, 1, 20), (3, 2, 20), (4, 3, 20)),
            "The snapshots of 2 Mar 2026 and 4 Mar 2026 are 2 days apart by date, but their syncs are 24 hours apart",
        ),
        # Tokyo, then UTC: a day's snapshot is overwritten, and two days look like one
        (
            ((0, -1, 20), (1, 0, 20), (2, 2, 20), (3, 3, 20)),
            "The snapshots of 2 Mar 2026 and 3 Mar 2026 are 1 day apart by date, but their syncs are 48 hours apart",
        ),
        # UTC, then Tokyo an hour later: one day has two snapshots
        (
            ((0, 0, 20), (1, 1, 20), (2, 1, 21), (3, 2, 20)),
            "The snapshots of 2 Mar 2026 and 3 Mar 2026 are 1 day apart by date, but their syncs are 1 hour apart",
        ),
    ],
)
def test_time_zone_change_is_found_and_its_gain_is_imputed(
    moments: tuple[tuple[int, int, int], ...], what: str
) -> None:
    context = context_of(synced_at(*moments))
    found = find_by_check(context)
    assert found["zone_changed"].what.startswith(what)
    assert "days_without_snapshot" not in found
    gains = daily_gains(context.history, ["impressions"])
    days = (moments[2][0] - moments[1][0], 10 / (moments[2][0] - moments[1][0]))
    assert gains["is_imputed"].to_list() == [False, *[True] * days[0], False]
    assert gains["gain"].to_list() == [10.0, *[days[1]] * days[0], 10.0]


@pytest.mark.parametrize(
    "moments",
    [
        ((0, 0, 8), (1, 1, 23), (2, 2, 0), (3, 3, 12), (4, 4, 23)),  # UTC, at any hour
        ((1, 0, 16), (1, 1, 8), (2, 2, 13), (4, 3, 16), (4, 4, 1), (6, 5, 15)),  # Tokyo, at any hour
        ((0, 50, 8), (1, 50, 8), (2, 50, 8)),  # extracted long after the snapshots
        ((0, 0, 8), (5, 5, 23), (6, 6, 1)),  # a gap
    ],
)
def test_different_sync_hours_are_not_a_time_zone_change(moments: tuple[tuple[int, int, int], ...]) -> None:
    assert "zone_changed" not in find_by_check(context_of(synced_at(*{one[0]: one for one in moments}.values())))


@pytest.mark.parametrize(
    ("moments", "is_imputed"),
    [
        # daylight saving time begins on 29 March 2026: 23:30 in Berlin becomes 00:30 of the next day
        (cron(22, *range(20, 40), zone="Europe/Berlin"), 2),
        # it ends on 25 October: a day's snapshot is overwritten, and two days look like one
        (cron(22, *range(230, 250), zone="Europe/Berlin"), 1),
        (cron(4, *range(0, 20), zone="America/New_York"), 2),  # it begins on 8 March
        (cron(22, *range(20, 270), zone="Europe/Berlin"), 3),  # begins and ends
    ],
)
def test_daylight_saving_is_not_a_time_zone_change(moments: list[tuple[int, int, int]], is_imputed: int) -> None:
    rows = synced_at(*{one[0]: one for one in moments}.values())
    found = find_by_check(context_of(rows))
    assert "zone_changed" not in found
    assert (found["clock_changed"].severity, found["clock_changed"].where) == ("info", "pin_a")
    assert "between summer and winter time" in found["clock_changed"].what
    assert daily_gains(LoadedHistory(frame_of("pins", rows)), ["impressions"])["is_imputed"].sum() == is_imputed


def test_time_zone_change_is_not_mistaken_for_daylight_saving() -> None:
    before, after = cron(22, *range(0, 10), zone="UTC"), cron(22, *range(10, 20), zone="Europe/Berlin")
    both = [*before, *[(day + 1, utc, hour) for day, utc, hour in after]]  # 23:30 would be the same day
    found = find_by_check(context_of(synced_at(*both)))
    assert "clock_changed" not in found
    assert "zone_changed" in found


def test_follower_changes_across_a_time_zone_change_are_imputed() -> None:
    moments = ((0, 0, 20), (1, 1, 20), (2, 1, 21), (3, 2, 20))
    rows = [
        {
            "social_network_id": "pin_a",
            "snapshot_date": FIRST + timedelta(days=day),
            "total_followers": 100 + number,
            "_airbyte_extracted_at": datetime(2026, 3, 1) + timedelta(days=utc_day, hours=hour),
        }
        for number, (day, utc_day, hour) in enumerate(moments)
    ]
    context = context_of(followers=rows)
    assert "are 1 day apart by date, but their syncs are 1 hour apart" in find_by_check(context)["zone_changed"].what
    changes = follower_changes(MadeUpHistory(followers=context.history.followers))
    assert changes.select("change", "is_imputed").rows() == [(1.0, False), (1.0, True), (1.0, False)]
    both = context_of(synced_at(*moments), followers=rows)
    assert [finding.check for finding in find_problems(both)].count("zone_changed") == 1
