"""Accounts that OneUp no longer lists are reported, and their history is kept."""

import json
from datetime import timedelta
from pathlib import Path

import duckdb
import pytest

from integration_tests.databases import run
from integration_tests.fixture_types import Days, FirstSync
from integration_tests.listed_accounts import (
    KNOTS,
    KNOTS_IS_MISSING,
    RECONNECT,
    START,
    config_of,
    cursors,
    findings,
    page_text,
)
from oneup_pinterest.database.export import export_parquet
from oneup_pinterest.database.load import (
    load_pins,
)
from oneup_pinterest.quality.status import format_status, read_status
from oneup_pinterest.report import write_report
from oneup_pinterest.sandbox import Fault, Sandbox
from oneup_pinterest.sync import sync
from source_oneup_pinterest.components.clock import CLOCK_VARIABLE
from tools.released import ACCOUNTS, DAY_ONE, build, config, fixtures

pytestmark = pytest.mark.slow


def test_an_unlisted_account_is_reported_and_keeps_its_history(
    sandbox: Sandbox, database: Path, config_file: Path, tmp_path: Path, days_later: Days, first_sync: FirstSync
) -> None:
    first_sync(database, **START)
    history = load_pins(database, KNOTS)
    days_later(1)
    sandbox.remove_account(KNOTS)
    config_file.write_text(json.dumps(config_of(sandbox)))

    ended = run("sync", "--config", config_file, "--database", database, "--json", now=sandbox.now)

    assert ended.returncode == 0
    assert json.loads(ended.stdout)["status"] == "done"
    assert json.loads(ended.stdout)["warnings"] == [f"{KNOTS_IS_MISSING} {RECONNECT}"]
    assert ended.stderr.splitlines()[-2] == f"warning: {KNOTS_IS_MISSING} {RECONNECT}"
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
    assert f"{KNOTS_IS_MISSING} {RECONNECT}" in page_text(write_report(database, tmp_path / "report.html"))
    assert load_pins(database, KNOTS).equals(history)
    assert cursors(database)[KNOTS] == "2026-05-19"


def test_later_syncs_repeat_the_message_with_the_day_of_the_first(
    sandbox: Sandbox, database: Path, days_later: Days, first_sync: FirstSync
) -> None:
    first_sync(database, **START)
    sandbox.remove_account(KNOTS)
    for _ in range(2):
        days_later(1)
        assert sync(config_of(sandbox), database, ["pins"]).warnings == [f"{KNOTS_IS_MISSING} {RECONNECT}"]


def test_several_missing_accounts_are_reported_in_one_message(
    sandbox: Sandbox, database: Path, days_later: Days
) -> None:
    sync(config_of(sandbox), database, ["accounts"])
    days_later(1)
    for account in sandbox.account_ids[1:]:
        sandbox.remove_account(account)

    assert sync(config_of(sandbox), database, ["accounts"]).warnings == [
        "OneUp no longer lists 2 accounts: @knots_by_noor (pin_sandbox_knots_by_noor) since 21 May 2026, "
        "@linen_lane_home (pin_sandbox_linen_lane_home) since 21 May 2026. They are no longer read, and their history "
        "is kept. Connect them again in OneUp, unless you removed them on purpose."
    ]


def test_an_account_that_is_listed_again_continues_without_a_message(
    sandbox: Sandbox, database: Path, days_later: Days, first_sync: FirstSync
) -> None:
    first_sync(database, **START)
    account = sandbox.world.account(KNOTS)
    assert account is not None
    sandbox.remove_account(KNOTS)
    days_later(1)
    assert sync(config_of(sandbox), database).warnings != []
    sandbox.world.add(account)
    days_later(1)

    assert sync(config_of(sandbox), database).warnings == []
    assert findings(database) == {}
    assert cursors(database)[KNOTS] == "2026-05-21"


def test_no_account_is_missing_if_the_config_names_the_accounts(
    sandbox: Sandbox, database: Path, days_later: Days, first_sync: FirstSync
) -> None:
    first_sync(database, **START)
    days_later(1)

    named = sync({**config_of(sandbox), "social_network_ids": sandbox.account_ids[:1]}, database)

    assert named.warnings == []
    assert findings(database) == {}


def test_an_account_named_in_the_config_is_not_missing_while_it_is_read(
    sandbox: Sandbox, database: Path, days_later: Days, first_sync: FirstSync
) -> None:
    first_sync(database, **START)
    account = sandbox.world.account(KNOTS)
    assert account is not None
    sandbox.remove_account(KNOTS)
    days_later(1)
    sync(config_of(sandbox), database)
    sandbox.world.add(account)
    assert set(findings(database)) == {("missing_account", KNOTS)}
    days_later(1)

    sync({**config_of(sandbox), "social_network_ids": [KNOTS]}, database)

    assert findings(database) == {}


def test_an_unreadable_account_list_marks_no_account_as_missing(
    sandbox: Sandbox, database: Path, days_later: Days, first_sync: FirstSync
) -> None:
    first_sync(database, **START)
    sandbox.remove_account(KNOTS)
    days_later(1)
    sandbox.inject(Fault("status", path="listsocialaccounts", status=403, times=None))

    result = sync(config_of(sandbox), database)

    assert (result.status, result.warnings) == ("failed", [])
    assert findings(database) == {}


@pytest.mark.parametrize("removed", [0, 1])
def test_a_missing_account_of_a_released_database_is_reported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, removed: int
) -> None:
    database = tmp_path / "released.duckdb"
    build(fixtures()[0], database)
    now = DAY_ONE + timedelta(days=1)
    monkeypatch.setenv(CLOCK_VARIABLE, now.isoformat())
    with Sandbox(accounts=ACCOUNTS, now=now) as sandbox:
        missing = sandbox.account_ids[removed]
        sandbox.remove_account(missing)
        result = sync(config(sandbox), database)

    name = missing.removeprefix("pin_sandbox_")
    assert result.warnings == [
        f"OneUp has not listed @{name} ({missing}) since 21 May 2026: it is no longer read, and its history is kept. "
        f"{RECONNECT}"
    ]
    assert set(findings(database)) == {("missing_account", missing)}


def test_a_file_without_account_lists_reports_an_account_long_unread(
    sandbox: Sandbox, database: Path, days_later: Days, first_sync: FirstSync
) -> None:
    first_sync(database, **START)
    sandbox.remove_account(KNOTS)
    for _ in range(3):
        days_later(1)
        sync(config_of(sandbox), database)
    parquet = export_parquet(database, database.with_name("export"))
    foreign = database.with_name("foreign.duckdb")
    write_plain_tables(foreign, database.with_name("export"), [name for name in parquet if not name.startswith("_")])

    assert {key: (it["what"], it["severity"], it["since"]) for key, it in findings(foreign).items()} == {
        ("unlisted_account", KNOTS): (
            "@knots_by_noor (pin_sandbox_knots_by_noor) was last listed and read on 20 May 2026, other accounts on "
            "23 May 2026: OneUp no longer lists it, or the sync that reads it stopped.",
            "warning",
            "2026-05-20",
        )
    }


def write_plain_tables(database: Path, folder: Path, names: list[str]) -> None:
    """Write a file of plain tables, as another tool does."""
    with duckdb.connect(str(database)) as connection:
        for name in names:
            connection.execute(f"CREATE TABLE {name} AS FROM '{folder}/{name}/{name}.parquet'")
