"""Pair each observation of a counter with the one before it: the basis of gains, counter types and growth curves."""

from collections.abc import Sequence
from typing import NamedTuple

import polars as pl

from oneup_pinterest.database.schema import COUNTERS, EXTRACTED_AT
from oneup_pinterest.history.glitches import (
    DIP,
    DROPPED,
    EMPTY,
    IMPOSSIBLE,
    MAX_SPIKE_OBSERVATIONS,
    MIN_PINS_OF_EVENT,
    SMALL_COUNT,
    SMALL_SHARE,
    SPIKE,
    dips,
    dropped_zeros,
    impossible_counts,
    spikes,
    unconfirmed_rises,
)
from oneup_pinterest.history.loaded_history import LoadedHistory, computed_once
from oneup_pinterest.history.zone_changes import zone_changes

METRICS = COUNTERS
RESET_BELOW = 0.5  # share of the value before: a fall below it is a reset, not a restatement
EVENT_SHARE = 0.5  # of the pins with a counter above 0
MAX_RECENT_DAYS = 3  # before a snapshot: what it may restate, two days, was gained since then

_FALL = pl.Enum(["restatement", "reset", "fall"])
_IS_BREAK = pl.col("fall").is_in(["reset", "fall"]).fill_null(value=False)
_PLACE = ["social_network_id", "id", "snapshot_date"]
_SNAPSHOT = ["account", "snapshot_date"]


class Observations(NamedTuple):
    """The observations of each metric, and the pins and accounts that their numbers stand for.

    - steps: per metric, the credible observations (see `consecutive_observations`)
    - left_out: per metric, the observations that are not credible (account, pin, snapshot_date, value in counts, and
      reason: impossible, empty, dropped, spike or dip)
    - last_days: per metric, the day of each account's last credible observation (account, snapshot_date)
    - pins: social_network_id, id; row n is pin n
    - accounts: account, social_network_id; row n is account n
    - zone_changes: as `oneup_pinterest.history.zone_changes` returns them
    """

    steps: dict[str, pl.DataFrame]
    left_out: dict[str, pl.DataFrame]
    last_days: dict[str, pl.DataFrame]
    pins: pl.DataFrame
    accounts: pl.DataFrame
    zone_changes: pl.DataFrame


class _Observed(NamedTuple):
    """The part of `Observations` that belongs to one metric."""

    steps: pl.DataFrame
    left_out: pl.DataFrame
    last_days: pl.DataFrame


class Rows(NamedTuple):
    """The rows of pins, sorted, with numbers for pins and accounts.

    `order` has the row number of each in the unsorted frame; None where the frame was sorted already.
    """

    order: pl.Series | None
    places: pl.DataFrame
    pins: pl.DataFrame
    accounts: pl.DataFrame
    zone_changes: pl.DataFrame


def consecutive_observations(history: LoadedHistory, metrics: Sequence[str]) -> Observations:
    """Return each credible observation of a counter, paired with the one before it.

    `steps` has one frame per metric. Pins and accounts are numbers there, because there are many rows: pin n is row n
    of `pins` (social_network_id, id), account n is row n of `accounts` (account, social_network_id). Columns, sorted
    by pin and snapshot_date:

    - pin, account, row: the numbers of the pin, of the account and of the row in the frame of pins
    - snapshot_date, published: days
    - account_before_on: day of the account's snapshot before; null at the first
    - is_first_of_all: at the first snapshot of an account, if all its pins then were published the day before or later
    - is_zone_changed: the day does not follow from the one before (see `history.zone_changes`)
    - value, before: counts now and at the observation before; before_on: its day
    - is_new: the first observation of a pin that was published after the account's snapshot before
    - fall: restatement, reset or fall, as in `history.gains.daily_gains`; null where the counter did not fall
    - is_recent: the fall took back no more than what the last two days had gained, so it may be their restatement;
      False where the pin was not seen in the three days before
    - was_reset: the counter was reset, or fell, at this observation or earlier
    - top, top_before: counts: the maximum since that reset, now and at the observation before
    - is_unconfirmed: a rise that may still be taken back

    >>> from datetime import date
    >>> seen = [date(2026, 3, 2), date(2026, 3, 3)]
    >>> pins = pl.DataFrame({"social_network_id": "pin_a", "id": "1", "timestamp": date(2026, 1, 1),
    ...     "snapshot_date": seen, "saves": [5, 9]})
    >>> steps = consecutive_observations(LoadedHistory(pins), ["saves"]).steps["saves"]
    >>> steps.select("pin", "before", "value").rows()
    [(0, None, 5), (0, 5, 9)]
    """
    rows = rows_in_order(history)
    observed = {metric: _observed(history, metric) for metric in sorted(metrics)}
    return Observations(
        {metric: of_metric.steps for metric, of_metric in observed.items()},
        {metric: of_metric.left_out for metric, of_metric in observed.items()},
        {metric: of_metric.last_days for metric, of_metric in observed.items()},
        rows.pins,
        rows.accounts,
        rows.zone_changes,
    )


