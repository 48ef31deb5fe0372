"""Define what all charts share: colors, fonts, axes of days, and display in JupyterLab without a network."""

import base64
import json
import math
from collections.abc import Sequence
from contextlib import AbstractContextManager
from datetime import date, timedelta
from functools import cache
from typing import Any, ClassVar

import altair as alt
import polars as pl
import vl_convert
from altair.utils.schemapi import debug_mode

from oneup_pinterest.formatting import WEEK_OF, truncate

VEGALITE = "6.4"  # the version of vl_convert that matches Altair 6
# Okabe and Ito's colors, which color-blind people can tell apart (https://jfly.uni-koeln.de/color/)
BLUE, ORANGE, VERMILLION = "#0072B2", "#E69F00", "#D55E00"
GREEN, PINK = "#009E73", "#CC79A7"
INK, FAINT = "#333333", "#767676"
COLORS = {"saves": BLUE, "repins": VERMILLION, "clicks": GREEN, "impressions": ORANGE, "comments": PINK}
SEQUENTIAL = "viridis"
DIVERGING = (ORANGE, "#F2F2F2", BLUE)  # less, as expected, more
WIDTH = 640  # pixels; the report says "container"
Chart = alt.Chart | alt.LayerChart
PER = 1_000  # impressions: rates of pins are some units of this
MIN_DIFFERENCE = 0.5  # counts: a difference of at most half a count is shown as none
MIN_DAYS = 14  # fewer would become huge bars
MIN_REACH = 2.0  # ratio that an axis of ratios covers at least to either side, so that small effects look small
_FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', sans-serif"
# Altair 6 writes Vega-Lite 6, JupyterLab 4.6 draws Vega-Lite 5.6; our charts use only what both have
_JUPYTER_SCHEMA = "https://vega.github.io/schema/vega-lite/v5.json"
_JUPYTER_MIME = "application/vnd.vegalite.v5+json"
# JupyterLab's dark theme draws text without a color in white, and our charts have a white background
_DARK_ENOUGH = {
    "style": {"guide-label": {"fill": FAINT}, "guide-title": {"fill": FAINT}},
    "title": {"color": INK, "subtitleColor": FAINT},
}
# No link to the Vega editor: it would send the data to another site
_MENU = {"export": True, "source": False, "compiled": False, "editor": False}
_PNG_SCALE = 1.5  # sharp on most screens; the picture is shown at the size of the chart


def register_renderer() -> None:
    """Show charts in JupyterLab, in a notebook that was only opened, and in its HTML, all without a network.

    Each chart becomes a Vega-Lite 5 output and a PNG. Altair's own renderers need a CDN, or Vega-Lite 6, which
    JupyterLab does not have.

    >>> register_renderer()
    >>> alt.renderers.active
    'oneup_pinterest'
    """
    alt.renderers.register("oneup_pinterest", _offline_output)
    alt.renderers.enable("oneup_pinterest")


def finished(chart: Any, description: str, width: int | str, height: int) -> Chart:
    """Return a new chart with its size (pixels) and its description for screen readers.

    They are set in place: `properties` would copy all layers twice.
    """
    chart.description, chart.width, chart.height = description, width, height
    described: Chart = chart
    return described


def unvalidated() -> AbstractContextManager[None]:
    """Build charts without Altair's validation in this block: it takes half of the time, and tests do it.

    Charts name channels by class for the same reason: `text="label:N"` takes a hundred times `alt.Text("label:N")`.
    """
    return debug_mode(arg=False)


@cache
def vega_bundle() -> str:
    """Return Vega, Vega-Lite and Vega-Embed as one script, safe inside a script element. Takes a second once."""
    bundle = str(vl_convert.javascript_bundle(vl_version=VEGALITE))  # type: ignore[call-arg] # its stub asks for more
    return bundle.replace("</script", "<\\/script").replace("<!--", "<\\!--")


class _AsIs:
    """A long list in a chart, which Altair does not look into: it would copy each entry at every step of building."""

    _schema: ClassVar[dict[str, Any]] = {"type": "array"}

    def __init__(self, entries: Sequence[Any]) -> None:
        self._entries = list(entries)

    def to_dict(self) -> list[Any]:
        return self._entries


def inline(rows: list[dict[str, Any]]) -> alt.Data:
    """Return rows as data inside the specification. Dates must be ISO text."""
    return alt.Data(values=_AsIs(rows))  # type: ignore[no-untyped-call] # Altair's generated classes have no types


def chart_config() -> dict[str, Any]:
    """Return the look that all charts share."""
    axis = {
        "labelColor": FAINT,
        "titleColor": FAINT,
        "labelFont": _FONT,
        "titleFont": _FONT,
        "titleFontWeight": "normal",
        "titleFontSize": 11,
        "labelFontSize": 11,
        "domainColor": "#C8C8C8",
        "tickColor": "#C8C8C8",
        "gridColor": "#E6E6E6",
    }
    return {
        "background": "transparent",
        "font": _FONT,
        "padding": {"left": 0, "top": 8, "right": 8, "bottom": 4},
        "view": {"stroke": None},
        "axis": axis,
        "axisX": {"grid": False},
        "scale": {"bandPaddingInner": 0.25},
        "text": {"font": _FONT},
    }


def styled(chart: Any, background: str = "white") -> dict[str, Any]:
    """Return the chart's specification with the look that all charts share."""
    # unit tests validate each chart; another validation would take most of the time of a report
    spec: dict[str, Any] = chart if isinstance(chart, dict) else chart.to_dict(validate=False)
    return {**spec, "config": {**spec.get("config", {}), **chart_config(), "background": background}}


