"""Copy a whole history from a file into a lake, or back, and compare the two."""

from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

import duckdb

from oneup_pinterest.database.bi.create import RENAMES
from oneup_pinterest.database.connection import database_path
from oneup_pinterest.database.lake import Lake
from oneup_pinterest.database.lake_connection import connect_lake
from oneup_pinterest.database.listed_accounts import LISTED_ACCOUNTS
from oneup_pinterest.database.migrations import SCHEMA_VERSION, read_schema_version
from oneup_pinterest.database.place import Place
from oneup_pinterest.database.reader import open_history
from oneup_pinterest.database.schema import PIN_ATTRIBUTES, PIN_COUNTERS, SYNC_RUNS, TABLES, quoted
from oneup_pinterest.errors import UserError
from oneup_pinterest.sync.lake_owner import WHOLE, LakeOwner
from oneup_pinterest.sync.lake_tables import KEYS, PIN, STATE, LakeTables, split_states
from oneup_pinterest.sync.manifest import declared_streams
from oneup_pinterest.sync.writer import DatabaseWriter

_SOURCE = "source"  # the name under which a file is attached beside a lake


class Compared(NamedTuple):
    """The rows of a relation in both places, and a checksum over all of their values."""

    relation: str
    rows: int
    checksum: int


def move(source: Place, target: Place) -> list[Compared]:
    """Copy a history into an empty place of the other kind, and return what was compared. The source stays.

    Raises:
        UserError: both are files or both are lakes, the target has a history already (exit status 2), a place cannot
            be used, or a relation differs afterwards.
    """
    if isinstance(source, Lake) == isinstance(target, Lake):
        raise UserError(f"{source} and {target} are of one kind: --to copies a file into a lake, or back.", 2)
    if isinstance(target, Lake):
        assert isinstance(source, Path)
        _into_lake(source, target)
    else:
        assert isinstance(source, Lake)
        _into_file(source, target)
    with open_history(source) as one, open_history(target) as other:
        found = list(_checksums(one))
        differing = [each.relation for each, copy in zip(found, _checksums(other), strict=True) if each != copy]
    if differing:
        raise UserError(f"{', '.join(differing)} differ in {target}: do not use it, and check the disk.")
    return found


def _into_lake(file: Path, lake: Lake) -> None:
    declared, pins = _declared()
    with LakeOwner(lake, WHOLE) as owner, closing(connect_lake(lake, to_write=True, may_create=True)) as connection:
        tables = LakeTables(connection)
        if tables.columns():
            raise UserError(f"{lake} has a history already: name a lake without one.", 2)
        _attach(connection, file)
        stored = _columns(connection, _SOURCE)
        shapes = {table: stored[table] for table in KEYS if table in stored and table != STATE}
        ids = dict.fromkeys(PIN, "VARCHAR")
        for table in (PIN_ATTRIBUTES, PIN_COUNTERS):
            if table in shapes:
                shapes[table] = ids | {name: kind for name, kind in shapes[table].items() if name != "pin_key"}
        shapes[STATE] = {"stream_name": "VARCHAR", "partition": "VARCHAR", "entry": "JSON", "updated_at": "TIMESTAMP"}
        connection.execute("BEGIN")
        tables.create(shapes, declared, pins)
        for table in shapes:
            name = f"{_SOURCE}.main.{quoted(table)}"
            rows = f"FROM {name}"
            if table == STATE:
                rows = split_states(name)
            elif table == PIN_ATTRIBUTES:
                rows = f"SELECT * EXCLUDE (pin_key) FROM {name}"
            elif table == PIN_COUNTERS:
                joined = f"JOIN {_SOURCE}.main.{PIN_ATTRIBUTES} AS pin USING (pin_key)"
                rows = f"SELECT pin.social_network_id, pin.id, old.* EXCLUDE (pin_key) FROM {name} AS old {joined}"
            tables.append(table, f"(SELECT *, false AS _removed FROM ({rows}))", 1, WHOLE)
        owner.require_owned()
        connection.execute("COMMIT")


