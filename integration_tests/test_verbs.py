"""`python main.py spec | check | discover | read` as Airbyte runs them: messages on stdout, never the API key."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any
from urllib.parse import quote, quote_plus

import pytest

from integration_tests.airbyte import ReadResult, add_message, configured_catalog, messages, run
from integration_tests.in_process import run_connector
from oneup_pinterest.sandbox import Fault, Sandbox
from test_support.clock import NOON
from test_support.paths import ROOT

pytestmark = pytest.mark.slow

KEY = "k/e+y=1 ü&x"  # each of these characters changes in a URL


@pytest.fixture
def config_file(sandbox: Sandbox, tmp_path: Path) -> Path:
    return write_json(tmp_path / "config.json", sandbox.config())


def write_json(path: Path, content: Any) -> Path:
    path.write_text(json.dumps(content), encoding="utf-8")
    return path


def only_message(output: str, message_type: str) -> dict[str, Any]:
    found = [message for message in messages(output) if message["type"] == message_type]
    assert len(found) == 1
    return found[0]


def test_spec_lists_every_config_key() -> None:
    ended = run("spec")

    properties = only_message(ended.stdout, "SPEC")["spec"]["connectionSpecification"]["properties"]
    assert ended.returncode == 0
    assert list(properties) == [
        "api_key",
        "social_network_ids",
        "shard",
        "start_date",
        "preset",
        "timezone",
        "pins_lookback_days",
        "num_workers",
        "max_requests_per_minute",
        "analytics_url",
        "accounts_url",
    ]
    assert properties["api_key"]["airbyte_secret"]
    assert [key for key, value in properties.items() if value.get("airbyte_hidden")] == [
        "analytics_url",
        "accounts_url",
    ]


def test_discover_lists_all_streams_with_keys_and_described_columns(config_file: Path) -> None:
    streams = {
        stream["name"]: stream
        for stream in only_message(run("discover", "--config", config_file).stdout, "CATALOG")["catalog"]["streams"]
    }

    keys_and_cursors = {
        name: (stream["source_defined_primary_key"], stream.get("default_cursor_field"))
        for name, stream in streams.items()
    }
    assert keys_and_cursors == {
        "overview_metrics": ([["social_network_id"], ["key"], ["preset"], ["period_end"]], ["period_end"]),
        "pins": ([["social_network_id"], ["id"], ["snapshot_date"]], ["timestamp"]),
        "account_followers": ([["social_network_id"], ["snapshot_date"]], ["snapshot_date"]),
        "post_performance": (
            [["social_network_id"], ["preset"], ["period_end"], ["ranking"], ["position"]],
            ["period_end"],
        ),
        "pin_totals": ([["social_network_id"], ["period_start"], ["period_end"], ["key"]], ["period_end"]),
        "accounts": ([["social_network_id"]], None),
    }
    assert {entry["stream"]["name"]: entry["stream"]["json_schema"] for entry in configured_catalog()["streams"]} == {
        name: stream["json_schema"] for name, stream in streams.items()
    }, "the tests configure other streams than this config has"
    for stream in streams.values():
        assert stream["json_schema"]["additionalProperties"] is True
        for column in stream["json_schema"]["properties"].values():
            assert column["description"]
            assert "null" in column["type"]


def test_check_succeeds_if_every_account_can_be_read(config_file: Path, sandbox: Sandbox) -> None:
    ended = run("check", "--config", config_file, now=NOON)

    assert only_message(ended.stdout, "CONNECTION_STATUS")["connectionStatus"] == {"status": "SUCCEEDED"}
    requested = {request.params.get("social_network_id") for request in sandbox.requests}
    assert requested == {None, *sandbox.account_ids}


def test_check_names_each_failing_account_with_its_cause(sandbox: Sandbox, tmp_path: Path) -> None:
    ids = [*sandbox.account_ids, "typo_one", "typo/two"]
    config = write_json(tmp_path / "config.json", {**sandbox.config(), "social_network_ids": ids})

    ended = run_connector("check", "--config", config)

    status = only_message(ended.stdout, "CONNECTION_STATUS")["connectionStatus"]
    assert ended.returncode == 0
    assert status["status"] == "FAILED"
    assert '"typo_one"' in status["message"]
    assert '"typo/two"' in status["message"]
    assert "Account not found or does not belong to the authenticated user." in status["message"]
    assert not any(account in status["message"] for account in sandbox.account_ids)


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"api_key": None}, "`api_key`"),
        ({"preset": "last_5_days"}, "`preset`"),
        ({"start_date": "2999-01-01"}, "`start_date`"),
        ({"start_date": "yesterday"}, "`start_date`"),
        ({"timezone": "Moon/Base"}, "`timezone`"),
        ({"num_workers": 1}, "`num_workers`"),
        ({"num_workers": "four"}, "`num_workers`"),
        ({"max_requests_per_minute": 0}, "`max_requests_per_minute`"),
        ({"pins_lookback_days": 0}, "`pins_lookback_days`"),
        ({"social_network_ids": "pin_a, pin_b"}, "`social_network_ids`"),
        ({"shard": "17/16"}, "`shard`"),
        ({"analytics_url": "http://example.com"}, "`analytics_url`"),
    ],
)
def test_check_names_the_key_of_an_invalid_config(
    sandbox: Sandbox, tmp_path: Path, change: dict[str, Any], text: str
) -> None:
    changed = {key: value for key, value in {**sandbox.config(), **change}.items() if value is not None}
    ended = run_connector("check", "--config", write_json(tmp_path / "config.json", changed))

    status = only_message(ended.stdout, "CONNECTION_STATUS")["connectionStatus"]
    assert status["status"] == "FAILED"
    assert text in status["message"]
    assert "Traceback" not in status["message"]
    assert ended.returncode == 0


def test_check_fails_for_a_wrong_api_key(sandbox: Sandbox, tmp_path: Path) -> None:
    config = write_json(tmp_path / "config.json", {**sandbox.config(), "api_key": "wrong"})

    status = only_message(run_connector("check", "--config", config).stdout, "CONNECTION_STATUS")["connectionStatus"]

    assert status["status"] == "FAILED"
    assert "does not accept the key" in status["message"]


def test_check_fails_for_an_api_key_without_pinterest_accounts(sandbox: Sandbox, config_file: Path) -> None:
    for account in list(sandbox.account_ids):
        sandbox.remove_account(account)

    ended = run_connector("check", "--config", config_file)
    status = only_message(ended.stdout, "CONNECTION_STATUS")["connectionStatus"]

    assert status["status"] == "FAILED"
    assert "no Pinterest account" in status["message"]


def test_read_continues_from_the_state_that_the_recipe_last_states_extracts(
    sandbox: Sandbox, config_file: Path, tmp_path: Path
) -> None:
    files = ("--config", config_file, "--catalog", ROOT / "integration_tests" / "configured_catalog.json")
    first = run("read", *files, now=NOON)
    assert first.returncode == 0, first.stdout[-2000:]
    result, last = ReadResult(), {}
    for message in messages(first.stdout):
        add_message(message, result, last)
    recipe = [sys.executable, ROOT / "docs" / "recipes" / "last_states.py"]
    state = subprocess.run(recipe, input=first.stdout, capture_output=True, text=True, check=True).stdout
    extracted = {entry["stream"]["stream_descriptor"]["name"]: entry["stream"] for entry in json.loads(state)}
    assert extracted == {name: entry["stream"] for name, entry in last.items()}
    (tmp_path / "state.json").write_text(state)
    sandbox.clear_requests()

    second = run("read", *files, "--state", tmp_path / "state.json", now=NOON)

    assert second.returncode == 0
    assert len(sandbox.requests) == 7
    assert [line for line in second.stderr.splitlines() if line] == []


@pytest.mark.parametrize(
    ("what", "content"), [("config", None), ("config", "{"), ("catalog", '{"streams": 5}'), ("state", "[{")]
)
def test_a_missing_or_broken_file_causes_one_trace_that_names_it(
    config_file: Path, tmp_path: Path, what: str, content: str | None, sandbox: Sandbox
) -> None:
    files = {
        "config": config_file,
        "catalog": write_json(tmp_path / "catalog.json", configured_catalog()),
        "state": write_json(tmp_path / "state.json", []),
    }
    files[what] = tmp_path / "broken.json"
    if content is not None:
        files[what].write_text(content)

    ended = run_connector("read", *(part for name, path in files.items() for part in (f"--{name}", path)))

    trace = only_message(ended.stdout, "TRACE")["trace"]
    assert ended.returncode == 1
    assert trace["error"]["message"].startswith(f"The {what} file {files[what]} ")
    assert "\n" not in trace["error"]["message"]


def test_no_verb_prints_the_api_key_in_any_spelling(tmp_path: Path) -> None:
    output = ""
    with Sandbox(accounts=8, api_key=KEY, now=NOON) as sandbox:
        faults = [
            Fault("status", status=401, body={"message": f"Bad key {KEY}"}, headers={"X-Echo": quote(KEY)}, times=None),
            Fault("status", status=404, body=f"<a href='?apiKey={quote_plus(KEY)}'>", times=None),
            Fault("status", status=422, body={"success": False, "message": f"{KEY} {quote(KEY, safe='')}"}, times=None),
            Fault("body", body={"success": False, "message": KEY}, times=None),
            Fault("redirect", times=None),
            Fault("status", status=500, body=KEY, headers={"Retry-After": "0"}, times=None),
            Fault("drop", when="before", times=None),
        ]
        for account, fault in zip(sandbox.account_ids, faults, strict=False):
            fault.social_network_id = account
            sandbox.inject(fault)
        config = {**sandbox.config(), "start_date": "2026-05-10"}
        unreachable = {**config, "analytics_url": "http://127.0.0.1:9/api", "social_network_ids": ["pin_a"]}
        catalog = write_json(tmp_path / "catalog.json", configured_catalog(["overview_metrics", "pins"]))
        for content in (config, unreachable):
            file = write_json(tmp_path / "config.json", content)
            # what is printed without --debug is a part of this; `fault_injection.faults` runs each verb both ways
            for verb in (("check", "--debug"), ("read", "--debug", "--catalog", catalog)):
                ended = run(*verb, "--config", file, now=NOON, PYTHONPATH=str(QUICK_RETRIES))
                output += ended.stdout + ended.stderr
        assert all(account in output for account in sandbox.account_ids)
    spellings = {KEY, quote(KEY), quote(KEY, safe=""), quote_plus(KEY)}
    spellings |= {json.dumps(spelling)[1:-1] for spelling in spellings}
    assert [spelling for spelling in spellings if spelling in output] == []


QUICK_RETRIES = Path(__file__).parent / "quick_retries"  # its sitecustomize.py shortens the waits between attempts
