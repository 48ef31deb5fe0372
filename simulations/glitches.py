"""Promises about glitches of counters, and about true rises that look like glitches: missed and wrongly corrected ones.

python -m simulations.glitches [--runs 1000]
"""

import argparse
import sys
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, time, timedelta
from functools import partial
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import polars as pl

from oneup_pinterest.history.gains import daily_gains
from oneup_pinterest.history.loaded_history import LoadedHistory
from oneup_pinterest.history.observations import consecutive_observations
from simulations import Promise
from simulations.worlds import LAST_SNAPSHOT

PINS, DAYS = 6, 30
METRICS = ("impressions", "saves")
MAX_ERROR_SHARE = 0.02
MAX_SMALL_SHARE = 0.35  # a spike of a few days' gains looks much like a good day that was restated
MIN_NAIVE_SHARE = 0.9
Counts = npt.NDArray[np.int64]
CAPTION = f"""\
{PINS} pins on {DAYS} days, log-normal reach and daily swings; half of the pins are published in between and gain most
in their first days.

Missed: the total gain of a pin is wrong, or a counter is reported as reset. Touched: a correct observation was left
out, or a gain was imputed. A spike of only a few days' gains looks like a good day that was restated; if it is missed,
it is counted once, or one day is unknown.

| history | error | share of histories | bound | histories |
|---|---|---:|---:|---:|"""


class History(NamedTuple):
    """True and observed counters by metric, days x pins.

    `born`: the first day on which each pin is observed; pins of day 0 are old. `missing`: days without a snapshot.
    """

    true: dict[str, Counts]
    seen: dict[str, Counts]
    born: Counts
    missing: tuple[int, ...] = ()


def main() -> None:
    """Print a Markdown table of every variant; exit with 1 if a bound does not hold."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=1000, help="histories per variant")
    print(CAPTION)
    found = list(measured(parser.parse_args().runs))
    for promise in found:
        variant, error = promise.what.rsplit(": ", 1)
        sign = "≤" if promise.at_most else "≥"
        print(f"| {variant} | {error} | {promise.measured:.3f} | {sign} {promise.bound:g} | {promise.runs:,} |")
    sys.exit(not all(promise.is_kept for promise in found))


def promises(scale: int) -> Iterator[Promise]:
    """Yield the promises of `measured` with few histories per variant."""
    yield from measured(200 * scale)


def measured(runs: int) -> Iterator[Promise]:
    """Yield the share of histories with an error, per variant. The texts seed the generators."""
    naive_variants = {what: GLITCHES[what] for what in (ONE_DAY, NEW)}
    for error, variants, is_wrong, bound in (
        ("missed", GLITCHES, _are_missed, MAX_ERROR_SHARE),
        ("gained too much", SMALL_GLITCHES, _are_too_large, MAX_SMALL_SHARE),
        ("touched", TRUE_RISES, _are_touched, MAX_ERROR_SHARE),
        ("not marked as unconfirmed", UNCONFIRMED, _are_unmarked, MAX_ERROR_SHARE),
        ("too large by a naive sum of rises", naive_variants, _are_naively_wrong, MIN_NAIVE_SHARE),
    ):
        for what, variant in variants.items():
            rng = np.random.default_rng(list(f"{what} {error}".encode()))
            histories = [variant(rng, *_draw_counters(rng)) for _ in range(runs)]
            share = is_wrong(histories) / runs
            yield Promise("glitches", f"{what}: {error}", share, bound, bound != MIN_NAIVE_SHARE, runs)


def _draw_counters(rng: np.random.Generator) -> tuple[dict[str, Counts], Counts, int]:
    """Return the true counters of pins, half of them published in between; their first days; a pin to damage."""
    reach, swings = rng.lognormal(3, 1.2, PINS), rng.lognormal(0, 0.3, (DAYS, 1))
    born = np.where(np.arange(PINS) < PINS // 2, 0, rng.integers(4, DAYS - 8, PINS))
    age = np.arange(DAYS)[:, None] - born
    young = np.where(born > 0, 1 + 4 * np.exp(-np.maximum(age, 0) / 3), 1)  # new pins gain most in their first days
    gains = rng.poisson(reach * swings * young * rng.lognormal(0, 0.2, (DAYS, PINS))) * (age >= 0)
    base = rng.poisson(reach * 60) * (born == 0)
    counters = {
        "impressions": base + np.cumsum(gains, axis=0),
        "saves": rng.binomial(base, 0.03) + np.cumsum(rng.binomial(gains, 0.03), axis=0),
    }
    return counters, born, int(rng.integers(PINS // 2))


def _spike(
    rng: np.random.Generator,
    true: dict[str, Counts],
    born: Counts,
    pin: int,
    *,
    at: int | None = None,
    length: int = 1,
    of_all: bool = False,
    of_both: bool = False,
    gap: int = 0,
    is_new: bool = False,
    factors: tuple[float, float] = (5, 10_000),
) -> History:
    """Return counters that are multiplied on some days: only impressions, unless `of_both`.

    A new pin is damaged from its first observation on.
    """
    pin = pin + PINS // 2 if is_new else pin
    start = int(rng.integers(1 + gap, DAYS - length)) if at is None else at
    start = int(born[pin]) if is_new else start
    seen = {metric: counts.copy() for metric, counts in true.items()}
    days, pins = slice(start, start + length), slice(None) if of_all else slice(pin, pin + 1)
    low, high = np.log10(factors)
    factor = 10 ** rng.uniform(low, high)
    for metric in METRICS if of_both else METRICS[:1]:
        seen[metric][days, pins] = (seen[metric][days, pins] + 10) * factor
    return History(true, seen, born, tuple(range(start - gap, start)))


def _small_spike(
    rng: np.random.Generator, true: dict[str, Counts], born: Counts, pin: int, *, days: tuple[float, float]
) -> History:
    """Return one counter of one pin that is too high by a few usual days' gains, for one to three days."""
    start, length = int(rng.integers(4, DAYS - 6)), int(rng.integers(1, 4))
    seen = {metric: counts.copy() for metric, counts in true.items()}
    usual = max(1.0, float(np.median(np.diff(true["impressions"][:, pin]))))
    seen["impressions"][start : start + length, pin] += int(usual * 10 ** rng.uniform(*np.log10(days)))
    return History(true, seen, born)


