"""The flat form has all of the connector, and rejects modules that cannot be flattened."""

import ast
from pathlib import Path
from types import ModuleType

import pytest
import yaml

from source_oneup_pinterest import components
from source_oneup_pinterest.export import FlatteningError, export, flat_components, flat_manifest, flatten

DOCSTRING = '"""A module."""\n'


def test_flat_form_defines_every_class_that_the_manifest_names() -> None:
    flat = ModuleType("components")
    exec(flat_components(), flat.__dict__)

    prefix = "source_declarative_manifest.components."
    named = {value.removeprefix(prefix) for value in class_names(yaml.safe_load(flat_manifest()))}
    assert named == set(components.__all__)
    assert all(hasattr(flat, name) for name in named)


def class_names(node: object) -> set[str]:
    if isinstance(node, list):
        return set().union(*map(class_names, node))
    if not isinstance(node, dict):
        return set()
    own = {node["class_name"]} if isinstance(node.get("class_name"), str) else set()
    return own.union(*map(class_names, node.values()))


def test_flat_form_has_no_package_or_duplicate_imports() -> None:
    tree = ast.parse(flat_components())

    imports = [node for node in ast.walk(tree) if isinstance(node, ast.Import | ast.ImportFrom)]
    assert imports == [node for node in tree.body[1:] if isinstance(node, ast.Import | ast.ImportFrom)]
    assert not any(isinstance(node, ast.ImportFrom) and node.level for node in imports)
    assert "import source_oneup_pinterest" not in flat_components()
    modules = [node.module for node in imports if isinstance(node, ast.ImportFrom)]
    assert len(modules) == len(set(modules))


def test_flat_form_keeps_comments_and_the_order_of_imports() -> None:
    flat = flatten(
        {
            "one": DOCSTRING + "\nimport os\n\nfrom .two import two\n\nONE = two(os.sep)  # why one\n",
            "two": DOCSTRING + '\n\ndef two(text: str) -> str:\n    """Return it."""\n    # why two\n    return text\n',
        }
    )

    assert flat.endswith(
        "import os\n\n# two: A module.\n\n\n"
        'def two(text: str) -> str:\n    """Return it."""\n    # why two\n    return text\n\n\n'
        "# one: A module.\n\nONE = two(os.sep)  # why one\n"
    )


def test_imports_are_merged_and_sorted() -> None:
    flat = flatten(
        {
            "one": "import requests\nfrom typing import Any, cast\nimport os\n",
            "two": "import os\nfrom typing import IO, Any\nimport http.client\n",
        }
    )

    assert "import http.client\nimport os\nfrom typing import IO, Any, cast\n\nimport requests\n" in flat


@pytest.mark.parametrize(
    "statement",
    [
        "from .two import two as second",
        "from .two import *",
        "from . import two",
        "from .three import three",
        "from ..components.two import two",
        "from source_oneup_pinterest.components.two import two",
        "import source_oneup_pinterest.components.two",
    ],
)
def test_own_modules_are_imported_by_name_only(statement: str) -> None:
    with pytest.raises(FlatteningError) as caught:
        flatten({"one": f"{DOCSTRING}{statement}\n", "two": "two = 2\n"})

    assert str(caught.value) == f"one.py, line 2: write `from .module import name`, not `{statement}`."


def test_import_below_the_top_level_is_rejected() -> None:
    with pytest.raises(FlatteningError, match=r"^one\.py, line 2: imports must be at the top level of the module\.$"):
        flatten({"one": "def one() -> None:\n    from .two import two\n", "two": "two = 2\n"})


@pytest.mark.parametrize(
    "definition", ["two = 2", "two: int = 2", "a, two = 1, 2", "def two() -> None: ...", "class two: ..."]
)
def test_name_that_is_defined_twice_is_rejected(definition: str) -> None:
    with pytest.raises(FlatteningError, match=r"^`two` is defined in one\.py and in two\.py: rename one\.$"):
        flatten({"one": f"{definition}\n", "two": "two = 2\n"})


def test_name_that_hides_an_import_is_rejected() -> None:
    with pytest.raises(FlatteningError, match=r"^`field` is defined in two\.py and imported in one\.py: rename it\.$"):
        flatten({"one": "from dataclasses import field\n", "two": "field = 2\n"})


def test_future_import_is_rejected() -> None:
    with pytest.raises(FlatteningError, match=r"^one\.py, line 1: the flat form cannot import from `__future__`"):
        flatten({"one": "from __future__ import annotations\n"})


def test_circular_imports_are_rejected() -> None:
    with pytest.raises(FlatteningError, match=r"^The modules import each other in a circle: "):
        flatten({"one": "from .two import two\none = two\n", "two": "from .one import one\ntwo = one\n"})


def test_import_with_two_meanings_is_rejected() -> None:
    with pytest.raises(FlatteningError, match=r"^`quote` means `html\.quote` in one\.py and `urllib\.quote`"):
        flatten({"one": "from html import quote\n", "two": "from urllib import quote\n"})


def test_export_writes_both_files(tmp_path: Path) -> None:
    written = export(tmp_path / "form")

    assert {tmp_path / "form" / name for name in ("manifest.yaml", "components.py")} <= set(written)
    assert all(path.exists() for path in written)
