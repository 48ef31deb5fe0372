"""List the questions at the end of the page, in groups: each is an answer that the reader opens.

To add a question, add a line to `GROUPS`.
"""

from collections.abc import Callable
from typing import NamedTuple

from oneup_pinterest.history.account_history import AccountHistory
from oneup_pinterest.questions.anomalies.answer import anomalies_answer
from oneup_pinterest.questions.answer import Answer
from oneup_pinterest.questions.change.answer import change_answer, new_pins_answer, trend_answer
from oneup_pinterest.questions.cohorts.answer import cohorts_answer
from oneup_pinterest.questions.concentration.answer import concentration_answer
from oneup_pinterest.questions.data_quality.answer import assumptions_answer
from oneup_pinterest.questions.followers.answer import followers_answer
from oneup_pinterest.questions.forecast.answer import forecast_answer
from oneup_pinterest.questions.formats.answer import format_answer
from oneup_pinterest.questions.growth.answer import evergreen_answer, growth_answer, half_life_answer
from oneup_pinterest.questions.movers.answer import movers_answer
from oneup_pinterest.questions.overview.answer import daily_gains_answer, totals_answer
from oneup_pinterest.questions.rates.answer import ranking_answer
from oneup_pinterest.questions.texts.answer import text_answer, words_answer
from oneup_pinterest.questions.timing.answer import hour_answer, weekday_answer

WIDTH = "container"  # a chart is as wide as the page
MAIN = "saves"  # the metric of questions that show one


class Group(NamedTuple):
    """A heading and the questions below it; `key` is part of the ids of their places in the page."""

    key: str
    title: str
    ask: tuple[Callable[[AccountHistory], Answer], ...]


def _asked(answer: Callable[..., Answer], *arguments: str, **options: object) -> Callable[[AccountHistory], Answer]:
    return lambda history: answer(history, *arguments, **options, width=WIDTH)


GROUPS = (
    Group(
        "change",
        "The account",
        (
            _asked(change_answer),
            _asked(new_pins_answer),
            _asked(trend_answer, MAIN),
            *(_asked(daily_gains_answer, metric) for metric in ("impressions", "saves", "repins", "clicks")),
            _asked(anomalies_answer, MAIN),
            _asked(followers_answer),
            _asked(forecast_answer, MAIN, models=()),
            _asked(totals_answer),
        ),
    ),
    Group(
        "growth",
        "The life of a pin",
        (
            *(_asked(answer, MAIN) for answer in (growth_answer, half_life_answer, evergreen_answer)),
            _asked(cohorts_answer, MAIN),
            _asked(concentration_answer, MAIN),
            _asked(movers_answer, MAIN),
            *(_asked(ranking_answer, MAIN, side) for side in ("best", "worst")),
        ),
    ),
    Group(
        "publishing",
        "Publishing",
        (
            _asked(format_answer, MAIN),
            _asked(weekday_answer, MAIN),
            _asked(hour_answer, MAIN),
            _asked(text_answer, MAIN),
            _asked(words_answer, MAIN),
        ),
    ),
    Group("data", "The data", (assumptions_answer,)),
)
