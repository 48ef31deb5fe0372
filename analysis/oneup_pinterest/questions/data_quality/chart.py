"""Draw the data themselves: on which days there was a sync, and how many pins it saw."""

from datetime import date, timedelta
from typing import Any

import altair as alt
import polars as pl

from oneup_pinterest.questions.chart_style import INK, SEQUENTIAL, Chart, finished, inline, week_axis

WEEKS_SHOWN = 26  # more columns are too narrow on a phone
MIN_WEEKS = 8
WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_ROW = 22  # pixels


def sync_calendar_chart(coverage: pl.DataFrame, width: int | str = 640) -> Chart:
    """Draw the last 26 weeks: a square per day, darker if fewer pins were seen, with a cross without a sync.

    `coverage` has the rows of one account from `oneup_pinterest.quality.checks.snapshots.snapshot_coverage`.

    >>> coverage = pl.DataFrame({"day": [date(2026, 3, 1), date(2026, 3, 2)], "is_synced": [True, False],
    ...     "pins": [12, None]})
    >>> sync_calendar_chart(coverage).to_dict()["description"]
    'Syncs from 2026-03-01 to 2026-03-02: 1 of 2 days have a snapshot, with 12 to 12 pins.'
    """
    last = coverage["day"].max()
    monday = last - timedelta(days=last.weekday(), weeks=WEEKS_SHOWN - 1) if isinstance(last, date) else None
    shown = coverage.filter(pl.col("day") >= pl.lit(monday, pl.Date)) if monday else coverage
    rows = shown.select(
        week=pl.col("day").dt.truncate("1w").cast(pl.String),
        weekday=pl.col("day").dt.weekday().replace_strict(dict(enumerate(WEEKDAYS, 1)), return_dtype=pl.String),
        shown=pl.col("day").dt.strftime("%a %d %b %Y"),
        pins="pins",
        state=pl.when("is_synced").then(pl.lit("synced")).otherwise(pl.lit("no sync")),
    )
    synced, missed = (rows.filter(pl.col("state") == state).to_dicts() for state in ("synced", "no sync"))
    weeks = rows["week"].unique().sort().to_list()
    if weeks:  # with few weeks, squares would become bars
        before = range(MIN_WEEKS - len(weeks), 0, -1)
        weeks = [*(str(date.fromisoformat(weeks[0]) - timedelta(weeks=back)) for back in before), *weeks]
    x = week_axis(weeks, " (× is no sync)" if missed else "")
    y = alt.Y("weekday:O", title="Day of the sync", scale=alt.Scale(domain=list(WEEKDAYS)))
    tooltip = [
        alt.Tooltip("shown:N", title="Day"),
        alt.Tooltip("state:N", title="State"),
        alt.Tooltip("pins:Q", title="Pins seen", format=",d"),
    ]
    scale: Any = alt.Scale(scheme=SEQUENTIAL, domainMin=0)  # type: ignore[arg-type] # a name from style.py
    pins = alt.Color(
        "pins:Q",
        title="Pins seen",
        scale=scale,
        legend=alt.Legend(orient="top", gradientLength=140, gradientThickness=10, tickCount=3, format=",d"),
    )
    layers: list[alt.Chart] = [
        alt.Chart(inline(synced)).mark_rect(stroke="white").encode(x=x, y=y, color=pins, tooltip=tooltip)
    ]
    if missed:
        crosses = alt.Chart(inline(missed)).mark_text(color=INK, fontSize=13, fontWeight="bold", text="×")
        layers.append(crosses.encode(x=x, y=y, tooltip=tooltip))
    counts = sorted(coverage["pins"].drop_nulls().to_list())
    numbers = f", with {counts[0]:,} to {counts[-1]:,} pins" if counts else ""
    days = coverage["day"].cast(pl.String).sort().to_list() or ["no day"]
    have = f"{len(counts)} of {coverage.height} days have a snapshot"
    description = f"Syncs from {days[0]} to {days[-1]}: {have}{numbers}."
    return finished(alt.layer(*layers), description, width, _ROW * len(WEEKDAYS))
