"""Answer which pins OneUp itself ranks first."""

import polars as pl

from oneup_pinterest.formatting import format_day, format_list, truncate
from oneup_pinterest.history.account_history import AccountHistory
from oneup_pinterest.questions.answer import Answer, not_enough_data
from oneup_pinterest.questions.chart_style import WIDTH
from oneup_pinterest.questions.oneup_lists.statistic import OneUpLists, oneup_lists
from oneup_pinterest.questions.pin_columns import pin_link, pin_name

# OneUp's documentation names the six lists, their length and the request they belong to, and nothing else
NOTE = (
    "OneUp makes these lists and does not document how it ranks pins. They are shown as sent, and need not agree with "
    "what pins gained, which is computed here from the counters of each pin."
)


def oneup_lists_answer(
    history: AccountHistory,
    *,
    width: int | str = WIDTH,  # every answer takes it
) -> Answer:
    """Answer which pins OneUp ranks first. The table has its six lists of at most three pins, as sent.

    >>> from oneup_pinterest.database.schema import TABLES
    >>> oneup_lists_answer(AccountHistory("pin_a", pl.DataFrame(schema=TABLES["pins"].schema))).sentence
    'Not enough data yet: no list of OneUp (post_performance) has been synced for this account.'
    """
    question = "Which pins does OneUp rank first?"
    lists = oneup_lists(history)
    if lists.entries.is_empty():
        return not_enough_data(question, "no list of OneUp (post_performance) has been synced for this account.")
    firsts = lists.entries.group_by("ranking", maintain_order=True).first()
    most = firsts.filter(pl.col("ranking").str.starts_with("most"))
    named = [
        f"{list_name(row['ranking']).lower()} “{truncate(row['text'], 60) or row['id'] or 'a pin without a text'}”"
        for row in (most if most.height else firsts).iter_rows(named=True)
    ]
    table = lists.entries.select(
        pl.col("ranking").map_elements(list_name, return_dtype=pl.String).alias("OneUp's list"),
        pl.col("position").alias("Position"),
        pin_name(60),
        pin_link(),
        pl.col("engagement_rate").alias("Engagement rate (%)"),
    )
    sentence = f"OneUp's first pins, {period_text(lists)}: {format_list(named)}."
    return Answer(question, sentence, None, table, (NOTE,), tuple(lists.entries["id"]))


def list_name(ranking: str) -> str:
    """Return the name of a list as a heading, in OneUp's words.

    >>> list_name("most_engaging")
    'Most engaging'
    """
    return truncate(ranking.replace("_", " "), 40).capitalize()


def period_text(lists: OneUpLists) -> str:
    """Return in words which days OneUp was asked for.

    >>> from datetime import date
    >>> period_text(OneUpLists(date(2026, 3, 1), date(2026, 3, 7), pl.DataFrame()))
    'for the period from 1 Mar 2026 to 7 Mar 2026'
    """
    start = f"from {format_day(lists.start)} " if lists.start else ""
    return f"for the period {start}to {format_day(lists.end)}"
