"""Run syncs as real processes against a sandbox with faults, and inspect what they leave behind."""

import json
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

from integration_tests.fault_injection.fault_classes import ANALYTICS, FaultClass
from integration_tests.fault_injection.key_search import KEY, Search
from integration_tests.fault_injection.rows import Damage, damage
from oneup_pinterest.sandbox import Sandbox
from source_oneup_pinterest.components.clock import CLOCK_VARIABLE
from test_support.clock import NOON
from test_support.paths import ROOT

DAYS = (NOON, NOON + timedelta(days=1))
START = "2026-05-10"  # a short history, so that each fault hits few requests
MAX_WAIT_SECONDS = 121.0  # two minutes, plus the second that Airbyte adds
TIMEOUTS = "2,5,5"  # seconds, instead of 10, 60 and 120, for slow faults


class Ended(NamedTuple):
    """Exit status and output of a process, and the longest wait that it requested."""

    status: int
    output: str
    longest_wait: float


@dataclass
class Testbed:
    """A sandbox with two accounts, a folder for all output, and the search of that folder for the key."""

    sandbox: Sandbox
    folder: Path
    search: Search
    problems: list[str] = field(default_factory=list)

    @property
    def database(self) -> Path:
        return self.folder / "history.duckdb"

    def sync(self, environment: Mapping[str, str] = MappingProxyType({}), **settings: object) -> Ended:
        """Run one sync as a process, on the day of the sandbox."""
        command = ["sync", "--config", self.config(**settings), "--database", self.database, "--json"]
        return self.run("oneup-pinterest sync --json", "-m", "oneup_pinterest.cli", *command, environment=environment)

    def config(self, **settings: object) -> Path:
        """Write a config file outside the folder that is searched, because it may hold the key."""
        path = self.folder.with_suffix(".json")
        path.touch(mode=0o600)
        path.write_text(json.dumps({**self.sandbox.config(), "start_date": START, **settings}))
        return path

    def run(self, what: str, *arguments: object, environment: Mapping[str, str] = MappingProxyType({})) -> Ended:
        """Run Python with arguments, search what it wrote for the key and check its waits."""
        waits = self.folder / "waits"
        waits.write_text("")
        ended = subprocess.run(
            [sys.executable, *map(str, arguments)],
            cwd=ROOT,
            env={**self.environment(), **environment},
            capture_output=True,
            timeout=600,
            check=False,
        )
        output = ended.stderr.decode() + ended.stdout.decode()
        if self.search.scan(what, ended.stdout, ended.stderr):
            self.problems.append(f"the key is in the output of {what}")
        if "Traceback" in ended.stderr.decode():
            self.problems.append(f"{what} ended with a traceback: {ended.stderr.decode()[-300:]}")
        longest = max(map(float, waits.read_text().split()), default=0.0)
        if longest > MAX_WAIT_SECONDS:
            self.problems.append(f"{what} would have waited {longest} s")
        return Ended(ended.returncode, output, longest)

    def environment(self) -> dict[str, str]:
        """Return an environment in which waits are recorded but skipped, and temporary files are searched."""
        temporary = self.folder / "tmp"
        temporary.mkdir(exist_ok=True)
        return {
            **os.environ,
            "PYTHONPATH": f"{ROOT / 'integration_tests' / 'quick_retries'}:{ROOT}",
            "RECORDED_WAITS": str(self.folder / "waits"),
            "TMPDIR": str(temporary),
            CLOCK_VARIABLE: self.sandbox.now.isoformat(),
        }

    def expect(self, ended: Ended, *statuses: int) -> None:
        """Record an unexpected exit status with the message that came with it."""
        if ended.status not in statuses:
            self.problems.append(f"ended with {ended.status}, not {statuses}: {ended.output[-300:]}")
        elif ended.status and not any(word in ended.output for word in ("error: ", "skipped: ")):
            self.problems.append(f"ended with {ended.status} and reported nothing")

    def search_files(self) -> None:
        """Search the database, its WAL, temporary files and any other file."""
        files = [path for path in self.folder.rglob("*") if path.is_file()]
        found = self.search.scan_files("files: database, WAL, temporary", files)
        if self.database.exists():
            found += self.search.scan_database("values of the database", self.database)
        if found:
            self.problems.append("the key is in a file")


class Row(NamedTuple):
    """The result of one fault class: how the syncs ended, and the damage after the repairing sync."""

    name: str
    injected: str
    one_request: str
    one_account: str
    all_accounts: str
    accounts_list: str
    longest_wait: float
    seconds: float
    damage: Damage
    problems: list[str]


