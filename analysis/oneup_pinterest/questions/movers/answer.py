"""Answer which pins gained more or less than expected."""

import polars as pl

from oneup_pinterest.formatting import format_day, format_number, truncate
from oneup_pinterest.history.account_history import AccountHistory
from oneup_pinterest.methods.verdicts import NO_VERDICT
from oneup_pinterest.questions.answer import Answer, no_gains, not_enough_data
from oneup_pinterest.questions.chart_style import WIDTH
from oneup_pinterest.questions.movers.chart import WORDS, movers_chart
from oneup_pinterest.questions.movers.prediction import MIN_COUNT
from oneup_pinterest.questions.movers.statistic import (
    LAUNCH_DAYS,
    LEVEL_DAYS,
    MIN_LEVEL_DAYS,
    MIN_PINS,
    pin_movers,
)
from oneup_pinterest.questions.pin_columns import pin_link, pin_name

TABLE_ROWS = 20


def movers_answer(history: AccountHistory, metric: str = "saves", *, width: int | str = WIDTH) -> Answer:
    """Answer which pins gained more or less of `metric` last week than their level and age suggest.

    The table has counts; `pin_movers` has the method.

    >>> from oneup_pinterest.database.schema import TABLES
    >>> movers_answer(AccountHistory("pin_a", pl.DataFrame(schema=TABLES["pins"].schema))).sentence[:35]
    'Not enough data yet: movers need 10'
    """
    question = f"Which pins gained more or fewer {metric} than their age leads to expect?"
    if why := no_gains(history, metric):
        return Answer(question, why)
    movers = pin_movers(history, metric)
    if movers.height < MIN_PINS:
        return not_enough_data(
            question,
            f"movers need {MIN_PINS} pins that were seen in the whole of the last settled week and on at least "
            f"{MIN_LEVEL_DAYS} of the {LEVEL_DAYS} days before it, past their first {LAUNCH_DAYS} days; there are "
            f"{movers.height}.",
        )
    is_named = pl.col("verdict").is_in(["more", "less"])
    # after the named pins, those furthest from their expected gain among the pins with a verdict
    ranked = movers.sort(
        ~is_named,
        pl.col("verdict") == NO_VERDICT,
        "q",
        "p",
        pl.col("more").abs(),
        "id",
        descending=[False, False, False, False, True, False],
    )
    named = ranked.filter(is_named)
    tested = ranked.filter(pl.col("verdict") != NO_VERDICT)
    first, last = format_day(movers["first_day"][0]), format_day(movers["last_day"][0])
    few = movers.height - tested.height
    compared = f"{movers.height:,} pins with a level of their own"
    if tested.is_empty():
        return not_enough_data(
            question,
            f"each of {compared} gained, and was expected to gain, fewer than {MIN_COUNT} {metric} from {first} "
            f"to {last}.",
        )
    if named.is_empty():
        sentence = (
            f"No pin moved: of {compared}, none gained so many or so few {metric} from {first} to {last} that chance "
            "and age do not explain it."
        )
    else:
        best = named.row(0, named=True)
        word = "pin" if named.height == 1 else "pins"
        times = f", {best['ratio']:,.1f} times as many" if best["verdict"] == "more" else ""
        sentence = (
            f"{named.height} of {compared} moved from {first} to {last} (named {word} are expected to be wrong in at "
            f"most 5% of cases): “{truncate(best['text'], 60) or best['id']}” gained {format_number(best['gain'])} "
            f"{metric} where its level and age lead to expect {best['expected']:,.1f}{times}."
        )
    notes = [
        "Expected is what the pin gained a day in the two weeks before, times what age did to the account's pins "
        "since; a week in which all pins gain more makes no mover. A pin that was rising may go on to rise.",
        "How unusual a week must be is learned from the four weeks before it.",
    ]
    if few:
        notes.append(
            f"{few:,} of them gained, and were expected to gain, fewer than {MIN_COUNT} {metric}: too few to tell "
            "anything."
        )
    if tested["is_imputed"].any():
        notes.append("Some gains are spread over days without a sync.")
    shown = tested.head(TABLE_ROWS)
    return Answer(
        question,
        sentence,
        movers_chart(tested, metric, width=width),
        _table(shown, metric),
        tuple(notes),
        tuple(shown["id"]),
    )


def _table(movers: pl.DataFrame, metric: str) -> pl.DataFrame:
    name = metric.capitalize()
    return movers.select(
        pin_name(80),
        pin_link(),
        pl.col("age").alias("Age (days)"),
        pl.col("gain").alias(f"{name} in 7 days"),
        pl.col("expected").alias("Expected"),
        pl.format("{} to {}", pl.col("low").round(0).cast(pl.Int64), pl.col("high").round(0).cast(pl.Int64)).alias(
            "95% of such pins"
        ),
        pl.col("ratio").alias("Times as many"),
        pl.col("verdict").replace_strict(WORDS, return_dtype=pl.String).alias("Verdict"),
    )
