"""Draw changes as one dot with its interval per row, for the metrics of an account or for several accounts."""

from typing import Any

import altair as alt

from oneup_pinterest.methods.verdicts import DOWN, NO_VERDICT, UP, WITHIN_NORMAL_VARIATION
from oneup_pinterest.questions.chart_style import BLUE, FAINT, INK, VERMILLION, inline, percent_text

SIGNS = {UP: "▲", DOWN: "▼", WITHIN_NORMAL_VARIATION: "≈", NO_VERDICT: "?"}
_VERDICT_COLORS = {UP: BLUE, DOWN: VERMILLION, WITHIN_NORMAL_VARIATION: FAINT, NO_VERDICT: FAINT}
_MIN_DRAWN, _MAX_DRAWN = (
    1 / 16,
    16.0,
)  # factors: values further out are drawn at the edge; the label has the number


def interval_row(name: str, row: dict[str, Any]) -> dict[str, Any]:
    """Return the values to draw, from a row with change, change_low, change_high (percent), verdict and pins."""
    low, high = row["change_low"], row["change_high"]
    summary = f"{percent_text(row['change'])} ({percent_text(low, 'no lower limit')} to "
    summary += f"{percent_text(high, 'no upper limit')})"
    return {
        "name": name,
        "ratio": _drawn(row["change"]),
        "low": _MIN_DRAWN if low is None else _drawn(low),
        "high": _MAX_DRAWN if high is None else _drawn(high),
        "summary": summary,
        "verdict": row["verdict"],
        "label": f"{SIGNS[row['verdict']]} {row['verdict']}, {summary}",
        "pins": row["pins"],
    }


def _drawn(change: float) -> float:
    return min(max(1 + change / 100, _MIN_DRAWN), _MAX_DRAWN)


def intervals(rows: list[dict[str, Any]], title: str) -> Any:
    """Return the layers: per row a dot, its interval and a label above it; and a line at no change."""
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
    verdicts = list(_VERDICT_COLORS)
    color = alt.Color(
        "verdict:N", legend=None, scale=alt.Scale(domain=verdicts, range=[_VERDICT_COLORS[word] for word in verdicts])
    )
    tooltip = [
        alt.Tooltip("name:N", title="Of"),
        alt.Tooltip("summary:N", title="Change (95% interval)"),
        alt.Tooltip("verdict:N", title="Verdict"),
        alt.Tooltip("pins:Q", title="Pins", format=",d"),
    ]
    base = alt.Chart().encode(y=y, tooltip=tooltip)
    text = base.mark_text(color=INK, align="left", dx=3, dy=-13, fontSize=11)
    layers = [
        alt.Chart(inline([{"ratio": 1}])).mark_rule(color=FAINT, strokeDash=[3, 3]).encode(x=alt.X("ratio:Q")),
        base.mark_rule(strokeWidth=3).encode(x=x, x2=alt.X2("high:Q"), color=color),
        base.mark_point(filled=True, size=90, opacity=1).encode(x=alt.X("ratio:Q"), color=color),
        text.encode(x=alt.datum(domain[0]), text=alt.Text("label:N")),
    ]
    return alt.layer(*layers, data=inline(rows))
