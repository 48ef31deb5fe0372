"""Draw growth: curves by the age of pins with their spread, when half is reached, and gains by age of pins."""

from typing import Any

import altair as alt
import polars as pl

from oneup_pinterest.questions.chart_style import (
    BLUE,
    COLORS,
    FAINT,
    INK,
    SEQUENTIAL,
    WIDTH,
    Chart,
    finished,
    inline,
    week_axis,
    week_text,
    week_tooltip,
)

_LABEL_GAP = 0.09  # of the height, between the middles of two labels


def growth_chart(curves: pl.DataFrame, metric: str, measure: str = "count", width: int | str = WIDTH) -> Chart:
    """Draw the median pin at each age, with the spread of the pins around it: half of them dark, eight in ten pale.

    `curves` has the rows of one account from `growth_curves`; `measure` is `count` or `share` (drawn in percent).

    >>> curves = pl.DataFrame(schema={"measure": pl.String, "age": pl.Int64, "pins": pl.Int64, "horizon": pl.Int64,
    ...     **dict.fromkeys(("median", "low", "high", "p10", "p25", "p75", "p90"), pl.Float64)})
    >>> growth_chart(curves, "saves").to_dict()["description"]
    'Saves by the age of pins: no curve.'
    """
    known = curves.filter(pl.col("measure") == measure).sort("age")
    times = 100.0 if measure == "share" else 1.0
    figures = ["median", "low", "high", "p10", "p25", "p75", "p90"]
    rows = known.select("age", "pins", (pl.col(figures) * times).round(2)).to_dicts()
    horizon = rows[-1]["age"] if rows else 1
    unit = "%" if measure == "share" else ""
    title = f"Percent of the {metric} at {horizon} days" if measure == "share" else f"{metric.capitalize()} of a pin"
    x = alt.X(
        "age:Q",
        title="Age of the pin (days)",
        scale=alt.Scale(domain=[0, horizon], nice=False),
        axis=alt.Axis(format="d", tickMinStep=1, tickCount=6),
    )
    color = COLORS.get(metric, BLUE)
    tooltip = [
        alt.Tooltip("age:Q", title="Age (days)"),
        alt.Tooltip("median:Q", title="Median", format=",.1~f"),
        alt.Tooltip("low:Q", title="Median, 95% from", format=",.1~f"),
        alt.Tooltip("high:Q", title="Median, 95% to", format=",.1~f"),
        alt.Tooltip("p25:Q", title="Lower quarter below", format=",.1~f"),
        alt.Tooltip("p75:Q", title="Upper quarter above", format=",.1~f"),
        alt.Tooltip("pins:Q", title="Pins"),
    ]
    layers: list[Any] = []
    for low, high, opacity in (("p10", "p90", 0.15), ("p25", "p75", 0.3)):
        y = alt.Y(f"{low}:Q", title=title, axis=alt.Axis(format=",~f", tickCount=5))
        band = alt.Chart().mark_area(color=color, opacity=opacity).encode(x=x, y=y, y2=alt.Y2(f"{high}:Q"))
        if rows and rows[0][low] is not None:
            layers.append(band)
    line = alt.Chart().mark_line(color=color, strokeWidth=2, point=alt.OverlayMarkDef(color=color, size=14))
    layers.append(line.encode(x=x, y=alt.Y("median:Q", title=title), tooltip=tooltip))
    if rows and measure == "count":
        layers.append(_end_labels(rows[-1], x, color))
    elif rows:  # all lines end at 100 percent, so the label stands where they are apart
        layers.append(_middle_label(rows, x))
    chart = alt.layer(*layers, data=inline(rows))
    described = (
        "; ".join(f"{row['median']:,.0f}{unit} at {row['age']} days" for row in rows if row["age"] in (1, 7, horizon))
        or "no curve"
    )
    return finished(
        chart, f"{metric.capitalize()} by the age of pins: {'median ' if rows else ''}{described}.", width, 240
    )


def half_life_chart(curve: pl.DataFrame, metric: str, width: int | str = WIDTH) -> Chart:
    """Draw the percentage of pins that do not have half of their count yet, by age, with its 95% band.

    `curve` has the rows of one account and horizon from `half_life_curve`.

    >>> curve = pl.DataFrame({"horizon": 7, "age": [0.0, 2.0, 3.0], "share": [1.0, 0.5, 0.0],
    ...     "low": [1.0, 0.2, 0.0], "high": [1.0, 0.8, 0.0], "at_risk": [2, 2, 1]})
    >>> half_life_chart(curve, "saves").to_dict()["description"]
    'Percent of pins that do not have half of their saves at 7 days yet, by age: half of the pins by 2.0 days.'
    """
    known = curve.sort("age")
    rows = known.select("age", "at_risk", (pl.col("share", "low", "high") * 100).round(1)).to_dicts()
    horizon = int(known["horizon"][0]) if rows else 1
    half = next((row["age"] for row in rows if row["share"] <= 50), None)
    x = alt.X(
        "age:Q",
        title="Age of the pin (days)",
        scale=alt.Scale(domain=[0, horizon], nice=False),
        axis=alt.Axis(format="d", tickMinStep=1, tickCount=6),
    )
    y = alt.Y(
        "share:Q",
        title="Percent of pins not at half yet",
        scale=alt.Scale(domain=[0, 100]),
        axis=alt.Axis(values=[0, 25, 50, 75, 100]),
    )
    color = COLORS.get(metric, BLUE)
    tooltip = [
        alt.Tooltip("age:Q", title="Age (days)", format=".1f"),
        alt.Tooltip("share:Q", title="Percent not at half yet", format=".0f"),
        alt.Tooltip("low:Q", title="95% from", format=".0f"),
        alt.Tooltip("high:Q", title="95% to", format=".0f"),
        alt.Tooltip("at_risk:Q", title="Pins not at half before"),
    ]
    band = alt.Chart().mark_area(color=color, opacity=0.2, interpolate="step-after")
    line = alt.Chart().mark_line(color=color, strokeWidth=2, interpolate="step-after")
    layers = [
        band.encode(x=x, y=alt.Y("low:Q", title="Percent of pins not at half yet"), y2=alt.Y2("high:Q")),
        line.encode(x=x, y=y, tooltip=tooltip),
    ]
    if half is not None:
        mark = inline([{"age": half, "share": 50.0, "label": f"half of the pins: {half:.1f} days"}])
        layers += [
            alt.Chart(mark).mark_point(color=INK, filled=True, size=60, opacity=1).encode(x=x, y=y),
            alt.Chart(mark)
            .mark_text(color=INK, align="left", baseline="bottom", dx=8, dy=-6, fontSize=12)
            .encode(x=x, y=y, text=alt.Text("label:N")),
        ]
    chart = alt.layer(*layers, data=inline(rows))
    summary = f": half of the pins by {half:.1f} days" if half is not None else ""
    return finished(
        chart,
        f"Percent of pins that do not have half of their {metric} at {horizon} days yet, by age{summary}.",
        width,
        220,
    )


