"""What a process costs: its processor and wall seconds and its peak memory, as the kernel counts them."""

import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]


class Cost(NamedTuple):
    """Of a process with those that it waited for: user and system seconds, wall seconds, peak resident megabytes."""

    cpu: float
    wall: float
    megabytes: float


def cost_of(
    command: Sequence[object], environment: Mapping[str, str] | None = None, output: Path | None = None
) -> Cost:
    """Runs a command to its end; its stdout goes to a file or nowhere.

    Raises:
        RuntimeError: it failed.
    """
    started = time.perf_counter()
    with (output or Path(os.devnull)).open("wb") as out:
        process = subprocess.Popen(
            list(map(str, command)),
            stdout=out,
            stderr=subprocess.DEVNULL,
            cwd=ROOT,
            env={**os.environ, **(environment or {})},
        )
        _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"{' '.join(map(str, command))} ended with {process.returncode}")
    kilobytes = usage.ru_maxrss / (1024 if sys.platform == "darwin" else 1)
    return Cost(usage.ru_utime + usage.ru_stime, time.perf_counter() - started, kilobytes / 1024)


def lowest(costs: Sequence[Cost]) -> Cost:
    """The least of each figure: what is above it was done for others."""
    return Cost(*map(min, zip(*costs, strict=True)))
