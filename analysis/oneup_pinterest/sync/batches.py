"""Records as columns: a batch of rows with one DuckDB type a column."""

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
}  # dates, times, JSON and texts travel as text
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


def inferred_type(values: Iterable[Any]) -> str | None:
    """The DuckDB type of a column that no schema declares, which holds each value exactly; None where all is null."""
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
        return "BOOLEAN"
    if kinds == {int} and largest < BIGINT:
        return "BIGINT"
    if kinds <= {int, float} and largest <= EXACT:
        return "DOUBLE"
    return "VARCHAR" if kinds <= {str, int, float, bool} else "JSON"


def undeclared_fields(rows: Sequence[Mapping[str, Any]], declared: Mapping[str, str]) -> list[str]:
    """The fields that no schema declares, in the order in which they came."""
    if set().union(*rows) <= declared.keys():  # as nearly always: no loop over rows in Python
        return []
    return [name for name in dict.fromkeys(name for row in rows for name in row) if name not in declared]


def can_name_a_column(field: str, taken: Collection[str]) -> bool:
    """Whether a field that no schema declares may have a column of its name; `taken` are names of columns.

    DuckDB folds case, and has names that it cannot take; so only a plain name that nothing else has will do.
    """
    return re.fullmatch("[A-Za-z][A-Za-z0-9_]{0,62}", field) is not None and field.lower() not in map(str.lower, taken)


def fits(stored: str, arriving: str) -> bool:
    """Whether values of a type can be kept in a column of another without loss."""
    return stored in (arriving, "JSON", "VARCHAR")


def as_frame(
    stream: str, rows: Sequence[Mapping[str, Any]], columns: Mapping[str, str], others: Collection[str] = ()
) -> pl.DataFrame:
    """Columns of a batch; `columns` is name → DuckDB type, and the fields `others` share one column as JSON objects.

    Raises:
        UserError: a value is not of its column's type.
    """
    series = []
    for column, kind in columns.items():
        values: list[Any]
        if others and column == OTHER_FIELDS:
            values = [_only(row, others) or None for row in rows]
        else:
            values = [row.get(column) for row in rows]
        try:
            series.append(_series(column, values, kind))
        except (TypeError, OverflowError, pl.exceptions.PolarsError):
            raise type_change(stream, column, kind, "values of another type") from None
    return pl.DataFrame(series)


def misfits(stream: str, rows: Sequence[Mapping[str, Any]], columns: Mapping[str, str]) -> list[int]:
    """Return the indexes of the rows with which `as_frame` would raise.

    >>> misfits("pins", [{"saves": 1}, {"saves": "many"}, {}], {"saves": "BIGINT"})
    [1]
    """
    found: set[int] = set()
    for column, kind in columns.items():
        try:
            as_frame(stream, rows, {column: kind})
        except UserError:
            found.update(n for n, row in enumerate(rows) if not _is_one(stream, row, column, kind))
    return sorted(found)


def _is_one(stream: str, row: Mapping[str, Any], column: str, kind: str) -> bool:
    try:
        as_frame(stream, [row], {column: kind})
    except UserError:
        return False
    return True


def _only(row: Mapping[str, Any], fields: Collection[str]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name in fields and value is not None}


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
