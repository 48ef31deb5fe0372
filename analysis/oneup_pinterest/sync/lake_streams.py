"""The tables of the streams in memory, which get the rows of the lake that a batch can touch before it is merged."""

from collections.abc import Sequence
from typing import Any

import duckdb

from oneup_pinterest.database.lake_connection import CATALOG
from oneup_pinterest.database.schema import PIN_ATTRIBUTES, PIN_COUNTERS, quoted
from oneup_pinterest.sync.lake_tables import KEYS, PIN, LakeTables, date_column
from oneup_pinterest.sync.pin_tables import PinTables
from oneup_pinterest.sync.tables import StreamTable

STORED = "stored"  # the schema in memory of the rows as the lake has them
MAX_ACCOUNTS = 500  # in a list that lets DuckLake skip the files of other accounts


class LakeStreamTable(StreamTable):
    """The table of a stream in memory, which gets the rows of the lake that a batch can touch."""

    def use_lake(self, lake: LakeTables, written: set[str]) -> None:
        self._lake, self._written = lake, written

    def _stored(self, table: str) -> dict[str, str]:
        if not self._columns.get(table):
            self._columns[table] = memory_columns(self._connection, "main", table)
        return self._columns[table]

    def _fetch_stored(self) -> None:
        """Copy the rows of the lake with the accounts and days of the batch, unless they are here already."""
        self._written.add(self.stream)
        self._copy(self.stream, list(self._stored(self.stream)), _range_of_batch(self._connection, self.stream))

    def _copy(self, table: str, columns: Sequence[str], where: str | None) -> None:
        lake_columns = self._lake.columns().get(table, {})
        if where is None or not lake_columns:
            return
        known = [name for name in columns if name in lake_columns]
        _prepare_stored(self._connection, table)
        key = ", ".join(map(quoted, KEYS[table]))
        self._connection.execute(
            f"CREATE OR REPLACE TEMP TABLE fetched AS FROM ({_of_lake(self._lake.newest(table, known, where))}) "
            f"ANTI JOIN {STORED}.{quoted(table)} USING ({key})"
        )
        for schema in (STORED, "main"):
            self._connection.execute(f"INSERT INTO {schema}.{quoted(table)} BY NAME FROM fetched")

    def _values_of(self, table: str, column: str) -> str:
        return f"SELECT {quoted(column)} FROM {quoted(table)} UNION ALL BY NAME {self._in_lake(table, column)}"

    def _in_lake(self, table: str, column: str) -> str:
        if column not in self._lake.columns().get(table, {}):
            return f"SELECT NULL AS {quoted(column)} WHERE false"
        return f"SELECT {quoted(column)} FROM ({_of_lake(self._lake.newest(table, [column]))})"


