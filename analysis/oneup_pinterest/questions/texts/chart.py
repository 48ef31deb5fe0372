"""Draw texts: pins with a feature against pins without it, and the words that go with more or less."""

import altair as alt
import polars as pl

from oneup_pinterest.methods.verdicts import LESS, MORE
from oneup_pinterest.questions.chart_style import (
    BLUE,
    COLORS,
    FAINT,
    INK,
    WIDTH,
    Chart,
    axis_label,
    finished,
    inline,
    times_axis,
    times_scale,
)

MAX_OF_A_SIDE = 8
_SHORT = {
    "longer than the account's median": "long text",
    "calls to act (save, shop, try …)": "call to act",
    "has an exclamation mark": "exclamation mark",
    "has a price or a percentage": "price or percent",
    "names a season or feast": "season or feast",
    "is mostly in capitals": "mostly capitals",
}  # short enough to fit beside a chart on a phone


def features_chart(effects: pl.DataFrame, metric: str, width: int | str = WIDTH) -> Chart:
    """Draw each text feature: the ratio of pins with it to pins without it, with its 95% interval.

    Dots are filled if the ratio is beyond chance. `effects` has the rows of one account from `text_effects`. Features
    without a ratio are left out; the largest ratio is on top.

    >>> effects = pl.DataFrame({"feature": ["has a number"], "ratio": [1.4], "low": [1.1], "high": [1.8],
    ...     "verdict": ["more"], "pins_with": [30], "pins_without": [60]})
    >>> features_chart(effects, "saves").to_dict()["description"]
    'Saves after 7 days of pins with a feature in their text over those without, in times: number 1.4 (1.1 to 1.8).'
    """
    rows = [
        {
            "feature": _SHORT.get(row["feature"], row["feature"].split(" a ")[-1].split(" an ")[-1]),
            "whole": row["feature"],
            "ratio": round(row["ratio"], 3),
            "low": round(row["low"], 3),
            "high": round(row["high"], 3),
            "said": row["verdict"],
            "pins": f"{row['pins_with']:,} with, {row['pins_without']:,} without",
        }
        for row in effects.drop_nulls("ratio").sort("ratio", "feature", descending=[True, False]).iter_rows(named=True)
    ]
    scale = times_scale([row[end] for row in rows for end in ("low", "high")])
    y = alt.Y(
        "feature:N",
        title=None,
        sort=None,
        axis=alt.Axis(labelLimit=130, labelColor=INK, ticks=False),
        scale=alt.Scale(domain=[row["feature"] for row in rows]),
    )
    x = alt.X("low:Q", title=f"Times the {metric} after 7 days (log scale)", scale=scale, axis=times_axis(scale))
    tooltip = [
        alt.Tooltip("whole:N", title="Text"),
        alt.Tooltip("ratio:Q", title="Times", format=".2f"),
        alt.Tooltip("low:Q", title="95% from", format=".2f"),
        alt.Tooltip("high:Q", title="95% to", format=".2f"),
        alt.Tooltip("pins:N", title="Pins"),
        alt.Tooltip("said:N", title="Verdict"),
    ]
    color = COLORS.get(metric, BLUE)
    layers = [
        alt.Chart(inline([{"low": 1}])).mark_rule(color=FAINT, strokeDash=[3, 3]).encode(x=x),
        alt.Chart().mark_rule(color=color, strokeWidth=2).encode(x=x, x2=alt.X2("high:Q"), y=y, tooltip=tooltip),
    ]
    for is_sure in (False, True):
        part = [row for row in rows if (row["said"] in ("more", "less")) == is_sure]
        dots = alt.Chart(inline(part)).mark_point(
            color=color, fill=color if is_sure else "white", size=70, opacity=1, strokeWidth=1.5
        )
        layers.append(dots.encode(x=alt.X("ratio:Q"), y=y, tooltip=tooltip))
    summary = "; ".join(
        f"{row['feature']} {row['ratio']:.1f} ({row['low']:.1f} to {row['high']:.1f})" for row in rows[:3]
    )
    description = (
        f"{metric.capitalize()} after 7 days of pins with a feature in their text over those without, in times: "
        f"{summary or 'none'}."
    )
    return finished(alt.layer(*layers, data=inline(rows)), description, width, 30 + 22 * max(len(rows), 1))


