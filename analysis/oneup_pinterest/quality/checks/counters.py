"""Checks of how counters move from one observation to the next."""

from collections.abc import Iterator

import polars as pl

from oneup_pinterest.formatting import format_count, format_day, format_list
from oneup_pinterest.history.counter_types import counter_types
from oneup_pinterest.history.glitches import (
    DIP,
    DROPPED,
    EMPTY,
    IMPOSSIBLE,
    MAX_SPIKE_OBSERVATIONS,
    MIN_PINS_OF_EVENT,
    SMALL_SHARE,
    SPIKE,
)
from oneup_pinterest.history.loaded_history import LoadedHistory
from oneup_pinterest.history.observations import METRICS, Observations, consecutive_observations
from oneup_pinterest.quality.checks.context import CheckContext, first_day
from oneup_pinterest.quality.checks.snapshots import days_of_zero_pins
from oneup_pinterest.quality.findings import Finding

MAX_PINS_NAMED = 3  # more are counted


def find_falling_counters(context: CheckContext) -> Iterator[Finding]:
    """Report rolling counters, and the syncs at which counters of a pin or of many were reset or restated."""
    observations = consecutive_observations(context.history, METRICS)
    types = counter_types(context.history)
    is_rolling = pl.col("counter_type") == "rolling"
    has_event = ~is_rolling & (pl.sum_horizontal("resets", "restatements", "pins_reset") > 0)
    moved = types.filter(is_rolling | has_event)
    if moved.is_empty():
        return
    all_falls = _falls(observations)
    for (key,), group in moved.group_by("social_network_id", maintain_order=True):
        account = str(key)
        yield from _rolling_counters(account, group.filter(is_rolling))
        events = group.filter(~is_rolling)
        if not events.is_empty():
            falls = all_falls.filter(pl.col("social_network_id") == account)
            yield from _resets(account, events.filter(pl.col("resets") > 0), falls)
            yield from _restatements(account, events.filter(pl.col("restatements") > 0), falls)
            yield from _resets_of_pins(account, events.filter(pl.col("pins_reset") > 0), falls)


def _rolling_counters(account: str, rolling: pl.DataFrame) -> Iterator[Finding]:
    if rolling.is_empty():
        return
    falls, rises = rolling.select(pl.col("falls", "rises").sum()).row(0)
    yield Finding(
        check="rolling_counters",
        severity="warning",
        where=account,
        what=f"The counters of {format_list(rolling['metric'].to_list())} are rolling: they fell {falls:,} of the "
        f"{falls + rises:,} times that they moved, so they count a moving window of days, not a pin's whole life.",
        what_to_do="Do not read their differences as gains; the report leaves them out.",
    )


def _resets(account: str, reset: pl.DataFrame, falls: pl.DataFrame) -> Iterator[Finding]:
    if reset.is_empty():
        return
    metrics = reset["metric"].to_list()
    yield Finding(
        check="counters_reset",
        severity="warning",
        where=account,
        since=first_day(falls.filter(pl.col("metric").is_in(metrics) & (pl.col("resets") > 0))["snapshot_date"]),
        what=f"The counters of {format_list(metrics)} of most pins fell at one sync to a fraction of what they were: "
        "they were reset.",
        what_to_do="Nothing to do: the gain of that day is unknown and left out. Later gains count from the new value.",
    )


def _restatements(account: str, restated: pl.DataFrame, falls: pl.DataFrame) -> Iterator[Finding]:
    if restated.is_empty():
        return
    days = falls.filter(pl.col("metric").is_in(restated["metric"].implode()) & pl.col("is_many"))
    of_most = (restated["counter_type"] == "restated").any()
    count = days["snapshot_date"].n_unique()
    yield Finding(
        check="counters_restated",
        severity="warning" if of_most else "info",
        where=account,
        since=first_day(days["snapshot_date"]),
        what=f"The counters of {format_list(restated['metric'].to_list())} of {'most' if of_most else 'many'} pins "
        f"fell at {'one sync' if count == 1 else f'{count} syncs'}, but not to near 0: they were restated.",
        what_to_do="Nothing to do: such a pin has no gain until its counter exceeds its earlier value."
        + (" Growth curves leave these metrics out." if of_most else ""),
    )


