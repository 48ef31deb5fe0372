"""Windows of days that the API accepts."""

from datetime import date, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from airbyte_cdk.sources.types import Config

from .clock import utc_now

PRESET_DAYS = {"last_7_days": 7, "last_30_days": 30, "last_90_days": 90}
MAX_WINDOW_DAYS = 90  # the longest preset, and as long as Pinterest keeps daily figures
LONGEST_REQUEST = timedelta(minutes=15)  # five tries of 70 seconds, and at most two minutes between them


class Window(NamedTuple):
    """The days from `start` to `end`, both included, and the preset that means the same days, if any."""

    start: date
    end: date
    preset: str | None

    @classmethod
    def of(cls, start: date, end: date, yesterday: date) -> "Window":
        """Return a window with its preset, which always ends yesterday."""
        days = (end - start).days + 1
        preset = next((name for name, length in PRESET_DAYS.items() if length == days), None)
        return cls(start, end, preset if end == yesterday else None)

    def request_parameters(self, config: Config) -> dict[str, str]:
        """Return the preset, or the dates if the preset may mean other days before the response arrives."""
        latest_day = (utc_now() + LONGEST_REQUEST).astimezone(ZoneInfo(config["timezone"])).date()
        if self.preset and latest_day.isoformat() == config["_today"]:
            return {"preset": self.preset}
        return {"start_date": self.start.isoformat(), "end_date": self.end.isoformat()}


def split_into_windows(first: date, yesterday: date, last: date | None = None) -> list[Window]:
    """Return windows of 2 to 90 days from `first` to `last` (or yesterday), oldest first.

    >>> [str(window.start) for window in split_into_windows(date(2026, 1, 1), date(2026, 4, 1))]
    ['2026-01-01', '2026-01-03']
    """
    end = last or yesterday
    first = min(first, end - timedelta(days=1))  # the API refuses a single day
    windows: list[Window] = []
    while end >= first:
        start = max(first, end - timedelta(days=MAX_WINDOW_DAYS - 1))
        if start - first == timedelta(days=1):
            start += timedelta(days=1)  # otherwise a single day would remain
        windows.insert(0, Window.of(start, end, yesterday))
        end = start - timedelta(days=1)
    return windows


def weekly_ends(since: date, last: date) -> list[date]:
    """Return the last day of each full week from `since` to `last`.

    >>> [str(day) for day in weekly_ends(date(2026, 1, 1), date(2026, 1, 15))]
    ['2026-01-07', '2026-01-14']
    """
    return [since + timedelta(days=days) for days in range(6, (last - since).days + 1, 7)]
