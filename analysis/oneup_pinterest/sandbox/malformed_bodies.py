"""Bodies in forms that no honest server sends: badly packed, badly cut, and without an end."""

from __future__ import annotations

import gzip
import time
import zlib
from collections.abc import Iterator
from itertools import count

_MEGABYTE = b" " * (1 << 20)


def gzipped(body: bytes, how: str, megabytes: int) -> bytes:
    """A body packed by gzip, and spoilt as `how` says (see `Fault`)."""
    if how == "bomb":
        packer = zlib.compressobj(1, wbits=31)
        return b"".join([*(packer.compress(_MEGABYTE) for _ in range(megabytes)), packer.flush()])
    packed = gzip.compress(body, mtime=0)
    middle = len(packed) // 2
    match how:
        case "cut":
            return packed[:middle]
        case "corrupt":
            return packed[:middle] + bytes(byte ^ 0xFF for byte in packed[middle : middle + 8]) + packed[middle + 8 :]
        case "wrong_length":
            return packed[:-4] + (len(body) + 1).to_bytes(4, "little")
    return packed


def chunks(body: bytes, how: str, size: int = 1000) -> Iterator[bytes]:
    """A body in chunks, and spoilt as `how` says (see `Fault`)."""
    for start in range(0, len(body), size):
        chunk = body[start : start + size]
        is_last = start + size >= len(body)
        if is_last and how == "cut":
            return
        length = b"no number" if is_last and how == "nonsense" else b"%x" % len(chunk)
        yield length + b"\r\n" + chunk + b"\r\n"
    yield b"0\r\n\r\n"


def dripped(seconds: float, megabytes: int | None) -> Iterator[bytes]:
    """Blanks without an end, one every `seconds`; or a number of megabytes of them at once."""
    for _ in count() if megabytes is None else range(megabytes):
        time.sleep(seconds)
        yield _MEGABYTE if megabytes else b" "
