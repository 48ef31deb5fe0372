"""The report in Chromium: every chart is drawn, the menu and the keyboard work, and hostile texts do nothing."""

import csv
import importlib.resources
import io
import re
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest

from oneup_pinterest.report import write_report
from test_support.browser import drawn_shapes, page_of, start_playwright
from test_support.history import HOSTILE_TEXT, NOW, make_history, make_long_history

pytestmark = pytest.mark.slow
AXE = importlib.resources.files("axe_playwright_python") / "axe.min.js"


class Reports:
    """Reports in one browser; each is written once."""

    def __init__(self, folder: Path, playwright: Any) -> None:
        self._folder, self._playwright = folder, playwright
        self._paths: dict[str, Path] = {}

    def write(self, make: Callable[..., Path] = make_history, **options: Any) -> Path:
        """Return the page of the history that `make` makes."""
        key = f"{make.__name__} {sorted(options.items())}"
        if key not in self._paths:
            database = make(self._folder / f"{len(self._paths)}.duckdb", **options)
            self._paths[key] = write_report(database, database.with_suffix(".html"))
        return self._paths[key]

    def open(self, path: Path, now: datetime = NOW, **context: Any) -> AbstractContextManager[Any]:
        return page_of(self._playwright, path, now, **context)


@pytest.fixture(scope="module")
def reports(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Reports]:
    with pytest.MonkeyPatch.context() as patch, start_playwright() as playwright:
        patch.setenv("ONEUP_PINTEREST_NOW", f"{NOW.isoformat()}+00:00")
        yield Reports(tmp_path_factory.mktemp("reports"), playwright)


@pytest.mark.parametrize("zone", ["America/Los_Angeles", "Pacific/Auckland"])
def test_every_chart_is_drawn_and_the_menu_switches_the_account(reports: Reports, zone: str) -> None:
    path = reports.write(days=12, pins=6, hostile=True)
    with reports.open(path, timezone_id=zone) as page:
        first = drawn_shapes(page)
        assert {name.partition("-")[0] for name in first} == {"change", "growth"}
        assert all(name.endswith("-0") for name in first)
        assert min(first.values()) >= 3
        labels = page.locator("#change-8-0 svg .role-axis-label text").all_text_contents()  # followers
        assert "31 Mar" in labels
        assert page.locator(".account h2:visible").first.inner_text() == "<b>Bad</b> Account 0 (@one)"
        page.get_by_label("Account", exact=True).select_option("account-1")
        second = drawn_shapes(page)
        assert {name[:-1] for name in second} == {name[:-1] for name in first}
        assert all(name.endswith("-1") for name in second)
        assert min(second.values()) >= 3
        assert page.locator(".account h2:visible").first.inner_text() == "<b>Bad</b> Account 1 (@two)"


def test_a_full_history_draws_every_chart_of_every_section(reports: Reports) -> None:
    path = reports.write(make_long_history, hostile=True)
    with reports.open(path) as page:  # fails on any warning of Vega
        first = drawn_shapes(page)
        sections = {name.rpartition("-")[0] for name in first}
        assert {"change-0", "change-4", "change-8", "growth-0", "growth-6", "publishing-0", "publishing-1"} <= sections
        assert len(first) >= 20
        assert page.evaluate("window.hacked") is None
        assert page.locator("#side-by-side svg").count() == 0, "charts are drawn when their question is opened"
        page.get_by_text("All accounts side by side").click()
        page.locator("#side-by-side svg").wait_for()


def test_hostile_texts_are_not_executed(reports: Reports) -> None:
    path = reports.write(days=12, pins=6, hostile=True)
    with reports.open(path) as page:
        drawn_shapes(page)
        assert page.evaluate("window.hacked") is None
        assert page.locator("img").count() == 0
        page.evaluate("for (const part of document.querySelectorAll('details')) part.open = true")
        shown = page.locator("td:visible, th:visible").all_inner_texts()
        assert any(text.startswith(HOSTILE_TEXT[:40]) for text in shown)


def test_a_phone_needs_no_horizontal_scrolling(reports: Reports) -> None:
    path = reports.write(days=12, pins=6, hostile=True)
    with reports.open(path, viewport={"width": 390, "height": 844}, has_touch=True) as page:
        drawn_shapes(page)
        assert page.evaluate("document.documentElement.scrollWidth") == 390


def test_the_open_questions_are_readable_on_a_phone_without_scrolling_their_table(reports: Reports) -> None:
    path = reports.write(make_long_history, accounts=("pin_one",))
    with reports.open(path, viewport={"width": 390, "height": 844}, has_touch=True) as page:
        page.get_by_role("link", name="When will I know").click()
        rows = page.locator("table.stack tbody tr")
        assert rows.count() > 2
        boxes = [cell.bounding_box() for cell in rows.first.locator("th, td").all()]
        assert all(box["x"] >= 0 and box["x"] + box["width"] <= 390 for box in boxes)
        assert page.evaluate("document.querySelector('.scroll:has(.stack)').scrollWidth") <= 358  # 390 less the margins


def test_the_menu_and_tables_work_from_the_keyboard(reports: Reports) -> None:
    path = reports.write(days=12, pins=6)
    with reports.open(path) as page:
        drawn_shapes(page)
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.id") == "account"
        page.keyboard.press("ArrowDown")
        assert all(name.endswith("-1") for name in drawn_shapes(page))
        summary = page.locator("summary:visible").first
        summary.focus()
        page.keyboard.press("Enter")
        assert page.locator("details[open] td:visible").count() > 5


