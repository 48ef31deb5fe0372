"""Turn snapshots into gains: what each pin, and each account, gained on each day.

A snapshot of day D shows counters up to the end of day D-1 (the API reports up to yesterday), so the gain between the
snapshots of D-1 and D belongs to day D-1.
"""

from collections.abc import Iterator, Sequence
from datetime import date

import polars as pl

from oneup_pinterest.history.counter_types import counter_types
from oneup_pinterest.history.loaded_history import LoadedHistory
from oneup_pinterest.history.observations import METRICS, Observations, consecutive_observations, with_impressions

PROVISIONAL_DAYS = 2  # Pinterest restates its last two days

_KEY = ["social_network_id", "metric"]


def daily_gains(history: LoadedHistory, metrics: Sequence[str] = METRICS, since: date | None = None) -> pl.DataFrame:
    """Return gains per account, pin, metric and day; none before `since`.

    The frame is long, because a step can be a fall in one metric and a gain in another: every flag belongs to one
    metric. Columns, sorted by the first four:

    - social_network_id, id, metric, day
    - gain: count that the counter gained on that day; a fraction where it is imputed, null after a fall
    - is_imputed: the pin was not observed for n > 1 days, and its gain is divided equally over them. Also where the
      day of the sync moved with the time zone of the config (`history.zone_changes`): it is not a whole day's gain
    - is_fall: the counter fell between the two observations, or was reset with most others of the account. The
      gain in between is unknown, not zero
    - is_new: first observation of a pin published since the account's previous snapshot, so that its whole count is a
      gain. (A pin published on the day before that snapshot counts as new too, because the zone of publish times is
      unknown. At an account's very first snapshot, pins are new only if all were published the day before or later:
      the gains of older pins are unknown, so the day would look bad.) The first observation of any other pin has no
      row
    - is_provisional: one of the last two days of this account, which Pinterest may still restate
    - is_unconfirmed: a rise far above any earlier one of the account, which may still be taken back. It counts as a
      gain, unless the counter falls back within its next three observations (`oneup_pinterest.history.glitches`)
    - fall: type of the fall, null where the counter did not fall:
      `restatement`, at most 2% or two counts, or with most of the account's pins at once, or not below half and no more
      than the last two days had gained: the next gain starts above the earlier maximum, so that the recovery does not
      count;
      `reset`, to less than half, alone or with all pins together: later gains start from the new value;
      `fall`, in between: treated like a reset

    A pin that is no longer observed has no rows: unseen is not zero. These are not observations: a null counter; a
    dropped zero, a dip, a spike or an impossible count (`history.glitches`); a snapshot with zero for every pin where
    several had more, because a lost connection gives plausible zeros. Saves and repins stay two metrics, as in OneUp.

    >>> from datetime import date, datetime
    >>> pins = pl.DataFrame({
    ...     "social_network_id": "pin_a", "id": "1", "timestamp": datetime(2026, 1, 1),
    ...     "snapshot_date": [date(2026, 3, 1), date(2026, 3, 2), date(2026, 3, 4)], "saves": [10, 13, 17],
    ... })
    >>> for row in daily_gains(LoadedHistory(pins), ["saves"]).select("day", "gain", "is_imputed").rows(): print(*row)
    2026-03-01 3.0 False
    2026-03-02 2.0 True
    2026-03-03 2.0 True
    """
    observations = consecutive_observations(history, metrics)
    names = pl.Series("metric", list(observations.steps), pl.String)
    blocks = [
        steps.with_columns(metric=pl.lit(number, pl.UInt8))
        for number, (_, steps) in enumerate(_daily(observations, since))
    ]
    rows = pl.concat(blocks).sort("pin", "metric", "day", maintain_order=True)
    named = [
        observations.pins["social_network_id"][rows["pin"]],
        observations.pins["id"][rows["pin"]],
        names[rows["metric"]],
    ]
    return rows.select(
        *named,
        "day",
        "gain",
        "is_imputed",
        "is_fall",
        "is_new",
        "is_provisional",
        "is_unconfirmed",
        pl.col("fall").cast(pl.String),
    )


