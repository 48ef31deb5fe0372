"""Measure every promise with many runs and print a Markdown table (the tests run `--scale 1`)."""

import argparse
import sys
import time

from simulations.questions import QUESTIONS

DEFAULT_SCALE = 10  # multiple of the runs in the tests


def main() -> int:
    """Print the table; return 1 if a promise is broken."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--scale", type=int, default=DEFAULT_SCALE, help="multiple of the runs in the tests (default: %(default)s)"
    )
    parser.add_argument("--question", choices=sorted(QUESTIONS), help="measure only this question")
    arguments = parser.parse_args()
    print("| question | promise | measured | bound | histories |\n|---|---|---|---|---|")
    kept = True
    for question, promises in QUESTIONS.items():
        if arguments.question not in (None, question):
            continue
        started = time.monotonic()
        for promise in promises(arguments.scale):
            sign = "≤" if promise.at_most else "≥"
            broken = "" if promise.is_kept else " **broken**"
            print(
                f"| {promise.question} | {promise.what} | {promise.measured:.3f}{broken} | {sign} {promise.bound:g} "
                f"| {promise.runs:,} |",
                flush=True,
            )
            kept = kept and promise.is_kept
        print(f"{question}: {time.monotonic() - started:.0f} s", file=sys.stderr)
    return 0 if kept else 1


if __name__ == "__main__":
    sys.exit(main())
