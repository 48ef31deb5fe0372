"""How pins grow with age: curves of the same pins from their first day to a horizon, and how far such curves reach.

At each age, different pins are there to be seen: young pins are not yet that old, and pins published before the first
sync are first seen old. A median over all of them mixes the growth of pins with the change of the pins, so every figure
here is of one fixed set: pins that were followed from the start to a horizon. Which pins belong to it is decided by
days of publication and of syncs, not by how a pin did; so it stands for all pins published in those days.

Counters are taken as each snapshot had them. Pinterest restates its last two days, so the first two ages come out a
little low.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import polars as pl

from oneup_pinterest.history.account_history import AccountHistory
from oneup_pinterest.history.by_age import counters_by_early_age
from oneup_pinterest.history.loaded_history import computed_once
from oneup_pinterest.methods.frames import with_account
from oneup_pinterest.methods.types import Columns, Floats

HORIZONS = (7, 30, 90)  # days; the API is asked for pins of the last 90 days, so older ages are rarely seen
MIN_PINS = 5  # fewer have no quartiles to speak of
MIN_PINS_TAILS = 20  # with fewer, the outer tenths are one pin each
# Saves (or clicks...) at the horizon; shares of fewer move in jumps, and a half-life of fewer comes out 6% too short
MIN_COUNT = 20
MAX_MISFIT = 0.05  # share of the horizon's value by which a fitted curve may miss the median

_FOLLOWED: Columns = {
    "horizon": pl.Int64,
    "pins": pl.Int64,
    "too_young": pl.Int64,
    "unobserved": pl.Int64,
    "lost": pl.Int64,
}
_FIGURES = ("median", "low", "high", "p10", "p25", "p75", "p90")
_CURVES: Columns = {
    "measure": pl.String,
    "horizon": pl.Int64,
    "age": pl.Int64,
    "pins": pl.Int64,
    **dict.fromkeys(_FIGURES, pl.Float64),
}
_FIT: Columns = {
    "horizon": pl.Int64,
    "scale_days": pl.Float64,
    "shape": pl.Float64,
    "misfit": pl.Float64,
    "reason": pl.String,
}


class Curves(NamedTuple):
    """The pins of one account and metric, with regard to a horizon of H days.

    - ids, values: pins followed from the start to H, and their counters at ages 0 (where it is 0) to H, by column
    - lost_at, lost: pins that were not seen any more although they are old enough: the last age at which each was
      seen, and its counters up to there (constant after it)
    - too_young: number of pins not yet H days old at the last sync
    - unobserved: number of pins first seen too old, or with too long a gap
    """

    ids: list[str]
    values: Floats
    lost_at: npt.NDArray[np.int64]
    lost: Floats
    too_young: int
    unobserved: int


def max_gap(horizon: int) -> int:
    """Return days that may lie between two sights of a pin, and before the first, for its curve to a horizon.

    >>> [max_gap(horizon) for horizon in HORIZONS]
    [2, 3, 9]
    """
    return max(2, horizon // 10)


@computed_once
def curves_to(history: AccountHistory, metric: str, horizon: int) -> Curves:
    """Return `followed_curves` of the account's pins."""
    seen = counters_by_early_age(history, metric, max(horizon, *HORIZONS))
    return followed_curves(seen, history.pins["snapshot_date"].max(), horizon)


def followed_curves(seen: pl.DataFrame, last_sync: object, horizon: int) -> Curves:
    """Return curves of the pins of one account and metric; `seen` is what `counters_by_age` returns, `last_sync` the
    account's last day with a snapshot.

    Between two sights a counter is interpolated linearly, and from 0 at age 0 to the first one; nothing is
    extrapolated. Metrics that are no lifetime counters have no curves.
    """
    most = max_gap(horizon)
    if seen.is_empty() or last_sync is None:
        nothing = np.zeros((0, horizon + 1))
        return Curves([], nothing, np.zeros(0, np.int64), nothing, 0, 0)
    # sorted by pin and age
    before = pl.when(pl.col("id") == pl.col("id").shift(1)).then(pl.col("age").shift(1)).otherwise(0)
    seen = (
        seen.with_columns(before=before)
        .filter(pl.col("before") < horizon)  # one sight at or after the horizon is enough
        .with_columns(
            now=(pl.lit(last_sync) - pl.col("snapshot_date")).dt.total_days() + pl.col("age"),
            gap=pl.col("age") - pl.col("before"),
        )
    )
    each = seen.group_by("id", maintain_order=True).agg(
        last=pl.col("age").max(), now=pl.col("now").last(), gap=pl.col("gap").max()
    )
    is_old, is_whole = pl.col("now") >= horizon, pl.col("gap") <= most
    counts = each.select(young=(~is_old).sum(), gaps=(is_old & ~is_whole).sum()).row(0)
    chosen = each.filter(is_old & is_whole).sort("id")
    values = _on_grid(seen.join(chosen, on="id", how="semi").sort("id", "age"), chosen["id"].to_list(), horizon)
    is_lost = (chosen["last"] < horizon).to_numpy()
    return Curves(
        chosen.filter(pl.col("last") >= horizon)["id"].to_list(),
        values[~is_lost],
        chosen["last"].to_numpy()[is_lost].astype(np.int64),
        values[is_lost],
        *counts,
    )


