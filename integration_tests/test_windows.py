"""What can be tested of Windows on another system: our code needs nothing that Windows lacks, and writes UTF-8."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from integration_tests.airbyte import messages
from integration_tests.databases import rows
from oneup_pinterest.sandbox import Sandbox
from oneup_pinterest.sync.load import load
from test_support.paths import ROOT

pytestmark = pytest.mark.slow

# redirected output has the code page of Windows, and time zones come from the package tzdata alone
WINDOWS = {"PYTHONIOENCODING": "cp1252:strict", "PYTHONUTF8": "0", "PYTHONTZPATH": "", "LC_ALL": "C"}
MISSING = "pin_café → ×"
IMPORT_EVERYTHING = """
import importlib, pkgutil
from test_support.without_posix import hide_posix
hide_posix()
import oneup_pinterest, source_oneup_pinterest
found = [module.name for package in (oneup_pinterest, source_oneup_pinterest)
         for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}.") if "__main__" not in module.name]
for name in found:
    importlib.import_module(name)
print(len(found))
"""
USE = "exec({code!r}, {{'__name__': 'oneup_pinterest.anything'}})"


def run(*arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *map(str, arguments)],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'analysis'}", **WINDOWS},
        capture_output=True,
        encoding="utf-8",
        timeout=300,
        check=False,
    )


def script(*arguments: object) -> subprocess.CompletedProcess[str]:
    return run("-m", "test_support.without_posix", *arguments)


@pytest.mark.parametrize(
    "code", ["import fcntl", "from os import fork", "import os.path; os.getuid()", "import signal; signal.SIGHUP"]
)
def test_the_tests_hide_what_windows_lacks(code: str) -> None:
    ended = run("-c", f"from test_support.without_posix import hide_posix; hide_posix(); {USE.format(code=code)}")

    assert ended.returncode == 1
    assert ended.stderr.splitlines()[-1].startswith(("ModuleNotFoundError", "ImportError", "AttributeError"))


def test_every_module_imports_without_what_windows_lacks() -> None:
    ended = run("-c", IMPORT_EVERYTHING)

    assert ended.returncode == 0, ended.stderr
    packages = (ROOT / "analysis" / "oneup_pinterest", ROOT / "source_oneup_pinterest")
    modules = [path for folder in packages for path in folder.rglob("*.py") if path.stem not in ("__main__",)]
    assert int(ended.stdout) == len(modules) - len(packages)  # the packages themselves are imported first


def test_a_sync_its_status_and_its_report_need_nothing_that_windows_lacks(sandbox: Sandbox, tmp_path: Path) -> None:
    account = sandbox.add_account("pin_zoë")
    config = {**sandbox.config(), "start_date": "2026-05-01", "timezone": "America/New_York"}
    content = json.dumps({**config, "social_network_ids": [account, MISSING]}, indent=1).replace("\n", "\r\n")
    (tmp_path / "config.json").write_bytes(content.encode("utf-8-sig"))
    database, page = tmp_path / "history.duckdb", tmp_path / "report.html"

    synced = script("oneup-pinterest", "sync", "--config", tmp_path / "config.json", "--database", database, "--json")
    status = script("oneup-pinterest", "status", "--database", database)
    report = script("oneup-pinterest", "report", "--database", database, "--output", page, "--no-images")

    assert (synced.returncode, status.returncode, report.returncode) == (3, 0, 0), synced.stderr + report.stderr
    assert "chmod" not in synced.stderr
    assert MISSING in synced.stderr
    assert json.loads(synced.stdout)["skipped_accounts"][0]["social_network_id"] == MISSING
    assert rows(database, "SELECT DISTINCT social_network_id FROM pins") == [(account,)]
    assert MISSING in status.stdout
    assert account in page.read_text(encoding="utf-8")


def test_a_read_of_the_connector_needs_nothing_that_windows_lacks(sandbox: Sandbox, tmp_path: Path) -> None:
    config = {**sandbox.config(), "start_date": "2026-05-01", "timezone": "America/New_York"}
    (tmp_path / "config.json").write_text(json.dumps(config))
    options = ("--config", tmp_path / "config.json")
    catalog = ("--catalog", ROOT / "integration_tests" / "configured_catalog.json")

    checked = script("source-oneup-pinterest", "check", *options)
    read = script("source-oneup-pinterest", "read", *options, *catalog)

    assert '"SUCCEEDED"' in checked.stdout
    assert read.returncode == 0, read.stdout[-2000:]
    assert {message["record"]["stream"] for message in messages(read.stdout) if "record" in message} >= {"pins"}


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_rows_in_files_of_windows_are_loaded(encoding: str, tmp_path: Path) -> None:
    rows_of_a_day = [
        {
            "_airbyte_raw_id": "0-1",
            "_airbyte_extracted_at": 1779278400000,
            "social_network_id": account,
            "snapshot_date": "2026-05-20",
            "total_followers": 12,
        }
        for account in ("pin_zoë", "pin_b")
    ]
    text = "".join(json.dumps(row, ensure_ascii=False) + "\r\n" for row in rows_of_a_day)
    (tmp_path / "account_followers.jsonl").write_bytes(text.encode(encoding))

    loaded = load([str(tmp_path / "account_followers.jsonl")], tmp_path / "history.duckdb")

    assert (loaded.status, loaded.exit_status) == ("done", 0)
    found = rows(tmp_path / "history.duckdb", "SELECT social_network_id, total_followers FROM account_followers")
    assert sorted(found) == [("pin_b", 12), ("pin_zoë", 12)]


@pytest.mark.nightly  # mypy reads every module again for another platform
def test_types_hold_on_windows(tmp_path: Path) -> None:
    """Typeshed knows which functions Windows lacks, so mypy finds each unguarded use."""
    bad = tmp_path / "bad.py"
    bad.write_text("import os\n\nos.fork()\n")
    options = ("-m", "mypy", "--platform", "win32", "--cache-dir", tmp_path / "cache")

    control, checked = run(*options, bad), run(*options)

    assert '"fork"' in control.stdout
    assert checked.returncode == 0, checked.stdout
