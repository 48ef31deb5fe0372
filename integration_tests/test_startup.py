"""Commands import no slow packages that they do not need, so that they start quickly."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from integration_tests.fixture_types import FirstSync
from oneup_pinterest.sandbox import Sandbox
from test_support.paths import ROOT

pytestmark = pytest.mark.slow

PRINT_IMPORTED = "print(*{name.split('.')[0] for name in sys.modules if sys.modules[name]}, file=sys.stderr)"


def imported_packages(call: str, *arguments: object) -> set[str]:
    """Return the top-level packages that a process has imported when a command ends."""
    code = f"import sys\ntry:\n    {call}\nexcept SystemExit as end:\n    assert not end.code\n{PRINT_IMPORTED}"
    ended = subprocess.run(
        [sys.executable, "-c", code, *map(str, arguments)], cwd=ROOT, capture_output=True, text=True, timeout=120
    )
    assert ended.returncode == 0, ended.stderr
    return set(ended.stderr.splitlines()[-1].split())


CLI = "from oneup_pinterest.cli import main; main()"
CONNECTOR = "from source_oneup_pinterest.run import run; run()"


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], ["sync", "--help"], ["report", "--help"]])
def test_help_imports_no_slow_package(arguments: list[str]) -> None:
    heavy = {"airbyte_cdk", "polars", "duckdb", "altair", "numpy", "scipy", "requests"}
    assert imported_packages(CLI, *arguments) & heavy == set()


def test_status_imports_neither_the_cdk_nor_charts(sandbox: Sandbox, tmp_path: Path, first_sync: FirstSync) -> None:
    first_sync(tmp_path / "history.duckdb")

    found = imported_packages(CLI, "status", "--database", tmp_path / "history.duckdb")

    assert "duckdb" in found
    assert found & {"airbyte_cdk", "altair", "vl_convert", "scipy", "requests"} == set()


def test_a_report_imports_neither_the_cdk_nor_unused_formats(
    sandbox: Sandbox, tmp_path: Path, first_sync: FirstSync
) -> None:
    first_sync(tmp_path / "history.duckdb")

    found = imported_packages(
        CLI, "report", "--database", tmp_path / "history.duckdb", "--output", tmp_path / "report.html"
    )

    assert "altair" in found
    assert found & {"airbyte_cdk", "rfc3987_syntax", "requests"} == set()


def test_load_and_state_import_neither_the_cdk_nor_charts(tmp_path: Path) -> None:
    record = {"stream": "accounts", "data": {"social_network_id": "a"}, "emitted_at": 1779278400000}
    (tmp_path / "day.jsonl").write_text(json.dumps({"type": "RECORD", "record": record}) + "\n")

    found = imported_packages(CLI, "load", tmp_path / "day.jsonl", "--database", tmp_path / "history.duckdb")
    found |= imported_packages(CLI, "state", "--database", tmp_path / "history.duckdb")

    assert "duckdb" in found
    assert found & {"airbyte_cdk", "altair", "vl_convert", "scipy", "requests"} == set()


def test_spec_does_not_import_the_analysis() -> None:
    found = imported_packages(CONNECTOR, "spec")

    assert "airbyte_cdk" in found
    assert found & {"oneup_pinterest", "polars", "duckdb", "altair", "scipy"} == set()


def test_importing_forecast_answers_does_not_import_statsforecast() -> None:
    assert "statsforecast" not in imported_packages("import oneup_pinterest.questions.forecast.answer")
