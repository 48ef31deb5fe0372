"""The page lists each open question once, with what would show now and when more would."""

from pathlib import Path

import polars as pl

from oneup_pinterest.history.account_history import load_account_history
from oneup_pinterest.report.until_known import Compared, _open_comparison, until_known
from test_support.history import make_long_history

ROW = {
    "feature": "has a number",
    "verdict": "within normal variation",
    "detectable": 60.0,
    "guess": 12.0,
    "low": -20.0,
    "high": 55.0,
    "pins_per_week": 9.0,
    "days_needed": 210.0,
    "days_sought": 45.0,
    "days_reason": None,
}
SCHEMA = {"days_reason": pl.String, "days_needed": pl.Float64, "days_sought": pl.Float64}


def rows_of(*rows: dict[str, object]) -> list[tuple[str, ...]]:
    table = pl.DataFrame([ROW | row for row in rows], schema_overrides=SCHEMA)
    return [tuple(row) for row in _open_comparison(Compared("Saves by text", table))]


def test_only_the_comparison_with_the_smallest_difference_is_listed() -> None:
    needed = (
        "about 30 weeks more, if it stays this size; +60% or more would show now; at 9 pins per week, ×1.5 would show "
        "after about 7 weeks"
    )
    found = rows_of({"feature": "has an emoji", "detectable": 90.0}, {})
    assert found == [("Saves by text: has a number", "+12%", "−20% to +55%", needed)]


def test_a_question_with_a_verdict_is_not_open() -> None:
    assert rows_of({}, {"feature": "has an emoji", "verdict": "more"}) == []
    assert rows_of({"verdict": "no verdict", "detectable": None}) == []


def test_reason_is_given_where_the_days_are_unknown() -> None:
    ((*_, needed),) = rows_of({"days_needed": None, "days_sought": None, "days_reason": "no pin came lately"})
    assert needed == "+60% or more would show now; when ×1.5 would is unknown: no pin came lately"
    ((*_, needed),) = rows_of({"days_needed": 4000.0, "days_sought": 500.0})
    assert needed.startswith("not within a year if it stays this small; ")
    assert needed.endswith("at 9 pins per week, ×1.5 would not show within a year")


def test_page_has_one_row_for_each_question_about_publishing(tmp_path: Path) -> None:
    path = make_long_history(tmp_path / "h.duckdb", ("pin_one",), days=120)
    known = until_known(load_account_history(path, "pin_one"))
    names = [row.what.partition(":")[0] for row in known["rows"]]
    asked = ["Saves per week, as a trend", *(f"Saves by {by}" for by in ("format", "weekday", "hour", "text", "word"))]
    for name in asked:
        assert names.count(name) + known["note"].count(name) == 1, known
    assert any(name in names for name in asked)
