"""A headless Chromium that loads only what a test allows."""

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
_CONSOLE_PROBLEMS = ("error", "warning", "assert")
REQUIRED = "ONEUP_PINTEREST_REQUIRE_BROWSER"  # set in CI, where a missing browser is a failure


@contextmanager
def open_page(path: Path, now: datetime = NOW, **context: Any) -> Iterator[Any]:
    """Start Playwright and yield what `page_of` yields."""
    with start_playwright() as playwright, page_of(playwright, path, now, **context) as page:
        yield page


@contextmanager
def page_of(playwright: Any, path: Path, now: datetime = NOW, **context: Any) -> Iterator[Any]:
    """Yield the page of a file, opened at `now` (UTC).

    Fail on any other request, a violated content security policy or an error.
    """
    with browser_of(playwright, ("file:", "data:"), **context) as browser:
        page = browser.new_page()
        page.clock.set_fixed_time(now.replace(tzinfo=UTC))
        page.goto(path.resolve().as_uri())
        yield page


@contextmanager
def open_browser(allowed: tuple[str, ...], **context: Any) -> Iterator[Any]:
    """Start Playwright and yield what `browser_of` yields."""
    with start_playwright() as playwright, browser_of(playwright, allowed, **context) as browser:
        yield browser


def start_playwright() -> Any:
    """Return a context manager that runs Playwright; a process cannot run two at a time."""
    require_browser()
    from playwright.sync_api import sync_playwright

    return sync_playwright()


@contextmanager
def browser_of(playwright: Any, allowed: tuple[str, ...], **context: Any) -> Iterator[Any]:
    """Yield a browser context (`new_page()`) that loads only URLs with these prefixes.

    Fail at the end if a page requested any other URL, raised an error or logged a problem to its console.
    """
    problems: list[str] = []

    def continue_or_abort(route: Any) -> None:
        if route.request.url.startswith(allowed):
            route.continue_()
        else:
            problems.append(f"requested {route.request.url}")
            route.abort()

    def listen(page: Any) -> None:
        page.on("pageerror", lambda error: problems.append(f"raised {error}"))
        page.on("console", lambda message: problems.append(message.text) if message.type in _CONSOLE_PROBLEMS else None)

    browser = playwright.chromium.launch(
        executable_path=require_browser(), args=["--no-sandbox", "--headless", "--disable-gpu"]
    )
    try:
        browser_context = browser.new_context(service_workers="block", **context)
        browser_context.route("**/*", continue_or_abort)
        browser_context.on("page", listen)
        yield browser_context
    finally:
        browser.close()
    if problems:
        pytest.fail("\n".join(problems))


def drawn_shapes(page: Any) -> dict[str, int]:
    """Open every question of the visible account; return the number of shapes in each chart, once all are drawn."""
    page.evaluate("for (const part of document.querySelectorAll('.account:not([hidden]) .question')) part.open = true")
    for _ in range(300):  # wait_for_function needs eval, which the policy of the page forbids
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
        _skip_or_fail("the Python package playwright is not installed")
    chromium = str(CHROMIUM) if CHROMIUM.exists() else shutil.which("chromium")
    if chromium is None:
        _skip_or_fail("chromium is not installed (apt-get install chromium)")
    return chromium


def _skip_or_fail(reason: str) -> NoReturn:
    if os.environ.get(REQUIRED):
        pytest.fail(f"{reason}, and {REQUIRED} is set")
    pytest.skip(f"browser test: {reason}")
