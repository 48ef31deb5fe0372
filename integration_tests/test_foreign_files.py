"""Files of other tools: all rows that are left out are reported."""

import json
from collections.abc import Callable
from pathlib import Path

import duckdb
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from integration_tests.foreign_files import (
    LOADERS,
    accounts_on_page,
    assert_same_frames,
    change,
    findings_by_check,
    rename_tables,
    split_into_schemas,
)
from oneup_pinterest.cli import main
from oneup_pinterest.database import load
from oneup_pinterest.database.export import export_parquet
from oneup_pinterest.database.schema import STREAMS, TABLES
from oneup_pinterest.database.stored_tables import HistoryFile
from oneup_pinterest.errors import UserError
from oneup_pinterest.quality.status import format_status, read_status
from oneup_pinterest.report.context import page_of
from test_support.two_tables import in_two_tables

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("after_the_last_sync")]

PER_ACCOUNT = [name for name in STREAMS if name != "post_performance"]


def test_schemas_of_several_connections_are_read_as_one_history(
    own_file: Path, other_file: Path, tmp_path: Path
) -> None:
    split_into_schemas(other_file)
    assert_same_frames(other_file, own_file)
    assert accounts_on_page(other_file) == accounts_on_page(own_file)
    rows = export_parquet(other_file, tmp_path / "export")
    assert {name: rows[name] for name in STREAMS} == {name: LOADERS[name](own_file).height for name in STREAMS}


def test_status_names_the_schemas_that_were_read(own_file: Path, other_file: Path) -> None:
    status = read_status(split_into_schemas(other_file))
    assert [(item["schema"], item["prefix"]) for item in status["schemas"]] == [("client_a", ""), ("client_b", "")]
    assert set(status["schemas"][0]["streams"]) == set(STREAMS)
    text = format_status(status)
    assert "read from schema client_a: " in text
    assert "read from schema client_b: " in text
    assert "read from schema" not in format_status(read_status(own_file))


def test_the_later_extraction_of_a_row_in_two_schemas_wins(own_file: Path, other_file: Path) -> None:
    day = (
        "SELECT * REPLACE (saves + 1000 AS saves, _airbyte_extracted_at + INTERVAL '{} hours' AS _airbyte_extracted_at)"
    )
    change(
        other_file,
        "CREATE SCHEMA early; CREATE SCHEMA late",
        f"CREATE TABLE early.pins AS {day.format(-1)} FROM client_a.pins",
        f"CREATE TABLE late.pins AS {day.format(1)} FROM client_a.pins WHERE social_network_id = 'pin_two'",
    )
    more = load.load_pins(other_file)["saves"] - load.load_pins(own_file)["saves"]
    of_two = (load.load_pins(own_file)["social_network_id"] == "pin_two").cast(pl.Int64)
    assert more.to_list() == (1000 * of_two).to_list()


