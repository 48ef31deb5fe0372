"""A headless Chromium that may load what a test allows and nothing else, for the tests that look at pages."""

import importlib.util
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NoReturn

import pytest

from test_support.history import NOW

CHROMIUM = Path("/usr/bin/chromium")
_GRAVE = ("error", "warning", "assert")
REQUIRED = "ONEUP_PINTEREST_REQUIRE_BROWSER"  # set in CI, where a missing browser is a failure


@contextmanager
def open_page(path: Path, now: datetime = NOW, **context: Any) -> Iterator[Any]:
    """Yield the page of a file, opened at `now` (UTC). Fail on other requests, a broken policy or an error."""
    with open_browser(("file:", "data:"), **context) as browser:
        page = browser.new_page()
        page.clock.set_fixed_time(now.replace(tzinfo=UTC))
        page.goto(path.resolve().as_uri())
        yield page


@contextmanager
def open_browser(allowed: tuple[str, ...], **context: Any) -> Iterator[Any]:
    """Yield a browser context (`new_page()`) that loads only URLs with these prefixes.

    Fails at the end when a page asked for any other, raised, or complained in its console.
    """
    chromium = require_browser()
    from playwright.sync_api import sync_playwright

    complaints: list[str] = []

    def guard(route: Any) -> None:
        if route.request.url.startswith(allowed):
            route.continue_()
        else:
            complaints.append(f"asked for {route.request.url}")
            route.abort()

    def listen(page: Any) -> None:
        page.on("pageerror", lambda error: complaints.append(f"raised {error}"))
        page.on("console", lambda message: complaints.append(message.text) if message.type in _GRAVE else None)

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=chromium, args=["--no-sandbox", "--headless", "--disable-gpu"]
        )
        try:
            opened = browser.new_context(service_workers="block", **context)
            opened.route("**/*", guard)
            opened.on("page", listen)
            yield opened
        finally:
            browser.close()
    if complaints:
        pytest.fail("\n".join(complaints))


def drawn_shapes(page: Any) -> dict[str, int]:
    """Return shapes in each chart of the account that is shown, once all are drawn."""
    for _ in range(300):  # not wait_for_function: it needs eval, which the page's policy forbids
        states = page.evaluate(
            "[...document.querySelectorAll('.account:not([hidden]) .chart')].map(c => c.dataset.state)"
        )
        if set(states) <= {"drawn", "failed"}:
            break
        page.wait_for_timeout(50)
    assert states
    assert set(states) == {"drawn"}
    shapes = page.evaluate(
        "Object.fromEntries([...document.querySelectorAll('.account:not([hidden]) .chart')]"
        ".map(c => [c.id, c.querySelectorAll('svg .mark-rect path, svg .mark-symbol path').length]))"
    )
    return dict(shapes)


def require_browser() -> str:
    """Return the path of Chromium; without it skip the test, or fail it if a browser is required."""
    if importlib.util.find_spec("playwright") is None:
        _missing("the Python package playwright is not installed")
    chromium = str(CHROMIUM) if CHROMIUM.exists() else shutil.which("chromium")
    if chromium is None:
        _missing("chromium is not installed (apt-get install chromium)")
    return chromium


def _missing(reason: str) -> NoReturn:
    if os.environ.get(REQUIRED):
        pytest.fail(f"{reason}, and {REQUIRED} is set")
    pytest.skip(f"browser test: {reason}")
