"""No space, no permission, no database: one sentence with the path and a remedy, and an unchanged file.

`python -m integration_tests.fault_injection.disks` tests random sizes, on real small disks too.
"""

import os
import random
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from integration_tests.fault_injection.damaged_files import damaged_files, fingerprint, with_storage_version
from integration_tests.fault_injection.disks import PLACES, Disks
from integration_tests.fault_injection.processes import serve_sandbox
from integration_tests.fixture_types import FirstSync
from oneup_pinterest.database.export import export_parquet
from oneup_pinterest.database.reader import open_history
from oneup_pinterest.errors import UserError
from oneup_pinterest.quality.status import read_status
from oneup_pinterest.report import write_report
from oneup_pinterest.sandbox import Sandbox
from oneup_pinterest.sync import sync
from test_support.old_duckdb import OLD_DUCKDB, requires_old_duckdb
from test_support.paths import ROOT

pytestmark = pytest.mark.slow

NOBODY = 65534
READERS: list[Callable[[Path, Path], object]] = [
    lambda database, folder: read_status(database),
    lambda database, folder: write_report(database, folder / "report.html"),
    lambda database, folder: export_parquet(database, folder / "export"),
]


def test_commands_without_disk_space_or_a_database_report_it_and_lose_nothing(tmp_path: Path) -> None:
    with serve_sandbox(tmp_path / "work", latency=0) as sandbox:
        disks, rng = Disks(sandbox, tmp_path / "work"), random.Random(8)
        found = [disks.sync_without_room(rng, PLACES[0], sync_type) for sync_type in ("first", "daily")]
        found += [disks.write_without_room(rng, name) for name in ("report", "export")]
        found.append(next(disks.run_on_damaged_files(rng)))  # as a process; the next test runs all in this one

    assert [finding.problems for finding in found] == [[]] * len(found)
    assert 1 in [finding.status for finding in found[:2]]


def test_every_command_reports_a_damaged_file_and_leaves_it_unchanged(
    sandbox: Sandbox, tmp_path: Path, first_sync: FirstSync
) -> None:
    first_sync(tmp_path / "good.duckdb")
    good = (tmp_path / "good.duckdb").read_bytes()
    for damaged in damaged_files(random.Random(5)):
        folder = tmp_path / damaged.name
        folder.mkdir()
        database = folder / "history.duckdb"
        damaged.make(database, good)
        before = fingerprint(folder)

        with pytest.raises(UserError, match=damaged.message) as of_sync:
            sync(sandbox.config(), database)
        assert of_sync.value.exit_status == damaged.status
        for read in READERS:
            with pytest.raises(UserError, match=damaged.reader_message or damaged.message) as of_reader:
                read(database, tmp_path)
            assert of_reader.value.exit_status == damaged.status
            assert str(database) in str(of_reader.value)
            assert "\n" not in str(of_reader.value)

        assert fingerprint(folder) == before


def test_a_link_to_a_database_is_followed(sandbox: Sandbox, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    database, link = tmp_path / "elsewhere" / "history.duckdb", tmp_path / "link.duckdb"
    link.symlink_to(database)

    assert sync(sandbox.config(), link).status == "done"

    assert link.is_symlink()
    assert sorted(path.name for path in database.parent.iterdir()) == ["history.duckdb"]
    assert read_status(database)["streams"]["accounts"]["rows"] == 3


@requires_old_duckdb
def test_an_older_duckdb_reports_that_the_file_needs_a_newer_one(
    sandbox: Sandbox, tmp_path: Path, first_sync: FirstSync
) -> None:
    database = tmp_path / "history.duckdb"
    first_sync(database)
    database.write_bytes(with_storage_version(database.read_bytes(), 69))
    with open_history(database) as history:  # which the newer DuckDB can read
        assert history.sql("SELECT count(*) FROM accounts").fetchall() == [(3,)]

    ended = subprocess.run(
        [sys.executable, "-m", "oneup_pinterest.cli", "status", "--database", database],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(OLD_DUCKDB)},
        capture_output=True,
        text=True,
        check=False,
    )

    assert ended.returncode == 1
    assert f"{database} was written by a DuckDB newer than 1.5" in ended.stderr
    assert ended.stderr.count("\n") == 1


@pytest.mark.parametrize(("folder_mode", "file_mode"), [(0o755, 0o444), (0o555, 0o644), (0o555, None), (0o755, 0o000)])
def test_a_read_only_file_or_folder_is_reported_and_unchanged(
    sandbox: Sandbox, tmp_path: Path, folder_mode: int, file_mode: int | None, first_sync: FirstSync
) -> None:
    """Run in a process that is not root, because root may write anywhere."""
    folder = tmp_path / "folder"
    folder.mkdir()
    database = folder / "history.duckdb"
    if file_mode is not None:
        first_sync(database)
    is_root = os.geteuid() == 0
    if is_root:
        for path in (folder, *folder.iterdir()):
            os.chown(path, NOBODY, NOBODY)
    before = fingerprint(folder)
    code = (  # what a sync does with its file; nothing is imported after the permissions are dropped
        "import os, sys; from pathlib import Path\n"
        "from oneup_pinterest.sync.states import stored_states\n"
        "from oneup_pinterest.sync.writer import DatabaseWriter\n"
        "from oneup_pinterest.errors import UserError\n"
        "from oneup_pinterest.database.connection import explain_database_errors\n"
        f"path = Path({str(database)!r}); os.umask(0o22)\n"
        f"if os.geteuid() == 0: os.setuid({NOBODY})\n"
        "try:\n"
        "    stored_states(path)\n"
        "    with explain_database_errors(path, to_write=True), DatabaseWriter(path) as writer:\n"
        "        writer.prepare({}); writer.start_run()\n"
        "except UserError as error: sys.exit(str(error))\n"
    )
    if file_mode is not None:
        database.chmod(file_mode)
    folder.chmod(folder_mode)
    for above in (tmp_path, *tmp_path.parents) if is_root else ():
        if above.stat().st_uid == os.getuid() and above.name.startswith(("pytest-", "popen-", "test_")):
            above.chmod(above.stat().st_mode | 0o011)
    try:
        ended = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    finally:
        folder.chmod(0o755)
        if file_mode is not None:
            database.chmod(0o644)

    assert ended.returncode == 1, ended.stderr
    assert str(database) in ended.stderr
    assert "cannot be written by you" in ended.stderr or "cannot be read" in ended.stderr
    assert ended.stderr.count("\n") == 1
    assert fingerprint(folder) == before
