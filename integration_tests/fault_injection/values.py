"""Second implementation of the value rules in the docs, independent of the package, which tests the first one."""

import json
import math
import re
from datetime import datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any

MAX_DEPTH = 100
INT64_LIMIT = 2**63


def text(value: Any) -> str | None:
    """Return text as sent and other values as JSON; halves of surrogate pairs become question marks."""
    if value is None or depth(value) > MAX_DEPTH:
        return None
    written = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return "".join("?" if 0xD800 <= ord(character) <= 0xDFFF else character for character in written)


def number(value: Any) -> int | float | None:
    """Return a number, exact if it is an integer; text may have thousands separators or a percent sign."""
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return None
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, int):
        return value if -INT64_LIMIT <= value < INT64_LIMIT else None
    plain = value.strip().removesuffix("%").rstrip()
    mantissa, _, exponent = plain.replace("E", "e").partition("e")
    whole, _, fraction = mantissa.lstrip("+-").partition(".")
    groups = whole.split(",")
    if len(groups) > 1 and not (1 <= len(groups[0]) <= 3 and all(len(group) == 3 for group in groups[1:])):
        return None
    digits = "".join(groups) + fraction + exponent.removeprefix("+").removeprefix("-")
    if not re.fullmatch(r"[+-]?[\d,]*\.?\d*(e[+-]?\d+)?", plain.replace("E", "e")) or not re.search(r"\d", digits):
        return None
    if not re.search(r"\d", whole + fraction):
        return None
    try:
        exact = Decimal(plain.replace(",", ""))
    except InvalidOperation:
        return None
    if (
        exact.adjusted() < 20
        and exact == exact.to_integral_value()
        and not exponent
        and -INT64_LIMIT <= exact < INT64_LIMIT
    ):
        return int(exact)
    nearest = float(exact)
    return nearest if math.isfinite(nearest) else None


def count(value: Any) -> int | None:
    """Return an integer that fits into a BIGINT."""
    found = number(value)
    if found is None or found != int(found):
        return None
    return (
        int(found) if -INT64_LIMIT < found < INT64_LIMIT or (found == -INT64_LIMIT and isinstance(found, int)) else None
    )


DAY = r"(\d{1,6})([-/])(\d{1,2})\2(\d{1,2})"
CLOCK = r"[ T](\d{1,2}):(\d\d)(?::(\d\d)(?:\.(\d+))?)?"
ZONE = r" ?(?:Z|UTC|[+-]\d\d(?::?\d\d)?)"
TIME = re.compile(f"{DAY}(?:{CLOCK}(?:{ZONE})?)?", re.ASCII)


def readable_time(written: str | None) -> datetime | None:
    """Return a day or time of the years 1 to 9999, year first; ignore its time zone."""
    if written == "epoch":
        return datetime(1970, 1, 1)
    match = TIME.fullmatch(written or "")
    if match is None:
        return None
    year, _, month, day, hour, minute, second, fraction = match.groups()
    try:
        start = datetime(int(year), int(month), int(day))
        is_midnight_after = (hour, minute or "00", second or "00") == ("24", "00", "00")
        time_of_day = datetime(1, 1, 1, 0 if is_midnight_after else int(hour or 0), int(minute or 0), int(second or 0))
    except ValueError:
        return None
    microseconds = int((fraction or "0").ljust(6, "0")[:6])
    return start + (time_of_day - datetime(1, 1, 1)) + timedelta(days=is_midnight_after, microseconds=microseconds)


def depth(value: Any) -> int:
    """Return how deeply lists and objects are nested."""
    deepest, waiting = 0, [(value, 1)]
    while waiting:
        inner, level = waiting.pop()
        if isinstance(inner, (dict, list)):
            deepest = max(deepest, level)
            waiting += [(one, level + 1) for one in (inner.values() if isinstance(inner, dict) else inner)]
    return deepest
