"""From snapshots to gains: what each pin, and each account, gained on each day.

A snapshot of day D shows counters up to the end of day D-1 (the API answers up to yesterday), so what is gained
between the snapshots of D-1 and D is booked on day D-1.
"""

from collections.abc import Sequence
from typing import NamedTuple

import polars as pl

METRICS = ("impressions", "saves", "comments", "repins", "clicks")
PROVISIONAL_DAYS = 2  # Pinterest restates its last two days
USABLE = ("lifetime", "restated")  # kinds whose gains mean something; growth curves need `lifetime`
SMALL_SHARE, SMALL_COUNT = 0.02, 2  # of a counter, or of counts: a fall no larger is a restatement
RESET_BELOW = 0.5  # of what a counter had: it was not restated but began anew

# A lifetime counter does not fall, so of its moves (almost) none is a fall; of a rolling one's, about half.
_FALLING_SHARE, _FALLS, _FALLING_DAYS = 0.05, 3, 3
_SURELY = 2.33  # standard errors: one chance in a hundred
# Pinterest's own windows are of 30 and 90 days. Counters fall only in pins older than the window, so it is asked of
# all pins, and of those old enough for either.
_AGES = (0, 30, 90)
_CROWD = 3  # pins: fewer cannot tell an event of the whole account from one of a pin
_MANY, _MOST = 0.1, 0.5  # of the pins whose counter could fall
_EVENTS = 0.05  # of the snapshots: what happens more often is how the counter behaves
_ENOUGH_MOVES = 20  # all of them rises, they say that a counter does not roll; fewer let the impressions speak for it

_PIN = ["social_network_id", "id", "metric"]
_ACCOUNT_METRIC = ["social_network_id", "metric"]
_FALL = pl.Enum(["restatement", "reset", "fall"])


class Readings(NamedTuple):
    """What was read of each counter, and the names that the numbers in it stand for."""

    steps: pl.DataFrame
    pins: pl.DataFrame
    accounts: pl.DataFrame


def daily_gains(pins: pl.DataFrame, metrics: Sequence[str] = METRICS) -> pl.DataFrame:
    """Gains per account, pin, metric and day, from pins as `load_pins` returns them.

    The frame is long, because a step can be a fall in one metric and a gain in another: every flag belongs to
    one metric. Columns, sorted by the first four:

    - social_network_id, id, metric, day
    - gain: what the counter gained on that day, as a count; a fraction where it is imputed, null after a fall
    - is_imputed: the pin was not observed for n > 1 days; its gain is divided by n and put on each of them
    - is_fall: the counter fell between the two observations, or began anew with most others of the account. What was
      gained meanwhile is unknown, not zero
    - is_new: first sight of a pin published since the account's previous snapshot: all it has was gained since.
      (Published on the day before that snapshot counts too: the zone of publish times is not known. At an account's
      very first snapshot this holds only where all its pins are from the day before or later: beside older pins,
      whose gains of that day nobody knows, the day would look like a bad one.)
      First sight of any other pin is no gain, and has no row
    - is_provisional: one of the last two days of this account, which Pinterest may still restate
    - fall: what kind of fall it was, null where it was none:
      `restatement`, at most 2% or two counts, or with most of the account's pins at once: a gain again only above the
      most that it had shown, so that the recovery does not count;
      `reset`, to less than half, alone or with all pins together: what it has from then on counts anew;
      `fall`, in between: taken like a reset

    A pin that is not observed any more has no rows: unseen is not zero. A null counter is not an observation, nor is
    one that fell and came all the way back in one step, nor a snapshot that has zero for every pin where several had
    more: a lost connection gives plausible zeros. Saves and repins stay two metrics, as OneUp has them.

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
    readings = counter_readings(pins, metrics)
    return (
        _daily(readings)
        .sort("pin", "metric", "day")
        .join(readings.pins, on="pin", how="left", maintain_order="left")
        .select(
            "social_network_id", "id", pl.col("metric").cast(pl.String), "day", "gain", "is_imputed", "is_fall",
            "is_new", "is_provisional", pl.col("fall").cast(pl.String),
        )
    )  # fmt: skip


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
    - kind: of the counter, as in `counter_kinds`: the gains of one that is not in `USABLE` mean nothing

    >>> from datetime import date, datetime
    >>> pins = pl.DataFrame({
    ...     "social_network_id": "pin_a", "id": ["1", "2", "1", "2"], "timestamp": datetime(2026, 1, 1),
    ...     "snapshot_date": [date(2026, 3, 1)] * 2 + [date(2026, 3, 2)] * 2, "saves": [10, 5, 13, 4],
    ... })
    >>> account_daily_gains(pins, ["saves"]).select("day", "gain", "pins_observed", "pins_fallen").row(0)
    (datetime.date(2026, 3, 1), 3.0, 2, 1)
    """
    readings = counter_readings(pins, _with_impressions(pins, metrics))
    is_told = pl.col("gain").is_not_null().any() & (pl.col("is_fall").sum() <= (pl.col("gain") > 0).sum())
    is_told |= ~pl.col("is_fall").any()
    return (
        _daily(readings._replace(steps=readings.steps.filter(pl.col("metric").is_in(list(metrics)))))
        .group_by("account", "metric", "day")
        .agg(
            gain=pl.when(is_told).then(pl.col("gain").sum()),
            pins_observed=pl.len().cast(pl.Int64),
            pins_imputed=pl.col("is_imputed").sum().cast(pl.Int64),
            pins_fallen=pl.col("is_fall").sum().cast(pl.Int64),
            is_imputed=pl.col("is_imputed").mean() > 0.5,
            is_provisional=pl.col("is_provisional").any(),
        )
        .join(readings.accounts, on="account", how="left")
        .with_columns(pl.col("metric").cast(pl.String))
        .join(kinds_of(readings).select(*_ACCOUNT_METRIC, "kind"), on=_ACCOUNT_METRIC, how="left")
        .select(
            *_ACCOUNT_METRIC, "day", "gain", "pins_observed", "pins_imputed", "pins_fallen", "is_imputed",
            "is_provisional", "kind",
        )
        .sort(*_ACCOUNT_METRIC, "day")
    )  # fmt: skip


