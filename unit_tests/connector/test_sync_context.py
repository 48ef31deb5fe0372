"""Streams of one sync share a context and responses; two syncs share nothing."""

import json
from pathlib import Path
from typing import Any

import pytest
from airbyte_cdk.utils.traced_exception import AirbyteTracedException

from source_oneup_pinterest import SourceOneupPinterest
from source_oneup_pinterest.components import AddSyncContext
from source_oneup_pinterest.components.sync_context import SYNC_CONTEXT_KEY, SyncContext
from unit_tests.connector.mock_api import WireMocker, accounts_request, response, window_request
from unit_tests.connector.streams import CONFIG, NAMES, OVERVIEW_METRICS, PINS, Read, rows


def test_each_config_gets_its_own_context() -> None:
    first: dict[str, Any] = {}
    second: dict[str, Any] = {}
    AddSyncContext().transform(first)
    AddSyncContext().transform(second)

    assert SyncContext.of(first) is SyncContext.of(first)
    assert SyncContext.of(first) is not SyncContext.of(second)
    assert SyncContext.of(first).is_first("a warning")
    assert not SyncContext.of(first).is_first("a warning")
    assert SyncContext.of(second).is_first("a warning")


def test_config_with_a_context_can_be_written_as_json() -> None:
    config = SourceOneupPinterest(config=CONFIG)._config

    assert json.loads(json.dumps(config))[SYNC_CONTEXT_KEY] == {}


def test_streams_of_one_endpoint_share_responses(read: Read, wire: WireMocker) -> None:
    requests = []
    for stream in (OVERVIEW_METRICS, PINS):
        for window in stream.first:
            requests.append(window_request(stream.endpoint, "pin_a", window))
            wire.get(requests[-1], response(stream.body()))

    output = read(*NAMES)

    assert all(rows(output, name) for name in NAMES)
    for request in requests:
        wire.assert_number_of_calls(request, 1)


def test_second_sync_of_a_process_requests_everything_again(read: Read, wire: WireMocker) -> None:
    accounts = [{"social_account_id": "pin_a", "social_network_type": "pinterest"}]
    request = accounts_request()
    wire.get(request, response({"message": "OK", "error": False, "data": accounts}))

    for _ in range(2):
        read("accounts", config={"social_network_ids": []})

    wire.assert_number_of_calls(request, 2)


def test_cache_leaves_no_file_and_needs_none_before_the_first_response(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "missing"))
    context = SyncContext()

    with pytest.raises(AirbyteTracedException, match="responses cannot be kept in the temporary folder"):
        context.responses.append(b"a body")

    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    assert context.responses.read(context.responses.append(b"a body")) == b"a body"
    assert list(tmp_path.iterdir()) == []
