"""Checks of how counters move."""

from collections.abc import Iterator

import polars as pl

from analysis.checks.facts import Facts, Finding, counted, finding_of, listed
from analysis.kinds import kinds_of
from analysis.readings import METRICS, Readings, counter_readings


def counters_that_fall(facts: Facts) -> Iterator[Finding]:
    """Counters of a window, and snapshots or pins at which counters began anew or were restated."""
    readings = counter_readings(facts.pins, METRICS)
    kinds = kinds_of(readings)
    is_rolling = pl.col("kind") == "rolling"
    is_event = ~is_rolling & (pl.sum_horizontal("resets", "restatements", "pins_reset") > 0)
    falls_of_all = _falls(readings)
    for (account,), group in kinds.filter(is_rolling | is_event).group_by("social_network_id", maintain_order=True):
        rolling = group.filter(is_rolling)["metric"].to_list()
        events = group.filter(~is_rolling)
        if rolling:
            fell, rose = group.filter(is_rolling).select(pl.col("falls", "rises").sum()).row(0)
            yield finding_of(
                "rolling_counters", "warning", account, None,
                f"The counters of {listed(rolling)} are rolling: {fell:,} of {fell + rose:,} times that they moved, "
                "they fell, so they count a window of days that moves on, not a pin's whole life.",
                "Do not read their differences as gains; the report leaves them out.",
            )  # fmt: skip
        if events.is_empty():
            continue
        falls = falls_of_all.filter(pl.col("social_network_id") == account)
        reset = events.filter(pl.col("resets") > 0)["metric"].to_list()
        if reset:
            yield finding_of(
                "counters_reset", "warning", account,
                falls.filter(pl.col("metric").is_in(reset) & (pl.col("resets") > 0))["snapshot_date"].min(),
                f"The counters of {listed(reset)} of most pins fell at one sync to a part of what they were: a reset.",
                "The gain of that day is unknown; it is left out, not guessed. What came after counts anew.",
            )  # fmt: skip
        restated = events.filter(pl.col("restatements") > 0)
        if restated.height:
            days = falls.filter(pl.col("metric").is_in(restated["metric"].implode()) & pl.col("is_many"))
            is_most = (restated["kind"] == "restated").any()
            count = days["snapshot_date"].n_unique()
            yield finding_of(
                "counters_restated", "warning" if is_most else "info", account, days["snapshot_date"].min(),
                f"The counters of {listed(restated['metric'].to_list())} of {'most' if is_most else 'many'} pins fell "
                f"at {'one sync' if count == 1 else f'{count} syncs'}, but not to near 0: they were restated.",
                "Nothing to do: no gain is booked for such a pin until its counter is above what it had been."
                + (" Growth curves leave these metrics out." if is_most else ""),
            )  # fmt: skip
        alone = events.filter(pl.col("pins_reset") > 0)
        if most := max(alone["pins_reset"].to_list(), default=0):
            yield finding_of(
                "pins_reset", "info", account,
                falls.filter(pl.col("metric").is_in(alone["metric"].implode()) & (pl.col("resets") > 0))
                ["snapshot_date"].min(),
                f"Counters of {counted(most, 'pin')} began anew.",
                "The gains of those days are unknown and left out; growth curves end there.",
            )  # fmt: skip


def _falls(readings: Readings) -> pl.DataFrame:
    """social_network_id, metric, snapshot_date, resets (counters that began anew), is_many (three or more fell, and
    10%), of snapshots at which there was either."""
    falls = pl.col("fall").is_not_null().sum()
    events = [
        steps.lazy()
        .group_by("account", "snapshot_date")
        .agg(
            resets=(pl.col("fall") == "reset").sum(),
            is_many=(falls >= 3) & (falls >= 0.1 * (pl.col("before") > 0).sum()),
        )
        .filter((pl.col("resets") > 0) | pl.col("is_many"))
        .with_columns(metric=pl.lit(metric))
        .collect()
        for metric, steps in readings.steps.items()
    ]
    return pl.concat(events).join(readings.accounts, on="account")
