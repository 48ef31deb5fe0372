"""A headless Chromium that may load files and nothing else, for the tests that look at pages."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from unit_tests.analysis.history import NOW

CHROMIUM = Path("/usr/bin/chromium")
REQUIRED = "ONEUP_PINTEREST_REQUIRE_BROWSER"  # set in CI, where a missing browser is a failure


@contextmanager
def open_page(path: Path, now: datetime = NOW, **context: Any) -> Iterator[Any]:
    """The page of a file, opened at `now` (UTC). Fails when it asks for anything else, breaks its policy or raises."""
    sync_api = _playwright()
    chromium = str(CHROMIUM) if CHROMIUM.exists() else shutil.which("chromium")
    if chromium is None:
        _missing("chromium is not installed (apt-get install chromium)")
    complaints: list[str] = []

    def guard(route: Any) -> None:
        if route.request.url.startswith(("file:", "data:")):
            route.continue_()
        else:
            complaints.append(f"asked for {route.request.url}")
            route.abort()

    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=chromium, args=["--no-sandbox", "--headless", "--disable-gpu"]
        )
        try:
            page = browser.new_context(**context).new_page()
            page.clock.set_fixed_time(now.replace(tzinfo=UTC))
            page.route("**/*", guard)
            page.on("pageerror", lambda error: complaints.append(f"raised {error}"))
            page.on("console", lambda message: complaints.append(message.text) if message.type != "log" else None)
            page.goto(path.resolve().as_uri())
            yield page
        finally:
            browser.close()
    if complaints:
        pytest.fail("\n".join(complaints))


def _playwright() -> Any:
    try:
        from playwright import sync_api
    except ModuleNotFoundError:
        _missing("the Python package playwright is not installed")
    return sync_api


def _missing(reason: str) -> None:
    if os.environ.get(REQUIRED):
        pytest.fail(f"{reason}, and {REQUIRED} is set")
    pytest.skip(f"browser test: {reason}")
