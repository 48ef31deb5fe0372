"""Run syncs as real processes against a sandbox, and interrupt them by a signal at a chosen moment."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import NamedTuple

from oneup_pinterest.clock import CLOCK_VARIABLE
from oneup_pinterest.sandbox import Sandbox
from test_support.clock import NOON
from test_support.paths import ROOT

CATCHABLE = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
STOPPED = "Interrupted. Synced data was kept"


class Ended(NamedTuple):
    """The end of a process; `signalled` is whether it still ran when the signal was sent."""

    status: int
    stderr: str
    seconds: float
    signalled: bool


class SyncExtent(NamedTuple):
    """Seconds, requests and writes of a complete sync: the range of moments for a signal."""

    seconds: float
    requests: int
    writes: int


def start_sync(database: Path, folder: Path, *options: object) -> subprocess.Popen[str]:
    """Start `oneup-pinterest sync` with the config in a folder, whose `tmp` is its TMPDIR."""
    return subprocess.Popen(
        [
            sys.executable,
            "-m",
            "oneup_pinterest.cli",
            "sync",
            "--config",
            folder / "config.json",
            "--database",
            database,
            *map(str, options),
        ],
        env={**os.environ, "TMPDIR": str(folder / "tmp")},
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )


@contextmanager
def serve_sandbox(folder: Path, accounts: int = 3, latency: float = 0.01) -> Iterator[Sandbox]:
    """Yield a sandbox whose config is in the folder, for processes that react to signals.

    Restores the signal handlers and the clock of the environment afterwards.
    """
    clock = os.environ.get(CLOCK_VARIABLE)
    # child processes inherit ignored signals, so none may be ignored
    before = {number: signal.signal(number, signal.default_int_handler) for number in CATCHABLE}
    (folder / "tmp").mkdir(parents=True)
    try:
        with Sandbox(accounts=accounts, now=NOON, latency=latency) as sandbox:
            (folder / "config.json").touch(mode=0o600)  # otherwise each sync warns about it
            (folder / "config.json").write_text(json.dumps(sandbox.config()))
            on_day(sandbox, 0)
            yield sandbox
    finally:
        for signal_number, handler in before.items():
            signal.signal(signal_number, handler)
        os.environ.pop(CLOCK_VARIABLE, None)
        if clock is not None:
            os.environ[CLOCK_VARIABLE] = clock


def on_day(sandbox: Sandbox, day: int) -> None:
    """Set the clock of the sandbox and of every sync that starts later."""
    sandbox.now = NOON + timedelta(days=day)
    os.environ[CLOCK_VARIABLE] = sandbox.now.isoformat()


class Watch:
    """Counts the requests of a running sync, and the changes of its file and WAL."""

    def __init__(self, sandbox: Sandbox, database: Path) -> None:
        self._sandbox, self._database = sandbox, database
        self._wal = database.with_name(database.name + ".wal")
        self._last_state = self._file_states()
        self.started = time.monotonic()
        self.writes = 0
        sandbox.clear_requests()

    def update(self) -> None:
        now = self._file_states()
        self.writes += now != self._last_state
        self._last_state = now

    @property
    def seconds(self) -> float:
        return time.monotonic() - self.started

    @property
    def requests(self) -> int:
        return len(self._sandbox.requests)

    def _file_states(self) -> list[tuple[int, int] | None]:
        found = []
        for path in (self._database, self._wal):
            try:
                status = path.stat()
                found.append((status.st_size, status.st_mtime_ns))
            except FileNotFoundError:
                found.append(None)
        return found


def measure_sync(sandbox: Sandbox, database: Path, folder: Path) -> SyncExtent:
    """Measure a complete sync."""
    watch = Watch(sandbox, database)
    process = start_sync(database, folder)
    while process.poll() is None:
        watch.update()
        time.sleep(0.0005)
    assert process.returncode == 0, process.communicate()
    return SyncExtent(watch.seconds, watch.requests, watch.writes)


def random_moment(rng: random.Random, run: SyncExtent) -> tuple[str, Callable[[Watch], bool]]:
    """Return a random moment of a sync, by time, requests or writes: its description and the test for it."""
    by = rng.choices(("seconds", "requests", "writes"), (4, 3, 3))[0]
    if by == "seconds":
        after = rng.uniform(0, 1.02 * run.seconds)
        return f"after {after:.2f} s", lambda watch: watch.seconds >= after
    if by == "requests":
        count = rng.randint(1, run.requests)
        return f"after {count} requests", lambda watch: watch.requests >= count
    count = rng.randint(1, run.writes)
    return f"at write {count}", lambda watch: watch.writes >= count


def run_interrupted_sync(
    sandbox: Sandbox,
    database: Path,
    folder: Path,
    signal_number: signal.Signals,
    is_now: Callable[[Watch], bool],
    again_after: float | None = None,
) -> Ended:
    """Run a sync that gets a signal at a given moment, and optionally the same signal some seconds later.

    Raises:
        subprocess.TimeoutExpired: The sync did not end within 30 seconds.
    """
    watch = Watch(sandbox, database)
    process = start_sync(database, folder)
    while process.poll() is None and not is_now(watch):
        watch.update()
        time.sleep(0.0005)
    signalled = process.poll() is None
    process.send_signal(signal_number)
    if again_after is not None:
        time.sleep(again_after)
        process.send_signal(signal_number)
    try:
        _, stderr = process.communicate(timeout=30)
    finally:
        process.kill()
    return Ended(process.returncode, stderr, watch.seconds, signalled)
