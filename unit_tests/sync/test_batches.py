"""A batch of records becomes columns of one type each."""

import math

import pytest

from oneup_pinterest.errors import UserError
from oneup_pinterest.sync.batches import is_column_name, to_frame, undeclared_fields


def test_undeclared_fields_are_found_in_order() -> None:
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
def test_conflicting_or_invalid_field_name_gets_no_column(field: str) -> None:
    assert not is_column_name(field, ["text", "k"])
    assert is_column_name("board", ["text", "k"])


def test_other_fields_share_one_json_column() -> None:
    rows = [{"id": "1", "größe": 2, "": None}, {"id": "2"}, {"id": "3", "größe": None}, {"id": "4", "": [10**30]}]
    frame = to_frame("pins", rows, {"id": "VARCHAR", "_other_fields": "JSON"}, {"größe", ""})
    assert frame["_other_fields"].to_list() == ['{"größe": 2}', None, None, f'{{"": [{10**30}]}}']


def test_null_stays_null_in_every_type() -> None:
    types = ("BIGINT", "DOUBLE", "BOOLEAN", "VARCHAR", "DATE", "JSON")
    frame = to_frame("pins", [{}, dict.fromkeys(types)], {name: name for name in types})
    assert frame.null_count().row(0) == (2,) * len(types)


def test_json_column_is_always_valid_json() -> None:
    values = [{"a": math.nan, "b": "\ud800"}, "text", 1, [None]]
    frame = to_frame("post_performance", [{"item": value} for value in values], {"item": "JSON"})
    assert frame["item"].to_list() == ['{"a": null, "b": "?"}', '"text"', "1", "[null]"]


def test_error_for_a_wrong_type_names_stream_and_column() -> None:
    with pytest.raises(UserError, match=r"`saves` in stream `pins`"):
        to_frame("pins", [{"saves": "many"}], {"saves": "BIGINT"})
