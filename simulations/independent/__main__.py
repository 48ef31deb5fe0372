"""Measure the methods on families of accounts that they were not tuned on, open and sealed ones side by side.

python -m simulations.independent [--runs 100] [--question change] [--open]

The sealed families were written together with the open ones, by somebody who had not read the methods, and nobody who
tuned a method has read or run them before the page of results was written.
"""

import argparse
import sys
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from typing import NamedTuple

import numpy as np
from scipy.stats import binomtest, norm

from simulations.change import Comparisons, Family, compared
from simulations.independent import Design
from simulations.independent.open_families import FAMILIES as OPEN
from simulations.independent.sealed_families import FAMILIES as SEALED


class Share(NamedTuple):
    """How many of the worlds of one family had what was looked for.

    oracle: the share that a test would find which knows how much its estimate varies in this family.
    """

    hits: int
    worlds: int
    oracle: float | None = None


class Measure(NamedTuple):
    """What is measured on each family, and its bound; the question is a choice of the command line."""

    question: str
    what: str
    bound: float
    at_most: bool
    of_family: Callable[[Family, int, int], Share]


def main() -> int:
    """Print a Markdown table; return 1 if a bound does not hold on the open or on the sealed families."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=100, help="worlds per family (default: %(default)s)")
    parser.add_argument("--question", choices=sorted({measure.question for measure in MEASURES}))
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
        if options.question in (None, measure.question):
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


def change_measures() -> Iterator[Measure]:
    """Yield the measures of the change of the typical pin."""
    question = "change"
    nulls = (
        ("28 days, 2 pins per day", Design()),
        ("28 days, 10 pins per day", Design(pins_per_day=10)),
        ("28 days, shared swings of 30%", Design(day_sd=0.3)),
        ("28 days, 10 pins per day, shared swings of 30%", Design(pins_per_day=10, day_sd=0.3)),
        ("28 days, 10 pins per day, shared swings of 15%", Design(pins_per_day=10, day_sd=0.15)),
        ("28 days, weekly batches of 14", Design(batch=14)),
        ("28 days, 26 weeks of history", Design(days=182)),
    )
    for name, design in nulls:
        yield Measure(question, f"{name}: false alarms", 0.06, True, _alarms(design, 28))
        yield Measure(question, "the same: 95% interval covers the truth", 0.93, False, _coverage(design, 28))
    week = Design(effect_days=7)
    yield Measure(question, "7 days, 8 weeks of history: false alarms", 0.06, True, _alarms(week, 7))
    for name, design, bound in (
        ("all gains × 1.5, log sd of reach 1.0", Design(effect=1.5), 0.6),
        ("all gains × 1.5, log sd of reach 1.5", Design(effect=1.5, log_sd=1.5), 0.45),
        ("all gains × 2, log sd of reach 1.0", Design(effect=2), 0.9),
        ("all gains × 2, log sd of reach 1.5", Design(effect=2, log_sd=1.5), 0.9),
        ("10 pins per day, all gains × 1.3", Design(effect=1.3, pins_per_day=10), 0.8),
        ("weekly batches of 14, all gains × 2", Design(effect=2, batch=14), 0.85),
        ("26 weeks of history, all gains × 1.5", Design(effect=1.5, days=182), 0.6),
    ):
        yield Measure(question, f"{name}: found", bound, False, _alarms(design, 28))


@cache
def _compared(family: Family, design: Design, runs: int, periods: int, seed: int) -> Comparisons:
    return compared([family], design, runs, periods=periods, seed=seed)


def _alarms(design: Design, periods: int) -> Callable[[Family, int, int], Share]:
    def share(family: Family, runs: int, seed: int) -> Share:
        found = _compared(family, design, runs, periods, seed)
        return Share(round(found.alarms * found.worlds), found.worlds, _oracle(found) if design.effect != 1 else None)

    return share


def _oracle(found: Comparisons) -> float:
    """Return the power of a z test at 5% that knows the standard deviation of the estimate; 0 without estimates."""
    if len(found.found) < 2:
        return 0.0
    truth = np.array(found.truths)
    deviation = np.std([change.estimate for change in found.found] - truth, ddof=1)
    return float(norm.cdf(np.abs(truth).mean() / max(deviation, 1e-9) - norm.ppf(0.975)))


def _coverage(design: Design, periods: int) -> Callable[[Family, int, int], Share]:
    def share(family: Family, runs: int, seed: int) -> Share:
        found = _compared(family, design, runs, periods, seed)
        return Share(round(found.coverage * len(found.found)), len(found.found))

    return share


MEASURES = tuple(change_measures())


if __name__ == "__main__":
    sys.exit(main())
