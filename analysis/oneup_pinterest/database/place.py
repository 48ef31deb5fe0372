"""Decide what a place of a history is: a DuckDB file, or a lake."""

import os
from pathlib import Path

from oneup_pinterest.database.connection import database_path
from oneup_pinterest.database.lake import PREFIX, Lake, parse_lake
from oneup_pinterest.errors import UserError

Place = Path | Lake


def place_of(value: str | os.PathLike[str], data_path: str | None = None) -> Place:
    """Return the lake, or the absolute path of the file, that `--database` names.

    Raises:
        UserError: as `database_path` and `parse_lake`; or a file was given a data path (exit status 2).

    >>> place_of("/data/history.duckdb").as_posix()
    '/data/history.duckdb'
    >>> place_of("ducklake:postgres:dbname=lake", "s3://bucket/history")
    Lake(catalog='postgres:dbname=lake', data_path='s3://bucket/history')
    """
    if isinstance(value, Lake):
        return value if data_path is None else parse_lake(os.fspath(value), data_path)
    text = os.fspath(value)
    if text.startswith(PREFIX):
        return parse_lake(text, data_path)
    if data_path is not None:
        raise UserError(f"{text} is a DuckDB file, which holds its data itself: leave out --data-path.", 2)
    return database_path(text)
