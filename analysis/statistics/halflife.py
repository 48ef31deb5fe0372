"""How soon pins have half of what they have at a horizon, and how much of the gains comes from old pins."""

import warnings
from collections.abc import Sequence
from datetime import date, timedelta
from threading import Lock

import numpy as np
import polars as pl

from analysis.ages import counters_by_early_age
from analysis.gains import numbered_gains
from analysis.kinds import USABLE, counter_kinds
from analysis.readings import pins_as_last_seen
from analysis.remembered import remembered
from analysis.statistics import for_each_account
from analysis.statistics.growth import HORIZONS, LEAST_COUNT, Columns, Curves, Floats, followed_curves

LEAST_PINS = 20  # the interval of a median of fewer covers most of the range
# Chance in counts makes pins look faster than they are: with 20 counts and more, the median comes out about 3% short
# (integration_tests/simulations/growth.py), more than the interval is wide in many pins. So it ends this much later.
ALLOWANCE = 0.04
MOST_LOST = 0.1  # share of pins that may have vanished before the horizon: perhaps these were the slow ones
BANDS = ((1, 7), (8, 30), (31, 60), (61, 90), (91, None))  # ages in days, as `analysis.ages` counts them
EVERGREEN_DAYS = 30
LEAST_DAYS = 14
LEAST_GAIN = 30  # a share of fewer saves (or clicks...) is a matter of a handful
LEVEL = 0.98  # nominal: where a few pins carry most, bootstrap-t covers 88 to 92% at 95%, and 93 to 98% at this one
DRAWS = 1999
MOST_CELLS = 2_000_000  # of a table of draws and pins in memory at a time

_ALONE = Lock()  # what is ignored as a warning is one setting for all threads
_HALF_LIFE: Columns = {
    "horizon": pl.Int64, "half_life": pl.Float64, "low": pl.Float64, "high": pl.Float64, "pins": pl.Int64,
    "censored": pl.Int64, "too_young": pl.Int64, "unobserved": pl.Int64, "too_few": pl.Int64, "reason": pl.String,
}  # fmt: skip
_CURVE: Columns = {
    "horizon": pl.Int64, "age": pl.Float64, "share": pl.Float64, "low": pl.Float64, "high": pl.Float64,
    "at_risk": pl.Int64,
}  # fmt: skip
_SHARES: Columns = {
    "band": pl.String, "from_age": pl.Int64, "to_age": pl.Int64, "gain": pl.Float64, "share": pl.Float64,
    "low": pl.Float64, "high": pl.Float64, "pins": pl.Int64, "total": pl.Float64, "all_pins": pl.Int64,
    "days": pl.Int64, "first_day": pl.Date, "last_day": pl.Date, "oldest_age": pl.Int64, "reason": pl.String,
}  # fmt: skip
_WEEKLY: Columns = {"week": pl.Date, "band": pl.String, "from_age": pl.Int64, "gain": pl.Float64, "share": pl.Float64}


def half_lives(pins: pl.DataFrame, metric: str = "saves", horizons: Sequence[int] = HORIZONS) -> pl.DataFrame:
    """The age by which half of the pins have half of what they have at a horizon, from `load_pins`.

    A half-life depends on its horizon (for a counter that grows as log(1 + age): 4.6 days of 30, 8.5 of 90), so there
    is one for each of 7, 30 and 90 days. It is the median over pins of t50, the age at which a pin had half of its
    counter at the horizon: linear between two sights, and from 0 at age 0 (the day of publication ends at age 1).

    Which pins can be told at all is decided by days, not by how a pin did: those old enough at the last sync, seen
    from the start, without a long gap. Pins too young are left out: to call each censored at the age at which it had
    half of what it has now (a lower bound of its t50) ties the censoring to its own curve, fast pins are censored
    early, and Kaplan-Meier's estimate comes out too long; censored at their present age, far too long
    (`integration_tests/simulations/growth.py`). Only pins that vanished before the horizon are right-censored, at
    that lower bound.

    One row per account and horizon. Columns:

    - social_network_id; horizon (days)
    - half_life (days; null where there is none), low, high: 95% interval, where Kaplan-Meier's log-log interval holds
      one half (Brookmeyer and Crowley, Biometrics 38, 1982), ended 4% later, as chance in counts makes pins look
      faster than they are; `high` is null where it has no end
    - pins: used; censored: of these, vanished before the horizon
    - too_young, unobserved: left out, as in `followed_pins`; too_few: left out because they have fewer than 20 at the
      horizon. So the figure is about pins with at least 20
    - reason: why there is no half-life, else null

    >>> from datetime import date, datetime
    >>> pins = pl.concat([pl.DataFrame({
    ...     "social_network_id": "pin_a", "id": f"{number}", "timestamp": datetime(2026, 3, 1, 9),
    ...     "snapshot_date": [date(2026, 3, day) for day in range(2, 9)], "saves": [12, 16, 24, 28, 30, 32, 32],
    ... }) for number in range(20)])
    >>> half_lives(pins).select("horizon", "half_life", "pins", "reason").row(0)
    (7, 2.0, 20, None)
    """

    def each(part: pl.DataFrame) -> pl.DataFrame:
        seen, last_sync = counters_by_early_age(part, metric, max(*horizons, *HORIZONS)), part["snapshot_date"].max()
        return pl.concat([half_life_of(followed_curves(seen, last_sync, horizon), horizon) for horizon in horizons])

    return for_each_account(pins, each, _HALF_LIFE)


def half_life_curve(pins: pl.DataFrame, metric: str = "saves", horizon: int = 30) -> pl.DataFrame:
    """The share of pins that do not yet have half of what they have at the horizon, by age (Kaplan-Meier).

    One row per account and age at which the share falls, after one at age 0. Columns: social_network_id; horizon, age
    (days); share (0 to 1), low, high (95%, log-log); at_risk (pins whose half is not before this age). An account for
    which `half_lives` gives a reason has no rows.
    """

    def curve(part: pl.DataFrame) -> pl.DataFrame:
        curves = followed_curves(
            counters_by_early_age(part, metric, max(horizon, *HORIZONS)), part["snapshot_date"].max(), horizon
        )
        if half_life_of(curves, horizon)["reason"][0] is not None:
            return pl.DataFrame(schema=_CURVE)
        exact, censored, _ = _times(curves)
        ages, share, low, high = _kaplan_meier(exact, censored)
        every = np.concatenate([exact, censored])
        at_risk = len(every) - np.searchsorted(np.sort(every), ages)
        rows = pl.DataFrame({"horizon": [horizon] * len(ages), "age": ages, "share": share, "low": low, "high": high,
                             "at_risk": at_risk}, schema=_CURVE)  # fmt: skip
        first = pl.DataFrame([(horizon, 0.0, 1.0, 1.0, 1.0, len(every))], schema=_CURVE, orient="row")
        return pl.concat([first, rows])

    return for_each_account(pins, curve, _CURVE)


def age_band_shares(pins: pl.DataFrame, metric: str = "saves", *, seed: int = 0) -> pl.DataFrame:
    """How old the pins were that brought the gains of the last 30 settled days, from `load_pins`.

    One row per account and age band (1 to 7 days, 8 to 30, 31 to 60, 61 to 90, over 90), and two more that overlap
    them: `over 60`, `over 90`, the evergreen shares. Columns:

    - social_network_id; band, from_age, to_age (days, on the day of the gain; `to_age` null: no end)
    - gain (a count), share of the `total` (0 to 1), low, high: 95% interval by bootstrap-t over pins on the logit
      scale (Davison and Hinkley, Bootstrap Methods, 5.2; pins are the sampling unit; a viral one makes it wide)
    - pins: observed at that age; all_pins: at any age; days, first_day, last_day: the settled days with known gains
    - oldest_age: the oldest at which any pin was observed in these days. A sync looks back 90 days by default, so
      that older pins are unseen, and their gains are in no figure here
    - reason: why there is no share, else null: no pin was observed at that age, fewer than 14 days, 20 pins or 30
      counts, or no lifetime counter

    >>> from datetime import date, datetime
    >>> pins = pl.DataFrame({"social_network_id": "pin_a", "id": "1", "timestamp": datetime(2026, 3, 1, 9),
    ...     "snapshot_date": [date(2026, 3, 2), date(2026, 3, 3)], "saves": [1, 2]})
    >>> age_band_shares(pins).select("band", "reason").row(0)
    ('1 to 7', 'gains of at least 14 settled days are needed, and there are 0')
    """

    def shares(part: pl.DataFrame) -> pl.DataFrame:
        gains = _aged_gains(part, metric)
        last = gains["day"].max()
        if isinstance(last, date):
            gains = gains.filter(pl.col("day") > last - timedelta(days=EVERGREEN_DAYS))
        return _shares(gains, seed)

    return for_each_account(pins, shares, _SHARES)


def weekly_gains_by_age(pins: pl.DataFrame, metric: str = "saves") -> pl.DataFrame:
    """What pins of each age band gained in each whole week of settled days, from `load_pins`.

    One row per account, week and band, of the bands at which any pin was observed. Columns: social_network_id; week
    (its Monday); band, from_age (days, on the day of the gain); gain (a count, of gains that are known), share of
    the week's gain (0 to 1; null where that is 0).
    """

    def weekly(part: pl.DataFrame) -> pl.DataFrame:
        gains = _aged_gains(part, metric)
        bands = pl.DataFrame({"from_age": [low for low, _ in BANDS], "band": [_name(*band) for band in BANDS]})
        lows = [pl.when(pl.col("age") >= low).then(pl.lit(low, pl.Int64)) for low, _ in BANDS]
        aged = gains.lazy().select(
            "day", "gain", week=pl.col("day").dt.truncate("1w"), from_age=pl.max_horizontal(lows)
        )
        days = aged.select("week", "day").unique().group_by("week").len().collect()
        sums = aged.group_by("week", "from_age").agg(pl.col("gain").sum()).collect()
        return (
            days.filter(pl.col("len") == 7)
            .select("week")
            .join(bands.join(sums.select("from_age").unique(), on="from_age", how="semi"), how="cross")
            .join(sums, on=["week", "from_age"], how="left")
            .with_columns(pl.col("gain").fill_null(0.0))
            .with_columns(total=pl.col("gain").sum().over("week"))
            .with_columns(share=pl.when(pl.col("total") > 0).then(pl.col("gain") / pl.col("total")))
            .sort("week", "from_age")
        )

    return for_each_account(pins, weekly, _WEEKLY)


def half_life_of(curves: Curves, horizon: int) -> pl.DataFrame:
    """The row of `half_lives` for one horizon, from `followed_curves`."""
    exact, censored, too_few = _times(curves)
    pins, lost = len(exact) + len(censored), len(censored)
    reason = None
    if len(exact) < LEAST_PINS:
        reason = (
            f"{LEAST_PINS} pins seen from the start to age {horizon} with at least {LEAST_COUNT} at that age are "
            f"needed, and there are {len(exact)}"
        )
    elif lost > MOST_LOST * pins:
        reason = f"{lost} of {pins} pins were not seen any more, or counted anew, before age {horizon}"
    half = low = high = None
    if reason is None:
        ages, share, lower, upper = _kaplan_meier(exact, censored)
        half = float(ages[share <= 0.5][0])
        low = float(ages[lower <= 0.5][0])
        beyond = ages[upper < 0.5]
        high = float(beyond[0]) * (1 + ALLOWANCE) if len(beyond) else None
    row = (horizon, half, low, high, pins, lost, curves.too_young, curves.unobserved, too_few, reason)
    return pl.DataFrame([row], schema=_HALF_LIFE, orient="row")


def _times(curves: Curves) -> tuple[Floats, Floats, int]:
    """Ages at which pins had half of what they have at the horizon; lower bounds of those that vanished; pins left
    out because they have too few."""
    enough, lost_enough = curves.values[:, -1] >= LEAST_COUNT, curves.lost[:, -1] >= LEAST_COUNT
    too_few = int((~enough).sum() + (~lost_enough).sum())
    return _age_at_half(curves.values[enough]), _age_at_half(curves.lost[lost_enough]), too_few


def _age_at_half(values: Floats) -> Floats:
    """Age at which each row reaches half of its last value."""
    half = values[:, -1:] / 2
    after = (values >= half).argmax(axis=1)[:, None]
    high, low = (np.take_along_axis(values, at, axis=1) for at in (after, after - 1))
    age: Floats = (after - 1 + (half - low) / (high - low))[:, 0]
    return age


def _kaplan_meier(exact: Floats, censored: Floats) -> tuple[Floats, Floats, Floats, Floats]:
    """Ages, share not yet at half, and its 95% interval."""
    from scipy.stats import CensoredData, ecdf

    survival = ecdf(CensoredData(uncensored=exact, right=censored)).sf
    share = survival.probabilities
    with np.errstate(all="ignore"), _ALONE, warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # at shares of 0 and 1 the interval is undefined
        interval = survival.confidence_interval(0.95, method="log-log")
    low, high = (
        np.where(np.isnan(bound.probabilities), share, bound.probabilities) for bound in (interval.low, interval.high)
    )
    return survival.quantiles, share, low, high


def _name(low: int, high: int | None) -> str:
    return f"{low} to {high}" if high else f"over {low - 1}"


@remembered
def _aged_gains(pins: pl.DataFrame, metric: str) -> pl.DataFrame:
    """Known gains of settled days, with the pin's age on that day; none where the counter is no lifetime one.

    Columns: pin (a number, as there are many rows), day, gain, age.
    """
    gains, published = numbered_gains(pins, metric), pins_as_last_seen(pins)["timestamp"].cast(pl.Date)
    is_usable = counter_kinds(pins, [metric])["kind"].is_in(USABLE).all()
    is_told = pl.lit(is_usable) & ~pl.col("is_provisional") & pl.col("gain").is_not_null()
    known = gains.filter(is_told).select("pin", "day", "gain")
    days_before = known["day"].cast(pl.Int64) - published[known["pin"]].cast(pl.Int64)
    return known.with_columns(age=days_before + 1).filter(pl.col("age") >= 1)


def _shares(gains: pl.DataFrame, seed: int) -> pl.DataFrame:
    """The rows of `age_band_shares` from the known gains of its days."""
    bands = [*BANDS, (61, None)]
    inside = [(pl.col("age") >= low) & (pl.col("age") <= (high or 10**6)) for low, high in bands]
    each = (
        gains.group_by("pin")
        .agg(
            pl.col("gain").sum().alias("total"),
            *(pl.col("gain").filter(within).sum().alias(f"gain{number}") for number, within in enumerate(inside)),
            *(within.any().alias(f"seen{number}") for number, within in enumerate(inside)),
        )
        .sort("pin")
    )
    days, oldest = gains["day"].n_unique(), gains["age"].max()
    gaining = each.filter(pl.col("total") > 0)
    total = float(each["total"].sum())
    reason = None
    if days < LEAST_DAYS:
        reason = f"gains of at least {LEAST_DAYS} settled days are needed, and there are {days}"
    elif gaining.height < LEAST_PINS:
        reason = f"at least {LEAST_PINS} pins that gained something are needed, and there are {gaining.height}"
    elif total < LEAST_GAIN:
        reason = f"a gain of at least {LEAST_GAIN} is needed, and it is {total:.0f}"
    parts = gaining.select(f"gain{number}" for number in range(len(bands))).to_numpy().astype(np.float64)
    intervals = share_intervals(parts, gaining["total"].to_numpy(), seed) if reason is None else None
    rows = []
    for number, (low, high) in enumerate(bands):
        seen = int(each[f"seen{number}"].sum())
        why = reason or (None if seen else "no pin was observed at that age")
        share, lower, upper = intervals[number] if intervals is not None and why is None else (None, None, None)
        rows.append(
            (_name(low, high), low, high, float(each[f"gain{number}"].sum()), share, lower, upper, seen, total,
             each.height, days, gains["day"].min(), gains["day"].max(), oldest, why)
        )  # fmt: skip
    return pl.DataFrame(rows, schema=_SHARES, orient="row")


def share_intervals(parts: Floats, whole: Floats, seed: int) -> list[tuple[float, float, float]]:
    """Sum of each column of `parts` over the sum of `whole`, with 95% intervals by bootstrap-t on the logit scale."""
    rng = np.random.default_rng(seed)
    pins = len(whole)
    columns = np.hstack([whole[:, None], whole[:, None] ** 2, parts, parts**2, parts * whole[:, None]])
    sums = np.empty((DRAWS, columns.shape[1]))
    step = max(1, MOST_CELLS // pins)
    for start in range(0, DRAWS, step):
        draws = min(step, DRAWS - start)
        chosen = rng.integers(0, pins, (draws, pins)) + pins * np.arange(draws)[:, None]
        times = np.bincount(chosen.ravel(), minlength=draws * pins).reshape(draws, pins)  # each pin was drawn
        sums[start : start + step] = times.astype(np.float64) @ columns
    share, error = _logits(columns.sum(axis=0)[None])
    drawn_share, drawn_error = _logits(sums)
    with np.errstate(all="ignore"):
        distance = (drawn_share - share) / drawn_error
    found = []
    for number in range(parts.shape[1]):
        middle = float(parts[:, number].sum() / whole.sum())
        known = distance[np.isfinite(distance[:, number]), number]
        if 0 < middle < 1 and np.isfinite(error[0, number]) and len(known) > DRAWS / 2:
            low, high = np.quantile(known, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
            ends = share[0, number] - np.array([high, low]) * error[0, number]
            below, above = (1 / (1 + np.exp(-ends))).tolist()
        else:  # none or all of it: no more than so many equal pins could rule out (rule of three)
            width = 1 - 0.025 ** (np.sum(whole**2) / whole.sum() ** 2)
            below, above = max(0.0, middle - width), min(1.0, middle + width)
        found.append((middle, float(below), float(above)))
    return found


def _logits(sums: Floats) -> tuple[Floats, Floats]:
    """Logit of each share and its standard error (linearised ratio), from sums over pins; not finite at 0 and 1."""
    number = (sums.shape[1] - 2) // 3
    whole, squared = sums[:, :1], sums[:, 1:2]
    part, part_squared, product = (sums[:, 2 + k * number : 2 + (k + 1) * number] for k in range(3))
    with np.errstate(all="ignore"):
        share = part / whole
        variance = (part_squared - 2 * share * product + share**2 * squared) / whole**2
        return np.log(share / (1 - share)), np.sqrt(np.maximum(variance, 0)) / (share * (1 - share))
