"""Where a stream's rows live in the file: a table with unique keys; for pins see `pin_tables`."""

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
from oneup_pinterest.sync.batches import as_frame, can_name_a_column, type_change, undeclared_fields
from oneup_pinterest.sync.merging import Merged, Merging

ARRIVED = "arrived batch"  # with a blank, which no relation of a stream has
ARRIVED_AT = "arrived at"  # a column of it, for the same reason
MOST_ADDED = 50  # columns of a stream for fields that no schema declares; further ones share OTHER_FIELDS


class Written(NamedTuple):
    """What a batch did: rows that are new, rows left out because they had no key, and of which columns how many texts
    are no value of their type, with an example; and what it did not replace (see `Merged`)."""

    new_rows: int
    without_key: int
    unreadable: Mapping[str, tuple[int, str]]
    kept: Mapping[str, int]
    only_zeros: int


class StreamTable:
    """One table named after its stream; one row a primary key, merged as `Merging` says.

    There is no index: DELETE of the batch's keys and INSERT cost a tenth of it (see the design's measurements).
    """

    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection,
        stream: str,
        schema: Mapping[str, Any],
        key: Sequence[str],
        make_room: Callable[[int, int], None],
    ):
        self.stream = stream
        self.key = list(key)
        self.declared = {name: duckdb_type(value) for name, value in schema["properties"].items()}
        self._connection = connection
        self._make_room = make_room
        self._columns: dict[str, dict[str, str]] = {}
        self._keys: list[pl.Series] = []  # a hash of each row's key, eight bytes: 5 MB for 667,000 pins
        self._merging = Merging(connection, stream, key, self.figures)
        self._doubled_before = 0  # in reads before this one
        self._reads_start = False  # whether the input says where a read begins

    def prepare(self) -> None:
        """Creates what is missing; raises UserError where a declared type is not the stored one."""
        for table, columns in self.tables().items():
            stored = dict(self._stored(table))
            for name, kind in columns.items():
                if stored.get(name, kind) != kind:
                    raise type_change(self.stream, name, stored[name], kind)
            if not stored:
                body = ", ".join(f"{quoted(name)} {kind}" for name, kind in columns.items())
                self._connection.execute(f"CREATE TABLE {quoted(table)} ({body})")
            for name in [name for name in columns if stored and name not in stored]:
                self._add_column(table, name, columns[name])
        self.create_views()

    @property
    def figures(self) -> list[str]:
        """The declared numbers beside the key."""
        return [name for name, kind in self.declared.items() if kind in NUMERIC_TYPES and name not in self.key]

    def tables(self) -> dict[str, dict[str, str]]:
        return {self.stream: {**self.declared, EXTRACTED_AT: "TIMESTAMP"}}

    def create_views(self) -> None:
        """A table needs none."""

    def table_of(self, column: str, kind: str) -> str:
        """The table that takes a column which no schema declares."""
        return self.stream

    def write(self, rows: Sequence[Mapping[str, Any]], extracted_at: str | Sequence[int]) -> Written:
        """Write a batch inside the open transaction.

        `extracted_at` is the time of all rows as SQL writes it, or that of each in milliseconds since 1970 (UTC); then
        the last extraction of a key wins, whatever comes last.

        DuckDB reads the frame itself: a file on the way would bring its path into the data (`id=5/` is a partition).
        """
        undeclared, others = self._undeclared(rows)
        columns = self.declared | undeclared
        batch = as_frame(self.stream, rows, columns, others)
        time = f"TIMESTAMP '{extracted_at}'"
        if not isinstance(extracted_at, str):
            batch = batch.with_columns(pl.Series(ARRIVED_AT, extracted_at, pl.Int64())).sort(ARRIVED_AT)
            time = f"epoch_ms({quoted(ARRIVED_AT)})"
        batch = batch.with_row_index("batch row")
        self._make_room(batch.height, int(batch.estimated_size()))
        has_key = " AND ".join(f"{quoted(name)} IS NOT NULL" for name in self.key)
        source = f"FROM {quoted(ARRIVED)} WHERE {has_key}"
        written = batch.select(self.key).drop_nulls().hash_rows()
        self._keys.append(written)
        rows_of_batch = self._once_a_key(columns, time, source, is_doubled=written.n_unique() < written.len())
        with self._arrived(batch):
            self._connection.execute(f"CREATE OR REPLACE TEMP TABLE batch AS {rows_of_batch}")
        if not isinstance(extracted_at, str):
            self._pass_over_older()
        unreadable = self._unreadable(batch, columns, source)
        merged = self._replace()
        without_key = batch.height - written.len()
        return Written(merged.new_rows, without_key, unreadable, merged.kept, merged.only_zeros)

    def _once_a_key(self, columns: Mapping[str, str], time: str, source: str, *, is_doubled: bool) -> str:
        """SQL for the rows of a batch, each key once: of each column the last value, of a list's entry the last one."""
        typed = ", ".join(f"{cast(name, kind)} AS {quoted(name)}" for name, kind in columns.items())
        typed += f", {time} AS {EXTRACTED_AT}"
        keys, place = ", ".join(map(quoted, self.key)), quoted("batch row")
        if is_doubled and not self._merging.is_list:  # arg_max passes over nulls
            names = [name for name in (*columns, EXTRACTED_AT) if name not in self.key]
            last = [f"arg_max({quoted(name)}, {place}) AS {quoted(name)}" for name in names]
            return f"SELECT {', '.join([keys, *last])} FROM (SELECT {place}, {typed} {source}) GROUP BY {keys}"
        return f"SELECT {typed} {source} QUALIFY row_number() OVER (PARTITION BY {keys} ORDER BY {place} DESC) = 1"

    @contextmanager
    def _arrived(self, batch: pl.DataFrame) -> Iterator[None]:
        """Let DuckDB read a frame once under the name ARRIVED.

        An Arrow capsule needs no pyarrow in DuckDB 1.5 and 2.0; the frame itself would, and costs 50 MB for it.
        """
        self._connection.register(ARRIVED, batch.__arrow_c_stream__())
        try:
            yield
        finally:
            with suppress(duckdb.Error):  # a transaction that failed takes it away by itself
                self._connection.unregister(ARRIVED)

    def doubled(self) -> int:
        """How many of the rows written so far, in whichever batch, had a key that another one of them has too."""
        here = sum(map(len, self._keys)) - pl.concat(self._keys).n_unique() if self._keys else 0
        return self._doubled_before + here

    def new_read(self, counts: bool) -> None:
        """Keys that come from here on are those of another read; whether those before count as doubled."""
        self._doubled_before = self.doubled() if counts else self._doubled_before
        self._keys.clear()
        if counts:
            self._reads_start = True
            self._merging.new_read()

    def rolled_back(self) -> None:
        """The transaction is undone, and with it the columns that it added."""
        self._columns.clear()
        self._merging.rolled_back()

    def _pass_over_older(self) -> None:
        """Remove from the batch what the file has from a later extraction."""
        if self._merging.is_whole:
            self._merging.take_reads("batch", self._reads_start)
            return
        row = self._connection.execute(f"SELECT min({EXTRACTED_AT}) FROM batch").fetchone()
        if row and row[0] is not None:  # a literal, so that DuckDB skips all rows from before
            same = " AND ".join(f"stored.{quoted(name)} = batch.{quoted(name)}" for name in self.key)
            self._connection.execute(
                f"DELETE FROM batch USING {quoted(self.stream)} AS stored WHERE {same} "
                f"AND stored.{EXTRACTED_AT} > batch.{EXTRACTED_AT} AND stored.{EXTRACTED_AT} > TIMESTAMP '{row[0]}'"
            )

    def _unreadable(self, batch: pl.DataFrame, columns: Mapping[str, str], source: str) -> dict[str, tuple[int, str]]:
        """Column → how many texts are no value of its type, and are null in the file, and one of them."""
        found = {}
        for name, kind in columns.items():
            if kind == "TIMESTAMP":  # dates are the connector's own
                is_none = f"trim({quoted(name)}) <> '' AND {cast(name, kind)} IS NULL"
                query = f"SELECT count(*), left(min({quoted(name)}), 100) {source} AND {is_none}"
                with self._arrived(batch):
                    ((count, example),) = self._connection.execute(query).fetchall()
                if count:
                    found[name] = count, example
        return found

    def _replace(self) -> Merged:
        """Write the temporary table `batch`."""
        return self._merging.write("batch", self._stored(self.stream))

    def _undeclared(self, rows: Sequence[Mapping[str, Any]]) -> tuple[dict[str, str], set[str]]:
        """Column → type for fields that no schema declares, and those fields that share the column OTHER_FIELDS.

        The table is changed as that needs: a column is added, or becomes text where it was of another type.
        """
        fields = self._fields(rows)
        if not fields:
            return {}, set()
        found: dict[str, str] = {}
        others: set[str] = set()
        stored = {name: kind for table in self.tables() for name, kind in self._stored(table).items()}
        before = dict(stored)
        for field in fields:
            values = [row.get(field) for row in rows]
            kind = inferred_type(values)
            if kind is None:
                continue
            if field in RESERVED_COLUMNS or (field not in stored and not self._may_be_added(field, stored)):
                others.add(field)
                continue
            if field not in stored:
                self._add_column(self.table_of(field, kind), field, kind)
            else:
                kind = self._common_type(field, stored[field], kind, values)
                self._change_column(field, kind)
            stored[field] = found[field] = kind
        if others:
            found[OTHER_FIELDS] = stored[OTHER_FIELDS] = "JSON"
            if OTHER_FIELDS not in before:
                self._add_column(self.table_of(OTHER_FIELDS, "JSON"), OTHER_FIELDS, "JSON")
        if stored != before:
            self.create_views()
        return found, others

    def _fields(self, rows: Sequence[Mapping[str, Any]]) -> list[str]:
        """The fields of a batch that no schema declares."""
        return undeclared_fields(rows, self.declared)

    def _common_type(self, column: str, stored: str, arriving: str, values: Sequence[Any]) -> str:
        """The type that holds exactly what a column holds and what comes into it."""
        if can_store(stored, arriving):
            return stored
        return "DOUBLE" if self._can_be_double(column, stored, values) else "VARCHAR"

    def _may_be_added(self, field: str, stored: Mapping[str, str]) -> bool:
        added = len(stored.keys() - self.declared.keys() - set(RESERVED_COLUMNS))
        return added < MOST_ADDED and can_name_a_column(field, (*stored, *self.declared, *RESERVED_COLUMNS))

    def _can_be_double(self, column: str, stored: str, values: Sequence[Any]) -> bool:
        """Whether a DOUBLE holds exactly what a column holds and what is to come into it."""
        numbers = [value for value in values if value is not None]
        if stored not in NUMERIC_TYPES or inferred_type([*numbers, 0.5]) != "DOUBLE":
            return False
        table = self._table_with(column)
        query = f"SELECT count(*) FROM {quoted(table)} WHERE abs({quoted(column)}::HUGEINT) > {MAX_EXACT_NUMBER}"
        return stored == "DOUBLE" or self._count(query) == 0

    def _table_with(self, column: str) -> str:
        return next(table for table in self.tables() if column in self._stored(table))

    def _change_column(self, column: str, kind: str) -> None:
        table = self._table_with(column)
        if self._columns[table][column] != kind:
            self._connection.execute(f"ALTER TABLE {quoted(table)} ALTER {quoted(column)} SET DATA TYPE {kind}")
            self._columns[table][column] = kind

    def _stored(self, table: str) -> dict[str, str]:
        """The columns of a table in the file; empty where there is none. Asked for once: nobody else writes."""
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
    """SQL that makes a value of a column, or null; of a time, only within the years that a calendar has."""
    cast = f"TRY_CAST({quoted(name)} AS {kind})"
    return f"CASE WHEN year({cast}) BETWEEN 1 AND 9999 THEN {cast} END" if kind in ("DATE", "TIMESTAMP") else cast
