"""A body with many pins is split into lists that keep everything; any other body is returned whole."""

import json
from collections.abc import Iterator
from itertools import chain, repeat
from typing import Any

import pytest

from source_oneup_pinterest.components import chunking, limits
from source_oneup_pinterest.components.chunking import ByteRange, split_pins
from source_oneup_pinterest.components.limits import ResponseTooLarge, limit_size
from source_oneup_pinterest.components.response_cache import ResponseCache

TRICKY_TEXT = 'a "posts": [ } , { in a text, \N{SPARKLES} and half of one: \ud83d'


def pin(n: int) -> dict[str, Any]:
    return {"id": str(n), "text": TRICKY_TEXT, "tags": [{"a": n}, {"b": [{}, {}]}], "stats": {"saves": n}}


def body_of(pins: int) -> dict[str, Any]:
    return {"success": True, "data": {"stats": [{"key": "posts"}], "posts": [pin(n) for n in range(pins)]}}


def in_chunks(body: bytes, length: int) -> Iterator[bytes]:
    return (body[start : start + length] for start in range(0, len(body), length))


def split(body: bytes, size: int, length: int = 100) -> tuple[bytes, list[bytes]]:
    cache = ResponseCache()
    rest, pin_lists = split_pins(in_chunks(body, length), cache.append, size)
    return rest, [cache.read(pin_list) for pin_list in pin_lists]


@pytest.mark.parametrize("separators", [(",", ":"), (", ", ": "), (" ,\n", " : ")])
@pytest.mark.parametrize("ascii_only", [True, False])
@pytest.mark.parametrize("size", [1, 150, 1000])
@pytest.mark.parametrize("length", [1, 7, 100, 100_000])
def test_split_keeps_all_pins_and_fields(separators: tuple[str, str], ascii_only: bool, size: int, length: int) -> None:
    whole = body_of(40)
    body = json.dumps(whole, separators=separators, ensure_ascii=ascii_only).encode("utf-8", "surrogatepass")

    rest, pin_lists = split(body, size, length)

    left = json.loads(rest)
    pins = [pin for pin_list in pin_lists for pin in json.loads(pin_list)] + left["data"].pop("posts")
    assert pins == whole["data"].pop("posts")
    assert left == whole


def test_lists_and_rest_stay_near_the_requested_size() -> None:
    pins = [{"id": str(n), "text": "A pin", "stats": {"saves": n}} for n in range(3000)]
    rest, pin_lists = split(json.dumps({"success": True, "data": {"posts": pins}}).encode(), 5_000)

    assert len(pin_lists) > 20
    assert max(map(len, [rest, *pin_lists])) < 5_200


@pytest.mark.parametrize(
    "body",
    [
        json.dumps({"success": True, "data": {"posts": []}, "more": body_of(50)["data"]}),
        json.dumps({"posts": body_of(50)["data"]["posts"], "success": True, "data": {"posts": [pin(1)]}}),
        json.dumps({"data": {"posts": list(range(3000))}}),
        json.dumps({"data": {"posts": [[pin(n)] for n in range(50)]}}),
        "<html>" + json.dumps(body_of(50)),
        "x" * 10_000,
    ],
)
def test_body_that_is_not_as_documented_is_returned_whole(body: str) -> None:
    assert split(body.encode(), 1000) == (body.encode(), [])


def test_split_does_not_repair_invalid_json() -> None:
    body = json.dumps(body_of(100)).encode()
    for invalid in (body[:-500], body[:4000] + b"\x00" + body[4000:]):
        rest, _ = split(invalid, 1000)
        with pytest.raises(ValueError, match=r"."):
            json.loads(rest)


def test_endless_body_fails_before_it_fills_the_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "MAX_BYTES", 1_000_000)
    kept: list[bytes] = []
    pins = chain([b'{"data": {"posts": ['], repeat(b'{"id": "1"}, ' * 100))

    with pytest.raises(ResponseTooLarge):
        split_pins(limit_size(pins), lambda pin_list: (kept.append(pin_list), ByteRange(0, 0))[1], 10_000)

    assert 900_000 < sum(map(len, kept)) <= 1_000_000


def test_body_that_cannot_be_split_fails_before_it_fills_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chunking, "MAX_UNDIVIDED_BYTES", 100_000)

    with pytest.raises(ResponseTooLarge):
        split_pins(repeat(b" " * 1000), lambda pin_list: ByteRange(0, 0), 10_000)
