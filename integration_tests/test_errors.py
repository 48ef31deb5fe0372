"""Failures of OneUp: temporary ones are retried, others are reported with account, cause and remedy."""

from collections.abc import Callable
from typing import Any

import pytest
import requests

from integration_tests.airbyte import ReadResult, read
from oneup_pinterest.sandbox import Fault, Sandbox
from source_oneup_pinterest.components.clock import CLOCK_VARIABLE
from test_support.clock import NOON

pytestmark = pytest.mark.slow

HTML = "<!doctype html><title>Log in</title>"
START = {"start_date": "2026-05-01"}  # a short history is enough and fast

TEMPORARY: list[tuple[str, dict[str, Any]]] = [
    ("status", {"status": 429, "headers": {"Retry-After": "7"}, "body": {"message": "Too Many Attempts."}}),
    ("status", {"status": 429, "headers": {"Retry-After": "Wed, 21 Oct 2099 07:28:00 GMT"}}),
    ("status", {"status": 429, "body": HTML}),
    ("status", {"status": 500, "body": {"success": False, "message": "Server Error"}}),
    ("status", {"status": 502, "body": HTML, "content_type": "text/html"}),
    ("status", {"status": 503, "headers": {"Retry-After": "3"}}),
    ("status", {"status": 408}),
    ("drop", {"when": "before"}),
    ("drop", {"when": "headers"}),
    ("drop", {"when": "body"}),
    ("truncate", {}),
    ("wrong_length", {}),
    ("body", {"body": ""}),
]


@pytest.fixture(scope="module")
def rows_without_faults() -> dict[str, list[str]]:
    with pytest.MonkeyPatch.context() as patch, Sandbox(accounts=3, now=NOON) as sandbox:
        patch.setenv(CLOCK_VARIABLE, NOON.isoformat())
        return {stream: ordered(rows) for stream, rows in read({**sandbox.config(), **START}).records.items()}


@pytest.mark.parametrize(("kind", "details"), TEMPORARY, ids=[f"{kind}-{n}" for n, (kind, _) in enumerate(TEMPORARY)])
def test_a_temporary_fault_is_retried_and_changes_no_record(
    sandbox: Sandbox, waits: list[float], rows_without_faults: dict[str, list[str]], kind: str, details: dict[str, Any]
) -> None:
    for path in ("listsocialaccounts", "overview", "posts"):
        sandbox.inject(Fault(kind, path=path, **details))

    result = read({**sandbox.config(), **START})

    assert result.exception is None
    assert {stream: ordered(rows) for stream, rows in result.records.items()} == rows_without_faults
    assert len([wait for wait in waits if wait > 1]) >= 3


