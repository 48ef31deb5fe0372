"""Run the command lines in this process: seconds faster than new processes, for tests of many arguments.

Tests of imports, signals and real exit statuses start a process of their own.
"""

import io
import signal
import subprocess
import sys
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from datetime import UTC, datetime

import pytest

from oneup_pinterest.cli import main
from oneup_pinterest.sync.signals import STOP_SIGNALS
from source_oneup_pinterest.components.clock import CLOCK_VARIABLE
from source_oneup_pinterest.run import run as run_connector_here
from test_support.clock import NOON


def run_command(*arguments: object, now: datetime = NOON, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run `oneup-pinterest …`."""
    return _run(lambda: main([str(argument) for argument in arguments]), arguments, now, environment)


def run_connector(*arguments: object, now: datetime = NOON, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run `python main.py …`. The output lacks the log messages of the CDK."""
    return _run(run_connector_here, arguments, now, environment)


def _run(
    run: Callable[[], None], arguments: tuple[object, ...], now: datetime, environment: dict[str, str]
) -> subprocess.CompletedProcess[str]:
    out, err = io.StringIO(), io.StringIO()
    handlers, hook, status = {number: signal.getsignal(number) for number in STOP_SIGNALS}, sys.unraisablehook, 0
    try:
        with pytest.MonkeyPatch.context() as patch, redirect_stdout(out), redirect_stderr(err):
            for name, value in {CLOCK_VARIABLE: now.astimezone(UTC).isoformat(), **environment}.items():
                patch.setenv(name, value)
            patch.setattr(sys, "argv", ["main.py", *map(str, arguments)])
            patch.setattr(sys, "__stdout__", out)  # to which the CDK writes its messages
            run()
    except SystemExit as ended:
        status = ended.code if isinstance(ended.code, int) else int(ended.code is not None)
    finally:
        sys.unraisablehook = hook
        for number, handler in handlers.items():
            signal.signal(number, handler)
    return subprocess.CompletedProcess(arguments, status, out.getvalue(), err.getvalue())
