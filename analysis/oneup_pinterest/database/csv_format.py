"""The rules for CSV files: RFC 4180 in UTF-8, ISO dates, and no text that a spreadsheet takes for a formula.

The buttons of the report (`report/template/page.js`) write the same format.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import TextIO

import duckdb
import polars as pl

from oneup_pinterest.database.schema import quoted

FORMULA_START = r"^([=+\-@\t\r])"  # of a text cell: a spreadsheet would compute the cell; both engines read the pattern
BYTE_ORDER_MARK = "\ufeff"  # without it, Excel on Windows reads UTF-8 as its own code page
_NUMBERS_AND_TIMES = re.compile(
    r"BOOLEAN|U?(?:TINY|SMALL|BIG|HUGE)INT|U?INTEGER|FLOAT|DOUBLE|DECIMAL\(\d+,\s?\d+\)|DATE|TIMESTAMP(?:_\w+)?"
)


def is_text(kind: str) -> bool:
    """Return whether the values of a DuckDB type are written as text: not numbers, booleans, dates and times.

    >>> [is_text(kind) for kind in ("VARCHAR", "JSON", "INTEGER[]", "BIGINT", "DECIMAL(38,0)", "TIMESTAMP", "DATE")]
    [True, True, True, False, False, False, False]
    """
    return _NUMBERS_AND_TIMES.fullmatch(kind) is None


def copy_to_csv(history: duckdb.DuckDBPyConnection, query: str, types: Mapping[str, str], path: Path) -> int:
    """Write the rows of a query, whose columns have these DuckDB types, to a CSV file; return the number of rows.

    Lines end with CRLF. Null is an empty cell, an empty text a quoted one. A text that begins like a formula gets an
    apostrophe in front.
    """
    columns = []
    for place, (name, kind) in enumerate(types.items()):
        value = quoted(name)
        if is_text(kind):
            value = f"regexp_replace({value}::VARCHAR, '{FORMULA_START}', '''\\1')"
        header = re.sub(FORMULA_START, r"'\1", name)
        # DuckDB has no option for the mark; as part of the first name it is the start of the file
        columns.append(f"{value} AS {quoted(header if place else BYTE_ORDER_MARK + header)}")
    ((rows,),) = history.execute(
        f"COPY (SELECT {', '.join(columns)} FROM ({query})) TO '{str(path).replace(chr(39), chr(39) * 2)}' "
        "(FORMAT csv, HEADER, NEW_LINE '\\r\\n', COMPRESSION none)"
    ).fetchall()
    return int(rows)


def write_frame_as_csv(frame: pl.DataFrame, out: TextIO) -> None:
    """Write a frame of numbers, texts, dates and times as CSV, with the rules of `copy_to_csv`, to an open text file.

    There is no byte order mark: standard output goes to other programs, which would take it for a part of a name.

    >>> import sys
    >>> write_frame_as_csv(pl.DataFrame({"text": ["=1+1", "a, b"], "saves": [-1, 2]}), sys.stdout)
    text,saves
    '=1+1,-1
    "a, b",2
    """
    safe = frame.with_columns(pl.col(pl.String).str.replace(FORMULA_START, "'$1"))
    safe.columns = [re.sub(FORMULA_START, r"'\1", name) for name in frame.columns]
    # a text file of Python turns \n into the ends of lines that it was opened with
    out.write(safe.write_csv(line_terminator="\n", datetime_format="%Y-%m-%d %H:%M:%S%.f"))
