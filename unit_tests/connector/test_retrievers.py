"""Each stream reads the right windows and accounts and then has the right cursor, in both forms of the connector."""

import pytest
from airbyte_cdk.test.models import ExpectedOutcome
from airbyte_cdk.test.state_builder import StateBuilder

from unit_tests.connector.mock_api import WireMocker, accounts_request, empty, posts, response, window_request
from unit_tests.connector.streams import (
    LAST_7_DAYS,
    LAST_30_DAYS,
    LAST_90_DAYS,
    LONG_AGO,
    OLDER_30_DAYS,
    OVERVIEW_METRICS,
    PINS,
    SINCE_START,
    SNAPSHOT,
    Json,
    Read,
    Stream,
    by_end,
    cursors,
    each_stream,
    errors,
    rows,
    state_of,
)


@each_stream
def test_first_read_requests_all_windows_from_the_start(stream: Stream, read: Read, wire: WireMocker) -> None:
    for window in stream.first:
        wire.get(window_request(stream.endpoint, "pin_a", window), response(stream.body()))

    output = read(stream.name)

    assert by_end(rows(output, stream.name)) == stream.rows(stream.first)
    assert cursors(output, stream.name) == {"pin_a": stream.cursor}
    wire._validate_all_matchers_called()


@each_stream
def test_incremental_read_requests_only_the_newest_windows(stream: Stream, read: Read, wire: WireMocker) -> None:
    for window in stream.then:
        wire.get(window_request(stream.endpoint, "pin_a", window), response(stream.body()))

    output = read(stream.name, state=state_of(stream, "pin_a"))

    assert by_end(rows(output, stream.name)) == stream.rows(stream.then)
    assert cursors(output, stream.name) == {"pin_a": stream.cursor}
    wire._validate_all_matchers_called()


@each_stream
def test_account_added_later_is_read_from_the_start(stream: Stream, read: Read, wire: WireMocker) -> None:
    for account, windows in (("pin_a", stream.then), ("pin_b", stream.first)):
        for window in windows:
            wire.get(window_request(stream.endpoint, account, window), response(stream.body()))

    output = read(stream.name, config={"social_network_ids": ["pin_a", "pin_b"]}, state=state_of(stream, "pin_a"))

    expected = stream.rows(stream.then) + stream.rows(stream.first, account="pin_b")
    assert by_end(rows(output, stream.name)) == expected
    assert cursors(output, stream.name) == {"pin_a": stream.cursor, "pin_b": stream.cursor}
    wire._validate_all_matchers_called()


@each_stream
def test_cursor_of_an_empty_account_advances(stream: Stream, read: Read, wire: WireMocker) -> None:
    for window in stream.first:
        wire.get(window_request(stream.endpoint, "pin_a", window), response(empty(stream.body())))

    output = read(stream.name)

    no_followers = [{"social_network_id": "pin_a", **SNAPSHOT, "total_followers": 0}]
    assert rows(output, stream.name) == (no_followers if stream.name == "account_followers" else [])
    assert cursors(output, stream.name) == {"pin_a": stream.cursor}


@each_stream
def test_late_data_has_the_key_of_the_row_it_replaces(stream: Stream, read: Read, wire: WireMocker) -> None:
    # the state is from today, so the newest window is requested again, with a pin older than the cursor
    window = LAST_30_DAYS if stream.endpoint == "overview" else LAST_7_DAYS
    wire.get(window_request(stream.endpoint, "pin_a", window), [response(stream.body(12)), response(stream.body(15))])
    states = [{"partition": {"social_network_id": "pin_a"}, "cursor": stream.cursor, "since": "2026-05-06"}]
    state = StateBuilder().with_stream_state(stream.name, {"states": states}).build()

    first, second = read(stream.name, state=state), read(stream.name, state=state)

    assert rows(first, stream.name) == stream.rows([window], 12)
    assert rows(second, stream.name) == stream.rows([window], 15)
    wire._validate_all_matchers_called()


