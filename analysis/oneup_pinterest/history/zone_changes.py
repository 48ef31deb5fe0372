"""Find changes of the time zone of a sync's day, after which one day may be seen twice, or not at all."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo, available_timezones

import polars as pl

MIN_OFFSET, MAX_OFFSET = timedelta(hours=-12), timedelta(hours=14)  # of all existing zones
MAX_ODD_SHARE = 0.1  # of an account's snapshots: with more, days and extraction times do not match
MIN_DIFFERENCE = timedelta(hours=12)  # between the days in the file and the time that passed

SCHEMA = {
    "account": pl.UInt32,
    "snapshot_date": pl.Date,
    "before_on": pl.Date,
    "hours": pl.Float64,
    "is_clock_change": pl.Boolean,
}


class _Snapshot(NamedTuple):
    day: date
    low: timedelta  # the offset of the zone is at least this
    high: timedelta  # and below this
    at: timedelta  # the last extraction, since midnight UTC of the day

    @property
    def moment(self) -> datetime:
        return datetime.combine(self.day, time(), UTC) + self.at


class _Offsets(NamedTuple):
    """The offsets that agree with some snapshots: at least `low`, and below `high`."""

    low: timedelta
    high: timedelta

    def hold(self, offset: timedelta) -> bool:
        return self.low <= offset < self.high


Shifts = dict[tuple[datetime, datetime], set[tuple[timedelta, timedelta]]]


def zone_changes(snapshots: pl.DataFrame) -> pl.DataFrame:
    """Return the snapshots whose day does not follow from the one before, because the zone of the config was changed.

    A snapshot of day D, extracted at the moment t (UTC), implies that the offset of the zone from UTC is at least
    D 00:00 - t, and less than a day more. If one offset agrees with all snapshots of an account, nothing changed. If
    none does, the snapshots are split where the days in the file and the time that passed differ most, by at least
    half a day.

    `snapshots` has account, snapshot_date, first_at and last_at (of the extraction, UTC), one row per account and day.
    No rows for accounts whose extraction times are unknown, or do not match their days (a file copied by other means).
    Columns:

    - account, snapshot_date; before_on: day of the snapshot before
    - hours: between the two extractions
    - is_clock_change: a change to summer or winter time in one zone explains both sides

    >>> from datetime import datetime
    >>> at = [datetime(2026, 3, 1, 20), datetime(2026, 3, 2, 20), datetime(2026, 3, 3, 20), datetime(2026, 3, 4, 20)]
    >>> zone_changes(pl.DataFrame({"account": 0, "first_at": at, "last_at": at, "snapshot_date": [
    ...     date(2026, 3, 1), date(2026, 3, 2), date(2026, 3, 4), date(2026, 3, 5)]})).rows()
    [(0, datetime.date(2026, 3, 4), datetime.date(2026, 3, 2), 24.0, False)]
    """
    midnight = pl.col("snapshot_date").cast(pl.Datetime("us"))
    low, high = midnight - pl.col("first_at"), midnight + pl.duration(days=1) - pl.col("last_at")
    is_odd = (low > MAX_OFFSET) | (high <= MIN_OFFSET)
    known = (
        snapshots.drop_nulls(["snapshot_date", "first_at", "last_at"])
        .select("account", "snapshot_date", low=low, high=high, at=pl.col("last_at") - midnight, is_odd=is_odd)
        .filter(pl.col("is_odd").mean().over("account") <= MAX_ODD_SHARE)
        .filter(~pl.col("is_odd"))
        # for most accounts, one offset explains all days
        .filter((pl.col("low").max() >= pl.col("high").min()).over("account"))
        .sort("account", "snapshot_date")
    )
    shifts: Shifts = {}  # accounts of one sync change together
    rows = [
        (account, *change)
        for (account,), group in known.group_by("account", maintain_order=True)
        for change in _changes(
            [_Snapshot(*row) for row in group.select("snapshot_date", "low", "high", "at").rows()], shifts
        )
    ]
    return pl.DataFrame(rows, schema=SCHEMA, orient="row")


def moved_snapshots(snapshots: pl.DataFrame) -> pl.DataFrame:
    """Return `zone_changes` of a frame of `load_account_followers`, with social_network_id in place of account.

    >>> moved_snapshots(pl.DataFrame({"social_network_id": ["pin_a"], "snapshot_date": [date(2026, 3, 1)]})).height
    0
    """
    name = "social_network_id"
    if "_airbyte_extracted_at" not in snapshots.columns:
        snapshots = snapshots.with_columns(_airbyte_extracted_at=pl.lit(None))
    extracted = pl.col("_airbyte_extracted_at").cast(pl.Datetime("us"))
    accounts = snapshots.select(name).unique().sort(name).with_row_index("account")
    days = (
        snapshots.join(accounts, on=name)
        .group_by("account", "snapshot_date")
        .agg(first_at=extracted.min(), last_at=extracted.max())
    )
    return zone_changes(days).join(accounts, on="account", how="left").select(name, *list(SCHEMA)[1:])


def _changes(snapshots: list[_Snapshot], shifts: Shifts) -> list[tuple[date, date, float, bool]]:
    """Return each snapshot that starts another zone: day, the day before, hours between, is_clock_change."""
    places = []
    start, low, high = 0, snapshots[0].low, snapshots[0].high
    for end in range(1, len(snapshots)):
        low, high = max(low, snapshots[end].low), min(high, snapshots[end].high)
        if low < high:
            continue
        start, low, high = _split(snapshots, start, end)
        if abs(_difference(snapshots, start)) >= MIN_DIFFERENCE:
            places.append(start)
    changes = []
    for first, place, end in zip([0, *places], places, [*places[1:], len(snapshots)], strict=False):
        here, before = snapshots[place], snapshots[place - 1]
        hours = round((here.moment - before.moment) / timedelta(hours=1), 1)
        is_clock_change = _is_clock_change(snapshots[first:place], snapshots[place:end], shifts)
        changes.append((here.day, before.day, hours, is_clock_change))
    return changes


def _is_clock_change(before: Sequence[_Snapshot], after: Sequence[_Snapshot], shifts: Shifts) -> bool:
    """Return whether the clock change of some zone agrees with the snapshots of both sides."""
    then, since = (_Offsets(max(one.low for one in part), min(one.high for one in part)) for part in (before, after))
    # snapshots near the change that agree with both sides do not show when it was
    last = next((one for one in reversed(before) if max(one.low, since.low) >= min(one.high, since.high)), before[-1])
    first = next((one for one in after if max(one.low, then.low) >= min(one.high, then.high)), after[0])
    ends = last.moment, first.moment
    if ends not in shifts:
        zones = (ZoneInfo(name) for name in available_timezones())
        offsets = {(_offset(ends[0], zone), _offset(ends[1], zone)) for zone in zones}
        shifts[ends] = {(old, new) for old, new in offsets if old != new}
    return any(then.hold(old) and since.hold(new) for old, new in shifts[ends])


def _offset(moment: datetime, zone: ZoneInfo) -> timedelta:
    return moment.astimezone(zone).utcoffset() or timedelta(0)


def _split(snapshots: list[_Snapshot], start: int, end: int) -> tuple[int, timedelta, timedelta]:
    """Return where the other zone starts, and the offsets that agree with all snapshots from there to the end."""
    low, high = snapshots[end].low, snapshots[end].high
    found = end, low, high
    for place in range(end - 1, start, -1):
        low, high = max(low, snapshots[place].low), min(high, snapshots[place].high)
        if low >= high:
            break
        if abs(_difference(snapshots, place)) > abs(_difference(snapshots, found[0])):
            found = place, low, high
    low, high = found[1:]
    for place in range(found[0], end + 1):
        low, high = max(low, snapshots[place].low), min(high, snapshots[place].high)
    return found[0], low, high


def _difference(snapshots: list[_Snapshot], place: int) -> timedelta:
    """Return how much longer the days in the file are than the time that passed."""
    return snapshots[place - 1].at - snapshots[place].at
