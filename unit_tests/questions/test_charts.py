"""Charts are valid Vega-Lite, have a description, and draw in both renderers."""

import base64
import json
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import Any

import altair as alt
import polars as pl
import pytest
import vl_convert

from oneup_pinterest.database.load import load_account_followers, load_pins
from oneup_pinterest.history.gains import account_daily_gains
from oneup_pinterest.history.loaded_history import LoadedHistory
from oneup_pinterest.questions import chart_style as style
from oneup_pinterest.questions.followers.chart import followers_chart
from oneup_pinterest.questions.overview.chart import daily_gains_chart
from test_support.history import make_history

Charts = dict[str, Any]


@pytest.fixture(scope="module")
def charts(tmp_path_factory: pytest.TempPathFactory) -> Charts:
    path = make_history(tmp_path_factory.mktemp("charts") / "h.duckdb", ("pin_one",), days=12, missing_days=(4, 5))
    gains = account_daily_gains(LoadedHistory(load_pins(path)))
    return {
        "gains": daily_gains_chart(gains, "saves"),
        "followers": followers_chart(load_account_followers(path)),
    }


NAMES = ("gains", "followers")


@pytest.mark.parametrize("name", NAMES)
def test_every_chart_is_valid_described_and_has_axis_titles(charts: Charts, name: str) -> None:
    spec = charts[name].to_dict()  # raises an error if the chart is invalid
    assert len(spec["description"]) > 20
    positions = [
        layer["encoding"][axis]
        for view in spec.get("vconcat", [spec])
        for layer in view["layer"]
        for axis in ("x", "y")
        if layer["mark"]["type"] == "bar" or layer["mark"].get("point")
    ]
    assert positions
    metrics_name_themselves = [position["title"] is None and position["field"] == "metric" for position in positions]
    assert all(position["title"] or itself for position, itself in zip(positions, metrics_name_themselves, strict=True))


@pytest.mark.parametrize("name", NAMES)
def test_every_chart_draws_a_nonempty_image(charts: Charts, name: str) -> None:
    svg = vl_convert.vegalite_to_svg(json.dumps(style.styled(charts[name])), vl_version=style.VEGALITE)
    assert svg.count("<path") > 10
    assert "NaN" not in svg
    assert "undefined" not in svg


def test_provisional_and_imputed_days_are_drawn_differently(charts: Charts) -> None:
    spec = charts["gains"].to_dict()
    states = [row["state"] for row in spec["data"]["values"]]
    assert states[-2:] == ["provisional", "provisional"]
    assert "spread over a gap" in states
    scale = spec["layer"][0]["encoding"]["fillOpacity"]["scale"]
    opacity = dict(zip(scale["domain"], scale["range"], strict=True))
    assert opacity["provisional"] == 0 < opacity["spread over a gap"] < opacity["settled"]


def test_weekly_mean_needs_seven_known_days() -> None:
    days = pl.date_range(pl.date(2026, 3, 1), pl.date(2026, 3, 12), eager=True)
    gains = pl.DataFrame({"metric": "saves", "day": days, "gain": 1.0, "is_imputed": False, "is_provisional": False})
    without = gains.filter(pl.col("day") != pl.date(2026, 3, 5))
    values = daily_gains_chart(without, "saves").to_dict()["data"]["values"]
    assert [(row["day"], row["mean"]) for row in values if row["mean"]] == [("2026-03-12", 1.0)]


def test_short_history_is_drawn_on_a_two_week_axis() -> None:
    gains = pl.DataFrame(
        {"metric": "saves", "day": [date(2026, 3, 1)], "gain": 1.0, "is_imputed": False, "is_provisional": True}
    )
    spec = daily_gains_chart(gains, "saves").to_dict()
    assert len(spec["layer"][0]["encoding"]["x"]["scale"]["domain"]) == 14
    assert [row["gain"] for row in spec["data"]["values"]] == [None] * 13 + [1.0]


def _no_rows(frame: pl.DataFrame) -> pl.DataFrame:
    return frame.clear()


@pytest.mark.parametrize("keep", [_no_rows, lambda frame: frame.head(1)], ids=["no rows", "one row"])
def test_charts_with_at_most_one_row_do_not_fail(tmp_path: Path, keep: Callable[[pl.DataFrame], pl.DataFrame]) -> None:
    path = make_history(tmp_path / "h.duckdb", ("pin_one",), days=3, pins=1)
    for chart in (
        daily_gains_chart(keep(account_daily_gains(LoadedHistory(load_pins(path)))), "clicks"),
        followers_chart(keep(load_account_followers(path))),
    ):
        vl_convert.vegalite_to_svg(json.dumps(style.styled(chart)), vl_version=style.VEGALITE)


@pytest.fixture
def output(charts: Charts) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    """Yield the output of a chart in a notebook: data and metadata."""
    active = alt.renderers.active
    try:
        style.register_renderer()
        yield charts["followers"]._repr_mimebundle_()
    finally:
        alt.renderers.enable(active)


def test_notebook_renderer_output_works_offline_in_jupyterlab(output: Any) -> None:
    data, metadata = output
    assert data["application/vnd.vegalite.v5+json"]["$schema"].endswith("/v5.json")
    assert base64.b64decode(data["image/png"]).startswith(b"\x89PNG")
    assert data["text/plain"].startswith("Followers: ")
    assert 600 < metadata["image/png"]["width"] < 760, "the image is as wide as the chart at any resolution"
    assert set(metadata) <= set(data)


def test_chart_menu_does_not_send_data_anywhere(output: Any) -> None:
    _, metadata = output
    actions = metadata["application/vnd.vegalite.v5+json"]["embed_options"]["actions"]
    assert actions == {"export": True, "source": False, "compiled": False, "editor": False}


def test_default_text_is_dark_on_white_even_in_dark_jupyterlab(output: Any) -> None:
    config = output[0]["application/vnd.vegalite.v5+json"]["config"]
    assert config["background"] == "white"
    assert {config["style"][part]["fill"] for part in ("guide-label", "guide-title")} == {style.FAINT}
    assert config["axis"]["labelColor"] == style.FAINT


@pytest.mark.parametrize("name", NAMES)
def test_charts_draw_in_the_older_vega_lite_of_jupyterlab(charts: Charts, name: str) -> None:
    # JupyterLab has 5.6; 5.8 is the oldest version available here
    spec = {**style.styled(charts[name]), "$schema": "https://vega.github.io/schema/vega-lite/v5.json"}
    assert vl_convert.vegalite_to_svg(json.dumps(spec), vl_version="5.8").count("<path") > 10
