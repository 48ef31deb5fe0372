"""After a sync, the database holds the data of the API without duplicates, together with its state."""

import signal
import time
from datetime import timedelta
from pathlib import Path
from typing import Any, ClassVar

import pytest

from integration_tests.databases import contents, duplicate_keys, rows
from integration_tests.fault_injection.processes import serve_sandbox, start_sync
from integration_tests.fixture_types import Days, FirstSync
from integration_tests.test_read import fetch
from oneup_pinterest.errors import UserError
from oneup_pinterest.sandbox import Sandbox
from oneup_pinterest.sync import run as run_module
from oneup_pinterest.sync import sync
from oneup_pinterest.sync.progress import Progress
from oneup_pinterest.sync.writer import DatabaseWriter


def test_each_days_counters_of_each_pin_are_kept_as_served_that_day(
    sandbox: Sandbox, database: Path, days_later: Days
) -> None:
    expected: dict[tuple[str, str, str], tuple[Any, ...]] = {}
    for pause in (0, 0, 1, 1, 3):  # the second sync is on the same day; the last skips two days
        days_later(pause)
        result = sync(sandbox.config(), database)
        assert result.exit_status == 0
        today, first_asked = sandbox.now.date(), sandbox.now.date() - timedelta(days=90)
        for account in sandbox.account_ids:
            yesterday = today - timedelta(days=1)
            for pin in fetch(sandbox, "posts", account, first_asked.isoformat(), yesterday.isoformat())["posts"]:
                counters = tuple(
                    pin["stats"][name] for name in ("impressions", "saves", "comments", "repins", "clicks")
                )
                expected[account, pin["id"], today.isoformat()] = counters

    stored = rows(
        database,
        "SELECT social_network_id, id, snapshot_date::VARCHAR, impressions, saves, comments, repins, clicks FROM pins",
    )
    assert {row[:3]: row[3:] for row in stored} == expected
    assert len(stored) == len(expected)
    assert duplicate_keys(database) == []
    newest = "SELECT social_network_id, id, max(snapshot_date) FROM pins GROUP BY ALL ORDER BY ALL"
    assert rows(database, "SELECT social_network_id, id, snapshot_date FROM pins_latest ORDER BY ALL") == rows(
        database, newest
    )


def test_a_second_sync_on_a_day_changes_no_row(sandbox: Sandbox, database: Path) -> None:
    first = sync(sandbox.config(), database)
    before = contents(database)

    again = sync(sandbox.config(), database)

    assert contents(database) == before
    assert sum(counts["rows"] for counts in first.streams.values()) == sum(
        len(stored) for stream, stored in before.items() if stream != "pins_latest"
    )
    assert {counts["rows"] for counts in again.streams.values()} == {0}
    assert again.requests == len(sandbox.account_ids) * 2 + 1


def test_a_later_sync_of_fewer_accounts_loses_no_other_account(
    sandbox: Sandbox, database: Path, first_sync: FirstSync
) -> None:
    first_sync(database)
    before = contents(database)

    sync({**sandbox.config(), "social_network_ids": sandbox.account_ids[:1]}, database, ["pins", "account_followers"])

    assert contents(database) == before


def test_an_account_added_later_is_synced_from_its_start(sandbox: Sandbox, database: Path, days_later: Days) -> None:
    old, late = sandbox.account_ids[:2], sandbox.account_ids[2]
    sync({**sandbox.config(), "social_network_ids": old}, database)
    days_later(5)
    sync({**sandbox.config(), "social_network_ids": [*old, late]}, database)

    ends = rows(database, f"SELECT count(DISTINCT period_end) FROM overview_metrics WHERE social_network_id = '{late}'")
    assert ends[0][0] == 13  # ninety days in weekly steps


