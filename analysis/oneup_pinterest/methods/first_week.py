"""What each pin had after its first week, and how pins compare with others of the same weeks.

Timing, formats and texts are all judged by this outcome and in this way: at one age, so that old pins are not better
for being old, and among pins published at about the same time, so that a trend or a season is not taken for an effect.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import polars as pl

from oneup_pinterest.errors import UserError
from oneup_pinterest.history.by_age import counters_at_age
from oneup_pinterest.history.observations import latest_pins

AGE = 7  # days: each day of the week once, and short enough that most pins of a young history have an outcome
LEAST_PINS = 20  # with fewer, only differences of several times could be told from chance
LEAST_IN_GROUP = 5
WEEKS_PINS, WEEKS_TOGETHER = 20, 4  # weeks are taken together up to this many pins, or this many weeks
SIGNIFICANT = 0.05
PERMUTATIONS = 999
_CELLS = 2_000_000  # of one chunk of permutations, so that memory does not grow with the pins

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]


def first_week_outcomes(
    pins: pl.DataFrame, metric: str = "saves", *, published_zone: str = "UTC", display_zone: str = "UTC"
) -> pl.DataFrame:
    """What each pin had gathered exactly 7 times 24 hours after its publication, from pins as `load_pins` returns them.

    Snapshots show whole days (of UTC), so a pin published at 23:00 has had an hour of its first day and one published
    at 01:00 nearly all of it: compared at the same age in days, late hours would look bad. Therefore the outcome is
    interpolated between the two snapshots around the moment.

    Columns, sorted by the first two: social_network_id, id; value (a count, with a fraction); moment (of publication,
    in `display_zone`, without a zone); weeks (number of the group of weeks in which it was published); format,
    media_type, text. Groups are whole calendar weeks of one account, taken together until they have 20 pins or are
    four weeks.

    Pins without a time of publication, or not seen around that age, have no row; nor has any pin where the metric is
    no lifetime counter. The API does not say in which zone it gives times: `published_zone` is an assumption. An hour
    that a clock skips has no moment; of an hour that it runs through twice, the first is taken.

    Raises:
        UserError: one of the zones is not in the time zone database.

    >>> from datetime import date, datetime
    >>> pins = pl.DataFrame({
    ...     "social_network_id": "pin_a", "id": "1", "timestamp": datetime(2026, 3, 1, 12), "text": "Soup",
    ...     "format": "pin", "media_type": "IMAGE",
    ...     "snapshot_date": [date(2026, 3, 8), date(2026, 3, 9)], "saves": [10, 16],
    ... })
    >>> first_week_outcomes(pins, display_zone="Asia/Tokyo").select("value", "moment").row(0)
    (13.0, datetime.datetime(2026, 3, 1, 21, 0))
    """
    check_zones(published_zone, display_zone)
    published = pl.col("published").cast(pl.Datetime("us"))
    utc = _in_zone(published, published_zone, "UTC")
    attributes = (
        latest_pins(pins)
        .select("social_network_id", "id", published="timestamp")
        .with_columns(
            target=AGE + (utc - published.dt.truncate("1d")).dt.total_microseconds() / 86_400_000_000,
            moment=_in_zone(published, published_zone, display_zone),
        )
        .filter(pl.col("target").is_not_null())
        .with_columns(early=pl.col("target").floor().cast(pl.Int64))
    )
    ages = sorted({age + step for age in attributes["early"].unique() for step in (0, 1)})
    seen = [counters_at_age(pins, age, [metric]).with_columns(age=pl.lit(age, pl.Int64)) for age in ages]
    if not seen:
        seen = [counters_at_age(pins, AGE, [metric]).with_columns(age=pl.lit(AGE, pl.Int64)).clear()]
    reached = pl.concat(seen)
    key = ["social_network_id", "id"]
    later = reached.select(*key, pl.col("age") - 1, later=pl.col("value"))
    share = pl.col("target") - pl.col("early")
    return with_weeks(
        attributes.join(reached, left_on=[*key, "early"], right_on=[*key, "age"])
        .join(later, left_on=[*key, "early"], right_on=[*key, "age"], how="left")
        .with_columns(
            value=pl.when(share == 0)
            .then(pl.col("value"))
            .otherwise(pl.col("value") + share * (pl.col("later") - pl.col("value")))
        )
        .filter(pl.col("value").is_not_null())
        .select(*key, "value", "moment", "format", "media_type", "text")
    ).select(*key, "value", "moment", "weeks", "format", "media_type", "text")


def with_weeks(outcomes: pl.DataFrame) -> pl.DataFrame:
    """The outcomes, sorted by account and pin, with the column `weeks` that `first_week_outcomes` describes.

    >>> from datetime import datetime
    >>> days = pl.DataFrame({"social_network_id": "pin_a", "id": ["1", "2", "3"],
    ...     "moment": [datetime(2026, 3, 2), datetime(2026, 3, 8), datetime(2026, 3, 30)]})
    >>> with_weeks(days)["weeks"].to_list()
    [0, 0, 1]
    """
    week = pl.col("moment").dt.truncate("1w").dt.date()
    counted = outcomes.group_by("social_network_id", week.alias("week")).len().sort("social_network_id", "week").rows()
    groups: list[int] = []
    number, size, account, first = -1, 0, None, None
    for name, day, pins in counted:  # a row a week
        is_full = first is None or size >= WEEKS_PINS or (day - first).days >= 7 * WEEKS_TOGETHER
        if name != account or is_full:
            number = 0 if name != account else number + 1
            size, account, first = 0, name, day
        size += pins
        groups.append(number)
    table = pl.DataFrame(
        {"social_network_id": [row[0] for row in counted], "week": [row[1] for row in counted], "weeks": groups},
        schema={"social_network_id": pl.String, "week": pl.Date, "weeks": pl.Int64},
    )
    return (
        outcomes.with_columns(week=week)
        .join(table, on=["social_network_id", "week"], how="left")
        .drop("week")
        .sort("social_network_id", "id")
    )


def check_zones(*zones: str) -> None:
    """Raises a UserError that names the first zone that is not in the time zone database.

    >>> check_zones("UTC", "Europe/Berlin")
    """
    for zone in zones:
        try:
            pl.select(pl.lit(0).cast(pl.Datetime("us")).dt.replace_time_zone(zone or "?"))
        except pl.exceptions.PolarsError:
            raise UserError(f"{zone!r} is no time zone: write one like 'Europe/Berlin' or 'UTC'.", 2) from None


class Difference(NamedTuple):
    """The mean of one group less that of another, within strata.

    - estimate, low, high: difference, and its 95% interval, in the unit of the outcome
    - p_value: share of shuffles with a difference as large (in standard errors)
    - first, second: how many of each group are in strata that have both, and so were compared
    """

    estimate: float
    low: float
    high: float
    p_value: float
    first: int
    second: int


def difference_within(
    outcome: Floats,
    strata: Integers,
    is_first: npt.NDArray[np.bool_],
    rng: np.random.Generator,
    permutations: int = PERMUTATIONS,
) -> Difference | None:
    """Compares two groups inside each stratum; None where a group has fewer than 5 in strata that have both, or where
    all outcomes of a stratum are the same.

    Differences of the strata are weighted by n1 n2 / (n1 + n2), as Mantel and Haenszel do. The null is a shuffle of
    the groups inside each stratum; the statistic is divided by its standard error with a variance for each group, so
    that unlike spreads do not pass for a difference (Janssen 1997, https://doi.org/10.1016/S0167-7152(97)00043-6).
    The interval takes its width from the same shuffles, and so leaves out 0 exactly when p is at most 0.05.

    >>> rng = np.random.default_rng(0)
    >>> outcome = np.concatenate([rng.normal(1, 0.1, 50), rng.normal(0, 0.1, 50)])
    >>> found = difference_within(outcome, np.zeros(100, np.int64), np.arange(100) < 50, rng)
    >>> round(found.estimate, 1), found.p_value
    (1.0, 0.001)
    """
    order = np.argsort(strata, kind="stable")
    outcome, strata, is_first = outcome[order], strata[order], is_first[order]
    _, inverse, sizes = np.unique(strata, return_inverse=True, return_counts=True)
    firsts = np.bincount(inverse, is_first)
    has_both = (firsts > 0) & (firsts < sizes)
    keep = has_both[inverse]
    outcome, is_first = outcome[keep], is_first[keep]
    first, second = firsts[has_both].astype(np.float64), (sizes - firsts)[has_both].astype(np.float64)
    if first.sum() < LEAST_IN_GROUP or second.sum() < LEAST_IN_GROUP:
        return None
    starts = np.concatenate([[0], np.cumsum(sizes[has_both])[:-1]]).astype(np.int64)
    outcome = outcome - np.repeat(np.add.reduceat(outcome, starts) / sizes[has_both], sizes[has_both])
    if np.abs(outcome).max() < 1e-9:
        return None
    groups = _Groups(outcome, starts, first, second)
    estimate, error = (float(part[0]) for part in groups.compared(is_first[None, :]))
    if error == 0:
        return None
    chances = np.concatenate(
        [np.abs(_divided(*groups.compared(shuffled))) for shuffled in _shuffles(is_first, starts, permutations, rng)]
    )
    extreme = abs(estimate) / error
    as_large = chances >= extreme - 1e-9
    p_value = (1 + as_large.sum()) / (1 + chances.size)
    # the width at which the interval touches 0 exactly when p reaches 0.05
    rank = int(SIGNIFICANT * (1 + chances.size))
    width = float(np.sort(chances)[::-1][rank - 1]) * error
    return Difference(estimate, estimate - width, estimate + width, float(p_value), int(first.sum()), int(second.sum()))


class _Groups(NamedTuple):
    """Outcomes (sorted by stratum, less the stratum's mean), where strata start, and the groups' sizes in each."""

    outcome: Floats
    starts: Integers
    first: Floats
    second: Floats

    def compared(self, is_first: npt.NDArray[np.bool_]) -> tuple[Floats, Floats]:
        """Difference and standard error for each row of labels."""
        squares = self.outcome**2
        ones = np.add.reduceat(np.where(is_first, self.outcome, 0.0), self.starts, axis=1)
        one_squares = np.add.reduceat(np.where(is_first, squares, 0.0), self.starts, axis=1)
        twos = -ones  # the outcomes of a stratum sum to 0
        two_squares = np.add.reduceat(squares, self.starts) - one_squares
        weight = self.first * self.second / (self.first + self.second)
        weight = weight / weight.sum()
        difference: Floats = (ones / self.first - twos / self.second) @ weight
        # what is left of each group when strata and the difference are taken off: so that a spread of the group's own
        # is known even where it has one of a stratum
        size = self.first + self.second
        share = self.first / size
        squared = difference**2
        one_rest = one_squares.sum(axis=1) - 2 * difference * (ones @ (1 - share))
        one_rest += squared * (self.first * (1 - share) ** 2).sum()
        two_rest = two_squares.sum(axis=1) + 2 * difference * (twos @ share) + squared * (self.second * share**2).sum()
        one_variance, two_variance = (
            np.maximum(rest, 0) / max(float((group * (1 - 1 / size)).sum()) - 0.5, 1.0)
            for rest, group in ((one_rest, self.first), (two_rest, self.second))
        )
        error: Floats = np.sqrt(
            one_variance * (weight**2 / self.first).sum() + two_variance * (weight**2 / self.second).sum()
        )
        return difference, error


def _shuffles(
    labels: npt.NDArray[np.bool_], starts: Integers, permutations: int, rng: np.random.Generator
) -> Iterator[npt.NDArray[np.bool_]]:
    """The labels shuffled inside each stratum, `permutations` times, in chunks of rows."""
    for rows in chunks(labels.size, permutations):
        shuffled = np.tile(labels, (rows, 1))
        shuffle_within(shuffled, starts, rng)
        yield shuffled


def chunks(width: int, permutations: int) -> Iterator[int]:
    """How many rows to shuffle at once so that memory stays bounded: `permutations` in all.

    >>> list(chunks(1_000_000, 5))
    [2, 2, 1]
    """
    step = max(1, _CELLS // max(width, 1))
    for done in range(0, permutations, step):
        yield min(step, permutations - done)


def shuffle_within(rows: npt.NDArray[np.generic], starts: Integers, rng: np.random.Generator) -> None:
    """Shuffles each row in place, and nothing across the columns at which a stratum starts."""
    for start, end in zip(starts, [*starts[1:], rows.shape[1]], strict=True):
        part = rows[:, start:end]
        rng.permuted(part, axis=1, out=part)


def _divided(difference: Floats, error: Floats) -> Floats:
    quotient: Floats = np.divide(difference, error, out=np.zeros_like(difference), where=error > 0)
    return quotient


def _in_zone(moment: pl.Expr, zone: str, other: str) -> pl.Expr:
    zoned = moment.dt.replace_time_zone(zone, ambiguous="earliest", non_existent="null")
    return zoned.dt.convert_time_zone(other).dt.replace_time_zone(None)
