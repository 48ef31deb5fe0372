"""Second implementation of the storage rules in the docs, independent of the package, which tests the first one."""

import json
from collections import Counter
from collections.abc import Container, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from integration_tests.fault_injection.values import MAX_DEPTH, count, depth, number, readable_time, text

Outcome = Literal["accepted", "coerced", "refused", "merged", "account skipped", "other network"]
COUNTERS = ("impressions", "saves", "comments", "repins", "clicks")
PIN_TEXTS = ("id", "page_id", "format", "text", "permalink", "media_type", "media_url", "timestamp")
METRIC_TEXTS = ("key", "name", "description", "percentage_change")
STAMPED = ("social_network_id", "preset", "period_start", "period_end", "snapshot_date")


@dataclass
class Expected:
    """The expectation for one stream of a response: rows by key, the outcome of each entry, and the summary counts."""

    rows: dict[Any, dict[str, Any]] = field(default_factory=dict)
    others: dict[Any, dict[str, Any]] = field(default_factory=dict)  # fields that no schema declares, by the same key
    outcomes: list[Outcome] = field(default_factory=list)
    counted: Counter[tuple[str, str]] = field(default_factory=Counter)
    is_skipped: bool = False

    def add(self, stream: str, key: Any, row: dict[str, Any], others: dict[str, Any], is_unchanged: bool) -> None:
        """Add a row; it replaces one with the same key, but null replaces no value, except in rankings."""
        if key in self.rows:
            self.counted[stream, "duplicate"] += 1
            self.outcomes.append("merged")
            if stream != "post_performance":
                row = merge_known(row, self.rows[key])
                others = {**self.others[key], **others}
        else:
            self.outcomes.append("accepted" if is_unchanged else "coerced")
        self.rows[key], self.others[key] = row, others

    def refuse(self, stream: str, why: str) -> None:
        self.counted[stream, why] += 1
        self.outcomes.append("refused")


def merge_known(row: Mapping[str, Any], before: Mapping[str, Any]) -> dict[str, Any]:
    """Return a row with its nulls filled from an earlier row of the same key."""
    return {name: before.get(name) if value is None else value for name, value in row.items()}


def skipped(entries: int) -> Expected:
    """Return the expectation for a stream whose part of the response cannot be read."""
    return Expected(outcomes=["account skipped"] * max(entries, 1), is_skipped=True)


def parsed(body: bytes) -> Any:
    """Return the JSON of a body, or `...` if it is invalid."""
    try:
        return json.loads(body.decode("utf-8-sig", "replace"))
    except (ValueError, RecursionError):
        return ...


def expected_streams(endpoint: str, body: bytes) -> dict[str, Expected]:
    """Return what each stream must contain after a response to `overview` or `posts`."""
    response = parsed(body)
    data = response.get("data") if isinstance(response, dict) else None
    data = data if isinstance(data, dict) else {}
    if endpoint == "posts":
        parts = {"pins": data.get("posts", ...), "pin_totals": data.get("stats", ...)}
    else:
        name = "post_performance" if "post_performance" in data else "posts_performance"
        parts = {
            "overview_metrics": data.get("metrics", ...),
            "account_followers": data.get("total_followers", ...),
            "post_performance": data.get(name, ...),
        }
    makers = {"pins": _pins, "account_followers": _followers, "post_performance": _rankings}
    found = {}
    for stream, part in parts.items():
        if _is_refusal(response) or not _is_as_documented(stream, part):
            found[stream] = skipped(len(part) if isinstance(part, (list, dict)) else 1)
        else:
            found[stream] = makers[stream](part) if stream in makers else _metrics(stream, part)
    return found


def _is_refusal(response: Any) -> bool:
    if not isinstance(response, dict) or response.get("success") is False or response.get("error") is True:
        return True
    return "success" not in response and "data" not in response and "message" in response


def _is_as_documented(stream: str, part: Any) -> bool:
    if stream == "account_followers":
        return part is None or isinstance(part, (int, float, str))
    return isinstance(part, (list, dict) if stream == "post_performance" else list)


# ------------------------------------------------------------------------------------- streams


def _pins(part: list[Any]) -> Expected:
    found = Expected()
    for pin in part:
        if not isinstance(pin, dict):
            found.refuse("pins", "no objects")
            continue
        stats = pin.get("stats")
        if not isinstance(stats, dict):
            _count_dropped(found, "pins", "stats", stats)
            stats = {}
        own = {name: value for name, value in pin.items() if name != "stats"}
        for name in COUNTERS:
            if name in own and name in stats and own[name] != stats[name]:
                own[_free_name(f"post_{name}", "post_", own, stats)] = own[name]
        sent = {**own, **{name: stats[name] for name in COUNTERS if name in stats}}
        for name in [name for name in stats if name not in COUNTERS]:
            sent[_free_name(name, "stats_", sent, (*PIN_TEXTS, *COUNTERS, *STAMPED, "stats"))] = _stored_stat(
                stats[name]
            )
        row, is_unchanged = _typed(found, "pins", sent, PIN_TEXTS, COUNTERS, ())
        time = readable_time(row["timestamp"])
        if row["id"] is None:
            _extra(found, "pins", sent, (*PIN_TEXTS, *COUNTERS))
            found.refuse("pins", "no key")
            continue
        if time is None and (row["timestamp"] or "").strip(" "):
            found.counted["pins", "unreadable timestamp"] += 1
        is_unchanged = is_unchanged and (time is None or str(time) == row["timestamp"])
        row["timestamp"] = time
        others = _extra(found, "pins", sent, (*PIN_TEXTS, *COUNTERS))
        found.add("pins", row["id"], row, others, is_unchanged)
    return found


