"""Show answers in a notebook: chart, sentence, notes and table."""

from collections.abc import Iterable

import polars as pl
from markupsafe import Markup, escape

from oneup_pinterest.formatting import TEXT_LENGTH, format_table
from oneup_pinterest.notebooks.pictures import StoredPictures
from oneup_pinterest.notebooks.zoom import with_zoom
from oneup_pinterest.questions.answer import Answer

MAX_ROWS = 40  # of a table in a notebook: more rows would scroll the headings away
_ONE_LINE = "; white-space: nowrap"


def show(answer: Answer, pictures: StoredPictures | None = None, *, zoom: bool = False) -> None:
    """Display an answer in a notebook: its chart, then its sentence and notes, then its table.

    Args:
        answer: What to show.
        pictures: Where to find the pictures of pins, which a chart with a line per pin shows under the pointer.
        zoom: Whether days can be chosen in the chart, which must have a bar per day.
    """
    from IPython.display import display

    if answer.chart is not None:
        chart = pictures.added_to(answer.chart) if pictures else answer.chart
        display(with_zoom(chart) if zoom else chart)  # type: ignore[no-untyped-call]
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
        # headings wrap, unlike numbers: in one line they would make the table wider than the window
        head = _html_row("th", self.written.columns, (style.removesuffix(_ONE_LINE) for style in self.styles))
        more = Markup("<p><small>{}</small></p>").format(self._more()) if self._more() else ""
        return Markup('<div style="overflow-x: auto"><table><thead>{}</thead><tbody>{}</tbody></table></div>{}').format(
            head, body, more
        )

    def _more(self) -> str:
        return f"The first {MAX_ROWS} of {self.rows:,} rows." if self.rows > MAX_ROWS else ""


def _cell_style(dtype: pl.DataType) -> str:
    if dtype == pl.String:  # texts may be long, in either direction
        return "text-align: start"
    return f"text-align: {'right' if dtype.is_numeric() else 'left'}{_ONE_LINE}"


def _html_row(tag: str, cells: Iterable[str], styles: Iterable[str]) -> Markup:
    return Markup("<tr>{}</tr>").format(
        Markup().join(
            Markup('<{0} style="{1}" dir="auto">{2}</{0}>').format(tag, style, cell)
            for style, cell in zip(styles, cells, strict=True)
        )
    )
