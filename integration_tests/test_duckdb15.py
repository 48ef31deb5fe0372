"""DuckDB 1.5 and 2.0 share one file: each reads and continues what the other wrote."""

import json
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest

from integration_tests.databases import contents, duplicate_keys, environment_of, rows
from integration_tests.fixture_types import Days, FirstSync
from oneup_pinterest.database.bi.columns import BI_VIEWS
from oneup_pinterest.sandbox import Sandbox
from oneup_pinterest.sync import sync
from test_support.old_duckdb import WITH_OLD_DUCKDB, requires_old_duckdb
from test_support.paths import ROOT

pytestmark = pytest.mark.slow


@requires_old_duckdb
def test_duckdb_1_5_and_the_installed_duckdb_continue_each_others_file(
    sandbox: Sandbox, tmp_path: Path, days_later: Days, first_sync: FirstSync
) -> None:
    config, database = tmp_path / "config.json", tmp_path / "history.duckdb"
    config.write_text(json.dumps(sandbox.config()))

    def with_old_duckdb(*arguments: object) -> str:
        ended = subprocess.run(
            [sys.executable, *map(str, arguments)],
            env=environment_of(sandbox.now, **WITH_OLD_DUCKDB),
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        assert ended.returncode == 0, ended.stderr
        return ended.stdout

    assert with_old_duckdb("-c", "import duckdb; print(duckdb.__version__)").startswith("1.5.")
    assert not duckdb.__version__.startswith("1.5.")
    first_sync(database)
    days_later(1)
    with_old_duckdb("-m", "oneup_pinterest.cli", "sync", "--config", config, "--database", database)
    days_later(1)
    sync(sandbox.config(), database)

    assert len(rows(database, "SELECT DISTINCT snapshot_date FROM pins")) == 3
    assert duplicate_keys(database) == []
    count = f"duckdb.connect({str(database)!r}, read_only=True).sql('SELECT count(*) FROM pins').fetchall()"
    counted = with_old_duckdb("-c", f"import duckdb; print({count})")
    assert counted.strip() == f"[({len(contents(database)['pins'])},)]"
    for view in BI_VIEWS:  # 2.0 made them in the first sync, and 1.5 reads them
        query = f"FROM {view} ORDER BY ALL"
        found = f"duckdb.connect({str(database)!r}, read_only=True).sql({query!r}).fetchall()"
        assert with_old_duckdb("-c", f"import datetime, duckdb; print({found})").strip() == str(rows(database, query))
    for command in (["status"], ["export", "--output", tmp_path / "export"]):
        assert with_old_duckdb("-m", "oneup_pinterest.cli", *command, "--database", database)
