"""Each field of a response has a column of its type, even if the field is new, unusual or changes its type."""

from pathlib import Path
from typing import Any

import duckdb
import pytest

from integration_tests.databases import open_read_only, rows
from integration_tests.fixture_types import Days, FirstSync
from oneup_pinterest.database.reader import open_history
from oneup_pinterest.errors import UserError
from oneup_pinterest.sandbox import Fault, Sandbox
from oneup_pinterest.sync import sync

pytestmark = pytest.mark.slow


def test_new_fields_become_columns(sandbox: Sandbox, database: Path, days_later: Days, first_sync: FirstSync) -> None:
    first_sync(database)
    days_later(1)
    sandbox.inject(
        Fault(
            "edit",
            path="posts",
            times=None,
            edit=lambda a: with_pins(a, board="Garden", meta={"a": [1]}, stats={"closeups": 4}),
        )
    )
    assert sync(sandbox.config(), database).exit_status == 0

    described = dict(row[:2] for row in rows(database, "DESCRIBE pins"))
    assert (described["board"], described["meta"], described["closeups"]) == ("VARCHAR", "JSON", "BIGINT")
    assert rows(database, "SELECT DISTINCT board, meta, closeups FROM pins WHERE closeups IS NOT NULL") == [
        ("Garden", '{"a": [1]}', 4)
    ]
    assert rows(database, "SELECT count(*) FROM pins WHERE closeups IS NULL")[0][0] > 0
    with open_history(database) as history:  # as status, report, export and notebooks open it
        query = "SELECT DISTINCT board, closeups FROM pins WHERE closeups IS NOT NULL"
        assert history.sql(query).fetchall() == [("Garden", 4)]


def with_pins(response: dict[str, Any], stats: dict[str, Any] | None = None, **fields: Any) -> dict[str, Any]:
    for pin in response["data"]["posts"]:
        pin["stats"] = {**pin["stats"], **(stats or {})}
        pin.update(fields)
    return response


@pytest.mark.parametrize(
    ("first", "then", "column_type", "stored"),
    [
        (4, "four", "VARCHAR", {"4", "four"}),
        (4, 4.5, "DOUBLE", {4.0, 4.5}),
        (2**62 + 1, 4.5, "VARCHAR", {str(2**62 + 1), "4.5"}),
        (4.5, 2**62 + 1, "VARCHAR", {"4.5", str(2**62 + 1)}),
        (4.5, 4, "DOUBLE", {4.5, 4.0}),
        (4, 10**30, "VARCHAR", {"4", str(10**30)}),
        ("1,001", "1,002", "BIGINT", {1001, 1002}),
        ("12.5%", 4, "DOUBLE", {12.5, 4.0}),
        ("four", 4, "VARCHAR", {"four", "4"}),
        (True, False, "BOOLEAN", {True, False}),
        (True, {"a": 1}, "VARCHAR", {"true", '{"a": 1}'}),
        ([1], "four", "JSON", {"[1]", '"four"'}),
    ],
)
def test_an_undeclared_field_keeps_each_days_value_if_its_type_changes(
    sandbox: Sandbox, database: Path, days_later: Days, first: Any, then: Any, column_type: str, stored: set[Any]
) -> None:
    config = {**sandbox.config(), "start_date": "2026-05-10"}
    sandbox.inject(Fault("edit", path="posts", times=None, edit=lambda a: with_pins(a, stats={"closeups": first})))
    sync(config, database, ["pins"])
    before = rows(database, "SELECT * EXCLUDE (closeups, _airbyte_extracted_at) FROM pins ORDER BY ALL")
    days_later(1)
    sandbox.reset_faults()
    sandbox.inject(Fault("edit", path="posts", times=None, edit=lambda a: with_pins(a, stats={"closeups": then})))

    assert sync(config, database, ["pins"]).exit_status == 0

    assert rows(database, "SELECT typeof(closeups) FROM pins LIMIT 1") == [(column_type,)]
    assert {value for (value,) in rows(database, "SELECT DISTINCT closeups FROM pins")} == stored
    days = rows(database, "SELECT count(DISTINCT snapshot_date), count(*) = count(closeups) FROM pins")
    assert days == [(2, True)]
    of_that_day = "SELECT * EXCLUDE (closeups, _airbyte_extracted_at) FROM pins WHERE snapshot_date = '2026-05-20'"
    assert rows(database, f"{of_that_day} ORDER BY ALL") == before


