"""The sample configs, catalogs and states in this folder fit the connector."""

import json
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from airbyte_cdk.models import ConfiguredAirbyteCatalogSerializer
from jsonschema import Draft7Validator

from integration_tests.airbyte import messages, read
from integration_tests.in_process import run_connector
from oneup_pinterest.sandbox import Sandbox
from source_oneup_pinterest import SourceOneupPinterest

SAMPLES = Path(__file__).parent


def sample(name: str) -> Any:
    return json.loads((SAMPLES / name).read_text(encoding="utf-8"))


def for_account(state: list[dict[str, Any]], account: str) -> list[dict[str, Any]]:
    return list(json.loads(json.dumps(state).replace("pin_yourname", account)))


def test_the_sample_config_is_valid_and_has_every_visible_field() -> None:
    specification = SourceOneupPinterest().spec(logging.getLogger("airbyte")).connectionSpecification
    visible = {key for key, field in specification["properties"].items() if not field.get("airbyte_hidden")}
    assert set(sample("sample_config.json")) == visible
    Draft7Validator(specification).validate(sample("sample_config.json"))


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        (
            "invalid_config.json",
            "`preset` is `last_5_days`: it must be last_7_days, last_30_days or last_90_days.",
        ),
        (
            "invalid_start_date_config.json",
            "`start_date` is 2999-12-31, which is in the future (today is 2026-05-20): use an earlier day.",
        ),
    ],
)
def test_the_check_of_an_invalid_sample_config_names_the_problem(name: str, sentence: str) -> None:
    ended = run_connector("check", "--config", SAMPLES / name)

    [status] = [message for message in messages(ended.stdout) if message["type"] == "CONNECTION_STATUS"]
    assert status["connectionStatus"]["status"] == "FAILED"
    assert status["connectionStatus"]["message"].endswith(sentence)
    assert ended.returncode == 0


@pytest.mark.parametrize("name", ["configured_catalog.json", "configured_catalog_full_refresh.json"])
def test_the_sample_catalogs_configure_the_discovered_streams(name: str, sandbox: Sandbox) -> None:
    discovered = SourceOneupPinterest(config=sandbox.config()).discover(logging.getLogger("airbyte"), sandbox.config())
    catalog = ConfiguredAirbyteCatalogSerializer.load(sample(name))

    assert [configured.stream.name for configured in catalog.streams] == [stream.name for stream in discovered.streams]
    for configured, stream in zip(catalog.streams, discovered.streams, strict=True):
        assert configured.stream.supported_sync_modes == stream.supported_sync_modes
        assert configured.primary_key == stream.source_defined_primary_key
        if name == "configured_catalog.json":
            assert configured.sync_mode == stream.supported_sync_modes[-1]
            assert configured.cursor_field == stream.default_cursor_field


def test_a_read_continues_from_the_sample_state_and_writes_its_format(sandbox: Sandbox) -> None:
    account = sandbox.account_ids[0]
    config = {**sandbox.config(), "social_network_ids": [account]}
    state = for_account(sample("sample_state.json"), account)

    result = read(config, state)

    assert result.exception is None
    assert len(sandbox.requests) == 2
    written = {entry["stream"]["stream_descriptor"]["name"]: entry for entry in result.state}
    for entry in state:
        [ours] = entry["stream"]["stream_state"]["states"]
        [theirs] = written[entry["stream"]["stream_descriptor"]["name"]]["stream"]["stream_state"]["states"]
        assert theirs["partition"] == ours["partition"]
        assert theirs.get("since") == ours.get("since")
        assert list(theirs["cursor"]) == list(ours["cursor"])
        assert all(len(theirs["cursor"][name]) == len(cursor) for name, cursor in ours["cursor"].items())


def test_a_state_in_the_future_is_corrected_by_the_next_read(
    sandbox: Sandbox, days_later: Callable[[int], None]
) -> None:
    account = sandbox.account_ids[0]
    config = {**sandbox.config(), "social_network_ids": [account]}

    result = read(config, for_account(sample("abnormal_state.json"), account))

    assert result.exception is None
    assert {request.status for request in sandbox.requests} == {200}
    assert {row["period_end"] for row in result.records["overview_metrics"]} == {"2026-05-19"}
    assert result.cursors("overview_metrics") == {account: "2026-05-19"}
    days_later(1)
    assert read(config, result.state).cursors("overview_metrics") == {account: "2026-05-20"}
