"""Run each command of the command line; each function imports only what its command needs."""

import argparse
import json
import os
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from oneup_pinterest.console import print_message
from oneup_pinterest.errors import UserError
from source_oneup_pinterest.start import start_quickly

if TYPE_CHECKING:
    from oneup_pinterest.database.reader import Database


def run_sync(options: argparse.Namespace) -> int:
    """Sync the accounts of the config into the database; return the exit status."""
    start_quickly()
    from oneup_pinterest.sync import sync
    from oneup_pinterest.sync.config import permission_warning, read_config
    from oneup_pinterest.sync.progress import progress_for

    streams = None if options.streams is None else [name.strip() for name in options.streams.split(",") if name.strip()]
    config = read_config(options.config)
    if warning := permission_warning(options.config):
        print_message(f"warning: {warning}")
    progress = progress_for(sys.stderr)
    try:
        result = sync(config, options.database, streams, options.full_refresh, progress)
    finally:
        progress.close()
    print_message(result.summary())
    if options.json:
        print(json.dumps(result.as_json()))
    return result.exit_status


def run_load(options: argparse.Namespace) -> int:
    """Load messages or files into the database; return the exit status.

    Raises:
        UserError: standard input is a terminal (exit status 2), or as `sync.load.load`.
    """
    start_quickly()
    from oneup_pinterest.sync.load import load
    from oneup_pinterest.sync.progress import progress_for
    from oneup_pinterest.sync.states import write_states_json

    if "-" in options.sources and sys.stdin.isatty():
        raise UserError(
            "Name the files to load, or pipe the output of `python main.py read` into this command.", exit_status=2
        )
    progress = progress_for(sys.stderr)
    try:
        result = load(options.sources, options.database, options.stream, progress)
    finally:
        progress.close()
    print_message(result.summary())
    if options.state_output:
        write_states_json(options.database, options.state_output)
    return result.exit_status


def run_state(options: argparse.Namespace) -> int:
    """Print the state for the next read; return the exit status.

    Raises:
        UserError: the database does not exist.
    """
    from oneup_pinterest.sync.states import states_json

    if not options.database.exists():
        raise UserError(f"There is no database {options.database}. Sync or load into it first.")
    print(text := states_json(options.database))
    if text == "[]":
        print_message(f"{options.database} has no state yet; the next read starts from the beginning.")
    return 0


def run_status(options: argparse.Namespace) -> int:
    """Print the status of the database; return the exit status."""
    from oneup_pinterest.quality.status import format_status, read_status

    status = read_status(_database(options))
    print(json.dumps(status, default=str) if options.json else format_status(status))
    return 0


def run_report(options: argparse.Namespace) -> int:
    """Write the report and print its path; return the exit status."""
    start_quickly()
    _prepare_charts()
    from oneup_pinterest.images import PinImages
    from oneup_pinterest.images.pin_images import SECONDS, SECONDS_FOR_EACH
    from oneup_pinterest.report import write_report, write_reports

    database = _database(options)
    seconds = SECONDS if options.each is None else SECONDS_FOR_EACH
    images = None if options.no_images else PinImages(database, seconds=seconds)
    if options.each is None:
        print(write_report(database, options.output, images, title=options.title, logo=options.logo))
        failed = []
    else:
        index, rows = write_reports(
            database, options.each, images, title=options.title, logo=options.logo, progress=_print_progress
        )
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


def run_export(options: argparse.Namespace) -> int:
    """Write Parquet files and print one line per table; return the exit status."""
    from oneup_pinterest.database.export import export_parquet

    for table, rows in export_parquet(_database(options), options.output).items():
        print(f"{options.output / table}: {rows:,} rows")
    return 0


def run_notebooks(options: argparse.Namespace) -> int:
    """Open JupyterLab on the notebooks; return the exit status when it stops."""
    _prepare_charts()
    from oneup_pinterest.notebooks import open_notebooks

    open_notebooks(_database(options))
    return 0


def run_demo(options: argparse.Namespace) -> int:
    """Run the demo; return the exit status."""
    start_quickly()
    _prepare_charts()
    from oneup_pinterest.demo import demo

    demo(options.database, options.output, options.days)
    return 0


def _database(options: argparse.Namespace) -> "Database":
    from oneup_pinterest.database.stored_tables import HistoryFile

    file = HistoryFile(options.database, options.schema, options.prefix, options.account, options.since, options.until)
    return file if options.schema or options.prefix is not None or file.is_restricted else file.path


def _prepare_charts() -> None:
    """Check or fix the environment so that Altair can be imported, and numpy does not wait for more threads.

    The matrices are small: OpenBLAS's threads would only wait for each other, a fifth of a report's time.
    """
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # read when numpy is imported
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
