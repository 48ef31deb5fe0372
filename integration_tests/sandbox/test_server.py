"""The sandbox server: log, clock, control over HTTP, connections and the command line."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta

import pytest
import requests

from integration_tests.sandbox.conftest import SendRequest
from oneup_pinterest.sandbox import Sandbox


def test_requests_are_logged_without_the_key(sandbox: Sandbox, send_request: SendRequest) -> None:
    send_request()
    send_request("listsocialaccounts", apiKey="another key")
    first, second = sandbox.requests
    assert first.path == "/api/pinterest/posts"
    assert first.params == {
        "social_network_id": "pin_sandbox_knots_by_noor",
        "preset": "last_7_days",
    }
    assert (first.status, second.status, second.params) == (200, 401, {})
    over_http = requests.get(f"{sandbox.url}/_sandbox/requests", timeout=60)
    assert [entry["status"] for entry in over_http.json()["requests"]] == [200, 401]
    assert sandbox.api_key not in over_http.text
    requests.delete(f"{sandbox.url}/_sandbox/requests", timeout=60)
    assert sandbox.requests == []
    send_request()
    sandbox.clear_requests()
    assert sandbox.requests == []


def test_clock_is_set_over_http(sandbox: Sandbox, send_request: SendRequest) -> None:
    url = f"{sandbox.url}/_sandbox/clock"
    before = send_request(preset="last_90_days").json()
    later = sandbox.now + timedelta(days=30)
    assert requests.put(url, json={"now": later.isoformat()}, timeout=60).status_code == 200
    assert sandbox.now == later
    assert send_request(preset="last_90_days").json() != before
    requests.put(url, json={"now": None}, timeout=60)
    assert abs(sandbox.now - datetime.now(UTC)) < timedelta(seconds=30)
    for wrong in ({"now": "soon"}, {}, [], {"now": 5}):
        assert requests.put(url, json=wrong, timeout=60).status_code == 400


def test_faults_are_set_over_http(sandbox: Sandbox, send_request: SendRequest) -> None:
    url = f"{sandbox.url}/_sandbox/faults"
    fault = {"kind": "status", "status": 502, "path": "posts", "times": None}
    assert requests.post(url, json=fault, timeout=60).status_code == 200
    assert send_request().status_code == 502
    requests.delete(url, timeout=60)
    assert send_request().status_code == 200


def test_the_help_page_says_that_the_data_is_made_up(sandbox: Sandbox) -> None:
    response = requests.get(f"{sandbox.url}/_sandbox", timeout=60)
    assert response.headers["Content-Type"].startswith("text/plain")
    assert "MADE UP" in response.text
    assert requests.get(f"{sandbox.url}/_sandbox/nothing", timeout=60).status_code == 404


def test_connection_is_kept_alive_and_ends_with_the_sandbox() -> None:
    with requests.Session() as session:
        with Sandbox(accounts=1) as sandbox:
            url = f"{sandbox.accounts_url}/listsocialaccounts"
            for _ in range(3):
                assert session.get(url, params={"apiKey": "sandbox-key"}).status_code == 200
            assert session.get(url).headers["Connection"] == "keep-alive"
        with pytest.raises(requests.ConnectionError):
            session.get(url, timeout=2)


def test_latency_delays_every_api_response(sandbox: Sandbox, send_request: SendRequest) -> None:
    sandbox.latency = 0.1
    started = time.monotonic()
    send_request("listsocialaccounts")
    assert time.monotonic() - started >= 0.1


def test_config_holds_the_key_and_the_urls_of_both_hosts(sandbox: Sandbox) -> None:
    assert sandbox.config() == {
        "api_key": sandbox.api_key,
        "analytics_url": sandbox.url + "/api",
        "accounts_url": sandbox.url + "/api",
    }


def test_two_sandboxes_are_independent() -> None:
    with Sandbox(seed=1) as one, Sandbox(seed=1) as other:
        assert one.url != other.url
        requests.get(f"{one.accounts_url}/listsocialaccounts", timeout=60)
        assert (len(one.requests), len(other.requests)) == (1, 0)


def test_the_command_serves_and_reports_that_the_data_is_made_up() -> None:
    command = [sys.executable, "-m", "oneup_pinterest.sandbox", "--port", "0", "--today", "2030-02-03"]
    with subprocess.Popen(
        command, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env={**os.environ}
    ) as process:
        assert process.stderr is not None
        greeting = ""
        while "Ctrl-C" not in greeting:
            line = process.stderr.readline()
            assert line, greeting
            greeting += line
        config = json.loads(greeting[greeting.index("{") : greeting.index("}") + 1])
        params = {
            "apiKey": config["api_key"],
            "social_network_id": "pin_sandbox_documented_sample",
            "start_date": "2030-02-01",
            "end_date": "2030-02-02",
        }
        response = requests.get(f"{config['analytics_url']}/pinterest/posts", params, timeout=60)
        process.send_signal(signal.SIGTERM)
        stdout, _ = process.communicate(timeout=60)
    assert "ALL DATA IS MADE UP" in greeting
    assert response.json()["data"]["posts"][0]["id"] == "pin_123456"
    assert (process.returncode, stdout) == (0, "")
