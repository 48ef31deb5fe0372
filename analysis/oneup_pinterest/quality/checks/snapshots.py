"""Checks of snapshots: missing days, changed time zones, implausible zeros, and pins without a date."""

from collections.abc import Iterator

import polars as pl

from oneup_pinterest.formatting import format_count, format_day, format_list
from oneup_pinterest.history.glitches import EMPTY
from oneup_pinterest.history.latest import latest_pins
from oneup_pinterest.history.loaded_history import LoadedHistory, computed_once
from oneup_pinterest.history.observations import EVENT_SHARE, METRICS, consecutive_observations
from oneup_pinterest.history.totals import of_last_preset
from oneup_pinterest.history.zone_changes import moved_snapshots
from oneup_pinterest.quality.checks.context import CheckContext, in_parentheses
from oneup_pinterest.quality.findings import Finding


def snapshot_coverage(pins: pl.DataFrame, followers: pl.DataFrame) -> pl.DataFrame:
    """Return every day from an account's first snapshot to its last, and whether it has a snapshot.

    Columns, one row per account and day, sorted by these: social_network_id, day; is_synced (there is a snapshot of
    pins or followers); pins (how many the snapshot has: 0 is a sync without pins, null a day without a sync).

    >>> from datetime import date
    >>> pins = pl.DataFrame({"social_network_id": "pin_a", "snapshot_date": [date(2026, 3, 1), date(2026, 3, 3)]})
    >>> snapshot_coverage(pins, pins.clear()).select("day", "is_synced", "pins").rows()[1:]
    [(datetime.date(2026, 3, 2), False, None), (datetime.date(2026, 3, 3), True, 1)]
    """
    place = (pl.col("social_network_id"), pl.col("snapshot_date").alias("day"))
    seen = pl.concat(
        [
            pins.lazy().group_by(*place).agg(pins=pl.len().cast(pl.Int64)).collect(),
            followers.select(*place, pins=pl.lit(0, pl.Int64)),
        ]
    )
    seen = seen.drop_nulls("day").group_by("social_network_id", "day").agg(pl.col("pins").max())
    days = seen.group_by("social_network_id").agg(day=pl.date_ranges(pl.col("day").min(), pl.col("day").max()).first())
    return (
        days.explode("day")
        .join(seen, on=["social_network_id", "day"], how="left")
        .select("social_network_id", "day", pl.col("pins").is_not_null().alias("is_synced"), "pins")
        .sort("social_network_id", "day")
    )


def find_missing_days(context: CheckContext) -> Iterator[Finding]:
    """Report days between an account's first and last snapshot without a sync.

    Days that a change of the time zone skipped are not missing. Nothing is reported where days are unreadable.
    """
    if any(context.lacks_rows(name, including_impossible_days=False) for name in ("pins", "account_followers")):
        return
    skipped = _zone_changes(context).select(
        "social_network_id", day=pl.date_ranges("before_on", "snapshot_date", closed="none")
    )
    gaps = (
        snapshot_coverage(context.history.pins, context.history.followers)
        .join(skipped.explode("day"), on=["social_network_id", "day"], how="anti")
        .group_by("social_network_id")
        .agg(span=pl.len(), missing=pl.col("day").filter(~pl.col("is_synced")))
        .filter(pl.col("missing").list.len() > 0)
        .sort("social_network_id")
    )
    for account, span, missing in gaps.iter_rows():
        yield Finding(
            check="days_without_snapshot",
            severity="warning",
            where=account,
            since=missing[0],
            what=f"{len(missing)} of {span} days have no snapshot, most recently {format_day(missing[-1])}.",
            what_to_do="Sync once a day. Gains over such a gap are spread evenly over its days, and marked as imputed.",
        )


def find_time_zone_changes(context: CheckContext) -> Iterator[Finding]:
    """Report snapshots whose day does not follow from the one before: the timezone, or its clock, was changed."""
    for row in _zone_changes(context).iter_rows(named=True):
        days = (row["snapshot_date"] - row["before_on"]).days
        hours = f"{row['hours']:g} hour{'' if row['hours'] == 1 else 's'}"
        is_clock_change = row["is_clock_change"]
        cause = "the timezone in the config was changed"
        if is_clock_change:
            cause = "the clock of the timezone was changed between summer and winter time"
        yield Finding(
            check="clock_changed" if is_clock_change else "zone_changed",
            severity="info" if is_clock_change else "warning",
            where=row["social_network_id"],
            since=row["snapshot_date"],
            what=f"The snapshots of {format_day(row['before_on'])} and {format_day(row['snapshot_date'])} are "
            f"{format_count(days, 'day')} apart by date, but their syncs are {hours} apart: {cause}.",
            what_to_do=("Sync at an hour that is not near midnight." if is_clock_change else "Keep one timezone.")
            + " The gains between the two are marked as imputed, because they do not cover whole days.",
        )


