"""Faults of every class, one by one and mixed at random: what happened, which rows were lost, where the key came out.

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
from integration_tests.fault_injection.disturbed import DAYS, Row, disturbed, place, undisturbed
from integration_tests.fault_injection.fault_classes import CLASSES, FaultClass
from integration_tests.fault_injection.key_search import Search
from integration_tests.fault_injection.rows import Damage, damage

AT_ONCE = 2  # processes
FAULTS_A_SYNC = 12


def main() -> None:
    """Print three Markdown tables; end with 1 where a row is lost or doubled, the key is found, or a sync ended
    otherwise than promised."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=random.randrange(10**6), help="of the mixed rounds (default: any)")
    parser.add_argument("--rounds", type=int, default=3, help="of faults at random (default: %(default)s)")
    parser.add_argument("--only", default="", metavar="WORDS", help="these classes, and not the other commands")
    options = parser.parse_args()
    classes = [faults for faults in CLASSES if options.only in faults.name]
    search, problems = Search(), []
    with tempfile.TemporaryDirectory() as root, ThreadPoolExecutor(AT_ONCE) as pool:
        folder = Path(root)
        days = undisturbed(folder / "undisturbed")
        print(HEADING, flush=True)
        for row in pool.map(
            lambda one: disturbed(one[1], folder / f"{one[0]}", days, search, run_beside_sync), enumerate(classes)
        ):
            print(line(row), flush=True)
            problems += [f"{row.name}: {problem}" for problem in row.problems]
        print(f"\nMixed at random, seed {options.seed}:\n\n{MIXED_HEADING}", flush=True)
        for number in range(options.rounds):
            seed = options.seed + number
            statuses, left, found, seconds = mixed(seed, folder / f"mixed{seed}", days, search)
            ended = ", ".join(map(str, statuses))
            print(f"| {seed} | {ended} | {seconds:.0f} | {left.lost} | {left.added} | {left.doubled} |", flush=True)
            problems += [f"--seed {seed} --rounds 1: {problem}" for problem in found]
        if not options.only:
            problems += search_commands(folder / "commands", search)
    print(f"\n{search.table()}\n")
    print(f"{len(problems)} promises broken" + "".join(f"\n- {problem}" for problem in problems))
    sys.exit(bool(problems))


HEADING = (
    "| fault class | what was injected | one request | all of one account | all of all accounts | list of accounts "
    "| longest wait, s | s | rows lost | added | doubled |\n|---|---|---|---|---|---|---:|---:|---:|---:|---:|"
)
MIXED_HEADING = "| seed | syncs ended with | s | rows lost | added | doubled |\n|---:|---|---:|---:|---:|---:|"


def line(row: Row) -> str:
    """Return the table row of a fault class."""
    return (
        f"| {row.name} | {row.injected} | {row.one_request} | {row.one_account} | {row.all_accounts} "
        f"| {row.accounts_list} | {row.longest_wait:.0f} | {row.seconds:.0f} "
        f"| {row.damage.lost} | {row.damage.added} | {row.damage.doubled} |"
    )


def mixed(
    seed: int, folder: Path, days: tuple[Path, Path], search: Search, faults_a_sync: int = FAULTS_A_SYNC
) -> tuple[list[int], Damage, list[str], float]:
    """Run a sync with random faults and one without on each of two days; return statuses, damage and failures."""
    chance, started, statuses = random.Random(seed), time.monotonic(), []
    with place(folder, search) as here:
        for day in DAYS:
            here.sandbox.now = day
            for _ in range(faults_a_sync):
                inject_one(here.sandbox.inject, chance, here.sandbox.account_ids)
            ended = here.sync()
            here.expect(ended, 0, 1, 2, 3)
            here.sandbox.reset_faults()
            here.search_files()
            repaired = here.sync()
            here.expect(repaired, 0)
            statuses += [ended.status, repaired.status]
        left = damage(here.database, days[1])
        if left != Damage(0, 0, 0):
            here.problems.append(f"after the repair: {left}")
    return statuses, left, here.problems, time.monotonic() - started


def inject_one(inject: Callable[..., None], chance: random.Random, accounts: list[str]) -> None:
    """One fault of any class that needs no time-outs, at any endpoint, for an account or all, some times."""
    faults: FaultClass = chance.choice([faults for faults in CLASSES if not faults.is_slow])
    path = chance.choice(faults.paths)
    account = None if path == "listsocialaccounts" else chance.choice([None, *accounts])
    inject(faults.fault(path, social_network_id=account, times=chance.randint(1, 4), after=chance.randint(0, 2)))


if __name__ == "__main__":
    main()
