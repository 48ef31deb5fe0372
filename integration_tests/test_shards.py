"""Workers that read one shard each bring together what one sync of every account brings."""

import json
from collections.abc import Iterable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from integration_tests.databases import contents, rows
from integration_tests.fixture_types import FirstSync
from integration_tests.in_process import run_command, run_connector
from integration_tests.listed_accounts import KNOTS, RECONNECT, START, config_of, cursors, findings
from oneup_pinterest.sandbox import Fault, Sandbox
from oneup_pinterest.sync import sync
from oneup_pinterest.sync.events import StateEvent
from oneup_pinterest.sync.progress import Progress
from oneup_pinterest.sync.run import SyncRun
from oneup_pinterest.sync.signals import SignalGuard
from oneup_pinterest.sync.writer import DatabaseWriter
from source_oneup_pinterest.components.clock import CLOCK_VARIABLE
from source_oneup_pinterest.components.shard import Shard
from test_support.clock import NOON
from test_support.stream_schemas import SCHEMAS

ACCOUNTS = 40
SHARDS = 4


@pytest.fixture
def many(monkeypatch: pytest.MonkeyPatch) -> Iterator[Sandbox]:
    """Return a sandbox with many accounts."""
    monkeypatch.setenv(CLOCK_VARIABLE, NOON.isoformat())
    with Sandbox(accounts=ACCOUNTS, now=NOON) as running:
        yield running


def sharded(sandbox: Sandbox, number: int, count: int = SHARDS, **more: Any) -> dict[str, Any]:
    return {**config_of(sandbox), "max_requests_per_minute": 100_000, "shard": f"{number}/{count}", **more}


def accounts_in(sandbox: Sandbox, number: int, count: int = SHARDS) -> list[str]:
    return [account for account in sandbox.account_ids if Shard(number, count).holds(account)]


def listed(database: Path) -> list[Any]:
    return rows(database, "SELECT social_network_id, username, missing_since FROM _listed_accounts ORDER BY ALL")


@pytest.mark.slow
def test_four_shards_together_sync_what_one_sync_of_all_accounts_does(many: Sandbox, tmp_path: Path) -> None:
    whole, together = tmp_path / "whole.duckdb", tmp_path / "together.duckdb"
    assert sync({**config_of(many), "max_requests_per_minute": 100_000}, whole).status == "done"

    for number in range(1, SHARDS + 1):
        before = cursors(together) if together.exists() else {}
        many.clear_requests()
        result = sync(sharded(many, number), together)
        assert (result.status, result.warnings) == ("done", [])
        own = accounts_in(many, number)
        assert {request.params.get("social_network_id") for request in many.requests} == {None, *own}
        assert cursors(together) == {**before, **dict.fromkeys(own, "2026-05-19")}

    assert contents(together) == contents(whole)
    for stream in ("pins", "overview_metrics", "account_followers", "post_performance", "pin_totals"):
        assert cursors(together, stream) == cursors(whole, stream)
    assert listed(together) == listed(whole)
    assert rows(together, "SELECT count(*) FROM accounts WHERE username IS NULL OR is_expired IS NULL") == [(0,)]


@pytest.mark.slow
def test_account_that_is_gone_is_reported_by_its_own_shard_only(many: Sandbox, database: Path) -> None:
    for number in range(1, SHARDS + 1):
        sync(sharded(many, number), database, ["accounts"])
    many.now += timedelta(days=1)
    many.remove_account(KNOTS)

    warnings = {number: sync(sharded(many, number), database, ["accounts"]).warnings for number in range(1, SHARDS + 1)}

    (told,) = [number for number, texts in warnings.items() if texts]
    assert KNOTS not in many.account_ids
    assert Shard(told, SHARDS).holds(KNOTS)
    assert warnings[told][0].startswith(f"OneUp has not listed @knots_by_noor ({KNOTS}) since ")
    assert warnings[told][0].endswith(RECONNECT)
    assert set(findings(database)) == {("missing_account", KNOTS)}


