"""Answer whether pins of later weeks do better."""

import polars as pl

from oneup_pinterest.formatting import PUBLISHED_IN_WEEK
from oneup_pinterest.history.account_history import AccountHistory
from oneup_pinterest.methods.verdicts import DOWN, UP, WITHIN_NORMAL_VARIATION
from oneup_pinterest.questions.answer import NOT_ENOUGH, Answer, no_curves, not_enough_data
from oneup_pinterest.questions.chart_style import WIDTH
from oneup_pinterest.questions.cohorts.chart import cohorts_chart
from oneup_pinterest.questions.cohorts.statistic import cohort_matrix, cohort_verdict

_COHORTS = 26  # rows of a table: half a year
_TABLE_WEEKS = (1, 2, 4, 8, 12)


def cohorts_answer(history: AccountHistory, metric: str = "saves", *, width: int | str = WIDTH) -> Answer:
    """Answer whether pins published in later weeks do better or worse than earlier ones did at the same age.

    The table has counts per pin; `cohort_verdict` has the method.

    >>> from oneup_pinterest.database.schema import TABLES
    >>> cohorts_answer(AccountHistory("pin_a", pl.DataFrame(schema=TABLES["pins"].schema))).sentence
    'Not enough data yet: no pin has been seen.'
    """
    question = f"Do newer pins get more {metric} than older ones did at the same age?"
    if why := no_curves(history, metric):
        return Answer(question, why)
    verdicts, matrix = cohort_verdict(history, metric), cohort_matrix(history, metric)
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
        UP: f"Later pins do better (▲): at an age of {row['age']} days {medians} ({compared}).",
        DOWN: f"Later pins do worse (▼): at an age of {row['age']} days {medians} ({compared}).",
        "differ": f"The weeks differ at an age of {row['age']} days ({compared}), without going up or down over time: "
        f"{medians}.",
        WITHIN_NORMAL_VARIATION: f"The weeks are within normal variation at an age of {row['age']} days: they differ "
        f"no more than chance would make them ({compared}); {medians}.",
    }
    return Answer(question, sentences[row["verdict"]], chart, table, notes)


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
        .rename({"cohort": PUBLISHED_IN_WEEK})
    )
