"""Every stream against OneUp's answers as they come over the wire, in both forms of the connector.

Noon of 20 May 2026; history begins on 6 May. The overview's weekly steps then end on 12 May and yesterday.
"""

import hashlib
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import yaml
from airbyte_cdk.models import AirbyteStateMessage, ConfiguredAirbyteCatalog, FailureType, SyncMode
from airbyte_cdk.sources import Source
from airbyte_cdk.sources.declarative.concurrent_declarative_source import ConcurrentDeclarativeSource
from airbyte_cdk.test.catalog_builder import CatalogBuilder
from airbyte_cdk.test.entrypoint_wrapper import EntrypointOutput
from airbyte_cdk.test.entrypoint_wrapper import read as read_source
from airbyte_cdk.test.mock_http import HttpResponse
from airbyte_cdk.test.models import ExpectedOutcome
from airbyte_cdk.test.state_builder import StateBuilder

from source_oneup_pinterest import SourceOneupPinterest, components
from source_oneup_pinterest.components import CLOCK_VARIABLE
from test_support.paths import ROOT
from unit_tests.connector.mock_api import (
    KEY,
    WireMocker,
    answer,
    asked,
    asked_for_accounts,
    empty,
    overview,
    posts,
)

CONFIG = {
    "api_key": KEY,
    "social_network_ids": ["pin_a"],
    "start_date": "2026-05-06",
    "pins_lookback_days": 7,
    "num_workers": 2,
}
LAST_30_DAYS = {"preset": "last_30_days"}
LAST_7_DAYS = {"preset": "last_7_days"}
LAST_90_DAYS = {"preset": "last_90_days"}
LONG_AGO = {"start_date": "2026-01-20", "end_date": "2026-02-18"}
OLDER_30_DAYS = {"start_date": "2026-04-13", "end_date": "2026-05-12"}
NEWEST = {"preset": "last_30_days", "period_start": "2026-04-20", "period_end": "2026-05-19"}
OLDER = {"preset": "last_30_days", "period_start": "2026-04-13", "period_end": "2026-05-12"}
SINCE_START = {"start_date": "2026-05-06", "end_date": "2026-05-19"}
SINCE_CURSOR = {"start_date": "2026-05-12", "end_date": "2026-05-19"}
Json = dict[str, Any]


@dataclass
class Stream:
    """What is asked for first and with a state of 12 May, and where the cursor stands after it."""

    name: str
    endpoint: str
    body: Callable[..., Json]
    cursor: dict[str, str]
    cursor_before: dict[str, str]
    first: list[Json]
    then: list[Json]
    row: Callable[[int], Json]
    stamps: dict[str, Json]  # what a window's rows are given, by the window's last day or preset

    def rows(self, windows: list[Json], value: int = 12, account: str = "pin_a") -> list[Json]:
        stamps = [self.stamps[window.get("preset") or window["start_date"]] for window in windows]
        row = {column: sent for column, sent in self.row(value).items() if sent is not None}  # messages leave nulls out
        return [{"social_network_id": account, **stamp, **row} for stamp in stamps]


def metric_row(value: int) -> Json:
    return {
        "key": "saves",
        "name": "Saves",
        "description": "Saves of pins.",
        "value_current_period": value,
        "value_last_period": 1000,
        "percentage_change": "+20%",
        "percentage_change_value": 20,
    }


def pin_row(value: int) -> Json:
    return {
        "id": "7",
        "page_id": "70",
        "format": None,
        "text": "A pin",
        "permalink": None,
        "media_type": None,
        "media_url": None,
        "timestamp": "2026-05-13 09:00:00",
        "impressions": value,
        "saves": 2,
        "comments": 0,
        "repins": 2,
        "clicks": None,
    }


def ranked_row(value: int) -> Json:
    return {
        "ranking": "most_views",
        "position": 1,
        "id": "7",
        "text": "A pin",
        "permalink": None,
        "engagement_rate": value + 0.5,
        "item": {"id": 7, "text": "A pin", "engagement_rate": f"{value}.5%"},
    }


