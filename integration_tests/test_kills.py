"""A sync that is killed, interrupted or left without a terminal loses nothing, and the next sync completes it.

`python -m integration_tests.fault_injection.kills` kills hundreds of syncs.
"""

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from integration_tests.databases import rows
from integration_tests.fault_injection.kills import run_kills
from integration_tests.fault_injection.processes import STOPPED, run_interrupted_sync, serve_sandbox, start_sync
from integration_tests.fault_injection.rows import Damage, damage
from integration_tests.fixture_types import FirstSync
from oneup_pinterest.sandbox import Fault
from oneup_pinterest.sync import sync
from test_support.paths import ROOT

pytestmark = pytest.mark.slow


def test_random_kills_lose_and_duplicate_no_row(tmp_path: Path) -> None:
    kills = run_kills(seed=11, kills=3)

    assert [problem for kill in kills for problem in kill.problems] == []
    assert len(kills) == 3
    assert Damage(0, 0, 0) in [kill.damage for kill in kills]


@pytest.mark.parametrize(
    "signal_number",  # SIGINT: see test_sync.py
    [signal.SIGTERM, pytest.param(signal.SIGINT, marks=pytest.mark.nightly), signal.SIGHUP],
)
def test_a_signal_ends_a_slow_sync_at_once_and_a_second_signal_is_ignored(
    tmp_path: Path, signal_number: signal.Signals
) -> None:
    with serve_sandbox(tmp_path / "work") as sandbox:
        sandbox.inject(Fault("slow", path="posts", times=None, seconds=20))
        database = tmp_path / "history.duckdb"

        ended = run_interrupted_sync(
            sandbox, database, tmp_path / "work", signal_number, lambda watch: watch.requests > 3, 0.05
        )

        assert ended.status == 130
        assert ended.stderr.count(STOPPED) == 1
        assert "Traceback" not in ended.stderr
        assert rows(database, "SELECT status FROM _sync_runs") == [("interrupted",)]
        assert sorted(path.name for path in tmp_path.iterdir()) == ["history.duckdb", "work"]
        assert list((tmp_path / "work" / "tmp").iterdir()) == []


def test_a_sync_under_nohup_outlives_its_terminal(tmp_path: Path) -> None:
    with serve_sandbox(tmp_path / "work") as sandbox:  # which restores the handlers afterwards
        signal.signal(signal.SIGHUP, signal.SIG_IGN)  # as nohup does; child processes inherit it
        database = tmp_path / "history.duckdb"
        ended = run_interrupted_sync(
            sandbox, database, tmp_path / "work", signal.SIGHUP, lambda watch: watch.requests > 3
        )

    assert ended.status == 0
    assert rows(database, "SELECT status FROM _sync_runs") == [("done",)]


def test_a_signal_in_a_finalizer_is_handled_later_without_a_traceback() -> None:
    program = """
import os, signal, weakref
from oneup_pinterest.sync.signals import SignalGuard, interrupt_on_signals

class Finalized:
    pass

interrupt_on_signals()
signals, finalized = SignalGuard(), Finalized()
weakref.finalize(finalized, os.kill, os.getpid(), signal.SIGTERM)
with signals.listening():
    del finalized
    print("ignored in the finalizer", flush=True)
    try:
        with signals.deferred():
            pass
    except KeyboardInterrupt:
        print("handled later")
"""
    ended = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False)

    assert (ended.stdout, ended.stderr) == ("ignored in the finalizer\nhandled later\n", "")


@pytest.mark.parametrize(
    ("redirected", "status"),
    [(">&- 2>&- <&-", 0), ("2>&1 | head -c 0", 0), ("--json >/dev/full", 1)],
)
def test_a_sync_without_readable_output_loses_nothing(
    tmp_path: Path, first_sync: FirstSync, redirected: str, status: int
) -> None:
    first_sync(tmp_path / "reference.duckdb", start_date="2026-05-01")
    with serve_sandbox(tmp_path / "work", latency=0) as sandbox:
        database, config = tmp_path / "history.duckdb", tmp_path / "work" / "config.json"
        config.write_text(json.dumps({**sandbox.config(), "start_date": "2026-05-01"}))
        line = (
            f"'{sys.executable}' -m oneup_pinterest.cli sync --config '{config}' --database '{database}' {redirected}"
        )

        ended = subprocess.run(["sh", "-c", line], cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)

    assert ended.returncode == status
    assert "Traceback" not in ended.stderr
    assert damage(database, tmp_path / "reference.duckdb") == Damage(0, 0, 0)
    assert rows(database, "SELECT status FROM _sync_runs") == [("done",)]


def test_the_next_sync_removes_the_work_folder_of_a_killed_sync(tmp_path: Path) -> None:
    with serve_sandbox(tmp_path / "work") as sandbox:
        database = tmp_path / "history.duckdb"
        work = tmp_path / "history.duckdb.syncing"
        process = start_sync(database, tmp_path / "work")
        while not (work.exists() and len(sandbox.requests) > 5) and process.poll() is None:
            time.sleep(0.001)
        process.kill()
        process.communicate()
        assert process.returncode == -signal.SIGKILL
        assert work.exists()

        assert sync(sandbox.config(), database).status == "done"

    assert not work.exists()
