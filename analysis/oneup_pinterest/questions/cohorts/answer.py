"""Answers on weeks of publication, and on how much a few pins hold."""

import numpy as np
import polars as pl

from oneup_pinterest.formatting import truncate
from oneup_pinterest.questions.answer import NOT_ENOUGH, Answer, not_enough_data
from oneup_pinterest.questions.chart_style import WIDTH
from oneup_pinterest.questions.cohorts.chart import cohorts_chart, lorenz_chart, pareto_chart
from oneup_pinterest.questions.cohorts.statistic import cohort_matrix, cohort_verdict
from oneup_pinterest.questions.concentration.statistic import AGE, concentration, lorenz_curve, ranked_pins
from oneup_pinterest.questions.growth.answer import no_curves

_EARLIER = 7  # days: the age to fall back on while pins are young
_PINS = 10  # shown by name
_TENTHS = (5, 10, 20, 30, 50)  # percent of the pins, those with most first
_COHORTS = 26  # rows of a table: half a year
_TABLE_WEEKS = (1, 2, 4, 8, 12)


def cohorts_answer(pins: pl.DataFrame, metric: str = "saves", *, width: int | str = WIDTH) -> Answer:
    """Whether pins published in later weeks do better or worse than earlier ones did at the same age.

    `pins` are those of one account, as `load_pins` returns them; so in all answers here.

    >>> from oneup_pinterest.database.schema import TABLES
    >>> cohorts_answer(pl.DataFrame(schema=TABLES["pins"].schema)).sentence
    'Not enough data yet: no pin has been seen.'
    """
    question = f"Do newer pins get more {metric} than older ones did at the same age?"
    if why := no_curves(pins, metric):
        return Answer(question, why)
    verdicts, matrix = cohort_verdict(pins, metric), cohort_matrix(pins, metric)
    if verdicts.is_empty():
        return not_enough_data(question, "no pin has been seen.")
    row = verdicts.row(0, named=True)
    has_cells = matrix["mean"].is_not_null().any()
    chart = cohorts_chart(matrix, metric, width) if has_cells else None
    table = _cohort_table(matrix, metric) if has_cells else None
    notes = (
        "Each row is a week of publication, each column an age: compare down a column. A blank cell is an age that "
        "the pins have not reached, or at which fewer than 80% of them were seen; it is not zero.",
        "Cells are means and follow the few best pins; the comparison is of ranks, and does not.",
    )
    if row["reason"] is not None:
        return Answer(question, f"{NOT_ENOUGH}: {row['reason']}.", chart, table, notes if has_cells else ())
    compared = f"{row['pins']:,} pins of {row['cohorts']} weeks, p = {max(row['p_differ'], 0.001):.2g}"
    medians = (
        f"a median of {row['last_median']:,.0f} {metric} in the last third of the weeks against "
        f"{row['first_median']:,.0f} in the first"
    )
    sentences = {
        "up": f"Later pins do better (▲): at an age of {row['age']} days {medians} ({compared}).",
        "down": f"Later pins do worse (▼): at an age of {row['age']} days {medians} ({compared}).",
        "differ": f"The weeks differ at an age of {row['age']} days ({compared}), without going up or down over time: "
        f"{medians}.",
        "cannot tell": f"Cannot tell: at an age of {row['age']} days the weeks differ no more than chance would have "
        f"it ({compared}); {medians}.",
    }
    return Answer(question, sentences[row["verdict"]], chart, table, notes)


