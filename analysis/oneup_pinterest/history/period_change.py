"""Compare the gains of an account in two periods, with a verdict.

Two questions with two answers. What was gained is a fact and needs no test. Whether the account does better is asked
of each pin against itself, beyond what a trend and the account's own swings explain (`history.pin_levels`).
"""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any, NamedTuple

import numpy as np
import polars as pl

from oneup_pinterest.database.accounts import Accounts
from oneup_pinterest.database.reader import Database
from oneup_pinterest.history.account_history import AccountHistory, load_account_histories
from oneup_pinterest.history.counter_types import USABLE
from oneup_pinterest.history.gains import numbered_gains
from oneup_pinterest.history.loaded_history import computed_once
from oneup_pinterest.history.observations import METRICS
from oneup_pinterest.history.pin_levels import MAX_HISTORY_DAYS, level_change, pin_days
from oneup_pinterest.history.publication import publication_times
from oneup_pinterest.methods.frames import with_account
from oneup_pinterest.methods.own_level import LogRatio
from oneup_pinterest.methods.power import days_until_found, detectable_ratio
from oneup_pinterest.methods.types import Columns
from oneup_pinterest.methods.verdicts import DOWN, NO_VERDICT, with_holm_verdicts

HEADLINE = ("saves", "repins", "clicks")
OTHERS = tuple(metric for metric in METRICS if metric not in HEADLINE)  # a family of tests of its own
DAYS = 28  # whole weeks, so that weekdays are the same on both sides
KNOWN_SHARE = 0.75  # of the days of a period: fewer do not represent it
SEEN_RATIO_THRESHOLD = 1.2  # times as many pins seen before as now: a fall may then come from the unseen pins
YEAR = 364  # days: the same weekdays, a year earlier
MIN_PAST_COMPARISONS = 12  # of two periods, one week apart: fewer do not say what is usual

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
    "detectable": pl.Float64,
    "days_needed": pl.Float64,
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
    "gained_change": pl.Float64,
    "usual_low": pl.Float64,
    "usual_high": pl.Float64,
    "year_before": pl.Float64,
    "is_imputed": pl.Boolean,
    "watched_before": pl.Float64,
    "watched_now": pl.Float64,
}


@computed_once
def account_change(history: AccountHistory, days: int = DAYS, metrics: Sequence[str] = HEADLINE) -> pl.DataFrame:
    """Compare what all pins of an account gained in its last `days` settled days with the `days` before.

    One row per metric, in the order of `metrics`, with or without a verdict; no rows for an account without pins.
    Columns:

    - social_network_id, metric, days
    - before_start, before_end, now_start, now_end: the two periods; the provisional days come after them
    - days_compared: a day whose gain is unknown is left out, and so is its counterpart `days` earlier or later
    - before, now: counts gained on these days (fractions come from gaps between syncs); gained_change: the difference
      in percent. These are facts; they include how much was published
    - pins: pins that gained anything in either period; pins_before, pins_now: published in the periods
    - change, change_low, change_high: change of the typical pin, in percent, with the bounds of its 95% interval: the
      step of what a pin gains beyond its own level, its age, a straight trend and the account's own swings
    - p: p value of no such change; p_adjusted: adjusted for the number of metrics (Holm 1979)
    - verdict: up or down where p_adjusted is below 5%, else within normal variation; no verdict where there is a
      reason
    - reason: why no comparison was possible
    - usual_low, usual_high: 95% of the account's own earlier comparisons of this kind had a `gained_change` between
      these (percent); null where there are fewer than 12, one week apart
    - year_before: counts gained a year (364 days) earlier on the days that `now` counts; null where one is unknown
    - detectable: the smallest rise of the typical pin, in percent, that would be found in 80% of cases now
    - days_needed: days that each period needs until a change as large as `change` would be found in 80% of cases
    - is_imputed: some of these gains are spread over a gap between syncs
    - watched_before, watched_now: mean number of pins seen per day. Where these differ much, part of the change may
      come from pins that are no longer seen, or were not seen before

    The method is `history.pin_levels.level_change`: pins and weeks are both random. It uses up to half a year of
    history to learn how the account swings from week to week; with less, the interval is wider. False alarms and
    power in simulation: docs/results/statistics.md.

    >>> from datetime import datetime
    >>> seen = [date(2026, 1, 1) + timedelta(days=n) for n in range(60)]
    >>> pins = pl.concat([pl.DataFrame({
    ...     "social_network_id": "pin_a", "id": str(pin), "timestamp": datetime(2025, 1, 1) + timedelta(days=9 * pin),
    ...     "snapshot_date": seen, "saves": [n * 5 + max(0, n - 50) * (pin % 3 + 4) for n in range(60)]})
    ...     for pin in range(20)])
    >>> change = account_change(AccountHistory.from_pins(pins), 7, ["saves"])
    >>> change.select("before", "now", "pins", pl.col("gained_change", "change").round(0), "verdict").row(0)
    (700.0, 1393.0, 20, 99.0, 99.0, 'up')
    """
    if history.pins.is_empty():
        return with_account(history.social_network_id, None, CHANGE)
    rows = [{"metric": metric, "days": days} | _compared_periods(history, metric, days) for metric in metrics]
    return with_account(history.social_network_id, with_holm_verdicts(rows, CHANGE), CHANGE)


