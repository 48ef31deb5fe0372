"""Run a sync: events of the connector go in, committed rows, state and a summary come out."""

import json
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb

from oneup_pinterest.database.connection import explain_database_errors
from oneup_pinterest.database.lake import Lake
from oneup_pinterest.database.listed_accounts import KeyListings, MissingAccount, describe_missing
from oneup_pinterest.database.place import place_of
from oneup_pinterest.errors import UserError
from oneup_pinterest.formatting import format_count, strip_control_characters, truncate
from oneup_pinterest.sync.events import (
    AccountsListedEvent,
    FailureEvent,
    RecordEvent,
    RequestCountEvent,
    Source,
    StateEvent,
    StreamFinishedEvent,
    WarningEvent,
)
from oneup_pinterest.sync.progress import Progress
from oneup_pinterest.sync.signals import SignalGuard
from oneup_pinterest.sync.states import full_refresh_states, stored_states
from oneup_pinterest.sync.tables import WriteResult
from oneup_pinterest.sync.writer import DatabaseWriter, open_writer

if TYPE_CHECKING:  # `load` runs without the CDK
    from oneup_pinterest.sync.connector import Connector

BATCH_ROWS = 10_000  # held in memory at most, per stream


@dataclass
class SyncResult:
    """The result of a sync or a load; `exit_status` is that of the command."""

    streams: dict[str, dict[str, int]]
    status: str = "done"
    skipped_accounts: list[dict[str, str]] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    duration_seconds: float = 0.0
    requests: int | None = 0  # None for a load, which sends none
    error: str | None = None
    exit_status: int = 0
    database: str = ""  # its absolute path
    is_new: bool = False  # whether this run created it

    def as_json(self) -> dict[str, Any]:
        """Return the object that `sync --json` prints."""
        names = ("status", "streams", "skipped_accounts", "duration_seconds", "requests", "warnings", "error")
        return {name: getattr(self, name) for name in names}

    def summary(self, is_quiet: bool = False) -> str:
        """Return the result for people, one fact per line.

        The file, what came in, what is new, what failed and why, warnings; if quiet, only failures and warnings.
        """
        lines = self.problems() if is_quiet else [*self.facts(), *self.problems()]
        return "\n".join(map(strip_control_characters, lines))

    def problems(self) -> list[str]:
        """Return what failed and why, and the warnings, one per line."""
        problems = [f"error: {self.error}"] if self.error else []
        by_reason: dict[str, list[str]] = {}
        for entry in self.skipped_accounts:
            by_reason.setdefault(entry["reason"], []).append(entry["social_network_id"])
        problems += [f"skipped: {', '.join(accounts)}: {reason}" for reason, accounts in by_reason.items()]
        return problems + [f"warning: {text}" for text in self.warnings]

    def facts(self) -> Iterator[str]:
        """Yield the file, what came in and what is new, one per line."""
        if self.database:
            other = " (new; if your history is in another file, name it with --database)" if self.is_new else ""
            yield f"database: {self.database}{other}"
        records = sum(counts["records"] for counts in self.streams.values())
        new_rows = sum(counts["rows"] for counts in self.streams.values())
        parts = (
            [f"{format_count(records, 'record')}, {format_count(new_rows, 'new row')}"]
            if records or not self.exit_status
            else []
        )
        parts += [] if self.requests is None else [format_count(self.requests, "request")]
        yield f"{self.status}: {', '.join([*parts, f'{self.duration_seconds:.1f} s'])}"
        if new_rows:
            new = [f"{name} {counts['rows']:,}" for name, counts in self.streams.items() if counts["rows"]]
            yield f"new rows: {', '.join(new)}"


