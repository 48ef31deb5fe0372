"""Run benchmarks, simulations and random trials, and write their output to docs/results/.

python -m tools.results NAME…    (without a name: list them)

Each page says when, at which commit and on which machine its command ran. Exits with 1 if a bound does not hold.
"""

import argparse
import os
import platform
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parent.parent
RESULTS = ROOT / "docs" / "results"


class Measurement(NamedTuple):
    """A command whose stdout is Markdown; minutes on two idle cores."""

    title: str
    command: str
    minutes: int


MEASUREMENTS = {
    "first-sync": Measurement("A first sync", "benchmarks.speed --with dlt,pyairbyte --times-ten", 7),
    "load": Measurement("A load", "benchmarks.piped", 2),
    "fleet": Measurement("Many accounts", "benchmarks.fleet", 30),
    "accounts": Measurement("Very many accounts", "benchmarks.accounts", 16),
    "progress": Measurement("The bar of a first sync", "benchmarks.progress", 2),
    "lake": Measurement("Lakes", "benchmarks.lake", 6),
    "growth": Measurement("A year of daily syncs", "benchmarks.growth", 12),
    "reports": Measurement("Reports", "benchmarks.reports", 8),
    "storage": Measurement("Storage of pins", "benchmarks.storage", 3),
    "statistics": Measurement("What the statistics promise", "simulations", 15),
    "independent-change": Measurement(
        "Change of accounts that the methods were not made for", "simulations.independent --question change", 12
    ),
    "independent-pins": Measurement(
        "Pins of accounts that the methods were not made for",
        "simulations.independent --question new-pins words weekdays formats movers",
        8,
    ),
    "glitches": Measurement("Glitches and true rises", "simulations.glitches", 5),
    "faults": Measurement("Faults", "integration_tests.fault_injection.faults --seed 20261125", 20),
    "kills": Measurement("Kills", "integration_tests.fault_injection.kills --seed 2", 11),
    "disks": Measurement("Disks and files", "integration_tests.fault_injection.disks --seed 1", 4),
    "hostile": Measurement("Hostile responses", "integration_tests.fault_injection.hostile --seed 1", 12),
}


def main() -> None:
    """Write the pages named on the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(MEASUREMENTS))
    names = parser.parse_args().names
    if unknown := set(names) - set(MEASUREMENTS):
        parser.error(f"there is no measurement {', '.join(sorted(unknown))}; there are {', '.join(MEASUREMENTS)}")
    if not names:
        for name, measurement in MEASUREMENTS.items():
            print(f"{name:<12}{measurement.minutes:>3} min   python -m {measurement.command}")
    kept = [measure(name) for name in names]
    sys.exit(not all(kept))


def measure(name: str) -> bool:
    """Run a measurement and write its page; return whether every bound held."""
    measurement = MEASUREMENTS[name]
    commit = _git("describe", "--always", "--dirty", "--exclude", "*")
    print(f"{name}: python -m {measurement.command}", file=sys.stderr, flush=True)
    ended = subprocess.run(
        [sys.executable, "-m", *measurement.command.split()], cwd=ROOT, stdout=subprocess.PIPE, text=True, check=False
    )
    if not ended.stdout.strip():
        return False  # it failed before it measured anything; stderr has the cause
    page = RESULTS / f"{name}.md"
    page.parent.mkdir(exist_ok=True)
    page.write_text(f"{heading(measurement, commit)}\n{ended.stdout.strip()}\n", encoding="utf-8")
    print(f"{page.relative_to(ROOT)}: ended with {ended.returncode}", file=sys.stderr, flush=True)
    return ended.returncode == 0


def heading(measurement: Measurement, commit: str) -> str:
    """Return the beginning of a page: title, command, date, commit and machine."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return (
        f"# {measurement.title}\n\n"
        f"```sh\npython -m {measurement.command}\n```\n\n"
        f"Written by `tools/results.py` on {datetime.now(UTC):%Y-%m-%d} at commit {commit}: {os.cpu_count()} cores, "
        f"{memory:.0f} GB, {platform.system()}, Python {platform.python_version()}.\n"
    )


def _git(*arguments: str) -> str:
    ended = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=False)
    return ended.stdout.strip() or "unknown"


if __name__ == "__main__":
    main()
