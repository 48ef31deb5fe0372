"""Run the sandbox by hand: `python -m oneup_pinterest.sandbox --port 8321`."""

from __future__ import annotations

import argparse
import json
import signal
import sys
from datetime import UTC, date, datetime, time
from threading import Event

from oneup_pinterest.sandbox.server import Sandbox


def main(arguments: list[str] | None = None) -> int:
    """Serve until interrupted; everything for people goes to stderr."""
    options = _parser().parse_args(arguments)
    # At noon in UTC nearly every time zone has the same date.
    now = datetime.combine(options.today, time(12), tzinfo=UTC) if options.today else None
    sandbox = Sandbox(
        seed=options.seed,
        accounts=options.accounts,
        now=now,
        latency=options.latency,
        documented_sample=True,
        port=options.port,
    )
    stopped = Event()
    for wanted in (signal.SIGINT, signal.SIGTERM):
        signal.signal(wanted, lambda *_: stopped.set())
    try:
        with sandbox:
            print(_greeting(sandbox), file=sys.stderr, flush=True)
            stopped.wait()
    except OSError as error:
        print(f"cannot listen on port {options.port}: {error.strerror}", file=sys.stderr)
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m oneup_pinterest.sandbox",
        description="A OneUp Pinterest analytics API on this machine, with made-up data only.",
    )
    parser.add_argument("--port", type=int, default=8321, help="0: any free port (default 8321)")
    parser.add_argument("--seed", type=int, default=7, help="another seed, another world")
    parser.add_argument("--accounts", type=int, default=5, help="how many, up to 1000 (default 5)")
    parser.add_argument("--latency", type=float, default=0.0, metavar="SECONDS", help="of every answer")
    parser.add_argument("--today", type=date.fromisoformat, metavar="YYYY-MM-DD", help="stop the clock on this day")
    return parser


def _greeting(sandbox: Sandbox) -> str:
    return "\n".join(
        [
            "OneUp Pinterest sandbox: ALL DATA IS MADE UP.",
            f"  analytics  {sandbox.analytics_url}",
            f"  accounts   {sandbox.accounts_url}",
            f"  api key    {sandbox.api_key}",
            f"  help       {sandbox.url}/_sandbox",
            "A config for the connector:",
            json.dumps(sandbox.config(), indent=2),
            "Ctrl-C stops it.",
        ]
    )


if __name__ == "__main__":
    sys.exit(main())
