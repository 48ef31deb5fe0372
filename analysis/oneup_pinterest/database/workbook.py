"""Write relations to an Excel workbook, with a type for each cell and few rows in memory."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb

from oneup_pinterest.database.csv_format import is_text
from oneup_pinterest.database.exported_relations import column_types
from oneup_pinterest.database.schema import quoted
from oneup_pinterest.errors import UserError

MAX_SHEET_ROWS = 1_048_576  # of Excel, with the header
MAX_CELL_LENGTH = 32_767  # of Excel, in UTF-16 units
MAX_EXACT = 999_999_999_999_999  # Excel keeps 15 digits of a number
FIRST_YEAR = 1900  # of Excel's dates
BATCH_ROWS = 5_000
MIN_WIDTH, MAX_WIDTH = 8, 60  # of a column, in characters
_FORMATS = {"BIGINT": "0", "DATE": "yyyy-mm-dd", "TIMESTAMP": "yyyy-mm-dd hh:mm:ss"}


def require_xlsxwriter() -> None:
    """Check that the package that writes workbooks is installed.

    Raises:
        UserError: it is not (exit status 2).

    >>> require_xlsxwriter()
    """
    try:
        import xlsxwriter  # noqa: F401
    except ModuleNotFoundError:
        raise UserError(
            "Excel workbooks need the package xlsxwriter: run `pip install 'source-oneup-pinterest[analysis]'`, or "
            "export with --format csv.",
            2,
        ) from None


def write_workbook(history: duckdb.DuckDBPyConnection, queries: Mapping[str, str], path: Path) -> dict[str, int]:
    """Write the rows of each query to a sheet of a new workbook, and return the number of rows per sheet name.

    A query with more rows than a sheet holds continues on further sheets (`pins`, `pins 2`). Temporary files are kept
    in the workbook's folder.

    Raises:
        OSError: the workbook or a temporary file cannot be written.
    """
    import xlsxwriter
    from xlsxwriter.exceptions import FileCreateError

    options = {
        "constant_memory": True,
        "tmpdir": str(path.parent),
        "strings_to_numbers": False,
        "strings_to_formulas": False,
        "strings_to_urls": False,
        "nan_inf_to_errors": True,
    }
    workbook = xlsxwriter.Workbook(str(path), options)
    try:
        workbook.use_zip64()
        formats = {kind: workbook.add_format({"num_format": code}) for kind, code in _FORMATS.items()}
        bold = workbook.add_format({"bold": True})
        rows = {name: _write_relation(workbook, history, name, query, formats, bold) for name, query in queries.items()}
        try:
            workbook.close()
        except FileCreateError as error:
            raise error.args[0] from None
    finally:
        if not workbook.fileclosed:
            for sheet in workbook.worksheets():
                with suppress(OSError):  # their temporary files are incomplete; no space is left, for example
                    sheet._opt_close()
    return rows


def _write_relation(
    workbook: Any, history: duckdb.DuckDBPyConnection, name: str, query: str, formats: Mapping[str, Any], bold: Any
) -> int:
    types = column_types(history, query)
    columns = [f"{quoted(column)}::VARCHAR" if is_text(kind) else quoted(column) for column, kind in types.items()]
    history.execute(f"SELECT {', '.join(columns)} FROM ({query})")
    names, column_formats = list(types), [_format_of(kind, formats) for kind in types.values()]
    sheet, line, count, sheets = _add_sheet(workbook, name, names, bold), 1, 0, 1
    for batch in _batches(history):
        if count == 0:
            _set_widths(sheet, names, batch)
        for row in batch:
            if line == MAX_SHEET_ROWS:
                sheets += 1
                _filter_and_close(sheet, line, names)
                sheet, line = _add_sheet(workbook, f"{name} {sheets}", names, bold), 1
                _set_widths(sheet, names, batch)
            for column, value in enumerate(row):
                if value is not None:
                    _write_cell(sheet, line, column, value, column_formats[column])
            line += 1
        count += len(batch)
    _filter_and_close(sheet, line, names)
    return count


def _batches(history: duckdb.DuckDBPyConnection) -> Iterator[list[tuple[Any, ...]]]:
    while batch := history.fetchmany(BATCH_ROWS):
        yield batch


def _add_sheet(workbook: Any, name: str, columns: Sequence[str], bold: Any) -> Any:
    sheet = workbook.add_worksheet(name)
    sheet.freeze_panes(1, 0)
    for column, header in enumerate(columns):
        sheet.write_string(0, column, header, bold)
    return sheet


def _set_widths(sheet: Any, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    for column, header in enumerate(columns):
        longest = max((len(str(row[column])) for row in rows if row[column] is not None), default=0)
        width = max(len(header) + 3, longest + 1, MIN_WIDTH)  # the button of the filter takes three characters
        sheet.set_column(column, column, min(width, MAX_WIDTH))


def _filter_and_close(sheet: Any, lines: int, columns: Sequence[str]) -> None:
    sheet.autofilter(0, 0, max(lines - 1, 1), len(columns) - 1)


def _format_of(kind: str, formats: Mapping[str, Any]) -> Any:
    if kind.startswith("TIMESTAMP"):
        return formats["TIMESTAMP"]
    return formats["BIGINT"] if kind.endswith(("INT", "INTEGER")) else formats.get(kind)


def _write_cell(sheet: Any, line: int, column: int, value: Any, cell_format: Any) -> None:
    match value:
        case str():
            sheet.write_string(line, column, truncate_cell(value))
        case bool():
            sheet.write_boolean(line, column, value)
        case int() if abs(value) > MAX_EXACT:
            sheet.write_string(line, column, str(value))
        case int() | float() | Decimal():
            sheet.write_number(line, column, value, cell_format)
        case datetime() | date() if value.year >= FIRST_YEAR:
            sheet.write_datetime(line, column, value, cell_format)
        case _:  # a day before those of Excel
            sheet.write_string(line, column, value.isoformat(*([" "] if isinstance(value, datetime) else [])))


def truncate_cell(text: str) -> str:
    """Return a text as a cell can hold it: a longer one is cut and ends with an ellipsis.

    >>> truncate_cell("a" * 32_767)[-1], truncate_cell("a" * 32_768)[-1], len(truncate_cell("a" * 40_000))
    ('a', '…', 32767)
    >>> len(truncate_cell("\\N{GRINNING FACE}" * 20_000))
    16384
    """
    if 2 * len(text) <= MAX_CELL_LENGTH:
        return text
    units = text.encode("utf-16-le")
    if len(units) <= 2 * MAX_CELL_LENGTH:
        return text
    return units[: 2 * (MAX_CELL_LENGTH - 1)].decode("utf-16-le", errors="ignore") + "…"