def _into_file(lake: Lake, file: Path) -> None:
    file = database_path(file)
    if file.exists():
        raise UserError(f"{file} exists already: name a new file.", 2)
    with closing(connect_lake(lake)) as connection:  # first, so that a wrong name leaves no file behind
        with DatabaseWriter(file) as writer:
            writer.prepare(declared_streams())
        stored = LakeTables(connection).columns()
        connection.execute(f"ATTACH {_literal(file)} AS {_SOURCE} (TYPE duckdb)")
        try:
            own = _columns(connection, _SOURCE)
            connection.execute("BEGIN")
            for table in (name for name in KEYS if name in stored and name != STATE):
                for name, kind in stored[table].items():
                    if name not in own[table] and not (table == PIN_COUNTERS and name in PIN):
                        place = f"{_SOURCE}.main.{quoted(table)}"
                        connection.execute(f"ALTER TABLE {place} ADD COLUMN {quoted(name)} {kind}")
            for table in (name for name in KEYS if name in stored):
                target = f"{_SOURCE}.main.{quoted(table)}"
                rows = f"FROM main.{quoted(table)}"
                if table == PIN_ATTRIBUTES:
                    number = f"(row_number() OVER (ORDER BY {', '.join(PIN)}))::INTEGER"
                    rows = f"SELECT * REPLACE ({number} AS pin_key) {rows}"
                elif table == PIN_COUNTERS:
                    columns = ", ".join(f"pins.{quoted(name)}" for name in stored[table] if name not in PIN)
                    rows = (
                        f"SELECT pin_key, {columns} FROM main.pins JOIN {_SOURCE}.main.{PIN_ATTRIBUTES} AS known "
                        f"USING ({', '.join(PIN)}) ORDER BY ALL"
                    )
                connection.execute(f"DELETE FROM {target}")
                connection.execute(f"INSERT INTO {target} BY NAME {rows}")
            connection.execute("COMMIT")
        except BaseException:
            connection.close()
            file.unlink()
            raise
    with DatabaseWriter(file) as writer:
        writer.prepare(declared_streams())  # the views over the added columns


def _declared() -> tuple[dict[str, list[str]], list[str]]:
    """Return the columns of each table whose type never changes, and the declared columns of pins."""
    from oneup_pinterest.sync.pin_tables import PinTables
    from oneup_pinterest.sync.tables import StreamTable

    found: dict[str, list[str]] = {}
    pins: list[str] = []
    with duckdb.connect() as connection:
        for stream, (schema, key) in declared_streams().items():
            table_class = PinTables if stream == "pins" else StreamTable
            table = table_class(connection, stream, schema, key, lambda rows, size: None)
            found |= {name: list(columns) for name, columns in table.tables().items()}
            pins = list(table.declared) if stream == "pins" else pins
    for name in (PIN_ATTRIBUTES, PIN_COUNTERS):
        found[name] = [*PIN, *found[name]]
    return found, pins


def _attach(connection: duckdb.DuckDBPyConnection, file: Path) -> None:
    connection.execute(f"ATTACH {_literal(file)} AS {_SOURCE} (TYPE duckdb, READ_ONLY)")
    connection.execute(f"USE {_SOURCE}")
    try:
        version = read_schema_version(connection, file)
    finally:
        connection.execute("USE history")
    if version != SCHEMA_VERSION or SYNC_RUNS not in _columns(connection, _SOURCE):
        raise UserError(f"{file} is not a history of this version: sync into it first.", 2)


def _columns(connection: duckdb.DuckDBPyConnection, database: str) -> Mapping[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = {}
    for table, column, kind in connection.execute(
        "SELECT table_name, column_name, data_type FROM duckdb_columns() SEMI JOIN duckdb_tables() "
        "USING (database_name, schema_name, table_name) WHERE database_name = ? AND schema_name = 'main' "
        "ORDER BY table_name, column_index",
        [database],
    ).fetchall():
        found.setdefault(table, {})[column] = kind
    return found


def _checksums(history: duckdb.DuckDBPyConnection) -> Iterator[Compared]:
    for name in (*TABLES, STATE, LISTED_ACCOUNTS, RENAMES):
        rows_of = f"({split_states(f'main.{STATE}')})" if name == STATE else quoted(name)
        columns = sorted(history.sql(f"FROM {rows_of}").columns)
        values = ", ".join(quoted(column) for column in columns)
        ((rows, checksum),) = history.execute(
            f"SELECT count(*), coalesce(sum(hash({values})), 0)::HUGEINT FROM {rows_of}"
        ).fetchall()
        yield Compared(name, rows, checksum % 2**64)


def _literal(path: Path) -> str:
    return "'" + str(path).replace("'", "''") + "'"
