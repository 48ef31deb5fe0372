"""Compare the rows of two databases: which are lost, added or duplicated."""

from pathlib import Path
from typing import Any, NamedTuple

import duckdb

from integration_tests.databases import KEYS


class Damage(NamedTuple):
    """Rows that only the reference database has, rows that only this one has, and duplicate keys."""

    lost: int
    added: int
    duplicated: int


def damage(database: Path, reference: Path) -> Damage:
    """Return the lost, added and duplicated rows of a database compared with a reference database.

    Opens it for writing, as the next sync does, so that a WAL that was left behind is read too.
    """
    ours, theirs = contents(database), contents(reference)
    return Damage(
        lost=sum(len(set(theirs[stream]) - set(ours[stream])) for stream in KEYS),
        added=sum(len(set(ours[stream]) - set(theirs[stream])) for stream in KEYS),
        duplicated=count_duplicate_keys(database),
    )


def contents(database: Path) -> dict[str, list[Any]]:
    """Return every row of every stream without its time of extraction; no rows for a stream without a table yet."""
    with duckdb.connect(str(database)) as connection:
        relations = _relations(connection)
        query = "SELECT * EXCLUDE (_airbyte_extracted_at) FROM {} ORDER BY ALL"
        return {
            stream: connection.sql(query.format(stream)).fetchall() if stream in relations else [] for stream in KEYS
        }


def count_duplicate_keys(database: Path) -> int:
    """Return how many primary keys have duplicate rows."""
    with duckdb.connect(str(database)) as connection:
        relations = _relations(connection)
        query = "SELECT {1} FROM {0} GROUP BY ALL HAVING count(*) > 1"
        return sum(
            len(connection.sql(query.format(stream, ", ".join(key))).fetchall())
            for stream, key in KEYS.items()
            if stream in relations
        )


def _relations(connection: duckdb.DuckDBPyConnection) -> set[str]:
    names = "SELECT view_name FROM duckdb_views() UNION SELECT table_name FROM duckdb_tables()"
    return {name for (name,) in connection.sql(names).fetchall()}
