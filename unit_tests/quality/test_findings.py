"""Findings are grouped over accounts and returned as a frame."""

from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from oneup_pinterest.quality.checks.context import load_check_context
from oneup_pinterest.quality.findings import Finding, findings_frame, group_over_accounts
from oneup_pinterest.quality.run_checks import find_problems
from test_support.history import NOW, make_history


@pytest.fixture(autouse=True)
def _clock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ONEUP_PINTEREST_NOW", f"{NOW.isoformat()}+00:00")


def test_frame_without_findings_has_the_same_schema(tmp_path: Path) -> None:
    findings = findings_frame(find_problems(load_check_context(make_history(tmp_path / "h.duckdb", missing_days=(3,)))))
    assert findings.schema == findings_frame([]).schema
    assert findings.select("check", "severity", "where", "since").row(0) == (
        "days_without_snapshot",
        "warning",
        "pin_one",
        date(2026, 3, 15),
    )


def test_findings_of_more_than_three_accounts_are_grouped() -> None:
    finding = Finding(check="x", severity="info", what="So.", what_to_do="Nothing.")
    of = [[replace(finding, where=f"pin_{number}") for number in range(accounts)] for accounts in (3, 4)]
    assert group_over_accounts(of[0]) == of[0]
    assert [item.where for item in group_over_accounts(of[1])] == ["all"]
