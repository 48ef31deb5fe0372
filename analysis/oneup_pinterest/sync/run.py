"""One sync: events of the connector go in, committed rows and state and a summary come out."""

import json
import time
from collections import Counter
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb

from oneup_pinterest.database.connection import database_path, explain_database_errors
from oneup_pinterest.database.listed_accounts import KeyListings, MissingAccount, describe_missing
from oneup_pinterest.errors import UserError
from oneup_pinterest.formatting import truncate
from oneup_pinterest.sync.events import (
    Failure,
    Listed,
    RequestCountEvent,
    Row,
    Source,
    State,
    StreamFinished,
    WarningEvent,
)
from oneup_pinterest.sync.progress import Progress
from oneup_pinterest.sync.signals import SignalGuard
from oneup_pinterest.sync.tables import Written
from oneup_pinterest.sync.writer import DatabaseWriter, stored_periods, stored_states

if TYPE_CHECKING:  # `load` runs without the connector's framework
    from oneup_pinterest.sync.connector import Connector

BATCH_ROWS = 10_000  # held in memory at most, a stream


@dataclass
class SyncResult:
    """What a sync did; `exit_status` is that of the command."""

    streams: dict[str, dict[str, int]]
    status: str = "done"
    skipped_accounts: list[dict[str, str]] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    duration_seconds: float = 0.0
    requests: int | None = 0  # None: of a load, which asks nobody
    error: str | None = None
    exit_status: int = 0
    database: str = ""  # its absolute path

    def as_json(self) -> dict[str, Any]:
        """The object that `sync --json` prints."""
        names = ("status", "streams", "skipped_accounts", "duration_seconds", "requests", "warnings", "error")
        return {name: getattr(self, name) for name in names}


def sync(
    config: Mapping[str, Any],
    database: str | Path,
    streams: Iterable[str] | None = None,
    full_refresh: bool = False,
    progress: Progress | None = None,
) -> SyncResult:
    """Brings `database` up to date with OneUp; rows and the state that vouches for them are committed together.

    Args:
        config: The connector's config.
        database: The DuckDB file; it is made where there is none.
        streams: Names of streams; all of them where None.
        full_refresh: Read all of history again, whatever the state says.
        progress: Where to report what happens.

    Raises:
        UserError: the config, a stream's name or the database's is not valid (exit status 2), the file cannot be
            written or holds other types (1). The file is then as it was.
    """
    from oneup_pinterest.sync.connector import Connector

    database = database_path(database)
    before = stored_periods(database) if full_refresh else stored_states(database)
    connector = Connector(config, before)
    names = _selected(streams, connector)
    interrupts = SignalGuard()
    with interrupts.listening(), explain_database_errors(database, to_write=True), DatabaseWriter(database) as history:
        with interrupts.held_back():
            history.prepare({name: _schema(connector, name) for name in names})
            history.start_run()
            if not full_refresh and (now := history.states()) != before:  # by a sync that this one waited for
                connector = Connector(config, now)
            listings = None if connector.configured_accounts else history.listings(connector.api_key)
            if listings and (known := listings.last_listed()) is not None:
                connector.know_accounts(known)
        run = SyncRun(history, names, connector.configured_accounts, progress or Progress(), listings)
        return run.of(connector, interrupts)


def _selected(streams: Iterable[str] | None, connector: "Connector") -> list[str]:
    names = list(connector.streams) if streams is None else list(dict.fromkeys(streams))
    unknown = [name for name in names if name not in connector.streams]
    if unknown or not names:
        what = f"There is no stream {', '.join(map(repr, unknown))}" if unknown else "No stream was named"
        raise UserError(f"{what}; there are {', '.join(connector.streams)}.", exit_status=2)
    return names


def _schema(connector: "Connector", name: str) -> tuple[Mapping[str, Any], list[str]]:
    stream = connector.streams[name]
    return stream.json_schema, [path[0] for path in stream.source_defined_primary_key or []]


