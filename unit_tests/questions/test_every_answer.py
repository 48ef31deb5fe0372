"""What every answer has in common: tables of pins have links and ids, and a week is named by its first day."""

from collections.abc import Iterator
from datetime import date, timedelta
from inspect import signature
from typing import Any, NamedTuple

import duckdb
import polars as pl
import pytest

import oneup_pinterest as op
from oneup_pinterest.formatting import PUBLISHED_IN_WEEK, WEEK_OF, format_day, format_week, safe_url
from oneup_pinterest.history.latest import with_pin_texts
from oneup_pinterest.questions.pin_columns import LINK, PIN
from test_support.history import make_long_history

METRIC = {"movers_answer": ("impressions",)}  # of which the pins have enough
OF_PINS = {
    "actions_answer",
    "movers_answer",
    "oneup_lists_answer",
    "pareto_answer",
    "ranking_answer",
    "rates_answer",
    "top_pins_answer",
    "why_answer",
}
HEADINGS = (WEEK_OF, PUBLISHED_IN_WEEK)
NO_WEEK = ("Age of the pins (weeks)", "Weekday", "Weekday of publication")
MONDAYS = {"cohorts_answer", "coverage_answer", "effort_answer", "evergreen_answer"}
WITH_WEEKS = {
    "cohorts_answer": {"chart", "table"},
    "coverage_answer": {"chart"},
    "effort_answer": {"chart", "table"},
    "evergreen_answer": {"chart"},
    "follower_gains_answer": {"chart", "table"},
    "trend_answer": {"chart", "table"},
}


class Asked(NamedTuple):
    """A history, and every answer about it by the name of its function."""

    history: op.AccountHistory
    answers: dict[str, op.Answer]


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory) -> Asked:
    """Ask everything about an account with enough data: old pins bring clicks, and every other link is a bad one."""
    path = make_long_history(tmp_path_factory.mktemp("every") / "h.duckdb", ("pin_one",), days=120)
    with duckdb.connect(path) as connection:
        connection.execute(
            "UPDATE _pins SET permalink = CASE WHEN hash(id) % 2 = 0 THEN 'javascript:alert(1)' ELSE permalink END, "
            "clicks = clicks + CASE WHEN timestamp < '2026-01-01' THEN 5 * (snapshot_date - timestamp::DATE) ELSE 0 END"
        )
    history = op.load_account_history(path, "pin_one")
    functions = {name: getattr(op, name) for name in op.__all__ if name.endswith("_answer")}
    return Asked(
        history,
        {
            name: ask(history, *METRIC.get(name, ()))
            for name, ask in functions.items()
            if next(iter(signature(ask).parameters)) == "history"  # others are about a file or several accounts
        },
    )


def test_rows_that_are_pins_have_an_id_and_a_link(asked: Asked) -> None:
    named = {name for name, answer in asked.answers.items() if answer.table is not None and PIN in answer.table.columns}
    assert named == OF_PINS == {name for name, answer in asked.answers.items() if answer.pins}
    left_out = 0
    for name in named:
        table, pins = asked.answers[name].table, asked.answers[name].pins
        assert table is not None
        assert len(pins) == table.height > 0
        known = with_pin_texts(asked.history, pl.DataFrame({"id": pins})).select("text", "permalink")
        for (text, link), (shown, shown_link) in zip(known.rows(), table.select(PIN, LINK).rows(), strict=True):
            if text is not None:  # OneUp's lists name a pin that was never synced
                assert " ".join(text.split()).startswith(shown.removesuffix("…").rstrip()), name
                assert shown_link == safe_url(link), name
        left_out += table[LINK].null_count()
    assert left_out > 0


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
    return [one for one in found if "week" in one["title"].lower() and one["title"] not in NO_WEEK]


def is_weekly(column: pl.Series) -> bool:
    days = column.drop_nulls().unique().sort() if column.dtype == pl.Date else column.clear()
    return days.len() > 3 and bool((days.diff().drop_nulls().dt.total_days() % 7 == 0).all())


def test_weeks_are_named_alike_in_charts_and_tables(asked: Asked) -> None:
    found: dict[str, set[str]] = {}
    for name, answer in asked.answers.items():
        for channel in weeks_of_chart(answer):
            assert channel["title"].startswith(HEADINGS), (name, channel)
            found.setdefault(name, set()).add("chart")
        for column in answer.table if answer.table is not None else ():
            if is_weekly(column) and column.name != "Day of the sync":  # every seventh day of a long history
                assert column.name in HEADINGS, (name, column.name)
                found.setdefault(name, set()).add("table")
    assert found == WITH_WEEKS


def test_the_name_of_a_week_is_its_first_day(asked: Asked) -> None:
    for name in WITH_WEEKS:
        assert_weeks_are_first_days(name, asked.answers[name])


def assert_weeks_are_first_days(name: str, answer: op.Answer) -> None:
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


def test_sentences_name_weeks_alike(asked: Asked) -> None:
    answers = asked.answers
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
