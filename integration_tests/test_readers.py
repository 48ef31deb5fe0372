"""Readers of a database that other processes read, write or left behind."""

import subprocess
import sys
from pathlib import Path

import duckdb
import polars as pl
import pytest

from oneup_pinterest import notebooks
from oneup_pinterest.database import connection, load
from oneup_pinterest.errors import UserError
from test_support.history import make_history
from test_support.paths import ROOT


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_history(tmp_path_factory.mktemp("readers") / "history.duckdb", days=3, pins=4)


def test_several_processes_read_one_database_at_once(database: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(notebooks.DATABASE_VARIABLE, str(database))
    code = (
        "import sys; from oneup_pinterest.database.reader import open_history\n"
        "with open_history(sys.argv[1]): print(); input()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, str(database)], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as another:
        assert another.stdout is not None
        assert another.stdout.readline() == b"\n"
        assert notebooks.start()[1] == "pin_one"
        assert another.poll() is None, "the other process must still read"
        another.communicate(b"\n", timeout=30)
    assert another.returncode == 0


def test_readers_report_a_file_that_is_being_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "MAX_WAIT", 0.2)
    path = make_history(tmp_path / "history.duckdb", days=1, pins=1)
    writer = f"import duckdb; c = duckdb.connect({str(path)!r}); print('open', flush=True); input()"
    with subprocess.Popen(
        [sys.executable, "-c", writer], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "open\n"
        with pytest.raises(UserError, match="is being written"):
            load.load_pins(path)
        process.communicate("\n")
    with duckdb.connect(path), pytest.raises(UserError, match="is being written"):
        load.load_pins(path)


def test_a_process_that_loaded_frames_prints_nothing_at_its_end(database: Path) -> None:
    code = f"from oneup_pinterest.database.load import load_pins; load_pins({str(database)!r})"
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ended.stderr == ""


def test_the_wal_of_a_killed_writer_is_read_too(tmp_path: Path) -> None:
    path = tmp_path / "history.duckdb"
    code = (
        f"import duckdb, os; c = duckdb.connect({str(path)!r}); "
        "c.execute(\"CREATE TABLE accounts AS SELECT 'pin_a' AS social_network_id\"); os._exit(1)"
    )
    subprocess.run([sys.executable, "-c", code], check=False)
    assert path.with_name(path.name + ".wal").exists()
    assert load.load_accounts(path).select("social_network_id").equals(pl.DataFrame({"social_network_id": ["pin_a"]}))
