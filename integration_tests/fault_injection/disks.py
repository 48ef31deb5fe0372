"""Full disks, damaged files and files that are not a database: what is reported, and what the file holds afterwards.

python -m integration_tests.fault_injection.disks [--rounds 24] [--seed 1]

Syncs run out of space at a random size: by a limit on the size of each of their files, on a small disk (if root can
mount one), and with a small temporary folder. Then they get space and must complete. Reports and exports run out of
space too. Last come files that are not a database, are damaged, or are newer than this kit: every command runs on each
of them, and none may change a byte.
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
from integration_tests.fault_injection.processes import on_day, serve_sandbox
from integration_tests.fault_injection.rows import Damage, count_duplicate_keys, damage
from oneup_pinterest.sandbox import Sandbox
from oneup_pinterest.sync import sync
from test_support.paths import ROOT

PLACES = ("file size limit", "small disk", "small temporary folder")
NO_ROOM = ("There is no room left in", "cannot be kept in the temporary folder", "cannot be written")


class Finding(NamedTuple):
    """One command that met an obstacle: the case, its exit status, and the broken promises."""

    case: str
    status: int
    problems: list[str]


def command(*arguments: object, limit: int | None = None, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run `python -m oneup_pinterest.cli`; it cannot write files larger than `limit` bytes."""
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
    """Yield a mounted disk of a given size in bytes; needs root.

    Raises:
        PermissionError: The disk cannot be mounted.
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
    """A sandbox, and reference databases of one day and of two days."""

    def __init__(self, sandbox: Sandbox, folder: Path) -> None:
        self.sandbox, self.folder = sandbox, folder
        self.day_one, self.day_two = folder / "one.duckdb", folder / "two.duckdb"
        sync(sandbox.config(), self.day_one)
        shutil.copy(self.day_one, self.day_two)
        on_day(sandbox, 1)
        sync(sandbox.config(), self.day_two)

    def sync_without_room(self, rng: random.Random, place: str, sync_type: str) -> Finding:
        """Run a sync that may run out of space, and the sync that completes it."""
        on_day(self.sandbox, 0 if sync_type == "first" else 1)
        size = int(math.exp(rng.uniform(math.log(2_000), math.log(900_000))))
        if sync_type == "daily" and place == PLACES[1]:
            size = self.day_one.stat().st_blocks * 512 + size // 2  # yesterday's file must fit
        case = f"{sync_type} sync, {place}"
        home = self.folder / "home"
        home.mkdir()
        try:
            if place == PLACES[0]:
                return Finding(case, *self._sync_and_check(home, sync_type, size))
            with disk(self.folder / "disk", size) as small:
                if place == PLACES[1]:
                    return Finding(case, *self._sync_and_check(small, sync_type))
                return Finding(case, *self._sync_and_check(home, sync_type, small=small))
        finally:
            shutil.rmtree(home)

    def _sync_and_check(
        self, home: Path, sync_type: str, limit: int | None = None, small: Path | None = None
    ) -> tuple[int, list[str]]:
        database = home / "history.duckdb"
        problems: list[str] = []
        if sync_type == "daily":
            try:
                shutil.copy(self.day_one, database)
            except OSError:  # not even yesterday's file fits
                return 0, problems
        ended = command(
            "sync",
            "--config",
            self.folder / "config.json",
            "--database",
            database,
            limit=limit,
            TMPDIR=str(small or self.folder / "tmp"),
        )
        reference = self.day_one if sync_type == "first" else self.day_two
        if ended.returncode not in (0, 1, 3) or "Traceback" in ended.stderr or "Exception ignored" in ended.stderr:
            problems.append(f"ended with {ended.returncode}: {ended.stderr[-500:]}")
        if ended.returncode in (1, 3) and not any(text in ended.stderr for text in NO_ROOM):
            problems.append(f"does not report the missing space: {ended.stderr!r}")
        if (home / "history.duckdb.syncing").exists():
            problems.append("left its work folder behind")
        if not small and limit is None:
            remount(home, "size=64m")
        if database.exists():
            copy = self.folder / "copy"
            shutil.copytree(home, copy)
            if ahead := rows_ahead(copy / database.name, reference):
                problems.append(f"state ahead of {ahead} rows")
            if ended.returncode == 0 and damage(copy / database.name, reference) != (0, 0, 0):
                problems.append("reported success, but rows are lost")
            if duplicates := count_duplicate_keys(copy / database.name):
                problems.append(f"{duplicates} duplicate keys")
            shutil.rmtree(copy)
        result = sync(self.sandbox.config(), database)
        remaining = damage(database, reference)
        if result.status != "done" or remaining != Damage(0, 0, 0):
            problems.append(f"completed as {result.status}, {remaining}")
        return ended.returncode, problems

    def write_without_room(self, rng: random.Random, name: str) -> Finding:
        """Run a report or an export that runs out of space; the older output must stay."""
        output = self.folder / "output"
        target = output / "report.html" if name == "report" else output
        older = target if name == "report" else output / "pins" / "pins.parquet"
        older.parent.mkdir(parents=True)
        older.write_text("older")
        ended = command(name, "--database", self.day_two, "--output", target, limit=rng.randint(1, 6_000))
        problems = []
        if ended.returncode != 1 or ended.stderr.count("\n") != 1 or not any(text in ended.stderr for text in NO_ROOM):
            problems.append(f"ended with {ended.returncode}: {ended.stderr[-500:]}")
        if older.read_text() != "older":
            problems.append("the older output is gone")
        if list(output.rglob("*.tmp")):
            problems.append("a temporary file was left")
        shutil.rmtree(output)
        return Finding(f"{name}, file size limit", ended.returncode, problems)

    def run_on_read_only_disk(self) -> Iterator[Finding]:
        """Run commands on a read-only disk: readers work, a sync is refused."""
        with disk(self.folder / "disk", 1 << 26) as place:
            database = place / "history.duckdb"
            shutil.copy(self.day_one, database)
            remount(place, "ro")
            before = fingerprint(place)
            for name, options, status in (("sync", ["--config", self.folder / "config.json"], 1), ("status", [], 0)):
                ended = command(name, "--database", database, *options)
                message = f"{database} cannot be written by you" if status else ""
                is_reported = ended.returncode == status and message in ended.stderr and fingerprint(place) == before
                yield Finding(
                    "read-only disk", ended.returncode, [] if is_reported else [f"{name}: {ended.stderr[-500:]}"]
                )

    def run_on_damaged_files(self, rng: random.Random) -> Iterator[Finding]:
        """Run each command on each damaged file."""
        good = self.day_one.read_bytes()
        for damaged in damaged_files(rng):
            home = self.folder / "home"
            home.mkdir()
            database = home / "history.duckdb"
            damaged.make(database, good)
            before = fingerprint(home)
            for name in ("sync", "status", "report", "export"):
                options = {"sync": ["--config", self.folder / "config.json"], "status": []}
                output = options.get(name, ["--output", self.folder / f"unwritten {name}"])
                ended = command(name, "--database", database, *output)
                message = damaged.message if name == "sync" else damaged.reader_message or damaged.message
                problems = []
                if (
                    ended.returncode != damaged.status
                    or message not in ended.stderr
                    or str(database) not in ended.stderr
                    or ended.stderr.count("\n") != 1
                ):
                    problems.append(f"{name} ended with {ended.returncode}: {ended.stderr[-500:]}")
                if fingerprint(home) != before:
                    problems.append(f"{name} changed the file")
                yield Finding(damaged.name, ended.returncode, problems)
            shutil.rmtree(home)


def table(findings: Sequence[Finding]) -> str:
    """Return how often each obstacle was met, how the commands ended, and how often a promise was broken."""
    groups: dict[str, list[Finding]] = defaultdict(list)
    for finding in findings:
        groups[finding.case].append(finding)
    lines = ["| case | commands | ended 0 | 1 | 2 | 3 | broken promises |", "|---|---:|---:|---:|---:|---:|---:|"]
    for case, group in groups.items():
        ends = [sum(finding.status == status for finding in group) for status in (0, 1, 2, 3)]
        cells = [len(group), *ends, sum(bool(finding.problems) for finding in group)]
        lines.append(f"| {case} | {' | '.join(map(str, cells))} |")
    return "\n".join(lines)


def main() -> None:
    """Print a Markdown table; exit with 1 if a promise was broken."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=24)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    rng, findings, places = random.Random(options.seed), list[Finding](), list(PLACES)
    with (
        tempfile.TemporaryDirectory(prefix="disks-") as folder,
        serve_sandbox(Path(folder) / "work", latency=0) as sandbox,
    ):
        disks = Disks(sandbox, Path(folder) / "work")
        for n in range(options.rounds):
            place, sync_type = places[n % len(places)], ("first", "daily")[n // len(places) % 2]
            try:
                findings.append(disks.sync_without_room(rng, place, sync_type))
            except PermissionError:
                places = [PLACES[0]]
        findings += [disks.write_without_room(rng, name) for name in ("report", "export")]
        if len(places) > 1:
            findings += disks.run_on_read_only_disk()
        findings += disks.run_on_damaged_files(rng)
    print(table(sorted(findings, key=lambda finding: "sync" not in finding.case)))
    print(
        f"\nseed {options.seed}{'' if places == list(PLACES) else '; no small disk could be mounted (it needs root)'}"
    )
    broken = [finding for finding in findings if finding.problems]
    for finding in broken:
        print(f"- {finding.case}: {'; '.join(finding.problems)}")
    sys.exit(bool(broken))


if __name__ == "__main__":
    main()
