"""The notebooks: run on every kind of history, keep no outputs, and open with the database chosen."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient

from analysis import notebooks
from analysis.errors import UserError
from unit_tests.analysis.history import HOSTILE_TEXT, as_other_destination, make_history

ROOT = Path(__file__).resolve().parents[2]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))


def run(notebook: Path, database: Path, monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Outputs of all cells."""
    monkeypatch.setenv(notebooks.DATABASE_VARIABLE, str(database))
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.setenv("IPYTHONDIR", str(database.parent / "ipython"))  # parallel kernels share no history file
    content = nbformat.read(notebook, 4)
    NotebookClient(content, timeout=120).execute()
    return [output for cell in content.cells for output in cell.get("outputs", [])]


def texts(outputs: list[Any]) -> str:
    return "".join(output.get("text", "") for output in outputs)


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebooks_are_kept_without_outputs_and_with_stable_ids(notebook: Path) -> None:
    content = json.loads(notebook.read_text(encoding="utf-8"))
    code = [cell for cell in content["cells"] if cell["cell_type"] == "code"]
    assert code
    assert all(cell["outputs"] == [] and cell["execution_count"] is None for cell in code)
    ids = [cell["id"] for cell in content["cells"]]
    assert len(set(ids)) == len(ids)
    assert all("-" in name or name.isalpha() for name in ids), "ids are chosen, not drawn"


def test_start_here_shows_the_window_first_and_draws_its_charts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    database = make_history(tmp_path / "h.duckdb")
    outputs = run(ROOT / "notebooks" / "00_start_here.ipynb", database, monkeypatch)
    assert outputs[0]["text"].startswith("20 daily snapshots from 2026-03-12 to 2026-03-31: 36 pins of 2 accounts.")
    charts = [output["data"] for output in outputs if "application/vnd.vegalite.v5+json" in output.get("data", {})]
    assert len(charts) == 3
    assert all(len(chart["image/png"]) > 5_000 for chart in charts)
    assert "saves in the 7 days from 22 Mar 2026 to 28 Mar 2026, and" in texts(outputs)
    assert not any(output["output_type"] == "error" or output.get("name") == "stderr" for output in outputs)


def _other(path: Path) -> Path:
    return as_other_destination(make_history(path.with_name("source.duckdb"), days=20), path)


HISTORIES: dict[str, Callable[[Path], Path]] = {
    "empty": partial(make_history, days=0),
    "one sync": partial(make_history, days=1),
    "one pin": partial(make_history, accounts=("pin_one",), days=2, pins=1),
    "gap": partial(make_history, missing_days=(5, 6, 7)),
    "reset": partial(make_history, reset_on=15),
    "rolling": partial(make_history, rolling=True),
    "another destination": _other,
}
SAYS = {
    "empty": "Not enough data yet",
    "one sync": "Not enough data yet",
    "one pin": "Not enough data yet",
    "gap": "spread over gaps",
    "reset": "Not known: ",
    "rolling": "falls too often",
    "another destination": "in the 7 days from",
}


@pytest.mark.parametrize("name", HISTORIES)
def test_start_here_runs_on_every_history_and_says_what_it_lacks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    database = HISTORIES[name](tmp_path / "h.duckdb")
    outputs = run(ROOT / "notebooks" / "00_start_here.ipynb", database, monkeypatch)
    assert SAYS[name] in texts(outputs)


def test_pins_cannot_put_markup_into_a_notebook(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    database = make_history(tmp_path / "h.duckdb", days=3, hostile=True)
    outputs = run(ROOT / "notebooks" / "00_start_here.ipynb", database, monkeypatch)
    markup = "".join(output.get("data", {}).get("text/html", "") for output in outputs)
    assert HOSTILE_TEXT[:20] not in markup
    assert "&lt;script&gt;" in markup


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What would have been run in place of JupyterLab."""
    calls: list[Any] = []

    def call(command: list[str], env: dict[str, str], check: bool) -> Any:
        calls.append((command, env))
        return subprocess.CompletedProcess(command, 0)

    monkeypatch.setattr(subprocess, "run", call)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: name)
    return calls


def test_jupyterlab_opens_on_the_checkouts_notebooks_with_the_database_chosen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, started: list[Any]
) -> None:
    make_history(tmp_path / "h.duckdb", days=1)
    monkeypatch.chdir(tmp_path)
    notebooks.open_notebooks("h.duckdb")
    ((command, environment),) = started
    assert command[:4] == [sys.executable, "-m", "jupyterlab", str(ROOT / "notebooks")]
    assert environment[notebooks.DATABASE_VARIABLE] == str(tmp_path / "h.duckdb")
    assert environment["PATH"] == os.environ["PATH"]


def test_from_a_package_notebooks_are_copied_and_nothing_is_overwritten(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, started: list[Any]
) -> None:
    packaged = tmp_path / "notebook_files"
    packaged.mkdir()
    (packaged / "00_start_here.ipynb").write_text("new")
    (packaged / "01_more.ipynb").write_text("new")
    copies = tmp_path / "oneup_pinterest_notebooks"
    copies.mkdir()
    (copies / "00_start_here.ipynb").write_text("mine")
    monkeypatch.setattr(notebooks, "_PACKAGED", packaged)
    monkeypatch.chdir(tmp_path)
    notebooks.open_notebooks(make_history(tmp_path / "h.duckdb", days=1))
    assert started[0][0][3] == "oneup_pinterest_notebooks"
    assert {path.name: path.read_text() for path in copies.iterdir()} == {
        "00_start_here.ipynb": "mine",
        "01_more.ipynb": "new",
    }


def test_a_missing_jupyterlab_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(UserError, match=r'pip install "source-oneup-pinterest\[notebooks\]"'):
        notebooks.open_notebooks(make_history(tmp_path / "h.duckdb", days=1))


def test_a_missing_database_is_named_before_jupyterlab_starts(tmp_path: Path, started: list[Any]) -> None:
    with pytest.raises(UserError, match="does not exist"):
        notebooks.open_notebooks(tmp_path / "none.duckdb")
    assert started == []


def test_a_notebook_finds_the_default_database_here_or_above(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(notebooks.DATABASE_VARIABLE, raising=False)
    (tmp_path / "notebooks").mkdir()
    monkeypatch.chdir(tmp_path / "notebooks")
    assert notebooks.chosen_database() == Path("oneup_pinterest.duckdb")
    (tmp_path / "oneup_pinterest.duckdb").touch()
    assert notebooks.chosen_database() == Path("..", "oneup_pinterest.duckdb")
