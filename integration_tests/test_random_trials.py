"""The random trials at full length: every fault, 200 kills, full disks and 10,000 hostile responses."""

import os
import subprocess
import sys

import pytest

from test_support.paths import ROOT

pytestmark = pytest.mark.nightly

SEED = os.environ.get("ONEUP_PINTEREST_SEED", "1")  # `make nightly SEED=N` repeats the run of a night


@pytest.mark.parametrize("trial", ["faults", "kills", "disks", "hostile"])
def test_random_trials_break_no_promise(trial: str) -> None:
    command = [sys.executable, "-m", f"integration_tests.fault_injection.{trial}", "--seed", SEED]

    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)

    assert ended.returncode == 0, f"seed {SEED}\n{ended.stdout[-5000:]}\n{ended.stderr[-2000:]}"
