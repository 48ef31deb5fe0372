"""Charts of publish weeks and of concentration: a triangle of cohorts, a Lorenz curve, the pins that hold most."""

import altair as alt
import polars as pl

from oneup_pinterest.formatting import truncate
from oneup_pinterest.questions.chart_style import (
    BLUE,
    COLOURS,
    FAINT,
    INK,
    SEQUENTIAL,
    WIDTH,
    Chart,
    axis_label,
    finished,
    inline,
)

LEAST_HEIGHT = 90
_MANY_COHORTS = 20  # a page more of them would not be read
_DARK = 0.42  # of viridis: below it white text has the better contrast, above it black; either has at least 4.5 to 1


def cohorts_chart(matrix: pl.DataFrame, metric: str, width: int | str = WIDTH) -> Chart:
    """Mean counts per pin by week of publication (rows) and age in weeks (columns); blank where it is not known.

    `matrix` is one account of `cohort_matrix`; of many weeks the last 20 are drawn.

    >>> from datetime import date
    >>> matrix = pl.DataFrame({"cohort": [date(2026, 3, 2)] * 2, "week": [1, 2], "age": [7, 14], "pins": [4, 4],
    ...     "seen": [4, 0], "mean": [2.5, None], "median": [2.0, None], "reason": [None, "not yet that old"]})
    >>> cohorts_chart(matrix, "saves").to_dict()["description"]
    'Mean saves of a pin by week of publication and age: at 7 days 2.5 in the week of 2 Mar.'
    """
    weeks = matrix.filter(pl.col("mean").is_not_null())["cohort"].unique().sort().tail(_MANY_COHORTS)
    known = matrix.filter(pl.col("mean").is_not_null() & pl.col("cohort").is_in(weeks.implode()))
    low, high = known["mean"].min(), known["mean"].max()
    low, high = (float(value) if isinstance(value, float) else 0.0 for value in (low, high))
    scaled = ((pl.col("mean") - low) / (high - low)) if high > low else pl.lit(1.0)
    known = known.sort("cohort", "week").with_columns(scaled=scaled)
    day = pl.col("cohort").dt.strftime("%d %b").str.strip_prefix("0")
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
        shown=pl.lit("week of ") + day,
    ).to_dicts()
    cohorts = known["cohort"].cast(pl.String).unique().sort().to_list()
    ages = known["week"].unique().sort().to_list()
    y = alt.Y(
        "cohort:O",
        title="Published in the week of",
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
                alt.Tooltip("shown:N", title="Published"),
                alt.Tooltip("age:Q", title="Age (days)"),
                alt.Tooltip("mean:Q", title=f"Mean {metric} of a pin", format=",.1~f"),
                alt.Tooltip("median:Q", title="Median", format=",.1~f"),
                alt.Tooltip("seen:Q", title="Pins seen at that age"),
                alt.Tooltip("pins:Q", title="Pins published"),
            ],
        )
    )
    layers = [cells]
    for is_dark, colour in ((True, "white"), (False, "black")):
        part = [row for row in rows if row["is_dark"] == is_dark]
        text = alt.Chart(inline(part)).mark_text(color=colour, fontSize=10)
        layers.append(text.encode(x=x, y=y, text="label:N"))
    chart = alt.layer(*layers, data=inline(rows))
    firsts = [row for row in rows if row["week"] == 1]
    told = "; ".join(
        f"{row['mean']:,.1f} in the {row['shown']}" for row in ([firsts[0], firsts[-1]] if len(firsts) > 1 else firsts)
    )
    ending = f": at 7 days {told}" if told else ""
    return finished(
        chart,
        f"Mean {metric} of a pin by week of publication and age{ending}.",
        width,
        max(LEAST_HEIGHT, 22 * len(cohorts)),
    )


