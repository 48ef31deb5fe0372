"""Test whether the weekday or the hour of publication matters, beyond normal variation."""

from typing import Literal

import numpy as np
import numpy.typing as npt
import polars as pl

from oneup_pinterest.history.account_history import AccountHistory
from oneup_pinterest.history.first_week import MIN_PINS
from oneup_pinterest.history.loaded_history import computed_once
from oneup_pinterest.history.pins_needed import with_pins_needed
from oneup_pinterest.methods.frames import day_numbers, with_account
from oneup_pinterest.methods.log_contrasts import MIN_SLOPE, percent_of
from oneup_pinterest.methods.permutation import MIN_DAYS, SIGNIFICANT, PinsWithin
from oneup_pinterest.methods.power import SOUGHT
from oneup_pinterest.methods.types import Columns, Floats
from oneup_pinterest.methods.verdicts import WITHIN_NORMAL_VARIATION

By = Literal["weekday", "hour", "slot"]
Weekday = Literal["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]
WEEKDAYS: tuple[Weekday, ...] = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
BLOCK_HOURS = 3  # of an hour's slot, unless another length is asked for
MIN_IN_SLOT = 3  # one or two pins say nothing about their slot
MIN_WEEKS = 3  # a weekday that came once or twice does not represent its weekday
QUESTIONS = 3  # weekday, hour and both test the same pins: Bonferroni keeps false alarms at 5% over all three
PERMUTATIONS = 1_999
_NAIVE_SHUFFLES = 199  # enough for a median
# Prior scale of the spread of slots, in log units: most published claims are below a ratio of 2. Half normal, as Gelman
# (2006) advises for few groups, where a point estimate of the spread is 0 half of the time.
_WIDTH = 2.2  # standard deviations: 1.96 covers 90% in simulation, because the errors are estimated, too
_SPREAD_SCALE = 0.5
_SPREADS = np.linspace(0, 4 * _SPREAD_SCALE, 201)

_FIGURES: Columns = {
    "pins": pl.Int64,
    "mean": pl.Float64,
    "mean_ratio": pl.Float64,
    "difference": pl.Float64,
    "error": pl.Float64,
    "effect": pl.Float64,
    "low": pl.Float64,
    "high": pl.Float64,
    "p_value": pl.Float64,
    "verdict": pl.String,
    "detectable": pl.Float64,
}
_WHOLE: Columns = {
    "publication_days": pl.Int64,
    "pins_in_all": pl.Int64,
    "chance_ratio": pl.Float64,
    "reason": pl.String,
}
_SCHEMA: Columns = {"weekday": pl.Int64, "hour": pl.Int64, **_FIGURES, **_WHOLE}


@computed_once
def slot_effects(
    history: AccountHistory,
    metric: str,
    by: By,
    hours: int = 1,
    *,
    weekday: Weekday | None = None,
    published_zone: str = "UTC",
    display_zone: str = "UTC",
    sought: float = SOUGHT,
) -> pl.DataFrame:
    """Return `compared_slots` of the account's first-week outcomes, and what it takes to find more.

    Further columns: those of `history.pins_needed.with_pins_needed` for `effect` and for a rise of `sought` percent.

    Raises:
        UserError: one of the zones is not in the time zone database.
    """
    outcomes = history.first_week(metric, published_zone=published_zone, display_zone=display_zone)
    found = compared_slots(outcomes, by, hours, weekday=weekday)
    return with_pins_needed(found, (pl.col("effect") / 100).log1p(), history, outcomes, sought)


def compared_slots(
    outcomes: pl.DataFrame,
    by: By,
    hours: int = 1,
    *,
    weekday: Weekday | None = None,
    permutations: int = PERMUTATIONS,
    seed: int = 0,
) -> pl.DataFrame:
    """Compare what the pins of each slot had after a week with the other pins of the same weeks.

    `outcomes` is a frame of `first_week_outcomes`. A slot is a weekday, an hour of the day, or an hour of a weekday
    (`by`), where `hours` (1, 2, 3, 4, 6, 8 or 12) form a block. Every slot has a row, even without pins. With `weekday`
    (by weekday) only this one is tested, with a level of its own, and has a row: for a question that was there before
    the data. Columns,
    sorted by the first three:

    - social_network_id; weekday (1 is Monday; null by hour); hour (the first of the slot; null by weekday)
    - pins: number of pins of the slot with an outcome; mean: their mean outcome (count)
    - mean_ratio: that mean over the mean of all pins (ratio), which naive tools rank by
    - difference, error: difference of log(1 + outcome) from the other pins of the same weeks, and its standard error
    - effect, low, high: of the typical pin in percent, with a 95% interval: the factor on expected counts that explains
      the difference. Of all slots it is partially pooled (shrunk toward 0, the more the less is known)
    - p_value: probability that the largest deviation of any slot is as large as this one if no slot matters, times
      three (Bonferroni), because weekday, hour and both are tested on the same pins; of one weekday, its own
    - verdict: `above`, `below` (p at most 0.05), `within normal variation`, or `few pins` (fewer than 3, or of
      fewer than 3 days)
    - publication_days: number of days on which the slot's pins were published
    - pins_in_all: number of all pins; chance_ratio: the best slot's mean_ratio in the median shuffle of the outcomes
    - detectable: the smallest rise of this slot, in percent, that would be found in 80% of cases now: among all slots
      and in any of the three questions; of one weekday, when it is asked alone
    - reason: why there is no result for this account; all numbers but pins are then null

    Pins of one day and of one week share their luck (`PinsWithin`). Pooling is a normal-normal model whose spread of
    slots is averaged over its posterior (Gelman et al., Bayesian Data Analysis, 5.4; prior: Gelman 2006,
    https://doi.org/10.1214/06-BA117A). The p values are those of the maximum (Westfall and Young 1993).

    Raises:
        ValueError: `hours` does not divide a day into equal blocks, or `weekday` is given by hour.

    >>> from datetime import datetime, timedelta
    >>> moments = [datetime(2026, 1, 5, 9) + timedelta(days=day) for day in range(70)]
    >>> outcomes = pl.DataFrame({"social_network_id": "pin_a", "id": [f"{day:02}" for day in range(70)],
    ...     "moment": moments, "weeks": 0, "value": [90.0 + day % 3 + 90 * (day % 7 == 5) for day in range(70)]})
    >>> found = compared_slots(outcomes, "weekday").filter(pl.col("verdict") != "within normal variation")
    >>> found.select("weekday", pl.col("effect").round(), "p_value", "verdict").row(0)
    (6, 88.0, 0.0015, 'above')
    """
    if not 0 < hours <= 12 or 24 % hours:
        raise ValueError(f"hours must divide a day into at least two slots, not {hours}")
    if weekday is not None and by != "weekday":
        raise ValueError("a weekday can be asked for only by weekday")
    if outcomes.is_empty():
        return with_account("", None, _SCHEMA)
    effects = _effects(outcomes, by, hours, weekday, permutations, seed)
    return with_account(outcomes["social_network_id"][0], effects, _SCHEMA)


def _effects(
    outcomes: pl.DataFrame, by: By, hours: int, weekday: Weekday | None, permutations: int, seed: int
) -> pl.DataFrame:
    rows = outcomes.filter(pl.col("value").is_not_null() & pl.col("moment").is_not_null()).sort("weeks", "moment", "id")
    block, day = (
        pl.col("moment").dt.hour().cast(pl.Int64) // hours,
        pl.col("moment").dt.weekday().cast(pl.Int64) - 1,
    )
    per_day = 24 // hours
    slot = {"weekday": day, "hour": block, "slot": day * per_day + block}[by]
    rows = rows.with_columns(slot=slot, day=pl.col("moment").dt.date(), outcome=pl.col("value").log1p())
    slots = {"weekday": 7, "hour": per_day, "slot": 7 * per_day}[by]
    numbers = np.arange(slots)
    table = pl.DataFrame(
        {
            "slot": numbers,
            "weekday": None if by == "hour" else numbers + 1 if by == "weekday" else numbers // per_day + 1,
            "hour": None if by == "weekday" else numbers % per_day * hours,
        },
        schema={"slot": pl.Int64, "weekday": pl.Int64, "hour": pl.Int64},
    )
    counted = rows.group_by("slot").agg(
        pins=pl.len().cast(pl.Int64),
        mean=pl.col("value").mean(),
        publication_days=pl.col("day").n_unique().cast(pl.Int64),
    )
    table = (
        table.join(counted, on="slot", how="left", maintain_order="left")
        .with_columns(pl.col("pins", "publication_days").fill_null(0))
        .with_columns(pins_in_all=pl.lit(rows.height, pl.Int64))
    )
    reason = _reason(rows, table)
    if reason is None and weekday is not None:
        return _planned(rows, table, WEEKDAYS.index(weekday), permutations, seed)
    if reason is None:
        figures = _figures(rows, table, slots, permutations, seed)
        return table.with_columns(*figures, reason=pl.lit(None, pl.String))
    missing = [pl.lit(None, dtype).alias(name) for name, dtype in {**_FIGURES, **_WHOLE}.items() if name not in table]
    return table.with_columns(missing).with_columns(pl.lit(None, pl.Float64).alias("mean"), reason=pl.lit(reason))


def _reason(rows: pl.DataFrame, table: pl.DataFrame) -> str | None:
    weeks = rows["moment"].dt.truncate("1w").n_unique()
    if rows.height < MIN_PINS:
        return (
            f"times of publication can be compared from {MIN_PINS} pins on that were seen a week after it; "
            f"there {_are(rows.height)}."
        )
    if weeks < MIN_WEEKS:
        return f"pins published in at least {MIN_WEEKS} weeks are needed; these are of {weeks}."
    if rows["outcome"].n_unique() == 1:
        return f"all {rows.height} pins had the same count after a week ({rows['value'][0]:,.0f})."
    if _testable(table).sum() < 2:
        return f"at least two slots with {MIN_IN_SLOT} pins or more, of {MIN_DAYS} days or more, are needed."
    return None


def _are(count: int) -> str:
    return "is 1" if count == 1 else f"are {count}"


def _testable(table: pl.DataFrame) -> pl.Series:
    return table.select((pl.col("pins") >= MIN_IN_SLOT) & (pl.col("publication_days") >= MIN_DAYS)).to_series()


def _figures(
    rows: pl.DataFrame, table: pl.DataFrame, slots: int, permutations: int, seed: int
) -> list[pl.Series | pl.Expr]:
    tested = np.flatnonzero(_testable(table).to_numpy())
    groups = rows["slot"].to_numpy()[:, None] == tested
    rng, level = np.random.default_rng([seed, 1]), SIGNIFICANT / QUESTIONS
    scan = _pins(rows).scan(groups.astype(np.float64), rng, permutations, level)
    is_known = np.isfinite(scan.error)
    tested, known = tested[is_known], [part[is_known] for part in scan[:4]]
    difference, error, slope, _ = known
    p_values = np.minimum(QUESTIONS * scan.p_value[is_known], 1)
    slope = np.maximum(slope, MIN_SLOPE)
    middle, width = pooled(difference / slope, error / slope)
    mean, chance_ratio = _naive(rows, slots, np.random.default_rng([seed, 2]))

    def spread_out(name: str, values: Floats) -> pl.Series:
        everywhere = np.full(slots, np.nan)
        everywhere[tested] = values
        return pl.Series(name, everywhere).fill_nan(None)

    verdict = np.full(slots, "few pins", dtype=object)
    verdict[tested] = _verdicts(p_values, difference)
    return [
        (pl.col("mean") / mean).alias("mean_ratio") if mean > 0 else pl.lit(None, pl.Float64).alias("mean_ratio"),
        spread_out("difference", difference),
        spread_out("error", error),
        spread_out("effect", percent_of(middle)),
        spread_out("low", percent_of(middle - width)),
        spread_out("high", percent_of(middle + width)),
        spread_out("p_value", p_values),
        spread_out("detectable", scan.detectable[is_known]),
        pl.Series("verdict", verdict.tolist(), pl.String),
        pl.lit(chance_ratio).alias("chance_ratio"),
    ]


def _planned(rows: pl.DataFrame, table: pl.DataFrame, number: int, permutations: int, seed: int) -> pl.DataFrame:
    """Return the row of one weekday, tested alone and not pooled."""
    row, is_day = table[number], (rows["slot"] == number).to_numpy()
    mean = float(rows["value"].to_numpy().mean())
    is_tested = bool(_testable(table)[number])
    found = _pins(rows).contrast(is_day, np.random.default_rng([seed, 1]), permutations) if is_tested else None
    estimates: Floats = np.full(3, np.nan)
    p_value, verdict, detectable = None, "few pins", None
    if found and found[0].estimate is not None:
        estimates, p_value = np.array(found[0][:3], dtype=np.float64), found[0].p_value
        detectable = found[0].detectable()
        verdict = str(_verdicts(np.array([p_value]), estimates[:1])[0])
    difference, low, high = estimates.tolist()
    effect, low, high = percent_of(np.array([difference, low, high])).tolist()
    return row.with_columns(
        (pl.col("mean") / mean if mean > 0 else pl.lit(None, pl.Float64)).alias("mean_ratio"),
        pl.lit(difference).fill_nan(None).alias("difference"),
        pl.lit(None, pl.Float64).alias("error"),
        pl.lit(effect).fill_nan(None).alias("effect"),
        pl.lit(low).fill_nan(None).alias("low"),
        pl.lit(high).fill_nan(None).alias("high"),
        pl.lit(p_value, pl.Float64).alias("p_value"),
        pl.lit(verdict).alias("verdict"),
        pl.lit(None, pl.Float64).alias("chance_ratio"),
        pl.lit(detectable, pl.Float64).alias("detectable"),
        reason=pl.lit(None, pl.String),
    )


def _pins(rows: pl.DataFrame) -> PinsWithin:
    return PinsWithin(rows["value"].to_numpy(), rows["weeks"].to_numpy(), day_numbers(rows))


def _verdicts(p_values: Floats, difference: Floats) -> npt.NDArray[np.str_]:
    verdicts: npt.NDArray[np.str_] = np.where(
        p_values > SIGNIFICANT, WITHIN_NORMAL_VARIATION, np.where(difference > 0, "above", "below")
    )
    return verdicts


def pooled(difference: Floats, error: Floats) -> tuple[Floats, Floats]:
    """Return each difference, shrunk toward 0 by the spread of the groups, and half the width of its 95% interval.

    Both are in the unit of the difference. Source: Gelman et al., Bayesian Data Analysis, 5.4.

    >>> middle, width = pooled(np.array([1.0, 0.0, -1.0, 0.1]), np.array([0.1, 0.1, 2.0, 2.0]))
    >>> middle.round(1).tolist()
    [1.0, 0.0, -0.1, 0.0]
    """
    variance = _SPREADS[:, None] ** 2 + np.maximum(error, 1e-9) ** 2
    likelihood = (
        -0.5 * (np.log(variance) + difference**2 / variance).sum(axis=1) - 0.5 * (_SPREADS / _SPREAD_SCALE) ** 2
    )
    weight = np.exp(likelihood - likelihood.max())
    weight /= weight.sum()
    kept = _SPREADS[:, None] ** 2 / variance
    means = kept * difference
    middle: Floats = weight @ means
    spread = np.sqrt(weight @ (kept * error**2) + weight @ (means - middle) ** 2)
    return middle, _WIDTH * spread


def _naive(rows: pl.DataFrame, slots: int, rng: np.random.Generator) -> tuple[float, float | None]:
    """Return the mean outcome, and the ratio of the best slot's mean to it in the median shuffle of all pins."""
    value, slot = rows["value"].to_numpy(), rows["slot"].to_numpy()
    mean = float(value.mean())
    if mean <= 0:
        return mean, None
    _, place, counts = np.unique(slot, return_inverse=True, return_counts=True)
    best = [(np.bincount(place, rng.permutation(value)) / counts).max() / mean for _ in range(_NAIVE_SHUFFLES)]
    return mean, float(np.median(best))