def _rise(
    rng: np.random.Generator,
    true: dict[str, Counts],
    born: Counts,
    pin: int,
    *,
    burst: int,
    gap: int = 0,
    of_all: bool = False,
    is_new: bool = False,
    restated: bool = False,
) -> History:
    """Return a viral rise over some days, of 3 to 1,000 times the earlier count, that stays.

    If it is restated, 5% to 40% of the gain of its last day are taken back one to three days later. The rise was real
    and must be counted as observed.
    """
    pin = pin + PINS // 2 if is_new else pin
    start = int(born[pin]) if is_new else int(rng.integers(1 + gap, DAYS - burst - 4))
    pins = slice(None) if of_all else slice(pin, pin + 1)
    risen = {metric: counts.copy() for metric, counts in true.items()}
    more = ((risen["impressions"][start, pins] + 10) * 10 ** rng.uniform(0.5, 3)).astype(np.int64)
    shares = np.cumsum(rng.dirichlet(np.ones(burst)))
    for day in range(start, DAYS):
        share = shares[min(day - start, burst - 1)]
        risen["impressions"][day, pins] += (more * share).astype(np.int64)
        risen["saves"][day, pins] += (more * share * 0.03).astype(np.int64)
    if of_all:  # only for pins that are published
        for counts in risen.values():
            counts *= np.arange(DAYS)[:, None] >= born
    if restated:
        last = more * np.diff(shares, prepend=0)[-1]
        back, since = (last * rng.uniform(0.05, 0.4)).astype(np.int64), start + burst - 1 + int(rng.integers(1, 4))
        risen["impressions"][since:, pins] -= back
    return History(risen, risen, born, tuple(range(start - gap, start)))


Variant = Callable[[np.random.Generator, dict[str, Counts], Counts, int], History]
ONE_DAY, NEW = "one counter of one pin, one day", "a new pin, at its first observation"
GLITCHES: dict[str, Variant] = {
    ONE_DAY: _spike,
    "two days": partial(_spike, length=2),
    "three days": partial(_spike, length=3),
    "all pins at once": partial(_spike, of_all=True),
    "all pins and both counters, two days": partial(_spike, length=2, of_all=True, of_both=True),
    "after a gap of four days": partial(_spike, gap=4),
    "an old pin, at the first observation": partial(_spike, at=0),
    NEW: partial(_spike, is_new=True),
    "a new pin, at its first two observations, both counters": partial(_spike, is_new=True, length=2, of_both=True),
    "one counter of one pin, by 5 to 50 days' gains": partial(_small_spike, days=(5, 50)),
}
SMALL_GLITCHES: dict[str, Variant] = {
    "one counter of one pin, by 1 to 5 days' gains": partial(_small_spike, days=(1, 5))
}
TRUE_RISES: dict[str, Variant] = {
    "nothing wrong": lambda rng, true, born, pin: History(true, true, born),
    "a viral day that stays": partial(_rise, burst=1),
    "a viral week that stays": partial(_rise, burst=7),
    "a viral day after a gap": partial(_rise, burst=1, gap=4),
    "a viral day of all pins": partial(_rise, burst=1, of_all=True),
    "a new pin that is viral at once": partial(_rise, burst=1, is_new=True),
    "a viral day, partly restated": partial(_rise, burst=1, restated=True),
    "a viral week, partly restated": partial(_rise, burst=7, restated=True),
    "a new pin that is viral at once, partly restated": partial(_rise, burst=1, is_new=True, restated=True),
}
UNCONFIRMED: dict[str, Variant] = {
    "one counter of one pin, at the last observation": partial(_spike, at=DAYS - 1),
    "one counter of one pin, at the last three observations": partial(_spike, at=DAYS - 3, length=3),
}


