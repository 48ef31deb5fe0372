"""Measure the cost of a process: processor and wall seconds and peak memory, as the kernel counts them.

python benchmarks/processes.py OUTPUT COMMAND... runs a command and prints its cost as JSON.
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[1]  # this file also runs as a script, outside its package


class Cost(NamedTuple):
    """Cost of a process and its children: user and system seconds, wall seconds, peak resident megabytes."""

    cpu: float
    wall: float
    megabytes: float


def cost_of(
    command: Sequence[object], environment: Mapping[str, str] | None = None, output: Path | None = None
) -> Cost:
    """Run a command and return its cost; its stdout goes to a file or nowhere.

    A small process starts it, because the kernel counts the memory of the parent as a peak of the child.

    Raises:
        RuntimeError: The command failed.
    """
    measurement = subprocess.run(
        [sys.executable, "-S", __file__, str(output or os.devnull), *map(str, command)],
        stdout=subprocess.PIPE,
        cwd=ROOT,
        env={**os.environ, **(environment or {})},
        check=True,
    )
    status, *cost = json.loads(measurement.stdout)
    if status:
        raise RuntimeError(f"{' '.join(map(str, command))} ended with {status}")
    return Cost(*cost)


def lowest(costs: Sequence[Cost]) -> Cost:
    """Return the minimum of each figure: anything above it was spent on other work."""
    return Cost(*map(min, zip(*costs, strict=True)))


def main() -> None:
    """Print exit status, processor seconds, wall seconds and megabytes."""
    output, *command = sys.argv[1:]
    started = time.perf_counter()
    with Path(output).open("wb") as out:
        process = subprocess.Popen(command, stdout=out, stderr=subprocess.DEVNULL)
        _, status, usage = os.wait4(process.pid, 0)
    wall = time.perf_counter() - started
    kilobytes = usage.ru_maxrss / (1024 if sys.platform == "darwin" else 1)
    cost = usage.ru_utime + usage.ru_stime, wall, kilobytes / 1024
    print(json.dumps([os.waitstatus_to_exitcode(status), *cost]))


if __name__ == "__main__":
    main()
