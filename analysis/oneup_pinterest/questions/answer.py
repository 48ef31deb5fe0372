"""What the notebooks and the report say: each function answers one question about one account.

An answer puts a statistic, its chart and its table together with a sentence that has the numbers in it. Where the
data cannot carry one, the sentence says so and why.
"""

from typing import NamedTuple

import polars as pl

from oneup_pinterest.questions.chart_style import Chart

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
    """An answer that there is none yet; `why` goes on after a colon."""
    return Answer(question, f"{NOT_ENOUGH}: {why}")
