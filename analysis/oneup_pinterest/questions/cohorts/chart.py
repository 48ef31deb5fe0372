"""Draw weeks of publication as a triangle of cohorts."""

import altair as alt
import polars as pl

from oneup_pinterest.formatting import PUBLISHED_IN_WEEK, WEEK_OF
from oneup_pinterest.questions.chart_style import (
    SEQUENTIAL,
    WIDTH,
    Chart,
    finished,
    inline,
    week_text,
    week_tooltip,
)

MIN_HEIGHT = 90
_MANY_COHORTS = 20  # more rows are hard to read
_DARK = 0.42  # of viridis: below it, white text has the better contrast (always at least 4.5 to 1)


def cohorts_chart(matrix: pl.DataFrame, metric: str, width: int | str = WIDTH) -> Chart:
    """Draw mean counts per pin by week of publication (rows) and age in weeks (columns); blank where unknown.

    `matrix` has the rows of one account from `cohort_matrix`; at most the last 20 weeks are drawn.

    >>> from datetime import date
    >>> matrix = pl.DataFrame({"cohort": [date(2026, 3, 2)] * 2, "week": [1, 2], "age": [7, 14], "pins": [4, 4],
    ...     "seen": [4, 0], "mean": [2.5, None], "median": [2.0, None], "reason": [None, "not yet that old"]})
    >>> cohorts_chart(matrix, "saves").to_dict()["description"]
    'Mean saves of a pin by week of publication and age: at 7 days 2.5 in the week of 2 Mar 2026.'
    """
    weeks = matrix.filter(pl.col("mean").is_not_null())["cohort"].unique().sort().tail(_MANY_COHORTS)
    known = matrix.filter(pl.col("mean").is_not_null() & pl.col("cohort").is_in(weeks.implode()))
    low, high = known["mean"].min(), known["mean"].max()
    low, high = (float(value) if isinstance(value, float) else 0.0 for value in (low, high))
    scaled = ((pl.col("mean") - low) / (high - low)) if high > low else pl.lit(1.0)
    known = known.sort("cohort", "week").with_columns(scaled=scaled)
    rows = known.select(
        "week",
        "age",
        "pins",
        "seen",
        pl.col("mean", "median").round(2),
        cohort=pl.col("cohort").cast(pl.String),
        label=pl.when(pl.lit(high < 10))
        .then(pl.col("mean").round(1).cast(pl.String))
        .otherwise(pl.col("mean").round(0).cast(pl.Int64).cast(pl.String)),
        is_dark=pl.col("scaled") < _DARK,
        shown=week_text("cohort"),
    ).to_dicts()
    cohorts = known["cohort"].cast(pl.String).unique().sort().to_list()
    ages = known["week"].unique().sort().to_list()
    y = alt.Y(
        "cohort:O",
        title=PUBLISHED_IN_WEEK,
        scale=alt.Scale(domain=cohorts, paddingInner=0.06),
        axis=alt.Axis(labelExpr="utcFormat(toDate(datum.value), '%-d %b')"),
    )
    x = alt.X(
        "week:O",
        title="Age of the pins (weeks)",
        scale=alt.Scale(domain=ages, paddingInner=0.06),
        axis=alt.Axis(orient="top", labelAngle=0),
    )
    cells = (
        alt.Chart()
        .mark_rect()
        .encode(
            x=x,
            y=y,
            color=alt.Color(
                "mean:Q",
                legend=None,
                scale=alt.Scale(
                    scheme={"name": SEQUENTIAL},
                    domain=[low, high] if high > low else [0, 1],
                ),
            ),
            tooltip=[
                week_tooltip(PUBLISHED_IN_WEEK),
                alt.Tooltip("age:Q", title="Age (days)"),
                alt.Tooltip("mean:Q", title=f"Mean {metric} of a pin", format=",.1~f"),
                alt.Tooltip("median:Q", title="Median", format=",.1~f"),
                alt.Tooltip("seen:Q", title="Pins seen at that age"),
                alt.Tooltip("pins:Q", title="Pins published"),
            ],
        )
    )
    layers = [cells]
    for is_dark, color in ((True, "white"), (False, "black")):
        part = [row for row in rows if row["is_dark"] == is_dark]
        text = alt.Chart(inline(part)).mark_text(color=color, fontSize=10)
        layers.append(text.encode(x=x, y=y, text=alt.Text("label:N")))
    chart = alt.layer(*layers, data=inline(rows))
    firsts = [row for row in rows if row["week"] == 1]
    summary = "; ".join(
        f"{row['mean']:,.1f} in the {WEEK_OF.lower()} {row['shown']}"
        for row in ([firsts[0], firsts[-1]] if len(firsts) > 1 else firsts)
    )
    ending = f": at 7 days {summary}" if summary else ""
    return finished(
        chart,
        f"Mean {metric} of a pin by week of publication and age{ending}.",
        width,
        max(MIN_HEIGHT, 22 * len(cohorts)),
    )
