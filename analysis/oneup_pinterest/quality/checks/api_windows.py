"""Checks of the responses that pins came in: against the totals that came with them, and against a cap."""

from collections.abc import Iterator

import polars as pl

from oneup_pinterest.formatting import format_count
from oneup_pinterest.quality.checks.context import (
    AGREEMENT_TOLERANCE,
    MIN_CASES,
    NEARLY_ALL_THRESHOLD,
    CheckContext,
    first_day,
)
from oneup_pinterest.quality.findings import Finding
from oneup_pinterest.quality.window_sums import (
    SUSPECT_COUNTS,
    WINDOW,
    agreement_of_impressions,
    pins_against_totals,
    sums_per_response,
)


def find_missing_pins(context: CheckContext) -> Iterator[Finding]:
    """Report responses whose number of pins is not the number of posts that came with them.

    Fewer pins prove nothing where rows of pins are left out.
    """
    both = pins_against_totals(context.history)
    posts = both.filter((pl.col("key") == "posts") & (pl.col("total") != pl.col("pins_sum")))
    if context.lacks_rows("pins"):
        posts = posts.filter(pl.col("total") < pl.col("pins_sum"))
    longest = max(sums_per_response(context.history)["pins"].to_list(), default=0)
    for (account,), group in posts.group_by("social_network_id", maintain_order=True):
        last = group.row(-1, named=True)
        reason = "the list may be cut"
        if last["total"] < last["pins_sum"]:
            reason = "its number of posts leaves out some of these pins"
        elif last["pins"] < longest:
            reason = f"pins are missing, although lists are not cut: another response has {longest:,} pins"
        yield Finding(
            check="missing_pins",
            severity="warning",
            where=str(account),
            since=first_day(group["period_end"]),
            what=f"In {format_count(group.height, 'response')} the number of pins is not the number of posts that came "
            f"with them: {last['pins']:,} pins and {last['total']:,.0f} posts in the latest.",
            what_to_do=f"Compare with OneUp's own page: {reason}.",
        )


def find_differing_sums(context: CheckContext) -> Iterator[Finding]:
    """Report responses in which the sums over the pins are not the totals that came with them."""
    both = pins_against_totals(context.history)
    newest = pl.col("period_end") == pl.col("period_end").max().over("social_network_id")
    sums = both.filter(newest & (pl.col("key") != "posts") & (pl.max_horizontal("total", "pins_sum") > 0))
    sums = sums.with_columns(
        differs=(pl.col("total") - pl.col("pins_sum")).abs()
        > (AGREEMENT_TOLERANCE * pl.max_horizontal("total", "pins_sum")).clip(1)
    )
    differing = sums.filter("differs")
    if differing.is_empty():
        return
    ratio = differing.filter((pl.col("key") == "impressions") & (pl.col("total") > 0))
    text = ""
    if ratio.height:
        median = ratio.select((pl.col("pins_sum") / pl.col("total")).median()).item()
        text = f" The impressions of the pins add up to {100 * median:.0f}% of the total (median)."
    accounts = differing["social_network_id"].n_unique()
    what_to_do = "Use OneUp's totals for the account, and pins to compare pins. Do not expect the two to agree."
    known = agreement_of_impressions(context.history)
    if known.height >= MIN_CASES and known["agrees"].sum() >= NEARLY_ALL_THRESHOLD * known.height:
        what_to_do = "Compare with OneUp's own page: in nearly all other responses the two agree."
    yield Finding(
        check="sums_differ",
        severity="info",
        what=f"In {accounts} of {sums['social_network_id'].n_unique()} accounts, the sums over the pins of a response "
        f"are not the totals that came with it.{text}",
        what_to_do=what_to_do,
    )


def find_possible_cap(context: CheckContext) -> Iterator[Finding]:
    """Report responses with exactly 50 or 100 pins, unless the list is known to be complete.

    It is complete where as many posts came with the pins, and no cap is below the longest list of the file.
    """
    whole = pins_against_totals(context.history).filter(
        (pl.col("key") == "posts") & (pl.col("total") <= pl.col("pins_sum"))
    )
    windows = (
        sums_per_response(context.history)
        .filter(pl.col("pins") == pl.col("pins").max())
        .filter(pl.col("pins").is_in(SUSPECT_COUNTS))
        .join(whole, on=[*WINDOW, "pins"], how="anti")
        .group_by("social_network_id", "pins")
        .agg(since=pl.col("snapshot_date").min(), days=pl.col("snapshot_date").n_unique())
        .sort("social_network_id", "pins")
    )
    for account, pins, since, days in windows.select("social_network_id", "pins", "since", "days").iter_rows():
        yield Finding(
            check="possible_cap",
            severity="warning" if days > 2 else "info",
            where=account,
            since=since,
            what=f"The API returned exactly {pins} pins for one window on {format_count(days, 'day')}: it may have cut "
            "the list.",
            what_to_do="Compare with the number of posts in the account's totals, and with OneUp's own page.",
        )
