"""The dlt recipe syncs pins and overview without Airbyte, and what the docs say it loses is so."""

import os
import subprocess
from pathlib import Path
from typing import Any

import duckdb
import pytest

from integration_tests.airbyte import read
from oneup_pinterest.sandbox import Fault, Sandbox
from source_oneup_pinterest.components import CLOCK_VARIABLE
from test_support.clock import NOON
from test_support.paths import ROOT

PYTHON = ROOT / ".venv-clients" / "bin" / "python"
pytestmark = [
    pytest.mark.clients,
    pytest.mark.skipif(not PYTHON.exists(), reason="dlt is not installed: make test-clients installs it"),
]


def sync(folder: Path, sandbox: Sandbox, key: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [PYTHON, ROOT / "docs" / "recipes" / "dlt_sync.py", folder / "dlt.duckdb"],
        cwd=folder,
        env={
            "PATH": os.environ["PATH"],
            "HOME": str(folder),
            "ONEUP_API_KEY": key or sandbox.api_key,
            "ONEUP_ANALYTICS_URL": sandbox.analytics_url,
            "ONEUP_ACCOUNTS_URL": sandbox.accounts_url,
        },
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def rows(folder: Path, query: str) -> list[tuple[Any, ...]]:
    with duckdb.connect(folder / "dlt.duckdb", read_only=True) as connection:
        return connection.sql(query).fetchall()


def test_it_brings_the_pins_of_the_last_90_days_once_however_often_it_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Sandbox(accounts=3, now=NOON) as sandbox:
        monkeypatch.setenv(CLOCK_VARIABLE, NOON.isoformat())
        ours = read(sandbox.config(), streams=["pins"]).records["pins"]
        sandbox.clear_requests()
        for _ in range(2):
            ended = sync(tmp_path, sandbox)
            assert ended.returncode == 0, ended.stderr[-3000:]
        requests = sandbox.requests

    pins = rows(tmp_path, "SELECT social_network_id, id, impressions, saves FROM oneup.pins")
    columns = dict(
        rows(tmp_path, "SELECT column_name, data_type FROM information_schema.columns WHERE table_name = 'pins'")
    )
    assert sorted(pins) == sorted((p["social_network_id"], p["id"], p["impressions"], p["saves"]) for p in ours)
    assert columns["snapshot_date"] == "DATE"
    assert columns["timestamp"] == "TIMESTAMP WITH TIME ZONE"  # lost: a zone is made up for it
    assert "value" not in columns
    assert "percentage_change_value" not in columns
    # lost: every run costs the same, whatever was read before
    assert len(requests) == 2 * (1 + 3 * 2)


def test_one_account_that_fails_stops_all(tmp_path: Path) -> None:
    with Sandbox(accounts=3, now=NOON) as sandbox:
        sandbox.inject(Fault("status", status=404, social_network_id=sandbox.account_ids[1], times=None))
        ended = sync(tmp_path, sandbox)

    assert ended.returncode != 0
    assert rows(tmp_path, "SELECT table_name FROM information_schema.tables WHERE table_name = 'pins'") == []


def test_an_answer_that_says_no_with_status_200_is_taken_for_an_empty_one(tmp_path: Path) -> None:
    with Sandbox(accounts=1, now=NOON) as sandbox:
        sandbox.inject(Fault("body", body={"success": False, "message": "No plan"}, path="posts", times=None))
        ended = sync(tmp_path, sandbox)

    assert ended.returncode == 0, ended.stderr[-3000:]
    assert rows(tmp_path, "SELECT table_name FROM information_schema.tables WHERE table_name = 'pins'") == []
