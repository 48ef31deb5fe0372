"""A first sync reads the newest windows of all accounts before any history, and an interrupt at any time keeps them."""

import logging
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from airbyte_cdk.models import AirbyteStreamStatus, ConfiguredAirbyteCatalogSerializer

from integration_tests.airbyte import configured_catalog
from integration_tests.databases import contents, rows
from oneup_pinterest.sandbox import Fault, Sandbox
from oneup_pinterest.sync import sync
from oneup_pinterest.sync.connector import Connector
from oneup_pinterest.sync.events import Event, FailureEvent, StateEvent, StreamFinishedEvent
from source_oneup_pinterest import SourceOneupPinterest, parts
from source_oneup_pinterest.components import cursor

NIGHTLY = pytest.mark.nightly
WINDOWED = ("overview_metrics", "pins", "account_followers", "post_performance", "pin_totals")
ACCOUNTS = 6
WINDOWS = 17  # with history, per account and stream
MIN_WINDOWS = 100  # several parts
YESTERDAY = "2026-05-19"


@pytest.fixture
def many(sandbox: Sandbox) -> Sandbox:
    """Return the sandbox with more accounts."""
    for number in range(ACCOUNTS - len(sandbox.account_ids)):
        sandbox.add_account(f"pin_more_{number}")
    return sandbox


def config_of(sandbox: Sandbox) -> dict[str, Any]:
    return {**sandbox.config(), "start_date": "2026-01-20", "max_requests_per_minute": 100_000}


def windows(sandbox: Sandbox) -> list[tuple[str, str, bool]]:
    """Return the endpoint, the account and whether the window is the newest, of each request in its order."""
    ordered = sorted(sandbox.requests, key=lambda request: request.started)
    return [
        (request.path.rsplit("/", 1)[-1], request.params["social_network_id"], "preset" in request.params)
        for request in ordered
        if "social_network_id" in request.params
    ]


@pytest.mark.slow
def test_newest_windows_of_all_streams_are_requested_before_any_history(
    many: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parts, "MIN_WINDOWS", MIN_WINDOWS)
    catalog = ConfiguredAirbyteCatalogSerializer.load(configured_catalog())
    config, statuses, newest_rows, others = config_of(many), [], Counter[str](), list[str]()
    source = SourceOneupPinterest(catalog=catalog, config=config, state=[])
    for message in source.read(logging.getLogger("airbyte"), config, catalog, []):
        if message.trace and (status := message.trace.stream_status):
            statuses.append((status.stream_descriptor.name, status.status))
        elif message.record and message.record.data.get("period_end", YESTERDAY) != YESTERDAY:
            others.append(message.record.stream)
        elif message.record and not others:
            newest_rows[message.record.stream] += 1

    requested = windows(many)
    assert [newest for *_, newest in requested[: 2 * ACCOUNTS]] == [True] * 2 * ACCOUNTS
    assert Counter(newest for *_, newest in requested[2 * ACCOUNTS :]) == {False: ACCOUNTS * (WINDOWS + 1)}
    assert len({(request.path, *request.params.values()) for request in many.requests}) == len(many.requests)
    assert {stream for stream, count in newest_rows.items() if count >= ACCOUNTS} == {*WINDOWED, "accounts"}
    last_request = {account: number for number, (_, account, _) in enumerate(requested)}
    first_request = {
        account: number for number, (_, account, newest) in reversed([*enumerate(requested)]) if not newest
    }
    groups = sorted(first_request, key=first_request.__getitem__)
    assert last_request[groups[0]] < first_request[groups[-1]]  # a few accounts at a time
    for stream in (*WINDOWED, "accounts"):
        found = [status for name, status in statuses if name == stream]
        assert found == [AirbyteStreamStatus.STARTED, AirbyteStreamStatus.RUNNING, AirbyteStreamStatus.COMPLETE]


def interrupt_after(patch: pytest.MonkeyPatch, states: int) -> None:
    """Interrupt a sync after a number of states, with a state after each window, as if each took more than a minute."""
    really_read = Connector.read

    def read(self: Connector, streams: Any) -> Iterator[Event]:
        seen = 0
        with closing(really_read(self, streams)) as events:  # type: ignore[type-var]
            for event in events:
                if seen == states:
                    raise KeyboardInterrupt
                seen += isinstance(event, StateEvent)
                yield event

    patch.setattr(cursor, "MAX_STATE_AGE", -1.0)
    patch.setattr(Connector, "read", read)