def account_daily_gains(history: LoadedHistory, metrics: Sequence[str] = METRICS) -> pl.DataFrame:
    """Return gains of all pins of an account together, per metric and day.

    Columns, sorted by the first three:

    - social_network_id, metric, day
    - gain: sum of the known gains, a count; null where none is known, or where more counters fell than rose, as after
      a reset: the known gains then do not represent the day
    - pins_observed: number of pins with a row that day
    - pins_imputed: of these, pins with a gain spread over a gap between syncs
    - pins_fallen: of these, pins with an unknown gain; above 0, the sum is a lower bound
    - pins_unconfirmed: of these, pins with a rise that may still be taken back
    - is_imputed: most of the observed pins have a gain that is spread over a gap
    - is_provisional: as in `daily_gains`, or the sum has a rise that may still be taken back
    - counter_type: as in `counter_types`; gains are meaningless where it is not in `USABLE`

    >>> from datetime import date, datetime
    >>> pins = pl.DataFrame({
    ...     "social_network_id": "pin_a", "id": ["1", "2", "1", "2"], "timestamp": datetime(2026, 1, 1),
    ...     "snapshot_date": [date(2026, 3, 1)] * 2 + [date(2026, 3, 2)] * 2, "saves": [10, 5, 13, 4],
    ... })
    >>> account_daily_gains(LoadedHistory(pins), ["saves"]).select("day", "gain", "pins_observed", "pins_fallen").row(0)
    (datetime.date(2026, 3, 1), 3.0, 2, 1)
    """
    observations = consecutive_observations(history, metrics)
    types = counter_types(history, with_impressions(history, metrics)).select(*_KEY, "counter_type")
    is_known = pl.col("gain").is_not_null().any() & (pl.col("is_fall").sum() <= (pl.col("gain") > 0).sum())
    is_known |= ~pl.col("is_fall").any()
    sums = [
        steps.lazy()
        .group_by("account", "day")
        .agg(
            gain=pl.when(is_known).then(pl.col("gain").sum()),
            pins_observed=pl.len().cast(pl.Int64),
            pins_imputed=pl.col("is_imputed").sum().cast(pl.Int64),
            pins_fallen=pl.col("is_fall").sum().cast(pl.Int64),
            pins_unconfirmed=pl.col("is_unconfirmed").sum().cast(pl.Int64),
            is_imputed=pl.col("is_imputed").mean() > 0.5,
            is_provisional=(pl.col("is_provisional") | pl.col("is_unconfirmed")).any(),
        )
        .with_columns(metric=pl.lit(metric))
        .collect()
        for metric, steps in _daily(observations)
    ]
    return (
        pl.concat(sums)
        .join(observations.accounts, on="account", how="left")
        .join(types, on=_KEY, how="left")
        .select(
            *_KEY,
            "day",
            "gain",
            "pins_observed",
            "pins_imputed",
            "pins_fallen",
            "pins_unconfirmed",
            "is_imputed",
            "is_provisional",
            "counter_type",
        )
        .sort(*_KEY, "day")
    )


def numbered_gains(history: LoadedHistory, metric: str, since: date | None = None) -> pl.DataFrame:
    """Return `daily_gains` of one metric, not sorted, with the number of a pin instead of its ids.

    The number is the pin's row in `latest_pins`. Use it for many days of many pins: with ids the frame is three times
    as large.

    >>> from datetime import datetime
    >>> pins = pl.DataFrame({"social_network_id": "pin_a", "id": "1", "timestamp": datetime(2026, 1, 1),
    ...     "snapshot_date": [date(2026, 3, 1), date(2026, 3, 2)], "saves": [10, 13]})
    >>> numbered_gains(LoadedHistory(pins), "saves").select("pin", "day", "gain").rows()
    [(0, datetime.date(2026, 3, 1), 3.0)]
    """
    ((_, gains),) = _daily(consecutive_observations(history, [metric]), since)
    return gains


def _daily(observations: Observations, since: date | None = None) -> Iterator[tuple[str, pl.DataFrame]]:
    """Yield each metric with its `daily_gains` from `since` on, with numbers for pins and accounts, not sorted."""
    last_days = pl.concat(observations.last_days.values()).group_by("account").agg(pl.col("snapshot_date").max())
    # account n is in place n
    settled = (
        observations.accounts.join(last_days, on="account", how="left", maintain_order="left")
        .select(pl.col("snapshot_date") - pl.duration(days=PROVISIONAL_DAYS))
        .to_series()
    )
    for metric, steps in observations.steps.items():
        daily = _of_metric(steps if since is None else steps.filter(pl.col("snapshot_date") > since))
        daily = daily.with_columns(is_provisional=daily["day"] >= settled[daily["account"]])
        yield metric, daily if since is None else daily.filter(pl.col("day") >= since)


def _of_metric(steps: pl.DataFrame) -> pl.DataFrame:
    firsts = steps.filter("is_new").with_columns(before_on="published", top_before=pl.lit(0, pl.Int64))
    has_falls = steps["fall"].null_count() < steps.height
    later = steps.lazy().filter(pl.col("before_on").is_not_null())
    gained = pl.concat([_gained(later, has_falls, is_new=False), _gained(firsts.lazy(), has_falls, is_new=True)])
    if gained["days"].max() in (None, 1):
        return gained.drop("days")
    gaps = gained.filter(pl.col("days") > 1)  # their gain is spread over the days
    spread = (
        gaps.with_columns(back=pl.int_ranges(0, "days", dtype=pl.Int32))
        .explode("back")
        .with_columns(
            gain=pl.col("gain") / pl.col("days"),
            day=(pl.col("day").cast(pl.Int32) - pl.col("back")).cast(pl.Date),
            is_imputed=pl.lit(value=True),
        )
    )
    return pl.concat([gained.filter(pl.col("days") == 1), spread.drop("back")]).drop("days")


def _gained(steps: pl.LazyFrame, has_falls: bool, is_new: bool) -> pl.DataFrame:
    """Return the gain since the observation before, all on the last of the `days` in between."""
    fall = pl.col("fall")
    rise = (pl.col("value") - pl.col("top_before")).clip(0)
    change = pl.when(fall.is_null()).then(rise) if has_falls else rise
    return steps.select(
        "pin",
        "account",
        (pl.col("snapshot_date").cast(pl.Int32) - 1).cast(pl.Date).alias("day"),
        (pl.col("snapshot_date").cast(pl.Int32) - pl.col("before_on").cast(pl.Int32)).clip(1).alias("days"),
        change.cast(pl.Float64).alias("gain"),
        pl.col("is_zone_changed").alias("is_imputed"),
        fall.is_not_null().alias("is_fall"),
        pl.lit(is_new).alias("is_new"),
        "is_unconfirmed",
        "fall",
    ).collect()
