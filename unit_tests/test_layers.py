"""Imports point down the layers: questions do not import each other, and statistics import no charts or answers."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "analysis" / "oneup_pinterest"
BASE = {"formatting", "clock", "errors", "console", "files"}
DATA = {"database"} | BASE
NUMBERS = {"history", "methods"} | DATA
ASKING = {"questions", "quality"} | NUMBERS
MAY_IMPORT = {
    **dict.fromkeys(BASE, BASE),
    "database": DATA,
    "images": {"images"} | DATA,
    "methods": {"methods"},
    "history": NUMBERS,
    "quality": {"quality"} | NUMBERS,
    "questions": ASKING,
    "report": {"report", "images"} | ASKING,
    "notebooks": {"images", "notebooks"} | ASKING,
    "sync": {"sync"} | DATA,
    "setup": {"setup", "sync"} | ASKING,
    "sandbox": {"sandbox"},
}
CONNECTOR = {"run", "source", "export"}  # what Airbyte starts, and the data files beside it; never its components
QUESTIONS = sorted(path.name for path in (PACKAGE / "questions").iterdir() if (path / "__init__.py").is_file())
COMBINING = ("summary", "top_pins", "actions")  # questions whose answers are made from those of others
SHARED = {"answer", "chart_style", "interval_chart", "pin_columns"}
PROSE = {"answer", "chart", "chart_style", "interval_chart", "pin_columns"}


def imports(path: Path, package: str) -> Iterator[tuple[str, ...]]:
    """Yield the modules of a package that a file imports, also inside functions and for typing, as paths below it."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module:
            if node.module == package:
                yield from ((alias.name,) for alias in node.names)
            elif node.module.startswith(f"{package}."):
                yield tuple(node.module.split(".")[1:])
        elif isinstance(node, ast.Import):
            yield from (
                tuple(alias.name.split(".")[1:]) for alias in node.names if alias.name.startswith(f"{package}.")
            )


def modules(folder: Path) -> list[Path]:
    return sorted(folder.rglob("*.py"))


@pytest.mark.parametrize("layer", sorted(MAY_IMPORT))
def test_imports_point_down(layer: str) -> None:
    path = PACKAGE / layer
    for module in modules(path) if path.is_dir() else [path.with_suffix(".py")]:
        above = {name[0] for name in imports(module, "oneup_pinterest")} - MAY_IMPORT[layer]
        assert not above, f"{module.relative_to(PACKAGE)} imports {sorted(above)}"


def test_every_module_of_the_package_has_a_layer() -> None:
    parts = {path.stem for path in PACKAGE.iterdir() if path.suffix == ".py" or (path / "__init__.py").is_file()}
    assert parts - set(MAY_IMPORT) == {"__init__", "cli", "demo"}


@pytest.mark.parametrize("question", QUESTIONS)
def test_question_imports_no_other_question(question: str) -> None:
    allowed = {question} | SHARED
    if question in COMBINING:  # those that do not combine, and those before it in the list
        allowed |= {*QUESTIONS} - {*COMBINING[COMBINING.index(question) :]}
    for module in modules(PACKAGE / "questions" / question):
        imported = {name[1] for name in imports(module, "oneup_pinterest") if name[0] == "questions"}
        assert imported <= allowed, module


@pytest.mark.parametrize("question", QUESTIONS)
def test_statistics_import_no_charts_and_charts_import_no_answers(question: str) -> None:
    for module in modules(PACKAGE / "questions" / question):
        imported = {name[1:] for name in imports(module, "oneup_pinterest") if name[0] == "questions"}
        if module.stem == "chart":
            assert not {name for name in imported if name[-1] == "answer"}, module
        elif module.stem not in ("answer", "__init__"):  # statistics
            assert not {name for name in imported if name[-1] in PROSE}, module
            source = ast.walk(ast.parse(module.read_text(encoding="utf-8")))
            assert "altair" not in {
                alias.name for node in source if isinstance(node, ast.Import) for alias in node.names
            }
            assert not [name for name in imports(module, "oneup_pinterest") if name[0] == "formatting"], module


def test_connector_does_not_import_the_analysis_package() -> None:
    for module in modules(ROOT / "source_oneup_pinterest"):
        assert not list(imports(module, "oneup_pinterest")), module


def test_scipy_is_imported_inside_functions() -> None:
    """It takes half a second to import, and a report without enough data for a test does not need it."""
    for module in modules(PACKAGE):
        for node in ast.parse(module.read_text(encoding="utf-8")).body:
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            assert "scipy" not in {name.split(".")[0] for name in names}, module
