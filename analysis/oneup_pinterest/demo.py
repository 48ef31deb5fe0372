"""Show everything without an account: sync a made-up world day by day over HTTP, and write a report on it."""

import os
import shlex
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from oneup_pinterest.clock import CLOCK_VARIABLE, utc_now
from oneup_pinterest.console import print_message
from oneup_pinterest.database.connection import database_path, log_of
from oneup_pinterest.errors import UserError
from oneup_pinterest.images import PinImages
from oneup_pinterest.report import write_report
from oneup_pinterest.sandbox import Sandbox
from oneup_pinterest.sync import sync

SYNC_HOUR = 6  # when a nightly job would run
ACCOUNTS = 5


def demo(database: Path, output: Path, days: int = 60) -> None:
    """Sync `days` made-up days into a new `database`, one sync per day, and write the report to `output`.

    Raises:
        UserError: `days` is less than 1, `database` exists and was not made by a demo, or as `database_path`.
    """
    if days < 1:
        raise UserError("--days must be at least 1.", exit_status=2)
    database = database_path(database)  # refuses a lake
    database.parent.mkdir(parents=True, exist_ok=True)
    output.parent.mkdir(parents=True, exist_ok=True)
    _remove_old_demo(database)
    started = time.monotonic()
    print("All data in this demo is MADE UP: it comes from a sandbox on this machine, not from OneUp.", file=sys.stderr)
    today = utc_now().replace(hour=SYNC_HOUR, minute=0, second=0, microsecond=0)
    today -= timedelta(days=today > utc_now())
    records = 0
    with Sandbox(accounts=ACCOUNTS, now=today, pictures=True) as sandbox:
        for back in range(days - 1, -1, -1):
            now = today - timedelta(days=back)
            sandbox.now = now
            with _clock_set_to(now):
                result = sync(sandbox.config(), database)
            if result.exit_status:
                raise UserError(f"The demo's sync of {now:%Y-%m-%d} failed: {result.error}")
            records += sum(counts["records"] for counts in result.streams.values())
            _show_progress(f"synced {now:%Y-%m-%d} ({days - back} of {days} days)")
        requests = len(sandbox.requests)
        _show_progress(
            f"synced {days} days of {ACCOUNTS} accounts: {records:,} records, {requests:,} requests", last=True
        )
        images = PinImages(database, sandbox=sandbox.url)  # its pictures are there only while it runs
        write_report(database, output, images)
    print_message(images.summary())
    print(_next_steps(database, output, time.monotonic() - started))


@contextmanager
def _clock_set_to(now: datetime) -> Iterator[None]:
    before = os.environ.get(CLOCK_VARIABLE)
    os.environ[CLOCK_VARIABLE] = now.astimezone(UTC).isoformat()
    try:
        yield
    finally:
        if before is None:
            del os.environ[CLOCK_VARIABLE]
        else:
            os.environ[CLOCK_VARIABLE] = before


def _remove_old_demo(database: Path) -> None:
    marker = database.with_name(database.name + ".demo")
    if database.exists() and not marker.exists():
        raise UserError(f"{database} was not made by a demo. Name another file with --database.", exit_status=2)
    for path in (database, log_of(database)):
        path.unlink(missing_ok=True)
    marker.write_text("This database is made up; `oneup-pinterest demo` may replace it.\n")


def _show_progress(text: str, last: bool = False) -> None:
    if sys.stderr.isatty():
        print(f"\r\x1b[2K{text}", end="\n" if last else "", file=sys.stderr, flush=True)
    elif last:
        print(text, file=sys.stderr)


def _next_steps(database: Path, output: Path, seconds: float) -> str:
    quoted = shlex.quote(str(database))
    return f"""\
Done in {seconds:.0f} s.
  report    {output}   (open it in a browser)
  database  {database}
Try next:
  oneup-pinterest status --database {quoted}
  oneup-pinterest notebooks --database {quoted}
  oneup-pinterest export --database {quoted} --output export
With your own account:
  oneup-pinterest init
  oneup-pinterest sync
"""