def with_impressions(history: LoadedHistory, metrics: Sequence[str]) -> list[str]:
    """Return the metrics with impressions added: they move most, and so show the counter type of slower metrics."""
    extra = ["impressions"] if "impressions" in history.pins.columns and "impressions" not in metrics else []
    return [*metrics, *extra]


def confirmed(steps: pl.DataFrame) -> pl.DataFrame:
    """Return the steps of `consecutive_observations` before any rise that may still be taken back.

    >>> steps = pl.DataFrame({"pin": [0, 0, 0, 1], "is_unconfirmed": [False, True, False, False]})
    >>> confirmed(steps)["pin"].to_list()
    [0, 1]
    """
    if not steps["is_unconfirmed"].any():
        return steps
    return steps.filter(pl.col("is_unconfirmed").cum_sum().over("pin") == 0)


def is_in_order(frame: pl.DataFrame) -> bool:
    """Return whether the rows are sorted by all columns, from left to right; False where a value is missing.

    >>> is_in_order(pl.DataFrame({"id": ["1", "1", "2"], "saves": [3, 4, 1]}))
    True
    """
    follows = pl.lit(value=True)
    for name in reversed(frame.columns):
        now, before = pl.col(name).slice(1), pl.col(name).slice(0, pl.len() - 1)
        follows = (now > before) | ((now == before) & follows)
    return frame.height < 2 or bool(frame.select(follows.all(ignore_nulls=False)).item())


@computed_once
def rows_in_order(history: LoadedHistory) -> Rows:
    """Return the rows of the pins, sorted by account, pin and snapshot_date, with numbers for pins and accounts."""
    pins = history.pins
    extracted = pl.col(EXTRACTED_AT) if EXTRACTED_AT in pins.columns else pl.lit(None)
    keys = pins.select(
        *_PLACE,
        published=pl.col("timestamp").cast(pl.Datetime("us")).dt.date(),
        extracted_at=extracted.cast(pl.Datetime("us")),
    )
    order = None
    if not is_in_order(keys.select(_PLACE)):
        order = keys.with_row_index("row").sort(*_PLACE, maintain_order=True)["row"]
        keys = keys[order]
    is_account = (pl.col("social_network_id") != pl.col("social_network_id").shift(1)).fill_null(value=True)
    is_pin = (pl.col("id") != pl.col("id").shift(1)).fill_null(value=True)
    starts = keys.select(account=is_account, pin=is_account | is_pin)
    row = order if order is not None else pl.int_range(pl.len(), dtype=pl.UInt32)
    numbered = keys.select(
        row.alias("row"),
        "snapshot_date",
        "published",
        "extracted_at",
        account=starts["account"].cum_sum() - 1,
        pin=starts["pin"].cum_sum() - 1,
    )
    snapshots = (
        numbered.lazy()
        .group_by("account", "snapshot_date")
        .agg(
            are_all_new=(pl.col("published") >= pl.col("snapshot_date").dt.offset_by("-1d")).all(ignore_nulls=False),
            first_at=pl.col("extracted_at").min(),
            last_at=pl.col("extracted_at").max(),
        )
        .sort("account", "snapshot_date")
        .with_columns(account_before_on=pl.col("snapshot_date").shift(1).over("account"))
        .with_columns(is_first_of_all=pl.col("account_before_on").is_null() & pl.col("are_all_new").fill_null(False))
        .drop("are_all_new")
        .collect()
    )
    changes = zone_changes(snapshots)
    snapshots = (
        snapshots.drop("first_at", "last_at")
        .join(
            changes.select("account", "snapshot_date", is_zone_changed=pl.lit(value=True)),
            on=["account", "snapshot_date"],
            how="left",
        )
        .with_columns(pl.col("is_zone_changed").fill_null(value=False))
    )
    return Rows(
        order,
        numbered.drop("extracted_at").join(
            snapshots, on=["account", "snapshot_date"], how="left", maintain_order="left"
        ),
        keys.select("social_network_id", "id").filter(starts["pin"]),
        keys.select("social_network_id").filter(starts["account"]).with_row_index("account"),
        changes,
    )


