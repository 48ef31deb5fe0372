"""The tables of a database: the streams, their columns with types, their primary keys, and the list of counters.

Everything else imports these facts from here. The connector declares its streams in its own `manifest.yaml`;
`unit_tests/database/test_schema.py` checks that the two agree.
"""

from typing import NamedTuple

import duckdb
import polars as pl

from oneup_pinterest.database.column_types import COLUMN_TYPES, COUNT, DAY, FLAG, NUMBER, TEXT, TIME

COUNTERS = ("impressions", "saves", "comments", "repins", "clicks")  # of a pin, as OneUp names them

EXTRACTED_AT = "_airbyte_extracted_at"
OTHER_FIELDS = "_other_fields"  # JSON of the undeclared fields that have no column of their own
RESERVED_COLUMNS = (EXTRACTED_AT, "pin_key", OTHER_FIELDS, "rowid")  # ours or DuckDB's, whatever OneUp names so

SYNC_RUNS = "_sync_runs"
PIN_ATTRIBUTES, PIN_COUNTERS = "_pin_attributes", "_pin_counters"  # `pins` is a view of these in a file of ours
PIN_IMAGES = "_pin_images"  # thumbnails for the report, one row per pin; no stream


class TableSchema(NamedTuple):
    """What one table or view looks like to a reader.

    Attributes:
        columns: Column name to DuckDB type.
        key: The columns of the primary key.
        date: The column that `since` and `until` filter; None where there is none.
    """

    columns: dict[str, str]
    key: tuple[str, ...]
    date: str | None = None

    @property
    def schema(self) -> dict[str, pl.DataType]:
        """The Polars schema of a loaded frame."""
        return {name: COLUMN_TYPES[column_type].polars for name, column_type in self.columns.items()}


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
    **dict.fromkeys(COUNTERS, COUNT),
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
STREAMS = tuple(name for name in TABLES if name not in ("pins_latest", SYNC_RUNS))


def create_pin_images(connection: duckdb.DuckDBPyConnection) -> None:
    """Create the table of thumbnails unless it exists; `database.pin_images` says what its columns hold."""
    connection.execute(
        f"CREATE TABLE IF NOT EXISTS main.{PIN_IMAGES} (social_network_id VARCHAR, id VARCHAR, path VARCHAR, "
        "status VARCHAR, checked_at TIMESTAMP, webp BLOB)"
    )


def quoted(name: str) -> str:
    """Return a name as an SQL identifier.

    >>> print(quoted('some "pins" here'))
    "some ""pins"" here"
    """
    return '"' + name.replace('"', '""') + '"'
