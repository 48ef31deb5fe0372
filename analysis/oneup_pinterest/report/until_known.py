"""Say for each open question how large the change may be, and how long until it would be known."""

import math
from collections.abc import Iterator
from typing import Any, NamedTuple

import polars as pl

from oneup_pinterest.history.account_history import AccountHistory
from oneup_pinterest.history.period_change import changes
from oneup_pinterest.methods.verdicts import DOWN, UP, WITHIN_NORMAL_VARIATION
from oneup_pinterest.questions.answer import MAX_DAYS_NEEDED
from oneup_pinterest.questions.change.new_pins import new_pins_change
from oneup_pinterest.questions.chart_style import percent_text
from oneup_pinterest.questions.summary.statistic import comparison_days


class Open(NamedTuple):
    """A question without a verdict yet: the best guess (percent), its interval, and what it takes to know."""

    what: str
    guess: str
    low_high: str
    needed: str


def until_known(history: AccountHistory) -> dict[str, Any]:
    """Return `rows` of open questions, and `note`: why there are none, or what is decided already."""
    days = comparison_days(history)
    if not days:
        return {"rows": [], "note": "Nothing can be tested before two weeks can be compared."}
    tables = [
        ("{} of the typical pin", changes(history, days)),
        ("{} of new pins after a week", new_pins_change(history, days)),
    ]
    rows = [row for name, table in tables for row in _open(name, table, days)]
    decided = [
        name.format(row["metric"].capitalize())
        for name, table in tables
        for row in table.filter(pl.col("verdict").is_in([UP, DOWN])).iter_rows(named=True)
    ]
    note = f"Decided already: {', '.join(decided)}." if decided else ""
    if not rows and not decided:
        note = "No test is possible yet: the pins gained too little."
    return {"rows": rows, "note": note}


def _open(name: str, table: pl.DataFrame, days: int) -> Iterator[Open]:
    """Yield the rows within normal variation."""
    for row in table.filter(pl.col("verdict") == WITHIN_NORMAL_VARIATION).iter_rows(named=True):
        low, high = (percent_text(row[side], "no limit") for side in ("change_low", "change_high"))
        yield Open(
            name.format(row["metric"].capitalize()), percent_text(row["change"]), f"{low} to {high}", _needed(row, days)
        )


def _needed(row: dict[str, Any], days: int) -> str:
    now = f"{percent_text(row['detectable'])} or more would show now"
    if row["days_needed"] is None or row["days_needed"] > MAX_DAYS_NEEDED:
        return f"not within a year if it stays this small; {now}"
    weeks = math.ceil(max(row["days_needed"], days) / 7)
    return f"periods of about {weeks} weeks, if it stays this size; {now}"
