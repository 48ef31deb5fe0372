"""The commands that read the database, and the demo; each imports only what it needs."""

import json
import os
import shutil
import sys
import tempfile
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from oneup_pinterest.cli.options import Age, DatabasePath, history_options, json_option, output_option
from oneup_pinterest.console import UNLIMITED, print_message
from oneup_pinterest.errors import UserError
from source_oneup_pinterest.start import start_quickly

if TYPE_CHECKING:
    from datetime import timedelta

    from oneup_pinterest.database.place import Place
    from oneup_pinterest.database.reader import Database

DEMO_DATABASE = Path("demo/oneup_pinterest.duckdb")
STALE = 4  # exit status


@click.command
@partial(history_options, prints_default=False)
@click.option(
    "--max-age",
    type=Age(),
    metavar="AGE",
    help="Exit with status 4 if the newest data of an account are older than this, for example 36h or 2d; for "
    "monitoring.",
)
@json_option
def status(database: "Database", max_age: "timedelta | None", as_json: bool) -> int:
    """Show what needs attention, freshness, rows, last runs and findings."""
    from oneup_pinterest.quality.status import format_status, read_status

    found = read_status(database, max_age)
    print(json.dumps(found, default=str) if as_json else format_status(found))
    return STALE if found["freshness"]["too_old"] else 0


@click.command
@history_options
@output_option("FILE.html", "report.html", "The page")
@click.option(
    "--each",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Instead of --output: write one page per account into this folder, and an index that sorts and filters them.",
)
@click.option("--title", metavar="TEXT", help="The heading of the page (default: Pinterest history).")
@click.option(
    "--logo",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="A picture for the heading: PNG, JPEG or WebP, at most 1 MB.",
)
@click.option(
    "--no-images",
    is_flag=True,
    help="Show no pictures of pins and request none (default: each is fetched once from the address that OneUp gave, "
    "and kept in the database).",
)
def report(
    database: "Database", output: Path, each: Path | None, title: str | None, logo: Path | None, no_images: bool
) -> int:
    """Write a report as one self-contained HTML page."""
    start_quickly()
    _prepare_charts()
    _use_one_blas_thread()
    from oneup_pinterest.images import PinImages
    from oneup_pinterest.images.pin_images import SECONDS, SECONDS_FOR_EACH
    from oneup_pinterest.report import write_report, write_reports

    images = None if no_images else PinImages(database, seconds=SECONDS if each is None else SECONDS_FOR_EACH)
    if each is None:
        print(write_report(database, output, images, title=title, logo=logo))
        failed = []
    else:
        index, rows = write_reports(database, each, images, title=title, logo=logo, progress=_print_progress)
        print(index)
        failed = [row for row in rows if row.error]
    for row in failed:
        print_message(f"{row.name}: no page was written. {row.error}")
    if images:
        print_message(images.summary())
    return 3 if failed else 0


def _print_progress(done: int, whole: int, name: str) -> None:
    """Print how many pages are written: on a terminal each, else every fiftieth and the last."""
    from oneup_pinterest.formatting import truncate

    if sys.stderr.isatty():
        print_message(f"\r\033[K{done} of {whole} pages: {truncate(name, 50)}", end="\n" if done == whole else "")
    elif done % 50 == 0 or done == whole:
        print_message(f"{done} of {whole} pages")


@click.command
@history_options
@output_option("DIR", "export", "The folder")
@click.option(
    "--format",
    "form",
    type=click.Choice(["parquet", "csv", "xlsx"]),
    default="parquet",
    help="Parquet or CSV files, one folder per table, or one Excel workbook with a sheet per table (default: parquet).",
)
@click.option(
    "--relation",
    multiple=True,
    metavar="NAME",
    help="Only this table or view, for example pins_latest or account_weekly; repeatable (default: the tables).",
)
@click.option(
    "--to",
    "target",
    type=DatabasePath(),
    metavar="PLACE",
    help="Instead of --output: copy the whole history from a file into a new lake, or from a lake into a new file, and "
    "compare both.",
)
@click.option("--data-path", metavar="DIR", help="With --to, for a new lake: where its data files go.")
def export(
    database: "Database",
    output: Path,
    form: str,
    relation: tuple[str, ...],
    target: "Place | None",
    data_path: str | None,
) -> int:
    """Write the tables as Parquet, CSV or Excel files, or copy the history to another place."""
    if target is not None:
        return _move(database, target, data_path)
    from oneup_pinterest.database.export import WORKBOOK, export_relations
    from oneup_pinterest.formatting import format_count

    for table, rows in export_relations(database, output, form, relation or None).items():
        place = f"{output / WORKBOOK}, {table}" if form == "xlsx" else str(output / table)
        print(f"{place}: {format_count(rows, 'row')}")
    return 0


def _move(database: "Database", target: "Place", data_path: str | None) -> int:
    from oneup_pinterest.database.place import place_of
    from oneup_pinterest.database.stored_tables import HistoryFile
    from oneup_pinterest.sync.move import move

    if isinstance(database, HistoryFile):
        raise UserError("--to copies the whole history: leave out --account, --since, --until, --schema, --prefix.", 2)
    for each in move(place_of(database), place_of(target, data_path)):
        print(f"{each.relation}: {each.rows:,} rows, checksum {each.checksum:016x} in both")
    print(target)
    return 0


@click.command
@click.argument("sql", metavar="SQL")
@history_options
@click.option(
    "--format",
    "form",
    type=click.Choice(["table", "csv"]),
    default="table",
    help="A table for people, or CSV with all rows (default: table).",
)
def query(sql: str, database: "Database", form: str) -> int:
    """Print the result of one SELECT.

    The database is opened read-only.

    For example: oneup-pinterest query "SELECT * FROM account_weekly"
    """
    from oneup_pinterest.database.query import format_query_table, run_query, write_query_csv

    result = run_query(database, sql)
    if form == "csv":
        write_query_csv(result, sys.stdout)
    else:
        print(format_query_table(result, shutil.get_terminal_size().columns if sys.stdout.isatty() else UNLIMITED))
    return 0


@click.command
@history_options
def notebooks(database: "Database") -> int:
    """Open the notebooks in JupyterLab with this database."""
    _prepare_charts()
    from oneup_pinterest.notebooks import open_notebooks

    open_notebooks(database)
    return 0


@click.command
@click.option(
    "--database",
    type=DatabasePath(),
    metavar="FILE",
    default=DEMO_DATABASE,
    help=f"The DuckDB file to write; the file of an earlier demo is replaced (default: {DEMO_DATABASE}).",
)
@output_option("FILE.html", "demo/report.html", "The page")
@click.option("--days", type=int, metavar="N", default=60, help="Days of history (default: 60).")
def demo(database: Path, output: Path, days: int) -> int:
    """Sync made-up data, day by day, and write a report on it."""
    start_quickly()
    _prepare_charts()
    _use_one_blas_thread()
    from oneup_pinterest.demo import demo as run_demo

    run_demo(database, output, days)
    return 0


def _prepare_charts() -> None:
    """Check or fix the environment so that Altair can be imported."""
    if sys.flags.optimize > 1:
        raise UserError(
            "Charts need Python's docstrings, because Altair does. Unset PYTHONOPTIMIZE (or do not use -OO), then try "
            "again.",
            exit_status=2,
        )
    try:
        Path.home()
    except RuntimeError:  # a numeric user in a container: Altair asks for a home at import, but does not use it
        os.environ["HOME"] = tempfile.gettempdir()


def _use_one_blas_thread() -> None:
    """Keep numpy from starting threads: a report's matrices are small, so they would only wait for each other."""
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # read when numpy is imported
