"""The command line `oneup-pinterest`: results go to stdout, messages for people to stderr."""

import os
import sys
import threading
from collections.abc import Sequence
from typing import NoReturn

import click

from oneup_pinterest.cli.commands import PROGRAM, oneup_pinterest
from oneup_pinterest.console import WAITING_THREAD, open_missing_streams, print_message
from oneup_pinterest.errors import UserError
from oneup_pinterest.sync.signals import ignore_signals, interrupt_on_signals
from source_oneup_pinterest.start import write_utf8

INTERRUPTED = {  # command → what a user wants to know of its unfinished work
    "sync": " Synced data was kept; the next sync resumes.",
    "init": " No config was written.",
}


def main(arguments: Sequence[str] | None = None) -> None:
    """Run one command and end the process with its exit status."""
    try:
        open_missing_streams()
        write_utf8()
        interrupt_on_signals()
        status = oneup_pinterest.main(arguments, PROGRAM, standalone_mode=False)
        sys.stdout.flush()
    except (KeyboardInterrupt, click.Abort):
        _exit_interrupted(sys.argv[1:] if arguments is None else arguments)
    except Exception as error:
        if _is_interrupt(error):
            _exit_interrupted(sys.argv[1:] if arguments is None else arguments)
        failure = _explain(error)
        if failure is None:
            raise
        message, status = failure
        if message:
            print_message(message)
    _exit(status or 0)


def _is_interrupt(error: Exception) -> bool:
    if isinstance(error, OSError):  # Click could not end the line of an interrupted command: the terminal was closed
        return isinstance(error.__context__, KeyboardInterrupt)
    return isinstance(error, RuntimeError) and str(error) == "Query interrupted"  # DuckDB's KeyboardInterrupt


def _explain(error: Exception) -> tuple[str, int] | None:
    """Return message and exit status for an error that the user can fix; None for a bug, which needs a traceback."""
    match error:
        case click.exceptions.NoArgsIsHelpError():
            return error.format_message(), error.exit_code
        case click.UsageError():
            usage = f"{error.ctx.get_usage()}\n" if error.ctx else ""
            command = error.ctx.command_path if error.ctx else PROGRAM
            sentence = error.format_message()
            end = "" if sentence.endswith((".", "?", "?)")) else "."
            return f"{usage}{PROGRAM}: {sentence}{end} Run `{command} --help` for help.", error.exit_code
        case click.ClickException():
            return f"{PROGRAM}: {error.format_message()}", error.exit_code
        case UserError():
            # loads Polars, which `--help` does not need
            from oneup_pinterest.formatting import strip_control_characters

            return f"{PROGRAM}: {strip_control_characters(str(error))}", error.exit_status
        case ModuleNotFoundError() if (error.name or "").split(".")[0] not in (
            "oneup_pinterest",
            "source_oneup_pinterest",
        ):
            return (
                f"{PROGRAM}: This command needs the package {error.name}. "
                "Run: pip install 'source-oneup-pinterest[notebooks]'",
                1,
            )
        case BrokenPipeError():
            return "", 1
        case OSError():
            return f"{PROGRAM}: Cannot read or write {error.filename or 'the output'}: {error.strerror}.", 1
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


def _exit_interrupted(arguments: Sequence[str]) -> NoReturn:
    ignore_signals()
    print_message(f"\n{PROGRAM}: Interrupted.{INTERRUPTED.get(next(iter(arguments), ''), '')}")
    os._exit(130)  # without waiting for threads that still wait for a response
