"""Records as columns: a batch of rows with one DuckDB type a column."""

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
    """The fields that no schema declares, in the order in which they came."""
    if set().union(*rows) <= declared.keys():  # as nearly always: no loop over rows in Python
        return []
    return [name for name in dict.fromkeys(name for row in rows for name in row) if name not in declared]


def can_name_a_column(field: str, taken: Collection[str]) -> bool:
    """Whether a field that no schema declares may have a column of its name; `taken` are names of columns.

    DuckDB folds case, and has names that it cannot take; so only a plain name that nothing else has will do.
    """
    return re.fullmatch("[A-Za-z][A-Za-z0-9_]{0,62}", field) is not None and field.lower() not in map(str.lower, taken)


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
    dtype = COLUMN_TYPES[kind].record_dtype if kind in COLUMN_TYPES else pl.String()
    if dtype != pl.String():
        return pl.Series(column, values, dtype=dtype)
    if kind != JSON:
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
    if kind != JSON and isinstance(value, str):
        return _text(value)
    try:
        return _text(json.dumps(value, ensure_ascii=False, allow_nan=False))
    except ValueError:  # NaN is no JSON
        return _text(json.dumps(json.loads(json.dumps(value), parse_constant=lambda _: None), ensure_ascii=False))


def _text(value: str) -> str:
    return value if value.isascii() else value.encode("utf-8", "replace").decode("utf-8")
