"""Malformed bodies that a broken server sends: badly compressed, badly chunked, or endless."""

from __future__ import annotations

import gzip
import time
import zlib
from collections.abc import Iterator
from itertools import count

_MEGABYTE = b" " * (1 << 20)


def gzip_body(body: bytes, how: str, megabytes: int) -> bytes:
    """Return a body compressed with gzip, and broken as `how` says (see `Fault`)."""
    if how == "bomb":
        compressor = zlib.compressobj(1, wbits=31)
        return b"".join([*(compressor.compress(_MEGABYTE) for _ in range(megabytes)), compressor.flush()])
    compressed = gzip.compress(body, mtime=0)
    middle = len(compressed) // 2
    match how:
        case "cut":
            return compressed[:middle]
        case "corrupt":
            return (
                compressed[:middle]
                + bytes(byte ^ 0xFF for byte in compressed[middle : middle + 8])
                + compressed[middle + 8 :]
            )
        case "wrong_length":
            return compressed[:-4] + (len(body) + 1).to_bytes(4, "little")
    return compressed


def chunk_body(body: bytes, how: str, size: int = 1000) -> Iterator[bytes]:
    """Yield a body in chunks, broken as `how` says (see `Fault`)."""
    for start in range(0, len(body), size):
        chunk = body[start : start + size]
        is_last = start + size >= len(body)
        if is_last and how == "cut":
            return
        length = b"no number" if is_last and how == "nonsense" else b"%x" % len(chunk)
        yield length + b"\r\n" + chunk + b"\r\n"
    yield b"0\r\n\r\n"


def drip(seconds: float, megabytes: int | None) -> Iterator[bytes]:
    """Yield one space every `seconds`, endlessly; or a number of megabytes of them at once."""
    for _ in count() if megabytes is None else range(megabytes):
        time.sleep(seconds)
        yield _MEGABYTE if megabytes else b" "
