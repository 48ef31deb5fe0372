"""Write to a lake: batches are merged in a private database in memory, and what changed is appended to the lake."""

import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any

import duckdb

from oneup_pinterest.database.bi.create import RENAMES, create_renames
from oneup_pinterest.database.lake import Lake, lake_error
from oneup_pinterest.database.lake_connection import CATALOG, connect_lake
from oneup_pinterest.database.listed_accounts import LISTED_ACCOUNTS, KeyListings
from oneup_pinterest.database.migrations import VERSION_TABLE
from oneup_pinterest.database.rename_detection import find_renames
from oneup_pinterest.database.renames import Rename
from oneup_pinterest.database.schema import PIN_ATTRIBUTES, PIN_COUNTERS, PIN_IMAGES, SYNC_RUNS, quoted
from oneup_pinterest.database.stored_tables import find_tables
from oneup_pinterest.errors import UserError
from oneup_pinterest.sync.lake_owner import WHOLE, LakeOwner
from oneup_pinterest.sync.lake_streams import STORED, LakePinTables, LakeStreamTable, memory_columns
from oneup_pinterest.sync.lake_tables import KEYS, PIN, STATE, LakeTables, split_states
from oneup_pinterest.sync.tables import StreamTable
from oneup_pinterest.sync.writer import DatabaseWriter

MEMORY_LIMIT = 1024  # MB; beyond, DuckDB keeps the batches of a transaction on disk
THREADS = 2
APPEND_INTERVAL = 10  # seconds; what a killed sync loses, and half of the files that a lake gets otherwise
MAX_CONFLICTS = 20  # commits that another writer's new column or table made fail
OWN_TABLES = (VERSION_TABLE, STATE, LISTED_ACCOUNTS, RENAMES, SYNC_RUNS)
_CONFLICT = ("conflict", "already exists")  # words of DuckDB where another writer was faster
_CHANGED = "changed"  # the schema in memory of the rows to append


