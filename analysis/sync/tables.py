"""Where a stream's rows live in the file: a table with unique keys, or, for pins, two tables and two views."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Any, NamedTuple

import duckdb
import polars as pl

from analysis.relations import EXTRACTED_AT, quoted
from analysis.sync.batch import (
    EXACT,
    OTHER_FIELDS,
    RESERVED,
    as_frame,
    can_name_a_column,
    duckdb_type,
    fits,
    inferred_type,
    type_change,
    undeclared_fields,
)

ARRIVED = "arrived batch"  # with a blank, which no relation of a stream has
ARRIVED_AT = "arrived at"  # a column of it, for the same reason
MOST_ADDED = 50  # columns of a stream for fields that no schema declares; further ones share OTHER_FIELDS


class Written(NamedTuple):
    """What a batch did: rows that are new, rows left out because they had no key, and of which columns how many texts
    are no value of their type, with an example."""

    new_rows: int
    without_key: int
    unreadable: Mapping[str, tuple[int, str]]


class StreamTable:
    """One table named after its stream; one row a primary key, the last one wins.

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
        self._doubled_before = 0  # in reads before this one

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
        batch = as_frame(self.stream, rows, columns, others).with_row_index("batch row")
        self._make_room(batch.height, int(batch.estimated_size()))
        typed = ", ".join(f"{_cast(name, kind)} AS {quoted(name)}" for name, kind in columns.items())
        keys = ", ".join(map(quoted, self.key))
        has_key = " AND ".join(f"{quoted(name)} IS NOT NULL" for name in self.key)
        source = f"FROM {quoted(ARRIVED)} WHERE {has_key}"
        time, last = f"TIMESTAMP '{extracted_at}'", f"{quoted('batch row')} DESC"
        if not isinstance(extracted_at, str):
            batch = batch.with_columns(pl.Series(ARRIVED_AT, extracted_at, pl.Int64()))
            time, last = f"epoch_ms({quoted(ARRIVED_AT)})", f"{quoted(ARRIVED_AT)} DESC, {last}"
        with self._arrived(batch):
            self._connection.execute(
                f"CREATE OR REPLACE TEMP TABLE batch AS SELECT {typed}, {time} AS {EXTRACTED_AT} "
                f"{source} QUALIFY row_number() OVER (PARTITION BY {keys} ORDER BY {last}) = 1"
            )
        if not isinstance(extracted_at, str):
            self._pass_over_older()
        written = batch.select(self.key).drop_nulls().hash_rows()
        self._keys.append(written)
        unreadable = self._unreadable(batch, columns, source)
        return Written(self._replace(), batch.height - written.len(), unreadable)

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

    def rolled_back(self) -> None:
        """The transaction is undone, and with it the columns that it added."""
        self._columns.clear()

    def _pass_over_older(self) -> None:
        """Remove from the batch what the file has from a later extraction."""
        same = " AND ".join(f"stored.{quoted(name)} = batch.{quoted(name)}" for name in self.key)
        self._connection.execute(
            f"DELETE FROM batch USING {quoted(self.stream)} AS stored "
            f"WHERE {same} AND stored.{EXTRACTED_AT} > batch.{EXTRACTED_AT} AND {self._extracted_later()}"
        )

    def _extracted_later(self) -> str:
        """SQL for stored rows that may be later than one of the batch: a literal, so that DuckDB skips all others."""
        row = self._connection.execute(f"SELECT min({EXTRACTED_AT}) FROM batch").fetchone()
        return f"stored.{EXTRACTED_AT} > TIMESTAMP '{row[0]}'" if row and row[0] is not None else "false"

    def _unreadable(self, batch: pl.DataFrame, columns: Mapping[str, str], source: str) -> dict[str, tuple[int, str]]:
        """Column → how many texts are no value of its type, and are null in the file, and one of them."""
        found = {}
        for name, kind in columns.items():
            if kind == "TIMESTAMP":  # dates are the connector's own
                is_none = f"trim({quoted(name)}) <> '' AND {_cast(name, kind)} IS NULL"
                query = f"SELECT count(*), left(min({quoted(name)}), 100) {source} AND {is_none}"
                with self._arrived(batch):
                    ((count, example),) = self._connection.execute(query).fetchall()
                if count:
                    found[name] = count, example
        return found

    def _replace(self) -> int:
        same = " AND ".join(f"stored.{quoted(name)} = batch.{quoted(name)}" for name in self.key)
        removed = self._count(f"DELETE FROM {quoted(self.stream)} AS stored USING batch WHERE {same}")
        return self._count(f"INSERT INTO {quoted(self.stream)} BY NAME SELECT * FROM batch ORDER BY ALL") - removed

    def _undeclared(self, rows: Sequence[Mapping[str, Any]]) -> tuple[dict[str, str], set[str]]:
        """Column → type for fields that no schema declares, and those fields that share the column OTHER_FIELDS.

        The table is changed as that needs: a column is added, or becomes text where it was of another type.
        """
        fields = undeclared_fields(rows, self.declared)
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
            if field in RESERVED or (field not in stored and not self._may_be_added(field, stored)):
                others.add(field)
                continue
            if field not in stored:
                self._add_column(self.table_of(field, kind), field, kind)
            elif not fits(stored[field], kind):
                kind = "DOUBLE" if self._can_be_double(field, stored[field], values) else "VARCHAR"
                self._change_column(field, kind)
            else:
                kind = stored[field]
            stored[field] = found[field] = kind
        if others:
            found[OTHER_FIELDS] = stored[OTHER_FIELDS] = "JSON"
            if OTHER_FIELDS not in before:
                self._add_column(self.table_of(OTHER_FIELDS, "JSON"), OTHER_FIELDS, "JSON")
        if stored != before:
            self.create_views()
        return found, others

    def _may_be_added(self, field: str, stored: Mapping[str, str]) -> bool:
        added = len(stored.keys() - self.declared.keys() - set(RESERVED))
        return added < MOST_ADDED and can_name_a_column(field, (*stored, *self.declared, *RESERVED))

    def _can_be_double(self, column: str, stored: str, values: Sequence[Any]) -> bool:
        """Whether a DOUBLE holds exactly what a column holds and what is to come into it."""
        numbers = [value for value in values if value is not None]
        if stored not in ("BIGINT", "DOUBLE") or inferred_type([*numbers, 0.5]) != "DOUBLE":
            return False
        table = self._table_with(column)
        query = f"SELECT count(*) FROM {quoted(table)} WHERE abs({quoted(column)}::HUGEINT) > {EXACT}"
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

    def _count(self, statement: str) -> int:
        row = self._connection.execute(statement).fetchone()
        return int(row[0]) if row else 0


