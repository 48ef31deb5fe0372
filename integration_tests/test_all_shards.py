"""`sync --all-shards` fills a lake with several processes as one sync fills a file, and reports failures first."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from integration_tests.databases import environment_of, run
from integration_tests.in_process import run_command
from integration_tests.listed_accounts import START
from oneup_pinterest.sandbox import Fault, Sandbox
from source_oneup_pinterest.components.shard import Shard
from test_support.clock import NOON
from test_support.paths import ROOT
from test_support.postgres import Postgres, requires_postgres, running_postgres

LAKE_PACKAGES = {"PYTHONPATH": str(ROOT / ".lake")}  # with DuckDB in the version that DuckLake needs
STREAMS = ("pins", "overview_metrics", "account_followers", "post_performance", "pin_totals", "accounts")
SHARDS = 3


@pytest.fixture(scope="module")
def postgres() -> Iterator[Postgres]:
    with running_postgres() as server:
        yield server


@pytest.fixture
def lake(postgres: Postgres, tmp_path: Path) -> list[str]:
    """Return the options that name a new lake."""
    dsn = postgres.create_database(f"lake_{abs(hash(tmp_path))}")
    return ["--database", f"ducklake:postgres:{dsn}", "--data-path", str(tmp_path / "files")]


@pytest.fixture
def many() -> Iterator[Sandbox]:
    with Sandbox(accounts=8, now=NOON) as running:
        yield running


@pytest.fixture
def config(many: Sandbox, tmp_path: Path) -> Path:
    path = tmp_path / "config.json"
    path.touch(mode=0o600)
    path.write_text(json.dumps({**many.config(), **START, "max_requests_per_minute": 100_000}))
    return path


def sync_lake(config: Path, lake: list[str], *more: str) -> subprocess.CompletedProcess[str]:
    return run("sync", "--config", config, *lake, "--all-shards", SHARDS, *more, **LAKE_PACKAGES)


def status_of(lake: list[str]) -> list[dict[str, Any]]:
    ended = run("status", *lake[:2], "--json", **LAKE_PACKAGES)
    assert ended.returncode == 0, ended.stderr
    shards: list[dict[str, Any]] = json.loads(ended.stdout)["shards"]
    return shards


def shards_that_read(sandbox: Sandbox) -> set[int]:
    accounts = {request.params.get("social_network_id") for request in sandbox.requests} - {None}
    return {n for n in range(1, SHARDS + 1) for account in accounts if Shard(n, SHARDS).holds(str(account))}


def exported(folder: Path, *database: object, **environment: str) -> dict[str, pl.DataFrame]:
    ended = run("export", "--database", *database, "--output", folder, **environment)
    assert ended.returncode == 0, ended.stderr
    frames = {stream: pl.read_parquet(folder / stream / "*.parquet") for stream in STREAMS}
    return {stream: frame.drop("_airbyte_extracted_at") for stream, frame in frames.items()}


@requires_postgres
@pytest.mark.slow
def test_shards_fill_a_lake_as_one_sync_fills_a_file(
    many: Sandbox, config: Path, lake: list[str], database: Path, tmp_path: Path
) -> None:
    ended = sync_lake(config, lake, "--json")
    assert ended.returncode == 0, ended.stderr
    assert run("sync", "--config", config, "--database", database).returncode == 0

    ours, whole = exported(tmp_path / "lake", lake[1], **LAKE_PACKAGES), exported(tmp_path / "file", database)
    for stream in STREAMS:
        order = [name for name in whole[stream].columns if whole[stream][name].dtype != pl.Struct]
        assert_frame_equal(ours[stream].select(whole[stream].columns).sort(order), whole[stream].sort(order))
    result = json.loads(ended.stdout)
    assert result["status"] == "done"
    assert result["streams"]["accounts"]["rows"] == len(many.account_ids)
    assert [shard["shard"] for shard in result["shards"]] == ["1/3", "2/3", "3/3"]
    assert many.api_key not in ended.stdout + ended.stderr
    assert [(shard["shard"], shard["status"]) for shard in status_of(lake)] == [(f"{n}/3", "done") for n in (1, 2, 3)]
    asked = run("query", "SELECT count(*) FROM pins", *lake[:2], **LAKE_PACKAGES)
    assert asked.stdout.split()[-1] == str(whole["pins"].height), asked.stderr


@requires_postgres
@pytest.mark.slow
def test_failures_come_first_and_decide_the_exit_status(many: Sandbox, config: Path, lake: list[str]) -> None:
    account = next(each for each in many.account_ids if Shard(2, SHARDS).holds(each))
    assert sum(Shard(2, SHARDS).holds(each) for each in many.account_ids) > 1
    for path in ("overview", "posts"):
        many.inject(Fault("status", path=path, social_network_id=account, status=404, times=None))

    ended = sync_lake(config, lake, "--json")

    assert ended.returncode == 3, ended.stderr
    result = json.loads(ended.stdout)
    assert [(shard["shard"], shard["status"]) for shard in result["shards"]] == [
        ("2/3", "partial"),
        ("1/3", "done"),
        ("3/3", "done"),
    ]
    assert [skipped["social_network_id"] for skipped in result["skipped_accounts"]] == [account]
    summary = ended.stderr.splitlines()
    skipped = next(number for number, line in enumerate(summary) if line.startswith(f"skipped: {account}: "))
    assert skipped < next(number for number, line in enumerate(summary) if line.startswith("database: "))
    status = run("status", *lake[:2], **LAKE_PACKAGES)
    assert "shards: 2 of 3 done\n  2/3 partial, started 2026-05-20 12:00 UTC. 1 skipped accounts.\n" in status.stdout


@requires_postgres
@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGTERM, pytest.param(signal.SIGINT, marks=pytest.mark.nightly)])
def test_signal_ends_every_worker_and_the_next_sync_completes_it(
    many: Sandbox, config: Path, lake: list[str], number: signal.Signals
) -> None:
    many.latency = 2
    process = subprocess.Popen(
        [sys.executable, "-m", "oneup_pinterest.cli", "sync", "--config", config, *lake, "--all-shards", str(SHARDS)],
        env=environment_of(NOON, **LAKE_PACKAGES),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    while len(shards_that_read(many)) < SHARDS and process.poll() is None:
        time.sleep(0.05)

    os.kill(process.pid, number)
    _, err = process.communicate(timeout=120)

    assert process.returncode == 130, err
    assert err.endswith("oneup-pinterest: Interrupted. Synced data was kept; the next sync resumes.\n")
    with pytest.raises(ProcessLookupError):  # nothing of the process group is left
        os.killpg(process.pid, 0)
    statuses = {shard["status"] for shard in status_of(lake)}
    assert "interrupted" in statuses
    assert statuses <= {"interrupted", "done"}
    many.latency = 0
    ended = sync_lake(config, lake)
    assert ended.returncode == 0, ended.stderr
    assert "shards: 3 of 3 done" in ended.stderr


@pytest.mark.parametrize("place", ["history.duckdb", "ducklake:catalog.ducklake"])
def test_place_with_one_writer_is_refused(sandbox: Sandbox, config_file: Path, tmp_path: Path, place: str) -> None:
    prefix, _, name = place.rpartition(":")
    named = f"{prefix}:{tmp_path / name}" if prefix else str(tmp_path / name)

    ended = run_command("sync", "--config", config_file, "--database", named, "--all-shards", 4)

    assert ended.returncode == 2
    assert ended.stderr == (
        f"oneup-pinterest: {named} has one writer at a time, and --all-shards needs several: name a lake with "
        "--database ducklake:postgres:DSN, or leave out --all-shards.\n"
    )
    assert sandbox.requests == []
    assert not (tmp_path / name).exists()
