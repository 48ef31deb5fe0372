"""Test whether the weekday or the hour of publication matters, beyond normal variation."""

from typing import Any, Literal, NamedTuple

import numpy as np
import polars as pl

from oneup_pinterest.history.account_history import AccountHistory
from oneup_pinterest.history.first_week import MIN_PINS
from oneup_pinterest.history.loaded_history import computed_once
from oneup_pinterest.methods.frames import with_account
from oneup_pinterest.methods.permutation import SIGNIFICANT, chunks, shuffle_within
from oneup_pinterest.methods.types import Columns, Floats, Integers
from oneup_pinterest.methods.verdicts import WITHIN_NORMAL_VARIATION

By = Literal["weekday", "hour", "slot"]
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
MIN_IN_SLOT = 3  # one or two pins say nothing about their slot
MIN_WEEKS = 3  # a weekday that came once or twice does not represent its weekday
QUESTIONS = 3  # weekday, hour and both test the same pins: Bonferroni keeps false alarms at 5% over all three
PERMUTATIONS = 1_999
_NAIVE_SHUFFLES = 199  # enough for a median
# Prior scale of the spread of slots, in log units: most published claims are below a ratio of 2. Half normal, as Gelman
# (2006) advises for few groups, where a point estimate of the spread is 0 half of the time.
_SPREAD_SCALE = 0.5
_SPREADS = np.linspace(0, 4 * _SPREAD_SCALE, 201)
_POWER = 0.84  # standard errors beyond the threshold at which the power is 80%

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
}
_WHOLE: Columns = {
    "pins_in_all": pl.Int64,
    "chance_ratio": pl.Float64,
    "detectable": pl.Float64,
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
    published_zone: str = "UTC",
    display_zone: str = "UTC",
) -> pl.DataFrame:
    """Return `compared_slots` of the account's first-week outcomes.

    Raises:
        UserError: one of the zones is not in the time zone database.
    """
    outcomes = history.first_week(metric, published_zone=published_zone, display_zone=display_zone)
    return compared_slots(outcomes, by, hours)


def compared_slots(
    outcomes: pl.DataFrame, by: By, hours: int = 1, *, permutations: int = PERMUTATIONS, seed: int = 0
) -> pl.DataFrame:
    """Compare what the pins of each slot had after a week with the other pins of the same weeks.

    `outcomes` is a frame of `first_week_outcomes`. A slot is a weekday, an hour of the day, or an hour of a weekday
    (`by`), where `hours` (1, 2, 3, 4, 6, 8 or 12) form a block. Every slot has a row, even without pins. Columns,
    sorted by the first three:

    - social_network_id; weekday (1 is Monday; null by hour); hour (the first of the slot; null by weekday)
    - pins: number of pins of the slot with an outcome; mean: their mean outcome (count)
    - mean_ratio: that mean over the mean of all pins (ratio), which naive tools rank by
    - difference, error: difference of log(1 + outcome) from the other pins of the same weeks, and its standard error
    - effect, low, high: the same in percent, partially pooled (shrunk toward 0, the more the less is known), with a
      95% interval
    - p_value: probability that the largest deviation of any slot is as large as this one if no slot matters, times
      three (Bonferroni), because weekday, hour and both are tested on the same pins
    - verdict: `above`, `below` (p at most 0.05), `within normal variation`, or `few pins` (fewer than 3, or all of one
      day)
    - pins_in_all: number of all pins; chance_ratio: the best slot's mean_ratio in the median shuffle of the outcomes
    - detectable: effect (percent) of a slot that would be found with a power of 80% (median over the slots)
    - reason: why there is no result for this account; all numbers but pins are then null

    Pins of one day share the day's luck. So the shuffle, inside each group of weeks, moves not pins but the means of
    days (by hour: of hours), weighted by the intraclass correlation of their pins. Pooling is a normal-normal model
    whose spread of slots is averaged over its posterior (Gelman et al., Bayesian Data Analysis, 5.4; prior: Gelman
    2006, https://doi.org/10.1214/06-BA117A). The p values are those of the maximum (Westfall and Young 1993).

    Raises:
        ValueError: `hours` does not divide a day into equal blocks.

    >>> from datetime import datetime, timedelta
    >>> moments = [datetime(2026, 1, 5, 9) + timedelta(days=day) for day in range(70)]
    >>> outcomes = pl.DataFrame({"social_network_id": "pin_a", "id": [f"{day:02}" for day in range(70)],
    ...     "moment": moments, "weeks": 0, "value": [90.0 + day % 3 + 90 * (day % 7 == 5) for day in range(70)]})
    >>> found = compared_slots(outcomes, "weekday").filter(pl.col("verdict") != "within normal variation")
    >>> found.select("weekday", pl.col("effect").round(), "p_value", "verdict").row(0)
    (6, 98.0, 0.0015, 'above')
    """
    if not 0 < hours <= 12 or 24 % hours:
        raise ValueError(f"hours must divide a day into at least two slots, not {hours}")
    if outcomes.is_empty():
        return with_account("", None, _SCHEMA)
    effects = _effects(outcomes, by, hours, permutations, seed)
    return with_account(outcomes["social_network_id"][0], effects, _SCHEMA)


