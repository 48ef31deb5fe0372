"""Draw the time of publication: weekdays or hours with their intervals, and a grid of both."""

import math
from typing import Any

import altair as alt
import polars as pl

from oneup_pinterest.questions.chart_style import BLUE, COLORS, DIVERGING, FAINT, INK, WIDTH, Chart, finished, inline
from oneup_pinterest.questions.timing.statistic import WEEKDAYS

_ROW = 24  # pixels
_MIN_REACH = math.log(1.25)  # of the color scale, so that tiny effects do not look strong
_DARK = 0.9  # of the way to blue: beyond it, white text has the better contrast (always at least 4 to 1)
_SIGNED = "datum.value == 0 ? '0' : format(datum.value, '+,~f')"
_SIGNED_SHARE = "(datum.value == 0 ? '0' : format(100 * (exp(datum.value) - 1), '+,.0f')) + '%'"
_MARKS = {"above": "▲ ", "below": "▼ "}


def slot_name(weekday: int | None, hour: int | None, hours: int) -> str:
    """Return the name of a slot.

    >>> slot_name(6, None, 1), slot_name(None, 21, 3), slot_name(1, 9, 3)
    ('Saturday', '21:00 to 24:00', 'Monday 09:00 to 12:00')
    """
    day = "" if weekday is None else WEEKDAYS[weekday - 1]
    return day if hour is None else f"{day} {hour:02}:00 to {hour + hours:02}:00".strip()


def hours_of(effects: pl.DataFrame) -> int:
    """Return the length of the slots of this frame in hours.

    >>> hours_of(pl.DataFrame({"hour": [0, 3, 6, 9, 12, 15, 18, 21]})), hours_of(pl.DataFrame({"hour": [None]}))
    (3, 24)
    """
    return 24 // max(effects["hour"].n_unique(), 1)


def slots_chart(effects: pl.DataFrame, metric: str, width: int | str = WIDTH) -> Chart:
    """Draw each weekday, or each block of hours, with the effect of publishing then and its 95% interval.

    `effects` has the rows of one account from `slot_effects`, by weekday or by hour (percent). A slot that stands out
    has the metric's color and is named; the others, which chance may explain, are gray.

    >>> effects = pl.DataFrame({"weekday": [1, 2], "hour": [None, None], "pins": [9, 1], "effect": [12.4, None],
    ...     "low": [-8.0, None], "high": [31.0, None], "p_value": [0.6, None],
    ...     "verdict": ["within normal variation", "few pins"]})
    >>> slots_chart(effects, "saves").to_dict()["description"].partition(": ")[2]
    'Monday +12 (within normal variation).'
    """
    hours = hours_of(effects)
    by_weekday = effects["weekday"].null_count() == 0
    rows = [_slot(row, hours, metric) for row in effects.sort("weekday", "hour").iter_rows(named=True)]
    known = [row for row in rows if row["effect"] is not None]
    axis = alt.Axis(ticks=False, domain=False, labelLimit=150)
    title = "Weekday of publication" if by_weekday else "Hour of publication"
    y = alt.Y("name:N", title=title, sort=None, axis=axis, scale=alt.Scale(domain=[row["name"] for row in rows]))
    x_title = f"{metric.capitalize()} after a week, against other pins (%)"
    x = alt.X(
        "low:Q", title=x_title, scale=alt.Scale(zero=True, nice=True), axis=alt.Axis(labelExpr=_SIGNED, tickCount=5)
    )
    color = alt.Color("color:N", scale=None)
    zero = (
        alt.Chart(inline([{"zero": 0}]))
        .mark_rule(color=FAINT, strokeDash=[4, 3])
        .encode(x=alt.X("zero:Q", title=x_title))
    )
    interval = (
        alt.Chart(inline(known))
        .mark_rule(strokeWidth=2)
        .encode(x=x, x2=alt.X2("high:Q"), y=y, color=color, tooltip=_tooltip(metric))
    )
    dot = (
        alt.Chart(inline(known))
        .mark_point(filled=True, size=70, opacity=1)
        .encode(x=alt.X("effect:Q", title=x_title), y=y, color=color, tooltip=_tooltip(metric))
    )
    layers = [zero, interval, dot] if known else [zero]
    if few := [row for row in rows if row["effect"] is None]:  # Vega warns of layers without rows
        text = alt.Chart(inline(few)).mark_text(color=FAINT, fontSize=11, align="left", dx=5)
        layers.append(text.encode(x=alt.datum(0, type="quantitative"), y=y, text=alt.Text("label:N")))
    if found := [row for row in known if row["label"]]:
        text = alt.Chart(inline(found)).mark_text(color=INK, fontSize=11, baseline="bottom", dy=-5)
        layers.append(text.encode(x=alt.X("effect:Q", title=x_title), y=y, text=alt.Text("label:N")))
    summary = "; ".join(f"{row['slot']} {row['effect']:+.0f} ({row['verdict']})" for row in known[:8]) or "none known"
    described = (
        f"{metric.capitalize()} after a week by {'weekday' if by_weekday else 'hour'} of publication, in percent of "
        f"other pins of the same weeks: {summary}."
    )
    return finished(alt.layer(*layers), described, width, _ROW * max(len(rows), 2))


