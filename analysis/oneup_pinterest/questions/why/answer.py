"""Answer why the gains of an account changed: an exact split into parts that add up."""

import polars as pl

from oneup_pinterest.formatting import format_day, truncate
from oneup_pinterest.history.account_history import AccountHistory
from oneup_pinterest.history.latest import with_pin_texts
from oneup_pinterest.history.period_change import DAYS
from oneup_pinterest.questions.answer import Answer, not_enough_data
from oneup_pinterest.questions.chart_style import WIDTH, percent_text, signed_count
from oneup_pinterest.questions.pin_columns import pin_link, pin_name
from oneup_pinterest.questions.why.chart import split_chart
from oneup_pinterest.questions.why.parts import few_pins, whole_parts
from oneup_pinterest.questions.why.statistic import gain_split, largest_parts, parts_by

PINS_SHOWN = 15


def why_answer(history: AccountHistory, metric: str = "saves", *, days: int = DAYS, width: int | str = WIDTH) -> Answer:
    """Answer why a metric's gains changed: pins published, what new pins bring, older pins, and the few that decide.

    The parts are counts and add up to the difference; `gain_split` has the formula. The table has the pins with the
    largest parts.

    >>> from oneup_pinterest.database.schema import TABLES
    >>> why_answer(AccountHistory("pin_a", pl.DataFrame(schema=TABLES["pins"].schema))).question
    'Why did saves change over the last 28 days?'
    """
    question = f"Why did {metric} change over the last {days} days?"
    split = gain_split(history, days, [metric])
    if split.is_empty() or split["reason"].item() is not None:
        return not_enough_data(question, f"{'no pin has been seen' if split.is_empty() else split['reason'].item()}.")
    row = split.row(0, named=True)
    parts = largest_parts(history, metric, days)
    if parts.is_empty():
        return Answer(question, f"No pin gained any {metric} in either period.")
    whole = whole_parts(row)
    published = "1 pin was" if row["pins_now"] == 1 else f"{row['pins_now']:,} pins were"
    number = (
        f"{published} published after {row['pins_before']:,} in the period before: "
        f"{signed_count(whole['from_number'])}. A new pin gained {row['mean_now']:,.1f} on average after "
        f"{row['mean_before']:,.1f}: "
        f"{signed_count(whole['from_mean'])}. Older pins: {signed_count(whole['from_older'])}."
    )
    sentence = (
        f"{metric.capitalize()} went from {whole['before']:,} to {whole['now']:,} "
        f"({signed_count(whole['now'] - whole['before'])}). {number}{_few_pins(parts, row['before'], row['now'])}"
    )
    notes = [
        f"{format_day(row['now_start'])} to {format_day(row['now_end'])}, against {format_day(row['before_start'])} to "
        f"{format_day(row['before_end'])}. A pin is new in the period in which it was published, and older later.",
        "These are counts, not estimates: the three parts add up to the difference, and chance is not judged.",
        *_group_notes(parts),
    ]
    shown = parts.head(PINS_SHOWN)
    table = _parts_table(with_pin_texts(history, shown), metric)
    return Answer(question, sentence, split_chart(row, metric, width), table, tuple(notes), tuple(shown["id"]))


def _few_pins(parts: pl.DataFrame, before: float, now: float) -> str:
    """Return a sentence on the few pins that made at least half of the difference; empty where there are none."""
    few = few_pins(parts, before, now)
    if few is None:
        return ""
    who, them = ("One pin", "it") if few.pins.height == 1 else (f"{few.pins.height} pins", "them")
    without = f"without {them} the change is {percent_text(few.without)}"
    return f" {who} alone brought {signed_count(few.difference)}; {without}."


def _group_notes(parts: pl.DataFrame) -> list[str]:
    notes = []
    for by, of in (("format", "Format"), ("month", "Month of publication")):
        groups = parts_by(parts, by).drop_nulls(by)
        if groups.height > 1:
            largest = [
                f"{truncate(str(name), 20)} {signed_count(value)}"
                for name, value in groups.head(3).select(by, "difference").iter_rows()
            ]
            notes.append(f"{of} with the largest parts: {', '.join(largest)}.")
    return notes


def _parts_table(parts: pl.DataFrame, metric: str) -> pl.DataFrame:
    return parts.select(
        pin_name(60),
        pin_link(),
        pl.col("published").dt.date().alias("Published"),
        pl.col("now").round(0).alias(f"{metric.capitalize()} now"),
        pl.col("before").round(0).alias("Before"),
        pl.col("difference").round(0).alias("Difference"),
        pl.col("share").round(1).alias("Share of the change (%)"),
    )
