"""The clock, which tests and the sandbox can set."""

import os
from datetime import UTC, datetime

from .errors import config_error, quoted

CLOCK_VARIABLE = "ONEUP_PINTEREST_NOW"  # an ISO time that replaces the clock


def utc_now() -> datetime:
    """Return the present time in UTC, or the time in the environment variable."""
    now = os.environ.get(CLOCK_VARIABLE)
    try:
        return datetime.fromisoformat(now) if now else datetime.now(UTC)
    except ValueError:
        raise config_error(
            f"{CLOCK_VARIABLE} is {quoted(now)}, which is not an ISO time: write it as 2026-01-31T12:00:00+00:00, "
            "or remove it from the environment."
        ) from None