def slots_grid(effects: pl.DataFrame, metric: str, width: int | str = WIDTH) -> Chart:
    """Draw weekdays by blocks of hours: the color is the shrunk effect, the number counts pins.

    `effects` has the rows of one account from `slot_effects`, by slot. Slots with too few pins are gray; one that
    stands out has a frame and ▲ (above) or ▼ (below). Colors are logarithmic: half and double are equally far from 0.

    >>> effects = pl.DataFrame({"weekday": [6, 6], "hour": [0, 12], "pins": [9, 1], "effect": [12.4, None],
    ...     "low": [-8.0, None], "high": [31.0, None], "p_value": [0.6, None],
    ...     "verdict": ["within normal variation", "few pins"]})
    >>> slots_grid(effects, "saves").to_dict()["description"].partition(": ")[2]
    'highest on Saturday 00:00 to 12:00, +12% (within normal variation).'
    """
    hours = hours_of(effects)
    ordered = effects.sort("weekday", "hour")
    rows = [_slot(row, hours, metric) for row in ordered.iter_rows(named=True)]
    known = [row for row in rows if row["effect"] is not None]
    reach = max([_MIN_REACH, *(abs(row["logarithm"]) for row in known)])
    for row in rows:
        row["text"] = f"{_MARKS.get(row['verdict'], '')}{row['pins']}"
        row["ink"] = "white" if (row["logarithm"] or 0) > _DARK * reach else "black"
    x = alt.X(
        "hour:O",
        title="Hour of publication",
        axis=alt.Axis(labelAngle=0, orient="top", labelExpr=("(datum.value < 10 ? '0' : '') + datum.value + 'h'")),
        scale=alt.Scale(domain=ordered["hour"].unique().sort().to_list(), paddingInner=0.06),
    )
    y = alt.Y(
        "day:O",
        title="Weekday of publication",
        sort=None,
        scale=alt.Scale(domain=[day[:3] for day in WEEKDAYS], paddingInner=0.06),
    )
    color = alt.Color(
        "logarithm:Q",
        scale=alt.Scale(domain=[-reach, 0, reach], range=list(DIVERGING)),
        legend=alt.Legend(
            title=f"{metric.capitalize()} against other pins; gray: few pins",
            orient="bottom",
            direction="horizontal",
            values=[-reach, 0, reach],
            labelExpr=_SIGNED_SHARE,
            gradientLength=200,
            gradientThickness=10,
            titleLimit=300,
            titleFontWeight="normal",
            titleColor=FAINT,
            labelColor=FAINT,
            labelOverlap=False,
        ),
    )
    tooltip = _tooltip(metric)
    few = alt.Chart(inline([row for row in rows if row["effect"] is None])).mark_rect(color=FAINT, opacity=0.35)
    cells = alt.Chart(inline(known)).mark_rect()
    frames = alt.Chart(inline([row for row in known if row["verdict"] in _MARKS])).mark_rect(
        filled=False, stroke=INK, strokeWidth=2
    )
    text = alt.Chart(inline(rows)).mark_text(fontSize=11)
    chart = alt.layer(
        few.encode(x=x, y=y, tooltip=[tooltip[0], tooltip[-2], tooltip[-1]]),
        cells.encode(x=x, y=y, color=color, tooltip=tooltip),
        frames.encode(x=x, y=y),
        text.encode(x=x, y=y, text=alt.Text("text:N"), color=alt.Color("ink:N", scale=None)),
    ).resolve_scale(color="independent")
    best = max(known, key=lambda row: float(row["effect"]), default=None)
    summary = (
        f"highest on {best['slot']}, {best['effect']:+.0f}% ({best['verdict']})" if best else "none has enough pins"
    )
    return finished(
        chart, f"{metric.capitalize()} after a week by weekday and hour of publication: {summary}.", width, 7 * 30
    )


def _slot(row: dict[str, Any], hours: int, metric: str) -> dict[str, Any]:
    """Return the values of a slot that both charts draw: percent, and labels."""
    slot = slot_name(row["weekday"], row["hour"], hours)
    figures = {name: None if row[name] is None else round(row[name], 1) for name in ("effect", "low", "high")}
    found = row["verdict"] in _MARKS
    label = "" if row["effect"] is not None else "few pins" if row["pins"] else "no pins"
    if found:
        label = f"{_MARKS[row['verdict']]}{row['verdict']} others, {row['effect']:+,.0f}%"
    short = slot if row["hour"] is None else f"{row['hour']:02}–{row['hour'] + hours:02} h"
    return {
        "name": f"{short}, {row['pins']:,} {'pin' if row['pins'] == 1 else 'pins'}",
        "slot": slot,
        "day": None if row["weekday"] is None else WEEKDAYS[row["weekday"] - 1][:3],
        "hour": row["hour"],
        "pins": row["pins"],
        **figures,
        "logarithm": None if row["effect"] is None else math.log1p(row["effect"] / 100),
        "p": None if row["p_value"] is None else f"{row['p_value']:.2g}",
        "verdict": row["verdict"],
        "label": label,
        "color": COLORS.get(metric, BLUE) if found else FAINT,
    }


def _tooltip(metric: str) -> list[alt.Tooltip]:
    return [
        alt.Tooltip("slot:N", title="Published"),
        alt.Tooltip("effect:Q", title=f"{metric.capitalize()} against other pins (%)", format="+,.0f"),
        alt.Tooltip("low:Q", title="95% from (%)", format="+,.0f"),
        alt.Tooltip("high:Q", title="95% to (%)", format="+,.0f"),
        alt.Tooltip("p:N", title="p"),
        alt.Tooltip("pins:Q", title="Pins"),
        alt.Tooltip("verdict:N", title="Verdict"),
    ]
