"""Accounts as a whole: OneUp's totals with the verdict that the pins can carry, and several accounts side by side."""

from collections.abc import Sequence

import numpy as np
import polars as pl

from oneup_pinterest.history.gains import account_daily_gains, daily_gains
from oneup_pinterest.history.observations import METRICS
from oneup_pinterest.history.summaries import account_totals
from oneup_pinterest.questions.change.statistic import DAYS, HEADLINE, account_change, verdict_of
from oneup_pinterest.questions.rates.statistic import Columns, pin_rates

COUNTED = "what was published is counted, not estimated"
_DISAGREES = "the pins watched do not move the way this total does"
_CARRIED = {
    "verdict": pl.String,
    "reason": pl.String,
    "pins_change": pl.Float64,
    "pins_change_low": pl.Float64,
    "pins_change_high": pl.Float64,
    "pins": pl.Int64,
}

SIDE_BY_SIDE: Columns = {
    "social_network_id": pl.String,
    "metric": pl.String,
    "days": pl.Int64,
    "now_start": pl.Date,
    "now_end": pl.Date,
    "now": pl.Float64,
    "before": pl.Float64,
    "pins": pl.Int64,
    "change": pl.Float64,
    "change_low": pl.Float64,
    "change_high": pl.Float64,
    "p": pl.Float64,
    "p_adjusted": pl.Float64,
    "verdict": pl.String,
    "reason": pl.String,
    "rate": pl.Float64,
    "rate_low": pl.Float64,
    "rate_high": pl.Float64,
    "pins_published": pl.Int64,
    "followers": pl.Int64,
    "last_snapshot": pl.Date,
}


def totals_with_verdicts(
    overview: pl.DataFrame,
    pins: pl.DataFrame,
    *,
    gains: pl.DataFrame | None = None,
    account_gains: pl.DataFrame | None = None,
    seed: int = 0,
) -> pl.DataFrame:
    """OneUp's totals of the newest period, each with a verdict where the gains of the pins can carry one.

    `overview` as `load_overview_metrics` returns it; the other arguments as for `account_change`. Columns: those of
    `account_totals`, and

    - verdict: up or down where the pins' gains changed by more than chance, and in the same direction as the total;
      else cannot tell; null for posts, which are counted
    - reason: why it cannot be told (or is not asked); null where chance explains the change
    - pins_change, pins_change_low, pins_change_high: of the pins' gains, in percent, with its 95% interval
    - pins: how many pins are behind it

    The pins are judged over periods as long as the total's, up to their last settled day (the total has two days more,
    which Pinterest may still restate). Totals and the sum over pins need not be equal: OneUp does not say which pins a
    total counts, and Pinterest counts pins that share an image and a link together. The p values of all metrics are
    adjusted for each other.

    >>> from datetime import date
    >>> overview = pl.DataFrame({"social_network_id": "pin_a", "preset": "last_7_days", "key": ["saves"], "name": "",
    ...     "description": "", "period_start": date(2026, 3, 1), "period_end": date(2026, 3, 7),
    ...     "value_current_period": [450.0], "value_last_period": [360.0], "_airbyte_extracted_at": None})
    >>> pins = pl.DataFrame(schema={"social_network_id": pl.String, "id": pl.String, "timestamp": pl.Datetime,
    ...     "snapshot_date": pl.Date, **dict.fromkeys(METRICS, pl.Int64)})
    >>> totals_with_verdicts(overview, pins).select("change", "verdict", "reason").row(0)
    (25.0, 'cannot tell', 'no daily gains of these pins are known')
    """
    totals = account_totals(overview).with_columns(
        days=(pl.col("period_end") - pl.col("period_start")).dt.total_days() + 1
    )
    gains = daily_gains(pins, METRICS) if gains is None else gains
    account_gains = account_daily_gains(pins, METRICS) if account_gains is None else account_gains
    changes = [
        account_change(
            _of_these(pins, part["social_network_id"]),
            int(days[0]),
            METRICS,
            gains=gains,
            account_gains=account_gains,
            seed=seed,
        )
        for days, part in totals.drop_nulls("days").group_by("days", maintain_order=True)
    ]
    carried = (
        pl.concat(changes)
        if changes
        else account_change(pins.clear(), DAYS, METRICS, gains=gains, account_gains=account_gains)
    )
    carried = carried.select(
        "social_network_id",
        pl.col("metric").alias("key"),
        "days",
        "verdict",
        "reason",
        "pins",
        pl.col("change", "change_low", "change_high").name.prefix("pins_"),
    )
    joined = totals.join(carried, on=["social_network_id", "key", "days"], how="left", maintain_order="left")
    is_posts = pl.col("key") == "posts"
    told, missing = pl.col("verdict").is_in(["up", "down"]), pl.col("verdict").is_null()
    disagrees = told & (pl.col("verdict") != pl.col("direction").replace("from zero", "up"))
    return joined.with_columns(
        verdict=pl.when(~is_posts).then(pl.when(disagrees | missing).then(pl.lit("cannot tell")).otherwise("verdict")),
        reason=pl.when(is_posts)
        .then(pl.lit(COUNTED))
        .when(disagrees)
        .then(pl.lit(_DISAGREES))
        .when(missing)
        .then(pl.lit("no daily gains of these pins are known"))
        .otherwise("reason"),
    ).select(*account_totals(overview.clear()).columns, *_CARRIED)