@each_stream
def test_repeated_read_returns_the_same_records_and_state(stream: Stream, read: Read, wire: WireMocker) -> None:
    for window in stream.first:
        wire.get(window_request(stream.endpoint, "pin_a", window), response(stream.body()))

    first, second = read(stream.name), read(stream.name)

    assert by_end(rows(first, stream.name)) == by_end(rows(second, stream.name)) == stream.rows(stream.first)
    assert cursors(first, stream.name) == cursors(second, stream.name) == {"pin_a": stream.cursor}


def test_cursor_of_pins_follows_the_windows_not_the_pins(read: Read, wire: WireMocker) -> None:
    body = posts()
    times = ("2026-05-06 09:00:00", "2026-05-19 23:00:00", "2099-01-01 00:00:00", "soon")
    body["data"]["posts"] = [pin | {"timestamp": moment} for pin in body["data"]["posts"] for moment in times]
    wire.get(window_request("posts", "pin_a", SINCE_START), response(body))

    output = read("pins")

    assert len(rows(output, "pins")) == 4
    assert cursors(output, "pins") == {"pin_a": {"timestamp": "2026-05-19 00:00:00"}}


@pytest.mark.parametrize(
    ("stream", "windows", "failing", "cursor"),
    [
        (OVERVIEW_METRICS, [OLDER_30_DAYS, LAST_30_DAYS], 0, {"period_end": "2026-05-05"}),
        (OVERVIEW_METRICS, [OLDER_30_DAYS, LAST_30_DAYS], 1, {"period_end": "2026-05-12"}),
        (PINS, [LONG_AGO, LAST_90_DAYS], 0, {"timestamp": "2026-01-19 00:00:00"}),
        (PINS, [LONG_AGO, LAST_90_DAYS], 1, {"timestamp": "2026-01-19 00:00:00"}),
    ],
)
def test_cursor_does_not_pass_a_window_that_failed(
    stream: Stream, windows: list[Json], failing: int, cursor: Json, read: Read, wire: WireMocker
) -> None:
    for n, window in enumerate(windows):
        refused = response({"message": "Bad"}, 422)
        sent = refused if n == failing else response(stream.body())
        wire.get(window_request(stream.endpoint, "pin_a", window), sent)
    start = "2026-05-06" if stream.endpoint == "overview" else LONG_AGO["start_date"]

    output = read(stream.name, config={"start_date": start}, outcome=ExpectedOutcome.EXPECT_EXCEPTION)

    assert cursors(output, stream.name) == {"pin_a": cursor}


def test_listed_pinterest_accounts_are_read_in_each_sync(read: Read, wire: WireMocker) -> None:
    pinterest = {
        "username": "a",
        "full_name": "A",
        "social_account_id": "pin_a",
        "social_network_type": "pinterest",
        "is_expired": 0,
        "need_refresh": True,
    }
    other = {"username": "b", "social_account_id": "x/1", "social_network_type": "X"}
    wire.get(accounts_request(), response({"message": "OK", "error": False, "data": [pinterest, other]}))

    first = read("accounts", config={"social_network_ids": []})
    second = read("accounts", config={"social_network_ids": []})

    expected = {
        "social_network_id": "pin_a",
        "username": "a",
        "full_name": "A",
        "social_network_type": "pinterest",
        "is_expired": False,
        "need_refresh": True,
    }
    assert rows(first, "accounts") == rows(second, "accounts") == [expected]


def test_key_without_accounts_is_a_config_error(read: Read, wire: WireMocker) -> None:
    wire.get(accounts_request(), response({"message": "OK", "error": False, "data": []}))

    output = read("accounts", config={"social_network_ids": []}, outcome=ExpectedOutcome.EXPECT_EXCEPTION)

    assert "This key has no Pinterest account in OneUp: connect one there, then try again." in errors(output)


def test_configured_accounts_are_read_without_a_request(read: Read, wire: WireMocker) -> None:
    output = read("accounts", config={"social_network_ids": ["pin_a", "pin_b", "pin_a"]})

    assert [row["social_network_id"] for row in rows(output, "accounts")] == ["pin_a", "pin_b"]
