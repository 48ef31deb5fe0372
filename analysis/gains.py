"""From snapshots to gains: what each pin, and each account, gained on each day.

A snapshot of day D shows counters up to the end of day D-1 (the API answers up to yesterday), so what is gained
between the snapshots of D-1 and D is booked on day D-1.
"""

from collections.abc import Sequence

import polars as pl

METRICS = ("impressions", "saves", "comments", "repins", "clicks")
PROVISIONAL_DAYS = 2  # Pinterest restates its last two days
# A lifetime counter does not fall, so of its moves (almost) none is a fall; of a rolling 90-day counter's, about half.
FALLING_SHARE = 0.05
FALLING_AT_LEAST = 3

_PIN = ["social_network_id", "id", "metric"]
_ACCOUNT_METRIC = ["social_network_id", "metric"]


def daily_gains(pins: pl.DataFrame, metrics: Sequence[str] = METRICS) -> pl.DataFrame:
    """Gains per account, pin, metric and day, from pins as `load_pins` returns them.

    The frame is long, because a step can be a fall in one metric and a gain in another: every flag belongs to
    one metric. Columns, sorted by the first four:

    - social_network_id, id, metric, day
    - gain: what the counter gained on that day, as a count; a fraction where it is imputed, null after a fall
    - is_imputed: the pin was not observed for n > 1 days; its gain is divided by n and put on each of them
    - is_fall: the counter fell between the two observations. What was gained meanwhile is unknown, not zero
    - is_new: first sight of a pin published since the account's previous snapshot: all it has was gained since.
      (Published on the day before that snapshot counts too: the zone of publish times is not known.)
      First sight of any other pin is no gain, and has no row
    - is_provisional: one of the last two days of this account, which Pinterest may still restate

    A pin that is not observed any more has no rows: unseen is not zero. A null counter is not an observation.
    Saves and repins stay two metrics, as OneUp has them.

    >>> from datetime import date, datetime
    >>> pins = pl.DataFrame({
    ...     "social_network_id": "pin_a", "id": "1", "timestamp": datetime(2026, 1, 1),
    ...     "snapshot_date": [date(2026, 3, 1), date(2026, 3, 2), date(2026, 3, 4)], "saves": [10, 13, 17],
    ... })
    >>> for row in daily_gains(pins, ["saves"]).select("day", "gain", "is_imputed").rows(): print(*row)
    2026-03-01 3.0 False
    2026-03-02 2.0 True
    2026-03-03 2.0 True
    """
    steps = _steps(pins, metrics)
    published = pl.col("timestamp").dt.date()
    steps = steps.with_columns(
        is_new=pl.col("before_on").is_null() & (published >= pl.col("account_before_on").dt.offset_by("-1d")),
    ).filter(pl.col("before_on").is_not_null() | pl.col("is_new"))
    steps = steps.select(
        *_PIN,
        "snapshot_date",
        "is_new",
        days=(pl.col("snapshot_date") - pl.coalesce("before_on", published)).dt.total_days().clip(lower_bound=1),
        is_fall=(pl.col("value") < pl.col("before")).fill_null(False),
        change=pl.col("value") - pl.col("before").fill_null(0),
        last_day=pl.col("snapshot_date").max().over("social_network_id"),
    )
    one = steps.filter(pl.col("days") == 1).with_columns(back=pl.lit(1, pl.Int64))
    more = steps.filter(pl.col("days") > 1)
    more = more.with_columns(back=pl.int_ranges(1, pl.col("days") + 1)).explode("back")
    day = pl.col("snapshot_date") - pl.duration(days=pl.col("back"))
    return (
        pl.concat([one, more])
        .select(
            *_PIN,
            day=day.cast(pl.Date),
            gain=pl.when(~pl.col("is_fall")).then(pl.col("change") / pl.col("days")),
            is_imputed=pl.col("days") > 1,
            is_fall="is_fall",
            is_new="is_new",
            is_provisional=day.cast(pl.Date) >= pl.col("last_day") - pl.duration(days=PROVISIONAL_DAYS),
        )
        .sort(*_PIN, "day")
    )


def account_daily_gains(pins: pl.DataFrame, metrics: Sequence[str] = METRICS) -> pl.DataFrame:
    """Gains of all pins of an account together, per metric and day, from pins as `load_pins` returns them.

    Columns, sorted by the first three:

    - social_network_id, metric, day
    - gain: sum of the gains that are known, as a count; null where none is, or where more counters fell than rose,
      as after a reset: what is known is then too little to stand for the day
    - pins_observed, pins_imputed, pins_fallen: pins with a row that day; of these, with a gain spread over a gap;
      and with an unknown gain (where this is above 0, the sum is a lower bound)
    - is_imputed: most of the pins observed have a gain that is spread over a gap
    - is_provisional: as in `daily_gains`
    - kind: `lifetime`, or `falling` where the counter falls so often that its gains mean nothing (`counter_kinds`)

    >>> from datetime import date, datetime
    >>> pins = pl.DataFrame({
    ...     "social_network_id": "pin_a", "id": ["1", "2", "1", "2"], "timestamp": datetime(2026, 1, 1),
    ...     "snapshot_date": [date(2026, 3, 1)] * 2 + [date(2026, 3, 2)] * 2, "saves": [10, 5, 13, 4],
    ... })
    >>> account_daily_gains(pins, ["saves"]).select("day", "gain", "pins_observed", "pins_fallen").row(0)
    (datetime.date(2026, 3, 1), 3.0, 2, 1)
    """
    is_told = pl.col("gain").is_not_null().any() & (pl.col("is_fall").sum() <= (pl.col("gain") > 0).sum())
    is_told |= ~pl.col("is_fall").any()
    return (
        daily_gains(pins, metrics)
        .group_by(*_ACCOUNT_METRIC, "day")
        .agg(
            gain=pl.when(is_told).then(pl.col("gain").sum()),
            pins_observed=pl.len().cast(pl.Int64),
            pins_imputed=pl.col("is_imputed").sum().cast(pl.Int64),
            pins_fallen=pl.col("is_fall").sum().cast(pl.Int64),
            is_imputed=pl.col("is_imputed").mean() > 0.5,
            is_provisional=pl.col("is_provisional").any(),
        )
        .join(counter_kinds(pins, metrics).select(*_ACCOUNT_METRIC, "kind"), on=_ACCOUNT_METRIC, how="left")
        .sort(*_ACCOUNT_METRIC, "day")
    )


