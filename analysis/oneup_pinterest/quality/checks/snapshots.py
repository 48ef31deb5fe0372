"""Checks of what was seen on which day."""

from collections.abc import Iterator

import polars as pl

from oneup_pinterest.formatting import format_day
from oneup_pinterest.history.glitches import EMPTY
from oneup_pinterest.history.latest import latest_pins
from oneup_pinterest.history.loaded_history import LoadedHistory
from oneup_pinterest.history.observations import EVENT_SHARE, METRICS, consecutive_observations
from oneup_pinterest.history.totals import of_last_preset
from oneup_pinterest.history.zone_changes import moved_snapshots
from oneup_pinterest.quality.checks.context import CheckContext, Finding, counted, finding_of, in_brackets, listed


def snapshot_coverage(pins: pl.DataFrame, followers: pl.DataFrame) -> pl.DataFrame:
    """Every day from an account's first snapshot to its last, and what was seen on it.

    Columns, sorted by the first two: social_network_id, day; is_synced (there is a snapshot of pins or followers); pins
    (how many the snapshot has: 0 is a sync without pins, null a day without a sync).

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


def days_without_snapshot(facts: CheckContext) -> Iterator[Finding]:
    """Days between an account's first and last snapshot on which nobody synced, and that no change of zone skipped.

    Not where days cannot be read: who knows which they were.
    """
    if any(facts.is_cut(name, day_may_be_wrong=False) for name in ("pins", "account_followers")):
        return
    skipped = _zone_changes(facts).select(
        "social_network_id", day=pl.date_ranges("before_on", "snapshot_date", closed="none")
    )
    gaps = (
        snapshot_coverage(facts.pins, facts.followers)
        .join(skipped.explode("day"), on=["social_network_id", "day"], how="anti")
        .group_by("social_network_id")
        .agg(span=pl.len(), missing=pl.col("day").filter(~pl.col("is_synced")))
        .filter(pl.col("missing").list.len() > 0)
        .sort("social_network_id")
    )
    for account, span, missing in gaps.iter_rows():
        yield finding_of(
            "days_without_snapshot",
            "warning",
            account,
            missing[0],
            f"{len(missing)} of {span} days have no snapshot, the last of them {missing[-1]}.",
            "Sync once a day. The gains over such a gap are spread evenly over its days, and marked.",
        )


def days_moved_by_zone(facts: CheckContext) -> Iterator[Finding]:
    """Snapshots whose day does not follow from the one before: the timezone, or its clock, was changed."""
    for row in _zone_changes(facts).iter_rows(named=True):
        days = (row["snapshot_date"] - row["before_on"]).days
        of_clock = row["is_clock_change"]
        yield finding_of(
            "clock_changed" if of_clock else "zone_changed",
            "info" if of_clock else "warning",
            row["social_network_id"],
            row["snapshot_date"],
            f"From the snapshot of {format_day(row['before_on'])} to that of {format_day(row['snapshot_date'])} "
            f"{counted(days, 'day')} passed in the file, but {row['hours']:g} hour{'' if row['hours'] == 1 else 's'} "
            "between the syncs: "
            + (
                "the clock of the timezone was changed between summer and winter time."
                if of_clock
                else "the timezone of the config was changed."
            ),
            ("Sync at an hour that is not near midnight." if of_clock else "Keep one timezone.")
            + " What was gained between the two is marked as imputed, because it is not that of whole days.",
        )


def _zone_changes(facts: CheckContext) -> pl.DataFrame:
    """As `moved_snapshots`, of pins and of followers."""
    readings = consecutive_observations(facts.history, [])
    of_pins = readings.zone_changes.join(readings.accounts, on="account")
    of_followers = moved_snapshots(facts.followers)
    both = pl.concat([of_pins.select(of_followers.columns), of_followers])
    return both.unique(["social_network_id", "snapshot_date"], keep="first").sort("social_network_id", "snapshot_date")


def zeros_that_mean_nothing(facts: CheckContext) -> Iterator[Finding]:
    """All counters, totals or followers of an account are 0 after they were more: as a lost connection answers."""
    totals = of_last_preset(facts.overview).filter(pl.col("key") != "posts")
    told = pl.concat(
        [
            _days_of_zero_pins(facts.history),
            _days_of_zeros(
                totals,
                pl.col("value_current_period"),
                "period_end",
                pl.format("every total of the account{}", in_brackets(pl.col("preset"))),
            ),
            _days_of_zeros(
                facts.followers, pl.col("total_followers"), "snapshot_date", pl.lit("the number of followers")
            ),
        ]
    )
    for (account,), group in told.sort("social_network_id", maintain_order=True).group_by(
        "social_network_id", maintain_order=True
    ):
        whats = group["what"].unique(maintain_order=True).to_list()
        days = group["day"].unique().sort()
        yield finding_of(
            "all_zero",
            "error",
            account,
            days[0],
            f"On {counted(days.len(), 'day')}, the last of them {format_day(days[-1])}, {listed(whats)} was 0 after "
            "there had been more: so does a lost connection answer.",
            "Look whether OneUp is still connected to the account. Such snapshots of pins are left out of the gains.",
        )


def _days_of_zero_pins(history: LoadedHistory) -> pl.DataFrame:
    """As `_days_of_zeros`: snapshots of zeros that are left out of the gains, unless the counters begin anew there."""
    readings = consecutive_observations(history, METRICS)
    place = ["account", "snapshot_date"]
    empty = pl.concat([rows.filter(pl.col("reason") == EMPTY).select(place) for rows in readings.left_out.values()])
    empty = empty.unique().join(readings.accounts, on="account")
    known = pl.any_horizontal(pl.col(METRICS).is_not_null())
    days = (
        history.pins.join(empty, on=["social_network_id", "snapshot_date"])
        .group_by("social_network_id", *place)
        .agg(figures=pl.sum_horizontal(METRICS).filter(known).sum())
        .filter(pl.col("figures") == 0)
    )
    later = [
        steps.join(days.select("account").unique(), on="account", how="semi")
        .filter(pl.col("before") > 0)
        .group_by(place)
        .agg(is_reset=(pl.col("fall") == "reset").fill_null(value=False).mean() > EVENT_SHARE)
        for steps in readings.steps.values()
    ]
    after = pl.concat(later).group_by(place).agg(pl.col("is_reset").any()).sort(place)
    return (
        days.sort(place)
        .join_asof(after, on="snapshot_date", by="account", strategy="forward", check_sortedness=False)
        .filter(~pl.col("is_reset").fill_null(value=False))
        .select("social_network_id", day="snapshot_date", what=pl.lit("every counter of every pin"))
    )


def _days_of_zeros(frame: pl.DataFrame, figure: pl.Expr, day: str, what: pl.Expr) -> pl.DataFrame:
    """social_network_id, day, what: days on which the sum of all that is known is 0, after there was more."""
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


def pins_without_date(facts: CheckContext) -> Iterator[Finding]:
    """Pins whose time of publication is not known: they have no age."""
    undated = pl.col("timestamp").is_null().sum()
    counted = latest_pins(facts.history).group_by("social_network_id").agg(undated=undated, pins=pl.len())
    for account, undated, number in counted.filter(pl.col("undated") > 0).sort("social_network_id").iter_rows():
        yield finding_of(
            "pins_without_date",
            "warning" if undated > number / 10 else "info",
            account,
            None,
            f"{undated:,} of {number:,} pins have no time of publication.",
            "They are left out of growth curves, timing and whatever else compares pins at one age.",
        )