def _zone_changes(context: CheckContext) -> pl.DataFrame:
    """Return `moved_snapshots` of pins and of followers."""
    observations = consecutive_observations(context.history, [])
    of_pins = observations.zone_changes.join(observations.accounts, on="account")
    of_followers = moved_snapshots(context.history.followers)
    both = pl.concat([of_pins.select(of_followers.columns), of_followers])
    return both.unique(["social_network_id", "snapshot_date"], keep="first").sort("social_network_id", "snapshot_date")


def find_implausible_zeros(context: CheckContext) -> Iterator[Finding]:
    """Report days on which all counters, totals or followers are 0 after they were higher: a lost connection."""
    totals = of_last_preset(context.history.overview).filter(pl.col("key") != "posts")
    zeros = pl.concat(
        [
            days_of_zero_pins(context.history),
            _days_of_zeros(
                totals,
                pl.col("value_current_period"),
                "period_end",
                pl.format("every total of the account{}", in_parentheses(pl.col("preset"))),
            ),
            _days_of_zeros(
                context.history.followers, pl.col("total_followers"), "snapshot_date", pl.lit("the number of followers")
            ),
        ]
    )
    for (account,), group in zeros.sort("social_network_id", maintain_order=True).group_by(
        "social_network_id", maintain_order=True
    ):
        figures = group["what"].unique(maintain_order=True).to_list()
        days = group["day"].unique().sort()
        yield Finding(
            check="all_zero",
            severity="error",
            where=str(account),
            since=days[0],
            what=f"On {format_count(days.len(), 'day')}, most recently {format_day(days[-1])}, {format_list(figures)} "
            "was 0 after higher values, as after a lost connection.",
            what_to_do="Check whether OneUp is still connected to the account. Such snapshots of pins are left out of "
            "the gains.",
        )


@computed_once
def days_of_zero_pins(history: LoadedHistory) -> pl.DataFrame:
    """Return `_days_of_zeros` of the pins: zeros that are left out of the gains, unless the counters were reset."""
    observations = consecutive_observations(history, METRICS)
    place = ["account", "snapshot_date"]
    empty = pl.concat([rows.filter(pl.col("reason") == EMPTY).select(place) for rows in observations.left_out.values()])
    empty = empty.unique().join(observations.accounts, on="account")
    known = pl.any_horizontal(pl.col(METRICS).is_not_null())
    days = (
        history.pins.join(empty, on=["social_network_id", "snapshot_date"])
        .group_by("social_network_id", *place)
        .agg(figures=pl.sum_horizontal(METRICS).filter(known).sum())
        .filter(pl.col("figures") == 0)
    )
    if days.is_empty():
        return days.select("social_network_id", day="snapshot_date", what=pl.lit("", pl.String))
    later = [
        steps.join(days.select("account").unique(), on="account", how="semi")
        .filter(pl.col("before") > 0)
        .group_by(place)
        .agg(is_reset=(pl.col("fall") == "reset").fill_null(value=False).mean() > EVENT_SHARE)
        for steps in observations.steps.values()
    ]
    after = pl.concat(later).group_by(place).agg(pl.col("is_reset").any()).sort(place)
    return (
        days.sort(place)
        .join_asof(after, on="snapshot_date", by="account", strategy="forward", check_sortedness=False)
        .filter(~pl.col("is_reset").fill_null(value=False))
        .select("social_network_id", day="snapshot_date", what=pl.lit("every counter of every pin"))
    )


def _days_of_zeros(frame: pl.DataFrame, figure: pl.Expr, day: str, what: pl.Expr) -> pl.DataFrame:
    """Return social_network_id, day, what: the days on which all known figures are 0 after they were higher."""
    return (
        frame.lazy()
        .group_by("social_network_id", pl.col(day).alias("day"))
        .agg(figures=figure.sum().cast(pl.Float64), known=figure.count(), what=what.first())
        .filter(pl.col("known") > 0)
        .sort("social_network_id", "day")
        .filter((pl.col("figures") == 0) & (pl.col("figures").cum_max().over("social_network_id") > 0))
        .select("social_network_id", "day", "what")
        .collect()
    )


def find_undated_pins(context: CheckContext) -> Iterator[Finding]:
    """Report pins without a publication time: they have no age."""
    undated = pl.col("timestamp").is_null().sum()
    counts = latest_pins(context.history).group_by("social_network_id").agg(undated=undated, pins=pl.len())
    for account, undated_pins, pins in counts.filter(pl.col("undated") > 0).sort("social_network_id").iter_rows():
        yield Finding(
            check="pins_without_date",
            severity="warning" if undated_pins > pins / 10 else "info",
            where=account,
            what=f"{undated_pins:,} of {pins:,} pins have no publication time.",
            what_to_do="Nothing to do: they are left out of growth curves, timing and everything else that compares "
            "pins at one age.",
        )
