"""Run the notebooks: complete and repeatable on a long history, and with a message for missing data on others."""
# mypy: disable-error-code="no-untyped-call"
# (nbformat, nbconvert and IPython leave functions without types)

import base64
import json
import os
import re
import unicodedata
import zlib
from collections.abc import Callable, Iterator
from functools import partial
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import duckdb
import nbformat
import numpy as np
import pytest
import vl_convert
from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.capture import capture_output
from nbclient import NotebookClient

from integration_tests.fault_injection.hostile import write_hostile_database
from oneup_pinterest import notebooks
from oneup_pinterest.database.load import data_window
from oneup_pinterest.database.schema import STREAMS, TABLES
from oneup_pinterest.questions import chart_style as style
from test_support.history import NOW, as_other_destination, make_history, make_long_history
from test_support.notebooks import NOTEBOOKS, code_cells, each_notebook
from test_support.paths import ROOT

pytestmark = pytest.mark.slow

CHART = "application/vnd.vegalite.v5+json"
SAFE_TAGS = {"div", "p", "small", "table", "thead", "tbody", "tr", "th", "td"}
SAFE_ATTRIBUTES = {"dir", "style"}


class NotebookRun(NamedTuple):
    """The output of a notebook: the printed text, each display, and the outputs of each cell in order."""

    printed: str
    displays: list[dict[str, Any]]
    cells: list[list[Any]]

    @property
    def text(self) -> str:
        """Return all texts that it showed outside charts."""
        return "\n".join([self.printed, *(data["text/plain"] for data in self.displays if CHART not in data)])

    @property
    def charts(self) -> list[dict[str, Any]]:
        return [data for data in self.displays if CHART in data]


