"""Records become columns of one type each, whatever fields they have."""

import math

import pytest

from analysis.errors import UserError
from analysis.sync.batch import as_frame, duckdb_type, fits, inferred_type, undeclared_columns


def test_schema_types_become_the_contracts_types() -> None:
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
    ("values", "kind"),
    [
        ([None, None], None), ([1, None], "BIGINT"), ([1, 2.5], "DOUBLE"), ([True], "BOOLEAN"), (["a", 1], "VARCHAR"),
        ([{"a": 1}], "JSON"), ([[1], "a"], "JSON"), ([True, 1], "VARCHAR"),
    ],
)  # fmt: skip
def test_a_field_that_no_schema_declares_gets_the_type_of_its_values(values: list[object], kind: str | None) -> None:
    assert inferred_type(values) == kind


def test_names_that_differ_by_case_alone_or_are_ours_get_columns_of_their_own() -> None:
    rows = [{"text": "a", "Text": "b", "TEXT": "c", "_airbyte_extracted_at": "d", "": "e", "board": "f"}]
    assert undeclared_columns(rows, {"text": "VARCHAR"}) == {
        "Text": "Text_", "TEXT": "TEXT__", "_airbyte_extracted_at": "_airbyte_extracted_at_", "": "_", "board": "board",
    }  # fmt: skip


def test_null_stays_null_in_every_type() -> None:
    kinds = ("BIGINT", "DOUBLE", "BOOLEAN", "VARCHAR", "DATE", "JSON")
    frame = as_frame("pins", [{}, dict.fromkeys(kinds)], {kind: (kind, kind) for kind in kinds})
    assert frame.null_count().row(0) == (2,) * len(kinds)


def test_json_is_valid_json_whatever_it_holds() -> None:
    values = [{"a": math.nan, "b": "\ud800"}, "text", 1, [None]]
    frame = as_frame("post_performance", [{"item": value} for value in values], {"item": ("item", "JSON")})
    assert frame["item"].to_list() == ['{"a": null, "b": "?"}', '"text"', "1", "[null]"]


def test_a_value_of_another_type_is_an_error_that_names_stream_and_column() -> None:
    with pytest.raises(UserError, match=r"`saves` in stream `pins`"):
        as_frame("pins", [{"saves": "many"}], {"saves": ("saves", "BIGINT")})


def test_what_fits_into_a_stored_column() -> None:
    assert fits("DOUBLE", "BIGINT")
    assert fits("VARCHAR", "BIGINT")
    assert fits("JSON", "VARCHAR")
    assert not fits("BIGINT", "DOUBLE")
    assert not fits("BIGINT", "VARCHAR")
