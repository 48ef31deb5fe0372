"""How the newest sync of each shard of a lake ended."""

from typing import Any

import duckdb

ORDER = ("failed", "interrupted", "partial", "running", "done")  # the most serious first
_NEWEST = """
SELECT shard, status, started_at, error, json_array_length(coalesce(skipped_accounts, '[]'))
FROM main._sync_runs JOIN (
    SELECT run_id, arg_min(shard, _version) AS shard FROM versions._sync_runs GROUP BY run_id -- that of the run's start
) USING (run_id)
QUALIFY row_number() OVER (PARTITION BY shard ORDER BY started_at DESC) = 1
    AND split_part(shard, '/', 2) = first_value(split_part(shard, '/', 2)) OVER (ORDER BY started_at DESC)
"""


def read_shards(lake: duckdb.DuckDBPyConnection) -> list[dict[str, Any]]:
    """Return the newest run of each shard of an open lake, failures first; empty if it is not synced in shards.

    Shards of an earlier number of shards are left out.
    """
    rows = [
        {"shard": shard, "status": status, "started_at": started, "error": error, "skipped_accounts": skipped}
        for shard, status, started, error, skipped in lake.execute(_NEWEST).fetchall()
    ]
    if all(row["shard"] == "1/1" for row in rows):
        return []
    return sorted(rows, key=lambda row: (_rank(row["status"]), int(row["shard"].partition("/")[0])))


def shard_lines(shards: list[dict[str, Any]]) -> list[str]:
    """Return what `status` says of shards: how many are done, and each that is not.

    >>> shard_lines([{"shard": "2/2", "status": "failed", "started_at": "2026-03-02T04:00:00Z", "error": "No network.",
    ...     "skipped_accounts": 0}, {"shard": "1/2", "status": "done", "error": None}])
    ['shards: 1 of 2 done', '  2/2 failed, started 2026-03-02 04:00 UTC: No network.']
    """
    if not shards:
        return []
    count = int(shards[0]["shard"].partition("/")[2])
    lines = [f"shards: {sum(row['status'] == 'done' for row in shards):,} of {count:,} done"]
    for row in shards:
        if row["status"] != "done":
            started = f"started {row['started_at'][:16].replace('T', ' ')} UTC" if row["started_at"] else "not started"
            skipped = f" {row['skipped_accounts']:,} skipped accounts." if row["skipped_accounts"] else ""
            error = f": {row['error']}" if row["error"] else ""
            lines.append(f"  {row['shard']} {row['status']}, {started}{error or ('.' if skipped else '')}{skipped}")
    return lines


def _rank(status: str | None) -> int:
    return ORDER.index(status) if status in ORDER else 0
