"""Rows of two databases side by side: what is lost, what is there twice."""

from pathlib import Path
from typing import Any, NamedTuple

import duckdb

from integration_tests.databases import KEYS


class Damage(NamedTuple):
    """Rows that an undisturbed database has and this one has not, the other way round, and keys that come twice."""

    lost: int
    added: int
    doubled: int


def damage(database: Path, undisturbed: Path) -> Damage:
    """Return the missing, additional and duplicate rows of a database compared with an undisturbed one.

    It is opened for writing, as whoever comes next would, so that a WAL that was left is read too.
    """
    ours, theirs = contents(database), contents(undisturbed)
    return Damage(
        lost=sum(len(set(theirs[stream]) - set(ours[stream])) for stream in KEYS),
        added=sum(len(set(ours[stream]) - set(theirs[stream])) for stream in KEYS),
        doubled=doubled(database),
    )


def contents(database: Path) -> dict[str, list[Any]]:
    """Return every row of every stream without its time of extraction; no rows for a stream without a table yet."""
    with duckdb.connect(str(database)) as connection:
        there = _relations(connection)
        query = "SELECT * EXCLUDE (_airbyte_extracted_at) FROM {} ORDER BY ALL"
        return {stream: connection.sql(query.format(stream)).fetchall() if stream in there else [] for stream in KEYS}


def doubled(database: Path) -> int:
    """Return how many primary keys have duplicate rows."""
    with duckdb.connect(str(database)) as connection:
        there = _relations(connection)
        query = "SELECT {1} FROM {0} GROUP BY ALL HAVING count(*) > 1"
        return sum(
            len(connection.sql(query.format(stream, ", ".join(key))).fetchall())
            for stream, key in KEYS.items()
            if stream in there
        )


def _relations(connection: duckdb.DuckDBPyConnection) -> set[str]:
    names = "SELECT view_name FROM duckdb_views() UNION SELECT table_name FROM duckdb_tables()"
    return {name for (name,) in connection.sql(names).fetchall()}
