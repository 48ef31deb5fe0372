"""Which days are asked for: never what the API refuses, never a day left out or asked for twice."""

from datetime import date, timedelta

import pytest

from source_oneup_pinterest.components import Window, publish_windows

YESTERDAY = date(2026, 3, 1)


@pytest.mark.parametrize("days", range(1, 400))
def test_publish_windows_cover_every_day_once_and_none_is_refused(days: int) -> None:
    first = YESTERDAY - timedelta(days=days - 1)
    windows = publish_windows(first, YESTERDAY)

    covered = [
        window.start + timedelta(days=offset)
        for window in windows
        for offset in range((window.end - window.start).days + 1)
    ]
    expected_first = min(first, YESTERDAY - timedelta(days=1))  # a single day is asked for with the day before
    assert covered == [expected_first + timedelta(days=n) for n in range((YESTERDAY - expected_first).days + 1)]
    assert all(2 <= (window.end - window.start).days + 1 <= 90 for window in windows)
    assert windows[-1].end == YESTERDAY


def test_a_first_day_after_yesterday_still_gives_the_shortest_window_that_the_api_accepts() -> None:
    assert publish_windows(YESTERDAY + timedelta(days=5), YESTERDAY) == [
        Window(YESTERDAY - timedelta(days=1), YESTERDAY, None)
    ]


@pytest.mark.parametrize(("days", "preset"), [(7, "last_7_days"), (30, "last_30_days"), (90, "last_90_days")])
def test_a_window_that_is_exactly_a_preset_is_asked_for_as_that_preset_alone(days: int, preset: str) -> None:
    window = Window.of(YESTERDAY - timedelta(days=days - 1), YESTERDAY, YESTERDAY)

    assert window.request_parameters == {"preset": preset}


def test_a_window_of_a_presets_length_that_ends_earlier_is_asked_for_by_dates_alone() -> None:
    end = YESTERDAY - timedelta(days=1)
    window = Window.of(end - timedelta(days=6), end, YESTERDAY)

    assert window.request_parameters == {"start_date": "2026-02-22", "end_date": "2026-02-28"}