def age_bands_chart(weekly: pl.DataFrame, metric: str, width: int | str = WIDTH) -> Chart:
    """Draw the gain (count) of each whole week, stacked by the age of the pins on the day, young pins at the bottom.

    `weekly` has the rows of one account from `weekly_gains_by_age`.

    >>> from datetime import date
    >>> weekly = pl.DataFrame({"week": [date(2026, 3, 2)] * 2, "band": ["1 to 7", "8 to 30"], "from_age": [1, 8],
    ...     "gain": [30.0, 10.0], "share": [0.75, 0.25]})
    >>> age_bands_chart(weekly, "saves").to_dict()["description"]
    'Saves gained a week by the age of pins; in the last week 75% from pins of 1 to 7 days, 25% from 8 to 30.'
    """
    stacked = (
        weekly.sort("week", "from_age")
        .with_columns(top=pl.col("gain").cum_sum().over("week"))
        .with_columns(bottom=pl.col("top") - pl.col("gain"))
    )
    rows = stacked.select(
        pl.col("week").cast(pl.String),
        "band",
        pl.col("gain", "top", "bottom").round(1),
        percent=(pl.col("share") * 100).round(1),
        shown=week_text("week"),
    ).to_dicts()
    weeks = stacked["week"].cast(pl.String).unique().sort().to_list()
    bands = stacked.select("band", "from_age").unique().sort("from_age")["band"].to_list()
    scale = alt.Scale(domain=bands, scheme={"name": SEQUENTIAL}, reverse=True)
    color = alt.Color(
        "band:O",
        scale=scale,
        legend=alt.Legend(
            title="Age of the pin on the day (days)",
            orient="top",
            direction="horizontal",
            columns=3,
            labelColor=FAINT,
            titleColor=FAINT,
            titleLimit=300,
            titleFontWeight="normal",
            symbolType="square",
        ),
    )
    bars = (
        alt.Chart(inline(rows))
        .mark_bar(stroke="white", strokeWidth=0.5)
        .encode(
            x=week_axis(weeks),
            y=alt.Y("bottom:Q", title=f"{metric.capitalize()} a week", axis=alt.Axis(format=",~f", tickCount=5)),
            y2=alt.Y2("top:Q"),
            color=color,
            tooltip=[
                week_tooltip(),
                alt.Tooltip("band:N", title="Age (days)"),
                alt.Tooltip("gain:Q", title=f"{metric.capitalize()} gained", format=",.1~f"),
                alt.Tooltip("percent:Q", title="Percent of the week", format=".0f"),
            ],
        )
    )
    last = [row for row in rows if row["week"] == weeks[-1] and row["percent"]] if weeks else []
    summary = ", ".join(
        f"{row['percent']:.0f}% from {'pins of ' if place == 0 else ''}{row['band']}{' days' if place == 0 else ''}"
        for place, row in enumerate(last)
    )
    ending = f"; in the last week {summary}" if summary else ""
    return finished(bars, f"{metric.capitalize()} gained a week by the age of pins{ending}.", width, 220)


def _end_labels(row: dict[str, Any], x: alt.X, color: str) -> Any:
    """Return labels at the right end of the lines, moved apart if they would touch."""
    names = (("p25", "lower quarter"), ("median", "median"), ("p75", "upper quarter"), ("p90", "best tenth"))
    top = max((row[key] for key, _ in names if row[key] is not None), default=0) or 1
    labels: list[dict[str, Any]] = []
    for key, name in names:
        if row[key] is None:
            continue
        least = labels[-1]["at"] + _LABEL_GAP * top if labels else 0.0
        labels.append({"age": row["age"], "at": max(row[key], least), "label": f"{name} {row[key]:,.0f}"})
    text = alt.Chart(inline(labels)).mark_text(color=INK, align="right", baseline="bottom", dx=-2, dy=-2, fontSize=11)
    return text.encode(x=x, y=alt.Y("at:Q"), text=alt.Text("label:N"))


def _middle_label(rows: list[dict[str, Any]], x: alt.X) -> Any:
    row = rows[min(len(rows) - 1, round(len(rows) / 4))]
    label = [{"age": row["age"], "at": row["median"], "label": f"median: {row['median']:.0f}% at {row['age']} days"}]
    text = alt.Chart(inline(label)).mark_text(color=INK, align="left", baseline="top", dx=6, dy=6, fontSize=11)
    return text.encode(x=x, y=alt.Y("at:Q"), text=alt.Text("label:N"))
