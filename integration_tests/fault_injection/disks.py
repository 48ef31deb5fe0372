"""Full disks and files that are none: what is said, and what is in the file afterwards.

python -m integration_tests.fault_injection.disks [--rounds 24] [--seed 1]

Syncs run out of room at a random size: by a limit on the size of each of their files, on a small disk (where root can
mount one), and with a small temporary folder. Then they get room. Reports and exports run out of it too. Last come
files that are no database, are damaged, or are newer than this kit; each command is asked, and none may change a byte.
"""

import argparse
import math
import os
import random
import resource
import shutil
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from integration_tests.fault_injection.damaged_files import damaged_files, fingerprint
from integration_tests.fault_injection.kills import rows_ahead
from integration_tests.fault_injection.processes import on_day, served
from integration_tests.fault_injection.rows import Damage, damage, doubled
from oneup_pinterest.sandbox import Sandbox
from oneup_pinterest.sync import sync
from test_support.paths import ROOT

PLACES = ("file size limit", "small disk", "small temporary folder")
NO_ROOM = ("There is no room left in", "cannot be kept in the temporary folder", "cannot be written")


class Finding(NamedTuple):
    """One command that met an obstacle: what it was, how it ended, and what broke a promise."""

    what: str
    status: int
    wrong: list[str]


