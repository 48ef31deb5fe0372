"""Charts of the days: what each gained, this period against the last, followers."""

from datetime import date, timedelta

import altair as alt
import polars as pl

from oneup_pinterest.questions.chart_style import BLUE, COLOURS, INK, Chart, count_text, day_axis, finished, inline

PROVISIONAL = "Hollow bars are provisional: Pinterest may still restate them."
LEAST_DAYS = 14  # fewer would be drawn as huge bars


def daily_gains_chart(gains: pl.DataFrame, metric: str, width: int | str = 640) -> Chart:
    """Bars of one metric's gain a day (counts), with the mean of 7 days as a line.

    `gains` is one account of `account_daily_gains`. Settled days are filled, days spread over a gap are pale,
    provisional days hollow, and the line leaves those out.

    >>> from datetime import date
    >>> gains = pl.DataFrame({"metric": "saves", "day": [date(2026, 3, 1)],
    ...     "gain": [3.0], "is_imputed": [False], "is_provisional": [False]})
    >>> daily_gains_chart(gains, "saves").to_dict()["description"]
    'Saves gained a day, 2026-03-01 to 2026-03-01.'
    """
    rows = gains.filter(pl.col("metric") == metric).with_columns(pl.col("day").cast(pl.Date))
    days = _all_days(rows["day"])
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
    colour, states = COLOURS.get(metric, BLUE), ["settled", "spread over a gap", "provisional"]
    x = day_axis(days, "Day")
    tooltip = [
        alt.Tooltip("shown:N", title="Day"),
        alt.Tooltip("gain:Q", title=f"{metric.capitalize()} gained", format=",.1~f"),
        alt.Tooltip("mean:Q", title="Mean of 7 days", format=",.1~f"),
        alt.Tooltip("state:N", title="State"),
    ]
    bars = (
        alt.Chart()
        .mark_bar(color=colour, stroke=colour, strokeWidth=1)
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
        line = alt.Chart().mark_line(color=INK, strokeWidth=2).encode(x=x, y="mean:Q")
        layers += [line, label.encode(x=alt.X("day:O", bandPosition=1), y="mean:Q")]
    chart = alt.layer(*layers, data=inline(rows.to_dicts()))
    known = gains.filter((pl.col("metric") == metric) & pl.col("gain").is_not_null())["day"]
    first, last = (str(day) if day else "no day" for day in (known.min(), known.max()))
    return finished(chart, f"{metric.capitalize()} gained a day, {first} to {last}.", width, 130)


def followers_chart(followers: pl.DataFrame, width: int | str = 640) -> Chart:
    """Followers of one account on the days they were seen, from `load_account_followers`; needs at least two days.

    The scale need not begin at zero, so that a change of a few followers can be seen; bars are not used for that
    reason.
    """
    rows = followers.filter(pl.col("total_followers").is_not_null()).sort("snapshot_date")
    days = _all_days(rows["snapshot_date"])
    values = rows.select(
        pl.col("snapshot_date").cast(pl.String).alias("day"),
        "total_followers",
        shown=pl.col("snapshot_date").dt.strftime("%a %d %b %Y"),
    ).to_dicts()
    x = day_axis(days, "Day of the sync")
    y = alt.Y(
        "total_followers:Q",
        title="Followers",
        scale=alt.Scale(zero=False, nice=True, domain=_domain(rows["total_followers"].to_list())),
        axis=alt.Axis(format=",d", tickMinStep=1, tickCount=4),
    )
    tooltip = [
        alt.Tooltip("shown:N", title="Day"),
        alt.Tooltip("total_followers:Q", title="Followers", format=",d"),
    ]
    line = (
        alt.Chart()
        .mark_line(color=BLUE, strokeWidth=2, point={"color": BLUE, "size": 16})
        .encode(x=x, y=y, tooltip=tooltip)
    )
    label = (
        alt.Chart(inline(values[-1:]))
        .mark_text(color=INK, align="left", dx=7, fontSize=12, fontWeight="bold")
        .encode(x="day:O", y=y, text=alt.Text("total_followers:Q", format=",d"))
    )
    first_count, last_count = (values[0], values[-1]) if values else ({}, {})
    description = (
        f"Followers: {count_text(first_count.get('total_followers'))} on {first_count.get('day', 'no day')}, "
        f"{count_text(last_count.get('total_followers'))} on {last_count.get('day', 'no day')}."
    )
    return finished(alt.layer(line, label, data=inline(values)), description, width, 150)


def _all_days(days: pl.Series) -> list[str]:
    """Every day up to the last as ISO text, at least two weeks of them: a day that is not known leaves a gap."""
    first, last = days.min(), days.max()
    if not isinstance(first, date) or not isinstance(last, date):
        return []
    length = max((last - first).days + 1, LEAST_DAYS)
    return [str(last - timedelta(days=back)) for back in range(length - 1, -1, -1)]


def _domain(counts: list[int]) -> list[int]:
    """From the least to the most, and at least four apart, so that ticks are whole numbers."""
    least, most = min(counts, default=0), max(counts, default=0)
    room = max(0, 4 - (most - least))
    return [max(0, least - room // 2), most + room - room // 2]
