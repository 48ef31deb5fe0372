"""Pins that Pinterest counts together."""

from collections.abc import Iterator

import polars as pl

from oneup_pinterest.history.latest import latest_counters, latest_pins
from oneup_pinterest.history.loaded_history import LoadedHistory
from oneup_pinterest.history.observations import METRICS, consecutive_observations
from oneup_pinterest.quality.checks.context import (
    AGREES_WITHIN,
    LEAST_IMPRESSIONS,
    CheckContext,
    Finding,
    counted,
    finding_of,
)

_OWN_PAGE = r"^https?://([a-z]+\.)*pinterest\.[a-z.]+/pin/"


def duplicate_image_groups(history: LoadedHistory) -> pl.DataFrame:
    """Pins of one image that Pinterest may count together: their counters are equal whenever several are seen.

    Columns, sorted by the first two: social_network_id, twin_of (the first id of each group); pins (how many);
    snapshots (at which they were compared); impressions (of each of them).

    Only pins that an account's newest snapshot has; snapshots with a glitch of a pin are not compared. A
    link is compared too, where it leads anywhere but to the pin itself. Fewer than 20 impressions are equal by chance.

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
        candidates.filter(pl.col("impressions") >= LEAST_IMPRESSIONS)
        .group_by(*place, *METRICS)
        .agg(pl.col("id"), twin_of=pl.col("id").min(), pins=pl.len().cast(pl.Int64))
        .filter(pl.col("pins") > 1)
    )
    compared = (
        seen.join(groups.select(*place, "twin_of", "id").explode("id"), on=[*place, "id"])
        .group_by("social_network_id", "twin_of", "snapshot_date")
        .agg(seen=pl.col("id").n_unique(), differ=counters.n_unique() > 1)
        .filter(pl.col("seen") > 1)
        .group_by("social_network_id", "twin_of")
        .agg(snapshots=pl.len().cast(pl.Int64), differ=pl.col("differ").any())
        .filter(~pl.col("differ"))
    )
    return (
        groups.join(compared, on=["social_network_id", "twin_of"])
        .select("social_network_id", "twin_of", "pins", "snapshots", "impressions")
        .sort("social_network_id", "twin_of")
    )


def _glitches(history: LoadedHistory) -> pl.DataFrame:
    """social_network_id, id, snapshot_date of observations of which a counter is left out of the gains."""
    readings = consecutive_observations(history, METRICS)
    rows = pl.concat([rows.select("pin", "snapshot_date") for rows in readings.left_out.values()])
    return readings.pins[rows["pin"]].with_columns(rows["snapshot_date"])


def twin_pins(facts: CheckContext) -> Iterator[Finding]:
    """Pins of the same image whose counters are always equal: sums over pins count them twice."""
    of_all = latest_counters(facts.history, METRICS).group_by("social_network_id").agg(all=pl.col("impressions").sum())
    found = (
        duplicate_image_groups(facts.history)
        .group_by("social_network_id")
        .agg(
            groups=pl.len(),
            pins=pl.col("pins").sum(),
            twice=((pl.col("pins") - 1) * pl.col("impressions")).sum(),
            snapshots=pl.col("snapshots").max(),
        )
        .join(of_all, on="social_network_id")
        .sort("social_network_id")
    )
    for row in found.iter_rows(named=True):
        share = row["twice"] / max(row["all"], 1)
        yield finding_of(
            "twin_pins",
            "warning" if share > AGREES_WITHIN else "info",
            row["social_network_id"],
            None,
            f"{row['pins']} pins share {counted(row['groups'], 'image')} and had equal "
            f"counters at up to {row['snapshots']} snapshots: Pinterest counts them together, so sums over pins count "
            f"them twice ({share:.1%} of the impressions).",
            "Read sums over pins of this account as too high by that much; rates and rankings are not affected.",
        )
