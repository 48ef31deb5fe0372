"""The sandbox's clock is an aware datetime."""

from datetime import datetime

import pytest

from oneup_pinterest.sandbox import Sandbox


def test_clock_must_be_aware() -> None:
    with pytest.raises(ValueError, match="aware"):
        Sandbox(now=datetime(2026, 1, 1))
