"""What a counter counts: a pin's whole life, or a window of days that moves on."""

from collections.abc import Sequence

import polars as pl

from oneup_pinterest.history.glitches import SMALL_COUNT, SMALL_SHARE
from oneup_pinterest.history.loaded_history import LoadedHistory, computed_once
from oneup_pinterest.history.observations import (
    EVENT_SHARE,
    METRICS,
    MIN_PINS_OF_EVENT,
    RESET_BELOW,
    consecutive_observations,
    with_impressions,
)

USABLE = ("lifetime", "restated")  # types whose gains mean something; growth curves need `lifetime`

# A lifetime counter does not fall, so of its moves (almost) none is a fall; of a rolling one's, about half.
_FALLING_SHARE, _FALLS, _FALLING_DAYS = 0.05, 3, 3
_SURELY = 2.33  # standard errors: one chance in a hundred
# Pinterest's own windows are of 30 and 90 days. Counters fall only in pins older than the window, so it is asked of
# all pins, and of those old enough for either.
_AGES = (0, 30, 90)
_MANY = 0.1  # of the pins whose counter could fall
_EVENTS = 0.05  # of the snapshots: what happens more often is how the counter behaves
_MIN_MOVES = 20  # all of them rises, they say that a counter does not roll; fewer let the impressions speak for it


@computed_once
def counter_types(history: LoadedHistory, metrics: Sequence[str] = METRICS) -> pl.DataFrame:
    """Judge from its history what each metric of each account counts: a pin's whole life, or a window that moves on.

    Columns, sorted by the first two:

    - social_network_id, metric
    - rises, falls: steps between two observations of a pin in which its counter rose or fell
    - resets: snapshots at which most of the pins was reset
    - restatements: snapshots at which many pins (at least three, and 10% of those that could) fell, but not to near 0.
      Such events are rare (at most one in twenty snapshots), or they are how the counter behaves
    - pins_reset: pins whose counter was reset at another snapshot
    - falling_share: of the steps that moved at any other snapshot, the share that fell (null when none moved)
    - counter_type:
      `rolling` where clearly more than 5% of these fell, on three days or more, and the pins that fell did so again and
      again, or lost more than a restatement takes (the same is asked of pins older than 30 and than 90 days alone,
      because a window's counter falls only in pins older than the window). A metric with too few moves or falls to
      be sure (20) follows the impressions: OneUp has one type of counter for all;
      `restated` where at a few snapshots most pins fell, but not to near 0: gains may be used, with that day unknown;
      `lifetime` otherwise, which is an assumption as far as `rules_out_days` does not bear it out
    - rules_out_days: a window of so many days, or fewer, would have shown: 20 rises of pins older than that, and
      hardly a fall. Null where too little was seen, or the counter is rolling

    >>> from datetime import date, datetime
    >>> pins = pl.DataFrame({
    ...     "social_network_id": "pin_a", "id": "1", "timestamp": datetime(2026, 1, 1),
    ...     "snapshot_date": [date(2026, 3, day) for day in range(1, 8)], "saves": [9, 8, 9, 7, 9, 6, 9],
    ... })
    >>> counter_types(LoadedHistory(pins), ["saves"]).select("rises", "falls", "counter_type").row(0)
    (3, 3, 'rolling')
    """
    asked = with_impressions(history, metrics)
    judged = pl.concat([_judged(history, metric).with_columns(metric=pl.lit(metric)) for metric in sorted(asked)])
    impressions = judged.filter(pl.col("metric") == "impressions")
    rolling = impressions.filter("is_rolling")["account"].implode()
    lifetime = impressions.filter(~pl.col("is_rolling") & pl.col("rules_out_days").is_not_null())["account"].implode()
    is_doubtful = (pl.col("falls") > 0) | (pl.col("rises") < _MIN_MOVES)
    rolls = pl.col("account").is_in(rolling) & is_doubtful
    rolls |= pl.col("is_rolling") & ~(pl.col("account").is_in(lifetime) & (pl.col("falls") < _MIN_MOVES))
    not_rolling = pl.when("is_restated").then(pl.lit("restated")).otherwise(pl.lit("lifetime"))
    return (
        judged.with_columns(counter_type=pl.when(rolls).then(pl.lit("rolling")).otherwise(not_rolling))
        .with_columns(rules_out_days=pl.when(pl.col("counter_type") != "rolling").then("rules_out_days"))
        .join(consecutive_observations(history, []).accounts, on="account", how="left")
        .select(
            "social_network_id",
            "metric",
            "rises",
            "falls",
            "resets",
            "restatements",
            "pins_reset",
            "falling_share",
            "counter_type",
            "rules_out_days",
        )
        .filter(pl.col("metric").is_in(list(metrics)))
        .sort("social_network_id", "metric")
    )


