"""Open JupyterLab on the notebooks with the chosen database, and show answers in them."""

import importlib.util
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterable
from datetime import date
from pathlib import Path

import polars as pl
from markupsafe import Markup, escape

from oneup_pinterest.database.accounts import account_ids
from oneup_pinterest.database.connection import database_path
from oneup_pinterest.database.reader import Database, open_history, read_relation, read_window
from oneup_pinterest.database.stored_tables import HistoryFile
from oneup_pinterest.errors import UserError
from oneup_pinterest.formatting import TEXT_LENGTH, format_table, isolate_bidi, truncate
from oneup_pinterest.history.accounts import account_names, accounts_by_pins
from oneup_pinterest.questions.answer import Answer

DATABASE_VARIABLE = "ONEUP_PINTEREST_DATABASE"
SCHEMAS_VARIABLE, PREFIX_VARIABLE = "ONEUP_PINTEREST_SCHEMAS", "ONEUP_PINTEREST_PREFIX"  # a JSON list; a text
ACCOUNTS_VARIABLE = "ONEUP_PINTEREST_ACCOUNTS"  # a JSON list
SINCE_VARIABLE, UNTIL_VARIABLE = "ONEUP_PINTEREST_SINCE", "ONEUP_PINTEREST_UNTIL"  # YYYY-MM-DD
DEFAULT_DATABASE = "oneup_pinterest.duckdb"
COPIES = Path("oneup_pinterest_notebooks")
MAX_ROWS = 40  # of a table in a notebook: more rows would scroll the headings away

_PACKAGE = Path(__file__).resolve().parent
_PACKAGED = _PACKAGE / "notebook_files"  # pyproject.toml puts them there in a wheel
_CHECKED_OUT = _PACKAGE.parents[1] / "notebooks"


def open_notebooks(database: Database) -> None:
    """Start JupyterLab in this terminal and return when it is stopped.

    From a checkout it opens the repository's notebooks; from an installed package, copies of them in
    `./oneup_pinterest_notebooks`, where existing files stay as they are.

    Raises:
        UserError: JupyterLab is not installed or ended with an error, or `database` cannot be read.
    """
    if importlib.util.find_spec("jupyterlab") is None:
        raise UserError('JupyterLab is not installed: pip install "source-oneup-pinterest[notebooks]"')
    with open_history(database):  # report a problem now, not in a cell
        pass
    folder = notebook_folder()
    environment = {**os.environ, DATABASE_VARIABLE: str(database_path(database).resolve())}
    if isinstance(database, HistoryFile):
        environment[SCHEMAS_VARIABLE] = json.dumps(list(database.schemas))
        if database.prefix is not None:
            environment[PREFIX_VARIABLE] = database.prefix
        environment[ACCOUNTS_VARIABLE] = json.dumps(list(database.accounts))
        for variable, day in ((SINCE_VARIABLE, database.since), (UNTIL_VARIABLE, database.until)):
            if day is not None:
                environment[variable] = day.isoformat()
    command = [sys.executable, "-m", "jupyterlab", str(folder)]
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        command.append("--allow-root")  # root is deliberate here, mostly in a container
    try:
        status = subprocess.run(command, env=environment, check=False).returncode  # noqa: S603 # our own interpreter
    except KeyboardInterrupt:  # Ctrl-C stops JupyterLab
        return
    if status > 0:
        raise UserError(f"JupyterLab ended with exit status {status}; its messages above say why.")


def notebook_folder() -> Path:
    """Return the folder of the notebooks; create it from the packaged ones if there is no checkout.

    Raises:
        UserError: the package came without notebooks, or the copies cannot be written.

    >>> (notebook_folder() / "00_start_here.ipynb").exists()
    True
    """
    if _PACKAGED.is_dir():
        try:
            COPIES.mkdir(exist_ok=True)
            for source in sorted(_PACKAGED.glob("*.ipynb")):
                if not (COPIES / source.name).exists():
                    shutil.copyfile(source, COPIES / source.name)
        except OSError as error:
            raise UserError(f"The notebooks cannot be copied to {COPIES}: {error.strerror}.") from None
        return COPIES
    if not _CHECKED_OUT.is_dir():
        raise UserError("This installation has no notebooks: install source-oneup-pinterest again.")
    return _CHECKED_OUT


def chosen_database() -> Path | HistoryFile:
    """Return the database for a notebook.

    It is the one that `open_notebooks` was given, with its accounts and days, or else `oneup_pinterest.duckdb` here or
    in the folder above.

    >>> os.environ["ONEUP_PINTEREST_DATABASE"] = "demo/oneup_pinterest.duckdb"
    >>> print(chosen_database().as_posix())
    demo/oneup_pinterest.duckdb
    >>> del os.environ["ONEUP_PINTEREST_DATABASE"]
    """
    if name := os.environ.get(DATABASE_VARIABLE):
        schemas, prefix = json.loads(os.environ.get(SCHEMAS_VARIABLE, "[]")), os.environ.get(PREFIX_VARIABLE)
        days = [
            date.fromisoformat(os.environ[variable]) if os.environ.get(variable) else None
            for variable in (SINCE_VARIABLE, UNTIL_VARIABLE)
        ]
        accounts = json.loads(os.environ.get(ACCOUNTS_VARIABLE, "[]"))
        file = HistoryFile(Path(name), schemas, prefix, accounts, *days)
        return file if schemas or prefix is not None or file.is_restricted else file.path
    here, above = Path(DEFAULT_DATABASE), Path("..") / DEFAULT_DATABASE
    return above if above.exists() and not here.exists() else here


