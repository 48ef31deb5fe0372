"""Turn a batch of records into columns of one DuckDB type each."""

import contextlib
import json
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

import polars as pl

from oneup_pinterest.errors import UserError

POLARS_TYPES: dict[str, pl.DataType] = {
    "BIGINT": pl.Int64(),
    "DOUBLE": pl.Float64(),
    "BOOLEAN": pl.Boolean(),
}  # dates, times, JSON and texts stay text until DuckDB casts them
OTHER_FIELDS = "_other_fields"  # the column of the fields that have none
RESERVED = ("_airbyte_extracted_at", "pin_key", OTHER_FIELDS, "rowid")  # ours or DuckDB's, whatever OneUp names so
BIGINT, EXACT = 2**63, 2**53  # beyond the one no BIGINT reaches; up to the other every whole number is a DOUBLE


def duckdb_type(property_schema: Mapping[str, Any]) -> str:
    """The DuckDB type of a property of a stream's JSON schema.

    >>> duckdb_type({"type": ["null", "string"], "format": "date"})
    'DATE'
    """
    types = [name for name in property_schema["type"] if name != "null"]
    if types == ["string"]:
        return {"date": "DATE", "date-time": "TIMESTAMP"}.get(property_schema.get("format", ""), "VARCHAR")
    names = {"integer": "BIGINT", "number": "DOUBLE", "boolean": "BOOLEAN"}
    return names.get(types[0], "JSON") if len(types) == 1 else "JSON"


def infer_type(values: Iterable[Any]) -> str | None:
    """Return the DuckDB type that holds each value of an undeclared field exactly; None if all values are null."""
    types: set[type] = set()
    largest = 0
    for value in values:
        types.add(type(value))
        if type(value) is int:
            largest = max(largest, abs(value))
    types.discard(type(None))
    if not types:
        return None
    if types == {bool}:
        return "BOOLEAN"
    if types == {int} and largest < BIGINT:
        return "BIGINT"
    if types <= {int, float} and largest <= EXACT:
        return "DOUBLE"
    return "VARCHAR" if types <= {str, int, float, bool} else "JSON"


def undeclared_fields(rows: Sequence[Mapping[str, Any]], declared: Mapping[str, str]) -> list[str]:
    """Return the fields that no schema declares, in the order of their first appearance."""
    if set().union(*rows) <= declared.keys():  # nearly always true, and needs no loop over rows in Python
        return []
    return [name for name in dict.fromkeys(name for row in rows for name in row) if name not in declared]


def is_column_name(field: str, taken: Collection[str]) -> bool:
    """Return whether an undeclared field can have a column of its name beside the column names `taken`.

    DuckDB ignores case and cannot store some names, so only a plain name that is not taken in any case is accepted.
    """
    return re.fullmatch("[A-Za-z][A-Za-z0-9_]{0,62}", field) is not None and field.lower() not in map(str.lower, taken)


def can_store(column_type: str, value_type: str) -> bool:
    """Return whether a column of one type stores values of another without loss."""
    return column_type in (value_type, "JSON", "VARCHAR")


def to_frame(
    stream: str, rows: Sequence[Mapping[str, Any]], columns: Mapping[str, str], other_fields: Collection[str] = ()
) -> pl.DataFrame:
    """Return a batch as a frame with `columns` (name → DuckDB type); `other_fields` share one column of JSON objects.

    Raises:
        UserError: A value is not of its column's type.
    """
    series = []
    for column, kind in columns.items():
        values: list[Any]
        if other_fields and column == OTHER_FIELDS:
            values = [_only(row, other_fields) or None for row in rows]
        else:
            values = [row.get(column) for row in rows]
        try:
            series.append(_series(column, values, kind))
        except (TypeError, OverflowError, pl.exceptions.PolarsError):
            raise type_change_error(stream, column, kind, "values of another type") from None
    return pl.DataFrame(series)


def rows_of_wrong_type(stream: str, rows: Sequence[Mapping[str, Any]], columns: Mapping[str, str]) -> list[int]:
    """Return the indexes of the rows for which `to_frame` would raise.

    >>> rows_of_wrong_type("pins", [{"saves": 1}, {"saves": "many"}, {}], {"saves": "BIGINT"})
    [1]
    """
    found: set[int] = set()
    for column, kind in columns.items():
        try:
            to_frame(stream, rows, {column: kind})
        except UserError:
            found.update(n for n, row in enumerate(rows) if not _has_type(stream, row, column, kind))
    return sorted(found)


def _has_type(stream: str, row: Mapping[str, Any], column: str, kind: str) -> bool:
    try:
        to_frame(stream, [row], {column: kind})
    except UserError:
        return False
    return True


def _only(row: Mapping[str, Any], fields: Collection[str]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name in fields and value is not None}


def _series(column: str, values: list[Any], kind: str) -> pl.Series:
    if kind in POLARS_TYPES:
        return pl.Series(column, values, dtype=POLARS_TYPES[kind])
    if kind != "JSON":
        with contextlib.suppress(TypeError, UnicodeEncodeError):  # succeeds if all values are text already
            return pl.Series(column, values, dtype=pl.String())
    return pl.Series(column, [_as_text(value, kind) for value in values], dtype=pl.String())


def type_change_error(stream: str, column: str, stored: str, arriving: str) -> UserError:
    return UserError(
        f"The type of `{column}` in stream `{stream}` has changed: the database has {stored}, the sync brings "
        f"{arriving}. These records were not stored. Sync into a new file with --database, or rename the column "
        "in this one."
    )


def _as_text(value: Any, kind: str) -> str | None:
    if value is None:
        return None
    if kind != "JSON" and isinstance(value, str):
        return _text(value)
    try:
        return _text(json.dumps(value, ensure_ascii=False, allow_nan=False))
    except ValueError:  # NaN is not valid JSON
        return _text(json.dumps(json.loads(json.dumps(value), parse_constant=lambda _: None), ensure_ascii=False))


def _text(value: str) -> str:
    return value if value.isascii() else value.encode("utf-8", "replace").decode("utf-8")