class PinTables(StreamTable):
    """Pins: what seldom changes once a pin, counters once a day, joined by a small number.

    A day then costs about 6 bytes a pin (16 with the ids in every row), and `pins` is a view over the two.
    """

    ATTRIBUTES, COUNTERS = "_pin_attributes", "_pin_counters"
    SEEN_LATER = "seen later"  # pins of a batch that the file has from a later extraction; their texts stay
    OF_A_DAY = ("snapshot_date", "period_start", "period_end", OTHER_FIELDS)

    _but_older = ""  # SQL that leaves them out of a batch

    def tables(self) -> dict[str, dict[str, str]]:
        of_a_day = {name: kind for name, kind in self.declared.items() if self._is_of_a_day(name, kind)}
        of_the_pin = {name: kind for name, kind in self.declared.items() if name not in of_a_day}
        return {
            self.ATTRIBUTES: {"pin_key": "INTEGER", **of_the_pin},
            self.COUNTERS: {"pin_key": "INTEGER", **of_a_day, EXTRACTED_AT: "TIMESTAMP"},
        }

    def table_of(self, column: str, kind: str) -> str:
        return self.COUNTERS if self._is_of_a_day(column, kind) else self.ATTRIBUTES

    def _is_of_a_day(self, column: str, kind: str) -> bool:
        return column in self.OF_A_DAY or kind in ("BIGINT", "DOUBLE")

    def create_views(self) -> None:
        stored = {**self._stored(self.ATTRIBUTES), **self._stored(self.COUNTERS)}
        if EXTRACTED_AT not in stored:  # the second table is still to come
            return
        del stored["pin_key"]
        others = [name for name in stored if name not in self.declared]
        columns = ", ".join(quoted(name) for name in (*self.declared, *others))
        joined = f"SELECT {columns} FROM {self.COUNTERS} JOIN {self.ATTRIBUTES} USING (pin_key)"
        newest = f"SELECT pin_key, max(snapshot_date) AS snapshot_date FROM {self.COUNTERS} GROUP BY pin_key"
        self._connection.execute(f"CREATE OR REPLACE VIEW pins AS {joined}")
        self._connection.execute(
            f"CREATE OR REPLACE VIEW pins_latest AS {joined} "
            f"SEMI JOIN ({newest}) AS newest USING (pin_key, snapshot_date)"
        )

    def _pass_over_older(self) -> None:
        self._connection.execute(
            f"CREATE OR REPLACE TEMP TABLE {quoted(self.SEEN_LATER)} AS SELECT social_network_id, id "
            f"FROM batch JOIN pins AS stored USING (social_network_id, id) WHERE {self._extracted_later()} "
            f"GROUP BY ALL HAVING max(stored.{EXTRACTED_AT}) > max(batch.{EXTRACTED_AT})"
        )
        self._but_older = f"ANTI JOIN {quoted(self.SEEN_LATER)} USING (social_network_id, id)"
        super()._pass_over_older()

    def _replace(self) -> int:
        attributes = [name for name in self._stored(self.ATTRIBUTES) if name != "pin_key"]
        arriving = set(self._batch_columns())
        known = [name for name in attributes if name in arriving]
        listed = ", ".join(map(quoted, known))
        of_a_pin = "social_network_id, id"
        pins = self._count(
            f"CREATE OR REPLACE TEMP TABLE batch_pins AS SELECT {listed} FROM batch {self._but_older} "
            f"QUALIFY row_number() OVER (PARTITION BY {of_a_pin} ORDER BY snapshot_date DESC) = 1"
        )
        new = self._count(
            f"INSERT INTO {self.ATTRIBUTES} BY NAME "
            f"SELECT coalesce((SELECT max(pin_key) FROM {self.ATTRIBUTES}), 0) "
            f"+ row_number() OVER (ORDER BY {of_a_pin}) AS pin_key, * "
            f"FROM batch_pins ANTI JOIN {self.ATTRIBUTES} USING ({of_a_pin})"
        )
        same_pin = "stored.social_network_id = batch_pins.social_network_id AND stored.id = batch_pins.id"
        changeable = [quoted(name) for name in known if name not in self.key]
        if new < pins:
            self._connection.execute(
                f"UPDATE {self.ATTRIBUTES} AS stored "
                f"SET {', '.join(f'{name} = batch_pins.{name}' for name in changeable)} FROM batch_pins "
                f"WHERE {same_pin} "
                f"AND ({' OR '.join(f'stored.{name} IS DISTINCT FROM batch_pins.{name}' for name in changeable)})"
            )
        counters = ", ".join(quoted(name) for name in arriving - set(attributes))
        self._connection.execute(
            f"CREATE OR REPLACE TEMP TABLE batch_counters AS SELECT pin_key, {counters} FROM batch "
            f"JOIN {self.ATTRIBUTES} USING ({of_a_pin}) ORDER BY snapshot_date, pin_key"
        )
        # the literal days let DuckDB skip the row groups of all other days
        days = self._connection.execute("SELECT min(snapshot_date), max(snapshot_date) FROM batch").fetchone()
        if not days or days[0] is None:
            return 0
        removed = self._count(
            f"DELETE FROM {self.COUNTERS} AS stored USING batch_counters WHERE stored.pin_key = batch_counters.pin_key "
            "AND stored.snapshot_date = batch_counters.snapshot_date "
            f"AND stored.snapshot_date BETWEEN DATE '{days[0]}' AND DATE '{days[1]}'"
        )
        return self._count(f"INSERT INTO {self.COUNTERS} BY NAME SELECT * FROM batch_counters") - removed

    def _batch_columns(self) -> list[str]:
        return [str(column[0]) for column in self._connection.execute("SELECT * FROM batch LIMIT 0").description or ()]


def _cast(name: str, kind: str) -> str:
    """SQL that makes a value of a column, or null; of a time, only within the years that a calendar has."""
    cast = f"TRY_CAST({quoted(name)} AS {kind})"
    return f"CASE WHEN year({cast}) BETWEEN 1 AND 9999 THEN {cast} END" if kind in ("DATE", "TIMESTAMP") else cast
