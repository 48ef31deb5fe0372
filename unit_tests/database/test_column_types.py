"""How column types of JSON schema, DuckDB and Polars map to each other."""

import pytest

from oneup_pinterest.database.column_types import COLUMN_TYPES, always_casts, can_store, duckdb_type, inferred_type


def test_json_schema_types_map_to_duckdb_types() -> None:
    schemas = {
        "BIGINT": {"type": ["null", "integer"]},
        "DOUBLE": {"type": ["null", "number"]},
        "BOOLEAN": {"type": ["null", "boolean"]},
        "VARCHAR": {"type": ["null", "string"]},
        "DATE": {"type": ["null", "string"], "format": "date"},
        "TIMESTAMP": {"type": ["null", "string"], "format": "date-time"},
        "JSON": {"type": ["null", "object", "array", "string"]},
    }
    assert {name: duckdb_type(schema) for name, schema in schemas.items()} == {name: name for name in schemas}


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([None, None], None),
        ([1, None], "BIGINT"),
        ([1, 2.5], "DOUBLE"),
        ([True], "BOOLEAN"),
        (["a", 1], "VARCHAR"),
        ([{"a": 1}], "JSON"),
        ([[1], "a"], "JSON"),
        ([True, 1], "VARCHAR"),
        ([2**63 - 1], "BIGINT"),
        ([2**63], "VARCHAR"),
        ([10**400, None], "VARCHAR"),
        ([2**53, 0.5], "DOUBLE"),
        ([2**53 + 1, 0.5], "VARCHAR"),
    ],
)
def test_inferred_types_hold_every_value_exactly(values: list[object], expected: str | None) -> None:
    assert inferred_type(values) == expected


@pytest.mark.parametrize(
    ("stored", "arriving", "expected"),
    [
        ("VARCHAR", "BIGINT", True),
        ("JSON", "VARCHAR", True),
        ("BIGINT", "BIGINT", True),
        ("BIGINT", "DOUBLE", False),
        ("DOUBLE", "BIGINT", False),  # a DOUBLE does not hold large integers exactly
        ("BIGINT", "VARCHAR", False),
    ],
)
def test_column_accepts_only_types_it_stores_exactly(stored: str, arriving: str, expected: bool) -> None:
    assert can_store(stored, arriving) is expected


@pytest.mark.parametrize(
    ("stored", "wanted", "expected"),
    [
        ("INTEGER", "BIGINT", True),
        ("HUGEINT", "BIGINT", False),
        ("DECIMAL(38,9)", "DOUBLE", True),
        ("DOUBLE", "DOUBLE", False),  # it may be NaN
        ("TIMESTAMP", "DATE", True),
        ("VARCHAR", "DATE", False),
        ("BLOB", "VARCHAR", True),
    ],
)
def test_types_that_always_cast_need_no_check(stored: str, wanted: str, expected: bool) -> None:
    assert always_casts(stored, wanted) is expected


def test_each_json_schema_type_is_listed_once() -> None:
    schemas = [column_type.json_schema for column_type in COLUMN_TYPES.values()]
    assert len(set(schemas)) == len(schemas)
