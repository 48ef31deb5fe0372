"""Measure followers: daily changes, growth, and their correlation with gains."""

import numpy as np
import polars as pl

from oneup_pinterest.history.account_history import AccountHistory
from oneup_pinterest.history.loaded_history import computed_once
from oneup_pinterest.history.settled_days import settled_days
from oneup_pinterest.history.zone_changes import moved_snapshots
from oneup_pinterest.methods.frames import with_account
from oneup_pinterest.methods.types import Columns, Floats
from oneup_pinterest.methods.verdicts import DOWN, LEVEL, UP, WITHIN_NORMAL_VARIATION

MIN_WEEKS = 3  # of changes, for an interval of their mean
MIN_SHARED_WEEKS = 6  # of changes and gains: fewer weeks have too few permutations
ZERO_BELOW = 10  # an account that had this many and now reports 0 has lost its connection, not its followers
SHUFFLES = 2000

_CHANGES = {
    "social_network_id": pl.String(),
    "day": pl.Date(),
    "followers": pl.Int64(),
    "change": pl.Float64(),
    "is_imputed": pl.Boolean(),
}
TREND_SCHEMA: Columns = {
    "first_day": pl.Date,
    "last_day": pl.Date,
    "first_followers": pl.Int64,
    "last_followers": pl.Int64,
    "weeks": pl.Int64,
    "per_week": pl.Float64,
    "low": pl.Float64,
    "high": pl.Float64,
    "verdict": pl.String,
    "reason": pl.String,
}
RATE_SCHEMA: Columns = {
    "first_day": pl.Date,
    "last_day": pl.Date,
    "gain": pl.Float64,
    "followers": pl.Float64,
    "per_thousand": pl.Float64,
}
ASSOCIATION_SCHEMA: Columns = {
    "days": pl.Int64,
    "rho": pl.Float64,
    "p": pl.Float64,
    "verdict": pl.String,
    "reason": pl.String,
}


@computed_once
def follower_changes(history: AccountHistory) -> pl.DataFrame:
    """Return the net change of followers on each day: followers won minus followers lost.

    Columns, sorted by the first two:

    - social_network_id, day: the day before the snapshot, as for gains
    - followers: count at the end of the day; null on days within a gap between syncs
    - change: net count; within a gap of n days, the change over the gap divided by n
    - is_imputed: the day is within a gap, or the day of the sync moved with the time zone
      (`oneup_pinterest.history.zone_changes`), so that it is not a whole day's change

    The first snapshot has no row, because the change before it is unknown. A count of 0 in an account that had 10 or
    more followers is a lost connection, not an observation.

    >>> from datetime import date
    >>> followers = pl.DataFrame({"social_network_id": "pin_a", "total_followers": [100, 103, 109],
    ...     "snapshot_date": [date(2026, 3, 1), date(2026, 3, 2), date(2026, 3, 4)]})
    >>> history = AccountHistory.from_pins(pl.DataFrame(), followers=followers)
    >>> follower_changes(history).select("followers", "change", "is_imputed").rows()
    [(103, 3.0, False), (None, 3.0, True), (109, 3.0, True)]
    """
    followers, count, account = history.followers, pl.col("total_followers"), "social_network_id"
    moved = moved_snapshots(followers).select(account, "snapshot_date", is_moved=pl.lit(value=True))
    seen = (
        followers.select(account, "snapshot_date", count.cast(pl.Int64))
        .filter(count.is_not_null() & ((count > 0) | (count.max().over(account) < ZERO_BELOW)))
        .sort(account, "snapshot_date", "total_followers")
        .unique([account, "snapshot_date"], keep="last", maintain_order=True)
        .with_columns(
            days=(pl.col("snapshot_date") - pl.col("snapshot_date").shift(1).over(account)).dt.total_days(),
            change=count - count.shift(1).over(account),
        )
        .join(moved, on=[account, "snapshot_date"], how="left")
        .filter(pl.col("days").is_not_null())
        .with_columns(back=pl.int_ranges(1, pl.col("days") + 1))
        .explode("back")
    )
    return (
        seen.select(
            account,
            day=(pl.col("snapshot_date") - pl.duration(days=pl.col("back"))).cast(pl.Date),
            followers=pl.when(pl.col("back") == 1).then(count),
            change=pl.col("change") / pl.col("days"),
            is_imputed=(pl.col("days") > 1) | pl.col("is_moved").fill_null(value=False),
        )
        .cast(pl.Schema(_CHANGES))
        .sort(account, "day")
    )


