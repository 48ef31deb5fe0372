"""The accounts of a database, each with its state, its newest data and what needs attention."""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

import polars as pl

from oneup_pinterest.database.listed_accounts import CONNECTED, NOT_CONNECTED, UNKNOWN
from oneup_pinterest.database.reader import Database, open_history, read_relation
from oneup_pinterest.formatting import format_account, format_day
from oneup_pinterest.history.accounts import accounts_by_pins
from oneup_pinterest.quality.checks.accounts import last_read
from oneup_pinterest.quality.checks.context import CheckContext, read_check_context
from oneup_pinterest.quality.findings import ALL_ACCOUNTS, Finding
from oneup_pinterest.quality.run_checks import find_problems

NOT_LISTED, FAILING = "no longer listed", "failing"
_STATES = {  # check → state of the account that it reports, the most serious first
    "skipped_account": FAILING,
    "lost_connection": NOT_CONNECTED,
    "missing_account": NOT_LISTED,
    "unlisted_account": NOT_LISTED,
}
_GAP = "days_without_snapshot"  # a check, which is about the past
STALE_ACCOUNT = timedelta(days=1)  # behind the newest data of the file


def list_accounts(database: Database) -> list[dict[str, Any]]:
    """Return the accounts of a database, the one with most pins first.

    Keys: id, username, name, state (connected, connect again in OneUp, no longer listed, failing, or unknown),
    newest_snapshot (a day, or None), pins (a count).

    Raises:
        UserError: as `open_history`.

    >>> import duckdb, tempfile
    >>> database = tempfile.mkdtemp() + "/history.duckdb"
    >>> with duckdb.connect(database) as connection:
    ...     _ = connection.execute("CREATE TABLE accounts AS SELECT 'pin_a' AS social_network_id, 'a' AS username")
    >>> list_accounts(database)[0]["username"]
    'a'
    """
    with open_history(database) as history:
        context = read_check_context(history)
        latest = read_relation(history, "pins_latest", columns=["social_network_id"])
    loaded = context.history
    ids = accounts_by_pins(latest, loaded.overview, loaded.followers, loaded.accounts)
    known = {row["social_network_id"]: row for row in loaded.accounts.iter_rows(named=True)}
    pins = dict(latest.group_by("social_network_id").len().iter_rows())
    newest = _newest_snapshots(context)
    states = account_states(context, find_problems(context))
    return [
        {
            "id": account,
            "username": known.get(account, {}).get("username"),
            "name": known.get(account, {}).get("full_name"),
            "state": states.get(account, UNKNOWN),
            "newest_snapshot": newest.get(account),
            "pins": pins.get(account, 0),
        }
        for account in ids
    ]


def account_states(context: CheckContext, findings: Sequence[Finding]) -> dict[str, str]:
    """Return the state of each account that OneUp has listed, or that a finding is about."""
    listed = context.history.accounts.filter(pl.col("social_network_type").is_not_null())
    states = dict.fromkeys(listed["social_network_id"], CONNECTED)
    for check, state in reversed(_STATES.items()):
        states |= {finding.where: state for finding in findings if finding.check == check}
    return states


def accounts_to_attend(context: CheckContext, findings: Sequence[Finding]) -> list[str]:
    """Return one line per account that needs attention, the most serious first.

    That is an account that fails, must be connected again, is no longer listed, is behind the others, or has days
    without a snapshot. The findings say more of each.
    """
    names = dict(context.history.accounts.select("social_network_id", "username").iter_rows())
    reasons: dict[str, list[str]] = {}

    def add(check: str, words: str) -> None:
        for finding in findings:
            if finding.check == check:
                since = f" (since {format_day(finding.since)})" if finding.since else ""
                reasons.setdefault(finding.where, []).append(words + since)

    for check, state in _STATES.items():
        add(check, state)
    for account, read in last_read(context.history).items():
        if context.last_sync is not None and context.last_sync - read > STALE_ACCOUNT:
            reasons.setdefault(account, []).append(f"last read {format_day(read.date())}")
    add(_GAP, "days without a snapshot")
    return [f"{format_account(account, names.get(account))}: {', '.join(found)}" for account, found in reasons.items()]


def older_than(context: CheckContext, max_age: timedelta) -> list[str]:
    """Return the accounts whose newest data are older than `max_age`; an account no longer listed is left out.

    A file without any data is as old as can be: it returns `all`.
    """
    if context.last_sync is None or context.now - context.last_sync > max_age:
        return [ALL_ACCOUNTS]
    gone = {missing.account for missing in context.missing or ()} | {rename.older for rename in context.renames}
    last = last_read(context.history)
    return sorted(account for account, read in last.items() if context.now - read > max_age and account not in gone)


def _newest_snapshots(context: CheckContext) -> dict[str, date]:
    frames = [
        frame.lazy().group_by("social_network_id").agg(pl.col("snapshot_date").max())
        for frame in (context.history.pins, context.history.followers)
    ]
    newest = pl.concat(frames).drop_nulls().group_by("social_network_id").agg(pl.col("snapshot_date").max())
    return dict(newest.collect().iter_rows())
