"""Checks of how counters move."""

from collections.abc import Iterator

import polars as pl

from oneup_pinterest.formatting import format_day
from oneup_pinterest.history.counter_types import counter_types
from oneup_pinterest.history.glitches import IMPOSSIBLE, MAX_SPIKE_OBSERVATIONS, SPIKE
from oneup_pinterest.history.loaded_history import LoadedHistory
from oneup_pinterest.history.observations import METRICS, Observations, consecutive_observations
from oneup_pinterest.quality.checks.context import CheckContext, Finding, counted, finding_of, listed

PINS_NAMED = 3  # more are counted


def counters_that_fall(facts: CheckContext) -> Iterator[Finding]:
    """Counters of a window, and snapshots or pins at which counters began anew or were restated."""
    readings = consecutive_observations(facts.history, METRICS)
    types = counter_types(facts.history)
    is_rolling = pl.col("counter_type") == "rolling"
    is_event = ~is_rolling & (pl.sum_horizontal("resets", "restatements", "pins_reset") > 0)
    falls_of_all = _falls(readings)
    for (account,), group in types.filter(is_rolling | is_event).group_by("social_network_id", maintain_order=True):
        rolling = group.filter(is_rolling)["metric"].to_list()
        events = group.filter(~is_rolling)
        if rolling:
            fell, rose = group.filter(is_rolling).select(pl.col("falls", "rises").sum()).row(0)
            yield finding_of(
                "rolling_counters",
                "warning",
                account,
                None,
                f"The counters of {listed(rolling)} are rolling: {fell:,} of {fell + rose:,} times that they moved, "
                "they fell, so they count a window of days that moves on, not a pin's whole life.",
                "Do not read their differences as gains; the report leaves them out.",
            )
        if events.is_empty():
            continue
        falls = falls_of_all.filter(pl.col("social_network_id") == account)
        reset = events.filter(pl.col("resets") > 0)["metric"].to_list()
        if reset:
            yield finding_of(
                "counters_reset",
                "warning",
                account,
                falls.filter(pl.col("metric").is_in(reset) & (pl.col("resets") > 0))["snapshot_date"].min(),
                f"The counters of {listed(reset)} of most pins fell at one sync to a part of what they were: a reset.",
                "The gain of that day is unknown; it is left out, not guessed. What came after counts anew.",
            )
        restated = events.filter(pl.col("restatements") > 0)
        if restated.height:
            days = falls.filter(pl.col("metric").is_in(restated["metric"].implode()) & pl.col("is_many"))
            is_most = (restated["counter_type"] == "restated").any()
            count = days["snapshot_date"].n_unique()
            yield finding_of(
                "counters_restated",
                "warning" if is_most else "info",
                account,
                days["snapshot_date"].min(),
                f"The counters of {listed(restated['metric'].to_list())} of {'most' if is_most else 'many'} pins fell "
                f"at {'one sync' if count == 1 else f'{count} syncs'}, but not to near 0: they were restated.",
                "Nothing to do: no gain is booked for such a pin until its counter is above what it had been."
                + (" Growth curves leave these metrics out." if is_most else ""),
            )
        alone = events.filter(pl.col("pins_reset") > 0)
        if most := max(alone["pins_reset"].to_list(), default=0):
            yield finding_of(
                "pins_reset",
                "info",
                account,
                falls.filter(pl.col("metric").is_in(alone["metric"].implode()) & (pl.col("resets") > 0))[
                    "snapshot_date"
                ].min(),
                f"Counters of {counted(most, 'pin')} began anew.",
                "The gains of those days are unknown and left out; growth curves end there.",
            )


def _falls(readings: Observations) -> pl.DataFrame:
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


def impossible_counters(facts: CheckContext) -> Iterator[Finding]:
    """Counts that are negative, beyond 2^53, or far above the impressions of their pin."""
    for account, rows in _by_account(_left_out(facts.history, IMPOSSIBLE)):
        worst = rows.row(0, named=True)
        yield finding_of(
            "impossible_counters",
            "error",
            account,
            rows["snapshot_date"].min(),
            f"{counted(rows.height, 'count')} of {_pins(rows)} cannot be (negative, beyond 2^53, or far above the "
            f"impressions): {worst['value']:,} {worst['metric']} of pin {worst['id']} on "
            f"{format_day(worst['snapshot_date'])}.",
            "They are left out of the gains. Compare with OneUp's own page; the file keeps what was sent.",
        )


