"""Glitches of counters, and true rises that look like one: how many are missed, and how many are touched.

python -m integration_tests.simulations.glitches [--runs 1000] writes docs/results/glitches.md.
"""

import argparse
import subprocess
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import polars as pl

from analysis.gains import daily_gains
from integration_tests.simulations import Promise
from integration_tests.simulations.worlds import LAST_SNAPSHOT

RESULTS = Path(__file__).parents[2] / "docs" / "results" / "glitches.md"
PINS, DAYS = 6, 30
METRICS = ("impressions", "saves")
MAX_ERROR_SHARE = 0.02
Counts = npt.NDArray[np.int64]


class History(NamedTuple):
    """Counters as they truly are, days x pins, by metric; and as they are seen."""

    true: dict[str, Counts]
    seen: dict[str, Counts]
    missing: list[int]  # days without a snapshot


def main() -> None:
    """Measure every variant and write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=1000, help="histories of each variant")
    runs = parser.parse_args().runs
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], cwd=RESULTS.parents[2], capture_output=True, text=True, check=True
    ).stdout.strip()
    lines = [
        "# Rises that are taken back, and rises that stay",
        "",
        f"Written by `python -m integration_tests.simulations.glitches --runs {runs}` on {datetime.now(UTC):%Y-%m-%d} "
        f"at commit {commit}. {PINS} pins on {DAYS} days, log-normal reach and daily swings.",
        "",
        "| history | error | share of histories | bound | histories |",
        "|---|---|---:|---:|---:|",
    ]
    lines += [
        f"| {one.what.rpartition(': ')[0]} | {one.what.rpartition(': ')[2]} | {one.measured:.3f} | ≤ {one.bound:g} | "
        f"{one.runs:,} |"
        for one in measured(runs)
    ]
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text("\n".join(lines) + "\n", encoding="utf-8")
    print("\n".join(lines))


def promises(scale: int) -> Iterator[Promise]:
    """What `measured` finds with few histories of each variant."""
    yield from measured(25 * scale)


def measured(runs: int) -> Iterator[Promise]:
    """The share of histories with an error, of each variant."""
    for seed, (what, glitch) in enumerate(GLITCHES.items()):
        rng = np.random.default_rng(seed)
        missed = [_is_wrong(glitch(rng, *_drawn(rng))) for _ in range(runs)]
        yield Promise("glitches", f"{what}: missed", float(np.mean(missed)), MAX_ERROR_SHARE, True, runs)
    for seed, (what, rise) in enumerate(TRUE_RISES.items()):
        rng = np.random.default_rng(100 + seed)
        touched = [_is_wrong(rise(rng, *_drawn(rng))) for _ in range(runs)]
        yield Promise("glitches", f"{what}: touched", float(np.mean(touched)), MAX_ERROR_SHARE, True, runs)
    rng = np.random.default_rng(200)
    unmarked = [not _is_marked(_spike(rng, *_drawn(rng), at=DAYS - 1, length=1)) for _ in range(runs)]
    yield Promise(
        "glitches", "one counter of one pin, at the last observation: not marked as unconfirmed",
        float(np.mean(unmarked)), MAX_ERROR_SHARE, True, runs,
    )  # fmt: skip


def _drawn(rng: np.random.Generator) -> tuple[dict[str, Counts], int]:
    """True counters of old pins, and a pin to spoil."""
    reach, swings = rng.lognormal(3, 1.2, PINS), rng.lognormal(0, 0.3, (DAYS, 1))
    gains = rng.poisson(reach * swings * rng.lognormal(0, 0.2, (DAYS, PINS)))
    base = rng.poisson(reach * 60)
    saves = rng.binomial(gains, 0.03)
    counters = {
        "impressions": base + np.cumsum(gains, axis=0),
        "saves": rng.binomial(base, 0.03) + np.cumsum(saves, axis=0),
    }
    return counters, int(rng.integers(PINS))


def _spike(
    rng: np.random.Generator, true: dict[str, Counts], pin: int, *, at: int | None = None, length: int = 1,
    of_all: bool = False, of_both: bool = False, gap: int = 0,
) -> History:  # fmt: skip
    """Counters 5 to 10,000 times as high on some days as they are, impressions alone unless of both."""
    start = int(rng.integers(1 + gap, DAYS - length)) if at is None else at
    seen = {metric: counts.copy() for metric, counts in true.items()}
    days, pins = slice(start, start + length), slice(None) if of_all else slice(pin, pin + 1)
    factor = 10 ** rng.uniform(0.7, 4)
    for metric in METRICS if of_both else METRICS[:1]:
        seen[metric][days, pins] = (seen[metric][days, pins] + 10) * factor
    return History(true, seen, list(range(start - gap, start)))


def _rise(
    rng: np.random.Generator, true: dict[str, Counts], pin: int, *, burst: int, gap: int = 0, of_all: bool = False
) -> History:
    """A viral rise over some days, 3 to 1,000 times what the pin had, that stays."""
    start = int(rng.integers(1 + gap, DAYS - burst))
    pins = slice(None) if of_all else slice(pin, pin + 1)
    risen = {metric: counts.copy() for metric, counts in true.items()}
    more = (risen["impressions"][start : start + 1, pins] * 10 ** rng.uniform(0.5, 3)).astype(np.int64)
    shares = np.cumsum(rng.dirichlet(np.ones(burst)))
    for day in range(start, DAYS):
        share = shares[min(day - start, burst - 1)]
        risen["impressions"][day, pins] += (more[0] * share).astype(np.int64)
        risen["saves"][day, pins] += (more[0] * share * 0.03).astype(np.int64)
    return History(risen, risen, list(range(start - gap, start)))


GLITCHES: dict[str, Callable[[np.random.Generator, dict[str, Counts], int], History]] = {
    "one counter of one pin, one day": lambda rng, true, pin: _spike(rng, true, pin),
    "two days": lambda rng, true, pin: _spike(rng, true, pin, length=2),
    "three days": lambda rng, true, pin: _spike(rng, true, pin, length=3),
    "all pins at once": lambda rng, true, pin: _spike(rng, true, pin, of_all=True),
    "all pins and both counters, two days": lambda rng, true, pin: _spike(
        rng, true, pin, length=2, of_all=True, of_both=True
    ),
    "after a gap of four days": lambda rng, true, pin: _spike(rng, true, pin, gap=4),
    "at the first observation": lambda rng, true, pin: _spike(rng, true, pin, at=0),
}
TRUE_RISES: dict[str, Callable[[np.random.Generator, dict[str, Counts], int], History]] = {
    "nothing wrong": lambda rng, true, pin: History(true, true, []),
    "a viral day that stays": lambda rng, true, pin: _rise(rng, true, pin, burst=1),
    "a viral week that stays": lambda rng, true, pin: _rise(rng, true, pin, burst=7),
    "a viral day after a gap": lambda rng, true, pin: _rise(rng, true, pin, burst=1, gap=4),
    "a viral day of all pins": lambda rng, true, pin: _rise(rng, true, pin, burst=1, of_all=True),
}


def _gains(history: History) -> pl.DataFrame:
    """The daily gains of what was seen."""
    days = [LAST_SNAPSHOT - timedelta(days=DAYS - 1 - day) for day in range(DAYS)]
    pins = pl.DataFrame(
        {
            "social_network_id": "pin_world",
            "id": [str(pin) for _ in range(DAYS) for pin in range(PINS)],
            "timestamp": datetime(2025, 1, 1),
            "day": [day for day in range(DAYS) for _ in range(PINS)],
            "snapshot_date": [day for day in days for _ in range(PINS)],
            **{metric: counts.ravel() for metric, counts in history.seen.items()},
        }
    ).filter(~pl.col("day").is_in(history.missing))
    return daily_gains(pins.drop("day"), METRICS)


def _is_wrong(history: History) -> bool:
    """Whether any pin gained, over the history or on a day of its own, what it did not gain."""
    gains = _gains(history)
    for metric in METRICS:
        true = history.true[metric]
        for pin in range(PINS):
            mine = gains.filter((pl.col("metric") == metric) & (pl.col("id") == str(pin)))
            whole = int(true[-1, pin] - true[0, pin])
            known = mine["gain"].sum()
            if mine["fall"].null_count() < mine.height:  # the gain of that day is unknown: never too much
                if known > whole + 0.01:
                    return True
            elif abs(known - whole) > 0.01:
                return True
            if history.true is history.seen and mine["is_imputed"].sum() != (len(history.missing) + 1) * bool(
                history.missing
            ):
                return True
    return False


def _is_marked(history: History) -> bool:
    return bool(_gains(history)["is_unconfirmed"].any())


if __name__ == "__main__":
    main()
