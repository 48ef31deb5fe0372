"""Modules are short, ruff lays them out, and names and docs use one word per meaning."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from test_support.paths import ROOT

MAX_LINES = 400
# What we write -> what stood for it once. Only words that have no other use here. No pattern matches itself.
RETIRED = {
    "again": r"(?i)\ba[n]ew\b",
    "circuit breaker": r"(?i)give[n][_ ]?up",
    "dropped data": r"\b(?:class|def) \w*[Ll]osses",
    "fault injection": r"(?i)hardnes[s]|spoil[t]",
    "fix": r"(?i)(?<![a-z])m[e]nd(?:s|ed|ing)?(?![a-z])",
    "MIN_…, MAX_…, …_THRESHOLD": r"\b_?(?:LEAS[T]|MOS[T]|ENOUG[H]|CROW[D])(?![A-Za-z])"
    r"|[A-Z]_(?:LEAS[T]|MOS[T]|CROW[D])\b",
    "observation, snapshot": r"\b(?:class|def) \w*[Rr]eadings",
    "response cache": r"(?i)shared[_ ]?answers?\b",
    "within normal variation": r"(?i)canno[t]_tell|[\"'`]canno[t] tell\b",
}


def files_of_ours(*suffixes: str) -> Iterator[Path]:
    """Yield the files with these suffixes, except in hidden folders and those that .gitignore lists."""
    ignored = {line.rstrip("/") for line in (ROOT / ".gitignore").read_text(encoding="utf-8").splitlines()}
    for entry in sorted(ROOT.iterdir()):
        if entry.name in ignored or entry.name.startswith("."):
            continue
        for path in [entry] if entry.is_file() else sorted(entry.rglob("*")):
            if path.suffix in suffixes and not ignored & set(path.relative_to(ROOT).parts):
                yield path


def test_no_module_is_longer_than_400_lines() -> None:
    lengths = {str(path.relative_to(ROOT)): len(path.read_text().splitlines()) for path in files_of_ours(".py")}
    assert "unit_tests/test_style.py" in lengths
    assert {name: lines for name, lines in lengths.items() if lines > MAX_LINES} == {}


def test_ruff_lays_out_every_line() -> None:
    pattern = re.compile(r"#\s*fmt: ?(?:skip|off)\b")
    assert [path for path in files_of_ours(".py") if pattern.search(path.read_text())] == []


@pytest.mark.parametrize("instead", RETIRED)
def test_retired_words_stand_in_no_name_and_no_text(instead: str) -> None:
    found = [
        f"{path.relative_to(ROOT)}: {match[0]}"
        for path in files_of_ours(".py", ".md")
        for match in re.finditer(RETIRED[instead], f"{path.relative_to(ROOT)}\n{path.read_text(encoding='utf-8')}")
    ]
    assert found == [], f"write: {instead}"
