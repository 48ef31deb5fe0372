"""Records as columns: a batch of rows with one DuckDB type a column."""

import contextlib
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import polars as pl

from analysis.errors import UserError

POLARS_TYPES: dict[str, pl.DataType] = {
    "BIGINT": pl.Int64(),
    "DOUBLE": pl.Float64(),
    "BOOLEAN": pl.Boolean(),
}  # dates, times, JSON and texts travel as text
RESERVED = ("_airbyte_extracted_at", "pin_key", "batch_row")  # ours, whatever OneUp may name a field


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


def inferred_type(values: Iterable[Any]) -> str | None:
    """The DuckDB type of a column that no schema declares; None where all is null."""
    kinds = {type(value) for value in values if value is not None}
    if not kinds:
        return None
    if kinds == {bool}:
        return "BOOLEAN"
    if kinds == {int}:
        return "BIGINT"
    if kinds <= {int, float}:
        return "DOUBLE"
    return "VARCHAR" if kinds <= {str, int, float, bool} else "JSON"


def undeclared_columns(rows: Sequence[Mapping[str, Any]], declared: Mapping[str, str]) -> dict[str, str]:
    """Field name → column name for the fields that no schema declares, in the order in which they came.

    DuckDB folds case, so that a field `Text` beside the declared `text` gets a column of its own, `Text_`.
    """
    columns: dict[str, str] = {}
    if set().union(*rows) <= declared.keys():  # as nearly always: no loop over rows in Python
        return columns
    taken = {name.lower() for name in (*declared, *RESERVED)}
    for name in dict.fromkeys(name for row in rows for name in row):
        if name in declared:
            continue
        column = _text(name) or "_"
        while column.lower() in taken:
            column += "_"
        taken.add(column.lower())
        columns[name] = column
    return columns


def fits(stored: str, arriving: str) -> bool:
    """Whether values of a type can be kept in a column of another without loss."""
    return stored == arriving or stored == "JSON" or (stored, arriving) == ("DOUBLE", "BIGINT") or stored == "VARCHAR"


def as_frame(stream: str, rows: Sequence[Mapping[str, Any]], columns: Mapping[str, tuple[str, str]]) -> pl.DataFrame:
    """Columns of a batch; `columns` is field name → (column name, DuckDB type).

    Raises:
        UserError: a value is not of its column's type.
    """
    series = []
    for field, (column, kind) in columns.items():
        values = [row.get(field) for row in rows]
        try:
            series.append(_series(column, values, kind))
        except (TypeError, OverflowError, pl.exceptions.PolarsError):
            raise type_change(stream, column, kind, "values of another type") from None
    return pl.DataFrame(series)


def _series(column: str, values: list[Any], kind: str) -> pl.Series:
    if kind in POLARS_TYPES:
        return pl.Series(column, values, dtype=POLARS_TYPES[kind])
    if kind != "JSON":
        with contextlib.suppress(TypeError, UnicodeEncodeError):  # where all is text already
            return pl.Series(column, values, dtype=pl.String())
    return pl.Series(column, [_as_text(value, kind) for value in values], dtype=pl.String())


def type_change(stream: str, column: str, stored: str, arriving: str) -> UserError:
    return UserError(
        f"The type of `{column}` in stream `{stream}` has changed: the database has {stored}, the sync brings "
        f"{arriving}. Nothing of this was stored; sync into a new file with --database, or rename the column "
        "in this one."
    )


def _as_text(value: Any, kind: str) -> str | None:
    if value is None:
        return None
    if kind != "JSON" and isinstance(value, str):
        return _text(value)
    try:
        return _text(json.dumps(value, ensure_ascii=False, allow_nan=False))
    except ValueError:  # NaN is no JSON
        return _text(json.dumps(json.loads(json.dumps(value), parse_constant=lambda _: None), ensure_ascii=False))


def _text(value: str) -> str:
    return value if value.isascii() else value.encode("utf-8", "replace").decode("utf-8")