def sync(
    config: Mapping[str, Any],
    database: str | Path | Lake,
    streams: Iterable[str] | None = None,
    full_refresh: bool = False,
    progress: Progress | None = None,
) -> SyncResult:
    """Bring `database` up to date with OneUp; rows and their state are committed together.

    Args:
        config: The connector's config.
        database: The DuckDB file or the lake; created if it does not exist.
        streams: Names of streams; all of them if None.
        full_refresh: Read all history again, whatever the state says.
        progress: Where to report progress.

    Raises:
        UserError: The config, the name of a stream or of the database is not valid (exit status 2), or the file cannot
            be written or has other types (1). The file is then unchanged.
    """
    from oneup_pinterest.sync.connector import Connector

    place = place_of(database)
    states = full_refresh_states(place) if full_refresh else stored_states(place)
    connector = Connector(config, states)
    names = _select_streams(streams, connector)
    signals = SignalGuard()
    shard = connector.shard
    with signals.listening(), explain_database_errors(place, to_write=True), open_writer(place, shard) as writer:
        with signals.deferred():
            writer.prepare({name: _schema(connector, name) for name in names})
            writer.start_run()
            if not full_refresh and (newer := writer.states()) != states:  # this sync waited for another one
                connector = Connector(config, newer)
            listings = None if connector.configured_accounts is not None else writer.listings(connector.api_key)
            if listings and (known := listings.last_listed()) is not None:
                connector.set_known_accounts(known)
        progress = progress or Progress()
        progress.watch(connector.progress)
        run = SyncRun(writer, names, connector.configured_accounts or (), progress, listings, connector.reads)
        return run.execute(connector, signals)


def _select_streams(streams: Iterable[str] | None, connector: "Connector") -> list[str]:
    names = list(connector.streams) if streams is None else list(dict.fromkeys(streams))
    unknown = [name for name in names if name not in connector.streams]
    if unknown or not names:
        problem = f"There is no stream {', '.join(map(repr, unknown))}" if unknown else "No stream was selected"
        raise UserError(f"{problem}; the streams are {', '.join(connector.streams)}.", exit_status=2)
    return names


def _schema(connector: "Connector", name: str) -> tuple[Mapping[str, Any], list[str]]:
    stream = connector.streams[name]
    return stream.json_schema, [path[0] for path in stream.source_defined_primary_key or []]


def _account(entry: Mapping[str, Any]) -> str:
    return str(entry["partition"]["social_network_id"])


