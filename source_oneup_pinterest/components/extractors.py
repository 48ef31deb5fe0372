"""The extractors that turn responses into records."""

from collections.abc import Collection, Iterable, Iterator, Mapping, MutableMapping
from dataclasses import dataclass
from typing import Any, ClassVar

import requests
from airbyte_cdk.sources.declarative.extractors.record_extractor import RecordExtractor
from airbyte_cdk.sources.types import Config

from .coercion import as_boolean, as_integer, as_number, as_text, exceeds_max_depth
from .dropped_data import TOO_DEEP, DroppedData, is_blank
from .payload import value_at_path
from .response_cache import BufferedResponse
from .sync_context import SyncContext


def _objects(rows: Iterable[Any], dropped: DroppedData) -> Iterator[dict[str, Any]]:
    """Yield the rows that are objects; the others cannot become records."""
    for row in rows:
        if isinstance(row, dict):
            yield row
        else:
            dropped.add_row("rows that are not objects", row)


def _text_of(row: Mapping[str, Any], name: str, dropped: DroppedData) -> str | None:
    text = as_text(row.get(name))
    if text is None:
        dropped.add_value(name, TOO_DEEP, row.get(name))
    return text


def _number_of(row: Mapping[str, Any], name: str, dropped: DroppedData) -> float | int | None:
    number = as_number(row.get(name))
    if number is None:
        dropped.add_value(name, "not numbers", row.get(name))
    return number


def _boolean_of(row: Mapping[str, Any], name: str, dropped: DroppedData) -> bool | None:
    boolean = as_boolean(row.get(name))
    if boolean is None:
        dropped.add_value(name, "neither true nor false", row.get(name))
    return boolean


def _drop_too_deep(row: dict[str, Any], declared: Iterable[str], dropped: DroppedData) -> None:
    """Set undocumented fields to null if they are nested too deeply to be written; others stay as sent."""
    for name in row.keys() - set(declared):
        if exceeds_max_depth(row[name]):
            dropped.add_value("undocumented fields", TOO_DEEP, row[name])
            row[name] = None


@dataclass
class OneUpExtractor(RecordExtractor):
    """Extract the records of a stream; subclasses log what they drop."""

    config: Config

    def dropped_data(self, response: requests.Response, stream: str) -> DroppedData:
        return DroppedData(SyncContext.of(self.config), response.url, stream)


@dataclass
class MetricsExtractor(OneUpExtractor):
    """Extract the rows of `data.metrics` or `data.stats`: a metric now and in the period before."""

    part: str
    STREAMS: ClassVar[dict[str, str]] = {"data.metrics": "overview_metrics", "data.stats": "pin_totals"}

    def extract_records(self, response: requests.Response) -> Iterable[MutableMapping[Any, Any]]:
        dropped = self.dropped_data(response, self.STREAMS[self.part])
        for row in _objects(value_at_path(response.json(), self.part), dropped):
            typed = {
                "key": _text_of(row, "key", dropped),
                "name": _text_of(row, "name", dropped),
                "description": _text_of(row, "description", dropped),
                "value_current_period": _number_of(row, "value_current_period", dropped),
                "value_last_period": _number_of(row, "value_last_period", dropped),
                "percentage_change": _text_of(row, "percentage_change", dropped),
                "percentage_change_value": as_number(row.get("percentage_change")),
            }
            _drop_too_deep(row, typed, dropped)
            yield row | typed
        dropped.log()


@dataclass
class PinsExtractor(OneUpExtractor):
    """Extract pins, with the fields of their `stats` moved beside their other fields, so that each becomes a column.

    Undocumented fields are kept as sent; in `stats` numbers may be text, such as "1,001". The list `stats` then names
    the fields that came in `stats`, so that a writer can keep them once per day. If a pin has a field of the same name,
    the one from `stats` is renamed `stats_…`. For a counter the pin's own field is renamed `post_…` instead.
    """

    COUNTERS = ("impressions", "saves", "comments", "repins", "clicks")
    TEXTS = ("id", "page_id", "format", "text", "permalink", "media_type", "media_url", "timestamp")
    DOCUMENTED = frozenset((*COUNTERS, *TEXTS))
    COUNTED = frozenset(COUNTERS)
    TAKEN = DOCUMENTED | {"stats", "social_network_id", "snapshot_date", "period_start", "period_end"}

    def extract_records(self, response: requests.Response) -> Iterable[MutableMapping[Any, Any]]:
        assert isinstance(response, BufferedResponse)
        dropped = self.dropped_data(response, "pins")
        for row in _objects(response.pins(), dropped):
            sent = row.pop("stats", None)
            stats = sent if isinstance(sent, dict) else {}
            if stats is not sent:
                dropped.add_value("stats", "not objects", sent)
            for name in self.TEXTS:
                sent = row.get(name)
                row[name] = text = as_text(sent)
                if text is None and sent is not None:
                    dropped.add_value(name, TOO_DEEP, sent)
            if not row.keys().isdisjoint(self.COUNTED):
                self._rename_own_counters(row, stats)
            moved = self._move_stats(row, stats) if not stats.keys() <= self.COUNTED else []
            for name in self.COUNTERS:
                sent = stats[name] if name in stats else row.get(name)
                row[name] = count = as_integer(sent)
                if count is None and sent is not None:
                    dropped.add_value(name, "not whole numbers", sent)
            if len(row) > len(self.DOCUMENTED):
                _drop_too_deep(row, self.DOCUMENTED, dropped)
            if moved:
                row["stats"] = moved
            yield row
        dropped.log()

    def _rename_own_counters(self, row: dict[str, Any], stats: Mapping[str, Any]) -> None:
        """Rename the pin's own fields that have the name of a counter in its `stats` and another value."""
        for name in self.COUNTERS:
            if name in row and name in stats and row[name] != stats[name]:
                row[_free_name(f"post_{name}", row.keys() | stats.keys(), "post_")] = row[name]

    def _move_stats(self, row: dict[str, Any], stats: Mapping[str, Any]) -> list[str]:
        """Move undocumented fields of `stats` beside the pin's own fields; return their new names."""
        moved = []
        for name, sent in stats.items():
            if name not in self.COUNTED:
                free = _free_name(name, row.keys() | self.TAKEN, "stats_")
                row[free] = _stat_value(sent)
                moved.append(free)
        return moved


