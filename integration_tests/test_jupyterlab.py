"""The notebooks in a real JupyterLab: charts are drawn when run, reopened and exported, without any network access."""
# mypy: disable-error-code="no-untyped-call"
# (nbformat, nbconvert and IPython leave functions without types)

from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import Any, NamedTuple

import nbformat
import pytest
from nbconvert import HTMLExporter
from PIL import Image

from integration_tests.jupyterlab import (
    choose_theme,
    open_lab,
    open_notebook,
    run_all_cells,
    run_jupyterlab,
    save_notebook,
)
from oneup_pinterest.database.load import load_pins_latest
from oneup_pinterest.notebooks.widget import KEPT
from test_support.browser import browser_of, start_playwright
from test_support.history import make_long_history
from test_support.notebooks import keep_pictures
from test_support.paths import ROOT

pytestmark = pytest.mark.slow

CHART = "application/vnd.vegalite.v5+json"
# The shares of pixels that differ from the first pixel, in a canvas and in the PNG of the same chart
_INK = """async (canvas, png) => {
    const image = Object.assign(new Image(), {src: "data:image/png;base64," + png})
    await image.decode()
    return [ink(canvas, canvas.width, canvas.height), ink(image, image.naturalWidth, image.naturalHeight)]
}
function ink(picture, width, height) {
    const context = Object.assign(document.createElement("canvas"), {width, height}).getContext("2d")
    context.drawImage(picture, 0, 0)
    const pixels = new Uint32Array(context.getImageData(0, 0, width, height).data.buffer)
    return pixels.filter(pixel => pixel !== pixels[0]).length / pixels.length
}"""
# What a canvas shows above the given height (CSS pixels)
_TOP = """(canvas, height) => {
    const scaled = height * canvas.height / canvas.clientHeight
    const top = Object.assign(document.createElement("canvas"), {width: canvas.width, height: scaled})
    top.getContext("2d").drawImage(canvas, 0, 0)
    return top.toDataURL()
}"""
# The lowest contrast (WCAG 2.2, 1.4.3) between the texts of a table and their background
_CONTRAST = """tables => {
    const channels = color => color.match(/[\\d.]+/g).map(Number)
    const light = color => channels(color).slice(0, 3).map(value => value / 255)
        .map(value => value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4)
        .reduce((sum, value, index) => sum + value * [0.2126, 0.7152, 0.0722][index], 0)
    const behind = element => {
        const color = getComputedStyle(element).backgroundColor
        return (channels(color)[3] ?? 1) > 0.5 ? color : behind(element.parentElement)
    }
    return Math.min(...tables.flatMap(table => [...table.querySelectorAll("th, td")]).map(cell => {
        const [one, other] = [light(getComputedStyle(cell).color), light(behind(cell))].sort((a, b) => a - b)
        return (other + 0.05) / (one + 0.05)
    }))
}"""

# Shows texts of pins everywhere a notebook can: in a sentence, a table, chart labels and tooltips
_HOSTILE_CELL = """
import altair as alt
from oneup_pinterest.questions.answer import Answer
from oneup_pinterest.questions.chart_style import finished, inline
from oneup_pinterest.database.load import load_pins_latest

texts = load_pins_latest(database, [account]).select("text").head(1)
bars = alt.Chart(inline([{"text": text, "saves": 9} for text in texts["text"]])).mark_bar(color="#0072B2")
encoded = bars.encode(x=alt.X("saves:Q", title="Saves"), y=alt.Y("text:N", title="Pin"), tooltip="text:N")
show(Answer("Which?", texts.item(), finished(encoded, texts.item(), 640, 100), texts))
"""


class RunningLab(NamedTuple):
    """A running JupyterLab, the page of a notebook with the cells of all notebooks, and what running it saved."""

    address: str
    folder: Path
    playwright: Any
    page: Any
    executed: Any

    def count(self, mime: str, holding: str = "") -> int:
        return sum(holding in str(data[mime]) for data in self.outputs() if mime in data)

    def outputs(self) -> Iterator[dict[str, Any]]:
        for cell in self.executed.cells:
            yield from (output["data"] for output in cell.get("outputs", ()) if "data" in output)