def counters_taken_back(facts: CheckContext) -> Iterator[Finding]:
    """Counters that jumped and came back: a glitch of the API."""
    for account, rows in _by_account(_left_out(facts.history, SPIKE)):
        largest = rows.sort("value", descending=True).row(0, named=True)
        yield finding_of(
            "counters_taken_back",
            "info",
            account,
            rows["snapshot_date"].min(),
            f"The counters of {listed(sorted(rows['metric'].unique()))} of {_pins(rows)} rose on "
            f"{counted(rows['snapshot_date'].n_unique(), 'day')} and fell back to where they had been; the highest was "
            f"{largest['value']:,} {largest['metric']} of pin {largest['id']} on "
            f"{format_day(largest['snapshot_date'])}.",
            "Nothing to do: neither the rise nor the fall is booked, and the days between are marked as imputed.",
        )


def unconfirmed_gains(facts: CheckContext) -> Iterator[Finding]:
    """Rises beyond all that an account has shown, which may still be taken back."""
    readings = consecutive_observations(facts.history, METRICS)
    rises = pl.concat(
        [
            steps.filter("is_unconfirmed").select(
                "account",
                "pin",
                "snapshot_date",
                metric=pl.lit(metric),
                value=pl.col("value") - pl.col("top_before").fill_null(0),
            )
            for metric, steps in readings.steps.items()
        ]
    )
    for account, rows in _by_account(_usable(_named(rises, readings), facts.history)):
        largest = rows.sort("value", descending=True)
        named = [
            f"pin {row['id']} (+{row['value']:,} {row['metric']} on {format_day(row['snapshot_date'])})"
            for row in largest.unique("id", keep="first", maintain_order=True).head(PINS_NAMED).iter_rows(named=True)
        ]
        more = rows["id"].n_unique() - len(named)
        yield finding_of(
            "unconfirmed_gains",
            "warning",
            account,
            rows["snapshot_date"].min(),
            f"Gains far beyond all that this account has shown are not confirmed yet: "
            f"{listed([*named, *([counted(more, 'more pin')] if more > 0 else [])])}.",
            "Compare with OneUp's own page. They are booked, but are in no verdict or ranking yet; they are left out "
            f"again if the counters fall back within {MAX_SPIKE_OBSERVATIONS} more observations.",
        )


def _left_out(history: LoadedHistory, reason: str) -> pl.DataFrame:
    """social_network_id, id, metric, snapshot_date and value of the observations left out for a reason."""
    readings = consecutive_observations(history, METRICS)
    rows = pl.concat([rows.with_columns(metric=pl.lit(metric)) for metric, rows in readings.left_out.items()])
    named = _named(rows.filter(pl.col("reason") == reason), readings)
    return _usable(named, history) if reason == SPIKE else named


def _named(rows: pl.DataFrame, readings: Observations) -> pl.DataFrame:
    return rows.with_columns(readings.pins[rows["pin"]].get_columns()).sort(
        "social_network_id", "snapshot_date", "id", "metric"
    )


def _usable(rows: pl.DataFrame, history: LoadedHistory) -> pl.DataFrame:
    """Without metrics whose counters roll: these rise and fall back by themselves, and no gain of them is booked."""
    if rows.is_empty():
        return rows
    rolling = counter_types(history).filter(pl.col("counter_type") == "rolling")
    return rows.join(rolling, on=["social_network_id", "metric"], how="anti", maintain_order="left")


def _by_account(rows: pl.DataFrame) -> Iterator[tuple[str, pl.DataFrame]]:
    for (account,), group in rows.group_by("social_network_id", maintain_order=True):
        yield str(account), group


def _pins(rows: pl.DataFrame) -> str:
    return counted(rows["id"].n_unique(), "pin")
