"""The status has the freshness, rows, runs and findings of a database, as JSON and as text."""

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest

from oneup_pinterest.errors import UserError
from oneup_pinterest.quality.status import format_status, read_status
from test_support.history import LAST_DAY, NOW, as_other_destination, insert_run, make_history


@pytest.fixture(autouse=True)
def _clock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ONEUP_PINTEREST_NOW", f"{NOW.isoformat()}+00:00")


def findings_by_check(path: Path) -> dict[str, dict[str, Any]]:
    return {finding["check"]: finding for finding in read_status(path)["findings"]}


def test_complete_history_has_no_findings(tmp_path: Path) -> None:
    path = make_history(tmp_path / "h.duckdb")
    status = read_status(path)
    assert status["findings"] == []
    assert status["database"] == str(path.resolve())
    assert status["size_bytes"] == path.stat().st_size
    assert status["freshness"] == {
        "last_sync": "2026-03-31T06:00:12",
        "hours_ago": 3.0,
        "newest_snapshot": "2026-03-31",
        "too_old": [],
    }
    assert (status["is_demo"], status["attention"]) == (False, [])
    assert status["streams"]["pins"] == {"rows": 594, "first": "2026-03-12", "last": "2026-03-31"}
    assert [run["started_at"][:10] for run in status["runs"]] == [f"2026-03-{day}" for day in range(31, 26, -1)]
    assert status["runs"][0]["streams"] == {"pins": {"records": 12, "rows": 12}}


def test_status_is_plain_json_and_text(tmp_path: Path) -> None:
    for number, days in enumerate((0, 1, 5)):
        status = read_status(make_history(tmp_path / f"{number}.duckdb", days=days))
        assert json.loads(json.dumps(status)) == status
        assert "pins" in format_status(status)


def test_file_of_another_destination_has_no_runs(tmp_path: Path) -> None:
    path = as_other_destination(make_history(tmp_path / "h.duckdb"), tmp_path / "cache.duckdb")
    status = read_status(path)
    assert status["runs"] == []
    assert status["freshness"]["last_sync"] == "2026-03-31T06:00:00"
    assert status["streams"]["pins"]["rows"] == 594


def test_stale_data_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ONEUP_PINTEREST_NOW", f"{(NOW + timedelta(hours=40)).isoformat()}+00:00")
    finding = findings_by_check(make_history(tmp_path / "h.duckdb"))["stale_data"]
    assert (finding["where"], finding["since"]) == ("all", "2026-03-31")
    assert "43 hours ago" in finding["what"]


def test_days_without_a_snapshot_are_found(tmp_path: Path) -> None:
    finding = findings_by_check(make_history(tmp_path / "h.duckdb", ("pin_one",), missing_days=(3, 4)))[
        "days_without_snapshot"
    ]
    assert (finding["where"], finding["since"]) == ("pin_one", "2026-03-15")
    assert "2 of 20 days" in finding["what"]


def test_one_line_per_account_that_needs_attention_comes_first(tmp_path: Path) -> None:
    path = make_history(tmp_path / "h.duckdb", ("pin_one", "pin_two", "pin_three"), missing_days=(3,))
    with duckdb.connect(path) as connection:
        connection.execute("UPDATE accounts SET is_expired = true WHERE social_network_id = 'pin_two'")
        insert_run(connection, LAST_DAY, skipped=[{"social_network_id": "pin_three", "reason": "Gone."}])
    status = read_status(path)
    assert status["attention"] == [
        "@three (pin_three): failing (since 31 Mar 2026), days without a snapshot (since 15 Mar 2026)",
        "@two (pin_two): connect again in OneUp (since 31 Mar 2026), days without a snapshot (since 15 Mar 2026)",
        "@one (pin_one): days without a snapshot (since 15 Mar 2026)",
    ]
    text = format_status(status)
    assert text.index("accounts that need attention\n  @three") < text.index("findings")


def test_accounts_older_than_the_maximum_age_are_named(tmp_path: Path) -> None:
    path = make_history(tmp_path / "h.duckdb", missing_days=(3,))
    assert read_status(path, timedelta(hours=4))["freshness"]["too_old"] == []
    assert read_status(path, timedelta(hours=2))["freshness"]["too_old"] == ["all"]
    behind = LAST_DAY - timedelta(days=2)
    with duckdb.connect(path) as connection:
        for table in ("_pins", "account_followers", "overview_metrics", "pin_totals"):
            connection.execute(
                f"DELETE FROM {table} WHERE social_network_id = 'pin_two' AND _airbyte_extracted_at > ?", [behind]
            )
    status = read_status(path, timedelta(hours=36))
    assert status["freshness"]["too_old"] == ["pin_two"]
    assert status["attention"][0].startswith("@two (pin_two): last read 28 Mar 2026")  # before gaps of the past
    assert "older than --max-age: pin_two" in format_status(status)


