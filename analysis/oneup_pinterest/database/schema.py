"""The relations of a history file as the contract has them: their columns, types and keys."""

from typing import NamedTuple

import polars as pl

TEXT, COUNT, NUMBER, DAY, TIME, FLAG = "VARCHAR", "BIGINT", "DOUBLE", "DATE", "TIMESTAMP", "BOOLEAN"
DTYPES: dict[str, pl.DataType] = {
    TEXT: pl.String(),
    COUNT: pl.Int64(),
    NUMBER: pl.Float64(),
    DAY: pl.Date(),
    TIME: pl.Datetime("us"),
    FLAG: pl.Boolean(),
}
EXTRACTED_AT = "_airbyte_extracted_at"
SYNC_RUNS = "_sync_runs"


class TableSchema(NamedTuple):
    """Columns with their DuckDB types, the key that is unique, and the date that `since` and `until` filter."""

    columns: dict[str, str]
    key: tuple[str, ...]
    date: str | None = None

    @property
    def schema(self) -> dict[str, pl.DataType]:
        """The dtypes of a frame of this relation."""
        return {name: DTYPES[kind] for name, kind in self.columns.items()}


_PERIOD = {"period_start": DAY, "period_end": DAY}
_METRIC = {
    "key": TEXT,
    "name": TEXT,
    "description": TEXT,
    "value_current_period": NUMBER,
    "value_last_period": NUMBER,
    "percentage_change": TEXT,
    "percentage_change_value": NUMBER,
}
_PIN = {
    "social_network_id": TEXT,
    "id": TEXT,
    "page_id": TEXT,
    "format": TEXT,
    "text": TEXT,
    "permalink": TEXT,
    "media_type": TEXT,
    "media_url": TEXT,
    "timestamp": TIME,
    "impressions": COUNT,
    "saves": COUNT,
    "comments": COUNT,
    "repins": COUNT,
    "clicks": COUNT,
    "snapshot_date": DAY,
    **_PERIOD,
    EXTRACTED_AT: TIME,
}

TABLES: dict[str, TableSchema] = {
    "overview_metrics": TableSchema(
        {"social_network_id": TEXT, "preset": TEXT, **_PERIOD, **_METRIC, EXTRACTED_AT: TIME},
        ("social_network_id", "key", "preset", "period_end"),
        "period_end",
    ),
    "pins": TableSchema(_PIN, ("social_network_id", "id", "snapshot_date"), "snapshot_date"),
    "pins_latest": TableSchema(_PIN, ("social_network_id", "id"), "snapshot_date"),
    "account_followers": TableSchema(
        {"social_network_id": TEXT, "snapshot_date": DAY, "total_followers": COUNT, EXTRACTED_AT: TIME},
        ("social_network_id", "snapshot_date"),
        "snapshot_date",
    ),
    "post_performance": TableSchema(
        {
            "social_network_id": TEXT,
            "preset": TEXT,
            **_PERIOD,
            "ranking": TEXT,
            "position": COUNT,
            "id": TEXT,
            "text": TEXT,
            "permalink": TEXT,
            "engagement_rate": NUMBER,
            "item": TEXT,
            EXTRACTED_AT: TIME,
        },
        ("social_network_id", "preset", "period_end", "ranking", "position"),
        "period_end",
    ),
    "pin_totals": TableSchema(
        {"social_network_id": TEXT, **_PERIOD, **_METRIC, EXTRACTED_AT: TIME},
        ("social_network_id", "period_start", "period_end", "key"),
        "period_end",
    ),
    "accounts": TableSchema(
        {
            "social_network_id": TEXT,
            "username": TEXT,
            "full_name": TEXT,
            "social_network_type": TEXT,
            "is_expired": FLAG,
            "need_refresh": FLAG,
            EXTRACTED_AT: TIME,
        },
        ("social_network_id",),
    ),
    SYNC_RUNS: TableSchema(
        {
            "run_id": TEXT,
            "started_at": TIME,
            "finished_at": TIME,
            "status": TEXT,
            "streams": TEXT,
            "skipped_accounts": TEXT,
            "requests": COUNT,
            "duration_seconds": NUMBER,
            "error": TEXT,
        },
        ("started_at", "run_id"),
    ),
}
PIN_ATTRIBUTES, PIN_COUNTERS = "_pin_attributes", "_pin_counters"  # what `pins` is a view of, in a file of ours
STREAMS = tuple(name for name in TABLES if name not in ("pins_latest", SYNC_RUNS))


def quoted(name: str) -> str:
    """The name as an SQL identifier."""
    return '"' + name.replace('"', '""') + '"'
