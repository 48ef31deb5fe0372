"""Compare whole accounts: OneUp's totals with a verdict from the pins, and several accounts side by side."""

from collections.abc import Iterable, Sequence

import numpy as np
import polars as pl

from oneup_pinterest.history.account_history import AccountHistory
from oneup_pinterest.history.period_change import DAYS, HEADLINE, account_change, changes
from oneup_pinterest.history.pin_rates import pin_rates
from oneup_pinterest.history.totals import account_totals
from oneup_pinterest.methods.types import Columns
from oneup_pinterest.methods.verdicts import DOWN, NO_VERDICT, UP, verdict_of
from oneup_pinterest.questions.overview.peers import with_peers

COUNTED = "what was published is counted, not estimated"
_DISAGREES = "the observed pins do not move the way this total does"
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
    "gained_change": pl.Float64,
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
    "watched_before": pl.Float64,
    "watched_now": pl.Float64,
}


def totals_with_verdicts(history: AccountHistory) -> pl.DataFrame:
    """Return OneUp's totals of the newest period, each with a verdict if the gains of the pins allow one.

    Columns: those of `account_totals`, and

    - verdict: up or down where the typical pin gained more or less by more than chance explains, and in the same
      direction as the total; else within normal variation, or no verdict; null for posts, which are counted
    - reason: why there is no verdict; null where chance explains the change
    - pins_change, pins_change_low, pins_change_high: change of the typical pin in percent, with its 95% interval
    - pins: number of pins behind that change

    The pins are compared over as many whole weeks as the total's period has, up to their last settled day, as in the
    figures at the top of the report. The total has two days more, which Pinterest may still restate. Totals need not
    equal the sums over pins: OneUp does not document which pins a total counts, and Pinterest counts pins that share an
    image and a link together. The test is that of `account_change`; its p values are adjusted for the number of metrics
    (Holm 1979).

    >>> from datetime import date
    >>> from oneup_pinterest.history.observations import METRICS
    >>> overview = pl.DataFrame({"social_network_id": "pin_a", "preset": "last_7_days", "key": ["saves"], "name": "",
    ...     "description": "", "period_start": date(2026, 3, 1), "period_end": date(2026, 3, 7),
    ...     "value_current_period": [450.0], "value_last_period": [360.0], "_airbyte_extracted_at": None})
    >>> pins = pl.DataFrame(schema={"social_network_id": pl.String, "id": pl.String, "timestamp": pl.Datetime,
    ...     "snapshot_date": pl.Date, **dict.fromkeys(METRICS, pl.Int64)})
    >>> history = AccountHistory.from_pins(pins, overview=overview)
    >>> totals_with_verdicts(history).select("change", "verdict", "reason").row(0)
    (25.0, 'no verdict', 'no daily gains of these pins are known')
    """
    totals = account_totals(history.overview).with_columns(
        days=(pl.col("period_end") - pl.col("period_start")).dt.total_days() + 1
    )
    lengths = totals["days"].drop_nulls().unique(maintain_order=True).to_list()
    compared = [changes(history, whole_weeks(int(days))).with_columns(length=pl.lit(days)) for days in lengths]
    carried = pl.concat(compared) if compared else changes(history, DAYS).with_columns(length=DAYS).clear()
    carried = carried.select(
        "social_network_id",
        pl.col("metric").alias("key"),
        pl.col("length").cast(pl.Int64).alias("days"),
        "verdict",
        "reason",
        "pins",
        pl.col("change", "change_low", "change_high").name.prefix("pins_"),
    )
    joined = totals.join(carried, on=["social_network_id", "key", "days"], how="left", maintain_order="left")
    is_posts = pl.col("key") == "posts"
    is_decided, missing = pl.col("verdict").is_in([UP, DOWN]), pl.col("verdict").is_null()
    disagrees = is_decided & (pl.col("verdict") != pl.col("direction").replace("from zero", UP))
    return joined.with_columns(
        verdict=pl.when(~is_posts).then(pl.when(disagrees | missing).then(pl.lit(NO_VERDICT)).otherwise("verdict")),
        reason=pl.when(is_posts)
        .then(pl.lit(COUNTED))
        .when(disagrees)
        .then(pl.lit(_DISAGREES))
        .when(missing)
        .then(pl.lit("no daily gains of these pins are known"))
        .otherwise("reason"),
    ).select(*account_totals(history.overview.clear()).columns, *_CARRIED)


