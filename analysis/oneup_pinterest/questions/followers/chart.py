"""Draw followers: daily changes, gains per 1,000 followers, and effort against results."""

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
    all_days,
    count_text,
    day_axis,
    finished,
    inline,
    week_axis,
    week_text,
    week_tooltip,
)

_HEIGHT = 150


def follower_changes_chart(changes: pl.DataFrame, *, width: int | str = WIDTH) -> Chart:
    """Draw bars of the net change of followers on each day (counts), up for won and down for lost; gaps are pale.

    `changes` has the rows of one account from `follower_changes`.

    >>> from datetime import date
    >>> changes = pl.DataFrame({"day": [date(2026, 3, 1)], "change": [-2.0], "is_imputed": [False]})
    >>> follower_changes_chart(changes).to_dict()["description"]
    'Net change of followers a day, 1 Mar 2026 to 1 Mar 2026: -2 in total.'
    """
    rows = changes.sort("day").select(
        pl.col("day").cast(pl.String),
        pl.col("change").round(1),
        shown=pl.col("day").dt.strftime("%a %d %b %Y"),
        state=pl.when("is_imputed").then(pl.lit("spread over a gap")).otherwise(pl.lit("counted")),
        sign=pl.when(pl.col("change") < 0).then(pl.lit("lost")).otherwise(pl.lit("won")),
    )
    opacity = alt.Scale(type="ordinal", domain=["counted", "spread over a gap"], range=[0.75, 0.3])
    bars = (
        alt.Chart(inline(rows.to_dicts()))
        .mark_bar()
        .encode(
            x=day_axis(rows["day"].to_list(), "Day"),
            y=alt.Y(
                "change:Q",
                title="Net change of followers a day",
                axis=alt.Axis(format="+,d", tickCount=4, labelExpr="datum.value % 1 ? '' : datum.label"),
            ),
            color=alt.Color("sign:N", legend=None, scale=alt.Scale(domain=["won", "lost"], range=[BLUE, ORANGE])),
            fillOpacity=alt.FillOpacity("state:O", scale=opacity, legend=None),
            tooltip=[
                alt.Tooltip("shown:N", title="Day"),
                alt.Tooltip("change:Q", title="Net change of followers", format="+,.1~f"),
                alt.Tooltip("state:N", title="State"),
            ],
        )
    )
    zero = alt.Chart(inline([{"zero": 0}])).mark_rule(color="#C8C8C8").encode(y=alt.Y("zero:Q"))
    days = changes["day"].sort()
    span = f"{format_day(days[0])} to {format_day(days[-1])}" if days.len() else "no days"
    description = f"Net change of followers a day, {span}: {changes['change'].sum():+,.0f} in total."
    return finished(alt.layer(bars, zero), description, width, _HEIGHT)


def gains_per_thousand_chart(weeks: pl.DataFrame, metric: str = "saves", *, width: int | str = WIDTH) -> Chart:
    """Draw a point per week with its gain per 1,000 followers; a line joins neighboring weeks.

    `weeks` has the rows of one account from `gains_per_thousand`.

    >>> from datetime import date
    >>> weeks = pl.DataFrame({"first_day": [date(2026, 3, 1)], "last_day": [date(2026, 3, 7)], "gain": [21.0],
    ...     "followers": [2000.0], "per_thousand": [10.5]})
    >>> gains_per_thousand_chart(weeks).to_dict()["description"]
    'Saves per 1,000 followers a week, 1 weeks: 10.5 in the last.'
    """
    weeks = weeks.filter(pl.col("per_thousand").is_not_null()).sort("first_day")
    rows = weeks.select(
        pl.col("first_day").cast(pl.String).alias("week"),
        pl.col("gain", "followers").round(0),
        pl.col("per_thousand").round(2),
        part=(pl.col("first_day").diff().dt.total_days() > 7).fill_null(False).cum_sum(),
        shown=week_text("first_day"),
    ).to_dicts()
    name, color = metric.capitalize(), COLORS.get(metric, BLUE)
    line = (
        alt.Chart(inline(rows))
        .mark_line(color=color, strokeWidth=2, point={"color": color, "size": 45})
        .encode(
            x=week_axis([row["week"] for row in rows]),
            y=alt.Y(
                "per_thousand:Q",
                title=[f"{name} a week", "per 1,000 followers"],
                scale=alt.Scale(zero=True, nice=True),
                axis=alt.Axis(format=",~f", tickCount=4),
            ),
            detail=alt.Detail("part:N"),
            tooltip=[
                week_tooltip(),
                alt.Tooltip("per_thousand:Q", title=f"{name} per 1,000 followers", format=",.2~f"),
                alt.Tooltip("gain:Q", title=f"{name} in the week", format=",.0f"),
                alt.Tooltip("followers:Q", title="Followers", format=",.0f"),
            ],
        )
    )
    last = f"{rows[-1]['per_thousand']:,.1f} in the last" if rows else "none known"
    return finished(line, f"{name} per 1,000 followers a week, {len(rows)} weeks: {last}.", width, _HEIGHT)


