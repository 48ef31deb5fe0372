"""Restrict an open file to some accounts and days: every view of `database.views` then holds nothing else."""

from collections.abc import Sequence
from datetime import date

import duckdb

from oneup_pinterest.database.accounts import account_ids
from oneup_pinterest.database.schema import PIN_ATTRIBUTES, PIN_COUNTERS, SYNC_RUNS, TABLES, quoted
from oneup_pinterest.database.stored_tables import HistoryFile
from oneup_pinterest.database.views import has_pin_tables, newest_rows
from oneup_pinterest.errors import UserError
from oneup_pinterest.formatting import format_names

_ACCOUNTS = "temp.main._oneup_selected"  # the chosen accounts of an open connection


def select_rows(connection: duckdb.DuckDBPyConnection, file: HistoryFile) -> None:
    """Restrict the views of a connection to the accounts and days that the file names.

    The day of a row is its `snapshot_date` or, where a table has none, its `period_end`; the first and the last day
    count. A snapshot shows the counters up to the day before it. `pins_latest` holds the newest of the chosen rows of a
    pin. Accounts have no day. Runs keep their times, but of several accounts only what concerns the chosen ones.

    Raises:
        UserError: `since` is after `until`, the file does not know an account, or has no row of these days (exit
            status 2).
    """
    if file.since and file.until and file.since > file.until:
        raise UserError(f"--since {file.since} is after --until {file.until}: swap them.", 2)
    ids = account_ids(connection, list(file.accounts)) if file.accounts else None
    if ids is not None:
        connection.execute("CREATE TEMP TABLE _oneup_selected AS SELECT unnest(?::VARCHAR[]) AS account", [ids])
    is_limited = file.since is not None or file.until is not None
    covered = _covered_days(connection, ids) if is_limited else None
    is_split = has_pin_tables(connection)
    for name, relation in TABLES.items():
        if name == "pins_latest" and is_limited:
            _replace(connection, name, newest_rows(relation, "FROM temp.main.pins"))
        elif name == SYNC_RUNS:
            if ids is not None:
                _replace(connection, name, _runs_of(ids))
        else:
            _replace(connection, name, _chosen(ids, relation.date, file.since, file.until))
    if is_split:
        _replace(connection, PIN_ATTRIBUTES, _chosen(ids, None, None, None))
        _replace(connection, PIN_COUNTERS, _chosen(None, "snapshot_date", file.since, file.until))
    if covered is not None and _covered_days(connection, ids) == (None, None):
        raise UserError(_nothing_there(file, covered), 2)


def selected_accounts(connection: duckdb.DuckDBPyConnection) -> list[str] | None:
    """Return the accounts that a connection is restricted to; None where it has all accounts of its file."""
    found = "SELECT 1 FROM duckdb_tables() WHERE temporary AND table_name = ?"
    if not connection.execute(found, [_ACCOUNTS.rpartition(".")[2]]).fetchall():
        return None
    return [account for (account,) in connection.execute(f"SELECT account FROM {_ACCOUNTS}").fetchall()]


def _runs_of(ids: Sequence[str]) -> str:
    """Return a query for the runs without what they say of other accounts; errors are sentences that may name any."""
    chosen = ", ".join("'" + account.replace("'", "''") + "'" for account in ids)
    skipped = (
        "list_filter(TRY_CAST(skipped_accounts AS JSON[]), "
        f"lambda entry: list_contains([{chosen}]::VARCHAR[], entry->>'social_network_id'))"
    )
    return (
        "SELECT * REPLACE (NULL::VARCHAR AS error, CASE WHEN skipped_accounts IS NOT NULL "
        f"THEN coalesce(to_json({skipped})::VARCHAR, '[]') END AS skipped_accounts) FROM {{whole}}"
    )


def _replace(connection: duckdb.DuckDBPyConnection, name: str, body: str) -> None:
    """Put a query over a view in its place; `{whole}` in the query is the view as it was."""
    if "{whole}" in body:
        connection.execute(f"ALTER VIEW temp.main.{quoted(name)} RENAME TO {quoted(f'_whole {name}')}")
    else:
        connection.execute(f"DROP VIEW temp.main.{quoted(name)}")
    whole = f"temp.main.{quoted(f'_whole {name}')}"
    connection.execute(f"CREATE TEMP VIEW {quoted(name)} AS {body.replace('{whole}', whole)}")


def _chosen(ids: Sequence[str] | None, day: str | None, since: date | None, until: date | None) -> str:
    conditions = [f"social_network_id IN (SELECT account FROM {_ACCOUNTS})"] if ids is not None else []
    if day is not None:
        conditions += [
            f"{quoted(day)} {sign} DATE '{limit}'" for sign, limit in ((">=", since), ("<=", until)) if limit
        ]
    return f"FROM {{whole}} WHERE {' AND '.join(conditions) or 'true'}"


def _covered_days(connection: duckdb.DuckDBPyConnection, ids: Sequence[str] | None) -> tuple[date | None, date | None]:
    """Return the first and the last day of the rows of some accounts."""
    mine = f"WHERE social_network_id IN (SELECT account FROM {_ACCOUNTS})" if ids is not None else ""
    days = " UNION ALL ".join(
        f"SELECT min({relation.date}) AS first, max({relation.date}) AS last FROM {quoted(name)} {mine}"
        for name, relation in TABLES.items()
        if relation.date is not None and name != "pins_latest"
    )
    ((first, last),) = connection.execute(f"SELECT min(first), max(last) FROM ({days})").fetchall()
    return first, last


def _nothing_there(file: HistoryFile, covered: tuple[date | None, date | None]) -> str:
    span = " ".join(f"{word} {day}" for word, day in (("since", file.since), ("until", file.until)) if day is not None)
    whose = f" of {format_names(file.accounts)}" if file.accounts else ""
    first, last = covered
    there = f"its days are {first} to {last}" if first is not None else "it has no day at all yet"
    return f"{file.path} has no data{whose} {span}; {there}."
