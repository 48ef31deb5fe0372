"""Lines of files and of standard input, which may be packed (gzip, Zstandard): their first bytes say so."""

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
PIECE = 1024  # bytes; a piece can become 32 MB, whatever it unpacks to as a whole
MAX_LINE = 32_000_000  # bytes; a line is held in memory
CUT = (EOFError, zlib.error, gzip.BadGzipFile, zstandard.ZstdError)  # what reading a cut or damaged file raises


def open_packed(path: Path | None) -> io.BufferedReader:
    """Open a file, or standard input where there is no path.

    Raises:
        UserError: it does not exist or cannot be read (exit status 2).
    """
    if path is None:
        return cast(io.BufferedReader, sys.stdin.buffer)
    try:
        return path.open("rb")
    except OSError as error:
        raise UserError(f"{path} cannot be read: {error.strerror}.", exit_status=2) from None


def begins_with(file: io.BufferedReader, *marks: bytes) -> bool:
    """Whether a file's next bytes are one of the marks; they stay unread."""
    return file.peek(4).startswith(marks)


def lines_of(file: io.BufferedReader) -> Iterator[bytes | None]:
    """Yield the lines of a file, unpacked and in UTF-8; None for one that is too long.

    Raises:
        EOFError, zlib.error, gzip.BadGzipFile, zstandard.ZstdError: see CUT.
    """
    unpacked: io.BufferedIOBase = file
    if begins_with(file, GZIP):
        unpacked = gzip.GzipFile(fileobj=file)
    elif begins_with(file, ZSTANDARD):
        unpacked = io.BufferedReader(_Zstandard(file))
    elif begins_with(file, *UTF_16):
        with io.TextIOWrapper(file, encoding="utf-16", errors="replace", newline="\n") as text:
            while characters := text.readline(MAX_LINE):
                yield characters.encode()
        return
    is_long = False
    while line := unpacked.readline(MAX_LINE):
        is_whole = line.endswith(b"\n") or len(line) < MAX_LINE
        if not is_whole or is_long:
            is_long = not is_whole
            if is_whole:
                yield None
            continue
        yield line
    if is_long:
        yield None


class _Zstandard(io.RawIOBase):
    """Unpacks one frame after the other. The package's own reader takes a cut file for a whole one."""

    def __init__(self, packed: io.BufferedReader) -> None:
        self._packed = packed
        self._frame = zstandard.ZstdDecompressor().decompressobj()
        self._has_begun = False
        self._rest = b""  # packed
        self._ready = memoryview(b"")  # unpacked

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "bytearray | memoryview") -> int:  # type: ignore[override] # as io's own classes do
        while not self._ready:
            if self._frame.eof:
                self._rest = self._frame.unused_data
                self._frame, self._has_begun = zstandard.ZstdDecompressor().decompressobj(), False
            piece = self._rest or self._packed.read(PIECE)
            self._rest = b""
            if not piece:
                if self._has_begun:
                    raise EOFError
                return 0
            self._has_begun = True
            self._ready = memoryview(self._frame.decompress(piece))
        size = min(len(buffer), len(self._ready))
        buffer[:size] = self._ready[:size]
        self._ready = self._ready[size:]
        return size
