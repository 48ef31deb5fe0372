"""Checks of the accounts: lost connections, accounts that OneUp no longer lists, and renamed accounts."""

from collections.abc import Iterator
from datetime import datetime

import polars as pl

from oneup_pinterest.database.listed_accounts import REMEDY
from oneup_pinterest.database.schema import EXTRACTED_AT
from oneup_pinterest.formatting import format_account, format_day
from oneup_pinterest.history.loaded_history import LoadedHistory, computed_once
from oneup_pinterest.quality.checks.context import CheckContext
from oneup_pinterest.quality.checks.runs import STALE_AFTER
from oneup_pinterest.quality.findings import Finding


@computed_once
def last_read(history: LoadedHistory) -> dict[str, datetime]:
    """Return when data of each account were last extracted (UTC)."""
    frames = [
        frame.select("social_network_id", EXTRACTED_AT)
        for frame in (history.pins, history.followers, history.overview, history.pin_totals)
        if EXTRACTED_AT in frame.columns
    ]
    if not frames:
        return {}
    last = pl.concat([frame.lazy().group_by("social_network_id").agg(pl.col(EXTRACTED_AT).max()) for frame in frames])
    return dict(last.drop_nulls().group_by("social_network_id").agg(pl.col(EXTRACTED_AT).max()).collect().iter_rows())


def find_lost_connections(context: CheckContext) -> Iterator[Finding]:
    """Report accounts whose connection OneUp flags: the API then sends plausible zeros."""
    is_flagged = pl.any_horizontal(pl.col("is_expired", "need_refresh").fill_null(value=False))
    flagged = context.history.accounts.filter(is_flagged).select("social_network_id", EXTRACTED_AT)
    for account, extracted_at in flagged.iter_rows():
        yield Finding(
            check="lost_connection",
            severity="error",
            where=account,
            since=extracted_at and extracted_at.date(),
            what="OneUp reports that its connection to this Pinterest account has expired or needs a refresh. "
            "Figures may be meaningless zeros.",
            what_to_do="Connect the account to Pinterest again in OneUp.",
        )


def find_missing_accounts(context: CheckContext) -> Iterator[Finding]:
    """Report accounts that a key listed and none lists now, unless they were renamed or have been read since."""
    if not context.missing:
        return
    renamed = {rename.older for rename in context.renames}
    read_at = last_read(context.history)
    for missing in context.missing:
        read = read_at.get(missing.account)
        if missing.account in renamed or (read is not None and read > missing.since):
            continue
        yield Finding(
            check="missing_account",
            severity="warning",
            where=missing.account,
            since=missing.since.date(),
            what=missing.sentence,
            what_to_do=REMEDY,
        )


def find_unlisted_accounts(context: CheckContext) -> Iterator[Finding]:
    """Report accounts that were listed long before the others and not read since, where the file has no listings.

    Accounts in several tables may belong to several keys, and an account that only the config names is not listed:
    both are skipped.
    """
    tables = [table for table in context.tables if table.relation == "accounts" and table.is_read]
    accounts = context.history.accounts.drop_nulls(EXTRACTED_AT).sort(EXTRACTED_AT)
    if context.missing is not None or len(tables) != 1 or accounts.is_empty():
        return
    newest = accounts.row(-1, named=True)
    if newest["social_network_type"] is None:
        return
    read_at, last_listed = last_read(context.history), newest[EXTRACTED_AT]
    for account, username, listed in accounts.select("social_network_id", "username", EXTRACTED_AT).iter_rows():
        seen = max(listed, read_at.get(account, listed))
        if last_listed - seen > STALE_AFTER:
            yield Finding(
                check="unlisted_account",
                severity="warning",
                where=account,
                since=seen.date(),
                what=f"{format_account(account, username)} was last listed and read on {format_day(seen.date())}, "
                f"other accounts on {format_day(last_listed.date())}: OneUp no longer lists it, or the sync that reads "
                "it stopped.",
                what_to_do="Look for it in OneUp, and check that sync. Its history is kept.",
            )


def find_renamed_accounts(context: CheckContext) -> Iterator[Finding]:
    """Report accounts that have another id since they were renamed."""
    for rename in context.renames:
        yield Finding(
            check="renamed_account",
            severity="info",
            where=rename.newer,
            since=rename.since,
            what=rename.sentence,
            what_to_do="Nothing to do: the old name still finds the account, and the file keeps each row under its "
            "original id.",
        )
