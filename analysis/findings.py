"""Checks of the data: each looks for one thing that people should know before they trust a figure."""

import json
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import polars as pl

from analysis.gains import counter_kinds

STALE_AFTER = timedelta(hours=36)  # a daily sync that failed once, and half a day to notice
SUSPECT_COUNTS = (50, 100)  # pagination of the posts is not documented; a cap would be such a number
Finding = dict[str, Any]


class Facts(NamedTuple):
    """What the checks look at: frames as the `load_*` functions return them, and the present time in UTC."""

    pins: pl.DataFrame
    followers: pl.DataFrame
    accounts: pl.DataFrame
    runs: pl.DataFrame
    last_sync: datetime | None
    now: datetime


def findings(facts: Facts) -> list[Finding]:
    """Everything found, errors first. Each is a dict of

    - check: name of the check
    - severity: `error` (figures are wrong or missing), `warning` (some may be), `info`
    - where: a social_network_id, or `all`
    - since: ISO date since when, or None
    - what, what_to_do: one sentence each
    """
    order = ("error", "warning", "info")
    found = [finding for check in CHECKS for finding in check(facts)]
    return sorted(found, key=lambda finding: order.index(finding["severity"]))


def stale_data(facts: Facts) -> Iterator[Finding]:
    """The last sync is older than 36 hours."""
    if facts.last_sync is not None and facts.now - facts.last_sync > STALE_AFTER:
        hours = (facts.now - facts.last_sync).total_seconds() / 3600
        age = f"{hours:.0f} hours" if hours < 72 else f"{hours / 24:,.0f} days"
        yield _finding(
            "stale_data", "warning", "all", facts.last_sync.date(),
            f"The last sync was {age} ago.",
            "Sync now, and see why no sync ran since: the daily detail of days without a sync is lost.",
        )  # fmt: skip


def days_without_snapshot(facts: Facts) -> Iterator[Finding]:
    """Days between an account's first and last snapshot on which nobody synced."""
    days = (
        pl.concat([frame.select("social_network_id", "snapshot_date") for frame in (facts.pins, facts.followers)])
        .unique()
        .group_by("social_network_id")
        .agg(first=pl.col("snapshot_date").min(), last=pl.col("snapshot_date").max(), days=pl.col("snapshot_date"))
        .sort("social_network_id")
    )
    for row in days.iter_rows(named=True):
        span = (row["last"] - row["first"]).days + 1
        missing = sorted({row["first"] + timedelta(days=n) for n in range(span)} - set(row["days"]))
        if missing:
            yield _finding(
                "days_without_snapshot", "warning", row["social_network_id"], missing[0],
                f"{len(missing)} of {span} days have no snapshot, the last of them {missing[-1]}.",
                "Sync once a day. The gains over such a gap are spread evenly over its days, and marked.",
            )  # fmt: skip


def lost_connections(facts: Facts) -> Iterator[Finding]:
    """OneUp flags the connection to Pinterest; the API then answers with plausible zeros."""
    flagged = facts.accounts.filter(
        pl.col("is_expired").fill_null(value=False) | pl.col("need_refresh").fill_null(value=False)
    )
    for account, at in flagged.select("social_network_id", "_airbyte_extracted_at").iter_rows():
        yield _finding(
            "lost_connection", "error", account, at and at.date(),
            "OneUp says that its connection to this Pinterest account is expired or needs a refresh; "
            "figures may be zeros that mean nothing.",
            "Connect the account to Pinterest again in OneUp.",
        )  # fmt: skip


def falling_counters(facts: Facts) -> Iterator[Finding]:
    """Counters that fall like rolling ones, and snapshots at which most of them fell at once."""
    kinds = counter_kinds(facts.pins)
    for account, group in kinds.group_by("social_network_id", maintain_order=True):
        falling = group.filter(pl.col("kind") == "falling")["metric"].to_list()
        reset = group.filter((pl.col("resets") > 0) & (pl.col("kind") != "falling"))["metric"].to_list()
        if falling:
            yield _finding(
                "falling_counters", "warning", str(account[0]), None,
                f"The counters of {_listed(falling)} fall too often to count over a pin's whole life.",
                "Do not read their differences as gains; the report leaves them out.",
            )  # fmt: skip
        if reset:
            yield _finding(
                "counters_reset", "warning", str(account[0]), None,
                f"The counters of {_listed(reset)} of most pins fell at one sync: a reset or a restatement.",
                "The gain of that day is unknown; it is left out, not guessed.",
            )  # fmt: skip


def possible_cap(facts: Facts) -> Iterator[Finding]:
    """Exactly 50 or 100 pins in one answer."""
    windows = (
        facts.pins.group_by("social_network_id", "snapshot_date", "period_start", "period_end")
        .len("pins")
        .filter(pl.col("pins").is_in(SUSPECT_COUNTS))
        .group_by("social_network_id", "pins")
        .agg(since=pl.col("snapshot_date").min(), days=pl.col("snapshot_date").n_unique())
        .sort("social_network_id", "pins")
    )
    for account, pins, since, days in windows.select("social_network_id", "pins", "since", "days").iter_rows():
        yield _finding(
            "possible_cap", "warning" if days > 2 else "info", account, since,
            f"Exactly {pins} pins came for one window on {days} {'day' if days == 1 else 'days'}: "
            "the API may have cut the list.",
            "Compare with the number of posts in the account's totals, and with OneUp's own page.",
        )  # fmt: skip


def unfinished_runs(facts: Facts) -> Iterator[Finding]:
    """What the last run skipped or broke on, and whether an earlier one was cut off."""
    runs = facts.runs.tail(5)
    for run in runs.iter_rows(named=True):
        # the file could be opened, so no sync is running: one that says so was killed
        if run["status"] in ("running", "interrupted"):
            yield _finding(
                "interrupted_run", "info", "all", run["started_at"].date(),
                f"The sync started at {run['started_at']:%Y-%m-%d %H:%M} UTC was interrupted; what it wrote is whole.",
                "Nothing, if a later sync is done: it went on where this one stopped.",
            )  # fmt: skip
    if runs.is_empty():
        return
    last = runs.row(-1, named=True)
    if last["status"] == "failed":
        yield _finding(
            "failed_run", "error", "all", last["started_at"].date(),
            f"The last sync failed: {last['error'] or 'no reason was recorded'}",
            "Mend what the message names, then sync again.",
        )  # fmt: skip
    for skipped in _list(last["skipped_accounts"]):
        yield _finding(
            "skipped_account", "error", str(skipped.get("social_network_id", "unknown")), last["started_at"].date(),
            f"The last sync could not read this account: {skipped.get('reason', 'no reason was recorded')}",
            "Mend what the message names, then sync again: the account catches up.",
        )  # fmt: skip


CHECKS: tuple[Callable[[Facts], Iterator[Finding]], ...] = (
    stale_data,
    lost_connections,
    unfinished_runs,
    days_without_snapshot,
    falling_counters,
    possible_cap,
)


def _finding(check: str, severity: str, where: str, since: Any, what: str, what_to_do: str) -> Finding:
    return {
        "check": check, "severity": severity, "where": where, "since": since.isoformat() if since else None,
        "what": what, "what_to_do": what_to_do,
    }  # fmt: skip


def _list(text: str | None) -> list[dict[str, Any]]:
    try:
        value = json.loads(text or "[]")
    except ValueError:
        return []
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def _listed(names: list[str]) -> str:
    return " and ".join(filter(None, [", ".join(names[:-1]), names[-1]]))
