"""Say in plain words how an account did: what changed, which pins made it, and what was published."""

from typing import Any

import polars as pl

from oneup_pinterest.formatting import format_count, format_day
from oneup_pinterest.history.account_history import AccountHistory
from oneup_pinterest.questions.answer import Answer, not_enough_data
from oneup_pinterest.questions.chart_style import WIDTH, percent_text
from oneup_pinterest.questions.summary.statistic import FOLLOWERS, GAINS, ONEUP, POSTS, period_figures
from oneup_pinterest.questions.why.parts import few_pins
from oneup_pinterest.questions.why.statistic import largest_parts

LEADING = ("saves", "clicks", "repins", "impressions")  # the first of these that is known is the headline
NUMBERS = ("no", "one", "two", "three", "four", "five")
TOTALS_NOTE = (
    "OneUp's totals and the gains of pins differ: the totals are of another number of days, include the two "
    "provisional days, and may count pins that are no longer listed."
)


def summary_answer(history: AccountHistory, *, width: int | str = WIDTH) -> Answer:  # as every answer
    """Answer how the account did in its newest period. The table has counts; `period_figures` has the method.

    >>> from oneup_pinterest.database.schema import TABLES
    >>> summary_answer(AccountHistory("pin_a", pl.DataFrame(schema=TABLES["pins"].schema))).sentence
    'Not enough data yet: neither totals nor pins have been synced.'
    """
    question = "How did the account do?"
    figures = period_figures(history)
    if figures.is_empty():
        return not_enough_data(question, "neither totals nor pins have been synced.")
    first = figures.row(0, named=True)
    notes = [f"{format_day(first['start'])} to {format_day(first['end'])}, beside as many days before."]
    if figures["source"].is_in([GAINS]).any():
        notes.append(TOTALS_NOTE)
    table = figures.select(
        pl.col("key").replace({POSTS: "pins published"}).str.to_titlecase().alias("Figure"),
        pl.col("value").round(0).alias("Now"),
        pl.col("before").round(0).alias("Before"),
        pl.col("difference").round(0).alias("Difference"),
        pl.col("change").round(1).alias("Change (%)"),
        pl.col("verdict").fill_null("counted").alias("Verdict"),
        pl.col("usual_low").round(0).alias("Usual from (%)"),
        pl.col("usual_high").round(0).alias("to (%)"),
        pl.col("source").alias("Source"),
    )
    return Answer(question, summary_sentence(history), None, table, tuple(notes))


def summary_sentence(history: AccountHistory) -> str:
    """Return what happened in the newest period, in one to three sentences.

    >>> from oneup_pinterest.database.schema import TABLES
    >>> summary_sentence(AccountHistory("pin_a", pl.DataFrame(schema=TABLES["pins"].schema)))
    'Nothing has been synced for this account yet.'
    """
    figures = {row["key"]: row for row in period_figures(history).iter_rows(named=True)}
    leading = next((figures[key] for key in LEADING if key in figures and figures[key]["value"]), None)
    if leading is None:
        leading = next((figures[key] for key in LEADING if key in figures), None)
    sentences = [_moved(leading)] if leading else []
    if leading and leading["source"] == GAINS:
        sentences.append(_few(history, leading))
        sentences.append(_usual(leading))
    elif leading:
        sentences.append("These are OneUp's own totals: the gains of single pins cannot be compared yet.")
    if POSTS in figures:
        sentences.append(_published(figures[POSTS]))
    if not sentences and FOLLOWERS in figures:
        sentences.append(f"The account has {format_count(round(figures[FOLLOWERS]['value']), 'follower')}.")
    return " ".join(filter(None, sentences)) or "Nothing has been synced for this account yet."


def _moved(row: dict[str, Any]) -> str:
    name, now, before = row["key"].capitalize(), round(row["value"]), row["before"]
    if before is None:
        return f"{name}: {now:,}; the period before is not known."
    if now == round(before):
        return f"{name} stayed at {now:,}."
    verb = "rose" if now > before else "fell"
    size = f" {percent_text(abs(row['change'])).lstrip('+')}" if row["change"] is not None else ""
    when = ""
    if row["source"] == ONEUP and row["start"] and row["end"]:
        days = (row["end"] - row["start"]).days + 1
        when = f" in the {days} days from {format_day(row['start'])} to {format_day(row['end'])}"
    return f"{name} {verb}{size} to {now:,}{when}, from {round(before):,}."


def _few(history: AccountHistory, row: dict[str, Any]) -> str:
    """Return a sentence on the few pins that made most of the change; empty where there are none."""
    days = (row["end"] - row["start"]).days + 1
    few = few_pins(largest_parts(history, row["key"], days), row["before"], row["value"])
    if few is None:
        return ""
    whole = abs(round(row["value"]) - round(row["before"]))
    count = few.pins.height
    who, them = f"{NUMBERS[count].capitalize()} pin{'' if count == 1 else 's'}", "it" if count == 1 else "them"
    part = f"{abs(round(few.difference)):,}"
    rest = f"without {them} {row['key']} would be {_compared(few.without)}"
    if few.difference > 0:
        amount = (
            f"{part} of the {whole:,} extra {row['key']}"
            if round(few.difference) <= whole
            else f"{part} more {row['key']}"
        )
        return f"{who} brought {amount}; {rest}."
    return f"{who} brought {part} fewer {row['key']} than before; {rest}."


def _compared(change: float | None) -> str:
    if change is None:
        return "new"
    text = percent_text(abs(change)).lstrip("+")
    return "unchanged" if text == "0%" else f"{'up' if change > 0 else 'down'} {text}"


def _usual(row: dict[str, Any]) -> str:
    if row["usual_low"] is None or row["change"] is None:
        return ""
    interval = f"{percent_text(row['usual_low'])} to {percent_text(row['usual_high'])}"
    is_usual = row["usual_low"] <= row["change"] <= row["usual_high"]
    return f"That is {'a usual' if is_usual else 'an unusual'} change for this account ({interval})."


def _published(row: dict[str, Any]) -> str:
    now, before = round(row["value"]), row["before"]
    published = f"{format_count(now, 'pin') if now else 'No pin'} {'was' if now < 2 else 'were'} published"  # one
    if before is None:
        return f"{published}."
    difference = now - round(before)
    if not difference:
        return f"{published}, as many as in the period before."
    return f"{published}, {abs(difference):,} {'more' if difference > 0 else 'fewer'} than in the period before."
