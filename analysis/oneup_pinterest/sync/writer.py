"""The DuckDB file as its one writer sees it: opening, transactions, state and the log of runs."""

import json
import os
import uuid
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import duckdb

from oneup_pinterest.clock import utc_now
from oneup_pinterest.console import print_message
from oneup_pinterest.database.connection import (
    connect_waiting,
    database_path,
    explain_database_errors,
    log_of,
    open_error,
)
from oneup_pinterest.database.listed_accounts import KeyListings, MissingAccount, create_listed_accounts
from oneup_pinterest.database.migrations import migrate, read_schema_version
from oneup_pinterest.database.rename_detection import find_renames
from oneup_pinterest.database.renames import Rename
from oneup_pinterest.database.stored_tables import find_tables
from oneup_pinterest.errors import UserError
from oneup_pinterest.formatting import strip_control_characters
from oneup_pinterest.sync.batches import misfits
from oneup_pinterest.sync.pin_tables import PinTables
from oneup_pinterest.sync.tables import StreamTable, Written
from oneup_pinterest.sync.work_folder import clear_work_folder, make_work_folder, work_folder

MEMORY_LIMIT = 64  # MB; at 32 a sync of 667,000 pins took more than seven minutes, and was stopped
LONG_ROW = 4_000  # bytes; DuckDB keeps long texts in memory until they are committed
THREADS = 2  # each wants a part of that, and a batch is no work for more
STORAGE_VERSION = "v1.2.0"  # DuckDB 1.2 and later, and MotherDuck, can read it


