"""Write to the DuckDB file: transactions, tables, state and the log of runs."""

import json
import uuid
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import duckdb

from oneup_pinterest.clock import utc_now
from oneup_pinterest.database.bi.columns import BI_VIEWS
from oneup_pinterest.database.bi.create import create_bi_views, write_renames
from oneup_pinterest.database.comments import OWN_TABLES, stream_comments, write_comments
from oneup_pinterest.database.connection import database_path, log_of
from oneup_pinterest.database.lake import Lake
from oneup_pinterest.database.listed_accounts import KeyListings, MissingAccount, create_listed_accounts
from oneup_pinterest.database.migrations import migrate
from oneup_pinterest.database.place import Place
from oneup_pinterest.database.rename_detection import find_renames
from oneup_pinterest.database.renames import Rename
from oneup_pinterest.database.schema import create_pin_images
from oneup_pinterest.database.stored_tables import find_tables
from oneup_pinterest.errors import UserError
from oneup_pinterest.sync.batches import rows_of_wrong_type
from oneup_pinterest.sync.database_file import (
    attach,
    clear_work_folder,
    create_database,
    make_work_folder,
    work_folder,
)
from oneup_pinterest.sync.pin_tables import PinTables
from oneup_pinterest.sync.states import keep_other_entries, select_states
from oneup_pinterest.sync.tables import StreamTable, WriteResult

MEMORY_LIMIT = 64  # MB; at 32 a sync of 667,000 pins took more than seven minutes, and was stopped
LONG_ROW = 4_000  # bytes; DuckDB keeps long texts in memory until they are committed
THREADS = 2  # each needs its share of the memory, and a batch is too small for more


