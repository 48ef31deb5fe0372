"""Check contexts with a few rows, and the findings of the checks."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any

import polars as pl

from oneup_pinterest.database.schema import TABLES
from oneup_pinterest.history.loaded_history import LoadedHistory
from oneup_pinterest.quality.checks.context import CheckContext
from oneup_pinterest.quality.findings import Finding
from oneup_pinterest.quality.run_checks import find_problems
from test_support.history import NOW

FIRST = date(2026, 3, 1)


def frame_of(name: str, rows: Sequence[dict[str, Any]]) -> pl.DataFrame:
    return pl.DataFrame(list(rows), schema=TABLES[name].schema)


def pin(number: int, day: int, impressions: int = 100, **others: Any) -> dict[str, Any]:
    """Return a snapshot of one pin on a day, in the window of the 30 days before it."""
    on = FIRST + timedelta(days=day)
    return {
        "social_network_id": "pin_a",
        "id": f"{number}",
        "timestamp": datetime(2026, 2, 20, 9),
        "snapshot_date": on,
        "period_start": on - timedelta(days=30),
        "period_end": on - timedelta(days=1),
        "impressions": impressions,
        "saves": 0,
        "comments": 0,
        "repins": 0,
        "clicks": 0,
        "media_url": f"{number}.jpg",
        "permalink": f"https://www.pinterest.com/pin/{number}/",
        **others,
    }


def metric(key: str, now: float, end: int = 0, *, days: int = 30, synced: int | None = None, **others: Any) -> Any:
    """Return one metric of the period of `days` days that ends on a day, counted from FIRST."""
    on = FIRST + timedelta(days=end)
    return {
        "social_network_id": "pin_a",
        "key": key,
        "period_start": on - timedelta(days=days - 1),
        "period_end": on,
        "value_current_period": now,
        "value_last_period": now,
        "_airbyte_extracted_at": datetime(2026, 3, 1) + timedelta(days=end + 1 if synced is None else synced),
        **others,
    }


def context_of(
    pins: Sequence[dict[str, Any]] = (),
    overview: Sequence[dict[str, Any]] = (),
    totals: Sequence[dict[str, Any]] = (),
    followers: Sequence[dict[str, Any]] = (),
) -> CheckContext:
    return CheckContext(
        LoadedHistory(
            frame_of("pins", pins),
            followers=frame_of("account_followers", followers),
            overview=frame_of("overview_metrics", overview),
            pin_totals=frame_of("pin_totals", totals),
        ),
        frame_of("_sync_runs", ()),
        None,
        NOW,
    )


def find_by_check(context: CheckContext) -> dict[str, Finding]:
    return {finding.check: finding for finding in find_problems(context)}