def concentration_answer(pins: pl.DataFrame, metric: str = "saves", *, width: int | str = WIDTH) -> Answer:
    """How much of what pins have at 28 days (or 7, while pins are young) the best tenth of them holds."""
    question = f"Do a few pins hold most of the {metric}?"
    if why := no_curves(pins, metric):
        return Answer(question, why)
    row = _measured(pins, metric)
    if row is None:
        return not_enough_data(question, "no pin has been seen.")
    age = int(row["age"])
    if row["reason"] is not None:
        return not_enough_data(question, f"{row['reason']}.")
    curve = lorenz_curve(pins, metric, age)
    sentence = (
        f"The tenth of the pins with most {metric} has {row['top_share']:.0%} of them (95% interval "
        f"{row['top_low']:.0%} to {row['top_high']:.0%}; {row['pins']:,} pins at an age of {age} days with "
        f"{row['total']:,.0f} {metric}). The Gini coefficient is {row['gini']:.2f} ({row['gini_low']:.2f} to "
        f"{row['gini_high']:.2f}; 0 is all alike, 1 is one pin with all)."
    )
    notes = (
        f"Every pin is taken at an age of {age} days, so that old pins do not lead for being old.",
        f"{row['without']:,} of the pins have none. Where {metric} are few, chance is part of the unevenness.",
    )
    held = np.interp(
        [1 - percent / 100 for percent in _TENTHS], curve["pins_share"].to_numpy(), curve["total_share"].to_numpy()
    )
    table = pl.DataFrame(
        {"Pins with most (%)": _TENTHS, f"Share of the {metric} (%)": [100 * (1 - float(share)) for share in held]}
    )
    return Answer(question, sentence, lorenz_chart(curve, metric, row["top_share"], width), table, notes)


def pareto_answer(pins: pl.DataFrame, metric: str = "saves", *, width: int | str = WIDTH) -> Answer:
    """Which pins have most at 28 days (or 7, while pins are young), and what they hold of all."""
    question = f"Which pins hold most of the {metric}?"
    if why := no_curves(pins, metric):
        return Answer(question, why)
    row = _measured(pins, metric)
    if row is None:
        return not_enough_data(question, "no pin has been seen.")
    age = int(row["age"])
    ranked = ranked_pins(pins, metric, age, _PINS)
    if ranked.is_empty():
        return not_enough_data(question, f"no pin seen at an age of {age} days has {metric}.")
    first, last = ranked.row(0, named=True), ranked.row(-1, named=True)
    sentence = (
        f"“{truncate(first['text'], 60) or 'no text'}” has {first['share']:.0%} of all {metric} that "
        f"{row['pins']:,} pins have at an age of {age} days"
    )
    sentence += f"; the first {last['rank']} together have {last['cumulative_share']:.0%}." if last["rank"] > 1 else "."
    table = ranked.select(
        pl.col("rank").alias("Rank"),
        pl.col("text").map_elements(truncate, return_dtype=pl.String, skip_nulls=False).alias("Pin"),
        pl.col("value").alias(f"{metric.capitalize()} at {age} days"),
        (100 * pl.col("share")).alias("Share of all (%)"),
        (100 * pl.col("cumulative_share")).alias("Together (%)"),
    )
    notes = ("These are counts as they came: part of the lead of the first is luck, and need not repeat.",)
    return Answer(question, sentence, pareto_chart(ranked, metric, width), table, notes)


def _measured(pins: pl.DataFrame, metric: str) -> dict[str, float] | None:
    """The row of `concentration` at 28 days, or at 7 where that has more to say."""
    rows = [row for age in (AGE, _EARLIER) for row in concentration(pins, metric, age).iter_rows(named=True)]
    told = [row for row in rows if row["reason"] is None]
    return next(iter(told), max(rows, key=lambda row: row["pins"], default=None))


def _cohort_table(matrix: pl.DataFrame, metric: str) -> pl.DataFrame:
    latest = matrix.filter(pl.col("mean").is_not_null())["cohort"].unique().sort().tail(_COHORTS)
    rows = matrix.filter(pl.col("cohort").is_in(latest.implode()))
    means = [
        pl.col("mean").filter(pl.col("week") == week).first().alias(f"Mean {metric} at {7 * week} days")
        for week in _TABLE_WEEKS
    ]
    return (
        rows.group_by("cohort", maintain_order=True)
        .agg(pl.col("pins").first().alias("Pins"), *means)
        .rename({"cohort": "Published in the week of"})
    )
