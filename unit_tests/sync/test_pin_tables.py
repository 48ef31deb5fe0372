"""Fields in the `stats` of a pin are kept per pin and day, other fields once per pin."""

from typing import Any

import duckdb
import pytest

from oneup_pinterest.database.reader import open_history
from test_support.stream_schemas import SCHEMAS
from unit_tests.sync.synced_file import PIN, SyncedFile

DAYS = ("2026-05-20", "2026-05-21", "2026-05-22")


def pin(day: int, name: str = "1", **stats: Any) -> dict[str, Any]:
    return {**PIN, "id": name, "snapshot_date": DAYS[day], **stats, **({"stats": list(stats)} if stats else {})}


@pytest.mark.parametrize(
    ("first", "then", "column_type", "stored"),
    [
        (1001, 1002, "BIGINT", [1001, 1002]),
        (12.5, 13, "DOUBLE", [12.5, 13.0]),
        ("rising", "falling", "VARCHAR", ["rising", "falling"]),
        (True, False, "BOOLEAN", [True, False]),
        ({"a": [1]}, {"a": [2]}, "JSON", ['{"a": [1]}', '{"a": [2]}']),
        ("four", 4, "VARCHAR", ["four", "4"]),
        (4, "four", "VARCHAR", ["4", "four"]),
        (True, 4, "VARCHAR", ["true", "4"]),
        ([1], "four", "JSON", ["[1]", '"four"']),
    ],
)
def test_stats_field_is_kept_per_day(
    file: SyncedFile, first: Any, then: Any, column_type: str, stored: list[Any]
) -> None:
    file.run("pins", [pin(0, views=first)])
    file.run("pins", [pin(1, views=then)])

    assert file.rows("SELECT typeof(views) FROM pins LIMIT 1") == [(column_type,)]
    assert [value for (value,) in file.rows("SELECT views FROM pins ORDER BY snapshot_date")] == stored
    assert file.rows("SELECT views FROM pins_latest") == [(stored[1],)]
    with open_history(file.path) as history:  # read as status, report, export and notebooks do
        query = "SELECT views FROM pins ORDER BY snapshot_date"
        assert [value for (value,) in history.sql(query).fetchall()] == stored


def test_fields_outside_stats_are_attributes_unless_numeric(file: SyncedFile) -> None:
    file.run("pins", [{**pin(0), "board": "Garden", "followers": 5}])
    file.run("pins", [{**pin(1), "board": "House", "followers": 6}])

    assert file.rows("SELECT board, followers FROM pins ORDER BY snapshot_date") == [("House", 5), ("House", 6)]
    assert file.rows("SELECT board FROM _pin_attributes") == [("House",)]


def test_stats_fields_beyond_the_column_limit_are_kept_per_day(file: SyncedFile) -> None:
    many = {f"field_{n:02}": n for n in range(60)}
    for day in (0, 1):
        file.run("pins", [pin(day, **{name: n + day for name, n in many.items()}, größe=day)])

    assert file.rows("SELECT field_01, _other_fields->>'field_59', _other_fields->>'größe' FROM pins ORDER BY 1") == [
        (1, "59", "0"),
        (2, "60", "1"),
    ]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("texts", "then", "column_type", "stored"),
    [
        ({"1": "1,001", "2": " 7 "}, 1002, "BIGINT", {"1": [None, 1001, 1002], "2": [7, 8]}),
        ({"1": "12.5%", "2": "1"}, 13, "DOUBLE", {"1": [None, 12.5, 13.0], "2": [1.0, 8.0]}),
        ({"1": "1,001", "2": "-7"}, 12.5, "DOUBLE", {"1": [None, 1001.0, 12.5], "2": [-7.0, 8.0]}),
        (
            {"1": "9,007,199,254,740,993", "2": None},
            1,
            "VARCHAR",
            {"1": [None, "9,007,199,254,740,993", "1"], "2": [None, "8"]},
        ),
        ({"1": "1,001", "2": "n/a"}, 1002, "VARCHAR", {"1": [None, "1,001", "1002"], "2": ["n/a", "8"]}),
        ({"1": "4", "2": "5"}, "four", "VARCHAR", {"1": [None, "4", "four"], "2": ["5", "8"]}),
        ({"1": {"a": 1}, "2": None}, {"a": 2}, "JSON", {"1": [None, '{"a": 1}', '{"a": 2}'], "2": [None, "8"]}),
        ({"1": True, "2": False}, 3, "VARCHAR", {"1": [None, "true", "3"], "2": ["false", "8"]}),
    ],
)
@pytest.mark.parametrize("are_split", [pytest.param(False, marks=pytest.mark.nightly), True])
def test_attribute_of_a_0_1_0_file_moves_to_the_newest_day(
    file: SyncedFile, texts: dict[str, Any], then: Any, column_type: str, stored: dict[str, Any], are_split: bool
) -> None:
    file.run("pins", [{**pin(0), "impressions": 1}, {**pin(0, "3"), "impressions": 1}])
    file.run("pins", [{**pin(1, name), "views": text} for name, text in texts.items()])  # as version 0.1.0 wrote it
    assert file.rows("SELECT count(views) FROM _pin_attributes")[0][0] >= 1

    batches = [[pin(2, views=then)], [pin(2, "2", views=8)]]
    file.run("pins", *(batches if are_split else [[*batches[0], *batches[1]]]))

    assert file.rows("SELECT typeof(views) FROM pins LIMIT 1") == [(column_type,)]
    for name in texts:
        query = f"SELECT views FROM pins WHERE id = '{name}' ORDER BY snapshot_date"
        assert [value for (value,) in file.rows(query)] == stored[name]
    with pytest.raises(duckdb.BinderException):
        file.rows("SELECT views FROM _pin_attributes")
    with open_history(file.path) as history:
        assert history.sql("SELECT count(views) FROM pins WHERE snapshot_date = '2026-05-22'").fetchall() == [(2,)]


def test_stats_list_does_not_become_a_column(file: SyncedFile) -> None:
    file.run("pins", [pin(0, views=1)])

    names = [name for name, *_ in file.rows("DESCRIBE pins")]
    assert set(names) == {*SCHEMAS["pins"][0]["properties"], "views", "_airbyte_extracted_at"}
