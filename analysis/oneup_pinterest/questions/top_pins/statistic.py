"""List the pins that brought most of a metric in the newest period."""

from datetime import date
from typing import NamedTuple

import polars as pl

from oneup_pinterest.history.account_history import AccountHistory
from oneup_pinterest.history.counter_types import USABLE
from oneup_pinterest.history.gains import numbered_gains
from oneup_pinterest.history.latest import latest_counters
from oneup_pinterest.history.loaded_history import computed_once
from oneup_pinterest.history.publication import publication_times
from oneup_pinterest.methods.frames import with_account
from oneup_pinterest.methods.types import Columns
from oneup_pinterest.questions.summary.statistic import comparison_days
from oneup_pinterest.questions.why.statistic import gain_split, largest_parts

PERIOD, KNOWN, SO_FAR = "period", "known days", "so far"

TOP_PINS: Columns = {"id": pl.String, "value": pl.Float64, "share": pl.Float64}


class TopPins(NamedTuple):
    """The pins of an account by what they brought.

    - basis: `period` (gains of the period of `comparison_days`), `known days` (gains of all settled days so far) or
      `so far` (counters as last seen, where no gain is known yet)
    - start, end: the days of the gains; None for `so far`
    - pins: social_network_id, id, value (count), share (percent of the account's sum); the largest value first
    """

    basis: str
    start: date | None
    end: date | None
    pins: pl.DataFrame


@computed_once
def top_pins(history: AccountHistory, metric: str = "saves") -> TopPins:
    """Return all pins that brought any of a metric in the newest period, the most first.

    >>> pins = pl.DataFrame({"social_network_id": "pin_a", "id": ["1", "2"], "timestamp": date(2026, 3, 1),
    ...     "snapshot_date": date(2026, 3, 9), "saves": [30, 90]})
    >>> found = top_pins(AccountHistory.from_pins(pins))
    >>> found.basis, found.pins.select("id", "value", "share").row(0)
    ('so far', ('2', 90.0, 75.0))
    """
    if history.pins.is_empty() or metric not in history.metrics:
        return TopPins(SO_FAR, None, None, with_account(history.social_network_id, None, TOP_PINS))
    days = comparison_days(history)
    split = gain_split(history, days, [metric]) if days else pl.DataFrame()
    if split.height and split["reason"].item() is None:
        gained = largest_parts(history, metric, days or 0).select("id", value="now")
        return TopPins(PERIOD, split["now_start"].item(), split["now_end"].item(), _ranked(history, gained))
    if history.counter_type(metric) in USABLE:
        every = numbered_gains(history, metric).filter(~pl.col("is_provisional") & pl.col("gain").is_not_null())
        if every.height:
            numbers = publication_times(history).select("id").with_row_index("pin")
            sums = every.group_by(pl.col("pin").cast(numbers["pin"].dtype)).agg(value=pl.col("gain").sum())
            start, end = every.select(first=pl.col("day").min(), last=pl.col("day").max()).row(0)
            return TopPins(KNOWN, start, end, _ranked(history, numbers.join(sums, on="pin").select("id", "value")))
    counters = latest_counters(history, [metric]).filter(~pl.col("is_unconfirmed"))
    return TopPins(
        SO_FAR, None, None, _ranked(history, counters.select("id", pl.col(metric).cast(pl.Float64).alias("value")))
    )


def _ranked(history: AccountHistory, pins: pl.DataFrame) -> pl.DataFrame:
    ranked = pins.filter(pl.col("value") > 0).with_columns(share=pl.col("value") / pl.col("value").sum() * 100)
    return with_account(history.social_network_id, ranked.sort("value", "id", descending=[True, False]), TOP_PINS)
