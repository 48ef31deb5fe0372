"""Validate the parameters of a request as the documented API does."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

PRESETS = {"last_7_days": 7, "last_30_days": 30, "last_90_days": 90}

_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


@dataclass(frozen=True)
class Window:
    """The requested days, both ends included."""

    start: date
    end: date


class InvalidRequest(Exception):
    """A request to which the API responds 422; `errors` has the messages by parameter."""

    def __init__(self, errors: dict[str, list[str]]) -> None:
        """Keep the messages; the first one becomes the message of the error."""
        self.errors = errors
        messages = [message for of_field in errors.values() for message in of_field]
        others = len(messages) - 1
        more = f" (and {others} more error{'s' if others > 1 else ''})" if others else ""
        super().__init__(messages[0] + more)


def parse_window(params: Mapping[str, str], now: datetime) -> Window:
    """Return the window that a request asks for at a moment; raise InvalidRequest if the API would."""
    errors: dict[str, list[str]] = {}
    if not params.get("social_network_id"):
        errors["social_network_id"] = ["The social network id field is required."]
    zone = _zone(params.get("timezone", ""))
    if zone is None:
        errors["timezone"] = ["The timezone field must be a valid timezone."]
    yesterday = now.astimezone(zone or UTC).date() - timedelta(days=1)

    preset = params.get("preset", "")
    if preset:
        window = _window_of_preset(params, preset, yesterday, errors)
    else:
        window = _window_of_dates(params, yesterday, errors)
    if errors or window is None:
        raise InvalidRequest(errors)
    return window


def _window_of_preset(
    params: Mapping[str, str], preset: str, yesterday: date, errors: dict[str, list[str]]
) -> Window | None:
    for field in ("start_date", "end_date"):
        if params.get(field):
            errors[field] = [f"The {_label(field)} field is prohibited when preset is present."]
    if preset not in PRESETS:
        errors["preset"] = ["The selected preset is invalid."]
        return None
    return Window(yesterday - timedelta(days=PRESETS[preset] - 1), yesterday)


def _window_of_dates(params: Mapping[str, str], yesterday: date, errors: dict[str, list[str]]) -> Window | None:
    days: dict[str, date] = {}
    for field in ("start_date", "end_date"):
        text = params.get(field, "")
        if not text:
            errors[field] = [f"The {_label(field)} field is required when preset is not present."]
            continue
        day = _date(text)
        if day is None:
            errors[field] = [f"The {_label(field)} field must match the format Y-m-d."]
        else:
            days[field] = day
    start, end = days.get("start_date"), days.get("end_date")
    if end is not None and end > yesterday:
        errors.setdefault("end_date", []).append("The end date field must be a date before or equal to yesterday.")
    if start is None or end is None:
        return None
    if end <= start:
        errors.setdefault("end_date", []).append("The end date field must be a date after start date.")
    return Window(start, end)


def _label(field: str) -> str:
    return field.replace("_", " ")


def _date(text: str) -> date | None:
    if not _DATE.fullmatch(text):
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def _zone(name: str) -> tzinfo | None:
    """Return the zone of that name; UTC, the default, needs no time zone database on the machine."""
    if name.upper() in ("", "UTC"):
        return UTC
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None