def _free_name(name: str, taken: Collection[str], prefix: str) -> str:
    while name in taken:
        name = prefix + name
    return name


def _stat_value(sent: Any) -> Any:
    """Return text such as "1,001" or "12.5%" as a number, blank text as None, and anything else as sent."""
    if not isinstance(sent, str):
        return sent
    if is_blank(sent):
        return None
    number = as_number(sent)
    is_exact = isinstance(number, int) or (number is not None and abs(number) < 2**53)
    return number if is_exact else sent


@dataclass
class RankedPostsExtractor(OneUpExtractor):
    """Extract the lists of best and worst posts, under any of the field names that OneUp uses."""

    def extract_records(self, response: requests.Response) -> Iterable[MutableMapping[Any, Any]]:
        dropped = self.dropped_data(response, "post_performance")
        lists = value_at_path(response.json(), "data.post_performance")
        if isinstance(lists, list):  # PHP writes an empty object as a list
            for entry in lists:
                dropped.add_row("entries that are in none of the lists", entry)
            lists = {}
        for ranking, entries in lists.items():
            if not isinstance(entries, list):
                if not is_blank(entries):
                    dropped.add_row("rankings that are not lists", entries)
                continue
            for position, entry in enumerate(entries, start=1):
                known = entry if isinstance(entry, dict) else {}
                row = {
                    "id": known.get("id"),
                    "text": _first(known, "text", "caption", "title", "message"),
                    "permalink": _first(known, "permalink", "permalink_url"),
                    "engagement_rate": _first(known, "engagement_rate", "engagement_rate_raw"),
                }
                if exceeds_max_depth(entry):
                    dropped.add_value("item", TOO_DEEP, entry)
                    entry = None
                yield {
                    "ranking": as_text(ranking),
                    "position": position,
                    "id": _text_of(row, "id", dropped),
                    "text": _text_of(row, "text", dropped),
                    "permalink": _text_of(row, "permalink", dropped),
                    "engagement_rate": _number_of(row, "engagement_rate", dropped),
                    "item": entry,
                }
        dropped.log()


@dataclass
class FollowersExtractor(OneUpExtractor):
    """Extract the number of followers from the overview."""

    def extract_records(self, response: requests.Response) -> Iterable[MutableMapping[Any, Any]]:
        dropped = self.dropped_data(response, "account_followers")
        sent = value_at_path(response.json(), "data.total_followers")
        count = as_integer(sent)
        if count is None:
            dropped.add_value("total_followers", "not whole numbers", sent)
        yield {"total_followers": count}
        dropped.log()


@dataclass
class AccountsExtractor(OneUpExtractor):
    """Extract the Pinterest accounts of the key, each once."""

    FIELDS = ("social_network_id", "username", "full_name", "social_network_type", "is_expired", "need_refresh")

    def extract_records(self, response: requests.Response) -> Iterable[MutableMapping[Any, Any]]:
        dropped = self.dropped_data(response, "accounts")
        found: dict[str, dict[str, Any]] = {}
        for row in _objects(value_at_path(response.json(), "data"), dropped):
            network = row.get("social_network_type")
            if not isinstance(network, str):
                dropped.add_row("rows without a `social_network_type`", row)
            if not isinstance(network, str) or network.strip().casefold() != "pinterest":
                continue
            account = as_text(_first(row, "social_account_id", "social_network_id"))
            if not account:
                dropped.add_row("Pinterest accounts without an id", row.get("username"))
                continue
            if account in found:
                dropped.add_row("rows of accounts that are listed twice", account)
            found[account] = {
                "social_network_id": account,
                "username": _text_of(row, "username", dropped),
                "full_name": _text_of(row, "full_name", dropped),
                "social_network_type": as_text(network),
                "is_expired": _boolean_of(row, "is_expired", dropped),
                "need_refresh": _boolean_of(row, "need_refresh", dropped),
            }
        dropped.log()
        yield from found.values()


def _first(row: Mapping[str, Any], *names: str) -> Any:
    return next((row[name] for name in names if row.get(name) is not None), None)
