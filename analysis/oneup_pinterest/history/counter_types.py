"""Classify counters: does one count a pin's whole life, or a window of days that moves on?"""

from collections.abc import Sequence

import polars as pl

from oneup_pinterest.history.glitches import MIN_PINS_OF_EVENT, SMALL_COUNT, SMALL_SHARE
from oneup_pinterest.history.loaded_history import LoadedHistory, computed_once
from oneup_pinterest.history.observations import (
    EVENT_SHARE,
    METRICS,
    RESET_BELOW,
    consecutive_observations,
    with_impressions,
)

USABLE = ("lifetime", "restated")  # types whose gains mean something; growth curves need `lifetime`

# A lifetime counter (almost) never falls. Of the moves of a rolling counter, about half are falls.
_FALLING_SHARE, _FALLS, _FALLING_DAYS = 0.05, 3, 3
_SURELY = 2.33  # standard errors: a one-sided p value of 1%
# Pinterest's own windows have 30 and 90 days. A rolling counter falls only in pins older than the window, so the test
# runs over all pins, and over those older than each window.
_AGES = (0, 30, 90)
_YOUNGEST = 7  # days: OneUp's shortest period. No window makes a younger pin's counter fall
_MANY = 0.1  # of the pins whose counter could fall
_EVENTS = 0.05  # of the snapshots: more frequent events are how the counter behaves
_MIN_MOVES = 20  # so many rises without a fall rule out a rolling counter; with fewer, the impressions decide


@computed_once
def counter_types(history: LoadedHistory, metrics: Sequence[str] = METRICS) -> pl.DataFrame:
    """Return the type of each counter: does it count a pin's whole life, or a window of days that moves on?

    The method is this project's own: one-sided z-tests (1%) of the share of falls.

    Columns, sorted by the first two:

    - social_network_id, metric
    - rises, falls: number of steps between two observations of a pin in which its counter rose or fell
    - resets: number of snapshots at which most pins were reset
    - restatements: number of snapshots at which many pins (at least three, and 10% of those above 0) fell, but not to
      near 0. Where these are more than one in twenty snapshots, they are how the counter behaves
    - pins_reset: number of pins whose counter was reset at another snapshot
    - falling_share: share of falls (0 to 1) among the steps that moved at other snapshots; null where none moved
    - counter_type:
      `rolling` where clearly more than 5% of these steps fell, on three days or more, and the same pins fell
      repeatedly, or by more than a restatement. The test also runs over pins older than 30 and than 90 days alone,
      because a rolling counter falls only in pins older than its window. Falls of no more than what the last two days
      had gained, and those in a pin's first 7 days, are no sign of it: Pinterest restates its last two days. A metric
      with fewer than 20 moves or falls takes the type of the impressions, because OneUp has one type for all counters;
      `restated` where most pins fell at a few snapshots, but not to near 0: gains are valid, except on that day;
      `lifetime` otherwise, which is an assumption unless `rules_out_days` confirms it
    - rules_out_days: the data rule out a window of this many days or fewer, by 20 rises of older pins with hardly a
      fall. Null where too little was seen, or the counter is rolling

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
    """Return one row per account: the type of one metric's counter, without regard to the impressions."""
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
    age = (pl.col("snapshot_date") - pl.col("published")).dt.total_days()
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
            is_sign=fell & ~pl.col("is_recent") & (age > _YOUNGEST).fill_null(value=True),
            age=age,
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
    """Return account, pins_reset, falling_share, is_rolling and rules_out_days, from the steps outside of events."""
    age = pl.col("age")
    losses = (
        moved.filter("is_sign")
        .group_by("account", "pin")
        .agg(lost=(pl.col("before") - pl.col("value")).sum(), top=pl.col("before").max(), falls=pl.len())
        .with_columns(is_deep=pl.col("lost") > pl.max_horizontal(pl.lit(SMALL_COUNT), SMALL_SHARE * pl.col("top")))
        .group_by("account")
        .agg(deep_share=pl.col("is_deep").mean(), falls_per_pin=pl.col("falls").mean())
    )
    is_rolling = pl.any_horizontal(
        # a pin without a publication time may be of any age
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
        # restatements are small, and rarely hit a pin twice
        .with_columns(
            is_rolling=pl.col("is_rolling") & ((pl.col("deep_share") >= 1 / 3) | (pl.col("falls_per_pin") >= 2))
        )
    )


def _falls_too_often(selected: pl.Expr) -> pl.Expr:
    """Return whether clearly more than `_FALLING_SHARE` of the moves are signs, of several pins on several days."""
    fell = pl.col("is_sign") & selected
    falls, moves = fell.sum(), selected.sum()
    error = (_FALLING_SHARE * (1 - _FALLING_SHARE) * moves).sqrt()
    return (
        (falls >= _FALLS)
        & (pl.col("snapshot_date").filter(fell).n_unique() >= _FALLING_DAYS)
        & (pl.col("pin").filter(fell).n_unique() >= _FALLING_SHARE * pl.col("pin").filter(selected).n_unique())
        & ((falls - _FALLING_SHARE * moves) > _SURELY * error)
    )