def command(*arguments: object, limit: int | None = None, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run `python -m oneup_pinterest.cli`, which cannot write files larger than `limit` bytes."""
    return subprocess.run(
        [sys.executable, "-m", "oneup_pinterest.cli", *map(str, arguments)],
        env={**os.environ, **environment},
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        preexec_fn=(lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))) if limit else None,
    )


@contextmanager
def disk(folder: Path, size: int) -> Iterator[Path]:
    """Yield a disk of some bytes, for root.

    Raises:
        PermissionError: it cannot be mounted.
    """
    folder.mkdir(exist_ok=True)
    options = ["mount", "-t", "tmpfs", "-o", f"size={max(size, 4096)}", "tmpfs", str(folder)]
    try:
        mounted = subprocess.run(options, capture_output=True, check=False).returncode == 0
    except FileNotFoundError:
        mounted = False
    if not mounted:
        raise PermissionError("no disk can be mounted here")
    try:
        yield folder
    finally:
        subprocess.run(["umount", str(folder)], check=True)


def remount(folder: Path, option: str) -> None:
    subprocess.run(["mount", "-o", f"remount,{option}", str(folder)], check=True)


class Disks:
    """A sandbox, and databases of one day and of two that were synced in peace."""

    def __init__(self, sandbox: Sandbox, folder: Path) -> None:
        self.sandbox, self.folder = sandbox, folder
        self.day_one, self.day_two = folder / "one.duckdb", folder / "two.duckdb"
        sync(sandbox.config(), self.day_one)
        shutil.copy(self.day_one, self.day_two)
        on_day(sandbox, 1)
        sync(sandbox.config(), self.day_two)

    def full(self, rng: random.Random, place: str, kind: str) -> Finding:
        """Run a sync that may run out of space, and the sync that completes it."""
        on_day(self.sandbox, 0 if kind == "first" else 1)
        size = int(math.exp(rng.uniform(math.log(2_000), math.log(900_000))))
        if kind == "daily" and place == PLACES[1]:
            size = self.day_one.stat().st_blocks * 512 + size // 2  # yesterday's file has to be there
        what = f"{kind} sync, {place}"
        home = self.folder / "home"
        home.mkdir()
        try:
            if place == PLACES[0]:
                return Finding(what, *self._sync(home, kind, size))
            with disk(self.folder / "disk", size) as small:
                if place == PLACES[1]:
                    return Finding(what, *self._sync(small, kind))
                return Finding(what, *self._sync(home, kind, small=small))
        finally:
            shutil.rmtree(home)

    def _sync(
        self, home: Path, kind: str, limit: int | None = None, small: Path | None = None
    ) -> tuple[int, list[str]]:
        database = home / "history.duckdb"
        wrong: list[str] = []
        if kind == "daily":
            try:
                shutil.copy(self.day_one, database)
            except OSError:  # there was no room for yesterday's file even
                return 0, wrong
        ended = command(
            "sync",
            "--config",
            self.folder / "config.json",
            "--database",
            database,
            limit=limit,
            TMPDIR=str(small or self.folder / "tmp"),
        )
        undisturbed = self.day_one if kind == "first" else self.day_two
        if ended.returncode not in (0, 1, 3) or "Traceback" in ended.stderr or "Exception ignored" in ended.stderr:
            wrong.append(f"ended with {ended.returncode}: {ended.stderr[-500:]}")
        if ended.returncode in (1, 3) and not any(words in ended.stderr for words in NO_ROOM):
            wrong.append(f"said {ended.stderr!r}")
        if (home / "history.duckdb.syncing").exists():
            wrong.append("left its folder behind")
        if not small and limit is None:
            remount(home, "size=64m")
        if database.exists():
            copy = self.folder / "copy"
            shutil.copytree(home, copy)
            if ahead := rows_ahead(copy / database.name, undisturbed):
                wrong.append(f"state ahead of {ahead} rows")
            if ended.returncode == 0 and damage(copy / database.name, undisturbed) != (0, 0, 0):
                wrong.append("said that it was done, and lost rows")
            if twice := doubled(copy / database.name):
                wrong.append(f"{twice} keys twice")
            shutil.rmtree(copy)
        result = sync(self.sandbox.config(), database)
        lacking = damage(database, undisturbed)
        if result.status != "done" or lacking != Damage(0, 0, 0):
            wrong.append(f"completed as {result.status}, {lacking}")
        return ended.returncode, wrong

    def full_output(self, rng: random.Random, name: str) -> Finding:
        """Run a report or an export that runs out of space; the older one must stay."""
        output = self.folder / "output"
        target = output / "report.html" if name == "report" else output
        older = target if name == "report" else output / "pins" / "pins.parquet"
        older.parent.mkdir(parents=True)
        older.write_text("older")
        ended = command(name, "--database", self.day_two, "--output", target, limit=rng.randint(1, 6_000))
        wrong = []
        if ended.returncode != 1 or ended.stderr.count("\n") != 1 or not any(w in ended.stderr for w in NO_ROOM):
            wrong.append(f"ended with {ended.returncode}: {ended.stderr[-500:]}")
        if older.read_text() != "older":
            wrong.append("the older one is gone")
        if list(output.rglob("*.tmp")):
            wrong.append("a part was left")
        shutil.rmtree(output)
        return Finding(f"{name}, file size limit", ended.returncode, wrong)

    def read_only(self) -> Iterator[Finding]:
        """Run commands on a read-only disk: readers work, a sync is refused."""
        with disk(self.folder / "disk", 1 << 26) as place:
            database = place / "history.duckdb"
            shutil.copy(self.day_one, database)
            remount(place, "ro")
            before = fingerprint(place)
            for name, options, status in (("sync", ["--config", self.folder / "config.json"], 1), ("status", [], 0)):
                ended = command(name, "--database", database, *options)
                words = f"{database} cannot be written by you" if status else ""
                is_told = ended.returncode == status and words in ended.stderr and fingerprint(place) == before
                yield Finding("read-only disk", ended.returncode, [] if is_told else [f"{name}: {ended.stderr[-500:]}"])

    def run_on_damaged_files(self, rng: random.Random) -> Iterator[Finding]:
        """Run each command on each damaged file."""
        good = self.day_one.read_bytes()
        for kind in damaged_files(rng):
            home = self.folder / "home"
            home.mkdir()
            database = home / "history.duckdb"
            kind.make(database, good)
            before = fingerprint(home)
            for name in ("sync", "status", "report", "export"):
                options = {"sync": ["--config", self.folder / "config.json"], "status": []}
                output = options.get(name, ["--output", self.folder / f"no {name}"])
                ended = command(name, "--database", database, *output)
                words = kind.words if name == "sync" else kind.to_readers or kind.words
                wrong = []
                if (
                    ended.returncode != kind.status
                    or words not in ended.stderr
                    or str(database) not in ended.stderr
                    or ended.stderr.count("\n") != 1
                ):
                    wrong.append(f"{name} ended with {ended.returncode}: {ended.stderr[-500:]}")
                if fingerprint(home) != before:
                    wrong.append(f"{name} changed it")
                yield Finding(kind.name, ended.returncode, wrong)
            shutil.rmtree(home)


def table(findings: Sequence[Finding]) -> str:
    """Return how often each obstacle was met, how the commands ended, and how often a promise was broken."""
    groups: dict[str, list[Finding]] = defaultdict(list)
    for finding in findings:
        groups[finding.what].append(finding)
    lines = ["| what | commands | ended 0 | 1 | 2 | 3 | broken promises |", "|---|---:|---:|---:|---:|---:|---:|"]
    for what, those in groups.items():
        ends = [sum(finding.status == status for finding in those) for status in (0, 1, 2, 3)]
        cells = [len(those), *ends, sum(bool(finding.wrong) for finding in those)]
        lines.append(f"| {what} | {' | '.join(map(str, cells))} |")
    return "\n".join(lines)


def main() -> None:
    """Print a Markdown table; end with 1 if a promise was broken."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=24)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    rng, findings, places = random.Random(options.seed), list[Finding](), list(PLACES)
    with tempfile.TemporaryDirectory(prefix="disks-") as folder, served(Path(folder) / "place", latency=0) as sandbox:
        disks = Disks(sandbox, Path(folder) / "place")
        for n in range(options.rounds):
            place, kind = places[n % len(places)], ("first", "daily")[n // len(places) % 2]
            try:
                findings.append(disks.full(rng, place, kind))
            except PermissionError:
                places = [PLACES[0]]
        findings += [disks.full_output(rng, name) for name in ("report", "export")]
        if len(places) > 1:
            findings += disks.read_only()
        findings += disks.run_on_damaged_files(rng)
    print(table(sorted(findings, key=lambda finding: "sync" not in finding.what)))
    print(
        f"\nseed {options.seed}{'' if places == list(PLACES) else '; no small disk could be mounted here (root can)'}"
    )
    broken = [finding for finding in findings if finding.wrong]
    for finding in broken:
        print(f"- {finding.what}: {'; '.join(finding.wrong)}")
    sys.exit(bool(broken))


if __name__ == "__main__":
    main()
