"""The relations of a history file, as the contract has them, over whatever an Airbyte destination made of them."""

from collections.abc import Iterable
from typing import NamedTuple

import duckdb
import polars as pl

TEXT, COUNT, NUMBER, DAY, TIME, FLAG = "VARCHAR", "BIGINT", "DOUBLE", "DATE", "TIMESTAMP", "BOOLEAN"
DTYPES: dict[str, pl.DataType] = {
    TEXT: pl.String(), COUNT: pl.Int64(), NUMBER: pl.Float64(),
    DAY: pl.Date(), TIME: pl.Datetime("us"), FLAG: pl.Boolean(),
}  # fmt: skip
EXTRACTED_AT = "_airbyte_extracted_at"
SYNC_RUNS = "_sync_runs"


class Relation(NamedTuple):
    """Columns with their DuckDB types, the key that is unique, and the date that `since` and `until` filter."""

    columns: dict[str, str]
    key: tuple[str, ...]
    date: str | None = None

    @property
    def schema(self) -> dict[str, pl.DataType]:
        """The dtypes of a frame of this relation."""
        return {name: DTYPES[kind] for name, kind in self.columns.items()}


_PERIOD = {"period_start": DAY, "period_end": DAY}
_METRIC = {
    "key": TEXT, "name": TEXT, "description": TEXT,
    "value_current_period": NUMBER, "value_last_period": NUMBER,
    "percentage_change": TEXT, "percentage_change_value": NUMBER,
}  # fmt: skip
_PIN = {
    "social_network_id": TEXT, "id": TEXT, "page_id": TEXT, "format": TEXT, "text": TEXT, "permalink": TEXT,
    "media_type": TEXT, "media_url": TEXT, "timestamp": TIME,
    "impressions": COUNT, "saves": COUNT, "comments": COUNT, "repins": COUNT, "clicks": COUNT,
    "snapshot_date": DAY, **_PERIOD, EXTRACTED_AT: TIME,
}  # fmt: skip

RELATIONS: dict[str, Relation] = {
    "overview_metrics": Relation(
        {"social_network_id": TEXT, "preset": TEXT, **_PERIOD, **_METRIC, EXTRACTED_AT: TIME},
        ("social_network_id", "key", "preset", "period_end"),
        "period_end",
    ),
    "pins": Relation(_PIN, ("social_network_id", "id", "snapshot_date"), "snapshot_date"),
    "pins_latest": Relation(_PIN, ("social_network_id", "id"), "snapshot_date"),
    "account_followers": Relation(
        {"social_network_id": TEXT, "snapshot_date": DAY, "total_followers": COUNT, EXTRACTED_AT: TIME},
        ("social_network_id", "snapshot_date"),
        "snapshot_date",
    ),
    "post_performance": Relation(
        {
            "social_network_id": TEXT, "preset": TEXT, **_PERIOD, "ranking": TEXT, "position": COUNT,
            "id": TEXT, "text": TEXT, "permalink": TEXT, "engagement_rate": NUMBER, "item": TEXT, EXTRACTED_AT: TIME,
        },
        ("social_network_id", "preset", "period_end", "ranking", "position"),
        "period_end",
    ),
    "pin_totals": Relation(
        {"social_network_id": TEXT, **_PERIOD, **_METRIC, EXTRACTED_AT: TIME},
        ("social_network_id", "period_start", "period_end", "key"),
        "period_end",
    ),
    "accounts": Relation(
        {
            "social_network_id": TEXT, "username": TEXT, "full_name": TEXT, "social_network_type": TEXT,
            "is_expired": FLAG, "need_refresh": FLAG, EXTRACTED_AT: TIME,
        },
        ("social_network_id",),
    ),
    SYNC_RUNS: Relation(
        {
            "run_id": TEXT, "started_at": TIME, "finished_at": TIME, "status": TEXT, "streams": TEXT,
            "skipped_accounts": TEXT, "requests": COUNT, "duration_seconds": NUMBER, "error": TEXT,
        },
        ("started_at", "run_id"),
    ),
}  # fmt: skip
PIN_ATTRIBUTES, PIN_COUNTERS = "_pin_attributes", "_pin_counters"  # what `pins` is a view of, in a file of ours
STREAMS = tuple(name for name in RELATIONS if name not in ("pins_latest", SYNC_RUNS))


