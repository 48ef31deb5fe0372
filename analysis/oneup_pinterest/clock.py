"""The one place that tells the time, so that the sandbox and tests can set it as they do for the connector."""

import os
from datetime import UTC, datetime

CLOCK_VARIABLE = "ONEUP_PINTEREST_NOW"


def utc_now() -> datetime:
    """The present time in UTC, or the one in `ONEUP_PINTEREST_NOW` (an ISO time) where that is set."""
    clock = os.environ.get(CLOCK_VARIABLE)
    return datetime.fromisoformat(clock).astimezone(UTC) if clock else datetime.now(UTC)
