"""Responses have values as the API documents them."""

import pytest

from oneup_pinterest.sandbox.responses import percentage_change


@pytest.mark.parametrize(
    ("current", "last", "text"),
    [
        (25, 20, "+25.0%"),
        (47, 100, "-53.0%"),
        (0, 0, "0%"),
        (3, 3, "0%"),
        (3, 0, "+100.0%"),
        (0, 3, "-100.0%"),
        (40450, 100, "+40,350.0%"),
    ],
)
def test_percentage_change_is_as_documented(current: int, last: int, text: str) -> None:
    assert percentage_change(current, last) == text
