"""Generate hostile responses: valid OneUp responses with any value at any place."""

import copy
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import Any

from hypothesis import strategies as st

from oneup_pinterest.sandbox.request_validation import Window
from oneup_pinterest.sandbox.responses import accounts_response, documented_response, overview_response, posts_response
from oneup_pinterest.sandbox.world import World

NOW = datetime(2026, 5, 20, 12, tzinfo=UTC)
MAX_PINS = 5  # per response; more would only make the tests slower

NUMBERS = [
    "1,234",
    "12,345,678",
    "+25.0%",
    "-53 %",
    "1.2K",
    "1e3",
    "1e400",
    "٣٤",
    "0x10",
    "1_000",
    "9,007,199,254,740,993",
    "9" * 30,
    "9" * 5000,
    2**53 + 1,
    2**63 - 1,
    -(2**63),
    2**63,
    10**30,
    -1,
    0,
    -0.0,
    0.5,
    1e16,
    1e308,
    float("nan"),
    float("inf"),
    float("-inf"),
    "NaN",
    "Infinity",
    "",
    " ",
    "null",
    True,
    False,
    3000.0,
]
TIMES = [
    "0000-00-00",
    "0000-00-00 00:00:00",
    "0001-01-01",
    "9999-12-31",
    "9999-12-31 23:59:59",
    "10000-01-01",
    "292278994-08-17 07:12:55",
    "-290308-12-22",
    "0044-03-15 (BC)",
    "2026-05-01T09:00:00Z",
    "2026-05-01T09:00:00+02:00",
    "2026-05-01T09:00:00.123456789Z",
    "2026-05-01",
    "2026-5-1",
    "01.05.2026",
    "May 1, 2026",
    "2026-02-30",
    1777626000,
    1777626000000,
    "1777626000",
    "epoch",
    "infinity",
    "-infinity",
    "now",
    "2026-05-01 25:00:00",
    "20260501T090000",
    "2026-05-01 09:00:00\x00",
    "2026-05-01T09:00",
]
TEXTS = [
    "<script>window.hacked=1</script>",
    "</script><!--",
    '"><img src=x onerror=window.hacked=1>',
    "javascript:alert(1)",
    "JaVaScRiPt\t:alert(1)",
    "data:text/html,<script>alert(1)</script>",
    "'; DROP TABLE pins; --",
    '"; DROP VIEW pins',
    '=HYPERLINK("http://x","y")',
    "=cmd|' /C calc'!A0",
    "+1+1",
    "@SUM(A1)",
    "-2+3",
    "{{7*7}}",
    "${7*7}",
    "%s%d%n",
    "\x00",
    "a\x00b",
    "\x1b[2J\x1b]0;owned\x07",
    "\x9b31m",
    "\u202egnp.exe",
    "\u2066\u2069",
    "\u200b\ufeff",
    "\u2028\u2029",
    "\r\nINFO: all is well",
    "\ud800",
    "\udfff\ud800",
    "\U0010ffff",
    "\ufffe",
    "e\u0301",
    "\U0001f469\u200d\U0001f469\u200d\U0001f467",
    "NULL",
    "true",
    "[1]",
    "../../etc/passwd",
    "a/b?c=d&apiKey=e#f",
    "%00%0a",
    "pin_" + "x" * 3000,
    "ﷺ" * 500,
]
NAMES = [
    "pin_key",
    "_airbyte_extracted_at",
    "batch_row",
    "snapshot_date",
    "social_network_id",
    "period_end",
    "_other_fields",
    "rowid",
    "filename",
    "file_row_number",
    "Text",
    "TEXT",
    "ID",
    "Saves",
    "\u212aey",
    "größe",
    "",
    " ",
    'a"b',
    "a'b",
    "a\x00b",
    "\ud800",
    "x" * 100_000,
    "select",
    "board",
    "Board",
    "closeups",
    "stats",
    "__proto__",
    "constructor",
    "$where",
    "<b>",
    "=1+1",
    "a.b",
    "a;b",
]
BODY_CHANGES: dict[str, Callable[[bytes], bytes]] = {
    "a byte order mark": lambda body: b"\xef\xbb\xbf" + body,
    "bytes that are not UTF-8": lambda body: body.replace(b"a", b"\xff\xc0", 3),
    "100,000 brackets": lambda body: body.replace(b"null", b"[" * 100_000 + b"]" * 100_000),
    "100,000 open brackets": lambda body: b"[" * 100_000,
    "duplicate names": lambda body: body.replace(b"{", b'{"id": 1, "id": 2, "key": "twice", ', 4),
    "a number of 6,000 digits": lambda body: body.replace(b"null", b"7" * 6000),
    "1e400": lambda body: body.replace(b"null", b"1e400"),
    "-0": lambda body: body.replace(b"null", b"-0"),
    "half of the body": lambda body: body[: len(body) // 2],
    "an empty body": lambda body: b"",
    "an HTML page": lambda body: b"<!doctype html><title>Maintenance</title>",
    "a text of 10 MB": lambda body: body.replace(b"null", b'"' + b"long " * 2_000_000 + b'"', 1),
}


@dataclass(frozen=True)
class Payload:
    """A response of `overview` or `posts`, or a row of the list of accounts, with the changes made to it."""

    endpoint: str
    body: bytes
    changes: tuple[str, ...]


@cache
def valid_responses() -> dict[str, list[Any]]:
    """Return the valid responses per endpoint, from OneUp's documentation and from the sandbox; accounts row by row."""
    world, window = World(7, 4, NOW.date()), Window(datetime(2026, 4, 20).date(), datetime(2026, 5, 19).date())
    made_up = [world.account(name) for name in world.account_ids]
    overviews = [overview_response(world, account, window, NOW) for account in made_up if account]
    posts = [posts_response(world, account, window, NOW) for account in made_up if account]
    for endpoint, responses in (("overview", overviews), ("posts", posts)):
        sample = documented_response(endpoint, "pin_documented_sample")
        if sample is not None:
            responses.append(json.loads(sample))
    for response in posts:
        del response["data"]["posts"][MAX_PINS:]
    rows = [row for row in accounts_response(world)["data"] if row["social_network_type"].casefold() == "pinterest"]
    return {"overview": overviews, "posts": posts, "accounts": rows}


any_text = st.text(st.characters(exclude_categories=()), max_size=40)
scalars = st.one_of(
    st.none(),
    st.sampled_from(NUMBERS),
    st.sampled_from(TIMES),
    st.sampled_from(TEXTS),
    any_text,
    st.integers(),
    st.floats(),
    st.booleans(),
)
any_json = st.one_of(
    scalars,
    st.recursive(scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(any_text, inner, max_size=4)),
    st.sampled_from([50, 99, 100, 101, 300, 900]).map(lambda depth: _nested(depth)),
    st.sampled_from(TEXTS).map(lambda text: (text * (100_000 // len(text) + 1))[:100_000]),
)


def _nested(depth: int) -> Any:
    value: Any = "deep"
    for level in range(depth):
        value = [value] if level % 2 else {"a": value}
    return value


@st.composite
def payloads(draw: st.DrawFn, endpoint: str) -> Payload:
    """Draw one hostile response (a Hypothesis strategy)."""
    response = copy.deepcopy(draw(st.sampled_from(valid_responses()[endpoint])))
    box, changes = {"": response}, []
    for _ in range(draw(st.integers(1, 4))):
        changes.append(_change(draw, box, is_row=endpoint == "accounts"))
    body = json.dumps(box[""], ensure_ascii=draw(st.booleans())).encode("utf-8", "surrogatepass")
    if endpoint != "accounts" and draw(st.integers(0, 24)) == 0:
        name = draw(st.sampled_from(sorted(BODY_CHANGES)))
        body = BODY_CHANGES[name](body)
        changes.append(f"raw: {name}")
    return Payload(endpoint, body, tuple(changes))


def _change(draw: st.DrawFn, box: dict[str, Any], is_row: bool) -> str:
    places = list(_places(box))
    high = [place for place in places if len(place[2]) <= (0 if is_row else 3)]
    low = [place for place in places if place not in high] or high
    holder, name, path = draw(st.sampled_from(high if draw(st.integers(0, 19)) == 0 else low))
    value, where = holder[name], "/".join(map(str, path)) or "(all)"
    what = draw(st.sampled_from(["replace", "replace", "replace", "delete", "double", "nest", "rename", "add", "add"]))
    if what == "replace":
        holder[name] = draw(any_json)
    elif what == "delete" and path:
        del holder[name]
    elif what == "double" and isinstance(holder, list):
        holder.insert(draw(st.integers(0, len(holder))), copy.deepcopy(value))
    elif what == "nest":
        holder[name] = draw(st.sampled_from([[value], {"value": value}, json.dumps(value), [], {}]))
    elif what == "rename" and isinstance(holder, dict) and path:
        holder[draw(st.sampled_from([str(name).upper(), str(name).title(), f" {name}", f"{name}_"]))] = holder.pop(name)
    else:
        what = "add"
        target = next((part for part in (value, holder) if isinstance(part, dict) and part is not box), None)
        if target is None:
            holder[name] = draw(any_json)
        elif draw(st.integers(0, 39)) == 0:
            target.update({f"field_{n}": n for n in range(draw(st.sampled_from([60, 1500])))})
        else:
            for _ in range(draw(st.integers(1, 3))):
                target[draw(st.sampled_from(NAMES) | any_text)] = draw(any_json)
    return f"{what} {where}"


def _places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, Any, tuple[Any, ...]]]:
    """Yield each place in the value: its container, its name or index there, and its path."""
    if len(path) > 8:
        return
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, inner in list(items)[:60]:
        here = (*path, name)
        yield value, name, here[1:]
        yield from _places(inner, here)
