"""Each reading of a counter beside the one before it: what gains, kinds and growth curves all begin with."""

from collections.abc import Sequence
from typing import NamedTuple

import polars as pl

from analysis.remembered import remembered, remembering

METRICS = ("impressions", "saves", "comments", "repins", "clicks")
SMALL_SHARE, SMALL_COUNT = 0.02, 2  # of a counter, or of counts: a fall no larger is a restatement
RESET_BELOW = 0.5  # of what a counter had: it was not restated but began anew
CROWD = 3  # pins: fewer cannot tell an event of the whole account from one of a pin
MOST = 0.5  # of the pins whose counter could fall

_FALL = pl.Enum(["restatement", "reset", "fall"])
_PLACE = ["social_network_id", "id", "snapshot_date"]


class Readings(NamedTuple):
    """What was read of each counter, and the names that the numbers in it stand for."""

    steps: dict[str, pl.DataFrame]
    pins: pl.DataFrame
    accounts: pl.DataFrame


class _Rows(NamedTuple):
    """The rows of pins in order, with numbers for their pins and accounts; `order`: where each is, if they were not."""

    order: pl.Series | None
    places: pl.DataFrame
    pins: pl.DataFrame
    accounts: pl.DataFrame


def counter_readings(pins: pl.DataFrame, metrics: Sequence[str]) -> Readings:
    """Each reading of a counter that is to be believed, beside the one before it.

    `steps` has a frame for each metric, with numbers for pins and accounts, because there are many rows: pin n is row
    n of `pins` (social_network_id, id), account n is row n of `accounts` (account, social_network_id). Its columns,
    sorted by pin and snapshot_date: pin, account, row (of the frame of pins); snapshot_date, published (dates);
    account_before_on (the account's snapshot before), is_first_of_all (at the first snapshot of an account whose pins
    then were all of the day before, or later); value, before, before_on; fall (as in `analysis.gains.daily_gains`);
    is_begun_anew (a reset or fall has been by then); top (the most it has shown since then), and top_before.
    """
    with remembering():
        rows = _in_order(pins)
        return Readings({metric: _steps(pins, metric) for metric in sorted(metrics)}, rows.pins, rows.accounts)


def with_impressions(pins: pl.DataFrame, metrics: Sequence[str]) -> list[str]:
    """Impressions move most, so they speak for the metrics that move too little to be judged."""
    extra = ["impressions"] if "impressions" in pins.columns and "impressions" not in metrics else []
    return [*metrics, *extra]


@remembered
def pins_as_last_seen(pins: pl.DataFrame) -> pl.DataFrame:
    """The newest row of each pin, sorted by account and id, from pins as `load_pins` returns them.

    >>> from datetime import date
    >>> pins = pl.DataFrame({"social_network_id": "pin_a", "id": ["1", "2", "1"], "timestamp": date(2026, 3, 1),
    ...     "snapshot_date": [date(2026, 3, 9), date(2026, 3, 8), date(2026, 3, 8)], "saves": [3, 2, 1]})
    >>> pins_as_last_seen(pins)["saves"].to_list()
    [3, 2]
    """
    rows = _in_order(pins)
    is_last = rows.places.select((pl.col("pin") != pl.col("pin").shift(-1)).fill_null(value=True)).to_series()
    return pins.filter(is_last) if rows.order is None else pins[rows.order.filter(is_last)]


def is_in_order(frame: pl.DataFrame) -> bool:
    """Whether the rows are sorted by all columns, the first one first; not where a value is missing.

    >>> is_in_order(pl.DataFrame({"id": ["1", "1", "2"], "saves": [3, 4, 1]}))
    True
    """
    follows = pl.lit(value=True)
    for name in reversed(frame.columns):
        now, before = pl.col(name).slice(1), pl.col(name).slice(0, pl.len() - 1)
        follows = (now > before) | ((now == before) & follows)
    return frame.height < 2 or bool(frame.select(follows.all(ignore_nulls=False)).item())


