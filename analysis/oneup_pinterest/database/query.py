"""Run one read-only SQL query over a database, and print its result as a table or as CSV."""

import re
import unicodedata
from collections.abc import Sequence

import duckdb
import polars as pl
import polars.selectors as cs

from oneup_pinterest.database._arrow import to_polars
from oneup_pinterest.database.bi.temporary import create_temporary_bi_views
from oneup_pinterest.database.csv_format import is_text
from oneup_pinterest.database.csv_format import write_frame_as_csv as write_query_csv
from oneup_pinterest.database.reader import Database, open_history
from oneup_pinterest.database.schema import quoted
from oneup_pinterest.errors import UserError
from oneup_pinterest.formatting import format_count, strip_control_characters, truncate

__all__ = ["format_query_table", "run_query", "write_query_csv"]

MAX_TABLE_ROWS = 100
MAX_CELL, MIN_CELL = 60, 12  # characters of a column of the table, where the width is short
GAP = "  "
UNKNOWN = "–"  # as in `formatting.format_table`
_READING = {"SELECT", "MULTI"}  # types of statements; PIVOT is a MULTI
# no other file, no extension, no variable of this program, and no way to allow them
_READ_ONLY = (
    "SET python_enable_replacements = false; SET autoinstall_known_extensions = false; "
    "SET autoload_known_extensions = false; SET enable_external_access = false; SET lock_configuration = true"
)


def run_query(database: Database, sql: str) -> pl.DataFrame:
    """Return the rows of one SELECT (also FROM, WITH, PIVOT, DESCRIBE, SUMMARIZE or SHOW) in DuckDB's SQL.

    The query sees the tables that every reader sees, the views for BI, and what else the file holds. It can change
    nothing, and cannot read or write another file. Columns of types that only DuckDB has, such as lists, are text.
    Columns of the same name get a number.

    Raises:
        UserError: as `open_history`; the query is not one statement that reads, or DuckDB refuses it (exit status 2).

    >>> import tempfile
    >>> database = tempfile.mkdtemp() + "/history.duckdb"
    >>> with duckdb.connect(database) as connection:
    ...     _ = connection.execute("CREATE TABLE accounts AS SELECT 'pin_a' AS social_network_id, 'a' AS username")
    >>> run_query(database, "SELECT username, is_expired FROM accounts").rows()
    [('a', None)]
    >>> run_query(database, "SELECT user FROM account")
    Traceback (most recent call last):
    ...
    oneup_pinterest.errors.UserError: The query failed: Table with name account does not exist! Did you mean \
"accounts"? (line 1, column 18)
    """
    with open_history(database) as history:
        create_temporary_bi_views(history)
        history.execute(_READ_ONLY)
        try:
            _require_one_reading_statement(history, sql)
            return _fetch(history.sql(sql))
        except duckdb.OutOfMemoryException:
            raise UserError("The query needs more memory than there is: add a LIMIT or more conditions.") from None
        except duckdb.Error as error:
            disk_failed = isinstance(error, duckdb.OperationalError) or type(error) is duckdb.Error
            if disk_failed and "extension" not in str(
                error
            ):  # an extension that may not be installed is an IOException
                raise
            raise UserError(_explain(sql, _with_place(history, sql, str(error))), 2) from None


def format_query_table(result: pl.DataFrame, width: int) -> str:
    """Return a result as a plain text table for a terminal of `width` characters.

    Numbers are aligned to the right and as they are, dates are ISO dates, null is a dash. Texts are one line without
    control characters, and truncated where the width is short. The last line says which rows and columns are left out.

    >>> print(format_query_table(pl.DataFrame({"username": ["a", None], "saves": [12000, 7]}), 80))
    username  saves
    --------  -----
    a         12000
    –             7
    >>> print(format_query_table(pl.DataFrame({"saves": [1, 2] * 100}).tail(101), 80).splitlines()[-1])
    … 1 more row; --format csv prints all.
    >>> print(format_query_table(pl.DataFrame({"saves": []}), 80).splitlines()[-1])
    (no rows)
    """
    texts = _texts(result.head(MAX_TABLE_ROWS))
    columns = [
        [strip_control_characters(name), *(strip_control_characters(text) for text in column)]
        for name, column in zip(result.columns, texts, strict=True)
    ]
    widths = _fitting_widths([max(map(_display_width, column)) for column in columns], width)
    lines = []
    is_number = [dtype.is_numeric() for dtype in result.dtypes]
    for row in zip(*columns[: len(widths)], strict=True):
        lines.append(GAP.join(map(_align, row, widths, is_number)).rstrip())
    lines.insert(1, GAP.join("-" * size for size in widths))
    left_out = [
        format_count(count, f"more {noun}")
        for count, noun in ((result.height - MAX_TABLE_ROWS, "row"), (result.width - len(widths), "column"))
        if count > 0
    ]
    if left_out:
        lines.append(f"… {' and '.join(left_out)}; --format csv prints all.")
    if not result.height:
        lines.append("(no rows)")
    return "\n".join(lines)


