"""Did an account change? Gains of two periods, new pins at the same age, and the slope of the weeks, with verdicts.

The pin is the sampling unit, not the impression: reach differs between pins by orders of magnitude, so that a test on
the counts themselves finds a change in two weeks out of three where there is none.
"""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

import numpy as np
import polars as pl

from oneup_pinterest.history.by_age import counters_at_age
from oneup_pinterest.history.counter_types import USABLE
from oneup_pinterest.history.gains import account_daily_gains, daily_gains
from oneup_pinterest.history.per_account import for_each_account
from oneup_pinterest.history.remembered import remembered
from oneup_pinterest.methods.resampling import (
    LEVEL,
    Floats,
    RatioEstimate,
    holm,
    ratio_of_means,
    ratio_of_sums,
    weekly_growth_rate,
)

HEADLINE = ("saves", "repins", "clicks")
DAYS = 28  # whole weeks, so that weekdays are the same on both sides
LEAST_CLUSTERS = 6  # of 5 clusters not even the clearest result has a p value below 5%
LEAST_NEW_PINS = 5  # a side; the fewest with which a permutation can come below 5% with some room
KNOWN_SHARE = 0.75  # of the days of a period: with fewer, what is compared is no longer the period
WEEKS, LEAST_WEEKS = 12, 6  # a quarter; below 6 a slope hangs on its two ends
DAYS_OF_WEEK_KNOWN = 5
UNSEEN = 1.2  # times as many pins watched before as now: then a fall may be what is no longer seen
_PUBLISHING_DAYS = 90  # before the first day compared: how far back the rhythm of publishing is looked at

Columns = dict[str, pl.DataType | type[pl.DataType]]
_COMPARED: Columns = {
    "before": pl.Float64,
    "now": pl.Float64,
    "pins": pl.Int64,
    "pins_before": pl.Int64,
    "pins_now": pl.Int64,
    "change": pl.Float64,
    "change_low": pl.Float64,
    "change_high": pl.Float64,
    "p": pl.Float64,
    "p_adjusted": pl.Float64,
    "verdict": pl.String,
    "reason": pl.String,
}
_PERIODS: Columns = {
    "metric": pl.String,
    "days": pl.Int64,
    "before_start": pl.Date,
    "before_end": pl.Date,
    "now_start": pl.Date,
    "now_end": pl.Date,
}
CHANGE: Columns = {
    **_PERIODS,
    "days_compared": pl.Int64,
    **_COMPARED,
    "is_imputed": pl.Boolean,
    "watched_before": pl.Float64,
    "watched_now": pl.Float64,
}
NEW_PINS: Columns = {**_PERIODS, "age": pl.Int64, **_COMPARED, "median_before": pl.Float64, "median_now": pl.Float64}
TREND: Columns = {
    "metric": pl.String,
    "weeks": pl.Int64,
    "first_day": pl.Date,
    "last_day": pl.Date,
    "pins": pl.Int64,
    "watched_first": pl.Float64,
    "watched_last": pl.Float64,
    "change": pl.Float64,
    "change_low": pl.Float64,
    "change_high": pl.Float64,
    "p": pl.Float64,
    "p_adjusted": pl.Float64,
    "verdict": pl.String,
    "reason": pl.String,
}
WEEKLY: Columns = {
    "metric": pl.String,
    "week": pl.Int64,
    "first_day": pl.Date,
    "last_day": pl.Date,
    "days_known": pl.Int64,
    "gain": pl.Float64,
    "is_imputed": pl.Boolean,
}
_NO_CLAIM = {"verdict": "cannot tell"}
_WATCHED = (("watched_before", "watched_now"), ("watched_first", "watched_last"))


