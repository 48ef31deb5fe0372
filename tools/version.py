"""Check that every file has the version of pyproject.toml, or write a new version everywhere.

python -m tools.version [--set VERSION] [--tag TAG]

Exits with 1 and the stale places if they differ, or if TAG is not "v" and the version (the release workflow checks it).
"""

import argparse
import re
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).parent.parent
NUMBER = r"\d+\.\d+\.\d+\w*"
TEXTS_BEFORE_VERSION = {  # file → texts before the version in it
    "pyproject.toml": ('\nversion = "',),
    "packaging/oneup-pinterest/pyproject.toml": ('\nversion = "', "]=="),
    "metadata.yaml": ("dockerImageTag: ",),
    "docs/recipes/Dockerfile": ("source-oneup-pinterest:", "io.airbyte.version="),
    "docs/orchestrators.md": ("source_oneup_pinterest-",),
    "docs/fleets.md": ("pinterest[lake]==", "REGISTRY/oneup-pinterest:"),
    "docs/index.md": ("pinterest-",),
    "docs/recipes/airbyte_api.sh": ("TAG:-",),
    "docs/recipes/kubernetes.yaml": ("REGISTRY/oneup-pinterest:",),
    "docs/recipes/airbyte.tf": ('docker_image_tag  = "',),
    "docs/add-to-airbyte.md": ("source-oneup-pinterest:", "source_oneup_pinterest-", "--tag ", "tag `"),
}


def main() -> None:
    """Run the actions of the command line."""
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
    """Return each file with a wrong version, and that version; a file without a version is stale too."""
    current = version()
    found = [
        (name, match)
        for name in TEXTS_BEFORE_VERSION
        for match in _pattern(name).findall(_read(name)) or ["no version"]
    ]
    return [(name, match) for name, match in found if match != current]


def set_version(new: str) -> None:
    """Write a version into every file that names it. Edit CHANGELOG.md and docs/connector.md by hand."""
    if not re.fullmatch(NUMBER, new):
        sys.exit(f"{new} is not a version such as 0.2.0")
    for name in TEXTS_BEFORE_VERSION:
        (ROOT / name).write_text(_pattern(name).sub(new, _read(name)), encoding="utf-8")


def _read(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def _pattern(name: str) -> re.Pattern[str]:
    before = "|".join(f"(?<={re.escape(text)})" for text in TEXTS_BEFORE_VERSION[name])
    return re.compile(f"(?:{before}){NUMBER}")


if __name__ == "__main__":
    main()
