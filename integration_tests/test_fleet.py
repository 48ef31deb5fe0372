"""Several keys in one file, and accounts that OneUp lists no longer or under another name."""

import json
import os
import re
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pytest

from integration_tests.conftest import NOON, Days
from integration_tests.databases import contents, rows, run
from integration_tests.fault_injection.processes import NOON as NOON_OF_PROCESSES
from integration_tests.fault_injection.processes import start
from integration_tests.test_inputs import NO_ACCOUNT
from oneup_pinterest.database.export import export_parquet
from oneup_pinterest.database.listings import TABLE
from oneup_pinterest.database.load import (
    data_window,
    load_account_followers,
    load_accounts,
    load_pins,
    load_pins_latest,
)
from oneup_pinterest.history.gains import account_daily_gains
from oneup_pinterest.history.loaded_history import LoadedHistory
from oneup_pinterest.quality.status import format_status, read_status
from oneup_pinterest.report import write_report
from oneup_pinterest.sandbox.faults import Fault
from oneup_pinterest.sandbox.server import Sandbox
from oneup_pinterest.sync import run as run_module
from oneup_pinterest.sync import writer as history_module
from oneup_pinterest.sync.run import sync
from oneup_pinterest.sync.summary import summary
from source_oneup_pinterest.components import CLOCK_VARIABLE
from tools.released import ACCOUNTS, DAY_ONE, build, config, fixtures

pytestmark = pytest.mark.slow

KEY_B = "kQ7vLm2xRt9pYc4bNd8sWf3hJg6z"
START = {"start_date": "2026-05-01"}  # a short history is enough here, and quick
KNOTS = "pin_sandbox_knots_by_noor"
KNOTS_IS_MISSING = (
    "@knots_by_noor (pin_sandbox_knots_by_noor) is no longer listed by OneUp since 21 May 2026: it is not read any "
    "more, and its history is kept."
)
RECONNECT = "Connect it again in OneUp, unless that was meant."


@pytest.fixture
def other(sandbox: Sandbox) -> Iterator[Sandbox]:
    """What another key sees: two accounts that the first key does not have."""
    with Sandbox(seed=8, accounts=0, now=NOON, api_key=KEY_B) as running:
        for name in ("pin_client_b", "pin_client_c"):
            running.add_account(name)
        yield running


@pytest.fixture
def tomorrow(sandbox: Sandbox, other: Sandbox, days_later: Days) -> Callable[[], None]:
    """Moves the clocks of both keys and of the connector a day on."""

    def move() -> None:
        days_later(1)
        other.now = sandbox.now

    return move


def of(sandbox: Sandbox) -> dict[str, Any]:
    return {**sandbox.config(), **START}


def cursors(database: Path, stream: str = "pins") -> dict[str, str]:
    """Account → cursor."""
    ((state,),) = rows(database, f"SELECT state FROM _airbyte_state WHERE stream_name = '{stream}'")
    return {
        entry["partition"]["social_network_id"]: next(iter(entry["cursor"].values()))[:10]
        for entry in json.loads(state)["states"]
    }


def findings(database: Path, *checks: str) -> dict[tuple[str, str], dict[str, Any]]:
    """The findings of some checks by check and account."""
    wanted = checks or ("missing_account", "unlisted_account", "renamed_account")
    return {(it["check"], it["where"]): it for it in read_status(database)["findings"] if it["check"] in wanted}


def words_of(page: Path) -> str:
    """The text of a report, its tags left out."""
    return " ".join(re.sub(r"<[^>]*>", "", page.read_text(encoding="utf-8")).split())


# ------------------------------------------------------------------------- several keys, one file


