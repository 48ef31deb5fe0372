"""A backup is a complete copy that was read back, or there is no backup and no file."""

import os
import stat
import time
from pathlib import Path
from typing import Any

import duckdb
import pytest

from oneup_pinterest.database import backup
from oneup_pinterest.database.backup import back_up
from oneup_pinterest.database.connection import log_of
from oneup_pinterest.database.load import load_pins
from oneup_pinterest.database.migrations import SCHEMA_VERSION
from oneup_pinterest.errors import UserError
from test_support.built_once import built_once
from test_support.history import as_other_destination, make_history
from test_support.two_tables import copied_as_synced


@built_once
def make_synced(path: Path) -> Path:
    return copied_as_synced(make_history(path.with_name("flat.duckdb"), days=5, pins=3), path)


@pytest.fixture
def database(tmp_path: Path) -> Path:
    (tmp_path / "data").mkdir()
    return make_synced(tmp_path / "data" / "history.duckdb")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "backups"
    path.mkdir()
    return path


@pytest.fixture
def locked(database: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Let every try to open the database fail as if a sync were writing it, without any wait."""
    connect = duckdb.connect

    def refuse(path: Any = ":memory:", *args: Any, **options: Any) -> duckdb.DuckDBPyConnection:
        if path == database:
            raise duckdb.IOException(f'Could not set lock on file "{path}": Conflicting lock is held in x (PID 7)')
        return connect(path, *args, **options)

    monkeypatch.setattr(duckdb, "connect", refuse)
    monkeypatch.setattr(backup, "MAX_SECONDS", 0.0)
    return database


def catalog(path: Path) -> list[Any]:
    with duckdb.connect(path, read_only=True) as connection:
        return connection.sql(
            "SELECT view_name, sql, comment FROM duckdb_views() WHERE NOT internal UNION ALL "
            "SELECT table_name, column_name, comment FROM duckdb_columns() WHERE NOT internal ORDER BY ALL"
        ).fetchall()


def test_a_backup_has_every_table_view_and_comment(database: Path, folder: Path) -> None:
    target = folder / "it's a copy.duckdb"
    rows = back_up(database, target)
    assert rows["_pin_counters"] == load_pins(database).height
    assert rows["_layout"] == 1
    assert load_pins(target).equals(load_pins(database))
    assert catalog(target) == catalog(database)
    assert any(comment for _, _, comment in catalog(target))
    assert list(folder.iterdir()) == [target]


def test_files_of_other_tools_and_rows_outside_main_are_copied(folder: Path, tmp_path: Path) -> None:
    foreign = as_other_destination(make_history(tmp_path / "flat.duckdb", days=5), tmp_path / "foreign.duckdb")
    assert back_up(foreign, folder / "copy.duckdb")["oneup.accounts"] == 2
    assert load_pins(folder / "copy.duckdb").equals(load_pins(foreign))


def test_a_log_that_a_killed_sync_left_becomes_part_of_the_backup(database: Path, folder: Path) -> None:
    with duckdb.connect(database) as connection:
        connection.execute("SET disabled_optimizers = ''; PRAGMA disable_checkpoint_on_shutdown")
        connection.execute("DELETE FROM accounts WHERE username = 'one'")
    assert log_of(database).stat().st_size
    before = {path: path.read_bytes() for path in database.parent.iterdir()}
    assert back_up(database, folder / "copy.duckdb")["accounts"] == 1
    assert list(folder.iterdir()) == [folder / "copy.duckdb"]
    assert {path: path.read_bytes() for path in database.parent.iterdir()} == before


def test_a_backup_has_the_permissions_of_the_database(database: Path, folder: Path) -> None:
    database.chmod(0o640)
    back_up(database, folder / "copy.duckdb")
    assert stat.S_IMODE((folder / "copy.duckdb").stat().st_mode) == 0o640


def test_a_file_that_is_being_written_is_copied_as_committed(locked: Path, folder: Path) -> None:
    assert back_up(locked, folder / "copy.duckdb")["accounts"] == 2
    assert load_pins(folder / "copy.duckdb").height > 0
    assert list(folder.iterdir()) == [folder / "copy.duckdb"]


@pytest.mark.parametrize("change", ["header", "log", "log gone", "other log"])
def test_a_copy_counts_only_if_no_checkpoint_ended_meanwhile(
    locked: Path, folder: Path, monkeypatch: pytest.MonkeyPatch, change: str
) -> None:
    log, write = log_of(locked), backup._write
    log.write_bytes(b"")

    def write_and_change(source: Any, target: Path) -> None:
        write(source, target)
        if target.name != "copy.duckdb":
            log.write_bytes(b"begun")
            target.write_bytes(b"begun" if change != "log" else b"other")
        elif change == "header":
            with locked.open("r+b") as file:
                file.seek(4096 + 8)
                file.write(b"\xff")
        elif change == "log gone":
            log.unlink()
        elif change == "other log":
            log.with_name(f"{log.name}.checkpoint").touch()

    monkeypatch.setattr(backup, "_write", write_and_change)
    with pytest.raises(UserError, match=r"is being written \(process 7\), most likely by a sync: try again"):
        back_up(locked, folder / "copy.duckdb")
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize("name", ["copy.duckdb", "copy.duckdb.wal"])
def test_no_file_is_replaced(database: Path, folder: Path, name: str) -> None:
    (folder / name).write_text("mine")
    with pytest.raises(UserError, match=rf"{name} exists: a backup replaces no file") as error:
        back_up(database, folder / "copy.duckdb")
    assert error.value.exit_status == 2
    assert [(path.name, path.read_text()) for path in folder.iterdir()] == [(name, "mine")]


def test_a_file_that_appears_meanwhile_is_kept(database: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read_back = backup._read_back

    def appear(*arguments: Any) -> Any:
        (folder / "copy.duckdb").write_text("mine")
        return read_back(*arguments)

    monkeypatch.setattr(backup, "_read_back", appear)
    with pytest.raises(UserError, match="exists: a backup replaces no file"):
        back_up(database, folder / "copy.duckdb")
    assert [(path.name, path.read_text()) for path in folder.iterdir()] == [("copy.duckdb", "mine")]


def test_wrong_names_are_usage_errors(database: Path, folder: Path) -> None:
    for source, target, message in (
        (database, folder / "no" / "copy.duckdb", "There is no folder"),
        (database, database, "exists: a backup replaces no file"),
        (database, folder, "exists"),
        (folder, folder / "copy.duckdb", "is a folder: name the DuckDB file"),
        (folder / "none.duckdb", folder / "copy.duckdb", "does not exist: name the DuckDB file"),
        (database, "ducklake:x", "name another file for the backup"),
    ):
        with pytest.raises(UserError, match=message) as error:
            back_up(source, target)
        assert error.value.exit_status == 2
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize("statement", ["DELETE FROM accounts WHERE username = 'one'", "DROP VIEW pins_latest"])
def test_a_copy_that_differs_is_no_backup(
    database: Path, folder: Path, monkeypatch: pytest.MonkeyPatch, statement: str
) -> None:
    merge = backup._merge_log

    def merge_and_change(copy: Path) -> None:
        merge(copy)
        with duckdb.connect(copy) as connection:
            connection.execute(statement)

    monkeypatch.setattr(backup, "_merge_log", merge_and_change)
    with pytest.raises(UserError, match="differs from it, so there is no backup"):
        back_up(database, folder / "copy.duckdb")
    assert list(folder.iterdir()) == []


def test_a_damaged_copy_of_a_file_in_use_is_no_backup(
    locked: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = backup._write

    def write_and_damage(source: Any, target: Path) -> None:
        write(source, target)
        content = bytearray(target.read_bytes())
        for place in range(backup.HEADERS + 100, len(content), 4096):
            content[place] ^= 0xFF
        target.write_bytes(content)

    monkeypatch.setattr(backup, "_write", write_and_damage)
    with pytest.raises(UserError, match=r"^The copy of \S+ cannot be read back \([^\n]+\), so there is no backup"):
        back_up(locked, folder / "copy.duckdb")
    assert list(folder.iterdir()) == []


def test_a_file_of_a_newer_version_is_refused(database: Path, folder: Path) -> None:
    with duckdb.connect(database) as connection:
        connection.execute(f"UPDATE _layout SET version = {SCHEMA_VERSION + 1}")
    with pytest.raises(UserError, match="written by a newer version of this kit"):
        back_up(database, folder / "copy.duckdb")
    assert list(folder.iterdir()) == []


def test_a_full_disk_leaves_nothing(database: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(source: Any, target: Path) -> None:
        target.write_bytes(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(backup, "_write", fail)
    with pytest.raises(
        UserError, match=r"copy\.duckdb cannot be written: No space left on device\. There is no backup"
    ):
        back_up(database, folder / "copy.duckdb")
    assert list(folder.iterdir()) == []


def test_what_a_killed_backup_left_is_removed_a_day_later(database: Path, folder: Path) -> None:
    old, young = folder / f"{backup.WORK_PREFIX}old", folder / f"{backup.WORK_PREFIX}young"
    for left in (old, young):
        left.mkdir()
        (left / "copy.duckdb").touch()
    os.utime(old, (time.time() - 90_000,) * 2)
    back_up(database, folder / "copy.duckdb")
    assert sorted(folder.iterdir()) == sorted([folder / "copy.duckdb", young])
