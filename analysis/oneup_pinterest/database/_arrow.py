"""Hands a query's rows from DuckDB to Polars, and keeps Polars from holding on to DuckDB."""

from typing import Any

import polars as pl


class ArrowStream:
    """Anything that gives an Arrow stream, under a type of our own.

    Polars remembers the type of whatever it was given until the interpreter is gone. Were it DuckDB 2's relation,
    its whole module would be held, and every process would end with "nanobind: leaked 27 instances!" on stderr.
    For the same reason this module must not import duckdb.
    """

    def __init__(self, source: Any) -> None:
        self._source = source

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        return self._source.__arrow_c_stream__(requested_schema)


def as_frame(relation: Any) -> pl.DataFrame:
    """The rows of a DuckDB relation as a frame, without pyarrow.

    >>> import duckdb
    >>> as_frame(duckdb.sql("SELECT 1 AS one")).rows()
    [(1,)]
    """
    return pl.DataFrame(ArrowStream(relation))
