"""Did an account change? Compare the gains of two periods, with a verdict.

The pin is the sampling unit, not the impression: reach differs between pins by orders of magnitude. A test on the
counts themselves would find a change in two weeks out of three where there is none.
"""

from collections.abc import Callable, Sequence
from datetime import date, timedelta
from typing import Any

import numpy as np
import polars as pl

from oneup_pinterest.history.account_history import AccountHistory
from oneup_pinterest.history.counter_types import USABLE
from oneup_pinterest.history.gains import numbered_gains
from oneup_pinterest.history.loaded_history import computed_once
from oneup_pinterest.history.observations import consecutive_observations
from oneup_pinterest.history.publication import batch_sums, publication_times
from oneup_pinterest.methods.frames import with_account
from oneup_pinterest.methods.resampling import RatioEstimate, ratio_of_sums
from oneup_pinterest.methods.types import Columns
from oneup_pinterest.methods.verdicts import DOWN, NO_VERDICT, with_holm_verdicts

HEADLINE = ("saves", "repins", "clicks")
DAYS = 28  # whole weeks, so that weekdays are the same on both sides
MIN_CLUSTERS = 6  # with 5 clusters not even the clearest result has a p value below 5%
KNOWN_SHARE = 0.75  # of the days of a period: fewer do not represent it
SEEN_RATIO_THRESHOLD = 1.2  # times as many pins seen before as now: a fall may then come from the unseen pins

GainsSince = Callable[[date], pl.DataFrame]