def _resets_of_pins(account: str, reset: pl.DataFrame, falls: pl.DataFrame) -> Iterator[Finding]:
    if reset.is_empty():
        return
    metrics = reset["metric"].implode()
    yield Finding(
        check="pins_reset",
        severity="info",
        where=account,
        since=first_day(falls.filter(pl.col("metric").is_in(metrics) & (pl.col("resets") > 0))["snapshot_date"]),
        what=f"The counters of {format_count(max(reset['pins_reset'].to_list()), 'pin')} were reset.",
        what_to_do="Nothing to do: the gains of those days are unknown and left out, and growth curves end there.",
    )


def _falls(observations: Observations) -> pl.DataFrame:
    """Return the snapshots at which counters were reset, or many of them fell.

    Columns: social_network_id, metric, snapshot_date, resets (how many), is_many (at least three counters fell, and
    at least 10% of them).
    """
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
        for metric, steps in observations.steps.items()
    ]
    return pl.concat(events).join(observations.accounts, on="account")


def find_impossible_counters(context: CheckContext) -> Iterator[Finding]:
    """Report counts that are negative, beyond 2^53, or far above the impressions of their pin."""
    for account, rows in _by_account(_left_out(context.history, IMPOSSIBLE)):
        first = rows.row(0, named=True)
        yield Finding(
            check="impossible_counters",
            severity="error",
            where=account,
            since=first_day(rows["snapshot_date"]),
            what=f"{format_count(rows.height, 'count')} of {_count_pins(rows)} cannot be right (negative, beyond 2^53, "
            f"or far above the impressions), for example {first['value']:,} {first['metric']} of pin {first['id']} on "
            f"{format_day(first['snapshot_date'])}.",
            what_to_do="Compare with OneUp's own page. They are left out of the gains; the file keeps what was sent.",
        )


def find_reverted_counters(context: CheckContext) -> Iterator[Finding]:
    """Report counters that jumped and fell back: a glitch of the API."""
    for account, rows in _by_account(_left_out(context.history, SPIKE)):
        largest = rows.sort("value", descending=True).row(0, named=True)
        yield Finding(
            check="counters_taken_back",
            severity="info",
            where=account,
            since=first_day(rows["snapshot_date"]),
            what=f"The counters of {format_list(sorted(rows['metric'].unique()))} of {_count_pins(rows)} rose on "
            f"{format_count(rows['snapshot_date'].n_unique(), 'day')} and fell back to where they had been; the "
            f"highest was {largest['value']:,} {largest['metric']} of pin {largest['id']} on "
            f"{format_day(largest['snapshot_date'])}.",
            what_to_do="Nothing to do: neither the rise nor the fall counts as a gain, and the days between are marked "
            "as imputed.",
        )


def find_dropped_counters(context: CheckContext) -> Iterator[Finding]:
    """Report days on which counters of several pins fell to zero or far below, and came back: a glitch of the API."""
    for account, rows in _by_account(_dropped(context.history)):
        days = rows["snapshot_date"].unique().sort()
        when = format_day(days[-1])
        yield Finding(
            check="counters_dropped",
            severity="info",
            where=account,
            since=days[0],
            what=f"The counters of {format_list(sorted(rows['metric'].unique()))} of {_count_pins(rows)} fell to 0 or "
            f"far below on {when if days.len() == 1 else f'{days.len()} days, most recently {when}'}, and came back "
            "later.",
            what_to_do="Nothing to do: neither the fall nor the return counts as a gain, and the days between are "
            "marked as imputed.",
        )


