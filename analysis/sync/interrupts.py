"""Ctrl-C and SIGTERM that end a sync between two messages, never in the middle of a write."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Interrupts:
    """Turns the signals into a KeyboardInterrupt, at once or, inside `held_back`, at its end."""

    def __init__(self) -> None:
        self._is_held_back = False
        self._came = False

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Listens for the signals; does nothing outside the main thread, where Python cannot."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = {number: signal.signal(number, self._on_signal) for number in SIGNALS}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    @contextmanager
    def held_back(self) -> Iterator[None]:
        """What runs in here is done before an interrupt is raised."""
        self._is_held_back = True
        try:
            yield
        finally:
            self._is_held_back = False
        if self._came:
            raise KeyboardInterrupt

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        if self._is_held_back:
            self._came = True
        else:
            raise KeyboardInterrupt
