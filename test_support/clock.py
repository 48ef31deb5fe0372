"""The time at which most tests take place."""

from datetime import UTC, datetime

NOON = datetime(2026, 5, 20, 12, tzinfo=UTC)