def counter_kinds(pins: pl.DataFrame, metrics: Sequence[str] = METRICS) -> pl.DataFrame:
    """Judges from its history whether each metric of each account counts over a lifetime, or falls.

    Columns, sorted by the first two:

    - social_network_id, metric
    - rises, falls: steps between two observations of a pin in which its counter rose or fell
    - resets: snapshots at which most of the counters that could fall did: one event, left out of the judgement
    - falling_share: of the other steps that moved, the share that fell (null when none moved)
    - kind: `falling` when more than 5% and at least three of these fell, or nothing but resets is known; otherwise
      `lifetime`. A rolling counter is `falling`

    >>> from datetime import date, datetime
    >>> pins = pl.DataFrame({
    ...     "social_network_id": "pin_a", "id": "1", "timestamp": datetime(2026, 1, 1),
    ...     "snapshot_date": [date(2026, 3, day) for day in range(1, 8)], "saves": [9, 8, 9, 7, 9, 6, 9],
    ... })
    >>> counter_kinds(pins, ["saves"]).select("rises", "falls", "kind").row(0)
    (3, 3, 'falling')
    """
    fell, rose = pl.col("value") < pl.col("before"), pl.col("value") > pl.col("before")
    by_day = (
        _steps(pins, metrics)
        .filter(pl.col("before_on").is_not_null())
        .group_by(*_ACCOUNT_METRIC, "snapshot_date")
        .agg(falls=fell.sum().cast(pl.Int64), rises=rose.sum().cast(pl.Int64), could_fall=(pl.col("before") > 0).sum())
        # fewer than three pins cannot tell a reset of all from a fall of one
        .with_columns(is_reset=(pl.col("falls") >= 3) & (pl.col("falls") > 0.5 * pl.col("could_fall")))
        # events are rare: where it happens again and again, it is how the counter behaves
        .with_columns(
            is_reset=pl.col("is_reset")
            & (pl.col("is_reset").sum().over(_ACCOUNT_METRIC) <= (0.05 * pl.len().over(_ACCOUNT_METRIC)).clip(1))
        )
    )
    steady = ~pl.col("is_reset")
    steady_falls, steady_rises = pl.col("falls").filter(steady).sum(), pl.col("rises").filter(steady).sum()
    share = pl.col("falling_share")
    return (
        by_day.group_by(*_ACCOUNT_METRIC)
        .agg(
            rises=pl.col("rises").sum(),
            falls=pl.col("falls").sum(),
            resets=pl.col("is_reset").sum().cast(pl.Int64),
            steady_falls=steady_falls,
            moved=steady_falls + steady_rises,
        )
        .with_columns(falling_share=pl.when(pl.col("moved") > 0).then(pl.col("steady_falls") / pl.col("moved")))
        .with_columns(
            kind=pl.when(
                ((share > FALLING_SHARE) & (pl.col("steady_falls") >= FALLING_AT_LEAST))
                | (share.is_null() & (pl.col("resets") > 0))
            )
            .then(pl.lit("falling"))
            .otherwise(pl.lit("lifetime"))
        )
        .select(*_ACCOUNT_METRIC, "rises", "falls", "resets", "falling_share", "kind")
        .sort(_ACCOUNT_METRIC)
    )


def _steps(pins: pl.DataFrame, metrics: Sequence[str]) -> pl.DataFrame:
    """Observations of each pin's metrics, each with the one before it and the account's snapshot before it."""
    snapshots = (
        pins.select("social_network_id", "snapshot_date")
        .unique()
        .sort("social_network_id", "snapshot_date")
        .with_columns(account_before_on=pl.col("snapshot_date").shift(1).over("social_network_id"))
    )
    return (
        pins.select("social_network_id", "id", "snapshot_date", pl.col("timestamp").cast(pl.Datetime("us")), *metrics)
        .unpivot(list(metrics), index=["social_network_id", "id", "snapshot_date", "timestamp"], variable_name="metric")
        .with_columns(pl.col("value").cast(pl.Int64))
        .filter(pl.col("value").is_not_null())
        .sort(*_PIN, "snapshot_date")
        .with_columns(before=pl.col("value").shift(1).over(_PIN), before_on=pl.col("snapshot_date").shift(1).over(_PIN))
        .join(snapshots, on=["social_network_id", "snapshot_date"], how="left", maintain_order="left")
    )
