"""The command line `oneup-pinterest`: arguments in, results on stdout, words for people on stderr."""

import argparse
import json
import os
import sys
import tempfile
from collections.abc import Callable, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from oneup_pinterest.console import ignore_signals, interrupt_on_signals, open_missing_streams, print_message
from oneup_pinterest.errors import UserError
from source_oneup_pinterest.start import start_quickly, write_utf8

if TYPE_CHECKING:  # what reads a history need not be loaded for `--help`
    from oneup_pinterest.database.reader import Database

DESCRIPTION = "Keeps the history of your Pinterest analytics from OneUp in one DuckDB file, and reads it."
EXIT_STATUS = (
    "exit status: 0 done; 1 failed; 2 wrong usage or config; 3 done, but an account or a part "
    "of the input could not be read"
)
DEFAULT_DATABASE = Path("oneup_pinterest.duckdb")


def main(arguments: Sequence[str] | None = None) -> None:
    """Runs one command and ends the process with its exit status."""
    try:
        open_missing_streams()
        write_utf8()
        interrupt_on_signals()
        options = parser().parse_args(arguments)
        status = options.run(options)
        sys.stdout.flush()
    except UserError as error:
        from oneup_pinterest.formatting import (
            strip_control_characters,  # not above: it loads what `--help` can do without
        )

        print_message(f"oneup-pinterest: {strip_control_characters(str(error))}")
        status = error.exit_status
    except ModuleNotFoundError as error:
        if error.name and error.name.split(".")[0] in ("oneup_pinterest", "source_oneup_pinterest"):
            raise
        print_message(
            f"oneup-pinterest: this command needs the package {error.name}: "
            "pip install 'source-oneup-pinterest[notebooks]'"
        )
        status = 1
    except OSError as error:
        if not isinstance(error, BrokenPipeError):
            print_message(
                f"oneup-pinterest: {error.filename or 'the output'} cannot be written or read: {error.strerror}."
            )
        status = 1
    except (KeyboardInterrupt, RuntimeError) as error:
        if isinstance(error, RuntimeError) and str(error) != "Query interrupted":  # what DuckDB makes of the other
            raise
        ignore_signals()
        print_message("\noneup-pinterest: stopped; what was synced so far is kept, the next sync goes on.")
        os._exit(130)  # requests that still wait for an answer must not hold the process
    try:
        sys.stdout.flush()
    except OSError:  # the reader is gone, or the disk that takes the output is full
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    ignore_signals()  # all is done and said: Python would only print a traceback while it takes itself down
    sys.exit(status)


def parser() -> argparse.ArgumentParser:
    """All commands and their options; the documentation of the command line is made from it."""
    result = argparse.ArgumentParser("oneup-pinterest", description=DESCRIPTION, epilog=EXIT_STATUS)
    result.add_argument("--version", action="version", version=_version())
    commands = result.add_subparsers(title="commands", metavar="COMMAND", required=True)

    command = _command(commands, "sync", _sync, "sync new figures from OneUp into the database")
    command.add_argument(
        "--config",
        type=Path,
        metavar="FILE",
        help="the connector's config as JSON, - for standard input (default: secrets/config.json); ONEUP_API_KEY "
        "stands in for its api_key",
    )
    _add_database(command)
    command.add_argument("--streams", metavar="A,B", help="only these streams (default: all)")
    command.add_argument("--full-refresh", action="store_true", help="read all of history and each stored period again")
    command.add_argument("--json", action="store_true", help="end with the summary as one JSON object on stdout")

    command = _command(
        commands, "load", _load, "load what `python main.py read` printed, or a file destination of Airbyte wrote"
    )
    command.add_argument(
        "sources",
        nargs="*",
        metavar="FILE",
        default=["-"],
        help="messages, or rows as JSON Lines or Parquet, also packed (.gz, .zst); a folder of such files; - for "
        "standard input (default: -)",
    )
    _add_database(command)
    command.add_argument("--stream", metavar="NAME", help="the stream of rows whose path does not name it")
    command.add_argument(
        "--state-output", type=Path, metavar="FILE", help="write the state for the next read here, as `state` prints it"
    )

    command = _command(commands, "state", _state, "print the state in the database as JSON, for the next read")
    _add_database(command)

    command = _command(commands, "status", _status, "show freshness, rows, last runs and findings about the data")
    _add_history(command)
    command.add_argument("--json", action="store_true", help="as one JSON object on stdout")

    command = _command(commands, "report", _report, "write one self-contained HTML page")
    _add_history(command)
    _add_output(command, "FILE.html", "report.html", "the page")

    command = _command(commands, "export", _export, "write Parquet files, one folder a table")
    _add_history(command)
    _add_output(command, "DIR", "export", "the folder")

    command = _command(commands, "notebooks", _notebooks, "open JupyterLab on the notebooks with this database")
    _add_history(command)

    command = _command(commands, "demo", _demo, "sync a made-up history from the sandbox and write its report")
    command.add_argument(
        "--database",
        type=_database,
        metavar="FILE",
        default=Path("demo/oneup_pinterest.duckdb"),
        help="the DuckDB file to write; an earlier demo's is replaced (default: %(default)s)",
    )
    _add_output(command, "FILE.html", "demo/report.html", "the page")
    command.add_argument("--days", type=int, metavar="N", default=60, help="days of history (default: %(default)s)")
    return result


