"""Define the answers of the notebooks and the report: each answers one question about one account.

An answer combines a statistic, its chart and its table with a sentence that has the numbers in it. Where the data are
not sufficient, the sentence says so and why.
"""

import math
from typing import Any, NamedTuple

import polars as pl

from oneup_pinterest.history.account_history import AccountHistory
from oneup_pinterest.history.counter_types import USABLE
from oneup_pinterest.history.first_week import MIN_PINS
from oneup_pinterest.methods.power import SOUGHT, TREND_WEEKS
from oneup_pinterest.methods.verdicts import WITHIN_NORMAL_VARIATION
from oneup_pinterest.questions.chart_style import Chart, percent_text

MAX_DAYS_NEEDED = 364  # later is too late to be of use
MIN_RATIO_SHOWN, MAX_RATIO_SHOWN = 2.0, 100.0  # a smaller rise is in percent; no format or weekday brings more
SOUGHT_TEXT = f"×{1 + SOUGHT / 100:g}"
NOT_ENOUGH = "Not enough data yet"
# a note where weeks need not begin on a Monday
BACK_FROM_LAST_DAY = "A week is named by its first day; these weeks are counted back from the last settled day."


class Answer(NamedTuple):
    """The answer to one question about the data.

    - question: as a person would ask it, for a heading
    - sentence: the answer with its numbers, or `Not enough data yet: ` and the reason
    - chart: one view or its layers (no facets: it must fit a phone), or None where there is nothing to draw
    - table: the numbers of the chart, with headings for people that have units; or None
    - notes: sentences on how to read it: what was left out, assumed or estimated
    - pins: the id of the pin in each row of the table, so that its picture can be shown; empty if rows are not pins

    >>> not_enough_data("Did saves change?", "two whole weeks are needed, and there are 3 days.").sentence
    'Not enough data yet: two whole weeks are needed, and there are 3 days.'
    """

    question: str
    sentence: str
    chart: Chart | None = None
    table: pl.DataFrame | None = None
    notes: tuple[str, ...] = ()
    pins: tuple[str | None, ...] = ()


def not_enough_data(question: str, why: str) -> Answer:
    """Return an answer that says that the data are not sufficient yet. `why` is the text after the colon."""
    return Answer(question, f"{NOT_ENOUGH}: {why}")


def refusal(metric: str) -> str:
    """Return the sentence that explains why there are no gains and no growth of this metric."""
    return (
        f"Gains of {metric} are not known: its counter falls too often to be one of a pin's whole life (it counts a "
        "window of days that moves on), so its differences are not what was gained."
    )


def no_curves(history: AccountHistory, metric: str) -> str | None:
    """Return why this metric's counters cannot be followed over a pin's life; None where they can."""
    counter_type = history.counter_type(metric)
    if counter_type not in (None, *USABLE):
        return refusal(metric)
    if counter_type not in (None, "lifetime"):
        return f"{NOT_ENOUGH}: the counter of {metric} was restated for most pins at once, so its curves would jump."
    return None


def no_gains(history: AccountHistory, metric: str) -> str | None:
    """Return why gains of this metric are meaningless; None where they are valid."""
    return None if history.counter_type(metric) in (None, *USABLE) else refusal(metric)


def too_few(outcomes: pl.DataFrame, what: str, metric: str) -> str | None:
    """Return why there are too few outcomes for an answer; None otherwise. `what` is the plural that needs them."""
    if outcomes.height >= MIN_PINS:
        return None
    are = "is" if outcomes.height == 1 else "are"
    return f"{what} need at least {MIN_PINS} pins whose {metric} after 7 days are known; there {are} {outcomes.height}."


def most_certain(table: pl.DataFrame) -> dict[str, Any] | None:
    """Return the comparison within normal variation that would show the smallest difference; None without one.

    >>> most_certain(pl.DataFrame({"verdict": ["more", "within normal variation"], "detectable": [30.0, 60.0]}))
    {'verdict': 'within normal variation', 'detectable': 60.0}
    """
    is_open = (pl.col("verdict") == WITHIN_NORMAL_VARIATION) & pl.col("detectable").is_not_null()
    rows = table.filter(is_open).sort("detectable", maintain_order=True).head(1).rows(named=True)
    return rows[0] if rows else None


def shown_text(row: dict[str, Any]) -> str:
    """Return which difference would show now and when one of `SOUGHT`, of a row that `with_pins_needed` completed.

    >>> row = {"detectable": 60.4, "pins_per_week": 9.0, "days_sought": 44.0, "days_reason": None}
    >>> shown_text(row)
    '+60% or more would show now; at 9 pins per week, ×1.5 would show after about 7 weeks'
    >>> shown_text(row | {"detectable": 34.0, "days_sought": 0.0})
    '+34% or more would show now'
    """
    ratio = 1 + row["detectable"] / 100
    now = f"{f'×{ratio:.1f}' if ratio >= MIN_RATIO_SHOWN else percent_text(row['detectable'])} or more would show now"
    if ratio > MAX_RATIO_SHOWN:
        now = "no difference would show now, however large"
    if row["days_sought"] == 0:
        return now
    if row["days_reason"]:
        return f"{now}; when {SOUGHT_TEXT} would is unknown: {row['days_reason']}"
    rate = f"{now}; at {row['pins_per_week']:,.0f} pins per week"
    if row["days_sought"] > MAX_DAYS_NEEDED:
        return f"{rate}, {SOUGHT_TEXT} would not show within a year"
    return f"{rate}, {SOUGHT_TEXT} would show after {weeks_text(row['days_sought'])}"


def trend_shown_text(row: dict[str, Any]) -> str:
    """Return which growth would show now, and when one of `SOUGHT` in 12 weeks, of a row of `account_trend`.

    >>> trend_shown_text({"detectable": 9.04, "weeks_sought": 22.3})
    '+9% per week or more would show now; ×1.5 in 12 weeks would show in a trend of about 23 weeks'
    """
    now = f"{percent_text(row['detectable'])} per week or more would show now"
    if row["weeks_sought"] * 7 > MAX_DAYS_NEEDED:
        return f"{now}; {SOUGHT_TEXT} in {TREND_WEEKS} weeks would not show within a year"
    if (1 + row["detectable"] / 100) ** TREND_WEEKS <= 1 + SOUGHT / 100:
        return now
    return f"{now}; {SOUGHT_TEXT} in {TREND_WEEKS} weeks would show in a trend of {weeks_text(7 * row['weeks_sought'])}"


def weeks_text(days: float) -> str:
    """Return a number of days in words, in whole weeks.

    >>> weeks_text(3), weeks_text(44)
    ('about 1 week', 'about 7 weeks')
    """
    weeks = math.ceil(days / 7)
    return f"about {weeks:,} week{'' if weeks == 1 else 's'}"


def interval_text(low: float | None, high: float | None) -> str:
    """Return a 95% interval (percent) in words; it is open where a bound is None.

    >>> interval_text(-31.0, 22.4), interval_text(-31.0, None)
    ('95% interval −31% to +22%', '95% interval −31% or more')
    """
    if low is None and high is None:
        return "95% interval without bounds"
    if high is None:
        return f"95% interval {percent_text(low)} or more"
    if low is None:
        return f"95% interval {percent_text(high)} or less"
    return f"95% interval {percent_text(low)} to {percent_text(high)}"
