"""Sum up an account: one figure per metric for the newest period, each from one source, with its verdict."""

from collections.abc import Sequence
from datetime import date, timedelta

import polars as pl

from oneup_pinterest.history.account_history import AccountHistory
from oneup_pinterest.history.loaded_history import computed_once
from oneup_pinterest.history.period_change import DAYS, HEADLINE, account_change, changes
from oneup_pinterest.history.totals import TOTALS, account_totals, of_last_preset
from oneup_pinterest.methods.frames import with_account
from oneup_pinterest.methods.types import Columns
from oneup_pinterest.questions.followers.statistic import follower_trend

PERIODS = (DAYS, 14, 7)  # days: the longest that the history allows is shown
GAINS, ONEUP, COUNT = "gains of pins", "OneUp's totals", "count"
FOLLOWERS, POSTS = "followers", "posts"
KEYS = ("impressions", *HEADLINE, "comments", POSTS, FOLLOWERS)
SERIES_DAYS = 84

FIGURES: Columns = {
    "key": pl.String,
    "source": pl.String,
    "start": pl.Date,
    "end": pl.Date,
    "value": pl.Float64,
    "before": pl.Float64,
    "difference": pl.Float64,
    "change": pl.Float64,
    "verdict": pl.String,
    "reason": pl.String,
    "usual_low": pl.Float64,
    "usual_high": pl.Float64,
}
SERIES: Columns = {"key": pl.String, "day": pl.Date, "value": pl.Float64}


@computed_once
def comparison_days(history: AccountHistory) -> int | None:
    """Return the longest of 28, 14 and 7 days of which two periods can be compared; None where there is none yet.

    >>> from oneup_pinterest.database.schema import TABLES
    >>> comparison_days(AccountHistory("pin_a", pl.DataFrame(schema=TABLES["pins"].schema))) is None
    True
    """
    for days in PERIODS:
        change = account_change(history, days)
        if change.height and change["before"].null_count() < change.height:
            return days
    return None


@computed_once
def period_figures(history: AccountHistory) -> pl.DataFrame:
    """Return what an account gained in its newest period and in the one before, one row per figure.

    Rows, where known: impressions, saves, repins, clicks, comments, posts (pins published), followers. Columns:

    - social_network_id, key
    - source: `gains of pins` where two periods can be compared (`comparison_days`), else `OneUp's totals`; `count`
      for posts and followers
    - start, end: first and last day of the period
    - value, before: counts of the period and of the one before; of followers the count at the end and at the start
    - difference: value less before; change: the same in percent, null where `before` is 0 or unknown
    - verdict, reason, usual_low, usual_high: as in `account_change`; null without gains, and for posts. The verdict on
      followers is that of their weekly trend

    >>> from datetime import date
    >>> followers = pl.DataFrame({"social_network_id": ["pin_a"] * 2, "total_followers": [90, 97],
    ...     "snapshot_date": [date(2026, 3, 1), date(2026, 3, 8)]})
    >>> from oneup_pinterest.database.schema import TABLES
    >>> history = AccountHistory("pin_a", pl.DataFrame(schema=TABLES["pins"].schema), followers=followers)
    >>> period_figures(history).select("key", "value", "difference").rows()
    [('followers', 97.0, 7.0)]
    """
    days = comparison_days(history)
    gained = _of_gains(history, days) if days else []
    known = {row["key"] for row in gained}
    totals = [row for row in _of_oneup(history) if row["key"] not in known]
    rows = {row["key"]: row for row in [*gained, *totals, *_of_followers(history, days or DAYS)]}
    table = pl.DataFrame([dict.fromkeys(FIGURES) | rows[key] for key in KEYS if key in rows], schema=FIGURES)
    difference = pl.col("value") - pl.col("before")
    change = pl.when(pl.col("before") > 0).then(difference / pl.col("before") * 100)
    return with_account(history.social_network_id, table.with_columns(difference=difference, change=change), FIGURES)


def recent_series(history: AccountHistory) -> pl.DataFrame:
    """Return the last 12 weeks of each of OneUp's rolling totals, and of followers: key, day, value (count).

    OneUp's totals cover a period of the preset's length that ends on `day`, so they are known from the first sync on.

    >>> from oneup_pinterest.database.schema import TABLES
    >>> recent_series(AccountHistory("pin_a", pl.DataFrame(schema=TABLES["pins"].schema))).height
    0
    """
    overview = of_last_preset(history.overview)
    parts = [
        overview.select("key", pl.col("period_end").alias("day"), pl.col("value_current_period").alias("value")),
        history.followers.select(
            pl.lit(FOLLOWERS).alias("key"),
            pl.col("snapshot_date").alias("day"),
            pl.col("total_followers").alias("value"),
        ),
    ]
    series = pl.concat([part.cast(SERIES) for part in parts]).drop_nulls()  # type: ignore[arg-type] # Polars' stub
    is_recent = pl.col("day") > pl.col("day").max().over("key") - pl.duration(days=SERIES_DAYS)
    return series.filter(is_recent).unique(["key", "day"], keep="last", maintain_order=True).sort("key", "day")


def _of_gains(history: AccountHistory, days: int) -> list[dict[str, object]]:
    rows: list[dict[str, object]] = []
    compared = changes(history, days).drop_nulls("before")
    for row in compared.iter_rows(named=True):
        kept = {name: row[name] for name in ("before", "verdict", "reason", "usual_low", "usual_high")}
        period = {"start": row["now_start"], "end": row["now_end"]}
        rows.append({"key": row["metric"], "source": GAINS, "value": row["now"], **period, **kept})
        if not any(one["key"] == POSTS for one in rows):
            posts = {"value": float(row["pins_now"]), "before": float(row["pins_before"])}
            rows.append({"key": POSTS, "source": COUNT, **posts, **period})
    return rows


def _of_oneup(history: AccountHistory) -> list[dict[str, object]]:
    totals = account_totals(history.overview).filter(pl.col("key").is_in(TOTALS) & pl.col("now").is_not_null())
    return [
        {
            "key": row["key"],
            "source": ONEUP,
            "start": row["period_start"],
            "end": row["period_end"],
            "value": row["now"],
            "before": row["before"],
        }
        for row in totals.iter_rows(named=True)
    ]


def _of_followers(history: AccountHistory, days: int) -> Sequence[dict[str, object]]:
    counts = history.followers.drop_nulls("total_followers").sort("snapshot_date")
    if counts.is_empty():
        return ()
    last: date = counts["snapshot_date"][-1]
    earlier = counts.filter(pl.col("snapshot_date") <= last - timedelta(days=days))
    first = earlier.tail(1) if earlier.height else counts.head(1)
    trend = follower_trend(history)
    before = float(first["total_followers"][0]) if counts.height > 1 else None
    return (
        {
            "key": FOLLOWERS,
            "source": COUNT,
            "start": first["snapshot_date"][0],
            "end": last,
            "value": float(counts["total_followers"][-1]),
            "before": before,
            "verdict": trend["verdict"][0] if trend.height else None,
        },
    )
