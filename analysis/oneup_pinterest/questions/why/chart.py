"""Chart of the parts of a change, which add up to it."""

from typing import Any

import altair as alt

from oneup_pinterest.questions.chart_style import BLUE, COLORS, INK, WIDTH, Chart, finished, inline, signed_count
from oneup_pinterest.questions.why.parts import whole_parts


def split_chart(split: dict[str, Any], metric: str, width: int | str = WIDTH) -> Chart:
    """Draw the parts of a row of `gain_split` as bars to the left and right of no change (count)."""
    whole = whole_parts(split)
    whole["difference"] = whole["now"] - whole["before"]
    rows = [
        {"part": part, "count": round(split[name], 1), "label": signed_count(whole[name])}
        for part, name in (
            ("Pins published", "from_number"),
            ("Per new pin", "from_mean"),
            ("Older pins", "from_older"),
            ("Together", "difference"),
        )
    ]
    y = alt.Y("part:N", title=None, sort=None, axis=alt.Axis(labelFontSize=12, ticks=False))
    signed = "datum.value ? format(datum.value, '+,~f') : '0'"
    x = alt.X("count:Q", title=f"Difference in {metric}", axis=alt.Axis(labelExpr=signed, tickCount=5))
    color = alt.condition(alt.datum.part == "Together", alt.value(INK), alt.value(COLORS.get(metric, BLUE)))
    tooltip = [alt.Tooltip("part:N", title="Part"), alt.Tooltip("label:N", title="Difference")]
    bars = alt.Chart().mark_bar(height=16).encode(x=x, y=y, color=color, tooltip=tooltip)
    text = (
        alt.Chart()
        .mark_text(color=INK, align="left", dx=4, fontSize=11)
        .encode(x=alt.X("end:Q"), y=y, text=alt.Text("label:N"))
    )
    for row in rows:
        row["end"] = max(float(row["count"]), 0.0)
    described = ", ".join(f"{row['part'].lower()} {row['label']}" for row in rows)
    return finished(alt.layer(bars, text, data=inline(rows)), f"Why {metric} changed: {described}.", width, 130)
