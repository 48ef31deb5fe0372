"""Files of other tools, and impossible days: whatever is left out is reported."""

import json
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from oneup_pinterest.cli import main
from oneup_pinterest.database import load
from oneup_pinterest.database.export import export_parquet
from oneup_pinterest.database.schema import STREAMS, TABLES
from oneup_pinterest.database.stored_tables import HistoryFile
from oneup_pinterest.errors import UserError
from oneup_pinterest.quality.status import format_status, read_status
from oneup_pinterest.report.context import page_of
from oneup_pinterest.sync.writer import DatabaseWriter
from test_support.history import NOW, as_other_destination, make_history
from test_support.two_tables import in_two_tables

pytestmark = pytest.mark.slow

LOADERS = {name: getattr(load, f"load_{name}") for name in (*STREAMS, "pins_latest")}
PER_ACCOUNT = [name for name in STREAMS if name != "post_performance"]


@pytest.fixture(autouse=True)
def _clock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ONEUP_PINTEREST_NOW", f"{NOW.isoformat()}+00:00")


@pytest.fixture(scope="module")
def ours(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_history(tmp_path_factory.mktemp("foreign") / "h.duckdb", days=6, pins=4)


@pytest.fixture
def cache(ours: Path, tmp_path: Path) -> Path:
    """Return the same history as another destination writes it."""
    return as_other_destination(ours, tmp_path / "cache.duckdb", schema="client_a")


def changed(path: Path, *statements: str) -> Path:
    with duckdb.connect(path) as connection:
        for statement in statements:
            connection.execute(statement)
    return path


def renamed(path: Path, name: Callable[[str], str], schema: str = "client_a") -> Path:
    return changed(path, *(f'ALTER TABLE {schema}.{stream} RENAME TO "{name(stream)}"' for stream in STREAMS))


def split(path: Path) -> Path:
    """Move each account to its own schema, as one Airbyte connection per client writes them."""
    return changed(
        path,
        "CREATE SCHEMA client_b",
        *(
            f"CREATE TABLE client_b.{name} AS FROM client_a.{name} WHERE social_network_id = 'pin_two'"
            for name in STREAMS
        ),
        *(f"DELETE FROM client_a.{name} WHERE social_network_id = 'pin_two'" for name in STREAMS),
    )


def found(path: Path | HistoryFile) -> dict[str, dict[str, Any]]:
    return {finding["check"]: finding for finding in read_status(path)["findings"]}


def assert_same_frames(database: Path | HistoryFile, expected: Path) -> None:
    for loader in LOADERS.values():
        assert_frame_equal(loader(database), loader(expected))


def accounts_on_page(database: Path | HistoryFile) -> str:
    """Return what the report says of each account, and of all of them side by side."""
    page = page_of(database)
    told = [[part[key] for key in ("id", "cards", "period", "sections", "charts")] for part in page["accounts"]]
    return json.dumps([told, page["side_by_side"]], default=str)


def test_schemas_of_several_connections_are_one_history(ours: Path, cache: Path, tmp_path: Path) -> None:
    split(cache)
    assert_same_frames(cache, ours)
    assert accounts_on_page(cache) == accounts_on_page(ours)
    rows = export_parquet(cache, tmp_path / "export")
    assert {name: rows[name] for name in STREAMS} == {name: LOADERS[name](ours).height for name in STREAMS}


def test_status_names_the_schemas_that_were_read(ours: Path, cache: Path) -> None:
    status = read_status(split(cache))
    assert [(item["schema"], item["prefix"]) for item in status["schemas"]] == [("client_a", ""), ("client_b", "")]
    assert set(status["schemas"][0]["streams"]) == set(STREAMS)
    text = format_status(status)
    assert "read from schema client_a: " in text
    assert "read from schema client_b: " in text
    assert "read from schema" not in format_status(read_status(ours))


def test_of_one_key_in_two_schemas_the_later_extraction_wins(ours: Path, cache: Path) -> None:
    day = (
        "SELECT * REPLACE (saves + 1000 AS saves, _airbyte_extracted_at + INTERVAL '{} hours' AS _airbyte_extracted_at)"
    )
    changed(
        cache,
        "CREATE SCHEMA early; CREATE SCHEMA late",
        f"CREATE TABLE early.pins AS {day.format(-1)} FROM client_a.pins",
        f"CREATE TABLE late.pins AS {day.format(1)} FROM client_a.pins WHERE social_network_id = 'pin_two'",
    )
    more = load.load_pins(cache)["saves"] - load.load_pins(ours)["saves"]
    of_two = (load.load_pins(ours)["social_network_id"] == "pin_two").cast(pl.Int64)
    assert more.to_list() == (1000 * of_two).to_list()


def test_schemas_can_be_chosen(cache: Path, capsys: pytest.CaptureFixture[str]) -> None:
    split(cache)
    assert set(load.load_pins(HistoryFile(cache, schemas=["CLIENT_B"]))["social_network_id"]) == {"pin_two"}
    with pytest.raises(SystemExit) as ended:
        main(["status", "--database", str(cache), "--schema", "client_a", "--json"])
    assert ended.value.code == 0
    assert [item["schema"] for item in json.loads(capsys.readouterr().out)["schemas"]] == ["client_a"]
    with pytest.raises(UserError, match="no stream in a schema other; the streams are in: client_a, client_b") as error:
        load.load_pins(HistoryFile(cache, schemas=["other"]))
    assert error.value.exit_status == 2


def test_a_schema_beside_our_own_tables_is_read_too(ours: Path, tmp_path: Path) -> None:
    path = in_two_tables(ours, tmp_path / "ours.duckdb")
    changed(
        path,
        "CREATE SCHEMA other",
        "CREATE TABLE other.pins AS SELECT * REPLACE ('pin_new' AS social_network_id, 'not one' AS text) FROM pins",
    )
    pins = load.load_pins(path)
    assert pins.height == 2 * load.load_pins(ours).filter(pl.col("social_network_id") == "pin_one").height * 2
    assert set(pins["social_network_id"]) == {"pin_one", "pin_two", "pin_new"}
    assert_frame_equal(
        load.load_pins(HistoryFile(path, schemas=["main"])).drop("_airbyte_extracted_at"),
        load.load_pins(ours).drop("_airbyte_extracted_at"),
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
    ours: Path, cache: Path, name: Callable[[str], str], prefix: str
) -> None:
    renamed(cache, name)
    assert_same_frames(cache, ours)
    assert_same_frames(HistoryFile(cache, prefix=prefix), ours)
    status = read_status(cache)
    assert [item["prefix"] for item in status["schemas"]] == [prefix]
    assert name("pins") in format_status(status)
    assert not {"tables_not_read", "missing_columns"} & found(cache).keys()


def test_column_names_are_read_in_any_case(ours: Path, cache: Path) -> None:
    for stream in STREAMS:
        columns = [*TABLES[stream].columns]
        changed(cache, *(f'ALTER TABLE client_a.{stream} RENAME "{name}" TO "{name.upper()}"' for name in columns))
    assert_same_frames(cache, ours)
    assert "missing_columns" not in found(cache)


def test_two_equal_prefixes_are_listed_and_one_can_be_chosen(
    ours: Path, cache: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    renamed(cache, "a_{}".format)
    changed(cache, *(f"CREATE TABLE client_a.b_{name} AS FROM client_a.a_{name} LIMIT 1" for name in STREAMS))
    with pytest.raises(SystemExit) as ended:
        main(["status", "--database", str(cache)])
    assert ended.value.code == 2
    sentence = capsys.readouterr().err
    assert "schema client_a can be read in more than one way: a_account_followers" in sentence
    assert "(--prefix a_) or b_account_followers" in sentence
    assert_same_frames(HistoryFile(cache, prefix="a_"), ours)
    with pytest.raises(UserError, match="has the prefix c_; there are: a_, b_") as error:
        load.load_pins(HistoryFile(cache, prefix="c_"))
    assert error.value.exit_status == 2


def test_a_copy_beside_the_streams_is_named_and_not_read(ours: Path, cache: Path) -> None:
    changed(cache, "CREATE TABLE client_a.old_pins AS FROM client_a.pins LIMIT 3")
    assert_same_frames(cache, ours)
    assert found(cache)["tables_not_read"]["what"].startswith("client_a.old_pins looks like the stream pins")
    assert load.load_pins(HistoryFile(cache, prefix="old_")).height == 3


def test_unreadable_days_are_counted_with_an_example(
    ours: Path, cache: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    changed(
        cache,
        "ALTER TABLE client_a.pins ALTER snapshot_date TYPE VARCHAR",
        "UPDATE client_a.pins SET snapshot_date = 'n/a'",
    )
    rows = load.load_pins(ours).height
    finding = found(cache)["unreadable_values"]
    assert finding["severity"] == "error"
    assert finding["what"] == (
        f'{rows} of {rows} values of client_a.pins.snapshot_date cannot be read as a date, for example "n/a": '
        "these rows are left out."
    )
    query = finding["what_to_do"].partition("shows them: ")[2]
    with duckdb.connect(cache) as connection:
        assert len(connection.execute(query).fetchall()) == rows
    assert load.load_pins(cache).is_empty()
    assert finding["what"] in format_status(read_status(cache))
    assert finding in [item.as_json() for item in page_of(cache)["findings"]]
    with pytest.raises(SystemExit):
        main(["status", "--database", str(cache), "--json"])
    assert finding in json.loads(capsys.readouterr().out)["findings"]


def test_unreadable_figures_are_null_and_counted(ours: Path, cache: Path) -> None:
    changed(
        cache,
        "ALTER TABLE client_a.account_followers ALTER total_followers TYPE VARCHAR",
        "UPDATE client_a.account_followers SET total_followers = '1,001' WHERE social_network_id = 'pin_two'",
        "ALTER TABLE client_a.pins ALTER saves TYPE DOUBLE",
        "UPDATE client_a.pins SET saves = 1e300 WHERE id LIKE '%00001'",
        "UPDATE client_a.pins SET clicks = NULL",  # unknown is not unreadable
    )
    whats = [item["what"] for item in read_status(cache)["findings"] if item["check"] == "unreadable_values"]
    assert whats == [
        '6 of 12 values of client_a.account_followers.total_followers cannot be read as a number, for example "1,001": '
        "they count as unknown.",
        '12 of 54 values of client_a.pins.saves cannot be read as a number, for example "1e+300": they count as '
        "unknown.",
    ]
    assert load.load_account_followers(cache)["total_followers"].null_count() == 6


@pytest.mark.parametrize(("stream", "column"), [("pins", "snapshot_date"), ("pins", "id"), ("accounts", "*")])
def test_rows_without_their_key_are_left_out_and_counted(ours: Path, cache: Path, stream: str, column: str) -> None:
    column = "social_network_id" if column == "*" else column
    nothing = "NULL"
    if column == "snapshot_date":
        changed(cache, f"ALTER TABLE client_a.{stream} ALTER {column} TYPE VARCHAR")
        nothing = "' '"
    changed(cache, f"UPDATE client_a.{stream} SET {column} = {nothing} WHERE social_network_id = 'pin_two'")
    rows = LOADERS[stream](ours)
    left_out = rows.filter(pl.col("social_network_id") == "pin_two").height
    assert found(cache)["unreadable_values"]["what"] == (
        f"{left_out} of {rows.height} rows lack client_a.{stream}.{column}: they are left out."
    )
    assert_frame_equal(LOADERS[stream](cache), rows.filter(pl.col("social_network_id") == "pin_one"))
    assert page_of(cache)["accounts"]


def test_infinite_values_are_null_and_blank_texts_are_valid(ours: Path, cache: Path) -> None:
    changed(
        cache,
        "ALTER TABLE client_a.overview_metrics ALTER value_current_period TYPE DOUBLE",
        "UPDATE client_a.overview_metrics SET value_current_period = 'NaN' WHERE social_network_id = 'pin_two'",
        "ALTER TABLE client_a.account_followers ALTER total_followers TYPE VARCHAR",
        "UPDATE client_a.account_followers SET total_followers = ' ' WHERE social_network_id = 'pin_two'",
    )
    overview = load.load_overview_metrics(ours)
    unknown = overview.filter(pl.col("social_network_id") == "pin_two").height
    whats = [item["what"] for item in read_status(cache)["findings"] if item["check"] == "unreadable_values"]
    assert whats == [
        f"{unknown} of {overview.height} values of client_a.overview_metrics.value_current_period cannot be read as a "
        'number, for example "nan": they count as unknown.'
    ]
    assert load.load_overview_metrics(cache)["value_current_period"].null_count() == unknown
    assert load.load_account_followers(cache)["total_followers"].null_count() == 6


def test_columns_of_fitting_types_have_no_findings(ours: Path, cache: Path, tmp_path: Path) -> None:
    for path in (ours, cache, in_two_tables(ours, tmp_path / "ours.duckdb")):
        assert not {"unreadable_values", "impossible_days", "tables_not_read"} & found(path).keys()


@pytest.mark.parametrize(
    ("day", "why"), [("2100-01-01", "later than the newest sync"), ("1999-12-31", "before Pinterest existed (2010)")]
)
@pytest.mark.parametrize(
    "kind", ["ours", "text", *(pytest.param(kind, marks=pytest.mark.nightly) for kind in ("flat", "foreign"))]
)
def test_impossible_days_are_left_out_with_a_remedy(
    ours: Path, cache: Path, tmp_path: Path, day: str, why: str, kind: str
) -> None:
    path, table = cache, "client_a.pins"
    if kind == "ours":
        path, table = in_two_tables(ours, tmp_path / "ours.duckdb"), "_pin_counters"
        changed(path, f"UPDATE {table} SET _airbyte_extracted_at = TIMESTAMP '2026-03-31 06:00'")
    elif kind == "flat":
        path, table = make_history(tmp_path / "flat.duckdb", days=6, pins=4), "_pins"
    elif kind == "text":
        changed(path, f"ALTER TABLE {table} ALTER snapshot_date TYPE VARCHAR")
    before = {name: loader(path) for name, loader in LOADERS.items()}
    clean, page = read_status(path), accounts_on_page(path)
    changed(path, f"INSERT INTO {table} SELECT * REPLACE ('{day}'::DATE AS snapshot_date) FROM {table} LIMIT 1")

    status = read_status(path)
    (finding,) = [item for item in status["findings"] if item["check"] == "impossible_days"]
    assert finding["what"] == (f"1 row of pins has an impossible snapshot_date ({day}: {why}) and is left out.")
    for key in ("freshness", "streams", "assumptions"):
        assert status[key] == clean[key]
    assert [item for item in status["findings"] if item != finding] == clean["findings"]
    for name, loader in LOADERS.items():
        assert_frame_equal(loader(path), before[name])
    assert accounts_on_page(path) == page

    statement = finding["what_to_do"].partition("DELETE")
    changed(path, f"DELETE{statement[2].replace('FROM pins', 'FROM _pins')}")
    assert read_status(path)["findings"] == clean["findings"]


def test_tomorrow_is_a_possible_day(ours: Path, cache: Path) -> None:
    changed(
        cache,
        "INSERT INTO client_a.account_followers BY NAME SELECT 'pin_one' AS social_network_id, "
        "DATE '2026-04-01' AS snapshot_date, 5 AS total_followers",
    )
    assert "impossible_days" not in found(cache)
    assert load.load_account_followers(cache)["snapshot_date"].max() == date(2026, 4, 1)


def test_a_future_extraction_does_not_make_its_day_possible(ours: Path, cache: Path) -> None:
    clean = read_status(cache)
    changed(
        cache,
        "INSERT INTO client_a.account_followers SELECT * REPLACE (DATE '2100-01-01' AS snapshot_date, "
        "TIMESTAMP '2100-01-01 06:00' AS _airbyte_extracted_at) FROM client_a.account_followers LIMIT 1",
        "UPDATE client_a.accounts SET _airbyte_extracted_at = TIMESTAMP '2100-01-01 06:00'",
    )
    status = read_status(cache)
    assert status["freshness"] == clean["freshness"]
    assert [item["check"] for item in status["findings"]] == ["impossible_days"]


def test_a_slow_clock_leaves_no_row_out(ours: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pins = load.load_pins(ours)
    monkeypatch.setenv("ONEUP_PINTEREST_NOW", "1970-01-01T00:00:00+00:00")
    assert_frame_equal(load.load_pins(ours), pins)
    finding = found(ours)["runs_ahead_of_clock"]
    assert "6 syncs started later than this machine's clock (1970-01-01 00:00 UTC)" in finding["what"]


def test_sync_refuses_to_write_after_a_run_in_the_future(tmp_path: Path) -> None:
    path = make_history(tmp_path / "h.duckdb", days=2, pins=1)
    changed(path, "INSERT INTO _sync_runs (run_id, started_at, status) VALUES ('x', '2100-01-01', 'done')")
    with (
        pytest.raises(
            UserError, match=r"newest sync in .* started at 2100-01-01 .* clock says 2026-03-31 09:00"
        ) as error,
        DatabaseWriter(path) as history,
    ):
        history.start_run()
    assert error.value.exit_status == 1
    assert load.load_sync_runs(path).height == 3
    changed(path, f"DELETE{str(error.value).partition('DELETE')[2]}")
    with DatabaseWriter(path) as history:
        history.start_run()
    assert load.load_sync_runs(path)["run_id"].to_list()[:2] == ["2026-03-30-done", "2026-03-31-done"]


@pytest.mark.parametrize("name", PER_ACCOUNT)
def test_accounts_are_found_by_id_or_username(ours: Path, name: str) -> None:
    two = LOADERS[name](ours).filter(pl.col("social_network_id") == "pin_two")
    assert not two.is_empty()
    for given in ("pin_two", ["pin_two"], "@two", "@TWO", ["@two", "pin_two"], ("pin_two",)):
        assert_frame_equal(LOADERS[name](ours, given), two)
    assert_frame_equal(LOADERS[name](ours, ["@two", "pin_one"]), LOADERS[name](ours))


@pytest.mark.parametrize("unknown", ["pin_x", "@pin_x", "two", "", ["pin_one", "pin_x"]])
def test_an_unknown_account_is_refused_with_the_known_ones(ours: Path, unknown: str | list[str]) -> None:
    with pytest.raises(UserError, match=r"is not in this database; there are: pin_one \(@one\), pin_two") as error:
        load.load_pins(ours, unknown)
    assert error.value.exit_status == 2


def test_of_many_known_accounts_ten_are_listed(tmp_path: Path) -> None:
    path = changed(
        tmp_path / "h.duckdb",
        "CREATE TABLE account_followers AS SELECT 'pin_' || n AS social_network_id FROM range(100, 125) AS numbers(n)",
    )
    with pytest.raises(UserError, match=r"pin_109 and 15 more\.$"):
        load.load_pins(path, "pin_x")
    assert load.load_account_followers(path, "pin_101").height == 1