@pytest.mark.slow
def test_each_weekly_period_is_read_again_when_it_is_final(sandbox: Sandbox, database: Path, days_later: Days) -> None:
    account = sandbox.account_ids[0]
    start = sandbox.now.date() - timedelta(days=14)
    config = {**sandbox.config(), "social_network_ids": account, "start_date": start.isoformat()}
    requests = []
    for pause in (0, *[1] * 10):
        days_later(pause)
        requests.append(sync(config, database).requests)

    assert requests == [3, 2, 3, 2, 2, 2, 2, 2, 2, 3, 2]  # a week is final two days after its newest window
    for end in (start + timedelta(days=days) for days in (6, 13, 20)):
        first = end - timedelta(days=29)
        served = fetch(sandbox, "overview", account, str(first), str(end))["metrics"]
        stored = f"SELECT key, value_current_period FROM overview_metrics WHERE period_end = '{end}'"
        assert dict(rows(database, stored)) == {row["key"]: row["value_current_period"] for row in served}


@pytest.mark.slow
def test_an_earlier_start_date_is_backfilled_once(sandbox: Sandbox, database: Path) -> None:
    def starting(days: int) -> dict[str, Any]:
        return {**sandbox.config(), "start_date": (sandbox.now.date() - timedelta(days=days)).isoformat()}

    fresh = database.with_name("fresh.duckdb")
    sync(starting(100), fresh)
    sync(starting(30), database)  # ten weeks later, so that the weeks begin on the same weekday
    backfill = sync(starting(100), database)
    again = sync(starting(100), database)
    before = contents(database)
    later = sync(starting(15), database)

    assert backfill.exit_status == 0
    for stream in ("overview_metrics", "post_performance", "account_followers", "accounts"):
        assert before[stream] == contents(fresh)[stream]
        assert contents(database)[stream] == before[stream]
    pins = "SELECT * EXCLUDE (period_start, period_end, _airbyte_extracted_at) FROM pins ORDER BY ALL"
    assert rows(database, pins) == rows(fresh, pins)
    first_day = "SELECT social_network_id, min(period_start) FROM pin_totals GROUP BY ALL ORDER BY ALL"
    assert rows(database, first_day) == rows(fresh, first_day)
    assert again.requests == later.requests == 2 * len(sandbox.account_ids) + 1
    assert set(before["pin_totals"]) <= set(contents(database)["pin_totals"])


@pytest.mark.slow
def test_full_refresh_repairs_every_stored_period(sandbox: Sandbox, database: Path, days_later: Days) -> None:
    start = sandbox.now.date() - timedelta(days=14)
    # every account is read alike, so that one is enough
    config = {**sandbox.config(), "start_date": start.isoformat(), "social_network_ids": sandbox.account_ids[:1]}
    for pause in (0, *[1] * 9):
        days_later(pause)
        sync(config, database)
    days_later(5)
    sync({**config, "preset": "last_7_days"}, database, full_refresh=True)

    periods = rows(
        database, "SELECT DISTINCT social_network_id, preset, period_start, period_end FROM overview_metrics"
    )
    correct = 0
    for account, preset, first, end in periods:
        served = {
            row["key"]: row["value_current_period"]
            for row in fetch(sandbox, "overview", account, str(first), str(end))["metrics"]
        }
        where = f"social_network_id = '{account}' AND preset = '{preset}' AND period_end = '{end}'"
        correct += (
            dict(rows(database, f"SELECT key, value_current_period FROM overview_metrics WHERE {where}")) == served
        )
    assert len({end for *_, end in periods}) >= 12
    assert correct == len(periods)
    for account, first, end in rows(
        database, "SELECT DISTINCT social_network_id, period_start, period_end FROM pin_totals"
    ):
        served = {
            row["key"]: row["value_current_period"]
            for row in fetch(sandbox, "posts", account, str(first), str(end))["stats"]
        }
        where = f"social_network_id = '{account}' AND period_start = '{first}' AND period_end = '{end}'"
        assert dict(rows(database, f"SELECT key, value_current_period FROM pin_totals WHERE {where}")) == served


def test_full_refresh_reads_everything_again_and_deletes_nothing(
    sandbox: Sandbox, database: Path, days_later: Days, first_sync: FirstSync
) -> None:
    first_sync(database)
    days_later(1)
    result = sync(sandbox.config(), database, full_refresh=True)

    assert result.streams["overview_metrics"]["records"] > 13 * 6
    assert len(rows(database, "SELECT DISTINCT snapshot_date FROM pins")) == 2
    assert duplicate_keys(database) == []