def account_changes(
    database: Database,
    accounts: Accounts = None,
    since: date | None = None,
    until: date | None = None,
    *,
    days: int = DAYS,
    metrics: Sequence[str] = HEADLINE,
) -> pl.DataFrame:
    """Return `account_change` of several accounts in one frame, sorted by `social_network_id`.

    One account is in memory at a time, and the rows of an account depend on no other account. So the accounts may be
    split into buckets of any kind, and a pool of processes or a cluster may compute each bucket, also twice: the frames
    together are that of all accounts. docs/fleets.md has examples.

    `accounts`, `since` and `until` are those of every `load_*` function; `days` and `metrics` are of `account_change`.

    Raises:
        UserError: as `open_history`, or the file does not know an account.

    >>> import duckdb, tempfile
    >>> database = tempfile.mkdtemp() + "/history.duckdb"
    >>> with duckdb.connect(database) as connection:
    ...     _ = connection.execute("CREATE TABLE accounts AS SELECT 'pin_a' AS social_network_id")
    >>> account_changes(database, ["pin_a"]).select("social_network_id", "metric", "change", "verdict").rows()
    []
    """
    histories = load_account_histories(database, accounts, since, until)
    frames = [account_change(history, days, metrics) for history in histories]
    return pl.concat([with_account("none", None, CHANGE), *frames]).sort("social_network_id", maintain_order=True)


def changes(history: AccountHistory, days: int) -> pl.DataFrame:
    """Return `account_change` of all metrics: saves, repins and clicks are judged together, the others together."""
    return pl.concat([account_change(history, days), account_change(history, days, OTHERS)])


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


class Periods(NamedTuple):
    """Two periods side by side: `columns` as in `account_change`, and which days of each are compared."""

    columns: dict[str, Any]
    start: date
    now_start: date
    last: date
    offsets: pl.Series

    def compared(self, gains: pl.DataFrame) -> pl.DataFrame:
        """Return the rows of the compared days, with `is_now`."""
        days = (self.now_start - self.start).days
        offset = (pl.col("day") - self.start).dt.total_days() % days
        is_compared = pl.col("day").is_between(self.start, self.last) & offset.is_in(self.offsets.implode())
        return gains.filter(is_compared).with_columns(is_now=pl.col("day") >= self.now_start)


def periods_of(history: AccountHistory, metric: str, days: int) -> Periods | dict[str, Any]:
    """Return the two periods of `days` days that can be compared, or the columns of a row that says why not."""
    known = history.account_gains.filter(pl.col("metric") == metric)
    settled = known.filter(~pl.col("is_provisional"))
    if not known["counter_type"].is_in(USABLE).all():
        return {"reason": not_lifetime(metric)}
    last, first = settled["day"].max(), settled["day"].min()
    if not isinstance(last, date) or not isinstance(first, date):
        return {"reason": f"two periods of {days} settled days are needed, and there is none yet"}
    now_start, start = last - timedelta(days=days - 1), last - timedelta(days=2 * days - 1)
    columns: dict[str, Any] = {
        "before_start": start,
        "before_end": now_start - timedelta(days=1),
        "now_start": now_start,
        "now_end": last,
    }
    there = (last - first).days + 1
    if there < 2 * days:
        return columns | {"reason": f"a history of 2 x {days} settled days is needed; there are {there}"}
    both = settled.filter(pl.col("gain").is_not_null() & (pl.col("day") >= start)).with_columns(
        offset=(pl.col("day") - start).dt.total_days() % days
    )
    offsets = both.group_by("offset").len().filter(pl.col("len") == 2)["offset"].sort()
    if len(offsets) < KNOWN_SHARE * days:
        needed = int(np.ceil(KNOWN_SHARE * days))
        why = f"of {days} days, {len(offsets)} have a known gain in both periods; {needed} are needed"
        return columns | {"reason": why}
    if (longest := _longest_gap(_seen_on(history), (start, now_start, last + timedelta(days=1)))) > days / 2:
        return columns | {"reason": f"a gap of {longest} days between two syncs lies across the ends of the periods"}
    return Periods(columns | {"days_compared": len(offsets)}, start, now_start, last, offsets)


