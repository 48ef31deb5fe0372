"""The tables of a lake: versions of rows, which are only ever appended, and views that pick the newest ones.

DuckLake lets writers insert into one table at the same time, but a DELETE of one fails the commits of all others. So a
changed row is inserted again with a higher version, and a row that is gone once more with `_removed`.
"""

from collections.abc import Mapping, Sequence

import duckdb

from oneup_pinterest.database.bi.columns import BI_VIEWS
from oneup_pinterest.database.bi.create import RENAMES
from oneup_pinterest.database.bi.statements import bi_views
from oneup_pinterest.database.column_types import COUNT, FLAG, JSON, NUMBER, TEXT
from oneup_pinterest.database.comments import OWN_TABLES, RELATIONS, replace_view
from oneup_pinterest.database.lake_connection import CATALOG
from oneup_pinterest.database.listed_accounts import LISTED_ACCOUNTS
from oneup_pinterest.database.migrations import VERSION_TABLE
from oneup_pinterest.database.schema import (
    PIN_ATTRIBUTES,
    PIN_COUNTERS,
    PIN_IMAGES,
    STREAMS,
    SYNC_RUNS,
    TABLES,
    quoted,
)

STATE = "_airbyte_state"
VERSIONS = "versions"  # the schema of the tables
BUCKETS = 8  # parts of the pins, by account; more parts are more and smaller files
PIN = ("social_network_id", "id")
KEYS: Mapping[str, tuple[str, ...]] = {
    **{name: TABLES[name].key for name in STREAMS if name != "pins"},
    PIN_ATTRIBUTES: PIN,
    PIN_COUNTERS: (*PIN, "snapshot_date"),
    STATE: ("stream_name", "partition"),
    SYNC_RUNS: ("run_id",),
    LISTED_ACCOUNTS: ("key_fingerprint", "social_network_id"),
    RENAMES: ("social_network_id",),
    PIN_IMAGES: PIN,
    VERSION_TABLE: (),
}
_PARTITIONS = {
    PIN_ATTRIBUTES: f"bucket({BUCKETS}, social_network_id)",
    PIN_COUNTERS: f"bucket({BUCKETS}, social_network_id), year(snapshot_date), month(snapshot_date)",
}
_ADDED = "_added_columns"  # table, column and type of each field that no schema declares; their values are texts
_OURS = ("_version", "_removed", "shard")  # columns that no view shows
_WIDER = (NUMBER, JSON, TEXT)  # of two types that a column had, the last of these


