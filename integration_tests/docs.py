"""Writes the generated parts of the docs, or with --check tells whether they are as the code says.

python -m integration_tests.docs [--check]
"""

import argparse
import re
import sys
from pathlib import Path
from typing import Any

import yaml

from analysis.cli import EXIT_STATUS, parser
from analysis.sync.batch import duckdb_type

ROOT = Path(__file__).parent.parent
MANIFEST = ROOT / "source_oneup_pinterest" / "manifest.yaml"


def main() -> None:
    """Brings every generated part up to date, or fails where one is not."""
    check = "--check" in sys.argv[1:]
    manifest = yaml.safe_load(MANIFEST.read_text(encoding="utf-8"))
    parts = {
        ("README.md", "commands"): commands(),
        ("docs/connector.md", "config"): config(manifest),
        ("docs/connector.md", "streams"): streams(manifest),
    }
    stale = [name for (name, part), text in parts.items() if not _is_up_to_date(ROOT / name, part, text, check)]
    missing = [
        link
        for page in ("README.md", "docs/connector.md", "docs/database.md", "CHANGELOG.md")
        for link in _broken_links(ROOT / page)
    ]
    if stale or missing:
        problems = [f"{name} is out of date: run `make format`" for name in dict.fromkeys(stale)]
        sys.exit("\n".join(problems + [f"broken link: {link}" for link in missing]))


def commands() -> str:
    """Every command with its options, from the parser itself (help texts differ between Python versions)."""
    actions = next(action for action in parser()._actions if isinstance(action, argparse._SubParsersAction))
    lines = []
    for name, command in actions.choices.items():
        lines += [f"**`oneup-pinterest {name}`**: {command.description}", ""]
        for option in command._actions[1:]:
            value = f" {option.metavar}" if option.metavar else ""
            meaning = str(option.help) % {"default": option.default}
            lines.append(f"- `{option.option_strings[0]}{value}`: {meaning}")
        lines.append("")
    return "\n".join([*lines, f"{EXIT_STATUS[0].upper()}{EXIT_STATUS[1:]}."])


def config(manifest: dict[str, Any]) -> str:
    """The config's keys as a table."""
    specification = manifest["spec"]["connection_specification"]
    lines = ["| key | default | meaning |", "|---|---|---|"]
    for key, value in specification["properties"].items():
        default = (
            "required" if key in specification["required"] else f"`{value['default']}`" if "default" in value else ""
        )
        choices = f" One of {', '.join(f'`{choice}`' for choice in value['enum'])}." if "enum" in value else ""
        lines.append(f"| `{key}` | {default} | {value['description']}{choices} |")
    return "\n".join(lines)


def streams(manifest: dict[str, Any]) -> str:
    """A data dictionary: every stream, its keys, and every column with its DuckDB type."""
    text = []
    for reference in manifest["streams"]:
        name = reference["$ref"].rsplit("/", 1)[-1]
        stream = manifest["definitions"][name]
        cursor = (
            manifest["definitions"][stream["incremental_sync"]["$ref"].rsplit("/", 1)[-1]]["cursor_field"]
            if "incremental_sync" in stream
            else None
        )
        keys = ", ".join(f"`{key}`" for key in stream["primary_key"])
        text += [
            f"### {name}",
            "",
            f"Primary key: {keys}. Cursor: {f'`{cursor}`' if cursor else 'none (read in full)'}.",
            "",
        ]
        text += ["| column | type | meaning |", "|---|---|---|"]
        for column, schema in manifest["schemas"][name]["properties"].items():
            text.append(f"| `{column}` | {duckdb_type(schema)} | {schema['description']} |")
        text.append("")
    return "\n".join(text).strip()


def _is_up_to_date(page: Path, part: str, text: str, check: bool) -> bool:
    start, end = f"<!-- {part}: made by `make format` -->", f"<!-- end of {part} -->"
    before = page.read_text(encoding="utf-8")
    pattern = re.compile(re.escape(start) + ".*?" + re.escape(end), re.DOTALL)
    if not pattern.search(before):
        sys.exit(f"{page} has no part {start}")
    after = pattern.sub(lambda _: f"{start}\n{text}\n{end}", before)
    if not check and after != before:
        page.write_text(after, encoding="utf-8")
    return after == before or not check


def _broken_links(page: Path) -> list[str]:
    targets = re.findall(r"\]\(([^)#]+?)(?:#[^)]*)?\)", page.read_text(encoding="utf-8"))
    local = [target for target in targets if not re.match(r"[a-z]+:", target)]
    return [f"{page.name} → {target}" for target in local if not (page.parent / target).exists()]


if __name__ == "__main__":
    main()
