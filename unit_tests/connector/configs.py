"""Configs with resolved dates, as the connector uses them."""

from datetime import datetime
from typing import Any

import pytest

from source_oneup_pinterest.components.clock import CLOCK_VARIABLE
from source_oneup_pinterest.components.config_dates import ResolveConfigDates


def resolved(monkeypatch: pytest.MonkeyPatch, now: datetime, **config: Any) -> dict[str, Any]:
    """Return a config as the connector has it after its start at `now`."""
    monkeypatch.setenv(CLOCK_VARIABLE, now.isoformat())
    ResolveConfigDates().transform(config)
    return config
