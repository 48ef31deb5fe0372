"""Answer what the coming days will bring, and how good such forecasts were."""

from typing import Any

import polars as pl

from oneup_pinterest.formatting import format_day, format_week
from oneup_pinterest.history.account_history import AccountHistory
from oneup_pinterest.history.settled_days import settled_days
from oneup_pinterest.questions.answer import Answer, no_gains, not_enough_data
from oneup_pinterest.questions.chart_style import WIDTH
from oneup_pinterest.questions.forecast.chart import backtest_chart, forecast_chart
from oneup_pinterest.questions.forecast.statistic import (
    BASELINE,
    EXTRA,
    MEAN,
    MIN_DAYS,
    gain_forecasts,
    models_installed,
    usable_days,
)

MODEL_NAMES = {
    BASELINE: "the last week again (seasonal naive)",
    MEAN: "the mean of the last four same weekdays",
}


def forecast_answer(
    history: AccountHistory,
    metric: str = "saves",
    *,
    models: tuple[str, ...] | None = None,
    width: int | str = WIDTH,
) -> Answer:
    """Answer what the next 14 days will bring to one account.

    The table has counts; `gain_forecasts` has the method and says what `models` are. The report asks without models:
    they take seconds, and in simulation they are hardly better than the two baselines.

    >>> from oneup_pinterest.database.schema import TABLES
    >>> print(forecast_answer(AccountHistory("pin_a", pl.DataFrame(schema=TABLES["pins"].schema))).sentence)
    Not enough data yet: a forecast needs 56 settled days in a row with known gains, and there are 0.
    """
    question = f"How many {metric} will the next two weeks bring?"
    if refusal_ := _refused(question, history, metric):
        return refusal_
    forecasts = gain_forecasts(history, metric, models=models)
    chosen = forecasts.skill.filter("is_chosen").row(0, named=True)
    days = forecasts.days.filter(pl.col("model") == chosen["model"])
    weeks = forecasts.weeks.filter(pl.col("model") == chosen["model"])
    summary = "; ".join(
        f"{row['forecast']:,.0f} {metric} in the {format_week(row['first_day'])}{_interval(row)}"
        for row in weeks.iter_rows(named=True)
    )
    total = forecasts.totals.row(0, named=True)
    summary += f"; {total['forecast']:,.0f} in the 28 days to {format_day(total['last_day'])}{_interval(total)}"
    sentence = f"Expected: {summary}. Forecast by {_named(chosen['model'])}; {_worth(chosen)}."
    notes = [
        "An interval holds 80% of such weeks, or spans of 28 days, if the account goes on as it did; it knows of no "
        "campaign and no season that it has not seen.",
        "The 28 days are expected to bring what the last 28 brought; their interval needs 84 days.",
        "The first two days of it have begun: Pinterest may still restate them, so that they are forecast, too. "
        "A week is named by its first day, and the first week begins after the last settled day.",
    ]
    used = usable_days(history, metric)
    if imputed := int(used["is_imputed"].sum()):
        notes.append(f"{imputed} of the {used.height} days that it learned from are spread over gaps.")
    if not models_installed():
        notes.append(f"Only two baselines are known here; better models compete with them after: {EXTRA}")
    table = days.select(
        pl.col("day").alias("Day"),
        pl.col("forecast").alias(f"{metric.capitalize()} expected"),
        pl.col("low").alias("80% from"),
        pl.col("high").alias("80% to"),
    )
    past = settled_days(history, metric)
    return Answer(question, sentence, forecast_chart(past, days, metric, width=width), table, tuple(notes))


def backtest_answer(history: AccountHistory, metric: str = "saves", *, width: int | str = WIDTH) -> Answer:
    """Answer how good forecasts of one account were so far: each model against the baseline, in a backtest.

    >>> from oneup_pinterest.database.schema import TABLES
    >>> history = AccountHistory("pin_a", pl.DataFrame(schema=TABLES["pins"].schema))
    >>> backtest_answer(history).sentence.startswith("Not enough data yet")
    True
    """
    question = f"How good have forecasts of {metric} been?"
    if refusal_ := _refused(question, history, metric):
        return refusal_
    forecasts = gain_forecasts(history, metric)
    chosen = forecasts.skill.filter("is_chosen").row(0, named=True)
    if chosen["mae"] is None:
        return not_enough_data(
            question,
            "the gains of all days that a forecast could be compared with are spread over gaps between syncs, so the "
            "error of none is known. Sync once a day.",
        )
    held = "" if chosen["coverage"] is None else f" Its 80% intervals held {chosen['coverage']:.0%} of the days."
    sentence = (
        f"From {chosen['origins']} past days, {_named(chosen['model'])} forecast the 14 days after each "
        f"{chosen['mae']:,.1f} {metric} a day off on average: {_worth(chosen)}.{held}"
    )
    table = forecasts.skill.sort("relative_mae", "model").select(
        pl.col("model").alias("Forecast by"),
        pl.col("mae").alias(f"Mean error ({metric} a day)"),
        pl.col("relative_mae").alias("Error against the baseline's"),
        pl.col("mase").alias("MASE"),
        (pl.col("coverage") * 100).alias("Days within the 80% interval (%)"),
        pl.col("origins").alias("Days forecast from"),
        pl.when("is_chosen").then(pl.lit("✓ shown")).otherwise(pl.lit("")).alias("Chosen"),
    )
    notes = [
        "Each interval was made of earlier errors only. MASE compares with the error of repeating the last week in the "
        "days before the backtest: below 1 is better.",
    ]
    if chosen["model"] not in (BASELINE, MEAN):
        notes.append("The best of several models looks a little better in the backtest that chose it than it is.")
    return Answer(question, sentence, backtest_chart(forecasts.backtest, metric, width=width), table, tuple(notes))


def _refused(question: str, history: AccountHistory, metric: str) -> Answer | None:
    if why := no_gains(history, metric):
        return Answer(question, why)
    used = usable_days(history, metric)
    if used.height < MIN_DAYS:
        return not_enough_data(
            question,
            f"a forecast needs {MIN_DAYS} settled days in a row with known gains, and there are {used.height}.",
        )
    if not used["gain"].sum():
        return not_enough_data(
            question, f"there are {used.height} settled days, and none of them has brought any {metric}."
        )
    return None


def _interval(row: dict[str, Any]) -> str:
    return "" if row["low"] is None else f" (80% interval {row['low']:,.0f} to {row['high']:,.0f})"


def _named(model: str) -> str:
    return MODEL_NAMES.get(model, model)


def _worth(chosen: dict[str, float | str | None]) -> str:
    if chosen["mae"] is None:
        return "how far off it was in past days is unknown, as their gains are spread over gaps between syncs"
    relative = chosen["relative_mae"]
    if chosen["model"] == BASELINE:
        return "no model tried forecast the past days better than that"
    assert isinstance(relative, float)
    return f"{1 - relative:.0%} less off in past days than repeating the last week"
