"""Syncs as real processes against a sandbox, watched, and broken off by a signal at a chosen moment."""

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
    """How a process ended; `signalled` is whether it was still there when the signal was sent."""

    status: int
    words: str
    seconds: float
    signalled: bool


class Run(NamedTuple):
    """What an undisturbed sync takes: where a signal may hit it."""

    seconds: float
    requests: int
    writes: int


def start(database: Path, folder: Path, *options: object) -> subprocess.Popen[str]:
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
def served(folder: Path, accounts: int = 3, latency: float = 0.01) -> Iterator[Sandbox]:
    """Yield a sandbox with a config in the folder; signals reach the processes that are started in the block.

    Signals and the clock of the environment are as before when the block ends.
    """
    clock = os.environ.get(CLOCK_VARIABLE)
    before = {number: signal.signal(number, signal.default_int_handler) for number in CATCHABLE}  # never ignored
    (folder / "tmp").mkdir(parents=True)
    try:
        with Sandbox(accounts=accounts, now=NOON, latency=latency) as sandbox:
            (folder / "config.json").touch(mode=0o600)  # else each sync warns of it
            (folder / "config.json").write_text(json.dumps(sandbox.config()))
            on_day(sandbox, 0)
            yield sandbox
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        os.environ.pop(CLOCK_VARIABLE, None)
        if clock is not None:
            os.environ[CLOCK_VARIABLE] = clock


def on_day(sandbox: Sandbox, day: int) -> None:
    """Set the clock of the sandbox and of every sync that begins from now on."""
    sandbox.now = NOON + timedelta(days=day)
    os.environ[CLOCK_VARIABLE] = sandbox.now.isoformat()


class Watch:
    """Counts what a sync has done so far: its requests, and changes of its file and the log beside it."""

    def __init__(self, sandbox: Sandbox, database: Path) -> None:
        self._sandbox, self._database = sandbox, database
        self._log = database.with_name(database.name + ".wal")
        self._seen = self._look()
        self.started = time.monotonic()
        self.writes = 0
        sandbox.clear_requests()

    def look(self) -> None:
        now = self._look()
        self.writes += now != self._seen
        self._seen = now

    @property
    def seconds(self) -> float:
        return time.monotonic() - self.started

    @property
    def requests(self) -> int:
        return len(self._sandbox.requests)

    def _look(self) -> list[tuple[int, int] | None]:
        found = []
        for path in (self._database, self._log):
            try:
                status = path.stat()
                found.append((status.st_size, status.st_mtime_ns))
            except FileNotFoundError:
                found.append(None)
        return found


def measured(sandbox: Sandbox, database: Path, folder: Path) -> Run:
    """Measure an undisturbed sync."""
    watch = Watch(sandbox, database)
    process = start(database, folder)
    while process.poll() is None:
        watch.look()
        time.sleep(0.0005)
    assert process.returncode == 0, process.communicate()
    return Run(watch.seconds, watch.requests, watch.writes)


def moment(rng: random.Random, run: Run) -> tuple[str, Callable[[Watch], bool]]:
    """Return a moment of a run, described, and the test for it: by time, by requests, or in the middle of writing."""
    kind = rng.choices(("seconds", "requests", "writes"), (4, 3, 3))[0]
    if kind == "seconds":
        after = rng.uniform(0, 1.02 * run.seconds)
        return f"after {after:.2f} s", lambda watch: watch.seconds >= after
    if kind == "requests":
        count = rng.randint(1, run.requests)
        return f"after {count} requests", lambda watch: watch.requests >= count
    count = rng.randint(1, run.writes)
    return f"at write {count}", lambda watch: watch.writes >= count


def broken_off(
    sandbox: Sandbox,
    database: Path,
    folder: Path,
    number: signal.Signals,
    is_now: Callable[[Watch], bool],
    again_after: float | None = None,
) -> Ended:
    """Run a sync that gets a signal at a moment, and optionally the same signal some seconds later.

    Raises:
        subprocess.TimeoutExpired: it did not end within 30 seconds.
    """
    watch = Watch(sandbox, database)
    process = start(database, folder)
    while process.poll() is None and not is_now(watch):
        watch.look()
        time.sleep(0.0005)
    signalled = process.poll() is None
    process.send_signal(number)
    if again_after is not None:
        time.sleep(again_after)
        process.send_signal(number)
    try:
        _, words = process.communicate(timeout=30)
    finally:
        process.kill()
    return Ended(process.returncode, words, watch.seconds, signalled)
