"""One load: what a read printed, or a destination wrote, goes into the file through the writer of `sync`."""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from oneup_pinterest.clock import utc_now
from oneup_pinterest.database.connection import explain_database_errors
from oneup_pinterest.errors import UserError
from oneup_pinterest.sync.declared_streams import declared_streams
from oneup_pinterest.sync.events import Place, Row, State, StreamFinished
from oneup_pinterest.sync.incoming import Cut, Incoming, Started
from oneup_pinterest.sync.progress import Progress
from oneup_pinterest.sync.run import SyncResult, SyncRun
from oneup_pinterest.sync.signals import SignalGuard
from oneup_pinterest.sync.tables import Written
from oneup_pinterest.sync.writer import DatabaseWriter

LEFT_OUT = " {} records that no state vouches for were left out; the next read brings them again."
KEPT = " What came before was loaded."
HELD = "The state of {} was not moved on, because records before it are missing; the next read brings them again."
WITHOUT_STATE = "The input carries no state: the next read goes on from what `oneup-pinterest state` prints."


def load(
    names: Sequence[str], database: Path, stream: str | None = None, progress: Progress | None = None
) -> SyncResult:
    """Write messages of the connector, or rows of Airbyte's file destinations, into `database`.

    Records and the state that vouches for them are committed together, as by `sync`. The last extraction of a key wins,
    whatever is loaded last, and no state moves back.

    Args:
        names: Files (also packed with gzip or Zstandard), folders, or `-` for standard input.
        database: The DuckDB file; it is made where there is none.
        stream: The stream of rows whose path does not name it.
        progress: Where to report what happens.

    Raises:
        UserError: see `Incoming` and `sync`. The file is then as it was.
    """
    streams = declared_streams()
    incoming = Incoming(names, {name: schema for name, (schema, _) in streams.items()}, stream)
    interrupts = SignalGuard()
    with interrupts.listening(), explain_database_errors(database, to_write=True), DatabaseWriter(database) as history:
        with interrupts.held_back():
            history.prepare(streams)
            history.start_run()
        return _Loading(history, list(streams), incoming, progress or Progress()).of(incoming, interrupts)


class _Loading(SyncRun):
    """A load on its way: beside what a sync counts, when and where each row came from."""

    def __init__(self, history: DatabaseWriter, names: list[str], incoming: Incoming, progress: Progress) -> None:
        super().__init__(history, names, (), progress)
        self.result.requests = None
        self._incoming = incoming
        self._times: dict[str, list[int]] = {name: [] for name in names}
        self._places: dict[str, list[Place]] = {name: [] for name in names}
        self._at_state: Counter[str] = Counter()  # how many records had come
        self._read_at: Counter[str] = Counter()  # the newest extraction of the read (ms since 1970)
        self._uncommitted: dict[str, Counter[str]] = {name: Counter() for name in names}
        self._cut: set[str] = set()  # streams of which records may be missing until another read begins
        self._doubtful: set[str] = set()  # those of which records are missing
        self._started: set[str] = set()  # streams in a read that said so
        self._held: dict[str, None] = {}  # those of which a state was not taken
        self._ends: dict[str, None] = {}

    def _buffer(self, row: Row) -> bool:
        self._times[row.stream].append(row.extracted_at)
        self._places[row.stream].append(row.place)
        return super()._buffer(row)

    def _take(self, event: object) -> None:
        match event:
            case Started(stream, at):
                self._flush(stream)
                self._history.new_read(stream)
                self._started.add(stream)
                self._read_at[stream] = at
                self._cut.discard(stream)
            case Cut(how, leaves_out):
                self._cut.update(self._rows)
                lost = self._leave_out() if leaves_out else 0
                self._ends[how + (LEFT_OUT.format(f"{lost:,}") if lost else KEPT)] = None
            case State(stream, _, records):
                self._flush(stream)
                if self._is_vouched_for(stream, records):
                    super()._take(event)
                else:
                    self._doubtful.add(stream)
                    self._held[stream] = None
            case StreamFinished(stream):
                super()._take(event)
                self._started.discard(stream)
            case _:
                super()._take(event)

    def _is_vouched_for(self, stream: str, records: int | None) -> bool:
        """Whether all records are there that a state says have come since the one before."""
        if stream in self._doubtful:
            return False
        if records is not None:
            return self._records(stream) - self._at_state[stream] >= records
        return stream not in self._cut and not self._incoming.refused.count

    def _write_state(self, stream: str, state: Mapping[str, Any]) -> None:
        read_at = self._read_at[stream]
        at = (datetime.fromtimestamp(read_at / 1000, UTC) if read_at else utc_now()).replace(tzinfo=None)
        stored = self._history.read_state(stream)
        if stored:
            state, at = merged(*stored, state, at)
        self._history.write_state(stream, state, at)
        self._at_state[stream] = self._records(stream)
        for counts in self._uncommitted.values():  # which are committed with it
            counts.clear()

    def _write(self, stream: str, rows: list[Mapping[str, Any]]) -> Written:
        times, places = self._times[stream], self._places[stream]
        try:
            written = self._history.write(stream, rows, times)
        except UserError:
            wrong = set(self._history.misfits(stream, rows))
            if not wrong:
                raise
            for n in wrong:
                self._incoming.refused.add(places[n], f"a record of {stream} with a value of another type")
            self._doubtful.add(stream)
            rows[:] = [row for n, row in enumerate(rows) if n not in wrong]
            times[:] = [time for n, time in enumerate(times) if n not in wrong]
            written = self._history.write(stream, rows, times) if rows else Written(0, 0, {}, {}, 0)
        if stream not in self._started:  # rows of several reads, maybe
            self._history.new_read(stream, counts=False)
        self._read_at[stream] = max(self._read_at[stream], *times, 0)
        self._uncommitted[stream].update(records=len(rows), rows=written.new_rows)
        times.clear()
        places.clear()
        return written

    def _leave_out(self) -> int:
        """Undo what no state vouches for; how many records that was."""
        lost = 0
        for stream, rows in self._rows.items():
            lost += len(rows) + self._uncommitted[stream]["records"]
            for name, count in self._uncommitted[stream].items():
                self.result.streams[stream][name] -= count
            for held in (rows, self._times[stream], self._places[stream], self._uncommitted[stream]):
                held.clear()
        self._at_state = Counter({stream: self._records(stream) for stream in self._rows})
        self._history.roll_back()
        return lost

    def _records(self, stream: str) -> int:
        """How many records of a stream were written."""
        return self.result.streams[stream]["records"]

    def _judge(self) -> None:
        super()._judge()
        result, incoming = self.result, self._incoming
        records = sum(counts["records"] for counts in result.streams.values())
        if records and not incoming.has_states:
            result.warnings.append(WITHOUT_STATE)
        result.warnings += [*self._ends, *incoming.refused.sentences()]
        result.warnings += [HELD.format(stream) for stream in self._held]
        if result.status == "failed" or not (self._ends or self._held or incoming.refused.count):
            return
        if records or (incoming.has_states and not self._held):
            result.status, result.exit_status, result.error = "partial", 3, "Not all of the input was loaded."
        else:
            result.status, result.exit_status, result.error = "failed", 1, "Nothing of the input was loaded."


