"""Find the tables of a file that hold the streams: in which schemas, under which names, with which columns."""

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple

import duckdb

from oneup_pinterest.database.place import Place
from oneup_pinterest.database.schema import PIN_ATTRIBUTES, PIN_COUNTERS, STREAMS, SYNC_RUNS, TABLES, quoted
from oneup_pinterest.errors import UserError
from oneup_pinterest.formatting import format_names

_TABLES = "temp.main._oneup_tables"  # where an open connection keeps what `find_tables` found
_OURS = (SYNC_RUNS, PIN_ATTRIBUTES, PIN_COUNTERS)  # no other tool writes these, so they have no prefix


@dataclass(frozen=True)
class HistoryFile(os.PathLike[str]):
    """A DuckDB file or a lake, and what of it to read. Every function that takes a database takes this too.

    - schemas: only these (default: all that hold the streams)
    - prefix: what stands before the stream names, such as `oneup_`; `*` stands for the name, so that `*_v2` is a
      suffix; `""` is none (default: recognized)
    - accounts: only these, by `social_network_id` or `@username` (default: all)
    - since, until: only rows of these days, both included (see `database.selection.select_rows`)

    >>> from pathlib import Path
    >>> os.fspath(HistoryFile(Path("cache.duckdb"), schemas=("client_a",), prefix="oneup_"))
    'cache.duckdb'
    """

    path: Place
    schemas: Sequence[str] = ()
    prefix: str | None = None
    accounts: Sequence[str] = ()
    since: date | None = None
    until: date | None = None

    @property
    def is_restricted(self) -> bool:
        """Whether only some accounts or days are read."""
        return bool(self.accounts) or self.since is not None or self.until is not None

    def __fspath__(self) -> str:
        return os.fspath(self.path)


class StoredTable(NamedTuple):
    """A table or view of the file that holds one of `TABLES`.

    Attributes:
        relation: Its name in `TABLES`.
        schema, name: Where it is in the file.
        pattern: How its name is derived from the relation's: `oneup_`, `*_v2`, or nothing.
        is_view: Whether it is a view.
        is_read: False where another table of the schema holds the relation under a better name.
        columns: Known spelling of each column → the file's spelling.
        types: Known spelling of each column → DuckDB type.
    """

    relation: str
    schema: str
    name: str
    pattern: str
    is_view: bool
    is_read: bool
    columns: dict[str, str]
    types: dict[str, str]

    @property
    def place(self) -> str:
        """The table in SQL for people: with its schema unless that is `main`."""
        return ".".join(map(_plain, [self.schema, self.name] if self.schema != "main" else [self.name]))


def find_tables(
    connection: duckdb.DuckDBPyConnection, path: str, schemas: Sequence[str] = (), prefix: str | None = None
) -> list[StoredTable]:
    """Return the tables that hold the relations, in the chosen schemas and under the chosen prefix.

    Names are compared without case. In each schema one common prefix or suffix of the stream names is recognized:
    that of most streams.

    Raises:
        UserError: no stream is in a chosen schema, or none has the prefix, or two prefixes are equally likely.
    """
    groups: dict[str, dict[str, dict[str, StoredTable]]] = {}
    for table in _candidates(connection):
        groups.setdefault(table.schema, {}).setdefault(table.pattern, {})[table.relation] = table
    groups = {schema: found for schema, found in sorted(groups.items()) if any(map(_streams, found.values()))}
    for chosen in schemas:
        if chosen.lower() not in map(str.lower, groups):
            there = f"the streams are in: {format_names(groups)}" if groups else "no schema holds the streams"
            raise UserError(f"{path} holds no stream in a schema {chosen}; {there}.", 2)
    if schemas:
        groups = {name: found for name, found in groups.items() if name.lower() in {s.lower() for s in schemas}}
    tables: list[StoredTable] = []
    for schema in sorted(groups, key=lambda schema: (schema != "main", schema)):
        found = {pattern: group for pattern, group in groups[schema].items() if _streams(group)}
        best = _chosen(found, prefix.lower().removesuffix("*")) if prefix is not None else _best(path, schema, found)
        names = {table.name for table in found.get(best, {}).values()} if best is not None else set()
        for pattern, group in found.items():
            if pattern == best:
                tables += group.values()
            elif prefix is None and not _is_ours(found[best or ""]):
                tables += [table._replace(is_read=False) for table in group.values() if table.name not in names]
    if prefix is not None and not tables and groups:
        patterns = {pattern or '""' for found in groups.values() for pattern, group in found.items() if _streams(group)}
        raise UserError(
            f"No stream in {path} has the prefix {prefix or '(none)'}; there are: {format_names(sorted(patterns))}.",
            2,
        )
    return tables