class SyncRun:
    """A sync on its way: what is buffered, what was counted."""

    def __init__(
        self,
        history: DatabaseWriter,
        names: list[str],
        accounts: Iterable[str],
        progress: Progress,
        listings: KeyListings | None = None,
    ) -> None:
        self._history = history
        self._listings = listings
        self._listed: Mapping[str, str | None] | None = None  # what OneUp listed in this sync
        self._missing: list[MissingAccount] = []
        self._progress = progress
        self._rows: dict[str, list[Mapping[str, Any]]] = {name: [] for name in names}
        self._configured = set(accounts)
        self._accounts: set[str] = set()  # those with a cursor
        self._failures: list[Failure] = []
        self._left_out: Counter[str] = Counter()
        self._unreadable: dict[tuple[str, str], tuple[int, str]] = {}
        self._kept: Counter[tuple[str, str]] = Counter()  # by how the warning names them
        self.result = SyncResult({name: {"records": 0, "rows": 0} for name in names}, database=str(history.path))

    def of(self, source: Source, interrupts: SignalGuard) -> SyncResult:
        started = time.monotonic()
        try:
            with explain_database_errors(self._history.path, to_write=True):
                for event in source.read(self._rows):
                    if isinstance(event, Row) and self._buffer(event):
                        continue
                    with interrupts.held_back():
                        self._take(event)
                interrupts.hold_back()
                for stream in self._rows:
                    self._flush(stream)
                if self._listings is not None and self._listed is not None:
                    self._missing = self._history.write_listing(self._listings, self._listed)
                self._history.commit()
                self._warn_of_missing()
            self._judge()
        except BaseException as error:
            interrupts.hold_back()
            self.result.status = "interrupted" if isinstance(error, KeyboardInterrupt) else "failed"
            self.result.error = str(error) or type(error).__name__
            with suppress(duckdb.Error):  # a full disk takes no note of itself
                self._finish(started)
            raise
        self._finish(started)
        return self.result

    def _buffer(self, row: Row) -> bool:
        """Keeps a row for later; False where the batch is full with it. An interrupt may come: nothing is written."""
        rows = self._rows[row.stream]
        rows.append(row.data)
        return len(rows) < BATCH_ROWS

    def _take(self, event: object) -> None:
        match event:
            case Row(stream):  # with which its batch is full
                self._flush(stream)
                self._progress.update(self.result.streams)
            case State(stream, state):
                self._flush(stream)
                self._write_state(stream, state)
                self._history.commit()
                self._accounts.update(entry["partition"]["social_network_id"] for entry in state.get("states", ()))
                self._progress.update(self.result.streams)
            case StreamFinished(stream):
                self._flush(stream)
                self._progress.finished(stream, self.result.streams[stream]["records"])
            case Failure():
                self._failures.append(event)
            case WarningEvent(text):
                self.result.warnings.append(text)
            case RequestCountEvent(sent):
                self.result.requests = sent
            case Listed(accounts):
                self._listed = accounts

    def _flush(self, stream: str) -> None:
        rows = self._rows[stream]
        if not rows:
            return
        written = self._write(stream, rows)
        self.result.streams[stream]["records"] += len(rows)
        self.result.streams[stream]["rows"] += written.new_rows
        self._kept["row", f"of {stream} where the answer had only zeros"] += written.only_zeros
        for column, count in written.kept.items():
            self._kept["value", f"of `{column}` in {stream} where the answer had none"] += count
        self._left_out[f"records of {stream} that have no key"] += written.without_key
        for column, (count, example) in written.unreadable.items():
            before, first = self._unreadable.get((stream, column), (0, example))
            self._unreadable[stream, column] = before + count, first
        rows.clear()

    def _warn_of_missing(self) -> None:
        """Warn of accounts that OneUp no longer lists; of a rename once. Of an empty list the connector warns."""
        if not self._listed or not self._missing:
            return
        renames = {rename.older: rename for rename in self._history.renames()}
        if gone := [each for each in self._missing if each.account not in renames]:
            self.result.warnings.append(describe_missing(gone))
        self.result.warnings += [
            renames[each.account].sentence for each in self._missing if each.account in renames and each.is_new
        ]

    def _write(self, stream: str, rows: list[Mapping[str, Any]]) -> Written:
        return self._history.write(stream, rows)

    def _write_state(self, stream: str, state: Mapping[str, Any]) -> None:
        self._history.write_state(stream, state)

    def _judge(self) -> None:
        """Status and exit status: what failed for some accounts is partial, what failed for all is a failure."""
        for stream in self._rows:
            self._left_out[f"records of {stream} that come once more with the same key"] = self._history.doubled(stream)
        self.result.warnings += [f"Left out {count} {what}." for what, count in self._left_out.items() if count]
        self.result.warnings += [
            f"{count} values of `{column}` in {stream} are no times and were left empty, for example "
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
        if not general and (self._configured or set(self._listed or ()) or self._accounts) - {
            account for account, _ in skipped if account
        }:
            self.result.status, self.result.exit_status = "partial", 3
            return
        self.result.status = "failed"
        reasons = dict.fromkeys(failure.reason for failure in general)
        self.result.error = " ".join(reasons) or "No account could be read in full."
        self.result.exit_status = 2 if all(failure.is_config_error for failure in self._failures) else 1

    def _finish(self, started: float) -> None:
        result = self.result
        result.duration_seconds = round(time.monotonic() - started, 3)
        self._history.finish_run(
            result.status,
            result.streams,
            result.skipped_accounts,
            result.requests,
            result.duration_seconds,
            result.error,
        )
