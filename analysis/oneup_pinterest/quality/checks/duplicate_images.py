"""Pins of one image that Pinterest counts together."""

from collections.abc import Iterator

import polars as pl

from oneup_pinterest.formatting import format_count
from oneup_pinterest.history.latest import latest_counters, latest_pins
from oneup_pinterest.history.loaded_history import LoadedHistory
from oneup_pinterest.history.observations import METRICS, consecutive_observations
from oneup_pinterest.quality.checks.context import AGREEMENT_TOLERANCE, MIN_IMPRESSIONS, CheckContext
from oneup_pinterest.quality.findings import Finding

_OWN_PAGE = r"^https?://([a-z]+\.)*pinterest\.[a-z.]+/pin/"


def duplicate_image_groups(history: LoadedHistory) -> pl.DataFrame:
    """Return groups of pins with one image whose counters are equal whenever several of them are seen.

    Columns, one row per group, sorted by the first two: social_network_id, first_id (the smallest id of the group);
    pins (how many); snapshots (at which they were compared); impressions (of each pin).

    Only pins in an account's newest snapshot with at least 20 impressions count; fewer are equal by chance. Snapshots
    with a glitch are not compared. Pins of a group also share their link, unless it leads to the pin itself.

    >>> from datetime import date
    >>> pins = pl.DataFrame({"social_network_id": "pin_a", "id": ["1", "2", "3"], "snapshot_date": date(2026, 3, 1),
    ...     "timestamp": date(2026, 2, 1), "media_url": ["a.jpg", "a.jpg", "b.jpg"], "permalink": None,
    ...     "impressions": 50, "saves": 2, "comments": 0, "repins": 1, "clicks": 3},
    ...     schema_overrides={"permalink": pl.String})
    >>> duplicate_image_groups(LoadedHistory(pins)).rows()
    [('pin_a', '1', 2, 1, 50)]
    """
    place = ["social_network_id", "media_url", "link"]
    newest = pl.col("snapshot_date") == pl.col("snapshot_date").max().over("social_network_id")
    has_image = pl.col("media_url").is_not_null() & (pl.col("media_url") != "")
    of_image = pl.len().over("social_network_id", "media_url")
    candidates = latest_pins(history).filter(newest).filter(has_image).filter(of_image > 1)
    link = pl.when(~pl.col("permalink").str.contains(_OWN_PAGE).fill_null(value=True)).then("permalink").fill_null("")
    candidates = candidates.with_columns(link=link)
    columns = ["social_network_id", "id", "snapshot_date", *METRICS]
    seen = history.pins.select(columns).join(candidates.select("id", *place), on=["social_network_id", "id"])
    if candidates.height:
        seen = seen.join(_glitches(history), on=["social_network_id", "id", "snapshot_date"], how="anti")
    counters = pl.struct(METRICS)
    groups = (  # as the account's newest snapshot has them
        candidates.filter(pl.col("impressions") >= MIN_IMPRESSIONS)
        .group_by(*place, *METRICS)
        .agg(pl.col("id"), first_id=pl.col("id").min(), pins=pl.len().cast(pl.Int64))
        .filter(pl.col("pins") > 1)
    )
    compared = (
        seen.join(groups.select(*place, "first_id", "id").explode("id"), on=[*place, "id"])
        .group_by("social_network_id", "first_id", "snapshot_date")
        .agg(seen=pl.col("id").n_unique(), differ=counters.n_unique() > 1)
        .filter(pl.col("seen") > 1)
        .group_by("social_network_id", "first_id")
        .agg(snapshots=pl.len().cast(pl.Int64), differ=pl.col("differ").any())
        .filter(~pl.col("differ"))
    )
    return (
        groups.join(compared, on=["social_network_id", "first_id"])
        .select("social_network_id", "first_id", "pins", "snapshots", "impressions")
        .sort("social_network_id", "first_id")
    )


def _glitches(history: LoadedHistory) -> pl.DataFrame:
    """Return account, id and snapshot_date of observations with a counter that is left out of the gains."""
    observations = consecutive_observations(history, METRICS)
    rows = pl.concat([rows.select("pin", "snapshot_date") for rows in observations.left_out.values()])
    return observations.pins[rows["pin"]].with_columns(rows["snapshot_date"])


def find_duplicate_images(context: CheckContext) -> Iterator[Finding]:
    """Report pins of one image whose counters are always equal: sums over pins count them twice."""
    totals = (
        latest_counters(context.history, METRICS).group_by("social_network_id").agg(all=pl.col("impressions").sum())
    )
    groups = (
        duplicate_image_groups(context.history)
        .group_by("social_network_id")
        .agg(
            groups=pl.len(),
            pins=pl.col("pins").sum(),
            twice=((pl.col("pins") - 1) * pl.col("impressions")).sum(),
            snapshots=pl.col("snapshots").max(),
        )
        .join(totals, on="social_network_id")
        .sort("social_network_id")
    )
    for row in groups.iter_rows(named=True):
        share = row["twice"] / max(row["all"], 1)
        yield Finding(
            check="duplicate_images",
            severity="warning" if share > AGREEMENT_TOLERANCE else "info",
            where=row["social_network_id"],
            what=f"{row['pins']} pins share {format_count(row['groups'], 'image')} and had equal counters at up to "
            f"{format_count(row['snapshots'], 'snapshot')}. Pinterest counts them together, so sums over pins count "
            f"them more than once ({share:.1%} of the impressions).",
            what_to_do="Read sums over the pins of this account as too high by that much. Rates and rankings are not "
            "affected.",
        )
