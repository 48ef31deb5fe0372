"""Read OneUp's own totals of an account: its newest period, of the preset that was synced last."""

import polars as pl

from oneup_pinterest.history.observations import METRICS

TOTALS = ("posts", *METRICS)
SETTLED_AFTER = 3  # days after its end: Pinterest restates the last two days


def account_totals(overview: pl.DataFrame) -> pl.DataFrame:
    """Return the newest period of each account, from `load_overview_metrics`, with the change of its counts.

    One row per account and metric, in OneUp's order. Of several presets only the one that was synced last counts: they
    are never mixed. Columns:

    - social_network_id, preset, period_start, period_end
    - key, name, description: of the metric
    - now, before: counts in this period and in the one before it
    - change: percent of `before`; null where that is 0 or unknown
    - direction: up, down, unchanged, from zero or unknown
    - is_provisional: the period was read less than three days after its end, so Pinterest may still restate its last
      two days

    >>> from datetime import date
    >>> overview = pl.DataFrame({"social_network_id": "pin_a", "preset": "last_7_days", "key": ["saves", "clicks"],
    ...     "name": "", "description": "", "period_start": date(2026, 3, 1), "period_end": date(2026, 3, 7),
    ...     "value_current_period": [450.0, 3.0], "value_last_period": [360.0, 0.0], "_airbyte_extracted_at": None})
    >>> account_totals(overview).select("key", "now", "before", "change", "direction").rows()
    [('saves', 450.0, 360.0, 25.0, 'up'), ('clicks', 3.0, 0.0, None, 'from zero')]
    """
    now, before = pl.col("now"), pl.col("before")
    overview = of_last_preset(overview)
    newest = overview.group_by("social_network_id").agg(pl.col("period_end").max())
    order = pl.col("key").replace_strict(
        list(TOTALS), list(range(len(TOTALS))), default=len(TOTALS), return_dtype=pl.Int64
    )
    return (
        overview.join(newest, on=["social_network_id", "period_end"], how="semi")
        .rename({"value_current_period": "now", "value_last_period": "before"})
        .sort("social_network_id", order, "key")
        .with_columns(change=pl.when(before > 0).then((now - before) / before * 100))
        .with_columns(
            direction=pl.when(now.is_null() | before.is_null())
            .then(pl.lit("unknown"))
            .when(now == before)
            .then(pl.lit("unchanged"))
            .when(before == 0)
            .then(pl.lit("from zero"))
            .when(now > before)
            .then(pl.lit("up"))
            .otherwise(pl.lit("down")),
            is_provisional=is_provisional_period(),
        )
        .select(
            "social_network_id",
            "preset",
            "period_start",
            "period_end",
            "key",
            "name",
            "description",
            "now",
            "before",
            "change",
            "direction",
            "is_provisional",
        )
    )


def of_last_preset(overview: pl.DataFrame) -> pl.DataFrame:
    """Return the rows of each account's preset that was synced last: presets are never mixed in one series.

    >>> from datetime import date
    >>> overview = pl.DataFrame({"social_network_id": "pin_a", "preset": ["last_7_days", "last_30_days"],
    ...     "period_end": [date(2026, 3, 7), date(2026, 3, 8)], "_airbyte_extracted_at": None})
    >>> of_last_preset(overview)["preset"].to_list()
    ['last_30_days']
    """
    if overview["preset"].n_unique() < 2:
        return overview
    chosen = (
        overview.with_columns(synced=pl.col("_airbyte_extracted_at").max().over("social_network_id", "preset"))
        .sort("synced", "period_end", "preset", descending=True, nulls_last=True)
        .unique("social_network_id", keep="first", maintain_order=True)
        .select("social_network_id", "preset")
    )
    return overview.join(
        chosen, on=["social_network_id", "preset"], how="semi", nulls_equal=True, maintain_order="left"
    )


def is_provisional_period() -> pl.Expr:
    """Return whether a stored period was read (UTC) less than three days after its end; False where that is unknown.

    >>> from datetime import date, datetime
    >>> read = [datetime(2026, 3, 9, 23), datetime(2026, 3, 10, 0)]
    >>> periods = pl.DataFrame({"period_end": date(2026, 3, 7), "_airbyte_extracted_at": read})
    >>> periods.select(is_provisional_period()).to_series().to_list()
    [True, False]
    """
    read = pl.col("_airbyte_extracted_at").cast(pl.Datetime("us")).dt.date()
    return (read < pl.col("period_end") + pl.duration(days=SETTLED_AFTER)).fill_null(value=False)
