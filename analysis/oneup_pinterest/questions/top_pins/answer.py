"""Answer which pins brought most in the newest period."""

import polars as pl

from oneup_pinterest.formatting import format_day, truncate
from oneup_pinterest.history.account_history import AccountHistory
from oneup_pinterest.history.latest import with_pin_texts
from oneup_pinterest.questions.answer import Answer, not_enough_data
from oneup_pinterest.questions.chart_style import WIDTH
from oneup_pinterest.questions.pin_columns import pin_link, pin_name
from oneup_pinterest.questions.top_pins.statistic import SO_FAR, TopPins, top_pins

SHOWN = 30


def top_pins_answer(
    history: AccountHistory,
    metric: str = "saves",
    *,
    width: int | str = WIDTH,  # every answer takes it
) -> Answer:
    """Answer which pins brought most of a metric in the newest period.

    The table has counts and shares of the account; `top_pins` has the method.

    >>> from oneup_pinterest.database.schema import TABLES
    >>> top_pins_answer(AccountHistory("pin_a", pl.DataFrame(schema=TABLES["pins"].schema))).sentence
    'Not enough data yet: no pin with saves has been seen.'
    """
    question = f"Which pins brought most {metric}?"
    top = top_pins(history, metric)
    if top.pins.is_empty():
        return not_enough_data(question, f"no pin with {metric} has been seen.")
    published = history.latest_pins.select("id", "timestamp")
    pins = with_pin_texts(history, top.pins).join(published, on="id", how="left", maintain_order="left")
    first = pins.row(0, named=True)
    ten = float(pins["share"].head(10).sum())
    sentence = (
        f"“{truncate(first['text'], 60) or first['id']}” brought most: {first['value']:,.0f} {metric} "
        f"{basis_text(top)}, {first['share']:.0f}% of all. The first {min(10, pins.height)} of {pins.height:,} pins "
        f"together have {ten:.0f}%."
    )
    shown = pins.head(SHOWN)
    table = shown.select(
        pin_name(60),
        pin_link(),
        pl.col("timestamp").cast(pl.Date).alias("Published"),
        pl.col("value").round(0).alias(metric.capitalize()),
        pl.col("share").round(1).alias("Share of the account (%)"),
    )
    return Answer(question, sentence, None, table, ("These are counts; nothing is estimated.",), tuple(shown["id"]))


def basis_text(top: TopPins) -> str:
    """Return in words which days the values of `top_pins` are about.

    >>> basis_text(TopPins(SO_FAR, None, None, pl.DataFrame()))
    'since publication'
    """
    if top.basis == SO_FAR:
        return "since publication"
    return f"from {format_day(top.start)} to {format_day(top.end)}"
