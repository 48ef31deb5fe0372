"""How the file is: its freshness, its rows, its last runs, and what the data-quality checks found."""

import json
from datetime import datetime
from typing import Any

import duckdb
import polars as pl

from oneup_pinterest.clock import utc_now
from oneup_pinterest.database.connection import database_path
from oneup_pinterest.database.listings import missing_accounts
from oneup_pinterest.database.load import Database, open_history, read_relation, read_window
from oneup_pinterest.database.renames import kept_renames
from oneup_pinterest.database.replaced_values import replaced_values
from oneup_pinterest.database.schema import STREAMS, SYNC_RUNS, TABLES, quoted
from oneup_pinterest.database.sources import stored_tables
from oneup_pinterest.database.views import AHEAD, impossible_days, unreadable_values
from oneup_pinterest.formatting import strip_control_characters
from oneup_pinterest.history.loaded_history import LoadedHistory
from oneup_pinterest.quality.api_assumptions import assumptions
from oneup_pinterest.quality.checks.context import CheckContext
from oneup_pinterest.quality.findings import findings, grouped

RUNS_SHOWN = 5
UNCHECKED = ("page_id", "format", "text", "media_type")  # of pins: no check looks at these


def read_status(database: Database) -> dict[str, Any]:
    """All there is to say about the file, as plain JSON values. Times are ISO and UTC.

    Keys: `database` (absolute path), `size_bytes`; `freshness` {last_sync, hours_ago, newest_snapshot}; `streams`
    {name: {rows, first, last}} (first and last `snapshot_date` or `period_end`); `schemas` [{schema, prefix, streams}],
    what was read as one history; `runs`, the last 5, newest first
    {run_id, started_at, finished_at, status, streams, skipped_accounts, requests, duration_seconds, error};
    `findings` as `quality.findings.findings` returns them; `assumptions` [{number, assumption, verdict, evidence}] as
    `oneup_pinterest.quality.api_assumptions.assumptions` judges them.

    Raises:
        UserError: as `open_history`.

    >>> import duckdb, tempfile
    >>> database = tempfile.mkdtemp() + "/history.duckdb"
    >>> with duckdb.connect(database) as connection:
    ...     _ = connection.execute("CREATE TABLE accounts AS SELECT 'pin_a' AS social_network_id")
    >>> read_status(database)["streams"]["accounts"]
    {'rows': 1, 'first': None, 'last': None}
    """
    path = database_path(database).resolve()
    with open_history(database) as history:
        window, facts, streams = read_window(history), read_facts(history), _streams(history)
    last_sync = facts.last_sync
    found, judged = findings(facts), assumptions(facts.history)
    return {
        "database": str(path),
        "size_bytes": path.stat().st_size,
        "freshness": {
            "last_sync": _iso(last_sync),
            "hours_ago": last_sync and round((facts.now - last_sync).total_seconds() / 3600, 1),
            "newest_snapshot": _iso(window.last_day),
        },
        "streams": streams,
        "schemas": _schemas(facts),
        "runs": [_run(run) for run in facts.runs.tail(RUNS_SHOWN).reverse().iter_rows(named=True)],
        "findings": found,
        "assumptions": judged.to_dicts(),
    }


def format_status(status: dict[str, Any]) -> str:
    """The result of `read_status` for people."""
    freshness = status["freshness"]
    lines = [f"{status['database']} ({status['size_bytes'] / 1e6:,.1f} MB)"]
    if freshness["last_sync"]:
        lines.append(f"last sync {freshness['last_sync'][:16].replace('T', ' ')} UTC, {freshness['hours_ago']:g} h ago")
    else:
        lines.append("nothing was synced yet")
    lines.append(f"newest snapshot {freshness['newest_snapshot'] or 'none yet'}")
    lines += [
        f"read from schema {item['schema']}: {', '.join(item['streams'])}"
        for item in status["schemas"]
        if len(status["schemas"]) > 1 or item["schema"] != "main" or item["prefix"]
    ]
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
    for finding in grouped(status["findings"]):
        where = "" if finding["where"] == "all" else f"{finding['where']}: "
        since = f" (since {finding['since']})" if finding["since"] else ""
        lines += [f"  {finding['severity'].upper()} {where}{finding['what']}{since}", f"    {finding['what_to_do']}"]
    lines += ["", "what the API does not document, asked of these data"]
    lines += [f"  {item['verdict']:<12} {item['assumption']}" for item in status["assumptions"]]
    return "\n".join(map(strip_control_characters, lines))


def read_facts(history: duckdb.DuckDBPyConnection, pins: pl.DataFrame | None = None) -> CheckContext:
    """What the checks look at, from a connection that `open_history` gave; `pins`, where they were read already."""
    if pins is None:
        pins = read_relation(
            history, "pins", columns=[name for name in TABLES["pins"].columns if name not in UNCHECKED]
        )
    followers, accounts, runs, overview, totals = (
        read_relation(history, name)
        for name in ("account_followers", "accounts", SYNC_RUNS, "overview_metrics", "pin_totals")
    )
    finished = runs.filter(pl.col("status").is_in(["done", "partial"]) & pl.col("requests").is_not_null())[
        "finished_at"
    ].max()  # a load makes nothing fresher than what it brought
    times = [time for time in (read_window(history).last_extracted, finished) if isinstance(time, datetime)]
    now, tables = utc_now().replace(tzinfo=None), stored_tables(history)
    times = [time for time in times if time <= now + AHEAD] or times  # of a machine with a wrong clock
    return CheckContext(
        LoadedHistory(pins, followers=followers, accounts=accounts, overview=overview, pin_totals=totals),
        runs,
        max(times, default=None),
        now,
        tables,
        unreadable_values(history, tables),
        impossible_days(history),
        *replaced_values(history),
        missing_accounts(history),
        kept_renames(history),
    )


def load_facts(database: Database) -> CheckContext:
    """What the checks look at, from a file, which is closed again before the function returns.

    Raises:
        UserError: as `open_history`.
    """
    with open_history(database) as history:
        return read_facts(history)


def _streams(history: duckdb.DuckDBPyConnection) -> dict[str, dict[str, Any]]:
    streams = {}
    for name in STREAMS:
        day = TABLES[name].date or "NULL::DATE"
        query = f"SELECT count(*), min({day}), max({day}) FROM {quoted(name)}"
        rows, first, last = history.execute(query).fetchall()[0]
        streams[name] = {"rows": rows, "first": _iso(first), "last": _iso(last)}
    return streams


def _schemas(facts: CheckContext) -> list[dict[str, Any]]:
    read = [table for table in facts.tables if table.is_read and table.relation in STREAMS]
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
