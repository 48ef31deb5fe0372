"""The code does not import tests, and folders of tests share only test_support."""

import ast
from pathlib import Path

import pytest

from test_support.paths import ROOT


def imported(path: Path) -> set[str]:
    """Return the first part of the name of every module that a file imports."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    names = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    names |= {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and not node.level}
    return {name.split(".")[0] for name in names}


@pytest.mark.parametrize(
    ("folder", "forbidden"),
    [
        ("unit_tests", {"integration_tests"}),
        ("integration_tests", {"unit_tests"}),
        ("test_support", {"unit_tests", "integration_tests"}),
        ("source_oneup_pinterest", {"unit_tests", "integration_tests", "test_support"}),
        ("analysis", {"unit_tests", "integration_tests", "test_support"}),
    ],
)
def test_code_does_not_import_from_unrelated_test_folders(folder: str, forbidden: set[str]) -> None:
    files = list((ROOT / folder).rglob("*.py"))
    assert files
    assert [str(path.relative_to(ROOT)) for path in files if imported(path) & forbidden] == []
