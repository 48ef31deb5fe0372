"""The file is one for DuckDB 1.5 and 2.0 alike: each reads and carries on what the other wrote."""

import json
import os
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest

from integration_tests.airbyte import ROOT
from integration_tests.conftest import Days
from integration_tests.databases import contents, doubled_keys, environment_of, rows
from oneup_pinterest.sandbox import Sandbox
from oneup_pinterest.sync import sync

pytestmark = pytest.mark.slow

OLD_DUCKDB = ROOT / ".duckdb15"  # `make test` installs it there, from requirements-duckdb15.lock


@pytest.mark.skipif(not OLD_DUCKDB.exists(), reason="DuckDB 1.5 is not installed in .duckdb15; `make test` does that")
def test_duckdb_1_5_and_the_installed_one_carry_on_each_others_file(
    sandbox: Sandbox, tmp_path: Path, days_later: Days
) -> None:
    config, database = tmp_path / "config.json", tmp_path / "history.duckdb"
    config.write_text(json.dumps(sandbox.config()))

    def with_old_duckdb(*arguments: object) -> str:
        ended = subprocess.run(
            [sys.executable, *map(str, arguments)],
            env=environment_of(sandbox.now, PYTHONPATH=os.pathsep.join([str(OLD_DUCKDB), str(ROOT)])),
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
    sync(sandbox.config(), database)
    days_later(1)
    with_old_duckdb("-m", "oneup_pinterest.cli", "sync", "--config", config, "--database", database)
    days_later(1)
    sync(sandbox.config(), database)

    assert len(rows(database, "SELECT DISTINCT snapshot_date FROM pins")) == 3
    assert doubled_keys(database) == []
    count = f"duckdb.connect({str(database)!r}, read_only=True).sql('SELECT count(*) FROM pins').fetchall()"
    counted = with_old_duckdb("-c", f"import duckdb; print({count})")
    assert counted.strip() == f"[({len(contents(database)['pins'])},)]"
    for command in (["status"], ["export", "--output", tmp_path / "export"]):
        assert with_old_duckdb("-m", "oneup_pinterest.cli", *command, "--database", database)


@pytest.mark.skipif(not OLD_DUCKDB.exists(), reason="DuckDB 1.5 is not installed in .duckdb15; `make test` does that")
def test_folder_names_do_not_become_data_with_duckdb_1_5(tmp_path: Path) -> None:
    program = (
        "import sys; from pathlib import Path; import duckdb; from unit_tests.sync import test_writer as t\n"
        "assert duckdb.__version__.startswith('1.5.')\n"
        "for folder in t.FOLDERS:\n"
        "    place = Path(sys.argv[1]) / folder; place.mkdir(parents=True)\n"
        "    assert t.is_as_written(t.stored(place / 'history.duckdb')), folder\n"
    )
    ended = subprocess.run(
        [sys.executable, "-c", program, tmp_path],
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(OLD_DUCKDB), str(ROOT)])},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