def test_charts_are_readable_in_dark_mode(reports: Reports) -> None:
    path = reports.write(days=12, pins=6)
    with reports.open(path, color_scheme="dark") as page:
        drawn_shapes(page)
        colors = page.evaluate(
            "[...document.querySelectorAll('#change-4-0 svg text, #change-8-0 svg text')]"
            ".map(text => getComputedStyle(text).fill)"
        )
        assert set(colors) == {"rgb(165, 171, 179)", "rgb(232, 234, 237)"}


def test_the_age_of_the_data_is_counted_from_now(reports: Reports) -> None:
    path = reports.write(days=2, pins=2)
    with reports.open(path) as page:
        assert page.locator("#stale").is_hidden()
        assert "yesterday, 30 Mar 2026; synced 3 hours ago" in page.locator("header").inner_text()
    with reports.open(path, now=NOW + timedelta(days=5)) as page:
        assert page.locator("#stale").is_visible()
        assert "Data up to 30 Mar 2026; synced 5 days ago" in page.locator("header").inner_text()


def test_tabs_work_with_the_mouse_and_the_keyboard_and_without_scripts(reports: Reports) -> None:
    path = reports.write(make_long_history, accounts=("pin_one",))
    for context in ({}, {"java_script_enabled": False}):
        with reports.open(path, **context) as page:
            panels = page.locator("#account-0-top .panel")
            assert panels.count() == 7
            assert page.locator("#account-0-top .panel:visible").count() == 1
            page.locator("#account-0-top label", has_text="Clicks").click()
            assert " clicks" in page.locator("#account-0-top .panel:visible .card b").first.inner_text()
            page.keyboard.press("ArrowRight")
            assert "per 1,000" in page.locator("#account-0-top .panel:visible .card b").first.inner_text()
            page.locator("#account-0-top label", has_text="OneUp's lists").click()
            assert page.locator("#account-0-top .panel:visible .lists b").first.inner_text() == "No. 1"
            assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_page_without_scripts_shows_the_numbers_of_every_chart(reports: Reports) -> None:
    path = reports.write(days=12, pins=6)
    with reports.open(path, java_script_enabled=False) as page:
        assert page.get_by_text("JavaScript is off").is_visible()
        page.get_by_text("How many saves did each day gain?").first.click()
        page.locator(".question[open] summary", has_text="The numbers as a table").click()
        assert page.locator(".question[open] td:visible").count() > 10


def test_tables_sort_by_number_date_and_text(reports: Reports) -> None:
    path = reports.write(make_long_history, accounts=("pin_one",))
    with reports.open(path) as page:
        page.evaluate("for (const part of document.querySelectorAll('details')) part.open = true")
        table = page.locator("table", has=page.get_by_text("How many saves did each day gain?"))

        def column(place: int) -> list[str]:
            return [text.strip() for text in table.locator(f"tbody tr > :nth-child({place})").all_inner_texts()]

        table.locator("th button", has_text="Saves gained").click()
        gains = [float(text.replace(",", "")) for text in column(2) if text != "–"]
        assert gains == sorted(gains, reverse=True)
        assert table.locator("th[aria-sort=descending]").count() == 1
        table.locator("th button", has_text="Saves gained").click()
        gains = [float(text.replace(",", "")) for text in column(2) if text != "–"]
        assert gains == sorted(gains)
        table.locator("th button", has_text="Day").click()
        days = [datetime.strptime(text, "%d %b %Y") for text in column(1)]
        assert days == sorted(days, reverse=True)


def test_a_table_is_saved_as_csv_without_formulas(reports: Reports, tmp_path: Path) -> None:
    database = make_history(tmp_path / "history.duckdb", ("pin_one",), days=12, pins=6)
    with duckdb.connect(database) as connection:
        connection.execute("""UPDATE _pins SET text = '=HYPERLINK("https://example.com"), or' """)
    path = write_report(database, tmp_path / "report.html")
    with reports.open(path, accept_downloads=True) as page:
        page.evaluate("for (const part of document.querySelectorAll('details')) part.open = true")
        question = "Which pins have the most saves per impression?"
        with page.expect_download() as download:
            page.locator("table", has=page.get_by_text(question)).locator(".csv").click()
        assert download.value.suggested_filename == "Which_pins_have_the_most_saves_per_impression.csv"
        text = Path(download.value.path()).read_text(encoding="utf-8-sig")
    rows = list(csv.reader(io.StringIO(text)))
    assert rows[0][0] == "Pin"
    assert {row[0][0] for row in rows[1:]} == {"'"}
    assert all(re.fullmatch(r"-?[\d.]*", row[2]) for row in rows[1:]), "numbers have no separators"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_page_has_no_serious_accessibility_finding(reports: Reports, scheme: str) -> None:
    path = reports.write(make_long_history, hostile=True)
    with reports.open(path, color_scheme=scheme, bypass_csp=True) as page:
        drawn_shapes(page)
        page.add_script_tag(path=str(AXE))
        found = page.evaluate("axe.run(document, {resultTypes: ['violations']})")
    serious = [one for one in found["violations"] if one["impact"] in ("serious", "critical")]
    assert [(one["id"], one["nodes"][0]["html"][:200]) for one in serious] == []
