"""When pins were published, and which of them were published together."""

from datetime import date, timedelta

import numpy as np
import polars as pl

from oneup_pinterest.history.loaded_history import LoadedHistory, computed_once
from oneup_pinterest.methods.types import Floats

_PUBLISHING_DAYS = 90  # before the first day compared: how far back the rhythm of publishing is looked at


@computed_once
def publication_times(history: LoadedHistory) -> pl.DataFrame:
    """Return when each pin of one account was published: id, published (datetime as the API has it), sorted by id."""
    published = pl.col("timestamp").cast(pl.Datetime("us")).max()
    return history.pins.lazy().group_by("id").agg(published=published).sort("id").collect()


def batch_sums(sums: pl.DataFrame, columns: list[str], published: pl.Series, start: date, last: date) -> Floats:
    """Return the columns of `sums` (sorted by publication), added up over the batches of pins that stay together; and
    one more column, the day on which the batch was published, counted from `start` (before it: negative or NaN)."""
    size = _pins_per_batch(published.cast(pl.Date), start - timedelta(days=_PUBLISHING_DAYS), last)
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


def _pins_per_batch(published: pl.Series, start: date, last: date) -> float:
    """Return how many pins of one day of publication stay together in the resampling.

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
