"""Draw movers: the expected and the actual gain of each pin."""

import altair as alt
import polars as pl

from oneup_pinterest.formatting import truncate
from oneup_pinterest.questions.chart_style import BLUE, INK, ORANGE, WIDTH, Chart, count_text, finished, inline

SHOWN = 8
TEXT_LENGTH = 30  # characters that fit on a phone, with the verdict after them
WORDS = {"more": "▲ more", "less": "▼ less", "as expected": "= as expected", "no verdict": "? no verdict"}
_ROW = 42  # pixels per pin: a line of text above its dots


def movers_chart(movers: pl.DataFrame, metric: str = "saves", *, width: int | str = WIDTH) -> Chart:
    """Draw a line per pin from its expected gain (ring) to its gain in 7 days (dot), in counts.

    `movers` has the rows of one account from `pin_movers`, in the order to draw; at most 8 are drawn. Above each line
    are the pin's verdict and text; the pale bar holds 95% of such pins.

    >>> movers = pl.DataFrame({"id": ["1"], "text": ["Soup"], "age": [60], "gain": [50.0], "expected": [10.0],
    ...     "low": [4.0], "high": [18.0], "ratio": [5.0], "verdict": ["more"]})
    >>> movers_chart(movers).to_dict()["description"]
    'Saves gained in 7 days against what was expected. Soup: 50 against 10, more.'
    """
    shown = movers.filter(pl.col("expected").is_not_null()).head(SHOWN)
    rows = [
        {**row, "place": place, "pin": pin, "zero": 0, "label": f"{WORDS[row['verdict']]} · {pin}"}
        for place, row in enumerate(
            shown.select(
                "id", "text", "age", "verdict", pl.col("gain", "expected", "low", "high", "ratio").round(1)
            ).iter_rows(named=True)
        )
        for pin in [truncate(row["text"], TEXT_LENGTH) or row["id"]]
    ]
    name = metric.capitalize()
    most = max((max(row["gain"], row["high"]) for row in rows), default=1)
    scale = alt.Scale(domain=[0, max(most * 1.04, 1)], nice=False)

    def across(field: str) -> alt.X:
        axis = alt.Axis(format=",~f", tickCount=4, tickMinStep=1)
        return alt.X(f"{field}:Q", title=f"{name} in 7 days (ring: expected, dot: gained)", scale=scale, axis=axis)

    y = alt.Y("place:O", title="Pin", axis=alt.Axis(labels=False, ticks=False, domain=False))
    color = alt.Color("verdict:N", legend=None, scale=alt.Scale(domain=list(WORDS), range=[BLUE, ORANGE, INK, INK]))
    tooltip = [
        alt.Tooltip("pin:N", title="Pin"),
        alt.Tooltip("gain:Q", title=f"{name} in 7 days", format=",.1~f"),
        alt.Tooltip("expected:Q", title="Expected", format=",.1~f"),
        alt.Tooltip("ratio:Q", title="Times as many", format=",.1~f"),
        alt.Tooltip("age:Q", title="Age (days)"),
        alt.Tooltip("verdict:N", title="Verdict"),
    ]
    base = alt.Chart().encode(y=y, tooltip=tooltip)
    layers = [
        base.mark_bar(color="#E6E6E6", height=9, yOffset=8).encode(x=across("low"), x2=alt.X2("high:Q")),
        base.mark_rule(strokeWidth=2, yOffset=8).encode(x=across("expected"), x2=alt.X2("gain:Q"), color=color),
        base.mark_point(size=60, filled=False, strokeWidth=2, fill="white", yOffset=8).encode(
            x=across("expected"), color=color
        ),
        base.mark_point(size=75, filled=True, opacity=1, yOffset=8).encode(x=across("gain"), color=color),
        base.mark_text(color=INK, align="left", baseline="middle", fontSize=11, dx=2, yOffset=-9).encode(
            x=across("zero"), text=alt.Text("label:N")
        ),
    ]
    summary = "; ".join(
        f"{row['pin']}: {count_text(row['gain'])} against {count_text(row['expected'])}, {row['verdict']}"
        for row in rows
    )
    description = f"{name} gained in 7 days against what was expected. {summary or 'No pins'}."
    return finished(alt.layer(*layers, data=inline(rows)), description, width, _ROW * max(len(rows), 1))
