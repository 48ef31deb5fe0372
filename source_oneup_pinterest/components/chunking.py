"""Split a long list of pins while its body arrives."""

import json
import re
from collections.abc import Callable, Iterable
from typing import NamedTuple

from .limits import ResponseTooLarge
from .payload import PINS, value_at_path

MAX_UNDIVIDED_BYTES = 32 << 20  # of a body without a split; parsed, it takes about ten times that memory
PINS_START = re.compile(rb'"posts"\s*:\s*\[')
LAST_SEPARATOR = re.compile(rb"(.*\})\s*,\s*(?=\{)", re.DOTALL)


class ByteRange(NamedTuple):
    """A range of bytes in the file of the response cache."""

    offset: int
    length: int


def split_pins(body: Iterable[bytes], keep: Callable[[bytes], ByteRange], size: int) -> tuple[bytes, list[ByteRange]]:
    """Pass the pins of a body to `keep` as JSON lists of about `size` bytes; return the body without those pins.

    An account may have a hundred megabytes of pins, so memory never holds more than one list. The returned body is
    the same JSON without the pins that were kept. A body with few pins, or not as documented, is returned whole.

    Raises:
        ResponseTooLarge: more than `MAX_UNDIVIDED_BYTES` cannot be split.
    """
    head, rest, kept, next_size = b"", bytearray(), [], size
    for chunk in body:
        rest += chunk
        if len(rest) > MAX_UNDIVIDED_BYTES:
            raise ResponseTooLarge
        if len(rest) < next_size:
            continue
        next_size = 2 * len(rest)  # unless a list is cut off below
        if not head and (start := PINS_START.search(rest)) and _opens_pins(bytes(rest[: start.end()])):
            head = bytes(rest[: start.end()])
            del rest[: start.end()]
        if head and (cut := LAST_SEPARATOR.match(rest)):
            end, pins = cut.end(), b"[%b]" % cut[1]
            del cut  # it holds on to `rest`
            if _is_json(pins):  # otherwise the separator is inside a pin
                kept.append(keep(pins))
                del rest[:end]
                next_size = size
    return head + rest, kept


def _opens_pins(head: bytes) -> bool:
    closed = head + b"0]}}"
    return _is_json(closed) and value_at_path(json.loads(closed), PINS) == [0]


def _is_json(text: bytes) -> bool:
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True