def day_axis(days: list[str], title: str) -> alt.X:
    """Return an axis of days as text: as times, a browser west of Greenwich would draw each a day early."""
    return _dates_axis("day", days, title)


def week_axis(first_days: list[str], remark: str = "") -> alt.X:
    """Return an axis of weeks in the field `week`, each named by its first day; `remark` ends the title.

    >>> week_axis(["2026-03-02"]).to_dict()["title"]
    'Week of'
    """
    return _dates_axis("week", first_days, f"{WEEK_OF}{remark}")


def week_tooltip(title: str = WEEK_OF) -> alt.Tooltip:
    """Return the line of a tooltip that names the week, from the field `shown` that `week_text` made."""
    return alt.Tooltip("shown:N", title=title)


def week_text(first_day: str) -> pl.Expr:
    """Return the first days of weeks, from a column, as `format_day` writes them.

    >>> pl.DataFrame({"week": [date(2026, 3, 2)]}).select(week_text("week")).item()
    '2 Mar 2026'
    """
    return pl.col(first_day).dt.strftime("%-d %b %Y")


def _dates_axis(field: str, days: list[str], title: str) -> alt.X:
    ticks = days[:: -max(1, -(-len(days) // 8))]
    axis = alt.Axis(
        values=ticks,
        labelExpr="utcFormat(toDate(datum.value), '%-d %b')",
        labelAngle=0,
        labelOverlap="greedy",
        labelSeparation=8,
    )
    domain: Any = _AsIs(days)
    return alt.X(f"{field}:O", title=title, scale=alt.Scale(domain=domain), axis=axis)


def axis_label(text: str | None, length: int) -> str:
    """Return a short text for an axis, without emoji: Vega may cut one in half, and then vl-convert fails.

    >>> axis_label("Soup \U0001f35c of the day", 9)
    'Soup of…'
    """
    return truncate("".join(character for character in text or "" if ord(character) <= 0xFFFF), length)


def count_text(value: float | None) -> str:
    """Return a count with thousands separators, or `unknown`."""
    return "unknown" if value is None else f"{value:,.0f}"


def all_days(days: pl.Series) -> list[str]:
    """Return every day from the first to the last as ISO text, at least two weeks, so that unknown days leave a gap."""
    first, last = days.min(), days.max()
    if not isinstance(first, date) or not isinstance(last, date):
        return []
    length = max((last - first).days + 1, MIN_DAYS)
    return [str(last - timedelta(days=back)) for back in range(length - 1, -1, -1)]


def percent_text(value: float | None, missing: str = "unknown") -> str:
    """Return a change in whole percents with its sign; one decimal where it is small, `missing` if it is None.

    >>> percent_text(-8.2), percent_text(22.0), percent_text(0.34), percent_text(None, "no upper limit")
    ('−8%', '+22%', '+0.3%', 'no upper limit')
    """
    if value is None or not math.isfinite(value):
        return missing
    digits = 1 if abs(value) < 2 else 0  # below 2 a whole percent is too coarse
    text = f"{value:+,.{digits}f}%".replace("-", "−")
    return "0%" if not text.strip("+−0.,%") else text


def signed_count(count: float) -> str:
    """Return a difference of counts with its sign, or 0 where it rounds to none.

    >>> signed_count(1234.4), signed_count(-2), signed_count(0.5), signed_count(-0.3)
    ('+1,234', '−2', '0', '0')
    """
    return f"{count:+,.0f}".replace("-", "−") if abs(count) > MIN_DIFFERENCE else "0"


def gained_text() -> pl.Expr:
    """Return the gain as text for a tooltip, because a tooltip shows an unknown number as zero."""
    gain = pl.col("gain")
    return (
        pl.when(gain.is_not_null())
        .then(gain.round(1).cast(pl.String).str.strip_suffix(".0"))
        .otherwise(pl.lit("not known"))
    )


def times_scale(values: list[float]) -> alt.Scale:
    """Return a log scale that covers all values, and at least 0.5 to 2.

    >>> times_scale([0.9, 3.0]).to_dict()["domain"]
    [0.459, 3.27]
    """
    low, high = min([*values, 1 / MIN_REACH]), max([*values, MIN_REACH])
    return alt.Scale(type="log", domain=[round(low / 1.09, 3), round(high * 1.09, 3)], nice=False)


def times_axis(scale: alt.Scale) -> alt.Axis:
    """Return an axis with ticks at powers of 2, fewer of them on a long scale.

    >>> times_axis(times_scale([])).to_dict()["values"]
    [0.5, 1.0, 2.0]
    """
    low, high = scale.to_dict()["domain"]
    powers = range(-30, 31)
    inside = [power for power in powers if low <= 2.0**power <= high]
    step = max(1, -(-len(inside) // 6))
    values = [2.0**power for power in inside if power % step == 0]
    return alt.Axis(values=values, format="~g", labelOverlap="greedy")


def _offline_output(spec: dict[str, Any], **_: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return what a notebook stores of a chart, and its display metadata."""
    spec = styled(spec)
    png = vl_convert.vegalite_to_png(json.dumps(spec), vl_version=VEGALITE, scale=_PNG_SCALE)
    width, height = (int.from_bytes(png[start : start + 4], "big") for start in (16, 20))  # where PNG has its size
    data = {
        _JUPYTER_MIME: {**spec, "$schema": _JUPYTER_SCHEMA, "config": {**_DARK_ENOUGH, **spec["config"]}},
        "image/png": base64.b64encode(png).decode(),
        "text/plain": spec.get("description", "chart"),
    }
    metadata = {
        _JUPYTER_MIME: {"embed_options": {"actions": _MENU}},
        "image/png": {"width": round(width / _PNG_SCALE), "height": round(height / _PNG_SCALE)},
    }
    return data, metadata