@pytest.mark.slow
@pytest.mark.parametrize(
    "states",
    [pytest.param(ACCOUNTS + 4, marks=NIGHTLY), 7 * ACCOUNTS, pytest.param(20 * ACCOUNTS, marks=NIGHTLY)],
)
def test_interrupted_first_sync_keeps_the_newest_rows_and_the_next_completes_it(
    many: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, states: int
) -> None:
    monkeypatch.setattr(parts, "MIN_WINDOWS", MIN_WINDOWS)
    whole, database = tmp_path / "whole.duckdb", tmp_path / "history.duckdb"
    assert sync(config_of(many), whole).status == "done"
    with pytest.MonkeyPatch.context() as patch:
        interrupt_after(patch, states)
        with pytest.raises(KeyboardInterrupt):
            sync(config_of(many), database)

    reached = f"SELECT count(DISTINCT social_network_id) FROM {{}} WHERE period_end = '{YESTERDAY}'"
    others = f"SELECT count(*) FROM {{}} WHERE period_end <> '{YESTERDAY}'"
    newest = {name: rows(database, reached.format(name))[0][0] for name in ("overview_metrics", "pins", "pin_totals")}
    history = {name: rows(database, others.format(name))[0][0] for name in newest}
    if states < 2 * ACCOUNTS:
        assert newest["overview_metrics"] + newest["pins"] >= states - 4
        assert set(history.values()) == {0}
    else:
        assert set(newest.values()) == {ACCOUNTS}
        assert len(rows(database, "SELECT DISTINCT social_network_id FROM account_followers")) == ACCOUNTS
        assert history["overview_metrics"] > 0
    assert sync(config_of(many), database).status == "done"
    assert contents(database) == contents(whole)
    stored = "SELECT stream_name, state FROM _airbyte_state ORDER BY ALL"
    assert rows(database, stored) == rows(whole, stored)


@pytest.mark.slow
def test_account_that_fails_in_its_newest_window_leaves_the_stream_incomplete_once(many: Sandbox) -> None:
    bad = many.account_ids[0]
    many.inject(Fault("status", path="posts", social_network_id=bad, status=422, times=1, body={"message": "Bad"}))
    connector = Connector(config_of(many), {})
    states: dict[str, Any] = {}
    failures, finished = list[str | None](), list[str]()
    for event in connector.read(WINDOWED):
        match event:
            case FailureEvent(account):
                failures.append(account)
            case StreamFinishedEvent(stream):
                finished.append(stream)
            case StateEvent(stream, state):
                states[stream] = state

    assert failures == [bad, bad]  # pins and pin_totals share the response
    assert sorted(finished) == sorted(WINDOWED)
    cursors = {entry["partition"]["social_network_id"]: entry["cursor"] for entry in states["pins"]["states"]}
    assert cursors.pop(bad) == {"timestamp": "2026-01-19 00:00:00"}
    assert {entry["timestamp"] for entry in cursors.values()} == {f"{YESTERDAY} 00:00:00"}
    progress = connector.progress()
    assert (progress.accounts, progress.newest, progress.complete) == (ACCOUNTS, ACCOUNTS, ACCOUNTS)
    assert progress.closed == progress.windows


@pytest.mark.slow
def test_progress_never_goes_back_and_ends_complete(many: Sandbox) -> None:
    connector = Connector({**config_of(many), "max_requests_per_minute": 77_000}, {})
    seen = [connector.progress()]
    for _ in connector.read((*WINDOWED, "accounts")):
        seen.append(connector.progress())

    assert seen[0] == (0, 0, 0, 0, 0, 0, 0, 77_000)
    for field in ("accounts", "newest", "complete", "windows", "closed", "requests"):
        counts = [getattr(snapshot, field) for snapshot in seen]
        assert counts == sorted(counts), field
    last = seen[-1]
    assert last == (ACCOUNTS, ACCOUNTS, ACCOUNTS, last.windows, last.windows, len(many.requests), 0, 77_000)
    assert last.windows == ACCOUNTS * (2 * (WINDOWS + 1) + 1 + 2 + 2)
    assert any(snapshot.newest > 0 and snapshot.complete == 0 for snapshot in seen)
