"""The status of a database: freshness, rows, last runs, findings of the checks, and assumptions about the API."""

import json
from datetime import timedelta
from typing import Any

import duckdb

from oneup_pinterest.database.lake import Lake
from oneup_pinterest.database.lake_connection import lake_bytes
from oneup_pinterest.database.place import place_of
from oneup_pinterest.database.reader import Database, open_history, read_window
from oneup_pinterest.database.schema import STREAMS, TABLES, quoted
from oneup_pinterest.formatting import format_names, strip_control_characters
from oneup_pinterest.quality.accounts import accounts_to_attend, older_than
from oneup_pinterest.quality.api_assumptions import judge_assumptions
from oneup_pinterest.quality.checks.context import CheckContext, read_check_context
from oneup_pinterest.quality.findings import ALL_ACCOUNTS, Finding, group_over_accounts
from oneup_pinterest.quality.run_checks import find_problems
from oneup_pinterest.quality.shards import read_shards, shard_lines

RUNS_SHOWN = 5
MAX_SHOWN = 20  # accounts that need attention; more are counted
MADE_UP = "pin_sandbox_"  # how the ids of the demo's accounts begin


def read_status(database: Database, max_age: timedelta | None = None) -> dict[str, Any]:
    """Return the status of a database as plain JSON values. Times are ISO 8601 in UTC.

    Keys:

    - `database` (absolute path), `size_bytes`
    - `is_demo`: whether the data come from the sandbox and are made up
    - `freshness`: {last_sync, hours_ago, newest_snapshot, too_old}; `too_old` are the accounts whose newest data are
      older than `max_age` (`all` if no sync is that young); without `max_age` it is empty
    - `shards`: the newest run of each shard of a lake, failures first: [{shard, status, started_at, error,
      skipped_accounts}], with the number of the last; empty without shards
    - `attention`: one line per account that needs attention, the most serious first
    - `streams`: {name: {rows, first, last}}, with the first and last `snapshot_date` or `period_end`
    - `schemas`: [{schema, prefix, streams}], the schemas that were read as one history
    - `runs`: the last 5, newest first, with {run_id, started_at, finished_at, status, streams, skipped_accounts,
      requests, duration_seconds, error}
    - `findings`: [{check, severity, where, since, what, what_to_do}], errors first (see `Finding`)
    - `assumptions`: [{number, assumption, verdict, evidence}] (see `judge_assumptions`)

    Raises:
        UserError: as `open_history`.

    >>> import duckdb, tempfile
    >>> database = tempfile.mkdtemp() + "/history.duckdb"
    >>> with duckdb.connect(database) as connection:
    ...     _ = connection.execute("CREATE TABLE accounts AS SELECT 'pin_a' AS social_network_id")
    >>> read_status(database)["streams"]["accounts"]
    {'rows': 1, 'first': None, 'last': None}
    """
    place = place_of(database)
    with open_history(database) as history:
        window, context, streams = read_window(history), read_check_context(history), _streams(history)
        size = lake_bytes(history) if isinstance(place, Lake) else place.stat().st_size
        shards = read_shards(history) if isinstance(place, Lake) else []
    last_sync = context.last_sync
    ids = context.history.accounts["social_network_id"].to_list()
    findings, assumptions = find_problems(context), judge_assumptions(context.history)
    return {
        "database": str(place if isinstance(place, Lake) else place.resolve()),
        "size_bytes": size,
        "freshness": {
            "last_sync": _iso(last_sync),
            "hours_ago": last_sync and round((context.now - last_sync).total_seconds() / 3600, 1),
            "newest_snapshot": _iso(window.last_day),
            "too_old": older_than(context, max_age) if max_age is not None else [],
        },
        "is_demo": bool(ids) and all(account.startswith(MADE_UP) for account in ids),
        "shards": [{**shard, "started_at": _iso(shard["started_at"])} for shard in shards],
        "attention": accounts_to_attend(context, findings),
        "streams": streams,
        "schemas": _schemas(context),
        "runs": [_run(run) for run in context.runs.tail(RUNS_SHOWN).reverse().iter_rows(named=True)],
        "findings": [finding.as_json() for finding in findings],
        "assumptions": assumptions.to_dicts(),
    }