def counter_kinds(pins: pl.DataFrame, metrics: Sequence[str] = METRICS) -> pl.DataFrame:
    """Judges from its history what each metric of each account counts: a pin's whole life, or a window that moves on.

    Columns, sorted by the first two:

    - social_network_id, metric
    - rises, falls: steps between two observations of a pin in which its counter rose or fell
    - resets: snapshots at which most of the pins began anew
    - restatements: snapshots at which many pins (at least three, and 10% of those that could) fell, but not to near 0.
      Such events are rare (at most one in twenty snapshots), or they are how the counter behaves
    - pins_reset: pins whose counter began anew at another snapshot
    - falling_share: of the steps that moved at any other snapshot, the share that fell (null when none moved)
    - kind:
      `rolling` where clearly more than 5% of these fell, on three days or more, and the pins that fell did so again and
      again, or lost more than a restatement takes (the same is asked of pins older than 30 and than 90 days alone,
      because a window's counter falls only in pins older than the window). A metric with too few moves or falls to
      be sure (20) follows the impressions: OneUp has one kind of counters for all;
      `restated` where at a few snapshots most pins fell, but not to near 0: gains may be used, with that day unknown;
      `lifetime` otherwise, which is an assumption as far as `rules_out_days` does not bear it out
    - rules_out_days: a window of so many days, or fewer, would have shown: 20 rises of pins older than that, and
      hardly a fall. Null where too little was seen, or the kind is rolling

    >>> from datetime import date, datetime
    >>> pins = pl.DataFrame({
    ...     "social_network_id": "pin_a", "id": "1", "timestamp": datetime(2026, 1, 1),
    ...     "snapshot_date": [date(2026, 3, day) for day in range(1, 8)], "saves": [9, 8, 9, 7, 9, 6, 9],
    ... })
    >>> counter_kinds(pins, ["saves"]).select("rises", "falls", "kind").row(0)
    (3, 3, 'rolling')
    """
    kinds = kinds_of(counter_readings(pins, _with_impressions(pins, metrics)))
    return kinds.filter(pl.col("metric").is_in(list(metrics)))


