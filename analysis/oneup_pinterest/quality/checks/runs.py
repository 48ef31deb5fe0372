"""Checks of the runs: whether the data are fresh, and whether the last syncs finished."""

import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import polars as pl

from oneup_pinterest.database.invalid_values import CLOCK_TOLERANCE
from oneup_pinterest.formatting import format_count
from oneup_pinterest.quality.checks.context import CheckContext
from oneup_pinterest.quality.findings import Finding

STALE_AFTER = timedelta(hours=36)  # a daily sync that failed once, and half a day to notice
RUNS_CHECKED = 5


def find_stale_data(context: CheckContext) -> Iterator[Finding]:
    """Report a last sync that is older than 36 hours."""
    if context.last_sync is None or context.now - context.last_sync <= STALE_AFTER:
        return
    hours = (context.now - context.last_sync).total_seconds() / 3600
    age = f"{hours:.0f} hours" if hours < 72 else f"{hours / 24:,.0f} days"
    has_failed_since = not context.runs.filter(pl.col("started_at") > context.last_sync).is_empty()
    reason = "what stopped the syncs since then" if has_failed_since else "why no sync has run since then"
    yield Finding(
        check="stale_data",
        severity="warning",
        since=context.last_sync.date(),
        what=f"The last {'successful ' if has_failed_since else ''}sync was {age} ago.",
        what_to_do=f"Sync now, and find out {reason}: the daily detail of days without a sync is lost.",
    )


def find_unfinished_runs(context: CheckContext) -> Iterator[Finding]:
    """Report runs that were interrupted, a last run that failed, and the accounts that it skipped."""
    runs = context.runs.tail(RUNS_CHECKED)
    for run in runs.iter_rows(named=True):
        if run["status"] in ("running", "interrupted"):  # the file could be opened, so none is still running
            yield Finding(
                check="interrupted_run",
                severity="info",
                since=run["started_at"].date(),
                what=f"The sync that started at {run['started_at']:%Y-%m-%d %H:%M} UTC was interrupted. "
                "The data it had committed were kept.",
                what_to_do="Nothing to do if a later sync is done: it resumed where this one stopped.",
            )
    if runs.is_empty():
        return
    last = runs.row(-1, named=True)
    if last["status"] == "failed":
        yield Finding(
            check="failed_run",
            severity="error",
            since=last["started_at"].date(),
            what=f"The last sync failed: {last['error'] or 'no reason was recorded'}",
            what_to_do="Fix what the message names, then sync again.",
        )
    for skipped in _json_objects(last["skipped_accounts"]):
        yield Finding(
            check="skipped_account",
            severity="error",
            where=str(skipped.get("social_network_id", "unknown")),
            since=last["started_at"].date(),
            what=f"The last sync could not read this account: {skipped.get('reason', 'no reason was recorded')}",
            what_to_do="Fix what the message names, then sync again: the account catches up.",
        )


def find_runs_ahead_of_clock(context: CheckContext) -> Iterator[Finding]:
    """Report runs that started later than now."""
    limit = context.now + CLOCK_TOLERANCE
    ahead = context.runs.filter(pl.col("started_at") > limit)
    if ahead.is_empty():
        return
    newest: datetime = ahead.select(pl.col("started_at").max()).item()
    yield Finding(
        check="runs_ahead_of_clock",
        severity="error",
        what=f"{format_count(ahead.height, 'sync')} started later than this machine's clock "
        f"({context.now:%Y-%m-%d %H:%M} UTC), the newest at {newest:%Y-%m-%d %H:%M} UTC. "
        "No further sync will write into the file.",
        what_to_do="Correct this clock if it is wrong. Otherwise delete the records of the runs whose clock was wrong: "
        f"DELETE FROM _sync_runs WHERE started_at > TIMESTAMP '{limit:%Y-%m-%d %H:%M:%S}';",
    )


def _json_objects(text: str | None) -> list[dict[str, Any]]:
    try:
        value = json.loads(text or "[]")
    except ValueError:
        return []
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []
