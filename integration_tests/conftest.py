"""A sandbox for each test, a clock that both sides share, and waits that take no time."""

import json
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from oneup_pinterest.sandbox import Sandbox
from source_oneup_pinterest.components.clock import CLOCK_VARIABLE

collect_ignore = ["quick_retries"]  # it changes the process that imports it
NOON = datetime(2026, 5, 20, 12, tzinfo=UTC)
Days = Callable[[int], None]


@pytest.fixture
def sandbox(monkeypatch: pytest.MonkeyPatch) -> Iterator[Sandbox]:
    """A sandbox of three accounts at noon of a fixed day; the connector's clock is the same."""
    monkeypatch.setenv(CLOCK_VARIABLE, NOON.isoformat())
    with Sandbox(accounts=3, now=NOON) as running:
        yield running


@pytest.fixture
def days_later(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Days:
    """Moves the clock of the sandbox and of the connector on."""

    def move(days: int) -> None:
        sandbox.now += timedelta(days=days)
        monkeypatch.setenv(CLOCK_VARIABLE, sandbox.now.isoformat())

    return move


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The waits between attempts, which are noted and not waited."""
    waited: list[float] = []
    really_sleep = time.sleep
    monkeypatch.setattr(time, "sleep", lambda seconds: (waited.append(seconds), really_sleep(min(seconds, 0.01)))[0])
    return waited


@pytest.fixture
def database(tmp_path: Path) -> Path:
    return tmp_path / "history.duckdb"


@pytest.fixture
def config_file(sandbox: Sandbox, tmp_path: Path) -> Path:
    path = tmp_path / "config.json"
    path.touch(mode=0o600)
    path.write_text(json.dumps(sandbox.config()))
    return path
