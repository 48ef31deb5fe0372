"""Windows cover each day once and are never rejected by the API."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from oneup_pinterest.sandbox.request_validation import parse_window
from source_oneup_pinterest.components.clock import CLOCK_VARIABLE
from source_oneup_pinterest.components.windows import LONGEST_REQUEST, Window, split_into_windows
from unit_tests.connector.configs import resolved

YESTERDAY = date(2026, 3, 1)
ZONES = [  # from UTC-12 to UTC+14, with half and quarter hours, and daylight saving time in both hemispheres
    "Etc/GMT+12",
    "Pacific/Pago_Pago",
    "Pacific/Marquesas",
    "America/Anchorage",
    "America/Los_Angeles",
    "America/New_York",
    "America/St_Johns",
    "America/Santiago",
    "America/Noronha",
    "Atlantic/Azores",
    "UTC",
    "Europe/Berlin",
    "Africa/Cairo",
    "Asia/Tehran",
    "Asia/Kolkata",
    "Asia/Kathmandu",
    "Asia/Tokyo",
    "Australia/Lord_Howe",
    "Pacific/Auckland",
    "Pacific/Chatham",
    "Pacific/Kiritimati",
]


@pytest.mark.parametrize("days", range(1, 400))
def test_windows_are_valid_and_cover_each_day_once(days: int) -> None:
    first = YESTERDAY - timedelta(days=days - 1)
    windows = split_into_windows(first, YESTERDAY)

    covered = [
        window.start + timedelta(days=offset)
        for window in windows
        for offset in range((window.end - window.start).days + 1)
    ]
    expected_first = min(first, YESTERDAY - timedelta(days=1))  # a single day is requested with the day before
    assert covered == [expected_first + timedelta(days=n) for n in range((YESTERDAY - expected_first).days + 1)]
    assert all(2 <= (window.end - window.start).days + 1 <= 90 for window in windows)
    assert windows[-1].end == YESTERDAY


def test_first_day_after_yesterday_gives_the_shortest_valid_window() -> None:
    assert split_into_windows(YESTERDAY + timedelta(days=5), YESTERDAY) == [
        Window(YESTERDAY - timedelta(days=1), YESTERDAY, None)
    ]


@pytest.mark.parametrize(("days", "preset"), [(7, "last_7_days"), (30, "last_30_days"), (90, "last_90_days")])
def test_window_that_equals_a_preset_is_requested_as_that_preset(
    monkeypatch: pytest.MonkeyPatch, days: int, preset: str
) -> None:
    config = resolved(monkeypatch, datetime(2026, 3, 2, 12, tzinfo=UTC))
    window = Window.of(YESTERDAY - timedelta(days=days - 1), YESTERDAY, YESTERDAY)

    assert window.request_parameters(config) == {"preset": preset}


def test_window_that_ends_before_yesterday_is_requested_by_dates(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    config = resolved(monkeypatch, datetime(2026, 3, 2, 12, tzinfo=UTC))
    end = YESTERDAY - timedelta(days=1)
    window = Window.of(end - timedelta(days=6), end, YESTERDAY)

    assert window.request_parameters(config) == {"start_date": "2026-02-22", "end_date": "2026-02-28"}


@pytest.mark.parametrize("around", [date(2026, 3, 8), date(2026, 3, 29), date(2026, 10, 25), date(2027, 1, 1)])
@pytest.mark.parametrize("zone", ZONES)
def test_request_covers_its_days_at_every_hour_in_every_zone(
    monkeypatch: pytest.MonkeyPatch, zone: str, around: date
) -> None:
    for minutes in range(-30 * 60 - 10, 30 * 60, 30):
        now = datetime.combine(around, time(), UTC) + timedelta(minutes=minutes)
        config = resolved(monkeypatch, now, timezone=zone)
        yesterday = date.fromisoformat(config["_yesterday"])
        assert yesterday == now.astimezone(ZoneInfo(zone)).date() - timedelta(days=1)
        window = Window.of(yesterday - timedelta(days=29), yesterday, yesterday)
        request = {"social_network_id": "a", "timezone": zone, **window.request_parameters(config)}
        for delay in (timedelta(0), LONGEST_REQUEST):
            meant = parse_window(request, now + delay)
            assert (meant.start, meant.end) == (window.start, window.end)


def test_request_after_midnight_covers_the_days_of_the_sync(monkeypatch: pytest.MonkeyPatch) -> None:
    config = resolved(monkeypatch, datetime(2026, 3, 2, 23, 59, tzinfo=UTC))
    window = Window.of(YESTERDAY - timedelta(days=6), YESTERDAY, YESTERDAY)
    monkeypatch.setenv(CLOCK_VARIABLE, "2026-03-03T02:00:00+00:00")

    assert window.request_parameters(config) == {"start_date": "2026-02-23", "end_date": "2026-03-01"}
