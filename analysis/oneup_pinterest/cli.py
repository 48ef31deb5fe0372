"""The command line `oneup-pinterest`: results go to stdout, messages for people to stderr."""

import argparse
import os
import sys
import threading
from collections.abc import Callable, Sequence
from datetime import date
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, NoReturn

from oneup_pinterest import commands
from oneup_pinterest.console import WAITING_THREAD, open_missing_streams, print_message
from oneup_pinterest.errors import UserError
from oneup_pinterest.sync.signals import ignore_signals, interrupt_on_signals
from source_oneup_pinterest.start import write_utf8

DESCRIPTION = "Keep the history of your Pinterest analytics from OneUp in one DuckDB file, and analyze it."
EXIT_STATUS = (
    "exit status: 0 done; 1 failed; 2 wrong usage or config; 3 done, but an account or a part "
    "of the input could not be read"
)
DEFAULT_DATABASE = Path("oneup_pinterest.duckdb")
DEFAULT_DEMO_DATABASE = Path("demo/oneup_pinterest.duckdb")


def main(arguments: Sequence[str] | None = None) -> None:
    """Run one command and end the process with its exit status."""
    try:
        open_missing_streams()
        write_utf8()
        interrupt_on_signals()
        options = parser().parse_args(arguments)
        status = options.run(options)
        sys.stdout.flush()
    except (KeyboardInterrupt, RuntimeError) as error:
        if isinstance(error, RuntimeError) and str(error) != "Query interrupted":  # DuckDB's KeyboardInterrupt
            raise
        _exit_interrupted()
    except Exception as error:
        failure = _explain(error)
        if failure is None:
            raise
        message, status = failure
        if message:
            print_message(f"oneup-pinterest: {message}")
    _exit(status)


def parser() -> argparse.ArgumentParser:
    """Return the parser with all commands and options; the documentation is generated from it."""
    result = _Parser("oneup-pinterest", description=DESCRIPTION, epilog=EXIT_STATUS)
    result.add_argument("--version", action="version", version=_version())
    subparsers = result.add_subparsers(title="commands", metavar="COMMAND", required=True)
    _add_sync(subparsers)
    _add_load(subparsers)
    _add_state(subparsers)
    _add_status(subparsers)
    _add_report(subparsers)
    _add_export(subparsers)
    _add_notebooks(subparsers)
    _add_demo(subparsers)
    return result


class _Parser(argparse.ArgumentParser):
    """A parser whose errors say where the help is."""

    def error(self, message: str) -> NoReturn:
        self.print_usage(sys.stderr)
        self.exit(2, f"{self.prog}: {message}. Run `{self.prog} --help` for help.\n")


# ---- one function per command


def _add_sync(subparsers: Any) -> None:
    command = _add_command(subparsers, "sync", commands.run_sync, "sync new data from OneUp into the database")
    command.add_argument(
        "--config",
        type=Path,
        metavar="FILE",
        help="the connector's config as JSON, or - for standard input (default: secrets/config.json); the environment "
        "variable ONEUP_API_KEY overrides its api_key",
    )
    _add_database(command)
    command.add_argument("--streams", metavar="A,B", help="sync only these streams (default: all)")
    command.add_argument("--full-refresh", action="store_true", help="read all history and every stored period again")
    command.add_argument("--json", action="store_true", help="print the summary as one JSON object on stdout")


def _add_load(subparsers: Any) -> None:
    text = "load the output of `python main.py read`, or the files of an Airbyte file destination"
    command = _add_command(subparsers, "load", commands.run_load, text)
    command.add_argument(
        "sources",
        nargs="*",
        metavar="FILE",
        default=["-"],
        help="a file of messages, or of rows as JSON Lines or Parquet, also compressed (.gz, .zst); a folder of such "
        "files; or - for standard input (default: -)",
    )
    _add_database(command)
    command.add_argument("--stream", metavar="NAME", help="the stream of the rows, if their path does not name it")
    command.add_argument(
        "--state-output",
        type=Path,
        metavar="FILE",
        help="also write the state for the next read to this file, as `state` prints it",
    )


def _add_state(subparsers: Any) -> None:
    text = "print the state in the database as JSON, for the next `python main.py read`"
    _add_database(_add_command(subparsers, "state", commands.run_state, text))


def _add_status(subparsers: Any) -> None:
    text = "show data freshness, row counts, the last runs and data-quality findings"
    command = _add_command(subparsers, "status", commands.run_status, text)
    _add_history(command)
    command.add_argument("--json", action="store_true", help="print one JSON object on stdout")


def _add_report(subparsers: Any) -> None:
    text = "write a report as one self-contained HTML page"
    command = _add_command(subparsers, "report", commands.run_report, text)
    _add_history(command)
    _add_output(command, "FILE.html", "report.html", "the page")
    command.add_argument(
        "--each",
        type=Path,
        metavar="DIR",
        help="instead of --output: write one page per account into this folder, and an index that sorts and filters "
        "them",
    )
    command.add_argument("--title", metavar="TEXT", help="the heading of the page (default: Pinterest history)")
    command.add_argument(
        "--logo", type=Path, metavar="FILE", help="a picture for the heading: PNG, JPEG or WebP, at most 1 MB"
    )
    command.add_argument(
        "--no-images",
        action="store_true",
        help="show no pictures of pins and request none (default: each is fetched once from the address that OneUp "
        "gave, and kept in the database)",
    )


def _add_export(subparsers: Any) -> None:
    command = _add_command(subparsers, "export", commands.run_export, "write Parquet files, one folder per table")
    _add_history(command)
    _add_output(command, "DIR", "export", "the folder")


def _add_notebooks(subparsers: Any) -> None:
    text = "open the notebooks in JupyterLab with this database"
    _add_history(_add_command(subparsers, "notebooks", commands.run_notebooks, text))


def _add_demo(subparsers: Any) -> None:
    text = "sync made-up data from the sandbox, day by day, and write a report on it"
    command = _add_command(subparsers, "demo", commands.run_demo, text)
    command.add_argument(
        "--database",
        type=_database_path,
        metavar="FILE",
        default=DEFAULT_DEMO_DATABASE,
        help="the DuckDB file to write; the file of an earlier demo is replaced (default: %(default)s)",
    )
    _add_output(command, "FILE.html", "demo/report.html", "the page")
    command.add_argument("--days", type=int, metavar="N", default=60, help="days of history (default: %(default)s)")


def _add_command(
    subparsers: Any, name: str, run: Callable[[argparse.Namespace], int], text: str
) -> argparse.ArgumentParser:
    description = f"{text[0].upper()}{text[1:]}."
    command: argparse.ArgumentParser = subparsers.add_parser(
        name, help=text, description=description, epilog=EXIT_STATUS
    )
    command.set_defaults(run=run)
    return command


# ---- options that several commands share


def _add_database(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--database",
        type=_database_path,
        metavar="FILE",
        default=DEFAULT_DATABASE,
        help="the DuckDB file (default: %(default)s)",
    )


def _database_path(value: str) -> Path:
    from oneup_pinterest.database.connection import database_path  # loads DuckDB, which `--help` does not need

    return database_path(value)


def _add_history(command: argparse.ArgumentParser) -> None:
    _add_database(command)
    command.add_argument(
        "--schema",
        action="append",
        metavar="NAME",
        default=[],
        help="for a file that another tool wrote: read only this schema; repeatable (default: every schema with "
        "streams)",
    )
    command.add_argument(
        "--prefix",
        metavar="TEXT",
        help="for a file that another tool wrote: the prefix of its table names, as in oneup_pins; *TEXT is a suffix "
        "(default: detected)",
    )
    command.add_argument(
        "--account",
        action="append",
        metavar="ID",
        default=[],
        help="only this account, by its id or @username; repeatable (default: all accounts)",
    )
    for option, which in (("--since", "first"), ("--until", "last")):
        command.add_argument(
            option,
            type=_day,
            metavar="DATE",
            help=f"the {which} day, as YYYY-MM-DD, of the snapshots and periods to read (default: all days)",
        )


def _day(value: str) -> date:
    try:
        return date.fromisoformat(value)
    except ValueError:
        raise UserError(f"{value} is not a day: write it as YYYY-MM-DD, for example 2026-03-31.", 2) from None


def _add_output(command: argparse.ArgumentParser, metavar: str, default: str, what: str) -> None:
    command.add_argument(
        "--output", type=Path, metavar=metavar, default=Path(default), help=f"{what} to write (default: %(default)s)"
    )


def _version() -> str:
    try:
        return version("source-oneup-pinterest")
    except PackageNotFoundError:  # run from a checkout that was not installed
        return "unknown"


# ---- the end of the process


def _explain(error: Exception) -> tuple[str, int] | None:
    """Return message and exit status for an error that the user can fix; None for a bug, which needs a traceback."""
    match error:
        case UserError():
            from oneup_pinterest.formatting import (
                strip_control_characters,
            )  # loads Polars, which `--help` does not need

            return strip_control_characters(str(error)), error.exit_status
        case ModuleNotFoundError() if (error.name or "").split(".")[0] not in (
            "oneup_pinterest",
            "source_oneup_pinterest",
        ):
            return (
                f"This command needs the package {error.name}. Run: pip install 'source-oneup-pinterest[notebooks]'",
                1,
            )
        case BrokenPipeError():
            return "", 1
        case OSError():
            return f"Cannot read or write {error.filename or 'the output'}: {error.strerror}.", 1
    return None


def _exit(status: int) -> NoReturn:
    try:
        sys.stdout.flush()
    except OSError:  # the reader has closed the pipe, or the disk is full
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    ignore_signals()  # all work is done: a signal would only print a traceback while Python shuts down
    if any(thread.name == WAITING_THREAD for thread in threading.enumerate()):
        os._exit(status)  # DuckDB's bindings print what leaked if the interpreter shuts down beside such a thread
    sys.exit(status)


def _exit_interrupted() -> NoReturn:
    ignore_signals()
    print_message("\noneup-pinterest: Interrupted. Synced data was kept; the next sync resumes.")
    os._exit(130)  # without waiting for threads that still wait for a response


if __name__ == "__main__":
    main()
