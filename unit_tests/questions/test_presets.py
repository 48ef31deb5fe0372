"""A file with several presets gives the same answers and checks as a file with only the last synced preset."""

import json
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pytest

from oneup_pinterest.history.account_history import load_account_history
from oneup_pinterest.quality.api_assumptions import judge_assumptions
from oneup_pinterest.quality.checks.context import CheckContext, load_check_context
from oneup_pinterest.quality.run_checks import find_problems
from oneup_pinterest.questions.overview.answer import preset_note, totals_answer
from oneup_pinterest.report.context import page_of
from test_support.history import NOW, make_history

pytestmark = pytest.mark.slow

LAST, OTHER = "last_30_days", "last_7_days"
FAULTS = {
    "no fault": "SELECT 1",
    "zeros in last period": "UPDATE overview_metrics SET value_current_period = 0 WHERE period_end = DATE '2026-03-30'",
    "different numbers of posts": "UPDATE overview_metrics SET value_current_period = 900 WHERE key = 'posts'",
    "zeros in old periods": (
        "INSERT INTO overview_metrics SELECT * REPLACE (period_start - INTERVAL '200 days' AS period_start, "
        "period_end - INTERVAL '200 days' AS period_end, 0 AS value_current_period) FROM overview_metrics"
    ),
}


@pytest.fixture(autouse=True)
def _clock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ONEUP_PINTEREST_NOW", f"{NOW.isoformat()}+00:00")


@pytest.fixture(params=FAULTS)
def files(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[Path, Path]:
    """Return a file with one preset, and a copy with a second preset: synced earlier, shorter, with other figures."""
    one, both = (make_history(tmp_path / f"{name}.duckdb", days=20, pins=4) for name in ("one", "both"))
    for path in (one, both):
        with duckdb.connect(path) as connection:
            connection.execute(FAULTS[request.param])
            for table in ("overview_metrics", "post_performance") if path == both else ():
                figure = "value_current_period" if table == "overview_metrics" else "engagement_rate"
                connection.execute(
                    f"INSERT INTO {table} SELECT * REPLACE ('{OTHER}' AS preset, period_end - 6 AS period_start, "
                    f"period_end % 3 * 1000.0 AS {figure}, _airbyte_extracted_at - INTERVAL '1 hour' AS "
                    f"_airbyte_extracted_at) FROM {table}".replace("period_end % 3", "day(period_end) % 3")
                )
    return one, both


def findings_and_assumptions(context: CheckContext) -> list[Any]:
    return [find_problems(context), judge_assumptions(context.history).to_dicts()]


def test_checks_and_assumptions_use_the_last_synced_preset(files: tuple[Path, Path]) -> None:
    one, both = map(load_check_context, files)
    assert both.history.overview.height == 2 * one.history.overview.height
    assert findings_and_assumptions(both) == findings_and_assumptions(one)


def test_findings_about_totals_name_the_preset(tmp_path: Path) -> None:
    path = make_history(tmp_path / "h.duckdb", days=20, pins=4)
    for fault in FAULTS.values():
        with duckdb.connect(path) as connection:
            connection.execute(fault)
        for finding in find_problems(load_check_context(path)):
            if finding.check in ("all_zero", "posts_differ", "older_than_kept"):
                assert f"({LAST})" in finding.what or f"Totals ({LAST})" in finding.what


@pytest.mark.parametrize(
    "files",  # the tests below and above try every fault, without a whole report
    [fault if fault == "zeros in old periods" else pytest.param(fault, marks=pytest.mark.nightly) for fault in FAULTS],
    indirect=True,
)
def test_report_uses_and_names_the_last_synced_preset(files: tuple[Path, Path]) -> None:
    one, both = map(page_of, files)
    note = preset_note(pl.DataFrame({"preset": [LAST, OTHER]}), LAST)
    for account in both["accounts"]:
        (totals,) = (
            answer
            for group in account["groups"]
            for answer in group["answers"]
            if "OneUp's totals" in answer["question"]
        )
        assert note in totals["notes"]
        totals["notes"] = tuple(line for line in totals["notes"] if line != note)
    assert json.dumps(both, default=str) == json.dumps(one, default=str)


def test_totals_answer_uses_and_names_the_last_synced_preset(files: tuple[Path, Path]) -> None:
    answers = [totals_answer(load_account_history(path, "pin_one")) for path in files]
    one, both = answers
    assert both.sentence == one.sentence
    assert both.table is not None
    assert one.table is not None
    assert both.table.equals(one.table)
    assert set(both.notes) - set(one.notes) == {preset_note(pl.DataFrame({"preset": [LAST, OTHER]}), LAST)}
    assert both.chart is not None
    assert one.chart is not None
    assert both.chart.to_dict() == one.chart.to_dict()
