"""Write docs/pictures/: the report in six states and four looks, with a real browser.

python -m tools.report_states [STATE…]    (without a state: all)

Needs chromium, and takes about two minutes. Look at each picture before you commit it.
"""

import os
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

from oneup_pinterest.demo import demo
from oneup_pinterest.report import write_report
from test_support.browser import open_browser
from test_support.history import NOW, make_history
from test_support.paths import ROOT

PICTURES = ROOT / "docs" / "pictures"
QUALITY = 50  # of JPEG: small enough for a repository, and every word can be read


class Look(NamedTuple):
    """A kind of screen, or paper."""

    width: int
    height: int
    scheme: str
    media: str


LOOKS = {
    "desktop": Look(1040, 2000, "light", "screen"),
    "phone": Look(390, 1600, "light", "screen"),
    "dark": Look(1040, 2000, "dark", "screen"),
    "print": Look(794, 2246, "light", "print"),  # two pages of A4
}


def _demo(days: int) -> Callable[[Path], None]:
    return lambda folder: demo(folder / "history.duckdb", folder / "report.html", days)


def _made(**options: Any) -> Callable[[Path], None]:
    def make(folder: Path) -> None:
        os.environ["ONEUP_PINTEREST_NOW"] = f"{NOW.isoformat()}+00:00"
        write_report(make_history(folder / "history.duckdb", **options), folder / "report.html")
        del os.environ["ONEUP_PINTEREST_NOW"]

    return make


STATES = {
    "day-1": _demo(1),
    "day-10": _demo(10),
    "day-60": _demo(60),
    "one-pin": _made(accounts=("pin_one",), days=2, pins=1),
    "no-pins": _made(accounts=("pin_one",), days=2, pins=0),
    "50-accounts": _made(accounts=tuple(f"pin_{number}" for number in range(50)), days=20, pins=4),
}


def main() -> None:
    """Write all pictures and print their paths and sizes."""
    PICTURES.mkdir(exist_ok=True)
    for state, make in STATES.items():
        if sys.argv[1:] and state not in sys.argv[1:]:
            continue
        with TemporaryDirectory() as folder:
            make(Path(folder))
            for name, look in LOOKS.items():
                target = PICTURES / f"{state}-{name}.jpg"
                _photograph(Path(folder) / "report.html", target, look, None if state.startswith("day-") else NOW)
                print(f"{target} ({target.stat().st_size:,} bytes)")


def _photograph(page_file: Path, target: Path, look: Look, now: datetime | None) -> None:
    """Save the top of a page, opened at `now` (UTC); the demo's history ends today."""
    size = {"width": look.width, "height": look.height}
    with open_browser(("file:", "data:"), viewport=size, color_scheme=look.scheme) as browser:
        page = browser.new_page()
        if now is not None:
            page.clock.set_fixed_time(now.replace(tzinfo=UTC))
        page.emulate_media(media=look.media)
        page.goto(page_file.as_uri())
        page.screenshot(path=str(target), type="jpeg", quality=QUALITY)


if __name__ == "__main__":
    main()