class DatabaseWriter:
    """The file, open for writing. Use it in a `with` block; leaving it closes the file.

    Raises:
        UserError: as `database_path`, `oneup_pinterest.database.connection.opened` and `make_work_folder`.
    """

    def __init__(self, path: Path) -> None:
        self.path = path = database_path(path)
        if not path.exists() and _make(path):
            words = f"A new database was made: {path}. If your history is in another file, name that with --database."
            print_message(strip_control_characters(words))
        self._connection = _connect(path, "READ_WRITE")
        self._tables: dict[str, StreamTable] = {}
        self._folder = work_folder(path)
        clear_work_folder(self._folder)  # whoever has the file has this too: a killed sync left it
        try:
            make_work_folder(path)
        except UserError:
            self._connection.close()
            raise
        # a first sync is one long transaction; beyond this DuckDB keeps it on disk, so that memory stays flat
        self._connection.execute(f"SET threads = {THREADS}")
        self._connection.execute(f"SET memory_limit = '{MEMORY_LIMIT}MB'")
        self._connection.execute("SET temp_directory = ?", [str(self._folder)])
        self._in_transaction = False
        self._long_texts = 0  # bytes of the open transaction
        self._run_id = ""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.roll_back()
        self._connection.close()
        clear_work_folder(self._folder)

    def prepare(self, schemas: Mapping[str, tuple[Mapping[str, Any], Sequence[str]]]) -> None:
        """Makes room for streams (name → JSON schema, primary key), all of them or, on an error, none.

        Raises:
            UserError: as `start_run`, before anything is written; or a declared type is not the stored one.
        """
        with suppress(duckdb.CatalogException):  # a file in which no sync has run
            self._require_clock()
        self._begin()
        migrate(self._connection, self.path)
        create_listed_accounts(self._connection)
        for stream, (schema, key) in schemas.items():
            kind = PinTables if stream == "pins" else StreamTable
            self._tables[stream] = kind(self._connection, stream, schema, key, self._make_room)
            self._tables[stream].prepare()
        self._connection.execute(
            "CREATE TABLE IF NOT EXISTS _airbyte_state (stream_name VARCHAR, state JSON, updated_at TIMESTAMP)"
        )
        self._connection.execute(
            "CREATE TABLE IF NOT EXISTS _sync_runs (run_id VARCHAR, started_at TIMESTAMP, finished_at TIMESTAMP, "
            "status VARCHAR, streams JSON, skipped_accounts JSON, requests BIGINT, duration_seconds DOUBLE, "
            "error VARCHAR)"
        )
        self.commit()

    def write(
        self, stream: str, rows: Sequence[Mapping[str, Any]], extracted_at: Sequence[int] | None = None
    ) -> Written:
        """Writes rows inside the open transaction, which `commit` ends.

        `extracted_at` is when each row was extracted (milliseconds since 1970, UTC), now if absent. With it, rows that
        were extracted later stay as they are.
        """
        self._begin()
        return self._tables[stream].write(rows, _timestamp() if extracted_at is None else extracted_at)

    def misfits(self, stream: str, rows: Sequence[Mapping[str, Any]]) -> list[int]:
        """Return which rows have a value that is not of its column's type."""
        return misfits(stream, rows, self._tables[stream].declared)

    def new_read(self, stream: str, counts: bool = True) -> None:
        """Begin another read, which may bring the same keys again; whether those before count as doubled."""
        self._tables[stream].new_read(counts)

    def doubled(self, stream: str) -> int:
        """How many rows written to a stream since `prepare` have the key of another one of them."""
        return self._tables[stream].doubled()

    def states(self) -> dict[str, dict[str, Any]]:
        """The state of each stream (stream name → state)."""
        return _states(self._connection)

    def read_state(self, stream: str) -> tuple[dict[str, Any], datetime] | None:
        """Return a stream's state and when it was written (UTC); None if there is none."""
        row = self._connection.execute(
            "SELECT state, updated_at FROM _airbyte_state WHERE stream_name = ?", [stream]
        ).fetchone()
        return (json.loads(row[0]), row[1]) if row else None

    def write_state(self, stream: str, state: Mapping[str, Any], at: datetime | None = None) -> None:
        """Write the state of a stream inside the open transaction, which `commit` ends.

        What the file has of accounts (and presets) that are not in it stays: they are another key's, for example.
        `at` is when the state was extracted (UTC), now if absent.
        """
        self._begin()
        state = _with_others(state, self.states().get(stream, {}))
        self._connection.execute("DELETE FROM _airbyte_state WHERE stream_name = ?", [stream])
        self._connection.execute(
            "INSERT INTO _airbyte_state VALUES (?, ?, ?)", [stream, json.dumps(state), at or _timestamp()]
        )

    def listings(self, key: str) -> KeyListings:
        """Which accounts a key listed."""
        return KeyListings(self._connection, key)

    def write_listing(self, listings: KeyListings, listed: Mapping[str, str | None]) -> list[MissingAccount]:
        """As `KeyListings.record`, inside the open transaction, which `commit` ends."""
        self._begin()
        return listings.record(listed, _timestamp())

    def renames(self) -> list[Rename]:
        """The renamed accounts, as readers of the file recognize them; to be called after `commit`."""
        try:
            return find_renames(self._connection, find_tables(self._connection, str(self.path), ["main"]))
        except duckdb.OutOfMemoryException:  # readers have more, and recognize them
            return []

    def commit(self) -> None:
        if self._in_transaction:
            self._connection.execute("COMMIT")
            self._in_transaction = False

    def roll_back(self) -> None:
        if self._in_transaction:
            with suppress(duckdb.Error):  # a commit that failed, for want of room, has ended it
                self._connection.execute("ROLLBACK")
            self._in_transaction = False
            for table in self._tables.values():
                table.rolled_back()

    def start_run(self) -> None:
        """Notes the start of a run; a run that is still open has no process any more.

        Raises:
            UserError: the newest run started more than a day later than the clock says it is.
        """
        self._require_clock()
        self._run_id = uuid.uuid4().hex
        self._begin()
        self._connection.execute("UPDATE _sync_runs SET status = 'interrupted' WHERE status = 'running'")
        self._connection.execute(
            "INSERT INTO _sync_runs (run_id, started_at, status) VALUES (?, ?, 'running')", [self._run_id, _timestamp()]
        )
        self.commit()

    def _require_clock(self) -> None:
        row = self._connection.execute("SELECT max(started_at) FROM _sync_runs").fetchone()
        limit = utc_now().replace(tzinfo=None, microsecond=0) + timedelta(days=1)
        if row and row[0] is not None and row[0] > limit:
            raise UserError(
                f"Nothing was written: the newest sync in {self.path} started at {row[0]:%Y-%m-%d %H:%M} UTC, and this "
                f"machine's clock says {utc_now():%Y-%m-%d %H:%M} UTC. Correct the clock; if it is right, remove the "
                f"run of the wrong one: DELETE FROM _sync_runs WHERE started_at > TIMESTAMP '{limit}';"
            )

    def finish_run(
        self,
        status: str,
        streams: Mapping[str, Any],
        skipped: Sequence[Any],
        requests: int | None,
        seconds: float,
        error: str | None,
    ) -> None:
        self.roll_back()
        self._begin()
        self._connection.execute(
            "UPDATE _sync_runs SET finished_at = ?, status = ?, streams = ?, skipped_accounts = ?, requests = ?, "
            "duration_seconds = ?, error = ? WHERE run_id = ?",
            [_timestamp(), status, json.dumps(streams), json.dumps(skipped), requests, seconds, error, self._run_id],
        )
        self.commit()

    def _make_room(self, rows: int, size: int) -> None:
        """Lets DuckDB have more memory for a batch whose texts are so long that it needs it."""
        if size > rows * LONG_ROW:
            self._long_texts += size
            self._connection.execute(f"SET memory_limit = '{MEMORY_LIMIT + 6 * self._long_texts // 1_000_000}MB'")

    def _begin(self) -> None:
        if not self._in_transaction:
            if self._long_texts:
                self._long_texts = 0
                self._connection.execute(f"SET memory_limit = '{MEMORY_LIMIT}MB'")
            self._connection.execute("BEGIN")
            self._in_transaction = True


