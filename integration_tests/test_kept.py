"""A later response with fewer values overwrites no known value, and the summary counts what was kept."""

from pathlib import Path
from typing import Any

import pytest

from integration_tests.databases import contents, rows
from integration_tests.fixture_types import FirstSync
from integration_tests.test_fields import with_pins
from oneup_pinterest.sandbox import Fault, Sandbox
from oneup_pinterest.sync import run as run_module
from oneup_pinterest.sync import sync

pytestmark = pytest.mark.slow


def test_accounts_named_in_the_config_keep_their_usernames(
    sandbox: Sandbox, database: Path, first_sync: FirstSync
) -> None:
    first_sync(database)
    before = contents(database)
    result = sync({**sandbox.config(), "social_network_ids": sandbox.account_ids}, database)

    assert contents(database) == before
    assert all(None not in account for account in before["accounts"])
    assert result.warnings == []


def test_values_missing_in_a_later_sync_of_the_day_are_kept_and_counted(
    sandbox: Sandbox, database: Path, first_sync: FirstSync
) -> None:
    first_sync(database)
    before = contents(database)

    def with_nulls(response: dict[str, Any]) -> dict[str, Any]:
        response["data"]["stats"][0]["value_current_period"] = None
        return with_pins(response, text=None, stats={"saves": None})

    sandbox.inject(Fault("edit", path="posts", times=None, edit=with_nulls))
    result = sync(sandbox.config(), database)

    assert contents(database) == before
    pins = len(before["pins"])
    warnings = [
        f"Kept {pins} known values of `text` in pins where the response had none.",
        f"Kept {pins} known values of `saves` in pins where the response had none.",
        "Kept 3 known values of `value_current_period` in pin_totals where the response had none.",
    ]
    assert sorted(result.warnings) == sorted(result.as_json()["warnings"]) == sorted(warnings)
    assert f"warning: {warnings[0]}" in result.summary().splitlines()


def test_zeros_of_an_expired_connection_overwrite_nothing(
    sandbox: Sandbox, database: Path, first_sync: FirstSync
) -> None:
    account = sandbox.account_ids[0]
    first_sync(database)
    before = contents(database)
    sandbox.add_account(account, is_expired=True)  # whose responses hold zeros

    result = sync(sandbox.config(), database)

    after = contents(database)
    assert {stream: after[stream] for stream in after if stream != "accounts"} == {
        stream: before[stream] for stream in before if stream != "accounts"
    }
    assert rows(database, f"SELECT is_expired FROM accounts WHERE social_network_id = '{account}'") == [(True,)]
    assert sorted(result.warnings) == [
        "Kept 1 known row of account_followers where the response had only zeros.",
        "Kept 6 known rows of overview_metrics where the response had only zeros.",
        "Kept 6 known rows of pin_totals where the response had only zeros.",
    ]


def test_a_full_refresh_replaces_rankings_and_metrics_of_a_period_whole(
    sandbox: Sandbox, database: Path, monkeypatch: pytest.MonkeyPatch, first_sync: FirstSync
) -> None:
    config = {**sandbox.config(), "start_date": "2026-05-10"}
    first_sync(database, start_date="2026-05-10")

    def with_fewer_entries(response: dict[str, Any]) -> None:
        lists = response["data"]["post_performance"]
        del lists["most_views"], response["data"]["metrics"][2]
        lists["least_views"] = lists["least_views"][::-1][:2]

    sandbox.inject(Fault("edit", path="overview", times=None, edit=with_fewer_entries))
    monkeypatch.setattr(run_module, "BATCH_ROWS", 7)
    result = sync(config, database, full_refresh=True)

    grouped = "GROUP BY ranking, social_network_id, period_end"
    lists = rows(database, f"SELECT DISTINCT ranking, count(*) FROM post_performance {grouped}")
    assert max(count for ranking, count in lists if ranking == "least_views") == 2
    assert "most_views" not in dict(lists)
    twice = "SELECT 1 FROM post_performance GROUP BY social_network_id, period_end, ranking, id HAVING count(*) > 1"
    assert rows(database, twice) == []
    assert len(rows(database, "SELECT DISTINCT key FROM overview_metrics")) == 5
    assert {counts["rows"] for counts in result.streams.values()} == {0}
    fresh = database.with_name("fresh.duckdb")
    sync(config, fresh)
    assert contents(database) == contents(fresh)
