"""Return OneUp's own lists of best and worst pins, as it sent them for the newest period."""

from datetime import date
from typing import NamedTuple

import polars as pl

from oneup_pinterest.history.account_history import AccountHistory
from oneup_pinterest.history.latest import with_pin_texts
from oneup_pinterest.history.loaded_history import computed_once
from oneup_pinterest.history.totals import of_last_preset
from oneup_pinterest.methods.frames import with_account
from oneup_pinterest.methods.types import Columns

RANKINGS = ("most_engaging", "most_views", "most_repinned", "least_engaging", "least_views", "least_repinned")
ENTRIES: Columns = {
    "ranking": pl.String,
    "position": pl.Int64,
    "id": pl.String,
    "text": pl.String,
    "permalink": pl.String,
    "engagement_rate": pl.Float64,
}


class OneUpLists(NamedTuple):
    """OneUp's lists of pins of one account.

    - start, end: the first and last day of the period that OneUp was asked for; None where unknown or without lists
    - entries: social_network_id, ranking (name of the list), position (from 1), id, text, permalink, engagement_rate
      (percent, as OneUp sends it); the lists of most first, each by position
    """

    start: date | None
    end: date | None
    entries: pl.DataFrame


@computed_once
def oneup_lists(history: AccountHistory) -> OneUpLists:
    """Return the lists of the newest period that has any, of the preset that was synced last.

    Text and link of a pin that `pins` does not know, or has none of, are those of the list.

    >>> lists = pl.DataFrame({"social_network_id": "pin_a", "preset": "last_7_days", "period_start": date(2026, 3, 1),
    ...     "period_end": date(2026, 3, 7), "ranking": ["most_views", "most_engaging"], "position": 1, "id": ["1", "2"],
    ...     "text": ["Soup", "Pie"], "permalink": None, "engagement_rate": 5.2, "_airbyte_extracted_at": None})
    >>> from oneup_pinterest.database.schema import TABLES
    >>> no_pins = pl.DataFrame(schema=TABLES["pins"].schema)
    >>> found = oneup_lists(AccountHistory("pin_a", no_pins, post_performance=lists))
    >>> found.end, found.entries.select("ranking", "text").rows()
    (datetime.date(2026, 3, 7), [('most_engaging', 'Pie'), ('most_views', 'Soup')])
    """
    lists = of_last_preset(history.post_performance.filter(pl.col("ranking").is_not_null()))
    newest = lists.filter(pl.col("period_end") == pl.col("period_end").max())
    if newest.is_empty():
        return OneUpLists(None, None, with_account(history.social_network_id, None, ENTRIES))
    seen = with_pin_texts(history, newest).select(seen_text=_filled("text"), seen_link=_filled("permalink"))
    place = {ranking: number for number, ranking in enumerate(RANKINGS)}
    entries = (
        newest.hstack(seen)
        .with_columns(
            text=pl.coalesce("seen_text", _filled("text")), permalink=pl.coalesce("seen_link", _filled("permalink"))
        )
        .sort(
            pl.col("ranking").replace_strict(place, default=len(place), return_dtype=pl.Int64),
            "ranking",
            "position",
            nulls_last=True,
        )
    )
    start, end = newest.select(first=pl.col("period_start").min(), last=pl.col("period_end").max()).row(0)
    return OneUpLists(start, end, with_account(history.social_network_id, entries, ENTRIES))


def _filled(name: str) -> pl.Expr:
    return pl.when(pl.col(name).cast(pl.String).str.strip_chars() != "").then(pl.col(name).cast(pl.String))