def followed_pins(history: AccountHistory, metric: str = "saves") -> pl.DataFrame:
    """Return how many pins could be followed from their first day to each horizon.

    One row per account and horizon of 7, 30 and 90 days. Columns: social_network_id, horizon (days); pins (followed
    to it, with no gap longer than 2, 3 and 9 days); too_young (not yet that old at the last sync); unobserved (first
    seen too late, or with a longer gap); lost (old enough, but not seen any more before the horizon). All are 0
    where the metric is no lifetime counter.

    >>> from datetime import date, datetime
    >>> pins = pl.DataFrame({
    ...     "social_network_id": "pin_a", "id": "1", "timestamp": datetime(2026, 3, 1, 9),
    ...     "snapshot_date": [date(2026, 3, day) for day in (2, 4, 6, 8)], "saves": [5, 7, 8, 10],
    ... })
    >>> followed_pins(AccountHistory.from_pins(pins)).select("horizon", "pins", "too_young").rows()
    [(7, 1, 0), (30, 0, 1), (90, 0, 1)]
    """

    if history.pins.is_empty():
        return with_account(history.social_network_id, None, _FOLLOWED)
    rows = []
    for horizon in HORIZONS:
        curves = curves_to(history, metric, horizon)
        rows.append((horizon, len(curves.ids), curves.too_young, curves.unobserved, len(curves.lost_at)))
    return with_account(history.social_network_id, pl.DataFrame(rows, schema=_FOLLOWED, orient="row"), _FOLLOWED)


@computed_once
def growth_curves(history: AccountHistory, metric: str = "saves", horizon: int = 30) -> pl.DataFrame:
    """Return what pins have at each age up to a horizon, from pins as `load_pins` returns them.

    The pins are the same at every age: those followed from their first day to the horizon. So the curve rises because
    pins grow and not because other pins are there (a median over all pins seen at each age is off by a factor where
    older pins did better or worse; `simulations/growth.py` measures both).

    One row per account, measure and age of 1 to `horizon` days, sorted by these. Columns:

    - social_network_id; measure: `count`, or `share` of what the pin has at the horizon (0 to 1; only of pins
      with at least 20 there, as smaller counts move in jumps); horizon, age (days)
    - pins: number of pins
    - median, and low, high: its 95% interval, from order statistics (exact whatever the distribution; Conover,
      Practical Nonparametric Statistics, 3.2). Null below 6 pins
    - p10, p25, p75, p90: the spread of the pins, not an uncertainty; p10 and p90 are null below 20 pins

    An account without 5 such pins has no rows.

    >>> from datetime import date, datetime
    >>> pins = pl.concat([pl.DataFrame({
    ...     "social_network_id": "pin_a", "id": str(number), "timestamp": datetime(2026, 3, 1, 9),
    ...     "snapshot_date": [date(2026, 3, day) for day in range(2, 9)],
    ...     "saves": [number * age for age in range(1, 8)]}) for number in range(1, 6)])
    >>> curve = growth_curves(AccountHistory.from_pins(pins), horizon=7).filter(pl.col("measure") == "count")
    >>> curve.select("age", "median", "p25", "p75").row(6)
    (7, 21.0, 14.0, 28.0)
    """

    values = curves_to(history, metric, horizon).values
    enough = values[values[:, -1] >= MIN_COUNT]
    frames = [
        _summary(measure, matrix, horizon)
        for measure, matrix in (("count", values), ("share", enough / enough[:, -1:]))
        if len(matrix) >= MIN_PINS
    ]
    return with_account(history.social_network_id, pl.concat(frames) if frames else None, _CURVES)


