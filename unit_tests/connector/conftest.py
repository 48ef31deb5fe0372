"""Fixtures of the connector tests: a mocked API, and reads with each form of the connector."""

import sys
import time
from collections.abc import Iterator
from types import ModuleType

import pytest

from source_oneup_pinterest.components.clock import CLOCK_VARIABLE
from unit_tests.connector.mock_api import WireMocker
from unit_tests.connector.streams import Read, flat_form, package, read_with


@pytest.fixture
def wire(monkeypatch: pytest.MonkeyPatch) -> Iterator[WireMocker]:
    """Mock the API at noon on May 20, 2026, without waits between attempts."""
    monkeypatch.setenv(CLOCK_VARIABLE, "2026-05-20T12:00:00+00:00")
    monkeypatch.setattr(time, "sleep", lambda _: None)
    with WireMocker() as mocker:
        yield mocker


@pytest.fixture(params=[package, flat_form])
def read(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Read:
    """Read with the package and with the flat form."""
    monkeypatch.setenv("AIRBYTE_ENABLE_UNSAFE_CODE", "true")
    for name in ("source_declarative_manifest.components", "components"):
        monkeypatch.setitem(sys.modules, name, ModuleType(name))  # the CDK registers the flat form there
    return lambda *arguments, **options: read_with(request.param, *arguments, **options)
