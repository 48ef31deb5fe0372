"""Inject faults of every class, alone and at random: how syncs end, which rows are lost, where the key leaks.

python -m integration_tests.fault_injection.faults [--seed N] [--rounds 3] [--only WORDS]
"""

import argparse
import random
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from integration_tests.fault_injection.commands import run_beside_sync, search_commands
from integration_tests.fault_injection.fault_classes import CLASSES, FaultClass
from integration_tests.fault_injection.faulty_syncs import DAYS, Row, sync_with_faults, sync_without_faults, testbed
from integration_tests.fault_injection.key_search import Search
from integration_tests.fault_injection.rows import Damage, damage

MAX_PROCESSES = 2
FAULTS_PER_SYNC = 12


def main() -> None:
    """Print three Markdown tables; exit with 1 if a promise is broken.

    A promise is broken if a row is lost or duplicated, the key is found, or a sync ends with an unexpected status.
    """
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--seed", type=int, default=random.randrange(10**6), help="of the random rounds (default: random)"
    )
    parser.add_argument("--rounds", type=int, default=3, help="of random faults (default: %(default)s)")
    parser.add_argument(
        "--only", default="", metavar="TEXT", help="run only these fault classes, and no other commands"
    )
    options = parser.parse_args()
    classes = [faults for faults in CLASSES if options.only in faults.name]
    search, problems = Search(), []
    with tempfile.TemporaryDirectory() as root, ThreadPoolExecutor(MAX_PROCESSES) as pool:
        folder = Path(root)
        days = sync_without_faults(folder / "reference")
        print(HEADING, flush=True)
        for row in pool.map(
            lambda one: sync_with_faults(one[1], folder / f"{one[0]}", days, search, run_beside_sync),
            enumerate(classes),
        ):
            print(table_row(row), flush=True)
            problems += [f"{row.name}: {problem}" for problem in row.problems]
        print(f"\nRandom faults, seed {options.seed}:\n\n{MIXED_HEADING}", flush=True)
        for number in range(options.rounds):
            seed = options.seed + number
            statuses, remaining, found, seconds = sync_with_random_faults(seed, folder / f"random{seed}", days, search)
            ended = ", ".join(map(str, statuses))
            print(
                f"| {seed} | {ended} | {seconds:.0f} | {remaining.lost} | {remaining.added} | {remaining.duplicated} |",
                flush=True,
            )
            problems += [f"--seed {seed} --rounds 1: {problem}" for problem in found]
        if not options.only:
            problems += search_commands(folder / "commands", search)
    print(f"\n{search.table()}\n")
    print(f"{len(problems)} promises broken" + "".join(f"\n- {problem}" for problem in problems))
    sys.exit(bool(problems))


HEADING = (
    "| fault class | injected | one request | every request of one account | every request | list of accounts "
    "| longest wait, s | s | rows lost | added | duplicated |\n|---|---|---|---|---|---|---:|---:|---:|---:|---:|"
)
MIXED_HEADING = "| seed | syncs ended with | s | rows lost | added | duplicated |\n|---:|---|---:|---:|---:|---:|"


def table_row(row: Row) -> str:
    """Return the table row of a fault class."""
    return (
        f"| {row.name} | {row.injected} | {row.one_request} | {row.one_account} | {row.all_accounts} "
        f"| {row.accounts_list} | {row.longest_wait:.0f} | {row.seconds:.0f} "
        f"| {row.damage.lost} | {row.damage.added} | {row.damage.duplicated} |"
    )


def sync_with_random_faults(
    seed: int, folder: Path, days: tuple[Path, Path], search: Search, faults_per_sync: int = FAULTS_PER_SYNC
) -> tuple[list[int], Damage, list[str], float]:
    """Run a sync with random faults and one without on each of two days.

    Return the exit statuses, the remaining damage, the broken promises and the seconds.
    """
    rng, started, statuses = random.Random(seed), time.monotonic(), []
    with testbed(folder, search) as here:
        for day in DAYS:
            here.sandbox.now = day
            for _ in range(faults_per_sync):
                inject_one(here.sandbox.inject, rng, here.sandbox.account_ids)
            ended = here.sync()
            here.expect(ended, 0, 1, 2, 3)
            here.sandbox.reset_faults()
            here.search_files()
            repaired = here.sync()
            here.expect(repaired, 0)
            statuses += [ended.status, repaired.status]
        remaining = damage(here.database, days[1])
        if remaining != Damage(0, 0, 0):
            here.problems.append(f"after the repair: {remaining}")
    return statuses, remaining, here.problems, time.monotonic() - started


def inject_one(inject: Callable[..., None], rng: random.Random, accounts: list[str]) -> None:
    """Inject one random fault that needs no time-out, at any endpoint, for one account or all."""
    faults: FaultClass = rng.choice([faults for faults in CLASSES if not faults.is_slow])
    path = rng.choice(faults.paths)
    account = None if path == "listsocialaccounts" else rng.choice([None, *accounts])
    inject(faults.fault(path, social_network_id=account, times=rng.randint(1, 4), after=rng.randint(0, 2)))


if __name__ == "__main__":
    main()
