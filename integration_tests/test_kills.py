"""Syncs that are killed, interrupted or left without a terminal lose nothing, and the next one completes them.

`python -m integration_tests.fault_injection.kills` does the first of these hundreds of times.
"""

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from integration_tests.databases import rows
from integration_tests.fault_injection.kills import loop
from integration_tests.fault_injection.processes import STOPPED, broken_off, served, start
from integration_tests.fault_injection.rows import Damage, damage
from oneup_pinterest.sandbox import Fault
from oneup_pinterest.sync import sync
from test_support.paths import ROOT

pytestmark = pytest.mark.slow


def test_kills_at_random_moments_lose_and_duplicate_nothing(tmp_path: Path) -> None:
    kills = loop(seed=11, kills=3)

    assert [wrong for kill in kills for wrong in kill.wrong] == []
    assert len(kills) == 3
    assert Damage(0, 0, 0) in [kill.damage for kill in kills]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_ends_a_slow_sync_at_once_and_a_second_one_changes_nothing(
    tmp_path: Path, number: signal.Signals
) -> None:
    with served(tmp_path / "place") as sandbox:
        sandbox.inject(Fault("slow", path="posts", times=None, seconds=20))
        database = tmp_path / "history.duckdb"

        ended = broken_off(sandbox, database, tmp_path / "place", number, lambda watch: watch.requests > 30, 0.05)

        assert ended.status == 130
        assert ended.words.count(STOPPED) == 1
        assert "Traceback" not in ended.words
        assert rows(database, "SELECT status FROM _sync_runs") == [("interrupted",)]
        assert sorted(path.name for path in tmp_path.iterdir()) == ["history.duckdb", "place"]
        assert list((tmp_path / "place" / "tmp").iterdir()) == []


def test_a_sync_that_was_told_to_outlive_its_terminal_does(tmp_path: Path) -> None:
    with served(tmp_path / "place") as sandbox:  # which resets signals at its end
        signal.signal(signal.SIGHUP, signal.SIG_IGN)  # as nohup does, and as a child inherits
        database = tmp_path / "history.duckdb"
        ended = broken_off(sandbox, database, tmp_path / "place", signal.SIGHUP, lambda watch: watch.requests > 3)

    assert ended.status == 0
    assert rows(database, "SELECT status FROM _sync_runs") == [("done",)]


def test_a_signal_in_a_finalizer_is_handled_soon_after_without_a_traceback() -> None:
    program = """
import os, signal, weakref
from oneup_pinterest.sync.signals import SignalGuard, interrupt_on_signals

class Thing:
    pass

interrupt_on_signals()
signals, thing = SignalGuard(), Thing()
weakref.finalize(thing, os.kill, os.getpid(), signal.SIGTERM)
with signals.listening():
    del thing
    print("was lost", flush=True)
    try:
        with signals.deferred():
            pass
    except KeyboardInterrupt:
        print("was heard")
"""
    ended = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False)

    assert (ended.stdout, ended.stderr) == ("was lost\nwas heard\n", "")


@pytest.mark.parametrize(
    ("redirected", "status"),
    [(">&- 2>&- <&-", 0), ("2>&1 | head -c 0", 0), ("--json >/dev/full", 1)],
)
def test_a_sync_without_readable_output_loses_nothing(tmp_path: Path, redirected: str, status: int) -> None:
    with served(tmp_path / "place", accounts=2) as sandbox:
        database, config = tmp_path / "history.duckdb", tmp_path / "place" / "config.json"
        line = (
            f"'{sys.executable}' -m oneup_pinterest.cli sync --config '{config}' --database '{database}' {redirected}"
        )

        ended = subprocess.run(["sh", "-c", line], cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)

        sync(sandbox.config(), tmp_path / "untouched.duckdb")
    assert ended.returncode == status
    assert "Traceback" not in ended.stderr
    assert damage(database, tmp_path / "untouched.duckdb") == Damage(0, 0, 0)
    assert rows(database, "SELECT status FROM _sync_runs") == [("done",)]


def test_the_next_sync_removes_what_a_killed_one_left_beside_the_file(tmp_path: Path) -> None:
    with served(tmp_path / "place") as sandbox:
        database = tmp_path / "history.duckdb"
        work = tmp_path / "history.duckdb.syncing"
        process = start(database, tmp_path / "place")
        while not (work.exists() and len(sandbox.requests) > 5) and process.poll() is None:
            time.sleep(0.001)
        process.kill()
        process.communicate()
        assert process.returncode == -signal.SIGKILL
        assert work.exists()

        assert sync(sandbox.config(), database).status == "done"

    assert not work.exists()