@computed_once
def _judged(history: LoadedHistory, metric: str) -> pl.DataFrame:
    """Return one row per account: how the counter of one metric behaves by itself."""
    steps = consecutive_observations(history, [metric]).steps[metric]
    seen_twice = steps.lazy().filter(pl.col("before_on").is_not_null())
    fell, rose = pl.col("value") < pl.col("before"), pl.col("value") > pl.col("before")
    many = (pl.col("falls") >= MIN_PINS_OF_EVENT) & (pl.col("falls") >= _MANY * pl.col("could_fall"))
    most = (pl.col("falls") >= MIN_PINS_OF_EVENT) & (pl.col("falls") > EVENT_SHARE * pl.col("could_fall"))
    snapshots = (
        seen_twice.group_by("account", "snapshot_date")
        .agg(
            falls=fell.sum().cast(pl.Int64),
            rises=rose.sum().cast(pl.Int64),
            could_fall=(pl.col("before") > 0).sum(),
            is_reset=pl.col("value").sum() < RESET_BELOW * pl.col("before").sum(),
        )
        .with_columns(is_event=many & (many.sum().over("account") <= (_EVENTS * pl.len().over("account")).clip(1)))
        .with_columns(is_reset=pl.col("is_event") & most & pl.col("is_reset"), is_most=pl.col("is_event") & most)
        .collect()
    )
    moved = (
        seen_twice.filter(pl.col("value") != pl.col("before"))
        .select(
            "account",
            "pin",
            "snapshot_date",
            "value",
            "before",
            "fall",
            is_fall=fell,
            age=(pl.col("snapshot_date") - pl.col("published")).dt.total_days(),
        )
        .collect()
    )
    events = snapshots.filter("is_event").select("account", "snapshot_date")
    if events.height:
        moved = moved.join(events, on=["account", "snapshot_date"], how="anti")
    return (
        snapshots.group_by("account")
        .agg(
            rises=pl.col("rises").sum(),
            falls=pl.col("falls").sum(),
            resets=pl.col("is_reset").sum().cast(pl.Int64),
            restatements=(pl.col("is_event") & ~pl.col("is_reset")).sum().cast(pl.Int64),
            is_restated=(pl.col("is_most") & ~pl.col("is_reset")).any(),
        )
        .join(_steadily(moved), on="account", how="left", maintain_order="left")
        .with_columns(pl.col("is_rolling").fill_null(value=False), pl.col("pins_reset").fill_null(0))
    )


def _steadily(moved: pl.DataFrame) -> pl.DataFrame:
    """From the steps that moved, apart from events: account, pins_reset, falling_share, is_rolling, rules_out_days."""
    age = pl.col("age")
    losses = (
        moved.filter("is_fall")
        .group_by("account", "pin")
        .agg(lost=(pl.col("before") - pl.col("value")).sum(), top=pl.col("before").max(), falls=pl.len())
        .with_columns(is_deep=pl.col("lost") > pl.max_horizontal(pl.lit(SMALL_COUNT), SMALL_SHARE * pl.col("top")))
        .group_by("account")
        .agg(deep_share=pl.col("is_deep").mean(), falls_per_pin=pl.col("falls").mean())
    )
    is_rolling = pl.any_horizontal(
        # a pin without a time of publication may be of any age
        [_falls_too_often((age > least).fill_null(value=least == 0)) for least in _AGES]
    )
    return (
        moved.group_by("account")
        .agg(
            falling_share=pl.col("is_fall").mean(),
            is_rolling=is_rolling if losses.height else pl.lit(value=False),
            pins_reset=pl.col("pin").filter(pl.col("fall") == "reset").n_unique().cast(pl.Int64),
            rules_out_days=age.filter(~pl.col("is_fall")).drop_nulls().top_k(_MIN_MOVES),
        )
        .with_columns(
            rules_out_days=pl.when(pl.col("rules_out_days").list.len() >= _MIN_MOVES).then(
                (pl.col("rules_out_days").list.min() - 1).clip(0)
            )
        )
        .join(losses, on="account", how="left")
        # restatements take little, and hardly a pin twice
        .with_columns(
            is_rolling=pl.col("is_rolling") & ((pl.col("deep_share") >= 1 / 3) | (pl.col("falls_per_pin") >= 2))
        )
    )


def _falls_too_often(selected: pl.Expr) -> pl.Expr:
    """Return whether clearly more than `_FALLING_SHARE` of the moves are falls, of several pins on several days."""
    fell = pl.col("is_fall") & selected
    falls, moves = fell.sum(), selected.sum()
    error = (_FALLING_SHARE * (1 - _FALLING_SHARE) * moves).sqrt()
    return (
        (falls >= _FALLS)
        & (pl.col("snapshot_date").filter(fell).n_unique() >= _FALLING_DAYS)
        & (pl.col("pin").filter(fell).n_unique() >= _FALLING_SHARE * pl.col("pin").filter(selected).n_unique())
        & ((falls - _FALLING_SHARE * moves) > _SURELY * error)
    )
