"""Write the report: one self-contained HTML page about a history file."""

import base64
import hashlib
import json
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from oneup_pinterest.database.reader import Database
from oneup_pinterest.errors import UserError
from oneup_pinterest.files import replaced_file
from oneup_pinterest.formatting import FILTERS
from oneup_pinterest.images import PinImages
from oneup_pinterest.questions.chart_style import vega_bundle
from oneup_pinterest.report.context import page_of
from oneup_pinterest.report.each import AccountRow, Progress, write_each
from oneup_pinterest.report.logo import logo_uri

TITLE = "Pinterest history"
_FOLDER = Path(__file__).parent / "template"


def write_report(
    database: Database,
    output: str | Path,
    images: PinImages | None = None,
    *,
    title: str | None = None,
    logo: Path | None = None,
) -> Path:
    """Write the page to `output`, replacing the file at once, and return its path.

    The page holds every account of the file (a menu switches between them), top down: a sentence that sums up the
    period, totals, what changed and why, top pins, what to do, when an open question will be known, and the other
    questions. It loads nothing from other hosts, runs only its own code (Content-Security-Policy with hashes, no eval),
    and shows the texts of pins as plain text. A `HistoryFile` with accounts gives a page that holds nothing of any
    other account. `title` is the heading, `logo` a picture beside it (`report.logo.logo_uri`).

    With `images`, the pictures of the pins that it names are looked up there; without, nothing is requested.

    Raises:
        UserError: as `open_history` and `logo_uri`, or `output` cannot be written.

    >>> import duckdb, tempfile
    >>> folder = tempfile.mkdtemp()
    >>> with duckdb.connect(folder + "/history.duckdb") as connection:
    ...     _ = connection.execute("CREATE TABLE accounts AS SELECT 'pin_a' AS social_network_id")
    >>> write_report(folder + "/history.duckdb", folder + "/report.html").name
    'report.html'
    """
    target = Path(output)
    if target.is_dir():
        raise UserError(f"{target} is a folder: name a file with --output.", 2)
    with ThreadPoolExecutor(1) as pool:
        pool.submit(import_module, "scipy.stats")  # takes a second or two, while Python waits for the database
        page = page_of(database, images)
    _write(target, _render(page | _heading(title, logo)))
    return target


def write_reports(
    database: Database,
    folder: str | Path,
    images: PinImages | None = None,
    *,
    title: str | None = None,
    logo: Path | None = None,
    progress: Progress | None = None,
) -> tuple[Path, list[AccountRow]]:
    """Write one page per account into a folder, and an index of them; return the path of the index and its rows.

    Each page holds nothing of any other account, so it can be sent to a client. `progress` is called after each page.
    The other parameters are those of `write_report`.

    Raises:
        UserError: as `write_report`. An account whose page cannot be written is a row with an error instead.

    >>> import duckdb, tempfile
    >>> folder = tempfile.mkdtemp()
    >>> with duckdb.connect(folder + "/history.duckdb") as connection:
    ...     _ = connection.execute("CREATE TABLE accounts AS SELECT 'pin_a' AS social_network_id")
    >>> index, rows = write_reports(folder + "/history.duckdb", folder + "/clients")
    >>> index.name, [row.file for row in rows]
    ('index.html', ['pin_a.html'])
    """
    heading = _heading(title, logo)

    def write_page(file: Database, target: Path) -> dict[str, Any]:
        page = page_of(file, images) | heading
        _write(target, _render(page))
        return page

    def write_index(page: dict[str, Any], target: Path) -> None:
        _write(target, _filled("index.html.j2", page | heading, [_script()]))

    return write_each(database, Path(folder), write_page, write_index, progress)


def _heading(title: str | None, logo: Path | None) -> dict[str, Any]:
    return {"title": (title or "").strip() or TITLE, "logo": logo_uri(logo) if logo is not None else None}


def _write(target: Path, html: str) -> None:
    with replaced_file(target) as unfinished:
        unfinished.write_text(html, encoding="utf-8")


def _render(page: dict[str, Any]) -> str:
    parts = [*page["accounts"], *([page["side_by_side"]] if page["side_by_side"] else [])]
    scripts = [vega_bundle(), _script()] if any(part["charts"] for part in parts) else [_script()]
    for part in parts:
        part["charts"] = Markup(_embedded(part["charts"]))  # noqa: S704 # no < is left in it
    return _filled("page.html.j2", page, scripts)


def _filled(template: str, page: dict[str, Any], scripts: list[str]) -> str:
    """Return a template with its variables, its style and scripts, and a policy that allows no others."""
    style = (_FOLDER / "page.css").read_text(encoding="utf-8")
    policy = "; ".join(
        (
            "default-src 'none'",
            f"script-src {' '.join(map(_source_hash, scripts))}",
            f"style-src {_source_hash(style)}",
            "img-src data:",
            "base-uri 'none'",
            "form-action 'none'",
        )
    )
    return (
        _environment()
        .get_template(template)
        .render(
            **page,
            policy=policy,
            style=Markup(style),  # noqa: S704 # our own file
            scripts=[Markup(text) for text in scripts],  # noqa: S704 # our own file, and Vega's
        )
    )


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("oneup_pinterest.report", "template"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= FILTERS
    return environment


def _script() -> str:
    return (_FOLDER / "page.js").read_text(encoding="utf-8")


@cache  # Vega is a megabyte, and the same in every page
def _source_hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def _embedded(value: Any) -> str:
    """Return JSON for a script element; no text in it can end the element, because `<` is escaped."""
    text = json.dumps(value, separators=(",", ":"), allow_nan=False)
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")