def start(account: str | None = None) -> tuple[Path | HistoryFile, str]:
    """Prepare a notebook in its first cell: enable charts, and show what the data cover.

    Return the chosen database and the `social_network_id` to look at: that of `account` (id or @username), or else the
    one with most pins. It is `none` if there is no account yet; every frame is then empty, and every answer says so.
    """
    from oneup_pinterest.questions.chart_style import register_renderer

    register_renderer()
    database = chosen_database()
    with open_history(database) as history:
        print(read_window(history))
        relations = ("pins_latest", "overview_metrics", "account_followers", "accounts")
        pins_latest, *others = (read_relation(history, name) for name in relations)
        ids = account_ids(history, account)
    accounts = accounts_by_pins(pins_latest, *others)
    chosen = next(iter(accounts if ids is None else ids), "none")
    names = account_names(others[-1])
    for known in accounts:
        print("→" if known == chosen else " ", truncate(known), isolate_bidi(names.get(known)))
    if not accounts:
        print("Not enough data yet: no account has been synced.")
    return database, chosen


def show(answer: Answer) -> None:
    """Display an answer in a notebook: its chart, then its sentence and notes, then its table."""
    from IPython.display import display

    if answer.chart is not None:
        display(answer.chart)  # type: ignore[no-untyped-call]
    display(_Sentences(answer.sentence, *answer.notes))  # type: ignore[no-untyped-call]
    if answer.table is not None and answer.table.height:
        display(as_html_table(answer.table))  # type: ignore[no-untyped-call]


def as_html_table(table: pl.DataFrame) -> "_Table":
    """Return the first MAX_ROWS rows of a table as HTML, written by `format_table`, with all texts escaped.

    Inline styles keep it readable in light and dark themes, and in a notebook that is not trusted yet: JupyterLab then
    removes the style sheets of outputs.

    >>> as_html_table(pl.DataFrame({"Pin": ["<b>"], "Saves": [1200]}))
     Pin   Saves
    ═════════════
     <b>   1,200
    """
    return _Table(table)


class _Sentences:
    """A sentence and its notes, one paragraph each, with smaller notes.

    >>> print(_Sentences("Saves rose.", "Of <2> pins.")._repr_html_())
    <p dir="auto">Saves rose.</p><p dir="auto"><small>Of &lt;2&gt; pins.</small></p>
    """

    def __init__(self, sentence: str, *notes: str) -> None:
        self.sentence = sentence
        self.notes = notes

    def __repr__(self) -> str:
        return "\n".join((self.sentence, *self.notes))

    def _repr_html_(self) -> str:
        paragraphs = [escape(self.sentence), *(Markup("<small>{}</small>").format(note) for note in self.notes)]
        return "".join(Markup('<p dir="auto">{}</p>').format(paragraph) for paragraph in paragraphs)


class _Table:
    def __init__(self, table: pl.DataFrame) -> None:
        self.rows = table.height
        self.written = format_table(table.head(MAX_ROWS))
        self.styles = [_cell_style(dtype) for dtype in table.dtypes]

    def __repr__(self) -> str:
        with pl.Config(
            tbl_rows=-1,
            tbl_cols=-1,
            tbl_width_chars=1000,
            fmt_str_lengths=TEXT_LENGTH,
            tbl_formatting="UTF8_HORIZONTAL_ONLY",
            tbl_hide_dataframe_shape=True,
            tbl_hide_column_data_types=True,
        ):
            lines = [line.rstrip() for line in str(self.written).splitlines()]
        return "\n".join([*lines[1:-1], *([self._more()] if self._more() else [])])

    def _repr_html_(self) -> str:
        body = Markup().join(_html_row("td", row, self.styles) for row in self.written.rows())
        head = _html_row("th", self.written.columns, self.styles)
        more = Markup("<p><small>{}</small></p>").format(self._more()) if self._more() else ""
        return Markup('<div style="overflow-x: auto"><table><thead>{}</thead><tbody>{}</tbody></table></div>{}').format(
            head, body, more
        )

    def _more(self) -> str:
        return f"The first {MAX_ROWS} of {self.rows:,} rows." if self.rows > MAX_ROWS else ""


def _cell_style(dtype: pl.DataType) -> str:
    if dtype == pl.String:  # texts may be long, in either direction
        return "text-align: start"
    return "text-align: right; white-space: nowrap" if dtype.is_numeric() else "text-align: left; white-space: nowrap"


def _html_row(tag: str, cells: Iterable[str], styles: Iterable[str]) -> Markup:
    return Markup("<tr>{}</tr>").format(
        Markup().join(
            Markup('<{0} style="{1}" dir="auto">{2}</{0}>').format(tag, style, cell)
            for style, cell in zip(styles, cells, strict=True)
        )
    )