class StateOnly:
    """A source that only repeats a state."""

    def __init__(self, *entries: tuple[str, str]) -> None:
        self._entries = [
            {"partition": {"social_network_id": account}, "cursor": {"timestamp": cursor}}
            for account, cursor in entries
        ]

    def read(self, streams: Iterable[str]) -> Iterator[StateEvent]:
        yield StateEvent("pins", {"use_global_cursor": False, "states": self._entries})


def test_older_state_of_another_shard_does_not_replace_what_is_stored(
    sandbox: Sandbox, database: Path, first_sync: FirstSync
) -> None:
    first_sync(database, **START)
    mine, other, third = sandbox.account_ids
    repeated = StateOnly((mine, "2026-05-20"), (other, "2026-05-03"))

    with DatabaseWriter(database) as writer:
        writer.prepare({"pins": SCHEMAS["pins"]})
        writer.start_run()
        SyncRun(writer, ["pins"], (), Progress(), reads=lambda account: account == mine).execute(
            repeated, SignalGuard()
        )

    assert cursors(database) == {mine: "2026-05-20", other: "2026-05-19", third: "2026-05-19"}


def test_shard_whose_only_account_fails_has_failed(sandbox: Sandbox, database: Path) -> None:
    number, count = next(
        (number, count)
        for count in range(2, 50)
        for number in range(1, count + 1)
        if len(accounts_in(sandbox, number, count)) == 1
    )
    (account,) = accounts_in(sandbox, number, count)
    for path in ("overview", "posts"):
        sandbox.inject(Fault("status", path=path, social_network_id=account, status=404, times=None))

    result = sync(sharded(sandbox, number, count), database)

    assert [entry["social_network_id"] for entry in result.skipped_accounts] == [account]
    assert (result.status, result.exit_status) == ("failed", 2)


def empty_shard(sandbox: Sandbox) -> str:
    return next(f"{number}/50" for number in range(1, 51) if not accounts_in(sandbox, number, 50))


def test_check_of_a_shard_without_an_account_succeeds_and_says_so(sandbox: Sandbox, tmp_path: Path) -> None:
    shard = empty_shard(sandbox)
    (tmp_path / "config.json").write_text(json.dumps({**sandbox.config(), "shard": shard}))

    ended = run_connector("check", "--config", tmp_path / "config.json")

    (status,) = [
        message["connectionStatus"]
        for message in map(json.loads, ended.stdout.splitlines())
        if message["type"] == "CONNECTION_STATUS"
    ]
    assert status == {
        "status": "SUCCEEDED",
        "message": f"No account is in shard {shard}, so there is nothing to read. "
        "Fewer shards would have more accounts each.",
    }


def test_sync_of_a_shard_without_an_account_is_done_and_says_so(
    sandbox: Sandbox, tmp_path: Path, database: Path
) -> None:
    shard = empty_shard(sandbox)
    config = tmp_path / "config.json"
    config.touch(mode=0o600)
    config.write_text(json.dumps({**sandbox.config(), **START, "shard": shard}))

    ended = run_command("sync", "--config", config, "--database", database)

    assert ended.returncode == 0
    assert ended.stderr.count("warning: ") == 1
    assert f"warning: No account is in shard {shard}, so there is nothing to read." in ended.stderr


def test_configured_accounts_outside_the_shard_are_not_all_accounts(sandbox: Sandbox, database: Path) -> None:
    shard = empty_shard(sandbox)

    result = sync({**config_of(sandbox), "social_network_ids": sandbox.account_ids, "shard": shard}, database)

    assert result.status == "done"
    assert sandbox.requests == []
    assert rows(database, "SELECT count(*) FROM accounts") == [(0,)]


def test_accounts_of_the_key_are_listed_whole_with_a_shard_in_the_config(sandbox: Sandbox, tmp_path: Path) -> None:
    config = tmp_path / "config.json"
    config.write_text(json.dumps({**sandbox.config(), "shard": empty_shard(sandbox)}))

    ended = run_command("doctor", "--config", config, "--database", tmp_path / "none.duckdb")

    assert "lists 3 Pinterest accounts" in ended.stdout
