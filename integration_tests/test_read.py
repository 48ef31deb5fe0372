"""Records of the connector equal the data of the API, sync after sync, with the promised number of requests."""

from collections import Counter
from collections.abc import Iterable
from datetime import date, timedelta
from itertools import pairwise
from typing import Any

import pytest
import requests

from integration_tests.airbyte import ReadResult, read
from integration_tests.databases import KEYS
from integration_tests.fixture_types import Days
from oneup_pinterest.sandbox import Sandbox

STREAMS = ("overview_metrics", "pins", "account_followers", "post_performance", "pin_totals")
COUNTERS = ("impressions", "saves", "comments", "repins", "clicks")


def fetch(sandbox: Sandbox, endpoint: str, account: str, start: str, end: str, timezone: str = "UTC") -> dict[str, Any]:
    """Return the data of the server for a window of dates."""
    window = {"start_date": start, "end_date": end, "timezone": timezone}
    parameters = {"apiKey": sandbox.api_key, "social_network_id": account, **window}
    response = requests.get(f"{sandbox.analytics_url}/pinterest/{endpoint}", parameters, timeout=30).json()
    assert response["success"], response
    return dict(response["data"])


def assert_equals_the_server(result: ReadResult, sandbox: Sandbox) -> None:
    """Assert that the records of every stream equal the data of the server, and that none is missing."""
    assert result.exception is None
    for stream, keys in KEYS.items():
        counted = Counter(tuple(record.get(key) for key in keys) for record in result.records[stream])
        assert [key for key, count in counted.items() if count > 1] == []

    today = sandbox.now.date().isoformat()
    for window, rows in windows_of(result.records["overview_metrics"]):
        account, start, end = window
        data = fetch(sandbox, "overview", account, start, end)
        assert [metric(row) for row in rows] == data["metrics"]
        entries = [row for row in result.records["post_performance"] if window_of(row) == window]
        expected = {
            (name, n): item for name, items in data["post_performance"].items() for n, item in enumerate(items, 1)
        }
        assert {(row["ranking"], row["position"]): row["item"] for row in entries} == expected
        if end == yesterday(sandbox):
            followers = [row for row in result.records["account_followers"] if row["social_network_id"] == account]
            assert followers == [
                {"social_network_id": account, "snapshot_date": today, "total_followers": data["total_followers"]}
            ]
    for window, rows in windows_of(result.records["pin_totals"]):
        account, start, end = window
        data = fetch(sandbox, "posts", account, start, end)
        assert [metric(row) for row in rows] == data["stats"]
        pins = [row for row in result.records["pins"] if window_of(row) == window]
        assert {row["snapshot_date"] for row in pins} <= {today}
        assert [as_sent(row) for row in pins] == data["posts"]


def window_of(row: dict[str, Any]) -> tuple[str, str, str]:
    return row["social_network_id"], row["period_start"], row["period_end"]


def windows_of(rows: Iterable[dict[str, Any]]) -> list[tuple[tuple[str, str, str], list[dict[str, Any]]]]:
    windows: dict[tuple[str, str, str], list[dict[str, Any]]] = {}
    for row in rows:
        windows.setdefault(window_of(row), []).append(row)
    return list(windows.items())


def metric(row: dict[str, Any]) -> dict[str, Any]:
    names = ("key", "name", "value_current_period", "value_last_period", "percentage_change", "description")
    return {name: row[name] for name in names}


def as_sent(pin: dict[str, Any]) -> dict[str, Any]:
    own = ("social_network_id", "snapshot_date", "period_start", "period_end", *COUNTERS)
    return {**{name: value for name, value in pin.items() if name not in own}, "stats": {c: pin[c] for c in COUNTERS}}


def yesterday(sandbox: Sandbox) -> str:
    return (sandbox.now.date() - timedelta(days=1)).isoformat()


def test_a_first_read_returns_the_whole_history_of_the_server(sandbox: Sandbox) -> None:
    result = read({**sandbox.config(), "start_date": "2025-11-03"})

    assert_equals_the_server(result, sandbox)
    ends = sorted({date.fromisoformat(row["period_end"]) for row in result.records["overview_metrics"]})
    assert ends[0] == date(2025, 11, 9)
    assert {(later - earlier).days for earlier, later in pairwise(ends[:-1])} == {7}
    assert ends[-1].isoformat() == yesterday(sandbox)
    covered = sorted({(row["period_start"], row["period_end"]) for row in result.records["pin_totals"]})
    assert covered[0][0] == "2025-11-03"
    assert covered[-1][1] == yesterday(sandbox)
    assert all(date.fromisoformat(b) - date.fromisoformat(a) < timedelta(days=90) for a, b in covered)
    for (_, last), (following, _) in pairwise(covered):
        assert date.fromisoformat(following) - date.fromisoformat(last) == timedelta(days=1)


@pytest.mark.slow
def test_the_api_accepts_every_request_for_any_start_date(sandbox: Sandbox, days_later: Days) -> None:
    for days_back in (1, 2, 7, 8, 9, 30, 89, 90, 91, 92, 180, 181):
        start = (sandbox.now.date() - timedelta(days=days_back)).isoformat()
        result = read({**sandbox.config(), "start_date": start, "social_network_ids": sandbox.account_ids[:1]})
        assert result.exception is None, start
        assert {request.status for request in sandbox.requests} == {200}
        sandbox.clear_requests()


