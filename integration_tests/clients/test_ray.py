"""The recipe for Ray computes the changes of all accounts, also if a worker is killed meanwhile."""

import os
import signal
import subprocess
import time
from contextlib import suppress
from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal

import oneup_pinterest as op
from test_support.history import make_history
from test_support.paths import ROOT

PYTHON = ROOT / ".venv-clients" / "ray" / "bin" / "python"
ACCOUNTS = [f"pin_{number}" for number in range(12)]
TWO_WORKERS = """\
import sys
sys.path.insert(0, sys.argv[1])
import changes_on_ray, ray
ray.init(num_cpus=2, include_dashboard=False)
changes_on_ray.main(*sys.argv[2:])
"""
pytestmark = [
    pytest.mark.clients,
    pytest.mark.skipif(not PYTHON.exists(), reason="Ray is not installed: make test-clients installs it"),
    pytest.mark.skipif(not Path("/proc").is_dir(), reason="processes are found in /proc"),
]


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_history(tmp_path_factory.mktemp("many") / "h.duckdb", ACCOUNTS, days=70, pins=8)


def start(database: Path, output: Path) -> subprocess.Popen[str]:
    """Start the recipe with two Ray workers of its own."""
    return subprocess.Popen(
        [PYTHON, "-c", TWO_WORKERS, ROOT / "docs" / "recipes", database, output],
        env={**os.environ, "RAY_USAGE_STATS_ENABLED": "0"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def busy_workers(driver: int) -> list[int]:
    """Return the processes below the driver that compute a bucket now; Ray names a process after its task."""
    parents, titles = {}, {}
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            parents[int(folder.name)] = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
            titles[int(folder.name)] = (folder / "cmdline").read_bytes().strip(b"\0 ").decode(errors="replace")

    def is_below(process: int) -> bool:
        while process not in (0, driver):
            process = parents.get(process, 0)
        return process == driver

    return [process for process, title in titles.items() if title.startswith("ray::changes") and is_below(process)]


def test_two_workers_compute_what_one_process_does(many: Path, tmp_path: Path) -> None:
    driver = start(many, tmp_path / "changes.parquet")

    output, _ = driver.communicate(timeout=300)

    assert driver.returncode == 0, output
    assert_frame_equal(pl.read_parquet(tmp_path / "changes.parquet"), op.account_changes(many))


def test_killed_worker_changes_nothing(many: Path, tmp_path: Path) -> None:
    driver = start(many, tmp_path / "changes.parquet")
    busy: list[int] = []
    while not busy and driver.poll() is None:
        time.sleep(0.02)
        busy = busy_workers(driver.pid)
    assert busy, "no worker was found at work"
    os.kill(busy[0], signal.SIGKILL)

    output, _ = driver.communicate(timeout=300)

    assert driver.returncode == 0, output
    assert f"Worker PID: {busy[0]}" in output, "Ray did not notice the kill"
    assert_frame_equal(pl.read_parquet(tmp_path / "changes.parquet"), op.account_changes(many))
