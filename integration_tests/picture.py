"""Makes docs/report.png from the demo's report with a real browser (`make picture`)."""

import sys
from pathlib import Path

from playwright.sync_api import sync_playwright

from integration_tests.airbyte import ROOT

REPORT = ROOT / "demo" / "report.html"
PICTURE = ROOT / "docs" / "report.png"
CHROMIUM = Path("/usr/bin/chromium")


def main() -> None:
    """Opens the report in Chromium and keeps its first screen."""
    if not REPORT.exists() or not CHROMIUM.exists():
        sys.exit("This needs the demo's report (`make demo`) and chromium (`apt-get install chromium`).")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_page(viewport={"width": 1040, "height": 1120}, color_scheme="light")
        page.goto(REPORT.as_uri())
        page.wait_for_selector("svg.marks, canvas.marks")
        page.wait_for_timeout(1500)  # the charts draw one after the other
        page.screenshot(path=str(PICTURE))
        browser.close()
    print(PICTURE)


if __name__ == "__main__":
    main()
