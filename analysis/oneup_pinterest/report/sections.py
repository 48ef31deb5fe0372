"""List the sections of the page, in the order of a reader's questions: each section is a row of answers.

To add a question, add a line to `SECTIONS`.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

from oneup_pinterest.history.account_history import AccountHistory
from oneup_pinterest.history.period_change import HEADLINE
from oneup_pinterest.questions.anomalies.answer import anomalies_answer
from oneup_pinterest.questions.answer import Answer
from oneup_pinterest.questions.change.answer import change_answer, new_pins_answer, trend_answer
from oneup_pinterest.questions.data_quality.answer import assumptions_answer
from oneup_pinterest.questions.followers.answer import followers_answer
from oneup_pinterest.questions.formats.answer import format_answer
from oneup_pinterest.questions.growth.answer import evergreen_answer, growth_answer, half_life_answer
from oneup_pinterest.questions.movers.answer import movers_answer
from oneup_pinterest.questions.overview.answer import PROVISIONAL_TOTALS, daily_gains_answer, preset_note
from oneup_pinterest.questions.overview.statistic import totals_with_verdicts
from oneup_pinterest.questions.rates.answer import ranking_answer
from oneup_pinterest.questions.timing.answer import hour_answer, weekday_answer
from oneup_pinterest.questions.why.answer import why_answer

WIDTH = "container"  # a chart is as wide as the page
MAIN = "saves"  # the metric of sections that show one


class Section(NamedTuple):
    """A heading and the answers below it; `key` is part of the ids of their places in the page."""

    key: str
    title: str
    ask: tuple[Callable[[AccountHistory], Answer], ...]


def _asked(answer: Callable[..., Answer], *arguments: str) -> Callable[[AccountHistory], Answer]:
    return lambda history: answer(history, *arguments, width=WIDTH)


SECTIONS = (
    Section(
        "change",
        "What changed, and whether it means anything",
        (
            _asked(change_answer),
            _asked(why_answer, MAIN),
            _asked(new_pins_answer),
            _asked(trend_answer, MAIN),
            _asked(anomalies_answer, MAIN),
            _asked(movers_answer, MAIN),
        ),
    ),
    Section(
        "gains",
        "Saves, repins and clicks, day by day",
        tuple(_asked(daily_gains_answer, metric) for metric in HEADLINE),
    ),
    Section(
        "growth",
        "How pins grow",
        tuple(_asked(answer, MAIN) for answer in (growth_answer, half_life_answer, evergreen_answer)),
    ),
    Section("ranking", "Best and worst pins", tuple(_asked(ranking_answer, MAIN, side) for side in ("best", "worst"))),
    Section("timing", "When to publish", (_asked(weekday_answer, MAIN), _asked(hour_answer, MAIN))),
    Section("formats", "Formats", (_asked(format_answer, MAIN),)),
    Section("followers", "Followers", (_asked(followers_answer),)),
    Section("assumptions", "What the data say about OneUp's figures", (assumptions_answer,)),
)


def headline(history: AccountHistory) -> dict[str, Any]:
    """Return `cards`, rows of `totals_with_verdicts`, and the `period` {days, start, end, notes} they are about."""
    totals = totals_with_verdicts(history)
    if totals.is_empty():
        return {"cards": [], "period": None}
    first = totals.row(0, named=True)
    days = (first["period_end"] - first["period_start"]).days + 1 if first["period_start"] else None
    cards = [{**row, "name": row["name"] or row["key"]} for row in totals.iter_rows(named=True)]
    notes = [preset_note(history.overview, first["preset"]), PROVISIONAL_TOTALS if first["is_provisional"] else None]
    period = {"days": days, "start": first["period_start"], "end": first["period_end"], "notes": notes}
    return {"cards": cards, "period": period}
