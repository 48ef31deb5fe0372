"""A database may have any name that DuckDB supports; other names are rejected before a file is created."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from integration_tests.databases import rows
from integration_tests.fault_injection.processes import serve_sandbox, start_sync
from integration_tests.fault_injection.rows import Damage, damage
from integration_tests.in_process import run_command
from oneup_pinterest.database.connection import log_of
from oneup_pinterest.database.export import export_parquet
from oneup_pinterest.database.load import load_account_followers
from oneup_pinterest.errors import UserError
from oneup_pinterest.quality.status import read_status
from oneup_pinterest.report import write_report
from oneup_pinterest.sandbox import Sandbox
from oneup_pinterest.sync import sync
from test_support.old_duckdb import WITH_OLD_DUCKDB, requires_old_duckdb

pytestmark = pytest.mark.slow

NAMES = [
    *("md:foo", "motherduck:x", "sqlite:foo", "postgres:x", "s3:x", "s3:/bucket/x.duckdb", "http:x", "file:x"),
    *(":memory:", "memory", "temp", "system", "-x", "wh?at.duckdb", "?", "a*[b]{c}%41'\".duckdb", " a\nb ", "ü.duckdb"),
]
# a prefix, the name of no file, what ends a URL's path, and every wildcard and quote; `make nightly` tries the others
IN_SLOW_TESTS = ("md:foo", ":memory:", "wh?at.duckdb", "a*[b]{c}%41'\".duckdb")
INVALID_NAMES = {
    "": "is empty",
    "here/": "is the name of a folder",
    ".": "is the name of a folder",
    "here/..": "is the name of a folder",
    "what?dir/x.duckdb": "a folder with a question mark",
    "back\\slash.duckdb": "a backslash",
    "nul\0.duckdb": "a NUL character",
    "odd\udcff.duckdb": "is not UTF-8",
}
FEW_STREAMS = ("accounts", "account_followers")


@pytest.mark.parametrize(
    "name", [name if name in IN_SLOW_TESTS else pytest.param(name, marks=pytest.mark.nightly) for name in NAMES]
)
def test_every_reader_opens_a_database_of_any_valid_name(
    sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    (tmp_path / "here" / name).parent.mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "here")

    first, second = sync(sandbox.config(), name, FEW_STREAMS), sync(sandbox.config(), name, FEW_STREAMS)

    assert (first.status, first.streams["account_followers"]["rows"]) == ("done", 3)
    assert (second.status, second.streams["account_followers"]["rows"]) == ("done", 0)
    assert read_status(name)["streams"]["accounts"]["rows"] == 3
    assert load_account_followers(name).height == 3
    assert export_parquet(name, tmp_path / "export")["accounts"] == 3
    assert write_report(name, tmp_path / "report.html").exists()
    assert rows((tmp_path / "here" / name).absolute(), "SELECT count(*) FROM account_followers") == [(3,)]
    assert [path for path in Path().rglob("*") if path.is_file()] == [Path(name)]


@pytest.mark.parametrize("name", INVALID_NAMES)
def test_an_invalid_name_is_rejected_before_any_file_is_created(
    sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    (tmp_path / "here").mkdir()
    (tmp_path / "what?dir").mkdir()
    monkeypatch.chdir(tmp_path)
    before = sorted(tmp_path.rglob("*"))
    for action in (lambda: sync(sandbox.config(), name), lambda: read_status(name)):
        with pytest.raises(UserError, match=INVALID_NAMES[name]) as refused:
            action()
        assert refused.value.exit_status == 2
    assert sorted(tmp_path.rglob("*")) == before


def test_parent_folders_and_targets_of_links_are_checked_too(
    sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "what?dir").mkdir()
    (tmp_path / "link.duckdb").symlink_to(tmp_path / "what?dir" / "x.duckdb")
    for name in (tmp_path / "link.duckdb", Path("x.duckdb")):
        monkeypatch.chdir(tmp_path / "what?dir")
        with pytest.raises(UserError, match="a folder with a question mark"):
            sync(sandbox.config(), name)
    assert list((tmp_path / "what?dir").iterdir()) == []


@pytest.mark.parametrize("command", ["sync", "status", "report", "export", "notebooks", "demo"])
def test_every_command_rejects_an_invalid_name_in_one_sentence(tmp_path: Path, command: str) -> None:
    for name in ("", f"{tmp_path}/what?dir/x.duckdb"):
        ended = run_command(command, "--database", name)
        assert (ended.returncode, ended.stdout) == (2, "")
        assert len(ended.stderr.splitlines()) == 1
        assert ended.stderr.endswith("name another file with --database.\n")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "name",
    ["a?b=c?d", *(pytest.param(name, marks=pytest.mark.nightly) for name in ("wh?at.duckdb", ":memory:"))],
)
def test_a_killed_sync_is_recovered_under_any_name(tmp_path: Path, name: str) -> None:
    streams = ("account_followers", "overview_metrics", "pins")
    with serve_sandbox(tmp_path / "work") as sandbox:
        database = tmp_path / "data" / name
        database.parent.mkdir()
        process = start_sync(database, tmp_path / "work", "--streams", ",".join(streams))
        while not (log_of(database).exists() and len(sandbox.requests) > 10) and process.poll() is None:
            time.sleep(0.001)
        process.kill()
        process.communicate()
        assert process.returncode == -signal.SIGKILL
        assert log_of(database).stat().st_size > 0

        assert sync(sandbox.config(), database, streams).status == "done"

        sync(sandbox.config(), tmp_path / "reference.duckdb", streams)
    assert rows(database, "SELECT status FROM _sync_runs ORDER BY started_at") == [("interrupted",), ("done",)]
    assert damage(database, tmp_path / "reference.duckdb") == Damage(0, 0, 0)
    assert list(database.parent.iterdir()) == [database]


@requires_old_duckdb
def test_duckdb_1_5_creates_files_of_these_names_too(tmp_path: Path) -> None:
    program = (
        "import os, sys; from oneup_pinterest.sync.writer import DatabaseWriter\n"
        "import duckdb; assert duckdb.__version__.startswith('1.5.')\n"
        "from pathlib import Path\n"
        "for name in sys.argv[1:]:\n"
        "    Path(name).parent.mkdir(parents=True, exist_ok=True)\n"
        "    for _ in range(2):\n"
        "        with DatabaseWriter(name) as writer:\n"
        "            writer.prepare({}); writer.start_run()\n"
        "    with duckdb.connect(os.path.abspath(name)) as connection:\n"
        "        assert connection.execute('SELECT count(*) FROM _sync_runs').fetchone() == (2,), name\n"
    )
    ended = subprocess.run(
        [sys.executable, "-c", program, *NAMES],
        env={**os.environ, **WITH_OLD_DUCKDB},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    assert {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file()} == set(NAMES)


def test_a_new_file_is_announced_with_its_absolute_path(
    sandbox: Sandbox, config_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    arguments = ("sync", "--config", config_file, "--streams", "accounts", "--json", "--database", "h.duckdb")
    first, second = run_command(*arguments), run_command(*arguments)
    named = f"database: {tmp_path / 'h.duckdb'}"
    new = f"{named} (new; if your history is in another file, name it with --database)"
    for ended, line in ((first, new), (second, named)):
        assert line in ended.stderr.splitlines()
        assert "h.duckdb" not in ended.stdout
        assert set(json.loads(ended.stdout)) == {
            *("status", "streams", "skipped_accounts", "duration_seconds", "requests", "warnings", "error")
        }


def work_folder(database: Path) -> Path:
    return database.with_name(database.name + ".syncing")


@pytest.mark.parametrize("is_new", [True, False])
def test_a_file_in_place_of_the_work_folder_is_reported_with_a_remedy(
    sandbox: Sandbox, database: Path, is_new: bool
) -> None:
    if not is_new:
        sync(sandbox.config(), database, FEW_STREAMS)
    work_folder(database).write_text("mine")
    with pytest.raises(UserError) as error:
        sync(sandbox.config(), database, FEW_STREAMS)
    assert str(error.value) == (
        f"{work_folder(database)} is not a folder, but a sync needs a folder of that name for its temporary files. "
        "Move the file away, then sync again."
    )
    assert work_folder(database).read_text() == "mine"
    assert database.exists() != is_new

    work_folder(database).unlink()
    assert sync(sandbox.config(), database, FEW_STREAMS).status == "done"


@pytest.mark.parametrize("is_new", [True, False])
def test_a_work_folder_of_another_user_is_reported_with_a_remedy(
    sandbox: Sandbox, database: Path, monkeypatch: pytest.MonkeyPatch, is_new: bool
) -> None:
    if not is_new:
        sync(sandbox.config(), database, FEW_STREAMS)
    work_folder(database).mkdir()
    (work_folder(database) / "notes.txt").write_text("theirs")
    monkeypatch.setattr(
        os, "access", lambda path, mode: Path(path) != work_folder(database)
    )  # as root, every access is allowed
    with pytest.raises(UserError) as error:
        sync(sandbox.config(), database, FEW_STREAMS)
    assert str(error.value) == (
        f"You have no permission to write to {work_folder(database)}; another user's sync may have left it. "
        "Remove the folder or change its permissions, then sync again."
    )
    assert (work_folder(database) / "notes.txt").read_text() == "theirs"
    assert database.exists() != is_new


def test_only_our_own_files_in_the_work_folder_are_removed(sandbox: Sandbox, database: Path) -> None:
    folder = work_folder(database)
    (folder / "duckdb_temp_mine").mkdir(parents=True)
    kept = {"notes.txt", "history.duckdb", "f" * 31 + ".duckdb", "batch.parquet.old", "duckdb_temp_mine"}
    ours = {"f" * 32 + ".duckdb", "f" * 32 + ".duckdb.wal", "batch.parquet", "duckdb_temp_storage_DEFAULT-0.tmp"}
    for name in (kept | ours) - {"duckdb_temp_mine"}:
        (folder / name).write_text("some")

    assert sync(sandbox.config(), database, FEW_STREAMS).status == "done"

    assert {path.name for path in folder.iterdir()} == kept
    for path in list(folder.iterdir()):
        path.rmdir() if path.is_dir() else path.unlink()
    assert sync(sandbox.config(), database, FEW_STREAMS).status == "done"
    assert not folder.exists()


def test_a_link_in_place_of_the_work_folder_is_followed_and_kept(
    sandbox: Sandbox, database: Path, tmp_path: Path
) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "batch.parquet").write_text("mine")
    work_folder(database).symlink_to(tmp_path / "elsewhere")

    assert sync(sandbox.config(), database, FEW_STREAMS).status == "done"

    assert work_folder(database).is_symlink()
    assert [path.name for path in (tmp_path / "elsewhere").iterdir()] == ["batch.parquet"]
