"""The table of a stream: create it, add columns, and write batches with unique keys. For pins see `pin_tables`."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Any, NamedTuple

import duckdb
import polars as pl

from oneup_pinterest.database.column_types import (
    MAX_EXACT_NUMBER,
    NUMERIC_TYPES,
    can_store,
    duckdb_type,
    inferred_type,
)
from oneup_pinterest.database.schema import EXTRACTED_AT, OTHER_FIELDS, RESERVED_COLUMNS, quoted
from oneup_pinterest.sync.batches import is_column_name, to_frame, type_change_error, undeclared_fields
from oneup_pinterest.sync.merging import MergeResult, RowMerger

ARRIVED = "arrived batch"  # the space keeps it apart from every table of a stream
ARRIVED_AT = "arrived at"  # a column of it, with a space for the same reason
MAX_ADDED_COLUMNS = 50  # per stream, for fields that no schema declares; more fields share OTHER_FIELDS


class WriteResult(NamedTuple):
    """The effect of a batch on the file; for `kept` and `only_zeros` see `MergeResult`."""

    new_rows: int
    without_key: int  # rows that were dropped because they had no key
    unreadable: Mapping[str, tuple[int, str]]  # column → number of texts that are not of its type, and an example
    kept: Mapping[str, int]
    only_zeros: int


class StreamTable:
    """A table named after its stream, with one row per primary key, merged by `RowMerger`.

    It has no index: to DELETE the keys of a batch and INSERT its rows takes a tenth of the time.
    """

    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection,
        stream: str,
        schema: Mapping[str, Any],
        key: Sequence[str],
        raise_memory_limit: Callable[[int, int], None],
    ):
        self.stream = stream
        self.key = list(key)
        self.declared = {name: duckdb_type(value) for name, value in schema["properties"].items()}
        self.descriptions = {
            name: value["description"] for name, value in schema["properties"].items() if "description" in value
        }
        self._connection = connection
        self._raise_memory_limit = raise_memory_limit
        self._columns: dict[str, dict[str, str]] = {}
        self._key_hashes: list[pl.Series] = []  # eight bytes per row: 5 MB for 667,000 pins
        self._merger = RowMerger(connection, stream, key, self.figures)
        self._earlier_duplicates = 0  # in the reads before this one
        self._has_read_starts = False  # whether the input marks where a read begins

    def prepare(self) -> None:
        """Create missing tables, columns and views.

        Raises:
            UserError: A declared type differs from the stored one.
        """
        for table, columns in self.tables().items():
            stored = dict(self._stored(table))
            for name, kind in columns.items():
                if stored.get(name, kind) != kind:
                    raise type_change_error(self.stream, name, stored[name], kind)
            if not stored:
                body = ", ".join(f"{quoted(name)} {kind}" for name, kind in columns.items())
                self._connection.execute(f"CREATE TABLE {quoted(table)} ({body})")
            for name in [name for name in columns if stored and name not in stored]:
                self._add_column(table, name, columns[name])
        self.create_views()

    @property
    def figures(self) -> list[str]:
        """The declared numeric columns outside the key."""
        return [name for name, kind in self.declared.items() if kind in NUMERIC_TYPES and name not in self.key]

    def tables(self) -> dict[str, dict[str, str]]:
        """Return the tables in the file with their declared columns (table → column → DuckDB type)."""
        return {self.stream: {**self.declared, EXTRACTED_AT: "TIMESTAMP"}}

    def create_views(self) -> None:
        """Create the views over the tables; a stream with one table needs none."""

    def relations(self) -> list[str]:
        """Return the names of the tables and views of the stream."""
        return list(self.tables())

    def table_of(self, column: str, kind: str) -> str:
        """Return the table for an undeclared column."""
        return self.stream

    def write(self, rows: Sequence[Mapping[str, Any]], extracted_at: str | Sequence[int]) -> WriteResult:
        """Write a batch inside the open transaction.

        `extracted_at` is one time for all rows, as an SQL literal, or a time per row in milliseconds since 1970 (UTC);
        in the second case the last extraction of a key wins, in whatever order the rows come.

        DuckDB reads the frame directly: with a file in between, its path could replace data (`id=5/` is a partition).
        """
        undeclared, other_fields = self._add_undeclared(rows)
        columns = self.declared | undeclared
        batch = to_frame(self.stream, rows, columns, other_fields)
        time = f"TIMESTAMP '{extracted_at}'"
        if not isinstance(extracted_at, str):
            batch = batch.with_columns(pl.Series(ARRIVED_AT, extracted_at, pl.Int64())).sort(ARRIVED_AT)
            time = f"epoch_ms({quoted(ARRIVED_AT)})"
        batch = batch.with_row_index("batch row")
        self._raise_memory_limit(batch.height, int(batch.estimated_size()))
        has_key = " AND ".join(f"{quoted(name)} IS NOT NULL" for name in self.key)
        source = f"FROM {quoted(ARRIVED)} WHERE {has_key}"
        hashes = batch.select(self.key).drop_nulls().hash_rows()
        self._key_hashes.append(hashes)
        unique_rows = self._unique_rows(columns, time, source, has_duplicates=hashes.n_unique() < hashes.len())
        with self._arrived(batch):
            self._connection.execute(f"CREATE OR REPLACE TEMP TABLE batch AS {unique_rows}")
        self._fetch_stored()
        if not isinstance(extracted_at, str):
            self._drop_outdated()
        unreadable = self._unreadable(batch, columns, source)
        merged = self._merge()
        without_key = batch.height - hashes.len()
        return WriteResult(merged.new_rows, without_key, unreadable, merged.kept, merged.only_zeros)

    def _fetch_stored(self) -> None:
        """Bring the stored rows here that the batch can touch; a file has them."""

    def _unique_rows(self, columns: Mapping[str, str], time: str, source: str, *, has_duplicates: bool) -> str:
        """Return SQL for one row per key of a batch: the last value of each column, or the last entry of a list."""
        typed = ", ".join(f"{cast(name, kind)} AS {quoted(name)}" for name, kind in columns.items())
        typed += f", {time} AS {EXTRACTED_AT}"
        keys, place = ", ".join(map(quoted, self.key)), quoted("batch row")
        if has_duplicates and not self._merger.is_list:  # arg_max ignores nulls
            names = [name for name in (*columns, EXTRACTED_AT) if name not in self.key]
            last = [f"arg_max({quoted(name)}, {place}) AS {quoted(name)}" for name in names]
            return f"SELECT {', '.join([keys, *last])} FROM (SELECT {place}, {typed} {source}) GROUP BY {keys}"
        return f"SELECT {typed} {source} QUALIFY row_number() OVER (PARTITION BY {keys} ORDER BY {place} DESC) = 1"

    @contextmanager
    def _arrived(self, batch: pl.DataFrame) -> Iterator[None]:
        """Register a frame with DuckDB under the name ARRIVED; it can be read once.

        DuckDB 1.5 and 2.0 read an Arrow capsule without pyarrow, which a registered frame needs (50 MB of memory).
        """
        self._connection.register(ARRIVED, batch.__arrow_c_stream__())
        try:
            yield
        finally:
            with suppress(duckdb.Error):  # a failed transaction has already removed it
                self._connection.unregister(ARRIVED)

    def duplicates(self) -> int:
        """Return how many rows so far, in any batch, have the same key as another row of their read."""
        here = sum(map(len, self._key_hashes)) - pl.concat(self._key_hashes).n_unique() if self._key_hashes else 0
        return self._earlier_duplicates + here

    def start_read(self, count_duplicates: bool) -> None:
        """Begin another read, whose keys are no duplicates of earlier ones; see `DatabaseWriter.start_read`."""
        self._earlier_duplicates = self.duplicates() if count_duplicates else self._earlier_duplicates
        self._key_hashes.clear()
        if count_duplicates:
            self._has_read_starts = True
            self._merger.start_read()

    def on_rollback(self) -> None:
        """Forget the columns and temporary tables that the transaction added."""
        self._columns.clear()
        self._merger.on_rollback()

    def _drop_outdated(self) -> None:
        """Remove rows from the batch of which the file has a later extraction."""
        if self._merger.replaces_periods:
            self._merger.drop_outdated_reads("batch", self._has_read_starts)
            return
        row = self._connection.execute(f"SELECT min({EXTRACTED_AT}) FROM batch").fetchone()
        if row and row[0] is not None:  # a literal lets DuckDB skip all earlier rows
            same = " AND ".join(f"stored.{quoted(name)} = batch.{quoted(name)}" for name in self.key)
            self._connection.execute(
                f"DELETE FROM batch USING {quoted(self.stream)} AS stored WHERE {same} "
                f"AND stored.{EXTRACTED_AT} > batch.{EXTRACTED_AT} AND stored.{EXTRACTED_AT} > TIMESTAMP '{row[0]}'"
            )

    def _unreadable(self, batch: pl.DataFrame, columns: Mapping[str, str], source: str) -> dict[str, tuple[int, str]]:
        """Return how many texts per column are not of its type, and so are null in the file, with an example."""
        found = {}
        for name, kind in columns.items():
            if kind == "TIMESTAMP":  # the connector itself makes all dates
                is_unreadable = f"trim({quoted(name)}) <> '' AND {cast(name, kind)} IS NULL"
                query = f"SELECT count(*), left(min({quoted(name)}), 100) {source} AND {is_unreadable}"
                with self._arrived(batch):
                    ((count, example),) = self._connection.execute(query).fetchall()
                if count:
                    found[name] = count, example
        return found

    def _merge(self) -> MergeResult:
        """Merge the temporary table `batch` into the file."""
        return self._merger.merge("batch", self._stored(self.stream))

    def _add_undeclared(self, rows: Sequence[Mapping[str, Any]]) -> tuple[dict[str, str], set[str]]:
        """Add or widen the columns that the undeclared fields of a batch need.

        Returns:
            Column → type of these fields, and the names of the fields that share the column OTHER_FIELDS.
        """
        fields = self._undeclared_fields(rows)
        if not fields:
            return {}, set()
        found: dict[str, str] = {}
        other_fields: set[str] = set()
        stored = {name: kind for table in self.tables() for name, kind in self._stored(table).items()}
        before = dict(stored)
        for field in fields:
            values = [row.get(field) for row in rows]
            kind = inferred_type(values)
            if kind is None:
                continue
            if field in RESERVED_COLUMNS or (field not in stored and not self._can_add(field, stored)):
                other_fields.add(field)
                continue
            if field not in stored:
                self._add_column(self.table_of(field, kind), field, kind)
            else:
                kind = self._common_type(field, stored[field], kind, values)
                self._change_column(field, kind)
            stored[field] = found[field] = kind
        if other_fields:
            found[OTHER_FIELDS] = stored[OTHER_FIELDS] = "JSON"
            if OTHER_FIELDS not in before:
                self._add_column(self.table_of(OTHER_FIELDS, "JSON"), OTHER_FIELDS, "JSON")
        if stored != before:
            self.create_views()
        return found, other_fields

    def _undeclared_fields(self, rows: Sequence[Mapping[str, Any]]) -> list[str]:
        """Return the fields of a batch that no schema declares."""
        return undeclared_fields(rows, self.declared)

    def _common_type(self, column: str, stored: str, arriving: str, values: Sequence[Any]) -> str:
        """Return the type that holds both the stored and the arriving values of a column exactly."""
        if can_store(stored, arriving):
            return stored
        return "DOUBLE" if self._can_be_double(column, stored, values) else "VARCHAR"

    def _can_add(self, field: str, stored: Mapping[str, str]) -> bool:
        added = len(stored.keys() - self.declared.keys() - set(RESERVED_COLUMNS))
        return added < MAX_ADDED_COLUMNS and is_column_name(field, (*stored, *self.declared, *RESERVED_COLUMNS))

    def _can_be_double(self, column: str, stored: str, values: Sequence[Any]) -> bool:
        """Return whether a DOUBLE holds both the stored and the arriving values of a column exactly."""
        numbers = [value for value in values if value is not None]
        if stored not in NUMERIC_TYPES or inferred_type([*numbers, 0.5]) != "DOUBLE":
            return False
        values_of = self._values_of(self._table_with(column), column)
        query = f"SELECT count(*) FROM ({values_of}) WHERE abs({quoted(column)}::HUGEINT) > {MAX_EXACT_NUMBER}"
        return stored == "DOUBLE" or self._count(query) == 0

    def _values_of(self, table: str, column: str) -> str:
        """Return the query for all stored values of a column."""
        return f"SELECT {quoted(column)} FROM {quoted(table)}"

    def _table_with(self, column: str) -> str:
        return next(table for table in self.tables() if column in self._stored(table))

    def _change_column(self, column: str, kind: str) -> None:
        table = self._table_with(column)
        if self._columns[table][column] != kind:
            self._connection.execute(f"ALTER TABLE {quoted(table)} ALTER {quoted(column)} SET DATA TYPE {kind}")
            self._columns[table][column] = kind

    def _stored(self, table: str) -> dict[str, str]:
        """Return the columns of a table in the file, cached; empty if there is no such table."""
        if not self._columns.get(table):
            self._columns[table] = dict(
                self._connection.execute(
                    "SELECT column_name, data_type FROM duckdb_columns() WHERE database_name = current_database() "
                    "AND schema_name = 'main' AND table_name = ? ORDER BY column_index",
                    [table],
                ).fetchall()
            )
        return self._columns[table]

    def _add_column(self, table: str, name: str, kind: str) -> None:
        self._connection.execute(f"ALTER TABLE {quoted(table)} ADD COLUMN {quoted(name)} {kind}")
        self._columns[table][name] = kind

    def _drop_column(self, table: str, name: str) -> None:
        self._connection.execute(f"ALTER TABLE {quoted(table)} DROP COLUMN {quoted(name)}")
        del self._columns[table][name]

    def _count(self, statement: str) -> int:
        row = self._connection.execute(statement).fetchone()
        return int(row[0]) if row else 0


def cast(name: str, kind: str) -> str:
    """Return SQL that casts a column, to null if that fails; dates and times only in the years 1 to 9999."""
    cast = f"TRY_CAST({quoted(name)} AS {kind})"
    return f"CASE WHEN year({cast}) BETWEEN 1 AND 9999 THEN {cast} END" if kind in ("DATE", "TIMESTAMP") else cast
