"""The cost of reports: one page of five accounts, and one page per account for many small ones.

python -m benchmarks.reports [--accounts 500] [--days 60] [--pins 8]
"""

import argparse
import sys
import tempfile
from pathlib import Path

from benchmarks.processes import cost_of
from benchmarks.speed import verdict
from test_support.history import make_history, make_long_history

MAX_SECONDS = 12.0  # wall, for a page of five accounts
MAX_SECONDS_EACH = 1.0  # wall, per account
MAX_MEGABYTES = 1500.0


def main() -> None:
    """Print a Markdown table and the bounds; exit with 1 if one does not hold."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--accounts", type=int, default=500)
    parser.add_argument("--days", type=int, default=60)
    parser.add_argument(
        "--pins", type=int, default=8, help="of each account at first; it publishes one every third day"
    )
    options = parser.parse_args()
    command = [sys.executable, "-m", "oneup_pinterest.cli", "report", "--no-images", "--database"]
    with tempfile.TemporaryDirectory() as folder:
        five = make_long_history(Path(folder) / "five.duckdb", tuple(f"pin_{n}" for n in range(5)))
        page = cost_of([*command, five, "--output", Path(folder) / "report.html"])
        names = tuple(f"pin_account_{number}" for number in range(options.accounts))
        many = make_history(Path(folder) / "many.duckdb", names, options.days, options.pins)
        each = cost_of([*command, many, "--each", Path(folder) / "each"])
        size = sum(path.stat().st_size for path in (Path(folder) / "each").iterdir())
    print("| report | user + system s | wall s | peak MB |\n|---|---:|---:|---:|")
    print(f"| one page, 5 accounts, 90 days | {page.cpu:.1f} | {page.wall:.1f} | {page.megabytes:.0f} |")
    print(f"| one page per account, {options.accounts} | {each.cpu:.1f} | {each.wall:.1f} | {each.megabytes:.0f} |")
    print(f"\n{size / options.accounts / 1e6:.1f} MB per page of one account.\n")
    holds = [
        verdict("one page of 5 accounts, wall s", page.wall, MAX_SECONDS),
        verdict("per account, wall s", each.wall / options.accounts, MAX_SECONDS_EACH),
        verdict("peak MB", max(page.megabytes, each.megabytes), MAX_MEGABYTES),
    ]
    sys.exit(0 if all(holds) else 1)


if __name__ == "__main__":
    main()
