"""Split the change of an account's gains exactly: what was published, what new pins bring, and what older pins gain."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import polars as pl

from oneup_pinterest.history.account_history import AccountHistory
from oneup_pinterest.history.gains import numbered_gains
from oneup_pinterest.history.loaded_history import computed_once
from oneup_pinterest.history.period_change import DAYS, HEADLINE, PERIODS, Periods, periods_of
from oneup_pinterest.history.publication import publication_times
from oneup_pinterest.methods.frames import with_account
from oneup_pinterest.methods.types import Columns

MIN_WHOLE = 1.0  # count: a share of a smaller difference says nothing

SPLIT: Columns = {
    **PERIODS,
    "before": pl.Float64,
    "now": pl.Float64,
    "difference": pl.Float64,
    "pins_before": pl.Int64,
    "pins_now": pl.Int64,
    "mean_before": pl.Float64,
    "mean_now": pl.Float64,
    "from_number": pl.Float64,
    "from_mean": pl.Float64,
    "from_older": pl.Float64,
    "reason": pl.String,
}
PARTS: Columns = {
    "id": pl.String,
    "text": pl.String,
    "format": pl.String,
    "published": pl.Datetime("us"),
    "before": pl.Float64,
    "now": pl.Float64,
    "difference": pl.Float64,
    "share": pl.Float64,
}


@computed_once
def gain_split(history: AccountHistory, days: int = DAYS, metrics: Sequence[str] = HEADLINE) -> pl.DataFrame:
    """Split the difference between the gains of two periods into three parts that add up to it.

    A pin is new in the period in which it was published, and older in every later one. One row per metric, in the
    order of `metrics`; no rows for an account without pins. Columns:

    - social_network_id, metric, days, before_start, before_end, now_start, now_end, before, now, reason: as in
      `account_change`; difference: now less before, a count
    - pins_before, pins_now: pins published in each period; mean_before, mean_now: what each gained in it, on average
    - from_number: counts that come from how many pins were published, (pins_now - pins_before) x the average of both
      means
    - from_mean: counts that come from what a new pin gains, (mean_now - mean_before) x the average of both numbers
    - from_older: what older pins gained more or less than older pins before

    The parts are facts and need no test (Kitagawa, JASA 50, 1955). A period without new pins has the mean 0, so all
    that the other one's new pins gained is split evenly between number and mean.

    >>> from datetime import date, datetime
    >>> seen = [date(2026, 3, 1) + timedelta(days=n) for n in range(17)]
    >>> pins = pl.concat([pl.DataFrame({
    ...     "social_network_id": "pin_a", "id": str(pin), "timestamp": datetime(2026, 2, 23) + timedelta(days=pin),
    ...     "snapshot_date": seen, "saves": [5 * n for n in range(17)]}).filter(
    ...         pl.col("snapshot_date") > pl.col("timestamp").dt.date()) for pin in range(20)])
    >>> split = gain_split(AccountHistory.from_pins(pins), 7, ["saves"]).row(0, named=True)
    >>> split["difference"] == split["from_number"] + split["from_mean"] + split["from_older"]
    True
    """
    rows = []
    for metric in metrics:
        found = _gains_per_pin(history, metric, days)
        rows.append({"metric": metric, "days": days} | (found if isinstance(found, dict) else _split(*found)))
    if history.pins.is_empty():
        return with_account(history.social_network_id, None, SPLIT)
    table = pl.DataFrame([dict.fromkeys(SPLIT) | row for row in rows], schema=SPLIT)
    return with_account(history.social_network_id, table, SPLIT)


@computed_once
def largest_parts(history: AccountHistory, metric: str = "saves", days: int = DAYS) -> pl.DataFrame:
    """Return what each pin contributed to the difference between the gains of two periods, the largest part first.

    Columns: social_network_id, id, text, format, published (as the API has it); before, now (counts gained in each
    period), difference (now less before), share (of the whole difference, in percent; null where that is less than one
    count). No rows
    where the periods cannot be compared (see `gain_split`).

    >>> from oneup_pinterest.database.schema import TABLES
    >>> largest_parts(AccountHistory("pin_a", pl.DataFrame(schema=TABLES["pins"].schema))).height
    0
    """
    found = _gains_per_pin(history, metric, days)
    if isinstance(found, dict):
        return with_account(history.social_network_id, None, PARTS)
    gains, _ = found
    whole = float(gains["now"].sum()) - float(gains["before"].sum())
    known = history.latest_pins.select(pl.col("id"), pl.col("^(text|format)$"))
    parts = (
        gains.filter((pl.col("before") > 0) | (pl.col("now") > 0))
        .join(known, on="id", how="left")
        .with_columns(difference=pl.col("now") - pl.col("before"))
        .with_columns(share=pl.col("difference") / whole * 100 if abs(whole) >= MIN_WHOLE else pl.lit(None, pl.Float64))
        .sort(pl.col("difference").abs(), "id", descending=[True, False])
    )
    missing = [pl.lit(None, dtype).alias(name) for name, dtype in PARTS.items() if name not in parts.columns]
    return with_account(history.social_network_id, parts.with_columns(missing).select(*PARTS), PARTS)


def parts_by(parts: pl.DataFrame, by: str) -> pl.DataFrame:
    """Add up the rows of `largest_parts` per `format`, or per `month` of publication, the largest part first.

    Columns: the group (`by`), pins, before, now, difference (counts), share (percent of the whole difference).

    >>> parts = pl.DataFrame({"format": ["pin", "pin", "video"], "before": [1.0, 2, 3], "now": [2.0, 2, 9],
    ...     "difference": [1.0, 0, 6], "share": [14.3, 0.0, 85.7]})
    >>> parts_by(parts, "format").select("format", "difference").rows()
    [('video', 6.0), ('pin', 1.0)]
    """
    group = pl.col("published").dt.strftime("%Y-%m") if by == "month" else pl.col(by)
    sums = (pl.col(name).sum() for name in ("before", "now", "difference", "share"))
    grouped = parts.group_by(group.alias(by)).agg(pl.len().cast(pl.Int64).alias("pins"), *sums)
    return grouped.sort(pl.col("difference").abs(), by, descending=[True, False])


@computed_once
def _gains_per_pin(history: AccountHistory, metric: str, days: int) -> tuple[pl.DataFrame, Periods] | dict[str, Any]:
    """Return what each pin gained in both periods (id, published, before, now), or the columns that say why not."""
    if history.pins.is_empty() or metric not in history.metrics:
        return {"reason": f"no {metric} of a pin are known"}
    periods = periods_of(history, metric, days)
    if not isinstance(periods, Periods):
        return periods
    gained, is_now = periods.compared(numbered_gains(history, metric, periods.start)), pl.col("is_now")
    sums = gained.group_by("pin").agg(
        before=pl.col("gain").filter(~is_now).sum(), now=pl.col("gain").filter(is_now).sum()
    )
    published = publication_times(history).with_row_index("pin").with_columns(pl.col("pin").cast(gained["pin"].dtype))
    return published.join(sums, on="pin", how="left").fill_null(0.0).drop("pin"), periods


def _split(gains: pl.DataFrame, periods: Periods) -> dict[str, Any]:
    born = pl.col("published").cast(pl.Date)
    was_new = gains.filter(born.is_between(periods.start, periods.now_start - timedelta(days=1)))
    is_new = gains.filter(born.is_between(periods.now_start, periods.last))
    before, now = float(gains["before"].sum()), float(gains["now"].sum())
    new_before, new_now = float(was_new["before"].sum()), float(is_new["now"].sum())
    mean_before = new_before / was_new.height if was_new.height else 0.0
    mean_now = new_now / is_new.height if is_new.height else 0.0
    columns = {name: value for name, value in periods.columns.items() if name in SPLIT}
    return columns | {
        "before": before,
        "now": now,
        "difference": now - before,
        "pins_before": was_new.height,
        "pins_now": is_new.height,
        "mean_before": mean_before,
        "mean_now": mean_now,
        "from_number": (is_new.height - was_new.height) * (mean_now + mean_before) / 2,
        "from_mean": (mean_now - mean_before) * (is_new.height + was_new.height) / 2,
        "from_older": (now - new_now) - (before - new_before),
    }
