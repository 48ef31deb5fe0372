"""Every chart, table and sentence names a week by its first day, under the same heading."""

from collections.abc import Iterator
from datetime import date, timedelta
from inspect import signature
from typing import Any

import polars as pl
import pytest

import oneup_pinterest as op
from oneup_pinterest.formatting import PUBLISHED_IN_WEEK, WEEK_OF, format_day, format_week
from test_support.history import make_long_history

HEADINGS = (WEEK_OF, PUBLISHED_IN_WEEK)
ABOUT_AGES = "Age of the pins (weeks)"
MONDAYS = {"cohorts_answer", "coverage_answer", "effort_answer", "evergreen_answer"}
WITH_WEEKS = {
    "cohorts_answer": {"chart", "table"},
    "coverage_answer": {"chart"},
    "effort_answer": {"chart", "table"},
    "evergreen_answer": {"chart"},
    "follower_gains_answer": {"chart", "table"},
    "trend_answer": {"chart", "table"},
}


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> dict[str, op.Answer]:
    """Return every answer about one account that has enough data for all of them."""
    path = make_long_history(tmp_path_factory.mktemp("weeks") / "h.duckdb", ("pin_one",), days=120)
    history = op.load_account_history(path, "pin_one")
    names = [name for name in op.__all__ if name.endswith("_answer")]
    return {
        name: getattr(op, name)(history)
        for name in names
        if next(iter(signature(getattr(op, name)).parameters)) == "history"
    }


def encodings(spec: Any) -> Iterator[dict[str, Any]]:
    """Yield the channels of a chart that have a title, with those of its layers and tooltips."""
    if isinstance(spec, dict):
        if isinstance(spec.get("title"), str) and spec.get("type") in ("nominal", "ordinal"):
            yield spec
        for value in spec.values():
            yield from encodings(value)
    elif isinstance(spec, list):
        for value in spec:
            yield from encodings(value)


def weeks_of_chart(answer: op.Answer) -> list[dict[str, Any]]:
    found = encodings(answer.chart.to_dict()) if answer.chart is not None else iter(())
    return [one for one in found if "week" in one["title"].lower() and one["title"] not in (ABOUT_AGES, "Weekday")]


def is_weekly(column: pl.Series) -> bool:
    days = column.drop_nulls().unique().sort() if column.dtype == pl.Date else column.clear()
    return days.len() > 3 and bool((days.diff().drop_nulls().dt.total_days() % 7 == 0).all())


def test_weeks_are_named_alike_in_charts_and_tables(answers: dict[str, op.Answer]) -> None:
    found: dict[str, set[str]] = {}
    for name, answer in answers.items():
        for channel in weeks_of_chart(answer):
            assert channel["title"].startswith(HEADINGS), (name, channel)
            found.setdefault(name, set()).add("chart")
        for column in answer.table if answer.table is not None else ():
            if is_weekly(column) and column.name != "Day of the sync":  # every seventh day of a long history
                assert column.name in HEADINGS, (name, column.name)
                found.setdefault(name, set()).add("table")
    assert found == WITH_WEEKS


@pytest.mark.parametrize("name", sorted(WITH_WEEKS))
def test_the_name_of_a_week_is_its_first_day(answers: dict[str, op.Answer], name: str) -> None:
    answer = answers[name]
    assert answer.chart is not None
    spec = answer.chart.to_dict()
    rows = [row for layer in [spec, *spec.get("layer", ())] for row in layer.get("data", {}).get("values", ())]
    field = "cohort" if name == "cohorts_answer" else "week"
    firsts = sorted({date.fromisoformat(row[field]) for row in rows if field in row})
    assert len(firsts) > 5
    assert {(day - firsts[0]).days % 7 for day in firsts} == {0}
    if name in MONDAYS:
        assert {day.weekday() for day in firsts} == {0}
    else:
        assert any("counted back from the last settled day" in note for note in answer.notes)
    if "table" in WITH_WEEKS[name]:
        assert answer.table is not None
        column = next(column for column in answer.table.columns if column in HEADINGS)
        assert {*firsts} <= {*answer.table[column]}
    if name != "coverage_answer":  # its tooltips name days
        shown = {row["shown"] for row in rows if field in row and "shown" in row}
        assert shown == {format_day(day) for day in firsts}


def test_sentences_name_weeks_alike(answers: dict[str, op.Answer]) -> None:
    table = answers["forecast_answer"].table
    assert table is not None
    first = table["Day"].min()
    assert isinstance(first, date)
    for week in (first, first + timedelta(days=7)):
        assert f" saves in the {format_week(week)} (" in answers["forecast_answer"].sentence
    per_thousand = answers["follower_gains_answer"]
    assert per_thousand.table is not None
    newest = per_thousand.table[WEEK_OF].max()
    assert isinstance(newest, date)
    assert f"in the {format_week(newest)} (" in per_thousand.sentence
    description = answers["cohorts_answer"].chart.to_dict()["description"]  # type: ignore[union-attr]
    assert "in the week of " in description