PERIODS: dict[str, Json] = {"last_30_days": NEWEST, "2026-04-13": OLDER}
WINDOWS: dict[str, Json] = {
    window["start_date"]: {"period_start": window["start_date"], "period_end": window["end_date"]}
    for window in (SINCE_START, SINCE_CURSOR)
} | {"last_7_days": {"period_start": "2026-05-13", "period_end": "2026-05-19"}}
SEEN = {"snapshot_date": "2026-05-20"}
STREAMS = [
    Stream(
        "overview_metrics",
        "overview",
        overview,
        {"period_end": "2026-05-19"},
        {"period_end": "2026-05-12"},
        [OLDER_30_DAYS, LAST_30_DAYS],
        [OLDER_30_DAYS, LAST_30_DAYS],
        metric_row,
        PERIODS,
    ),
    Stream(
        "post_performance",
        "overview",
        overview,
        {"period_end": "2026-05-19"},
        {"period_end": "2026-05-12"},
        [OLDER_30_DAYS, LAST_30_DAYS],
        [OLDER_30_DAYS, LAST_30_DAYS],
        ranked_row,
        PERIODS,
    ),
    Stream(
        "account_followers",
        "overview",
        overview,
        {"snapshot_date": "2026-05-20"},
        {"snapshot_date": "2026-05-13"},
        [LAST_30_DAYS],
        [LAST_30_DAYS],
        lambda value: {"total_followers": value},
        {"last_30_days": SEEN},
    ),
    Stream(
        "pins",
        "posts",
        posts,
        {"timestamp": "2026-05-19 00:00:00"},
        {"timestamp": "2026-05-12 10:00:00"},
        [SINCE_START],
        [SINCE_CURSOR],
        pin_row,
        {start: stamp | SEEN for start, stamp in WINDOWS.items()},
    ),
    Stream(
        "pin_totals",
        "posts",
        posts,
        {"period_end": "2026-05-19"},
        {"period_end": "2026-05-12"},
        [SINCE_START],
        [SINCE_CURSOR],
        metric_row,
        WINDOWS,
    ),
]
NAMES = [stream.name for stream in STREAMS]
each_stream = pytest.mark.parametrize("stream", STREAMS, ids=NAMES)
Read = Callable[..., EntrypointOutput]


@pytest.fixture(autouse=True)
def noon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(CLOCK_VARIABLE, "2026-05-20T12:00:00+00:00")
    monkeypatch.setattr(time, "sleep", lambda _: None)  # waits between attempts


@pytest.fixture
def wire() -> Iterator[WireMocker]:
    with WireMocker() as mocker:
        yield mocker


def package(catalog: ConfiguredAirbyteCatalog, config: Json, state: list[AirbyteStateMessage]) -> Source:
    return SourceOneupPinterest(catalog=catalog, config=config, state=state)


def manifest_only(catalog: ConfiguredAirbyteCatalog, config: Json, state: list[AirbyteStateMessage]) -> Source:
    code = (ROOT / "source_oneup_pinterest" / "components.py").read_text(encoding="utf-8")
    injected = {
        "__injected_components_py": code,
        "__injected_components_py_checksums": {"md5": hashlib.md5(code.encode()).hexdigest()},
    }
    manifest = yaml.safe_load((ROOT / "source_oneup_pinterest" / "manifest.yaml").read_text(encoding="utf-8"))
    return ConcurrentDeclarativeSource(catalog=catalog, config=config | injected, state=state, source_config=manifest)


