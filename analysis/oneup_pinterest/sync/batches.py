"""Turn a batch of records into columns of one DuckDB type each."""

import contextlib
import json
import re
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import polars as pl

from oneup_pinterest.database.column_types import COLUMN_TYPES, JSON
from oneup_pinterest.database.schema import OTHER_FIELDS
from oneup_pinterest.errors import UserError


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
    dtype = COLUMN_TYPES[kind].record_dtype if kind in COLUMN_TYPES else pl.String()
    if dtype != pl.String():
        return pl.Series(column, values, dtype=dtype)
    if kind != JSON:
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
    if kind != JSON and isinstance(value, str):
        return _text(value)
    try:
        return _text(json.dumps(value, ensure_ascii=False, allow_nan=False))
    except ValueError:  # NaN is not valid JSON
        return _text(json.dumps(json.loads(json.dumps(value), parse_constant=lambda _: None), ensure_ascii=False))


def _text(value: str) -> str:
    return value if value.isascii() else value.encode("utf-8", "replace").decode("utf-8")
