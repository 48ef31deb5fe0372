"""Answer which days of an account stand out, and when the level of its daily gains shifted."""

import polars as pl

from oneup_pinterest.formatting import format_day, format_number, format_percent
from oneup_pinterest.history.account_history import AccountHistory
from oneup_pinterest.history.settled_days import settled_days
from oneup_pinterest.questions.anomalies import level_shifts as levels
from oneup_pinterest.questions.anomalies import statistic as anomalies
from oneup_pinterest.questions.anomalies.chart import anomalies_chart, levels_chart
from oneup_pinterest.questions.anomalies.level_shifts import gain_levels
from oneup_pinterest.questions.anomalies.statistic import daily_anomalies
from oneup_pinterest.questions.answer import Answer, no_gains, not_enough_data
from oneup_pinterest.questions.chart_style import WIDTH

WORDS = {"high": "▲ high", "low": "▼ low", "usual": "= usual", "not judged": "? not judged", "unknown": "? unknown"}
NAMED = 3  # days in the sentence; the table has the others
TABLE_ROWS = 30


def anomalies_answer(history: AccountHistory, metric: str = "saves", *, width: int | str = WIDTH) -> Answer:
    """Answer which days of one account stand out from its usual ones.

    The table has counts per day; `daily_anomalies` has the method.

    >>> from oneup_pinterest.database.schema import TABLES
    >>> anomalies_answer(AccountHistory("pin_a", pl.DataFrame(schema=TABLES["pins"].schema))).sentence
    'Not enough data yet: unusual days need 28 settled days that can be judged by themselves, and there are 0.'
    """
    question = f"Which days brought unusually many or few {metric}?"
    if why := no_gains(history, metric):
        return Answer(question, why)
    settled = settled_days(history, metric)
    sure = int(settled["is_sure"].sum())
    if sure < anomalies.MIN_DAYS:
        return not_enough_data(
            question,
            f"unusual days need {anomalies.MIN_DAYS} settled days that can be judged by themselves, and there are "
            f"{sure}.",
        )
    days = daily_anomalies(history, metric)
    if days.is_empty():
        return not_enough_data(question, f"there are {sure} settled days, and none of them has brought any {metric}.")
    named = days.filter(pl.col("state").is_in(["high", "low"])).sort("day", descending=True)
    usual = f"of {sure} days"
    if named.is_empty():
        sentence = f"No day stands out: none {usual} brought more or fewer {metric} than the days around it explain."
    else:
        summary = "; ".join(
            f"{format_day(row['day'])} with {format_number(row['gain'])} {metric} "
            f"where {row['expected']:,.1f} are usual"
            for row in named.head(NAMED).iter_rows(named=True)
        )
        more = f"; and {named.height - NAMED} more" if named.height > NAMED else ""
        stand = "stands" if named.height == 1 else "stand"
        sentence = f"{named.height} {usual} {stand} out: {summary}{more}."
    unsure = days.height - sure
    notes = ["The gray band holds 99% of usual days: the days around each, and its day of the week, make it."]
    if unsure:
        notes.append(
            f"{unsure} days are not judged (rings): unknown, in or next to a gap, or too many counters fell on them."
        )
    others = days.filter(~pl.col("state").is_in(["high", "low"])).sort("day", descending=True)
    table = (
        pl.concat([named, others])
        .head(TABLE_ROWS)
        .select(  # days that stand out first, then the newest ones
            pl.col("day").alias("Day"),
            pl.col("gain").alias(metric.capitalize()),
            pl.col("expected").alias("Expected"),
            pl.col("low").alias("Usual from"),
            pl.col("high").alias("Usual to"),
            pl.col("ratio").alias("Times as many"),
            pl.col("q").alias("False-discovery rate"),
            pl.col("state").replace(WORDS).alias("Verdict"),
        )
    )
    return Answer(question, sentence, anomalies_chart(days, metric, width=width), table, tuple(notes))


def levels_answer(history: AccountHistory, metric: str = "saves", *, width: int | str = WIDTH) -> Answer:
    """Answer when the daily gains of one account moved to another level.

    The table has counts per day and percent; `gain_levels` has the method.

    >>> from oneup_pinterest.database.schema import TABLES
    >>> history = AccountHistory("pin_a", pl.DataFrame(schema=TABLES["pins"].schema))
    >>> levels_answer(history).sentence.startswith("Not enough data yet")
    True
    """
    question = f"Has the level of daily {metric} shifted, and when?"
    if why := no_gains(history, metric):
        return Answer(question, why)
    days = settled_days(history, metric)
    known = days["gain"].count()
    if known < levels.MIN_DAYS:
        return not_enough_data(
            question, f"level shifts need {levels.MIN_DAYS} settled days with a known gain, and there are {known}."
        )
    found = gain_levels(history, metric)
    if found.is_empty():
        return not_enough_data(question, f"there are {known} settled days, and none of them has brought any {metric}.")
    if found.height == 1:
        sentence = (
            f"No shift that chance, steady growth or slow swings do not explain: a usual day has brought "
            f"{found['level'][0]:,.1f} {metric} throughout the {known} days known."
        )
    else:
        summary = "; ".join(
            f"on {format_day(row['first_day'])} by {format_percent(row['change'])} (95% interval "
            f"{format_percent(row['change_low'])} to {format_percent(row['change_high'])}), "
            f"to {row['level']:,.1f} on a usual day"
            for row in found.filter(pl.col("change").is_not_null()).iter_rows(named=True)
        )
        times = "once" if found.height == 2 else f"{found.height - 1} times"
        sentence = f"Daily {metric} shifted {times} in {known} days: {summary}."
    table = found.select(
        pl.col("first_day").alias("From"),
        pl.col("last_day").alias("To"),
        pl.col("days").alias("Days known"),
        pl.col("level").alias(f"{metric.capitalize()} on a usual day"),
        pl.col("change").alias("Change (%)"),
        pl.col("change_low").alias("95% from (%)"),
        pl.col("change_high").alias("95% to (%)"),
    )
    notes = (
        f"A level lasts {levels.MIN_LEVEL_DAYS} days at least; its date is known to a few days. The days say when, "
        "never why: look for what was done then.",
    )
    return Answer(question, sentence, levels_chart(days, found, metric, width=width), table, notes)
