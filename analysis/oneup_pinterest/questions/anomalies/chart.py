"""Draw an account's daily gains: the days that stand out, and the levels of the gains."""

from datetime import timedelta
from typing import Any

import altair as alt
import polars as pl

from oneup_pinterest.formatting import format_day, format_percent
from oneup_pinterest.questions.chart_style import (
    BLUE,
    COLORS,
    FAINT,
    INK,
    VERMILLION,
    WIDTH,
    Chart,
    day_axis,
    finished,
    gained_text,
    inline,
)

_HEIGHT = 190
_BAND = "#E3E8EC"


def anomalies_chart(days: pl.DataFrame, metric: str = "saves", *, width: int | str = WIDTH) -> Chart:
    """Draw daily gains (counts) as a line on the band that holds 99% of usual days; days that stand out have a mark.

    `days` has the rows of one account from `daily_anomalies`. A triangle up with its word is a high day, one down a low
    day; small rings are days without a verdict.

    >>> from datetime import date
    >>> days = pl.DataFrame({"day": [date(2026, 3, 1)], "gain": [90.0], "expected": [10.0], "low": [4.0],
    ...     "high": [25.0], "ratio": [9.0], "state": ["high"]})
    >>> anomalies_chart(days).to_dict()["description"]
    'Saves a day, 1 Mar 2026 to 1 Mar 2026, with the band of usual days. Marked: 1 Mar 2026 high (90).'
    """
    days = days.sort("day")
    top = 1.1 * max(
        (gain for gain in days["gain"] if gain is not None), default=1.0
    )  # without the band, which may be far higher
    rows = days.select(
        pl.col("day").cast(pl.String),
        pl.col("gain", "expected", "low", "high", "ratio").round(1),
        "state",
        gained=gained_text(),
        shown=pl.col("day").dt.strftime("%a %d %b %Y"),
        label_at=pl.max_horizontal("gain", "high").clip(upper_bound=top).round(1),
        label=pl.when(pl.col("state") == "high")
        .then(pl.lit("▲ high"))
        .when(pl.col("state") == "low")
        .then(pl.lit("▼ low")),
    ).to_dicts()
    name, named = metric.capitalize(), [row for row in rows if row["state"] in ("high", "low")]
    x = day_axis([row["day"] for row in rows], "Day")
    tooltip = [
        alt.Tooltip("shown:N", title="Day"),
        alt.Tooltip("gained:N", title=f"{name} gained"),
        alt.Tooltip("expected:Q", title="Expected", format=",.1~f"),
        alt.Tooltip("low:Q", title="Usual from", format=",.1~f"),
        alt.Tooltip("high:Q", title="Usual to", format=",.1~f"),
        alt.Tooltip("state:N", title="State"),
    ]
    base = alt.Chart().encode(x=x, tooltip=tooltip)
    marks = alt.Chart(inline(named)).encode(x=x, tooltip=tooltip)
    shape = alt.Shape(
        "state:N", legend=None, scale=alt.Scale(domain=["high", "low"], range=["triangle-up", "triangle-down"])
    )
    unsure = [row for row in rows if row["state"] == "not judged"]
    layers = [
        base.mark_area(color=_BAND, clip=True).encode(y=_counts("low", name, top), y2=alt.Y2("high:Q")),
        base.mark_line(color=FAINT, strokeDash=[4, 3], strokeWidth=1).encode(y=_counts("expected", name)),
        base.mark_line(
            color=COLORS.get(metric, BLUE), strokeWidth=1.5, point={"color": COLORS.get(metric, BLUE), "size": 9}
        ).encode(y=_counts("gain", name)),
        alt.Chart(inline(unsure))
        .mark_point(color=FAINT, fill="white", strokeWidth=1, opacity=1, size=14)
        .encode(x=x, y=_counts("gain", name), tooltip=tooltip),
        marks.mark_point(filled=True, opacity=1, size=110, color=VERMILLION).encode(
            y=_counts("gain", name), shape=shape
        ),
        marks.mark_text(color=INK, dy=-12, fontSize=11, fontWeight="bold").encode(
            y=_counts("label_at", name), text=alt.Text("label:N")
        ),
    ]
    summary = ", ".join(
        f"{format_day(row['day'])} {row['state']} ({row['gain']:,.0f})"
        for row in days.filter(pl.col("state").is_in(["high", "low"])).iter_rows(named=True)
    )
    description = f"{name} a day, {_span(days)}, with the band of usual days. Marked: {summary or 'none'}."
    return finished(alt.layer(*layers, data=inline(rows)), description, width, _HEIGHT)


