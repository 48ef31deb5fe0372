"""Counters by the age of a pin, the only way in which pins of different dates can be compared.

A pin's age is the number of days, the day of publication the first, whose figures a snapshot has: the snapshot of the
day after publication shows it at age 1.
"""

from collections.abc import Sequence

import polars as pl

from analysis.gains import METRICS, counter_kinds, counter_readings

MOST_BETWEEN = 7  # days between two observations over which a counter may be interpolated

_PIN = ["social_network_id", "id", "metric"]


def counters_by_age(pins: pl.DataFrame, metrics: Sequence[str] = METRICS) -> pl.DataFrame:
    """What each pin's counters had reached at each age at which it was seen, from pins as `load_pins` returns them.

    Columns, sorted by the first four: social_network_id, id, metric; age (days, from 1); value (the most that the
    counter had shown up to then, as a count: a small fall is a restatement); snapshot_date.

    Left out: metrics that are no lifetime counters in that account (`counter_kinds`), pins without a time of
    publication, and what a pin shows once its counter was reset or fell by more than a restatement
    (`analysis.gains.daily_gains`).

    >>> from datetime import date, datetime
    >>> pins = pl.DataFrame({
    ...     "social_network_id": "pin_a", "id": "1", "timestamp": datetime(2026, 3, 1, 9),
    ...     "snapshot_date": [date(2026, 3, 2), date(2026, 3, 5)], "saves": [10, 16],
    ... })
    >>> counters_by_age(pins, ["saves"]).select("age", "value").rows()
    [(1, 10), (4, 16)]
    """
    lifetime = counter_kinds(pins, metrics).filter(pl.col("kind") == "lifetime")
    readings = counter_readings(pins, metrics)
    return (
        readings.steps.with_columns(age=(pl.col("snapshot_date") - pl.col("published")).dt.total_days())
        .filter((pl.col("age") >= 1) & ~pl.col("is_begun_anew"))
        .join(readings.pins, on="pin", how="left", maintain_order="left")
        .with_columns(pl.col("metric").cast(pl.String))
        .join(lifetime, on=["social_network_id", "metric"], how="semi", maintain_order="left")
        .sort("pin", "metric", "age")
        .select(*_PIN, "age", pl.col("top").alias("value"), "snapshot_date")
    )


def counters_at_age(pins: pl.DataFrame, age: int, metrics: Sequence[str] = METRICS) -> pl.DataFrame:
    """What each pin's counters had reached at one age: the outcome that makes pins comparable.

    One row per pin and metric that was seen at this age, or both before and after it at most 7 days apart; sorted by
    the first three columns. Columns: social_network_id, id, metric; value (a count; a fraction where interpolated);
    is_interpolated; published (datetime as the API has it), format, media_type, text (as last seen).

    A pin not yet that old has no row: nothing is extrapolated.

    >>> from datetime import date, datetime
    >>> pins = pl.DataFrame({
    ...     "social_network_id": "pin_a", "id": "1", "timestamp": datetime(2026, 3, 1, 9), "text": "Soup",
    ...     "format": "pin", "media_type": "IMAGE",
    ...     "snapshot_date": [date(2026, 3, 2), date(2026, 3, 5)], "saves": [10, 16],
    ... })
    >>> counters_at_age(pins, 3, ["saves"]).select("value", "is_interpolated").rows()
    [(14.0, True)]
    >>> counters_at_age(pins, 7, ["saves"]).height
    0
    """
    seen = counters_by_age(pins, metrics)
    before = (
        seen.filter(pl.col("age") <= age)
        .group_by(_PIN, maintain_order=True)
        .agg(early=pl.col("age").last(), low=pl.col("value").last())
    )
    after = (
        seen.filter(pl.col("age") >= age)
        .group_by(_PIN, maintain_order=True)
        .agg(late=pl.col("age").first(), high=pl.col("value").first())
    )
    attributes = (
        pins.sort("snapshot_date")
        .group_by("social_network_id", "id")
        .agg(pl.col("timestamp").last().alias("published"), pl.col("format", "media_type", "text").last())
    )
    share = (age - pl.col("early")) / (pl.col("late") - pl.col("early"))
    return (
        before.join(after, on=_PIN)
        .filter(pl.col("late") - pl.col("early") <= MOST_BETWEEN)
        .with_columns(
            value=pl.when(pl.col("late") == pl.col("early"))
            .then(pl.col("low").cast(pl.Float64))
            .otherwise(pl.col("low") + share * (pl.col("high") - pl.col("low"))),
            is_interpolated=pl.col("late") != pl.col("early"),
        )
        .join(attributes, on=["social_network_id", "id"], how="left")
        .select(*_PIN, "value", "is_interpolated", "published", "format", "media_type", "text")
        .sort(_PIN)
    )
