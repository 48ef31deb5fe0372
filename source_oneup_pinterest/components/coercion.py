"""Coerce JSON values into typed values."""

import json
import math
import re
from collections.abc import Iterable
from typing import Any

BIGINT = 2**63
MAX_DEPTH = 100  # of nested lists and objects; deeper values cannot always be written back as JSON


def as_text(value: Any) -> str | None:
    """Return text as sent, and other JSON values as their JSON."""
    if value is None:
        return None
    if not isinstance(value, str) and exceeds_max_depth(value):
        return None
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    if text.isascii():
        return text
    return text.encode("utf-8", "replace").decode("utf-8")  # half of a surrogate pair is not valid text


def exceeds_max_depth(value: Any) -> bool:
    """Return whether lists and objects are nested in a value deeper than `MAX_DEPTH`."""
    level = [value]
    for _ in range(MAX_DEPTH):
        level = [inner for outer in level if isinstance(outer, (dict, list)) for inner in _items(outer)]
        if not level:
            return False
    return any(isinstance(value, (dict, list)) for value in level)


def _items(value: dict[str, Any] | list[Any]) -> Iterable[Any]:
    return value.values() if isinstance(value, dict) else value


def as_number(value: Any) -> float | int | None:
    """Return a number from 1234, "1,234", "+25.0%" or "-53 %"; anything else is None, never zero.

    >>> as_number("+40,350%"), as_number("n/a"), as_number(None)
    (40350, None, None)
    """
    if isinstance(value, str):
        text = value.strip().removesuffix("%").rstrip()
        whole = re.fullmatch(r"([+-]?(?:\d{1,3}(?:,\d{3})+|\d+))(?:\.0*)?", text) if len(text) < 40 else None
        if whole and -BIGINT <= (number := int(whole[1].replace(",", ""))) < BIGINT:
            value = number  # not through a float, which is inexact beyond 2**53
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
    """Return a whole number, or None, because a count that is not a whole number is not a count."""
    number = value if type(value) is int and -BIGINT <= value < BIGINT else as_number(value)
    if isinstance(number, float):
        return int(number) if number.is_integer() and abs(number) < BIGINT else None
    return number


def as_boolean(value: Any) -> bool | None:
    """Return a boolean from true, 1, "1" or "true" and their opposites, or None."""
    text = str(value).strip().lower() if isinstance(value, (str, int)) else ""
    return {"1": True, "true": True, "0": False, "false": False}.get(text)
