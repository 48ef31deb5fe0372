"""Draw whole accounts: now against before, what each day gained, accounts side by side."""

from typing import Any

import altair as alt
import polars as pl

from oneup_pinterest.questions.chart_style import (
    BLUE,
    COLORS,
    INK,
    WIDTH,
    Chart,
    all_days,
    axis_label,
    count_text,
    day_axis,
    finished,
    inline,
)
from oneup_pinterest.questions.interval_chart import SIGNS, interval_row, intervals

PROVISIONAL = "Hollow bars are provisional: Pinterest may still restate them."
ACCOUNTS_SHOWN = 15  # more rows do not fit a screen


def accounts_chart(accounts: pl.DataFrame, names: dict[str, str] | None = None, width: int | str = WIDTH) -> Chart:
    """Draw the change of the typical pin (percent) of several accounts, each with its 95% interval and verdict.

    `accounts` has the rows of one metric from `accounts_side_by_side`; at most the ACCOUNTS_SHOWN accounts with the
    largest gains are drawn, in that order. `names` has the names for people per social_network_id.
    """
    known = accounts.drop_nulls("change").sort("now", "social_network_id", descending=[True, False])
    ids = known["social_network_id"].head(ACCOUNTS_SHOWN).to_list()
    labels = [axis_label((names or {}).get(account), 34) or axis_label(account, 34) for account in ids]
    labels = [label if labels.count(label) == 1 else account for label, account in zip(labels, ids, strict=True)]
    rows = [interval_row(*pair) for pair in zip(labels, known.head(ACCOUNTS_SHOWN).iter_rows(named=True), strict=True)]
    described = "; ".join(f"{row['name']} {row['summary']}, {row['verdict']}" for row in rows) or "nothing to compare"
    chart = intervals(rows, "Change of the typical pin (log scale)")
    return finished(
        chart, f"Change of the typical pin with 95% interval per account: {described}.", width, 46 * max(len(rows), 1)
    )


def now_and_before_chart(totals: pl.DataFrame, width: int | str = WIDTH) -> Chart:
    """Draw each metric now (filled) and before (hollow), joined by a line.

    `totals` has the columns metric, now, before (counts) and optionally verdict. Metrics differ by orders of magnitude,
    so each has its own scale: the larger of the two is 100 percent.

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
        summary = f"{SIGNS[verdict]} {verdict}, " if verdict else ""
        name = row["metric"].capitalize()
        words.append(f"{name} {summary}{count_text(now)} from {count_text(before)}")
        shares = [None if value is None else value / larger * 100 for value in (now, before)]
        state = " (provisional)" if row.get("is_provisional") else ""
        shown = f"{summary}{count_text(now)} now{state}, {count_text(before)} before"
        rows.append({"metric": name, "now": shares[0], "before": shares[1], "shown": shown})
    y = alt.Y("metric:N", title=None, sort=None, axis=alt.Axis(labelFontSize=12, labelLimit=110, ticks=False))
    axis = alt.Axis(values=[0, 25, 50, 75, 100], format="d")
    x = alt.X("before:Q", title="Percent of the larger of the two", scale=alt.Scale(domain=[0, 104]), axis=axis)
    tooltip = [alt.Tooltip("metric:N", title="Metric"), alt.Tooltip("shown:N", title="Count")]
    base = alt.Chart().encode(y=y, tooltip=tooltip)
    layers = [
        base.mark_rule(color=INK, strokeWidth=2).encode(x=x, x2=alt.X2("now:Q")),
        base.mark_point(color=BLUE, filled=False, fill="white", size=110, strokeWidth=2, opacity=1).encode(x=x),
        base.mark_point(color=BLUE, filled=True, size=120, opacity=1).encode(x=alt.X("now:Q")),
        base.mark_text(color=INK, align="left", dx=3, dy=-13, fontSize=11, limit=250).encode(
            x=alt.datum(0), text=alt.Text("shown:N")
        ),
    ]
    chart = alt.layer(*layers, data=inline(rows))
    return finished(chart, f"Now and before: {'; '.join(words) or 'nothing'}.", width, 46 * max(len(rows), 1))


def daily_gains_chart(gains: pl.DataFrame, metric: str, width: int | str = 640) -> Chart:
    """Draw a bar per day with the gain (count) of one metric, and the mean of 7 days as a line.

    `gains` has the rows of one account from `account_daily_gains`. Settled days are filled, days spread over a gap are
    pale, and provisional days hollow. The line leaves provisional days out.

    >>> from datetime import date
    >>> gains = pl.DataFrame({"metric": "saves", "day": [date(2026, 3, 1)],
    ...     "gain": [3.0], "is_imputed": [False], "is_provisional": [False]})
    >>> daily_gains_chart(gains, "saves").to_dict()["description"]
    'Saves gained a day, 2026-03-01 to 2026-03-01.'
    """
    rows = gains.filter(pl.col("metric") == metric).with_columns(pl.col("day").cast(pl.Date))
    days = all_days(rows["day"])
    every_day = pl.DataFrame({"day": days}, schema={"day": pl.String}).select(pl.col("day").str.to_date())
    rows = every_day.join(rows, on="day", how="left", maintain_order="left").select(  # so that 7 rows are 7 days
        pl.col("day").cast(pl.String),
        pl.col("gain").round(1),
        shown=pl.col("day").dt.strftime("%a %d %b %Y"),
        state=pl.when("is_provisional")
        .then(pl.lit("provisional"))
        .when("is_imputed")
        .then(pl.lit("spread over a gap"))
        .otherwise(pl.lit("settled")),
        mean=pl.when(~pl.col("is_provisional")).then(pl.col("gain").rolling_mean(7)).round(1),
    )
    color, states = COLORS.get(metric, BLUE), ["settled", "spread over a gap", "provisional"]
    x = day_axis(days, "Day")
    tooltip = [
        alt.Tooltip("shown:N", title="Day"),
        alt.Tooltip("gain:Q", title=f"{metric.capitalize()} gained", format=",.1~f"),
        alt.Tooltip("mean:Q", title="Mean of 7 days", format=",.1~f"),
        alt.Tooltip("state:N", title="State"),
    ]
    bars = (
        alt.Chart()
        .mark_bar(color=color, stroke=color, strokeWidth=1)
        .encode(
            x=x,
            y=alt.Y(
                "gain:Q",
                title=f"{metric.capitalize()} a day",
                axis=alt.Axis(format=",~f", tickMinStep=1, tickCount=4),
            ),
            fillOpacity=alt.FillOpacity(
                "state:O", scale=alt.Scale(type="ordinal", domain=states, range=[0.6, 0.25, 0]), legend=None
            ),
            tooltip=tooltip,
        )
    )
    layers = [bars]
    if means := rows.drop_nulls("mean").tail(1).to_dicts():
        end = [{"day": days[-1], "mean": means[0]["mean"]}]
        label = alt.Chart(inline(end)).mark_text(
            color=INK, align="left", baseline="middle", dx=6, fontSize=11, lineBreak="|", text="mean of|7 days"
        )
        line = alt.Chart().mark_line(color=INK, strokeWidth=2).encode(x=x, y=alt.Y("mean:Q"))
        layers += [line, label.encode(x=alt.X("day:O", bandPosition=1), y=alt.Y("mean:Q"))]
    chart = alt.layer(*layers, data=inline(rows.to_dicts()))
    known = gains.filter((pl.col("metric") == metric) & pl.col("gain").is_not_null())["day"]
    first, last = (str(day) if day else "no day" for day in (known.min(), known.max()))
    return finished(chart, f"{metric.capitalize()} gained a day, {first} to {last}.", width, 130)