def test_a_daily_read_sends_two_requests_per_account_and_one_more(sandbox: Sandbox, days_later: Days) -> None:
    first = read({**sandbox.config(), "start_date": "2025-11-03"})
    days_later(1)
    sandbox.clear_requests()

    second = read({**sandbox.config(), "start_date": "2025-11-03"}, first.state)

    requests_by_endpoint = Counter(
        (request.path.rsplit("/", 1)[-1], request.params.get("preset")) for request in sandbox.requests
    )
    assert requests_by_endpoint == {
        ("listsocialaccounts", None): 1,
        ("overview", "last_30_days"): 3,
        ("posts", "last_90_days"): 3,
    }
    assert_equals_the_server(second, sandbox)


def test_a_first_read_sends_14_requests_per_account_and_one_more(sandbox: Sandbox) -> None:
    read(sandbox.config())

    requests_by_endpoint = Counter(request.path.rsplit("/", 1)[-1] for request in sandbox.requests)
    assert requests_by_endpoint == {"listsocialaccounts": 1, "overview": 3 * 13, "posts": 3 * 1}


def test_accounts_named_in_the_config_need_no_account_list(sandbox: Sandbox) -> None:
    named = sandbox.account_ids[:2]
    result = read({**sandbox.config(), "social_network_ids": [*named, named[0]]})

    assert "listsocialaccounts" not in {request.path.rsplit("/", 1)[-1] for request in sandbox.requests}
    assert [row["social_network_id"] for row in result.records["accounts"]] == named
    assert_equals_the_server(result, sandbox)


def test_urls_in_the_config_may_end_with_a_slash(sandbox: Sandbox) -> None:
    urls = {key: f"{sandbox.config()[key]}/" for key in ("analytics_url", "accounts_url")}
    result = read({**sandbox.config(), **urls}, streams=["account_followers"])

    assert result.exception is None
    assert {request.path for request in sandbox.requests} == {"/api/listsocialaccounts", "/api/pinterest/overview"}


def test_a_second_read_on_a_day_repeats_only_the_newest_windows(sandbox: Sandbox, first_read: ReadResult) -> None:
    again = read(sandbox.config(), first_read.state)

    assert len(sandbox.requests) == 2 * 3 + 1
    assert_equals_the_server(again, sandbox)
    assert [again.cursors(stream) for stream in STREAMS] == [first_read.cursors(stream) for stream in STREAMS]


@pytest.mark.slow
def test_reads_catch_up_after_skipped_days_and_long_pauses(
    sandbox: Sandbox, days_later: Days, first_read: ReadResult
) -> None:
    result = first_read
    for pause in (2, 30, 200):
        before = sandbox.now.date() - timedelta(days=1)
        days_later(pause)
        result = read(sandbox.config(), result.state)
        assert_equals_the_server(result, sandbox)
        ends = sorted({date.fromisoformat(row["period_end"]) for row in result.records["overview_metrics"]})
        assert max(later - earlier for earlier, later in zip([before, *ends], ends, strict=False)) <= timedelta(days=7)
        first_day = min(row["period_start"] for row in result.records["pin_totals"])
        assert first_day == min(before, sandbox.now.date() - timedelta(days=90)).isoformat()


def test_an_account_added_later_is_read_from_its_start(sandbox: Sandbox, days_later: Days) -> None:
    config = {**sandbox.config(), "start_date": "2026-01-01"}
    old, late = sandbox.account_ids[:2], sandbox.account_ids[2]
    first = read({**config, "social_network_ids": old})
    days_later(1)

    second = read({**config, "social_network_ids": [*old, late]}, first.state)

    assert_equals_the_server(second, sandbox)
    starts = {
        account: min(row["period_start"] for row in second.records["pin_totals"] if row["social_network_id"] == account)
        for account in (*old, late)
    }
    assert starts == {old[0]: "2026-02-20", old[1]: "2026-02-20", late: "2026-01-01"}
    ends = {row["period_end"] for row in second.records["overview_metrics"] if row["social_network_id"] == late}
    assert min(ends) == "2026-01-07"


def test_a_new_preset_is_backfilled_and_the_old_one_continues(
    sandbox: Sandbox, days_later: Days, first_read: ReadResult
) -> None:
    days_later(1)

    second = read({**sandbox.config(), "preset": "last_7_days"}, first_read.state)
    again = read({**sandbox.config(), "preset": "last_7_days"}, second.state)
    days_back = read(sandbox.config(), again.state)

    assert_equals_the_server(second, sandbox)
    weeks = {row["period_end"] for row in second.records["overview_metrics"]}
    assert len(weeks) == 13
    for output, periods in ((again, {("last_7_days", "2026-05-20")}), (days_back, {("last_30_days", "2026-05-20")})):
        found = {(row["preset"], row["period_end"]) for row in output.records["overview_metrics"]}
        assert periods <= found
        assert len(found) <= 2  # the newest window, and a week that has become final


