"""Say for each open question how large the change may be, and how long until it would be known."""

import math
from collections.abc import Iterator
from typing import Any, NamedTuple

import polars as pl

from oneup_pinterest.formatting import truncate
from oneup_pinterest.history.account_history import AccountHistory
from oneup_pinterest.history.period_change import changes
from oneup_pinterest.methods.verdicts import DOWN, LESS, MORE, UP, WITHIN_NORMAL_VARIATION
from oneup_pinterest.questions.answer import (
    MAX_DAYS_NEEDED,
    most_certain,
    no_curves,
    shown_text,
    too_few,
    trend_shown_text,
    weeks_text,
)
from oneup_pinterest.questions.change.new_pins import new_pins_change
from oneup_pinterest.questions.change.statistic import account_trend
from oneup_pinterest.questions.chart_style import percent_text
from oneup_pinterest.questions.formats.answer import pair_name
from oneup_pinterest.questions.formats.statistic import format_differences
from oneup_pinterest.questions.summary.statistic import comparison_days
from oneup_pinterest.questions.texts.statistic import outcomes_with_text, text_effects
from oneup_pinterest.questions.texts.words import word_contrasts
from oneup_pinterest.questions.timing.chart import hours_of, slot_name
from oneup_pinterest.questions.timing.statistic import BLOCK_HOURS, slot_effects
from oneup_pinterest.report.sections import MAIN

_DECIDED = (UP, DOWN, MORE, LESS, "above", "below")
_MAX_NAME = 30  # letters of a word


class Open(NamedTuple):
    """A question without a verdict yet: the best guess (percent), its interval, and what it takes to know."""

    what: str
    guess: str
    low_high: str
    needed: str


class Compared(NamedTuple):
    """A question that compares groups of pins: its name and table; `guess`, `low` and `high` are in percent."""

    what: str
    table: pl.DataFrame

    @property
    def is_decided(self) -> bool:
        """Return whether some comparison has a verdict."""
        return bool(self.table["verdict"].is_in(_DECIDED).any())


def until_known(history: AccountHistory) -> dict[str, Any]:
    """Return `rows` of open questions, and `note`: why there are none, or what is decided already.

    The trend and the questions about publishing have one row each, about the main metric: of several comparisons, the
    one that would show the smallest difference.
    """
    days = comparison_days(history)
    if not days:
        return {"rows": [], "note": "Nothing can be tested before two weeks can be compared."}
    tables = [
        ("{} of the typical pin", changes(history, days)),
        ("{} of new pins after a week", new_pins_change(history, days)),
        ("{} per week, as a trend", account_trend(history).filter(pl.col("metric") == MAIN)),
    ]
    compared = list(_compared(history))
    rows = [
        *(row for name, table in tables for row in _open(name, table, days)),
        *(row for question in compared for row in _open_comparison(question)),
    ]
    decided = [
        name.format(row["metric"].capitalize())
        for name, table in tables
        for row in table.filter(pl.col("verdict").is_in(_DECIDED)).iter_rows(named=True)
    ]
    decided += [question.what for question in compared if question.is_decided]
    note = f"Decided already: {', '.join(decided)}." if decided else ""
    if not rows and not decided:
        note = "No test is possible yet: the pins gained too little."
    return {"rows": rows, "note": note}


def _open(name: str, table: pl.DataFrame, days: int) -> Iterator[Open]:
    """Yield the rows within normal variation."""
    for row in table.filter(pl.col("verdict") == WITHIN_NORMAL_VARIATION).iter_rows(named=True):
        low, high = (percent_text(row[side], "no limit") for side in ("change_low", "change_high"))
        needed = _weeks_needed(row) if "weeks_needed" in row else _days_needed(row, days)
        yield Open(name.format(row["metric"].capitalize()), percent_text(row["change"]), f"{low} to {high}", needed)


def _days_needed(row: dict[str, Any], days: int) -> str:
    now = f"{percent_text(row['detectable'])} or more would show now"
    if row["days_needed"] is None or row["days_needed"] > MAX_DAYS_NEEDED:
        return f"not within a year if it stays this small; {now}"
    weeks = math.ceil(max(row["days_needed"], days) / 7)
    return f"periods of about {weeks} weeks, if it stays this size; {now}"


def _weeks_needed(row: dict[str, Any]) -> str:
    if 7 * row["weeks_needed"] > MAX_DAYS_NEEDED:
        return f"not within a year if it stays this small; {trend_shown_text(row)}"
    weeks = weeks_text(7 * max(row["weeks_needed"], row["weeks"]))
    return f"a trend of {weeks}, if it stays this size; {trend_shown_text(row)}"


def _compared(history: AccountHistory) -> Iterator[Compared]:
    """Yield the questions about publishing that can be asked, as the sections of the page ask them."""
    if no_curves(history, MAIN) or too_few(history.first_week(MAIN), "pins", MAIN):
        return
    name = MAIN.capitalize()
    formats = format_differences(history, MAIN)
    yield Compared(f"{name} by format", _in_percent(formats))
    yield Compared(f"{name} by weekday", slot_effects(history, MAIN, "weekday").rename({"effect": "guess"}))
    yield Compared(f"{name} by hour", slot_effects(history, MAIN, "hour", BLOCK_HOURS).rename({"effect": "guess"}))
    if not too_few(outcomes_with_text(history, MAIN), "pins", MAIN):
        yield Compared(f"{name} by text", _in_percent(text_effects(history, MAIN)))
        yield Compared(f"{name} by word", _in_percent(word_contrasts(history, MAIN)))


def _in_percent(table: pl.DataFrame) -> pl.DataFrame:
    """Return a table of ratios with the best guess and its interval in percent."""
    percents = [(100 * (pl.col(name) - 1)).alias(name) for name in ("ratio", "low", "high")]
    return table.with_columns(percents).rename({"ratio": "guess"})


def _open_comparison(question: Compared) -> Iterator[Open]:
    """Yield the comparison that would show the smallest difference, if none has a verdict."""
    row = most_certain(question.table)
    if row is None or question.is_decided:
        return
    needed = ""
    if row["days_needed"] is not None:
        needed = f"{weeks_text(row['days_needed'])} more, if it stays this size; "
        if row["days_needed"] > MAX_DAYS_NEEDED:
            needed = "not within a year if it stays this small; "
    low, high = percent_text(row["low"]), percent_text(row["high"])
    what = f"{question.what}: {_group(row, question.table)}"
    yield Open(what, percent_text(row["guess"]), f"{low} to {high}", f"{needed}{shown_text(row)}")


def _group(row: dict[str, Any], table: pl.DataFrame) -> str:
    """Return the name of the pins of a row."""
    if "first" in row:
        return pair_name(row)
    if "hour" in row:
        return slot_name(row["weekday"], row["hour"], hours_of(table))
    return str(row["feature"]) if "feature" in row else f"“{truncate(row['word'], _MAX_NAME)}”"
