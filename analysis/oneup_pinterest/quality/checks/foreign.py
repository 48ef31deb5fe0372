"""Checks of what could not be read or cannot be: files that other tools wrote, and machines with a wrong clock."""

from collections.abc import Iterator
from datetime import datetime, timedelta

import polars as pl

from oneup_pinterest.database.views import FIRST_DAY
from oneup_pinterest.formatting import truncate
from oneup_pinterest.quality.checks.context import CheckContext, Finding, counted, finding_of

AHEAD = timedelta(days=1)
_KINDS = {
    "BIGINT": "a number",
    "DOUBLE": "a number",
    "DATE": "a date",
    "TIMESTAMP": "a time",
    "BOOLEAN": "true or false",
}


def unreadable_values(facts: CheckContext) -> Iterator[Finding]:
    """Values that are not of their column's type: without a key the row is left out, otherwise they are unknown."""
    for found in facts.unreadable:
        if found.example is None:
            yield finding_of(
                "unreadable_values",
                "error",
                "all",
                None,
                f"{found.values:,} of {counted(found.rows, 'row')} lack {found.column}: they are left out.",
                f"Correct them where they were written, then sync again; this query shows them: {found.query};",
            )
            continue
        kind = _KINDS.get(found.type, found.type)
        what = "these rows are left out" if found.is_key else "they count as unknown"
        yield finding_of(
            "unreadable_values",
            "error",
            "all",
            None,
            f"{found.values:,} of {found.rows:,} values of {found.column} cannot be read as {kind}, "
            f'for example "{truncate(found.example)}": {what}.',
            f"Correct them where they were written, then sync again; this query shows them: {found.query};",
        )


def impossible_days(facts: CheckContext) -> Iterator[Finding]:
    """Rows from before Pinterest or after the newest extraction."""
    for found in facts.impossible:
        day = "snapshot_date" if "snapshot_date" in found.statement else "period_end"
        span = f"{found.first}" if found.first == found.last else f"{found.first} to {found.last}"
        why = f"before Pinterest existed ({FIRST_DAY.year})" if found.last < FIRST_DAY else "later than the newest sync"
        if found.first < FIRST_DAY <= found.last:
            why = f"before Pinterest existed ({FIRST_DAY.year}) or later than the newest sync"
        remedy = f"Delete them: {found.statement}"
        if found.is_view:
            remedy = f"{found.place} is a view; delete them from the table behind it, as in: {found.statement}"
        yield finding_of(
            "impossible_days",
            "warning",
            "all",
            None,
            f"{counted(found.rows, 'row')} of {found.relation} with a {day} that cannot be ({span}: {why}) "
            f"{'is' if found.rows == 1 else 'are'} left out everywhere.",
            f"Look whether the clock of the machine that synced was wrong. {remedy}",
        )


def runs_ahead_of_clock(facts: CheckContext) -> Iterator[Finding]:
    """The newest run started later than now."""
    limit = facts.now + AHEAD
    ahead = facts.runs.filter(pl.col("started_at") > limit)
    if not ahead.is_empty():
        newest: datetime = ahead.select(pl.col("started_at").max()).item()
        yield finding_of(
            "runs_ahead_of_clock",
            "error",
            "all",
            None,
            f"{counted(ahead.height, 'sync')} started later than this machine's clock ({facts.now:%Y-%m-%d %H:%M} UTC) "
            f"says it is, the newest at {newest:%Y-%m-%d %H:%M} UTC; no further sync will write into the file.",
            "Correct this clock if it is wrong; otherwise remove the record of what ran with a wrong clock: "
            f"DELETE FROM _sync_runs WHERE started_at > TIMESTAMP '{limit:%Y-%m-%d %H:%M:%S}';",
        )


def tables_not_read(facts: CheckContext) -> Iterator[Finding]:
    """Tables that look like a stream under another prefix than the one that is read."""
    skipped = [table for table in facts.tables if not table.is_read]
    for table in skipped:
        yield finding_of(
            "tables_not_read",
            "info",
            "all",
            None,
            f"{table.place} looks like the stream {table.relation} too, and is not read.",
            f'Nothing, if it is a copy; otherwise choose it with --prefix "{table.pattern}".',
        )