COMPARED: Columns = {
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
PERIODS: Columns = {
    "metric": pl.String,
    "days": pl.Int64,
    "before_start": pl.Date,
    "before_end": pl.Date,
    "now_start": pl.Date,
    "now_end": pl.Date,
}
CHANGE: Columns = {
    **PERIODS,
    "days_compared": pl.Int64,
    **COMPARED,
    "is_imputed": pl.Boolean,
    "watched_before": pl.Float64,
    "watched_now": pl.Float64,
}


@computed_once
def account_change(
    history: AccountHistory, days: int = DAYS, metrics: Sequence[str] = HEADLINE, *, seed: int = 0
) -> pl.DataFrame:
    """Compare what all pins of an account gained in its last `days` settled days with the `days` before.

    One row per metric, in the order of `metrics`, with or without a verdict; no rows for an account without pins.
    Columns:

    - social_network_id, metric, days
    - before_start, before_end, now_start, now_end: the two periods; the provisional days come after them
    - days_compared: a day whose gain is unknown is left out, and so is its counterpart `days` earlier or later
    - before, now: counts gained on these days (fractions come from gaps between syncs)
    - pins: pins that gained anything in either period, the sample; pins_before, pins_now: published in the periods
    - change, change_low, change_high: of the gains, in percent, with the bounds of its 95% interval; null where there
      is none (nothing before, or no bound)
    - p: p value of no change; p_adjusted: adjusted for the number of metrics (Holm 1979)
    - verdict: up or down where p_adjusted is below 5%, else within normal variation; no verdict where there is a
      reason
    - reason: why no comparison was possible, or why a fall has no verdict (a fifth more pins were seen before than
      now, and what a pin gains unseen is unknown, not zero)
    - is_imputed: some of these gains are spread over a gap between syncs
    - watched_before, watched_now: mean number of pins seen per day. Where these differ much, part of the change may
      come from pins that are no longer seen, or were not seen before

    The pin is the sampling unit. Each pin enters with the pair of its sums, and pins of one batch stay together
    (`batch_sums`), because the number of pins per week is random too. The test is a sign-flip test (Efron 1969), see
    `ratio_of_sums`.

    False alarms: with the same process in both periods, at most 6% verdicts in simulation, mostly 3%. The simulations
    cover 7, 14 and 28 days, reach of lognormal sigma 1.6 and 2.2, a save rate per pin, a weekday cycle, and pins
    published one by one or in batches. Daily swings that all pins share are not in the interval; they begin to matter
    where thousands of pins gain.

    >>> from datetime import datetime
    >>> seen = [date(2026, 3, 1) + timedelta(days=n) for n in range(17)]
    >>> pins = pl.concat([pl.DataFrame({
    ...     "social_network_id": "pin_a", "id": str(pin), "timestamp": datetime(2026, 1, 1 + pin),
    ...     "snapshot_date": seen, "saves": [n * 2 + max(0, n - 7) * (pin + 1) for n in range(17)]})
    ...     for pin in range(20)])
    >>> account_change(AccountHistory.from_pins(pins), 7, ["saves"]).select("before", "now", "pins", "verdict").row(0)
    (280.0, 1750.0, 20, 'up')
    """
    if history.pins.is_empty():
        return with_account(history.social_network_id, None, CHANGE)
    known, seen_on = history.account_gains, history.pins["snapshot_date"].unique().sort()
    rows = [
        {"metric": metric, "days": days}
        | compared_periods(
            pin_gains(history, metric),
            known.filter(pl.col("metric") == metric),
            metric,
            days,
            publication_times(history),
            seen_on,
            seed,
        )
        for metric in metrics
    ]
    return with_account(history.social_network_id, change_table(rows), CHANGE)


def change_table(rows: list[dict[str, Any]]) -> pl.DataFrame:
    """Return the rows of `compared_periods` (one per metric) as a frame, with adjusted p values and verdicts."""
    return withdraw_unseen_falls(with_holm_verdicts(rows, CHANGE), "watched_before", "watched_now")


def pin_gains(history: AccountHistory, metric: str) -> GainsSince:
    """Return a function that takes a day and returns the gains per pin and day since then, sorted by pin and day.

    Its columns: id, and those of `numbered_gains`.
    """

    def since(day: date) -> pl.DataFrame:
        gains = numbered_gains(history, metric, day).sort("pin", "day", maintain_order=True)
        return gains.with_columns(id=consecutive_observations(history, []).pins["id"][gains["pin"]])

    return since


def withdraw_unseen_falls(table: pl.DataFrame, before: str, now: str) -> pl.DataFrame:
    """Withdraw the verdict of a fall where far fewer pins were seen now than before: unseen is not zero."""
    is_withdrawn = (pl.col("verdict") == DOWN) & (pl.col(before) > SEEN_RATIO_THRESHOLD * pl.col(now))
    why = pl.format(
        "{} pins per day were seen at first and {} at last, and what a pin gains unseen is unknown",
        pl.col(before).round(0).cast(pl.Int64),
        pl.col(now).round(0).cast(pl.Int64),
    )
    return table.with_columns(
        verdict=pl.when(is_withdrawn).then(pl.lit(NO_VERDICT)).otherwise("verdict"),
        reason=pl.when(is_withdrawn).then(why).otherwise("reason"),
    )


def compared_periods(
    gains: GainsSince,
    known: pl.DataFrame,
    metric: str,
    days: int,
    published: pl.DataFrame,
    seen_on: pl.Series,
    seed: int,
) -> dict[str, Any]:
    """Return the row of `account_change` for one metric.

    `gains` takes a day and returns the gains per pin and day since then (id, day, gain in counts, is_imputed).
    `known` has the gains of all pins together (`account_daily_gains`), `published` is a frame of `publication_times`,
    and `seen_on` has the days with a snapshot. A row without a comparison has a `reason`.
    """
    settled = known.filter(~pl.col("is_provisional"))
    if not known["counter_type"].is_in(USABLE).all():
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
    compared = gains(start).filter(
        day.is_between(start, last), ((day - start).dt.total_days() % days).is_in(offsets.implode())
    )
    sums = (
        compared.group_by("id")
        .agg(before=pl.col("gain").filter(~is_now).sum(), now=pl.col("gain").filter(is_now).sum())
        .filter(pl.col("before") + pl.col("now") > 0)
        .join(published, on="id", how="left")
        .sort("published", "id")
    )
    born_on = published["published"].cast(pl.Date)
    row = periods | {
        "days_compared": len(offsets),
        "before": float(sums["before"].sum()),
        "now": float(sums["now"].sum()),
        "pins": sums.height,
        "pins_before": int(born_on.is_between(start, now_start - timedelta(days=1)).sum()),
        "pins_now": int(born_on.is_between(now_start, last).sum()),
        "is_imputed": bool((compared["is_imputed"] & (compared["gain"] > 0)).any()),
        "watched_before": compared.filter(~is_now).height / len(offsets),
        "watched_now": compared.filter(is_now).height / len(offsets),
    }
    clusters = batch_sums(sums, ["before", "now"], published["published"], start, last)
    if len(clusters) < MIN_CLUSTERS:
        return row | {"reason": too_few_clusters(metric, sums.height, len(clusters))}
    born = clusters[:, 2]  # the same day for all pins of a cluster
    return row | estimated(ratio_of_sums(clusters[:, 0], clusters[:, 1], (born >= 0) & (born < days), seed))


def _longest_gap(seen_on: pl.Series, ends: Sequence[date]) -> int:
    """Return the longest time between two syncs (days) that contains an end of a period; 0 without one."""
    days = seen_on.to_list()
    gaps = [0]
    for end in ends:
        before, after = [day for day in days if day <= end], [day for day in days if day >= end]
        if before and after:
            gaps.append((after[0] - before[-1]).days)
    return max(gaps)


def too_few_clusters(metric: str, pins: int, clusters: int) -> str:
    """Return the reason of a row with too few pins, or batches of pins, for a comparison."""
    if pins < MIN_CLUSTERS:
        return f"{MIN_CLUSTERS} pins that gained {metric} are needed; there are {pins}"
    return f"{pins} pins gained {metric}, but they were published in {clusters} batches; {MIN_CLUSTERS} are needed"


def not_lifetime(metric: str) -> str:
    """Return the reason of a row whose counter is not a lifetime counter, so that it has no gains."""
    return f"the counter of {metric} falls too often to be one of a pin's whole life"


def estimated(estimate: RatioEstimate) -> dict[str, Any]:
    """Return the columns change, change_low, change_high (percent) and p of an estimate."""
    change = [None if ratio is None else (ratio - 1) * 100 for ratio in estimate[:3]]
    return {"change": change[0], "change_low": change[1], "change_high": change[2], "p": estimate.p}
