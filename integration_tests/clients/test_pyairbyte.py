"""PyAirbyte syncs two days into its DuckDB cache, in its own environment, and the kit reads that file."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import duckdb
import nbformat
import pytest
from nbclient import NotebookClient

from integration_tests.airbyte import ReadResult, read
from integration_tests.databases import KEYS
from oneup_pinterest.notebooks import DATABASE_VARIABLE
from oneup_pinterest.sandbox import LoggedRequest, Sandbox
from source_oneup_pinterest.components.clock import CLOCK_VARIABLE
from test_support.clock import NOON
from test_support.paths import ROOT

PYTHON = ROOT / ".venv-clients" / "airbyte" / "bin" / "python"
RECIPE = ROOT / "docs" / "recipes" / "pyairbyte_sync.py"
pytestmark = [
    pytest.mark.clients,
    pytest.mark.skipif(not PYTHON.exists(), reason="PyAirbyte is not installed: make test-clients installs it"),
]


@dataclass
class PyAirbyteFile:
    """A file that PyAirbyte wrote on two days, the requests of each day, and what the package reads on those days."""

    folder: Path
    requests: list[list[LoggedRequest]] = field(default_factory=list)
    package_reads: list[ReadResult] = field(default_factory=list)

    @property
    def database(self) -> Path:
        return self.folder / "pyairbyte.duckdb"

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        with duckdb.connect(self.database, read_only=True) as connection:
            return connection.sql(query).fetchall()


def sync(folder: Path, config: dict[str, Any], sandbox: Sandbox, *options: str) -> subprocess.CompletedProcess[str]:
    (folder / "config.json").write_text(json.dumps(config))
    return subprocess.run(
        [PYTHON, RECIPE, folder / "config.json", folder / "pyairbyte.duckdb", *options],
        cwd=folder,
        env={
            "PATH": os.environ["PATH"],
            "HOME": str(folder),
            "TMPDIR": str(folder),
            "SOURCE_ONEUP_PINTEREST": str(Path(sys.executable).parent / "source-oneup-pinterest"),
            CLOCK_VARIABLE: sandbox.now.isoformat(),
        },
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )


@pytest.fixture(scope="module")
def history(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PyAirbyteFile]:
    file = PyAirbyteFile(tmp_path_factory.mktemp("pyairbyte"))
    with Sandbox(accounts=3, now=NOON) as sandbox, pytest.MonkeyPatch.context() as patch:
        state: list[dict[str, Any]] = []
        for _ in range(2):
            ended = sync(file.folder, sandbox.config(), sandbox)
            assert ended.returncode == 0, ended.stdout[-3000:] + ended.stderr[-3000:]
            file.requests.append(sandbox.requests)
            patch.setenv(CLOCK_VARIABLE, sandbox.now.isoformat())
            file.package_reads.append(read(sandbox.config(), state))
            state = file.package_reads[-1].state
            sandbox.now += timedelta(days=1)
            sandbox.clear_requests()
        yield file


def test_the_second_day_continues_from_the_state_of_the_first(history: PyAirbyteFile) -> None:
    check = 1 + 3  # the list of accounts, then each account
    assert [len(requests) for requests in history.requests] == [check + 1 + 3 * 14, check + 1 + 3 * 2]


@pytest.mark.parametrize("stream", KEYS)
def test_rows_equal_the_records_of_the_package_without_duplicates(history: PyAirbyteFile, stream: str) -> None:
    keys = KEYS[stream]
    found = history.rows(f"SELECT {', '.join(f'{key}::VARCHAR' for key in keys)} FROM oneup.{stream}")
    expected = {
        tuple(str(record[key]) for key in keys) for result in history.package_reads for record in result.records[stream]
    }
    assert len(found) == len(set(found))
    assert set(found) == expected


def test_impressions_equal_those_of_the_package(history: PyAirbyteFile) -> None:
    pins = history.rows(
        "SELECT snapshot_date::VARCHAR, sum(impressions)::BIGINT FROM oneup.pins GROUP BY ALL ORDER BY 1"
    )
    expected = [
        (result.records["pins"][0]["snapshot_date"], sum(pin["impressions"] or 0 for pin in result.records["pins"]))
        for result in history.package_reads
    ]
    assert pins == expected


def test_columns_have_the_types_of_the_schemas(history: PyAirbyteFile) -> None:
    found = history.rows(
        "SELECT table_name, column_name, data_type FROM information_schema.columns "
        "WHERE table_schema = 'oneup' AND column_name NOT LIKE '\\_airbyte%' ESCAPE '\\'"
    )
    types = {(table, column): column_type for table, column, column_type in found if table in KEYS}
    for (_, column), column_type in types.items():
        if column in ("snapshot_date", "period_start", "period_end"):
            assert column_type == "DATE"
        elif column in ("impressions", "saves", "comments", "repins", "clicks", "total_followers", "position"):
            assert column_type == "BIGINT"
        elif column in (
            "value_current_period",
            "value_last_period",
            "percentage_change_value",
            "engagement_rate",
        ):
            assert column_type.startswith("DECIMAL")  # PyAirbyte's type for numbers
        elif column in ("is_expired", "need_refresh"):
            assert column_type == "BOOLEAN"
        else:
            assert column_type == ("TIMESTAMP" if column == "timestamp" else "VARCHAR")


def test_a_full_refresh_reads_everything_again_without_duplicates(history: PyAirbyteFile, tmp_path: Path) -> None:
    again = PyAirbyteFile(tmp_path)
    shutil.copy(history.database, again.database)
    with Sandbox(accounts=3, now=NOON + timedelta(days=1), reference=NOON.date()) as sandbox:
        ended = sync(tmp_path, sandbox.config(), sandbox, "--full-refresh")
        assert ended.returncode == 0, ended.stdout[-3000:] + ended.stderr[-3000:]
        assert len(sandbox.requests) == 1 + 3 + 1 + 3 * 14
    for stream, keys in KEYS.items():
        [(rows, different)] = again.rows(f"SELECT count(*), count(DISTINCT ({', '.join(keys)})) FROM oneup.{stream}")
        assert rows == different
    assert again.rows("SELECT count(*) FROM oneup.pins") == history.rows("SELECT count(*) FROM oneup.pins")


def test_a_failing_check_names_the_cause(history: PyAirbyteFile, tmp_path: Path) -> None:
    with Sandbox(accounts=1, now=NOON) as sandbox:
        ended = sync(tmp_path, {**sandbox.config(), "social_network_ids": ["pin_typo"]}, sandbox)

    assert ended.returncode != 0
    assert 'Account "pin_typo" could not be read' in " ".join((ended.stdout + ended.stderr).split())


def run_kit(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [Path(sys.executable).parent / "oneup-pinterest", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)


def test_status_reads_the_cache(history: PyAirbyteFile) -> None:
    ended = run_kit("status", "--database", history.database, "--json")

    assert ended.returncode == 0, ended.stderr
    assert "2026-05-21" in ended.stdout


def test_report_reads_the_cache(history: PyAirbyteFile) -> None:
    ended = run_kit("report", "--database", history.database, "--output", history.folder / "report.html")

    assert ended.returncode == 0, ended.stderr
    assert (history.folder / "report.html").stat().st_size > 100_000


@pytest.mark.parametrize("notebook", sorted((ROOT / "notebooks").glob("*.ipynb")), ids=lambda path: path.stem)
def test_every_notebook_runs_on_the_cache(
    history: PyAirbyteFile, notebook: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(DATABASE_VARIABLE, str(history.database))
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.setenv("IPYTHONDIR", str(history.folder / "ipython"))
    content = nbformat.read(notebook, 4)

    NotebookClient(content, timeout=300).execute()

    assert any(cell.get("outputs") for cell in content.cells)