def format_status(status: dict[str, Any]) -> str:
    """Return the result of `read_status` as text for a terminal."""
    freshness, attention = status["freshness"], status["attention"]
    lines = [f"{status['database']} ({status['size_bytes'] / 1e6:,.1f} MB)"]
    if status["is_demo"]:
        lines.append("These data are MADE UP: they come from the sandbox.")
    if freshness["last_sync"]:
        lines.append(
            f"last sync {freshness['last_sync'][:16].replace('T', ' ')} UTC, {freshness['hours_ago']:g} hours ago"
        )
    else:
        lines.append("no sync yet")
    lines += shard_lines(status["shards"])
    newest = freshness["newest_snapshot"]
    lines.append(f"newest snapshot {newest}" if newest else "no snapshot yet")
    lines += [
        f"read from schema {item['schema']}: {', '.join(item['streams'])}"
        for item in status["schemas"]
        if len(status["schemas"]) > 1 or item["schema"] != "main" or item["prefix"]
    ]
    if attention:
        lines += ["", "accounts that need attention", *(f"  {line}" for line in attention[:MAX_SHOWN])]
        if len(attention) > MAX_SHOWN:
            lines.append(f"  and {len(attention) - MAX_SHOWN:,} more (--json has all)")
    if too_old := freshness["too_old"]:
        lines += ["", f"older than --max-age: {format_names(too_old)}"]
    lines += ["", f"{'stream':<18} {'rows':>12}  first       last"]
    for name, stream in status["streams"].items():
        lines.append(f"{name:<18} {stream['rows']:>12,}  {stream['first'] or '-':<10}  {stream['last'] or '-'}")
    if status["runs"]:
        lines += ["", f"{'last runs (UTC)':<18} {'status':<12} {'seconds':>8} {'requests':>9}"]
        for run in status["runs"]:
            seconds, requests = run["duration_seconds"], run["requests"]
            lines.append(
                f"{(run['started_at'] or '-')[:16].replace('T', ' '):<18} {run['status'] or '-':<12} "
                f"{'-' if seconds is None else f'{seconds:,.1f}':>8} {'-' if requests is None else f'{requests:,}':>9}"
            )
    lines += ["", "findings" if status["findings"] else "findings: none"]
    for finding in group_over_accounts([Finding.from_json(item) for item in status["findings"]]):
        where = "" if finding.where == ALL_ACCOUNTS else f"{finding.where}: "
        since = f" (since {finding.since})" if finding.since else ""
        lines += [f"  {finding.severity.upper()} {where}{finding.what}{since}", f"    {finding.what_to_do}"]
    lines += ["", "assumptions about the API, checked against these data"]
    lines += [f"  {item['verdict']:<12} {item['assumption']}" for item in status["assumptions"]]
    return "\n".join(map(strip_control_characters, lines))


def _streams(history: duckdb.DuckDBPyConnection) -> dict[str, dict[str, Any]]:
    streams = {}
    for name in STREAMS:
        day = TABLES[name].date or "NULL::DATE"
        query = f"SELECT count(*), min({day}), max({day}) FROM {quoted(name)}"
        rows, first, last = history.execute(query).fetchall()[0]
        streams[name] = {"rows": rows, "first": _iso(first), "last": _iso(last)}
    return streams


def _schemas(context: CheckContext) -> list[dict[str, Any]]:
    read = [table for table in context.tables if table.is_read and table.relation in STREAMS]
    return [
        {
            "schema": schema,
            "prefix": next(table.pattern for table in read if table.schema == schema),
            "streams": [table.name for table in read if table.schema == schema],
        }
        for schema in dict.fromkeys(table.schema for table in read)
    ]


def _run(run: dict[str, Any]) -> dict[str, Any]:
    plain = {key: _iso(value) if key.endswith("_at") else value for key, value in run.items()}
    return {**plain, "streams": _parsed(run["streams"], {}), "skipped_accounts": _parsed(run["skipped_accounts"], [])}


def _parsed(text: str | None, otherwise: Any) -> Any:
    try:
        return json.loads(text) if text else otherwise
    except ValueError:
        return otherwise


def _iso(value: Any) -> str | None:
    return value.isoformat() if value is not None else None
