"""The version is defined in pyproject.toml, and every other place agrees."""

import re
from importlib import metadata

from tools.version import ROOT, stale_places, version


def test_every_file_repeats_the_project_version() -> None:
    assert stale_places() == []


def test_both_changelogs_list_the_version() -> None:
    written = re.escape(version())
    assert re.search(rf"^## {written}\b", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert re.search(rf"^\| {written} +\|", (ROOT / "docs" / "connector.md").read_text(encoding="utf-8"), re.MULTILINE)


def test_installed_package_has_the_project_version() -> None:
    assert metadata.version("source-oneup-pinterest") == version()
