"""What the manifest cannot say: a normalized config, dates, windows, shared answers, errors, and lenient types.

The file stands alone, so that it also serves beside `manifest.yaml` without this package.
"""

import difflib
import functools
import html
import http.client
import io
import ipaddress
import json
import logging
import math
import os
import re
import socket
import tempfile
import threading
import time
import unicodedata
import uuid
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, MutableMapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any, ClassVar, NamedTuple, cast
from urllib.parse import quote, quote_plus, urlencode, urlsplit
from weakref import WeakValueDictionary, finalize
from zoneinfo import ZoneInfo, available_timezones

import requests
from airbyte_cdk.models import FailureType
from airbyte_cdk.sources.declarative.extractors.record_extractor import RecordExtractor
from airbyte_cdk.sources.declarative.incremental.concurrent_partition_cursor import ConcurrentPerPartitionCursor
from airbyte_cdk.sources.declarative.migrations.state_migration import StateMigration
from airbyte_cdk.sources.declarative.requesters.error_handlers import DefaultErrorHandler
from airbyte_cdk.sources.declarative.requesters.http_requester import HttpRequester
from airbyte_cdk.sources.declarative.retrievers import SimpleRetriever
from airbyte_cdk.sources.declarative.transformations.config_transformations.config_transformation import (
    ConfigTransformation,
)
from airbyte_cdk.sources.streams.call_rate import AbstractAPIBudget, LimiterSession
from airbyte_cdk.sources.streams.concurrent.cursor import Cursor
from airbyte_cdk.sources.streams.concurrent.partitions.partition import Partition
from airbyte_cdk.sources.streams.http import HttpClient
from airbyte_cdk.sources.streams.http.error_handlers import BackoffStrategy
from airbyte_cdk.sources.streams.http.error_handlers.response_models import ErrorResolution, ResponseAction
from airbyte_cdk.sources.streams.http.exceptions import BaseBackoffException
from airbyte_cdk.sources.types import Config, Record, StreamSlice
from airbyte_cdk.utils.airbyte_secrets_utils import add_to_secrets, filter_secrets, update_secrets
from airbyte_cdk.utils.traced_exception import AirbyteTracedException

LOGGER = logging.getLogger("airbyte.oneup_pinterest")

PRESET_DAYS = {"last_7_days": 7, "last_30_days": 30, "last_90_days": 90}
MAX_WINDOW_DAYS = 90  # the longest preset, and as long as Pinterest keeps daily figures
DEFAULT_HISTORY_DAYS = 90
ACCOUNTS_URL = "https://www.oneupapp.io/api"
PROVISIONAL_DAYS = 3  # from its last day until Pinterest no longer restates a period
CLOCK_VARIABLE = "ONEUP_PINTEREST_NOW"  # an ISO time that stands in for the clock (sandbox, tests)
LONGEST_REQUEST = timedelta(minutes=15)  # five tries of 70 seconds, and at most two minutes before each next one
BIGINT = 2**63
MAX_NAMES_LISTED = 100  # of accounts in one message


# ----------------------------------------------------------------------------------------- config


MIN_START_DATE = date(2010, 1, 1)  # Pinterest began in that year
MAX_WHOLE_NUMBER_DIGITS = 9
NEAR_MISS_THRESHOLD = 0.8  # of SequenceMatcher: `start_dat` and `lookback_days` are beyond it, `start_time` is not
QUOTES = "\"'`“”„‟‘’‚‛«»‹›"
TYPOGRAPHIC_QUOTES = frozenset(QUOTES[3:])


@dataclass
class NormalizeConfig(ConfigTransformation):
    """Bring a config as forms and people write it into the form of the spec, or say in one sentence what is wrong.

    `parameters` holds the properties of the spec, so that each key, type and bound is written once.
    """

    parameters: Mapping[str, Any]

    def transform(self, config: MutableMapping[str, Any]) -> None:
        properties: Mapping[str, Any] = self.parameters["properties"]
        if config and all(key.startswith("__") for key in config):
            return  # the manifest-only form is asked for its spec, without a config
        _judge_unknown_keys([key for key in config if key not in properties], properties)
        if config.get("api_key") is None:
            raise config_error(f"The config has no `api_key`: {properties['api_key']['description']}")
        config["api_key"] = _api_key(config["api_key"])
        for key in [key for key in properties if key in config and key != "api_key"]:
            value = _trimmed(config[key]) if isinstance(config[key], str) else config[key]
            if value in (None, ""):
                del config[key]
            else:
                config[key] = _typed(key, value, properties[key])


def _judge_unknown_keys(keys: Iterable[str], known: Iterable[str]) -> None:
    """Refuse a misspelled key, and report the others: a key of another version must not stop a nightly sync."""
    foreign = [key for key in keys if not key.startswith("__")]  # those are the platform's
    for key in foreign:
        nearest = max(known, key=lambda name: _likeness(key, name))
        if _likeness(key, nearest) >= NEAR_MISS_THRESHOLD:
            raise config_error(f"The config has a key {_quoted(key)}, which does not exist: did you mean `{nearest}`?")
    if foreign:
        LOGGER.warning(
            "Ignored what the config has and this version does not know: "
            + ", ".join(map(_quoted, foreign))
            + f". It knows {', '.join(known)}."
        )


def _likeness(one: str, other: str) -> float:
    plain, wanted = (re.sub("[^a-z0-9]", "", text.casefold()) for text in (one, other))
    return difflib.SequenceMatcher(None, plain, wanted, autojunk=False).ratio()


def _quoted(value: Any) -> str:
    """Return what somebody wrote, on one line and short."""
    text = value if isinstance(value, str) else json.dumps(value, default=str)
    visible = "".join(character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in text)
    return f"`{visible}`" if len(visible) <= 60 else f"`{visible[:57]}...`"


def _is_blank(character: str) -> bool:
    """Whether it is a space or a character that nobody sees, such as U+200B, U+FEFF or U+00AD."""
    return character.isspace() or unicodedata.category(character) in ("Cc", "Cf", "Zl", "Zp", "Zs")


def _trimmed(text: str, also: str = "") -> str:
    kept = [place for place, character in enumerate(text) if not _is_blank(character) and character not in also]
    return text[kept[0] : kept[-1] + 1] if kept else ""


def _api_key(value: Any) -> str:
    if not isinstance(value, str):
        raise config_error('`api_key` must be text in quotation marks, such as "a1b2c3".')  # and is not repeated
    key, before = value, None
    while key != before:
        before, key = key, re.sub(r"(?i)\Abearer(\s+|\Z)", "", _trimmed(key, QUOTES))
    if not key:
        raise config_error("`api_key` is blank: copy the key from https://www.oneupapp.io/api-access.")
    for place, character in enumerate(key, start=1):
        if (_is_blank(character) and character != " ") or character in TYPOGRAPHIC_QUOTES:
            name = unicodedata.name(character, "line break" if character in "\r\n" else "control character").lower()
            raise config_error(
                f"`api_key` has a {name} (U+{ord(character):04X}) inside, as character {place}: copy the key again "
                "from https://www.oneupapp.io/api-access."
            )
    return key


def _typed(key: str, value: Any, schema: Mapping[str, Any]) -> Any:
    """Return a value in the type of the spec; text for a number or one id is accepted where it can mean one thing."""
    if schema["type"] == "array":
        return _ids(key, value, schema)
    if schema["type"] == "integer":
        return _whole_number(key, value, schema)
    return value


def require_listed_values(config: Mapping[str, Any], properties: Mapping[str, Any]) -> None:
    """Refuse a value outside its `enum`, of the package alone: the CDK's standard tests want that found in `check`."""
    for key, schema in properties.items():
        if "enum" in schema and key in config and config[key] not in schema["enum"]:
            *others, last = schema["enum"]
            raise config_error(f"`{key}` is {_quoted(config[key])}: it must be {', '.join(others)} or {last}.")


def _ids(key: str, value: Any, schema: Mapping[str, Any]) -> list[str]:
    form = f"must be a list such as {json.dumps(schema['examples'][0])}"
    if isinstance(value, str):
        parts = [part for part in map(_trimmed, re.split(r"[,;\n\[\]\"]", value)) if part]
        if parts != [value]:
            raise config_error(f"`{key}` {form}, not one text: write {json.dumps(parts, ensure_ascii=False)}.")
        return [value]
    if isinstance(value, int) and not isinstance(value, bool):
        return [str(value)]
    if not isinstance(value, list):
        raise config_error(f"`{key}` {form}.")
    return [_id(key, place, item) for place, item in enumerate(value, start=1)]


