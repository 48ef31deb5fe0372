"""Draw a forecast: the coming days after the past ones, and how good such forecasts were."""

from datetime import timedelta

import altair as alt
import polars as pl

from oneup_pinterest.formatting import format_day
from oneup_pinterest.questions.chart_style import (
    BLUE,
    COLORS,
    INK,
    ORANGE,
    WIDTH,
    Chart,
    day_axis,
    finished,
    gained_text,
    inline,
)

HISTORY_DAYS = 42  # before the forecast: enough to show weeks, few enough to show days
_HEIGHT = 190


def forecast_chart(
    history: pl.DataFrame, days: pl.DataFrame, metric: str = "saves", *, width: int | str = WIDTH
) -> Chart:
    """Draw daily gains (counts) of six weeks, then the forecast as a dashed line in the band that holds 80% of days.

    `history` has the rows of one account from `settled_days`, `days` those of one account and model from
    `gain_forecasts(...).days`.

    >>> from datetime import date
    >>> history = pl.DataFrame({"day": [date(2026, 3, 1)], "gain": [5.0]})
    >>> days = pl.DataFrame({"model": "Seasonal naive", "day": [date(2026, 3, 2)], "forecast": [6.0], "low": [2.0],
    ...     "high": [9.0]})
    >>> forecast_chart(history, days).to_dict()["description"]
    'Saves a day, forecast from 2 Mar 2026 to 2 Mar 2026 by Seasonal naive: 6 in total, after 1 days of history.'
    """
    days, history = days.sort("day"), history.sort("day").tail(HISTORY_DAYS)
    past = history.select(pl.col("day").cast(pl.String), pl.col("gain").round(1), shown=_shown(), gained=gained_text())
    ahead = days.select(pl.col("day").cast(pl.String), pl.col("forecast", "low", "high").round(1), shown=_shown())
    name, x = metric.capitalize(), day_axis([*past["day"], *ahead["day"]], "Day")
    color = COLORS.get(metric, BLUE)
    shown, gained, *bounds = _tooltip(name)
    layers = [
        alt.Chart(inline(ahead.to_dicts()))
        .mark_area(color=ORANGE, opacity=0.25)
        .encode(x=x, y=_counts("low", name), y2=alt.Y2("high:Q"), tooltip=[shown, *bounds]),
        alt.Chart(inline(past.to_dicts()))
        .mark_line(color=color, strokeWidth=1.5)
        .encode(x=x, y=_counts("gain", name), tooltip=[shown, gained]),
        alt.Chart(inline(ahead.to_dicts()))
        .mark_line(color=INK, strokeWidth=2, strokeDash=[5, 3], point={"color": INK, "size": 12})
        .encode(x=x, y=_counts("forecast", name), tooltip=[shown, *bounds]),
        alt.Chart(inline(ahead.head(1).to_dicts()))
        .mark_text(color=INK, align="left", fontSize=11, fontWeight="bold", text="forecast")
        .encode(x=x, y=alt.value(6)),
    ]
    first, last = (format_day(day) for day in (days["day"].min(), days["day"].max()))  # type: ignore[arg-type]
    model = days["model"][0] if days.height else "no model"
    description = (
        f"{name} a day, forecast from {first} to {last} by {model}: {days['forecast'].sum():,.0f} in total, "
        f"after {history.height} days of history."
    )
    return finished(alt.layer(*layers), description, width, _HEIGHT)


def backtest_chart(backtest: pl.DataFrame, metric: str = "saves", *, width: int | str = WIDTH) -> Chart:
    """Draw the actual gains (line, counts) and their forecasts two weeks ahead (dashed, in the 80% band).

    `backtest` has the rows of one account from `gain_forecasts(...).backtest`: two spans of two weeks, each forecast
    from the day before it.

    >>> from datetime import date
    >>> backtest = pl.DataFrame({"model": "Seasonal naive", "origin": [date(2026, 3, 1)], "day": [date(2026, 3, 2)],
    ...     "gain": [5.0], "forecast": [6.0], "low": [2.0], "high": [9.0]})
    >>> backtest_chart(backtest).to_dict()["description"]
    'Saves a day against what Seasonal naive had forecast, 2 Mar 2026 to 2 Mar 2026: 5 gained, 6 forecast.'
    """
    backtest = backtest.sort("day")
    rows = backtest.select(
        pl.col("day", "origin").cast(pl.String),
        pl.col("gain", "forecast", "low", "high").round(1),
        shown=_shown(),
        gained=gained_text(),
    ).to_dicts()
    name, x = metric.capitalize(), day_axis([row["day"] for row in rows], "Day")
    base = alt.Chart(inline(rows)).encode(x=x, tooltip=_tooltip(name))
    starts = [
        {"day": str(origin + timedelta(days=1)), "label": "forecast from here"}
        for origin in backtest["origin"].unique().sort()
    ]
    begin = alt.Chart(inline(starts)).encode(x=x)
    layers = [
        base.mark_area(color=ORANGE, opacity=0.25).encode(
            y=_counts("low", name), y2=alt.Y2("high:Q"), detail=alt.Detail("origin:N")
        ),
        base.mark_line(
            color=COLORS.get(metric, BLUE), strokeWidth=1.5, point={"color": COLORS.get(metric, BLUE), "size": 12}
        ).encode(y=_counts("gain", name)),
        base.mark_line(color=INK, strokeWidth=2, strokeDash=[5, 3]).encode(
            y=_counts("forecast", name), detail=alt.Detail("origin:N")
        ),
        begin.mark_rule(color="#C8C8C8"),
        begin.mark_text(color=INK, align="left", dx=4, fontSize=10).encode(y=alt.value(4), text=alt.Text("label:N")),
    ]
    first, last = (format_day(day) for day in (backtest["day"].min(), backtest["day"].max()))  # type: ignore[arg-type]
    description = (
        f"{name} a day against what {backtest['model'][0] if rows else 'no model'} had forecast, {first} to {last}: "
        f"{backtest['gain'].sum():,.0f} gained, {backtest['forecast'].sum():,.0f} forecast."
    )
    return finished(alt.layer(*layers), description, width, _HEIGHT)


def _counts(field: str, name: str) -> alt.Y:
    return alt.Y(
        f"{field}:Q",
        title=f"{name} a day",
        scale=alt.Scale(zero=True, nice=True),
        axis=alt.Axis(format=",~f", tickMinStep=1, tickCount=4),
    )


def _shown() -> pl.Expr:
    return pl.col("day").dt.strftime("%a %d %b %Y")


def _tooltip(name: str) -> list[alt.Tooltip]:
    return [
        alt.Tooltip("shown:N", title="Day"),
        alt.Tooltip("gained:N", title=f"{name} gained"),
        alt.Tooltip("forecast:Q", title="Forecast", format=",.1~f"),
        alt.Tooltip("low:Q", title="80% from", format=",.1~f"),
        alt.Tooltip("high:Q", title="80% to", format=",.1~f"),
    ]