def effort_chart(weeks: pl.DataFrame, metric: str = "saves", *, width: int | str = WIDTH) -> Chart:
    """Draw a dot per week: pins published in it against the gain (count) of earlier pins in the week after.

    `weeks` has the rows of one account from `weekly_effort`; each dot is labeled with the Monday of its week.

    >>> from datetime import date
    >>> weeks = pl.DataFrame({"week": [date(2026, 3, 2)], "published": [4], "of_new": [1.0], "of_others": [9.0],
    ...     "others_next_week": [8.0]})
    >>> effort_chart(weeks).to_dict()["description"]
    'Pins published in a week against saves that the other pins gained in the week after: 1 weeks.'
    """
    known = weeks.filter(pl.col("others_next_week").is_not_null()).sort("week")
    columns = known.select(
        "week", "published", pl.col("of_new", "of_others", "others_next_week").round(1), shown=week_text("week")
    )
    sides = _free_sides(known["published"].to_list(), known["others_next_week"].to_list())
    rows = [
        {**row, "week": str(row["week"]), "label": f"{row['week'].day} {row['week']:%b}", "side": side}
        for row, side in zip(columns.iter_rows(named=True), sides, strict=True)
    ]
    name = metric.capitalize()
    most = max((row["published"] for row in rows), default=0)
    least = min((row["published"] for row in rows), default=0)
    base = alt.Chart(inline(rows)).encode(
        x=alt.X(
            "published:Q",
            title="Pins published in the week",
            scale=alt.Scale(domain=[max(least - 1, 0), most + max(0.12 * (most - least), 1)], nice=False),
            axis=alt.Axis(format=",d", tickMinStep=1, tickCount=6),
        ),
        y=alt.Y(
            "others_next_week:Q",
            title=[f"{name} that the other pins", "gained in the week after"],
            scale=alt.Scale(zero=False, nice=True, padding=14),
            axis=alt.Axis(format=",~f", tickCount=4),
        ),
        tooltip=[
            week_tooltip(),
            alt.Tooltip("published:Q", title="Pins published"),
            alt.Tooltip("of_new:Q", title=f"{name} of these in the week", format=",.0f"),
            alt.Tooltip("of_others:Q", title=f"{name} of the others in the week", format=",.0f"),
            alt.Tooltip("others_next_week:Q", title=f"{name} of the others in the week after", format=",.0f"),
        ],
    )
    dots = base.mark_point(filled=True, opacity=0.85, size=60, color=COLORS.get(metric, BLUE))
    labels = [
        alt.Chart(inline([row for row in rows if row["side"] == side]))
        .mark_text(
            color=INK, align="left" if side == "right" else "right", dx=6 if side == "right" else -6, fontSize=10
        )
        .encode(x=base.encoding.x, y=base.encoding.y, text=alt.Text("label:N"))
        for side in ("right", "left")
    ]
    description = (
        f"Pins published in a week against {metric} that the other pins gained in the week after: {len(rows)} weeks."
    )
    return finished(alt.layer(dots, *labels), description, width, 240)


def _free_sides(across: list[float], up: list[float]) -> list[str]:
    """Return the side of each dot on which its label overlaps no other dot or label; `none` if there is no room.

    >>> _free_sides([1, 2, 9], [5, 5, 5])
    ['left', 'right', 'right']
    """
    wide, high = (max(max(values, default=0) - min(values, default=0), 1) for values in (across, up))
    points = [(x / wide, y / high) for x, y in zip(across, up, strict=True)]
    # on a phone, a label is about a fifth of the chart wide and one line high
    taken: list[tuple[float, float, float]] = [(x - 0.02, x + 0.02, y) for x, y in points]
    sides = []
    for x, y in points:
        for side, first, last in (("right", x + 0.03, x + 0.2), ("left", x - 0.2, x - 0.03)):
            if not any(first < right and left < last and abs(y - other) < 0.06 for left, right, other in taken):
                taken.append((first, last, y))
                sides.append(side)
                break
        else:
            sides.append("none")
    return sides


def followers_chart(followers: pl.DataFrame, width: int | str = 640) -> Chart:
    """Draw followers of one account on the days they were seen, from `load_account_followers`; needs at least two days.

    The scale need not begin at zero, so that a change of a few followers can be seen; bars are not used for that
    reason.
    """
    rows = followers.filter(pl.col("total_followers").is_not_null()).sort("snapshot_date")
    days = all_days(rows["snapshot_date"])
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
        .encode(x=alt.X("day:O"), y=y, text=alt.Text("total_followers:Q", format=",d"))
    )
    first_count, last_count = (values[0], values[-1]) if values else ({}, {})
    description = (
        f"Followers: {count_text(first_count.get('total_followers'))} on {first_count.get('day', 'no day')}, "
        f"{count_text(last_count.get('total_followers'))} on {last_count.get('day', 'no day')}."
    )
    return finished(alt.layer(line, label, data=inline(values)), description, width, 150)


def _domain(counts: list[int]) -> list[int]:
    """Return the minimum and maximum, at least four apart, so that ticks are whole numbers."""
    least, most = min(counts, default=0), max(counts, default=0)
    room = max(0, 4 - (most - least))
    return [max(0, least - room // 2), most + room - room // 2]