def test_demo_data_are_said_to_be_made_up(tmp_path: Path) -> None:
    status = read_status(make_history(tmp_path / "h.duckdb", ("pin_sandbox_1",)))
    assert status["is_demo"]
    assert "These data are MADE UP" in format_status(status)


@pytest.mark.parametrize("flag", ["is_expired", "need_refresh"])
def test_accounts_that_lost_their_connection_are_found(tmp_path: Path, flag: str) -> None:
    path = make_history(tmp_path / "h.duckdb")
    with duckdb.connect(path) as connection:
        connection.execute(f"UPDATE accounts SET {flag} = true WHERE social_network_id = 'pin_two'")
    assert findings_by_check(path)["lost_connection"]["where"] == "pin_two"


def test_rolling_counters_and_resets_are_distinguished(tmp_path: Path) -> None:
    assert "rolling_counters" in findings_by_check(make_history(tmp_path / "rolling.duckdb", rolling=True))
    reset = findings_by_check(make_history(tmp_path / "reset.duckdb", reset_on=10))
    assert reset["counters_reset"]["since"] == "2026-03-23"  # all counters of the snapshot of the 22nd were 0
    assert "all_zero" not in reset  # these zeros are the start of the reset, not a lost connection
    assert "rolling_counters" not in reset


def test_text_groups_findings_of_many_accounts(tmp_path: Path) -> None:
    accounts = [f"pin_{number:03}" for number in range(40)]
    status = read_status(make_history(tmp_path / "h.duckdb", accounts, days=4, pins=2, missing_days=(1,)))
    assert len([finding for finding in status["findings"] if finding["check"] == "days_without_snapshot"]) == 40
    text = format_status(status)
    assert text.count("have no snapshot") == 1
    assert "WARNING In 40 accounts (pin_000, pin_001, pin_002 and others). In pin_000: 1 of 4 days" in text


def test_assumptions_about_the_api_are_listed(tmp_path: Path) -> None:
    status = read_status(make_history(tmp_path / "h.duckdb", days=30, missing_days=(4,)))
    verdicts = {item["assumption"]: item["verdict"] for item in status["assumptions"]}
    assert verdicts["A window includes its last day."] == "supported"
    assert "supported    A window includes its last day." in format_status(status)


def test_added_and_missing_columns_are_found(tmp_path: Path) -> None:
    path = make_history(tmp_path / "h.duckdb", days=3)
    with duckdb.connect(path) as connection:
        connection.execute("ALTER TABLE account_followers ADD COLUMN total_boards BIGINT")
        connection.execute("ALTER TABLE accounts DROP COLUMN need_refresh")
    findings = findings_by_check(path)
    assert "account_followers has columns that this kit does not know: total_boards" in findings["new_columns"]["what"]
    assert "accounts lacks need_refresh" in findings["missing_columns"]["what"]


@pytest.mark.parametrize(("pins", "severity"), [(50, "warning"), (100, "warning"), (49, None)])
def test_suspicious_number_of_pins_is_found(tmp_path: Path, pins: int, severity: str | None) -> None:
    path = make_history(tmp_path / "h.duckdb", ("pin_one",), days=3, pins=pins)
    assert "possible_cap" not in findings_by_check(path)  # the totals count as many posts
    with duckdb.connect(path) as connection:
        connection.execute("DELETE FROM pin_totals WHERE key = 'posts'")
    assert findings_by_check(path).get("possible_cap", {}).get("severity") == severity


def test_accounts_skipped_by_the_last_run_are_found(tmp_path: Path) -> None:
    path = make_history(tmp_path / "h.duckdb")
    with duckdb.connect(path) as connection:
        insert_run(
            connection, LAST_DAY + timedelta(days=1), "partial", [{"social_network_id": "pin_x", "reason": "404"}]
        )
    finding = findings_by_check(path)["skipped_account"]
    assert (finding["where"], finding["severity"]) == ("pin_x", "error")
    assert "404" in finding["what"]


@pytest.mark.parametrize("status", ["running", "interrupted"])
def test_unfinished_run_is_found(tmp_path: Path, status: str) -> None:
    path = make_history(tmp_path / "h.duckdb")
    with duckdb.connect(path) as connection:
        insert_run(connection, LAST_DAY + timedelta(days=1), status)
    assert findings_by_check(path)["interrupted_run"]["since"] == "2026-04-01"


def test_errors_come_first(tmp_path: Path) -> None:
    path = make_history(tmp_path / "h.duckdb", missing_days=(3,))
    with duckdb.connect(path) as connection:
        connection.execute("UPDATE accounts SET is_expired = true")
        insert_run(connection, LAST_DAY + timedelta(days=1), "interrupted")
    severities = [finding["severity"] for finding in read_status(path)["findings"]]
    assert severities == ["error", "error", "warning", "warning", "info"]


def test_missing_file_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="does not exist"):
        read_status(tmp_path / "none.duckdb")