class _Days(NamedTuple):
    """Units of the test: the pins of one slot on one day, sorted by weeks, which begin at `starts`.

    `deviation` from the mean of the weeks is divided by the standard deviation of a unit of its weight (`root` is the
    square root of the weight). `contrasts` (units x slots) turn it into a slot's score, `information` is its variance.
    """

    root: Floats
    deviation: Floats
    starts: Integers
    contrasts: Floats
    information: Floats


def _effects(outcomes: pl.DataFrame, by: By, hours: int, permutations: int, seed: int) -> pl.DataFrame:
    rows = outcomes.filter(pl.col("value").is_not_null() & pl.col("moment").is_not_null()).sort("weeks", "moment", "id")
    block, weekday = (
        pl.col("moment").dt.hour().cast(pl.Int64) // hours,
        pl.col("moment").dt.weekday().cast(pl.Int64) - 1,
    )
    per_day = 24 // hours
    slot = {"weekday": weekday, "hour": block, "slot": weekday * per_day + block}[by]
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
        pins=pl.len().cast(pl.Int64), mean=pl.col("value").mean(), days=pl.col("day").n_unique()
    )
    table = (
        table.join(counted, on="slot", how="left", maintain_order="left")
        .with_columns(pl.col("pins", "days").fill_null(0))
        .with_columns(pins_in_all=pl.lit(rows.height, pl.Int64))
    )
    reason = _reason(rows, table)
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
        return f"at least two slots with {MIN_IN_SLOT} pins or more are needed."
    return None


def _are(count: int) -> str:
    return "is 1" if count == 1 else f"are {count}"


def _testable(table: pl.DataFrame) -> pl.Series:
    return table.select((pl.col("pins") >= MIN_IN_SLOT) & (pl.col("days") >= 2)).to_series()


def _figures(
    rows: pl.DataFrame, table: pl.DataFrame, slots: int, permutations: int, seed: int
) -> list[pl.Series | pl.Expr]:
    units = _units(rows, slots)
    tested = _testable(table).to_numpy() & (units.information > 1e-9)
    contrasts, information = units.contrasts[:, tested], units.information[tested]
    free = max(units.deviation.size - units.starts.size, 1)
    spread = float(np.sqrt((units.deviation**2).sum() / free))
    chance = _moments_by_chance(units, contrasts, information)
    scores = units.deviation @ contrasts
    extremes = np.abs(scores) / chance.true_error
    largest = _largest_by_chance(units, contrasts, chance, permutations, np.random.default_rng([seed, 1]))
    p_values = (1 + (largest[None, :] >= extremes[:, None] - 1e-9).sum(axis=1)) / (1 + largest.size)
    p_values = np.minimum(QUESTIONS * p_values, 1)
    difference = scores / information
    error = _residual_spread(units.deviation, contrasts, free, spread) / np.sqrt(information)
    middle, width = pooled(difference, error)
    detectable = np.median(
        (np.quantile(largest, 1 - SIGNIFICANT / QUESTIONS) + _POWER) * chance.true_error / information
    )
    mean, chance_ratio = _naive(rows, slots, np.random.default_rng([seed, 2]))

    def spread_out(name: str, values: Floats) -> pl.Series:
        everywhere = np.full(slots, np.nan)
        everywhere[tested] = values
        return pl.Series(name, everywhere).fill_nan(None)

    verdict = np.full(slots, "few pins", dtype=object)
    verdict[tested] = np.where(
        p_values > SIGNIFICANT, WITHIN_NORMAL_VARIATION, np.where(difference > 0, "above", "below")
    )
    return [
        (pl.col("mean") / mean).alias("mean_ratio") if mean > 0 else pl.lit(None, pl.Float64).alias("mean_ratio"),
        spread_out("difference", difference),
        spread_out("error", error),
        spread_out("effect", percent_of(middle)),
        spread_out("low", percent_of(middle - width)),
        spread_out("high", percent_of(middle + width)),
        spread_out("p_value", p_values),
        pl.Series("verdict", verdict.tolist(), pl.String),
        pl.lit(chance_ratio).alias("chance_ratio"),
        pl.lit(float(percent_of(detectable))).alias("detectable"),
    ]


