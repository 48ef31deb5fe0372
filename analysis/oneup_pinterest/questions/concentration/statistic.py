"""Measure how unevenly counts are spread over pins: Lorenz curve, Gini coefficient, share of the top tenth.

Pins are compared at one age. Counters at different ages differ because the ages do, and gains of the same days would
still compare the first week of one pin with the third month of another.
"""

from typing import NamedTuple

import numpy as np
import polars as pl

from oneup_pinterest.history.account_history import AccountHistory
from oneup_pinterest.history.by_age import counters_at_age
from oneup_pinterest.history.loaded_history import computed_once
from oneup_pinterest.methods.frames import with_account
from oneup_pinterest.methods.types import Columns, Floats

AGE = 28  # days: most of a pin's saves are in, and a quarter's history has hundreds of such pins
TOP = 0.1
MIN_PINS = 50
MIN_TOTAL = 100  # counts: with fewer, most of the unevenness is chance
# Nominal level of the bootstrap-t interval from so many pins on. In heavy tails, few pins seldom include the one that
# carries the rest: a nominal 95% interval covers 80% at 50 pins, 88% at 100, 93% at 500 (lognormal, sigma 1.6). These
# levels bring it to 94 to 98% there, and to 87 to 95% in heavier tails (simulations/concentration.py).
LEVELS = ((50, 0.999), (100, 0.999), (300, 0.997), (1000, 0.99), (3000, 0.98))
DRAWS = 1999
MAX_CELLS = 2_000_000  # of a table of draws and pins in memory at a time
LORENZ_POINTS = 101

_CONCENTRATION: Columns = {
    "age": pl.Int64,
    "pins": pl.Int64,
    "total": pl.Float64,
    "gini": pl.Float64,
    "gini_low": pl.Float64,
    "gini_high": pl.Float64,
    "top_share": pl.Float64,
    "top_low": pl.Float64,
    "top_high": pl.Float64,
    "without": pl.Int64,
    "reason": pl.String,
}
_LORENZ: Columns = {"pins_share": pl.Float64, "total_share": pl.Float64}
_RANKED: Columns = {
    "rank": pl.Int64,
    "id": pl.String,
    "text": pl.String,
    "value": pl.Float64,
    "share": pl.Float64,
    "cumulative_share": pl.Float64,
}


class Spread(NamedTuple):
    """Gini coefficient and top share of each row of sorted values, with their standard errors."""

    gini: Floats
    gini_error: Floats
    top: Floats
    top_error: Floats


@computed_once
def concentration(history: AccountHistory, metric: str = "saves", age: int = AGE, *, seed: int = 0) -> pl.DataFrame:
    """Measure how much of the counts at an age (days) a few pins hold.

    One row per account. Columns:

    - social_network_id; age: days; pins: number seen at that age; total: count of all of them
    - gini: Gini coefficient, 0 if all pins have the same, near 1 if one has everything; corrected by n/(n-1) (Deltas,
      Review of Economics and Statistics 85, 2003). Chance in small counts is part of it
    - top_share: share of the total (0 to 1) that the best tenth of the pins holds
    - gini_low, gini_high, top_low, top_high: interval by bootstrap-t over pins on the scale of log(1 - share)
      (Davison and Hinkley, Bootstrap Methods, 5.2), at a higher nominal level where pins are few: it then covers
      94 to 98% in heavy tails (lognormal, sigma 1.6), and 87 to 95% in heavier ones (lognormal, sigma 2.2; Pareto with
      infinite variance). Where the logarithm itself has heavy tails (Student's t), most of the total is in pins larger
      than any of the sample, and it covers 55 to 65%: a bound from the tail's index would nearly always be 1.
      Below 50 pins it does not hold, and there is no figure
    - without: number of pins with a count of 0 at that age
    - reason: why there are no figures, else null: fewer than 50 pins or a total under 100, or no lifetime counter

    >>> from datetime import date, datetime
    >>> pins = pl.DataFrame({"social_network_id": "pin_a", "id": [f"{n:02}" for n in range(50)], "text": "Soup",
    ...     "timestamp": datetime(2026, 3, 1), "snapshot_date": date(2026, 3, 28), "format": "pin",
    ...     "media_type": "IMAGE", "saves": [100] * 5 + [10] * 45})
    >>> pins = pl.concat([pins, pins.with_columns(snapshot_date=date(2026, 3, 29))])
    >>> found = concentration(AccountHistory.from_pins(pins)).with_columns(pl.col(pl.Float64).round(3))
    >>> found.select("gini", "top_share", "without").row(0)
    (0.435, 0.526, 0)
    """

    if history.pins.is_empty():
        return with_account(history.social_network_id, None, _CONCENTRATION)
    row = (age, *_figures(_values(history, metric, age), history, metric, age, seed))
    rows = pl.DataFrame([row], schema=_CONCENTRATION, orient="row")
    return with_account(history.social_network_id, rows, _CONCENTRATION)


def lorenz_curve(history: AccountHistory, metric: str = "saves", age: int = AGE) -> pl.DataFrame:
    """Return the Lorenz curve of the counts at an age (days; Lorenz 1905).

    At most 101 rows, from (0, 0) to (1, 1); no rows where the total is 0. Columns: social_network_id; pins_share (0 to
    1, pins with the fewest counts first); total_share (0 to 1).
    """

    values = np.sort(_values(history, metric, age))
    if not values.sum():
        return with_account(history.social_network_id, None, _LORENZ)
    held = np.concatenate([[0.0], np.cumsum(values)]) / values.sum()
    at = np.unique(np.round(np.linspace(0, len(values), min(len(values) + 1, LORENZ_POINTS))).astype(np.int64))
    curve = pl.DataFrame({"pins_share": at / len(values), "total_share": held[at]})
    return with_account(history.social_network_id, curve, _LORENZ)


