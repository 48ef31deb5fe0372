"""OneUp's documented sample responses become exactly these records and rows."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pytest

from integration_tests.airbyte import read
from oneup_pinterest.sandbox import Sandbox
from oneup_pinterest.sync import sync
from source_oneup_pinterest.components.clock import CLOCK_VARIABLE

ACCOUNT = "pin_sandbox_documented_sample"
WINDOW = {"social_network_id": ACCOUNT, "period_start": "2025-04-30", "period_end": "2025-05-06"}
METRICS = [
    ("posts", "Posts", 25, 20, "+25.0%", 25.0, "Total number of posts in this period"),
    ("impressions", "Impressions", 75000, 60000, "+25.0%", 25.0, "Total number of times your pins were shown"),
    ("saves", "Saves", 450, 380, "+18.4%", 18.4, "The number of times your pins were saved"),
    ("comments", "Comments", 30, 25, "+20.0%", 20.0, "The number of comments on your pins"),
    ("repins", "Repins", 180, 150, "+20.0%", 20.0, "The number of times your pins were repinned"),
    ("clicks", "Clicks", 320, 260, "+23.1%", 23.1, "The number of clicks on your pins"),
]


@pytest.fixture
def sample(monkeypatch: pytest.MonkeyPatch) -> Iterator[Sandbox]:
    now = datetime(2025, 5, 7, 8, tzinfo=UTC)
    monkeypatch.setenv(CLOCK_VARIABLE, now.isoformat())
    with Sandbox(accounts=0, documented_sample=True, now=now) as sandbox:
        yield sandbox


def config_of(sandbox: Sandbox) -> dict[str, object]:
    return {**sandbox.config(), "social_network_ids": [ACCOUNT], "preset": "last_7_days", "start_date": "2025-04-30"}


def test_the_documented_sample_becomes_these_records(sample: Sandbox) -> None:
    records = read(config_of(sample)).records

    rows = [
        {
            "key": key,
            "name": name,
            "value_current_period": current,
            "value_last_period": last,
            "percentage_change": text,
            "percentage_change_value": number,
            "description": description,
        }
        for key, name, current, last, text, number, description in METRICS
    ]
    assert records["overview_metrics"] == [{**WINDOW, "preset": "last_7_days", **row} for row in rows]
    assert records["pin_totals"] == [{**WINDOW, **row} for row in rows]
    assert records["pins"] == [
        {
            **WINDOW,
            "snapshot_date": "2025-05-07",
            "id": "pin_123456",
            "page_id": "pinterest_account_123",
            "format": "image",
            "text": "Amazing DIY idea",
            "permalink": "https://pinterest.com/pin/123456",
            "media_type": "IMAGE",
            "media_url": "https://example.com/pin.jpg",
            "timestamp": "2025-05-01 09:00:00",
            "impressions": 3000,
            "saves": 18,
            "comments": 1,
            "repins": 7,
            "clicks": 13,
        }
    ]
    assert records["account_followers"] == [
        {"social_network_id": ACCOUNT, "snapshot_date": "2025-05-07", "total_followers": 3200}
    ]
    assert records["post_performance"] == []
    assert [row["social_network_id"] for row in records["accounts"]] == [ACCOUNT]


def test_the_documented_sample_becomes_these_rows(sample: Sandbox, tmp_path: Path) -> None:
    database = tmp_path / "history.duckdb"
    assert sync(config_of(sample), database).exit_status == 0

    with duckdb.connect(str(database), read_only=True) as connection:
        pins = connection.sql("SELECT * EXCLUDE (_airbyte_extracted_at) FROM pins")
        assert dict(zip(pins.columns, map(str, pins.types), strict=True)) == {
            "social_network_id": "VARCHAR",
            "id": "VARCHAR",
            "page_id": "VARCHAR",
            "format": "VARCHAR",
            "text": "VARCHAR",
            "permalink": "VARCHAR",
            "media_type": "VARCHAR",
            "media_url": "VARCHAR",
            "timestamp": "TIMESTAMP",
            "impressions": "BIGINT",
            "saves": "BIGINT",
            "comments": "BIGINT",
            "repins": "BIGINT",
            "clicks": "BIGINT",
            "snapshot_date": "DATE",
            "period_start": "DATE",
            "period_end": "DATE",
        }
        day = datetime(2025, 5, 7).date()
        first, last = datetime(2025, 4, 30).date(), datetime(2025, 5, 6).date()
        assert pins.fetchall() == [
            (
                ACCOUNT,
                "pin_123456",
                "pinterest_account_123",
                "image",
                "Amazing DIY idea",
                "https://pinterest.com/pin/123456",
                "IMAGE",
                "https://example.com/pin.jpg",
                datetime(2025, 5, 1, 9),
                3000,
                18,
                1,
                7,
                13,
                day,
                first,
                last,
            )
        ]
        assert connection.sql(
            "SELECT key, name, value_current_period, value_last_period, percentage_change, percentage_change_value, "
            "description FROM overview_metrics ORDER BY value_current_period"
        ).fetchall() == sorted(METRICS, key=lambda row: row[2])
        assert connection.sql("SELECT total_followers FROM account_followers").fetchall() == [(3200,)]
