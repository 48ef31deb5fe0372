"""The notebook files are short, have no outputs, and have cell ids chosen by hand."""
# mypy: disable-error-code="no-untyped-call"

import ast
import json
import re
import zipfile
from pathlib import Path

import nbformat
import polars as pl
import pytest

import oneup_pinterest as op
from test_support.history import make_history
from test_support.notebooks import NOTEBOOKS, code_cells, each_notebook

MAX_CODE_LINES = 12  # in a cell, not counting imports
MAX_CODE_WIDTH = 88  # characters: what a notebook shows beside the list of files


def test_notebooks_exist() -> None:
    assert NOTEBOOKS


@each_notebook
def test_notebook_has_no_outputs_and_stable_cell_ids(notebook: Path) -> None:
    content = json.loads(notebook.read_text(encoding="utf-8"))
    nbformat.validate(content)
    code = [cell for cell in content["cells"] if cell["cell_type"] == "code"]
    assert code
    assert all(cell["outputs"] == [] and cell["execution_count"] is None for cell in code)
    ids = [cell["id"] for cell in content["cells"]]
    assert len(set(ids)) == len(ids)
    assert all(re.fullmatch("[a-z]+(-[a-z]+)*", name) for name in ids), "ids are chosen by hand, not random"
    assert content["metadata"]["kernelspec"]["name"] == "python3"


@each_notebook
def test_notebook_begins_with_a_title_and_a_description(notebook: Path) -> None:
    first, second = json.loads(notebook.read_text(encoding="utf-8"))["cells"][:2]
    assert (first["cell_type"], second["cell_type"]) == ("markdown", "code")
    title, *words = "".join(first["source"]).splitlines()
    assert title.startswith("# ")
    assert len(" ".join(words)) > 80


@each_notebook
def test_notebook_cells_only_call_functions_of_the_package(notebook: Path) -> None:
    for name, source in code_cells(notebook).items():
        tree = ast.parse(source)
        imports = [node for node in ast.walk(tree) if isinstance(node, ast.Import | ast.ImportFrom)]
        imported = {line for node in imports for line in range(node.lineno, (node.end_lineno or node.lineno) + 1)}
        lines = [line for n, line in enumerate(source.splitlines(), 1) if line.strip() and n not in imported]
        assert len(lines) <= MAX_CODE_LINES, name
        modules = {node.module or "" for node in imports if isinstance(node, ast.ImportFrom)}
        assert all(module.startswith("oneup_pinterest.") for module in modules), name
        assert all(
            alias.name in ("polars", "oneup_pinterest")
            for node in imports
            if isinstance(node, ast.Import)
            for alias in node.names
        ), name
        own_logic = (
            ast.While | ast.FunctionDef | ast.ClassDef | ast.Lambda | ast.BinOp | ast.Try | ast.DictComp | ast.SetComp
        )
        assert not [node for node in ast.walk(tree) if isinstance(node, own_logic)], (
            f"{name}: computes something itself"
        )
        repeated = [node.elt for node in ast.walk(tree) if isinstance(node, ast.GeneratorExp | ast.ListComp)]
        assert all(isinstance(element, ast.Call) for element in repeated), f"{name}: more than one call per metric"
        loops = [node for node in ast.walk(tree) if isinstance(node, ast.For)]
        assert all(isinstance(inner, ast.Expr) for loop in loops for inner in loop.body), (
            f"{name}: loops must only show answers"
        )


@each_notebook
def test_first_code_cell_has_the_parameters_that_start_is_given(notebook: Path) -> None:
    parameters, start = [
        cell for cell in json.loads(notebook.read_text(encoding="utf-8"))["cells"] if cell["cell_type"] == "code"
    ][:2]
    assert parameters["metadata"] == {"tags": ["parameters"]}, "papermill finds the cell by this tag"
    given: dict[str, object] = {}
    exec("".join(parameters["source"]), {}, given)
    assert given == {"ACCOUNT": None, "SINCE": None, "UNTIL": None}
    assert "".join(start["source"]).endswith("database, account = start(ACCOUNT, SINCE, UNTIL)")


@each_notebook
def test_code_is_not_cut_off_at_the_right(notebook: Path) -> None:
    cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    fenced = [block for cell in cells for block in _fenced("".join(cell["source"]))]
    for source in (*code_cells(notebook).values(), *fenced):
        assert max(map(len, source.splitlines())) <= MAX_CODE_WIDTH, source


def test_code_that_saves_a_table_works(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (cell,) = [cell for cell in json.loads(NOTEBOOKS[0].read_text())["cells"] if cell["id"] == "save-table"]
    (source,) = _fenced("".join(cell["source"]))
    history = op.load_account_history(make_history(tmp_path / "h.duckdb", hostile=True), "pin_one")
    monkeypatch.chdir(tmp_path)

    names: dict[str, op.Answer] = {}
    exec(source, {"op": op, "history": history}, names)

    table = names["answer"].table
    assert table is not None
    assert pl.read_csv("top_pins.csv").columns == table.columns
    assert pl.read_csv("top_pins.csv").height == table.height > 1
    with zipfile.ZipFile("top_pins.xlsx") as workbook:
        assert "window.hacked" in workbook.read("xl/sharedStrings.xml").decode()
        assert workbook.read("xl/worksheets/sheet1.xml").decode().count("<row ") == table.height + 1


def test_text_like_a_formula_stays_text_in_excel(tmp_path: Path) -> None:
    pl.DataFrame({"Pin": ["=1+1"]}).write_excel(tmp_path / "t.xlsx")
    with zipfile.ZipFile(tmp_path / "t.xlsx") as workbook:
        assert "<f>" not in workbook.read("xl/worksheets/sheet1.xml").decode()


def _fenced(text: str) -> list[str]:
    return re.findall(r"```python\n(.*?)\n```", text, re.DOTALL)
