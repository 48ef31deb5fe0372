"""All checks together find nothing in a complete history."""

from pathlib import Path

import duckdb
import polars as pl
import pytest

from oneup_pinterest.history.loaded_history import LoadedHistory
from oneup_pinterest.quality.checks.context import load_check_context
from oneup_pinterest.quality.run_checks import ACCOUNT_CHECKS, DATABASE_CHECKS, find_problems
from test_support.history import NOW, make_history


@pytest.fixture(autouse=True)
def _clock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ONEUP_PINTEREST_NOW", f"{NOW.isoformat()}+00:00")


def test_checks_per_account_find_the_same_as_all_checks(tmp_path: Path) -> None:
    context = load_check_context(make_history(tmp_path / "h.duckdb", missing_days=(3,), reset_on=5, days=12))
    findings = find_problems(context, DATABASE_CHECKS)
    for account in context.history.pins["social_network_id"].unique():
        is_account = pl.col("social_network_id") == account
        history = LoadedHistory(
            context.history.pins.filter(is_account), followers=context.history.followers.filter(is_account)
        )
        findings += find_problems(context.with_history(history), ACCOUNT_CHECKS)
    assert {"counters_reset", "days_without_snapshot"} <= {item.check for item in findings}
    assert sorted(map(str, findings)) == sorted(map(str, find_problems(context)))


@pytest.mark.parametrize("options", [{"days": 0}, {"days": 1}, {"days": 2, "pins": 1}, {"pins": 0, "days": 3}, {}])
def test_complete_histories_of_any_size_have_no_findings(tmp_path: Path, options: dict[str, int]) -> None:
    assert find_problems(load_check_context(make_history(tmp_path / "h.duckdb", **options))) == []  # type: ignore[arg-type]


def test_missing_tables_are_not_a_finding(tmp_path: Path) -> None:
    with duckdb.connect(tmp_path / "h.duckdb") as connection:
        connection.execute("CREATE TABLE pins AS SELECT 'pin_a' AS social_network_id, '1' AS id")
    missing = find_problems(load_check_context(tmp_path / "h.duckdb"))
    assert {finding.check for finding in missing} == {"missing_columns", "pins_without_date"}
