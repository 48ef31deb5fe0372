"""Check that the version in pyproject.toml is the same everywhere it stands, or write a new one everywhere.

python -m tools.version [--set VERSION] [--tag TAG]

Ends with 1 and the stale places if they differ, or if TAG is not "v" and the version (the release workflow asks that).
"""

import argparse
import re
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).parent.parent
NUMBER = r"\d+\.\d+\.\d+\w*"
BEFORE = {  # file → what stands before the version in it
    "pyproject.toml": ('\nversion = "',),
    "metadata.yaml": ("dockerImageTag: ",),
    "docs/recipes/Dockerfile": ("source-oneup-pinterest:", "io.airbyte.version="),
    "docs/add-to-airbyte.md": ("source-oneup-pinterest:", "source_oneup_pinterest-", "--tag ", "tag `"),
}


def main() -> None:
    """Run what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--set", metavar="VERSION", help="write this version everywhere")
    parser.add_argument("--tag", help="the tag that must name the version")
    options = parser.parse_args()
    if options.set:
        set_version(options.set)
    stale = [f"{name} says {found}, pyproject.toml {version()}" for name, found in stale_places()]
    if options.tag and options.tag != f"v{version()}":
        stale.append(f"the tag is {options.tag}, the version {version()}")
    sys.exit("\n".join(stale) or None)


def version() -> str:
    """Return the project's version, whose only source is pyproject.toml."""
    return str(tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"])


def stale_places() -> list[tuple[str, str]]:
    """Return each file and what it says in place of the version; a file that names none is stale too."""
    current = version()
    found = [(name, match) for name in BEFORE for match in _pattern(name).findall(_read(name)) or ["no version"]]
    return [(name, match) for name, match in found if match != current]


def set_version(new: str) -> None:
    """Write a version into every file that names it. CHANGELOG.md and docs/connector.md need words, not a number."""
    if not re.fullmatch(NUMBER, new):
        sys.exit(f"{new} is not a version such as 0.2.0")
    for name in BEFORE:
        (ROOT / name).write_text(_pattern(name).sub(new, _read(name)), encoding="utf-8")


def _read(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def _pattern(name: str) -> re.Pattern[str]:
    before = "|".join(f"(?<={re.escape(text)})" for text in BEFORE[name])
    return re.compile(f"(?:{before}){NUMBER}")


if __name__ == "__main__":
    main()