def test_a_sync_after_a_run_in_the_future_requests_and_writes_nothing(
    sandbox: Sandbox, database: Path, days_later: Days
) -> None:
    days_later(2)
    sync(sandbox.config(), database)
    days_later(-2)
    sandbox.clear_requests()
    before = database.read_bytes()

    with pytest.raises(UserError) as error:
        sync(sandbox.config(), database)

    assert error.value.exit_status == 1
    assert str(error.value) == (
        f"Nothing was written: the newest sync in {database} started at 2026-05-22 12:00 UTC, but this machine's clock "
        "says 2026-05-20 12:00 UTC. Correct the clock. If it is right, remove the wrong run: DELETE FROM "
        "_sync_runs WHERE started_at > TIMESTAMP '2026-05-21 12:00:00';"
    )
    assert sandbox.requests == []
    assert database.read_bytes() == before


def test_only_the_selected_streams_are_synced(sandbox: Sandbox, database: Path) -> None:
    result = sync(sandbox.config(), database, ["accounts", "account_followers"])

    assert list(result.streams) == ["accounts", "account_followers"]
    tables = {name for (name,) in rows(database, "SELECT table_name FROM duckdb_tables()")}
    assert tables == {
        "accounts",
        "account_followers",
        "_airbyte_state",
        "_listed_accounts",
        "_pin_images",
        "_sync_runs",
        "_layout",
    }


def test_a_first_sync_without_accounts_fails_and_leaves_no_file(sandbox: Sandbox, database: Path) -> None:
    for account in list(sandbox.account_ids):
        sandbox.remove_account(account)

    result = sync(sandbox.config(), database)

    assert (result.status, result.exit_status) == ("failed", 2)
    assert list(database.parent.glob(f"{database.name}*")) == []


def test_progress_counts_every_record_for_any_batch_size(
    sandbox: Sandbox, database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class RecordedProgress(Progress):
        streams: ClassVar[dict[str, int]] = {}

        def finished(self, stream: str, records: int) -> None:
            self.streams[stream] = records

    monkeypatch.setattr(run_module, "BATCH_ROWS", 7)
    result = sync({**sandbox.config(), "start_date": "2026-05-10"}, database, progress=RecordedProgress())

    stored = {stream: len(found) for stream, found in contents(database).items() if stream != "pins_latest"}
    assert {stream: counts["records"] for stream, counts in result.streams.items()} == stored
    assert RecordedProgress.streams == stored


def test_rows_and_their_state_are_committed_together(sandbox: Sandbox, database: Path) -> None:
    sync(sandbox.config(), database, ["account_followers"])
    with DatabaseWriter(database) as writer:
        schema = {
            "properties": {
                "social_network_id": {"type": ["string"]},
                "snapshot_date": {"type": ["string"], "format": "date"},
            }
        }
        writer.prepare({"account_followers": (schema, ["social_network_id", "snapshot_date"])})
        writer.write("account_followers", [{"social_network_id": "lost", "snapshot_date": "2026-01-01"}])
        writer.write_state("account_followers", {"lost": True})  # without a commit

    assert rows(database, "SELECT * FROM account_followers WHERE social_network_id = 'lost'") == []
    assert "lost" not in rows(database, "SELECT state FROM _airbyte_state")[0][0]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("number", "requests_before"), [(signal.SIGINT, 5), pytest.param(signal.SIGTERM, 20, marks=pytest.mark.nightly)]
)
def test_an_interrupted_sync_ends_at_once_and_the_next_completes_it(
    tmp_path: Path, number: signal.Signals, requests_before: int
) -> None:
    with serve_sandbox(tmp_path / "work", latency=0.2) as sandbox:
        database = tmp_path / "history.duckdb"
        process = start_sync(database, tmp_path / "work")
        while len(sandbox.requests) < requests_before:
            time.sleep(0.01)
        process.send_signal(number)
        _, stderr = process.communicate(timeout=10)

        assert process.returncode == 130
        assert "Interrupted. Synced data was kept" in stderr
        assert "Traceback" not in stderr
        assert rows(database, "SELECT status FROM _sync_runs") == [("interrupted",)]
        assert sync(sandbox.config(), database).exit_status == 0
    assert duplicate_keys(database) == []
