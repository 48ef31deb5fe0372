"""Draw concentration: a Lorenz curve, and the pins that hold most."""

import altair as alt
import polars as pl

from oneup_pinterest.formatting import truncate
from oneup_pinterest.questions.chart_style import (
    BLUE,
    COLORS,
    FAINT,
    INK,
    WIDTH,
    Chart,
    axis_label,
    finished,
    inline,
)

MIN_HEIGHT = 90


def lorenz_chart(curve: pl.DataFrame, metric: str, top_share: float | None = None, width: int | str = WIDTH) -> Chart:
    """Draw the Lorenz curve in percent, next to the diagonal on which all pins would have the same.

    `curve` has the rows of one account from `lorenz_curve`; `top_share` (0 to 1) of the best tenth is marked.

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
    color = COLORS.get(metric, BLUE)
    equal = inline([{"pins_share": share, "total_share": share} for share in (0, 100)])
    named = inline([{"pins_share": 40, "total_share": 40, "label": "all pins alike"}])
    tooltip = [
        alt.Tooltip("pins_share:Q", title="Percent of pins, from the least", format=".0f"),
        alt.Tooltip("total_share:Q", title=f"Percent of {metric}", format=".1f"),
    ]
    layers = [
        alt.Chart(equal).mark_line(color=FAINT, strokeDash=[4, 4]).encode(x=x, y=y),
        alt.Chart(named)
        .mark_text(color=FAINT, align="right", dx=-6, fontSize=11)
        .encode(x=x, y=y, text=alt.Text("label:N")),
        alt.Chart().mark_area(color=color, opacity=0.15).encode(x=x, y=y),
        alt.Chart().mark_line(color=color, strokeWidth=2).encode(x=x, y=y, tooltip=tooltip),
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
            .encode(x=x, y=y, text=alt.Text("label:N")),
        ]
    summary = f": the best tenth of the pins has {top_share:.0%}" if top_share is not None else ""
    chart = alt.layer(*layers, data=inline(rows))
    return finished(chart, f"Lorenz curve of {metric} over pins{summary}.", width, 280)


def pareto_chart(ranked: pl.DataFrame, metric: str, width: int | str = WIDTH) -> Chart:
    """Draw the pins with the most counts as bars in percent of all counts, with the running sum in brackets.

    `ranked` has the rows of one account from `largest_pins`.

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
        .mark_bar(color=COLORS.get(metric, BLUE), opacity=0.75)
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
    text = alt.Chart().mark_text(color=INK, align="left", dx=4, fontSize=11).encode(x=x, y=y, text=alt.Text("label:N"))
    chart = alt.layer(bars, text, data=inline(rows))
    last = ranked.sort("rank").tail(1).to_dicts()
    summary = (
        f": the first has {rows[0]['percent']:.0f}% of them, the first {len(rows)} together "
        f"{last[0]['cumulative_share']:.0%}"
        if rows
        else ": none"
    )
    return finished(chart, f"The pins with most {metric}{summary}.", width, max(MIN_HEIGHT, 24 * len(rows)))
