"""The end of a sync in words."""

from oneup_pinterest.formatting import strip_control_characters
from oneup_pinterest.sync.run import SyncResult


def summary(result: SyncResult) -> str:
    """What came in, which file has it, what is new, what it cost, what could not be read and why: one fact a line."""
    records = sum(counts["records"] for counts in result.streams.values())
    new_rows = sum(counts["rows"] for counts in result.streams.values())
    requests = "" if result.requests is None else f"{result.requests:,} requests, "
    lines = [f"database: {result.database}"] if result.database else []
    lines.append(
        f"{result.status}: {records:,} records, {new_rows:,} new rows, {requests}{result.duration_seconds:.1f} s"
    )
    if result.error:
        lines.append(f"error: {result.error}")
    by_reason: dict[str, list[str]] = {}
    for entry in result.skipped_accounts:
        by_reason.setdefault(entry["reason"], []).append(entry["social_network_id"])
    lines += [f"skipped: {', '.join(accounts)}: {reason}" for reason, accounts in by_reason.items()]
    lines += [f"warning: {text}" for text in result.warnings]
    return "\n".join(map(strip_control_characters, lines))