class LakeTables:
    """The tables and views of a lake, over a connection that has it in use."""

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self.connection = connection
        self._known: dict[str, dict[str, str]] = {}
        self._known_added: dict[str, dict[str, str]] = {}
        self._shapes: object = None  # for which the tables and views were created last

    def forget(self) -> None:
        """Look again at what the lake has, because another writer may have added to it."""
        self._known, self._known_added, self._shapes = {}, {}, None

    def columns(self) -> dict[str, dict[str, str]]:
        """Return the columns of each table as the views show them (table → column → DuckDB type)."""
        if not self._known:
            tables = {
                name
                for (name,) in self.connection.execute(
                    "SELECT table_name FROM duckdb_tables() WHERE database_name = ? AND schema_name = ?",
                    [CATALOG, VERSIONS],
                ).fetchall()
            }
            found = {}
            for table in (name for name in KEYS if name in tables):  # duckdb_columns() would bind all views
                shape = self.connection.sql(f"FROM {VERSIONS}.{quoted(table)} LIMIT 0")
                kinds = dict(zip(shape.columns, map(str, shape.types), strict=True))
                found[table] = {name: kind for name, kind in kinds.items() if name not in _OURS}
            self._known_added = self._read_added() if found else {}
            for table, columns in self._known_added.items():
                found[table].update(columns)
            self._known = found
        return self._known

    def _added(self) -> dict[str, dict[str, str]]:
        self.columns()
        return self._known_added

    def _read_added(self) -> dict[str, dict[str, str]]:
        kinds: dict[str, dict[str, set[str]]] = {}
        for table, column, kind in self.connection.execute(f"SELECT DISTINCT * FROM {VERSIONS}.{_ADDED}").fetchall():
            kinds.setdefault(table, {}).setdefault(column, set()).add(kind)
        return {
            table: {column: _widest(types) for column, types in columns.items()} for table, columns in kinds.items()
        }

    def newest(self, table: str, columns: Sequence[str], where: str = "true") -> str:
        """Return the query for the newest version of each row of a table; `where` may only name columns of its key."""
        added = self._added().get(table, {})
        return _newest(table, {name: added.get(name) for name in columns}, where)

    def create(
        self, tables: Mapping[str, Mapping[str, str]], declared: Mapping[str, Sequence[str]], pins: Sequence[str]
    ) -> None:
        """Create missing tables, columns and views inside the open transaction.

        Args:
            tables: Table → column → DuckDB type.
            declared: Table → columns whose type never changes. Values of all others are kept as text.
            pins: The declared columns of pins, in their order.
        """
        if (tables, declared) == self._shapes:
            return
        self._create_tables(tables, declared)
        self.forget()
        self._create_views(pins)
        self._shapes = (tables, declared)

    def _create_tables(self, tables: Mapping[str, Mapping[str, str]], declared: Mapping[str, Sequence[str]]) -> None:
        run = self.connection.execute
        stored = self.columns()
        if not stored:
            run(f"CREATE SCHEMA IF NOT EXISTS {VERSIONS}")
            body = "(table_name VARCHAR, column_name VARCHAR, kind VARCHAR)"
            run(f"CREATE TABLE IF NOT EXISTS {VERSIONS}.{_ADDED} {body}")
        for table, columns in tables.items():
            fixed = set(declared.get(table, columns))
            if table not in stored:
                parts = [f"{quoted(name)} {kind}" for name, kind in columns.items() if name in fixed]
                parts += ["_version BIGINT", "_removed BOOLEAN", *(["shard VARCHAR"] if table == SYNC_RUNS else [])]
                run(f"CREATE TABLE {VERSIONS}.{quoted(table)} ({', '.join(parts)})")
                if table in _PARTITIONS:
                    run(f"ALTER TABLE {VERSIONS}.{quoted(table)} SET PARTITIONED BY ({_PARTITIONS[table]})")
                stored[table] = {name: kind for name, kind in columns.items() if name in fixed}
            for name, kind in columns.items():
                if name not in stored[table]:
                    kept = kind if name in fixed else TEXT
                    run(f"ALTER TABLE {VERSIONS}.{quoted(table)} ADD COLUMN {quoted(name)} {kept}")
                if name not in fixed and stored[table].get(name) != kind:
                    run(f"INSERT INTO {VERSIONS}.{_ADDED} VALUES (?, ?, ?)", [table, name, kind])

    def _create_views(self, pins: Sequence[str]) -> None:
        """Create the views that are missing, or whose tables have other columns now."""
        stored, added = self.columns(), self._added()
        for table, columns in stored.items():
            types = {name: added.get(table, {}).get(name) for name in columns}
            meaning = RELATIONS.get(table) or OWN_TABLES[table][0]
            body = _newest(table, types)
            if table == STATE:
                body = _whole_states(body)
            if table in (PIN_ATTRIBUTES, PIN_COUNTERS):
                left_out = f" EXCLUDE ({', '.join(PIN)})" if table == PIN_COUNTERS else ""
                body = f"SELECT md5_number(social_network_id || chr(10) || id) AS pin_key, *{left_out} FROM ({body})"
            replace_view(self.connection, table, body, meaning, columns)
        if PIN_COUNTERS in stored and pins:
            self._create_pin_views(stored, added, pins)

    def _create_pin_views(
        self, stored: Mapping[str, Mapping[str, str]], added: Mapping[str, Mapping[str, str]], declared: Sequence[str]
    ) -> None:
        both = {**stored[PIN_ATTRIBUTES], **stored[PIN_COUNTERS]}
        columns = [*declared, *(name for name in both if name not in declared)]
        halves = [
            _newest(table, {name: added.get(table, {}).get(name) for name in stored[table]})
            for table in (PIN_COUNTERS, PIN_ATTRIBUTES)
        ]
        joined = (
            f"SELECT {', '.join(map(quoted, columns))} FROM ({halves[0]}) AS counters JOIN ({halves[1]}) AS attributes "
            "USING (social_network_id, id)"
        )
        newest = "max(snapshot_date) OVER (PARTITION BY social_network_id, id)"
        latest = joined.replace(f"FROM ({halves[0]})", f"FROM (FROM ({halves[0]}) QUALIFY snapshot_date = {newest})", 1)
        for name, query in (("pins", joined), ("pins_latest", latest)):
            replace_view(self.connection, name, query, RELATIONS[name], both)
        for name, query in bi_views({PIN_ATTRIBUTES, PIN_COUNTERS, *(set(STREAMS) & stored.keys())}).items():
            replace_view(self.connection, name, query, BI_VIEWS[name][0])

    def append(self, table: str, source: str, version: int, shard: str) -> None:
        """Append rows inside the open transaction; `source` has the columns of the table and `_removed`."""
        added = self._added().get(table, {})
        texts = ", ".join(f"{quoted(name)}::VARCHAR AS {quoted(name)}" for name in added)
        rows = f"SELECT * {f'REPLACE ({texts})' if texts else ''}, {version} AS _version FROM {source}"
        if table == SYNC_RUNS:
            rows = f"SELECT *, '{shard}' AS shard FROM ({rows})"
        order = ", ".join(map(quoted, KEYS[table])) or "1"
        self.connection.execute(f"INSERT INTO {VERSIONS}.{quoted(table)} BY NAME {rows} ORDER BY {order}")