@pytest.mark.slow
@pytest.mark.parametrize(
    "lookback", [1, 91, *(pytest.param(days, marks=pytest.mark.nightly) for days in (2, 30, 45, 90, 365))]
)
def test_pins_are_read_again_for_the_days_of_the_lookback(sandbox: Sandbox, days_later: Days, lookback: int) -> None:
    config = {**sandbox.config(), "start_date": "2025-01-01", "pins_lookback_days": lookback}
    first = read(config, streams=["pins", "pin_totals"])
    days_later(1)

    second = read(config, first.state, streams=["pins", "pin_totals"])

    assert_equals_the_server(second, sandbox)
    first_day = min(row["period_start"] for row in second.records["pin_totals"])
    assert first_day == (sandbox.now.date() - timedelta(days=max(lookback, 2))).isoformat()


def test_an_account_without_pins_is_not_read_from_its_start_again(sandbox: Sandbox, days_later: Days) -> None:
    sandbox.inject(empty_posts())
    first = read({**sandbox.config(), "start_date": "2026-01-01"}, streams=["pins"])
    days_later(1)
    sandbox.clear_requests()

    second = read({**sandbox.config(), "start_date": "2026-01-01"}, first.state, streams=["pins"])

    assert second.records["pins"] == []
    assert len(sandbox.requests) == 3 + 1


def empty_posts() -> Any:
    from oneup_pinterest.sandbox import Fault

    return Fault(
        "edit", path="posts", times=None, edit=lambda response: {**response, "data": {**response["data"], "posts": []}}
    )


def test_every_account_has_its_own_cursor(sandbox: Sandbox, first_read: ReadResult) -> None:
    result = first_read

    assert result.cursors("overview_metrics") == dict.fromkeys(sandbox.account_ids, yesterday(sandbox))
    assert result.cursors("account_followers") == dict.fromkeys(sandbox.account_ids, sandbox.now.date().isoformat())
    assert set(result.cursors("pins")) == set(sandbox.account_ids)


def test_many_accounts_never_share_one_cursor(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    # the CDK's own cursor keeps one date for all from 10,000 accounts on, and drops partitions from 25,000 on
    monkeypatch.setattr(
        "airbyte_cdk.sources.declarative.incremental.ConcurrentPerPartitionCursor.SWITCH_TO_GLOBAL_LIMIT", 1
    )
    monkeypatch.setattr(
        "airbyte_cdk.sources.declarative.incremental.ConcurrentPerPartitionCursor.DEFAULT_MAX_PARTITIONS_NUMBER", 2
    )
    first = read(sandbox.config())
    sandbox.clear_requests()

    again = read(sandbox.config(), first.state)

    assert first.exception is None
    assert [set(first.cursors(stream)) for stream in STREAMS] == [set(sandbox.account_ids)] * len(STREAMS)
    assert len(sandbox.requests) == 2 * 3 + 1
    assert_equals_the_server(again, sandbox)


def test_reads_are_right_after_a_clock_that_goes_back(
    sandbox: Sandbox, days_later: Days, first_read: ReadResult
) -> None:
    days_later(-2)
    days_back = read(sandbox.config(), first_read.state)
    assert_equals_the_server(days_back, sandbox)
    assert {row["period_end"] for row in days_back.records["overview_metrics"]} == {yesterday(sandbox)}

    days_later(3)
    assert_equals_the_server(read(sandbox.config(), days_back.state), sandbox)


@pytest.mark.slow
@pytest.mark.parametrize(
    "foreign_state",
    [
        {},
        {"states": None},
        {"states": 5},
        {"states": {"a": 1}},
        {"states": [5, {"partition": {}}, {"partition": {"social_network_id": "a"}, "cursor": {"period_end": "soon"}}]},
        {"states": [{"partition": {"social_network_id": "a"}, "cursor": {"period_end": 20260101}}]},
        {"period_end": "2026-05-01"},
        {"__ab_no_cursor_state_message": True},
    ],
)
def test_an_invalid_state_is_ignored_and_history_is_read_again(sandbox: Sandbox, foreign_state: dict[str, Any]) -> None:
    state = [
        {"type": "STREAM", "stream": {"stream_descriptor": {"name": "overview_metrics"}, "stream_state": foreign_state}}
    ]

    result = read(sandbox.config(), state, streams=["overview_metrics"])

    assert result.exception is None
    assert len(result.records["overview_metrics"]) == 3 * 13 * 6


@pytest.mark.parametrize(
    "zone",
    [
        "Pacific/Kiritimati",
        pytest.param("Etc/GMT+12", marks=pytest.mark.slow),
        pytest.param("America/New_York", marks=pytest.mark.slow),
    ],
)
def test_windows_end_yesterday_in_the_time_zone_of_the_config(sandbox: Sandbox, zone: str, days_later: Days) -> None:
    result = read({**sandbox.config(), "timezone": zone})

    assert result.exception is None
    assert {request.status for request in sandbox.requests} == {200}
    assert {request.params.get("timezone") for request in sandbox.requests} == {None, zone}
