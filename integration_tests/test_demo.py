"""The demo, in this process: a new file, then a second run over it."""

import os
from pathlib import Path

import pytest

from integration_tests.databases import rows
from oneup_pinterest.demo import demo
from source_oneup_pinterest.components.clock import CLOCK_VARIABLE

pytestmark = pytest.mark.slow


def test_demo_replaces_its_own_file_and_restores_the_clock(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    database, page = tmp_path / "made up" / "demo.duckdb", tmp_path / "page" / "report.html"
    clock = os.environ.get(CLOCK_VARIABLE)

    demo(database, page, days=2)
    demo(database, page, days=1)

    assert os.environ.get(CLOCK_VARIABLE) == clock
    assert rows(database, "SELECT count(*), count(DISTINCT status) FROM _sync_runs") == [(1, 1)]
    assert "Made-up data" in page.read_text(encoding="utf-8")
    printed = capsys.readouterr()
    assert "synced 2 days of 5 accounts" in printed.err
    assert f"notebooks --database '{database}'" in printed.out
