"""Query a database, and run `oneup-pinterest` as a process."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb

from source_oneup_pinterest.components.clock import CLOCK_VARIABLE
from test_support.clock import NOON
from test_support.stream_schemas import SCHEMAS

KEYS = {stream: tuple(key) for stream, (_, key) in SCHEMAS.items()}


@contextmanager
def open_read_only(database: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(str(database), read_only=True) as connection:
        yield connection


def rows(database: Path, query: str) -> list[Any]:
    with open_read_only(database) as connection:
        return connection.sql(query).fetchall()


def contents(database: Path) -> dict[str, list[Any]]:
    """Return every row of every stream, without its time of extraction."""
    return {
        stream: rows(database, f"SELECT * EXCLUDE (_airbyte_extracted_at) FROM {stream} ORDER BY ALL")
        for stream in [*KEYS, "pins_latest"]
    }


def duplicate_keys(database: Path) -> list[Any]:
    return [
        row
        for stream, keys in KEYS.items()
        for row in rows(database, f"SELECT {', '.join(keys)} FROM {stream} GROUP BY ALL HAVING count(*) > 1")
    ]


def run(*arguments: object, now: datetime = NOON, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "oneup_pinterest.cli", *map(str, arguments)],
        env=environment_of(now, **environment),
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def environment_of(now: datetime, **environment: str) -> dict[str, str]:
    return {**os.environ, CLOCK_VARIABLE: now.astimezone(UTC).isoformat(), **environment}