def test_fields_of_the_same_name_in_the_pin_and_its_stats_are_both_kept(sandbox: Sandbox, database: Path) -> None:
    both = {"board": "Garden", "saves": "many", "stats": {"board": 3, "text": "x"}}
    sandbox.inject(Fault("edit", path="posts", times=None, edit=lambda a: with_pins(a, **both)))
    sync(sandbox.config(), database, ["pins"])

    found = rows(database, "SELECT DISTINCT board, stats_board, stats_text, post_saves, text = 'x' FROM pins")
    assert found == [("Garden", 3, "x", "many", False)]
    assert rows(database, "SELECT count(*) FROM pins WHERE saves IS NULL") == [(0,)]


def test_fields_that_cannot_have_columns_are_kept_in_other_fields(
    sandbox: Sandbox, database: Path, days_later: Days
) -> None:
    config = {**sandbox.config(), "start_date": "2026-05-10"}
    many = {f"field_{n}": n for n in range(1000)}
    odd = {"Text": "b", "TEXT": "c", "pin_key": 7, "_airbyte_extracted_at": "x", "": 1, 'a"; DROP TABLE': 2, "\x00": 3}
    sandbox.inject(Fault("edit", path="posts", times=None, edit=lambda a: with_pins(a, **odd, **many)))
    assert sync(config, database, ["pins"]).exit_status == 0
    days_later(1)
    sandbox.reset_faults()
    again = {"FIELD_1": "other case", "field_1": "another type"}
    sandbox.inject(Fault("edit", path="posts", times=None, edit=lambda a: with_pins(a, **again)))
    assert sync(config, database, ["pins"]).exit_status == 0

    described = [name for name, *_ in rows(database, "DESCRIBE pins")]
    assert len([name for name in described if name.startswith("field_")]) == 50
    newest = rows(database, "SELECT DISTINCT field_1, field_49, _other_fields FROM pins_latest")
    assert newest == [("another type", None, '{"FIELD_1": "other case"}')]
    kept = rows(database, "SELECT DISTINCT field_1, field_49 FROM pins WHERE snapshot_date = '2026-05-20'")
    assert kept == [("1", 49)]


def test_a_changed_declared_type_stops_the_sync_before_any_request(sandbox: Sandbox, database: Path) -> None:
    with duckdb.connect(str(database)) as connection:
        connection.execute("CREATE TABLE account_followers (social_network_id VARCHAR, total_followers VARCHAR)")

    with pytest.raises(UserError, match=r"`total_followers` in stream `account_followers` has changed"):
        sync(sandbox.config(), database)

    assert sandbox.requests == []
    assert rows(database, "SELECT table_name FROM duckdb_tables()") == [("account_followers",)]


def test_null_is_kept_as_null_and_zero_as_zero(sandbox: Sandbox, database: Path) -> None:
    sandbox.inject(
        Fault("edit", path="posts", times=None, edit=lambda a: with_pins(a, stats={"saves": None, "clicks": 0}))
    )
    sync(sandbox.config(), database)

    assert rows(database, "SELECT DISTINCT saves, clicks FROM pins") == [(None, 0)]


def test_pins_without_an_id_are_dropped_and_counted(sandbox: Sandbox, database: Path) -> None:
    def without_first_id(response: dict[str, Any]) -> dict[str, Any]:
        response["data"]["posts"] = [{**pin, "id": None} for pin in response["data"]["posts"][:1]] + response["data"][
            "posts"
        ][1:]
        return response

    sandbox.inject(Fault("edit", path="posts", times=None, edit=without_first_id))
    result = sync(sandbox.config(), database)

    assert result.warnings == ["Dropped 3 records of pins without a key."]
    assert result.streams["pins"]["rows"] == result.streams["pins"]["records"] - 3


def test_duckdb_1_2_and_later_can_read_the_storage_version(
    sandbox: Sandbox, database: Path, first_sync: FirstSync
) -> None:
    first_sync(database)

    with open_read_only(database) as connection:
        tags = connection.sql("SELECT tags FROM duckdb_databases() WHERE path IS NOT NULL").fetchall()
    assert "v1.2" in str(tags)
    assert database.read_bytes()[12] == 65  # storage version of DuckDB 1.2; DuckDB 1.5 reads up to 68
