"""What a command owes a terminal: words that nobody need hear, signals that end it cleanly, streams that are open."""

import os
import signal
import sys
from contextlib import suppress
from types import FrameType
from typing import TextIO

SIGNALS = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]


def print_message(text: str, end: str = "\n", out: TextIO | None = None) -> None:
    """Words for people, on stderr. Where nobody hears them (a closed terminal, a full disk) the work goes on."""
    with suppress(OSError, ValueError):
        print(text, end=end, file=out or sys.stderr, flush=True)


def open_missing_streams() -> None:
    """Gives a process that was started without stdin, stdout or stderr (`2>&-`) an empty one.

    Else the database would be opened under its number, and whatever a library tells stderr be written into it.
    """
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest number that is free: this one
        if getattr(sys, name) is None:
            setattr(sys, name, open(number, "r" if number == 0 else "w", closefd=False))  # noqa: SIM115


def interrupt_on_signals() -> None:
    """Makes SIGTERM and SIGHUP (a closed terminal) a KeyboardInterrupt, as Ctrl-C is; one that is ignored stays so."""
    sys.unraisablehook = _on_unraisable
    for number in SIGNALS:
        if signal.getsignal(number) == signal.SIG_DFL:
            signal.signal(number, _on_signal)


def ignore_signals() -> None:
    """For an ending that nothing may break any more."""
    for number in SIGNALS:
        signal.signal(number, signal.SIG_IGN)


def _on_unraisable(lost: "sys.UnraisableHookArgs") -> None:
    """A signal can come while Python runs a callback in which nothing can be raised; that is no news for people."""
    if lost.exc_type is not KeyboardInterrupt:
        sys.__unraisablehook__(lost)


def _on_signal(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt
