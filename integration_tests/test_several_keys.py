"""Several API keys in one file: each continues from its own state, and the file holds no part of a key."""

import json
import os
import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from integration_tests.databases import contents, rows
from integration_tests.fault_injection.processes import start_sync
from integration_tests.fixture_types import Days, FirstSync
from integration_tests.listed_accounts import KEY_B, KNOTS, START, config_of, cursors, findings
from integration_tests.test_inputs import NO_ACCOUNT
from oneup_pinterest.database.listed_accounts import LISTED_ACCOUNTS
from oneup_pinterest.sandbox import Fault, Sandbox
from oneup_pinterest.sync import run as run_module
from oneup_pinterest.sync import sync
from source_oneup_pinterest.components.clock import CLOCK_VARIABLE
from test_support.clock import NOON
from tools.released import DAY_ONE, build, config, fixtures

pytestmark = pytest.mark.slow


@pytest.fixture
def other(sandbox: Sandbox) -> Iterator[Sandbox]:
    """Yield the sandbox of another key, with two accounts that the first key does not have."""
    with Sandbox(seed=8, accounts=0, now=NOON, api_key=KEY_B) as running:
        for name in ("pin_client_b", "pin_client_c"):
            running.add_account(name)
        yield running


@pytest.fixture
def tomorrow(sandbox: Sandbox, other: Sandbox, days_later: Days) -> Callable[[], None]:
    """Return a function that moves the clocks of both sandboxes and the connector forward by a day."""

    def move() -> None:
        days_later(1)
        other.now = sandbox.now

    return move


def test_each_key_continues_from_its_own_state(
    sandbox: Sandbox, other: Sandbox, database: Path, tomorrow: Callable[[], None]
) -> None:
    own_files = {each: database.with_name(f"{number}.duckdb") for number, each in enumerate((sandbox, other))}
    for _ in range(2):
        for each, own_file in own_files.items():
            together, alone = sync(config_of(each), database), sync(config_of(each), own_file)
            assert (together.status, together.warnings) == ("done", [])
            assert (together.requests, together.streams) == (alone.requests, alone.streams)
        tomorrow()

    parts = [contents(own_file) for own_file in own_files.values()]
    for stream, found in contents(database).items():
        assert sorted(map(repr, found)) == sorted(repr(row) for part in parts for row in part[stream])
    for stream in ("overview_metrics", "pins", "account_followers", "post_performance", "pin_totals"):
        assert cursors(database, stream) == cursors(own_files[sandbox], stream) | cursors(own_files[other], stream)
    assert findings(database) == {}


def test_a_full_refresh_of_one_key_keeps_the_cursors_of_the_other(
    sandbox: Sandbox, other: Sandbox, database: Path, first_sync: FirstSync
) -> None:
    first_sync(database, **START)
    sync(config_of(other), database)
    before = cursors(database)

    sync(config_of(other), database, full_refresh=True)

    assert cursors(database) == before
    assert set(before) == {*sandbox.account_ids, *other.account_ids}
    assert sync(config_of(sandbox), database).requests == 2 * len(sandbox.account_ids) + 1


def test_a_sync_that_waited_for_another_key_reverts_no_cursor(
    sandbox: Sandbox,
    other: Sandbox,
    database: Path,
    tomorrow: Callable[[], None],
    monkeypatch: pytest.MonkeyPatch,
    first_sync: FirstSync,
) -> None:
    first_sync(database, **START)
    sync(config_of(other), database)
    tomorrow()
    real_stored_states = run_module.stored_states

    def stored_before_the_other_sync(path: Path) -> dict[str, Any]:
        found = real_stored_states(path)
        monkeypatch.setattr(run_module, "stored_states", real_stored_states)
        sync(config_of(sandbox), database)
        return found

    monkeypatch.setattr(run_module, "stored_states", stored_before_the_other_sync)
    sync(config_of(other), database)

    assert set(cursors(database).values()) == {"2026-05-20"}


def test_the_second_of_two_concurrent_keys_waits_or_is_refused(tmp_path: Path) -> None:
    database, clock = tmp_path / "both.duckdb", os.environ.get(CLOCK_VARIABLE)
    os.environ[CLOCK_VARIABLE] = NOON.isoformat()
    try:
        with (
            Sandbox(accounts=2, now=NOON, latency=0.01) as first,
            Sandbox(seed=8, accounts=0, now=NOON, latency=0.01, api_key=KEY_B) as second,
        ):
            second.add_account("pin_client_b")
            for number, each in enumerate((first, second)):
                folder = tmp_path / str(number)
                (folder / "tmp").mkdir(parents=True)
                (folder / "config.json").touch(mode=0o600)
                (folder / "config.json").write_text(json.dumps(config_of(each)))
            processes = [start_sync(database, tmp_path / str(number)) for number in range(2)]
            results = [(process.communicate(timeout=120)[1], process.returncode) for process in processes]
            for each in (first, second):
                assert sync(config_of(each), database).warnings == []
    finally:
        os.environ.pop(CLOCK_VARIABLE)
        if clock is not None:
            os.environ[CLOCK_VARIABLE] = clock

    assert 0 in {status for _, status in results}
    for stderr, status in results:
        assert "Traceback" not in stderr
        assert status == 0 or (status == 1 and "is in use by another program" in stderr)
    assert set(cursors(database)) == {*first.account_ids, "pin_client_b"}
    assert findings(database) == {}


