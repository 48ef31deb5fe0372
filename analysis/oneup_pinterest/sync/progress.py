"""What a sync tells while it runs: one moving line on a terminal, plain lines elsewhere."""

import sys
import time
from collections.abc import Mapping
from typing import TextIO

from oneup_pinterest.console import print_message


class Progress:
    """Says nothing; the base for places where nobody watches."""

    def update(self, streams: Mapping[str, Mapping[str, int]]) -> None:
        """Some records have come in."""

    def finished(self, stream: str, records: int) -> None:
        """A stream has been read to its end."""

    def close(self) -> None:
        """Nothing more will come."""


class PlainProgress(Progress):
    """One line for each stream that is done."""

    def __init__(self, out: TextIO = sys.stderr) -> None:
        self.out = out

    def finished(self, stream: str, records: int) -> None:
        print_message(f"{stream}: {records:,} records", out=self.out)


class TerminalProgress(PlainProgress):
    """The same lines, and under them one that moves."""

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
    """The progress that suits a stream: moving on a terminal, plain elsewhere."""
    return TerminalProgress(out) if out.isatty() else PlainProgress(out)