def stored_states(path: Path) -> dict[str, dict[str, Any]]:
    """The state of each stream (stream name → state) in a file; none where there is no file yet.

    Raises:
        UserError: as `DatabaseWriter`.
    """
    if not path.exists():
        return {}
    connection = _connect(path, "READ_ONLY")
    try:
        with explain_database_errors(path, to_write=True):
            read_schema_version(connection, path)
            return _states(connection)
    except duckdb.CatalogException:  # a database of something else, or of a sync that never began
        return {}
    finally:
        connection.close()


def _states(connection: duckdb.DuckDBPyConnection) -> dict[str, dict[str, Any]]:
    rows = connection.execute("SELECT stream_name, state FROM _airbyte_state").fetchall()
    return {stream: json.loads(state) for stream, state in rows}


def _with_others(state: Mapping[str, Any], before: Mapping[str, Any]) -> dict[str, Any]:
    """A state with the cursors of an earlier one that are of other accounts, or of other presets of an account.

    An entry of 0.1.0, without a preset, is of the preset that the account now has.
    """
    entries = [entry for entry in state.get("states") or () if isinstance(entry, Mapping)]
    places = {_place(entry) for entry in entries}
    accounts = {account for account, _ in places}
    kept = []
    for entry in before.get("states") or ():
        if not isinstance(entry, Mapping) or "cursor" not in entry:
            continue
        account, preset = _place(entry)
        if account is None:
            continue
        if account not in accounts or (preset is not None and (account, preset) not in places):
            kept.append(entry)
    return {**state, "states": [*entries, *kept]} if kept else dict(state)


def _place(entry: Mapping[str, Any]) -> tuple[str | None, str | None]:
    partition = entry.get("partition")
    if not isinstance(partition, Mapping):
        return None, None
    return partition.get("social_network_id"), partition.get("preset")


def stored_periods(path: Path) -> dict[str, dict[str, Any]]:
    """The states with which every stored period is read again, beside the whole history from the start on.

    Raises:
        UserError: as `DatabaseWriter`.
    """
    if not path.exists():
        return {}
    connection = _connect(path, "READ_ONLY")
    states: dict[str, dict[str, Any]] = {}
    try:
        with explain_database_errors(path, to_write=True):
            read_schema_version(connection, path)
            for stream, preset in (
                ("overview_metrics", "preset"),
                ("post_performance", "preset"),
                ("pin_totals", "NULL"),
            ):
                with suppress(duckdb.CatalogException):  # a stream that was never synced
                    rows = connection.execute(
                        f"SELECT social_network_id, {preset}, "
                        "list(DISTINCT [period_start::VARCHAR, period_end::VARCHAR]) "
                        f"FROM main.{stream} GROUP BY ALL"
                    ).fetchall()
                    states[stream] = {"states": [_read_again(*row) for row in rows]}
    finally:
        connection.close()
    return states


def _read_again(account: str, preset: str | None, periods: list[list[str]]) -> dict[str, Any]:
    partition = {"social_network_id": account} | ({"preset": preset} if preset else {})
    return {"partition": partition, "read_again": sorted(periods)}


def _make(path: Path) -> bool:
    """Makes an empty database in one step: a process that is killed meanwhile leaves none, never a part of one.

    Returns False where another sync was faster.
    """
    target = Path(os.path.realpath(path))  # where a symbolic link leads
    folder = make_work_folder(path)
    made = folder / f"{uuid.uuid4().hex}.duckdb"
    try:
        with duckdb.connect() as connection:
            # a file that is there keeps the storage version that it has
            connection.execute(f"ATTACH {_literal(made)} AS made (TYPE duckdb, STORAGE_VERSION '{STORAGE_VERSION}')")
            connection.execute("DETACH made")
        try:
            os.link(made, target)  # fails where another sync was faster
        except OSError:
            if target.exists():
                return False
            made.rename(target)  # a file system without hard links
    except (OSError, duckdb.Error) as error:
        if not target.exists():
            raise open_error(path, error, to_write=True) from None
        return False
    finally:
        with suppress(OSError):
            made.unlink(missing_ok=True)
            log_of(made).unlink(missing_ok=True)
            if not target.exists():
                folder.rmdir()
    return True


def _connect(path: Path, option: str) -> duckdb.DuckDBPyConnection:
    path = database_path(path)

    def connect() -> duckdb.DuckDBPyConnection:
        connection = duckdb.connect()
        try:
            connection.execute("SET TimeZone = 'UTC'")
            connection.execute(f"ATTACH {_literal(path)} AS history (TYPE duckdb, {option})")
            connection.execute("USE history")
        except duckdb.Error:
            connection.close()
            raise
        return connection

    return connect_waiting(path, connect, to_write=True)  # or soon so: the state is read for a sync


def _literal(path: Path) -> str:
    return "'" + str(path).replace("'", "''") + "'"


def _timestamp() -> str:
    return utc_now().replace(tzinfo=None).isoformat(sep=" ", timespec="milliseconds")
