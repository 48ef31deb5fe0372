"""Sums over the pins of a response against the totals that came with them, for the checks and the assumptions."""

import polars as pl

from oneup_pinterest.database.schema import TABLES
from oneup_pinterest.history.loaded_history import LoadedHistory, computed_once
from oneup_pinterest.history.observations import METRICS, consecutive_observations, is_in_order
from oneup_pinterest.history.totals import of_last_preset
from oneup_pinterest.quality.checks.context import AGREEMENT_TOLERANCE, KEPT_DAYS, MIN_IMPRESSIONS

SUSPECT_COUNTS = (50, 100)  # the page size of `posts` is not documented; a cap would be such a number
WINDOW = ["social_network_id", "period_start", "period_end"]


@computed_once
def sums_per_response(history: LoadedHistory) -> pl.DataFrame:
    """Return the sums over the pins of each response.

    Columns, one row per window and day: social_network_id, period_start, period_end, snapshot_date; pins (how many
    the response had); and the sum of each counter, which is null where a pin's counter is unknown or a glitch
    (`history.glitches`). Duplicate rows count once.
    """
    pins = history.pins
    metrics = [metric for metric in METRICS if metric in pins.columns]
    key = list(TABLES["pins"].key)
    once = pins if is_in_order(pins.select(key)) else pins.unique(key, keep="last", maintain_order=True)
    sums = [pl.when(pl.col(metric).is_not_null().all()).then(pl.col(metric).sum()).alias(metric) for metric in metrics]
    responses = (
        once.lazy().group_by(*WINDOW, "snapshot_date").agg(pl.len().cast(pl.Int64).alias("pins"), *sums).collect()
    )
    observations = consecutive_observations(history, metrics)
    for metric, left_out in observations.left_out.items():
        if left_out.is_empty():
            continue
        days = left_out.select("account", "snapshot_date").unique().join(observations.accounts, on="account")
        glitched = days.select("social_network_id", "snapshot_date", is_glitched=pl.lit(value=True))
        responses = (
            responses.join(glitched, on=["social_network_id", "snapshot_date"], how="left")
            .with_columns(pl.when(pl.col("is_glitched").is_null()).then(metric).alias(metric))
            .drop("is_glitched")
        )
    return responses


def pins_against_totals(history: LoadedHistory) -> pl.DataFrame:
    """Return the totals that the API sends with the pins of a window, next to the sums over these pins.

    Columns, one row per window and key for which both are known, sorted by the first four: social_network_id,
    period_start, period_end, key (a counter, or `posts`); total; pins_sum (counters added up, or pins counted);
    pins (how many).

    >>> from datetime import date
    >>> window = {"social_network_id": "pin_a", "period_start": date(2026, 3, 1), "period_end": date(2026, 3, 7)}
    >>> pins = pl.DataFrame({**window, "snapshot_date": date(2026, 3, 8), "id": ["1", "2"], "saves": [3, 4],
    ...     "timestamp": date(2026, 3, 2)})
    >>> totals = pl.DataFrame({**window, "key": ["posts", "saves"], "value_current_period": [2.0, 9.0]})
    >>> pins_against_totals(LoadedHistory(pins, pin_totals=totals)).select("key", "total", "pins_sum").rows()
    [('posts', 2.0, 2.0), ('saves', 9.0, 7.0)]
    """
    metrics = [metric for metric in METRICS if metric in history.pins.columns]
    newest = pl.col("snapshot_date") == pl.col("snapshot_date").max().over(WINDOW)  # a window may be requested again
    sums = (
        sums_per_response(history)
        .filter(newest)
        .with_columns(pl.col("pins").cast(pl.Float64).alias("posts"), pl.col(metrics).cast(pl.Float64))
        .unpivot(["posts", *metrics], index=[*WINDOW, "pins"], variable_name="key", value_name="pins_sum")
        .drop_nulls("pins_sum")
    )
    return (
        history.pin_totals.select(*WINDOW, "key", total=pl.col("value_current_period").cast(pl.Float64))
        .drop_nulls()
        .join(sums, on=[*WINDOW, "key"])
        .select(*WINDOW, "key", "total", "pins_sum", "pins")
        .sort(*WINDOW, "key")
    )


def agreement_of_impressions(history: LoadedHistory) -> pl.DataFrame:
    """Return whether the impressions of the pins add up to the total of their response.

    Columns, one row per response: total, pins_sum, agrees. Only accounts that have pins older than the window count,
    and only responses with enough impressions.
    """
    published = pl.col("timestamp").cast(pl.Datetime("us")).dt.date()
    oldest = history.pins.group_by("social_network_id").agg(oldest=published.min())
    larger = pl.max_horizontal("total", "pins_sum")
    return (
        pins_against_totals(history)
        .join(oldest, on="social_network_id")
        .filter(pl.col("oldest") < pl.col("period_start") - pl.duration(days=1))
        .filter((pl.col("key") == "impressions") & (larger >= MIN_IMPRESSIONS))
        .select(
            "total",
            "pins_sum",
            agrees=(pl.col("total") - pl.col("pins_sum")).abs() <= (AGREEMENT_TOLERANCE * larger).clip(1),
        )
    )


def figures_of_old_periods(overview: pl.DataFrame) -> pl.DataFrame:
    """Return the figures of periods that ended before Pinterest's 90 days, for accounts that have figures since then.

    Columns: social_network_id, preset, period_end, figures (the sum of all totals but posts).
    """
    is_old = pl.col("period_end") < pl.col("_airbyte_extracted_at").dt.date() - pl.duration(days=KEPT_DAYS)
    figures = of_last_preset(overview).filter(pl.col("key") != "posts").with_columns(is_old=is_old)
    lively = figures.filter(~pl.col("is_old") & (pl.col("value_current_period") > 0))
    return (
        figures.filter("is_old")
        .join(lively, on="social_network_id", how="semi")
        .group_by("social_network_id", "preset", "period_end")
        .agg(figures=pl.col("value_current_period").sum())
    )
