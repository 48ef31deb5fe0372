"""Say how many pins, and how many days of publishing, an account still needs until a difference would be found."""

import math
from datetime import date, datetime, timedelta

import numpy as np
import polars as pl

from oneup_pinterest.history.first_week import AGE
from oneup_pinterest.history.loaded_history import LoadedHistory
from oneup_pinterest.methods.power import SOUGHT, pins_until_found

RECENT_DAYS = 28  # whole weeks of publishing, from which the rate is taken


def with_pins_needed(
    table: pl.DataFrame, effect: pl.Expr, history: LoadedHistory, outcomes: pl.DataFrame, sought: float = SOUGHT
) -> pl.DataFrame:
    """Add to the comparisons of a `table` how many pins and days they still need. `outcomes` is what was compared.

    `effect` is the best guess, the logarithm of a ratio; `sought` a given rise in percent. Needs the column
    `detectable` (percent). Further columns, null where it is null:

    - pins_needed, pins_sought: number of pins with an outcome that the account needs in all until a difference as large
      as the best guess, and one of `sought`, would be found in 80% of cases, if more come in the same mix and batches
    - pins_per_week: number of such pins published per week, in the last 28 days that can be known (fewer if the history
      is younger)
    - days_needed, days_sought: days until these pins are there, at that rate; 0 where they are there already
    - days_reason: why the days are null

    Raises:
        ValueError: `sought` is not above 0.

    >>> pins = pl.DataFrame({"snapshot_date": [date(2026, 3, 8)]})
    >>> outcomes = pl.DataFrame({"value": 1.0, "moment": [datetime(2026, 2, day) for day in range(1, 29)]})
    >>> table = pl.DataFrame({"ratio": [1.2], "detectable": [80.0]})
    >>> with_pins_needed(table, pl.col("ratio").log(), LoadedHistory(pins), outcomes).rows()
    [(1.2, 80.0, 292.0, 59.0, 7.0, 264.0, 31.0, None)]
    """
    if sought <= 0:
        raise ValueError(f"the change that is sought must be above 0%, not {sought}")
    known = outcomes.filter(pl.col("value").is_not_null() & pl.col("moment").is_not_null())
    last_seen = history.pins["snapshot_date"].max() if history.pins.height else None
    per_week = _per_week(known, last_seen if isinstance(last_seen, date) else None)
    effects, detectables = table.select(effect.alias("effect"), reach=(pl.col("detectable") / 100).log1p())
    needed = [_pins(size, reach, known.height) for size, reach in zip(effects, detectables, strict=True)]
    given = [_pins(math.log1p(sought / 100), reach, known.height) for reach in detectables]
    is_open = pl.Series([reach is not None for reach in detectables], dtype=pl.Boolean)
    why = None if per_week else f"no such pin was published in the last {RECENT_DAYS} days that can be known"
    return table.with_columns(
        pl.Series("pins_needed", needed, pl.Float64),
        pl.Series("pins_sought", given, pl.Float64),
        pins_per_week=pl.when(is_open).then(pl.lit(per_week, pl.Float64)),
        days_needed=pl.Series([_days(pins, known.height, per_week) for pins in needed], dtype=pl.Float64),
        days_sought=pl.Series([_days(pins, known.height, per_week) for pins in given], dtype=pl.Float64),
        days_reason=pl.when(is_open).then(pl.lit(why, pl.String)),
    )


def _per_week(known: pl.DataFrame, last_seen: date | None) -> float:
    """Return the number of pins per week in the last days whose pins can have an outcome."""
    first, last = known["moment"].min(), known["moment"].max()
    if not isinstance(first, datetime) or not isinstance(last, datetime):
        return 0.0
    end = last.date() if last_seen is None else last_seen - timedelta(days=AGE + 1)
    days = min(RECENT_DAYS, max((end - first.date()).days + 1, 7))
    recent = known["moment"].dt.date().is_between(end - timedelta(days=days - 1), end)
    return float(recent.sum()) * 7 / days


def _pins(size: float | None, reach: float | None, pins: int) -> float | None:
    if size is None or reach is None:
        return None
    return float(np.ceil(pins_until_found(size, reach, pins)))


def _days(needed: float | None, pins: int, per_week: float) -> float | None:
    if needed is None or not per_week:
        return None
    return float(np.ceil(max(needed - pins, 0) / per_week * 7))