def test_keys_that_are_synced_in_turn_each_go_on_from_their_own_state(
    sandbox: Sandbox, other: Sandbox, database: Path, tomorrow: Callable[[], None]
) -> None:
    alone = {each: database.with_name(f"{number}.duckdb") for number, each in enumerate((sandbox, other))}
    for _ in range(2):
        for each, apart in alone.items():
            together, by_itself = sync(of(each), database), sync(of(each), apart)
            assert (together.status, together.warnings) == ("done", [])
            assert (together.requests, together.streams) == (by_itself.requests, by_itself.streams)
        tomorrow()

    parts = [contents(apart) for apart in alone.values()]
    for stream, found in contents(database).items():
        assert sorted(map(repr, found)) == sorted(repr(row) for part in parts for row in part[stream])
    for stream in ("overview_metrics", "pins", "account_followers", "post_performance", "pin_totals"):
        assert cursors(database, stream) == cursors(alone[sandbox], stream) | cursors(alone[other], stream)
    assert findings(database) == {}


def test_a_full_refresh_of_one_key_keeps_the_cursors_of_the_other(
    sandbox: Sandbox, other: Sandbox, database: Path
) -> None:
    sync(of(sandbox), database)
    sync(of(other), database)
    before = cursors(database)

    sync(of(other), database, full_refresh=True)

    assert cursors(database) == before
    assert set(before) == {*sandbox.account_ids, *other.account_ids}
    assert sync(of(sandbox), database).requests == 2 * len(sandbox.account_ids) + 1


