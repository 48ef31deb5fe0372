"""Run the sandbox from the command line: `python -m oneup_pinterest.sandbox --port 8321`."""

from __future__ import annotations

import argparse
import json
import signal
import sys
from datetime import UTC, date, datetime, time
from threading import Event

from oneup_pinterest.sandbox.server import Sandbox


def main(arguments: list[str] | None = None) -> int:
    """Serve until interrupted, with messages for people on stderr; return the exit status."""
    options = _parser().parse_args(arguments)
    # At noon in UTC nearly every time zone has the same date.
    now = datetime.combine(options.today, time(12), tzinfo=UTC) if options.today else None
    sandbox = Sandbox(
        seed=options.seed,
        accounts=options.accounts,
        now=now,
        latency=options.latency,
        documented_sample=True,
        pictures=True,
        port=options.port,
    )
    stopped = Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopped.set())
    try:
        with sandbox:
            print(_greeting(sandbox), file=sys.stderr, flush=True)
            while not stopped.wait(1):  # without a limit, Windows would not see Ctrl-C before it ends
                pass
    except OSError as error:
        print(
            f"Cannot listen on port {options.port}: {error.strerror}. "
            "Choose another port with --port, or 0 for any free one.",
            file=sys.stderr,
        )
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m oneup_pinterest.sandbox",
        description="Serve OneUp's Pinterest analytics API on this machine, with made-up data only.",
    )
    parser.add_argument(
        "--port", type=int, default=8321, help="the port to listen on; 0 for any free port (default: %(default)s)"
    )
    parser.add_argument(
        "--seed",
        type=int,
        default=7,
        help="the seed of the made-up data; each seed gives other data (default: %(default)s)",
    )
    parser.add_argument(
        "--accounts", type=int, default=5, help="the number of accounts, up to 1000 (default: %(default)s)"
    )
    parser.add_argument(
        "--latency", type=float, default=0.0, metavar="SECONDS", help="delay every response (default: 0)"
    )
    parser.add_argument(
        "--today", type=_day, metavar="YYYY-MM-DD", help="stop the clock on this day (default: real time)"
    )
    return parser


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a date in the form YYYY-MM-DD") from None


def _greeting(sandbox: Sandbox) -> str:
    return "\n".join(
        [
            "OneUp Pinterest sandbox: ALL DATA IS MADE UP.",
            f"  analytics  {sandbox.analytics_url}",
            f"  accounts   {sandbox.accounts_url}",
            f"  API key    {sandbox.api_key}",
            f"  help       {sandbox.url}/_sandbox",
            "Config for the connector:",
            json.dumps(sandbox.config(), indent=2),
            "Press Ctrl-C to stop.",
        ]
    )


if __name__ == "__main__":
    sys.exit(main())
