"""Handle Ctrl-C, SIGTERM and SIGHUP: stop a process cleanly, and a sync never in the middle of a write."""

import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

STOP_SIGNALS = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]


def interrupt_on_signals() -> None:
    """Raise KeyboardInterrupt on SIGTERM and SIGHUP too (a closed terminal), unless the process ignores them."""
    sys.unraisablehook = _on_unraisable
    for number in STOP_SIGNALS:
        if signal.getsignal(number) == signal.SIG_DFL:
            signal.signal(number, _raise_interrupt)


def ignore_signals() -> None:
    """Ignore the stop signals from now on, at the end of a process that nothing may break anymore."""
    for number in STOP_SIGNALS:
        signal.signal(number, signal.SIG_IGN)


def interrupt_waiting_input() -> None:
    """Let Ctrl-C end a wait for the keyboard at once: Polars, when imported, sets that reading goes on after it."""
    if hasattr(signal, "siginterrupt"):
        signal.siginterrupt(signal.SIGINT, True)


class SignalGuard:
    """Turn the first stop signal into a KeyboardInterrupt, at once or at the end of a `deferred` block.

    A second signal changes nothing: the work that is left by then is short and must be finished.
    """

    def __init__(self) -> None:
        self._is_deferred = False
        self._received = False

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Listen for the signals in this block; do nothing outside the main thread, where Python cannot.

        A signal that the process ignores (nohup) stays ignored.
        """
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        handlers = {number: signal.getsignal(number) for number in STOP_SIGNALS}
        active = [number for number, handler in handlers.items() if handler not in (signal.SIG_IGN, None)]
        try:
            for number in active:
                signal.signal(number, self._on_signal)
            yield
        finally:
            for number in active:
                signal.signal(number, handlers[number])

    @contextmanager
    def deferred(self) -> Iterator[None]:
        """Finish this block before an interrupt is raised."""
        self._is_deferred = True
        try:
            yield
        finally:
            self._is_deferred = False
        if self._received:  # now, or before: an exception raised inside a callback such as `__del__` is lost
            raise KeyboardInterrupt

    def defer(self) -> None:
        """Raise no interrupt from here on: the rest is written and the file closed."""
        self._is_deferred = True

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        is_first, self._received = not self._received, True
        if is_first and not self._is_deferred:
            raise KeyboardInterrupt


def _on_unraisable(lost: "sys.UnraisableHookArgs") -> None:
    """Print no traceback if a signal arrives inside a callback, where Python cannot raise the interrupt."""
    if lost.exc_type is not KeyboardInterrupt:
        sys.__unraisablehook__(lost)


def _raise_interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt
