"""Split an account's gains by the age of the pins: the share of each age, and how much is evergreen."""

from datetime import date, timedelta

import numpy as np
import polars as pl

from oneup_pinterest.history.account_history import AccountHistory
from oneup_pinterest.history.counter_types import USABLE
from oneup_pinterest.history.gains import numbered_gains
from oneup_pinterest.history.loaded_history import computed_once
from oneup_pinterest.methods.frames import with_account
from oneup_pinterest.methods.types import Columns, Floats

MIN_PINS = 20  # pins that gained something
BANDS = (
    (1, 7),
    (8, 30),
    (31, 60),
    (61, 90),
    (91, None),
)  # ages in days, as `oneup_pinterest.history.by_age` counts them
EVERGREEN_DAYS = 30
MIN_DAYS = 14
MIN_GAIN = 30  # counts: a share of fewer depends on a handful
LEVEL = 0.98  # nominal: where a few pins carry most, bootstrap-t covers 88 to 92% at 0.95, and 93 to 98% at 0.98
DRAWS = 1999
MAX_CELLS = 2_000_000  # of a table of draws and pins in memory at a time

_SHARES: Columns = {
    "band": pl.String,
    "from_age": pl.Int64,
    "to_age": pl.Int64,
    "gain": pl.Float64,
    "share": pl.Float64,
    "low": pl.Float64,
    "high": pl.Float64,
    "pins": pl.Int64,
    "total": pl.Float64,
    "all_pins": pl.Int64,
    "days": pl.Int64,
    "first_day": pl.Date,
    "last_day": pl.Date,
    "oldest_age": pl.Int64,
    "reason": pl.String,
}
_WEEKLY: Columns = {"week": pl.Date, "band": pl.String, "from_age": pl.Int64, "gain": pl.Float64, "share": pl.Float64}


def age_band_shares(history: AccountHistory, metric: str = "saves", *, seed: int = 0) -> pl.DataFrame:
    """Return the age of the pins behind the gains of the last 30 settled days.

    One row per age band (1 to 7 days, 8 to 30, 31 to 60, 61 to 90, over 90), and one more, `over 60`, which overlaps
    them; `over 60` and `over 90` are the evergreen shares. Columns:

    - social_network_id; band; from_age, to_age: days, on the day of the gain; `to_age` is null without an end
    - gain: count; share: of the `total` (0 to 1)
    - low, high: 95% interval of the share, by bootstrap-t over pins on the logit scale (Davison and Hinkley, Bootstrap
      Methods, 5.2). Pins are the sampling unit, so a viral pin makes it wide
    - pins: number observed at that age; total: count over all ages; all_pins: number of pins at any age
    - days, first_day, last_day: the settled days with known gains
    - oldest_age: days, the oldest observation. A sync looks back 90 days by default, so older pins are unseen, and
      their gains are missing here
    - reason: why there is no share, else null: no pin was observed at that age; fewer than 14 days, 20 pins or 30
      counts; or not a lifetime counter

    >>> from datetime import date, datetime
    >>> pins = pl.DataFrame({"social_network_id": "pin_a", "id": "1", "timestamp": datetime(2026, 3, 1, 9),
    ...     "snapshot_date": [date(2026, 3, 2), date(2026, 3, 3)], "saves": [1, 2]})
    >>> age_band_shares(AccountHistory.from_pins(pins)).select("band", "reason").row(0)
    ('1 to 7', 'gains of at least 14 settled days are needed, and there are 0')
    """

    if history.pins.is_empty():
        return with_account(history.social_network_id, None, _SHARES)
    gains = _aged_gains(history, metric)
    last = gains["day"].max()
    if isinstance(last, date):
        gains = gains.filter(pl.col("day") > last - timedelta(days=EVERGREEN_DAYS))
    return with_account(history.social_network_id, _shares(gains, seed), _SHARES)


def weekly_gains_by_age(history: AccountHistory, metric: str = "saves") -> pl.DataFrame:
    """Return what pins of each age band gained in each whole week of settled days.

    One row per week and band, for the bands in which any pin was observed. Columns: social_network_id; week (its
    Monday); band; from_age (days, on the day of the gain); gain (count; only known gains); share (of the week's gain,
    0 to 1; null where that is 0).
    """

    gains = _aged_gains(history, metric)
    bands = pl.DataFrame({"from_age": [low for low, _ in BANDS], "band": [_name(*band) for band in BANDS]})
    lows = [pl.when(pl.col("age") >= low).then(pl.lit(low, pl.Int64)) for low, _ in BANDS]
    aged = gains.lazy().select("day", "gain", week=pl.col("day").dt.truncate("1w"), from_age=pl.max_horizontal(lows))
    days = aged.select("week", "day").unique().group_by("week").len().collect()
    sums = aged.group_by("week", "from_age").agg(pl.col("gain").sum()).collect()
    weekly = (
        days.filter(pl.col("len") == 7)
        .select("week")
        .join(bands.join(sums.select("from_age").unique(), on="from_age", how="semi"), how="cross")
        .join(sums, on=["week", "from_age"], how="left")
        .with_columns(pl.col("gain").fill_null(0.0))
        .with_columns(total=pl.col("gain").sum().over("week"))
        .with_columns(share=pl.when(pl.col("total") > 0).then(pl.col("gain") / pl.col("total")))
        .sort("week", "from_age")
    )
    return with_account(history.social_network_id, weekly, _WEEKLY)


def _name(low: int, high: int | None) -> str:
    return f"{low} to {high}" if high else f"over {low - 1}"


@computed_once
def _aged_gains(history: AccountHistory, metric: str) -> pl.DataFrame:
    """Return known gains of settled days, with the pin's age on that day; no rows without a lifetime counter.

    Columns: pin (a number, because there are many rows), day, gain (count), age (days).
    """
    gains, published = numbered_gains(history, metric), history.latest_pins["timestamp"].cast(pl.Date)
    is_usable = history.counter_type(metric) in (None, *USABLE)
    is_known = pl.lit(is_usable) & ~pl.col("is_provisional") & ~pl.col("is_unconfirmed") & pl.col("gain").is_not_null()
    known = gains.filter(is_known).select("pin", "day", "gain")
    days_before = known["day"].cast(pl.Int64) - published[known["pin"]].cast(pl.Int64)
    return known.with_columns(age=days_before + 1).filter(pl.col("age") >= 1)


def _shares(gains: pl.DataFrame, seed: int) -> pl.DataFrame:
    """Return the rows of `age_band_shares` from the known gains of its days."""
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
    if days < MIN_DAYS:
        reason = f"gains of at least {MIN_DAYS} settled days are needed, and there are {days}"
    elif gaining.height < MIN_PINS:
        reason = f"at least {MIN_PINS} pins that gained something are needed, and there are {gaining.height}"
    elif total < MIN_GAIN:
        reason = f"a gain of at least {MIN_GAIN} is needed, and it is {total:.0f}"
    parts = gaining.select(f"gain{number}" for number in range(len(bands))).to_numpy().astype(np.float64)
    intervals = share_intervals(parts, gaining["total"].to_numpy(), seed) if reason is None else None
    rows = []
    for number, (low, high) in enumerate(bands):
        seen = int(each[f"seen{number}"].sum())
        why = reason or (None if seen else "no pin was observed at that age")
        share, lower, upper = intervals[number] if intervals is not None and why is None else (None, None, None)
        rows.append(
            (
                _name(low, high),
                low,
                high,
                float(each[f"gain{number}"].sum()),
                share,
                lower,
                upper,
                seen,
                total,
                each.height,
                days,
                gains["day"].min(),
                gains["day"].max(),
                oldest,
                why,
            )
        )
    return pl.DataFrame(rows, schema=_SHARES, orient="row")


def share_intervals(parts: Floats, whole: Floats, seed: int) -> list[tuple[float, float, float]]:
    """Return share, low and high per column of `parts` (pins x columns, counts) in `whole` (one element per pin).

    The 95% interval is a bootstrap-t over pins on the logit scale (Davison and Hinkley, Bootstrap Methods, 5.2).
    """
    rng = np.random.default_rng(seed)
    pins = len(whole)
    columns = np.hstack([whole[:, None], whole[:, None] ** 2, parts, parts**2, parts * whole[:, None]])
    sums = np.empty((DRAWS, columns.shape[1]))
    step = max(1, MAX_CELLS // pins)
    for start in range(0, DRAWS, step):
        draws = min(step, DRAWS - start)
        chosen = rng.integers(0, pins, (draws, pins)) + pins * np.arange(draws)[:, None]
        times = np.bincount(chosen.ravel(), minlength=draws * pins).reshape(draws, pins)  # that each pin was drawn
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
        else:  # share of 0 or 1: as for this many equal pins (rule of three)
            width = 1 - 0.025 ** (np.sum(whole**2) / whole.sum() ** 2)
            below, above = max(0.0, middle - width), min(1.0, middle + width)
        found.append((middle, float(below), float(above)))
    return found


def _logits(sums: Floats) -> tuple[Floats, Floats]:
    """Return the logit of each share and its standard error (linearized ratio); not finite at 0 and 1."""
    number = (sums.shape[1] - 2) // 3
    whole, squared = sums[:, :1], sums[:, 1:2]
    part, part_squared, product = (sums[:, 2 + k * number : 2 + (k + 1) * number] for k in range(3))
    with np.errstate(all="ignore"):
        share = part / whole
        variance = (part_squared - 2 * share * product + share**2 * squared) / whole**2
        return np.log(share / (1 - share)), np.sqrt(np.maximum(variance, 0)) / (share * (1 - share))
