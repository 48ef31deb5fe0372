"""Made-up daily gains of one account, and what every chart of them must satisfy."""

import json
from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

import polars as pl
import vl_convert

from oneup_pinterest.questions import chart_style as style
from oneup_pinterest.questions.chart_style import Chart

FIRST = date(2026, 1, 1)
WEEK = [40, 44, 38, 41, 37, 43, 39]


def gains_of(counts: Sequence[float], **columns: Any) -> pl.DataFrame:
    """Return one account's daily counts of saves as `account_daily_gains` returns them."""
    base = pl.DataFrame(
        {
            "social_network_id": "pin_a",
            "metric": "saves",
            "counter_type": "lifetime",
            "day": [FIRST + timedelta(days=day) for day in range(len(counts))],
            "gain": counts,
            "is_imputed": False,
            "is_provisional": False,
            "pins_fallen": 0,
            "pins_observed": 50,
        },
        schema={
            "social_network_id": pl.String,
            "metric": pl.String,
            "counter_type": pl.String,
            "day": pl.Date,
            "gain": pl.Float64,
            "is_imputed": pl.Boolean,
            "is_provisional": pl.Boolean,
            "pins_fallen": pl.Int64,
            "pins_observed": pl.Int64,
        },
    )
    return base.with_columns(pl.Series(name, values) for name, values in columns.items())


def assert_drawn(chart: Chart | None) -> None:
    """Assert that a chart is valid, described, titled on both axes, and not empty."""
    assert chart is not None
    spec = chart.to_dict()
    assert len(spec["description"]) > 20
    encodings = [layer["encoding"] for layer in spec["layer"] if "encoding" in layer]
    titles = {axis: [place[axis].get("title") for place in encodings if axis in place] for axis in ("x", "y")}
    assert any(titles["x"])
    assert any(titles["y"])
    svg = vl_convert.vegalite_to_svg(json.dumps(style.styled(chart)), vl_version=style.VEGALITE)
    assert svg.count("<path") > 5
    assert "NaN" not in svg
    assert "undefined" not in svg
