"""Export a database as Parquet or CSV files, one folder per table, or as an Excel workbook."""

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import duckdb

from oneup_pinterest.database.bi.columns import BI_VIEWS
from oneup_pinterest.database.bi.temporary import create_temporary_bi_views
from oneup_pinterest.database.csv_format import copy_to_csv
from oneup_pinterest.database.exported_relations import (
    choose_relations,
    column_types,
    select_for_spreadsheet,
    select_rows_in_order,
)
from oneup_pinterest.database.reader import Database, open_history
from oneup_pinterest.database.workbook import require_xlsxwriter, write_workbook
from oneup_pinterest.errors import UserError
from oneup_pinterest.files import replaced_file

FORMATS = ("parquet", "csv", "xlsx")
WORKBOOK = "oneup_pinterest.xlsx"
MEMORY_LIMIT = 512  # MB of DuckDB for a table; beyond, it sorts on disk, which takes no longer


def export_relations(
    database: Database, output: str | Path, format: str = "parquet", relations: Sequence[str] | None = None
) -> dict[str, int]:
    """Write relations to files in the folder `output`, and return the number of rows per relation.

    `relations`: tables, `pins_latest` or views for BI (default: all tables and `pins_latest`). Only the accounts and
    days of a `HistoryFile` are written. Rows are sorted by key. A table that the database lacks has no rows. Each file
    is replaced only once the new one is complete.

    Formats:

    - `parquet`: `<output>/<relation>/<relation>.parquet`, compressed with zstd, with the columns and types of
      `database.load` and further fields that the API has added. `oneup-pinterest load` reads these files, so they have
      no further column.
    - `csv`: `<output>/<relation>/<relation>.csv`, as in `database.csv_format`.
    - `xlsx`: one workbook, `<output>/oneup_pinterest.xlsx`, with one sheet per relation; one with more than 1,048,575
      rows continues on further sheets. Numbers, dates and booleans have their types. Ids and texts are text, never
      formulas or links. Texts longer than 32,767 characters are cut.

    In `csv` and `xlsx`, a column `username` follows `social_network_id`.

    Raises:
        UserError: as `open_history` and `choose_relations`; there is no such format; `output` (or a folder in it) is a
            file or cannot be written; or the package for workbooks is not installed.

    >>> import duckdb, tempfile
    >>> folder = tempfile.mkdtemp()
    >>> with duckdb.connect(folder + "/history.duckdb") as connection:
    ...     _ = connection.execute("CREATE TABLE accounts AS SELECT 'pin_a' AS social_network_id")
    >>> export_relations(folder + "/history.duckdb", folder + "/export", "csv", ["accounts"])
    {'accounts': 1}
    >>> [path.name for path in Path(folder, "export", "accounts").iterdir()]
    ['accounts.csv']
    """
    names = choose_relations(relations)
    if format not in FORMATS:
        raise UserError(f"There is no format {format}: choose one of {', '.join(FORMATS)}.", 2)
    folder = Path(output)
    if folder.exists() and not folder.is_dir():
        raise UserError(f"{folder} is a file: name a folder with --output.", 2)
    if format == "xlsx":
        require_xlsxwriter()
    with open_history(database) as history:
        if not BI_VIEWS.keys().isdisjoint(names):
            create_temporary_bi_views(history)
        with _work_folder(folder) as work:
            history.execute("SET temp_directory = ?", [str(work)])
            if format == "xlsx":
                return _export_workbook(history, names, work, folder / WORKBOOK)
            return {name: _export_file(history, name, folder / name / f"{name}.{format}") for name in names}


def export_parquet(database: Database, output_dir: str | Path) -> dict[str, int]:
    """Write each table to `<output_dir>/<table>/<table>.parquet`: `export_relations` with its defaults.

    >>> import duckdb, tempfile
    >>> folder = tempfile.mkdtemp()
    >>> with duckdb.connect(folder + "/history.duckdb") as connection:
    ...     _ = connection.execute("CREATE TABLE accounts AS SELECT 'pin_a' AS social_network_id")
    >>> export_parquet(folder + "/history.duckdb", folder + "/export")["accounts"]
    1
    """
    return export_relations(database, output_dir)


def _export_file(history: duckdb.DuckDBPyConnection, name: str, target: Path) -> int:
    _limit_memory(history, [name])
    with replaced_file(target) as unfinished:
        if target.suffix == ".csv":
            query = select_for_spreadsheet(history, name)
            return copy_to_csv(history, query, column_types(history, query), unfinished)
        ((rows,),) = history.execute(
            f"COPY ({select_rows_in_order(name)}) TO {_literal(unfinished)} (FORMAT parquet, COMPRESSION zstd)"
        ).fetchall()
    return int(rows)


def _export_workbook(
    history: duckdb.DuckDBPyConnection, names: Sequence[str], work: Path, target: Path
) -> dict[str, int]:
    queries = {name: select_for_spreadsheet(history, name) for name in names}
    _limit_memory(history, names)
    with _errors_of(target):
        rows = write_workbook(history, queries, work / target.name)
        (work / target.name).replace(target)
    return rows


def _limit_memory(history: duckdb.DuckDBPyConnection, names: Sequence[str]) -> None:
    if BI_VIEWS.keys().isdisjoint(names):
        history.execute(f"SET memory_limit = '{MEMORY_LIMIT}MB'")
    else:  # they keep intermediate results in memory
        history.execute("RESET memory_limit")


@contextmanager
def _work_folder(folder: Path) -> Iterator[Path]:
    """Yield a folder for temporary files in the output folder: they may be larger than the system's folder has room."""
    with _errors_of(folder):
        folder.mkdir(parents=True, exist_ok=True)
        work = tempfile.TemporaryDirectory(prefix=".oneup_export_", dir=folder, ignore_cleanup_errors=True)
    with work as name:
        yield Path(name)


@contextmanager
def _errors_of(target: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise UserError(f"{error.filename or target} cannot be written: {error.strerror}.") from None


def _literal(path: Path) -> str:
    return "'" + str(path).replace("'", "''") + "'"
