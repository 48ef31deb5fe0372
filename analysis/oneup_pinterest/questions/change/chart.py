"""Charts of change: intervals of a change side by side, now against before, weeks with their trend, accounts."""

import math
from typing import Any

import altair as alt
import polars as pl

from oneup_pinterest.questions.chart_style import (
    BLUE,
    COLOURS,
    FAINT,
    INK,
    VERMILLION,
    WIDTH,
    Chart,
    axis_label,
    count_text,
    day_axis,
    finished,
    inline,
)

SIGNS = {"up": "▲", "down": "▼", "cannot tell": "?"}
_VERDICT_COLOURS = {"up": BLUE, "down": VERMILLION, "cannot tell": FAINT}
_LEAST, _MOST = 1 / 16, 16.0  # factors: what lies further out is drawn at the edge, and the label has the number
ACCOUNTS_SHOWN = 15  # more rows do not fit a screen


def change_chart(change: pl.DataFrame, width: int | str = WIDTH) -> Chart:
    """Percent change of each metric with its 95% interval and verdict, on a logarithmic scale (doubled and halved are
    equally far from no change).

    `change` is one account of `account_change` or `new_pins_change`; metrics without an estimate are left out.

    >>> change = pl.DataFrame({"metric": ["saves"], "change": [-8.0], "change_low": [-31.0], "change_high": [22.0],
    ...     "verdict": ["cannot tell"], "pins": [30]})
    >>> change_chart(change).to_dict()["description"]
    'Change with 95% interval: Saves −8% (−31% to +22%), cannot tell.'
    """
    rows = [_interval_row(row["metric"].capitalize(), row) for row in change.drop_nulls("change").iter_rows(named=True)]
    described = "; ".join(f"{row['name']} {row['told']}, {row['verdict']}" for row in rows) or "nothing to compare"
    return finished(
        _intervals(rows, "Change (log scale)"), f"Change with 95% interval: {described}.", width, 54 * max(len(rows), 1)
    )


def accounts_chart(accounts: pl.DataFrame, names: dict[str, str] | None = None, width: int | str = WIDTH) -> Chart:
    """Percent change of one metric in several accounts, each with its 95% interval and verdict.

    `accounts` is one metric of `accounts_side_by_side`; the ACCOUNTS_SHOWN accounts that gained most are drawn, by
    what they gained. `names` are names for people per social_network_id.
    """
    known = accounts.drop_nulls("change").sort("now", "social_network_id", descending=[True, False])
    ids = known["social_network_id"].head(ACCOUNTS_SHOWN).to_list()
    labels = [axis_label((names or {}).get(account), 34) or axis_label(account, 34) for account in ids]
    labels = [label if labels.count(label) == 1 else account for label, account in zip(labels, ids, strict=True)]
    rows = [_interval_row(*pair) for pair in zip(labels, known.head(ACCOUNTS_SHOWN).iter_rows(named=True), strict=True)]
    described = "; ".join(f"{row['name']} {row['told']}, {row['verdict']}" for row in rows) or "nothing to compare"
    chart = _intervals(rows, "Change (log scale)")
    return finished(chart, f"Change with 95% interval per account: {described}.", width, 46 * max(len(rows), 1))