def test_an_empty_list_of_a_new_key_fails_despite_another_keys_accounts(
    sandbox: Sandbox, other: Sandbox, database: Path, first_sync: FirstSync
) -> None:
    first_sync(database, **START)
    for account in list(other.account_ids):
        other.remove_account(account)

    result = sync(config_of(other), database)

    assert (result.status, result.exit_status, result.error) == ("failed", 2, NO_ACCOUNT)
    assert findings(database) == {}


def test_an_empty_list_names_the_accounts_of_its_own_key(
    sandbox: Sandbox, other: Sandbox, database: Path, first_sync: FirstSync
) -> None:
    first_sync(database, **START)
    sync(config_of(other), database)
    for account in list(other.account_ids):
        other.remove_account(account)

    result = sync(config_of(other), database)

    assert (result.status, result.exit_status) == ("done", 0)
    assert result.warnings == [
        "OneUp lists no Pinterest account for this key any more, so that nothing new was read. Read before: "
        "@pin_client_b (pin_client_b), @pin_client_c (pin_client_c). Connect them again in OneUp, then sync again."
    ]
    assert set(findings(database)) == {("missing_account", "pin_client_b"), ("missing_account", "pin_client_c")}


def test_a_key_without_readable_accounts_fails_despite_other_cursors(
    sandbox: Sandbox, other: Sandbox, database: Path, first_sync: FirstSync
) -> None:
    first_sync(database, **START)
    for account in other.account_ids:
        other.inject(Fault("status", status=404, social_network_id=account, times=None))

    assert (sync(config_of(other), database).status, sync(config_of(other), database).exit_status) == ("failed", 2)


def test_an_account_moved_to_another_key_is_not_missing(
    sandbox: Sandbox, other: Sandbox, database: Path, tomorrow: Callable[[], None], first_sync: FirstSync
) -> None:
    first_sync(database, **START)
    sync(config_of(other), database)
    tomorrow()
    sandbox.remove_account(KNOTS)
    other.add_account(KNOTS)

    assert sync(config_of(other), database).warnings == []
    assert sync(config_of(sandbox), database).warnings == []
    assert findings(database) == {}
    tomorrow()
    other.remove_account(KNOTS)

    assert sync(config_of(sandbox), database).warnings == []
    assert len(sync(config_of(other), database).warnings) == 1
    assert set(findings(database)) == {("missing_account", KNOTS)}


def test_the_file_holds_no_part_of_a_key(
    sandbox: Sandbox, other: Sandbox, database: Path, first_sync: FirstSync
) -> None:
    first_sync(database, **START)
    sync(config_of(other), database)
    sync({**config_of(other), "api_key": f"  Bearer {KEY_B}\n"}, database)

    written = (
        database.read_bytes() + "".join(str(found) for found in rows(database, f"FROM {LISTED_ACCOUNTS}")).encode()
    )
    parts = {KEY_B[place : place + 6].encode() for place in range(len(KEY_B) - 5)}
    assert [part for part in parts if part in written or part[::-1] in written] == []
    fingerprints = rows(database, f"SELECT DISTINCT key_fingerprint FROM {LISTED_ACCOUNTS}")
    assert len(fingerprints) == 2
    assert all(re.fullmatch("scrypt:[0-9a-f]{32}:[0-9a-f]{128}", fingerprint) for (fingerprint,) in fingerprints)


def test_the_same_key_has_another_fingerprint_in_another_file(sandbox: Sandbox, database: Path) -> None:
    found = set()
    for name in ("a.duckdb", "b.duckdb"):
        for _ in range(2):
            sync(config_of(sandbox), database.with_name(name), ["accounts"])
        found |= set(rows(database.with_name(name), f"SELECT DISTINCT key_fingerprint FROM {LISTED_ACCOUNTS}"))
    assert len(found) == 2


def test_accounts_of_a_released_file_under_another_key_are_not_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    database = tmp_path / "released.duckdb"
    build(fixtures()[0], database)
    now = DAY_ONE + timedelta(days=3)
    monkeypatch.setenv(CLOCK_VARIABLE, now.isoformat())
    with Sandbox(accounts=0, now=now, api_key=KEY_B) as other:
        other.add_account("pin_client_b")
        assert sync(config(other), database).warnings == []

    assert findings(database) == {}