def follower_trend(history: AccountHistory) -> pl.DataFrame:
    """Test whether each account's followers grow, from `load_account_followers`.

    One row per account. Columns:

    - social_network_id; first_day, last_day, first_followers, last_followers: of the whole weeks used (counts)
    - weeks: number of weeks of 7 days, back from the last day
    - per_week: mean net change per week (count); low, high: its 95% interval (Student's t over the weeks, because a
      day resembles the one before it)
    - verdict: `up` or `down` where the interval excludes zero, `unchanged` where no week changed, else
      `within normal variation`
    - reason: why there is no verdict (then it is null, as are low and high)

    >>> from datetime import date
    >>> followers = pl.DataFrame({"social_network_id": "pin_a", "total_followers": [100 + 2 * day for day in range(22)],
    ...     "snapshot_date": [date(2026, 3, 1 + day) for day in range(22)]})
    >>> history = AccountHistory.from_pins(pl.DataFrame(), followers=followers)
    >>> follower_trend(history).select("weeks", "per_week", "verdict").rows()
    [(3, 14.0, 'up')]
    """
    changes = follower_changes(history)
    rows = None if changes.is_empty() else _trend(changes)
    return with_account(history.social_network_id, rows, TREND_SCHEMA)


def _trend(changes: pl.DataFrame) -> pl.DataFrame:
    weeks = changes.height // 7
    part = changes.tail(weeks * 7) if weeks else changes
    sums: Floats = part["change"].to_numpy()[: weeks * 7].reshape(weeks, 7).sum(axis=1)
    last = int(part["followers"][-1])
    low = high = verdict = reason = None
    if weeks < MIN_WEEKS:
        there = "is 1 day" if changes.height == 1 else f"are {changes.height} days"
        reason = f"a trend of followers needs {MIN_WEEKS} whole weeks of changes, and there {there}."
    elif not sums.any():
        low, high, verdict = 0.0, 0.0, "unchanged"
    else:
        from scipy import stats  # slow to import

        reach = float(stats.t.ppf(0.975, weeks - 1) * sums.std(ddof=1) / np.sqrt(weeks))
        low, high = float(sums.mean()) - reach, float(sums.mean()) + reach
        verdict = UP if low > 0 else DOWN if high < 0 else WITHIN_NORMAL_VARIATION
    return pl.DataFrame(
        {
            "first_day": [part["day"][0]],
            "last_day": [part["day"][-1]],
            "first_followers": [round(last - part["change"].sum())],
            "last_followers": [last],
            "weeks": [weeks],
            "per_week": [float(sums.mean()) if weeks else None],
            "low": [low],
            "high": [high],
            "verdict": [verdict],
            "reason": [reason],
        },
        schema=TREND_SCHEMA,
    )


