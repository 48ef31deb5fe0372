"""Errors in responses fail only their account, and Retry-After sets the wait before a retry."""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest
import requests
from airbyte_cdk.models import FailureType
from airbyte_cdk.test.mock_http import HttpResponse
from airbyte_cdk.test.models import ExpectedOutcome

from source_oneup_pinterest.components.error_handler import RetryAfterBackoffStrategy
from unit_tests.connector.mock_api import WireMocker, accounts_request, response, window_request
from unit_tests.connector.streams import (
    NAMES,
    OVERVIEW_METRICS,
    PINS,
    STREAMS,
    Read,
    by_end,
    cursors,
    errors,
    package,
    read_with,
    rows,
)

ENDPOINTS = (OVERVIEW_METRICS, PINS)  # one stream per endpoint


@pytest.mark.parametrize(
    ("sent", "failure_type", "words"),
    [
        (response({"message": "Please provide a valid API key"}, 401), "config_error", "does not accept the key"),
        (response("", 402), "config_error", "refuses access (HTTP 402)"),
        (response({"message": "No."}, 403), "config_error", 'refuses access (HTTP 403: "No.")'),
        (response({"success": False, "message": "Account not found"}, 404), "config_error", "Account not found"),
        (response({"message": "Bad"}, 422), "system_error", "refuses the request"),
        (response("", 302, Location="https://www.oneupapp.io/login"), "config_error", "redirects to another page"),
        (response("slow down", 429, **{"Retry-After": "1"}), "transient_error", "rate limit was reached"),
        (response("", 408), "transient_error", "It was tried 5 times"),
        (response("<html>", 500), "transient_error", "server failed (HTTP 500)"),
        (response({"success": False, "message": "Your plan has no analytics"}), "config_error", "refuses the request"),
        (response({"success": False, "message": "Oops"}), "system_error", "refuses the request"),
        (response("<!doctype html>"), "system_error", "web page instead of data"),
        (response(""), "transient_error", "an empty response"),
        (response('{"success": true, "data": {"met'), "transient_error", "cut short"),
        (response("[]"), "system_error", "is a list, not an object"),
        (response({"success": True, "data": None}), "system_error", "not as documented"),
    ],
    ids=lambda value: value.body[:20] or str(value.status_code) if isinstance(value, HttpResponse) else None,
)
def test_error_fails_only_its_account_in_every_stream(
    sent: HttpResponse, failure_type: str, words: str, wire: WireMocker
) -> None:
    for stream in ENDPOINTS:
        for window in stream.first:
            wire.get(window_request(stream.endpoint, "pin_a", window), sent)
            wire.get(window_request(stream.endpoint, "pin_b", window), response(stream.body()))

    output = read_with(
        package, *NAMES, config={"social_network_ids": ["pin_a", "pin_b"]}, outcome=ExpectedOutcome.EXPECT_EXCEPTION
    )

    logged: dict[str, Any] = {}
    for message in output.errors:
        assert message.trace
        assert message.trace.error
        if message.trace.error.stream_descriptor:
            logged[message.trace.error.stream_descriptor.name] = message.trace.error
    assert set(logged) == set(NAMES)
    for stream in STREAMS:
        error = logged[stream.name]
        assert error.failure_type == FailureType(failure_type)
        assert error.message.startswith('Account "pin_a" could not be read: ')
        assert words in error.message
        assert by_end(rows(output, stream.name)) == stream.rows(stream.first, account="pin_b")
        assert cursors(output, stream.name).get("pin_b") == stream.cursor
        assert cursors(output, stream.name).get("pin_a", {}) != stream.cursor


@pytest.mark.parametrize(
    ("name", "part"),
    [
        ("overview_metrics", "metrics"),
        ("account_followers", "total_followers"),
        ("post_performance", "post_performance"),
        ("pins", "posts"),
        ("pin_totals", "stats"),
    ],
)
def test_missing_part_of_a_response_fails_only_its_stream(name: str, part: str, wire: WireMocker) -> None:
    for stream in ENDPOINTS:
        body = stream.body()
        body["data"].pop(part, None)
        for window in stream.first:
            wire.get(window_request(stream.endpoint, "pin_a", window), response(body))

    output = read_with(package, *NAMES, outcome=ExpectedOutcome.EXPECT_EXCEPTION)

    for stream in STREAMS:
        assert by_end(rows(output, stream.name)) == ([] if stream.name == name else stream.rows(stream.first))


def test_failed_account_list_is_reported_by_every_stream(read: Read, wire: WireMocker) -> None:
    wire.get(accounts_request(), response({"message": "Please provide a valid API key"}, 401))

    output = read("accounts", *NAMES, config={"social_network_ids": []}, outcome=ExpectedOutcome.EXPECT_EXCEPTION)

    assert output.records == []
    assert any(text.startswith("The accounts of this key could not be listed: ") for text in errors(output))


def test_missing_account_list_suggests_checking_the_url(read: Read, wire: WireMocker) -> None:
    wire.get(accounts_request(), response({"message": "Not Found"}, 404))

    output = read("accounts", config={"social_network_ids": []}, outcome=ExpectedOutcome.EXPECT_EXCEPTION)

    assert any("Check `accounts_url`" in text for text in errors(output))


def wait_after(retry_after: str | None) -> float | None:
    refused = requests.Response()
    refused.status_code = 429
    if retry_after is not None:
        refused.headers["Retry-After"] = retry_after
    return RetryAfterBackoffStrategy().backoff_time(refused, 1)


@pytest.mark.parametrize(
    ("retry_after", "seconds"),
    [("7", 7), (" 7 ", 7), ("0", 0.1), ("119", 119), ("100000", 120), ("9" * 400, 120)],
)
def test_retry_after_in_seconds_is_capped(retry_after: str, seconds: float) -> None:
    assert wait_after(retry_after) == seconds


@pytest.mark.parametrize(("later", "seconds"), [(60, 60), (-60, 0.1), (86_400, 120)])
def test_retry_after_as_a_date_is_capped(later: int, seconds: float) -> None:
    moment = datetime.now(UTC) + timedelta(seconds=later)

    assert wait_after(format_datetime(moment, usegmt=True)) == pytest.approx(seconds, abs=2)


@pytest.mark.parametrize("retry_after", [None, "", "soon", "-5", "1.5.2", "9" * 5000, "Wed, 99 Foo 2026 10:00:00 GMT"])
def test_invalid_retry_after_leaves_the_wait_to_the_next_strategy(retry_after: str | None) -> None:
    assert wait_after(retry_after) is None


def test_error_without_a_response_leaves_the_wait_to_the_next_strategy() -> None:
    assert RetryAfterBackoffStrategy().backoff_time(requests.ConnectionError(), 1) is None