def test_a_slow_response_is_requested_again_after_the_read_timeout(
    sandbox: Sandbox, waits: list[float], rows_without_faults: dict[str, list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    # the sandbox creates its data at the first request, which takes time
    read({**sandbox.config(), **START}, streams=["pins"])
    really_send = requests.adapters.HTTPAdapter.send
    timeouts = set()

    def send_with_short_timeout(self: Any, request: Any, **kwargs: Any) -> Any:
        timeouts.add(kwargs["timeout"])
        return really_send(self, request, **{**kwargs, "timeout": (1, 0.3)})

    monkeypatch.setattr(requests.adapters.HTTPAdapter, "send", send_with_short_timeout)
    sandbox.inject(Fault("slow", path="posts", seconds=2))

    result = read({**sandbox.config(), **START}, streams=["pins"])

    assert ordered(result.records["pins"]) == rows_without_faults["pins"]
    assert timeouts == {(10, 60)}
    assert waits


def ordered(rows: list[dict[str, Any]]) -> list[str]:
    return sorted(map(repr, rows))


def test_retry_after_is_capped(sandbox: Sandbox, waits: list[float]) -> None:
    for value in ("7", "86400"):
        sandbox.inject(Fault("status", path="posts", status=429, headers={"Retry-After": value}, body=""))
        assert read(sandbox.config(), streams=["pins"]).exception is None
    assert 8 in waits  # Airbyte adds a second
    assert max(waits) <= 121


@pytest.fixture(scope="module")
def others_without_faults() -> ReadResult:
    """Return what a read of all accounts except the first returns."""
    with pytest.MonkeyPatch.context() as patch, Sandbox(accounts=3, now=NOON) as sandbox:
        patch.setenv(CLOCK_VARIABLE, NOON.isoformat())
        return read({**sandbox.config(), **START, "social_network_ids": sandbox.account_ids[1:]})


NOT_FOUND = {"success": False, "message": "Account not found or does not belong to the authenticated user."}
PERMANENT: list[tuple[str, dict[str, Any], str, str]] = [
    ("status", {"status": 401, "body": {"message": "Please provide a valid API key"}}, "config_error", "`api_key`"),
    ("status", {"status": 402, "body": {"message": "Upgrade"}}, "config_error", "plan"),
    ("status", {"status": 403, "body": HTML}, "config_error", "plan"),
    ("status", {"status": 404, "body": NOT_FOUND}, "config_error", "support may not have enabled analytics"),
    ("status", {"status": 422, "body": {"message": "That date is wrong."}}, "system_error", "That date is wrong."),
    ("redirect", {}, "config_error", "login"),
    ("body", {"body": HTML}, "system_error", "web page"),
    ("body", {"body": {"success": False, "message": "No."}}, "system_error", '"No."'),
    ("body", {"body": {"success": False, "message": "API key expired"}}, "config_error", "API key expired"),
    ("body", {"body": {"message": "Please provide a valid API key"}}, "config_error", "valid API key"),
    ("body", {"body": {"error": True, "message": "Nope"}}, "system_error", "Nope"),
    ("body", {"body": {"success": True, "data": None}}, "system_error", "`data."),
    ("body", {"body": {"success": True}}, "system_error", "is missing"),
    ("body", {"body": {"success": True, "data": []}}, "system_error", "is missing"),
    ("body", {"body": {"success": True, "data": {"metrics": None, "posts": None, "stats": None}}}, "system_error", ""),
    ("body", {"body": [1, 2]}, "system_error", "a list"),
    ("body", {"body": "null"}, "system_error", "null"),
]


@pytest.mark.parametrize(("kind", "details", "failure_type", "message"), PERMANENT, ids=range(len(PERMANENT)))
def test_a_failing_account_is_named_with_its_cause_and_stops_no_other(
    sandbox: Sandbox,
    others_without_faults: ReadResult,
    kind: str,
    details: dict[str, Any],
    failure_type: str,
    message: str,
) -> None:
    bad, *good = sandbox.account_ids
    for path in ("overview", "posts"):
        sandbox.inject(Fault(kind, path=path, social_network_id=bad, times=None, **details))

    result = read({**sandbox.config(), **START, "social_network_ids": [bad, *good]})

    assert result.exception is not None
    errors_by_stream = {
        error["stream_descriptor"]["name"]: error for error in result.errors if "stream_descriptor" in error
    }
    assert {"overview_metrics", "pins"} <= set(errors_by_stream)
    for error in errors_by_stream.values():
        assert error["message"].startswith(f'Account "{bad}" could not be read: ')
        assert message in error["message"]
        assert error["failure_type"] == failure_type
        assert "\n" not in error["message"]
    assert bad in (result.exception.message or "")
    for stream in errors_by_stream:
        rows = [row for row in result.records[stream] if row["social_network_id"] != bad]
        assert ordered(rows) == ordered(others_without_faults.records[stream])
        assert [row for row in result.records[stream] if row["social_network_id"] == bad] == []
        assert {account: cursor for account, cursor in result.cursors(stream).items() if account != bad} == (
            others_without_faults.cursors(stream)
        )


def test_the_next_read_reads_what_failed(sandbox: Sandbox, waits: list[float]) -> None:
    rows_without_faults = read({**sandbox.config(), "start_date": "2026-01-01"})
    sandbox.inject(Fault("status", social_network_id=sandbox.account_ids[0], times=None, after=3, status=500, body=""))
    broken = read({**sandbox.config(), "start_date": "2026-01-01"})
    assert broken.exception is not None
    sandbox.reset_faults()

    repaired = read({**sandbox.config(), "start_date": "2026-01-01"}, broken.state)

    assert repaired.exception is None
    for stream, rows in rows_without_faults.records.items():
        assert set(ordered(rows)) == set(ordered(broken.records[stream] + repaired.records[stream]))
    for stream in ("overview_metrics", "pins", "account_followers", "post_performance", "pin_totals"):
        assert repaired.cursors(stream) == rows_without_faults.cursors(stream)


def test_an_unreadable_account_list_is_reported_once_per_stream(sandbox: Sandbox) -> None:
    result = read({**sandbox.config(), "api_key": "wrong"})

    assert {error["message"].split(":")[0] for error in result.errors} == {
        "The accounts of this key could not be listed"
    }
    assert result.exception is not None
    assert result.exception.failure_type.value == "config_error"
    assert len(sandbox.requests) == 1


def test_an_open_circuit_breaker_stops_requests_of_its_account(sandbox: Sandbox) -> None:
    result = read({**sandbox.config(), "start_date": "2025-01-01", "social_network_ids": ["nobody"], "num_workers": 2})

    assert result.exception is not None
    # two endpoints by at most two workers each, and one request of the list to look for a username
    assert len(sandbox.requests) <= 5


def test_an_outage_is_retried_for_few_accounts_only(sandbox: Sandbox, waits: list[float]) -> None:
    ids = [f"pin_{n}" for n in range(50)]
    sandbox.inject(Fault("status", status=503, times=None))

    result = read({**sandbox.config(), "social_network_ids": ids}, streams=["account_followers"])

    # five tries for three accounts and for those requested at the same time, one for each of the others
    assert len(sandbox.requests) <= len(ids) + 4 * (3 + 4)
    assert {error["message"].split('"')[1] for error in result.errors if '"' in error["message"]} >= set(ids)
    assert result.exception is not None
    assert result.exception.failure_type.value == "transient_error"


def test_an_outage_ends_with_the_first_response(sandbox: Sandbox, waits: list[float]) -> None:
    bad, good = [sandbox.add_account(f"pin_bad_{n}") for n in range(4)], sandbox.add_account("pin_good")
    for account in bad:
        sandbox.inject(Fault("status", status=503, social_network_id=account, times=None))

    result = read(
        {**sandbox.config(), "social_network_ids": [*bad, good]}, streams=["overview_metrics", "account_followers"]
    )

    for stream in ("overview_metrics", "account_followers"):
        assert {row["social_network_id"] for row in result.records[stream]} == {good}


def test_failing_accounts_among_working_ones_are_not_an_outage(sandbox: Sandbox, waits: list[float]) -> None:
    bad = [sandbox.add_account(f"pin_bad_{n}") for n in range(6)]
    for account in bad:
        sandbox.inject(Fault("status", status=503, social_network_id=account, times=None))
    good = [sandbox.add_account(f"pin_good_{n}") for n in range(12)]
    ids = [account for trio in zip(bad, good[:6], good[6:], strict=True) for account in trio]

    result = read({**sandbox.config(), "social_network_ids": ids, "num_workers": 2}, streams=["account_followers"])

    assert {row["social_network_id"] for row in result.records["account_followers"]} == set(good)


Shape = Callable[[dict[str, Any]], dict[str, Any]]


def data_with(**parts: Any) -> Shape:
    return lambda response: {**response, "data": {**response["data"], **parts}}


def test_rankings_may_be_an_empty_list_or_have_the_alternative_name(sandbox: Sandbox) -> None:
    account = sandbox.account_ids[0]
    config = {**sandbox.config(), "social_network_ids": [account], "start_date": "2026-05-01"}
    sandbox.inject(Fault("edit", path="overview", times=None, edit=data_with(post_performance=[])))
    assert read(config).records["post_performance"] == []
    sandbox.reset_faults()

    def renamed(response: dict[str, Any]) -> dict[str, Any]:
        response["data"]["posts_performance"] = response["data"].pop("post_performance")
        return response

    sandbox.inject(Fault("edit", path="overview", times=None, edit=renamed))
    assert read(config).records["post_performance"] != []


def test_values_of_other_types_are_converted_and_unknown_fields_kept(sandbox: Sandbox) -> None:
    pin = {
        "id": 1000,
        "page_id": None,
        "format": "image",
        "text": ["odd"],
        "permalink": "p",
        "media_type": "IMAGE",
        "media_url": "u",
        "timestamp": "2026-05-01 09:00:00",
        "board": {"name": "Garden"},
        "stats": {"impressions": "1,234", "saves": None, "comments": 0, "repins": 7.0, "clicks": "n/a", "closeups": 5},
    }
    sandbox.inject(Fault("edit", path="posts", times=None, edit=data_with(posts=[pin, "no pin"])))

    record, *others = read({**sandbox.config(), "social_network_ids": sandbox.account_ids[:1]}).records["pins"]

    assert others == []
    assert record["id"] == "1000"
    assert record["text"] == '["odd"]'
    counters = ("impressions", "saves", "comments", "repins", "clicks", "closeups")
    assert [record.get(counter) for counter in counters] == [1234, None, 0, 7, None, 5]
    assert record["board"] == {"name": "Garden"}


def test_any_text_is_an_id_and_reaches_the_api_unchanged(sandbox: Sandbox) -> None:
    ids = ["1_000", "007", "a/b c", "50%", 'q"uote', "naïve🌷", "{{ 1 + 1 }}", "[1]", "None"]
    for account in ids:
        sandbox.add_account(account)

    result = read({**sandbox.config(), "social_network_ids": ids}, streams=["account_followers"])

    assert result.exception is None
    assert sorted(request.params["social_network_id"] for request in sandbox.requests) == sorted(ids)
    assert {row["social_network_id"] for row in result.records["account_followers"]} == set(ids)


@pytest.mark.parametrize("key", ["key", "7", "saves", "i"])
def test_a_key_that_is_a_common_word_changes_no_record(
    rows_without_faults: dict[str, list[str]], key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(CLOCK_VARIABLE, NOON.isoformat())
    with Sandbox(accounts=3, now=NOON, api_key=key) as sandbox:
        result = read({**sandbox.config(), **START})

    assert {stream: ordered(rows) for stream, rows in result.records.items()} == rows_without_faults