def _dropped(history: LoadedHistory) -> pl.DataFrame:
    """Return account, id, metric and snapshot_date of counters that dropped together with others and came back.

    Days on which every counter of the account was 0 are left out: they are reported as a lost connection.
    """
    observations = consecutive_observations(history, METRICS)
    parts = []
    for metric, left_out in observations.left_out.items():
        low = left_out.filter(pl.col("reason").is_in([DROPPED, DIP, EMPTY])).sort("pin", "snapshot_date")
        steps = observations.steps[metric].filter(pl.col("pin").is_in(low["pin"].unique().implode()))
        before, after = (
            steps.select("pin", "snapshot_date", pl.col("value").alias(side)) for side in ("before", "after")
        )
        near = low.join_asof(before, on="snapshot_date", by="pin", strategy="backward", check_sortedness=False)
        near = near.join_asof(after, on="snapshot_date", by="pin", strategy="forward", check_sortedness=False)
        is_back = (pl.col("value") < pl.col("before")) & (pl.col("after") >= (1 - SMALL_SHARE) * pl.col("before"))
        parts.append(near.filter(is_back).with_columns(metric=pl.lit(metric)))
    rows = _without_rolling(_with_ids(pl.concat(parts), observations), history)
    place = ["social_network_id", "snapshot_date"]
    lost = days_of_zero_pins(history).select("social_network_id", snapshot_date="day")
    return rows.join(lost, on=place, how="anti", maintain_order="left").filter(
        pl.col("id").n_unique().over(place) >= MIN_PINS_OF_EVENT
    )


def find_unconfirmed_gains(context: CheckContext) -> Iterator[Finding]:
    """Report rises beyond anything that an account has shown, which may still be reverted."""
    observations = consecutive_observations(context.history, METRICS)
    rises = pl.concat(
        [
            steps.filter("is_unconfirmed").select(
                "account",
                "pin",
                "snapshot_date",
                metric=pl.lit(metric),
                value=pl.col("value") - pl.col("top_before").fill_null(0),
            )
            for metric, steps in observations.steps.items()
        ]
    )
    for account, rows in _by_account(_without_rolling(_with_ids(rises, observations), context.history)):
        largest = rows.sort("value", descending=True).unique("id", keep="first", maintain_order=True)
        names = [
            f"pin {row['id']} (+{row['value']:,} {row['metric']} on {format_day(row['snapshot_date'])})"
            for row in largest.head(MAX_PINS_NAMED).iter_rows(named=True)
        ]
        more = largest.height - len(names)
        names += [format_count(more, "more pin")] * (more > 0)
        yield Finding(
            check="unconfirmed_gains",
            severity="warning",
            where=account,
            since=first_day(rows["snapshot_date"]),
            what=f"Gains far beyond anything that this account has shown are not confirmed yet: {format_list(names)}.",
            what_to_do="Compare with OneUp's own page. They count as gains, but no verdict or ranking uses them yet; "
            f"they are left out again if the counters fall back within {MAX_SPIKE_OBSERVATIONS} more observations.",
        )


def _left_out(history: LoadedHistory, reason: str) -> pl.DataFrame:
    """Return account, id, metric, snapshot_date and value of the observations left out for a reason."""
    observations = consecutive_observations(history, METRICS)
    rows = pl.concat([rows.with_columns(metric=pl.lit(metric)) for metric, rows in observations.left_out.items()])
    with_ids = _with_ids(rows.filter(pl.col("reason") == reason), observations)
    return _without_rolling(with_ids, history) if reason == SPIKE else with_ids


def _with_ids(rows: pl.DataFrame, observations: Observations) -> pl.DataFrame:
    return rows.with_columns(observations.pins[rows["pin"]].get_columns()).sort(
        "social_network_id", "snapshot_date", "id", "metric"
    )


def _without_rolling(rows: pl.DataFrame, history: LoadedHistory) -> pl.DataFrame:
    """Return the rows without rolling counters: these rise and fall by themselves, and have no gains."""
    if rows.is_empty():
        return rows
    rolling = counter_types(history).filter(pl.col("counter_type") == "rolling")
    return rows.join(rolling, on=["social_network_id", "metric"], how="anti", maintain_order="left")


def _by_account(rows: pl.DataFrame) -> Iterator[tuple[str, pl.DataFrame]]:
    for (account,), group in rows.group_by("social_network_id", maintain_order=True):
        yield str(account), group


def _count_pins(rows: pl.DataFrame) -> str:
    return format_count(rows["id"].n_unique(), "pin")
