"""The export writes each table to one complete Parquet file."""

from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from oneup_pinterest.database.export import export_parquet
from oneup_pinterest.database.load import load_pins
from oneup_pinterest.database.schema import TABLES
from oneup_pinterest.errors import UserError
from test_support.history import as_other_destination, make_history


def test_each_table_is_exported_to_one_file_with_its_types(tmp_path: Path) -> None:
    database, output = make_history(tmp_path / "h.duckdb", days=5, pins=3), tmp_path / "out" / "parquet"
    rows = export_parquet(database, output)
    assert set(rows) == set(TABLES)
    assert sorted(path.relative_to(output).as_posix() for path in output.rglob("*.*")) == sorted(
        f"{name}/{name}.parquet" for name in TABLES
    )
    for name, table in TABLES.items():
        frame = pl.read_parquet(output / name / f"{name}.parquet")
        assert (frame.height, dict(frame.schema)) == (rows[name], table.schema)
    assert_frame_equal(pl.read_parquet(output / "pins" / "pins.parquet"), load_pins(database))


def test_second_export_writes_the_same_data(tmp_path: Path) -> None:
    database, output = make_history(tmp_path / "h.duckdb", days=3, pins=3), tmp_path / "out"
    first = export_parquet(database, output)
    frames = {name: pl.read_parquet(output / name / f"{name}.parquet") for name in first}
    assert export_parquet(database, output) == first
    for name, frame in frames.items():
        assert_frame_equal(pl.read_parquet(output / name / f"{name}.parquet"), frame)


def test_empty_database_is_exported_to_files_without_rows(tmp_path: Path) -> None:
    rows = export_parquet(make_history(tmp_path / "h.duckdb", days=0), tmp_path / "out")
    assert set(rows.values()) == {0}
    assert dict(pl.read_parquet(tmp_path / "out" / "pins" / "pins.parquet").schema) == TABLES["pins"].schema


def test_file_of_another_destination_can_be_exported(tmp_path: Path) -> None:
    other = as_other_destination(make_history(tmp_path / "h.duckdb", days=3), tmp_path / "cache.duckdb")
    assert export_parquet(other, tmp_path / "out")["account_followers"] == 6


def test_output_folder_that_is_a_file_is_rejected_and_kept(tmp_path: Path) -> None:
    database, output = make_history(tmp_path / "h.duckdb", days=1), tmp_path / "out"
    output.write_text("mine")
    with pytest.raises(UserError, match="is a file"):
        export_parquet(database, output)
    assert output.read_text() == "mine"


def test_subfolder_that_is_a_file_is_an_error_and_kept(tmp_path: Path) -> None:
    database, output = make_history(tmp_path / "h.duckdb", days=1), tmp_path / 'it\'s "out"'
    output.mkdir()
    (output / "overview_metrics").write_text("mine")
    with pytest.raises(UserError, match="cannot be written"):
        export_parquet(database, output)
    assert (output / "overview_metrics").read_text() == "mine"


def test_paths_with_quotes_work(tmp_path: Path) -> None:
    folder = tmp_path / 'it\'s "here"'
    folder.mkdir()
    assert export_parquet(make_history(folder / "h'.duckdb", days=1), folder / "o'ut")["accounts"] == 2
