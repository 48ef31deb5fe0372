"""Choose days of a chart by dragging over a small copy of it."""

import altair as alt

from oneup_pinterest.questions.chart_style import FAINT, Chart

_HEIGHT = 36  # pixels of the small copy
_LABELS = 34  # pixels for the labels of counts: few counts have decimals, which would push the title out of the chart


def with_zoom(chart: Chart) -> alt.VConcatChart:
    """Return a chart of bars per day with a small copy below; dragging over that chooses the days of the large one.

    The first layer must have the bars, on an axis of days (see `chart_style.day_axis`).
    """
    days = alt.selection_interval(name="days", encodings=["x"])
    bars = chart.layer[0]
    large = chart.copy(deep=True)
    # a label at the end has data of its own: without its day it is empty, and Vega warns of a scale without values
    large.layer = [layer for layer in large.layer if layer.data is alt.Undefined]
    for layer in large.layer:
        x = layer.encoding.x
        if x["scale"] is not alt.Undefined:  # it has all days, not those that are left
            x["scale"], x["axis"]["values"] = alt.Undefined, alt.Undefined
        layer.transform = [alt.FilterTransform(filter={"param": "days"})]
    large.layer[0].encoding.y["axis"]["minExtent"] = _LABELS
    all_days = alt.X("day:O", axis=None, scale=bars.encoding.x["scale"])
    small = (
        alt.Chart(name="all_days")
        .mark_bar(color=FAINT, opacity=0.5)
        .encode(x=all_days, y=alt.Y(bars.encoding.y["shorthand"], axis=None))
        .properties(width=chart.width, height=_HEIGHT)
        .add_params(days)
    )
    large.data, large.description = alt.Undefined, alt.Undefined
    joined: alt.VConcatChart = alt.vconcat(large, small, data=chart.data)
    return joined.properties(description=chart.description)