@computed_once
def _observed(history: LoadedHistory, metric: str) -> _Observed:
    pins, rows = history.pins, rows_in_order(history)

    def in_order(name: str) -> pl.Series:
        values = pins[name].cast(pl.Int64)
        return values if rows.order is None else values[rows.order]

    observations = rows.places.with_columns(value=in_order(metric))
    has_impressions = metric != "impressions" and "impressions" in pins.columns
    is_impossible = impossible_counts(
        observations.select(
            "pin", "value", impressions=in_order("impressions") if has_impressions else pl.lit(None, pl.Int64)
        )
    )
    left_out = [_left_out(observations.filter(is_impossible), IMPOSSIBLE)]
    if observations["value"].null_count() or is_impossible.any():
        observations = _without(observations, is_impossible | observations["value"].is_null())
    empty = _empty_snapshots(observations)
    if not empty.is_empty():
        places = observations.select(_SNAPSHOT).join(
            empty.with_columns(is_empty=pl.lit(value=True)), on=_SNAPSHOT, how="left", maintain_order="left"
        )
        is_empty = places["is_empty"].fill_null(value=False)
        left_out.append(_left_out(observations.filter(is_empty), EMPTY))
        observations = _without(observations, is_empty)
    steps = _classified(_paired(observations))
    for reason in (DROPPED, SPIKE, SPIKE, DIP):  # a second pass finds spikes next to other spikes
        if steps["fall"].null_count() == steps.height:
            break  # all of these need a fall
        doubtful = _doubtful(steps, reason)
        if doubtful.any():
            left_out.append(_left_out(steps.filter(doubtful), reason))
            steps = _classified(_paired(_without(steps, doubtful).select(observations.columns)))
    last_days = steps.group_by("account").agg(pl.col("snapshot_date").max())
    return _Observed(_with_tops(steps), pl.concat(left_out), last_days)


def _doubtful(steps: pl.DataFrame, reason: str) -> pl.Series:
    if reason == DROPPED:
        return dropped_zeros(steps)
    return spikes(steps) if reason == SPIKE else dips(steps, _segment(_IS_BREAK), _IS_BREAK)


def _left_out(observations: pl.DataFrame, reason: str) -> pl.DataFrame:
    return observations.select("account", "pin", "snapshot_date", "value", reason=pl.lit(reason, pl.String))


def _without(steps: pl.DataFrame, doubtful: pl.Series) -> pl.DataFrame:
    """Leave observations out. If a pin's first one is among them, the next one becomes its first observation."""
    names = ("account_before_on", "is_first_of_all")
    is_first = (pl.col("pin") != pl.col("pin").shift(1)).fill_null(value=True)
    if not doubtful.filter(steps.select(is_first).to_series()).any():
        return steps.filter(~doubtful)
    return (
        steps.with_columns(pl.col(names).first().over("pin").name.prefix("first_"))
        .filter(~doubtful)
        .with_columns(pl.when(is_first).then(f"first_{name}").otherwise(name).alias(name) for name in names)
    )


def _with_tops(steps: pl.DataFrame) -> pl.DataFrame:
    """Add the maximum since the last reset, and which rises may still be taken back."""
    if steps["fall"].null_count() == steps.height:
        steps = steps.with_columns(was_reset=pl.lit(value=False), top="value", top_before="before")
    else:
        steps = steps.with_columns(
            was_reset=_IS_BREAK.cum_sum().over("pin") > 0, top=pl.col("value").cum_max().over(_segment(_IS_BREAK))
        )
        steps = steps.with_columns(top_before=pl.when(pl.col("before").is_not_null()).then(pl.col("top").shift(1)))
    return steps.with_columns(is_unconfirmed=unconfirmed_rises(steps))


def _paired(observations: pl.DataFrame) -> pl.DataFrame:
    """Pair each observation, sorted by pin and day, with the one before it."""
    is_same = pl.col("pin") == pl.col("pin").shift(1)
    firsts = observations.select((~is_same.fill_null(value=False)).arg_true()).to_series()
    is_new = (pl.col("published") >= pl.col("account_before_on") - pl.duration(days=1)) | pl.col("is_first_of_all")
    new = firsts.filter(observations[firsts].select(is_new.fill_null(value=False)).to_series())
    return observations.with_columns(
        is_new=pl.repeat(value=False, n=observations.height, eager=True).scatter(new, True),
        before=pl.when(is_same).then(pl.col("value").shift(1)),
        before_on=pl.when(is_same).then(pl.col("snapshot_date").shift(1)),
    )


