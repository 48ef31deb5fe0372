"""Report the progress of a sync: a line that updates itself on a terminal, plain lines elsewhere."""

import sys
import time
from collections.abc import Mapping
from typing import TextIO

from oneup_pinterest.console import print_message


class Progress:
    """Report nothing; the base class."""

    def update(self, streams: Mapping[str, Mapping[str, int]]) -> None:
        """Report that records were read."""

    def finished(self, stream: str, records: int) -> None:
        """Report that a stream was read to its end."""

    def close(self) -> None:
        """End the report."""


class PlainProgress(Progress):
    """Print one line per finished stream."""

    def __init__(self, out: TextIO = sys.stderr) -> None:
        self.out = out

    def finished(self, stream: str, records: int) -> None:
        print_message(f"{stream}: {records:,} records", out=self.out)


class TerminalProgress(PlainProgress):
    """Print the same lines, and below them one that updates itself."""

    CLEAR = "\r\x1b[2K"

    def __init__(self, out: TextIO = sys.stderr) -> None:
        super().__init__(out)
        self._shown_at = 0.0

    def update(self, streams: Mapping[str, Mapping[str, int]]) -> None:
        if time.monotonic() - self._shown_at < 0.1:
            return
        self._shown_at = time.monotonic()
        records = sum(counts["records"] for counts in streams.values())
        print_message(f"{self.CLEAR}{records:,} records…", end="", out=self.out)

    def finished(self, stream: str, records: int) -> None:
        self.close()
        super().finished(stream, records)

    def close(self) -> None:
        print_message(self.CLEAR, end="", out=self.out)


def progress_for(out: TextIO) -> Progress:
    """Return the progress report for a stream: updating itself on a terminal, plain elsewhere."""
    return TerminalProgress(out) if out.isatty() else PlainProgress(out)
