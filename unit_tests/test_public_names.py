"""`import oneup_pinterest as op` has all public names and loads heavy packages only when one is used."""

import re
import subprocess
import sys
from pathlib import Path

import oneup_pinterest as op


def test_every_public_name_resolves() -> None:
    assert {"AccountHistory", "Answer", "UserError", "load_account_histories", "load_pins", "write_report"} <= set(
        op.__all__
    )
    for name in op.__all__:
        assert getattr(op, name).__name__ == name
    assert set(op.__all__) <= set(dir(op))


def test_every_answer_function_is_public() -> None:
    questions = Path(op.__file__).parent / "questions"
    defined = {
        line.removeprefix("def ").partition("(")[0]
        for path in questions.glob("*/answer.py")
        for line in path.read_text(encoding="utf-8").splitlines()
        if re.match("def [a-z]", line) and line.partition("(")[0].endswith("_answer")
    }
    assert defined - set(op.__all__) == {"accounts_answer"}  # takes rows instead of a history, for the report


def test_lazily_loaded_names_are_visible_to_editors() -> None:
    source = Path(op.__file__).read_text(encoding="utf-8")
    assert [name for name in op.__all__ if f"import {name} as {name}\n" not in source] == []


def test_importing_the_package_imports_neither_polars_nor_duckdb() -> None:
    code = "import sys, oneup_pinterest; sys.exit(bool({'polars', 'duckdb', 'altair'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
