"""Find when pins were published, and which of them were published together."""

import polars as pl

from oneup_pinterest.history.loaded_history import LoadedHistory, computed_once


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