def _units(rows: pl.DataFrame, slots: int) -> _Days:
    """Return the standardized mean of the pins of each day and slot, minus the mean of their weeks."""
    centered = rows.with_columns(outcome=pl.col("outcome") - pl.col("outcome").mean().over("weeks"))
    units = (
        centered.group_by("weeks", "day", "slot")
        .agg(
            pins=pl.len(),
            mean=pl.col("outcome").mean(),
            inside=(pl.col("outcome") - pl.col("outcome").mean()).pow(2).sum(),
        )
        .sort("weeks", "day", "slot")
    )
    pins, mean = units["pins"].to_numpy().astype(np.float64), units["mean"].to_numpy()
    weight = pins / (1 + (pins - 1) * _likeness(units))
    weeks, slot = units["weeks"].to_numpy(), units["slot"].to_numpy()
    _, starts, inverse = np.unique(weeks, return_index=True, return_inverse=True)
    of_weeks = np.add.reduceat(weight, starts)
    deviation = mean - (np.add.reduceat(weight * mean, starts) / of_weeks)[inverse]
    held = np.zeros((starts.size, slots))
    np.add.at(held, (inverse, slot), weight)
    share = held / of_weeks[:, None]
    root = np.sqrt(weight)
    contrasts = -root[:, None] * share[inverse]
    contrasts[np.arange(slot.size), slot] += root
    return _Days(root, root * deviation, starts.astype(np.int64), contrasts, (held * (1 - share)).sum(axis=0))


def _likeness(units: pl.DataFrame) -> float:
    """Return the intraclass correlation of the pins of one unit (analysis of variance; Fisher 1925); 0 if unknown."""
    pins, inside = units["pins"].to_numpy().astype(np.float64), float(units["inside"].sum())
    free_inside = pins.sum() - pins.size
    free_between = pins.size - units["weeks"].n_unique()
    if free_inside < MIN_PINS or free_between < 1:
        return 0.0
    within = inside / free_inside
    between = float((pins * units["mean"].to_numpy() ** 2).sum()) / free_between
    typical = (pins.sum() - (pins**2).sum() / pins.sum()) / max(pins.size - 1, 1)
    whole = between + (typical - 1) * within
    return min(max((between - within) / whole, 0.0), 1.0) if whole > 0 else 0.0


class _Chance(NamedTuple):
    """Mean and standard deviation of each slot's score over all shuffles, and the standard error of the score itself.

    With days of equal weight the last two are equal. With unequal weights, heavy days determine the mean, and the
    deviations from it are not quite exchangeable: shuffling spreads a score a little less than chance does.
    """

    mean: Floats
    error: Floats
    true_error: Floats


def _moments_by_chance(units: _Days, contrasts: Floats, information: Floats) -> _Chance:
    size = np.diff([*units.starts, units.deviation.size]).astype(np.float64)[:, None]

    def mean_of(values: Floats) -> Floats:
        means: Floats = np.add.reduceat(values, units.starts, axis=0) / size
        return means

    deviation = units.deviation[:, None]
    middle, center = mean_of(deviation), mean_of(contrasts)
    among = np.maximum(size - 1, 1)
    variance = size / among * np.maximum(mean_of(deviation**2) - middle**2, 0)
    squares = size * np.maximum(mean_of(contrasts**2) - center**2, 0)
    # the mean variance of a stratum's deviations, where that of an observation is 1
    evenness = mean_of(units.root[:, None]) ** 2 / mean_of(units.root[:, None] ** 2)
    expected = 1 - (1 - evenness) / among
    error = np.sqrt((variance * squares).sum(axis=0))
    return _Chance(
        mean=(size * middle * center).sum(axis=0),
        error=error,
        true_error=error * np.sqrt(information / (expected * squares).sum(axis=0)),
    )


def _largest_by_chance(
    units: _Days, contrasts: Floats, chance: _Chance, permutations: int, rng: np.random.Generator
) -> Floats:
    """Return the largest standardized deviation of any slot in each shuffle of the units inside their weeks."""
    found = []
    for rows in chunks(units.deviation.size, permutations):
        shuffled = np.tile(units.deviation, (rows, 1))
        shuffle_within(shuffled, units.starts, rng)
        found.append(np.abs((shuffled @ contrasts - chance.mean) / chance.error).max(axis=1))
    largest: Floats = np.concatenate(found)
    return largest


def _residual_spread(deviation: Floats, contrasts: Floats, free: int, spread: float) -> float:
    """Return the standard deviation that neither weeks nor slots explain; the total one where too little is left."""
    coefficients, _, rank, _ = np.linalg.lstsq(contrasts, deviation, rcond=1e-9)
    remaining = free - int(rank)
    if remaining < MIN_PINS // 2:
        return spread
    return float(np.sqrt(((deviation - contrasts @ coefficients) ** 2).sum() / remaining))


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
    return middle, 1.96 * spread


def _naive(rows: pl.DataFrame, slots: int, rng: np.random.Generator) -> tuple[float, float | None]:
    """Return the mean outcome, and the ratio of the best slot's mean to it in the median shuffle of all pins."""
    value, slot = rows["value"].to_numpy(), rows["slot"].to_numpy()
    mean = float(value.mean())
    if mean <= 0:
        return mean, None
    _, place, counts = np.unique(slot, return_inverse=True, return_counts=True)
    best = [(np.bincount(place, rng.permutation(value)) / counts).max() / mean for _ in range(_NAIVE_SHUFFLES)]
    return mean, float(np.median(best))


def percent_of(logarithm: Any) -> Any:
    """Return a difference of logarithms as a change in percent.

    >>> round(float(percent_of(np.log(1.5))))
    50
    """
    return 100 * np.expm1(logarithm)
