"""Simulated histories whose truth is known: frames as `load_pins` returns them, from a seeded generator."""

from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Any

import numpy as np
import polars as pl

from oneup_pinterest.database.schema import TABLES
from oneup_pinterest.history.account_history import AccountHistory

LAST_SNAPSHOT = date(2026, 3, 31)
RATES = {"saves": 0.010, "comments": 0.0005, "repins": 0.004, "clicks": 0.008}  # of impressions


def made_up_pins(
    rng: np.random.Generator,
    pins: int = 200,
    days: int = 60,
    publish_days: int = 90,
    *,
    account: str = "pin_world",
    reach: Any = None,
    scale_days: Any = 12.0,
    shape: Any = 0.6,
    rate_strength: float = 200.0,
) -> pl.DataFrame:
    """Return correct pins of one account, observed daily on the last `days` days up to LAST_SNAPSHOT.

    Each pin is published at a random moment of the last `publish_days` days, so the oldest are not new when first seen.
    `reach` is the final number of impressions of each pin (default: lognormal(5, 1.6)). At an age, the share
    1 - exp(-(age / scale_days) ^ shape) of it is reached. The other counters follow impressions at a rate per pin: Beta
    with the mean in RATES and `rate_strength` pseudo-impressions. `reach`, `scale_days` and `shape` can be arrays with
    one value per pin. Counters never fall. Times of publication are uniform over days and hours; `format`, `media_type`
    and `text` are the same for all pins.
    """
    minutes = rng.integers(0, publish_days * 1440, pins)
    first = datetime.combine(LAST_SNAPSHOT - timedelta(days=publish_days), datetime.min.time())
    published = [first + timedelta(minutes=int(minute)) for minute in minutes]
    reach = rng.lognormal(5, 1.6, pins) if reach is None else np.broadcast_to(reach, pins)
    ages = np.array(
        [
            [(LAST_SNAPSHOT - timedelta(days=back) - moment.date()).days for moment in published]
            for back in range(days - 1, -1, -1)
        ]
    )
    grown = 1 - np.exp(-((np.maximum(ages, 0) / np.asarray(scale_days)) ** np.asarray(shape)))
    grown = np.vstack([np.zeros(pins), grown])
    before_first = np.maximum(ages[:1] - 1, 0)
    grown[0] = 1 - np.exp(-((before_first[0] / np.asarray(scale_days)) ** np.asarray(shape)))
    gains = rng.poisson(np.maximum(np.diff(grown, axis=0), 0) * reach)
    base = rng.poisson(grown[0] * reach)
    impressions = base + np.cumsum(gains, axis=0)
    columns: dict[str, Any] = {"impressions": impressions}
    for metric, mean in RATES.items():
        rate = rng.beta(mean * rate_strength, (1 - mean) * rate_strength, pins)
        columns[metric] = rng.binomial(base, rate) + np.cumsum(rng.binomial(gains, rate), axis=0)
    rows, columns_of = ages.shape
    return (
        pl.DataFrame(
            {
                "id": [f"{number:05}" for number in range(columns_of)] * rows,
                "timestamp": published * rows,
                "age": ages.ravel(),
                "snapshot_date": [
                    LAST_SNAPSHOT - timedelta(days=back) for back in range(rows - 1, -1, -1) for _ in range(columns_of)
                ],
                **{name: np.asarray(values, dtype=np.int64).ravel() for name, values in columns.items()},
            }
        )
        .filter(pl.col("age") >= 1)
        .select(
            pl.lit(account).alias("social_network_id"),
            "id",
            pl.lit("pin").alias("format"),
            pl.lit("A made-up pin").alias("text"),
            pl.lit("https://www.pinterest.com/pin/1/").alias("permalink"),
            pl.lit("IMAGE").alias("media_type"),
            pl.concat_str(pl.lit("https://i.pinimg.com/"), "id").alias("media_url"),
            pl.col("timestamp").cast(pl.Datetime("us")),
            "impressions",
            *RATES,
            "snapshot_date",
        )
        .sort("social_network_id", "id", "snapshot_date")
    )


class MadeUpHistory(AccountHistory):
    """An account history made only of the given frames: daily gains, outcomes of the first week, followers."""

    def __init__(
        self,
        *,
        account_gains: pl.DataFrame | None = None,
        outcomes: pl.DataFrame | None = None,
        followers: pl.DataFrame | None = None,
        pins: pl.DataFrame | None = None,
        account: str = "pin_a",
    ) -> None:
        super().__init__(
            account, pl.DataFrame(schema=TABLES["pins"].schema) if pins is None else pins, followers=followers
        )
        self._outcomes = outcomes
        if account_gains is not None:
            vars(self)["account_gains"] = account_gains  # where `cached_property` stores its value

    def first_week(
        self, metric: str = "saves", *, published_zone: str = "UTC", display_zone: str = "UTC"
    ) -> pl.DataFrame:
        if self._outcomes is not None:
            return self._outcomes
        return super().first_week(metric, published_zone=published_zone, display_zone=display_zone)


def each_account(frame: pl.DataFrame, statistic: Callable[[pl.DataFrame], pl.DataFrame]) -> pl.DataFrame:
    """Apply a statistic to each account of a frame; return all rows, sorted by account."""
    parts = frame.partition_by("social_network_id", maintain_order=True, as_dict=True)
    return pl.concat([statistic(parts[key]) for key in sorted(parts)])