def levels_chart(days: pl.DataFrame, levels: pl.DataFrame, metric: str = "saves", *, width: int | str = WIDTH) -> Chart:
    """Draw daily gains (counts) as a pale line, the level of each segment as a thick one, and dates of shifts.

    `days` has the rows of one account from `settled_days`, `levels` those of the same account from `gain_levels`.

    >>> from datetime import date
    >>> days = pl.DataFrame({"day": [date(2026, 3, 1), date(2026, 3, 2)], "gain": [1.0, 2.0]})
    >>> levels = pl.DataFrame({"first_day": days["day"], "last_day": days["day"], "level": [1.0, 2.0],
    ...     "change": [None, 100.0]})
    >>> levels_chart(days, levels).to_dict()["description"]
    'Saves a day, 1 Mar 2026 to 2 Mar 2026, with their levels: 1.0, from 2 Mar 2026 2.0 (+100.0%).'
    """
    days, levels = days.sort("day"), levels.sort("first_day")
    rows = days.select(
        pl.col("day").cast(pl.String), pl.col("gain").round(1), shown=pl.col("day").dt.strftime("%a %d %b %Y")
    ).to_dicts()
    name, domain = metric.capitalize(), [row["day"] for row in rows]
    x = day_axis(domain, "Day")
    ends = [
        {"day": str(day), "level": round(row["level"], 1), "part": part}
        for part, row in enumerate(levels.iter_rows(named=True))
        for day in (row["first_day"], row["last_day"])
    ]
    shifts: list[dict[str, Any]] = [
        {
            "day": str(row["first_day"]),
            "late": late,
            "label": f"{row['first_day'].day} {row['first_day']:%b}: "
            + format_percent(round(row["change"])).replace(".0%", "%"),
        }
        for row in levels.filter(pl.col("change").is_not_null()).iter_rows(named=True)
        for late in [row["first_day"] > days["day"][-1] - timedelta(days=len(rows) // 4)]
    ]
    layers = [
        alt.Chart(inline(rows))
        .mark_line(color=COLORS.get(metric, BLUE), opacity=0.5, strokeWidth=1.5)
        .encode(
            x=x,
            y=_counts("gain", name),
            tooltip=[alt.Tooltip("shown:N", title="Day"), alt.Tooltip("gain:Q", title=name, format=",.1~f")],
        ),
        alt.Chart(inline(ends))
        .mark_line(color=INK, strokeWidth=3)
        .encode(
            x=x,
            y=_counts("level", name),
            detail=alt.Detail("part:N"),
            tooltip=[alt.Tooltip("level:Q", title=f"{name} on a usual day", format=",.1~f")],
        ),
        alt.Chart(inline(shifts)).mark_rule(color=VERMILLION, strokeDash=[4, 3], strokeWidth=1.5).encode(x=x),
        *(
            alt.Chart(inline([row for row in shifts if row["late"] is late]))
            .mark_text(
                color=INK, align="right" if late else "left", dx=-5 if late else 5, fontSize=11, fontWeight="bold"
            )
            .encode(x=x, y=alt.value(6), text=alt.Text("label:N"))
            for late in (False, True)
        ),
    ]
    summary = ", ".join(
        f"{row['level']:,.1f}"
        if row["change"] is None
        else f"from {format_day(row['first_day'])} {row['level']:,.1f} ({format_percent(row['change'])})"
        for row in levels.iter_rows(named=True)
    )
    description = f"{name} a day, {_span(days)}, with their levels: {summary or 'none'}."
    return finished(alt.layer(*layers), description, width, _HEIGHT)


def _counts(field: str, name: str, top: float | None = None) -> alt.Y:
    scale = alt.Scale(zero=True, nice=True) if top is None else alt.Scale(domain=[0, max(top, 1)])
    return alt.Y(
        f"{field}:Q", title=f"{name} a day", scale=scale, axis=alt.Axis(format=",~f", tickMinStep=1, tickCount=4)
    )


def _span(days: pl.DataFrame) -> str:
    if days.is_empty():
        return "no days"
    return f"{format_day(days['day'][0])} to {format_day(days['day'][-1])}"
