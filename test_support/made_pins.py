"""Pins with chosen counters by age, and options of histories for which no answer may fail."""

from datetime import date, datetime, timedelta
from typing import Any

import polars as pl

from oneup_pinterest.database.schema import TABLES

FIRST = date(2026, 1, 1)
EMPTY = pl.DataFrame(schema=TABLES["pins"].schema)


def pin(name: str, published: int, saves: dict[int, int], account: str = "pin_one") -> pl.DataFrame:
    """Return a pin published `published` days after FIRST, with its saves by age in days."""
    day = FIRST + timedelta(days=published)
    return EMPTY.clear().vstack(
        pl.DataFrame(
            {
                "social_network_id": account,
                "id": name,
                "timestamp": datetime(day.year, day.month, day.day, 9),
                "snapshot_date": [day + timedelta(days=age) for age in saves],
                "saves": list(saves.values()),
                "impressions": [100 * count for count in saves.values()],
            }
        ).select(
            pl.col(column).cast(kind)
            if column in ("social_network_id", "id", "timestamp", "snapshot_date", "saves", "impressions")
            else pl.lit(None, kind).alias(column)
            for column, kind in TABLES["pins"].schema.items()
        )
    )


def steady(name: str, published: int, per_day: int, ages: range = range(1, 8)) -> pl.DataFrame:
    """Return a pin that gains `per_day` saves every day."""
    return pin(name, published, {age: per_day * age for age in ages})


# options of `make_history`
VARIANTS: dict[str, dict[str, Any]] = {
    "empty": {"days": 0},
    "one sync": {"days": 1},
    "one pin": {"accounts": ("pin_one",), "days": 2, "pins": 1},
    "gap": {"missing_days": (4, 5, 6, 11)},
    "reset": {"reset_on": 9},
    "rolling": {"rolling": True, "days": 30},
    "hostile": {"hostile": True},
}