def _pins(histories: Sequence[History]) -> pl.DataFrame:
    """Return observations as `load_pins` does, one account per history; new pins were published the day before."""
    first = LAST_SNAPSHOT - timedelta(days=DAYS - 1)
    day, pin = (place.ravel() for place in np.indices((DAYS, PINS)))
    parts = []
    for number, history in enumerate(histories):
        is_seen = (day >= history.born[pin]) & ~np.isin(day, history.missing)
        parts.append(
            pl.DataFrame(
                {
                    "history": np.full(is_seen.sum(), number),
                    "pin": pin[is_seen],
                    "day": day[is_seen],
                    "born": history.born[pin[is_seen]],
                    **{metric: history.seen[metric].ravel()[is_seen] for metric in METRICS},
                }
            )
        )
    published = pl.lit(datetime.combine(first, time(9))) + pl.duration(days=pl.col("born") - 1)
    return pl.concat(parts).select(
        pl.format("{}", pl.col("history")).str.zfill(6).alias("social_network_id"),
        pl.col("pin").cast(pl.String).alias("id"),
        pl.when(pl.col("born") > 0).then(published).otherwise(datetime(2025, 1, 1)).alias("timestamp"),
        (pl.lit(first) + pl.duration(days="day")).cast(pl.Date).alias("snapshot_date"),
        *METRICS,
    )


def _are_missed(histories: Sequence[History]) -> int:
    """Return the number of histories in which the total gain of any pin is wrong or unknown."""
    return sum(any(not is_known or abs(more) > 0.01 for more, is_known in pins) for pins in _gained_more(histories))


def _are_too_large(histories: Sequence[History]) -> int:
    """Return the number of histories in which the total gain of any pin is too large."""
    return sum(any(more > 0.01 for more, _ in pins) for pins in _gained_more(histories))


def _gained_more(histories: Sequence[History]) -> Iterator[list[tuple[float, bool]]]:
    """Yield per history the error of the gain of each pin and metric, and whether the gain of every day is known."""
    keys = ("metric", "social_network_id", "id")
    sums = (
        daily_gains(LoadedHistory(_pins(histories)), METRICS)
        .group_by(keys)
        .agg(pl.col("gain").sum(), is_known=pl.col("fall").is_null().all())
    )
    known = {(metric, int(promise), int(pin)): (row[0], row[1]) for metric, promise, pin, *row in sums.iter_rows()}
    for number, history in enumerate(histories):
        yield [
            (gain - _whole(history, metric, pin), is_known)
            for metric in METRICS
            for pin in range(PINS)
            for gain, is_known in [known.get((metric, number, pin), (0.0, True))]
        ]


def _whole(history: History, metric: str, pin: int) -> int:
    """Return the true gain of a pin, for an old pin since its first correct observation."""
    true, seen = history.true[metric][:, pin], history.seen[metric][:, pin]
    return int(true[-1]) - (0 if history.born[pin] else int(true[int(np.argmax(seen == true))]))


def _are_touched(histories: Sequence[History]) -> int:
    """Return the number of histories in which a correct observation is left out, or a gain is imputed without a gap."""
    pins = _pins(histories)
    observations = consecutive_observations(LoadedHistory(pins), METRICS)
    left_out = pl.concat(observations.left_out.values()).join(observations.accounts, on="account")["social_network_id"]
    gaps = [
        (f"{number:06}", LAST_SNAPSHOT - timedelta(days=DAYS - 1 - day + back))
        for number, history in enumerate(histories)
        for day in history.missing
        for back in (0, 1)
    ]
    expected = pl.DataFrame(gaps, schema={"social_network_id": pl.String, "day": pl.Date}, orient="row")
    imputed = (
        daily_gains(LoadedHistory(pins), METRICS).filter("is_imputed").join(expected, on=expected.columns, how="anti")
    )
    return pl.concat([left_out, imputed["social_network_id"]]).n_unique()


def _are_unmarked(histories: Sequence[History]) -> int:
    marked = (
        daily_gains(LoadedHistory(_pins(histories)), METRICS).filter("is_unconfirmed")["social_network_id"].n_unique()
    )
    return len(histories) - marked


def _are_naively_wrong(histories: Sequence[History]) -> int:
    """Return the number of histories in which the naive sum of rises is too large for any pin."""
    return sum(any(_is_naively_wrong(history, metric) for metric in METRICS) for history in histories)


def _is_naively_wrong(history: History, metric: str) -> bool:
    true, seen, is_new = history.true[metric], history.seen[metric], history.born > 0
    rises = np.clip(np.diff(seen, axis=0, prepend=np.where(is_new, 0, seen[0])[None, :]), 0, None)
    return bool((rises.sum(axis=0) > true[-1] - np.where(is_new, 0, true[0])).any())


if __name__ == "__main__":
    main()
