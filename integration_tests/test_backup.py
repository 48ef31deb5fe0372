"""A backup beside a process that writes the database is what was committed at one moment, or it is no file."""

import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import duckdb
import pytest

from integration_tests.databases import rows
from integration_tests.fault_injection.processes import on_day, serve_sandbox, start_sync
from integration_tests.fault_injection.rows import Damage, damage
from oneup_pinterest.database.backup import back_up
from oneup_pinterest.database.load import data_window, load_pins
from oneup_pinterest.database.reader import DataWindow
from oneup_pinterest.sync import sync
from test_support.history import make_history
from test_support.old_duckdb import WITH_OLD_DUCKDB, requires_old_duckdb
from test_support.paths import ROOT
from tools.released import build, fixtures

pytestmark = pytest.mark.slow

# Each transaction replaces the same rows in two tables and logs its number. Checkpoints come often.
WRITER = """
import duckdb, random, sys, time

rng = random.Random(sys.argv[2])
connection = duckdb.connect(sys.argv[1])
connection.execute("SET memory_limit = '64MB'; SET checkpoint_threshold = '1MB'")
for number in range(1, 1000):
    first, count = rng.randrange(200_000), rng.choice([100, 5_000, 50_000])
    connection.execute("BEGIN")
    for table in ("one", "two"):
        connection.execute(f"DELETE FROM {table} WHERE id BETWEEN {first} AND {first + count}")
        source = f"range({first}, {first + count}) r(id)"
        connection.execute(f"INSERT INTO {table} SELECT id, hash(id + {number}) FROM {source}")
    connection.execute(f"INSERT INTO done VALUES ({number})")
    connection.execute(rng.choice(["COMMIT"] * 9 + ["ROLLBACK"]))
    print(number, flush=True)
    time.sleep(rng.random() * 0.05)
"""
BACKUPS = """
import sys
from oneup_pinterest.database.backup import back_up
for number in range(1000):
    back_up(sys.argv[1], f"{sys.argv[2]}/{number}.duckdb")
    print(number, flush=True)
"""


def start(code: str, *arguments: object) -> subprocess.Popen[str]:
    """Start a Python process and wait until it has printed a line."""
    process = subprocess.Popen(
        [sys.executable, "-c", code, *map(str, arguments)], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline()
    return process


def test_a_sync_continues_each_backup_that_was_made_while_another_ran(tmp_path: Path) -> None:
    database, seen = tmp_path / "history.duckdb", dict[DataWindow, Path]()
    with serve_sandbox(tmp_path / "work", accounts=2, latency=0.05) as sandbox:
        sync(sandbox.config(), database)
        on_day(sandbox, 1)
        process, count = start_sync(database, tmp_path / "work"), 0
        while process.poll() is None:
            target = tmp_path / f"{count}.duckdb"
            back_up(database, target)
            seen[data_window(target)] = target  # a sync commits a part at a time
            count += 1
        _, stderr = process.communicate()

        assert process.returncode == 0, stderr
        assert count > 3
        for copy in seen.values():
            assert sync(sandbox.config(), copy).status == "done"
            assert damage(copy, database) == Damage(0, 0, 0)


def test_backups_beside_a_busy_writer_are_consistent(tmp_path: Path) -> None:
    database = tmp_path / "busy.duckdb"
    with duckdb.connect(database) as connection:
        connection.execute("CREATE TABLE one (id BIGINT, value UBIGINT); CREATE TABLE two (id BIGINT, value UBIGINT)")
        connection.execute("CREATE TABLE done (number BIGINT)")
    process = start(WRITER, database, 5)
    assert process.stdout is not None
    try:
        for number in range(15):
            ended = int(process.stdout.readline())
            target = tmp_path / f"{number}.duckdb"
            back_up(database, target)
            assert rows(target, "SELECT id, value FROM one EXCEPT ALL FROM two") == []
            assert rows(target, "SELECT id, value FROM two EXCEPT ALL FROM one") == []
            (newest,), *_ = rows(target, "SELECT coalesce(max(number), 0) FROM done")
            assert newest >= ended - 3, "a rollback leaves no number; three in a row are improbable"
            assert process.poll() is None
            target.unlink()
    finally:
        process.kill()
        process.communicate()


def test_a_killed_backup_leaves_no_file_under_its_name(tmp_path: Path) -> None:
    database = make_history(tmp_path / "history.duckdb")
    pins, rng = load_pins(database), random.Random(3)
    for kill in range(4):
        folder = tmp_path / f"backups {kill}"
        folder.mkdir()
        process = start(BACKUPS, database, folder)
        time.sleep(rng.random() * 0.3)
        process.send_signal(signal.SIGKILL)
        process.communicate()
        backups = sorted(folder.glob("*.duckdb"))
        assert backups
        for path in backups:
            assert load_pins(path).equals(pins)
        assert not list(folder.glob("*.wal"))


@pytest.mark.parametrize("fixture", fixtures(), ids=lambda path: path.stem)
def test_a_released_database_is_backed_up_unchanged(tmp_path: Path, fixture: Path) -> None:
    database, target = tmp_path / "released.duckdb", tmp_path / "copy.duckdb"
    build(fixture, database)
    copied = back_up(database, target)
    assert copied["accounts"] > 0
    assert rows(target, "FROM _layout") == rows(database, "FROM _layout")
    assert load_pins(target).equals(load_pins(database))


@requires_old_duckdb
def test_an_older_duckdb_reads_a_backup_with_a_log(tmp_path: Path) -> None:
    with serve_sandbox(tmp_path / "work", accounts=1) as sandbox:
        database = tmp_path / "history.duckdb"
        sync(sandbox.config(), database)
    with duckdb.connect(database) as connection:
        connection.execute("PRAGMA disable_checkpoint_on_shutdown")
        connection.execute("UPDATE accounts SET full_name = 'in the log'")
    back_up(database, tmp_path / "copy.duckdb")
    code = "import duckdb, sys; print(duckdb.connect(sys.argv[1], read_only=True).sql('FROM accounts').fetchall())"
    command = [sys.executable, "-c", code, tmp_path / "copy.duckdb"]
    done = subprocess.run(command, env=WITH_OLD_DUCKDB, capture_output=True, text=True, check=True)
    assert "in the log" in done.stdout