def now_and_before_chart(totals: pl.DataFrame, width: int | str = WIDTH) -> Chart:
    """Each metric now (filled) and before (hollow), joined by a line.

    `totals` has the columns metric, now, before (counts) and optionally verdict. Metrics differ by orders of magnitude,
    so each has a scale of its own: the larger of the two is 100 percent.

    >>> totals = pl.DataFrame({"metric": ["saves"], "now": [45.0], "before": [36.0], "verdict": ["up"]})
    >>> now_and_before_chart(totals).to_dict()["description"]
    'Now and before: Saves ▲ up, 45 from 36.'
    """
    known = totals.filter(pl.col("now").is_not_null() | pl.col("before").is_not_null())
    rows: list[dict[str, Any]] = []
    words = []
    for row in known.iter_rows(named=True):
        now, before, verdict = row["now"], row["before"], row.get("verdict")
        larger = max(now or 0, before or 0, 1e-9)
        told = f"{SIGNS[verdict]} {verdict}, " if verdict else ""
        name = row["metric"].capitalize()
        words.append(f"{name} {told}{count_text(now)} from {count_text(before)}")
        shares = [None if value is None else value / larger * 100 for value in (now, before)]
        state = " (provisional)" if row.get("is_provisional") else ""
        shown = f"{told}{count_text(now)} now{state}, {count_text(before)} before"
        rows.append({"metric": name, "now": shares[0], "before": shares[1], "shown": shown})
    y = alt.Y("metric:N", title=None, sort=None, axis=alt.Axis(labelFontSize=12, labelLimit=110, ticks=False))
    axis = alt.Axis(values=[0, 25, 50, 75, 100], format="d")
    x = alt.X("before:Q", title="Percent of the larger of the two", scale=alt.Scale(domain=[0, 104]), axis=axis)
    tooltip = [alt.Tooltip("metric:N", title="Metric"), alt.Tooltip("shown:N", title="Count")]
    base = alt.Chart().encode(y=y, tooltip=tooltip)
    layers = [
        base.mark_rule(color=INK, strokeWidth=2).encode(x=x, x2="now:Q"),
        base.mark_point(color=BLUE, filled=False, fill="white", size=110, strokeWidth=2, opacity=1).encode(x=x),
        base.mark_point(color=BLUE, filled=True, size=120, opacity=1).encode(x="now:Q"),
        base.mark_text(color=INK, align="left", dx=3, dy=-13, fontSize=11, limit=250).encode(
            x=alt.datum(0), text="shown:N"
        ),
    ]
    chart = alt.layer(*layers, data=inline(rows))
    return finished(chart, f"Now and before: {'; '.join(words) or 'nothing'}.", width, 46 * max(len(rows), 1))


