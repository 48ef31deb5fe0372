"""Read lines of files and standard input, decompressed (gzip, Zstandard) if their first bytes say so."""

import codecs
import gzip
import io
import sys
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import cast

import zstandard

from oneup_pinterest.errors import UserError

GZIP, ZSTANDARD, PARQUET = b"\x1f\x8b", b"\x28\xb5\x2f\xfd", b"PAR1"
UTF_16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)  # as PowerShell's `>` writes
CHUNK_SIZE = 1024  # bytes; so small, because a chunk can decompress to 32 MB
MAX_LINE = 32_000_000  # bytes; a line is held in memory
TRUNCATED_ERRORS = (EOFError, zlib.error, gzip.BadGzipFile, zstandard.ZstdError)  # of a truncated or damaged file


def open_input(path: Path | None) -> io.BufferedReader:
    """Open a file, or standard input if the path is None.

    Raises:
        UserError: The file does not exist or cannot be read (exit status 2).
    """
    if path is None:
        return cast(io.BufferedReader, sys.stdin.buffer)
    try:
        return path.open("rb")
    except OSError as error:
        raise UserError(f"Cannot read {path}: {error.strerror}.", exit_status=2) from None


def starts_with(file: io.BufferedReader, *prefixes: bytes) -> bool:
    """Return whether the next bytes of a file are one of the prefixes, without consuming them."""
    return file.peek(4).startswith(prefixes)


def read_lines(file: io.BufferedReader) -> Iterator[bytes | None]:
    """Yield the lines of a file, decompressed and in UTF-8; None for a line longer than MAX_LINE.

    Raises:
        EOFError, zlib.error, gzip.BadGzipFile, zstandard.ZstdError: The file is truncated or damaged.
    """
    decompressed: io.BufferedIOBase = file
    if starts_with(file, GZIP):
        decompressed = gzip.GzipFile(fileobj=file)
    elif starts_with(file, ZSTANDARD):
        decompressed = io.BufferedReader(_ZstandardReader(file))
    elif starts_with(file, *UTF_16):
        with io.TextIOWrapper(file, encoding="utf-16", errors="replace", newline="\n") as text:
            while characters := text.readline(MAX_LINE):
                yield characters.encode()
        return
    is_long = False
    while line := decompressed.readline(MAX_LINE):
        is_whole = line.endswith(b"\n") or len(line) < MAX_LINE
        if not is_whole or is_long:
            is_long = not is_whole
            if is_whole:
                yield None
            continue
        yield line
    if is_long:
        yield None


class _ZstandardReader(io.RawIOBase):
    """Decompress one frame after the other; the package's own reader does not notice a truncated file."""

    def __init__(self, compressed: io.BufferedReader) -> None:
        self._compressed = compressed
        self._frame = zstandard.ZstdDecompressor().decompressobj()
        self._frame_started = False
        self._rest = b""  # compressed
        self._ready = memoryview(b"")  # decompressed

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "bytearray | memoryview") -> int:  # type: ignore[override] # as io's own classes do
        while not self._ready:
            if self._frame.eof:
                self._rest = self._frame.unused_data
                self._frame, self._frame_started = zstandard.ZstdDecompressor().decompressobj(), False
            chunk = self._rest or self._compressed.read(CHUNK_SIZE)
            self._rest = b""
            if not chunk:
                if self._frame_started:
                    raise EOFError
                return 0
            self._frame_started = True
            self._ready = memoryview(self._frame.decompress(chunk))
        size = min(len(buffer), len(self._ready))
        buffer[:size] = self._ready[:size]
        self._ready = self._ready[size:]
        return size
