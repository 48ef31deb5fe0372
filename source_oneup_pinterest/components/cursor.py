"""The cursor that plans the windows of each account and keeps its state."""

import time
from collections.abc import Iterable, Iterator, Mapping, MutableMapping
from datetime import date, timedelta
from typing import Any

from airbyte_cdk.sources.declarative.incremental.concurrent_partition_cursor import ConcurrentPerPartitionCursor
from airbyte_cdk.sources.streams.concurrent.partitions.partition import Partition
from airbyte_cdk.sources.types import Config, Record, StreamSlice

from .config_dates import DEFAULT_HISTORY_DAYS
from .log import LOGGER
from .state import STATE_IGNORED, DaysRead, StreamPlan
from .sync_context import SyncContext
from .windows import PRESET_DAYS, Window, split_into_windows, weekly_ends

PROVISIONAL_DAYS = 3  # Pinterest may restate a period for this long after its last day
MAX_STATE_AGE = 60.0  # seconds; what a sync read since the last state is lost if it is killed


class AccountsCursor(ConcurrentPerPartitionCursor):
    """Plan the windows of each account, and keep in the state which days were read, per account and preset.

    The CDK's own cursor keeps one date per account, starts a new account at the newest date of the others, follows the
    times of records, and keeps one date for all accounts if there are more than 10,000.
    """

    def begin(self, config: Config, windows: str) -> None:
        """Read the stored state; `windows` is that of `WindowRetriever`."""
        self._config, self._windows = config, windows
        self._today = date.fromisoformat(config["_today"])
        self._yesterday = date.fromisoformat(config["_yesterday"])
        self._preset = str(config.get("preset") or "last_30_days") if windows == "period" else None
        self._context = SyncContext.of(config)
        planned = self._context.plans.get(self._stream_name)
        self._plan = planned or StreamPlan()
        self._read, self._read_again = self._plan.days_read, self._plan.read_again
        if planned:  # by the part of this sync that read the newest windows
            return
        self._context.plans[self._stream_name] = self._plan
        manager = self._connector_state_manager
        for entry in manager.get_stream_state(self._stream_name, self._stream_namespace).get("entries") or ():
            try:
                self._load(entry)
            except (AttributeError, KeyError, TypeError, ValueError):
                LOGGER.warning(STATE_IGNORED)

    def _load(self, entry: Mapping[str, Any]) -> None:
        key = entry["partition"]["social_network_id"], self._preset and entry["partition"].get("preset", self._preset)
        if "read_again" in entry:  # by `sync --full-refresh`
            days = [(date.fromisoformat(start), date.fromisoformat(end)) for start, end in entry["read_again"]]
            # the API refuses a single day and days after yesterday
            self._read_again[key] = [
                Window.of(start, end, self._yesterday) for start, end in days if start < end <= self._yesterday
            ]
            return
        until = date.fromisoformat(entry["cursor"][self.cursor_field.cursor_field_key][:10])
        since = date.fromisoformat(entry["since"]) if entry.get("since") else None
        # a cursor may be ahead after a change of `timezone`, a wrong clock, or a pin "from 2099"
        self._read[key] = DaysRead(since, min(until, self._last_day))

    @property
    def _last_day(self) -> date:
        return self._today if self._windows == "newest" else self._yesterday

    def stream_slices(self) -> Iterable[StreamSlice]:
        """Yield the newest windows of all accounts, then the others account by account, oldest first.

        With the newest ones, a sync that is interrupted is useful. An account's state can then follow its other windows
        one by one, so the next sync repeats none of them.
        """
        if not self._plan.partitions:
            self._plan_windows()
        part = self._context.part
        if part.newest:
            for account in self._plan.partitions:
                yield from self._slices(account, newest=True)
        for account in self._plan.history:
            if part.history is None or account in part.history:
                yield from self._slices(account, newest=False)

    def _plan_windows(self) -> None:
        # all accounts first, so that every state message has the planned start of each
        partitions = {each.partition["social_network_id"]: each for each in self._partition_router.stream_slices()}
        for account in partitions:
            self._plan_account(account)
        for account, partition in partitions.items():
            self._plan.partitions[account] = partition.partition
            newest, history = (sum(1 for _ in self._slices(account, newest)) for newest in (True, False))
            if history:
                self._plan.history[account] = history
            self._context.progress.plan(account, newest, history)

    def _slices(self, account: str, newest: bool) -> Iterator[StreamSlice]:
        windows: list[tuple[str | None, Window]] = [
            (self._preset, each) for each in self._read[account, self._preset].windows
        ]
        for other in PRESET_DAYS.keys() - {self._preset}:
            windows += [(other, window) for window in self._read_again.get((account, other), [])]
        for preset, window in windows:
            is_newest = preset == self._preset and window.end == self._yesterday
            if is_newest == newest:
                yield StreamSlice(
                    partition=self._plan.partitions[account],
                    cursor_slice={"start_time": window.start.isoformat(), "end_time": window.end.isoformat()},
                    extra_fields={"window": window, "preset": preset, "is_newest": is_newest},
                )

    def _plan_account(self, account: str) -> None:
        key = account, self._preset
        start, day = date.fromisoformat(self._config["_start_date"]), timedelta(days=1)
        is_set = bool(self._config.get("start_date"))
        known = self._read.get(key)
        # states of 0.1.0 have no first day, so the account is read again from `start_date` if that is set
        if known is None or (is_set and (known.since is None or known.until < start - day)):
            read = DaysRead(start, start - day, start)
        else:
            since = known.since or min(start, known.until + day)
            read = DaysRead(since, known.until, start if is_set and start < since else since)
        if self._windows == "newest":
            read.windows = [self._period(self._yesterday)]
            read.since = read.since_after = None
        elif self._windows == "period":
            read.windows = self._periods(read, self._read_again.get(key, []))
        else:
            read.windows = self._publish_windows(read, start if is_set or known is None else date.min)
            read.windows = sorted({*read.windows, *self._read_again.get(key, [])}, key=lambda window: window.end)
        self._read[key] = read

    def _period(self, end: date) -> Window:
        assert self._preset or self._windows == "newest"
        days = PRESET_DAYS[self._preset or str(self._config.get("preset") or "last_30_days")]
        return Window.of(end - timedelta(days=days - 1), end, self._yesterday)

    def _periods(self, read: DaysRead, again: list[Window]) -> list[Window]:
        """Return the weekly periods to read: unread ones, those that have become final, and the newest."""
        assert read.since
        assert read.since_after
        weeks = -((read.since_after - read.since).days // 7)
        read.since_after = read.since - timedelta(weeks=weeks)  # so that weeks end on the same days as the stored ones
        provisional = timedelta(days=PROVISIONAL_DAYS)
        ends = {self._yesterday}
        for end in weekly_ends(read.since_after, self._yesterday):
            was_final, is_final = end <= read.until + timedelta(days=1) - provisional, end <= self._today - provisional
            if end < read.since or end > read.until or (is_final and not was_final):
                ends.add(end)
        return sorted({*map(self._period, ends), *again}, key=lambda window: window.end)

    def _publish_windows(self, read: DaysRead, earliest: date) -> list[Window]:
        """Return the windows after the last day read, with the lookback, and those before the first day."""
        assert read.since
        assert read.since_after
        lookback = timedelta(days=self._config.get("pins_lookback_days", DEFAULT_HISTORY_DAYS) - 1)
        first = max(min(read.until, self._yesterday - lookback), earliest)
        if read.until < read.since:  # an earlier sync was interrupted before it read the account
            first = max(first, read.since)
        if read.since_after >= read.since:
            return split_into_windows(first, self._yesterday)
        if first <= read.since:
            return split_into_windows(read.since_after, self._yesterday)
        before = split_into_windows(read.since_after, self._yesterday, read.since - timedelta(days=1))
        return before + split_into_windows(first, self._yesterday)

    def close_partition(self, partition: Partition) -> None:
        closed = partition.to_slice()
        assert isinstance(closed, StreamSlice)
        window, preset = closed.extra_fields["window"], closed.extra_fields["preset"]
        with self._lock:
            if preset == self._preset:
                self._advance(self._read[closed.partition["social_network_id"], preset], window)
            self._emit_state_message()

    def _advance(self, read: DaysRead, window: Window) -> None:
        """Move past the windows that were read, up to the first that was not."""
        read.done.add(window)
        while read.windows and read.windows[0] in read.done:
            done = read.windows.pop(0)
            if self._windows == "period":
                read.until = max(read.until, done.end)
        if not read.windows:
            read.until = self._last_day
        if not read.windows or (self._windows == "period" and read.since and read.windows[0].end >= read.since):
            read.since = read.since_after

    def observe(self, record: Record) -> None:
        """Ignore records: the cursor follows the windows, so an account without records advances too."""

    def _throttle_state_message(self) -> float | None:
        now = time.time()
        return now if now - self._last_emission_time > MAX_STATE_AGE else None

    def ensure_at_least_one_state_emitted(self) -> None:
        self._emit_state_message(throttle=False)

    @property
    def state(self) -> MutableMapping[str, Any]:
        name = self.cursor_field.cursor_field_key
        states = []
        for (account, preset), read in list(self._read.items()):
            partition: dict[str, Any] = {"social_network_id": account, "parent_slice": {}}
            entry: dict[str, Any] = {
                "partition": partition | ({"preset": preset} if preset else {}),
                "cursor": {name: f"{read.until} 00:00:00" if name == "timestamp" else read.until.isoformat()},
            }
            states.append(entry | ({"since": read.since.isoformat()} if read.since else {}))
        return {"use_global_cursor": False, "states": states}