def run_in_kernel(notebook: Path, database: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> NotebookRun:
    """Run a notebook in a kernel, as JupyterLab does; fail if a cell raises an error."""
    monkeypatch.setenv(notebooks.DATABASE_VARIABLE, str(database))
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.setenv("IPYTHONDIR", str(folder / "ipython"))  # so that parallel kernels do not share a history file
    content = nbformat.read(notebook, 4)
    NotebookClient(content, timeout=300, resources={"metadata": {"path": str(folder)}}).execute()
    cells = [cell.outputs for cell in content.cells if cell.cell_type == "code"]
    outputs = [output for cell in cells for output in cell]
    printed = "".join(output.text for output in outputs if output.output_type == "stream")
    return NotebookRun(printed, [dict(output.data) for output in outputs if "data" in output], cells)


@pytest.fixture(autouse=True)
def _clock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ONEUP_PINTEREST_NOW", f"{NOW.isoformat()}+00:00")


@pytest.fixture(scope="session")
def shell(tmp_path_factory: pytest.TempPathFactory) -> InteractiveShell:
    """Return an IPython shell in this process, which is faster than a new kernel."""
    os.environ.setdefault("IPYTHONDIR", str(tmp_path_factory.mktemp("ipython")))
    shell = InteractiveShell.instance()
    assert shell.history_manager is not None
    shell.history_manager.enabled = False
    return shell


def run_here(notebook: Path, database: Path, shell: InteractiveShell, monkeypatch: pytest.MonkeyPatch) -> NotebookRun:
    """Run a notebook in this process without drawing its charts; fail if a cell raises an error."""
    monkeypatch.setenv(notebooks.DATABASE_VARIABLE, str(database))
    monkeypatch.setattr(vl_convert, "vegalite_to_png", lambda *_, **__: EMPTY_PICTURE)
    shell.reset(new_session=False)
    printed, displays = [], []
    for name, source in code_cells(notebook).items():
        with capture_output() as captured:
            result = shell.run_cell(source, store_history=False)
        assert result.success, f"{name}: {result.error_in_exec or result.error_before_exec!r}\n{captured.stdout}"
        assert captured.stderr == "", name
        assert "Traceback" not in captured.stdout, name
        printed.append(captured.stdout)
        displays += [dict(output.data) for output in captured.outputs]
    return NotebookRun("".join(printed), displays, [])


EMPTY_PICTURE = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x00\x01\x00\x00\x00\x01\x08\x06"


def ink(png: bytes) -> float:
    """Return the share of a picture's pixels that differ from a neighbor: 0 if nothing is drawn.

    PNG stores each byte as the difference to its neighbors, so the filtered bytes are enough.
    """
    assert png.startswith(b"\x89PNG\r\n\x1a\n")
    width, height, channels = (
        int.from_bytes(png[16:20], "big"),
        int.from_bytes(png[20:24], "big"),
        {2: 3, 6: 4}[png[25]],
    )
    assert png[24] == 8
    assert png[28] == 0
    start, data = 8, b""
    while start < len(png):
        length, kind = int.from_bytes(png[start : start + 4], "big"), png[start + 4 : start + 8]
        data += png[start + 8 : start + 8 + length] if kind == b"IDAT" else b""
        start += 12 + length
    rows = np.frombuffer(zlib.decompress(data), np.uint8).reshape(height, 1 + width * channels)
    pixels = rows[:, 1:].reshape(height, width, channels)
    plain = rows[:, 0] == 0  # these rows are stored unfiltered
    differs = np.where(plain[:, None, None], np.diff(pixels, axis=1, prepend=pixels[:, :1]), pixels)
    return float(np.any(differs[1:, 1:] != 0, axis=2).mean())


class Markup(HTMLParser):
    """Fails on any element or attribute that the kit does not write: the text of a pin must not become markup."""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag in SAFE_TAGS, self.rawdata[:200]
        assert {name for name, _ in attrs} <= SAFE_ATTRIBUTES, attrs
        assert not any("url" in (value or "") for _, value in attrs), attrs

    def handle_comment(self, data: str) -> None:
        raise AssertionError(f"an HTML comment: {data}")


def assert_harmless(run: NotebookRun) -> None:
    for data in run.displays:
        assert set(data) <= {CHART, "image/png", "text/html", "text/plain"}
        Markup().feed(data.get("text/html", ""))
        assert data["text/plain"]
        if CHART in data:
            assert not {"href", "url"} & set(_keys(data[CHART])), "charts must have no links and no external data"
    for character in set(run.text) - {"\n", "\t"}:
        assert unicodedata.category(character) not in ("Cc", "Cs"), "control characters must not reach a terminal"


def _keys(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for key, inner in value.items():
            if key != "values":  # the rows of data, whose names are free
                yield key
                yield from _keys(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _keys(inner)


@pytest.fixture(scope="module")
def long_history(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_long_history(tmp_path_factory.mktemp("long") / "h.duckdb")


@pytest.mark.parametrize(
    "notebook",
    # test_jupyterlab.py executes all of them in a kernel
    [pytest.param(path, marks=() if path == NOTEBOOKS[0] else pytest.mark.nightly) for path in NOTEBOOKS],
    ids=lambda path: path.stem,
)
def test_every_answer_on_a_long_history_has_a_chart_and_a_sentence(
    notebook: Path, long_history: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, shell: InteractiveShell
) -> None:
    run = run_in_kernel(notebook, long_history, tmp_path, monkeypatch)

    outputs = [output for cell in run.cells for output in cell]
    assert outputs[0].text.startswith(str(data_window(long_history))), "the first output must be the data window"
    assert not [output for output in outputs if output.output_type == "error" or output.get("name") == "stderr"]
    assert run.charts
    for cell in run.cells:
        for output, following in pairwise([*cell, None]):
            if CHART in (output or {}).get("data", {}):
                assert following is not None, "a chart without a sentence"
                sentence = following.get("text") or following.data["text/plain"]
                assert re.search(r"\w{2}.*[.!?]", sentence), sentence
    for data in run.charts:
        assert ink(base64.b64decode(data["image/png"])) > 0.005, data["text/plain"]
        assert len(data["text/plain"]) > 20
    assert_harmless(run)

    again = run_here(notebook, long_history, shell, monkeypatch)
    assert again.printed == run.printed
    for first, second in zip(run.displays, again.displays, strict=True):
        assert {**first, "image/png": ""} == {**second, "image/png": ""}, "a second run must show the same"


def _other_destination(path: Path) -> Path:
    return as_other_destination(make_history(path.with_suffix(".source.duckdb")), path)


def _only_keys(path: Path) -> None:
    """Write another tool's file with the key columns only."""
    with duckdb.connect(_other_destination(path)) as connection:
        for stream in STREAMS:
            for column in TABLES[stream].columns.keys() - set(TABLES[stream].key):
                connection.execute(f"ALTER TABLE oneup.{stream} DROP COLUMN {column}")


def _only_pins(path: Path) -> None:
    """Write another tool's file with one stream only."""
    with duckdb.connect(_other_destination(path)) as connection:
        for stream in STREAMS:
            if stream != "pins":
                connection.execute(f"DROP TABLE oneup.{stream}")


def _two_schemas(path: Path) -> None:
    """Write another tool's file with a schema per account and prefixed table names."""
    with duckdb.connect(_other_destination(path)) as connection:
        connection.execute("CREATE SCHEMA client_b")
        for stream in STREAMS:
            connection.execute(
                f"CREATE TABLE client_b.b_{stream} AS FROM oneup.{stream} WHERE social_network_id = 'pin_two'; "
                f"DELETE FROM oneup.{stream} WHERE social_network_id = 'pin_two'; "
                f"ALTER TABLE oneup.{stream} RENAME TO a_{stream}"
            )


class Variant(NamedTuple):
    """An unusual history, and a pattern of the message that every notebook must show for it."""

    make: Callable[[Path], object]
    message: str


NOT_ENOUGH = "Not enough data yet|( is| are) needed"
VARIANTS = {
    "empty": Variant(partial(make_history, days=0), NOT_ENOUGH),
    "one sync": Variant(
        partial(make_history, days=1), f"{NOT_ENOUGH}|uncertain"
    ),  # one sync is enough for rates of pins
    "one pin": Variant(partial(make_history, accounts=("pin_one",), days=2, pins=1), NOT_ENOUGH),
    "no pins": Variant(partial(make_history, days=20, pins=0), NOT_ENOUGH),
    "gap": Variant(partial(make_history, missing_days=(5, 6, 7)), "17 daily snapshots"),
    "reset": Variant(partial(make_history, reset_on=15), "20 daily snapshots"),
    "rolling": Variant(partial(make_history, rolling=True), f"{NOT_ENOUGH}|falls? too often|are rolling"),
    "another destination": Variant(_other_destination, "20 daily snapshots"),
    "only keys": Variant(_only_keys, NOT_ENOUGH),
    "only pins": Variant(_only_pins, "20 daily snapshots"),
    "two schemas": Variant(_two_schemas, "20 daily snapshots.* of 2 accounts"),
    "one account": Variant(partial(make_history, accounts=("pin_one",)), "of 1 account"),
    "hostile": Variant(partial(make_long_history, accounts=("pin_one",), days=40, pins=60, hostile=True), "40 daily"),
    "hostile syncs": Variant(write_hostile_database, "3 daily snapshots"),
}


@pytest.fixture(scope="module")
def histories(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Return a function that creates each history once, at its first use."""
    folder = tmp_path_factory.mktemp("variants")

    def history(name: str) -> Path:
        path = folder / f"{name}.duckdb"
        if not path.exists():
            VARIANTS[name].make(path)
        return path

    return history


# the other variants run at night, and in the unit tests of the questions
IN_SLOW_TESTS = ("empty", "only keys", "hostile")


@each_notebook
@pytest.mark.parametrize(
    "name", [name if name in IN_SLOW_TESTS else pytest.param(name, marks=pytest.mark.nightly) for name in VARIANTS]
)
def test_unusual_histories_show_a_message_in_every_notebook(
    name: str,
    notebook: Path,
    histories: Callable[[str], Path],
    shell: InteractiveShell,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    run = run_here(notebook, histories(name), shell, monkeypatch)

    assert re.search(VARIANTS[name].message, run.text), run.text[:2000]
    assert not re.search(r"\b(nan|None|null|inf|NaT)\b", run.text), "an invalid number is shown"
    assert_harmless(run)


def test_a_wrong_choice_is_one_sentence_without_a_traceback(
    long_history: Path, shell: InteractiveShell, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(notebooks.DATABASE_VARIABLE, str(long_history))
    with capture_output() as captured:
        result = shell.run_cell("from oneup_pinterest.notebooks import start; start('nobody')", store_history=False)
    assert not result.success
    assert (captured.stdout + captured.stderr).splitlines()[1:] == [  # after the data window
        "nobody is not in this database; there are: pin_one (@one), pin_two (@two)."
    ]


@pytest.mark.parametrize("blank", [True, False])
def test_ink_distinguishes_a_blank_picture_from_a_chart(blank: bool) -> None:
    point = {"mark": {"type": "point", "opacity": 0 if blank else 1}, "encoding": {"x": {"field": "x", "axis": None}}}
    spec = style.styled({"data": {"values": [{"x": n} for n in range(9)]}, "width": 300, "height": 40, **point})
    png = vl_convert.vegalite_to_png(json.dumps(spec), vl_version=style.VEGALITE)
    assert (ink(png) < 0.005) == blank