@contextmanager
def testbed(folder: Path, search: Search) -> Iterator[Testbed]:
    """Yield a sandbox whose key changes if it is percent-encoded."""
    folder.mkdir()
    with Sandbox(accounts=2, api_key=KEY, now=NOON) as sandbox:
        yield Testbed(sandbox, folder, search)


def sync_without_faults(folder: Path) -> tuple[Path, Path]:
    """Return the databases of two days of syncs without faults."""
    with testbed(folder, Search()) as here:
        files = []
        for number, day in enumerate(DAYS):
            here.sandbox.now = day
            ended = here.sync()
            if ended.status:
                raise RuntimeError(f"a sync without faults failed: {ended.output}")
            files.append(shutil.copy(here.database, folder / f"day{number}.duckdb"))
    return Path(files[0]), Path(files[1])


def sync_with_faults(
    faults: FaultClass,
    folder: Path,
    days: tuple[Path, Path],
    search: Search,
    run_beside: Callable[[Testbed, Mapping[str, str]], None] = lambda here, environment: None,
) -> Row:
    """Run a first sync with one fault per endpoint, failing syncs of the next day, and the syncs that repair them.

    `run_beside`: what else to run while one account cannot be read, so that its output is searched for the key.
    """
    started, waits, outcomes = time.monotonic(), [0.0], {}
    with testbed(folder, search) as here:
        environment = {"QUICK_TIMEOUTS": TIMEOUTS} if faults.is_slow else {}

        def sync(where: str, *statuses: int, **settings: object) -> None:
            ended = here.sync(environment, **settings)
            here.expect(ended, *statuses)
            waits.append(ended.longest_wait)
            outcomes[where] = OUTCOMES.get(ended.status, str(ended.status))
            here.sandbox.reset_faults()

        if faults.kind == "unreachable":
            with full_backlog() as address:
                sync("all", 1, analytics_url=address)
                sync("list", 1, accounts_url=address)
                run_beside(here, environment)
            repaired = here.sync()
            here.expect(repaired, 0)
            here.sandbox.now = DAYS[1]
        else:
            one, *_ = here.sandbox.account_ids
            for path in faults.paths if faults.passes else ANALYTICS:
                if path in faults.paths:  # only for one account, if it cannot be read
                    here.sandbox.inject(faults.fault(path, social_network_id=None if faults.passes else one))
            sync("one request", 0 if faults.passes else 3)
            if not faults.passes:
                here.expect(here.sync(), 0)
            if (remaining := damage(here.database, days[0])) != Damage(0, 0, 0):
                here.problems.append(f"after the first day: {remaining}")
            here.sandbox.now = DAYS[1]
            _inject(here, faults, ANALYTICS, one)
            sync("one account", faults.status(affects_all=False))
            _inject(here, faults, faults.paths, one)
            run_beside(here, environment)
            here.sandbox.reset_faults()
            _inject(here, faults, ANALYTICS)
            sync("all", faults.status(affects_all=True))
            if "listsocialaccounts" in faults.paths:
                _inject(here, faults, ("listsocialaccounts",))
                sync("list", faults.status(affects_all=True))
        here.search_files()
        here.expect(here.sync(), 0)
        remaining = damage(here.database, days[1])
        if remaining != Damage(0, 0, 0):
            here.problems.append(f"after the repair: {remaining}")
    cells = (outcomes.get(where, "–") for where in ("one request", "one account", "all", "list"))
    return Row(faults.name, faults.injected, *cells, max(waits), time.monotonic() - started, remaining, here.problems)


OUTCOMES = {0: "all read, 0", 1: "failed, 1", 2: "config, 2", 3: "account skipped, 3"}


def _inject(here: Testbed, faults: FaultClass, paths: tuple[str, ...], account: str | None = None) -> None:
    for path in paths:
        if path in faults.paths:
            here.sandbox.inject(faults.fault(path, social_network_id=account, times=None))


@contextmanager
def full_backlog() -> Iterator[str]:
    """Yield an address on this machine that accepts no connection."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen(0)
        waiting = [socket.socket() for _ in range(8)]
        try:
            for one in waiting:
                one.setblocking(False)
                one.connect_ex(listening.getsockname())
            yield f"http://127.0.0.1:{listening.getsockname()[1]}/api"
        finally:
            for one in waiting:
                one.close()
