"""The sandbox needs a clock with a time zone."""

from datetime import datetime

import pytest

from oneup_pinterest.sandbox import Sandbox


def test_clock_needs_a_time_zone() -> None:
    with pytest.raises(ValueError, match="aware"):
        Sandbox(now=datetime(2026, 1, 1))
