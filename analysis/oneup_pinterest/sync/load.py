"""Load what a read printed, or a file destination wrote, into a database through the writer of `sync`."""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from oneup_pinterest.clock import utc_now
from oneup_pinterest.database.connection import explain_database_errors
from oneup_pinterest.database.lake import Lake
from oneup_pinterest.database.place import place_of
from oneup_pinterest.errors import UserError
from oneup_pinterest.sync.events import Location, RecordEvent, StateEvent, StreamFinishedEvent
from oneup_pinterest.sync.load_input import LoadInput, ReadStartedEvent, TruncatedEvent
from oneup_pinterest.sync.manifest import declared_streams
from oneup_pinterest.sync.progress import Progress
from oneup_pinterest.sync.run import SyncResult, SyncRun
from oneup_pinterest.sync.signals import SignalGuard
from oneup_pinterest.sync.states import merge_states
from oneup_pinterest.sync.tables import WriteResult
from oneup_pinterest.sync.writer import DatabaseWriter, open_writer

DROPPED = " {} records after the last state were not loaded; the next read brings them again."
LOADED = " Everything before that was loaded."
STATE_HELD = "The state of {} was not updated, because records before it are missing; the next read brings them again."
NO_STATE = "The input has no state: the next read continues from what `oneup-pinterest state` prints."


def load(
    names: Sequence[str], database: str | Path | Lake, stream: str | None = None, progress: Progress | None = None
) -> SyncResult:
    """Write messages of the connector, or rows of Airbyte's file destinations, into `database`.

    Records and their state are committed together, as in `sync`. The last extraction of a key wins, in whatever order
    files are loaded, and no state moves back.

    Args:
        names: Files (also compressed with gzip or Zstandard), folders, or `-` for standard input.
        database: The DuckDB file or the lake; created if it does not exist.
        stream: The stream of rows whose path does not name it.
        progress: Where to report progress.

    Raises:
        UserError: As `LoadInput` and `sync`; the file is then unchanged.
    """
    streams = declared_streams()
    source = LoadInput(names, {name: schema for name, (schema, _) in streams.items()}, stream)
    place = place_of(database)
    signals = SignalGuard()
    with signals.listening(), explain_database_errors(place, to_write=True), open_writer(place) as writer:
        with signals.deferred():
            writer.prepare(streams)
            writer.start_run()
        return LoadRun(writer, list(streams), source, progress or Progress()).execute(source, signals)