def accounts_side_by_side(
    pins: pl.DataFrame,
    followers: pl.DataFrame,
    days: int = DAYS,
    metrics: Sequence[str] = HEADLINE,
    *,
    gains: pl.DataFrame | None = None,
    account_gains: pl.DataFrame | None = None,
    seed: int = 0,
) -> pl.DataFrame:
    """Each account's last settled days, with verdicts that stand side by side.

    `pins` as `load_pins`, `followers` as `load_account_followers` return them; `gains` and `account_gains` as for
    `account_change`. One row per account and metric, for every account of either frame; sorted by account and (in the
    order of `metrics`) metric. Columns:

    - social_network_id, metric, days, now_start, now_end, now, before, pins, change, change_low, change_high, p,
      reason: as in `account_change`
    - p_adjusted, verdict: adjusted over all accounts and metrics of the table, so that of the verdicts at most 5% are
      expected to be false (Benjamini and Hochberg 1995)
    - rate, rate_low, rate_high: `metric` per impression of all pins as last seen: the mean of the account's pins
      (empirical Bayes, `pin_rates`), with the 95% interval of the average over pins
    - pins_published: in the last period; followers: as last seen; last_snapshot

    >>> pins = pl.DataFrame(schema={"social_network_id": pl.String, "id": pl.String, "timestamp": pl.Datetime,
    ...     "text": pl.String, "permalink": pl.String, "snapshot_date": pl.Date, **dict.fromkeys(METRICS, pl.Int64)})
    >>> from datetime import date
    >>> followers = pl.DataFrame({"social_network_id": ["pin_a"], "snapshot_date": [date(2026, 3, 1)],
    ...     "total_followers": [90]})
    >>> accounts_side_by_side(pins, followers, metrics=["saves"]).select("social_network_id", "followers").rows()
    [('pin_a', 90)]
    """
    changes = account_change(pins, days, metrics, gains=gains, account_gains=account_gains, seed=seed)
    rates = [_account_rates(pin_rates(pins, metric)) for metric in metrics]
    account = "social_network_id"
    ids = pl.concat([pins.select(account, "snapshot_date"), followers.select(account, "snapshot_date")])
    seen = ids.group_by(account).agg(last_snapshot=pl.col("snapshot_date").max()).drop_nulls(account)
    latest = (
        followers.filter(pl.col("total_followers").is_not_null())
        .sort("snapshot_date")
        .group_by(account)
        .agg(followers=pl.col("total_followers").last())
    )
    order = pl.DataFrame({"metric": list(metrics), "order": range(len(metrics))}, schema_overrides={"order": pl.Int64})
    rows = (
        seen.join(order, how="cross")
        .join(changes.drop("days"), on=[account, "metric"], how="left")
        .join(pl.concat(rates), on=[account, "metric"], how="left")
        .join(latest, on=account, how="left")
        .with_columns(
            days=pl.lit(days, pl.Int64),
            reason=pl.when(pl.col("verdict").is_null()).then(pl.lit("no pin of it has been seen")).otherwise("reason"),
            pins_published=pl.col("pins_now"),
        )
        .sort(account, "order")
        .select(pl.col(name).cast(kind) for name, kind in SIDE_BY_SIDE.items())
    )
    return adjust_across_accounts(rows)


def adjust_across_accounts(rows: pl.DataFrame) -> pl.DataFrame:
    """Rows of `accounts_side_by_side` that were worked out apart, with `p_adjusted` and `verdict` of all of them."""
    from scipy.stats import false_discovery_control

    tested = rows["p"].is_not_null()
    adjusted = np.full(rows.height, np.nan)
    if tested.any():
        adjusted[tested.to_numpy()] = false_discovery_control(rows["p"].filter(tested).to_numpy())
    # a reason beside a p value says why a fall is no verdict, however small p is
    is_up = pl.when(pl.col("reason").is_null() | (pl.col("now") > pl.col("before"))).then(
        pl.col("now") > pl.col("before")
    )
    return rows.with_columns(p_adjusted=pl.Series(adjusted).fill_nan(None)).with_columns(verdict=verdict_of(is_up))


def _of_these(pins: pl.DataFrame, accounts: pl.Series) -> pl.DataFrame:
    if set(pins["social_network_id"].unique()) <= set(accounts):
        return pins
    return pins.filter(pl.col("social_network_id").is_in(accounts.unique().implode()))


def _account_rates(rates: pl.DataFrame) -> pl.DataFrame:
    """The mean over an account's pins of their shrunk rates; each pin is one draw from what they have in common."""
    mean, prior = pl.col("rate").mean(), pl.col("prior_mean").first()
    between = prior * (1 - prior) / (pl.col("prior_strength").first() + 1)
    within = pl.col("rate") * (1 - pl.col("rate")) / (pl.col("prior_strength") + pl.col("impressions") + 1)
    half = 1.96 * ((between + within.mean()) / pl.len()).sqrt()
    return (
        rates.drop_nulls("rate")
        .group_by("social_network_id", "metric")
        .agg(rate=mean, rate_low=(mean - half).clip(lower_bound=0), rate_high=(mean + half).clip(upper_bound=1))
    )
