"""Charts of change: intervals of a change side by side, and weeks with their trend."""

import altair as alt
import polars as pl

from oneup_pinterest.formatting import format_day
from oneup_pinterest.questions.chart_style import (
    BLUE,
    COLORS,
    INK,
    WIDTH,
    Chart,
    count_text,
    finished,
    inline,
    percent_text,
    week_axis,
    week_tooltip,
)
from oneup_pinterest.questions.interval_chart import interval_row, intervals


def change_chart(change: pl.DataFrame, width: int | str = WIDTH) -> Chart:
    """Draw the percent change of each metric with its 95% interval and verdict.

    The scale is logarithmic: doubled and halved are equally far from no change. `change` has the rows of one account
    from `account_change` or `new_pins_change`; metrics without an estimate are left out.

    >>> change = pl.DataFrame({"metric": ["saves"], "change": [-8.0], "change_low": [-31.0], "change_high": [22.0],
    ...     "verdict": ["within normal variation"], "pins": [30]})
    >>> change_chart(change).to_dict()["description"]
    'Change with 95% interval: Saves −8% (−31% to +22%), within normal variation.'
    """
    rows = [interval_row(row["metric"].capitalize(), row) for row in change.drop_nulls("change").iter_rows(named=True)]
    described = "; ".join(f"{row['name']} {row['summary']}, {row['verdict']}" for row in rows) or "nothing to compare"
    return finished(
        intervals(rows, "Change of the typical pin (log scale)"),
        f"Change with 95% interval: {described}.",
        width,
        54 * max(len(rows), 1),
    )


def trend_chart(weekly: pl.DataFrame, trend: pl.DataFrame, metric: str, width: int | str = WIDTH) -> Chart:
    """Draw a bar per settled week with its gain (count), and the fitted trend as a line.

    `weekly` has the rows of one account from `weekly_gains`, `trend` those from `account_trend`. Weeks with a gain
    that is spread over a gap between syncs are pale; a week with an unknown gain has no bar.
    """
    rows = weekly.filter(pl.col("metric") == metric).sort("week")
    fitted = trend.filter((pl.col("metric") == metric) & pl.col("change").is_not_null())
    gains, weeks = rows["gain"].to_list(), rows["week"].to_list()
    line = _line(weeks, gains, fitted["change"].item() if fitted.height else None)
    values = [
        {
            "week": str(row["first_day"]),
            "gain": row["gain"] if row["gain"] is None else round(row["gain"], 1),
            "shown": format_day(row["first_day"]),
            "state": "spread over a gap" if row["is_imputed"] else "settled",
            "fitted": None if level is None else round(level, 1),
        }
        for row, level in zip(rows.iter_rows(named=True), line, strict=True)
    ]
    first_days = [str(row["week"]) for row in values]
    x = week_axis(first_days)
    states = ["settled", "spread over a gap"]
    tooltip = [
        week_tooltip(),
        alt.Tooltip("gain:Q", title=f"{metric.capitalize()} gained", format=",.0f"),
        alt.Tooltip("fitted:Q", title="Trend", format=",.1~f"),
        alt.Tooltip("state:N", title="State"),
    ]
    bars = (
        alt.Chart()
        .mark_bar(color=COLORS.get(metric, BLUE))
        .encode(
            x=x,
            y=alt.Y(
                "gain:Q",
                title=f"{metric.capitalize()} a week",
                axis=alt.Axis(format=",~f", tickMinStep=1, tickCount=4),
            ),
            fillOpacity=alt.FillOpacity(
                "state:O", scale=alt.Scale(type="ordinal", domain=states, range=[0.6, 0.25]), legend=None
            ),
            tooltip=tooltip,
        )
    )
    layers = [bars]
    if any(level is not None for level in line):
        layers.append(alt.Chart().mark_line(color=INK, strokeWidth=2).encode(x=x, y=alt.Y("fitted:Q")))
        end = [{"week": first_days[-1], "fitted": values[-1]["fitted"]}]
        label = alt.Chart(inline(end)).mark_text(
            color=INK, align="left", baseline="middle", dx=6, fontSize=11, text="trend"
        )
        layers.append(label.encode(x=alt.X("week:O", bandPosition=1), y=alt.Y("fitted:Q")))
    change = f", trend {percent_text(fitted['change'].item())} a week" if fitted.height else ""
    first, last = (count_text(gains[0]), count_text(gains[-1])) if gains else ("nothing", "nothing")
    description = (
        f"{metric.capitalize()} gained a week: {first} in the first of {len(first_days)} weeks, {last} in the last"
    )
    return finished(alt.layer(*layers, data=inline(values)), f"{description}{change}.", width, 170)


def _line(weeks: list[int], gains: list[float | None], change: float | None) -> list[float | None]:
    """Return the trend at each week: the fitted growth, scaled to the sum of the known weeks."""
    known = [(week, gain) for week, gain in zip(weeks, gains, strict=True) if gain is not None]
    if change is None or not known:
        return [None] * len(weeks)
    factor = 1 + change / 100
    scale = sum(gain for _, gain in known) / sum(factor**week for week, _ in known)
    return [scale * factor**week for week in weeks]
