"""Values of the API become typed values, or None if they are invalid, but never zero."""

import math

import pytest

from source_oneup_pinterest.components.coercion import (
    MAX_DEPTH,
    as_boolean,
    as_integer,
    as_number,
    as_text,
    exceeds_max_depth,
)


@pytest.mark.parametrize(
    ("sent", "number"),
    [
        (12, 12),
        (12.5, 12.5),
        ("12", 12),
        ("1,234", 1234),
        ("1,234,567.5", 1234567.5),
        ("+25.0%", 25),
        ("+23.40%", 23.4),
        ("-53%", -53),
        ("+40,350%", 40350),
        ("0%", 0),
        (100, 100),
        (0, 0),
        (" 7 ", 7),
        ("5.23", 5.23),
        ("2.15%", 2.15),
        ("1e3", 1000),
        (".5", 0.5),
        ("-0.0%", 0),
        (None, None),
        ("", None),
        ("n/a", None),
        ("%", None),
        ("1,23", None),
        ("12a", None),
        ("--5", None),
        (True, None),
        ([], None),
        ({}, None),
        (math.nan, None),
        (math.inf, None),
        ("nan", None),
        ("inf", None),
        (2**63, None),
        ("9" * 30, None),
        ("١٢", None),
    ],
)
def test_number_is_parsed_or_none(sent: object, number: float | None) -> None:
    result = as_number(sent)
    if isinstance(sent, str) and len(sent) == 30:  # too long for an integer, so it is a number but not a count
        assert result == pytest.approx(1e30)
        assert as_integer(sent) is None
    elif sent == "١٢":  # digits of another script may count as digits
        assert result in (12, None)
    else:
        assert result == number


@pytest.mark.parametrize(
    ("sent", "count"),
    [
        (3000, 3000),
        ("3,000", 3000),
        (3000.0, 3000),
        ("3000.0", 3000),
        (-1, -1),
        (2**63 - 1, 2**63 - 1),
        ("9,007,199,254,740,993", 2**53 + 1),
        ("9007199254740993.00", 2**53 + 1),
        (str(-(2**63)), -(2**63)),
        ("9,223,372,036,854,775,808", None),
        (None, None),
        (0, 0),
        ("0", 0),
        (12.5, None),
        ("1.2K", None),
        (True, None),
        (2**63, None),
        (1e300, None),
    ],
)
def test_count_is_whole_or_none(sent: object, count: int | None) -> None:
    result = as_integer(sent)
    assert result == count
    assert result is None or type(result) is int


@pytest.mark.parametrize(
    ("sent", "text"),
    [
        ("a", "a"),
        ("", ""),
        (1000, "1000"),
        (1.5, "1.5"),
        (True, "true"),
        (None, None),
        (["a"], '["a"]'),
        ("naïve 🌷\n'\"", "naïve 🌷\n'\""),
        ("\ud800x", "?x"),
        ("1_000", "1_000"),
    ],
)
def test_value_becomes_text(sent: object, text: str | None) -> None:
    assert as_text(sent) == text


@pytest.mark.parametrize(
    ("sent", "boolean"),
    [
        (0, False),
        (1, True),
        ("1", True),
        ("0", False),
        (True, True),
        (False, False),
        ("True", True),
        (None, None),
        (2, None),
    ],
)
def test_boolean_is_parsed_or_none(sent: object, boolean: bool | None) -> None:
    assert as_boolean(sent) is boolean


def nested(depth: int) -> object:
    value: object = "deep"
    for level in range(depth):
        value = [value] if level % 2 else {"a": value}
    return value


@pytest.mark.parametrize(("depth", "is_deep"), [(0, False), (MAX_DEPTH, False), (MAX_DEPTH + 1, True), (5000, True)])
def test_value_that_is_nested_too_deeply_is_none(depth: int, is_deep: bool) -> None:
    assert exceeds_max_depth(nested(depth)) is is_deep
    assert (as_text(nested(depth)) is None) is is_deep
    assert as_boolean(nested(depth)) is None
