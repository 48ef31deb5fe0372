"""Compare effort with results: pins published in a week, and what the account's other pins gained then and later."""

import numpy as np
import polars as pl

from oneup_pinterest.history.account_history import AccountHistory
from oneup_pinterest.history.counter_types import USABLE
from oneup_pinterest.history.gains import daily_gains
from oneup_pinterest.history.loaded_history import computed_once
from oneup_pinterest.methods.frames import with_account
from oneup_pinterest.methods.types import Columns, Floats
from oneup_pinterest.methods.verdicts import LEVEL, WITHIN_NORMAL_VARIATION

MIN_WEEKS = 8
LAGS = (0, 1, 2)  # weeks
SHUFFLES = 5000

WEEKS_SCHEMA: Columns = {
    "week": pl.Date,
    "published": pl.Int64,
    "gain": pl.Float64,
    "of_new": pl.Float64,
    "of_others": pl.Float64,
    "others_next_week": pl.Float64,
    "others_in_two_weeks": pl.Float64,
}
ASSOCIATION_SCHEMA: Columns = {
    "lag": pl.Int64,
    "weeks": pl.Int64,
    "rho": pl.Float64,
    "low": pl.Float64,
    "high": pl.Float64,
    "p": pl.Float64,
    "q": pl.Float64,
    "verdict": pl.String,
    "reason": pl.String,
}
_LATER = dict(zip(LAGS, ("of_others", "others_next_week", "others_in_two_weeks"), strict=True))


@computed_once
def weekly_effort(history: AccountHistory, metric: str = "saves") -> pl.DataFrame:
    """Return the pins published in each week, and the gains of `metric` in it and in the two weeks after.

    One row per calendar week (Monday to Sunday) all of whose days are settled and known. Columns, sorted by the first
    two:

    - social_network_id, week (its Monday)
    - published: number of pins published in the week and ever seen
    - gain: count of `metric` in the week; of_new: by the pins published in it, which gain because they are new;
      of_others: by all pins that were there before
    - others_next_week, others_in_two_weeks: gains (counts) in the week after, and in the one after that, of the pins
      that were there before this week; null where that week is unknown

    No rows for accounts whose `metric` is not a lifetime counter.

    >>> from simulations.worlds import made_up_pins
    >>> pins = made_up_pins(np.random.default_rng(0), pins=40, days=30)
    >>> weeks = weekly_effort(AccountHistory.from_pins(pins))
    >>> weeks.select((pl.col("of_new") + pl.col("of_others") == pl.col("gain")).all()).item(), weeks.height
    (True, 3)
    """
    account, pins = "social_network_id", history.pins
    if history.counter_type(metric) not in USABLE:
        return with_account(history.social_network_id, None, WEEKS_SCHEMA)
    published = (
        pins.group_by(account, "id")
        .agg(published=pl.col("timestamp").cast(pl.Date).min().dt.truncate("1w"))
        .filter(pl.col("published").is_not_null())
    )
    gains = (
        daily_gains(history, [metric])
        .filter(~pl.col("is_provisional") & ~pl.col("is_unconfirmed"))
        .with_columns(week=pl.col("day").dt.truncate("1w"))
    )
    whole = (
        gains.group_by(account, "week")
        .agg(days=pl.col("day").filter(pl.col("gain").is_not_null()).n_unique())
        .filter(pl.col("days") == 7)
        .select(account, "week")
    )
    by_cohort = (
        gains.join(whole, on=[account, "week"], how="semi")
        .join(published, on=[account, "id"], how="left")
        .group_by(account, "week", "published")
        .agg(pl.col("gain").sum())
    )
    before = pl.col("published").is_null() | (pl.col("published") < pl.col("effort_week"))
    pins_of_week = published.group_by(account, pl.col("published").alias("week")).agg(published=pl.len())
    result = whole.join(pins_of_week, on=[account, "week"], how="left").with_columns(pl.col("published").fill_null(0))
    for lag in LAGS:
        later = (
            by_cohort.with_columns(effort_week=pl.col("week").dt.offset_by(f"-{lag}w"))
            .group_by(account, pl.col("effort_week").alias("week"))
            .agg(pl.col("gain").sum().alias("gain"), pl.col("gain").filter(before).sum().alias(_LATER[lag]))
        )
        result = result.join(later if lag == 0 else later.drop("gain"), on=[account, "week"], how="left")
    return (
        result.with_columns(of_new=pl.col("gain") - pl.col("of_others"))
        .select(account, *WEEKS_SCHEMA)
        .cast(pl.Schema({account: pl.String(), **WEEKS_SCHEMA}))
        .sort(account, "week")
    )


