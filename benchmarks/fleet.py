"""Many accounts behind a slow API: wall time against the ideal of `num_workers`, and the limit of requests per minute.

python -m benchmarks.fleet [--accounts 60,600] [--workers 4,16] [--latency 0.5] [--budget 120]
"""

import argparse
import json
import math
import sys
import tempfile
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

from benchmarks.processes import cost_of
from benchmarks.server import Api

MAX_RATIO = 1.3  # times the ideal
PINS = 20  # per account
FIRST_REQUESTS, DAILY_REQUESTS = 14, 2  # per account, besides one for the list of accounts


class MeasuredSync(NamedTuple):
    """Requests and duration of one sync."""

    name: str
    accounts: int
    workers: int
    requests: int
    expected: int
    wall: float
    ideal: float
    max_in_a_minute: int


def main() -> None:
    """Print a Markdown table; exit with 1 if a bound does not hold or the number of requests is wrong."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--accounts", type=_integers, default=(60, 600))
    parser.add_argument("--workers", type=_integers, default=(4, 16))
    parser.add_argument("--latency", type=float, default=0.5)
    parser.add_argument(
        "--budget", type=int, default=120, help="requests per minute, tested with a tenth as many accounts"
    )
    options = parser.parse_args()
    with Api(1, 1) as api:
        start = min(run.wall for run in runs(api, 1, 4, 0.0, 0.0))
    print(
        f"Every request takes {options.latency} s. Ideal: the start of a process ({start:.2f} s: a sync of one account"
    )
    print("without latency), the list of accounts, then all other requests, `num_workers` at a time.\n")
    print("| accounts | workers | sync | requests | expected | wall s | ideal s | x ideal |")
    print("|---:|---:|---|---:|---:|---:|---:|---:|")
    holds = True
    for accounts in options.accounts:
        with Api(accounts * PINS, accounts, options.latency) as api:
            for workers in options.workers:
                for run in runs(api, accounts, workers, options.latency, start):
                    ratio = run.wall / run.ideal
                    print(
                        f"| {accounts} | {workers} | {run.name} | {run.requests:,} | {run.expected:,} | {run.wall:.1f} "
                        f"| {run.ideal:.1f} | {ratio:.2f} |",
                        flush=True,
                    )
                    holds &= run.requests == run.expected and (ratio <= MAX_RATIO or accounts != min(options.accounts))
    accounts = max(1, options.budget // 10)
    with Api(accounts * PINS, accounts, 0.02) as api:
        budgeted = runs(api, accounts, 4, 0.02, start, max_requests_per_minute=options.budget)
        first = next(budgeted)
    print(f"\nx ideal, {min(options.accounts)} accounts: bound {MAX_RATIO}")
    print(
        f"{first.requests} requests with a limit of {options.budget} per minute ({first.expected} expected): "
        f"at most {first.max_in_a_minute} started in any 60 s, {first.wall:.0f} s in all"
    )
    holds &= first.requests == first.expected and first.max_in_a_minute <= options.budget
    sys.exit(not holds)


def runs(
    api: Api, accounts: int, workers: int, latency: float, start: float, **settings: int
) -> Iterator[MeasuredSync]:
    """Run and yield a first sync into a new file, then the sync of the next day."""
    with tempfile.TemporaryDirectory() as folder:
        config, database = Path(folder, "config.json"), Path(folder, "history.duckdb")
        config.write_text(json.dumps(api.config(num_workers=workers, **settings)))
        command = [sys.executable, "-m", "oneup_pinterest.cli", "sync", "--config", config, "--database", database]
        for day, (name, per_account) in enumerate((("first", FIRST_REQUESTS), ("daily", DAILY_REQUESTS))):
            clock = {"ONEUP_PINTEREST_NOW": (datetime.now(UTC) + timedelta(days=day)).isoformat()}
            wall = cost_of(command, clock).wall
            starts = sorted(request.started for request in api.logged_requests())
            rounds = 1 + math.ceil(per_account * accounts / workers)
            expected = 1 + per_account * accounts
            yield MeasuredSync(
                name, accounts, workers, len(starts), expected, wall, start + rounds * latency, max_within(starts, 60)
            )


def max_within(moments: Sequence[float], seconds: float) -> int:
    """Return the largest number of sorted moments within any span of that length.

    >>> max_within([0, 1, 59.9, 60, 61], 60)
    3
    """
    maximum = first = 0
    for last, moment in enumerate(moments):
        while moment - moments[first] >= seconds:
            first += 1
        maximum = max(maximum, last - first + 1)
    return maximum


def _integers(text: str) -> tuple[int, ...]:
    return tuple(map(int, text.split(",")))


if __name__ == "__main__":
    main()
