"""Count how far a read is, for people who watch it."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import NamedTuple


class ProgressSnapshot(NamedTuple):
    """How far a read is at one moment.

    `newest` of `accounts` have their newest windows read, and `complete` all their windows; an account that cannot be
    read counts too. `closed` of `windows` were read, counted per stream. All are planned before any history is read;
    until then `windows` grows. `waiting` of the requests wait for the limit of `max_requests_per_minute`.
    """

    accounts: int
    newest: int
    complete: int
    windows: int
    closed: int
    requests: int
    waiting: int
    max_requests_per_minute: int


@dataclass
class _AccountProgress:
    """The streams that have not planned an account yet, and its windows that are still to be read."""

    unplanned_streams: int
    newest: int = 0
    history: int = 0


class ReadProgress:
    """Count accounts, windows and requests of one read; every method may be called from any thread.

    >>> progress = ReadProgress(max_requests_per_minute=120)
    >>> progress.plan("pin_a", newest=1, history=2)
    >>> progress.close("pin_a", is_newest=True)
    >>> snapshot = progress.snapshot()
    >>> snapshot.newest, snapshot.complete, snapshot.closed, snapshot.windows
    (1, 0, 1, 3)
    """

    def __init__(self, max_requests_per_minute: int) -> None:
        self._max_requests_per_minute = max_requests_per_minute
        self._streams = 0
        self._accounts: dict[str, _AccountProgress] = {}
        self._windows = self._closed = self._requests = self._waiting = 0
        self._lock = threading.Lock()

    def expect(self, streams: int) -> None:
        """Set how many streams will plan each account, so that none counts as complete before the last one did."""
        self._streams = streams

    def plan(self, account: str, newest: int, history: int) -> None:
        """Add the windows of an account in one stream."""
        with self._lock:
            progress = self._accounts.setdefault(account, _AccountProgress(self._streams))
            progress.unplanned_streams -= 1
            progress.newest += newest
            progress.history += history
            self._windows += newest + history

    def close(self, account: str, is_newest: bool) -> None:
        """Count a window as closed: it was read, or it cannot be read."""
        with self._lock:
            progress = self._accounts[account]
            if is_newest:
                progress.newest -= 1
            else:
                progress.history -= 1
            self._closed += 1

    @contextmanager
    def waiting(self) -> Iterator[None]:
        """Count a request as waiting in this block, then as sent."""
        with self._lock:
            self._waiting += 1
        try:
            yield
        except BaseException:
            with self._lock:
                self._waiting -= 1
            raise
        with self._lock:
            self._waiting -= 1
            self._requests += 1

    def snapshot(self) -> ProgressSnapshot:
        """Return the counts of this moment."""
        with self._lock:
            planned = [each for each in self._accounts.values() if each.unplanned_streams <= 0 and not each.newest]
            return ProgressSnapshot(
                accounts=len(self._accounts),
                newest=len(planned),
                complete=sum(not each.history for each in planned),
                windows=self._windows,
                closed=self._closed,
                requests=self._requests,
                waiting=self._waiting,
                max_requests_per_minute=self._max_requests_per_minute,
            )