class LakeWriter(DatabaseWriter):
    """A lake, open for writing by the only owner of a shard. It merges as `DatabaseWriter` does, with the same code.

    That code runs on tables in memory. Before a batch is merged, they get the newest rows of the lake that the batch
    can touch. `commit` appends the rows that are new or changed, together with the state, in one transaction of the
    lake, and empties the tables.

    Raises:
        UserError: as `connect_lake` and `LakeOwner`.
    """

    def __init__(self, lake: Lake, shard: str = WHOLE) -> None:
        self._shard = shard
        self._owner = LakeOwner(lake, shard)
        self._folder_in_use = tempfile.TemporaryDirectory(prefix="oneup_lake_", ignore_cleanup_errors=True)
        try:
            with self._owner.alone():  # of two new owners, one creates the lake
                database = connect_lake(lake, to_write=True, may_create=True)
        except BaseException:
            self._owner.close()
            raise
        self._lake = LakeTables(database)
        super()._open(lake, database.cursor(), is_new=False)
        self._connection.execute(f"SET threads = {THREADS}")
        self._connection.execute(f"SET memory_limit = '{MEMORY_LIMIT}MB'")
        self._connection.execute("SET temp_directory = ?", [self._folder_in_use.name])
        self._connection.execute("USE memory")
        for schema in (STORED, _CHANGED):
            self._connection.execute(f"CREATE SCHEMA {schema}")
        self._written: set[str] = set()  # tables of streams with batches since the last commit
        self._appended_at = time.monotonic()
        self._changed: dict[str, int] = {}  # tables with rows to append, and how many

    def _close(self) -> None:
        self._connection.close()
        self._lake.connection.close()
        self._owner.close()
        self._folder_in_use.cleanup()

    def remove_file(self) -> None:
        """Leave the lake: it is empty, and another owner may be about to write it."""

    # ---- tables and rows

    def prepare(self, schemas: Mapping[str, tuple[Mapping[str, Any], Sequence[str]]]) -> None:
        """Create what the lake lacks; raises as `DatabaseWriter.prepare`."""
        with self._owner.alone():
            self._copy_own_tables()
            super().prepare(schemas)
            self.append()

    def _copy_own_tables(self) -> None:
        """Create the tables of the lake in memory, those of the kit with their rows."""
        for table, columns in self._lake.columns().items():
            kinds = dict(columns)
            if table == STATE:
                kinds = {"stream_name": "VARCHAR", "state": "JSON", "updated_at": "TIMESTAMP"}
            if table in (PIN_ATTRIBUTES, PIN_COUNTERS):
                left_out = PIN if table == PIN_COUNTERS else ()
                kinds = {"pin_key": "INTEGER", **{name: kind for name, kind in kinds.items() if name not in left_out}}
            body = ", ".join(f"{quoted(name)} {kind}" for name, kind in kinds.items())
            self._connection.execute(f"CREATE TABLE main.{quoted(table)} ({body})")
            if table in OWN_TABLES:
                query = f"FROM main.{quoted(table)}"
                if table == SYNC_RUNS:  # the newest for the clock; running ones of this shard were interrupted
                    mine = "true" if self._shard == WHOLE else f"shard = '{self._shard}'"
                    unfinished = (
                        f"status = 'running' AND run_id IN (SELECT run_id FROM versions.{SYNC_RUNS} WHERE {mine})"
                    )
                    query = (  # a run of another shard goes on, so that `start_run` must not see it as running
                        f"SELECT * REPLACE (if({unfinished}, status, 'of another owner') AS status) {query} "
                        f"WHERE ({unfinished}) OR started_at = (SELECT max(started_at) FROM main.{SYNC_RUNS})"
                    )
                rows = self._lake.connection.sql(query)
                self._insert(table, rows, list(kinds))
        self._keep_stored(OWN_TABLES)

    def _insert(self, table: str, rows: duckdb.DuckDBPyRelation, columns: Sequence[str]) -> None:
        marks = ", ".join("?" * len(columns))
        if found := rows.fetchall():
            self._connection.executemany(f"INSERT INTO main.{quoted(table)} VALUES ({marks})", found)

    def _table(self, stream: str, schema: Mapping[str, Any], key: Sequence[str]) -> StreamTable:
        table_class = LakePinTables if stream == "pins" else LakeStreamTable
        table = table_class(self._connection, stream, schema, key, self._raise_memory_limit)
        table.use_lake(self._lake, self._written)
        return table

    def _create_views(self) -> None:
        create_renames(self._connection)

    def _write_comments(self) -> None:
        """Leave out comments on columns: DuckLake has none on those of views."""

    def _raise_memory_limit(self, rows: int, size: int) -> None:
        """Keep the limit, which is higher than that of a file."""

    # ---- accounts

    def listings(self, key: str) -> KeyListings:
        """Return which accounts a key listed."""
        ((salt,),) = self._lake.connection.execute(
            "SELECT replace(table_uuid::VARCHAR, '-', '') FROM ducklake_table_info(?) WHERE table_name = ?",
            [CATALOG, LISTED_ACCOUNTS],
        ).fetchall()
        return KeyListings(self._connection, key, salt)

    def renames(self) -> list[Rename]:
        """Return the renamed accounts as readers of the lake recognize them; call it after `commit`."""
        self.append()
        tables = find_tables(self._lake.connection, str(self.path), ["main"], "")
        tables = [table for table in tables if table.relation not in (PIN_ATTRIBUTES, PIN_COUNTERS)]
        return find_renames(self._lake.connection, tables)

    # ---- transactions

    def commit(self) -> None:
        """Commit in memory; append what was committed to the lake, unless that was done seconds ago."""
        super().commit()
        if time.monotonic() - self._appended_at >= APPEND_INTERVAL:
            self.append()

    def start_run(self) -> None:
        """Log the start of a run, as `DatabaseWriter` does."""
        super().start_run()
        self.append()

    def finish_run(self, *arguments: Any) -> None:
        """Roll back what is not committed, log the end of the run, and append everything to the lake."""
        super().finish_run(*arguments)
        self.append()

    def append(self) -> None:
        """Append what changed since the last time to the lake, in one transaction."""
        for table in self._tables_in_memory():
            if table in OWN_TABLES or table in self._written:
                self._find_changes(table)
        is_prepared = bool(self._tables)
        for attempt in range(MAX_CONFLICTS + 1):
            try:
                self._append_once(is_prepared)
                break
            except (duckdb.Error, UserError) as error:
                with suppress(duckdb.Error):
                    self._lake.connection.execute("ROLLBACK")
                self._lake.forget()
                if isinstance(error, UserError):
                    raise
                if attempt == MAX_CONFLICTS or not any(words in str(error).lower() for words in _CONFLICT):
                    raise lake_error(self._lake_place, error) from error
        self._keep_stored(OWN_TABLES)
        for table in self._written:
            for schema in ("main", STORED):
                self._connection.execute(
                    f"CREATE OR REPLACE TABLE {schema}.{quoted(table)} AS FROM main.{quoted(table)} LIMIT 0"
                )
        self._written.clear()
        self._changed.clear()
        self._appended_at = time.monotonic()

    def _append_once(self, is_prepared: bool) -> None:
        lake = self._lake.connection
        lake.execute("BEGIN")
        if is_prepared:
            pins = self._tables.get("pins")
            self._lake.create(self._shapes(), self._declared(), list(pins.declared) if pins else [])
        ((snapshot,),) = lake.execute("SELECT id FROM ducklake_current_snapshot(?)", [CATALOG]).fetchall()
        for table in self._changed:
            self._lake.append(table, f"memory.{_CHANGED}.{quoted(table)}", snapshot + 1, self._shard)
        self._owner.require_owned()
        lake.execute("COMMIT")

    def _find_changes(self, table: str) -> None:
        """Create the table of rows to append: those that the lake lacks, and the keys of those that are gone."""
        columns = self._columns("main", table)
        stored = self._columns(STORED, table)
        now = f"main.{quoted(table)}"
        before = ", ".join(
            f"{quoted(name)}::{kind} AS {quoted(name)}" if name in stored else f"NULL::{kind} AS {quoted(name)}"
            for name, kind in columns.items()
        )
        then = f"(SELECT {before} FROM {STORED}.{quoted(table)})" if stored else f"(FROM {now} LIMIT 0)"
        key: Sequence[str] = KEYS[table]
        if table == STATE:
            now, then = f"({split_states(now)})", f"({split_states(then)})"
        elif table == PIN_COUNTERS:
            key = ("pin_key", "snapshot_date")
        same = " AND ".join(f"old.{quoted(name)} = new.{quoted(name)}" for name in key) or "true"
        keys = ", ".join(f"old.{quoted(name)}" for name in key) or f"old.{quoted(next(iter(columns)))}"
        changed = (
            f"SELECT *, false AS _removed FROM (FROM {now} EXCEPT FROM {then}) UNION ALL BY NAME "
            f"SELECT {keys}, true AS _removed FROM {then} AS old WHERE NOT EXISTS (FROM {now} AS new WHERE {same})"
        )
        if table == PIN_COUNTERS:
            ids = ", ".join(PIN)
            changed = (
                f"SELECT {ids}, changed.* EXCLUDE (pin_key) FROM ({changed}) AS changed "
                f"JOIN main.{PIN_ATTRIBUTES} USING (pin_key)"
            )
        elif table == PIN_ATTRIBUTES:
            changed = f"SELECT * EXCLUDE (pin_key) FROM ({changed})"
        ((rows,),) = self._connection.execute(
            f"CREATE OR REPLACE TABLE {_CHANGED}.{quoted(table)} AS {changed}"
        ).fetchall()
        if rows:
            self._changed[table] = rows
        else:
            self._changed.pop(table, None)

    def _keep_stored(self, tables: Sequence[str]) -> None:
        """Remember the rows of the kit's tables as those that the lake has."""
        for table in tables:
            if self._columns("main", table):
                self._connection.execute(
                    f"CREATE OR REPLACE TABLE {STORED}.{quoted(table)} AS FROM main.{quoted(table)}"
                )

    def _shapes(self) -> dict[str, dict[str, str]]:
        """Return the columns that the tables of the lake must have."""
        shapes: dict[str, dict[str, str]] = {}
        for table in self._tables_in_memory():
            columns = self._columns("main", table)
            if table == STATE:
                columns = {"stream_name": "VARCHAR", "partition": "VARCHAR", "entry": "JSON", "updated_at": "TIMESTAMP"}
            elif table in (PIN_ATTRIBUTES, PIN_COUNTERS):
                ids = dict.fromkeys(PIN, "VARCHAR")
                columns = {**ids, **{name: kind for name, kind in columns.items() if name != "pin_key"}}
            shapes[table] = columns
        return shapes

    def _declared(self) -> dict[str, list[str]]:
        """Return the columns whose type never changes, of the tables that may have others."""
        return {
            name: [*PIN, *columns] if name in (PIN_ATTRIBUTES, PIN_COUNTERS) else list(columns)
            for table in self._tables.values()
            for name, columns in table.tables().items()
        }

    def _tables_in_memory(self) -> Iterator[str]:
        prepared = {name for table in self._tables.values() for name in table.tables()}
        return (table for table in KEYS if table in prepared or table in OWN_TABLES or table == PIN_IMAGES)

    def _columns(self, schema: str, table: str) -> dict[str, str]:
        return memory_columns(self._connection, schema, table)

    @property
    def _lake_place(self) -> Lake:
        assert isinstance(self.path, Lake)
        return self.path
