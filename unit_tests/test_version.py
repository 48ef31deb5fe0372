"""The version has one source, pyproject.toml, and whatever repeats it agrees."""

import re
from importlib import metadata

from tools.version import ROOT, stale_places, version


def test_every_file_that_names_the_version_names_the_one_of_the_project() -> None:
    assert stale_places() == []


def test_both_changelogs_have_the_version() -> None:
    written = re.escape(version())
    assert re.search(rf"^## {written}\b", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert re.search(rf"^\| {written} +\|", (ROOT / "docs" / "connector.md").read_text(encoding="utf-8"), re.MULTILINE)


def test_what_is_installed_has_the_version() -> None:
    assert metadata.version("source-oneup-pinterest") == version()
