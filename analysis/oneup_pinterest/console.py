"""Write messages for people to the terminal, and replace standard streams that are missing."""

import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from typing import Any, TextIO

WAITING_THREAD = "oneup-waiting"  # name of a thread that may wait for another machine when all work is done
UNLIMITED = 10_000  # characters of a line that no terminal wraps


def print_message(text: str, end: str = "\n", out: TextIO | None = None) -> None:
    """Print a message for people on stderr; if it cannot be written (a closed terminal, a full disk), go on."""
    with suppress(OSError, ValueError):
        print(text, end=end, file=out or sys.stderr, flush=True)


class GoesOnWriter:
    """A stream for people on which a program goes on writing after it has broken (a closed terminal, a full disk)."""

    def __init__(self, out: TextIO) -> None:
        self._out = out

    def write(self, text: str) -> int:
        """Write the text if that is possible."""
        with suppress(OSError, ValueError):
            self._out.write(text)
        return len(text)

    def flush(self) -> None:
        """Flush the stream if that is possible."""
        with suppress(OSError, ValueError):
            self._out.flush()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._out, name)


def open_missing_streams() -> None:
    """Open an empty stdin, stdout or stderr if the process was started without it (`2>&-`).

    Otherwise the database would get its file number, and what a library prints on stderr would be written into it.
    """
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # gets the lowest free number: this one
        if getattr(sys, name) is None:
            setattr(sys, name, open(number, "r" if number == 0 else "w", closefd=False))  # noqa: SIM115


def print_table(titles: Sequence[str], rows: Sequence[Sequence[str]], *, to_stderr: bool = False) -> None:
    """Print a table with a line per row: for people on stderr, or as a result on stdout.

    On a terminal long cells wrap; elsewhere a row is always one line.
    """
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    file = sys.stderr if to_stderr else sys.stdout
    console = Console(file=file, highlight=False, width=None if file.isatty() else UNLIMITED)
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for title in titles:
        table.add_column(title, overflow="fold", no_wrap=not file.isatty())
    for row in rows:
        table.add_row(*map(Text, row))
    console.print(table)
