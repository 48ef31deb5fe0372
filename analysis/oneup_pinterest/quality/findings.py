"""What the checks find: everything that people should know before they trust a figure."""

from collections.abc import Iterable, Sequence

import polars as pl

from oneup_pinterest.quality.checks.api_windows import (
    missing_pins,
    periods_too_old,
    possible_cap,
    posts_differ,
    sums_differ,
)
from oneup_pinterest.quality.checks.context import Check, CheckContext, Finding
from oneup_pinterest.quality.checks.counters import (
    counters_taken_back,
    counters_that_fall,
    impossible_counters,
    unconfirmed_gains,
)
from oneup_pinterest.quality.checks.database import (
    duplicate_keys,
    lost_connections,
    path_in_data,
    schema_drift,
    stale_data,
    unfinished_runs,
)
from oneup_pinterest.quality.checks.duplicate_images import twin_pins
from oneup_pinterest.quality.checks.foreign import (
    impossible_days,
    runs_ahead_of_clock,
    tables_not_read,
    unreadable_values,
)
from oneup_pinterest.quality.checks.listing import missing_accounts, renamed_accounts, unlisted_accounts
from oneup_pinterest.quality.checks.snapshots import (
    days_moved_by_zone,
    days_without_snapshot,
    pins_without_date,
    zeros_that_mean_nothing,
)

SEVERITIES = ("error", "warning", "info")
ACCOUNTS_NAMED = 3  # more are counted

OF_THE_FILE: tuple[Check, ...] = (
    stale_data,
    unfinished_runs,
    unreadable_values,
    impossible_days,
    runs_ahead_of_clock,
    missing_accounts,
    unlisted_accounts,
    renamed_accounts,
    tables_not_read,
    path_in_data,
    duplicate_keys,
    sums_differ,
    schema_drift,
    # of one account each, but other accounts may contradict them
    possible_cap,
    missing_pins,
    periods_too_old,
)
OF_AN_ACCOUNT: tuple[Check, ...] = (  # each looks at one account at a time
    lost_connections,
    days_without_snapshot,
    days_moved_by_zone,
    zeros_that_mean_nothing,
    counters_that_fall,
    impossible_counters,
    unconfirmed_gains,
    counters_taken_back,
    posts_differ,
    twin_pins,
    pins_without_date,
)
CHECKS = (*OF_THE_FILE, *OF_AN_ACCOUNT)


def findings(facts: CheckContext, checks: Sequence[Check] | None = None) -> list[Finding]:
    """Everything found, by all checks unless some are named, errors first. Each is a dict of

    - check: name of the check
    - severity: `error` (figures are wrong or missing), `warning` (some may be), `info`
    - where: a social_network_id, or `all`
    - since: ISO date since when, or None
    - what, what_to_do: one sentence each
    """
    return sort_by_severity(finding for check in checks or CHECKS for finding in check(facts))


def sort_by_severity(found: Iterable[Finding]) -> list[Finding]:
    """The findings in the order of `findings`."""
    return sorted(found, key=lambda finding: SEVERITIES.index(finding["severity"]))


def findings_frame(found: Sequence[Finding]) -> pl.DataFrame:
    """The result of `findings` as a frame, in its order, with the same columns; `since` is a date.

    >>> findings_frame([]).columns
    ['check', 'severity', 'where', 'since', 'what', 'what_to_do']
    """
    schema = dict.fromkeys(("check", "severity", "where", "since", "what", "what_to_do"), pl.String)
    frame = pl.DataFrame([{name: finding[name] for name in schema} for finding in found], schema=schema)
    return frame.with_columns(pl.col("since").str.to_date())


def grouped(found: Sequence[Finding]) -> list[Finding]:
    """The findings, with those that concern more than three accounts alike told once.

    Alike are findings of one check and severity. Instead of them there is one with `where` as `all`, the earliest
    `since`, and a `what` that counts the accounts and quotes the first.

    >>> one = {"check": "gap", "severity": "warning", "since": None, "what": "2 of 9 days.", "what_to_do": "Sync."}
    >>> [item["what"] for item in grouped([{**one, "where": f"pin_{number}"} for number in range(300)])]
    ['In 300 accounts (pin_0, pin_1, pin_2 and others). In pin_0: 2 of 9 days.']
    """
    alike: dict[tuple[str, str], list[Finding]] = {}
    for finding in found:
        alike.setdefault((finding["check"], finding["severity"]), []).append(finding)
    told = []
    for group in alike.values():
        accounts = list(dict.fromkeys(finding["where"] for finding in group if finding["where"] != "all"))
        if len(accounts) <= ACCOUNTS_NAMED:
            told += group
            continue
        first = next(finding for finding in group if finding["where"] == accounts[0])
        told.append(
            {
                **first,
                "where": "all",
                "since": min((finding["since"] for finding in group if finding["since"]), default=None),
                "what": f"In {len(accounts):,} accounts ({', '.join(accounts[:ACCOUNTS_NAMED])} and others). "
                f"In {accounts[0]}: {first['what']}",
            }
        )
        told += [finding for finding in group if finding["where"] == "all"]
    return told
