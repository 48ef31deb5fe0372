"""Accounts that OneUp lists under a new name are read as one, and no pin counts twice."""

import re
from datetime import date, timedelta
from pathlib import Path

import duckdb
import polars as pl
import pytest

from integration_tests.databases import rows
from integration_tests.fixture_types import Days, FirstSync
from integration_tests.listed_accounts import KNOTS, KNOTS_IS_MISSING, RECONNECT, START, config_of, findings, page_text
from oneup_pinterest.database.load import (
    data_window,
    load_account_followers,
    load_accounts,
    load_pins,
    load_pins_latest,
)
from oneup_pinterest.history.gains import account_daily_gains
from oneup_pinterest.history.loaded_history import LoadedHistory
from oneup_pinterest.report import write_report
from oneup_pinterest.sandbox import Sandbox
from oneup_pinterest.sync import sync
from oneup_pinterest.sync import writer as writer_module
from source_oneup_pinterest.components.clock import CLOCK_VARIABLE

pytestmark = pytest.mark.slow


OLD, NEW = "pin_sandbox_hearth_and_oak", "pin_sandbox_hearth_kitchen"


def test_a_rename_is_reported_with_both_names_and_pins_count_once(
    sandbox: Sandbox, database: Path, tmp_path: Path, days_later: Days
) -> None:
    reference = database.with_name("reference.duckdb")
    for day in range(4):
        sync(config_of(sandbox), reference)
        if day == 2:
            sandbox.rename_account(OLD, NEW)
            warnings = sync(config_of(sandbox), database).warnings
            sandbox.rename_account(NEW, OLD)
        elif day == 3:
            sandbox.rename_account(OLD, NEW)
            assert sync(config_of(sandbox), database).warnings == []
        else:
            assert sync(config_of(sandbox), database).warnings == []
        days_later(1)

    (message,) = warnings
    assert re.fullmatch(
        rf"@hearth_kitchen \({NEW}\) was formerly @hearth_and_oak \({OLD}\): (\d+) of the \1 pins that both can have "
        rf"are the same. They are read as one account, {NEW}, and no pin counts twice.",
        message,
    )
    found = findings(database)
    assert {key: (it["what"], it["severity"], it["since"]) for key, it in found.items()} == {
        ("renamed_account", NEW): (message, "info", "2026-05-22")
    }
    assert message in page_text(write_report(database, tmp_path / "report.html"))
    assert data_window(database)[:5] == data_window(reference)[:5]
    for load in (load_pins, load_pins_latest, load_account_followers):
        columns = ["social_network_id", "_airbyte_extracted_at", "period_start", "period_end"]
        actual, expected_pins = load(database), load(reference)
        assert actual.height == expected_pins.height > 0
        assert set(actual["social_network_id"]) == set(expected_pins["social_network_id"]) - {OLD} | {NEW}
        without = [name for name in columns if name in actual.columns]
        order = [name for name in actual.columns if name not in without]
        assert actual.drop(without).sort(order).equals(expected_pins.drop(without).sort(order))
    gains, expected = (
        account_daily_gains(LoadedHistory(load_pins(file)))
        .group_by("metric")
        .agg(pl.col("gain").sum())
        .sort("metric")
        .rows()
        for file in (database, reference)
    )
    assert gains == expected
    assert set(load_accounts(database)["social_network_id"]) == {*sandbox.account_ids}


def test_a_sync_continues_if_memory_is_too_small_to_find_renames(
    sandbox: Sandbox, database: Path, days_later: Days, monkeypatch: pytest.MonkeyPatch
) -> None:
    def out_of_memory(*_: object) -> None:
        raise duckdb.OutOfMemoryException

    sync(config_of(sandbox), database)
    days_later(1)
    sandbox.rename_account(OLD, NEW)
    monkeypatch.setattr(writer_module, "find_renames", out_of_memory)

    result = sync(config_of(sandbox), database)

    assert (result.status, len(result.warnings)) == ("done", 1)
    assert result.warnings[0].startswith(f"OneUp has not listed @hearth_and_oak ({OLD}) since 21 May 2026: ")
    assert set(findings(database)) == {("renamed_account", NEW)}


def test_the_old_name_still_finds_the_account(
    sandbox: Sandbox, database: Path, days_later: Days, first_sync: FirstSync
) -> None:
    first_sync(database, **START)
    before = rows(database, f"SELECT * FROM pins WHERE social_network_id = '{OLD}' ORDER BY ALL")
    days_later(1)
    sandbox.rename_account(OLD, NEW)
    sync(config_of(sandbox), database)

    expected = load_pins(database, NEW)
    for name in (OLD, "@hearth_and_oak", "@Hearth_Kitchen"):
        assert load_pins(database, name).equals(expected)
    assert expected["snapshot_date"].n_unique() == 2
    assert rows(database, f"SELECT * FROM pins WHERE social_network_id = '{OLD}' ORDER BY ALL") == before


def test_a_rename_between_two_syncs_of_a_day_counts_no_pin_twice(
    sandbox: Sandbox, database: Path, monkeypatch: pytest.MonkeyPatch, first_sync: FirstSync
) -> None:
    first_sync(database, **START)
    pins = load_pins(database)
    sandbox.rename_account(OLD, NEW)
    sandbox.now += timedelta(hours=1)
    monkeypatch.setenv(CLOCK_VARIABLE, sandbox.now.isoformat())

    sync(config_of(sandbox), database)

    assert set(findings(database)) == {("renamed_account", NEW)}
    assert load_pins(database).height == pins.height
    assert load_pins(database)["saves"].sum() == pins["saves"].sum()


def test_a_renamed_account_is_one_account_in_files_of_other_tools_too(
    sandbox: Sandbox, database: Path, days_later: Days, first_sync: FirstSync
) -> None:
    first_sync(database, **START)
    days_later(1)
    sandbox.rename_account(OLD, NEW)
    sync(config_of(sandbox), database)
    foreign = database.with_name("foreign.duckdb")
    with duckdb.connect(str(foreign)) as connection:
        connection.execute(f"ATTACH '{database}' AS ours (READ_ONLY)")
        for name in ("pins", "accounts", "account_followers", "overview_metrics", "pin_totals"):
            connection.execute(f"CREATE TABLE oneup_{name} AS FROM ours.{name}")

    assert data_window(foreign)[:5] == data_window(database)[:5]
    assert load_pins(foreign).equals(load_pins(database))
    assert findings(foreign) == findings(database)


def test_the_summary_has_a_line_per_missing_or_renamed_account(
    sandbox: Sandbox, database: Path, days_later: Days, first_sync: FirstSync
) -> None:
    first_sync(database, **START)
    days_later(1)
    sandbox.rename_account(OLD, NEW)
    sandbox.remove_account(KNOTS)

    lines = sync(config_of(sandbox), database).summary().splitlines()

    assert lines[1].startswith("done: ")
    assert lines[3] == f"warning: {KNOTS_IS_MISSING} {RECONNECT}"
    assert lines[4].startswith(f"warning: @hearth_kitchen ({NEW}) was formerly @hearth_and_oak ({OLD}): ")
    assert date.fromisoformat(next(iter(findings(database).values()))["since"]) == date(2026, 5, 21)