def merged(
    stored: Mapping[str, Any], stored_at: datetime, loaded: Mapping[str, Any], loaded_at: datetime
) -> tuple[dict[str, Any], datetime]:
    """Return a stream's state after a load, and when it was extracted.

    Each account (and preset) keeps the later cursor. Where days between the two were not read, it keeps the stored one:
    the next read fills the gap.
    """
    is_later = loaded_at >= stored_at
    newer, older = (loaded, stored) if is_later else (stored, loaded)
    at = max(stored_at, loaded_at)
    if not (isinstance(stored.get("states"), list) and isinstance(loaded.get("states"), list)):
        return dict(newer), at
    before, entries = _by_partition(older), _by_partition(newer)
    of_the_file = _by_partition(stored)
    with_preset = {account for account, preset in entries if preset}
    for partition, entry in before.items():
        account, preset = partition
        if preset is None and account in with_preset:
            continue  # of 0.1.0, which this one was made of
        if partition not in entries:
            entries[partition] = entry
        else:
            entries[partition] = _joined(entry, entries[partition]) or of_the_file[partition]
    return {**newer, "states": list(entries.values())}, at


def _by_partition(state: Mapping[str, Any]) -> dict[tuple[Any, ...], dict[str, Any]]:
    found = {}
    for entry in state["states"]:
        partition = entry.get("partition") or {}
        found[partition.get("social_network_id"), partition.get("preset")] = entry
    return found


def _joined(older: Mapping[str, Any], newer: Mapping[str, Any]) -> dict[str, Any] | None:
    """The later of two entries, which begins where the earlier one does; None if neither reaches the other."""
    first, last = (newer, older) if _cursor(older) > _cursor(newer) else (older, newer)
    begins, ended = _day(last.get("since")), _day(_cursor(first))
    if begins and ended and begins > ended + timedelta(days=1):
        return None
    since = [str(entry["since"]) for entry in (first, last) if entry.get("since")]
    return {**last, "since": min(since)} if since else dict(last)


def _cursor(entry: Mapping[str, Any]) -> str:
    return str(next(iter((entry.get("cursor") or {}).values()), ""))


def _day(text: object) -> date | None:
    try:
        return date.fromisoformat(str(text)[:10])
    except ValueError:
        return None
