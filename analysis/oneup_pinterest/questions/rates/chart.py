"""Draw rates: the best and worst pins with their intervals, raw against shrunk rates, and the funnel plot."""

from typing import Any

import altair as alt
import numpy as np
import polars as pl

from oneup_pinterest.formatting import truncate
from oneup_pinterest.methods.shrinkage import chance_limits
from oneup_pinterest.questions.chart_style import (
    BLUE,
    COLORS,
    FAINT,
    INK,
    PER,
    WIDTH,
    Chart,
    axis_label,
    finished,
    inline,
)
from oneup_pinterest.questions.rates.statistic import P_IN, beyond_chance

SHOWN = 10
_POINTS = 1_500  # more would overlap, and make the page heavy


def rates_caterpillar(
    ranked: pl.DataFrame, metric: str, side: str = "best", limit: int = SHOWN, width: int | str = WIDTH
) -> Chart:
    """Draw the `limit` best (or worst) pins: dot and 95% interval of the shrunk rate, and the account's mean as a line.

    `ranked` has the rows of one account from `ranked_pins`. `side` is `best`, or `worst` with the worst pin first.
    """
    ordered = ranked.sort("rank", descending=side == "worst").head(limit)
    rows = [
        {
            "id": row["id"],
            "name": f"{row['rank']}. {axis_label(row['text'], 30) or row['id']}",  # the rank makes each its own row
            "rate": row["rate"] * PER,
            "low": row["rate_low"] * PER,
            "high": row["rate_high"] * PER,
            "raw": row["raw"] * PER,
            "impressions": row["impressions"],
            "chance": f"{row[P_IN[side]]:.0%}",
        }
        for row in ordered.iter_rows(named=True)
    ]
    axis = alt.Axis(labelLimit=140, labelFontSize=11, ticks=False)
    y = alt.Y("name:N", title=None, sort=None, axis=axis)
    x = alt.X("low:Q", title=_title(metric), scale=alt.Scale(zero=True), axis=alt.Axis(format=",.2~f", tickCount=5))
    tooltip = [
        alt.Tooltip("name:N", title="Pin"),
        alt.Tooltip("rate:Q", title="Shrunk rate", format=",.2f"),
        alt.Tooltip("raw:Q", title="Raw rate", format=",.2f"),
        alt.Tooltip("impressions:Q", title="Impressions", format=",d"),
        alt.Tooltip("chance:N", title=f"Chance to be among the {side}"),
    ]
    color = COLORS.get(metric, BLUE)
    base = alt.Chart().encode(y=y, tooltip=tooltip)
    layers: list[Any] = [
        base.mark_rule(color=color, strokeWidth=2.5).encode(x=x, x2=alt.X2("high:Q")),
        base.mark_point(color=color, filled=True, size=70, opacity=1).encode(x=alt.X("rate:Q")),
    ]
    if ranked.height:
        mean = [{"rate": float(ranked["prior_mean"][0]) * PER}]
        layers.append(alt.Chart(inline(mean)).mark_rule(color=INK, strokeDash=[3, 3]).encode(x=alt.X("rate:Q")))
    described = "; ".join(
        f"{row['name']} {row['rate']:.1f} ({row['low']:.1f} to {row['high']:.1f})" for row in rows[:3]
    )
    description = (
        f"{side.capitalize()} pins by {_title(metric).lower()}, shrunk, with 95% intervals: {described or 'none'}."
    )
    return finished(alt.layer(*layers, data=inline(rows)), description, width, 26 * max(len(rows), 1))


