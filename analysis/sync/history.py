"""The DuckDB file as its one writer sees it: opening, transactions, state and the log of runs."""

import json
import tempfile
import uuid
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import duckdb

from analysis.clock import utc_now
from analysis.errors import UserError
from analysis.sync.tables import PinTables, StreamTable, Written

MEMORY_LIMIT = 64  # MB; at 32 a sync of 667,000 pins took more than seven minutes, and was stopped
LONG_ROW = 4_000  # bytes; DuckDB keeps long texts in memory until they are committed
THREADS = 2  # each wants a part of that, and a batch is no work for more
STORAGE_VERSION = "v1.2.0"  # DuckDB 1.2 and later, and MotherDuck, can read it


class History:
    """The file, open for writing. Use it in a `with` block; leaving it closes the file.

    Raises:
        UserError: another process has the file open, it is no DuckDB file, or its folder cannot be written.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._connection = _connect(path)
        self._tables: dict[str, StreamTable] = {}
        self._folder = tempfile.TemporaryDirectory(prefix="oneup-pinterest-")
        # a first sync is one long transaction; beyond this DuckDB keeps it on disk, so that memory stays flat
        self._connection.execute(f"SET threads = {THREADS}")
        self._connection.execute(f"SET memory_limit = '{MEMORY_LIMIT}MB'")
        self._connection.execute("SET temp_directory = ?", [self._folder.name])
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
        self._folder.cleanup()

    def prepare(self, schemas: Mapping[str, tuple[Mapping[str, Any], Sequence[str]]]) -> None:
        """Makes room for streams (name → JSON schema, primary key), all of them or, on an error, none."""
        self._begin()
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

    def write(self, stream: str, rows: Sequence[Mapping[str, Any]]) -> Written:
        """Writes rows inside the open transaction, which `commit` ends."""
        self._begin()
        return self._tables[stream].write(rows, str(Path(self._folder.name) / "batch.parquet"), _timestamp())

    def write_state(self, stream: str, state: Mapping[str, Any]) -> None:
        self._begin()
        self._connection.execute("DELETE FROM _airbyte_state WHERE stream_name = ?", [stream])
        self._connection.execute(
            "INSERT INTO _airbyte_state VALUES (?, ?, ?)", [stream, json.dumps(state), _timestamp()]
        )

    def commit(self) -> None:
        if self._in_transaction:
            self._connection.execute("COMMIT")
            self._in_transaction = False

    def roll_back(self) -> None:
        if self._in_transaction:
            self._connection.execute("ROLLBACK")
            self._in_transaction = False

    def start_run(self) -> None:
        """Notes the start of a run; a run that is still open has no process any more."""
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
        requests: int,
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
        UserError: as `History`.
    """
    if not path.exists():
        return {}
    connection = _connect(path, "READ_ONLY")
    try:
        rows = connection.execute("SELECT stream_name, state FROM _airbyte_state").fetchall()
    except duckdb.CatalogException:  # a database of something else, or of a sync that never began
        return {}
    finally:
        connection.close()
    return {stream: json.loads(state) for stream, state in rows}


def _connect(path: Path, option: str | None = None) -> duckdb.DuckDBPyConnection:
    name = str(path).replace("'", "''")
    if option is None:  # a file that is there keeps the storage version that it has
        option = "READ_WRITE" if path.exists() else f"STORAGE_VERSION '{STORAGE_VERSION}'"
    connection = duckdb.connect()
    try:
        connection.execute("SET TimeZone = 'UTC'")
        connection.execute(f"ATTACH '{name}' AS history ({option})")
        connection.execute("USE history")
    except duckdb.Error as error:
        connection.close()
        raise _open_error(path, error) from None
    return connection


def _open_error(path: Path, error: duckdb.Error) -> UserError:
    text = str(error)
    if "lock" in text.lower():
        return UserError(
            f"{path} is in use by another program (a sync, or a notebook that has it open): wait until it is done, "
            "or close it, then sync again."
        )
    if path.is_dir() or not path.parent.is_dir():
        what = "is a folder" if path.is_dir() else f"cannot be made, because there is no folder {path.parent}"
        return UserError(f"{path} {what}: name a file with --database.", exit_status=2)
    if "not a valid DuckDB database" in text or "Serialization" in text or "version" in text:
        return UserError(
            f"{path} is no database that this DuckDB ({duckdb.__version__}) can write: name another file with "
            "--database, or, if a newer DuckDB made it, upgrade duckdb."
        )
    return UserError(f"{path} cannot be opened for writing: {text.splitlines()[0]}")


def _timestamp() -> str:
    return utc_now().replace(tzinfo=None).isoformat(sep=" ", timespec="milliseconds")
