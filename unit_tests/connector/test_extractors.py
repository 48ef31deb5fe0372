"""Fields of responses become fields of records."""

import logging

import pytest

from unit_tests.connector.mock_api import WireMocker, posts, response, window_request
from unit_tests.connector.streams import SINCE_START, SNAPSHOT, WINDOWS, Json, Read, pin_row, rows


@pytest.mark.parametrize(
    ("stats", "own", "fields", "moved"),
    [
        ({"views": "1,001"}, {}, {"views": 1001}, ["views"]),
        ({"a": "12.5%", "b": 7, "c": 0.5}, {}, {"a": 12.5, "b": 7, "c": 0.5}, ["a", "b", "c"]),
        ({"a": True, "b": {"c": ["1,001"]}}, {}, {"a": True, "b": {"c": ["1,001"]}}, ["a", "b"]),
        ({"a": "four", "b": "9" * 30}, {}, {"a": "four", "b": "9" * 30}, ["a", "b"]),
        ({"a": " ", "b": None}, {}, {}, ["a", "b"]),
        ({}, {"views": "1,001"}, {"views": "1,001"}, None),
        (
            {"text": "x", "board": 3},
            {"board": "y"},
            {"stats_text": "x", "board": "y", "stats_board": 3},
            ["stats_text", "stats_board"],
        ),
        (
            {"text": 1, "stats_text": 2},
            {"stats_text": "y"},
            {"stats_stats_text": 1, "stats_stats_stats_text": 2, "stats_text": "y"},
            ["stats_stats_text", "stats_stats_stats_text"],
        ),
        (
            {"id": "8", "snapshot_date": "x", "stats": 5},
            {},
            {"stats_id": 8, "stats_snapshot_date": "x", "stats_stats": 5},
            ["stats_id", "stats_snapshot_date", "stats_stats"],
        ),
        ({}, {"saves": 3}, {"post_saves": 3}, None),
        ({}, {"saves": 2}, {}, None),
    ],
)
def test_stats_fields_are_moved_to_the_top_level_of_the_pin(
    stats: Json, own: Json, fields: Json, moved: list[str] | None, read: Read, wire: WireMocker
) -> None:
    body = posts()
    body["data"]["posts"][0] = {**body["data"]["posts"][0], **own}
    body["data"]["posts"][0]["stats"] |= stats
    wire.get(window_request("posts", "pin_a", SINCE_START), response(body))

    (row,) = rows(read("pins"), "pins")

    assert row.pop("stats", None) == moved
    expected = {name: value for name, value in pin_row(12).items() if value is not None}
    stamped = {"social_network_id": "pin_a", **WINDOWS[SINCE_START["start_date"]], **SNAPSHOT}
    assert row == expected | stamped | fields


def test_dropped_data_is_logged_once_with_count_and_example(
    read: Read, wire: WireMocker, caplog: pytest.LogCaptureFixture
) -> None:
    body = posts()
    body["data"]["posts"] += [7, "text", body["data"]["posts"][0] | {"stats": {"saves": "many"}}]
    wire.get(window_request("posts", "pin_a", SINCE_START), response(body))

    with caplog.at_level(logging.WARNING, "airbyte.oneup_pinterest"):
        assert len(rows(read("pins", "pin_totals"), "pins")) == 2

    logged = [record.getMessage() for record in caplog.records if record.name == "airbyte.oneup_pinterest"]
    assert logged == [
        "Left out 2 rows that are not objects from pins, for example 7.",
        '1 values of `saves` in pins are not whole numbers and were left empty, for example "many".',
    ]
