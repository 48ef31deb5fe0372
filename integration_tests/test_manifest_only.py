"""The exported manifest, run by Airbyte's `source-declarative-manifest`, reads the same as the package."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from integration_tests.airbyte import ReadResult, add_message, messages, read
from oneup_pinterest.sandbox import Sandbox
from source_oneup_pinterest.components.clock import CLOCK_VARIABLE
from source_oneup_pinterest.export import export
from test_support.paths import ROOT

pytestmark = pytest.mark.slow

CATALOG = ROOT / "integration_tests" / "configured_catalog.json"


def run_stock_connector(
    folder: Path, sandbox: Sandbox, verb: str, config: dict[str, Any], *more: str
) -> list[dict[str, Any]]:
    """Return the messages of `source-declarative-manifest VERB` on an exported folder."""
    (folder / "config.json").write_text(json.dumps(config))
    ended = subprocess.run(
        [
            Path(sys.executable).parent / "source-declarative-manifest",
            verb,
            "--config",
            folder / "config.json",
            "--manifest-path",
            folder / "manifest.yaml",
            "--components-path",
            folder / "components.py",
            *more,
        ],
        env={**os.environ, "AIRBYTE_ENABLE_UNSAFE_CODE": "true", CLOCK_VARIABLE: sandbox.now.isoformat()},
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    return messages(ended.stdout)


def read_stock(folder: Path, sandbox: Sandbox, config: dict[str, Any], state: list[dict[str, Any]]) -> ReadResult:
    (folder / "state.json").write_text(json.dumps(state))
    result, last = ReadResult(), {}
    catalog_and_state = ("--catalog", str(CATALOG), "--state", str(folder / "state.json"))
    for message in run_stock_connector(folder, sandbox, "read", config, *catalog_and_state):
        add_message(message, result, last)
    result.state = list(last.values())
    return result


def rows(result: ReadResult) -> dict[str, list[str]]:
    return {
        stream: sorted(json.dumps(record, sort_keys=True) for record in records)
        for stream, records in result.records.items()
    }


def test_two_days_of_reads_equal_those_of_the_package(
    sandbox: Sandbox, days_later: Callable[[int], None], tmp_path: Path
) -> None:
    export(tmp_path)
    config = {**sandbox.config(), "start_date": "2026-04-01"}
    first, ours = read_stock(tmp_path, sandbox, config, []), read(config)
    assert len(first.records) == 6
    assert rows(first) == rows(ours)
    days_later(1)
    sandbox.clear_requests()

    second = read_stock(tmp_path, sandbox, config, first.state)

    assert len(sandbox.requests) == 2 * 3 + 1
    ours = read(config, ours.state)
    assert rows(second) == rows(ours)
    assert [second.cursors(stream) for stream in ("overview_metrics", "pins")] == [
        ours.cursors(stream) for stream in ("overview_metrics", "pins")
    ]


def test_the_catalog_is_that_of_the_package(sandbox: Sandbox, tmp_path: Path) -> None:
    export(tmp_path)
    config = sandbox.config()
    (tmp_path / "config.json").write_text(json.dumps(config))

    discovered = [
        message
        for message in run_stock_connector(tmp_path, sandbox, "discover", config)
        if message["type"] == "CATALOG"
    ]
    ours = subprocess.run(
        [sys.executable, "main.py", "discover", "--config", tmp_path / "config.json"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=300,
        check=True,
    )

    assert discovered == [message for message in messages(ours.stdout) if message["type"] == "CATALOG"]


def test_a_start_date_in_the_future_is_reported_in_one_sentence(sandbox: Sandbox, tmp_path: Path) -> None:
    export(tmp_path)

    output = run_stock_connector(tmp_path, sandbox, "check", {**sandbox.config(), "start_date": "2999-12-31"})

    errors = [message["trace"]["error"]["message"] for message in output if message["type"] == "TRACE"]
    errors += [message["connectionStatus"]["message"] for message in output if message["type"] == "CONNECTION_STATUS"]
    assert len(errors) == 1  # the CDK adds a sentence of its own at the beginning
    assert errors[0].endswith(
        "`start_date` is 2999-12-31, which is in the future (today is 2026-05-20): use an earlier day."
    )


def test_a_shard_is_that_of_the_package(sandbox: Sandbox, tmp_path: Path) -> None:
    export(tmp_path)
    config = {**sandbox.config(), "start_date": "2026-05-01", "shard": "1/2"}

    first, ours = read_stock(tmp_path, sandbox, config, []), read(config)

    assert 0 < len(ours.records["accounts"]) < len(sandbox.account_ids)
    assert rows(first) == rows(ours)
