"""The types of columns, in one table: as a JSON schema declares them, as DuckDB stores them and as Polars reads them.

| constant | JSON schema              | DuckDB    | Polars         |
|----------|--------------------------|-----------|----------------|
| TEXT     | string                   | VARCHAR   | String         |
| COUNT    | integer                  | BIGINT    | Int64          |
| NUMBER   | number                   | DOUBLE    | Float64        |
| DAY      | string, format date      | DATE      | Date           |
| TIME     | string, format date-time | TIMESTAMP | Datetime("us") |
| FLAG     | boolean                  | BOOLEAN   | Boolean        |
| JSON     | anything else            | JSON      | String         |

A type is named by its DuckDB name everywhere in this package. Times are in UTC.
"""

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import polars as pl

TEXT, COUNT, NUMBER, DAY, TIME, FLAG = "VARCHAR", "BIGINT", "DOUBLE", "DATE", "TIMESTAMP", "BOOLEAN"
JSON = "JSON"
NUMERIC_TYPES = (COUNT, NUMBER)

MAX_COUNT = 2**63 - 1  # the largest BIGINT
MAX_EXACT_NUMBER = 2**53  # up to here every whole number is a DOUBLE

_INTEGERS = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "UTINYINT", "USMALLINT", "UINTEGER")
_TIMES = ("DATE", "TIMESTAMP", "TIMESTAMP_S", "TIMESTAMP_MS", "TIMESTAMP_NS", "TIMESTAMP WITH TIME ZONE")


class ColumnType(NamedTuple):
    """One type in each system.

    Attributes:
        json_schema: `type` and `format` of a property of a stream's JSON schema; None where no single type fits.
        polars: The dtype of a loaded frame.
        record_dtype: The dtype of a batch of records, in which dates, times and JSON travel as text.
        description: What a value is called in a message.
        lossless_sources: DuckDB types of which every value can be cast to this one.
    """

    json_schema: tuple[str, str | None] | None
    polars: pl.DataType
    record_dtype: pl.DataType
    description: str
    lossless_sources: tuple[str, ...] = ()


COLUMN_TYPES: dict[str, ColumnType] = {
    TEXT: ColumnType(("string", None), pl.String(), pl.String(), "a text"),
    COUNT: ColumnType(("integer", None), pl.Int64(), pl.Int64(), "a number", _INTEGERS),
    NUMBER: ColumnType(  # not from DOUBLE itself, which may be NaN
        ("number", None), pl.Float64(), pl.Float64(), "a number", (*_INTEGERS, "HUGEINT", "UBIGINT", "UHUGEINT")
    ),
    DAY: ColumnType(("string", "date"), pl.Date(), pl.String(), "a date", _TIMES),
    TIME: ColumnType(("string", "date-time"), pl.Datetime("us"), pl.String(), "a time", _TIMES),
    FLAG: ColumnType(("boolean", None), pl.Boolean(), pl.Boolean(), "true or false", ("BOOLEAN", *_INTEGERS)),
    JSON: ColumnType(None, pl.String(), pl.String(), "JSON"),
}
_DUCKDB_TYPES = {column_type.json_schema: name for name, column_type in COLUMN_TYPES.items()}


def duckdb_type(property_schema: Mapping[str, Any]) -> str:
    """Return the DuckDB type of a property of a stream's JSON schema.

    >>> duckdb_type({"type": ["null", "string"], "format": "date"})
    'DATE'
    >>> duckdb_type({"type": ["null", "object", "array"]})
    'JSON'
    """
    types = [name for name in property_schema["type"] if name != "null"]
    if len(types) != 1:
        return JSON
    text_format = property_schema.get("format") if types == ["string"] else None
    return _DUCKDB_TYPES.get((types[0], text_format)) or _DUCKDB_TYPES.get((types[0], None), JSON)


def inferred_type(values: Iterable[Any]) -> str | None:
    """Return the DuckDB type that holds each value exactly; None where all are null.

    It is for columns that no schema declares.

    >>> inferred_type([1, 2.5]), inferred_type([2**53 + 1, 2.5]), inferred_type([None])
    ('DOUBLE', 'VARCHAR', None)
    """
    kinds: set[type] = set()
    largest = 0
    for value in values:
        kinds.add(type(value))
        if type(value) is int:
            largest = max(largest, abs(value))
    kinds.discard(type(None))
    if not kinds:
        return None
    if kinds == {bool}:
        return FLAG
    if kinds == {int} and largest <= MAX_COUNT:
        return COUNT
    if kinds <= {int, float} and largest <= MAX_EXACT_NUMBER:
        return NUMBER
    return TEXT if kinds <= {str, int, float, bool} else JSON


def can_store(stored: str, arriving: str) -> bool:
    """Return whether a column of type `stored` keeps values of type `arriving` without loss.

    >>> can_store("VARCHAR", "BIGINT"), can_store("BIGINT", "DOUBLE")
    (True, False)
    """
    return stored in (arriving, JSON, TEXT)


def always_casts(stored: str, wanted: str) -> bool:
    """Return whether every value of the DuckDB type `stored` is a finite value of type `wanted`.

    >>> always_casts("INTEGER", "BIGINT"), always_casts("DOUBLE", "DOUBLE")
    (True, False)
    """
    if wanted == TEXT or (wanted == NUMBER and stored.startswith("DECIMAL")):
        return True
    return stored in COLUMN_TYPES[wanted].lossless_sources
