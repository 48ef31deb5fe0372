"""Write docs/report.png and docs/notebook.png from the demo with a real browser (`make picture`)."""

import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from integration_tests.jupyterlab import open_notebook, run_all_cells, run_jupyterlab
from test_support.browser import CHROMIUM, open_browser
from test_support.paths import ROOT

REPORT = ROOT / "demo" / "report.html"
DATABASE = ROOT / "demo" / "oneup_pinterest.duckdb"
NOTEBOOK = "02_pin_growth_and_half_life.ipynb"
MAX_BYTES = 400_000  # per picture, so that the README opens quickly
SCREEN = {"width": 1040, "height": 1360}


def main() -> None:
    """Write both pictures and print their paths."""
    if not REPORT.exists() or not DATABASE.exists() or not CHROMIUM.exists():
        sys.exit("This needs the demo (`make demo`) and chromium (`apt-get install chromium`).")
    for picture in (
        picture_of_report(ROOT / "docs" / "report.png"),
        picture_of_notebook(ROOT / "docs" / "notebook.png"),
    ):
        size = picture.stat().st_size
        print(f"{picture} ({size:,} bytes)")
        if size > MAX_BYTES:
            sys.exit(f"{picture.name} is larger than {MAX_BYTES:,} bytes.")


def picture_of_report(target: Path) -> Path:
    """Save the first screen of the demo's report."""
    with open_browser(("file:", "data:"), viewport=SCREEN, color_scheme="light") as browser:
        page = browser.new_page()
        page.goto(REPORT.as_uri())
        page.wait_for_selector(".tile .spark")
        page.screenshot(path=str(target))
    return target


def picture_of_notebook(target: Path) -> Path:
    """Save a notebook in JupyterLab, with its first chart in the middle."""
    with (
        TemporaryDirectory() as folder,
        run_jupyterlab(Path(folder), DATABASE) as address,
        open_browser((address, "data:", "blob:"), viewport=SCREEN) as browser,
    ):
        page = open_notebook(browser, address, NOTEBOOK)
        page.keyboard.press("Control+b")  # hide the list of files
        run_all_cells(page)
        chart = page.locator(".jp-OutputArea canvas").first
        chart.wait_for()
        chart.evaluate("canvas => canvas.scrollIntoView({block: 'center'})")
        page.wait_for_timeout(1500)  # the charts are drawn one after the other
        page.screenshot(path=str(target))
    return target


if __name__ == "__main__":
    main()