def words_chart(contrasts: pl.DataFrame, metric: str, width: int | str = WIDTH) -> Chart:
    """Draw the words that go with more (right) and with less (left), in standard errors.

    `contrasts` has the rows of one account from `word_contrasts`. At most 8 words per side are drawn; they are filled
    if beyond chance.

    >>> contrasts = pl.DataFrame({"word": ["plum"], "z": [4.2], "pins": [40], "ratio": [1.6], "verdict": ["more"]})
    >>> words_chart(contrasts, "saves").to_dict()["description"]
    'Words that go with more or fewer saves: most plum; least none.'
    """
    ordered = contrasts.sort("z", "word", descending=[True, False])
    more, less = ordered.filter(pl.col("z") > 0), ordered.filter(pl.col("z") < 0)
    shown = pl.concat([more.head(MAX_OF_A_SIDE), less.tail(MAX_OF_A_SIDE)])
    rows = [
        {
            "place": place,
            "word": axis_label(row["word"], 22) or "?",
            "z": round(row["z"], 2),
            "zero": 0,
            "pins": row["pins"],
            "ratio": None if row["ratio"] is None else round(row["ratio"], 2),
            "said": row["verdict"],
        }
        for place, row in enumerate(shown.iter_rows(named=True))
    ]
    far = max([abs(row["z"]) for row in rows] + [3.0])
    y = alt.Y("place:O", axis=None)  # truncated words may look alike, so each has its own place
    x = alt.X(
        "z:Q",
        title=f"← fewer {metric}: deviations of chance: more {metric} →",
        scale=alt.Scale(domain=[-1.75 * far, 1.75 * far]),
        axis=alt.Axis(tickCount=5),
    )
    tooltip = [
        alt.Tooltip("word:N", title="Word"),
        alt.Tooltip("z:Q", title="Deviations of chance", format="+.1f"),
        alt.Tooltip("pins:Q", title="Pins with it", format=","),
        alt.Tooltip("ratio:Q", title="With over without (times)", format=".2f"),
        alt.Tooltip("said:N", title="Verdict"),
    ]
    color = COLORS.get(metric, BLUE)
    layers = [
        alt.Chart(inline([{"z": 0}])).mark_rule(color=FAINT).encode(x=x),
        alt.Chart().mark_rule(color=color, strokeWidth=2).encode(x=x, x2=alt.X2("zero:Q"), y=y, tooltip=tooltip),
    ]
    for is_sure in (False, True):
        part = [row for row in rows if (row["said"] in (MORE, LESS)) == is_sure]
        dots = alt.Chart(inline(part)).mark_point(
            color=color, fill=color if is_sure else "white", size=60, opacity=1, strokeWidth=1.5
        )
        layers.append(dots.encode(x=x, y=y, tooltip=tooltip))
    for sign in (1, -1):
        part = [row for row in rows if row["z"] * sign > 0]
        text = alt.Chart(inline(part)).mark_text(
            color=INK, align="left" if sign > 0 else "right", dx=8 * sign, fontSize=11, limit=110
        )
        layers.append(text.encode(x=x, y=y, text=alt.Text("word:N")))
    most = ", ".join(row["word"] for row in rows[:3] if row["z"] > 0) or "none"
    least = ", ".join(row["word"] for row in rows[::-1][:3] if row["z"] < 0) or "none"
    description = f"Words that go with more or fewer {metric}: most {most}; least {least}."
    return finished(alt.layer(*layers, data=inline(rows)), description, width, 20 + 19 * max(len(rows), 1))