def register_tables(connection: duckdb.DuckDBPyConnection, tables: Iterable[StoredTable]) -> None:
    """Keep what `find_tables` returned with the connection, for `registered_tables`."""
    connection.execute(
        f"CREATE TEMP TABLE {_TABLES.rpartition('.')[2]} (relation VARCHAR, schema_name VARCHAR, table_name VARCHAR, "
        "pattern VARCHAR, is_view BOOLEAN, is_read BOOLEAN, columns VARCHAR[], stored VARCHAR[], types VARCHAR[])"
    )
    for table in tables:
        connection.execute(
            f"INSERT INTO {_TABLES} VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            [*table[:6], list(table.columns), list(table.columns.values()), list(table.types.values())],
        )


def registered_tables(connection: duckdb.DuckDBPyConnection) -> list[StoredTable]:
    """Return the tables that a connection from `open_history` reads."""
    return [
        StoredTable(
            relation,
            schema,
            name,
            pattern,
            is_view,
            is_read,
            dict(zip(columns, stored, strict=True)),
            dict(zip(columns, types, strict=True)),
        )
        for relation, schema, name, pattern, is_view, is_read, columns, stored, types in connection.execute(
            f"FROM {_TABLES}"
        ).fetchall()
    ]


def _candidates(connection: duckdb.DuckDBPyConnection) -> list[StoredTable]:
    """Return every table whose name contains that of a relation and that has its key, once per relation."""
    rows = connection.execute(
        "SELECT schema_name, table_name, bool_or(view_oid IS NOT NULL), list(column_name ORDER BY column_index), "
        "list(data_type ORDER BY column_index) FROM duckdb_columns() "
        "LEFT JOIN (SELECT database_oid, view_oid, view_oid AS table_oid FROM duckdb_views()) "
        "USING (database_oid, table_oid) WHERE database_name = current_database() AND NOT internal "
        "GROUP BY schema_name, table_name ORDER BY schema_name, table_name"
    ).fetchall()
    found = []
    for schema, name, is_view, stored, types in rows:
        lower = name.lower()
        relations = [relation for relation in (*TABLES, *_OURS[1:]) if relation in lower]
        for relation in relations:
            inside_another = any(relation != other and relation in other for other in relations)
            if inside_another or (relation in _OURS and lower != relation):
                continue
            contract = {column.lower(): column for column in _columns(relation)}
            columns = {contract.get(column.lower(), column): column for column in stored}
            kinds = dict(zip(columns, types, strict=True))
            if _can_hold(relation, columns, is_exact=lower == relation):
                for pattern in _patterns(lower, relation):
                    found.append(StoredTable(relation, schema, name, pattern, is_view, True, columns, kinds))
    return found


def _patterns(name: str, relation: str) -> Iterable[str]:
    """Return how a name can be derived from the relation's; in `pins_pins` either half may be it.

    >>> list(_patterns("pins_pins", "pins"))
    ['*_pins', 'pins_']
    """
    start = name.find(relation)
    while start >= 0:
        prefix, suffix = name[:start], name[start + len(relation) :]
        yield f"{prefix}*{suffix}" if suffix else prefix
        start = name.find(relation, start + 1)


def _columns(relation: str) -> Iterable[str]:
    return TABLES[relation if relation in TABLES else "pins"].columns


def _can_hold(relation: str, columns: Iterable[str], *, is_exact: bool) -> bool:
    if relation in _OURS:
        return {SYNC_RUNS: "run_id", PIN_COUNTERS: "pin_key"}.get(relation, "social_network_id") in columns
    # a table of another name must look more like a stream
    return ("social_network_id" in columns) if is_exact else set(TABLES[relation].key) <= set(columns)


def _streams(group: dict[str, StoredTable]) -> set[str]:
    return set(STREAMS) & group.keys()


def _is_ours(group: dict[str, StoredTable]) -> bool:
    return SYNC_RUNS in group


def _chosen(found: dict[str, dict[str, StoredTable]], prefix: str) -> str | None:
    return prefix if prefix in found else None


def _best(path: str, schema: str, found: dict[str, dict[str, StoredTable]]) -> str:
    """Return the pattern that covers every stream that any pattern covers; of several, the plain names."""
    if _is_ours(found.get("", {})):
        return ""
    covering = [
        pattern
        for pattern, group in found.items()
        if all(_streams(group) >= _streams(other) for other in found.values())
    ]
    if "" in covering:
        return ""
    if len(covering) == 1 and "" not in found:
        return covering[0]
    names = " or ".join(
        f"{format_names(sorted(table.name for table in group.values()))} (--prefix {pattern or repr('')})"
        for pattern, group in sorted(found.items())
    )
    raise UserError(f"In {path}, schema {schema} can be read in more than one way: {names}. Choose one of them.", 2)


def _plain(name: str) -> str:
    return name if name.isidentifier() else quoted(name)
