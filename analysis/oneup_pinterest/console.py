"""Write messages for people to the terminal, and replace standard streams that are missing."""

import os
import sys
from contextlib import suppress
from typing import TextIO

WAITING_THREAD = "oneup-waiting"  # name of a thread that may wait for another machine when all work is done


def print_message(text: str, end: str = "\n", out: TextIO | None = None) -> None:
    """Print a message for people on stderr; if it cannot be written (a closed terminal, a full disk), go on."""
    with suppress(OSError, ValueError):
        print(text, end=end, file=out or sys.stderr, flush=True)


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