def lorenz_chart(curve: pl.DataFrame, metric: str, top_share: float | None = None, width: int | str = WIDTH) -> Chart:
    """Percent of the counts that the pins with least have, beside the line on which all would have the same.

    `curve` is one account of `lorenz_curve`; `top_share` (0 to 1) of the best tenth is marked.

    >>> curve = pl.DataFrame({"pins_share": [0.0, 0.9, 1.0], "total_share": [0.0, 0.4, 1.0]})
    >>> lorenz_chart(curve, "saves", 0.6).to_dict()["description"]
    'Lorenz curve of saves over pins: the best tenth of the pins has 60%.'
    """
    rows = curve.sort("pins_share").select((pl.col("pins_share", "total_share") * 100).round(2)).to_dicts()
    axis = alt.Axis(values=[0, 25, 50, 75, 100], format="d")
    x = alt.X(
        "pins_share:Q", title="Percent of the pins, those with least first", axis=axis, scale=alt.Scale(domain=[0, 100])
    )
    y = alt.Y("total_share:Q", title=f"Percent of the {metric}", axis=axis, scale=alt.Scale(domain=[0, 100]))
    colour = COLOURS.get(metric, BLUE)
    equal = inline([{"pins_share": share, "total_share": share} for share in (0, 100)])
    named = inline([{"pins_share": 40, "total_share": 40, "label": "all pins alike"}])
    tooltip = [
        alt.Tooltip("pins_share:Q", title="Percent of pins, from the least", format=".0f"),
        alt.Tooltip("total_share:Q", title=f"Percent of {metric}", format=".1f"),
    ]
    layers = [
        alt.Chart(equal).mark_line(color=FAINT, strokeDash=[4, 4]).encode(x=x, y=y),
        alt.Chart(named).mark_text(color=FAINT, align="right", dx=-6, fontSize=11).encode(x=x, y=y, text="label:N"),
        alt.Chart().mark_area(color=colour, opacity=0.15).encode(x=x, y=y),
        alt.Chart().mark_line(color=colour, strokeWidth=2).encode(x=x, y=y, tooltip=tooltip),
    ]
    if top_share is not None:
        mark = {
            "pins_share": 90,
            "total_share": round(100 * (1 - top_share), 2),
            "label": f"the best tenth has {top_share:.0%}",
        }
        layers += [
            alt.Chart(inline([mark])).mark_point(color=INK, filled=True, size=60, opacity=1).encode(x=x, y=y),
            alt.Chart(inline([mark]))
            .mark_text(color=INK, align="right", dx=-8, dy=-4, baseline="bottom", fontSize=12)
            .encode(x=x, y=y, text="label:N"),
        ]
    told = f": the best tenth of the pins has {top_share:.0%}" if top_share is not None else ""
    chart = alt.layer(*layers, data=inline(rows))
    return finished(chart, f"Lorenz curve of {metric} over pins{told}.", width, 280)


def pareto_chart(ranked: pl.DataFrame, metric: str, width: int | str = WIDTH) -> Chart:
    """The pins that have most, as bars in percent of all pins' counts, with the sum so far in brackets.

    `ranked` is one account of `ranked_pins`.

    >>> ranked = pl.DataFrame({"rank": [1, 2], "text": ["Soup", None], "value": [6.0, 3.0], "share": [0.6, 0.3],
    ...     "cumulative_share": [0.6, 0.9]})
    >>> pareto_chart(ranked, "saves").to_dict()["description"]
    'The pins with most saves: the first has 60% of them, the first 2 together 90%.'
    """
    rows = [
        {
            "rank": row["rank"],
            "text": f"{row['rank']}. {axis_label(row['text'], 24) or 'no text'}",
            "whole": truncate(row["text"], 100),
            "value": round(row["value"], 1),
            "percent": round(100 * row["share"], 2),
            "label": f"{row['share']:.0%} ({row['cumulative_share']:.0%})",
            "together": round(100 * row["cumulative_share"], 2),
        }
        for row in ranked.sort("rank").iter_rows(named=True)
    ]
    longest = max((row["percent"] for row in rows), default=1.0)
    y = alt.Y(
        "text:N",
        title=None,
        sort=None,
        scale=alt.Scale(domain=[row["text"] for row in rows]),
        axis=alt.Axis(labelLimit=130, labelColor=INK),
    )
    x = alt.X(
        "percent:Q",
        title=f"Percent of all {metric} at that age (together)",
        scale=alt.Scale(domain=[0, longest * 1.6]),
        axis=alt.Axis(format="~f", tickCount=4),
    )
    bars = (
        alt.Chart()
        .mark_bar(color=COLOURS.get(metric, BLUE), opacity=0.75)
        .encode(
            x=x,
            y=y,
            tooltip=[
                alt.Tooltip("whole:N", title="Pin"),
                alt.Tooltip("value:Q", title=metric.capitalize(), format=",.1~f"),
                alt.Tooltip("percent:Q", title="Percent of all", format=".1f"),
                alt.Tooltip("together:Q", title="With those before", format=".1f"),
            ],
        )
    )
    text = alt.Chart().mark_text(color=INK, align="left", dx=4, fontSize=11).encode(x=x, y=y, text="label:N")
    chart = alt.layer(bars, text, data=inline(rows))
    last = ranked.sort("rank").tail(1).to_dicts()
    told = (
        f": the first has {rows[0]['percent']:.0f}% of them, the first {len(rows)} together "
        f"{last[0]['cumulative_share']:.0%}"
        if rows
        else ": none"
    )
    return finished(chart, f"The pins with most {metric}{told}.", width, max(LEAST_HEIGHT, 24 * len(rows)))