def _compared_periods(history: AccountHistory, metric: str, days: int) -> dict[str, Any]:
    """Return the row of `account_change` for one metric; a row without a comparison has a `reason`."""
    periods = periods_of(history, metric, days)
    if not isinstance(periods, Periods):
        return periods
    last, now_start = periods.last, periods.now_start
    is_settled = pl.col("gain").is_not_null() & ~pl.col("is_provisional")
    known = history.account_gains.filter((pl.col("metric") == metric) & is_settled)
    every = numbered_gains(history, metric, last - timedelta(days=max(2 * days, MAX_HISTORY_DAYS) - 1))
    every = every.filter(pl.col("day").is_in(known["day"].implode()))
    published = publication_times(history)["published"]
    compared = periods.compared(every)
    gained, born_on = compared.filter(pl.col("gain") > 0), published.cast(pl.Date)
    before, now = (float(compared.filter(part)["gain"].sum()) for part in (~pl.col("is_now"), pl.col("is_now")))
    compared_days = len(periods.offsets)
    row = periods.columns | {
        "before": before,
        "now": now,
        "gained_change": (now / before - 1) * 100 if before else None,
        "pins": gained["pin"].n_unique(),
        "pins_before": int(born_on.is_between(periods.start, now_start - timedelta(days=1)).sum()),
        "pins_now": int(born_on.is_between(now_start, last).sum()),
        "is_imputed": bool(gained["is_imputed"].any()),
        "watched_before": (compared.height - compared["is_now"].sum()) / compared_days,
        "watched_now": compared["is_now"].sum() / compared_days,
        "year_before": _year_before(known, periods),
        **_usual_change(known, now_start, days),
    }
    change = level_change(pin_days(every, published, last), days, metric)
    if isinstance(change, str):
        return row | {"reason": change}
    return row | {
        **percent_change(change),
        "p": change.p,
        **power_columns(change.estimate, change.deviation, days),
    }


def _usual_change(known: pl.DataFrame, now_start: date, days: int) -> dict[str, float]:
    """Return between which bounds 95% of the account's earlier changes lay, from comparisons one week apart."""
    from scipy import stats  # slow to import

    first = known["day"].min()
    if not isinstance(first, date):
        return {}
    length = (now_start - first).days
    daily = np.full(length, np.nan)
    earlier = known.filter(pl.col("day") < now_start)
    daily[[(day - first).days for day in earlier["day"]]] = earlier["gain"].to_numpy()
    ends = range(length, 2 * days - 1, -7)
    logs = []
    for end in ends:
        one, other = daily[end - 2 * days : end - days], daily[end - days : end]
        if min(np.isfinite(one).mean(), np.isfinite(other).mean()) >= KNOWN_SHARE:
            mean_before, mean_now = np.nanmean(one), np.nanmean(other)
            if mean_before > 0 and mean_now > 0:
                logs.append(np.log(mean_now / mean_before))
    if len(logs) < MIN_PAST_COMPARISONS:
        return {}
    reach = stats.t.ppf(0.975, max(7 * len(logs) // days, 2)) * np.std(logs, ddof=1)
    low, high = (float((np.exp(np.mean(logs) + sign * reach) - 1) * 100) for sign in (-1, 1))
    return {"usual_low": low, "usual_high": high}


def _year_before(known: pl.DataFrame, periods: Periods) -> float | None:
    """Return what was gained a year earlier on the days that `now` counts; None where one of them is unknown."""
    offset = (pl.col("day") - (periods.now_start - timedelta(days=YEAR))).dt.total_days()
    then = known.filter(offset.is_in(periods.offsets.implode()))
    return float(then["gain"].sum()) if then.height == len(periods.offsets) else None


@computed_once
def _seen_on(history: AccountHistory) -> list[date]:
    """Return the days of the account's snapshots, the first first."""
    return history.pins["snapshot_date"].unique().sort().to_list()


def _longest_gap(days: Sequence[date], ends: Sequence[date]) -> int:
    """Return the longest time between two syncs (days) that contains an end of a period; 0 without one."""
    gaps = [0]
    for end in ends:
        before, after = [day for day in days if day <= end], [day for day in days if day >= end]
        if before and after:
            gaps.append((after[0] - before[-1]).days)
    return max(gaps)


def not_lifetime(metric: str) -> str:
    """Return the reason of a row whose counter is not a lifetime counter, so that it has no gains."""
    return f"the counter of {metric} falls too often to be one of a pin's whole life"


def power_columns(estimate: float, deviation: float, days: int) -> dict[str, float]:
    """Return detectable (percent) and days_needed of a log ratio of two periods of `days` days and its deviation."""
    return {
        "detectable": (detectable_ratio(deviation) - 1) * 100,
        "days_needed": days_until_found(estimate, deviation, days),
    }


def percent_change(change: LogRatio) -> dict[str, float]:
    """Return a log ratio and the bounds of its interval as change, change_low and change_high, in percent."""
    bounds = {"change": change.estimate, "change_low": change.low, "change_high": change.high}
    return {name: float((np.exp(bound) - 1) * 100) for name, bound in bounds.items()}
