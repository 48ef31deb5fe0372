"""A body of many pins is read in pieces that together are the whole, and any other body is left whole."""

import json
from collections.abc import Iterator
from itertools import chain, repeat
from typing import Any

import pytest

from source_oneup_pinterest import components
from source_oneup_pinterest.components import SharedAnswers, Span, TooLarge, bounded, without_pieces

STRANGE = 'a "posts": [ } , { in a text, \N{SPARKLES} and half of one: \ud83d'


def pin(n: int) -> dict[str, Any]:
    return {"id": str(n), "text": STRANGE, "tags": [{"a": n}, {"b": [{}, {}]}], "stats": {"saves": n}}


def answer(pins: int) -> dict[str, Any]:
    return {"success": True, "data": {"stats": [{"key": "posts"}], "posts": [pin(n) for n in range(pins)]}}


def in_chunks(body: bytes, length: int) -> Iterator[bytes]:
    return (body[start : start + length] for start in range(0, len(body), length))


def split(body: bytes, size: int, length: int = 100) -> tuple[bytes, list[bytes]]:
    shared = SharedAnswers()
    rest, pieces = without_pieces(in_chunks(body, length), shared.append, size)
    return rest, [shared.read(piece) for piece in pieces]


@pytest.mark.parametrize("separators", [(",", ":"), (", ", ": "), (" ,\n", " : ")])
@pytest.mark.parametrize("ascii_only", [True, False])
@pytest.mark.parametrize("size", [1, 150, 1000])
@pytest.mark.parametrize("length", [1, 7, 100, 100_000])
def test_the_pieces_and_what_is_left_are_the_whole(
    separators: tuple[str, str], ascii_only: bool, size: int, length: int
) -> None:
    whole = answer(40)
    body = json.dumps(whole, separators=separators, ensure_ascii=ascii_only).encode("utf-8", "surrogatepass")

    rest, pieces = split(body, size, length)

    left = json.loads(rest)
    pins = [pin for piece in pieces for pin in json.loads(piece)] + left["data"].pop("posts")
    assert pins == whole["data"].pop("posts")
    assert left == whole


def test_no_more_than_about_a_piece_is_held() -> None:
    pins = [{"id": str(n), "text": "A pin", "stats": {"saves": n}} for n in range(3000)]
    rest, pieces = split(json.dumps({"success": True, "data": {"posts": pins}}).encode(), 5_000)

    assert len(pieces) > 20
    assert max(map(len, [rest, *pieces])) < 5_200


@pytest.mark.parametrize(
    "body",
    [
        json.dumps({"success": True, "data": {"posts": []}, "more": answer(50)["data"]}),
        json.dumps({"posts": answer(50)["data"]["posts"], "success": True, "data": {"posts": [pin(1)]}}),
        json.dumps({"data": {"posts": list(range(3000))}}),
        json.dumps({"data": {"posts": [[pin(n)] for n in range(50)]}}),
        "<html>" + json.dumps(answer(50)),
        "x" * 10_000,
    ],
)
def test_a_body_that_is_not_as_documented_is_left_whole(body: str) -> None:
    assert split(body.encode(), 1000) == (body.encode(), [])


def test_a_body_that_is_cut_short_or_spoilt_is_no_json_afterwards_either() -> None:
    body = json.dumps(answer(100)).encode()
    for spoilt in (body[:-500], body[:4000] + b"\x00" + body[4000:]):
        rest, _ = split(spoilt, 1000)
        with pytest.raises(ValueError, match=r"."):
            json.loads(rest)


def test_a_body_without_bounds_is_given_up_before_it_fills_the_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(components, "MAX_BYTES", 1_000_000)
    kept: list[bytes] = []
    pins = chain([b'{"data": {"posts": ['], repeat(b'{"id": "1"}, ' * 100))

    with pytest.raises(TooLarge):
        without_pieces(bounded(pins), lambda piece: (kept.append(piece), Span(0, 0))[1], 10_000)

    assert 900_000 < sum(map(len, kept)) <= 1_000_000


def test_a_body_that_cannot_be_cut_is_given_up_before_it_fills_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(components, "MAX_UNDIVIDED_BYTES", 100_000)

    with pytest.raises(TooLarge):
        without_pieces(repeat(b" " * 1000), lambda piece: Span(0, 0), 10_000)
