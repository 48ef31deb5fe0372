"""Write the generated parts of the docs, or check with --check that they match the code.

python -m tools.docs [--check]
"""

import ast
import inspect
import re
import sys
from contextlib import redirect_stderr
from io import StringIO
from pathlib import Path
from typing import Any

import click
import yaml
from airbyte_cdk.entrypoint import AirbyteEntrypoint

from oneup_pinterest.cli.commands import EXIT_STATUS, SECTIONS
from oneup_pinterest.database.bi.columns import BI_VIEWS
from oneup_pinterest.database.column_types import duckdb_type

ROOT = Path(__file__).parent.parent
PAGES = ("README.md", "BEHAVIOR.md", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md")
QUESTIONS = ROOT / "analysis" / "oneup_pinterest" / "questions"
FLEET_RECIPES = {"processes": "in_processes", "ray": "on_ray"}
MANIFEST = ROOT / "source_oneup_pinterest" / "manifest.yaml"


def main() -> None:
    """Update every generated part, or fail if one is out of date."""
    check = "--check" in sys.argv[1:]
    manifest = yaml.safe_load(MANIFEST.read_text(encoding="utf-8"))
    parts = {
        ("docs/commands.md", "commands"): command_reference(),
        ("docs/connector.md", "config"): config(manifest),
        ("docs/connector.md", "supported"): supported(manifest),
        ("docs/connector.md", "streams"): streams(manifest),
        ("docs/connector.md", "types"): types(manifest),
        ("docs/connector.md", "verbs"): verbs(),
        ("docs/statistics.md", "questions"): questions(),
        ("docs/bi.md", "bi"): bi_columns(),
        ("docs/add-to-airbyte.md", "pyairbyte"): recipe("pyairbyte_sync.py"),
    }
    parts |= {("docs/fleets.md", name): recipe(f"changes_{place}.py") for name, place in FLEET_RECIPES.items()}
    parts |= {("docs/orchestrators.md", name): recipe(f"{name}_sync.py") for name in ("dagster", "prefect", "airflow")}
    stale = [name for (name, part), text in parts.items() if not _is_up_to_date(ROOT / name, part, text, check)]
    missing = [
        link
        for page in (*(ROOT / name for name in PAGES), *sorted((ROOT / "docs").glob("*.md")))
        for link in _broken_links(page)
    ]
    if stale or missing:
        problems = [f"{name} is out of date: run `make format`" for name in dict.fromkeys(stale)]
        sys.exit("\n".join(problems + [f"broken link: {link}" for link in missing]))


def command_reference() -> str:
    """Return each command with its options, from the commands themselves."""
    lines = []
    for title, commands in SECTIONS.items():
        lines += [f"## {title}", ""]
        for command in commands:
            lines += [f"### {command.name}", "", inspect.cleandoc(command.help or ""), ""]
            lines += [_described(parameter) for parameter in command.params]
            lines.append("")
    status = EXIT_STATUS.partition(": ")[2].rstrip(".")
    rows = [f"| {code} | {meaning} |" for code, _, meaning in (part.partition(" ") for part in status.split("; "))]
    return "\n".join([*lines, "## Exit status", "", "| status | meaning |", "|---:|---|", *rows])


def _described(parameter: click.Parameter) -> str:
    """Return a line about an option or an argument, with how it is written."""
    if isinstance(parameter, click.Argument):
        written = parameter.make_metavar(click.Context(click.Command("")))
        return f"- `{written}`"
    assert isinstance(parameter, click.Option)
    value = "" if parameter.is_flag else f" {parameter.make_metavar(click.Context(click.Command('')))}"
    return f"- `{', '.join(parameter.opts)}{value}`: {parameter.help}"


def questions() -> str:
    """Return one row per question: its package's docstring, its answers, and the notebooks that use them."""
    lines = ["| question | answers | method and source | notebooks |", "|---|---|---|---|"]
    for folder in sorted(path.parent for path in QUESTIONS.glob("*/answer.py")):
        docstring = ast.get_docstring(ast.parse((folder / "__init__.py").read_text(encoding="utf-8"))) or ""
        question, _, method = docstring.partition("\n\n")
        tree = ast.parse((folder / "answer.py").read_text(encoding="utf-8"))
        functions = (node.name for node in tree.body if isinstance(node, ast.FunctionDef))
        answers = [name for name in functions if name.endswith("_answer") and not name.startswith("_")]
        asked = [
            path.name[:2]
            for path in sorted((ROOT / "notebooks").glob("*.ipynb"))
            if any(f"op.{name}(" in path.read_text(encoding="utf-8") for name in answers)
        ]
        if not (question and method and answers and asked):
            sys.exit(f"{folder} needs a docstring with a question and a method, an answer, and a notebook that uses it")
        names = ", ".join(f"`{name}`" for name in answers)
        lines.append(f"| {question} | {names} | {method.replace(chr(10), ' ')} | {', '.join(asked)} |")
    return "\n".join(lines)


def config(manifest: dict[str, Any]) -> str:
    """Return the config keys as a table."""
    specification = manifest["spec"]["connection_specification"]
    lines = ["| key | default | meaning |", "|---|---|---|"]
    for key, value in specification["properties"].items():
        default = (
            "required" if key in specification["required"] else f"`{value['default']}`" if "default" in value else ""
        )
        choices = f" One of {', '.join(f'`{choice}`' for choice in value['enum'])}." if "enum" in value else ""
        lines.append(f"| `{key}` | {default} | {value['description']}{choices} |")
    return "\n".join(lines)


def supported(manifest: dict[str, Any]) -> str:
    """Return every stream with its key, its cursor and whether it is read incrementally."""
    lines = ["| stream | primary key | cursor | incremental |", "|---|---|---|---|"]
    for name, keys, cursor in _streams(manifest):
        written_keys = ", ".join(f"`{key}`" for key in keys)
        lines.append(
            f"| [{name}](#{name}) | {written_keys} | {f'`{cursor}`' if cursor else ''} | {'yes' if cursor else 'no'} |"
        )
    return "\n".join(lines)


def streams(manifest: dict[str, Any]) -> str:
    """Return a data dictionary: every column of every stream with its DuckDB type."""
    text = []
    for name, *_ in _streams(manifest):
        text += [f"### {name}", ""]
        text += ["| column | type | meaning |", "|---|---|---|"]
        for column, schema in manifest["schemas"][name]["properties"].items():
            text.append(f"| `{column}` | {duckdb_type(schema)} | {schema['description']} |")
        text.append("")
    return "\n".join(text).strip()


def bi_columns() -> str:
    """Return the views for BI with their columns, from the comments that a sync writes into the file."""
    text = []
    for name, (meaning, columns) in BI_VIEWS.items():
        text += [f"### {name}", "", meaning, "", "| column | meaning |", "|---|---|"]
        text += [f"| `{column}` | {what} |" for column, what in columns.items()]
        text.append("")
    return "\n".join(text).strip()


def types(manifest: dict[str, Any]) -> str:
    """Return each type of the schemas, as an Airbyte type and as a DuckDB type."""
    used = {
        (_airbyte_type(schema), duckdb_type(schema))
        for columns in manifest["schemas"].values()
        for schema in columns["properties"].values()
    }
    lines = ["| Airbyte type | in `oneup-pinterest`'s DuckDB file |", "|---|---|"]
    return "\n".join(lines + [f"| `{airbyte}` | {duckdb} |" for airbyte, duckdb in sorted(used)])


def recipe(name: str) -> str:
    """Return the code of a recipe, which `make test-clients` runs."""
    code = (ROOT / "docs" / "recipes" / name).read_text(encoding="utf-8")
    return f"```python\n{code}```"


def verbs() -> str:
    """Return the connector's commands with their options, from Airbyte's parser for Python connectors."""
    lines = []
    for verb in ("spec", "check", "discover", "read"):
        options = [f"--{option} FILE" for option in ("config", "catalog", "state") if _takes(verb, option)]
        optional = {"--state FILE"}
        written = [f"[{option}]" if option in optional else option for option in options]
        lines.append(" ".join(["source-oneup-pinterest", verb, *written, "[--debug]"]))
    return "\n".join(["```", *lines, "```"])


def _takes(verb: str, option: str) -> bool:
    words = {"spec": [], "check": ["--config=x"], "discover": ["--config=x"], "read": ["--config=x", "--catalog=x"]}
    with redirect_stderr(StringIO()):
        try:
            AirbyteEntrypoint.parse_args([verb, *words[verb], "--debug", f"--{option}=x"])
        except SystemExit:
            return False
    return True


def _airbyte_type(schema: dict[str, Any]) -> str:
    names = [name for name in schema["type"] if name != "null"]
    if len(names) > 1:
        return "any"
    if "format" not in schema:
        return str(names[0])
    return str(schema.get("airbyte_type", schema["format"]))


def _streams(manifest: dict[str, Any]) -> list[tuple[str, list[str], str | None]]:
    """Return name, primary key and cursor of each stream, in the manifest's order."""
    found = []
    for reference in manifest["streams"]:
        name = reference["$ref"].rsplit("/", 1)[-1]
        stream = manifest["definitions"][name]
        cursor = (
            manifest["definitions"][stream["incremental_sync"]["$ref"].rsplit("/", 1)[-1]]["cursor_field"]
            if "incremental_sync" in stream
            else None
        )
        found.append((name, stream["primary_key"], cursor))
    return found


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
    """Return links to missing files and to missing headings."""
    broken = []
    for target, anchor in re.findall(r"\]\(([^)#]*)(?:#([^)]*))?\)", page.read_text(encoding="utf-8")):
        linked = page.parent / target if target else page
        if re.match(r"[a-z]+:", target):
            continue
        if not linked.exists() or (anchor and linked.suffix == ".md" and anchor not in _anchors(linked)):
            broken.append(f"{page.name} → {target}{'#' if anchor else ''}{anchor}")
    return broken


def _anchors(page: Path) -> set[str]:
    headings = re.findall(r"^#+ (.*)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


if __name__ == "__main__":
    main()
