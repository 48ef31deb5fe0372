"""Group pins by their week of publication: their counts at the same ages, and whether the weeks differ."""

import numpy as np
import numpy.typing as npt
import polars as pl

from oneup_pinterest.history.account_history import AccountHistory
from oneup_pinterest.history.by_age import MAX_GAP, counters_at_age, counters_by_age
from oneup_pinterest.methods.frames import with_account
from oneup_pinterest.methods.types import Columns, Floats
from oneup_pinterest.methods.verdicts import DOWN, UP, WITHIN_NORMAL_VARIATION

WEEKS = 12  # of age: the API is asked for pins of the last 90 days
MIN_SEEN = 0.8  # of a week's pins: fewer do not represent the week
AGE = 7
MIN_PINS = 5  # per week, for a comparison
ALPHA = 0.05
DRAWS = 1999
MAX_CELLS = 2_000_000  # of a table of draws and pins in memory at a time

_MATRIX: Columns = {
    "cohort": pl.Date,
    "week": pl.Int64,
    "age": pl.Int64,
    "pins": pl.Int64,
    "seen": pl.Int64,
    "mean": pl.Float64,
    "median": pl.Float64,
    "reason": pl.String,
}
_VERDICT: Columns = {
    "age": pl.Int64,
    "cohorts": pl.Int64,
    "pins": pl.Int64,
    "p_differ": pl.Float64,
    "p_trend": pl.Float64,
    "trend": pl.Float64,
    "first_median": pl.Float64,
    "last_median": pl.Float64,
    "verdict": pl.String,
    "reason": pl.String,
}


def cohort_matrix(history: AccountHistory, metric: str = "saves") -> pl.DataFrame:
    """Return the counts that pins published in the same week had at ages of 7, 14, 21... days.

    One row per week of publication and age of 1 to 12 weeks; no rows without a lifetime counter. Columns:

    - social_network_id; cohort: the Monday of the week of publication
    - week, age: age of the pins in weeks and in days
    - pins: number published in that week and ever seen; seen: of these, at that age
    - mean, median: counts per pin, over the pins seen at that age; null, not 0, where fewer than 80% were seen
    - reason: why they are null, else null: `not yet that old` (the last pin of that week had not reached this age at
      the last sync) or `not seen` (syncs began later or had a gap, or the pins vanished)

    >>> from datetime import date, datetime
    >>> pins = pl.DataFrame({"social_network_id": "pin_a", "id": "1", "timestamp": datetime(2026, 3, 2, 9),
    ...     "text": "Soup", "format": "pin", "media_type": "IMAGE",
    ...     "snapshot_date": [date(2026, 3, 9), date(2026, 3, 16)], "saves": [10, 16]})
    >>> cohort_matrix(AccountHistory.from_pins(pins)).select("cohort", "age", "mean", "reason").rows()[1:3]
    [(datetime.date(2026, 3, 2), 14, 16.0, None), (datetime.date(2026, 3, 2), 21, None, 'not yet that old')]
    """

    known = history.pins.filter(pl.col(metric).is_not_null() & pl.col("timestamp").is_not_null())
    if history.counter_type(metric) not in (None, "lifetime") or known.is_empty():
        return with_account(history.social_network_id, None, _MATRIX)
    last_sync = history.pins["snapshot_date"].max()
    published = known.group_by("id").agg(published=pl.col("timestamp").last().cast(pl.Date))
    published = published.with_columns(cohort=pl.col("published").dt.truncate("1w"))
    cohorts = published.group_by("cohort").agg(pins=pl.len().cast(pl.Int64), latest=pl.col("published").max())
    weeks = pl.DataFrame({"week": range(1, WEEKS + 1)}, schema={"week": pl.Int64})
    matrix = (
        cohorts.join(weeks.with_columns(age=7 * pl.col("week")), how="cross")
        .join(_at_ages(history, metric, published), on=["cohort", "age"], how="left")
        .with_columns(pl.col("seen").fill_null(0))
        .with_columns(
            reason=pl.when(pl.col("seen") >= MIN_SEEN * pl.col("pins"))
            .then(pl.lit(None, pl.String))
            .when((pl.lit(last_sync) - pl.col("latest")).dt.total_days() < pl.col("age"))
            .then(pl.lit("not yet that old"))
            .otherwise(pl.lit("not seen"))
        )
        .with_columns(pl.when(pl.col("reason").is_null()).then(pl.col("mean", "median")))
        .sort("cohort", "week")
    )
    return with_account(history.social_network_id, matrix, _MATRIX)