def growth_fit(curves: pl.DataFrame) -> pl.DataFrame:
    """Fit a curve to the median share: return s and k of K(1 - exp(-(age/s)^k)), fitted to the median share.

    `curves` is what `growth_curves` returns. One row per account with a curve of shares: social_network_id; horizon,
    scale_days (s; after s days a pin has 63% of K); shape (k; below 1 growth slows from the first day on); misfit
    (largest distance from the median, as a share of the value at the horizon); reason (why there is no fit, else
    null): it misses the median by more than 0.05 somewhere, or it does not converge. K is left out: where the curve
    still rises at the horizon, it would be an extrapolation.

    >>> ages = np.arange(1, 31)
    >>> share = (1 - np.exp(-((ages / 5) ** 0.8))) / (1 - np.exp(-((30 / 5) ** 0.8)))
    >>> curves = pl.DataFrame({"social_network_id": "pin_a", "measure": "share", "horizon": 30, "age": ages,
    ...     "median": share})
    >>> growth_fit(curves).select(pl.col("scale_days", "shape").round(2), "reason").row(0)
    (5.0, 0.8, None)
    """

    from scipy.optimize import curve_fit

    rows = curves.filter(pl.col("measure") == "share").sort("age")
    if rows.is_empty():
        return with_account("", None, _FIT)
    horizon = int(rows["horizon"][0])
    ages, median = rows["age"].to_numpy().astype(np.float64), rows["median"].to_numpy().astype(np.float64)

    def share(age: Floats, log_scale: float, log_shape: float) -> Floats:
        power = np.exp(log_shape)
        grown: Floats = np.expm1(-((age / np.exp(log_scale)) ** power)) / np.expm1(
            -((horizon / np.exp(log_scale)) ** power)
        )
        return grown

    try:
        bounds = ([np.log(0.05), np.log(0.1)], [np.log(20.0 * horizon), np.log(5.0)])
        found, _ = curve_fit(share, ages, median, p0=[np.log(horizon / 3), 0.0], bounds=bounds)
    except RuntimeError:
        row: tuple[object, ...] = (horizon, None, None, None, "the fit does not converge")
    else:
        misfit = float(np.abs(share(ages, *found) - median).max())
        if misfit > MAX_MISFIT:
            row = (horizon, None, None, misfit, f"the curve misses the median by {misfit:.0%} of the final value")
        else:
            row = (horizon, float(np.exp(found[0])), float(np.exp(found[1])), misfit, None)
    return with_account(rows["social_network_id"][0], pl.DataFrame([row], schema=_FIT, orient="row"), _FIT)


def median_interval_ranks(pins: int) -> tuple[int, int] | None:
    """Return the ranks (from 0) of the sorted values around the median at 95% confidence; None below 6 values.

    >>> median_interval_ranks(5), median_interval_ranks(6), median_interval_ranks(100)
    (None, (0, 5), (39, 60))
    """
    from scipy.stats import binom

    rank = int(binom.ppf(0.025, pins, 0.5))
    return (rank - 1, pins - rank) if rank else None


def _on_grid(seen: pl.DataFrame, ids: list[str], horizon: int) -> Floats:
    """Return counters at ages 0 to `horizon` of each pin, one row per pin; constant after its last sight."""
    if not ids:
        return np.zeros((0, horizon + 1))
    number = seen["id"].replace_strict(ids, range(len(ids)), return_dtype=pl.Int64).to_numpy()
    age = seen["age"].to_numpy()
    stride = 2 * horizon + 100  # of one line on which all pins lie one after another: longer than any sight or gap
    start = np.arange(len(ids))
    known = np.concatenate([start * stride, number * stride + age])
    values = np.concatenate([np.zeros(len(ids)), seen["value"].to_numpy().astype(np.float64)])
    order = np.argsort(known)
    known, values = known[order], values[order]
    wanted = start[:, None] * stride + np.arange(horizon + 1)
    last = np.zeros(len(ids), np.int64)
    np.maximum.at(last, number, age)
    wanted = np.minimum(wanted, (start * stride + last)[:, None])
    grid: Floats = np.interp(wanted.ravel(), known, values).reshape(wanted.shape)
    return grid


def _summary(measure: str, values: Floats, horizon: int) -> pl.DataFrame:
    pins = len(values)
    p10, p25, median, p75, p90 = np.quantile(values[:, 1:], [0.1, 0.25, 0.5, 0.75, 0.9], axis=0)
    ranks = median_interval_ranks(pins)
    ordered = np.sort(values[:, 1:], axis=0)
    nothing = pl.repeat(None, horizon, dtype=pl.Float64, eager=True)
    has_tails = pins >= MIN_PINS_TAILS
    return pl.DataFrame(
        {
            "measure": [measure] * horizon,
            "horizon": [horizon] * horizon,
            "age": np.arange(1, horizon + 1),
            "pins": [pins] * horizon,
            "median": median,
            "low": ordered[ranks[0]] if ranks else nothing,
            "high": ordered[ranks[1]] if ranks else nothing,
            "p10": p10 if has_tails else nothing,
            "p25": p25,
            "p75": p75,
            "p90": p90 if has_tails else nothing,
        },
        schema=_CURVES,
    )