def _newest(table: str, columns: Mapping[str, str | None], where: str = "true") -> str:
    """Return the query for the newest version of each row; `columns` maps names to the type of those kept as text."""
    selected = ", ".join(
        f"TRY_CAST({quoted(name)} AS {kind}) AS {quoted(name)}" if kind and kind != TEXT else quoted(name)
        for name, kind in columns.items()
    )
    key = ", ".join(map(quoted, KEYS[table]))
    window = f"PARTITION BY {key} ORDER BY _version DESC" if key else "ORDER BY _version DESC"
    return (
        f"SELECT {selected} FROM {VERSIONS}.{quoted(table)} WHERE {where} "
        f"QUALIFY row_number() OVER ({window}) = 1 AND NOT _removed"
    )


def _whole_states(entries: str) -> str:
    """Return the query for the state of each stream, of which the lake keeps each account's entry as a row."""
    states = "coalesce(to_json(list(entry ORDER BY partition) FILTER (WHERE partition <> '')), '[]')"
    return (
        "SELECT stream_name, CASE WHEN json_exists(rest, '$.states') "
        "THEN json_merge_patch(rest, json_object('states', states::JSON)) ELSE rest END AS state, updated_at "
        "FROM (SELECT stream_name, any_value(entry) FILTER (WHERE partition = '') AS rest, "
        f"{states} AS states, max(updated_at) AS updated_at FROM ({entries}) GROUP BY stream_name)"
    )


def split_states(table: str) -> str:
    """Return the query for the rows that keep the states of a table: what all accounts share, and each one's entry."""
    key = " || chr(10) || ".join(
        f"coalesce(json_extract_string(entry, '$.partition.{name}'), '')" for name in ("social_network_id", "preset")
    )
    return (
        "SELECT stream_name, '' AS partition, CASE WHEN json_exists(state, '$.states') "
        f"THEN json_merge_patch(state, '{{\"states\": []}}') ELSE state END AS entry, updated_at FROM {table} "
        f"UNION ALL SELECT stream_name, {key}, entry, NULL FROM "
        f"(SELECT stream_name, unnest(json_extract(state, '$.states[*]')) AS entry FROM {table})"
    )


def _widest(kinds: set[str]) -> str:
    if kinds == {COUNT} or kinds == {FLAG}:
        return kinds.pop()
    wider = [kind for kind in _WIDER if kind in kinds]
    return wider[-1] if wider else TEXT


def date_column(table: str) -> str | None:
    """Return the column of a table's key that is a date; None if it has none."""
    return next((name for name in KEYS[table] if name in ("snapshot_date", "period_end")), None)
