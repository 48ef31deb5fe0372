"""The current time, which tests and the demo can set; nothing else in this package reads the clock."""

import os
from datetime import UTC, datetime

CLOCK_VARIABLE = "ONEUP_PINTEREST_NOW"


def utc_now() -> datetime:
    """Return the current time in UTC, or the ISO time in `ONEUP_PINTEREST_NOW` if that is set."""
    clock = os.environ.get(CLOCK_VARIABLE)
    return datetime.fromisoformat(clock).astimezone(UTC) if clock else datetime.now(UTC)
