"""Very many accounts: the cost per account must not grow with their number, and no account may be read from its start
again.

python -m benchmarks.accounts [--accounts 1000,3000,12000]
"""

import argparse
import json
import sys
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

import duckdb

from benchmarks.processes import Cost, cost_of
from benchmarks.server import Api

REQUESTS_PER_ACCOUNT = 2  # one overview and one list of posts
TIMES_THREE_BOUND = 3.3  # times the processor time of a third of the accounts


class MeasuredSync(NamedTuple):
    """Requests and cost of one sync."""

    name: str
    accounts: int
    requests: int
    cost: Cost


def main() -> None:
    """Print a Markdown table; exit with 1 if a bound does not hold or the number of requests is wrong."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--accounts", default="1000,3000,12000")
    counts = [int(count) for count in parser.parse_args().accounts.split(",")]
    print("History begins two days before the first sync, so that each sync has one window per account and host.\n")
    print("| accounts | sync | requests | expected | user + system s | ms per account | wall s | peak MB |")
    print("|---:|---|---:|---:|---:|---:|---:|---:|")
    holds, cpu = True, {}
    for accounts in counts:
        for run in runs(accounts):
            expected = 1 + REQUESTS_PER_ACCOUNT * accounts
            print(
                f"| {accounts:,} | {run.name} | {run.requests:,} | {expected:,} | {run.cost.cpu:.1f} "
                f"| {1000 * run.cost.cpu / accounts:.1f} | {run.cost.wall:.1f} | {run.cost.megabytes:.0f} |",
                flush=True,
            )
            holds &= run.requests == expected
            cpu[accounts, run.name] = run.cost.cpu
    print()
    for (accounts, name), seconds in cpu.items():
        if (3 * accounts, name) in cpu:
            ratio = cpu[3 * accounts, name] / seconds
            holds &= ratio <= TIMES_THREE_BOUND
            print(
                f"- {name} sync, {3 * accounts:,} accounts / {accounts:,} accounts = {ratio:.2f} "
                f"(bound {TIMES_THREE_BOUND})"
            )
    sys.exit(not holds)


def runs(accounts: int) -> Iterator[MeasuredSync]:
    """Run and yield a first sync into a new file, then the sync of the next day.

    Raises:
        RuntimeError: A sync failed, or the file does not hold a state for each account.
    """
    now = datetime.now(UTC)
    with Api(accounts, accounts) as api, tempfile.TemporaryDirectory() as folder:
        config, database = Path(folder, "config.json"), Path(folder, "history.duckdb")
        start = (now - timedelta(days=2)).date().isoformat()
        config.write_text(json.dumps(api.config(start_date=start, num_workers=4)))
        command = [sys.executable, "-m", "oneup_pinterest.cli", "sync", "--config", config, "--database", database]
        for day, name in enumerate(("first", "daily")):
            cost = cost_of(command, {"ONEUP_PINTEREST_NOW": (now + timedelta(days=day)).isoformat()})
            yield MeasuredSync(name, accounts, len(api.logged_requests()), cost)
            with duckdb.connect(database, read_only=True) as connection:
                states = (
                    "SELECT DISTINCT json_array_length(state, '$.states') FROM _airbyte_state "
                    "WHERE stream_name != 'accounts'"
                )
                if connection.execute(states).fetchall() != [(accounts,)]:
                    raise RuntimeError(f"not every one of {accounts} accounts has a state in each stream")


if __name__ == "__main__":
    main()