def create_views(connection: duckdb.DuckDBPyConnection) -> bool:
    """Lays one temporary view a relation over the file: always there, always with the contract's columns and types.

    A relation that the file has not is an empty view. In a file that another destination filled, rows of the
    same key are reduced to the newest, because such a destination may append instead of replacing. Returns
    whether the file holds any stream at all.
    """
    stored = _stored_columns(connection)
    schema = _schema_of_streams(stored)
    found = stored.get(schema, {})
    ((database,),) = connection.execute("SELECT current_database()").fetchall()
    place = f"{quoted(database)}.{quoted(schema)}"  # in full, or a view would find itself
    ours = SYNC_RUNS in found
    for name, relation in RELATIONS.items():
        body = _body(name, relation, place, found, deduplicate=not ours)
        connection.execute(f"CREATE TEMP VIEW {quoted(name)} AS {body}")
    if {PIN_ATTRIBUTES, PIN_COUNTERS} <= found.keys():
        for table in (PIN_ATTRIBUTES, PIN_COUNTERS):
            others = [quoted(name) for name in found[table] if name not in RELATIONS["pins"].columns]
            listed = ", ".join([*_selected(RELATIONS["pins"], found[table], only_there=True), *others])
            connection.execute(f"CREATE TEMP VIEW {table} AS SELECT {listed} FROM {place}.{table}")
    return any(name in found for name in STREAMS)


def stored_columns(connection: duckdb.DuckDBPyConnection) -> dict[str, list[str]]:
    """The columns of each relation of ours that the file holds, as it holds them."""
    stored = _stored_columns(connection)
    return stored.get(_schema_of_streams(stored), {})


def quoted(name: str) -> str:
    """The name as an SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def _stored_columns(connection: duckdb.DuckDBPyConnection) -> dict[str, dict[str, list[str]]]:
    """Schema → relation → its columns, of relations that can be ours."""
    rows = connection.execute(
        "SELECT schema_name, table_name, column_name FROM duckdb_columns() "
        "WHERE database_name = current_database() AND table_name IN (SELECT unnest(?)) ORDER BY column_index",
        [[*RELATIONS, PIN_ATTRIBUTES, PIN_COUNTERS]],
    ).fetchall()
    stored: dict[str, dict[str, list[str]]] = {}
    for schema, table, column in rows:
        stored.setdefault(schema, {}).setdefault(table, []).append(column)
    for tables in stored.values():
        for table in [name for name, columns in tables.items() if not _can_be_ours(name, columns)]:
            del tables[table]
    return stored


def _can_be_ours(table: str, columns: Iterable[str]) -> bool:
    return {SYNC_RUNS: "run_id", PIN_COUNTERS: "pin_key"}.get(table, "social_network_id") in columns


def _schema_of_streams(stored: dict[str, dict[str, list[str]]]) -> str:
    """The schema with most of the relations; of equals `main`, or else the first by name."""
    return min(stored, key=lambda schema: (-len(stored[schema]), schema != "main", schema), default="main")


def _body(name: str, relation: Relation, place: str, found: dict[str, list[str]], deduplicate: bool) -> str:
    source = "pins" if name == "pins_latest" and name not in found else name
    if source not in found:
        nothing = ", ".join(f"NULL::{kind} AS {quoted(column)}" for column, kind in relation.columns.items())
        return f"SELECT {nothing} WHERE false"
    columns = found[source]
    selected = _selected(relation, columns)
    others = [c for c in columns if c not in relation.columns and not c.startswith("_airbyte_")]
    body = f"SELECT {', '.join([*selected, *map(quoted, others)])} FROM {place}.{quoted(source)}"
    if deduplicate or source != name:
        newest = [quoted(c) for c in (relation.date, EXTRACTED_AT) if c in columns and c not in relation.key]
        order = f" ORDER BY {', '.join(f'{c} DESC NULLS LAST' for c in newest)}" if newest else ""
        key = ", ".join(quoted(c) for c in relation.key if c in columns)
        body += f" QUALIFY row_number() OVER (PARTITION BY {key}{order}) = 1"
    return body


def _selected(relation: Relation, columns: list[str], only_there: bool = False) -> list[str]:
    """The relation's columns with their types, as SQL; those that are not among `columns` are null, or left out."""
    return [
        # a value that does not fit is unknown, as everywhere: null is not zero
        f"TRY_CAST({quoted(column)} AS {kind}) AS {quoted(column)}"
        if column in columns
        else f"NULL::{kind} AS {quoted(column)}"
        for column, kind in relation.columns.items()
        if column in columns or not only_there
    ]