class DatabaseWriter:
    """The DuckDB file, open for writing; a context manager that rolls back and closes the file at its end.

    Raises:
        UserError: As `database_path`, `create_database`, `attach` and `make_work_folder`.
    """

    def __init__(self, path: Path) -> None:
        path = database_path(path)
        is_new = not path.exists() and create_database(path)
        self._open(path, attach(path, "READ_WRITE"), is_new)
        self._folder = work_folder(path)
        clear_work_folder(self._folder)  # a killed sync may have left files; we hold the lock, so nobody uses them
        try:
            make_work_folder(path)
        except UserError:
            self._connection.close()
            raise
        # a first sync is one long transaction; beyond the limit DuckDB keeps it on disk, so that memory stays flat
        self._connection.execute(f"SET threads = {THREADS}")
        self._connection.execute(f"SET memory_limit = '{MEMORY_LIMIT}MB'")
        self._connection.execute("SET temp_directory = ?", [str(self._folder)])

    def _open(self, path: Place, connection: duckdb.DuckDBPyConnection, is_new: bool) -> None:
        self.path, self.is_new, self._connection = path, is_new, connection
        self._tables: dict[str, StreamTable] = {}
        self._in_transaction = False
        self._long_text_bytes = 0  # in the open transaction
        self._run_id = ""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.roll_back()
        self._close()

    def _close(self) -> None:
        self._connection.close()
        clear_work_folder(self._folder)

    def remove_file(self) -> None:
        """Remove the file that this run created, so that a failed first sync leaves no empty history.

        The lock is still held, so no other sync has written into it. Windows removes no open file: there it stays.
        """
        path = Path(self.path)
        for file in (path, log_of(path)):
            with suppress(OSError):
                file.unlink(missing_ok=True)

    # ---- tables and rows

    def prepare(self, schemas: Mapping[str, tuple[Mapping[str, Any], Sequence[str]]]) -> None:
        """Migrate the file and create the tables of streams (name → JSON schema, primary key): all or, on error, none.

        Raises:
            UserError: As `start_run`, before anything is written; or a declared type differs from the stored one.
        """
        with suppress(duckdb.CatalogException):  # no sync has run in this file yet
            self._check_clock()
        self._begin()
        migrate(self._connection, self.path)
        create_listed_accounts(self._connection)
        create_pin_images(self._connection)
        for stream, (schema, key) in schemas.items():
            self._tables[stream] = self._table(stream, schema, key)
            self._tables[stream].prepare()
        self._connection.execute(
            "CREATE TABLE IF NOT EXISTS _airbyte_state (stream_name VARCHAR, state JSON, updated_at TIMESTAMP)"
        )
        self._connection.execute(
            "CREATE TABLE IF NOT EXISTS _sync_runs (run_id VARCHAR, started_at TIMESTAMP, finished_at TIMESTAMP, "
            "status VARCHAR, streams JSON, skipped_accounts JSON, requests BIGINT, duration_seconds DOUBLE, "
            "error VARCHAR)"
        )
        self._create_views()
        self.commit()

    def _table(self, stream: str, schema: Mapping[str, Any], key: Sequence[str]) -> StreamTable:
        table_class = PinTables if stream == "pins" else StreamTable
        return table_class(self._connection, stream, schema, key, self._raise_memory_limit)

    def _create_views(self) -> None:
        create_bi_views(self._connection)
        self._write_comments()

    def write(
        self, stream: str, rows: Sequence[Mapping[str, Any]], extracted_at: Sequence[int] | None = None
    ) -> WriteResult:
        """Write rows inside the open transaction, which `commit` ends.

        `extracted_at` is when each row was extracted (milliseconds since 1970, UTC); now if absent. If given, stored
        rows that were extracted later stay.
        """
        self._begin()
        return self._tables[stream].write(rows, _timestamp() if extracted_at is None else extracted_at)

    def rows_of_wrong_type(self, stream: str, rows: Sequence[Mapping[str, Any]]) -> list[int]:
        """Return the indexes of the rows with a value that is not of its column's type."""
        return rows_of_wrong_type(stream, rows, self._tables[stream].declared)

    def start_read(self, stream: str, count_duplicates: bool = True) -> None:
        """Begin another read, which may contain the same keys again without counting them as duplicates.

        If not `count_duplicates`, the duplicates before it are not counted either.
        """
        self._tables[stream].start_read(count_duplicates)

    def duplicates(self, stream: str) -> int:
        """Return how many rows written to a stream since `prepare` have the same key as another one in their read."""
        return self._tables[stream].duplicates()

    # ---- state

    def states(self) -> dict[str, dict[str, Any]]:
        """Return the state of each stream (stream name → state)."""
        return select_states(self._connection)

    def read_state(self, stream: str) -> tuple[dict[str, Any], datetime] | None:
        """Return a stream's state and when it was written (UTC); None if there is none."""
        row = self._connection.execute(
            "SELECT state, updated_at FROM _airbyte_state WHERE stream_name = ?", [stream]
        ).fetchone()
        return (json.loads(row[0]), row[1]) if row else None

    def write_state(self, stream: str, state: Mapping[str, Any], at: datetime | None = None) -> None:
        """Write the state of a stream inside the open transaction, which `commit` ends.

        Stored entries of other accounts (and presets) stay: they may belong to another key, for example.
        `at` is when the state was extracted (UTC); now if absent.
        """
        self._begin()
        state = keep_other_entries(state, self.states().get(stream, {}))
        self._connection.execute("DELETE FROM _airbyte_state WHERE stream_name = ?", [stream])
        self._connection.execute(
            "INSERT INTO _airbyte_state VALUES (?, ?, ?)", [stream, json.dumps(state), at or _timestamp()]
        )

    # ---- accounts

    def listings(self, key: str) -> KeyListings:
        """Return which accounts a key listed."""
        return KeyListings(self._connection, key)

    def write_listing(self, listings: KeyListings, listed: Mapping[str, str | None]) -> list[MissingAccount]:
        """Call `KeyListings.record` inside the open transaction, which `commit` ends."""
        self._begin()
        return listings.record(listed, _timestamp())

    def _write_comments(self) -> None:
        comments = {**OWN_TABLES, **BI_VIEWS}
        for table in self._tables.values():
            comments |= {name: stream_comments(name, table.descriptions) for name in table.relations()}
        write_comments(self._connection, comments)

    def renames(self) -> list[Rename]:
        """Return the renamed accounts as readers of the file recognize them; call it after `commit`."""
        try:
            return find_renames(self._connection, find_tables(self._connection, str(self.path), ["main"]))
        except duckdb.OutOfMemoryException:  # readers have more memory, and recognize them
            return []

    # ---- transactions

    def commit(self) -> None:
        if self._in_transaction:
            self._connection.execute("COMMIT")
            self._in_transaction = False

    def roll_back(self) -> None:
        if self._in_transaction:
            with suppress(duckdb.Error):  # a commit that failed on a full disk has ended the transaction
                self._connection.execute("ROLLBACK")
            self._in_transaction = False
            for table in self._tables.values():
                table.on_rollback()

    def _begin(self) -> None:
        if not self._in_transaction:
            if self._long_text_bytes:
                self._long_text_bytes = 0
                self._connection.execute(f"SET memory_limit = '{MEMORY_LIMIT}MB'")
            self._connection.execute("BEGIN")
            self._in_transaction = True

    def _raise_memory_limit(self, rows: int, size: int) -> None:
        """Raise DuckDB's memory limit if the texts of a batch are so long that it needs more."""
        if size > rows * LONG_ROW:
            self._long_text_bytes += size
            self._connection.execute(f"SET memory_limit = '{MEMORY_LIMIT + 6 * self._long_text_bytes // 1_000_000}MB'")

    # ---- the log of runs

    def start_run(self) -> None:
        """Log the start of a run; mark an earlier run that never finished as interrupted.

        Raises:
            UserError: The newest run started more than a day after the current time of this machine.
        """
        self._check_clock()
        self._run_id = uuid.uuid4().hex
        self._begin()
        self._connection.execute("UPDATE _sync_runs SET status = 'interrupted' WHERE status = 'running'")
        self._connection.execute(
            "INSERT INTO _sync_runs (run_id, started_at, status) VALUES (?, ?, 'running')", [self._run_id, _timestamp()]
        )
        self.commit()

    def finish_run(
        self,
        status: str,
        streams: Mapping[str, Any],
        skipped: Sequence[Any],
        requests: int | None,
        seconds: float,
        error: str | None,
    ) -> None:
        """Roll back what is not committed, and log the end of the run."""
        self.roll_back()
        renames = self.renames() if "pins" in self._tables else None
        self._begin()
        if renames is not None:
            write_renames(self._connection, renames)
        self._write_comments()  # of columns that the run has added
        self._connection.execute(
            "UPDATE _sync_runs SET finished_at = ?, status = ?, streams = ?, skipped_accounts = ?, requests = ?, "
            "duration_seconds = ?, error = ? WHERE run_id = ?",
            [_timestamp(), status, json.dumps(streams), json.dumps(skipped), requests, seconds, error, self._run_id],
        )
        self.commit()

    def _check_clock(self) -> None:
        row = self._connection.execute("SELECT max(started_at) FROM _sync_runs").fetchone()
        limit = utc_now().replace(tzinfo=None, microsecond=0) + timedelta(days=1)
        if row and row[0] is not None and row[0] > limit:
            raise UserError(
                f"Nothing was written: the newest sync in {self.path} started at {row[0]:%Y-%m-%d %H:%M} UTC, but this "
                f"machine's clock says {utc_now():%Y-%m-%d %H:%M} UTC. Correct the clock. If it is right, remove the "
                f"wrong run: DELETE FROM _sync_runs WHERE started_at > TIMESTAMP '{limit}';"
            )


def _timestamp() -> str:
    return utc_now().replace(tzinfo=None).isoformat(sep=" ", timespec="milliseconds")


def open_writer(place: Place, shard: str | None = None) -> DatabaseWriter:
    """Return the writer of a file or of a lake; `shard` is the part of a lake's accounts that only it writes.

    Raises:
        UserError: as `DatabaseWriter`, or `LakeWriter`.
    """
    if not isinstance(place, Lake):
        return DatabaseWriter(place)
    from oneup_pinterest.sync.lake_owner import WHOLE
    from oneup_pinterest.sync.lake_writer import LakeWriter

    return LakeWriter(place, shard or WHOLE)