def test_a_sync_that_waited_for_one_of_another_key_takes_no_cursor_back(
    sandbox: Sandbox, other: Sandbox, database: Path, tomorrow: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    sync(of(sandbox), database)
    sync(of(other), database)
    tomorrow()
    really_stored = run_module.stored_states

    def stored_before_the_other_sync(path: Path) -> dict[str, Any]:
        found = really_stored(path)
        monkeypatch.setattr(run_module, "stored_states", really_stored)
        sync(of(sandbox), database)
        return found

    monkeypatch.setattr(run_module, "stored_states", stored_before_the_other_sync)
    sync(of(other), database)

    assert set(cursors(database).values()) == {"2026-05-20"}


def test_of_two_syncs_of_different_keys_at_once_the_second_waits_or_says_so(tmp_path: Path) -> None:
    assert NOON_OF_PROCESSES == NOON
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
                (folder / "config.json").write_text(json.dumps(of(each)))
            processes = [start(database, tmp_path / str(number)) for number in range(2)]
            ends = [(process.communicate(timeout=120)[1], process.returncode) for process in processes]
            for each in (first, second):
                assert sync(of(each), database).warnings == []
    finally:
        os.environ.pop(CLOCK_VARIABLE)
        if clock is not None:
            os.environ[CLOCK_VARIABLE] = clock

    assert 0 in {status for _, status in ends}
    for words, status in ends:
        assert "Traceback" not in words
        assert status == 0 or (status == 1 and "is in use by another program" in words)
    assert set(cursors(database)) == {*first.account_ids, "pin_client_b"}
    assert findings(database) == {}


def test_an_empty_list_of_a_new_key_fails_although_the_file_has_accounts_of_another(
    sandbox: Sandbox, other: Sandbox, database: Path
) -> None:
    sync(of(sandbox), database)
    for account in list(other.account_ids):
        other.remove_account(account)

    result = sync(of(other), database)

    assert (result.status, result.exit_status, result.error) == ("failed", 2, NO_ACCOUNT)
    assert findings(database) == {}


def test_an_empty_list_names_the_accounts_of_its_own_key(sandbox: Sandbox, other: Sandbox, database: Path) -> None:
    sync(of(sandbox), database)
    sync(of(other), database)
    for account in list(other.account_ids):
        other.remove_account(account)

    result = sync(of(other), database)

    assert (result.status, result.exit_status) == ("done", 0)
    assert result.warnings == [
        "OneUp lists no Pinterest account for this key any more, so that nothing new was read. Read before: "
        "@pin_client_b (pin_client_b), @pin_client_c (pin_client_c). Connect them again in OneUp, then sync again."
    ]
    assert set(findings(database)) == {("missing_account", "pin_client_b"), ("missing_account", "pin_client_c")}


def test_a_key_of_which_no_account_can_be_read_fails_although_another_has_cursors(
    sandbox: Sandbox, other: Sandbox, database: Path
) -> None:
    sync(of(sandbox), database)
    for account in other.account_ids:
        other.inject(Fault("status", status=404, social_network_id=account, times=None))

    assert (sync(of(other), database).status, sync(of(other), database).exit_status) == ("failed", 2)


# ------------------------------------------------------------------------------- accounts that are gone


def test_an_account_that_oneup_lists_no_longer_is_named_everywhere_and_keeps_its_history(
    sandbox: Sandbox, database: Path, config_file: Path, tmp_path: Path, days_later: Days
) -> None:
    sync(of(sandbox), database)
    history = load_pins(database, KNOTS)
    days_later(1)
    sandbox.remove_account(KNOTS)
    config_file.write_text(json.dumps(of(sandbox)))

    ended = run("sync", "--config", config_file, "--database", database, "--json", now=sandbox.now)

    assert ended.returncode == 0
    assert json.loads(ended.stdout)["status"] == "done"
    assert json.loads(ended.stdout)["warnings"] == [f"{KNOTS_IS_MISSING} {RECONNECT}"]
    assert ended.stderr.splitlines()[-1] == f"warning: {KNOTS_IS_MISSING} {RECONNECT}"
    assert findings(database) == {
        ("missing_account", KNOTS): {
            "check": "missing_account",
            "severity": "warning",
            "where": KNOTS,
            "since": "2026-05-21",
            "what": KNOTS_IS_MISSING,
            "what_to_do": RECONNECT,
        }
    }
    assert f"WARNING {KNOTS}: {KNOTS_IS_MISSING} (since 2026-05-21)" in format_status(read_status(database))
    assert f"{KNOTS_IS_MISSING} {RECONNECT}" in words_of(write_report(database, tmp_path / "report.html"))
    assert load_pins(database, KNOTS).equals(history)
    assert cursors(database)[KNOTS] == "2026-05-19"


def test_it_is_said_again_by_later_syncs_with_the_day_of_the_first(
    sandbox: Sandbox, database: Path, days_later: Days
) -> None:
    sync(of(sandbox), database)
    sandbox.remove_account(KNOTS)
    for _ in range(2):
        days_later(1)
        assert sync(of(sandbox), database, ["pins"]).warnings == [f"{KNOTS_IS_MISSING} {RECONNECT}"]


def test_several_accounts_are_named_in_one_sentence(sandbox: Sandbox, database: Path, days_later: Days) -> None:
    sync(of(sandbox), database, ["accounts"])
    days_later(1)
    for account in sandbox.account_ids[1:]:
        sandbox.remove_account(account)

    assert sync(of(sandbox), database, ["accounts"]).warnings == [
        "2 accounts are no longer listed by OneUp: @knots_by_noor (pin_sandbox_knots_by_noor) since 21 May 2026, "
        "@linen_lane_home (pin_sandbox_linen_lane_home) since 21 May 2026. They are not read any more, and their "
        "history is kept. Connect them again in OneUp, unless that was meant."
    ]


def test_an_account_that_comes_back_is_read_on_and_not_spoken_of(
    sandbox: Sandbox, database: Path, days_later: Days
) -> None:
    sync(of(sandbox), database)
    account = sandbox.world.account(KNOTS)
    assert account is not None
    sandbox.remove_account(KNOTS)
    days_later(1)
    assert sync(of(sandbox), database).warnings != []
    sandbox.world.add(account)
    days_later(1)

    assert sync(of(sandbox), database).warnings == []
    assert findings(database) == {}
    assert cursors(database)[KNOTS] == "2026-05-21"


def test_where_the_config_names_the_accounts_nothing_is_said(
    sandbox: Sandbox, database: Path, days_later: Days
) -> None:
    sync(of(sandbox), database)
    days_later(1)

    named = sync({**of(sandbox), "social_network_ids": sandbox.account_ids[:1]}, database)

    assert named.warnings == []
    assert findings(database) == {}


def test_an_account_that_the_config_names_is_not_missing_while_it_is_read(
    sandbox: Sandbox, database: Path, days_later: Days
) -> None:
    sync(of(sandbox), database)
    account = sandbox.world.account(KNOTS)
    assert account is not None
    sandbox.remove_account(KNOTS)
    days_later(1)
    sync(of(sandbox), database)
    sandbox.world.add(account)
    assert set(findings(database)) == {("missing_account", KNOTS)}
    days_later(1)

    sync({**of(sandbox), "social_network_ids": [KNOTS]}, database)

    assert findings(database) == {}


def test_a_list_that_cannot_be_had_says_nothing_of_any_account(
    sandbox: Sandbox, database: Path, days_later: Days
) -> None:
    sync(of(sandbox), database)
    sandbox.remove_account(KNOTS)
    days_later(1)
    sandbox.inject(Fault("status", path="listsocialaccounts", status=403, times=None))

    result = sync(of(sandbox), database)

    assert (result.status, result.warnings) == ("failed", [])
    assert findings(database) == {}


def test_an_account_that_moved_to_another_key_is_not_missing(
    sandbox: Sandbox, other: Sandbox, database: Path, tomorrow: Callable[[], None]
) -> None:
    sync(of(sandbox), database)
    sync(of(other), database)
    tomorrow()
    sandbox.remove_account(KNOTS)
    other.add_account(KNOTS)

    assert sync(of(other), database).warnings == []
    assert sync(of(sandbox), database).warnings == []
    assert findings(database) == {}
    tomorrow()
    other.remove_account(KNOTS)

    assert sync(of(sandbox), database).warnings == []
    assert len(sync(of(other), database).warnings) == 1
    assert set(findings(database)) == {("missing_account", KNOTS)}


# ------------------------------------------------------------------------------- the key's fingerprint


def test_neither_the_key_nor_a_part_of_it_is_in_the_file(sandbox: Sandbox, other: Sandbox, database: Path) -> None:
    sync(of(sandbox), database)
    sync(of(other), database)
    sync({**of(other), "api_key": f"  Bearer {KEY_B}\n"}, database)

    written = database.read_bytes() + "".join(str(found) for found in rows(database, f"FROM {TABLE}")).encode()
    parts = {KEY_B[place : place + 6].encode() for place in range(len(KEY_B) - 5)}
    assert [part for part in parts if part in written or part[::-1] in written] == []
    fingerprints = rows(database, f"SELECT DISTINCT key_fingerprint FROM {TABLE}")
    assert len(fingerprints) == 2
    assert all(re.fullmatch("scrypt:[0-9a-f]{32}:[0-9a-f]{128}", fingerprint) for (fingerprint,) in fingerprints)


def test_the_same_key_has_another_fingerprint_in_another_file(sandbox: Sandbox, database: Path) -> None:
    found = set()
    for name in ("a.duckdb", "b.duckdb"):
        for _ in range(2):
            sync(of(sandbox), database.with_name(name), ["accounts"])
        found |= set(rows(database.with_name(name), f"SELECT DISTINCT key_fingerprint FROM {TABLE}"))
    assert len(found) == 2


# ------------------------------------------------------------------------------- files of other layouts


@pytest.mark.parametrize("gone", [0, 1])
def test_an_account_of_a_released_file_that_is_gone_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, gone: int
) -> None:
    database = tmp_path / "released.duckdb"
    build(fixtures()[0], database)
    now = DAY_ONE + timedelta(days=1)
    monkeypatch.setenv(CLOCK_VARIABLE, now.isoformat())
    with Sandbox(accounts=ACCOUNTS, now=now) as sandbox:
        missing = sandbox.account_ids[gone]
        sandbox.remove_account(missing)
        result = sync(config(sandbox), database)

    name = missing.removeprefix("pin_sandbox_")
    assert result.warnings == [
        f"@{name} ({missing}) is no longer listed by OneUp since 21 May 2026: it is not read any more, and its history "
        f"is kept. {RECONNECT}"
    ]
    assert set(findings(database)) == {("missing_account", missing)}


