"""A config whose dates are settled at a moment."""

from datetime import datetime
from typing import Any

import pytest

from source_oneup_pinterest.components import CLOCK_VARIABLE, SettleDates


def settled(monkeypatch: pytest.MonkeyPatch, now: datetime, **config: Any) -> dict[str, Any]:
    """As the connector has it after its start at `now`."""
    monkeypatch.setenv(CLOCK_VARIABLE, now.isoformat())
    SettleDates().transform(config)
    return config
