"""Records become columns of one type each, whatever fields they have."""

import math

import pytest

from oneup_pinterest.errors import UserError
from oneup_pinterest.sync.batches import as_frame, can_name_a_column, undeclared_fields


def test_fields_that_no_schema_declares_are_told_in_their_order() -> None:
    rows = [{"text": "a", "Text": "b"}, {"board": "c", "Text": "d"}]
    assert undeclared_fields(rows, {"text": "VARCHAR"}) == ["Text", "board"]


@pytest.mark.parametrize(
    "field",
    [
        "Text",
        "TEXT",
        "",
        "_airbyte_extracted_at",
        "_x",
        "9lives",
        "a b",
        'a"b',
        "a\x00",
        "größe",
        "\u212a",
        "a" * 64,
        "a\n",
    ],
)
def test_names_that_differ_by_case_alone_or_are_not_plain_name_no_column(field: str) -> None:
    assert not can_name_a_column(field, ["text", "k"])
    assert can_name_a_column("board", ["text", "k"])


def test_fields_without_a_column_share_one_as_objects() -> None:
    rows = [{"id": "1", "größe": 2, "": None}, {"id": "2"}, {"id": "3", "größe": None}, {"id": "4", "": [10**30]}]
    frame = as_frame("pins", rows, {"id": "VARCHAR", "_other_fields": "JSON"}, {"größe", ""})
    assert frame["_other_fields"].to_list() == ['{"größe": 2}', None, None, f'{{"": [{10**30}]}}']


def test_null_stays_null_in_every_type() -> None:
    kinds = ("BIGINT", "DOUBLE", "BOOLEAN", "VARCHAR", "DATE", "JSON")
    frame = as_frame("pins", [{}, dict.fromkeys(kinds)], {kind: kind for kind in kinds})
    assert frame.null_count().row(0) == (2,) * len(kinds)


def test_json_is_valid_json_whatever_it_holds() -> None:
    values = [{"a": math.nan, "b": "\ud800"}, "text", 1, [None]]
    frame = as_frame("post_performance", [{"item": value} for value in values], {"item": "JSON"})
    assert frame["item"].to_list() == ['{"a": null, "b": "?"}', '"text"', "1", "[null]"]


def test_a_value_of_another_type_is_an_error_that_names_stream_and_column() -> None:
    with pytest.raises(UserError, match=r"`saves` in stream `pins`"):
        as_frame("pins", [{"saves": "many"}], {"saves": "BIGINT"})
