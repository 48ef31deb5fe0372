"""Draw formats: the ratio of the outcomes of two formats, adjusted and crude."""

import altair as alt
import polars as pl

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
    times_axis,
    times_scale,
)

MAX_PAIRS = 10  # of the 28 pairs of 8 formats, the most common first


def formats_chart(pairs: pl.DataFrame, metric: str, width: int | str = WIDTH) -> Chart:
    """Draw each pair of formats: the ratio within weeks with its 95% interval, and a diamond for the crude one.

    `pairs` has the rows of one account from `format_differences`. Pairs without a ratio are left out; at most 10 are
    drawn.

    >>> pairs = pl.DataFrame({"first": ["video"], "second": ["image"], "ratio": [1.9], "low": [1.2], "high": [3.0],
    ...     "crude_ratio": [3.1], "verdict": ["more"], "compared_first": [40], "compared_second": [120]})
    >>> formats_chart(pairs, "saves").to_dict()["description"]
    'Saves after 7 days of one format over another, in times: video / image 1.9 (1.2 to 3.0), crudely 3.1.'
    """
    rows = [
        {
            "pair": f"{axis_label(row['first'], 14)} / {axis_label(row['second'], 14)}",
            "ratio": round(row["ratio"], 3),
            "low": round(row["low"], 3),
            "high": round(row["high"], 3),
            "crude": round(row["crude_ratio"], 3),
            "said": row["verdict"],
            "pins": f"{row['compared_first']:,} and {row['compared_second']:,}",
        }
        for row in pairs.drop_nulls("ratio").head(MAX_PAIRS).iter_rows(named=True)
    ]
    scale = times_scale([value for row in rows for value in (row["low"], row["high"], row["crude"])])
    y = alt.Y("pair:N", title=None, sort=None, axis=alt.Axis(labelLimit=150, labelColor=INK, ticks=False))
    axis = times_axis(scale)
    x = alt.X("low:Q", title=f"Times the {metric} after 7 days (log scale)", scale=scale, axis=axis)
    tooltip = [
        alt.Tooltip("pair:N", title="Formats"),
        alt.Tooltip("ratio:Q", title="Among the same weeks (times)", format=".2f"),
        alt.Tooltip("low:Q", title="95% from", format=".2f"),
        alt.Tooltip("high:Q", title="95% to", format=".2f"),
        alt.Tooltip("crude:Q", title="Crude (times)", format=".2f"),
        alt.Tooltip("pins:N", title="Pins compared"),
        alt.Tooltip("said:N", title="Verdict"),
    ]
    color = COLORS.get(metric, BLUE)
    base = alt.Chart().encode(y=y, tooltip=tooltip)
    first = inline(rows[:1])
    layers = [
        alt.Chart(inline([{"low": 1}])).mark_rule(color=FAINT, strokeDash=[3, 3]).encode(x=x),
        base.mark_rule(color=color, strokeWidth=2.5).encode(x=x, x2=alt.X2("high:Q")),
        base.mark_point(color=INK, shape="diamond", size=70, opacity=1, strokeWidth=1.5).encode(x=alt.X("crude:Q")),
        base.mark_point(color=color, filled=True, size=80, opacity=1).encode(x=alt.X("ratio:Q")),
        # one label below the line and one above it, so that they stay apart where the two marks meet
        alt.Chart(first).mark_text(color=INK, dy=16, fontSize=11, text="same weeks").encode(x=alt.X("ratio:Q"), y=y),
        alt.Chart(first).mark_text(color=INK, dy=-15, fontSize=11, text="crude").encode(x=alt.X("crude:Q"), y=y),
    ]
    summary = "; ".join(
        f"{row['pair']} {row['ratio']:.1f} ({row['low']:.1f} to {row['high']:.1f}), crudely {row['crude']:.1f}"
        for row in rows[:3]
    )
    description = f"{metric.capitalize()} after 7 days of one format over another, in times: {summary or 'none'}."
    return finished(alt.layer(*layers, data=inline(rows)), description, width, 30 + 42 * max(len(rows), 1))