def test_schemas_can_be_selected(other_file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    split_into_schemas(other_file)
    assert set(load.load_pins(HistoryFile(other_file, schemas=["CLIENT_B"]))["social_network_id"]) == {"pin_two"}
    with pytest.raises(SystemExit) as ended:
        main(["status", "--database", str(other_file), "--schema", "client_a", "--json"])
    assert ended.value.code == 0
    assert [item["schema"] for item in json.loads(capsys.readouterr().out)["schemas"]] == ["client_a"]
    with pytest.raises(UserError, match="no stream in a schema other; the streams are in: client_a, client_b") as error:
        load.load_pins(HistoryFile(other_file, schemas=["other"]))
    assert error.value.exit_status == 2


def test_a_schema_next_to_our_own_tables_is_read_too(own_file: Path, tmp_path: Path) -> None:
    path = in_two_tables(own_file, tmp_path / "ours.duckdb")
    change(
        path,
        "CREATE SCHEMA other",
        "CREATE TABLE other.pins AS SELECT * REPLACE ('pin_new' AS social_network_id, 'not one' AS text) FROM pins",
    )
    pins = load.load_pins(path)
    assert pins.height == 2 * load.load_pins(own_file).filter(pl.col("social_network_id") == "pin_one").height * 2
    assert set(pins["social_network_id"]) == {"pin_one", "pin_two", "pin_new"}
    assert_frame_equal(
        load.load_pins(HistoryFile(path, schemas=["main"])).drop("_airbyte_extracted_at"),
        load.load_pins(own_file).drop("_airbyte_extracted_at"),
    )


@pytest.mark.parametrize(
    ("name", "prefix"),
    [
        (str.upper, ""),
        ("oneup_{}".format, "oneup_"),
        ("pins_{}".format, "pins_"),
        ("{}_v2".format, "*_v2"),
        (lambda stream: f"OneUp{stream.title()}", "oneup"),
    ],
)
def test_stream_names_may_have_a_prefix_suffix_or_capitals(
    own_file: Path, other_file: Path, name: Callable[[str], str], prefix: str
) -> None:
    rename_tables(other_file, name)
    assert_same_frames(other_file, own_file)
    assert_same_frames(HistoryFile(other_file, prefix=prefix), own_file)
    status = read_status(other_file)
    assert [item["prefix"] for item in status["schemas"]] == [prefix]
    assert name("pins") in format_status(status)
    assert not {"tables_not_read", "missing_columns"} & findings_by_check(other_file).keys()


def test_column_names_may_be_in_upper_case(own_file: Path, other_file: Path) -> None:
    for stream in STREAMS:
        columns = [*TABLES[stream].columns]
        change(other_file, *(f'ALTER TABLE client_a.{stream} RENAME "{name}" TO "{name.upper()}"' for name in columns))
    assert_same_frames(other_file, own_file)
    assert "missing_columns" not in findings_by_check(other_file)


def test_two_sets_of_streams_are_listed_and_one_can_be_selected(
    own_file: Path, other_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rename_tables(other_file, "a_{}".format)
    change(other_file, *(f"CREATE TABLE client_a.b_{name} AS FROM client_a.a_{name} LIMIT 1" for name in STREAMS))
    with pytest.raises(SystemExit) as ended:
        main(["status", "--database", str(other_file)])
    assert ended.value.code == 2
    sentence = capsys.readouterr().err
    assert "schema client_a can be read in more than one way: a_account_followers" in sentence
    assert "(--prefix a_) or b_account_followers" in sentence
    assert_same_frames(HistoryFile(other_file, prefix="a_"), own_file)
    with pytest.raises(UserError, match="has the prefix c_; there are: a_, b_") as error:
        load.load_pins(HistoryFile(other_file, prefix="c_"))
    assert error.value.exit_status == 2


def test_a_copy_of_a_stream_is_reported_and_not_read(own_file: Path, other_file: Path) -> None:
    change(other_file, "CREATE TABLE client_a.old_pins AS FROM client_a.pins LIMIT 3")
    assert_same_frames(other_file, own_file)
    assert findings_by_check(other_file)["tables_not_read"]["what"].startswith(
        "client_a.old_pins looks like the stream pins"
    )
    assert load.load_pins(HistoryFile(other_file, prefix="old_")).height == 3


def test_unreadable_days_are_counted_with_an_example(
    own_file: Path, other_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    change(
        other_file,
        "ALTER TABLE client_a.pins ALTER snapshot_date TYPE VARCHAR",
        "UPDATE client_a.pins SET snapshot_date = 'n/a'",
    )
    rows = load.load_pins(own_file).height
    finding = findings_by_check(other_file)["unreadable_values"]
    assert finding["severity"] == "error"
    assert finding["what"] == (
        f'{rows} of {rows} values of client_a.pins.snapshot_date cannot be read as a date, for example "n/a": '
        "these rows are left out."
    )
    query = finding["what_to_do"].partition("shows them: ")[2]
    with duckdb.connect(other_file) as connection:
        assert len(connection.execute(query).fetchall()) == rows
    assert load.load_pins(other_file).is_empty()
    assert finding["what"] in format_status(read_status(other_file))
    assert finding in [item.as_json() for item in page_of(other_file)["findings"]]
    with pytest.raises(SystemExit):
        main(["status", "--database", str(other_file), "--json"])
    assert finding in json.loads(capsys.readouterr().out)["findings"]


def test_unreadable_numbers_are_null_and_counted(own_file: Path, other_file: Path) -> None:
    change(
        other_file,
        "ALTER TABLE client_a.account_followers ALTER total_followers TYPE VARCHAR",
        "UPDATE client_a.account_followers SET total_followers = '1,001' WHERE social_network_id = 'pin_two'",
        "ALTER TABLE client_a.pins ALTER saves TYPE DOUBLE",
        "UPDATE client_a.pins SET saves = 1e300 WHERE id LIKE '%00001'",
        "UPDATE client_a.pins SET clicks = NULL",  # unknown values are not unreadable
    )
    whats = [item["what"] for item in read_status(other_file)["findings"] if item["check"] == "unreadable_values"]
    assert whats == [
        '6 of 12 values of client_a.account_followers.total_followers cannot be read as a number, for example "1,001": '
        "they count as unknown.",
        '12 of 54 values of client_a.pins.saves cannot be read as a number, for example "1e+300": they count as '
        "unknown.",
    ]
    assert load.load_account_followers(other_file)["total_followers"].null_count() == 6


@pytest.mark.parametrize(("stream", "column"), [("pins", "snapshot_date"), ("pins", "id"), ("accounts", "*")])
def test_rows_without_a_key_are_left_out_and_counted(
    own_file: Path, other_file: Path, stream: str, column: str
) -> None:
    column = "social_network_id" if column == "*" else column
    missing_value = "NULL"
    if column == "snapshot_date":
        change(other_file, f"ALTER TABLE client_a.{stream} ALTER {column} TYPE VARCHAR")
        missing_value = "' '"
    change(other_file, f"UPDATE client_a.{stream} SET {column} = {missing_value} WHERE social_network_id = 'pin_two'")
    rows = LOADERS[stream](own_file)
    left_out = rows.filter(pl.col("social_network_id") == "pin_two").height
    assert findings_by_check(other_file)["unreadable_values"]["what"] == (
        f"{left_out} of {rows.height} rows lack client_a.{stream}.{column}: they are left out."
    )
    assert_frame_equal(LOADERS[stream](other_file), rows.filter(pl.col("social_network_id") == "pin_one"))
    assert page_of(other_file)["accounts"]


def test_infinite_values_are_null_and_blank_texts_are_valid(own_file: Path, other_file: Path) -> None:
    change(
        other_file,
        "ALTER TABLE client_a.overview_metrics ALTER value_current_period TYPE DOUBLE",
        "UPDATE client_a.overview_metrics SET value_current_period = 'NaN' WHERE social_network_id = 'pin_two'",
        "ALTER TABLE client_a.account_followers ALTER total_followers TYPE VARCHAR",
        "UPDATE client_a.account_followers SET total_followers = ' ' WHERE social_network_id = 'pin_two'",
    )
    overview = load.load_overview_metrics(own_file)
    unknown = overview.filter(pl.col("social_network_id") == "pin_two").height
    whats = [item["what"] for item in read_status(other_file)["findings"] if item["check"] == "unreadable_values"]
    assert whats == [
        f"{unknown} of {overview.height} values of client_a.overview_metrics.value_current_period cannot be read as a "
        'number, for example "nan": they count as unknown.'
    ]
    assert load.load_overview_metrics(other_file)["value_current_period"].null_count() == unknown
    assert load.load_account_followers(other_file)["total_followers"].null_count() == 6


def test_columns_of_the_right_type_cause_no_findings(own_file: Path, other_file: Path, tmp_path: Path) -> None:
    for path in (own_file, other_file, in_two_tables(own_file, tmp_path / "ours.duckdb")):
        assert not {"unreadable_values", "impossible_days", "tables_not_read"} & findings_by_check(path).keys()


@pytest.mark.parametrize("name", PER_ACCOUNT)
def test_accounts_are_found_by_id_or_username(own_file: Path, name: str) -> None:
    two = LOADERS[name](own_file).filter(pl.col("social_network_id") == "pin_two")
    assert not two.is_empty()
    for given in ("pin_two", ["pin_two"], "@two", "@TWO", ["@two", "pin_two"], ("pin_two",)):
        assert_frame_equal(LOADERS[name](own_file, given), two)
    assert_frame_equal(LOADERS[name](own_file, ["@two", "pin_one"]), LOADERS[name](own_file))


@pytest.mark.parametrize("unknown", ["pin_x", "@pin_x", "two", "", ["pin_one", "pin_x"]])
def test_the_error_for_an_unknown_account_lists_the_known_ones(own_file: Path, unknown: str | list[str]) -> None:
    with pytest.raises(UserError, match=r"is not in this database; there are: pin_one \(@one\), pin_two") as error:
        load.load_pins(own_file, unknown)
    assert error.value.exit_status == 2


def test_the_error_for_an_unknown_account_lists_at_most_ten(tmp_path: Path) -> None:
    path = change(
        tmp_path / "h.duckdb",
        "CREATE TABLE account_followers AS SELECT 'pin_' || n AS social_network_id FROM range(100, 125) AS numbers(n)",
    )
    with pytest.raises(UserError, match=r"pin_109 and 15 more\.$"):
        load.load_pins(path, "pin_x")
    assert load.load_account_followers(path, "pin_101").height == 1
