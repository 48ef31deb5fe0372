"""Do new pins do better than those before them, at the same age?"""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

import numpy as np
import polars as pl

from oneup_pinterest.history.account_history import AccountHistory
from oneup_pinterest.history.by_age import counters_at_age
from oneup_pinterest.history.loaded_history import computed_once
from oneup_pinterest.history.period_change import COMPARED, DAYS, HEADLINE, PERIODS, power_columns
from oneup_pinterest.methods.frames import with_account
from oneup_pinterest.methods.log_contrasts import change_of_typical, percent_of
from oneup_pinterest.methods.types import Columns
from oneup_pinterest.methods.verdicts import with_holm_verdicts

MIN_NEW_PINS = 5  # per period: with fewer, only a change of many times would stand out

NEW_PINS: Columns = {
    **PERIODS,
    "age": pl.Int64,
    **COMPARED,
    "median_before": pl.Float64,
    "median_now": pl.Float64,
    "publication_days": pl.Int64,
}


@computed_once
def new_pins_change(
    history: AccountHistory, days: int = DAYS, age: int = 7, metrics: Sequence[str] = HEADLINE
) -> pl.DataFrame:
    """Compare recently published pins with those published before them, at the same age.

    The pins of the last `days` days of publication that have reached `age` (days), against those of the `days` before.
    One row per metric; no rows for an account without pins. Columns as in `account_change`, except:

    - before_start to now_end: periods of publication
    - age: days
    - before, now: mean counts per pin at that age; median_before, median_now: medians of the same counts
    - change, change_low, change_high: of the typical pin, in percent, with the bounds of its 95% interval: the factor
      on the expected counts of all pins that explains the difference of the logs of 1 + count. The ratio of the means
      can be another one, because a few pins make most of a mean
    - pins_before, pins_now: pins compared (at least 5 per period); pins: both together
    - publication_days: number of days on which these pins were published
    - there is no days_compared, is_imputed, watched_before or watched_now

    Pins of one day and of one week share their luck, so they are not independent: see `change_of_typical` (restricted
    likelihood, Patterson and Thompson 1971). False alarms: at most 6% verdicts in simulation where both periods have
    the same process, published one by one or in weekly batches, unless the whole account swings for weeks.

    >>> from datetime import datetime
    >>> born = [datetime(2026, 2, 1) + timedelta(days=n) for n in range(20)]
    >>> pins = pl.concat([pl.DataFrame({
    ...     "social_network_id": "pin_a", "id": [str(n) for n in range(20)], "timestamp": born, "text": "Soup",
    ...     "snapshot_date": [day.date() + timedelta(days=age) for day in born], "format": "pin",
    ...     "media_type": "IMAGE", "saves": [n % 5 + (20 if n >= 10 else 5) for n in range(20)]}) for age in (6, 7)])
    >>> change = new_pins_change(AccountHistory.from_pins(pins), 10, 7, ["saves"])
    >>> change.select("before", "now", pl.col("change").round(), "pins", "verdict").row(0)
    (7.0, 22.0, 207.0, 20, 'up')
    """
    if history.pins.is_empty():
        return with_account(history.social_network_id, None, NEW_PINS)
    reached, last_seen = counters_at_age(history, age, metrics), history.pins["snapshot_date"].max()
    if not isinstance(last_seen, date):
        return with_account(history.social_network_id, None, NEW_PINS)
    rows = [
        {"metric": metric, "days": days, "age": age}
        | _new_pins_of(reached.filter(pl.col("metric") == metric), metric, days, age, last_seen)
        for metric in metrics
    ]
    return with_account(history.social_network_id, with_holm_verdicts(rows, NEW_PINS), NEW_PINS)


def _new_pins_of(mine: pl.DataFrame, metric: str, days: int, age: int, last_seen: date) -> dict[str, Any]:
    """Return the row of `new_pins_change` for one metric, from its rows of `counters_at_age`."""
    if mine.is_empty():
        return {"reason": f"no pin has been seen at age {age} with a lifetime counter of {metric}"}
    end = last_seen - timedelta(days=age)
    now_start, start = end - timedelta(days=days - 1), end - timedelta(days=2 * days - 1)
    pins = (
        mine.with_columns(born=pl.col("published").cast(pl.Date))
        .filter(pl.col("born").is_between(start, end))
        .with_columns(
            is_now=pl.col("born") >= now_start,
            day=pl.col("born").dt.epoch("d"),
        )
        .sort("published", "id")
    )
    before, now = (pins.filter(pl.col("is_now") == is_now)["value"] for is_now in (False, True))
    row: dict[str, Any] = {
        "before_start": start,
        "before_end": now_start - timedelta(days=1),
        "now_start": now_start,
        "now_end": end,
        "before": before.mean(),
        "now": now.mean(),
        "pins": pins.height,
        "pins_before": len(before),
        "pins_now": len(now),
        "median_before": before.median(),
        "median_now": now.median(),
        "publication_days": pins["born"].n_unique(),
    }
    if min(len(before), len(now)) < MIN_NEW_PINS:
        why = (
            f"{MIN_NEW_PINS} pins a period, seen at age {age}, are needed; there are {len(now)} of the last {days} "
            f"days and {len(before)} of the {days} before"
        )
        return row | {"reason": why}
    if not before.sum() and not now.sum():
        return row | {"reason": f"no pin of either period had any {metric} at age {age}"}
    contrast = change_of_typical(*(pins[name].to_numpy() for name in ("value", "is_now", "day")))
    if contrast is None:
        return row | {"reason": f"in each period, all pins had the same number of {metric} at age {age}"}
    if contrast.estimate is None:
        return row | {"reason": f"too few pins had any {metric} at age {age}"}
    change, low, high = percent_of(np.array(contrast[:3])).tolist()
    found = row | {"change": change, "change_low": low, "change_high": high, "p": contrast.p_value}
    if contrast.low is None or contrast.high is None:
        return found
    from scipy.special import ndtri

    return found | power_columns(contrast.estimate, (contrast.high - contrast.low) / (2 * float(ndtri(0.975))), days)