@contextmanager
def open_lab_browser(playwright: Any, address: str) -> Iterator[Any]:
    allowed = (address, address.replace("http", "ws"), "data:", "blob:")
    with browser_of(playwright, allowed, viewport={"width": 1280, "height": 1600}) as browser:
        yield browser


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningLab]:
    """Run every cell in JupyterLab, on a history that has hostile texts and enough data for every answer."""
    folder = tmp_path_factory.mktemp("lab")
    playwright_process = start_playwright()
    database = make_long_history(folder / "h.duckdb", days=75, pins=100, hostile=True)
    picture = BytesIO()
    Image.new("RGB", (40, 60), "#0072B2").save(picture, "WEBP")
    keep_pictures(database, load_pins_latest(database)[["social_network_id", "id"]].rows(), picture.getvalue())
    with run_jupyterlab(folder, database) as address, playwright_process as playwright:
        notebook = folder / "notebooks" / "everything.ipynb"
        nbformat.write(all_cells(), notebook)
        with open_lab_browser(playwright, address) as browser:
            page = open_notebook(browser, address, notebook.name)
            run_all_cells(page)
            # a cell can count as run before its outputs arrive; they arrive in order, and the last is a chart
            page.locator(".jp-CodeCell").last.locator("canvas").wait_for()
            save_notebook(page)
            yield RunningLab(address, folder, playwright, page, nbformat.read(notebook, as_version=4))


def all_cells() -> Any:
    """Return a notebook with the cells of all notebooks and the hostile one."""
    everything = nbformat.v4.new_notebook(metadata={"kernelspec": {"name": "python3", "display_name": "Python 3"}})
    for path in sorted((ROOT / "notebooks").glob("*.ipynb")):
        everything.cells += [
            {**cell, "id": f"{path.stem[:2]}-{cell.id}"} for cell in nbformat.read(path, as_version=4).cells
        ]
    everything.cells.append(nbformat.v4.new_code_cell(_HOSTILE_CELL, id="hostile"))
    return nbformat.from_dict(everything)


def assert_all_is_drawn(page: Any, lab: RunningLab) -> None:
    expected = lab.count(CHART)
    assert expected
    page.wait_for_function(f"document.querySelectorAll('.jp-OutputArea canvas').length == {expected}")
    pictures = [data["image/png"] for data in lab.outputs() if CHART in data]
    for canvas, picture in zip(page.locator(".jp-OutputArea canvas").all(), pictures, strict=True):
        live, still = canvas.evaluate(_INK, picture)
        assert live > 0.85 * still > 0, "JupyterLab's older Vega-Lite draws less than Altair's"
    assert page.locator(".jp-OutputArea table").count() == lab.count("text/html", "<table")
    for mime in ("application/vnd.jupyter.error", "application/vnd.jupyter.stderr"):
        assert not page.locator(f'[data-mime-type="{mime}"]').all_inner_texts()
    assert page.evaluate("window.hacked") is None
    assert page.locator(".jp-OutputArea :is(script, iframe, img)").count() == 0
    menus = page.locator(".jp-OutputArea a").evaluate_all("links => links.map(link => link.textContent)")
    assert set(menus) == {"Save as SVG", "Save as PNG"}, "there are links to other sites"


def test_run_all_cells_draws_every_chart_and_executes_no_text(lab: RunningLab) -> None:
    page = lab.page
    assert_all_is_drawn(page, lab)
    page.locator(".jp-OutputArea canvas").last.hover()
    page.locator("#vg-tooltip-element.visible").wait_for()
    shown = [*page.locator(".jp-OutputArea").all_inner_texts(), page.locator("#vg-tooltip-element").inner_text()]
    assert "<script>" in shown[-1]
    assert "<script>" in shown[-2]
    assert page.evaluate("window.hacked") is None
    assert_pins_show_their_picture(page)
    assert_dragging_chooses_days(page)


def canvas_of(page: Any, code: str) -> Any:
    """Return the chart of the cell with this code."""
    canvas = page.locator(".jp-CodeCell").filter(has_text=code).locator("canvas")
    canvas.scroll_into_view_if_needed()
    return canvas