def cohort_verdict(history: AccountHistory, metric: str = "saves", age: int = AGE, *, seed: int = 0) -> pl.DataFrame:
    """Test whether pins published in different weeks did differently by the same age.

    The pin is the sampling unit. The Kruskal-Wallis statistic of the weeks, of the counts at that age, is compared with
    1,999 random assignments of pins to weeks (Kruskal and Wallis, JASA 47, 1952). Only where the weeks differ is there
    a test for a trend, by Spearman's correlation of count and week in the same shuffles. Weeks with fewer than 5 pins
    seen at that age are left out. One row:

    - social_network_id; age: days; cohorts: number of weeks compared; pins: in them
    - p_differ, p_trend: p values of Kruskal-Wallis and of Spearman; trend: Spearman's correlation (-1 to 1)
    - first_median, last_median: counts per pin at that age in the first and the last third of the weeks
    - verdict: `up` or `down` (weeks differ, later ones have more, or less), `differ` (without a trend) or
      `within normal variation`; null with a reason without two weeks to compare, or without a lifetime counter

    >>> from datetime import date, datetime, timedelta
    >>> pins = pl.DataFrame({"social_network_id": "pin_a", "id": [str(n) for n in range(12)], "text": "Soup",
    ...     "format": "pin", "media_type": "IMAGE", "saves": [1, 2, 3, 4, 5, 6, 51, 52, 53, 54, 55, 56],
    ...     "timestamp": [datetime(2026, 3, 3)] * 6 + [datetime(2026, 3, 10)] * 6,
    ...     "snapshot_date": [date(2026, 3, 10)] * 6 + [date(2026, 3, 17)] * 6})
    >>> pins = pl.concat([pins, pins.with_columns(pl.col("snapshot_date").dt.offset_by("1d"))])
    >>> verdict = cohort_verdict(AccountHistory.from_pins(pins))
    >>> verdict.select("cohorts", "first_median", "last_median", "verdict").row(0)
    (2, 3.5, 53.5, 'up')
    """

    if history.pins.is_empty():
        return with_account(history.social_network_id, None, _VERDICT)
    known = (
        counters_at_age(history, age, [metric])
        .with_columns(cohort=pl.col("published").cast(pl.Date).dt.truncate("1w"))
        .filter(pl.len().over("cohort") >= MIN_PINS)
        .sort("cohort", "id")
    )
    falls = history.counter_type(metric) not in (None, "lifetime")
    rows = pl.DataFrame([_verdict(known, metric, age, falls, seed)], schema=_VERDICT, orient="row")
    return with_account(history.social_network_id, rows, _VERDICT)


def _at_ages(history: AccountHistory, metric: str, published: pl.DataFrame) -> pl.DataFrame:
    """Return the numbers of `counters_at_age` per cohort at every whole week of age, in one pass."""
    seen = counters_by_age(history, [metric]).select("id", "age", "value").sort("age")
    ages = pl.DataFrame({"age": range(7, 7 * WEEKS + 1, 7)}, schema={"age": pl.Int64})
    wanted = seen.select("id").unique().join(ages, how="cross").sort("age")
    before = wanted.join_asof(seen.with_columns(early="age"), on="age", by="id", check_sortedness=False)
    both = before.rename({"value": "low"}).join_asof(
        seen.with_columns(late="age"), on="age", by="id", strategy="forward", check_sortedness=False
    )
    days = pl.col("late") - pl.col("early")
    share = pl.when(days > 0).then((pl.col("age") - pl.col("early")) / days).otherwise(0.0)
    return (
        both.filter(days <= MAX_GAP)
        .with_columns(value=pl.col("low") + share * (pl.col("value") - pl.col("low")))
        .join(published, on="id")
        .group_by("cohort", "age")
        .agg(seen=pl.len().cast(pl.Int64), mean=pl.col("value").mean(), median=pl.col("value").median())
    )


def _verdict(known: pl.DataFrame, metric: str, age: int, falls: bool, seed: int) -> tuple[object, ...]:
    sizes = known.group_by("cohort", maintain_order=True).len()["len"].to_numpy().astype(np.int64)
    values = known["value"].to_numpy().astype(np.float64)
    cohorts, pins = len(sizes), len(values)
    reason = None
    if falls:
        reason = f"the counter of {metric} is not one of a pin's whole life"
    elif cohorts < 2:
        reason = (
            f"two weeks of publication with {MIN_PINS} pins seen at age {age} are needed, and there "
            f"{'is one' if cohorts else 'is none'}"
        )
    if reason is not None:
        return age, cohorts, pins, *[None] * 6, reason
    third = max(1, round(cohorts / 3))
    first, last = np.median(values[: sizes[:third].sum()]), np.median(values[pins - sizes[-third:].sum() :])
    p_differ, p_trend, trend = permuted_p_values(values, sizes, seed)
    differ = p_differ <= ALPHA
    verdict = WITHIN_NORMAL_VARIATION
    if differ:
        verdict = (UP if trend > 0 else DOWN) if p_trend <= ALPHA else "differ"
    return age, cohorts, pins, p_differ, p_trend, trend, float(first), float(last), verdict, None


def permuted_p_values(values: Floats, sizes: npt.NDArray[np.int64], seed: int = 0) -> tuple[float, float, float]:
    """Return the p values of Kruskal-Wallis and of Spearman, and Spearman's correlation.

    `values` are sorted by group; the p values come from permutations."""
    from scipy.stats import rankdata

    rng = np.random.default_rng(seed)
    pins = len(values)
    ranks = rankdata(values) - (pins + 1) / 2
    weeks = np.repeat(np.arange(len(sizes)), sizes).astype(np.float64)
    weeks = weeks - weeks.mean()
    starts = np.concatenate([[0], np.cumsum(sizes)[:-1]])
    spread = np.sqrt((ranks**2).sum() * (weeks**2).sum())

    def statistics(rows: Floats) -> tuple[Floats, Floats]:
        between: Floats = (np.add.reduceat(rows, starts, axis=1) ** 2 / sizes).sum(axis=1)
        return between, rows @ weeks

    between, along = (float(value[0]) for value in statistics(ranks[None]))
    if not spread:  # all pins have the same count
        return 1.0, 1.0, 0.0
    differ = trend = 1  # the observed assignment
    step = max(1, MAX_CELLS // pins)
    near = 1 - 1e-9  # sums of equal ranks in a different order may differ in the last digit
    for start in range(0, DRAWS, step):
        rows = np.broadcast_to(ranks, (min(step, DRAWS - start), pins))
        shuffled, slopes = statistics(rng.permuted(rows, axis=1))
        differ += int((shuffled >= between * near).sum())
        trend += int((np.abs(slopes) >= abs(along) * near).sum())
    return differ / (DRAWS + 1), trend / (DRAWS + 1), along / spread