def counter_readings(pins: pl.DataFrame, metrics: Sequence[str]) -> Readings:
    """Each reading of a counter that is to be believed, beside the one before it.

    `steps` has numbers for pins and accounts, because there are many rows: join `pins` (pin, social_network_id, id) or
    `accounts` (account, social_network_id). Its columns, sorted by metric, pin and snapshot_date: pin, account, metric;
    snapshot_date, published (dates); account_before_on (the account's snapshot before), is_first_of_all (at the first
    snapshot of an account whose pins then were all of the day before, or later); value, before, before_on; fall (as in
    `daily_gains`); is_begun_anew (a reset or fall has been by then); top (the most it has shown since then).
    """
    names = pl.Enum(sorted(metrics))
    is_account = pl.col("social_network_id") != pl.col("social_network_id").shift(1)
    is_pin = is_account | (pl.col("id") != pl.col("id").shift(1))
    ordered = (
        pins.select(
            "social_network_id", "id", "snapshot_date", *metrics, published=pl.col("timestamp").cast(pl.Datetime("us"))
        )
        .sort("social_network_id", "id", "snapshot_date")
        .with_columns(
            pl.col("published").dt.date(),
            account=is_account.fill_null(value=True).cum_sum(),
            pin=is_pin.fill_null(value=True).cum_sum(),
        )
    )
    snapshots = (
        ordered.group_by("account", "snapshot_date")
        .agg(are_all_new=(pl.col("published") >= pl.col("snapshot_date").dt.offset_by("-1d")).all(ignore_nulls=False))
        .sort("account", "snapshot_date")
        .with_columns(account_before_on=pl.col("snapshot_date").shift(1).over("account"))
        .with_columns(is_first_of_all=pl.col("account_before_on").is_null() & pl.col("are_all_new").fill_null(False))
        .drop("are_all_new")
    )
    rows = ordered.join(snapshots, on=["account", "snapshot_date"], how="left", maintain_order="left")
    kept = ["pin", "account", "snapshot_date", "published", "account_before_on", "is_first_of_all"]
    blocks = [
        _compared(
            rows.select(*kept, value=pl.col(metric).cast(pl.Int64)).filter(pl.col("value").is_not_null())
        ).with_columns(metric=pl.lit(metric, names))
        for metric in sorted(metrics)
    ]
    return Readings(
        pl.concat(blocks),
        ordered.select("pin", "social_network_id", "id").unique("pin", keep="first", maintain_order=True),
        ordered.select("account", "social_network_id").unique("account", keep="first", maintain_order=True),
    )


def _with_impressions(pins: pl.DataFrame, metrics: Sequence[str]) -> list[str]:
    """Impressions move most, so they speak for the metrics that move too little to be judged."""
    extra = ["impressions"] if "impressions" in pins.columns and "impressions" not in metrics else []
    return [*metrics, *extra]


