"""Days are chosen by dragging, and pins show their picture, without a change to the charts of the report."""

import base64
import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import vl_convert

from oneup_pinterest import notebooks
from oneup_pinterest.history.account_history import AccountHistory, load_account_history
from oneup_pinterest.images import NO_IMAGE
from oneup_pinterest.notebooks.zoom import with_zoom
from oneup_pinterest.questions import chart_style as style
from oneup_pinterest.questions.answer import Answer
from oneup_pinterest.questions.movers.chart import movers_chart
from oneup_pinterest.questions.overview.answer import daily_gains_answer
from oneup_pinterest.questions.rates.answer import ranking_answer
from test_support.history import make_long_history
from test_support.notebooks import keep_pictures


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_long_history(tmp_path_factory.mktemp("charts") / "h.duckdb", ("pin_one",), days=60, pins=60)


@pytest.fixture(scope="module")
def history(database: Path) -> AccountHistory:
    return load_account_history(database, "pin_one")


def spec_of(chart: Any) -> dict[str, Any]:
    spec: dict[str, Any] = chart.to_dict()  # raises an error if the chart is invalid
    return spec


def svg(spec: dict[str, Any], version: str) -> str:
    return str(vl_convert.vegalite_to_svg(json.dumps(style.styled(spec)), vl_version=version))


@pytest.mark.parametrize("version", ["5.8", style.VEGALITE])  # JupyterLab has 5.6; 5.8 is the oldest available here
def test_chosen_days_are_drawn_alone(history: AccountHistory, version: str) -> None:
    chart = daily_gains_answer(history, "saves").chart
    assert chart is not None
    before = spec_of(chart)
    spec = spec_of(with_zoom(chart))
    days = [row["day"] for row in spec["data"]["values"]]
    assert svg(spec, version).count("Saves gained: ") == len(days)
    spec["params"][0]["value"] = {"x": days[10:20]}

    assert svg(spec, version).count("Saves gained: ") == 10
    assert spec["vconcat"][1]["encoding"]["x"]["scale"]["domain"] == days, "the small copy has all days"
    assert spec_of(chart) == before, "the report's chart is another one"
    assert spec["description"] == before["description"]


def test_title_of_the_axis_has_its_place_beside_longer_labels(history: AccountHistory) -> None:
    chart = daily_gains_answer(history, "saves").chart
    assert chart is not None
    spec = spec_of(with_zoom(chart))
    wide = _width(svg(spec, "5.8"))
    spec["params"][0]["value"] = {"x": [row["day"] for row in spec["data"]["values"] if row["gain"] == 1][:1]}
    assert _width(svg(spec, "5.8")) == wide


def _width(picture: str) -> float:
    return float(picture.partition('width="')[2].partition('"')[0])


def test_a_chart_with_zoom_is_the_same_each_time(history: AccountHistory) -> None:
    charts = [daily_gains_answer(history, "saves").chart for _ in range(2)]
    one, other = (spec_of(with_zoom(chart)) for chart in charts if chart is not None)
    assert one == other


@pytest.fixture
def ranking(history: AccountHistory) -> Answer:
    return ranking_answer(history, "saves")


def _movers() -> Any:
    movers = {"text": "Soup", "age": 60, "gain": 50.0, "expected": 10.0, "low": 4.0, "high": 18.0, "ratio": 5.0}
    return movers_chart(pl.DataFrame([{"id": f"m{number}", **movers, "verdict": "more"} for number in range(3)]))


@pytest.mark.parametrize("drawn", ["ranking", "movers"])
def test_tooltips_show_the_stored_picture_of_each_pin(database: Path, ranking: Answer, drawn: str) -> None:
    chart = _movers() if drawn == "movers" else ranking.chart
    before = spec_of(chart)
    ids = [row["id"] for row in before["data"]["values"]]
    keep_pictures(database, [("pin_one", ids[0]), ("pin_two", ids[1])], b"RIFF")

    spec = spec_of(notebooks.StoredPictures(database, "pin_one").added_to(chart))

    images = {row["id"]: row["image"] for row in spec["data"]["values"]}
    assert images.pop(ids[0]) == f"data:image/webp;base64,{base64.b64encode(b'RIFF').decode()}"
    assert set(images.values()) == {NO_IMAGE}, "a tooltip would request an address that is missing"
    shown = [layer["encoding"]["tooltip"][-1] for layer in spec["layer"] if "tooltip" in layer["encoding"]]
    assert shown
    assert all(field == {"field": "image", "type": "nominal"} for field in shown)
    assert spec_of(chart) == before, "the report's chart is another one"


def test_charts_without_stored_pictures_stay_as_they_are(tmp_path: Path, ranking: Answer) -> None:
    pictures = notebooks.StoredPictures(tmp_path / "none.duckdb", "pin_one")
    assert ranking.chart is not None
    assert pictures.added_to(ranking.chart) is ranking.chart


def test_show_adds_pictures_and_zoom(
    database: Path, history: AccountHistory, ranking: Answer, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown: list[Any] = []
    monkeypatch.setattr("IPython.display.display", shown.append)
    (first, *_) = spec_of(ranking.chart)["data"]["values"]
    keep_pictures(database, [("pin_one", first["id"])], b"RIFF")
    notebooks.show(ranking, notebooks.StoredPictures(database, "pin_one"))
    notebooks.show(daily_gains_answer(history, "saves"), zoom=True)
    charts = [spec_of(output) for output in shown if hasattr(output, "to_dict")]
    assert "image" in charts[0]["data"]["values"][0]
    assert len(charts[1]["vconcat"]) == 2
