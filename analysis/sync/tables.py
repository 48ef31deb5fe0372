"""Where a stream's rows live in the file: a table with unique keys, or, for pins, two tables and two views."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import duckdb
import polars as pl

from analysis.relations import EXTRACTED_AT, quoted
from analysis.sync.batch import as_frame, duckdb_type, fits, inferred_type, type_change, undeclared_columns


class Written(NamedTuple):
    """What a batch did: rows that are new, and rows left out because they had no key."""

    new_rows: int
    without_key: int


class StreamTable:
    """One table named after its stream; one row a primary key, the last one wins.

    There is no index: DELETE of the batch's keys and INSERT cost a tenth of it (see the design's measurements).
    """

    def __init__(
        self, connection: duckdb.DuckDBPyConnection, stream: str, schema: Mapping[str, Any], key: Sequence[str]
    ):
        self.stream = stream
        self.key = list(key)
        self.declared = {name: duckdb_type(value) for name, value in schema["properties"].items()}
        self._connection = connection
        self._columns: dict[str, dict[str, str]] = {}

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

    def write(self, rows: Sequence[Mapping[str, Any]], path: str, extracted_at: str) -> Written:
        """Writes a batch inside the open transaction, by way of a Parquet file at `path`.

        Raises:
            UserError: a column's type has changed; the transaction is the caller's to roll back.
        """
        columns = {name: (name, kind) for name, kind in self.declared.items()} | self._undeclared(rows)
        batch = as_frame(self.stream, rows, columns).with_row_index("batch_row")
        batch.write_parquet(path, compression="uncompressed")
        typed = ", ".join(
            f"TRY_CAST({quoted(column)} AS {kind}) AS {quoted(column)}" for column, kind in columns.values()
        )
        keys = ", ".join(map(quoted, self.key))
        has_key = " AND ".join(f"{quoted(name)} IS NOT NULL" for name in self.key)
        self._connection.execute(
            f"CREATE OR REPLACE TEMP TABLE batch AS SELECT {typed}, TIMESTAMP '{extracted_at}' AS {EXTRACTED_AT} "
            f"FROM read_parquet({_literal(path)}) WHERE {has_key} "
            f"QUALIFY row_number() OVER (PARTITION BY {keys} ORDER BY batch_row DESC) = 1"
        )
        without_key = batch.select(pl.any_horizontal(pl.col(self.key).is_null()).sum()).item()
        return Written(self._replace(), without_key)

    def _replace(self) -> int:
        same = " AND ".join(f"stored.{quoted(name)} = batch.{quoted(name)}" for name in self.key)
        removed = self._count(f"DELETE FROM {quoted(self.stream)} AS stored USING batch WHERE {same}")
        return self._count(f"INSERT INTO {quoted(self.stream)} BY NAME SELECT * FROM batch ORDER BY ALL") - removed

    def _undeclared(self, rows: Sequence[Mapping[str, Any]]) -> dict[str, tuple[str, str]]:
        found: dict[str, tuple[str, str]] = {}
        stored = {name: kind for table in self.tables() for name, kind in self._stored(table).items()}
        for field, column in undeclared_columns(rows, self.declared).items():
            kind = inferred_type(row.get(field) for row in rows)
            if kind is None:
                continue
            if column not in stored:
                self._add_column(self.table_of(column, kind), column, kind)
                self.create_views()
            elif not fits(stored[column], kind):
                raise type_change(self.stream, column, stored[column], kind)
            found[field] = (column, stored.get(column, kind))
        return found

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
    OF_A_DAY = ("snapshot_date", "period_start", "period_end")

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

    def _replace(self) -> int:
        attributes = [name for name in self._stored(self.ATTRIBUTES) if name != "pin_key"]
        arriving = set(self._batch_columns())
        known = [name for name in attributes if name in arriving]
        listed = ", ".join(map(quoted, known))
        of_a_pin = "social_network_id, id"
        pins = self._count(
            f"CREATE OR REPLACE TEMP TABLE batch_pins AS SELECT {listed} FROM batch "
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


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
