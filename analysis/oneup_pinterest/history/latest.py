"""Select the newest row of each pin, and its newest credible counters."""

from collections.abc import Sequence

import polars as pl

from oneup_pinterest.history.loaded_history import LoadedHistory, computed_once
from oneup_pinterest.history.observations import confirmed, consecutive_observations, rows_in_order


@computed_once
def latest_pins(history: LoadedHistory) -> pl.DataFrame:
    """Return the newest row of each pin, sorted by account and id: pin n of `consecutive_observations` is row n.

    Columns: those of `history.pins_latest` where that was loaded, else those of `history.pins`.

    >>> from datetime import date
    >>> pins = pl.DataFrame({"social_network_id": "pin_a", "id": ["1", "2", "1"], "timestamp": date(2026, 3, 1),
    ...     "snapshot_date": [date(2026, 3, 9), date(2026, 3, 8), date(2026, 3, 8)], "saves": [3, 2, 1]})
    >>> latest_pins(LoadedHistory(pins))["saves"].to_list()
    [3, 2]
    """
    pins, rows = history.pins, rows_in_order(history)
    if history.pins_latest is not None:
        named = rows.pins.join(
            history.pins_latest, on=rows.pins.columns, how="left", maintain_order="left", nulls_equal=True
        )
        return named.select(history.pins_latest.columns)
    is_last = rows.places.select((pl.col("pin") != pl.col("pin").shift(-1)).fill_null(value=True)).to_series()
    return pins.filter(is_last) if rows.order is None else pins[rows.order.filter(is_last)]


@computed_once
def latest_counters(history: LoadedHistory, metrics: Sequence[str]) -> pl.DataFrame:
    """Return `latest_pins` with the newest counters that are neither a glitch, nor missing, nor unconfirmed.

    Where the newest row of a pin has a glitch or an unconfirmed rise in one of `metrics`, all of them come from the
    last snapshot without one, because the counters of one moment belong together. Two columns are added:

    - is_earlier: the counters come from an earlier snapshot
    - is_unconfirmed: there is no such snapshot, and the newest counters may still be taken back

    >>> from datetime import date
    >>> pins = pl.DataFrame({"social_network_id": "pin_a", "id": "1", "timestamp": date(2025, 3, 1),
    ...     "snapshot_date": [date(2026, 3, 7), date(2026, 3, 8), date(2026, 3, 9)], "saves": [1, 2, -5]})
    >>> latest_counters(LoadedHistory(pins), ("saves",)).select("saves", "is_earlier").rows()
    [(2, True)]
    """
    observations, latest = consecutive_observations(history, metrics), latest_pins(history)
    is_last = (pl.col("pin") != pl.col("pin").shift(-1)).fill_null(value=True)
    newest = rows_in_order(history).places.filter(is_last).select("pin", "row")
    credible = [confirmed(steps) for steps in observations.steps.values()]
    is_fine = [newest["row"].is_in(steps.filter(is_last)["row"].implode()) for steps in credible]
    doubtful = newest.filter(~pl.all_horizontal(is_fine))["pin"].implode()
    rows = pl.concat([steps.filter(pl.col("pin").is_in(doubtful)).select("pin", "row") for steps in credible])
    earlier = (
        rows.group_by("pin", "row", maintain_order=True)
        .len()
        .filter(pl.col("len") == len(metrics))
        .group_by("pin", maintain_order=True)
        .agg(pl.col("row").last())
    )
    counters = history.pins[earlier["row"]].select(pl.col(metrics).cast(pl.Int64).name.prefix("earlier_"))
    rising = [steps.filter("is_unconfirmed")["pin"] for steps in observations.steps.values()]
    is_earlier = pl.col("earlier").is_not_null()
    return (
        latest.with_columns(pin=newest["pin"])
        .join(earlier.select("pin", *counters, earlier="row"), on="pin", how="left", maintain_order="left")
        .with_columns(pl.when(is_earlier).then(f"earlier_{name}").otherwise(name).alias(name) for name in metrics)
        .with_columns(
            is_earlier=is_earlier, is_unconfirmed=~is_earlier & pl.col("pin").is_in(pl.concat(rising).implode())
        )
        .drop("pin", "earlier", *counters.columns)
    )


def with_pin_texts(history: LoadedHistory, pins: pl.DataFrame) -> pl.DataFrame:
    """Return rows that have an `id` with the text and permalink of each pin as last seen; null where unknown.

    >>> from datetime import date
    >>> pins = pl.DataFrame({"social_network_id": "pin_a", "id": ["1"], "text": "Soup", "timestamp": date(2026, 3, 1),
    ...     "snapshot_date": date(2026, 3, 9)})
    >>> with_pin_texts(LoadedHistory(pins), pl.DataFrame({"id": ["2", "1"]})).rows()
    [('2', None, None), ('1', 'Soup', None)]
    """
    known = latest_pins(history)
    missing = [pl.lit(None, pl.String).alias(name) for name in ("text", "permalink") if name not in known.columns]
    texts = known.with_columns(missing).select("id", "text", "permalink")
    return pins.drop("text", "permalink", strict=False).join(texts, on="id", how="left", maintain_order="left")
