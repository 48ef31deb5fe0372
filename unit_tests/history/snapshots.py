"""Snapshots of made-up pins, with their saves written out."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any

import polars as pl

START = date(2026, 3, 1)


def snapshots(
    pin: str, saves: dict[int, int | None], published: datetime = datetime(2025, 1, 1)
) -> list[dict[str, Any]]:
    """Return snapshots of one pin, with its saves by number of days after START."""
    return [
        {
            "social_network_id": "pin_a",
            "id": pin,
            "timestamp": published,
            "snapshot_date": START + timedelta(days=day),
            "saves": count,
        }
        for day, count in saves.items()
    ]


def frame(*rows: Sequence[dict[str, Any]]) -> pl.DataFrame:
    return pl.DataFrame([row for group in rows for row in group], schema_overrides={"saves": pl.Int64})


def by_day_number(*saves: int | None) -> dict[int, int | None]:
    return dict(enumerate(saves))
