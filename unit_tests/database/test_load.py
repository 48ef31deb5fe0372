"""Files of every destination load as the same frames; an unreadable file gives a one-sentence error."""

from datetime import date, datetime, timedelta
from pathlib import Path

import duckdb
import pytest
from polars.testing import assert_frame_equal

from oneup_pinterest.database import load, reader
from oneup_pinterest.database.schema import EXTRACTED_AT, SYNC_RUNS, TABLES
from oneup_pinterest.errors import UserError
from test_support.history import LAST_DAY, as_other_destination, make_history
from test_support.two_tables import in_two_tables

LOADERS = {name: getattr(load, f"load_{name.removeprefix('_')}") for name in TABLES}


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_history(tmp_path_factory.mktemp("load") / "history.duckdb", days=5, pins=4)


@pytest.mark.parametrize("name", TABLES)
def test_frames_match_the_schema(database: Path, name: str) -> None:
    frame = LOADERS[name](database)
    assert frame.height
    assert dict(frame.schema) == TABLES[name].schema


@pytest.mark.parametrize("name", TABLES)
def test_missing_table_loads_as_an_empty_frame_with_the_schema(tmp_path: Path, name: str) -> None:
    path = tmp_path / "some.duckdb"
    stream = "accounts" if name != "accounts" else "account_followers"
    with duckdb.connect(path) as connection:
        connection.execute(f"CREATE TABLE {stream} (social_network_id VARCHAR)")
    frame = LOADERS[name](path)
    assert frame.is_empty()
    assert dict(frame.schema) == TABLES[name].schema


@pytest.mark.parametrize("name", [name for name in TABLES if name != SYNC_RUNS])
def test_file_of_another_destination_gives_the_same_frames(database: Path, tmp_path: Path, name: str) -> None:
    other = as_other_destination(database, tmp_path / "cache.duckdb")
    assert_frame_equal(LOADERS[name](other), LOADERS[name](database))
    assert LOADERS[SYNC_RUNS](other).is_empty()


def test_pins_stored_in_two_tables_give_the_same_rows(database: Path, tmp_path: Path) -> None:
    synced = in_two_tables(database, tmp_path / "synced.duckdb")
    for limits in (
        {},
        {"accounts": ["pin_one"]},
        {"accounts": []},
        {"accounts": ["pin_two"], "since": LAST_DAY - timedelta(days=2), "until": LAST_DAY - timedelta(days=1)},
    ):
        for loader in (load.load_pins, load.load_pins_latest):
            expected = loader(database, **limits).drop(EXTRACTED_AT)
            assert_frame_equal(loader(synced, **limits).drop(EXTRACTED_AT), expected)


def test_only_requested_columns_are_loaded(database: Path, tmp_path: Path) -> None:
    for path in (database, in_two_tables(database, tmp_path / "synced.duckdb")):
        with reader.open_history(path) as history:
            some = reader.read_relation(history, "pins", columns=["saves", "id", "snapshot_date"])
        assert some.columns == ["id", "saves", "snapshot_date"]
        assert_frame_equal(some, load.load_pins(database).select(some.columns))


def test_only_the_newest_appended_row_is_loaded(tmp_path: Path) -> None:
    path = tmp_path / "appended.duckdb"
    with duckdb.connect(path) as connection:
        connection.execute("CREATE SCHEMA raw")
        connection.execute(
            "CREATE TABLE raw.account_followers AS SELECT 'pin_a' AS social_network_id, '2026-03-01' AS snapshot_date, "
            "n::DECIMAL(38, 9) AS total_followers, "
            "TIMESTAMP '2026-03-01' + n * INTERVAL 1 HOUR AS _airbyte_extracted_at "
            "FROM unnest([7, 9, 8]) AS numbers(n)"
        )
    rows = load.load_account_followers(path).select("snapshot_date", "total_followers").rows()
    assert rows == [(date(2026, 3, 1), 9)]


