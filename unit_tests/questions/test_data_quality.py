"""Answers about data quality have a sentence; the chart of coverage shows the days of syncs."""

import json
from collections.abc import Callable
from datetime import date, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pytest
import vl_convert

from oneup_pinterest.history.account_history import load_account_history
from oneup_pinterest.quality.checks.context import load_check_context
from oneup_pinterest.quality.run_checks import find_problems
from oneup_pinterest.questions import chart_style as style
from oneup_pinterest.questions.answer import Answer
from oneup_pinterest.questions.data_quality.answer import (
    assumptions_answer,
    counter_types_answer,
    coverage_answer,
    findings_answer,
)
from oneup_pinterest.questions.data_quality.chart import MIN_WEEKS, WEEKS_SHOWN, sync_calendar_chart
from test_support.history import NOW, as_other_destination, make_history


@pytest.fixture(autouse=True)
def _clock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ONEUP_PINTEREST_NOW", f"{NOW.isoformat()}+00:00")


def answers(path: Path, account: str = "pin_one") -> dict[str, Answer]:
    history, context = load_account_history(path, account), load_check_context(path)
    return {
        "coverage": coverage_answer(history),
        "findings": findings_answer(find_problems(context)),
        "counter types": counter_types_answer(history),
        "assumptions": assumptions_answer(context.history),
    }


def _pyairbyte_file(path: Path) -> Path:
    return as_other_destination(make_history(path.with_name("source.duckdb")), path)


HISTORIES: dict[str, Callable[[Path], Path]] = {
    "empty": partial(make_history, days=0),
    "one sync": partial(make_history, days=1),
    "one pin": partial(make_history, accounts=("pin_one",), days=2, pins=1),
    "gap": partial(make_history, missing_days=(5, 6, 7)),
    "reset": partial(make_history, reset_on=15),
    "rolling": partial(make_history, rolling=True),
    "another destination": _pyairbyte_file,
}
NO_PIN = "Not enough data yet: no pin was seen at two syncs."
ALL_USABLE = "it fell 0 times: all can be used."
SENTENCES = {
    "empty": ("Not enough data yet: this account has no snapshot.", NO_PIN),
    "one sync": ("There is one snapshot so far, of 31 Mar 2026.", NO_PIN),
    "one pin": ("Yes: 2 of 2 days from 30 Mar 2026 to 31 Mar 2026 have a snapshot.", ALL_USABLE),
    "gap": (
        "No: 17 of 20 days from 12 Mar 2026 to 31 Mar 2026 have a snapshot; the longest gap is of 3 days, from",
        ALL_USABLE,
    ),
    "reset": ("Yes: 20 of 20 days", "all can be used."),
    "rolling": ("Yes: 20 of 20 days", "none can be used, because they count a window of days that moves on."),
    "another destination": ("Yes: 20 of 20 days", ALL_USABLE),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", HISTORIES)
def test_answers_report_what_a_history_lacks(tmp_path: Path, name: str) -> None:
    by_topic = answers(HISTORIES[name](tmp_path / "h.duckdb"))
    coverage_start, counter_types_end = SENTENCES[name]
    assert by_topic["coverage"].sentence.startswith(coverage_start)
    assert by_topic["counter types"].sentence.endswith(counter_types_end)
    assert "assumptions about the API" in by_topic["assumptions"].sentence
    assert (by_topic["coverage"].chart is None) is (name == "empty")


def test_findings_have_a_severity_and_a_remedy(tmp_path: Path) -> None:
    assert answers(make_history(tmp_path / "whole.duckdb"))["findings"].sentence == "Nothing: all checks passed."
    path = make_history(tmp_path / "h.duckdb", reset_on=15, missing_days=(3,))
    with duckdb.connect(path) as connection:
        connection.execute("UPDATE accounts SET is_expired = true")
    answer = answers(path)["findings"]
    assert answer.sentence == "6 things were found: 2 wrong, 4 to be careful with."
    assert answer.table is not None
    assert answer.table.columns == ["How grave", "Where", "Since", "What", "What to do"]
    assert answer.table["How grave"].to_list() == ["wrong"] * 2 + ["careful"] * 4


def test_gaps_are_listed(tmp_path: Path) -> None:
    table = answers(make_history(tmp_path / "h.duckdb", missing_days=(3, 4, 9)))["coverage"].table
    assert table is not None
    assert table.rows() == [(date(2026, 3, 15), date(2026, 3, 16), 2), (date(2026, 3, 21), date(2026, 3, 21), 1)]


def test_counters_with_too_few_changes_are_named(tmp_path: Path) -> None:
    answer = answers(make_history(tmp_path / "h.duckdb", days=4, pins=3))["counter types"]
    assert "Too little was seen of" in answer.notes[-1]


def coverage(days: int, missing: tuple[int, ...] = ()) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "social_network_id": "pin_a",
            "day": [date(2026, 3, 31) - timedelta(days=back) for back in range(days - 1, -1, -1)],
            "is_synced": [index not in missing for index in range(days)],
            "pins": [None if index in missing else 10 + index for index in range(days)],
        },
        schema_overrides={"pins": pl.Int64, "day": pl.Date, "is_synced": pl.Boolean},
    )


def spec(chart: Any) -> dict[str, Any]:
    valid: dict[str, Any] = chart.to_dict()  # raises an error if the chart is invalid
    return valid


def test_calendar_marks_days_without_a_sync_and_explains_the_mark() -> None:
    calendar = spec(sync_calendar_chart(coverage(20, (3, 4))))
    squares, crosses = calendar["layer"]
    assert len(squares["data"]["values"]) == 18
    assert [row["shown"] for row in crosses["data"]["values"]] == ["Sun 15 Mar 2026", "Mon 16 Mar 2026"]
    assert crosses["mark"]["text"] == "×"
    assert "× is no sync" in squares["encoding"]["x"]["title"]
    assert calendar["description"].startswith("Syncs from 2026-03-12 to 2026-03-31: 18 of 20 days have a snapshot")
    assert len(spec(sync_calendar_chart(coverage(20)))["layer"]) == 1


@pytest.mark.parametrize(("days", "weeks"), [(0, 0), (1, MIN_WEEKS), (100, 15), (800, WEEKS_SHOWN)])
def test_calendar_limits_the_number_of_weeks(days: int, weeks: int) -> None:
    x = spec(sync_calendar_chart(coverage(days)))["layer"][0]["encoding"]["x"]
    assert len(x["scale"]["domain"]) == weeks


@pytest.mark.parametrize("days", [1, 40, 800])
@pytest.mark.parametrize("version", [style.VEGALITE, "5.20"])
def test_calendar_draws_in_both_vega_lite_versions(days: int, version: str) -> None:
    drawn = style.styled(sync_calendar_chart(coverage(days, (days - 3,) if days > 3 else ()), 340))
    schema = "https://vega.github.io/schema/vega-lite/v5.20.1.json" if version == "5.20" else drawn["$schema"]
    svg = vl_convert.vegalite_to_svg(json.dumps({**drawn, "$schema": schema}), vl_version=version)
    assert svg.count("<path") > (10 if days > 10 else 0)
    assert "NaN" not in svg
    assert ("×" in svg) is (days > 3)