def trend_chart(weekly: pl.DataFrame, trend: pl.DataFrame, metric: str, width: int | str = WIDTH) -> Chart:
    """Bars of what each settled week gained, with the trend that was fitted as a line.

    `weekly` is one account of `weekly_gains`, `trend` one account of `account_trend`. Weeks with a gain spread over a
    gap between syncs are pale; a week that is not known has no bar.
    """
    rows = weekly.filter(pl.col("metric") == metric).sort("week")
    fitted = trend.filter((pl.col("metric") == metric) & pl.col("change").is_not_null())
    gains, weeks = rows["gain"].to_list(), rows["week"].to_list()
    line = _line(weeks, gains, fitted["change"].item() if fitted.height else None)
    values = [
        {
            "day": str(row["last_day"]),
            "gain": row["gain"] if row["gain"] is None else round(row["gain"], 1),
            "shown": f"{row['first_day']:%d %b} to {row['last_day']:%d %b %Y}",
            "state": "spread over a gap" if row["is_imputed"] else "settled",
            "fitted": None if level is None else round(level, 1),
        }
        for row, level in zip(rows.iter_rows(named=True), line, strict=True)
    ]
    days = [str(row["day"]) for row in values]
    x = day_axis(days, "Week that ends on")
    states = ["settled", "spread over a gap"]
    tooltip = [
        alt.Tooltip("shown:N", title="Week"),
        alt.Tooltip("gain:Q", title=f"{metric.capitalize()} gained", format=",.0f"),
        alt.Tooltip("fitted:Q", title="Trend", format=",.1~f"),
        alt.Tooltip("state:N", title="State"),
    ]
    bars = (
        alt.Chart()
        .mark_bar(color=COLOURS.get(metric, BLUE))
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
        layers.append(alt.Chart().mark_line(color=INK, strokeWidth=2).encode(x=x, y="fitted:Q"))
        end = [{"day": days[-1], "fitted": values[-1]["fitted"]}]
        label = alt.Chart(inline(end)).mark_text(
            color=INK, align="left", baseline="middle", dx=6, fontSize=11, text="trend"
        )
        layers.append(label.encode(x=alt.X("day:O", bandPosition=1), y="fitted:Q"))
    change = f", trend {percent_text(fitted['change'].item())} a week" if fitted.height else ""
    first, last = (count_text(gains[0]), count_text(gains[-1])) if gains else ("nothing", "nothing")
    description = f"{metric.capitalize()} gained a week: {first} in the first of {len(days)} weeks, {last} in the last"
    return finished(alt.layer(*layers, data=inline(values)), f"{description}{change}.", width, 170)


def percent_text(value: float | None, missing: str = "unknown") -> str:
    """A change in whole percents with its sign; one decimal where it is small, `missing` where there is none.

    >>> percent_text(-8.2), percent_text(22.0), percent_text(0.34), percent_text(None, "no upper limit")
    ('−8%', '+22%', '+0.3%', 'no upper limit')
    """
    if value is None or not math.isfinite(value):
        return missing
    digits = 1 if abs(value) < 2 else 0  # below 2 a whole percent is too coarse
    text = f"{value:+,.{digits}f}%".replace("-", "−")
    return "0%" if not text.strip("+−0.,%") else text


def _interval_row(name: str, row: dict[str, Any]) -> dict[str, Any]:
    low, high = row["change_low"], row["change_high"]
    told = f"{percent_text(row['change'])} ({percent_text(low, 'no lower limit')} to "
    told += f"{percent_text(high, 'no upper limit')})"
    return {
        "name": name,
        "ratio": _drawn(row["change"]),
        "low": _LEAST if low is None else _drawn(low),
        "high": _MOST if high is None else _drawn(high),
        "told": told,
        "verdict": row["verdict"],
        "label": f"{SIGNS[row['verdict']]} {row['verdict']}, {told}",
        "pins": row["pins"],
    }


def _drawn(change: float) -> float:
    return min(max(1 + change / 100, _LEAST), _MOST)


def _intervals(rows: list[dict[str, Any]], title: str) -> Any:
    """A dot and its interval a row, the label with the numbers above it, and a line where nothing changes."""
    y = alt.Y("name:N", title=None, sort=None, axis=alt.Axis(labelFontSize=12, labelLimit=150, ticks=False))
    ticks = [1 / 16, 0.25, 0.5, 1, 2, 4, 16]
    least = min((row["low"] for row in rows), default=0.5)
    most = max((row["high"] for row in rows), default=2.0)
    domain = [
        max(tick for tick in ticks if tick <= min(least, 0.5)),
        min(tick for tick in ticks if tick >= max(most, 2)),
    ]
    words = "datum.value < 1 ? '−' + format(1 - datum.value, '.0%') : datum.value > 1 ? '+' + format(datum.value - 1, '.0%') : '0%'"  # noqa: E501
    x_axis = alt.Axis(
        values=[tick for tick in ticks if domain[0] <= tick <= domain[1]], labelExpr=words, labelOverlap="greedy"
    )
    x = alt.X("low:Q", title=title, scale=alt.Scale(type="log", domain=domain, nice=False), axis=x_axis)
    verdicts = list(_VERDICT_COLOURS)
    colour = alt.Color(
        "verdict:N", legend=None, scale=alt.Scale(domain=verdicts, range=[_VERDICT_COLOURS[word] for word in verdicts])
    )
    tooltip = [
        alt.Tooltip("name:N", title="Of"),
        alt.Tooltip("told:N", title="Change (95% interval)"),
        alt.Tooltip("verdict:N", title="Verdict"),
        alt.Tooltip("pins:Q", title="Pins", format=",d"),
    ]
    base = alt.Chart().encode(y=y, tooltip=tooltip)
    text = base.mark_text(color=INK, align="left", dx=3, dy=-13, fontSize=11)
    layers = [
        alt.Chart(inline([{"ratio": 1}])).mark_rule(color=FAINT, strokeDash=[3, 3]).encode(x=alt.X("ratio:Q")),
        base.mark_rule(strokeWidth=3).encode(x=x, x2="high:Q", color=colour),
        base.mark_point(filled=True, size=90, opacity=1).encode(x="ratio:Q", color=colour),
        text.encode(x=alt.datum(domain[0]), text="label:N"),
    ]
    return alt.layer(*layers, data=inline(rows))


def _line(weeks: list[int], gains: list[float | None], change: float | None) -> list[float | None]:
    """The trend at each week: through the mean of the weeks, by the factor that was fitted."""
    known = [(week, gain) for week, gain in zip(weeks, gains, strict=True) if gain is not None]
    if change is None or not known:
        return [None] * len(weeks)
    factor = 1 + change / 100
    scale = sum(gain for _, gain in known) / sum(factor**week for week, _ in known)
    return [scale * factor**week for week in weeks]