def gains_per_thousand(history: AccountHistory, metric: str = "saves") -> pl.DataFrame:
    """Return the gain per week and 1,000 followers, from `account_daily_gains` and `load_account_followers`.

    One row per week of 7 settled days with known gains and followers, back from the last one. Columns, sorted by the
    first two: social_network_id; first_day, last_day; gain (count of `metric`); followers (mean count over the seen
    days); per_thousand (gain per 1,000 followers; null without followers).

    The ratio makes accounts and weeks comparable. It is not a share of the followers, because pins are also shown to
    other people.

    >>> from datetime import date
    >>> days = [date(2026, 3, 1 + day) for day in range(10)]
    >>> pins = pl.DataFrame({"social_network_id": "pin_a", "id": "1", "timestamp": date(2026, 1, 1),
    ...     "snapshot_date": days, "saves": range(0, 30, 3)})
    >>> followers = pl.DataFrame({"social_network_id": "pin_a", "snapshot_date": days, "total_followers": 2000})
    >>> history = AccountHistory.from_pins(pins, followers=followers)
    >>> gains_per_thousand(history).select("gain", "per_thousand").rows()
    [(21.0, 10.5)]
    """
    account, day = "social_network_id", pl.col("day")
    counts = follower_changes(history).select(account, "day", pl.col("followers"))
    weeks = (
        settled_days(history, metric)
        .join(counts, on=[account, "day"], how="left")
        .with_columns(back=((day.max().over(account) - day).dt.total_days() // 7))
        .group_by(account, "back")
        .agg(
            first_day=day.min(),
            last_day=day.max(),
            days=pl.col("gain").count(),
            gain=pl.col("gain").sum(),
            followers=pl.col("followers").mean(),
        )
        .filter((pl.col("days") == 7) & pl.col("followers").is_not_null())
        .sort(account, "first_day")
    )
    return weeks.select(
        account,
        "first_day",
        "last_day",
        "gain",
        "followers",
        per_thousand=pl.when(pl.col("followers") > 0).then(pl.col("gain") / pl.col("followers") * 1000),
    ).cast(pl.Schema({account: pl.String(), **RATE_SCHEMA}))


def follower_association(history: AccountHistory, metric: str = "saves", *, seed: int = 0) -> pl.DataFrame:
    """Test whether days that gain more of `metric` are also days that win more followers: a correlation, not a cause.

    It takes frames of `account_daily_gains` and `load_account_followers`. One row per account with gains. Columns:

    - social_network_id
    - days: number of days in the last run of whole settled weeks with both known and neither imputed
    - rho: Spearman's correlation (-1 to 1) of both, without their linear trends
    - p: p value by 2,000 random orders of whole weeks, which keep the weekday cycle and the similarity of neighboring
      days
    - verdict: `rise together`, `move apart` (p at most 5%) or `within normal variation`
    - reason: why there is no verdict (days may then be 0, and the numbers are null)

    >>> from oneup_pinterest.database.schema import TABLES
    >>> follower_association(AccountHistory("pin_a", pl.DataFrame(schema=TABLES["pins"].schema))).height
    0
    """
    account = "social_network_id"
    changes = follower_changes(history).filter(~pl.col("is_imputed")).select(account, "day", "change")
    both = settled_days(history, metric).join(changes, on=[account, "day"], how="left").sort(account, "day")
    is_known = pl.col("gain").is_not_null() & ~pl.col("is_imputed") & pl.col("change").is_not_null()
    rows = None if both.is_empty() else _association(both.with_columns(is_known=is_known), seed)
    return with_account(history.social_network_id, rows, ASSOCIATION_SCHEMA)


def _association(days: pl.DataFrame, seed: int) -> pl.DataFrame:
    last = days.filter("is_known")["day"].max()
    days = days.filter(pl.col("day") <= last) if last is not None else days.clear()
    unknown = days.filter(~pl.col("is_known"))["day"].max()
    run = days.filter(pl.col("day") > unknown) if unknown is not None else days
    weeks = run.height // 7
    run = run.tail(weeks * 7) if weeks else run.clear()
    rho = p = verdict = reason = None
    if weeks < MIN_SHARED_WEEKS:
        needed = f"{MIN_SHARED_WEEKS} whole weeks without a gap"
        reason = f"followers and gains need {needed} to be compared, and there are {weeks}."
    elif run["gain"].n_unique() == 1 or run["change"].n_unique() == 1:
        reason = "followers or gains are the same every day, so that nothing can go together with them."
    else:
        rho, p = _shuffled_spearman(run["gain"].to_numpy(), run["change"].to_numpy(), seed)
        verdict = WITHIN_NORMAL_VARIATION if p > LEVEL else "rise together" if rho > 0 else "move apart"
    row = {"days": [run.height], "rho": [rho], "p": [p], "verdict": [verdict], "reason": [reason]}
    return pl.DataFrame(row, schema=ASSOCIATION_SCHEMA)


def _shuffled_spearman(first: Floats, second: Floats, seed: int) -> tuple[float, float]:
    from scipy import stats  # slow to import

    time = np.arange(len(first))
    ranks = [
        stats.rankdata(np.round(part - np.polyval(np.polyfit(time, part, 1), time), 9)) for part in (first, second)
    ]
    one, other = ((part - part.mean()) / max(part.std(), 1e-12) for part in ranks)
    weeks = one.reshape(-1, 7)
    orders = np.random.default_rng(seed).permuted(np.tile(np.arange(len(weeks)), (SHUFFLES, 1)), axis=1)
    shuffled = weeks[orders].reshape(SHUFFLES, -1) @ other / len(one)
    rho = float(one @ other / len(one))
    return rho, float((1 + (np.abs(shuffled) >= abs(rho) - 1e-12).sum()) / (SHUFFLES + 1))
