"""What the notebooks and the report say: each function answers one question about one account.

An answer puts a statistic, its chart and its table together with a sentence that has the numbers in it. Where the
data cannot carry one, the sentence says so and why.
"""

from typing import NamedTuple

import polars as pl

from oneup_pinterest.history.account_history import AccountHistory
from oneup_pinterest.history.counter_types import USABLE
from oneup_pinterest.history.first_week import MIN_PINS
from oneup_pinterest.questions.chart_style import Chart, percent_text

NOT_ENOUGH = "Not enough data yet"


class Answer(NamedTuple):
    """One question, answered.

    - question: as a person would ask it, for a heading
    - sentence: the answer with its numbers; it begins with `Not enough data yet: ` and says why where there is none
    - chart: one view or layers of one (no facets: it must fit a phone), or None where there is nothing to draw
    - table: the numbers of the chart; its columns are headings for people, with units; or None
    - notes: sentences on how to read it: what was left out, assumed or estimated

    >>> not_enough_data("Did saves change?", "two whole weeks are needed, and there are 3 days.").sentence
    'Not enough data yet: two whole weeks are needed, and there are 3 days.'
    """

    question: str
    sentence: str
    chart: Chart | None = None
    table: pl.DataFrame | None = None
    notes: tuple[str, ...] = ()


def not_enough_data(question: str, why: str) -> Answer:
    """Return an answer that there is none yet; `why` goes on after a colon."""
    return Answer(question, f"{NOT_ENOUGH}: {why}")


def refusal(metric: str) -> str:
    """Return why nothing is said of what this metric gained, or of how it grows."""
    return (
        f"Gains of {metric} are not known: its counter falls too often to be one of a pin's whole life (it counts a "
        "window of days that moves on), so its differences are not what was gained."
    )


def no_curves(history: AccountHistory, metric: str) -> str | None:
    """Return why counters of this account's metric cannot be followed over a pin's life, if so."""
    counter_type = history.counter_type(metric)
    if counter_type not in (None, *USABLE):
        return refusal(metric)
    if counter_type not in (None, "lifetime"):
        return f"{NOT_ENOUGH}: the counter of {metric} was restated for most pins at once, so its curves would jump."
    return None


def no_gains(history: AccountHistory, metric: str) -> str | None:
    """Return why gains of this account's metric mean nothing, if so."""
    return None if history.counter_type(metric) in (None, *USABLE) else refusal(metric)


def too_few(outcomes: pl.DataFrame, what: str, metric: str) -> str | None:
    """Return why so few outcomes cannot carry an answer, if so; `what` (a plural) needs them."""
    if outcomes.height >= MIN_PINS:
        return None
    are = "is" if outcomes.height == 1 else "are"
    return f"{what} need at least {MIN_PINS} pins whose {metric} after 7 days are known; there {are} {outcomes.height}."


def interval_text(low: float | None, high: float | None) -> str:
    """Return a 95% interval in words, open where the data set no bound.

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
