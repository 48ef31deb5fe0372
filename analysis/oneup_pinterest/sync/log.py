"""Log what the connector does: to the terminal with `--verbose`, and to a file with `--log-file`."""

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TextIO, cast

from airbyte_cdk.utils.airbyte_secrets_utils import filter_secrets

from oneup_pinterest.console import GoesOnWriter, print_message
from oneup_pinterest.errors import UserError
from oneup_pinterest.formatting import strip_control_characters

LEVELS = {"airbyte": logging.INFO, "airbyte.oneup_pinterest": logging.DEBUG}  # the CDK's logger, and the connector's


class _Formatter(logging.Formatter):
    """Write a record as one line, without secrets and control characters."""

    def format(self, record: logging.LogRecord) -> str:
        return strip_control_characters(filter_secrets(super().format(record)))


class _LogFile(logging.FileHandler):
    """A log file that stops with one message if it cannot be written (a full disk); the sync goes on."""

    has_failed = False

    def emit(self, record: logging.LogRecord) -> None:
        if not self.has_failed:
            super().emit(record)

    def handleError(self, record: logging.LogRecord) -> None:
        error = sys.exc_info()[1]
        self.has_failed = True
        reason = error.strerror if isinstance(error, OSError) else error
        print_message(f"warning: {self.baseFilename} cannot be written: {reason}. The rest is not logged.")

    def close(self) -> None:
        with suppress(OSError):  # what could not be written is still in the buffer
            super().close()


@contextmanager
def logging_to(file: Path | None, verbose: bool) -> Iterator[None]:
    """Log on stderr, into a file, both or neither while the block runs.

    Raises:
        UserError: the file cannot be opened (exit status 2).
    """
    handlers: list[logging.Handler] = []
    if verbose:
        handlers.append(logging.StreamHandler(cast(TextIO, GoesOnWriter(sys.stderr))))
    if file is not None:
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            handlers.append(_LogFile(file, encoding="utf-8", errors="backslashreplace"))
        except OSError as error:
            raise UserError(
                f"{file} cannot be written: {error.strerror}. Name another file with --log-file.", 2
            ) from None
    loggers = [logging.getLogger(name) for name in LEVELS] if handlers else []
    before = [logger.level for logger in loggers]
    for handler in handlers:
        handler.setFormatter(_Formatter("%(asctime)s %(levelname)s %(message)s"))
        loggers[0].addHandler(handler)
    for logger, level in zip(loggers, LEVELS.values(), strict=False):
        logger.setLevel(level)
    try:
        yield
    finally:
        for handler in handlers:
            loggers[0].removeHandler(handler)
            handler.close()
        for logger, level in zip(loggers, before, strict=True):
            logger.setLevel(level)
