"""Compute the points of the page's small drawings, which need no script: sparklines and the parts of a change."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, NamedTuple

from oneup_pinterest.questions.chart_style import signed_count
from oneup_pinterest.questions.why.parts import whole_parts

SPARK_WIDTH, SPARK_HEIGHT, SPARK_MARGIN = 150, 34, 3
FALL_WIDTH, LABEL_WIDTH, NUMBER_WIDTH = 760, 320, 110  # room for the larger letters of a phone
BAR, STEP = 26, 38


class Spark(NamedTuple):
    """A line of values over days: `points` for a polyline, its last point, and its text."""

    points: str
    x: float
    y: float
    text: str


class Bar(NamedTuple):
    """One row of a waterfall: label and number, the bar's place, and where it is tied to the next row (or None)."""

    label: str
    number: str
    kind: str
    x: float
    y: float
    width: float
    tie: float | None


def spark(days: Sequence[date], values: Sequence[float]) -> Spark | None:
    """Return a line from the first day to the last, scaled from 0 or the lowest value; None for fewer than 2 days.

    The axis begins at 0 unless all values lie within a tenth of each other, as counts of followers do.

    >>> spark([date(2026, 3, 1), date(2026, 3, 2)], [1.0, 2.0]).points
    '3.0,17.0 147.0,3.0'
    """
    if len(days) < 2:  # a line has two ends
        return None
    high, low = max(values), min(values)
    bottom = 0.0 if high <= 0 or low < 0.9 * high else low - (high - low or 1)
    whole, length = (high - bottom) or 1, (days[-1] - days[0]).days or 1
    width, height = SPARK_WIDTH - 2 * SPARK_MARGIN, SPARK_HEIGHT - 2 * SPARK_MARGIN
    places = [
        (
            round(SPARK_MARGIN + width * (day - days[0]).days / length, 1),
            round(SPARK_MARGIN + height * (1 - (value - bottom) / whole), 1),
        )
        for day, value in zip(days, values, strict=True)
    ]
    text = f"{days[0].day} {days[0]:%b}: {values[0]:,.0f}; {days[-1].day} {days[-1]:%b}: {values[-1]:,.0f}"
    return Spark(" ".join(f"{x},{y}" for x, y in places), *places[-1], text)


def waterfall(split: Mapping[str, Any]) -> tuple[Bar, ...]:
    """Return the bars of a row of `gain_split`: before, the three parts, and now; the whole counts add up.

    >>> row = {"metric": "saves", "before": 10.0, "now": 14.0, "from_number": 1.0, "from_mean": -2.0, "from_older": 5.0,
    ...     "pins_before": 2, "pins_now": 3, "mean_before": 2.0, "mean_now": 1.5}
    >>> [(bar.label, bar.number) for bar in waterfall(row)][1:3]
    [('Published: 2 → 3', '+1'), ('Per new pin: 2.0 → 1.5', '−2')]
    """
    parts = whole_parts(split)
    labels = {
        "from_number": f"Published: {split['pins_before']:,} → {split['pins_now']:,}",
        "from_mean": f"Per new pin: {_mean(split['mean_before'])} → {_mean(split['mean_now'])}",
        "from_older": "Older pins",
    }
    levels = [parts["before"]]
    for name in labels:
        levels.append(levels[-1] + parts[name])
    low, high = min(0, *levels), max(1, *levels)
    scale = (FALL_WIDTH - LABEL_WIDTH - NUMBER_WIDTH) / (high - low)

    def place(level: float) -> float:
        return round(LABEL_WIDTH + (level - low) * scale, 1)

    def bar(row: int, label: str, number: str, kind: str, ends: tuple[float, float], tie: float | None) -> Bar:
        first, last = sorted(ends)
        width = max(round(place(last) - place(first), 1), 1.0)
        return Bar(label, number, kind, place(first), 8 + row * STEP, width, None if tie is None else place(tie))

    bars = [bar(0, "Before", f"{parts['before']:,}", "whole", (0, levels[0]), levels[0])]
    for row, (name, label) in enumerate(labels.items(), 1):
        kind = "gain" if parts[name] >= 0 else "loss"
        bars.append(bar(row, label, signed_count(parts[name]), kind, (levels[row - 1], levels[row]), levels[row]))
    bars.append(bar(len(labels) + 1, "Now", f"{parts['now']:,}", "whole", (0, levels[-1]), None))
    return tuple(bars)


def _mean(value: float) -> str:
    return f"{value:,.1f}" if value < 1000 else f"{value:,.0f}"  # decimals say nothing there
