"""Find when pins were published, and which of them were published together."""

from datetime import date, timedelta

import numpy as np
import polars as pl

from oneup_pinterest.history.loaded_history import LoadedHistory, computed_once
from oneup_pinterest.methods.types import Floats

_PUBLISHING_DAYS = 90  # before the first compared day, to measure how pins are batched


@computed_once
def publication_times(history: LoadedHistory) -> pl.DataFrame:
    """Return when each pin of one account was published: id, published (datetime as sent by the API), sorted by id.

    >>> from datetime import date
    >>> pins = pl.DataFrame({"id": ["1"], "timestamp": [date(2026, 3, 1)]})
    >>> publication_times(LoadedHistory(pins)).columns
    ['id', 'published']
    """
    published = pl.col("timestamp").cast(pl.Datetime("us")).max()
    return history.pins.lazy().group_by("id").agg(published=published).sort("id").collect()


def batch_sums(sums: pl.DataFrame, columns: list[str], published: pl.Series, start: date, last: date) -> Floats:
    """Return the columns of `sums` (sorted by publication), added up over batches of pins published together.

    One row per batch. The last column is the day of publication, counted from `start` (negative before it, NaN where
    unknown). The size of a batch comes from the days of `published` up to `last`, and from the 90 days before `start`.
    """
    size = _pins_per_batch(published.cast(pl.Date), start - timedelta(days=_PUBLISHING_DAYS), last)
    day = (pl.col("published").cast(pl.Date) - start).dt.total_days()
    groups = (pl.len().over(day) / size).round().clip(lower_bound=1)
    batch = (pl.int_range(pl.len()).over(day) * groups / pl.len().over(day)).floor()
    # a pin without a publication time is a batch by itself
    alone = pl.when(day.is_null()).then(pl.int_range(pl.len())).otherwise(-1)
    clusters = sums.group_by(day.alias("on"), batch.alias("batch"), alone.alias("alone"), maintain_order=True).agg(
        pl.col(columns).sum()
    )
    values: Floats = clusters.select(*columns, pl.col("on").cast(pl.Float64).fill_null(np.nan)).to_numpy()
    return values


def _pins_per_batch(published: pl.Series, start: date, last: date) -> float:
    """Return how many pins of one day stay together in the resampling.

    It is the index of dispersion (variance over mean) of the pins published per day: 1 where pins come one by one at
    random, 10 where they come in batches of 10.
    """
    days = published.drop_nulls()
    days = days.filter(days.is_between(start, last))
    first = days.min()
    if not isinstance(first, date):
        return 1.0
    counts = np.bincount((days - first).dt.total_days().to_numpy(), minlength=(last - first).days + 1)
    mean = counts.mean()
    return max(1.0, float(counts.var() / mean))
