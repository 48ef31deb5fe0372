"""Resolve the dates, the time zone and the URLs of a config."""

import difflib
import ipaddress
import re
import unicodedata
from collections.abc import MutableMapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, available_timezones

import requests
from airbyte_cdk.sources.declarative.transformations.config_transformations.config_transformation import (
    ConfigTransformation,
)

from .clock import utc_now
from .config import NEAR_MISS_THRESHOLD
from .errors import config_error, quoted

DEFAULT_HISTORY_DAYS = 90
MIN_START_DATE = date(2010, 1, 1)  # Pinterest began in that year


@dataclass
class ResolveConfigDates(ConfigTransformation):
    """Fix which day is today for a whole sync, so that a sync that passes midnight stays on one day."""

    def transform(self, config: MutableMapping[str, Any]) -> None:
        config["timezone"] = config.get("timezone") or "UTC"
        zone = _time_zone(config["timezone"])
        today = utc_now().astimezone(zone).date()
        start = _start_date(config.get("start_date"), today)
        for key in ("analytics_url", "accounts_url"):
            config[key] = _validated_url(key, config.get(key))
        config["_today"] = today.isoformat()
        config["_yesterday"] = (today - timedelta(days=1)).isoformat()
        config["_start_date"] = start.isoformat()


def _time_zone(name: Any) -> ZoneInfo:
    if not isinstance(name, str):
        raise config_error('`timezone` must be text such as "America/New_York".')
    try:
        return ZoneInfo(name)
    except Exception:  # zoneinfo raises four exception types for invalid names
        raise config_error(
            f"`timezone` is {quoted(name)}, which is not an IANA time zone: {_zone_hint(name)}."
        ) from None


def _zone_hint(name: str) -> str:
    """Return which zone is probably meant, or what to use for an offset."""
    general = "use one like `UTC` or `America/New_York`"
    offset = re.fullmatch(r"(?:utc|gmt|z)?\s*([+\-−])\s*([0-9]{1,2})(?::?([0-9]{2}))?", name.strip(), re.IGNORECASE)
    if offset:
        sign, hours, minutes = offset[1], int(offset[2]), int(offset[3] or 0)
        zone = f"Etc/GMT{'-' if sign == '+' else '+'}{hours}"
        if minutes or zone not in available_timezones():
            return "use the zone of a city, such as `Asia/Kolkata`, because no zone has this offset alone"
        return f"use the zone of a city, or `{zone}` for this offset alone (its sign is reversed by convention)"
    wanted = _plain_zone(name)
    zones = {_plain_zone(zone): zone for zone in sorted(available_timezones())}
    cities = {plain.rpartition("/")[2]: zone for plain, zone in zones.items() if "/" in plain}
    for names in (zones, cities):
        if wanted in names:
            return f"did you mean `{names[wanted]}`"
    near = difflib.get_close_matches(wanted, [*zones, *cities], n=1, cutoff=NEAR_MISS_THRESHOLD)
    return f"did you mean `{ {**cities, **zones}[near[0]] }`" if near else general


def _plain_zone(name: str) -> str:
    letters = unicodedata.normalize("NFKD", name.casefold())
    return re.sub(r"[\s_\\-]+", "_", "".join(letter for letter in letters if not unicodedata.combining(letter)))


def _start_date(value: Any, today: date) -> date:
    if value in (None, ""):
        return today - timedelta(days=DEFAULT_HISTORY_DAYS)
    try:
        if not re.fullmatch("[0-9]{4}-[0-9]{2}-[0-9]{2}", value):
            raise ValueError
        start = date.fromisoformat(value)
    except (TypeError, ValueError):
        raise config_error(
            f"`start_date` is {quoted(value)}, which is not a date: write it as YYYY-MM-DD, such as 2026-01-01."
        ) from None
    if start > today:
        raise config_error(f"`start_date` is {value}, which is in the future (today is {today}): use an earlier day.")
    if start < MIN_START_DATE:
        raise config_error(f"`start_date` is {value}, which is before Pinterest began: use {MIN_START_DATE} or later.")
    return min(start, today - timedelta(days=1))


def _validated_url(key: str, url: Any) -> str:
    if url in (None, ""):
        return ""
    try:
        # check the URL that will be requested: parsers disagree on the host if a backslash precedes an @
        resolved = str(requests.Request("GET", url).prepare().url)
        parts = urlsplit(resolved)
        safe = parts.scheme == "https" or (parts.scheme == "http" and _is_loopback(parts.hostname or ""))
        plain = not (parts.username or parts.password or parts.query or parts.fragment)
    except (AttributeError, TypeError, ValueError):  # the errors of requests are ValueErrors
        safe = plain = False
    if not safe:
        raise config_error(f"`{key}` must be an https address (http is accepted for this machine only).")
    if not plain:  # a password would be in the logs, and a query would swallow the path
        raise config_error(f"`{key}` must be an address without a user, a password, `?` or `#`.")
    return resolved.rstrip("/")


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