def test_filters_keep_the_requested_accounts_and_days(database: Path) -> None:
    day = LAST_DAY - timedelta(days=1)
    frame = load.load_pins(database, ["pin_two"], since=day, until=day)
    assert set(frame["social_network_id"]) == {"pin_two"}
    assert set(frame["snapshot_date"]) == {day}
    assert load.load_pins(database, accounts=[]).is_empty()
    assert set(load.load_overview_metrics(database, until=day)["period_end"]) == {
        LAST_DAY - timedelta(days=back) for back in range(1, 6)
    } - {LAST_DAY}


def test_rows_are_sorted_by_key(database: Path) -> None:
    for name, table in TABLES.items():
        frame = LOADERS[name](database)
        assert_frame_equal(frame, frame.sort(*table.key, maintain_order=True))


def test_extra_columns_are_in_sql_but_not_in_frames(tmp_path: Path) -> None:
    path = tmp_path / "added.duckdb"
    with duckdb.connect(path) as connection:
        connection.execute("CREATE TABLE accounts AS SELECT 'pin_a' AS social_network_id, 5 AS boards")
    assert "boards" not in load.load_accounts(path).columns
    with reader.open_history(path) as history:
        assert history.execute("SELECT boards FROM accounts").fetchall() == [(5,)]


def test_value_of_the_wrong_type_loads_as_null(tmp_path: Path) -> None:
    path = tmp_path / "text.duckdb"
    with duckdb.connect(path) as connection:
        connection.execute(
            "CREATE TABLE account_followers AS SELECT 'pin_a' AS social_network_id, 'many' AS total_followers"
        )
    assert load.load_account_followers(path)["total_followers"].to_list() == [None]


def test_data_window_covers_all_snapshots(database: Path, tmp_path: Path) -> None:
    window = load.data_window(database)
    assert window[:5] == (LAST_DAY - timedelta(days=4), LAST_DAY, 5, 2, 10)
    assert window.last_extracted == datetime(2026, 3, 31, 6)
    empty = load.data_window(make_history(tmp_path / "empty.duckdb", days=0))
    assert empty == (None, None, 0, 0, 0, None)
    assert str(empty) == "No snapshot yet; 0 accounts."


def test_loading_does_not_change_the_file(tmp_path: Path) -> None:
    path = make_history(tmp_path / "history.duckdb", days=2, pins=1)
    before = path.read_bytes()
    load.load_pins(path)
    assert path.read_bytes() == before
    assert [entry.name for entry in tmp_path.iterdir()] == ["history.duckdb"]


def _missing(path: Path) -> None:
    pass


def _folder(path: Path) -> None:
    path.mkdir()


def _text_file(path: Path) -> None:
    path.write_text("no database" * 1000)


def _no_streams(path: Path) -> None:
    with duckdb.connect(path) as connection:
        connection.execute("CREATE TABLE accounts (id INTEGER)")


@pytest.mark.parametrize(
    ("make_path", "words"),
    [
        (_missing, "does not exist"),
        (_folder, "is a folder"),
        (_text_file, "is not a DuckDB database"),
        (_no_streams, "holds none of the streams"),
    ],
)
def test_unreadable_file_raises_a_one_sentence_error(tmp_path: Path, make_path: object, words: str) -> None:
    path = tmp_path / "history.duckdb"
    make_path(path)  # type: ignore[operator]
    with pytest.raises(UserError, match=words) as error:
        load.load_pins(path)
    assert str(path) in str(error.value)
    assert "\n" not in str(error.value)


def test_file_of_a_newer_duckdb_asks_for_an_upgrade(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def connect(*_: object, **__: object) -> None:
        raise duckdb.IOException(
            "IO Error: Trying to read a database file with version number 99, but we can only read versions between "
            "64 and 68.\nThe database file was created with a newer version of DuckDB.\n"
        )

    path = make_history(tmp_path / "history.duckdb", days=1, pins=1)
    monkeypatch.setattr(duckdb, "connect", connect)
    with pytest.raises(UserError, match=r"newer than .*: upgrade the duckdb package"):
        load.load_pins(path)