def whole_weeks(days: int) -> int:
    """Return the days of the whole weeks in a period, so that weekdays are the same on both sides; at least 7.

    >>> whole_weeks(30), whole_weeks(7)
    (28, 7)
    """
    return max(7, days // 7 * 7)


def accounts_side_by_side(
    histories: Iterable[AccountHistory], days: int = DAYS, metrics: Sequence[str] = HEADLINE
) -> pl.DataFrame:
    """Compare accounts: what each gained in its last settled days, with verdicts adjusted for the number of accounts.

    One row per account and metric, for every account with pins or followers, sorted by account and, in the order of
    `metrics`, by metric. `histories` may be an iterator: one history is in use at a time. Columns:

    - social_network_id, metric, days, now_start, now_end, now, before, pins, gained_change, change, change_low,
      change_high, p, reason: as in `account_change`
    - p_adjusted, verdict: adjusted over all accounts and metrics of the table, so that at most 5% of the verdicts up
      and down are expected to be false (Benjamini and Hochberg 1995)
    - rate, rate_low, rate_high: mean rate of the account's pins as last seen (`metric` per impression, 0 to 1;
      empirical Bayes, `pin_rates`), with its 95% interval
    - pins_published: number of pins of the last period; followers: count as last seen; last_snapshot: its day
    - watched_before, watched_now: mean number of pins seen per day; peers, peers_low, peers_high: how the account does
      against the others of its size, in percent (`with_peers`)

    >>> from oneup_pinterest.history.observations import METRICS
    >>> pins = pl.DataFrame(schema={"social_network_id": pl.String, "id": pl.String, "timestamp": pl.Datetime,
    ...     "text": pl.String, "permalink": pl.String, "snapshot_date": pl.Date, **dict.fromkeys(METRICS, pl.Int64)})
    >>> from datetime import date
    >>> followers = pl.DataFrame({"social_network_id": ["pin_a"], "snapshot_date": [date(2026, 3, 1)],
    ...     "total_followers": [90]})
    >>> histories = [AccountHistory.from_pins(pins, followers=followers)]
    >>> accounts_side_by_side(histories, metrics=["saves"]).select("social_network_id", "followers").rows()
    [('pin_a', 90)]
    """
    rows = [account_figures(history, days, metrics) for history in histories]
    return adjust_across_accounts(pl.concat(rows) if rows else pl.DataFrame(schema=SIDE_BY_SIDE))


def account_figures(history: AccountHistory, days: int = DAYS, metrics: Sequence[str] = HEADLINE) -> pl.DataFrame:
    """Return the rows of `accounts_side_by_side` for one account, before `adjust_across_accounts`."""
    account, followers = "social_network_id", history.followers
    rates = [_account_rates(pin_rates(history, metric)) for metric in metrics]
    snapshots = pl.concat([history.pins["snapshot_date"], followers["snapshot_date"]])
    if snapshots.is_empty():
        return pl.DataFrame(schema=SIDE_BY_SIDE)
    counts = followers.filter(pl.col("total_followers").is_not_null()).sort("snapshot_date")["total_followers"]
    return (
        pl.DataFrame({account: history.social_network_id, "metric": list(metrics)})
        .join(account_change(history, days, metrics), on=[account, "metric"], how="left", maintain_order="left")
        .join(pl.concat(rates), on=[account, "metric"], how="left", maintain_order="left")
        .with_columns(
            days=pl.lit(days, pl.Int64),
            reason=pl.when(pl.col("verdict").is_null()).then(pl.lit("no pin of it has been seen")).otherwise("reason"),
            pins_published=pl.col("pins_now"),
            followers=pl.lit(counts[-1] if counts.len() else None, pl.Int64),
            last_snapshot=pl.lit(snapshots.max(), pl.Date),
        )
        .select(pl.col(name).cast(dtype) for name, dtype in SIDE_BY_SIDE.items())
    )


def adjust_across_accounts(rows: pl.DataFrame) -> pl.DataFrame:
    """Return rows of `account_figures` of several accounts, sorted by account, with p_adjusted, verdict and peers.

    The adjustment controls the false discovery rate (Benjamini and Hochberg 1995).
    """
    from scipy.stats import false_discovery_control

    rows = rows.sort("social_network_id", maintain_order=True)
    tested = rows["p"].is_not_null()
    adjusted = np.full(rows.height, np.nan)
    if tested.any():
        adjusted[tested.to_numpy()] = false_discovery_control(rows["p"].filter(tested).to_numpy())
    adjusted_rows = rows.with_columns(p_adjusted=pl.Series(adjusted).fill_nan(None))
    return with_peers(adjusted_rows.with_columns(verdict=verdict_of(pl.col("change") > 0)))


def _account_rates(rates: pl.DataFrame) -> pl.DataFrame:
    """Return the mean of the shrunk rates of an account's pins, with its 95% interval."""
    mean, prior = pl.col("rate").mean(), pl.col("prior_mean").first()
    between = prior * (1 - prior) / (pl.col("prior_strength").first() + 1)
    within = pl.col("rate") * (1 - pl.col("rate")) / (pl.col("prior_strength") + pl.col("impressions") + 1)
    half = 1.96 * ((between + within.mean()) / pl.len()).sqrt()
    return (
        rates.drop_nulls("rate")
        .group_by("social_network_id", "metric")
        .agg(rate=mean, rate_low=(mean - half).clip(lower_bound=0), rate_high=(mean + half).clip(upper_bound=1))
    )