def effort_association(history: AccountHistory, metric: str = "saves", *, seed: int = 0) -> pl.DataFrame:
    """Test whether weeks with more new pins go with more gains of the other pins, from `weekly_effort`.

    One row per account and lag. Columns, sorted by the first two:

    - social_network_id, lag (0, 1 or 2 weeks later)
    - weeks: number of weeks with both known
    - rho: Spearman's correlation (-1 to 1) of the number of pins published and the logarithm of the gains of the other
      pins, both without their linear trend
    - low, high: its 95% interval (Bonett and Wright, 2000, doi:10.1007/BF02294183)
    - p: p value by permutation of the weeks; q: adjusted over the lags (Benjamini and Hochberg 1995)
    - verdict: `rise together`, `move apart` (q at most 5%) or `within normal variation`
    - reason: why there is no verdict (the numbers are then null)

    It is a correlation in these weeks, not a cause.
    """
    return association_of_weeks(weekly_effort(history, metric), seed=seed)


def association_of_weeks(weeks: pl.DataFrame, *, seed: int = 0) -> pl.DataFrame:
    """Return `effort_association` of the weeks of one account, as `weekly_effort` returns them.

    >>> from datetime import date, timedelta
    >>> weeks = pl.DataFrame({"social_network_id": "pin_a", "published": [1, 5] * 6, "of_others": [10.0, 90.0] * 6,
    ...     "week": [date(2026, 1, 5) + timedelta(weeks=week) for week in range(12)],
    ...     "others_next_week": 5.0, "others_in_two_weeks": None})
    >>> association_of_weeks(weeks).select("lag", "weeks", "verdict").rows()
    [(0, 12, 'rise together'), (1, 12, None), (2, 0, None)]
    """
    if weeks.is_empty():
        return with_account("", None, ASSOCIATION_SCHEMA)
    weeks = weeks.sort("week")
    rows = [_at_lag(weeks, lag, np.random.default_rng([seed, lag])) for lag in LAGS]
    tested = [row for row in rows if row["p"] is not None]
    if tested:
        from scipy import stats  # slow to import

        for row, q in zip(tested, stats.false_discovery_control([row["p"] for row in tested]), strict=True):
            row["q"] = float(q)
    is_named, rho = pl.col("q") <= LEVEL, pl.col("rho")
    verdict = pl.when(is_named & (rho > 0)).then(pl.lit("rise together")).when(is_named).then(pl.lit("move apart"))
    table = pl.DataFrame(rows, schema=ASSOCIATION_SCHEMA).with_columns(
        verdict=pl.when(rho.is_not_null()).then(verdict.otherwise(pl.lit(WITHIN_NORMAL_VARIATION)))
    )
    return with_account(weeks["social_network_id"][0], table, ASSOCIATION_SCHEMA)


def _at_lag(weeks: pl.DataFrame, lag: int, rng: np.random.Generator) -> dict[str, float | str | None]:
    known = weeks.select("week", "published", later=pl.col(_LATER[lag]).cast(pl.Float64)).drop_nulls()
    row: dict[str, float | str | None] = dict.fromkeys(ASSOCIATION_SCHEMA)
    row |= {"lag": lag, "weeks": known.height}
    if known.height < MIN_WEEKS:
        row["reason"] = f"it needs {MIN_WEEKS} whole weeks, and there are {known.height}."
        return row
    if known["published"].n_unique() == 1 or known["later"].n_unique() == 1:
        row["reason"] = "every week is the same, so that nothing can go together with it."
        return row
    from scipy import stats

    time = (known["week"] - known["week"][0]).dt.total_days().to_numpy() / 7
    effort, result = (
        stats.rankdata(np.round(part - np.polyval(np.polyfit(time, part, 1), time), 9))
        for part in (known["published"].to_numpy().astype(np.float64), np.log1p(known["later"].to_numpy()))
    )
    one, other = (_standardized(part) for part in (effort, result))
    shuffled = rng.permuted(np.tile(one, (SHUFFLES, 1)), axis=1) @ other / len(one)
    rho = float(np.clip(one @ other / len(one), -1, 1))
    reach = 1.96 * np.sqrt((1 + rho**2 / 2) / (known.height - 3))
    low, high = (float(np.tanh(np.arctanh(np.clip(rho, -0.999, 0.999)) + side)) for side in (-reach, reach))
    p = float((1 + (np.abs(shuffled) >= abs(rho) - 1e-12).sum()) / (SHUFFLES + 1))
    return row | {"rho": rho, "low": low, "high": high, "p": p}


def _standardized(values: Floats) -> Floats:
    result: Floats = (values - values.mean()) / max(float(values.std()), 1e-12)
    return result