def _compared(readings: pl.DataFrame) -> pl.DataFrame:
    """Readings of one metric, sorted by pin and day, each with the one before it and what its fall was."""
    steps = _classified(_beside(_without_empty_snapshots(readings)))
    doubtful = _dips(steps)
    if doubtful.any():
        steps = _classified(_beside(steps.filter(~doubtful).select(readings.columns)))
    is_break = pl.col("fall").is_in(["reset", "fall"]).fill_null(value=False)
    if steps["fall"].null_count() == steps.height:
        return steps.with_columns(is_begun_anew=pl.lit(value=False), top=pl.max_horizontal("value", "before"))
    return steps.with_columns(
        is_begun_anew=is_break.cum_sum().over("pin") > 0,
        top=pl.col("value").cum_max().over(_segment(is_break)),
    )


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
    empty = readings.group_by(place).agg(pl.col("value").sum(), pl.len())
    empty = empty.filter((pl.col("value") == 0) & (pl.col("len") >= _CROWD))
    if empty.is_empty():
        return readings
    had = pl.col("value").cum_max().shift(1).over("pin")
    lost = (
        readings.with_columns(had=had)
        .join(empty, on=place, how="semi")
        .group_by(place)
        .agg(pins=(pl.col("had") > 0).sum())
        .filter(pl.col("pins") >= _CROWD)
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
        .filter((pl.col("falls") >= _CROWD) & (pl.col("falls") > _MOST * pl.col("pins")))
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


def _daily(readings: Readings) -> pl.DataFrame:
    """`daily_gains` with numbers for pins and accounts, unsorted."""
    steps = readings.steps
    published, fall = pl.col("published"), pl.col("fall")
    is_same = (pl.col("pin") == pl.col("pin").shift(1)) & (pl.col("metric") == pl.col("metric").shift(1))
    top_before = pl.when(is_same).then(pl.col("top").shift(1))
    is_new = pl.col("before_on").is_null() & (
        (published >= pl.col("account_before_on").dt.offset_by("-1d")) | pl.col("is_first_of_all")
    )
    last_days = steps.group_by("account").agg(last_day=pl.col("snapshot_date").max())
    steps = (
        steps.with_columns(top_before=top_before, is_new=is_new.fill_null(value=False))
        .filter(pl.col("before_on").is_not_null() | pl.col("is_new"))
        .select(
            "pin",
            "account",
            "metric",
            "snapshot_date",
            "is_new",
            "fall",
            days=(pl.col("snapshot_date") - pl.coalesce("before_on", published)).dt.total_days().clip(lower_bound=1),
            is_fall=fall.is_not_null(),
            change=pl.when(fall.is_null()).then((pl.col("value") - pl.col("top_before").fill_null(0)).clip(0)),
        )
        .join(last_days, on="account", how="left")
    )
    one = steps.filter(pl.col("days") == 1).with_columns(back=pl.lit(1, pl.Int64))
    more = steps.filter(pl.col("days") > 1)
    more = more.with_columns(back=pl.int_ranges(1, pl.col("days") + 1)).explode("back")
    day = (pl.col("snapshot_date") - pl.duration(days=pl.col("back"))).cast(pl.Date)
    return pl.concat([one, more]).select(
        "pin",
        "account",
        "metric",
        day=day,
        gain=pl.col("change") / pl.col("days"),
        is_imputed=pl.col("days") > 1,
        is_fall="is_fall",
        is_new="is_new",
        is_provisional=day >= pl.col("last_day") - pl.duration(days=PROVISIONAL_DAYS),
        fall="fall",
    )


def kinds_of(readings: Readings) -> pl.DataFrame:
    """`counter_kinds` of readings that are there already; impressions should be among them."""
    key = ["account", "metric"]
    steps = readings.steps.filter(pl.col("before_on").is_not_null())
    fell, rose = pl.col("value") < pl.col("before"), pl.col("value") > pl.col("before")
    many = (pl.col("falls") >= _CROWD) & (pl.col("falls") >= _MANY * pl.col("could_fall"))
    most = (pl.col("falls") >= _CROWD) & (pl.col("falls") > _MOST * pl.col("could_fall"))
    snapshots = (
        steps.group_by(*key, "snapshot_date")
        .agg(
            falls=fell.sum().cast(pl.Int64),
            rises=rose.sum().cast(pl.Int64),
            could_fall=(pl.col("before") > 0).sum(),
            is_reset=pl.col("value").sum() < RESET_BELOW * pl.col("before").sum(),
        )
        .with_columns(is_event=many & (many.sum().over(key) <= (_EVENTS * pl.len().over(key)).clip(1)))
        .with_columns(is_reset=pl.col("is_event") & most & pl.col("is_reset"), is_most=pl.col("is_event") & most)
    )
    judged = (
        snapshots.group_by(key)
        .agg(
            rises=pl.col("rises").sum(),
            falls=pl.col("falls").sum(),
            resets=pl.col("is_reset").sum().cast(pl.Int64),
            restatements=(pl.col("is_event") & ~pl.col("is_reset")).sum().cast(pl.Int64),
            is_restated=(pl.col("is_most") & ~pl.col("is_reset")).any(),
        )
        .join(_steadily(steps, snapshots.filter("is_event")), on=key, how="left", maintain_order="left")
    )
    judged = judged.with_columns(kind=pl.when("is_rolling").then(pl.lit("rolling")).otherwise(pl.lit("other")))
    impressions = judged.filter(pl.col("metric").cast(pl.String) == "impressions")
    rolling = impressions.filter(pl.col("kind") == "rolling")["account"].implode()
    lifetime = impressions.filter((pl.col("kind") != "rolling") & pl.col("rules_out_days").is_not_null())
    is_doubtful = (pl.col("falls") > 0) | (pl.col("rises") < _ENOUGH_MOVES)
    rolls = pl.col("account").is_in(rolling) & is_doubtful
    rolls |= (pl.col("kind") == "rolling") & ~(
        pl.col("account").is_in(lifetime["account"].implode()) & (pl.col("falls") < _ENOUGH_MOVES)
    )
    not_rolling = pl.when("is_restated").then(pl.lit("restated")).otherwise(pl.lit("lifetime"))
    return (
        judged.with_columns(kind=pl.when(rolls).then(pl.lit("rolling")).otherwise(not_rolling))
        .with_columns(rules_out_days=pl.when(pl.col("kind") != "rolling").then("rules_out_days"))
        .join(readings.accounts, on="account", how="left")
        .select(
            "social_network_id", pl.col("metric").cast(pl.String), "rises", "falls", "resets", "restatements",
            pl.col("pins_reset").fill_null(0), "falling_share", "kind", "rules_out_days",
        )
        .sort(_ACCOUNT_METRIC)
    )  # fmt: skip


def _steadily(steps: pl.DataFrame, events: pl.DataFrame) -> pl.DataFrame:
    """How each counter behaves apart from events: account, metric, pins_reset, falling_share, is_rolling,
    rules_out_days."""
    key = ["account", "metric"]
    is_fall, age = pl.col("value") < pl.col("before"), pl.col("age")
    moved = (
        steps.filter(pl.col("value") != pl.col("before"))
        .join(events.select(*key, "snapshot_date"), on=[*key, "snapshot_date"], how="anti")
        .with_columns(age=(pl.col("snapshot_date") - pl.col("published")).dt.total_days(), is_fall=is_fall)
    )
    losses = (
        moved.filter("is_fall")
        .group_by(*key, "pin")
        .agg(lost=(pl.col("before") - pl.col("value")).sum(), top=pl.col("before").max(), falls=pl.len())
        .with_columns(is_deep=pl.col("lost") > pl.max_horizontal(pl.lit(SMALL_COUNT), SMALL_SHARE * pl.col("top")))
        .group_by(key)
        .agg(deep_share=pl.col("is_deep").mean(), falls_a_pin=pl.col("falls").mean())
    )
    is_rolling = pl.any_horizontal(
        # a pin without a time of publication may be of any age
        [_falls_too_often((age > least).fill_null(value=least == 0)) for least in _AGES]
    )
    return (
        moved.group_by(key)
        .agg(
            falling_share=pl.col("is_fall").mean(),
            is_rolling=is_rolling,
            pins_reset=pl.col("pin").filter(pl.col("fall") == "reset").n_unique().cast(pl.Int64),
            rules_out_days=age.filter(~pl.col("is_fall")).drop_nulls().top_k(_ENOUGH_MOVES),
        )
        .with_columns(
            rules_out_days=pl.when(pl.col("rules_out_days").list.len() >= _ENOUGH_MOVES).then(
                (pl.col("rules_out_days").list.min() - 1).clip(0)
            )
        )
        .join(losses, on=key, how="left")
        # restatements take little, and hardly a pin twice
        .with_columns(
            is_rolling=pl.col("is_rolling") & ((pl.col("deep_share") >= 1 / 3) | (pl.col("falls_a_pin") >= 2))
        )
    )


def _falls_too_often(selected: pl.Expr) -> pl.Expr:
    """Whether clearly more than `_FALLING_SHARE` of the selected moves are falls, of several pins on several days."""
    fell = pl.col("is_fall") & selected
    falls, moves = fell.sum(), selected.sum()
    error = (_FALLING_SHARE * (1 - _FALLING_SHARE) * moves).sqrt()
    return (
        (falls >= _FALLS)
        & (pl.col("snapshot_date").filter(fell).n_unique() >= _FALLING_DAYS)
        & (pl.col("pin").filter(fell).n_unique() >= _FALLING_SHARE * pl.col("pin").filter(selected).n_unique())
        & ((falls - _FALLING_SHARE * moves) > _SURELY * error)
    )