@remembered
def account_change(
    pins: pl.DataFrame,
    days: int = DAYS,
    metrics: Sequence[str] = HEADLINE,
    *,
    gains: pl.DataFrame | None = None,
    account_gains: pl.DataFrame | None = None,
    seed: int = 0,
) -> pl.DataFrame:
    """What all pins of an account gained in its last `days` settled days, against the `days` before, with a verdict.

    `pins` as `load_pins` returns them. `gains` and `account_gains`, where they are known already, are `daily_gains` and
    `account_daily_gains` of the same pins and of these metrics at least. One row per account and metric, also where
    nothing can be told. Columns, sorted by the first two (in the order of `metrics`):

    - social_network_id, metric, days
    - before_start, before_end, now_start, now_end: the two periods; the provisional days come after them
    - days_compared: a day whose gain is unknown is left out, and so is its counterpart `days` earlier or later
    - before, now: what was gained on these days, as counts (fractions come from gaps)
    - pins: those that gained anything in either period, the sample; pins_before, pins_now: published in the periods
    - change, change_low, change_high: of the gains, in percent, with the bounds of its 95% interval; null where there
      is none (nothing before, or no bound)
    - p: of no change. p_adjusted: for the metrics side by side (Holm 1979)
    - verdict: up or down where p_adjusted is below 5%, else cannot tell. reason: why no comparison was possible, or
      why a fall is no verdict (a fifth more pins were watched before than now: unseen is not zero)
    - is_imputed: some of these gains are spread over a gap between syncs
    - watched_before, watched_now: pins seen a day, on average. What a pin gains unseen is unknown: where these differ
      much, part of the change may be that more or fewer pins are watched

    The pin is the sampling unit: each stands with the pair of its sums, and pins that were published in one batch
    stay together (`_batches`), as the number of pins per week is part of the chance. See `ratio_of_sums`.

    What it promises: with the same process in both periods, at most 6% verdicts, over 7, 14 or 28 days, with reach of
    lognormal sigma 1.6 or 2.2, an own save rate for each pin, a weekday cycle, and pins published one by one or in
    batches; mostly it is 3%. Swings of a day that all pins share are not in the interval; they begin to matter where
    thousands of pins gain.

    >>> from datetime import datetime
    >>> seen = [date(2026, 3, 1) + timedelta(days=n) for n in range(17)]
    >>> pins = pl.concat([pl.DataFrame({
    ...     "social_network_id": "pin_a", "id": str(pin), "timestamp": datetime(2026, 1, 1 + pin),
    ...     "snapshot_date": seen, "saves": [n * 2 + max(0, n - 7) * (pin + 1) for n in range(17)]})
    ...     for pin in range(20)])
    >>> account_change(pins, 7, ["saves"]).select("before", "now", "change", "pins", "verdict").row(0)
    (280.0, 1750.0, 525.0, 20, 'up')
    """
    gains = daily_gains(pins, metrics) if gains is None else gains
    account_gains = account_daily_gains(pins, metrics) if account_gains is None else account_gains
    by_pin, by_day = _of_accounts(gains), _of_accounts(account_gains)

    def change(part: pl.DataFrame) -> pl.DataFrame:
        account = str(part["social_network_id"][0])
        mine, known = by_pin.get(account, gains.clear()), by_day.get(account, account_gains.clear())
        attributes, seen_on = _published(part), part["snapshot_date"].unique().sort()
        rows = [
            {"metric": metric, "days": days}
            | _change_of(
                mine.filter(pl.col("metric") == metric),
                known.filter(pl.col("metric") == metric),
                metric,
                days,
                attributes,
                seen_on,
                seed,
            )
            for metric in metrics
        ]
        return _judged(rows, CHANGE)

    return for_each_account(pins, change, CHANGE)


def new_pins_change(
    pins: pl.DataFrame, days: int = DAYS, age: int = 7, metrics: Sequence[str] = HEADLINE, *, seed: int = 0
) -> pl.DataFrame:
    """Do the pins published of late do better at the same age than those published before them?

    The pins of the last `days` days of publication that have reached `age`, against those of the `days` before. One
    row per account and metric. Columns as in `account_change`, with these differences: the periods are of publication;
    before and now are means a pin of what the counter had reached at that age; pins_before and pins_now are the pins
    compared, and pins both together; median_before, median_now: of the same counts. No `days_compared`.

    Permutation over pins (`ratio_of_means`). It promises at most 6% verdicts where both periods have the same process
    and 30 pins each, where a two-proportion z-test on the sums gives far more than 30%. Needs 5 pins a side.

    >>> from datetime import datetime
    >>> born = [datetime(2026, 2, 1) + timedelta(days=n) for n in range(20)]
    >>> pins = pl.concat([pl.DataFrame({
    ...     "social_network_id": "pin_a", "id": [str(n) for n in range(20)], "timestamp": born, "text": "Soup",
    ...     "snapshot_date": [day.date() + timedelta(days=age) for day in born], "format": "pin",
    ...     "media_type": "IMAGE", "saves": [n % 5 + (20 if n >= 10 else 5) for n in range(20)]}) for age in (6, 7)])
    >>> new_pins_change(pins, 10, 7, ["saves"]).select("before", "now", "pins", "verdict").row(0)
    (7.0, 22.0, 20, 'up')
    """
    reached = counters_at_age(pins, age, metrics)
    by_account = _of_accounts(reached)

    def change(part: pl.DataFrame) -> pl.DataFrame:
        mine = by_account.get(str(part["social_network_id"][0]), reached.clear())
        last_seen = part["snapshot_date"].max()
        rows = [
            {"metric": metric, "days": days, "age": age}
            | _new_pins_of(mine.filter(pl.col("metric") == metric), metric, days, age, last_seen, seed)
            for metric in metrics
        ]
        return _judged(rows, NEW_PINS)

    return for_each_account(pins, change, NEW_PINS)