@remembered
def _in_order(pins: pl.DataFrame) -> _Rows:
    keys = pins.select(*_PLACE, published=pl.col("timestamp").cast(pl.Datetime("us")).dt.date())
    order = None
    if not is_in_order(keys.select(_PLACE)):
        order = keys.with_row_index("row").sort(*_PLACE, maintain_order=True)["row"]
        keys = keys[order]
    is_account = (pl.col("social_network_id") != pl.col("social_network_id").shift(1)).fill_null(value=True)
    is_pin = (pl.col("id") != pl.col("id").shift(1)).fill_null(value=True)
    starts = keys.select(account=is_account, pin=is_account | is_pin)
    row = order if order is not None else pl.int_range(pl.len(), dtype=pl.UInt32)
    numbered = keys.select(
        row.alias("row"), "snapshot_date", "published", account=starts["account"].cum_sum() - 1,
        pin=starts["pin"].cum_sum() - 1,
    )  # fmt: skip
    snapshots = (
        numbered.lazy()
        .group_by("account", "snapshot_date")
        .agg(are_all_new=(pl.col("published") >= pl.col("snapshot_date").dt.offset_by("-1d")).all(ignore_nulls=False))
        .sort("account", "snapshot_date")
        .with_columns(account_before_on=pl.col("snapshot_date").shift(1).over("account"))
        .with_columns(is_first_of_all=pl.col("account_before_on").is_null() & pl.col("are_all_new").fill_null(False))
        .drop("are_all_new")
        .collect()
    )
    return _Rows(
        order,
        numbered.join(snapshots, on=["account", "snapshot_date"], how="left", maintain_order="left"),
        keys.select("social_network_id", "id").filter(starts["pin"]),
        keys.select("social_network_id").filter(starts["account"]).with_row_index("account"),
    )


@remembered
def _steps(pins: pl.DataFrame, metric: str) -> pl.DataFrame:
    rows, values = _in_order(pins), pins[metric].cast(pl.Int64)
    readings = rows.places.with_columns(value=values if rows.order is None else values[rows.order])
    return _compared(readings.filter(pl.col("value").is_not_null()) if values.null_count() else readings)


def _compared(readings: pl.DataFrame) -> pl.DataFrame:
    """Readings of one metric, sorted by pin and day, each with the one before it and what its fall was."""
    steps = _classified(_beside(_without_empty_snapshots(readings)))
    doubtful = _dips(steps)
    if doubtful.any():
        steps = _classified(_beside(steps.filter(~doubtful).select(readings.columns)))
    is_break = pl.col("fall").is_in(["reset", "fall"]).fill_null(value=False)
    if steps["fall"].null_count() == steps.height:
        return steps.with_columns(is_begun_anew=pl.lit(value=False), top="value", top_before="before")
    steps = steps.with_columns(
        is_begun_anew=is_break.cum_sum().over("pin") > 0,
        top=pl.col("value").cum_max().over(_segment(is_break)),
    )
    return steps.with_columns(top_before=pl.when(pl.col("before").is_not_null()).then(pl.col("top").shift(1)))


def _beside(readings: pl.DataFrame) -> pl.DataFrame:
    is_same = pl.col("pin") == pl.col("pin").shift(1)
    return readings.with_columns(
        before=pl.when(is_same).then(pl.col("value").shift(1)),
        before_on=pl.when(is_same).then(pl.col("snapshot_date").shift(1)),
    )


def _segment(is_break: pl.Expr) -> pl.Expr:
    """Numbers what belongs together: the readings of a pin from one reset to the next."""
    return (is_break | (pl.col("pin") != pl.col("pin").shift(1)).fill_null(value=True)).cum_sum()