def _free_name(name: str, prefix: str, *taken: Container[str]) -> str:
    while any(name in names for names in taken):
        name = prefix + name
    return name


def _stored_stat(sent: Any) -> Any:
    """Return a value in `stats` as it is stored: numeric text becomes a number, blank text becomes null."""
    if not isinstance(sent, str):
        return sent
    found = None if _is_blank(sent) else number(sent)
    if found is None:
        return None if _is_blank(sent) else sent
    return sent if isinstance(found, float) and abs(found) >= 2**53 else found


def _metrics(stream: str, part: list[Any]) -> Expected:
    found = Expected()
    for sent in part:
        if not isinstance(sent, dict):
            found.refuse(stream, "no objects")
            continue
        numbers = ("value_current_period", "value_last_period")
        row, is_unchanged = _typed(found, stream, sent, METRIC_TEXTS, (), numbers)
        change = number(sent.get("percentage_change"))
        row["percentage_change_value"] = None if change is None else float(change)
        others = _extra(found, stream, sent, (*METRIC_TEXTS, *numbers, "percentage_change_value"))
        if row["key"] is None:
            found.refuse(stream, "no key")
        else:
            found.add(stream, row["key"], row, others, is_unchanged)
    return found


def _followers(part: Any) -> Expected:
    found = Expected()
    row, is_unchanged = _typed(found, "account_followers", {"total_followers": part}, (), ("total_followers",), ())
    found.add("account_followers", None, row, {}, is_unchanged)
    return found


def _rankings(part: Any) -> Expected:
    found = Expected()
    if isinstance(part, list):
        for _ in part:
            found.refuse("post_performance", "in no list")
        return found
    for ranking, entries in part.items():
        if not isinstance(entries, list):
            if not _is_blank(entries):
                found.refuse("post_performance", "no lists")
            continue
        for position, entry in enumerate(entries, start=1):
            fields = entry if isinstance(entry, dict) else {}
            sent = {
                "id": fields.get("id"),
                "text": _first_of(fields, "text", "caption", "title", "message"),
                "permalink": _first_of(fields, "permalink", "permalink_url"),
                "engagement_rate": _first_of(fields, "engagement_rate", "engagement_rate_raw"),
            }
            if depth(entry) > MAX_DEPTH:
                found.counted["post_performance", "item"] += 1
            row, is_unchanged = _typed(
                found, "post_performance", sent, ("id", "text", "permalink"), (), ("engagement_rate",)
            )
            row["item"] = None if depth(entry) > MAX_DEPTH else entry
            found.add("post_performance", (text(ranking), position), row, {}, is_unchanged)
    return found


def expected_accounts(body: bytes) -> Expected:
    """Return what the stream of accounts must contain."""
    found = Expected()
    for sent in parsed(body)["data"]:
        if not isinstance(sent, dict):
            found.refuse("accounts", "no objects")
            continue
        kind = sent.get("social_network_type")
        if not isinstance(kind, str):
            found.refuse("accounts", "no type")
            continue
        if kind.strip().casefold() != "pinterest":
            found.outcomes.append("other network")
            continue
        account = text(_first_of(sent, "social_account_id", "social_network_id"))
        if not account:
            found.refuse("accounts", "no id")
            continue
        row, is_unchanged = _typed(found, "accounts", sent, ("username", "full_name", "social_network_type"), (), ())
        for name in ("is_expired", "need_refresh"):
            flag = sent.get(name)
            row[name] = {"1": True, "true": True, "0": False, "false": False}.get(
                str(flag).strip().lower() if isinstance(flag, (int, str)) else ""
            )
            if row[name] is None:
                _count_dropped(found, "accounts", name, flag)
        found.add("accounts", account, row, {}, is_unchanged)
    return found


def _typed(
    found: Expected,
    stream: str,
    sent: Mapping[str, Any],
    texts: tuple[str, ...],
    counts: tuple[str, ...],
    numbers: tuple[str, ...],
) -> tuple[dict[str, Any], bool]:
    """Return a row of what was sent and whether each value is unchanged; record dropped values."""
    row: dict[str, Any] = {name: text(sent.get(name)) for name in texts}
    row |= {name: count(sent.get(name)) for name in counts}
    values = {name: number(sent.get(name)) for name in numbers}
    row |= {name: None if value is None else float(value) for name, value in values.items()}
    for name, value in row.items():
        if value is None:
            _count_dropped(found, stream, name, sent.get(name))
    return row, all(_is_same(value, sent.get(name)) for name, value in row.items())


def _is_same(value: Any, sent: Any) -> bool:
    """Return whether a value is unchanged; an integer in a DOUBLE is."""
    return type(sent) in (type(value), int) and sent == value


def _extra(found: Expected, stream: str, sent: Mapping[str, Any], declared: tuple[str, ...]) -> dict[str, Any]:
    extra = {name: value for name, value in sent.items() if name not in (*declared, *STAMPED) and value is not None}
    for name, value in sent.items():
        if name not in declared and depth(value) > MAX_DEPTH:
            found.counted[stream, "undocumented fields"] += 1
    return {name: value for name, value in extra.items() if depth(value) <= MAX_DEPTH}


def _count_dropped(found: Expected, stream: str, name: str, sent: Any) -> None:
    if not _is_blank(sent):
        found.counted[stream, name] += 1


def _is_blank(value: Any) -> bool:
    return value is None or (isinstance(value, str) and not value.strip())


def _first_of(row: Mapping[str, Any], *names: str) -> Any:
    return next((row[name] for name in names if row.get(name) is not None), None)
