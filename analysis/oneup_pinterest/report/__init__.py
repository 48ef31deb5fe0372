"""Write the report: one self-contained HTML page about a history file."""

import base64
import hashlib
import json
from functools import cache
from pathlib import Path
from typing import Any

import vl_convert
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from oneup_pinterest.database.reader import Database
from oneup_pinterest.errors import UserError
from oneup_pinterest.formatting import FILTERS
from oneup_pinterest.questions.chart_style import VEGALITE
from oneup_pinterest.report.context import page_of
from oneup_pinterest.report.logo import logo_uri

TITLE = "Pinterest history"
_FOLDER = Path(__file__).parent / "template"


def write_report(database: Database, output: str | Path, *, title: str | None = None, logo: Path | None = None) -> Path:
    """Write the page to `output`, replacing the file at once, and return its path.

    The page holds every account of the file (a menu switches between them): totals of the newest period, daily gains
    of saves, repins and clicks, best pins, followers, the findings of `status`, and what the data can and cannot
    show. It loads nothing from other hosts, runs only its own code (Content-Security-Policy with hashes, no eval), and
    shows the texts of pins as plain text. A `HistoryFile` with accounts gives a page that holds nothing of any other
    account. `title` is the heading, `logo` a picture beside it (`report.logo.logo_uri`).

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
    picture = logo_uri(logo) if logo is not None else None
    html = _render(page_of(database) | {"title": (title or "").strip() or TITLE, "logo": picture})
    unfinished = target.with_name(target.name + ".tmp")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        unfinished.write_text(html, encoding="utf-8")
        unfinished.replace(target)
    except OSError as error:
        raise UserError(f"{target} cannot be written: {error.strerror}.") from None
    finally:
        unfinished.unlink(missing_ok=True)
    return target


def _render(page: dict[str, Any]) -> str:
    style = (_FOLDER / "page.css").read_text(encoding="utf-8")
    script = (_FOLDER / "page.js").read_text(encoding="utf-8")
    parts = [*page["accounts"], *([page["side_by_side"]] if page["side_by_side"] else [])]
    scripts = [_vega(), script] if any(part["charts"] for part in parts) else [script]
    for part in parts:
        part["charts"] = Markup(_embedded(part["charts"]))  # noqa: S704 # no < is left in it
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
    environment = Environment(
        loader=PackageLoader("oneup_pinterest.report", "template"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= FILTERS
    return environment.get_template("page.html.j2").render(
        **page,
        policy=policy,
        style=Markup(style),  # noqa: S704 # our own file
        scripts=[Markup(text) for text in scripts],  # noqa: S704 # our own file, and Vega's
    )


@cache
def _vega() -> str:
    bundle = str(vl_convert.javascript_bundle(vl_version=VEGALITE))  # type: ignore[call-arg] # its stub asks for more
    return bundle.replace("</script", "<\\/script").replace("<!--", "<\\!--")


def _source_hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def _embedded(value: Any) -> str:
    """Return JSON for a script element; no text in it can end the element, because `<` is escaped."""
    text = json.dumps(value, separators=(",", ":"), allow_nan=False)
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")