def _command(commands: Any, name: str, run: Callable[[argparse.Namespace], int], text: str) -> argparse.ArgumentParser:
    command: argparse.ArgumentParser = commands.add_parser(
        name, help=text, description=f"{text[0].upper()}{text[1:]}.", epilog=EXIT_STATUS
    )
    command.set_defaults(run=run)
    return command


def _add_database(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--database",
        type=_database,
        metavar="FILE",
        default=DEFAULT_DATABASE,
        help="the DuckDB file (default: %(default)s)",
    )


def _database(value: str) -> Path:
    from oneup_pinterest.database.connection import database_path

    return database_path(value)


def _add_history(command: argparse.ArgumentParser) -> None:
    _add_database(command)
    command.add_argument(
        "--schema",
        action="append",
        metavar="NAME",
        default=[],
        help="in a file that another tool wrote: read only this schema; may be repeated (default: all with streams)",
    )
    command.add_argument(
        "--prefix",
        metavar="TEXT",
        help="in such a file: what stands before the stream names, as in oneup_pins; *TEXT is a suffix "
        "(default: recognized)",
    )


def _history(options: argparse.Namespace) -> "Database":
    from oneup_pinterest.database.stored_tables import HistoryFile

    chosen = HistoryFile(options.database, options.schema, options.prefix)
    return chosen if options.schema or options.prefix is not None else chosen.path


def _add_output(command: argparse.ArgumentParser, metavar: str, default: str, what: str) -> None:
    command.add_argument(
        "--output", type=Path, metavar=metavar, default=Path(default), help=f"{what} to write (default: %(default)s)"
    )


def _sync(options: argparse.Namespace) -> int:
    start_quickly()
    from oneup_pinterest.sync import sync
    from oneup_pinterest.sync.config import read_config, warning_about
    from oneup_pinterest.sync.progress import progress_for
    from oneup_pinterest.sync.summary import summary

    streams = None if options.streams is None else [name.strip() for name in options.streams.split(",") if name.strip()]
    config = read_config(options.config)
    if warning := warning_about(options.config):
        print_message(f"warning: {warning}")
    progress = progress_for(sys.stderr)
    try:
        result = sync(config, options.database, streams, options.full_refresh, progress)
    finally:
        progress.close()
    print_message(summary(result))
    if options.json:
        print(json.dumps(result.as_json()))
    return result.exit_status


def _load(options: argparse.Namespace) -> int:
    start_quickly()
    from oneup_pinterest.sync.load import load
    from oneup_pinterest.sync.progress import progress_for
    from oneup_pinterest.sync.states import write_states
    from oneup_pinterest.sync.summary import summary

    if "-" in options.sources and sys.stdin.isatty():
        raise UserError("Name files to load, or pipe the output of `python main.py read` into this.", exit_status=2)
    progress = progress_for(sys.stderr)
    try:
        result = load(options.sources, options.database, options.stream, progress)
    finally:
        progress.close()
    print_message(summary(result))
    if options.state_output:
        write_states(options.database, options.state_output)
    return result.exit_status


def _state(options: argparse.Namespace) -> int:
    from oneup_pinterest.sync.states import states_json

    if not options.database.exists():
        raise UserError(f"There is no file {options.database}: sync or load into it first.")
    print(text := states_json(options.database))
    if text == "[]":
        print_message(f"{options.database} holds no state: a read with this one starts from the beginning.")
    return 0


def _status(options: argparse.Namespace) -> int:
    from oneup_pinterest.quality.status import format_status, read_status

    status = read_status(_history(options))
    print(json.dumps(status, default=str) if options.json else format_status(status))
    return 0


def _report(options: argparse.Namespace) -> int:
    start_quickly()
    _prepare_charts()
    from oneup_pinterest.report import write_report

    print(write_report(_history(options), options.output))
    return 0


def _export(options: argparse.Namespace) -> int:
    from oneup_pinterest.database.export import export_parquet

    for table, rows in export_parquet(_history(options), options.output).items():
        print(f"{options.output / table}: {rows:,} rows")
    return 0


def _notebooks(options: argparse.Namespace) -> int:
    _prepare_charts()
    from oneup_pinterest.notebooks import open_notebooks

    open_notebooks(_history(options))
    return 0


def _demo(options: argparse.Namespace) -> int:
    start_quickly()
    _prepare_charts()
    from oneup_pinterest.demo import demo

    demo(options.database, options.output, options.days)
    return 0


def _prepare_charts() -> None:
    """Refuse or fix surroundings in which Altair cannot be imported."""
    if sys.flags.optimize > 1:
        raise UserError(
            "Charts cannot be drawn with PYTHONOPTIMIZE=2 (or -OO), because Altair needs its docstrings: unset it, "
            "then try again.",
            exit_status=2,
        )
    try:
        Path.home()
    except RuntimeError:  # a container's numeric user; Altair wants to know a home when it is imported, and uses none
        os.environ["HOME"] = tempfile.gettempdir()


def _version() -> str:
    try:
        return version("source-oneup-pinterest")
    except PackageNotFoundError:  # run from a checkout that was not installed
        return "unknown"


if __name__ == "__main__":
    main()
