"""Two processes that use one file at the same time: both work, or one of them reports the conflict."""

import subprocess
import sys
import time
from pathlib import Path

import duckdb
import pytest

from integration_tests.fault_injection.processes import on_day, serve_sandbox, start_sync
from integration_tests.fault_injection.rows import Damage, damage
from integration_tests.fixture_types import FirstSync
from oneup_pinterest.database import connection
from oneup_pinterest.database.load import data_window, load_pins
from oneup_pinterest.database.reader import DataWindow
from oneup_pinterest.errors import UserError
from oneup_pinterest.sandbox import Sandbox
from oneup_pinterest.sync import sync

pytestmark = pytest.mark.slow

HOLD = """
import duckdb, sys, time
connection = duckdb.connect(sys.argv[1], read_only=sys.argv[2] == "read")
print("open", flush=True)
time.sleep(float(sys.argv[3]))
"""


def hold_open(database: Path, how: str, seconds: float) -> subprocess.Popen[str]:
    """Start another process that keeps the file open for some seconds."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(database), how, str(seconds)], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "open\n"
    return process


def test_the_second_of_two_concurrent_first_syncs_waits_or_is_refused(tmp_path: Path) -> None:
    with serve_sandbox(tmp_path / "work", accounts=2) as sandbox:
        sync(sandbox.config(), tmp_path / "reference.duckdb")
        database = tmp_path / "both.duckdb"
        first = start_sync(database, tmp_path / "work")
        time.sleep(0.3)
        second = start_sync(database, tmp_path / "work")
        results = [(process.communicate(timeout=120)[1], process.returncode) for process in (first, second)]

        assert {status for _, status in results} <= {0, 1}
        assert 0 in {status for _, status in results}
        for stderr, status in results:
            assert "Traceback" not in stderr
            assert status == 0 or "is in use by another program" in stderr
        assert damage(database, tmp_path / "reference.duckdb") == Damage(0, 0, 0)
        assert not database.with_name(database.name + ".syncing").exists()


def test_a_sync_waits_for_a_short_reader(sandbox: Sandbox, tmp_path: Path, first_sync: FirstSync) -> None:
    database = tmp_path / "history.duckdb"
    first_sync(database)
    with hold_open(database, "read", 1.5):
        assert sync(sandbox.config(), database).status == "done"


def test_a_reader_waits_for_a_short_writer(
    sandbox: Sandbox, tmp_path: Path, capsys: pytest.CaptureFixture[str], first_sync: FirstSync
) -> None:
    database = tmp_path / "history.duckdb"
    first_sync(database)
    expected = load_pins(database)
    with hold_open(database, "write", 2.5):
        assert load_pins(database).equals(expected)
    assert "in use by another program: waiting" in capsys.readouterr().err


def test_the_error_names_a_process_that_keeps_the_file_open(
    sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, first_sync: FirstSync
) -> None:
    database = tmp_path / "history.duckdb"
    first_sync(database)
    monkeypatch.setattr(connection, "MAX_WAIT", 0.3)
    before = database.read_bytes()
    for how in ("read", "write"):
        with hold_open(database, how, 60) as process:
            with pytest.raises(UserError, match=rf"in use by another program \(process {process.pid}\)"):
                sync(sandbox.config(), database)
            if how == "write":
                with pytest.raises(UserError, match=rf"being written \(process {process.pid}\)"):
                    load_pins(database)
            process.kill()
        assert database.read_bytes() == before


@pytest.mark.parametrize("read_only", [True, False])
def test_the_error_names_a_connection_of_the_same_process(
    sandbox: Sandbox, tmp_path: Path, read_only: bool, first_sync: FirstSync
) -> None:
    database = tmp_path / "history.duckdb"
    first_sync(database)
    with duckdb.connect(str(database), read_only=read_only), pytest.raises(UserError, match="in this very process"):
        sync(sandbox.config(), database)

    assert sync(sandbox.config(), database).status == "done"


def test_a_read_during_a_sync_returns_the_data_before_or_after_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "MAX_WAIT", 0)
    database, seen, errors = tmp_path / "history.duckdb", list[DataWindow](), list[str]()
    with serve_sandbox(tmp_path / "work", accounts=2, latency=0.05) as sandbox:
        sync(sandbox.config(), database)
        complete = [data_window(database)]
        on_day(sandbox, 1)
        process = start_sync(database, tmp_path / "work")
        while process.poll() is None:
            try:
                seen.append(data_window(database))
            except UserError as error:
                errors.append(str(error))
            time.sleep(0.01)
        assert "\ndone: " in process.communicate()[1]
        complete.append(data_window(database))

    assert set(seen) <= set(complete)
    assert seen
    assert errors
    assert all("is being written" in error for error in errors)


def test_concurrent_syncs_into_two_files_work(tmp_path: Path) -> None:
    files = [tmp_path / "a.duckdb", tmp_path / "b.duckdb"]
    with serve_sandbox(tmp_path / "work", accounts=2) as sandbox:
        for process in [start_sync(file, tmp_path / "work") for file in files]:
            process.communicate(timeout=120)
            assert process.returncode == 0
        sync(sandbox.config(), tmp_path / "reference.duckdb")
    assert [damage(file, tmp_path / "reference.duckdb") for file in files] == [Damage(0, 0, 0)] * 2