class LakePinTables(PinTables, LakeStreamTable):
    """The two tables of pins in memory; the number of a pin is one of this transaction only."""

    def _common_type(self, column: str, stored: str, arriving: str, values: Sequence[Any]) -> str:
        return StreamTable._common_type(self, column, stored, arriving, values)  # no file of 0.1.0 to move it in

    def _fetch_stored(self) -> None:
        """Copy the pins of the batch, with their counters from its first day on."""
        self._newest = None
        self._written.update((PIN_ATTRIBUTES, PIN_COUNTERS))
        where, since = (_range_of_batch(self._connection, name) for name in (PIN_ATTRIBUTES, PIN_COUNTERS))
        lake_columns = self._lake.columns()
        if where is None or since is None or PIN_COUNTERS not in lake_columns:
            return
        run, ids = self._connection.execute, ", ".join(PIN)
        for table in (PIN_ATTRIBUTES, PIN_COUNTERS):
            _prepare_stored(self._connection, table)
        columns = [name for name in self._stored(PIN_ATTRIBUTES) if name in lake_columns[PIN_ATTRIBUTES]]
        run(
            "CREATE OR REPLACE TEMP TABLE fetched AS SELECT ((SELECT coalesce(max(pin_key), 0) "
            f"FROM main.{PIN_ATTRIBUTES}) + row_number() OVER ())::INTEGER AS pin_key, * "
            f"FROM ({_of_lake(self._lake.newest(PIN_ATTRIBUTES, columns, where))}) "
            f"SEMI JOIN batch USING ({ids}) ANTI JOIN main.{PIN_ATTRIBUTES} USING ({ids})"
        )
        for schema in (STORED, "main"):
            run(f"INSERT INTO {schema}.{PIN_ATTRIBUTES} BY NAME FROM fetched")
        columns = [name for name in self._stored(PIN_COUNTERS) if name in lake_columns[PIN_COUNTERS]]
        run(
            f"CREATE OR REPLACE TEMP TABLE fetched AS SELECT pin_key, counters.* EXCLUDE ({ids}) "
            f"FROM ({_of_lake(self._lake.newest(PIN_COUNTERS, [*PIN, *columns], since))}) AS counters "
            f"JOIN (SELECT pin_key, {ids} FROM main.{PIN_ATTRIBUTES} SEMI JOIN batch USING ({ids})) USING ({ids}) "
            f"ANTI JOIN {STORED}.{PIN_COUNTERS} USING (pin_key, snapshot_date)"
        )
        for schema in (STORED, "main"):
            run(f"INSERT INTO {schema}.{PIN_COUNTERS} BY NAME FROM fetched")


def memory_columns(connection: duckdb.DuckDBPyConnection, schema: str, table: str) -> dict[str, str]:
    """Return the columns of a table in memory; duckdb_columns() would bind all views of the lake too."""
    try:
        shape = connection.sql(f"FROM memory.{schema}.{quoted(table)} LIMIT 0")
    except duckdb.CatalogException:
        return {}
    return dict(zip(shape.columns, map(str, shape.types), strict=True))


def _prepare_stored(connection: duckdb.DuckDBPyConnection, table: str) -> None:
    """Create the table of the rows as the lake has them, or give it the columns that were added meanwhile."""
    name = f"{STORED}.{quoted(table)}"
    connection.execute(f"CREATE TABLE IF NOT EXISTS {name} AS FROM main.{quoted(table)} LIMIT 0")
    if memory_columns(connection, STORED, table) != memory_columns(connection, "main", table):
        connection.execute(
            f"CREATE OR REPLACE TABLE {name} AS SELECT * FROM (FROM main.{quoted(table)} LIMIT 0) "
            f"UNION ALL BY NAME FROM {name}"
        )


def _of_lake(query: str) -> str:
    """Return a query over the lake for the connection of the tables in memory."""
    return query.replace("FROM versions.", f"FROM {CATALOG}.versions.")


def _range_of_batch(connection: duckdb.DuckDBPyConnection, table: str) -> str | None:
    """Return the condition on the key of a table that all rows meet that a batch can touch; None for no row."""
    day = date_column(table)
    days = f"min({day}), max({day})" if day else "NULL, NULL"
    ((first, last, least, most, count),) = connection.execute(
        f"SELECT {days}, min(social_network_id), max(social_network_id), count(DISTINCT social_network_id) FROM batch"
    ).fetchall()
    if least is None:
        return None
    condition = f"social_network_id BETWEEN {_literal(least)} AND {_literal(most)}"
    if count <= MAX_ACCOUNTS:
        accounts = connection.execute("SELECT DISTINCT social_network_id FROM batch ORDER BY 1").fetchall()
        condition = f"social_network_id IN ({', '.join(_literal(name) for (name,) in accounts if name is not None)})"
    if first is not None:
        until = "" if table == PIN_COUNTERS else f" AND {day} <= DATE '{last}'"  # a later day decides what is newest
        condition += f" AND {day} >= DATE '{first}'{until}"
    return condition


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