def _without_empty_snapshots(readings: pl.DataFrame) -> pl.DataFrame:
    """Leaves out snapshots with nothing but zeros where several pins had more before: they tell nothing."""
    place = ["account", "snapshot_date"]
    sums = readings.lazy().group_by(place).agg(pl.col("value").sum(), pl.len())
    empty = sums.filter((pl.col("value") == 0) & (pl.col("len") >= CROWD)).collect()
    if empty.is_empty():
        return readings
    had = pl.col("value").cum_max().shift(1).over("pin")
    lost = (
        readings.with_columns(had=had)
        .join(empty, on=place, how="semi")
        .group_by(place)
        .agg(pins=(pl.col("had") > 0).sum())
        .filter(pl.col("pins") >= CROWD)
    )
    return readings.join(lost, on=place, how="anti", maintain_order="left")


def _classified(steps: pl.DataFrame) -> pl.DataFrame:
    value, before = pl.col("value"), pl.col("before")
    is_fall = (value < before).fill_null(value=False)
    if not steps.select(is_fall.any()).item():
        return steps.with_columns(fall=pl.lit(None, _FALL))
    could_fall = before > 0
    crowds = (
        steps.filter(could_fall)
        .group_by("account", "snapshot_date")
        .agg(falls=is_fall.sum(), pins=pl.len(), value=value.sum(), before=before.sum())
        .filter((pl.col("falls") >= CROWD) & (pl.col("falls") > MOST * pl.col("pins")))
        .select("account", "snapshot_date", began_all_anew=value < RESET_BELOW * before)
    )
    is_small = before - value <= pl.max_horizontal(pl.lit(SMALL_COUNT), SMALL_SHARE * before)
    return (
        steps.join(crowds, on=["account", "snapshot_date"], how="left", maintain_order="left")
        .with_columns(
            fall=pl.when(could_fall & pl.col("began_all_anew"))
            .then(pl.lit("reset", _FALL))
            .when(~is_fall)
            .then(pl.lit(None, _FALL))
            .when(is_small)
            .then(pl.lit("restatement", _FALL))
            .when(value < RESET_BELOW * before)
            .then(pl.lit("reset", _FALL))
            .when(pl.col("began_all_anew").is_not_null())
            .then(pl.lit("restatement", _FALL))
            .otherwise(pl.lit("fall", _FALL))
        )
        .drop("began_all_anew")
    )


def _dips(steps: pl.DataFrame) -> pl.Series:
    """Readings after a fall from which the counter came back in one step, farther than it ever rose in one before."""
    is_break = pl.col("fall").is_in(["reset", "fall"]).fill_null(value=False)
    if not steps.select(is_break.any()).item():
        return pl.repeat(value=False, n=steps.height, eager=True)
    rise = (pl.col("value") - pl.col("before")).clip(0).fill_null(0)
    found = (
        steps.with_columns(segment=_segment(is_break), is_break=is_break)
        .with_columns(
            top=pl.col("value").cum_max().over("segment"),
            # how far it usually rises: of one reading alone nobody knows
            largest=pl.when(~pl.col("is_break") & pl.col("before").is_not_null()).then(rise).cum_max().over("segment"),
        )
        .with_columns(  # the segment before, in the same pin
            lost=pl.when("is_break").then(pl.col("top").shift(1)),
            usual=pl.when("is_break").then(pl.col("largest").shift(1)),
            low="value",
        )
        .with_columns(pl.col("lost", "usual", "low").first().over("segment"))
        .with_columns(
            is_return=(pl.col("value") >= (1 - SMALL_SHARE) * pl.col("lost"))
            & (pl.col("before") < (1 - SMALL_SHARE) * pl.col("lost"))
            & (rise > 3 * pl.col("usual"))
            & (2 * rise >= pl.col("lost") - pl.col("low"))
            & ~pl.col("is_break"),
        )
    )
    returned = pl.col("is_return").fill_null(value=False).cum_sum(reverse=True).over("segment") > 0
    before_return = returned & ~pl.col("is_return").fill_null(value=False)
    before_return &= pl.col("is_return").fill_null(value=False).cum_sum().over("segment") == 0
    return found.select(before_return).to_series()
