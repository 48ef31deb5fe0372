"""Compute counters by the age of a pin, which makes pins of different dates comparable.

A pin's age is the number of days that a snapshot covers, counted from the day of publication: the snapshot of the day
after publication shows the pin at age 1.
"""

from collections.abc import Sequence

import polars as pl

from oneup_pinterest.history.counter_types import counter_types
from oneup_pinterest.history.latest import latest_pins
from oneup_pinterest.history.loaded_history import LoadedHistory, computed_once
from oneup_pinterest.history.observations import METRICS, confirmed, consecutive_observations

MAX_GAP = 7  # days between two observations over which a counter may be interpolated

_PIN = ["social_network_id", "id", "metric"]


def counters_by_age(history: LoadedHistory, metrics: Sequence[str] = METRICS) -> pl.DataFrame:
    """Return the counters of each pin at each age at which it was seen.

    Columns, sorted by the first four:

    - social_network_id, id, metric
    - age: days, from 1
    - value: count, the maximum up to then (a small fall is a restatement)
    - snapshot_date: day

    Left out: metrics that are not lifetime counters in that account (`counter_types`); pins without a publication
    time; observations of a pin after its counter was reset or fell by more than a restatement
    (`oneup_pinterest.history.gains.daily_gains`), and from a rise on that may still be taken back.

    >>> from datetime import date, datetime
    >>> pins = pl.DataFrame({
    ...     "social_network_id": "pin_a", "id": "1", "timestamp": datetime(2026, 3, 1, 9),
    ...     "snapshot_date": [date(2026, 3, 2), date(2026, 3, 5)], "saves": [10, 16],
    ... })
    >>> counters_by_age(LoadedHistory(pins), ["saves"]).select("age", "value").rows()
    [(1, 10), (4, 16)]
    """
    return _named(history, {metric: _by_age(history, metric) for metric in sorted(metrics)})


@computed_once
def counters_by_early_age(history: LoadedHistory, metric: str, until: int) -> pl.DataFrame:
    """Return `counters_by_age` of one metric, up to the first observation of each pin at age `until` or later.

    It keeps the frame small where only early ages are needed.
    """
    seen = _by_age(history, metric)
    is_same = (pl.col("pin") == pl.col("pin").shift(1)).fill_null(value=False)
    return _named(history, {metric: seen.filter(~is_same | (pl.col("age").shift(1) < until))})


def _named(history: LoadedHistory, seen: dict[str, pl.DataFrame]) -> pl.DataFrame:
    """Return the rows of `_by_age` with ids and metrics instead of numbers."""
    observations, names = consecutive_observations(history, []), pl.Series("metric", list(seen), pl.String)
    blocks = [block.with_columns(metric=pl.lit(number, pl.UInt8)) for number, block in enumerate(seen.values())]
    rows = blocks[0] if len(blocks) == 1 else pl.concat(blocks).sort("pin", "metric", maintain_order=True)
    named = [*observations.pins[rows["pin"]].get_columns(), names[rows["metric"]]]
    return rows.select(*named, "age", "value", "snapshot_date")


def _by_age(history: LoadedHistory, metric: str) -> pl.DataFrame:
    """Return `counters_by_age` of one metric, with numbers in place of pin ids."""
    observations, types = consecutive_observations(history, [metric]), counter_types(history, [metric])
    lifetime = types.filter(pl.col("counter_type") == "lifetime")
    accounts = observations.accounts.join(lifetime, on="social_network_id", how="semi")["account"]
    seen = (
        confirmed(observations.steps[metric])
        .lazy()
        .filter(pl.col("account").is_in(accounts.implode()), ~pl.col("was_reset"))
        .select(
            "pin",
            (pl.col("snapshot_date") - pl.col("published")).dt.total_days().alias("age"),
            pl.col("top").alias("value"),
            "snapshot_date",
        )
        .filter(pl.col("age") >= 1)
        .collect()
    )
    is_younger = (pl.col("pin") == pl.col("pin").shift(1)) & (pl.col("age") < pl.col("age").shift(1))
    # a pin has one publication time, unless the API changes it
    return seen.sort("pin", "age") if seen.select(is_younger.any()).item() else seen


def counters_at_age(history: LoadedHistory, age: int, metrics: Sequence[str] = METRICS) -> pl.DataFrame:
    """Return the counters of each pin at one age (days): the outcome that makes pins comparable.

    One row per pin and metric that was seen at this age, or before and after it at most 7 days apart. A pin that is
    not yet that old has no row: nothing is extrapolated. Columns, sorted by the first three:

    - social_network_id, id, metric
    - value: count; a fraction where it is interpolated (linearly)
    - is_interpolated: the pin was not seen at this very age
    - published: datetime as sent by the API; format, media_type, text: as last seen

    >>> from datetime import date, datetime
    >>> pins = pl.DataFrame({
    ...     "social_network_id": "pin_a", "id": "1", "timestamp": datetime(2026, 3, 1, 9), "text": "Soup",
    ...     "format": "pin", "media_type": "IMAGE",
    ...     "snapshot_date": [date(2026, 3, 2), date(2026, 3, 5)], "saves": [10, 16],
    ... })
    >>> counters_at_age(LoadedHistory(pins), 3, ["saves"]).select("value", "is_interpolated").rows()
    [(14.0, True)]
    >>> counters_at_age(LoadedHistory(pins), 7, ["saves"]).height
    0
    """
    observations = consecutive_observations(history, metrics)
    reached = pl.concat(
        [_at_age(_by_age(history, metric), age).with_columns(metric=pl.lit(metric)) for metric in observations.steps]
    )
    attributes = latest_pins(history).select(
        "social_network_id", "id", pl.col("timestamp").alias("published"), "format", "media_type", "text"
    )
    return (
        reached.with_columns(observations.pins[reached["pin"]].get_columns())
        .join(attributes, on=["social_network_id", "id"], how="left")
        .select(*_PIN, "value", "is_interpolated", "published", "format", "media_type", "text")
        .sort(_PIN)
    )


def _at_age(seen: pl.DataFrame, age: int) -> pl.DataFrame:
    """Return pin, value and is_interpolated, from the last observation up to the age and the next one."""
    early, is_exact = pl.col("age"), pl.col("age") == age
    has_next = (pl.col("pin") == pl.col("pin").shift(-1)).fill_null(value=False)
    late = pl.when(is_exact).then(early).when(has_next).then(early.shift(-1))
    share = (age - early) / (pl.col("late") - early)
    return (
        seen.lazy()
        .with_columns(late=late, high=pl.col("value").shift(-1), has_next=has_next, next_age=early.shift(-1))
        .filter(early <= age, ~pl.col("has_next") | (pl.col("next_age") > age))
        .filter(pl.col("late") - early <= MAX_GAP)
        .select(
            "pin",
            value=pl.when(is_exact)
            .then(pl.col("value").cast(pl.Float64))
            .otherwise(pl.col("value") + share * (pl.col("high") - pl.col("value"))),
            is_interpolated=~is_exact,
        )
        .collect()
    )
