"""Pass the rows of a query from DuckDB to Polars, without Polars keeping a reference to DuckDB."""

from typing import Any

import polars as pl


class ArrowStream:
    """An Arrow stream of any source, under a type of our own.

    Polars keeps the type of every source until the interpreter ends. With DuckDB 2's relation it would keep the whole
    module, and every process would end with "nanobind: leaked 27 instances!" on stderr. For the same reason this module
    must not import duckdb.
    """

    def __init__(self, source: Any) -> None:
        self._source = source

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        return self._source.__arrow_c_stream__(requested_schema)


def to_polars(relation: Any) -> pl.DataFrame:
    """Return the rows of a DuckDB relation as a frame, without pyarrow.

    >>> import duckdb
    >>> to_polars(duckdb.sql("SELECT 1 AS one")).rows()
    [(1,)]
    """
    return pl.DataFrame(ArrowStream(relation))
