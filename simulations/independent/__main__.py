"""Measure the methods on families of accounts that they were not tuned on, open and sealed ones side by side.

python -m simulations.independent [--runs 100] [--question change words] [--open]

The sealed families were written together with the open ones, by somebody who had not read the methods, and nobody who
tuned a method has read or run them before the page of results was written.
"""

import argparse
import sys
from collections.abc import Mapping

import numpy as np
from scipy.stats import binomtest

from simulations.first_weeks import Family
from simulations.independent.measures import MEASURES, Measure
from simulations.independent.open_families import FAMILIES as OPEN
from simulations.independent.sealed_families import FAMILIES as SEALED


def main() -> int:
    """Print a Markdown table; return 1 if a bound does not hold on the open or on the sealed families."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=100, help="worlds per family (default: %(default)s)")
    questions = sorted({measure.question for measure in MEASURES})
    parser.add_argument("--question", nargs="+", choices=questions, default=questions)
    parser.add_argument("--open", action="store_true", help="leave the sealed families out, as while a method is tuned")
    options = parser.parse_args()
    halves = (OPEN, {}) if options.open else (OPEN, SEALED)
    print("Shares over all families of a half. In brackets: 95% binomial interval, number of worlds, worst family, and")
    print(
        "for what is to be found the share that a test would find which knew how much its estimate varies (oracle).\n"
    )
    print("| question | measured | bound | open families | sealed families |\n|---|---|---|---|---|")
    kept = True
    for measure in MEASURES:
        if measure.question in options.question:
            cells = [cell(measure, families, options.runs, half) for half, families in enumerate(halves)]
            sign = "≤" if measure.at_most else "≥"
            row = " | ".join(text for text, _ in cells)
            print(f"| {measure.question} | {measure.what} | {sign} {measure.bound:.0%} | {row} |", flush=True)
            kept &= all(is_kept for _, is_kept in cells)
    return 0 if kept else 1


def cell(measure: Measure, families: Mapping[str, Family], runs: int, half: int) -> tuple[str, bool]:
    """Return the cell of one half of the families, and whether the bound holds for their share."""
    shares = {
        name: measure.of_family(family, runs, 100 * half + place)
        for place, (name, family) in enumerate(families.items())
    }
    counted = {name: share for name, share in shares.items() if share.worlds}
    hits, worlds = (sum(share[place] for share in counted.values()) for place in (0, 1))
    if not worlds:
        return "none", True
    low, high = binomtest(hits, worlds).proportion_ci(method="wilson")
    order = max if measure.at_most else min
    worst = order(counted, key=lambda name: counted[name].hits / counted[name].worlds)
    share = hits / worlds
    is_kept = share <= measure.bound if measure.at_most else share >= measure.bound
    broken = "" if is_kept else " **broken**"
    oracles = [share.oracle for share in counted.values() if share.oracle is not None]
    oracle = f"; oracle {np.mean(oracles):.0%}" if oracles else ""
    text = f"{share:.1%}{broken} ({low:.1%} to {high:.1%}, n {worlds:,}; {worst} "
    return f"{text}{counted[worst].hits / counted[worst].worlds:.0%}{oracle})", is_kept


if __name__ == "__main__":
    sys.exit(main())