def _id(key: str, place: int, item: Any) -> str:
    if isinstance(item, bool) or not isinstance(item, (str, int)):
        raise config_error(f'`{key}` must hold texts such as "pin_abc"; entry {place} is {_kind(item)}.')
    account = _trimmed(str(item))
    if not account:  # to leave it out would turn [""] into every account
        raise config_error(f"`{key}` has an empty entry {place}: remove it, or the whole list for every account.")
    return account


def _whole_number(key: str, value: Any, schema: Mapping[str, Any]) -> int:
    low, high = schema["minimum"], schema.get("maximum")
    number = value
    if (isinstance(value, str) and re.fullmatch(rf"[+-]?[0-9]{{1,{MAX_WHOLE_NUMBER_DIGITS}}}", value)) or (
        isinstance(value, float) and value.is_integer()
    ):
        number = int(value)
    if type(number) is not int or number < low or (high is not None and number > high):
        bounds = f"a whole number from {low} to {high}" if high is not None else f"a whole number, {low} or more"
        raise config_error(f"`{key}` is {_quoted(value)}: it must be {bounds}, such as {schema['examples'][0]}.")
    return number


# ------------------------------------------------------------------------------------------ dates


@dataclass
class SettleDates(ConfigTransformation):
    """Fixes, once for a whole sync, which day is today, so that a sync that passes midnight stays on one day."""

    def transform(self, config: MutableMapping[str, Any]) -> None:
        config["timezone"] = config.get("timezone") or "UTC"
        zone = _time_zone(config["timezone"])
        today = utc_now().astimezone(zone).date()
        start = _start_date(config.get("start_date"), today)
        for key in ("analytics_url", "accounts_url"):
            config[key] = _safe_url(key, config.get(key))
        config["_today"] = today.isoformat()
        config["_yesterday"] = (today - timedelta(days=1)).isoformat()
        config["_start_date"] = start.isoformat()
        config["_day_before_start"] = (start - timedelta(days=1)).isoformat()
        config["_sync_id"] = uuid.uuid4().hex


def utc_now() -> datetime:
    clock = os.environ.get(CLOCK_VARIABLE)
    try:
        return datetime.fromisoformat(clock) if clock else datetime.now(UTC)
    except ValueError:
        raise config_error(
            f"{CLOCK_VARIABLE} is {_quoted(clock)}, which is not an ISO time: write it as 2026-01-31T12:00:00+00:00, "
            "or remove it from the environment."
        ) from None


def _time_zone(name: Any) -> ZoneInfo:
    if not isinstance(name, str):
        raise config_error('`timezone` must be text such as "America/New_York".')
    try:
        return ZoneInfo(name)
    except Exception:  # zoneinfo raises four kinds of error for invalid names
        raise config_error(
            f"`timezone` is {_quoted(name)}, which is not an IANA time zone: {_zone_hint(name)}."
        ) from None


def _zone_hint(name: str) -> str:
    """Say which zone is meant, or what an offset needs."""
    general = "use one like `UTC` or `America/New_York`"
    offset = re.fullmatch(r"(?:utc|gmt|z)?\s*([+\-−])\s*([0-9]{1,2})(?::?([0-9]{2}))?", name.strip(), re.IGNORECASE)
    if offset:
        sign, hours, minutes = offset[1], int(offset[2]), int(offset[3] or 0)
        zone = f"Etc/GMT{'-' if sign == '+' else '+'}{hours}"
        if minutes or zone not in available_timezones():
            return "use the zone of a city, such as `Asia/Kolkata`, because there is none for this offset alone"
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
            f"`start_date` is {_quoted(value)}, which is not a date: write it as YYYY-MM-DD, such as 2026-01-01."
        ) from None
    if start > today:
        raise config_error(f"`start_date` is {value}, which is in the future (today is {today}): use an earlier day.")
    if start < MIN_START_DATE:
        raise config_error(f"`start_date` is {value}, which is before Pinterest began: use {MIN_START_DATE} or later.")
    return min(start, today - timedelta(days=1))


def _safe_url(key: str, url: Any) -> str:
    if url in (None, ""):
        return ""
    try:
        # what is judged is what will be asked: of a backslash before an @, parsers make different hosts
        asked = str(requests.Request("GET", url).prepare().url)
        parts = urlsplit(asked)
        safe = parts.scheme == "https" or (parts.scheme == "http" and _is_loopback(parts.hostname or ""))
        plain = not (parts.username or parts.password or parts.query or parts.fragment)
    except (AttributeError, TypeError, ValueError):  # what requests raises for an address that is none is a ValueError
        safe = plain = False
    if not safe:
        raise config_error(f"`{key}` must be an https address (http is accepted for this machine only).")
    if not plain:  # a password would be in the logs, and a query would swallow the path
        raise config_error(f"`{key}` must be an address without a user, a password, `?` or `#`.")
    return asked.rstrip("/")


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def traced(message: str, failure_type: FailureType) -> AirbyteTracedException:
    return AirbyteTracedException(message=message, internal_message=message, failure_type=failure_type)


def config_error(message: str) -> AirbyteTracedException:
    return traced(message, FailureType.config_error)


class Window(NamedTuple):
    """The days from `start` to `end`, both included, and the preset that means the same, if one does."""

    start: date
    end: date
    preset: str | None

    @classmethod
    def of(cls, start: date, end: date, yesterday: date) -> "Window":
        days = (end - start).days + 1
        preset = next((name for name, length in PRESET_DAYS.items() if length == days), None)
        return cls(start, end, preset if end == yesterday else None)

    def request_parameters(self, config: Config) -> dict[str, str]:
        """The preset, unless it could come to mean other days before the answer to a request of now is there."""
        day_of_answer = (utc_now() + LONGEST_REQUEST).astimezone(ZoneInfo(config["timezone"])).date()
        if self.preset and day_of_answer.isoformat() == config["_today"]:
            return {"preset": self.preset}
        return {"start_date": self.start.isoformat(), "end_date": self.end.isoformat()}


def publish_windows(first: date, yesterday: date, last: date | None = None) -> list[Window]:
    """Windows of at most 90 days from `first` to `last` (or yesterday), oldest first, none of one day.

    >>> [str(window.start) for window in publish_windows(date(2026, 1, 1), date(2026, 4, 1))]
    ['2026-01-01', '2026-01-03']
    """
    end = last or yesterday
    first = min(first, end - timedelta(days=1))  # the API refuses a single day
    windows: list[Window] = []
    while end >= first:
        start = max(first, end - timedelta(days=MAX_WINDOW_DAYS - 1))
        if start - first == timedelta(days=1):
            start += timedelta(days=1)  # else a single day would be left over
        windows.insert(0, Window.of(start, end, yesterday))
        end = start - timedelta(days=1)
    return windows


def weekly_ends(since: date, last: date) -> list[date]:
    """Return the last day of each week from `since` to `last`.

    >>> [str(day) for day in weekly_ends(date(2026, 1, 1), date(2026, 1, 15))]
    ['2026-01-07', '2026-01-14']
    """
    return [since + timedelta(days=days) for days in range(6, (last - since).days + 1, 7)]


# --------------------------------------------------------------------------------- cursors, slices

PASSED_OVER = "Passed over a state that is not this connector's: what it stood for is read again from `start_date`."


@dataclass
class AccountStateMigration(StateMigration):
    """Hand the stored state past the CDK to `AccountsCursor`, which alone reads it: the CDK fails on odd ones."""

    config: Config

    def should_migrate(self, stream_state: Mapping[str, Any]) -> bool:
        return True

    def migrate(self, stream_state: Mapping[str, Any]) -> Mapping[str, Any]:
        # the CDK migrates again what was migrated each time it builds its streams (`discover`, then `read`)
        entries = stream_state.get("entries") or stream_state.get("states")
        if entries and not isinstance(entries, list):
            LOGGER.warning(PASSED_OVER)
        return {"entries": entries if isinstance(entries, list) else []}


@dataclass
class DaysRead:
    """The days that were read of an account: all from `since` (unknown in states of 0.1.0) to `until`.

    `windows` are those of this sync that are still open, in the order of their ends.
    """

    since: date | None
    until: date
    since_after: date | None = None
    windows: list[Window] = field(default_factory=list)
    done: set[Window] = field(default_factory=set)


