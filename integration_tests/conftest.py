"""Fixtures: a sandbox per test, a clock shared with the connector, and waits that take no time."""

import json
import pickle
import shutil
import subprocess
import sys
import time
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from integration_tests.airbyte import ReadResult, read
from integration_tests.fixture_types import Days, FirstSync
from integration_tests.printed import Day, read_and_sync_days
from oneup_pinterest.sandbox import Sandbox
from oneup_pinterest.sync import sync
from source_oneup_pinterest.components.clock import CLOCK_VARIABLE
from test_support.clock import NOON
from test_support.computed_once import computed_once
from test_support.history import NOW, as_other_destination, make_history
from test_support.once_per_run import once_per_run
from test_support.paths import ROOT

collect_ignore = ["quick_retries"]  # it changes `time.sleep` of any process that imports it


@pytest.fixture(scope="session", autouse=True)
def _computed_once() -> Iterator[None]:
    """Parse the manifest once per worker, and generate the pins of each account once."""
    with computed_once():
        yield


@contextmanager
def at_noon() -> Iterator[Sandbox]:
    """Yield a sandbox with three accounts at noon on a fixed day; the connector has the same clock."""
    with pytest.MonkeyPatch.context() as patch, Sandbox(accounts=3, now=NOON) as running:
        patch.setenv(CLOCK_VARIABLE, NOON.isoformat())
        yield running


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with at_noon() as running:
        yield running


@pytest.fixture
def days_later(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Days:
    """Return a function that moves the clocks of the sandbox and the connector forward by some days."""

    def move(days: int) -> None:
        sandbox.now += timedelta(days=days)
        monkeypatch.setenv(CLOCK_VARIABLE, sandbox.now.isoformat())

    return move


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Record the waits between attempts instead of waiting."""
    waited: list[float] = []
    really_sleep = time.sleep
    monkeypatch.setattr(time, "sleep", lambda seconds: (waited.append(seconds), really_sleep(min(seconds, 0.01)))[0])
    return waited


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the wheel of this checkout; the folder `unpacked` next to it holds its files."""

    def build(folder: Path) -> None:
        command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
        subprocess.run(command, cwd=ROOT, check=True, capture_output=True, timeout=120)
        with zipfile.ZipFile(next(folder.glob("*.whl"))) as wheel:
            wheel.extractall(folder / "unpacked")

    return next(once_per_run(tmp_path_factory, "wheel", build).glob("*.whl"))


@pytest.fixture(scope="session")
def first_sync(tmp_path_factory: pytest.TempPathFactory) -> FirstSync:
    """Return `first_sync(path, start_date=…)`, which writes the database of a first sync of the fixture `sandbox`.

    Each first sync runs once per test run and is copied for each test.
    """

    def write(path: Path, **settings: str) -> Path:
        def build(folder: Path) -> None:
            with at_noon() as sandbox:
                assert sync({**sandbox.config(), **settings}, folder / "history.duckdb").status == "done"

        name = "_".join(("first_sync", *settings.values()))
        return Path(shutil.copyfile(once_per_run(tmp_path_factory, name, build) / "history.duckdb", path))

    return write


@pytest.fixture
def first_read(tmp_path_factory: pytest.TempPathFactory) -> ReadResult:
    """Return the result of a first read of the fixture `sandbox`."""

    def build(folder: Path) -> None:
        with at_noon() as sandbox:
            (folder / "result").write_bytes(pickle.dumps(read(sandbox.config())))

    result = pickle.loads((once_per_run(tmp_path_factory, "first_read", build) / "result").read_bytes())
    assert isinstance(result, ReadResult)
    return result


@pytest.fixture(scope="session")
def printed_days(tmp_path_factory: pytest.TempPathFactory) -> list[Day]:
    """Return the output of `main.py read` on two days, with the databases of `sync`; copy these before use."""

    def build(folder: Path) -> None:
        (folder / "days").write_bytes(pickle.dumps(list(read_and_sync_days(folder))))

    days = pickle.loads((once_per_run(tmp_path_factory, "printed", build) / "days").read_bytes())
    assert isinstance(days, list)
    return days


@pytest.fixture
def database(tmp_path: Path) -> Path:
    return tmp_path / "history.duckdb"


@pytest.fixture
def after_the_last_sync(monkeypatch: pytest.MonkeyPatch) -> None:
    """Set the clock of the analysis to hours after the last sync of `make_history`."""
    monkeypatch.setenv("ONEUP_PINTEREST_NOW", f"{NOW.isoformat()}+00:00")


@pytest.fixture(scope="module")
def own_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_history(tmp_path_factory.mktemp("foreign") / "h.duckdb", days=6, pins=4)


@pytest.fixture
def other_file(own_file: Path, tmp_path: Path) -> Path:
    """Return the same history as another Airbyte destination writes it."""
    return as_other_destination(own_file, tmp_path / "cache.duckdb", schema="client_a")


@pytest.fixture
def config_file(sandbox: Sandbox, tmp_path: Path) -> Path:
    path = tmp_path / "config.json"
    path.touch(mode=0o600)
    path.write_text(json.dumps({**sandbox.config(), "start_date": "2026-05-01"}))  # a short history is quick
    return path
