"""How long the bar of a first sync of many accounts stands still.

python -m benchmarks.progress [--accounts 500] [--latency 0.3] [--days 28]
"""

import argparse
import itertools
import json
import os
import pty
import re
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from benchmarks.speed import verdict
from oneup_pinterest.sandbox.server import Sandbox

MAX_PAUSE = 1.0  # seconds
SHOWN = re.compile(r"(?:newest|all) figures of[^\r\n]*")  # the line with the bar, without the spinner


def main() -> None:
    """Print the time of the sync and the longest pauses; exit with 1 if the bound does not hold."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--accounts", type=int, default=500)
    parser.add_argument("--latency", type=float, default=0.3, help="of each response, seconds")
    parser.add_argument("--days", type=int, default=28, help="of history")
    options = parser.parse_args()
    with Sandbox(accounts=options.accounts, latency=options.latency) as sandbox, tempfile.TemporaryDirectory() as name:
        config = Path(name) / "config.json"
        start = datetime.now(UTC).date() - timedelta(days=options.days)
        extra = {"start_date": str(start), "num_workers": 16, "max_requests_per_minute": 100_000}
        config.write_text(json.dumps(sandbox.config() | extra))
        config.chmod(0o600)
        command = ["sync", "--config", str(config), "--database", str(Path(name) / "history.duckdb")]
        seen, status = watched([sys.executable, "-m", "oneup_pinterest.cli", *command])
    if status or not seen:
        sys.exit(f"the sync ended with {status}")
    moments = [moment for moment, _ in seen]
    changes = [moment for (moment, text), (_, before) in zip(seen[1:], seen, strict=False) if text != before]
    print(f"{options.accounts} accounts, {options.latency} s a response: {moments[-1]:.0f} s\n")
    drawn, moved = longest(moments), longest(changes)
    holds = [
        verdict("longest time without a new picture of the bar, s", drawn, MAX_PAUSE),
        verdict("longest time with the same figures in it, s", moved, MAX_PAUSE),
    ]
    sys.exit(0 if all(holds) else 1)


def watched(command: list[str]) -> tuple[list[tuple[float, str]], int]:
    """Run a command in a terminal; return when (seconds) it showed the bar with which figures, and its exit status."""
    started = time.monotonic()
    process, terminal = pty.fork()
    if process == 0:
        os.execve(command[0], command, os.environ | {"COLUMNS": "120"})
    seen = []
    while True:
        try:
            part = os.read(terminal, 65_536).decode(errors="replace")
        except OSError:  # the process has ended
            break
        seen += [(time.monotonic() - started, match[0]) for match in SHOWN.finditer(part)]
    _, status = os.waitpid(process, 0)
    return seen, os.waitstatus_to_exitcode(status)


def longest(moments: list[float]) -> float:
    """Return the longest time between two moments."""
    return max((after - before for before, after in itertools.pairwise(moments)), default=0.0)


if __name__ == "__main__":
    main()
