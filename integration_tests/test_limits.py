"""Concurrent requests and requests per minute stay within the limits of the config."""

import json
import logging
import time
from pathlib import Path
from threading import Thread

import pytest
import yaml
from airbyte_cdk.models import ConfiguredAirbyteCatalogSerializer
from airbyte_cdk.sources.declarative.concurrent_declarative_source import ConcurrentDeclarativeSource

from benchmarks.fleet import max_within
from integration_tests.airbyte import configured_catalog, read, start
from oneup_pinterest.sandbox import Sandbox
from test_support.clock import NOON
from test_support.paths import ROOT

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("workers", [2, 5])
def test_num_workers_requests_run_at_once_and_no_more(sandbox: Sandbox, workers: int) -> None:
    sandbox.latency = 0.05
    read({**sandbox.config(), "start_date": "2026-01-01", "num_workers": workers}, streams=["overview_metrics"])

    moments = sorted({moment for request in sandbox.requests for moment in (request.started, request.finished)})
    at_once = [sum(r.started <= moment < r.finished for r in sandbox.requests) for moment in moments]
    assert max(at_once) == workers


@pytest.mark.parametrize("limit", [6, 8])  # of 3 accounts, the newest figures take 7 requests, and the history more
def test_requests_per_minute_stay_within_the_limit_of_the_config(sandbox: Sandbox, tmp_path: Path, limit: int) -> None:
    config, catalog = tmp_path / "config.json", tmp_path / "catalog.json"
    config.write_text(json.dumps({**sandbox.config(), "max_requests_per_minute": limit}))
    catalog.write_text(json.dumps(configured_catalog()))
    process = start("read", "--config", config, "--catalog", catalog, now=NOON)
    Thread(target=process.communicate, daemon=True).start()  # a full pipe would stop it
    try:
        while len(sandbox.requests) < limit and process.poll() is None:
            time.sleep(0.05)
        time.sleep(3)
        assert process.poll() is None  # it is waiting for the limit
        assert len(sandbox.requests) == limit
    finally:
        process.kill()
        process.wait()


def test_no_time_span_has_more_requests_than_the_limit(sandbox: Sandbox) -> None:
    manifest = yaml.safe_load((ROOT / "source_oneup_pinterest" / "manifest.yaml").read_text(encoding="utf-8"))
    [rate] = manifest["api_budget"]["policies"][0]["rates"]
    assert rate["interval"] == "PT61S"  # a minute and a second
    rate["interval"] = "PT3S"  # the same for two seconds
    config = {**sandbox.config(), "max_requests_per_minute": 20, "num_workers": 8}
    source = ConcurrentDeclarativeSource(catalog=None, config=config, state=[], source_config=manifest)
    catalog = ConfiguredAirbyteCatalogSerializer.load(configured_catalog())

    for _ in source.read(logging.getLogger("airbyte"), config, catalog):
        pass

    moments = sorted(request.started for request in sandbox.requests)
    assert len(moments) == 1 + 14 * 3
    assert max_within(moments, 2) <= 20
    assert moments[-1] - moments[0] >= 2 * 3 - 0.5