class LoadRun(SyncRun):
    """A running load: beside what a sync counts, when and where each record comes from."""

    def __init__(self, writer: DatabaseWriter, names: list[str], source: LoadInput, progress: Progress) -> None:
        super().__init__(writer, names, (), progress)
        self.result.requests = None
        self._input = source
        self._times: dict[str, list[int]] = {name: [] for name in names}
        self._locations: dict[str, list[Location]] = {name: [] for name in names}
        self._records_at_state: Counter[str] = Counter()  # how many had come by the last state
        self._read_at: Counter[str] = Counter()  # newest extraction of the read, milliseconds since 1970
        self._uncommitted: dict[str, Counter[str]] = {name: Counter() for name in names}
        self._truncated: set[str] = set()  # streams that may lack records until another read begins
        self._incomplete: set[str] = set()  # streams that do lack records
        self._reading: set[str] = set()  # streams in a read whose start the input marks
        self._held_states: dict[str, None] = {}  # streams of which a state was not written
        self._truncations: dict[str, None] = {}  # sentences

    def _buffer(self, record: RecordEvent) -> bool:
        self._times[record.stream].append(record.extracted_at)
        self._locations[record.stream].append(record.location)
        return super()._buffer(record)

    def _handle(self, event: object) -> None:
        match event:
            case ReadStartedEvent(stream, at):
                self._flush(stream)
                self._writer.start_read(stream)
                self._reading.add(stream)
                self._read_at[stream] = at
                self._truncated.discard(stream)
            case TruncatedEvent(reason, drops_records):
                self._truncated.update(self._rows)
                dropped = self._drop_uncommitted() if drops_records else 0
                self._truncations[reason + (DROPPED.format(f"{dropped:,}") if dropped else LOADED)] = None
            case StateEvent(stream, _, records):
                self._flush(stream)
                if self._is_complete(stream, records):
                    super()._handle(event)
                else:
                    self._incomplete.add(stream)
                    self._held_states[stream] = None
            case StreamFinishedEvent(stream):
                super()._handle(event)
                self._reading.discard(stream)
            case _:
                super()._handle(event)

    def _is_complete(self, stream: str, records: int | None) -> bool:
        """Return whether all records came that a state counts since the state before it."""
        if stream in self._incomplete:
            return False
        if records is not None:
            return self._records(stream) - self._records_at_state[stream] >= records
        return stream not in self._truncated and not self._input.rejected.count

    def _write_state(self, stream: str, state: Mapping[str, Any]) -> None:
        read_at = self._read_at[stream]
        at = (datetime.fromtimestamp(read_at / 1000, UTC) if read_at else utc_now()).replace(tzinfo=None)
        stored = self._writer.read_state(stream)
        if stored:
            state, at = merge_states(*stored, state, at)
        self._writer.write_state(stream, state, at)
        self._records_at_state[stream] = self._records(stream)
        for counts in self._uncommitted.values():  # all streams are committed with this state
            counts.clear()

    def _write(self, stream: str, rows: list[Mapping[str, Any]]) -> WriteResult:
        times, locations = self._times[stream], self._locations[stream]
        try:
            written = self._writer.write(stream, rows, times)
        except UserError:
            wrong = set(self._writer.rows_of_wrong_type(stream, rows))
            if not wrong:
                raise
            for n in wrong:
                self._input.rejected.add(locations[n], f"a record of {stream} with a value of the wrong type")
            self._incomplete.add(stream)
            rows[:] = [row for n, row in enumerate(rows) if n not in wrong]
            times[:] = [time for n, time in enumerate(times) if n not in wrong]
            written = self._writer.write(stream, rows, times) if rows else WriteResult(0, 0, {}, {}, 0)
        if stream not in self._reading:  # the rows may come from several reads
            self._writer.start_read(stream, count_duplicates=False)
        self._read_at[stream] = max(self._read_at[stream], *times, 0)
        self._uncommitted[stream].update(records=len(rows), rows=written.new_rows)
        times.clear()
        locations.clear()
        return written

    def _drop_uncommitted(self) -> int:
        """Drop the records after the last state, and return how many these were."""
        dropped = 0
        for stream, rows in self._rows.items():
            dropped += len(rows) + self._uncommitted[stream]["records"]
            for name, count in self._uncommitted[stream].items():
                self.result.streams[stream][name] -= count
            for buffer in (rows, self._times[stream], self._locations[stream], self._uncommitted[stream]):
                buffer.clear()
        self._records_at_state = Counter({stream: self._records(stream) for stream in self._rows})
        self._writer.roll_back()
        return dropped

    def _records(self, stream: str) -> int:
        """Return how many records of a stream were written."""
        return self.result.streams[stream]["records"]

    def _conclude(self) -> None:
        super()._conclude()
        result, source = self.result, self._input
        records = sum(counts["records"] for counts in result.streams.values())
        if records and not source.has_states:
            result.warnings.append(NO_STATE)
        result.warnings += [*self._truncations, *source.rejected.sentences()]
        result.warnings += [STATE_HELD.format(stream) for stream in self._held_states]
        if result.status == "failed" or not (self._truncations or self._held_states or source.rejected.count):
            return
        if records or (source.has_states and not self._held_states):
            result.status, result.exit_status, result.error = "partial", 3, "Not all of the input was loaded."
        else:
            result.status, result.exit_status, result.error = "failed", 1, "None of the input was loaded."