class AccountsCursor(ConcurrentPerPartitionCursor):
    """Plan the windows of each account, and keep in the state which days were read, per account and preset.

    The CDK's own cursor keeps one date per account, starts a new account at the newest date of the others, moves with
    the times of records, and from 10,000 accounts on keeps one date for all.
    """

    def begin(self, config: Config, windows: str) -> None:
        self._config, self._windows = config, windows
        self._today = date.fromisoformat(config["_today"])
        self._yesterday = date.fromisoformat(config["_yesterday"])
        self._preset = str(config.get("preset") or "last_30_days") if windows == "period" else None
        self._read: dict[tuple[str, str | None], DaysRead] = {}
        self._read_again: dict[tuple[str, str | None], list[Window]] = {}
        manager = self._connector_state_manager
        for entry in manager.get_stream_state(self._stream_name, self._stream_namespace).get("entries") or ():
            try:
                self._take(entry)
            except (AttributeError, KeyError, TypeError, ValueError):
                LOGGER.warning(PASSED_OVER)

    def _take(self, entry: Mapping[str, Any]) -> None:
        key = entry["partition"]["social_network_id"], self._preset and entry["partition"].get("preset", self._preset)
        if "read_again" in entry:  # by `sync --full-refresh`
            days = [(date.fromisoformat(start), date.fromisoformat(end)) for start, end in entry["read_again"]]
            # not what the API refuses: a single day, and days after yesterday
            self._read_again[key] = [
                Window.of(start, end, self._yesterday) for start, end in days if start < end <= self._yesterday
            ]
            return
        until = date.fromisoformat(entry["cursor"][self.cursor_field.cursor_field_key][:10])
        since = date.fromisoformat(entry["since"]) if entry.get("since") else None
        # a cursor can be ahead after a change of `timezone`, a clock that went back, or a pin "from 2099"
        self._read[key] = DaysRead(since, min(until, self._last_day))

    @property
    def _last_day(self) -> date:
        return self._today if self._windows == "newest" else self._yesterday

    def stream_slices(self) -> Iterable[StreamSlice]:
        # all accounts first, so that every state says of each of them from where this sync reads it
        partitions = {each.partition["social_network_id"]: each for each in self._partition_router.stream_slices()}
        planned = {account: self._plan(account) for account in partitions}
        for account, read in planned.items():
            partition = partitions[account]
            open_windows: list[tuple[str | None, Window]] = [(self._preset, window) for window in read.windows]
            for other in PRESET_DAYS.keys() - {self._preset}:
                open_windows += [(other, window) for window in self._read_again.get((account, other), [])]
            for preset, window in open_windows:
                yield StreamSlice(
                    partition=partition.partition,
                    cursor_slice={"start_time": window.start.isoformat(), "end_time": window.end.isoformat()},
                    extra_fields={"window": window, "preset": preset},
                )

    def _plan(self, account: str) -> DaysRead:
        key = account, self._preset
        start, day = date.fromisoformat(self._config["_start_date"]), timedelta(days=1)
        is_set = bool(self._config.get("start_date"))
        known = self._read.get(key)
        # a state of 0.1.0 does not say from where its account was read: where `start_date` is set, from there again
        if known is None or (is_set and (known.since is None or known.until < start - day)):
            read = DaysRead(start, start - day, start)
        else:
            since = known.since or min(start, known.until + day)
            read = DaysRead(since, known.until, start if is_set and start < since else since)
        if self._windows == "newest":
            read.windows = [self._period(self._yesterday)]
            read.since = read.since_after = None
        elif self._windows == "period":
            read.windows = self._periods(read, self._read_again.get(key, []))
        else:
            read.windows = self._publish_windows(read, start if is_set or known is None else date.min)
            read.windows = sorted({*read.windows, *self._read_again.get(key, [])}, key=lambda window: window.end)
        self._read[key] = read
        return replace(read, windows=list(read.windows))

    def _period(self, end: date) -> Window:
        assert self._preset or self._windows == "newest"
        days = PRESET_DAYS[self._preset or str(self._config.get("preset") or "last_30_days")]
        return Window.of(end - timedelta(days=days - 1), end, self._yesterday)

    def _periods(self, read: DaysRead, again: list[Window]) -> list[Window]:
        """The weekly periods that were not read, those that were provisional then and are not now, and the newest."""
        assert read.since
        assert read.since_after
        weeks = -((read.since_after - read.since).days // 7)
        read.since_after = read.since - timedelta(weeks=weeks)  # so that the weeks stay those that are stored
        provisional = timedelta(days=PROVISIONAL_DAYS)
        ends = {self._yesterday}
        for end in weekly_ends(read.since_after, self._yesterday):
            was_final, is_final = end <= read.until + timedelta(days=1) - provisional, end <= self._today - provisional
            if end < read.since or end > read.until or (is_final and not was_final):
                ends.add(end)
        return sorted({*map(self._period, ends), *again}, key=lambda window: window.end)

    def _publish_windows(self, read: DaysRead, earliest: date) -> list[Window]:
        """The windows from the last day that was read on, with the lookback, and those before the first day."""
        assert read.since
        assert read.since_after
        lookback = timedelta(days=self._config.get("pins_lookback_days", DEFAULT_HISTORY_DAYS) - 1)
        first = max(min(read.until, self._yesterday - lookback), earliest)
        if read.until < read.since:  # the account was only planned when an earlier sync was interrupted
            first = max(first, read.since)
        if read.since_after >= read.since:
            return publish_windows(first, self._yesterday)
        if first <= read.since:
            return publish_windows(read.since_after, self._yesterday)
        before = publish_windows(read.since_after, self._yesterday, read.since - timedelta(days=1))
        return before + publish_windows(first, self._yesterday)

    def close_partition(self, partition: Partition) -> None:
        closed = partition.to_slice()
        assert isinstance(closed, StreamSlice)
        window, preset = closed.extra_fields["window"], closed.extra_fields["preset"]
        with self._lock:
            if preset == self._preset:
                self._move(self._read[closed.partition["social_network_id"], preset], window)
            self._emit_state_message()

    def _move(self, read: DaysRead, window: Window) -> None:
        """Move past the windows that are done, up to the first that is not."""
        read.done.add(window)
        while read.windows and read.windows[0] in read.done:
            done = read.windows.pop(0)
            if self._windows == "period":
                read.until = max(read.until, done.end)
        if not read.windows:
            read.until = self._last_day
        if not read.windows or (self._windows == "period" and read.since and read.windows[0].end >= read.since):
            read.since = read.since_after

    def observe(self, record: Record) -> None:
        """Do nothing: the cursor follows the windows, so an account without records moves on too."""

    def ensure_at_least_one_state_emitted(self) -> None:
        self._emit_state_message(throttle=False)

    @property
    def state(self) -> MutableMapping[str, Any]:
        name = self.cursor_field.cursor_field_key
        states = []
        for (account, preset), read in list(self._read.items()):
            partition: dict[str, Any] = {"social_network_id": account, "parent_slice": {}}
            entry: dict[str, Any] = {
                "partition": partition | ({"preset": preset} if preset else {}),
                "cursor": {name: f"{read.until} 00:00:00" if name == "timestamp" else read.until.isoformat()},
            }
            states.append(entry | ({"since": read.since.isoformat()} if read.since else {}))
        return {"use_global_cursor": False, "states": states}


@dataclass
class AccountsRetriever(SimpleRetriever):
    """Takes the accounts from the config where it names them, and asks OneUp for the list only where not."""

    def read_records(self, records_schema: Mapping[str, Any], stream_slice: StreamSlice | None = None) -> Iterable[Any]:
        configured = self.config.get("social_network_ids")
        if not configured:
            listed: dict[str, str | None] = {}
            for record in super().read_records(records_schema, stream_slice):
                assert isinstance(record, Mapping)
                listed[record["social_network_id"]] = record["username"]
                yield record
            if not listed:
                self._judge_empty_list()
            SharedAnswers.of(self.config).listed_accounts = listed
            return
        for account in dict.fromkeys(configured):
            row = dict.fromkeys(AccountRows.FIELDS) | {"social_network_id": account}
            yield Record(row, self.name, stream_slice or StreamSlice(partition={}, cursor_slice={}))

    def _judge_empty_list(self) -> None:
        """Fail, unless accounts were read before: then their history is kept and the sync goes on."""
        known = self.config.get("_known_accounts")
        if not known:
            raise config_error("This key has no Pinterest account in OneUp: connect one there, then try again.")
        if SharedAnswers.of(self.config).is_first(("no account",)):
            LOGGER.warning(
                "OneUp lists no Pinterest account for this key any more, so that nothing new was read. Read before: "
                + ", ".join(known[:MAX_NAMES_LISTED])
                + (f" and {len(known) - MAX_NAMES_LISTED:,} more" if len(known) > MAX_NAMES_LISTED else "")
                + ". Connect them again in OneUp, then sync again."
            )


@dataclass
class WindowRetriever(SimpleRetriever):
    """Read the window of a slice and stamp its rows.

    `windows`: `period` (the preset's days up to the end of a week, or to yesterday), `newest` (the same, to yesterday
    alone) or `published` (by publish date, with the lookback). `stamp`: which fields rows are given.
    """

    cursor: Cursor = field(kw_only=True)
    windows: str = field(kw_only=True)
    stamp: list[str] = field(kw_only=True)

    def __post_init__(self, parameters: Mapping[str, Any]) -> None:
        super().__post_init__(parameters)
        # The CDK has no custom cursors (since 7.0), so this stream's cursor becomes one of ours. Should a later CDK
        # build another kind of cursor or hand out a copy, this raises or test_streams.py fails.
        if type(self.cursor) is not ConcurrentPerPartitionCursor:
            raise TypeError(f"expected the CDK's cursor per partition, not {type(self.cursor).__name__}")
        self.cursor.__class__ = AccountsCursor
        cast(AccountsCursor, self.cursor).begin(self.config, self.windows)

    def read_records(self, records_schema: Mapping[str, Any], stream_slice: StreamSlice | None = None) -> Iterable[Any]:
        assert stream_slice is not None  # every stream of this retriever has accounts as partitions
        window: Window = stream_slice.extra_fields["window"]
        values = {
            "social_network_id": stream_slice.partition["social_network_id"],
            "preset": stream_slice.extra_fields["preset"],
            "period_start": window.start.isoformat(),
            "period_end": window.end.isoformat(),
            "snapshot_date": self.config["_today"],
        }
        stamp = {name: values[name] for name in self.stamp}
        # there is one page, so that the CDK's loop over pages would only cost time on every record
        response = self.requester.send_request(stream_slice=stream_slice)
        assert response is not None  # OneUpErrorHandler ignores no answer
        for record in self.record_selector.select_records(response, {}, {}, stream_slice):
            assert isinstance(record.data, dict)  # each extractor yields dicts of its own
            record.data.update(stamp)
            yield record


# --------------------------------------------------------------------------------------- requests


class Span(NamedTuple):
    """Some bytes of the file of `SharedAnswers`."""

    offset: int
    length: int


class Answer(requests.Response):
    """A response that was read to its end, whose JSON is parsed once; of many pins all but the last are in `pieces`."""

    def __init__(
        self,
        request: requests.PreparedRequest,
        status: int,
        headers: Mapping[str, str],
        body: bytes,
        pieces: list[Span],
        shared: "SharedAnswers",
    ):
        super().__init__()
        self.request = request
        self.url = request.url or ""
        self.status_code = status
        self.headers = requests.structures.CaseInsensitiveDict(headers)
        self.encoding = "utf-8-sig"  # where a file of OneUp's was saved with a mark of byte order
        self._content, self._content_consumed = body, True  # as `requests` leaves it when all is read
        self._parsed: Any = None
        self._shared = shared
        self.pieces = pieces

    def is_first(self, *of: str) -> bool:
        """Whether nobody has asked this about the same answer: streams that share it must not tell things twice."""
        return self._shared.is_first((self.url, *of))

    def json(self, **kwargs: Any) -> Any:
        if self._parsed is None:
            self._parsed = super().json(**kwargs)
        return self._parsed

    def pins(self) -> Iterator[Any]:
        """All pins in their order, one piece after the other."""
        for piece in self.pieces:
            yield from json.loads(self._shared.read(piece))
        yield from part_of(self.json(), PINS)

    @property
    def is_final(self) -> bool:
        """Whether asking again would bring the same: not so for a passing fault or a body that was cut short."""
        if self.status_code != 200:
            return 400 <= self.status_code < 500 and self.status_code not in (408, 429)
        try:
            self.json()
        except (ValueError, RecursionError):
            return False
        return True


MAX_SECONDS = 120.0  # for a whole answer, head and body: at 8 Mbit/s time for 120 MB, of more than 200,000 pins
MAX_BYTES = 256 << 20
MAX_UNDIVIDED_BYTES = 32 << 20  # of a body that is not cut into pieces; parsed, it takes about ten times that memory


class TooLarge(requests.RequestException):
    """A body with which no sync should fill memory or disk."""


class InTime(io.RawIOBase):
    """What comes from a socket until `MAX_SECONDS` are over; a time-out of a socket alone begins anew at each byte."""

    def __init__(self, incoming: io.RawIOBase) -> None:
        self._incoming, self._ends = incoming, time.monotonic() + MAX_SECONDS

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        if time.monotonic() > self._ends:
            raise TimeoutError("the answer did not end in time")
        return self._incoming.readinto(buffer)

    def close(self) -> None:
        self._incoming.close()
        super().close()


class AnswerInTime(http.client.HTTPResponse):
    """An answer that ends in time or fails: one that never does would hold up a nightly job for ever."""

    def __init__(self, sock: socket.socket, *args: Any, **kwargs: Any) -> None:
        super().__init__(sock, *args, **kwargs)
        self.fp.close()
        self.fp = io.BufferedReader(InTime(sock.makefile("rb", buffering=0)))


@functools.cache
def in_time(connection: type) -> type:
    """A class of connections with answers that end in time."""
    return type(connection.__name__, (connection,), {"response_class": AnswerInTime})


def bounded(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """A body, but for one of more than `MAX_BYTES` (unpacked), which is `TooLarge`."""
    length = 0
    for chunk in chunks:
        length += len(chunk)
        if length > MAX_BYTES:
            raise TooLarge
        yield chunk


BEGIN_OF_PINS = re.compile(rb'"posts"\s*:\s*\[')
LAST_BETWEEN_PINS = re.compile(rb"(.*\})\s*,\s*(?=\{)", re.DOTALL)


def without_pieces(body: Iterable[bytes], keep: Callable[[bytes], Span], size: int) -> tuple[bytes, list[Span]]:
    """Reads a body and gives `keep` its pins in lists of about `size` bytes; returns the body without those.

    An account may have a hundred megabytes of pins; so no more than a piece is ever held. What is returned is the
    same JSON but for the pins that were kept. A body without many pins, or not as documented, is returned whole.
    """
    head, rest, pieces, enough = b"", bytearray(), [], size
    for chunk in body:
        rest += chunk
        if len(rest) > MAX_UNDIVIDED_BYTES:
            raise TooLarge
        if len(rest) < enough:
            continue
        enough = 2 * len(rest)  # should nothing be cut off now
        if not head and (begin := BEGIN_OF_PINS.search(rest)) and _opens_pins(bytes(rest[: begin.end()])):
            head = bytes(rest[: begin.end()])
            del rest[: begin.end()]
        if head and (cut := LAST_BETWEEN_PINS.match(rest)):
            end, piece = cut.end(), b"[%b]" % cut[1]
            del cut  # it holds on to `rest`
            if _is_json(piece):  # else it was no place between two pins
                pieces.append(keep(piece))
                del rest[:end]
                enough = size
    return head + rest, pieces


def _opens_pins(head: bytes) -> bool:
    mark = head + b"0]}}"
    return _is_json(mark) and part_of(json.loads(mark), PINS) == [0]


def _is_json(text: bytes) -> bool:
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


class GivenUp:
    """What is not asked for again in this sync: accounts that failed; and whether OneUp seems to be down.

    Without it a first sync would wait out an account's failure once a window, and an outage once an account.
    """

    ENOUGH = 3  # requests that were tried to the end in vain, with no other request answered meanwhile

    def __init__(self) -> None:
        self._reasons: dict[tuple[str, str | None], tuple[str, FailureType]] = {}
        self._last_answer = 0.0
        self._in_vain = 0
        self._lock = threading.Lock()

    @property
    def is_outage(self) -> bool:
        """While this lasts each account is tried once; the first answer ends it."""
        return self._in_vain >= self.ENOUGH

    def reason(self, asked: tuple[str, str | None]) -> tuple[str, FailureType] | None:
        return self._reasons.get(asked)

    def answered(self) -> None:
        with self._lock:
            self._last_answer, self._in_vain = time.monotonic(), 0

    def failed(self, asked: tuple[str, str | None], reason: str, failure_type: FailureType, since: float) -> None:
        if failure_type == FailureType.system_error:
            return  # may be that of one window alone
        with self._lock:
            self._reasons[asked] = (reason, failure_type)
            if failure_type == FailureType.transient_error and self._last_answer < since:
                self._in_vain += 1


class Place(NamedTuple):
    """Where an answer waits."""

    status: int
    headers: dict[str, str]
    body: Span
    pieces: list[Span]


KEPT_HEADERS = ("Retry-After",)  # no other is read, and others may repeat the address with the key


class SharedAnswers:
    """The answers of one sync, so that streams of one endpoint send each request once.

    They wait in an unnamed temporary file: memory stays flat, and nothing is left behind. (The CDK's own
    cache has one file a stream, so that streams cannot share it.)
    """

    PIECE = 1 << 20  # bytes, of some 2,000 pins: more than most accounts publish in 90 days
    _of_syncs: ClassVar[WeakValueDictionary[str, "SharedAnswers"]] = WeakValueDictionary()
    _creation = threading.Lock()

    def __init__(self) -> None:
        self.requests_sent = 0
        self.listed_accounts: dict[str, str | None] | None = None  # id → username, once a list was read to its end
        self.given_up = GivenUp()
        with _telling_of_room():
            self._file = tempfile.TemporaryFile(buffering=0)  # noqa: SIM115 - it lives as long as the sync
        finalize(self, self._file.close)
        self._places: dict[str, Place] = {}
        self._asking: dict[str, threading.Lock] = {}
        self._told: set[tuple[str, ...]] = set()
        self._lock = threading.Lock()

    @classmethod
    def of(cls, config: Config) -> "SharedAnswers":
        """The one object of the sync that this config was settled for; it lives as long as something holds it."""
        with cls._creation:
            answers = cls._of_syncs.get(config["_sync_id"])
            if answers is None:
                answers = cls._of_syncs[config["_sync_id"]] = cls()
            return answers

    def get(self, request: requests.PreparedRequest, ask: Callable[[], Answer]) -> Answer:
        url = str(request.url)
        with self._lock:
            asking = self._asking.setdefault(url, threading.Lock())
        with asking:  # a second stream with the same question waits for the first one's answer
            if url in self._places:
                status, headers, body, pieces = self._places[url]
                return Answer(request, status, headers, self.read(body), pieces, self)
            with self._lock:
                self.requests_sent += 1
            answer = ask()
            if answer.is_final:
                body = self.append(answer.content)
                self._places[url] = Place(answer.status_code, dict(answer.headers), body, answer.pieces)
            return answer

    def received(
        self, request: requests.PreparedRequest, response: requests.Response, masked: Callable[[bytes], bytes]
    ) -> Answer:
        """Reads a response to its end, and closes the connection where there is more than an answer on it."""
        if response.status_code < 200:
            response.raw.close()  # the answer is still to come, and would be taken for that to the next request
        try:
            chunks = bounded(response.iter_content(1 << 18))
            body, pieces = without_pieces(chunks, lambda piece: self.append(masked(piece)), self.PIECE)
        finally:
            response.close()
        headers = {name: response.headers[name] for name in KEPT_HEADERS if name in response.headers}
        return Answer(request, response.status_code, headers, masked(body), pieces, self)

    def forget(self) -> None:
        with self._lock:
            self.given_up = GivenUp()
            self._places.clear()
            self._asking.clear()
            self._told.clear()
            self._file.seek(0)
            self._file.truncate()
            self.requests_sent = 0
            self.listed_accounts = None

    def is_first(self, thing: tuple[str, ...]) -> bool:
        with self._lock:
            count = len(self._told)
            self._told.add(thing)
            return len(self._told) > count

    def append(self, data: bytes) -> Span:
        with self._lock, _telling_of_room():
            offset = self._file.seek(0, os.SEEK_END)
            try:
                left = memoryview(data)
                while left:
                    left = left[self._file.write(left) :]
            except OSError:
                self._file.truncate(offset)  # what is there already can still be read
                raise
            return Span(offset, len(data))

    def read(self, span: Span) -> bytes:
        with self._lock:
            self._file.seek(span.offset)
            return self._file.read(span.length)


@contextmanager
def _telling_of_room() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise traced(
            f"OneUp's answers cannot be kept in the temporary folder {tempfile.gettempdir()} ({error.strerror}): make "
            "room there, or let TMPDIR name another folder, then sync again.",
            FailureType.transient_error,
        ) from None


def forms_of(key: str) -> list[str]:
    """A key as it is, and as addresses, web pages and JSON (that of PHP too) write it.

    A message that quotes JSON is again quoted as JSON in an answer, and with that in a line of a log.
    """
    encoded = {quote(key), quote(key, safe=""), quote_plus(key)}
    forms = {key, html.escape(key), *encoded, *(re.sub("%..", lambda code: code[0].lower(), form) for form in encoded)}
    forms |= {json.dumps(form)[1:-1] for form in forms}
    forms |= {form.replace("/", "\\/") for form in forms}
    for _ in range(2):
        forms |= {json.dumps(form)[1:-1] for form in forms}
    return sorted(forms, key=len, reverse=True)  # a form may be a part of another


MIN_KEY_LENGTH = 8  # what is shorter is no key, and masking it would blank letters of OneUp's messages


class KeyOnTheWire(requests.adapters.HTTPAdapter):
    """Adds the API key as a request leaves, and gives back answers and errors that never knew it.

    OneUp wants the key in the URL, and the CDK puts URLs into logs, errors and traces; so the CDK never sees it.
    Should OneUp repeat it in a message, it is masked there like any other secret, and in an address (a link to a next
    page, a picture) as the value of `apiKey`. Elsewhere in data it is left, for a key may be a common word.
    """

    def __init__(self, api_key: str, answers: SharedAnswers):
        super().__init__(pool_maxsize=16)
        self._api_key = api_key
        self._answers = answers
        forms = forms_of(api_key)
        if len(api_key) >= MIN_KEY_LENGTH:
            for form in forms:
                add_to_secrets(form)
        else:  # which the CDK already masks, in every word of every message
            update_secrets([])
        any_form = b"|".join(re.escape(form.encode()) for form in forms)
        self._in_addresses = re.compile(rb"apiKey=(?:%b)(?![\w%%+-])" % any_form)

    def get_connection_with_tls_context(self, *args: Any, **kwargs: Any) -> Any:
        pool: Any = super().get_connection_with_tls_context(*args, **kwargs)
        if not issubclass(pool.ConnectionCls.response_class, AnswerInTime):  # the pool is the same each time
            pool.ConnectionCls = in_time(pool.ConnectionCls)
        return pool

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:
        wire = request.copy()
        joint = "&" if "?" in str(request.url) else "?"
        wire.url = f"{request.url}{joint}{urlencode({'apiKey': self._api_key})}"
        try:
            return self._answers.received(request, super().send(wire, *args, **kwargs), self._masked)
        except requests.RequestException as error:
            text = re.sub(r"apiKey=[^&\s'\")>]*", "apiKey=****", str(error))
            raise type(error)(text, request=request) from None

    def _masked(self, body: bytes) -> bytes:
        return self._in_addresses.sub(b"apiKey=****", body)


class OneUpSession(LimiterSession):
    """Sends within the request budget, follows no redirect (it would carry the key along), shares answers.

    Proxies and certificates are those of the environment, but http, which is for this machine alone, takes no proxy:
    it would carry the key along in clear text. Nor does OneUp get a login that ~/.netrc has for everybody.
    """

    def __init__(self, api_budget: AbstractAPIBudget, config: Config):
        super().__init__(api_budget=api_budget)
        self._answers = SharedAnswers.of(config)
        self.auth = _no_login
        adapter = KeyOnTheWire(config["api_key"], self._answers)
        for scheme in ("https://", "http://"):  # ignore-https-check (http is accepted for this machine only)
            self.mount(scheme, adapter)

    def send(self, request: requests.PreparedRequest, **kwargs: Any) -> requests.Response:
        def ask() -> Answer:
            own: dict[str, Any] = {"allow_redirects": False}
            if str(request.url).startswith("http:"):
                own["proxies"] = {}
            answer = super(OneUpSession, self).send(request, **kwargs | own)
            assert isinstance(answer, Answer)
            return answer

        return self._answers.get(request, ask)


def _no_login(request: requests.PreparedRequest) -> requests.PreparedRequest:
    """Takes the place of a look into ~/.netrc."""
    return request


@dataclass
class OneUpRequester(HttpRequester):
    """Asks for the window of a slice, and names the account where that fails."""

    request_headers: Mapping[str, str] = field(kw_only=True)

    def __post_init__(self, parameters: Mapping[str, Any]) -> None:
        super().__post_init__(parameters)
        assert isinstance(self.error_handler, OneUpErrorHandler)
        assert self.api_budget is not None
        self._http_client = HttpClient(
            name=self.name,
            logger=self.logger,
            error_handler=self.error_handler,
            backoff_strategy=self.error_handler.backoff_strategies,
            disable_retries=self.disable_retries,
            session=OneUpSession(self.api_budget, self.config),
            request_timeout=(self.connect_timeout_in_seconds, self.read_timeout_in_seconds),
        )

    def get_request_headers(self, **_: Any) -> Mapping[str, Any]:
        return self.request_headers

    def get_request_params(self, *, stream_slice: StreamSlice | None = None, **_: Any) -> MutableMapping[str, Any]:
        # in Python, because interpolation would turn the id "1_000" into the number 1000
        if stream_slice is None or "window" not in stream_slice.extra_fields:
            return {}
        return {
            "social_network_id": stream_slice.partition["social_network_id"],
            **stream_slice.extra_fields["window"].request_parameters(self.config),
            "timezone": self.config["timezone"],
        }

    def send_request(self, *args: Any, **kwargs: Any) -> requests.Response | None:
        stream_slice: StreamSlice | None = kwargs.get("stream_slice")
        account = stream_slice.partition.get("social_network_id") if stream_slice else None
        asked, since = (self.get_url(), account), time.monotonic()
        given_up = SharedAnswers.of(self.config).given_up
        reason = given_up.reason(asked)
        if reason is None:
            try:
                response = super().send_request(*args, **kwargs)
            except AirbyteTracedException as error:
                reason = self._reason(error), error.failure_type or FailureType.system_error
                if account is not None and reason[0].startswith("OneUp does not find it"):
                    reason = self._id_of_username(account) or reason[0], reason[1]
                given_up.failed(asked, *reason, since)
            else:
                given_up.answered()
                return response
        subject = (
            f"Account {json.dumps(account, ensure_ascii=False)} could not be read"
            if account is not None
            else "The accounts of this key could not be listed"
        )
        raise traced(f"{subject}: {reason[0]}", reason[1])

    def _id_of_username(self, name: str) -> str | None:
        """Look into OneUp's list, once a sync, whether an id that was not found is the username of an account."""
        url = f"{self.config['accounts_url'] or ACCOUNTS_URL}/listsocialaccounts"
        request = requests.Request("GET", url, headers=self.request_headers).prepare()
        timeout = (self.connect_timeout_in_seconds, self.read_timeout_in_seconds)
        try:
            response = self._http_client._session.send(request, timeout=timeout)
            rows = list(AccountRows().extract_records(response))
        except Exception:  # whatever fails here must not hide the failure that it would explain
            return None
        plain = name.lstrip("@").casefold()
        ids = [row["social_network_id"] for row in rows if str(row["username"]).lstrip("@").casefold() == plain]
        if len(ids) != 1 or ids[0] == name:
            return None
        return f"`{name}` is `{ids[0]}`: write the id, not the username, into `social_network_ids`."

    def _reason(self, error: AirbyteTracedException) -> str:
        cause = error.__context__
        if isinstance(cause, BaseBackoffException):
            # fewer than `max_retries` where ten minutes are over, after which the CDK does not try again
            tried = self._http_client._request_attempt_count.get(cause.request, 1)  # type: ignore[arg-type]
            return f"{cause} It was tried {tried} times; try again later."
        return error.message or error.internal_message or "unknown error"


# ----------------------------------------------------------------------------------------- errors


@dataclass
class RetryAfter(BackoffStrategy):
    """Waits as long as `Retry-After` says, in seconds or as a date, and never longer than `max_seconds`."""

    max_seconds: float = 120.0

    def backoff_time(
        self, response_or_exception: requests.Response | requests.RequestException | None, attempt_count: int
    ) -> float | None:
        if not isinstance(response_or_exception, requests.Response):
            return None
        value = response_or_exception.headers.get("Retry-After", "").strip()
        try:
            seconds = (
                float(value)
                if re.fullmatch(r"\d+(\.\d+)?", value)
                else (parsedate_to_datetime(value) - datetime.now(UTC)).total_seconds()
            )
        except (TypeError, ValueError, OverflowError):
            return None
        return min(max(seconds, 0.1), self.max_seconds)


@dataclass
class OneUpErrorHandler(DefaultErrorHandler):
    """Decides by the status first, then by the three ways in which OneUp says no, then by what is missing.

    `expects`: the part of the answer that the stream reads.
    """

    expects: str = field(kw_only=True)

    def interpret_response(self, response_or_exception: requests.Response | Exception | None) -> ErrorResolution:
        if isinstance(response_or_exception, requests.Response):
            status = response_or_exception.status_code
            problem = self._by_status(response_or_exception) if status != 200 else self._by_body(response_or_exception)
        elif isinstance(response_or_exception, requests.Timeout) or "timed out" in str(response_or_exception):
            problem = _passing("OneUp did not answer in time.")
        elif isinstance(response_or_exception, TooLarge):
            problem = _no(
                "OneUp sends far more in one answer than it has to say, so that it was not read to its end. Try again "
                "later; if it stays, please report it.",
                FailureType.system_error,
            )
        elif isinstance(response_or_exception, requests.exceptions.ContentDecodingError):
            problem = _passing("OneUp sent an answer that cannot be unpacked.")
        elif "CERTIFICATE_VERIFY_FAILED" in str(response_or_exception):
            problem = _no(
                "The server's certificate cannot be verified, so that the key was not sent. Check the clock of this "
                "machine and the address; where a proxy of your company stands between, let REQUESTS_CA_BUNDLE name a "
                "file with its certificates.",
                FailureType.system_error,
            )
        else:
            problem = _passing(f"The connection to OneUp failed ({type(response_or_exception).__name__}).")
        if problem is None:
            return ErrorResolution(ResponseAction.SUCCESS, None, None)
        if problem.response_action != ResponseAction.FAIL and SharedAnswers.of(self.config).given_up.is_outage:
            return ErrorResolution(ResponseAction.FAIL, problem.failure_type, problem.error_message)
        return problem

    def _by_status(self, response: requests.Response) -> ErrorResolution:
        status = response.status_code
        said = f"HTTP {status}{_quoted_message(response)}"
        if status == 401:
            return _no(
                f"OneUp does not accept the key ({said}). Copy `api_key` again from OneUp's API settings; "
                "if it is right, the plan may not include the API."
            )
        if status in (402, 403):
            return _no(
                f"OneUp refuses access ({said}). The plan may not include analytics (the lowest one does not), "
                "or `api_key` belongs to somebody without access to this account."
            )
        if status == 404 and self.expects == "data":
            return _no(f"OneUp has no such address ({said}). Check `accounts_url`, or leave it out.")
        if status == 404:
            return _no(
                f"OneUp does not find it ({said}). The id may be wrong or belong to another key, the account may "
                "not be connected in OneUp, or OneUp's support may not have enabled analytics for it."
            )
        if status == 429:
            return ErrorResolution(
                ResponseAction.RATE_LIMITED,
                FailureType.transient_error,
                f"OneUp's rate limit was reached ({said}); a lower `max_requests_per_minute` avoids that.",
            )
        if status == 408 or status >= 500:
            return _passing(f"OneUp's server failed ({said}).")
        if 300 <= status < 400:
            return _no(
                f"OneUp redirects to another page, as it does for a login ({said}). Check `api_key` and, where "
                "they are set, `analytics_url` and `accounts_url`."
            )
        if status < 300:
            return _passing(f"OneUp sent an answer without data ({said}).")
        return _no(f"OneUp refuses the request ({said}).", FailureType.system_error)

    def _by_body(self, response: requests.Response) -> ErrorResolution | None:
        try:
            answer = response.json()
        except (ValueError, RecursionError):
            start = response.content.lstrip()[:1]
            if start == b"<":
                return _no(
                    "OneUp sent a web page in place of data (HTTP 200), as it does for a login or for maintenance. "
                    "Try again later; if it stays, check `api_key` and the address.",
                    FailureType.system_error,
                )
            what = "an answer that is cut short or no JSON" if start else "an empty answer"
            return _passing(f"OneUp sent {what} (HTTP 200).")
        if not isinstance(answer, dict):
            return _no(f"OneUp's answer is {_kind(answer)}, not an object (HTTP 200).", FailureType.system_error)
        refused = answer.get("success") is False or answer.get("error") is True
        if refused or ("success" not in answer and "data" not in answer and "message" in answer):
            text = _quoted_message(response)
            ours = re.search(r"\b(key|account|plan|subscription|permission|upgrade)", text, re.IGNORECASE)
            return _no(
                f"OneUp says no (HTTP 200{text}). Check `api_key`, the account's id, its connection in OneUp and the "
                "plan.",
                FailureType.config_error if ours else FailureType.system_error,
            )
        kinds = ANSWER_PARTS[self.expects]
        part = part_of(answer, self.expects)
        if part is not ... and isinstance(part, kinds):
            return None
        found = "missing" if part is ... else _kind(part)
        return _no(
            f"OneUp's answer is not as documented: `{self.expects}` is {found} (HTTP 200). Nothing was stored for it; "
            "if it stays, please report it.",
            FailureType.system_error,
        )


PINS = "data.posts"
ANSWER_PARTS: dict[str, tuple[type, ...]] = {
    "data": (list,),
    "data.metrics": (list,),
    "data.stats": (list,),
    PINS: (list,),
    "data.post_performance": (dict, list),
    "data.total_followers": (int, float, str, type(None)),
}


def part_of(answer: Any, path: str) -> Any:
    """The part of an answer at a dotted path, or `...` where there is none."""
    for name in path.split("."):
        if isinstance(answer, dict) and name == "post_performance" and name not in answer:
            name = "posts_performance"  # seen in answers
        if not isinstance(answer, dict) or name not in answer:
            return ...
        answer = answer[name]
    return answer


def _no(message: str, failure_type: FailureType = FailureType.config_error) -> ErrorResolution:
    return ErrorResolution(ResponseAction.FAIL, failure_type, message)


def _passing(message: str) -> ErrorResolution:
    return ErrorResolution(ResponseAction.RETRY, FailureType.transient_error, message)


def _quoted_message(response: requests.Response) -> str:
    try:
        answer = response.json()
    except (ValueError, RecursionError):
        return ""
    message = answer.get("message") if isinstance(answer, dict) else None
    if not isinstance(message, str) or not message.strip():
        return ""
    visible = "".join(character if character.isprintable() else " " for character in filter_secrets(message))
    return f': "{" ".join(visible.split())[:200]}"'


def _kind(value: Any) -> str:
    names: dict[type, str] = {dict: "an object", list: "a list", str: "a text", type(None): "null"}
    return names.get(type(value), "a number")


# ------------------------------------------------------------------------------------------- rows


MAX_DEPTH = 100  # of lists and objects in one another: what is nested deeper cannot always be written again
TOO_DEEP = "nested too deeply"


def as_text(value: Any) -> str | None:
    """Text as sent; other JSON values as their JSON."""
    if value is None:
        return None
    if not isinstance(value, str) and is_too_deep(value):
        return None
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    if text.isascii():
        return text
    return text.encode("utf-8", "replace").decode("utf-8")  # half of a surrogate pair is no text


def is_too_deep(value: Any) -> bool:
    """Whether lists and objects are nested in a value deeper than MAX_DEPTH."""
    level = [value]
    for _ in range(MAX_DEPTH):
        level = [inner for outer in level if isinstance(outer, (dict, list)) for inner in _items(outer)]
        if not level:
            return False
    return any(isinstance(value, (dict, list)) for value in level)


def _items(value: dict[str, Any] | list[Any]) -> Iterable[Any]:
    return value.values() if isinstance(value, dict) else value


def as_number(value: Any) -> float | int | None:
    """A number from 1234, "1,234", "+25.0%" or "-53 %"; what is none is null, never zero.

    >>> as_number("+40,350%"), as_number("n/a"), as_number(None)
    (40350, None, None)
    """
    if isinstance(value, str):
        text = value.strip().removesuffix("%").rstrip()
        whole = re.fullmatch(r"([+-]?(?:\d{1,3}(?:,\d{3})+|\d+))(?:\.0*)?", text) if len(text) < 40 else None
        if whole and -BIGINT <= (number := int(whole[1].replace(",", ""))) < BIGINT:
            value = number  # not by way of a float, which has no whole numbers beyond 2**53
        elif re.fullmatch(r"[+-]?(\d{1,3}(,\d{3})+|\d+)?(\.\d*)?([eE][+-]?\d+)?", text) and re.search(r"\d", text):
            value = float(text.replace(",", ""))
            value = int(value) if value.is_integer() and abs(value) < 2**53 else value
        else:
            return None
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    if isinstance(value, int):
        return value if -BIGINT <= value < BIGINT else None
    return value if math.isfinite(value) else None


def as_integer(value: Any) -> int | None:
    """A whole number, or null: a count that is no whole number is no count."""
    number = value if type(value) is int and -BIGINT <= value < BIGINT else as_number(value)
    if isinstance(number, float):
        return int(number) if number.is_integer() and abs(number) < BIGINT else None
    return number


def as_boolean(value: Any) -> bool | None:
    """True or false from true, 1, "1" or "true" and their opposites."""
    text = str(value).strip().lower() if isinstance(value, (str, int)) else ""
    return {"1": True, "true": True, "0": False, "false": False}.get(text)


class Losses:
    """What of an answer becomes no row or no value. It is told in the log, each thing once a sync, with an example.

    Such a message begins with its count and ends with its example, so that whoever reads can add them up.
    """

    def __init__(self, response: requests.Response, stream: str) -> None:
        self._response = response
        self._stream = stream
        self._found: dict[tuple[str, ...], tuple[int, str]] = {}

    def no_row(self, what: str, example: Any) -> None:
        self._add(("Left out %d %s from %s, for example %s.", what, self._stream), example)

    def no_value(self, name: str, kind: str, sent: Any) -> None:
        """A field is null in its row because what was sent is not of its kind; nothing sent is no loss."""
        if not _is_nothing(sent):
            text = "%d values of `%s` in %s are %s and were left empty, for example %s."
            self._add((text, name, self._stream, kind), sent)

    def tell(self) -> None:
        for (message, *details), (count, example) in self._found.items():
            if not isinstance(self._response, Answer) or self._response.is_first(message, *details):
                LOGGER.warning(message, count, *details, example)

    def _add(self, thing: tuple[str, ...], example: Any) -> None:
        count, first = self._found.get(thing) or (0, _example(example))
        self._found[thing] = count + 1, first


def _is_nothing(value: Any) -> bool:
    return value is None or (isinstance(value, str) and not value.strip())


def _example(value: Any) -> str:
    """A value in a few characters of ASCII, which no terminal obeys."""
    if isinstance(value, (dict, list)):
        return _kind(value)
    text = filter_secrets(json.dumps(value[:1000] if isinstance(value, str) else value))
    return text if len(text) <= 40 else text[:37] + "..."


def _objects(rows: Iterable[Any], losses: Losses) -> Iterator[dict[str, Any]]:
    """The rows that are objects; the others cannot be records."""
    for row in rows:
        if isinstance(row, dict):
            yield row
        else:
            losses.no_row("rows that are no objects", row)


def _text(row: Mapping[str, Any], name: str, losses: Losses) -> str | None:
    text = as_text(row.get(name))
    if text is None:
        losses.no_value(name, TOO_DEEP, row.get(name))
    return text


def _number(row: Mapping[str, Any], name: str, losses: Losses) -> float | int | None:
    number = as_number(row.get(name))
    if number is None:
        losses.no_value(name, "no numbers", row.get(name))
    return number


def _boolean(row: Mapping[str, Any], name: str, losses: Losses) -> bool | None:
    answer = as_boolean(row.get(name))
    if answer is None:
        losses.no_value(name, "neither true nor false", row.get(name))
    return answer


def _drop_too_deep(row: dict[str, Any], declared: Iterable[str], losses: Losses) -> None:
    """Fields that nobody documented are kept as sent, unless they are nested too deeply to be written anywhere."""
    for name in row.keys() - set(declared):
        if is_too_deep(row[name]):
            losses.no_value("fields that are not documented", TOO_DEEP, row[name])
            row[name] = None


@dataclass
class MetricRows(RecordExtractor):
    """Rows of `data.metrics` or `data.stats`: a metric now and in the period before."""

    part: str
    STREAMS: ClassVar[dict[str, str]] = {"data.metrics": "overview_metrics", "data.stats": "pin_totals"}

    def extract_records(self, response: requests.Response) -> Iterable[MutableMapping[Any, Any]]:
        losses = Losses(response, self.STREAMS[self.part])
        for row in _objects(part_of(response.json(), self.part), losses):
            typed = {
                "key": _text(row, "key", losses),
                "name": _text(row, "name", losses),
                "description": _text(row, "description", losses),
                "value_current_period": _number(row, "value_current_period", losses),
                "value_last_period": _number(row, "value_last_period", losses),
                "percentage_change": _text(row, "percentage_change", losses),
                "percentage_change_value": as_number(row.get("percentage_change")),
            }
            _drop_too_deep(row, typed, losses)
            yield row | typed
        losses.tell()


@dataclass
class PinRows(RecordExtractor):
    """Pins with what is in their `stats` beside their other fields, because that makes a column of each.

    Other fields than the documented ones are kept as sent; in `stats` a number may be a text, such as "1,001". Which
    fields came in `stats` is in the list `stats`, so that a writer can keep them once a day. Where a pin has a field of
    the same name, that of `stats` is named `stats_…`; of a documented counter it is the pin's own, named `post_…`.
    """

    COUNTERS = ("impressions", "saves", "comments", "repins", "clicks")
    TEXTS = ("id", "page_id", "format", "text", "permalink", "media_type", "media_url", "timestamp")
    DOCUMENTED = frozenset((*COUNTERS, *TEXTS))
    COUNTED = frozenset(COUNTERS)
    TAKEN = DOCUMENTED | {"stats", "social_network_id", "snapshot_date", "period_start", "period_end"}

    def extract_records(self, response: requests.Response) -> Iterable[MutableMapping[Any, Any]]:
        assert isinstance(response, Answer)
        losses = Losses(response, "pins")
        for row in _objects(response.pins(), losses):
            sent = row.pop("stats", None)
            stats = sent if isinstance(sent, dict) else {}
            if stats is not sent:
                losses.no_value("stats", "no objects", sent)
            for name in self.TEXTS:
                sent = row.get(name)
                row[name] = text = as_text(sent)
                if text is None and sent is not None:
                    losses.no_value(name, TOO_DEEP, sent)
            if not row.keys().isdisjoint(self.COUNTED):
                self._rename_own_counters(row, stats)
            observed = self._take_others(row, stats) if not stats.keys() <= self.COUNTED else []
            for name in self.COUNTERS:
                sent = stats[name] if name in stats else row.get(name)
                row[name] = count = as_integer(sent)
                if count is None and sent is not None:
                    losses.no_value(name, "no whole numbers", sent)
            if len(row) > len(self.DOCUMENTED):
                _drop_too_deep(row, self.DOCUMENTED, losses)
            if observed:
                row["stats"] = observed
            yield row
        losses.tell()

    def _rename_own_counters(self, row: dict[str, Any], stats: Mapping[str, Any]) -> None:
        """Keep a field of the pin itself that has the name of a counter in its `stats` and another value."""
        for name in self.COUNTERS:
            if name in row and name in stats and row[name] != stats[name]:
                row[_free_name(f"post_{name}", row.keys() | stats.keys(), "post_")] = row[name]

    def _take_others(self, row: dict[str, Any], stats: Mapping[str, Any]) -> list[str]:
        """Put what else is in `stats` beside the pin's own fields; return under which names."""
        observed = []
        for name, sent in stats.items():
            if name not in self.COUNTED:
                free = _free_name(name, row.keys() | self.TAKEN, "stats_")
                row[free] = _observation(sent)
                observed.append(free)
        return observed


def _free_name(name: str, taken: Collection[str], prefix: str) -> str:
    while name in taken:
        name = prefix + name
    return name


def _observation(sent: Any) -> Any:
    """A number, also of a text such as "1,001" or "12.5%"; anything else as sent, and a blank as null."""
    if not isinstance(sent, str):
        return sent
    if _is_nothing(sent):
        return None
    number = as_number(sent)
    is_exact = isinstance(number, int) or (number is not None and abs(number) < 2**53)
    return number if is_exact else sent


@dataclass
class RankedPosts(RecordExtractor):
    """Entries of the lists of best and worst posts, whatever OneUp names their fields."""

    def extract_records(self, response: requests.Response) -> Iterable[MutableMapping[Any, Any]]:
        losses = Losses(response, "post_performance")
        lists = part_of(response.json(), "data.post_performance")
        if isinstance(lists, list):  # which is how PHP writes an object without fields
            for entry in lists:
                losses.no_row("entries that are in none of the lists", entry)
            lists = {}
        for ranking, entries in lists.items():
            if not isinstance(entries, list):
                if not _is_nothing(entries):
                    losses.no_row("rankings that are no lists", entries)
                continue
            for position, entry in enumerate(entries, start=1):
                known = entry if isinstance(entry, dict) else {}
                row = {
                    "id": known.get("id"),
                    "text": _first(known, "text", "caption", "title", "message"),
                    "permalink": _first(known, "permalink", "permalink_url"),
                    "engagement_rate": _first(known, "engagement_rate", "engagement_rate_raw"),
                }
                if is_too_deep(entry):
                    losses.no_value("item", TOO_DEEP, entry)
                    entry = None
                yield {
                    "ranking": as_text(ranking),
                    "position": position,
                    "id": _text(row, "id", losses),
                    "text": _text(row, "text", losses),
                    "permalink": _text(row, "permalink", losses),
                    "engagement_rate": _number(row, "engagement_rate", losses),
                    "item": entry,
                }
        losses.tell()


@dataclass
class FollowerCount(RecordExtractor):
    """The one figure that the overview gives for the account itself."""

    def extract_records(self, response: requests.Response) -> Iterable[MutableMapping[Any, Any]]:
        losses = Losses(response, "account_followers")
        sent = part_of(response.json(), "data.total_followers")
        count = as_integer(sent)
        if count is None:
            losses.no_value("total_followers", "no whole numbers", sent)
        yield {"total_followers": count}
        losses.tell()


@dataclass
class AccountRows(RecordExtractor):
    """The Pinterest accounts of the key, each once."""

    FIELDS = ("social_network_id", "username", "full_name", "social_network_type", "is_expired", "need_refresh")

    def extract_records(self, response: requests.Response) -> Iterable[MutableMapping[Any, Any]]:
        losses = Losses(response, "accounts")
        found: dict[str, dict[str, Any]] = {}
        for row in _objects(part_of(response.json(), "data"), losses):
            kind = row.get("social_network_type")
            if not isinstance(kind, str):
                losses.no_row("rows without a `social_network_type`", row)
            if not isinstance(kind, str) or kind.strip().casefold() != "pinterest":
                continue
            account = as_text(_first(row, "social_account_id", "social_network_id"))
            if not account:
                losses.no_row("Pinterest accounts without an id", row.get("username"))
                continue
            if account in found:
                losses.no_row("rows of accounts that come once more", account)
            found[account] = {
                "social_network_id": account,
                "username": _text(row, "username", losses),
                "full_name": _text(row, "full_name", losses),
                "social_network_type": as_text(kind),
                "is_expired": _boolean(row, "is_expired", losses),
                "need_refresh": _boolean(row, "need_refresh", losses),
            }
        losses.tell()
        yield from found.values()


def _first(row: Mapping[str, Any], *names: str) -> Any:
    return next((row[name] for name in names if row.get(name) is not None), None)