class SyncRun:
    """A running sync: its buffers and its counts."""

    def __init__(
        self,
        writer: DatabaseWriter,
        names: list[str],
        accounts: Iterable[str],
        progress: Progress,
        listings: KeyListings | None = None,
        reads: Callable[[str], bool] = lambda account: True,
    ) -> None:
        self._writer = writer
        self._reads = reads  # whether an account belongs to the shard of this sync
        self._listings = listings
        self._listed: Mapping[str, str | None] | None = None  # the accounts that OneUp listed in this sync
        self._missing: list[MissingAccount] = []
        self._progress = progress
        self._rows: dict[str, list[Mapping[str, Any]]] = {name: [] for name in names}
        self._configured = set(accounts)
        self._accounts_with_cursor: set[str] = set()
        self._failures: list[FailureEvent] = []
        self._dropped: Counter[str] = Counter()
        self._unreadable: dict[tuple[str, str], tuple[int, str]] = {}
        self._kept: Counter[tuple[str, str]] = Counter()  # by how the warning names them
        counts = {name: {"records": 0, "rows": 0} for name in names}
        self.result = SyncResult(counts, database=str(writer.path), is_new=writer.is_new)

    def execute(self, source: Source, signals: SignalGuard) -> SyncResult:
        """Read the source to its end, and log the run in the file, even if it fails."""
        started = time.monotonic()
        try:
            with explain_database_errors(self._writer.path, to_write=True):
                for event in source.read(self._rows):
                    if isinstance(event, RecordEvent) and self._buffer(event):
                        continue
                    with signals.deferred():
                        self._handle(event)
                signals.defer()
                for stream in self._rows:
                    self._flush(stream)
                if self._listings is not None and self._listed is not None:
                    missing = self._writer.write_listing(self._listings, self._listed)
                    self._missing = [each for each in missing if self._reads(each.account)]
                self._writer.commit()
                self._warn_of_missing_accounts()
            self._conclude()
        except BaseException as error:
            signals.defer()
            self.result.status = "interrupted" if isinstance(error, KeyboardInterrupt) else "failed"
            self.result.error = str(error) or type(error).__name__
            with suppress(duckdb.Error):  # a full disk has no room for the log either
                self._finish(started)
            raise
        self._finish(started)
        if (
            self.result.is_new
            and self.result.exit_status
            and not any(row["rows"] for row in self.result.streams.values())
        ):
            self._writer.remove_file()
            self.result.database = ""
        return self.result

    def _buffer(self, record: RecordEvent) -> bool:
        """Buffer a record; return False if its batch is now full. Writes nothing, so an interrupt may come."""
        rows = self._rows[record.stream]
        rows.append(record.data)
        return len(rows) < BATCH_ROWS

    def _handle(self, event: object) -> None:
        match event:
            case RecordEvent(stream):  # the last one of a full batch
                self._flush(stream)
                self._progress.update(self.result.streams)
            case StateEvent(stream, state):
                self._flush(stream)
                self._write_state(stream, state)
                self._writer.commit()
                self._accounts_with_cursor.update(map(_account, self._own_entries(state)))
                self._progress.update(self.result.streams)
            case StreamFinishedEvent(stream):
                self._flush(stream)
                self._progress.finished(stream, self.result.streams[stream]["records"])
            case FailureEvent():
                self._failures.append(event)
            case WarningEvent(text):
                self.result.warnings.append(text)
            case RequestCountEvent(sent):
                self.result.requests = sent
            case AccountsListedEvent(accounts):
                self._listed = accounts

    def _flush(self, stream: str) -> None:
        rows = self._rows[stream]
        if not rows:
            return
        written = self._write(stream, rows)
        self.result.streams[stream]["records"] += len(rows)
        self.result.streams[stream]["rows"] += written.new_rows
        self._kept["row", f"of {stream} where the response had only zeros"] += written.only_zeros
        for column, count in written.kept.items():
            self._kept["value", f"of `{column}` in {stream} where the response had none"] += count
        self._dropped[f"records of {stream} without a key"] += written.without_key
        for column, (count, example) in written.unreadable.items():
            before, first = self._unreadable.get((stream, column), (0, example))
            self._unreadable[stream, column] = before + count, first
        rows.clear()

    def _warn_of_missing_accounts(self) -> None:
        """Warn of accounts that OneUp no longer lists, and once of a rename; the connector warns of an empty list."""
        if not self._listed or not self._missing:
            return
        renames = {rename.older: rename for rename in self._writer.renames()}
        if gone := [each for each in self._missing if each.account not in renames]:
            self.result.warnings.append(describe_missing(gone))
        self.result.warnings += [
            renames[each.account].sentence for each in self._missing if each.account in renames and each.is_new
        ]

    def _write(self, stream: str, rows: list[Mapping[str, Any]]) -> WriteResult:
        return self._writer.write(stream, rows)

    def _write_state(self, stream: str, state: Mapping[str, Any]) -> None:
        # the connector repeats the entries of other shards, which another worker may have moved on meanwhile
        own = {"states": self._own_entries(state)} if "states" in state else {}
        self._writer.write_state(stream, {**state, **own})

    def _own_entries(self, state: Mapping[str, Any]) -> list[Mapping[str, Any]]:
        return [entry for entry in state.get("states", ()) if self._reads(_account(entry))]

    def _conclude(self) -> None:
        """Set warnings, status and exit status: partial if some accounts failed, failed if all did."""
        for stream in self._rows:
            self._dropped[f"records of {stream} with the same key as another one"] = self._writer.duplicates(stream)
        self.result.warnings += [f"Dropped {count} {what}." for what, count in self._dropped.items() if count]
        self.result.warnings += [
            f"{count} values of `{column}` in {stream} are not valid times and were left empty, for example "
            f"{json.dumps(truncate(example, 40))}."
            for (stream, column), (count, example) in self._unreadable.items()
        ]
        self.result.warnings += [
            f"Kept {count} known {noun}{'s' if count > 1 else ''} {rest}."
            for (noun, rest), count in self._kept.items()
            if count
        ]
        skipped = dict.fromkeys((failure.account, failure.reason) for failure in self._failures if failure.account)
        self.result.skipped_accounts = [
            {"social_network_id": str(account), "reason": reason} for account, reason in skipped
        ]
        if not self._failures:
            return
        general = [failure for failure in self._failures if failure.account is None]
        accounts = self._configured or set(filter(self._reads, self._listed or ())) or self._accounts_with_cursor
        if not general and accounts - {account for account, _ in skipped if account}:
            self.result.status, self.result.exit_status = "partial", 3
            return
        self.result.status = "failed"
        reasons = dict.fromkeys(failure.reason for failure in general)
        self.result.error = " ".join(reasons) or "No account could be read completely."
        self.result.exit_status = 2 if all(failure.is_config_error for failure in self._failures) else 1

    def _finish(self, started: float) -> None:
        result = self.result
        result.duration_seconds = round(time.monotonic() - started, 3)
        self._writer.finish_run(
            result.status,
            result.streams,
            result.skipped_accounts,
            result.requests,
            result.duration_seconds,
            result.error,
        )