def assert_pins_show_their_picture(page: Any) -> None:
    canvas = canvas_of(page, 'ranking_answer(history, "saves", "worst")')
    shown = page.locator("#vg-tooltip-element.visible img")
    for x in range(150, 700, 2):  # to the dot of the first row, wherever it is
        canvas.hover(position={"x": x, "y": 21})
        if shown.count():
            break
    shown.wait_for()
    assert shown.evaluate("image => image.decode().then(() => image.naturalWidth)") == 40


def assert_dragging_chooses_days(page: Any) -> None:
    canvas = canvas_of(page, 'daily_gains_answer(history, "saves")')
    box = canvas.bounding_box()
    before = canvas.evaluate(_TOP, 140)
    y = box["y"] + box["height"] - 15
    page.mouse.move(box["x"] + 200, y)
    page.mouse.down()
    page.mouse.move(box["x"] + 300, y, steps=5)
    page.mouse.up()
    page.wait_for_timeout(200)  # the chart is drawn again in the next frames
    assert canvas.evaluate(_TOP, 140) != before
    page.mouse.click(box["x"] + 500, y)
    page.wait_for_timeout(200)
    assert canvas.evaluate(_TOP, 140) == before


def test_jupyterlab_opens_on_the_first_notebook_where_an_account_is_chosen_for_all(lab: RunningLab) -> None:
    with open_lab_browser(lab.playwright, lab.address) as browser:
        page = open_lab(browser, lab.address)
        assert page.locator(".jp-Notebook h1").first.inner_text().startswith("Start here: ")
        run_all_cells(page)
        assert page.locator(".jp-CodeCell .cm-lineWrapping").count() == page.locator(".jp-CodeCell").count()
        assert page.locator(".Toastify__toast").count() == 0, page.locator(".Toastify__toast").all_inner_texts()
        accounts = page.locator(".jp-OutputArea select")
        accounts.select_option(index=2)
        page.get_by_text(KEPT).wait_for()

        other = open_notebook(browser, lab.address, "03_rates_and_ranking.ipynb")
        run_all_cells(other)
        other.locator(".jp-OutputArea").get_by_text("→ pin_two").wait_for()
        accounts.select_option(index=0)  # for the other tests
        page.get_by_text(KEPT).wait_for()


@pytest.mark.parametrize("theme", [pytest.param("JupyterLab Light", marks=pytest.mark.nightly), "JupyterLab Dark"])
def test_an_untrusted_executed_notebook_shows_charts_and_tables(lab: RunningLab, theme: str) -> None:
    choose_theme(lab.folder, theme)
    # JupyterLab trusts what it saved, so this one has another content
    sent = nbformat.from_dict({**lab.executed, "metadata": {**lab.executed.metadata, "title": "Sent by somebody"}})
    nbformat.write(sent, lab.folder / "notebooks" / "executed.ipynb")
    with open_lab_browser(lab.playwright, lab.address) as browser:
        page = open_notebook(browser, lab.address, "executed.ipynb")
        assert page.locator('[data-icon="ui-components:not-trusted"]').count() == 1
        assert_all_is_drawn(page, lab)
        assert page.locator("body").get_attribute("data-jp-theme-name") == theme
        assert page.locator(".jp-OutputArea table").evaluate_all(_CONTRAST) >= 4.5


def test_an_html_export_shows_charts_as_pictures_and_loads_nothing(lab: RunningLab, tmp_path: Path) -> None:
    off = dict.fromkeys(
        ("mathjax_url", "require_js_url", "jupyter_widgets_base_url", "widget_renderer_url", "mermaid_js_url"), ""
    )
    html, _ = HTMLExporter(**off).from_notebook_node(lab.executed)
    exported = tmp_path / "exported.html"
    exported.write_text(html, encoding="utf-8")
    with browser_of(lab.playwright, ("file:", "data:")) as browser:
        page = browser.new_page()
        page.goto(exported.as_uri())
        pictures = page.locator(".jp-OutputArea img")
        assert pictures.count() == lab.count(CHART)
        assert all(
            picture.evaluate("image => image.complete && image.naturalWidth > 300") for picture in pictures.all()
        )
        assert page.locator(".jp-OutputArea table").count() == lab.count("text/html", "<table")
        assert page.evaluate("window.hacked") is None
