"""Checks of OneUp's own totals: against the pins that were seen, and against what Pinterest keeps."""

from collections.abc import Iterator

import polars as pl

from oneup_pinterest.formatting import format_count, format_day, format_list
from oneup_pinterest.history.latest import latest_pins
from oneup_pinterest.history.totals import of_last_preset
from oneup_pinterest.quality.checks.context import (
    KEPT_DAYS,
    MIN_CASES,
    NEARLY_ALL_THRESHOLD,
    CheckContext,
    first_day,
    in_parentheses,
)
from oneup_pinterest.quality.findings import Finding
from oneup_pinterest.quality.window_sums import figures_of_old_periods, pins_against_totals


def find_differing_posts(context: CheckContext) -> Iterator[Finding]:
    """Report accounts whose newest number of posts cannot be the number of pins published in that period.

    Pins that the newest response lacks may have been deleted before the posts were counted, or after. Pins without a
    publication time may belong to the period. Fewer pins than posts prove nothing where rows of pins are left out, or
    where as many posts came with a list that covers the whole period.
    """
    account, one = "social_network_id", pl.duration(days=1)  # the zone of the time stamps is not known
    start, end = pl.col("period_start"), pl.col("period_end")
    windows = context.history.pins.group_by(account).agg(
        start.min().alias("requested_from"), end.max().alias("requested_to")
    )
    newest = of_last_preset(context.history.overview).filter(end == end.max().over(account))
    periods = (
        newest.filter((pl.col("key") == "posts") & pl.col("value_current_period").is_not_null())
        # zeros only mean a lost connection
        .join(newest.filter(pl.col("value_current_period") > 0).select(account).unique(), on=account, how="semi")
        .join(windows, on=account)
        .filter((start > pl.col("requested_from")) & (end <= pl.col("requested_to")))
        .select(account, "period_start", "period_end", "preset", posts="value_current_period")
    )
    day = pl.col("timestamp").dt.date()
    is_current = pl.col("snapshot_date") == pl.col("snapshot_date").max()
    may_belong = day.is_between(start - one, end + one) | day.is_null()
    compared = (
        latest_pins(context.history)
        .select(account, "id", "snapshot_date", pl.col("timestamp").cast(pl.Datetime("us")))
        .join(periods, on=account)
        .group_by(account)
        .agg(
            pl.col("posts", "period_start", "period_end", "preset").first(),
            at_least=(day.is_between(start + one, end - one) & is_current).sum(),
            at_most=may_belong.sum(),
        )
        .filter(~pl.col("posts").is_between("at_least", "at_most"))
        .with_columns(preset=in_parentheses(pl.col("preset")), is_more=pl.col("posts") > pl.col("at_most"))
        .sort(account)
    )
    if context.lacks_rows("pins"):
        compared = compared.filter(~pl.col("is_more"))
    complete = compared.join(_complete_lists(context), on=account).filter(
        (start >= pl.col("first")) & (end <= pl.col("last"))
    )
    compared = compared.filter(~(pl.col("is_more") & pl.col(account).is_in(complete[account].implode())))
    for row in compared.iter_rows(named=True):
        what_to_do = "Compare with OneUp's own page: its number of posts leaves out some of these pins."
        if row["is_more"]:
            what_to_do = (
                "Compare with OneUp's own page: some pins may be missing from the responses, or have been deleted."
            )
        yield Finding(
            check="posts_differ",
            severity="warning",
            where=row[account],
            since=row["period_start"],
            what=f"OneUp counts {row['posts']:,.0f} posts{row['preset']} from {format_day(row['period_start'])} to "
            f"{format_day(row['period_end'])}, but {row['at_least']:,} to {row['at_most']:,} pins published in that "
            "period were seen.",
            what_to_do=what_to_do,
        )


def _complete_lists(context: CheckContext) -> pl.DataFrame:
    """Return account, first and last day of each list of pins that has as many pins as posts came with it."""
    posts = pins_against_totals(context.history).filter(pl.col("key") == "posts")
    return posts.filter(pl.col("total") == pl.col("pins_sum")).select(
        "social_network_id", first="period_start", last="period_end"
    )


def find_expired_periods(context: CheckContext) -> Iterator[Finding]:
    """Report zeros from before Pinterest's 90 days, where figures begin with these days."""
    old = figures_of_old_periods(context.history.overview)
    if old.height >= MIN_CASES and old.filter(pl.col("figures") > 0).height >= NEARLY_ALL_THRESHOLD * old.height:
        return  # Pinterest keeps more than documented
    synced = pl.coalesce(pl.col("_airbyte_extracted_at").dt.date(), pl.col("period_end") + pl.duration(days=1))
    kept_from = synced - pl.duration(days=KEPT_DAYS)
    periods = (
        of_last_preset(context.history.overview)
        .group_by("social_network_id", "preset", "period_start", "period_end")
        .agg(
            now=pl.col("value_current_period").sum(),
            before=pl.col("value_last_period").sum(),
            kept_from=kept_from.first(),
        )
        .sort("social_network_id", "period_end")
    )
    length = pl.col("period_end") - pl.col("period_start") + pl.duration(days=1)
    is_old = pl.col("period_end") < pl.col("kept_from")
    is_old_before = (pl.col("period_start") - length < pl.col("kept_from")) & ~is_old
    first_kept = pl.col("now").filter(~is_old).first().over("social_network_id")
    first_seen = pl.col("period_end").filter(pl.col("now") > 0).min().over("social_network_id")
    found = periods.with_columns(
        is_empty=is_old & (pl.col("now") == 0) & (first_kept > 0) & (pl.col("period_end") < first_seen),
        is_empty_before=is_old_before
        & (pl.col("before") == 0)
        & (pl.col("now") > 0)
        & (first_seen >= pl.col("period_start")),
    ).filter(pl.col("is_empty") | pl.col("is_empty_before"))
    for (account,), group in found.group_by("social_network_id", maintain_order=True):
        empty, before = (group.filter(column).height for column in ("is_empty", "is_empty_before"))
        what = [format_count(empty, "whole period")] * (empty > 0)
        what += [f"the period before {format_count(before, 'period')}"] * (before > 0)
        preset = group.select(in_parentheses(pl.col("preset"))).item(0, 0)
        yield Finding(
            check="older_than_kept",
            severity="info",
            where=str(account),
            since=first_day(group["period_end"]),
            what=f"Totals{preset} from more than {KEPT_DAYS} days before the sync are 0 ({format_list(what)}). "
            f"Pinterest keeps {KEPT_DAYS} days, so these zeros are meaningless.",
            what_to_do="Do not read them as a quiet time, or the change from them as growth.",
        )