@pytest.fixture(params=[package, manifest_only])
def read(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Read:
    """Reads streams through Airbyte's entrypoint."""
    monkeypatch.setenv("AIRBYTE_ENABLE_UNSAFE_CODE", "true")
    monkeypatch.setitem(sys.modules, "source_declarative_manifest.components", components)
    monkeypatch.setitem(sys.modules, "components", components)
    return lambda *arguments, **options: read_with(request.param, *arguments, **options)


def read_with(
    form: Callable[..., Source],
    *names: str,
    config: Json | None = None,
    state: list[AirbyteStateMessage] | None = None,
    outcome: ExpectedOutcome = ExpectedOutcome.EXPECT_SUCCESS,
) -> EntrypointOutput:
    config, state, catalog = CONFIG | (config or {}), state or [], CatalogBuilder()
    for name in names:
        catalog.with_stream(name, SyncMode.full_refresh if name == "accounts" else SyncMode.incremental)
    configured = catalog.build()
    output = read_source(form(configured, config, state), config, configured, state, expected_outcome=outcome)
    assert KEY not in "".join(str(message) for message in output.get_message_iterator())
    if outcome.expect_success():
        assert output.errors == []
    return output


def rows(output: EntrypointOutput, name: str) -> list[Json]:
    found = [message.record.data for message in output.records if message.record and message.record.stream == name]
    return [dict(row) for row in found]


def cursors(output: EntrypointOutput, name: str) -> dict[str, dict[str, str]]:
    """Account → cursor in the last state of a stream."""
    found: dict[str, dict[str, str]] = {}
    for message in output.state_messages:
        assert message.state
        assert message.state.stream
        if message.state.stream.stream_descriptor.name == name and message.state.stream.stream_state:
            states = message.state.stream.stream_state.__dict__.get("states", [])
            found = {entry["partition"]["social_network_id"]: entry["cursor"] for entry in states}
    return found


def state_of(stream: Stream, *accounts: str) -> list[AirbyteStateMessage]:
    states = [
        {"partition": {"social_network_id": account}, "cursor": stream.cursor_before, "since": "2026-05-06"}
        for account in accounts
    ]
    return StateBuilder().with_stream_state(stream.name, {"use_global_cursor": False, "states": states}).build()


def by_end(records: list[Json]) -> list[Json]:
    return sorted(records, key=lambda row: (row["social_network_id"], row.get("period_end", "")))


@each_stream
def test_a_first_read_asks_for_all_windows_from_the_start(stream: Stream, read: Read, wire: WireMocker) -> None:
    for window in stream.first:
        wire.get(asked(stream.endpoint, "pin_a", window), answer(stream.body()))

    output = read(stream.name)

    assert by_end(rows(output, stream.name)) == stream.rows(stream.first)
    assert cursors(output, stream.name) == {"pin_a": stream.cursor}
    wire._validate_all_matchers_called()


@each_stream
def test_an_incremental_read_asks_for_the_newest_windows_alone(stream: Stream, read: Read, wire: WireMocker) -> None:
    for window in stream.then:
        wire.get(asked(stream.endpoint, "pin_a", window), answer(stream.body()))

    output = read(stream.name, state=state_of(stream, "pin_a"))

    assert by_end(rows(output, stream.name)) == stream.rows(stream.then)
    assert cursors(output, stream.name) == {"pin_a": stream.cursor}
    wire._validate_all_matchers_called()


@each_stream
def test_an_account_that_is_added_later_gets_its_whole_history(stream: Stream, read: Read, wire: WireMocker) -> None:
    for account, windows in (("pin_a", stream.then), ("pin_b", stream.first)):
        for window in windows:
            wire.get(asked(stream.endpoint, account, window), answer(stream.body()))

    output = read(stream.name, config={"social_network_ids": ["pin_a", "pin_b"]}, state=state_of(stream, "pin_a"))

    expected = stream.rows(stream.then) + stream.rows(stream.first, account="pin_b")
    assert by_end(rows(output, stream.name)) == expected
    assert cursors(output, stream.name) == {"pin_a": stream.cursor, "pin_b": stream.cursor}
    wire._validate_all_matchers_called()


@each_stream
def test_an_empty_account_moves_its_cursor_all_the_same(stream: Stream, read: Read, wire: WireMocker) -> None:
    for window in stream.first:
        wire.get(asked(stream.endpoint, "pin_a", window), answer(empty(stream.body())))

    output = read(stream.name)

    no_followers = [{"social_network_id": "pin_a", **SEEN, "total_followers": 0}]
    assert rows(output, stream.name) == (no_followers if stream.name == "account_followers" else [])
    assert cursors(output, stream.name) == {"pin_a": stream.cursor}


@each_stream
def test_late_data_comes_with_the_key_of_the_row_that_it_replaces(stream: Stream, read: Read, wire: WireMocker) -> None:
    # read up to yesterday; the newest window is asked for again, with a pin that is older than the cursor
    window = LAST_30_DAYS if stream.endpoint == "overview" else LAST_7_DAYS
    wire.get(asked(stream.endpoint, "pin_a", window), [answer(stream.body(12)), answer(stream.body(15))])
    states = [{"partition": {"social_network_id": "pin_a"}, "cursor": stream.cursor, "since": "2026-05-06"}]
    state = StateBuilder().with_stream_state(stream.name, {"states": states}).build()

    first, second = read(stream.name, state=state), read(stream.name, state=state)

    assert rows(first, stream.name) == stream.rows([window], 12)
    assert rows(second, stream.name) == stream.rows([window], 15)
    wire._validate_all_matchers_called()


@each_stream
def test_two_equal_runs_bring_the_same_records_and_the_same_state(stream: Stream, read: Read, wire: WireMocker) -> None:
    for window in stream.first:
        wire.get(asked(stream.endpoint, "pin_a", window), answer(stream.body()))

    first, second = read(stream.name), read(stream.name)

    assert by_end(rows(first, stream.name)) == by_end(rows(second, stream.name)) == stream.rows(stream.first)
    assert cursors(first, stream.name) == cursors(second, stream.name) == {"pin_a": stream.cursor}


def test_the_cursor_of_pins_follows_the_windows_that_were_read_and_no_pin(read: Read, wire: WireMocker) -> None:
    body = posts()
    times = ("2026-05-06 09:00:00", "2026-05-19 23:00:00", "2099-01-01 00:00:00", "soon")
    body["data"]["posts"] = [pin | {"timestamp": moment} for pin in body["data"]["posts"] for moment in times]
    wire.get(asked("posts", "pin_a", SINCE_START), answer(body))

    output = read("pins")

    assert len(rows(output, "pins")) == 4
    assert cursors(output, "pins") == {"pin_a": {"timestamp": "2026-05-19 00:00:00"}}


@pytest.mark.parametrize(
    ("stream", "windows", "failing", "cursor"),
    [
        (STREAMS[0], [OLDER_30_DAYS, LAST_30_DAYS], 0, {"period_end": "2026-05-05"}),
        (STREAMS[0], [OLDER_30_DAYS, LAST_30_DAYS], 1, {"period_end": "2026-05-12"}),
        (STREAMS[3], [LONG_AGO, LAST_90_DAYS], 0, {"timestamp": "2026-01-19 00:00:00"}),
        (STREAMS[3], [LONG_AGO, LAST_90_DAYS], 1, {"timestamp": "2026-01-19 00:00:00"}),
    ],
)
def test_an_account_moves_past_no_window_that_failed(
    stream: Stream, windows: list[Json], failing: int, cursor: Json, read: Read, wire: WireMocker
) -> None:
    for n, window in enumerate(windows):
        refused = answer({"message": "Bad"}, 422)
        wire.get(asked(stream.endpoint, "pin_a", window), refused if n == failing else answer(stream.body()))
    start = "2026-05-06" if stream.endpoint == "overview" else LONG_AGO["start_date"]

    output = read(stream.name, config={"start_date": start}, outcome=ExpectedOutcome.EXPECT_EXCEPTION)

    assert cursors(output, stream.name) == {"pin_a": cursor}


ACCOUNT_LIST = {
    "message": "OK",
    "error": False,
    "data": [
        {
            "username": "a",
            "full_name": "A",
            "social_account_id": "pin_a",
            "social_network_type": "pinterest",
            "is_expired": 0,
            "need_refresh": True,
        },
        {"username": "b", "social_account_id": "x/1", "social_network_type": "X"},
    ],
}


def test_accounts_are_the_pinterest_accounts_of_the_key_in_each_run(read: Read, wire: WireMocker) -> None:
    wire.get(asked_for_accounts(), answer(ACCOUNT_LIST))

    first, second = (
        read("accounts", config={"social_network_ids": []}),
        read("accounts", config={"social_network_ids": []}),
    )

    assert (
        rows(first, "accounts")
        == rows(second, "accounts")
        == [
            {
                "social_network_id": "pin_a",
                "username": "a",
                "full_name": "A",
                "social_network_type": "pinterest",
                "is_expired": False,
                "need_refresh": True,
            }
        ]
    )


def test_a_key_without_accounts_is_a_config_error_with_the_remedy(read: Read, wire: WireMocker) -> None:
    wire.get(asked_for_accounts(), answer({"message": "OK", "error": False, "data": []}))

    output = read("accounts", config={"social_network_ids": []}, outcome=ExpectedOutcome.EXPECT_EXCEPTION)

    told = "This key has no Pinterest account in OneUp: connect one there, then try again."
    assert any(error.trace.error.message == told for error in output.errors)


def test_accounts_that_the_config_names_are_told_without_asking(read: Read, wire: WireMocker) -> None:
    output = read("accounts", config={"social_network_ids": ["pin_a", "pin_b", "pin_a"]})

    assert [row["social_network_id"] for row in rows(output, "accounts")] == ["pin_a", "pin_b"]


@pytest.mark.parametrize(
    ("response", "kind", "words"),
    [
        (answer({"message": "Please provide a valid API key"}, 401), "config_error", "does not accept the key"),
        (answer("", 402), "config_error", "refuses access (HTTP 402)"),
        (answer({"message": "No."}, 403), "config_error", 'refuses access (HTTP 403: "No.")'),
        (answer({"success": False, "message": "Account not found"}, 404), "config_error", "Account not found"),
        (answer({"message": "Bad"}, 422), "system_error", "refuses the request"),
        (answer("", 302, Location="https://www.oneupapp.io/login"), "config_error", "redirects to another page"),
        (answer("slow down", 429, **{"Retry-After": "1"}), "transient_error", "rate limit was reached"),
        (answer("", 408), "transient_error", "It was tried 5 times"),
        (answer("<html>", 500), "transient_error", "server failed (HTTP 500)"),
        (answer({"success": False, "message": "Your plan has no analytics"}), "config_error", "says no"),
        (answer({"success": False, "message": "Oops"}), "system_error", "says no"),
        (answer("<!doctype html>"), "system_error", "web page in place of data"),
        (answer(""), "transient_error", "an empty answer"),
        (answer('{"success": true, "data": {"met'), "transient_error", "cut short"),
        (answer("[]"), "system_error", "is a list, not an object"),
        (answer({"success": True, "data": None}), "system_error", "not as documented"),
    ],
    ids=lambda value: value.body[:20] or str(value.status_code) if isinstance(value, HttpResponse) else None,
)
def test_each_error_fails_its_account_in_every_stream_and_no_other_account(
    response: HttpResponse, kind: str, words: str, wire: WireMocker
) -> None:
    for stream in STREAMS[:1] + STREAMS[3:4]:
        for window in stream.first:
            wire.get(asked(stream.endpoint, "pin_a", window), response)
            wire.get(asked(stream.endpoint, "pin_b", window), answer(stream.body()))

    output = read_with(
        package, *NAMES, config={"social_network_ids": ["pin_a", "pin_b"]}, outcome=ExpectedOutcome.EXPECT_EXCEPTION
    )

    told: dict[str, Any] = {}
    for message in output.errors:
        assert message.trace
        assert message.trace.error
        if message.trace.error.stream_descriptor:
            told[message.trace.error.stream_descriptor.name] = message.trace.error
    assert set(told) == set(NAMES)
    for stream in STREAMS:
        error = told[stream.name]
        assert error.failure_type == FailureType(kind)
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
def test_a_part_that_is_missing_fails_its_stream_and_no_other(name: str, part: str, wire: WireMocker) -> None:
    for stream in STREAMS[:1] + STREAMS[3:4]:
        body = stream.body()
        body["data"].pop(part, None)
        for window in stream.first:
            wire.get(asked(stream.endpoint, "pin_a", window), answer(body))

    output = read_with(package, *NAMES, outcome=ExpectedOutcome.EXPECT_EXCEPTION)

    for stream in STREAMS:
        assert by_end(rows(output, stream.name)) == ([] if stream.name == name else stream.rows(stream.first))


@pytest.mark.parametrize(
    ("stats", "own", "fields", "observed"),
    [
        ({"views": "1,001"}, {}, {"views": 1001}, ["views"]),
        ({"a": "12.5%", "b": 7, "c": 0.5}, {}, {"a": 12.5, "b": 7, "c": 0.5}, ["a", "b", "c"]),
        ({"a": True, "b": {"c": ["1,001"]}}, {}, {"a": True, "b": {"c": ["1,001"]}}, ["a", "b"]),
        ({"a": "four", "b": "9" * 30}, {}, {"a": "four", "b": "9" * 30}, ["a", "b"]),
        ({"a": " ", "b": None}, {}, {}, ["a", "b"]),
        ({}, {"views": "1,001"}, {"views": "1,001"}, None),
        (
            {"text": "x", "board": 3},
            {"board": "y"},
            {"stats_text": "x", "board": "y", "stats_board": 3},
            ["stats_text", "stats_board"],
        ),
        (
            {"text": 1, "stats_text": 2},
            {"stats_text": "y"},
            {"stats_stats_text": 1, "stats_stats_stats_text": 2, "stats_text": "y"},
            ["stats_stats_text", "stats_stats_stats_text"],
        ),
        (
            {"id": "8", "snapshot_date": "x", "stats": 5},
            {},
            {"stats_id": 8, "stats_snapshot_date": "x", "stats_stats": 5},
            ["stats_id", "stats_snapshot_date", "stats_stats"],
        ),
        ({}, {"saves": 3}, {"post_saves": 3}, None),
        ({}, {"saves": 2}, {}, None),
    ],
)
def test_what_is_in_stats_stands_beside_the_pins_own_fields_and_is_named(
    stats: Json, own: Json, fields: Json, observed: list[str] | None, read: Read, wire: WireMocker
) -> None:
    body = posts()
    body["data"]["posts"][0] = {**body["data"]["posts"][0], **own}
    body["data"]["posts"][0]["stats"] |= stats
    wire.get(asked("posts", "pin_a", SINCE_START), answer(body))

    (row,) = rows(read("pins"), "pins")

    assert row.pop("stats", None) == observed
    expected = {name: value for name, value in pin_row(12).items() if value is not None}
    stamped = {"social_network_id": "pin_a", **WINDOWS[SINCE_START["start_date"]], **SEEN}
    assert row == expected | stamped | fields


def test_an_account_list_that_fails_is_told_by_every_stream(wire: WireMocker) -> None:
    wire.get(asked_for_accounts(), answer({"message": "Please provide a valid API key"}, 401))

    output = read_with(
        package, "accounts", *NAMES, config={"social_network_ids": []}, outcome=ExpectedOutcome.EXPECT_EXCEPTION
    )

    assert output.records == []
    told = {message.trace.error.message for message in output.errors if message.trace and message.trace.error}
    assert any(text.startswith("The accounts of this key could not be listed: ") for text in told)
