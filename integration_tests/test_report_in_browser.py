"""The report in Chromium: every chart is drawn, the menu and the keyboard work, and hostile texts do nothing."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from oneup_pinterest.report import write_report
from test_support.browser import drawn_shapes, open_page
from test_support.history import HOSTILE_TEXT, NOW, make_history, make_long_history

pytestmark = pytest.mark.slow


@pytest.fixture(autouse=True)
def _clock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ONEUP_PINTEREST_NOW", f"{NOW.isoformat()}+00:00")


def report(folder: Path, **options: Any) -> None:
    """Write report.html in a folder, from the history there or from a new one."""
    database = folder / "history.duckdb"
    if not database.exists():
        make_history(database, **options)
    write_report(database, folder / "report.html")


@pytest.mark.parametrize("zone", ["America/Los_Angeles", "Pacific/Auckland"])
def test_every_chart_is_drawn_and_the_menu_switches_the_account(tmp_path: Path, zone: str) -> None:
    report(tmp_path, days=12, pins=6, hostile=True)
    with open_page(tmp_path / "report.html", timezone_id=zone) as page:
        first = drawn_shapes(page)
        assert {name.partition("-")[0] for name in first} == {"gains", "ranking", "followers"}
        assert all(name.endswith("-0") for name in first)
        assert min(first.values()) >= 3
        labels = page.locator("#followers-0-0 svg .role-axis-label text").all_text_contents()
        assert "31 Mar" in labels
        assert page.locator(".account h2:visible").first.inner_text() == "<b>Bad</b> Account 0 (@one)"
        page.get_by_label("Account", exact=True).select_option("account-1")
        second = drawn_shapes(page)
        assert {name[:-1] for name in second} == {name[:-1] for name in first}
        assert all(name.endswith("-1") for name in second)
        assert min(second.values()) >= 3
        assert page.locator(".account h2:visible").first.inner_text() == "<b>Bad</b> Account 1 (@two)"


def test_a_full_history_draws_every_chart_of_every_section(tmp_path: Path) -> None:
    make_long_history(tmp_path / "history.duckdb", hostile=True)
    report(tmp_path)
    with open_page(tmp_path / "report.html") as page:  # fails on any warning of Vega
        first = drawn_shapes(page)
        sections = {name.rpartition("-")[0] for name in first}
        assert {
            "change-0",
            "gains-0",
            "growth-0",
            "ranking-0",
            "timing-0",
            "timing-1",
            "formats-0",
            "followers-0",
        } <= sections
        assert len(first) >= 15
        assert page.evaluate("window.hacked") is None
        assert page.locator("#side-by-side svg").count() == 1


def test_hostile_texts_are_not_executed(tmp_path: Path) -> None:
    report(tmp_path, days=3, pins=12, hostile=True)
    with open_page(tmp_path / "report.html") as page:
        drawn_shapes(page)
        assert page.evaluate("window.hacked") is None
        assert page.locator("img").count() == 0
        page.evaluate("for (const part of document.querySelectorAll('details')) part.open = true")
        shown = page.locator("td:visible, th:visible").all_inner_texts()
        assert any(text.startswith(HOSTILE_TEXT[:40]) for text in shown)


def test_a_phone_needs_no_horizontal_scrolling(tmp_path: Path) -> None:
    report(tmp_path, days=12, pins=6, hostile=True)
    with open_page(tmp_path / "report.html", viewport={"width": 360, "height": 740}, has_touch=True) as page:
        drawn_shapes(page)
        assert page.evaluate("document.documentElement.scrollWidth") == 360


def test_the_menu_and_tables_work_from_the_keyboard(tmp_path: Path) -> None:
    report(tmp_path, days=12, pins=6)
    with open_page(tmp_path / "report.html") as page:
        drawn_shapes(page)
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.id") == "account"
        page.keyboard.press("ArrowDown")
        assert all(name.endswith("-1") for name in drawn_shapes(page))
        summary = page.locator("summary:visible").first
        summary.focus()
        page.keyboard.press("Enter")
        assert page.locator("details[open] td:visible").count() > 20


def test_charts_are_readable_in_dark_mode(tmp_path: Path) -> None:
    report(tmp_path, days=12, pins=6)
    with open_page(tmp_path / "report.html", color_scheme="dark") as page:
        drawn_shapes(page)
        colors = page.evaluate(
            "[...document.querySelectorAll('#gains-0-0 svg text, #followers-0-0 svg text')]"
            ".map(text => getComputedStyle(text).fill)"
        )
        assert set(colors) == {"rgb(165, 171, 179)", "rgb(232, 234, 237)"}


def test_the_age_of_the_data_is_counted_from_now(tmp_path: Path) -> None:
    report(tmp_path, days=2, pins=2)
    with open_page(tmp_path / "report.html") as page:
        assert page.locator("#stale").is_hidden()
        assert "yesterday, 30 Mar 2026; synced 3 hours ago" in page.locator("header").inner_text()
    with open_page(tmp_path / "report.html", now=NOW + timedelta(days=5)) as page:
        assert page.locator("#stale").is_visible()
        assert "Data up to 30 Mar 2026; synced 5 days ago" in page.locator("header").inner_text()