def _segment(is_break: pl.Expr) -> pl.Expr:
    """Number the segments: the observations of one pin from one reset to the next."""
    return (is_break | (pl.col("pin") != pl.col("pin").shift(1)).fill_null(value=True)).cum_sum()


def _empty_snapshots(observations: pl.DataFrame) -> pl.DataFrame:
    """Return the snapshots (account, snapshot_date) with only zeros, although several pins had counts before.

    A pin does not count if it began at 0 and was above 0 for no longer than a spike lasts.
    """
    sums = observations.lazy().group_by(_SNAPSHOT).agg(pl.col("value").sum(), pl.len())
    empty = sums.filter((pl.col("value") == 0) & (pl.col("len") >= MIN_PINS_OF_EVENT)).select(_SNAPSHOT).collect()
    if empty.is_empty():
        return empty
    above = pl.col("value") > 0
    times = above.cum_sum().over("pin")
    had = (times > MAX_SPIKE_OBSERVATIONS) | ((times > 0) & above.first().over("pin"))
    return (
        observations.with_columns(had=had)
        .join(empty, on=_SNAPSHOT, how="semi")
        .group_by(_SNAPSHOT)
        .agg(pins=pl.col("had").sum())
        .filter(pl.col("pins") >= MIN_PINS_OF_EVENT)
        .select(_SNAPSHOT)
    )


def _classified(steps: pl.DataFrame) -> pl.DataFrame:
    """Add `fall`: whether a counter was restated, was reset or fell; null where it did not fall."""
    value, before = pl.col("value"), pl.col("before")
    is_fall = (value < before).fill_null(value=False)
    if not steps.select(is_fall.any()).item():
        return steps.with_columns(fall=pl.lit(None, _FALL), is_recent=pl.lit(value=False))
    could_fall = before > 0
    crowds = (
        steps.filter(could_fall)
        .group_by("account", "snapshot_date")
        .agg(falls=is_fall.sum(), pins=pl.len(), value=value.sum(), before=before.sum())
        .filter((pl.col("falls") >= MIN_PINS_OF_EVENT) & (pl.col("falls") > EVENT_SHARE * pl.col("pins")))
        .select("account", "snapshot_date", all_were_reset=value < RESET_BELOW * before)
    )
    is_small = before - value <= pl.max_horizontal(pl.lit(SMALL_COUNT), SMALL_SHARE * before)
    return (
        steps.with_columns(is_recent=(is_fall & (value >= _last_days_ago())).fill_null(value=False))
        .join(crowds, on=["account", "snapshot_date"], how="left", maintain_order="left")
        .with_columns(
            fall=pl.when(could_fall & pl.col("all_were_reset"))
            .then(pl.lit("reset", _FALL))
            .when(~is_fall)
            .then(pl.lit(None, _FALL))
            .when(is_small)
            .then(pl.lit("restatement", _FALL))
            .when(value < RESET_BELOW * before)
            .then(pl.lit("reset", _FALL))
            .when(pl.col("all_were_reset").is_not_null() | pl.col("is_recent"))
            .then(pl.lit("restatement", _FALL))
            .otherwise(pl.lit("fall", _FALL))
        )
        .drop("all_were_reset")
    )


def _last_days_ago() -> pl.Expr:
    """Return the earliest counter of the last 3 days: before what the last two days had gained when it was seen last.

    A pin that was new since then had 0; of any other pin it is the first count known. Null without an observation in
    these days, as between weekly syncs.
    """
    ago = pl.lit(None, pl.Int64)
    for back in range(1, MAX_RECENT_DAYS + 1):
        days = (pl.col("snapshot_date") - pl.col("snapshot_date").shift(back)).dt.total_days()
        is_near = (pl.col("pin").shift(back) == pl.col("pin")) & (days <= MAX_RECENT_DAYS)
        is_new = pl.col("is_new").shift(back) & (days < MAX_RECENT_DAYS)
        ago = pl.when(is_near).then(pl.when(is_new).then(0).otherwise(pl.col("value").shift(back))).otherwise(ago)
    return ago