def weekly_gains(account_gains: pl.DataFrame, weeks: int = WEEKS) -> pl.DataFrame:
    """What an account gained in each of its last settled weeks of 7 days, from `account_daily_gains`.

    Columns, sorted by the first three: social_network_id, metric, week (0 is the newest, -1 the one before it);
    first_day, last_day; days_known (of 7); gain (count; of 5 or 6 known days it is scaled up to 7, of fewer it is
    null); is_imputed (some day of it is spread over a gap). No rows for metrics that are no lifetime counters.

    >>> gains = pl.DataFrame({"social_network_id": "pin_a", "metric": "saves", "gain": 2.0, "kind": "lifetime",
    ...     "day": [date(2026, 3, day) for day in range(1, 15)], "is_provisional": False, "is_imputed": False})
    >>> weekly_gains(gains).select("week", "days_known", "gain").rows()
    [(-1, 7, 14.0), (0, 7, 14.0)]
    """
    settled = account_gains.filter(~pl.col("is_provisional") & pl.col("kind").is_in(USABLE))
    keys = ["social_network_id", "metric"]
    back = (pl.col("day").max().over(keys) - pl.col("day")).dt.total_days()
    first = (pl.col("day").max().over(keys) - pl.col("day").min().over(keys)).dt.total_days()
    return (
        settled.with_columns(week=-(back // 7), whole=(first + 1) // 7)
        .filter((-pl.col("week") < pl.col("whole")) & (pl.col("week") > -weeks))
        .with_columns(last_day=pl.col("day").max().over(keys) + pl.duration(days=7 * pl.col("week")))
        .group_by(*keys, "week")
        .agg(
            first_day=(pl.col("last_day").first() - pl.duration(days=6)).cast(pl.Date),
            last_day=pl.col("last_day").first().cast(pl.Date),
            days_known=pl.col("gain").is_not_null().sum().cast(pl.Int64),
            gain=pl.col("gain").sum() * 7 / pl.col("gain").is_not_null().sum(),
            is_imputed=pl.col("is_imputed").any(),
        )
        .with_columns(gain=pl.when(pl.col("days_known") >= DAYS_OF_WEEK_KNOWN).then("gain"))
        .select("social_network_id", *WEEKLY)
        .sort(*keys, "week")
    )


def account_trend(
    pins: pl.DataFrame,
    metrics: Sequence[str] = HEADLINE,
    *,
    weeks: int = WEEKS,
    gains: pl.DataFrame | None = None,
    account_gains: pl.DataFrame | None = None,
    seed: int = 0,
) -> pl.DataFrame:
    """How the weekly gains of an account grow or shrink over its last settled weeks (at most `weeks`, at least 6).

    `pins`, `gains`, `account_gains` as for `account_change`. One row per account and metric. Columns, sorted by the
    first two (in the order of `metrics`):

    - social_network_id, metric; weeks: those with a known gain
    - first_day, last_day: of the weeks
    - pins: those that gained anything in them, the sample; watched_first, watched_last: pins seen a day in the first
      and in the last of these weeks, on average
    - change, change_low, change_high: percent a week, on average, with the bounds of its 95% interval
    - p, p_adjusted, verdict, reason: as in `account_change`

    The resampling keeps each pin's weeks together, so days need not be independent (`weekly_growth_rate`). It promises
    at most 6% verdicts without a trend.

    >>> seen = [date(2026, 1, 1) + timedelta(days=n) for n in range(52)]
    >>> pins = pl.concat([pl.DataFrame({"social_network_id": "pin_a", "id": str(pin), "snapshot_date": seen,
    ...     "timestamp": date(2025, 11, 1) + timedelta(days=pin), "saves": [n * (pin + 1) for n in range(52)]})
    ...     for pin in range(9)])
    >>> account_trend(pins, ["saves"]).select("weeks", "pins", "change", "verdict").row(0)
    (7, 9, 0.0, 'cannot tell')
    """
    gains = daily_gains(pins, metrics) if gains is None else gains
    account_gains = account_daily_gains(pins, metrics) if account_gains is None else account_gains
    by_pin, by_day = _of_accounts(gains), _of_accounts(account_gains)

    def trend(part: pl.DataFrame) -> pl.DataFrame:
        account = str(part["social_network_id"][0])
        mine, known = by_pin.get(account, gains.clear()), by_day.get(account, account_gains.clear())
        attributes = _published(part)
        rows = [
            {"metric": metric}
            | _trend_of(
                mine.filter(pl.col("metric") == metric),
                known.filter(pl.col("metric") == metric),
                metric,
                weeks,
                attributes,
                seed,
            )
            for metric in metrics
        ]
        return _judged(rows, TREND)

    return for_each_account(pins, trend, TREND)


def not_lifetime(metric: str) -> str:
    """The reason of a row whose counter cannot be differenced."""
    return f"the counter of {metric} falls too often to be one of a pin's whole life"


def _change_of(
    mine: pl.DataFrame,
    known: pl.DataFrame,
    metric: str,
    days: int,
    attributes: pl.DataFrame,
    seen_on: pl.Series,
    seed: int,
) -> dict[str, Any]:
    settled = known.filter(~pl.col("is_provisional"))
    if not known["kind"].is_in(USABLE).all():
        return {"reason": not_lifetime(metric)}
    last, first = settled["day"].max(), settled["day"].min()
    if not isinstance(last, date) or not isinstance(first, date):
        return {"reason": f"two periods of {days} settled days are needed, and there is none yet"}
    now_start, start = last - timedelta(days=days - 1), last - timedelta(days=2 * days - 1)
    periods: dict[str, Any] = {
        "before_start": start,
        "before_end": now_start - timedelta(days=1),
        "now_start": now_start,
        "now_end": last,
    }
    there = (last - first).days + 1
    if there < 2 * days:
        return periods | {"reason": f"a history of 2 x {days} settled days is needed; there are {there}"}
    both = settled.filter(pl.col("day") >= start, pl.col("gain").is_not_null()).with_columns(
        offset=(pl.col("day") - start).dt.total_days() % days
    )
    offsets = both.group_by("offset").len().filter(pl.col("len") == 2)["offset"].sort()
    if len(offsets) < KNOWN_SHARE * days:
        needed = int(np.ceil(KNOWN_SHARE * days))
        why = f"of {days} days, {len(offsets)} have a known gain in both periods; {needed} are needed"
        return periods | {"reason": why}
    if (longest := _longest_gap(seen_on, (start, now_start, last + timedelta(days=1)))) > days / 2:
        return periods | {"reason": f"a gap of {longest} days between two syncs lies across the ends of the periods"}
    day, is_now = pl.col("day"), pl.col("day") >= now_start
    compared = mine.filter(day.is_between(start, last), ((day - start).dt.total_days() % days).is_in(offsets.implode()))
    sums = (
        compared.group_by("id")
        .agg(before=pl.col("gain").filter(~is_now).sum(), now=pl.col("gain").filter(is_now).sum())
        .filter(pl.col("before") + pl.col("now") > 0)
        .join(attributes, on="id", how="left")
        .sort("published", "id")
    )
    published = attributes["published"].cast(pl.Date)
    row = periods | {
        "days_compared": len(offsets),
        "before": float(sums["before"].sum()),
        "now": float(sums["now"].sum()),
        "pins": sums.height,
        "pins_before": int(published.is_between(start, now_start - timedelta(days=1)).sum()),
        "pins_now": int(published.is_between(now_start, last).sum()),
        "is_imputed": bool((compared["is_imputed"] & (compared["gain"] > 0)).any()),
        "watched_before": compared.filter(~is_now).height / len(offsets),
        "watched_now": compared.filter(is_now).height / len(offsets),
    }
    clusters = _clustered(sums, ["before", "now"], attributes, start, last)
    if len(clusters) < LEAST_CLUSTERS:
        return row | {"reason": _too_few(metric, sums.height, len(clusters))}
    born = clusters[:, 2]  # the same day for all pins of a cluster
    return row | _estimated(ratio_of_sums(clusters[:, 0], clusters[:, 1], (born >= 0) & (born < days), seed))


def _new_pins_of(mine: pl.DataFrame, metric: str, days: int, age: int, last_seen: Any, seed: int) -> dict[str, Any]:
    if mine.is_empty():
        return {"reason": f"no pin has been seen at age {age} with a lifetime counter of {metric}"}
    end = last_seen - timedelta(days=age)
    now_start, start = end - timedelta(days=days - 1), end - timedelta(days=2 * days - 1)
    born = pl.col("published").cast(pl.Date)
    ordered = mine.sort("published", "id")
    before = ordered.filter(born.is_between(start, now_start, closed="left"))["value"]
    now = ordered.filter(born.is_between(now_start, end))["value"]
    row: dict[str, Any] = {
        "before_start": start,
        "before_end": now_start - timedelta(days=1),
        "now_start": now_start,
        "now_end": end,
        "before": before.mean(),
        "now": now.mean(),
        "pins": len(before) + len(now),
        "pins_before": len(before),
        "pins_now": len(now),
        "median_before": before.median(),
        "median_now": now.median(),
    }
    if min(len(before), len(now)) < LEAST_NEW_PINS:
        why = (
            f"{LEAST_NEW_PINS} pins a period, seen at age {age}, are needed; there are {len(now)} of the last {days} "
            f"days and {len(before)} of the {days} before"
        )
        return row | {"reason": why}
    if not before.sum() and not now.sum():
        return row | {"reason": f"no pin of either period had any {metric} at age {age}"}
    return row | _estimated(ratio_of_means(before.to_numpy(), now.to_numpy(), seed))


def _trend_of(
    mine: pl.DataFrame, known: pl.DataFrame, metric: str, weeks: int, attributes: pl.DataFrame, seed: int
) -> dict[str, Any]:
    if not known["kind"].is_in(USABLE).all():
        return {"reason": not_lifetime(metric)}
    table = weekly_gains(known, weeks).drop_nulls("gain")
    if table.height < LEAST_WEEKS:
        return {
            "weeks": table.height,
            "reason": f"{LEAST_WEEKS} whole settled weeks are needed; there are {table.height}",
        }
    first, last = table["first_day"][0], table["last_day"][-1]
    told = known.filter(pl.col("gain").is_not_null() & ~pl.col("is_provisional")).select("day")
    daily = (
        mine.join(told, on="day", how="semi")
        .filter(pl.col("day").is_between(first, last))
        .with_columns(week=-((last - pl.col("day")).dt.total_days() // 7))
        .join(table.select("week", "days_known"), on="week")
    )
    weekly = daily.group_by("id", "week").agg(gain=pl.col("gain").sum() * 7 / pl.col("days_known").first())
    watched = dict(daily.group_by("week").agg(pl.len() / pl.col("days_known").first()).iter_rows())
    wide = weekly.pivot("week", index="id", values="gain").fill_null(0.0)
    numbers = table["week"].to_list()
    names = [str(week) for week in numbers]
    wide = wide.with_columns(pl.lit(0.0).alias(name) for name in names if name not in wide.columns)
    wide = wide.filter(pl.sum_horizontal(names) > 0).join(attributes, on="id", how="left").sort("published", "id")
    row = {
        "weeks": table.height,
        "first_day": first,
        "last_day": last,
        "pins": wide.height,
        "watched_first": watched.get(numbers[0]),
        "watched_last": watched.get(numbers[-1]),
    }
    clusters = _clustered(wide, names, attributes, first, last)
    if len(clusters) < LEAST_CLUSTERS:
        return row | {"reason": _too_few(metric, wide.height, len(clusters))}
    born, half = clusters[:, -1], ((last - first).days + 1) / 2
    weeks_known = np.array(numbers, dtype=np.float64)
    return row | _estimated(weekly_growth_rate(clusters[:, :-1], weeks_known, (born >= 0) & (born < half), seed))


def _estimated(estimate: RatioEstimate) -> dict[str, Any]:
    change = [None if ratio is None else (ratio - 1) * 100 for ratio in estimate[:3]]
    return {"change": change[0], "change_low": change[1], "change_high": change[2], "p": estimate.p}


def _judged(rows: list[dict[str, Any]], schema: Columns) -> pl.DataFrame:
    """The rows with p adjusted for each other, and the verdicts that follow."""
    table = pl.DataFrame([{**dict.fromkeys(schema), **_NO_CLAIM, **row} for row in rows], schema=schema)
    tested = table["p"].is_not_null()
    adjusted = np.full(table.height, np.nan)
    adjusted[tested.to_numpy()] = holm(table["p"].filter(tested))
    is_up = pl.col("now") > pl.col("before") if "now" in schema else pl.col("change") > 0
    table = table.with_columns(p_adjusted=pl.Series(adjusted).fill_nan(None)).with_columns(verdict=verdict_of(is_up))
    watched = next((pair for pair in _WATCHED if pair[0] in schema), None)
    if watched is None:
        return table
    then, since = watched
    is_unseen = (pl.col("verdict") == "down") & (pl.col(then) > UNSEEN * pl.col(since))
    why = pl.format(
        "{} pins a day were watched at first and {} at last, and what a pin gains unwatched is unknown",
        pl.col(then).round(0).cast(pl.Int64),
        pl.col(since).round(0).cast(pl.Int64),
    )
    return table.with_columns(
        verdict=pl.when(is_unseen).then(pl.lit("cannot tell")).otherwise("verdict"),
        reason=pl.when(is_unseen).then(why).otherwise("reason"),
    )


def verdict_of(is_up: pl.Expr, p: str = "p_adjusted") -> pl.Expr:
    """`up`, `down` or `cannot tell`, from a column of p values and the direction."""
    told = (pl.col(p) < LEVEL).fill_null(False) & is_up.is_not_null()
    return pl.when(~told).then(pl.lit("cannot tell")).when(is_up).then(pl.lit("up")).otherwise(pl.lit("down"))


def _clustered(sums: pl.DataFrame, columns: list[str], attributes: pl.DataFrame, start: date, last: date) -> Floats:
    """The columns of `sums` (sorted by publication), added up over the batches of pins that stay together; and one
    more column, the day on which the batch was published, counted from `start` (before it: negative or NaN)."""
    size = _batches(attributes["published"].cast(pl.Date), start - timedelta(days=_PUBLISHING_DAYS), last)
    day = (pl.col("published").cast(pl.Date) - start).dt.total_days()
    groups = (pl.len().over(day) / size).round().clip(lower_bound=1)
    batch = (pl.int_range(pl.len()).over(day) * groups / pl.len().over(day)).floor()
    # a pin without a time of publication is a batch by itself
    alone = pl.when(day.is_null()).then(pl.int_range(pl.len())).otherwise(-1)
    clusters = sums.group_by(day.alias("on"), batch.alias("batch"), alone.alias("alone"), maintain_order=True).agg(
        pl.col(columns).sum()
    )
    values: Floats = clusters.select(*columns, pl.col("on").cast(pl.Float64).fill_null(np.nan)).to_numpy()
    return values


def _batches(published: pl.Series, start: date, last: date) -> float:
    """How many pins of one day of publication stay together in the resampling.

    It is the index of dispersion (variance over mean) of the pins a day: 1 where each pin comes by itself at random,
    10 where they come in batches of 10.
    """
    days = published.drop_nulls()
    days = days.filter(days.is_between(start, last))
    first = days.min()
    if not isinstance(first, date):
        return 1.0
    counts = np.bincount((days - first).dt.total_days().to_numpy(), minlength=(last - first).days + 1)
    mean = counts.mean()
    return max(1.0, float(counts.var() / mean))


def _longest_gap(seen_on: pl.Series, ends: Sequence[date]) -> int:
    """Days between the two syncs around an end of a period on which there was none; the longest of them, else 0."""
    days = seen_on.to_list()
    gaps = [0]
    for end in ends:
        before, after = [day for day in days if day <= end], [day for day in days if day >= end]
        if before and after:
            gaps.append((after[0] - before[-1]).days)
    return max(gaps)


def _too_few(metric: str, pins: int, clusters: int) -> str:
    if pins < LEAST_CLUSTERS:
        return f"{LEAST_CLUSTERS} pins that gained {metric} are needed; there are {pins}"
    return f"{pins} pins gained {metric}, but they were published in {clusters} batches; {LEAST_CLUSTERS} are needed"


@remembered
def _published(part: pl.DataFrame) -> pl.DataFrame:
    published = pl.col("timestamp").cast(pl.Datetime("us")).max()
    return part.lazy().group_by("id").agg(published=published).sort("id").collect()


def _of_accounts(frame: pl.DataFrame) -> dict[str, pl.DataFrame]:
    if frame["social_network_id"].n_unique() == 1:
        return {str(frame["social_network_id"][0]): frame}
    return {str(key[0]): part for key, part in frame.partition_by("social_network_id", as_dict=True).items()}
