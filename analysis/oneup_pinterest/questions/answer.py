"""Define the answers of the notebooks and the report: each answers one question about one account.

An answer combines a statistic, its chart and its table with a sentence that has the numbers in it. Where the data are
not sufficient, the sentence says so and why.
"""

from typing import NamedTuple

import polars as pl

from oneup_pinterest.history.account_history import AccountHistory
from oneup_pinterest.history.counter_types import USABLE
from oneup_pinterest.history.first_week import MIN_PINS
from oneup_pinterest.questions.chart_style import Chart, percent_text

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
