"""Measures every promise with many runs and prints them as a Markdown table (`--scale 1` is what the tests run)."""

import argparse
import sys
import time

from simulations.themes import THEMES

LONG = 10  # times as many runs as in the tests


def main() -> int:
    """Print the table; return 1 if a promise is broken."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scale", type=int, default=LONG, help="times as many runs as in the tests")
    parser.add_argument("--theme", choices=sorted(THEMES), help="only this one")
    arguments = parser.parse_args()
    print("| theme | promise | measured | bound | histories |\n|---|---|---|---|---|")
    kept = True
    for theme, promises in THEMES.items():
        if arguments.theme not in (None, theme):
            continue
        started = time.monotonic()
        for promise in promises(arguments.scale):
            sign = "≤" if promise.at_most else "≥"
            broken = "" if promise.is_kept else " **broken**"
            print(
                f"| {promise.theme} | {promise.what} | {promise.measured:.3f}{broken} | {sign} {promise.bound:g} "
                f"| {promise.runs:,} |",
                flush=True,
            )
            kept = kept and promise.is_kept
        print(f"{theme}: {time.monotonic() - started:.0f} s", file=sys.stderr)
    return 0 if kept else 1


if __name__ == "__main__":
    sys.exit(main())