def _require_one_reading_statement(history: duckdb.DuckDBPyConnection, sql: str) -> None:
    try:
        types = [statement.type.name for statement in history.extract_statements(sql)]
    except ValueError:  # a type that the Python package does not know yet
        types = ["OTHER"]
    if len(types) != 1:
        found = "The query is empty" if not types else f"There are {len(types)} statements"
        raise UserError(f"{found}: write one SELECT.", 2)
    if types[0] not in _READING:
        raise UserError("A query only reads: write one SELECT. Nothing was changed.", 2)


def _fetch(relation: duckdb.DuckDBPyRelation) -> pl.DataFrame:
    names: list[str] = []
    columns = []
    for place, (name, kind) in enumerate(zip(relation.columns, map(str, relation.types), strict=True), 1):
        number, unique = 1, name
        while unique in names:
            unique, number = f"{name}_{number}", number + 1
        names.append(unique)
        columns.append(f"#{place}{'::VARCHAR' if is_text(kind) else ''} AS {quoted(unique)}")
    return to_polars(relation.project(", ".join(columns)))


def _with_place(history: duckdb.DuckDBPyConnection, sql: str, message: str) -> str:
    """Return DuckDB's message with the place of the error, which a relation of the Python package may lack."""
    if "\nLINE " not in message:
        try:
            history.execute(f"EXPLAIN\n{sql}")
        except duckdb.Error as error:
            return str(error) if str(error).startswith(message.splitlines()[0]) else message
    return message


def _explain(sql: str, message: str) -> str:
    """Return DuckDB's message in one line, with the place in the query."""
    words = re.sub(r"^\w+(?: \w+)? Error: ", "", message.split("\n\n")[0])
    if "extension" in words:
        return "The query failed: it uses an extension of DuckDB that is not installed, and a query cannot install one."
    if "disabled by configuration" in message:
        return f"The query failed: it can read the database only, no other file ({truncate(words, 300)})."
    return f"The query failed: {truncate(words, 500)}{_place(sql, message)}"


def _place(sql: str, message: str) -> str:
    r"""Return where in the query a message points.

    >>> _place("SELECT 1,\n  nope", 'LINE 2:   nope\n          ^')
    ' (line 2, column 3)'
    """
    found = re.search(r"^(LINE \d+: (?:\.\.\.)?)(.*)\n( *)\^", message, re.MULTILINE)
    start = sql.find(found[2].removesuffix("...")) if found else -1  # DuckDB may count in a query around this one
    if found is None or start < 0:
        return ""
    place = start + len(found[3]) - len(found[1])
    return f" (line {sql.count(chr(10), 0, place) + 1}, column {place - sql.rfind(chr(10), 0, place)})"


def _texts(rows: pl.DataFrame) -> list[list[str]]:
    whole = rows.with_columns(cs.datetime().dt.to_string("%Y-%m-%d %H:%M:%S")).cast(pl.String)
    return [column.fill_null(UNKNOWN).to_list() for column in whole.get_columns()]


def _fitting_widths(longest: Sequence[int], width: int) -> list[int]:
    """Return the widths of the columns that fit, at least one: the widest are narrowed first.

    >>> _fitting_widths([8, 200, 5], 80), _fitting_widths([8, 200, 5], 40), _fitting_widths([8, 20, 9], 24)
    ([8, 60, 5], [8, 23, 5], [8, 12])
    """
    widths = [min(size, MAX_CELL) for size in longest]
    while _total(widths) > width and max(widths) > MIN_CELL:
        widest = widths.index(max(widths))
        widths[widest] -= 1
    while _total(widths) > width and len(widths) > 1:
        widths.pop()
    return widths


def _total(widths: Sequence[int]) -> int:
    return sum(widths) + len(GAP) * (len(widths) - 1)


def _align(text: str, width: int, to_the_right: bool) -> str:
    if _display_width(text) > width:
        while _display_width(text) > width - 1:
            text = text[:-1]
        text += "…"
    space = " " * (width - _display_width(text))
    return space + text if to_the_right else text + space


def _display_width(text: str) -> int:
    """Return how many columns of a terminal a text takes: wide characters two, combining ones none.

    >>> _display_width("pins"), _display_width("ピン"), _display_width("e\\u0301")
    (4, 4, 1)
    """
    if text.isascii():
        return len(text)
    return sum(
        0 if unicodedata.combining(character) else 2 if unicodedata.east_asian_width(character) in "WF" else 1
        for character in text
    )