def test_accounts_of_a_released_file_that_another_key_lists_are_not_missing(
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


def test_a_file_that_does_not_say_what_was_listed_names_an_account_that_is_long_unread(
    sandbox: Sandbox, database: Path, days_later: Days
) -> None:
    sync(of(sandbox), database)
    sandbox.remove_account(KNOTS)
    for _ in range(3):
        days_later(1)
        sync(of(sandbox), database)
    parquet = export_parquet(database, database.with_name("export"))
    foreign = database.with_name("foreign.duckdb")
    with_tables_of(foreign, database.with_name("export"), [name for name in parquet if not name.startswith("_")])

    assert {key: (it["what"], it["severity"], it["since"]) for key, it in findings(foreign).items()} == {
        ("unlisted_account", KNOTS): (
            "@knots_by_noor (pin_sandbox_knots_by_noor) was last listed and read on 20 May 2026, other accounts on "
            "23 May 2026: OneUp lists it no longer, or the sync that reads it stopped.",
            "warning",
            "2026-05-20",
        )
    }


def with_tables_of(database: Path, folder: Path, names: list[str]) -> None:
    """A file as another tool writes it: plain tables."""
    with duckdb.connect(str(database)) as connection:
        for name in names:
            connection.execute(f"CREATE TABLE {name} AS FROM '{folder}/{name}/{name}.parquet'")


# ------------------------------------------------------------------------------- accounts with a new name


OLD, NEW = "pin_sandbox_hearth_and_oak", "pin_sandbox_hearth_kitchen"


def test_a_renamed_account_is_named_with_both_names_and_its_pins_count_once(
    sandbox: Sandbox, database: Path, tmp_path: Path, days_later: Days
) -> None:
    undisturbed = database.with_name("undisturbed.duckdb")
    for day in range(4):
        sync(of(sandbox), undisturbed)
        if day == 2:
            sandbox.rename_account(OLD, NEW)
            warnings = sync(of(sandbox), database).warnings
            sandbox.rename_account(NEW, OLD)
        elif day == 3:
            sandbox.rename_account(OLD, NEW)
            assert sync(of(sandbox), database).warnings == []
        else:
            assert sync(of(sandbox), database).warnings == []
        days_later(1)

    (told,) = warnings
    assert re.fullmatch(
        rf"@hearth_kitchen \({NEW}\) was @hearth_and_oak \({OLD}\) before: (\d+) of the \1 pins that both can have are "
        rf"the same. They are read as one account, {NEW}, and no pin counts twice.",
        told,
    )
    found = findings(database)
    assert {key: (it["what"], it["severity"], it["since"]) for key, it in found.items()} == {
        ("renamed_account", NEW): (told, "info", "2026-05-22")
    }
    assert told in words_of(write_report(database, tmp_path / "report.html"))
    assert data_window(database)[:5] == data_window(undisturbed)[:5]
    for load in (load_pins, load_pins_latest, load_account_followers):
        columns = ["social_network_id", "_airbyte_extracted_at", "period_start", "period_end"]
        here, there = load(database), load(undisturbed)
        assert here.height == there.height > 0
        assert set(here["social_network_id"]) == set(there["social_network_id"]) - {OLD} | {NEW}
        without = [name for name in columns if name in here.columns]
        order = [name for name in here.columns if name not in without]
        assert here.drop(without).sort(order).equals(there.drop(without).sort(order))
    gains, expected = (
        account_daily_gains(LoadedHistory(load_pins(file)))
        .group_by("metric")
        .agg(pl.col("gain").sum())
        .sort("metric")
        .rows()
        for file in (database, undisturbed)
    )
    assert gains == expected
    assert set(load_accounts(database)["social_network_id"]) == {*sandbox.account_ids}


def test_a_sync_without_the_memory_to_compare_pins_is_done_and_names_the_account_as_missing(
    sandbox: Sandbox, database: Path, days_later: Days, monkeypatch: pytest.MonkeyPatch
) -> None:
    def out_of_memory(*_: object) -> None:
        raise duckdb.OutOfMemoryException

    sync(of(sandbox), database)
    days_later(1)
    sandbox.rename_account(OLD, NEW)
    monkeypatch.setattr(history_module, "find_renames", out_of_memory)

    result = sync(of(sandbox), database)

    assert (result.status, len(result.warnings)) == ("done", 1)
    assert result.warnings[0].startswith(f"@hearth_and_oak ({OLD}) is no longer listed by OneUp since 21 May 2026: ")
    assert set(findings(database)) == {("renamed_account", NEW)}


def test_the_old_name_still_finds_the_account_and_the_file_keeps_its_rows(
    sandbox: Sandbox, database: Path, days_later: Days
) -> None:
    sync(of(sandbox), database)
    before = rows(database, f"SELECT * FROM pins WHERE social_network_id = '{OLD}' ORDER BY ALL")
    days_later(1)
    sandbox.rename_account(OLD, NEW)
    sync(of(sandbox), database)

    expected = load_pins(database, NEW)
    for name in (OLD, "@hearth_and_oak", "@Hearth_Kitchen"):
        assert load_pins(database, name).equals(expected)
    assert expected["snapshot_date"].n_unique() == 2
    assert rows(database, f"SELECT * FROM pins WHERE social_network_id = '{OLD}' ORDER BY ALL") == before


def test_a_rename_between_two_syncs_of_a_day_counts_no_pin_twice(
    sandbox: Sandbox, database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sync(of(sandbox), database)
    pins = load_pins(database)
    sandbox.rename_account(OLD, NEW)
    sandbox.now += timedelta(hours=1)
    monkeypatch.setenv(CLOCK_VARIABLE, sandbox.now.isoformat())

    sync(of(sandbox), database)

    assert set(findings(database)) == {("renamed_account", NEW)}
    assert load_pins(database).height == pins.height
    assert load_pins(database)["saves"].sum() == pins["saves"].sum()


def test_a_renamed_account_is_read_as_one_in_a_file_of_another_tool(
    sandbox: Sandbox, database: Path, days_later: Days
) -> None:
    sync(of(sandbox), database)
    days_later(1)
    sandbox.rename_account(OLD, NEW)
    sync(of(sandbox), database)
    foreign = database.with_name("foreign.duckdb")
    with duckdb.connect(str(foreign)) as connection:
        connection.execute(f"ATTACH '{database}' AS ours (READ_ONLY)")
        for name in ("pins", "accounts", "account_followers", "overview_metrics", "pin_totals"):
            connection.execute(f"CREATE TABLE oneup_{name} AS FROM ours.{name}")

    assert data_window(foreign)[:5] == data_window(database)[:5]
    assert load_pins(foreign).equals(load_pins(database))
    assert findings(foreign) == findings(database)


def test_the_summary_of_a_sync_has_a_line_for_each_account(sandbox: Sandbox, database: Path, days_later: Days) -> None:
    sync(of(sandbox), database)
    days_later(1)
    sandbox.rename_account(OLD, NEW)
    sandbox.remove_account(KNOTS)

    lines = summary(sync(of(sandbox), database)).splitlines()

    assert lines[1].startswith("done: ")
    assert lines[2] == f"warning: {KNOTS_IS_MISSING} {RECONNECT}"
    assert lines[3].startswith(f"warning: @hearth_kitchen ({NEW}) was @hearth_and_oak ({OLD}) before: ")
    assert date.fromisoformat(next(iter(findings(database).values()))["since"]) == date(2026, 5, 21)