def largest_pins(history: AccountHistory, metric: str = "saves", age: int = AGE, limit: int = 20) -> pl.DataFrame:
    """Return the pins with the most counts at an age (days), and their share of the total, for a Pareto chart.

    At most `limit` rows. Columns: social_network_id; rank (from 1); id; text (as last seen); value (count; a fraction
    where interpolated); share, cumulative_share (0 to 1, of all pins' total at that age).
    """

    ranked = (
        counters_at_age(history, age, [metric])
        .sort("value", "id", descending=[True, False])
        .with_columns(share=pl.col("value") / pl.col("value").sum(), rank=pl.int_range(1, pl.len() + 1))
        .with_columns(cumulative_share=pl.col("share").cum_sum())
        .filter(pl.col("value") > 0)
        .head(limit)
    )
    return with_account(history.social_network_id, ranked, _RANKED)


def gini_of(values: Floats) -> float:
    """Return the Gini coefficient of some counts, corrected by n/(n-1) (Deltas 2003).

    >>> gini_of(np.array([1.0, 1.0, 1.0])), gini_of(np.array([0.0, 0.0, 6.0]))
    (0.0, 1.0)
    """
    return float(_spread(np.sort(values)[None]).gini[0])


def _values(history: AccountHistory, metric: str, age: int) -> Floats:
    values: Floats = counters_at_age(history, age, [metric])["value"].to_numpy().astype(np.float64)
    return values


def _figures(values: Floats, history: AccountHistory, metric: str, age: int, seed: int) -> tuple[object, ...]:
    pins, total = len(values), float(values.sum())
    reason = None
    if history.counter_type(metric) not in (None, "lifetime"):
        reason = f"the counter of {metric} is not one of a pin's whole life"
    elif pins < MIN_PINS:
        reason = f"at least {MIN_PINS} pins seen at age {age} are needed, and there are {pins}"
    elif total < MIN_TOTAL:
        reason = f"at least {MIN_TOTAL} {metric} in all at age {age} are needed, and there are {total:.0f}"
    if reason is not None:
        return pins, total, *[None] * 6, int((values == 0).sum()), reason
    gini, top = intervals(np.sort(values), seed)
    return pins, total, *gini, *top, int((values == 0).sum()), None


def intervals(values: Floats, seed: int = 0) -> tuple[tuple[float, float, float], tuple[float, float, float]]:
    """Return Gini coefficient and top share of sorted values, each with the two bounds of its interval."""
    rng = np.random.default_rng(seed)
    pins = len(values)
    level = max(LEVELS[0], *(pair for pair in LEVELS if pair[0] <= pins))[1]
    measured = _spread(values[None])
    step = max(1, MAX_CELLS // pins)
    parts = []
    for start in range(0, DRAWS, step):
        drawn = rng.integers(0, pins, (min(step, DRAWS - start), pins), dtype=np.int32)
        drawn.sort(axis=1)
        parts.append(_spread(values[drawn]))
    drawn_spread = Spread(*(np.concatenate(columns) for columns in zip(*parts, strict=True)))
    return (
        _interval(measured.gini[0], measured.gini_error[0], drawn_spread.gini, drawn_spread.gini_error, level),
        _interval(measured.top[0], measured.top_error[0], drawn_spread.top, drawn_spread.top_error, level),
    )


def _interval(value: float, error: float, draws: Floats, errors: Floats, level: float) -> tuple[float, float, float]:
    """Return the bootstrap-t interval on the scale of log(1 - value)."""
    with np.errstate(all="ignore"):
        distance = (np.log1p(-draws) - np.log1p(-value)) / (errors / (1 - draws))
    known = distance[np.isfinite(distance)]
    if not (0 <= value < 1) or error <= 1e-12 or not len(known):  # all pins are equal, or one has everything
        return value, value, value
    low, high = np.quantile(known, [(1 - level) / 2, (1 + level) / 2])
    ends = 1 - np.exp(np.log1p(-value) - np.array([low, high]) * error / (1 - value))
    return float(value), float(np.clip(ends[0], 0, 1)), float(np.clip(ends[1], 0, 1))


def _spread(ordered: Floats) -> Spread:
    """Return each row's figures, with errors from influence functions (Cowell and Flachaire 2007)."""
    pins = ordered.shape[1]
    total = ordered.sum(axis=1)
    with np.errstate(all="ignore"):
        mean = (total / pins)[:, None]
        below = (np.arange(1, pins + 1) - 0.5) / pins
        held = np.cumsum(ordered, axis=1) - ordered / 2
        distance = ordered * (2 * below - 1) + mean - 2 * held / pins  # mean distance of each pin from the others
        half = distance.mean(axis=1)[:, None] / 2
        gini = np.maximum(half / mean, 0)[:, 0] * pins / max(pins - 1, 1)
        influence = (distance - 2 * half) / mean - half / mean**2 * (ordered - mean)
        gini_error = np.sqrt((influence**2).sum(axis=1) / max(pins - 1, 1) / pins)
        whole = int(TOP * pins)  # a fraction of the next pin completes the tenth
        edge = ordered[:, pins - whole - 1]
        top = (ordered[:, pins - whole :].sum(axis=1) + (TOP * pins - whole) * edge) / total
        edge = edge[:, None]
        influence = ((ordered - edge) * (ordered <= edge) + (1 - TOP) * edge - ordered * (1 - top)[:, None]) / mean
        influence -= influence.mean(axis=1)[:, None]
        top_error = np.sqrt((influence**2).sum(axis=1) / max(pins - 1, 1) / pins)
    return Spread(gini, gini_error, top, top_error)
