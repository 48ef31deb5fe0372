"""Ctrl-C, SIGTERM and SIGHUP that end a sync between two messages, never in the middle of a write."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from oneup_pinterest.console import SIGNALS


class SignalGuard:
    """Turns the first signal into a KeyboardInterrupt, at once or, inside `held_back`, at its end.

    A second one changes nothing: what is left to do by then is short, and must not be broken off.
    """

    def __init__(self) -> None:
        self._is_held_back = False
        self._came = False

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Listens for the signals; does nothing outside the main thread, where Python cannot.

        A signal that is ignored (nohup) stays so.
        """
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = {number: signal.getsignal(number) for number in SIGNALS}
        heard = [number for number, handler in before.items() if handler not in (signal.SIG_IGN, None)]
        try:
            for number in heard:
                signal.signal(number, self._on_signal)
            yield
        finally:
            for number in heard:
                signal.signal(number, before[number])

    @contextmanager
    def held_back(self) -> Iterator[None]:
        """What runs in here is done before an interrupt is raised."""
        self._is_held_back = True
        try:
            yield
        finally:
            self._is_held_back = False
        if self._came:  # or the exception of before was lost in a callback, as Python's `__del__` loses it
            raise KeyboardInterrupt

    def hold_back(self) -> None:
        """From here on a signal is too late: what is left is written and closed."""
        self._is_held_back = True

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        is_first, self._came = not self._came, True
        if is_first and not self._is_held_back:
            raise KeyboardInterrupt