def shrinkage_chart(rates: pl.DataFrame, metric: str, width: int | str = WIDTH) -> Chart:
    """Draw raw rate against shrunk rate, one dot per pin.

    The fewer impressions a pin has (small dots), the closer it is to the account's mean. `rates` has the rows of one
    account from `pin_rates`. Of more than 1,500 pins, an even sample by impressions is drawn.
    """
    known = _sampled(rates)
    rows = known.select(
        pl.col("text").map_elements(lambda text: truncate(text, 40), return_dtype=pl.String, skip_nulls=True),
        "impressions",
        raw=pl.col("raw") * PER,
        rate=pl.col("rate") * PER,
    ).to_dicts()
    most = max((row["rate"] for row in rows), default=1.0) or 1.0
    far = max((row["raw"] for row in rows), default=1.0) or 1.0
    size = alt.Size("impressions:Q", legend=None, scale=alt.Scale(type="log", range=[10, 160]))
    dots = (
        alt.Chart()
        .mark_circle(color=COLORS.get(metric, BLUE), opacity=0.5)
        .encode(
            x=alt.X("raw:Q", title=f"Raw: {_title(metric).lower()}", axis=alt.Axis(format=",.2~f", tickCount=5)),
            y=alt.Y("rate:Q", title="Shrunk", axis=alt.Axis(format=",.2~f", tickCount=5)),
            size=size,
            tooltip=[
                alt.Tooltip("text:N", title="Pin"),
                alt.Tooltip("raw:Q", title="Raw rate", format=",.2f"),
                alt.Tooltip("rate:Q", title="Shrunk rate", format=",.2f"),
                alt.Tooltip("impressions:Q", title="Impressions", format=",d"),
            ],
        )
    )
    end = min(most, far)
    same = alt.Chart(inline([{"raw": 0, "rate": 0}, {"raw": end, "rate": end}]))
    line = same.mark_line(color=FAINT, strokeDash=[3, 3]).encode(x=alt.X("raw:Q"), y=alt.Y("rate:Q"))
    label = alt.Chart(inline([{"raw": end, "rate": end}])).mark_text(
        color=INK, align="right", dx=-7, fontSize=11, text="not shrunk"
    )
    chart = alt.layer(line, dots, label.encode(x=alt.X("raw:Q"), y=alt.Y("rate:Q")), data=inline(rows))
    mean = float(rates["prior_mean"].drop_nulls()[0]) * PER if rates["prior_mean"].drop_nulls().len() else 0.0
    description = f"Raw against shrunk rates of {len(rows):,} pins; the account's mean is {mean:.1f} {_unit(metric)}."
    return finished(chart, description, width, 240)


def funnel_chart(rates: pl.DataFrame, metric: str, width: int | str = WIDTH) -> Chart:
    """Draw raw rate against impressions, one dot per pin, with 95% limits: a funnel plot (Spiegelhalter 2005).

    If all pins had the account's mean rate, 95% of them would lie within the limits (`chance_limits`); if far more than
    5% lie outside, pins do differ. `rates` has the rows of one account from `pin_rates`.
    """
    known = _sampled(rates)
    rows = known.select(
        pl.col("text").map_elements(lambda text: truncate(text, 40), return_dtype=pl.String, skip_nulls=True),
        "impressions",
        raw=pl.col("raw") * PER,
    ).to_dicts()
    mean, outside = beyond_chance(rates)
    shown = known["impressions"]
    grid = np.geomspace(max(float(shown.min() or 1), 1), max(float(shown.max() or 10), 10), 40)  # type: ignore[arg-type]
    low_limit, high_limit = chance_limits(mean, grid)
    most = max((row["raw"] for row in rows), default=1.0) or 1.0
    limits = [
        {"impressions": float(at), "low": float(low) * PER, "high": min(float(high) * PER, most)}
        for at, low, high in zip(grid, low_limit, high_limit, strict=True)
    ]
    x = alt.X(
        "impressions:Q",
        title="Impressions (log scale)",
        scale=alt.Scale(type="log", nice=False),
        axis=alt.Axis(format="~s", tickCount=5, labelOverlap="greedy"),
    )
    title = _title(metric)
    y = alt.Y("raw:Q", title=title, axis=alt.Axis(format=",.2~f", tickCount=5))
    dots = (
        alt.Chart()
        .mark_circle(color=COLORS.get(metric, BLUE), opacity=0.5, size=35)
        .encode(
            x=x,
            y=y,
            tooltip=[
                alt.Tooltip("text:N", title="Pin"),
                alt.Tooltip("raw:Q", title="Raw rate", format=",.2f"),
                alt.Tooltip("impressions:Q", title="Impressions", format=",d"),
            ],
        )
    )
    lines = alt.Chart(inline(limits))
    low = lines.mark_line(color=INK, strokeWidth=1.5).encode(x=x, y=alt.Y("low:Q"))
    high = lines.mark_line(color=INK, strokeWidth=1.5).encode(x=x, y=alt.Y("high:Q"))
    chart = alt.layer(low, high, dots, data=inline(rows))
    description = (
        f"Raw rates of {rates['rate'].count():,} pins against their impressions; {outside} lie outside the limits of "
        f"chance around {mean * PER:.1f} {_unit(metric)}."
    )
    return finished(chart, description, width, 240)


def _sampled(rates: pl.DataFrame) -> pl.DataFrame:
    known = rates.drop_nulls("rate").sort("impressions", "id")
    return known.gather_every(max(1, -(-known.height // _POINTS))) if known.height else known


def _title(metric: str) -> str:
    return f"{metric.capitalize()} per {PER:,} impressions"


def _unit(metric: str) -> str:
    return f"{metric} per {PER:,} impressions"
