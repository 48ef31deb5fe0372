"""Checks of which accounts OneUp lists: those that are gone, and those that have another name now."""

from collections.abc import Iterator
from datetime import datetime

import polars as pl

from oneup_pinterest.database.listings import REMEDY
from oneup_pinterest.database.schema import EXTRACTED_AT
from oneup_pinterest.formatting import format_account, format_day
from oneup_pinterest.quality.checks.context import CheckContext, Finding, finding_of
from oneup_pinterest.quality.checks.database import STALE_AFTER


def missing_accounts(facts: CheckContext) -> Iterator[Finding]:
    """Accounts that a key listed and none lists now, unless they were renamed, or read since by the config's word."""
    if not facts.missing:
        return
    renamed = {rename.older for rename in facts.renames}
    read = _last_read(facts)
    for missing in facts.missing:
        last = read.get(missing.account)
        if missing.account in renamed or (last is not None and last > missing.since):
            continue
        yield finding_of("missing_account", "warning", missing.account, missing.since.date(), missing.sentence, REMEDY)


def unlisted_accounts(facts: CheckContext) -> Iterator[Finding]:
    """In a file that does not say what was listed: accounts listed long before the others, and not read since.

    Nothing is said where the accounts are of several tables, which may be of several keys, or where the newest of them
    was not listed but named by the config.
    """
    tables = [table for table in facts.tables if table.relation == "accounts" and table.is_read]
    accounts = facts.accounts.drop_nulls(EXTRACTED_AT).sort(EXTRACTED_AT)
    if facts.missing is not None or len(tables) != 1 or accounts.is_empty():
        return
    newest = accounts.row(-1, named=True)
    if newest["social_network_type"] is None:
        return
    read, last = _last_read(facts), newest[EXTRACTED_AT]
    for account, username, listed in accounts.select("social_network_id", "username", EXTRACTED_AT).iter_rows():
        seen = max(listed, read.get(account, listed))
        if last - seen > STALE_AFTER:
            yield finding_of(
                "unlisted_account",
                "warning",
                account,
                seen.date(),
                f"{format_account(account, username)} was last listed and read on {format_day(seen.date())}, other "
                f"accounts on {format_day(last.date())}: OneUp lists it no longer, or the sync that reads it stopped.",
                "Look for it in OneUp, and at that sync. Its history is kept.",
            )


def renamed_accounts(facts: CheckContext) -> Iterator[Finding]:
    """Accounts that have another id since they were renamed."""
    for rename in facts.renames:
        yield finding_of(
            "renamed_account",
            "info",
            rename.newer,
            rename.since,
            rename.sentence,
            "Nothing: the old name still finds the account. The file keeps each row under the id with which it came.",
        )


def _last_read(facts: CheckContext) -> dict[str, datetime]:
    """Account → when anything of it was extracted last."""
    frames = [
        frame.select("social_network_id", EXTRACTED_AT)
        for frame in (facts.pins, facts.followers, facts.overview, facts.totals)
        if EXTRACTED_AT in frame.columns
    ]
    if not frames:
        return {}
    last = pl.concat([frame.lazy().group_by("social_network_id").agg(pl.col(EXTRACTED_AT).max()) for frame in frames])
    return dict(last.drop_nulls().group_by("social_network_id").agg(pl.col(EXTRACTED_AT).max()).collect().iter_rows())
