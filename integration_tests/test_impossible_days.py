"""Rows of days that cannot be are left out and reported, and no sync is written on a day that has not come."""

from datetime import date
from pathlib import Path

import pytest
from polars.testing import assert_frame_equal

from integration_tests.foreign_files import LOADERS, accounts_on_page, change, findings_by_check
from oneup_pinterest.database import load
from oneup_pinterest.errors import UserError
from oneup_pinterest.quality.status import read_status
from oneup_pinterest.sync.writer import DatabaseWriter
from test_support.history import make_history
from test_support.two_tables import in_two_tables

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("after_the_last_sync")]


REASONS = {"2100-01-01": "later than the newest sync", "1999-12-31": "before Pinterest existed (2010)"}
IN_SLOW_TESTS = (("ours", "2100-01-01"), ("text", "1999-12-31"))


@pytest.mark.parametrize(
    ("file_type", "day"),
    [
        pytest.param(file_type, day, marks=() if (file_type, day) in IN_SLOW_TESTS else pytest.mark.nightly)
        for file_type in ("ours", "text", "flat", "foreign")
        for day in REASONS
    ],
)
def test_impossible_days_are_left_out_with_a_remedy(
    own_file: Path, other_file: Path, tmp_path: Path, file_type: str, day: str
) -> None:
    path, table = other_file, "client_a.pins"
    if file_type == "ours":
        path, table = in_two_tables(own_file, tmp_path / "ours.duckdb"), "_pin_counters"
        change(path, f"UPDATE {table} SET _airbyte_extracted_at = TIMESTAMP '2026-03-31 06:00'")
    elif file_type == "flat":
        path, table = make_history(tmp_path / "flat.duckdb", days=6, pins=4), "_pins"
    elif file_type == "text":
        change(path, f"ALTER TABLE {table} ALTER snapshot_date TYPE VARCHAR")
    before = {name: loader(path) for name, loader in LOADERS.items()}
    clean, page = read_status(path), accounts_on_page(path)
    change(path, f"INSERT INTO {table} SELECT * REPLACE ('{day}'::DATE AS snapshot_date) FROM {table} LIMIT 1")

    status = read_status(path)
    (finding,) = [item for item in status["findings"] if item["check"] == "impossible_days"]
    assert finding["what"] == (
        f"1 row of pins has an impossible snapshot_date ({day}: {REASONS[day]}) and is left out."
    )
    for key in ("freshness", "streams", "assumptions"):
        assert status[key] == clean[key]
    assert [item for item in status["findings"] if item != finding] == clean["findings"]
    for name, loader in LOADERS.items():
        assert_frame_equal(loader(path), before[name])
    assert accounts_on_page(path) == page

    statement = finding["what_to_do"].partition("DELETE")
    change(path, f"DELETE{statement[2].replace('FROM pins', 'FROM _pins')}")
    assert read_status(path)["findings"] == clean["findings"]


def test_tomorrow_is_a_possible_day(own_file: Path, other_file: Path) -> None:
    change(
        other_file,
        "INSERT INTO client_a.account_followers BY NAME SELECT 'pin_one' AS social_network_id, "
        "DATE '2026-04-01' AS snapshot_date, 5 AS total_followers",
    )
    assert "impossible_days" not in findings_by_check(other_file)
    assert load.load_account_followers(other_file)["snapshot_date"].max() == date(2026, 4, 1)


def test_an_extraction_time_in_the_future_does_not_make_its_day_possible(own_file: Path, other_file: Path) -> None:
    clean = read_status(other_file)
    change(
        other_file,
        "INSERT INTO client_a.account_followers SELECT * REPLACE (DATE '2100-01-01' AS snapshot_date, "
        "TIMESTAMP '2100-01-01 06:00' AS _airbyte_extracted_at) FROM client_a.account_followers LIMIT 1",
        "UPDATE client_a.accounts SET _airbyte_extracted_at = TIMESTAMP '2100-01-01 06:00'",
    )
    status = read_status(other_file)
    assert status["freshness"] == clean["freshness"]
    assert [item["check"] for item in status["findings"]] == ["impossible_days"]


def test_a_slow_clock_drops_no_row(own_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pins = load.load_pins(own_file)
    monkeypatch.setenv("ONEUP_PINTEREST_NOW", "1970-01-01T00:00:00+00:00")
    assert_frame_equal(load.load_pins(own_file), pins)
    finding = findings_by_check(own_file)["runs_ahead_of_clock"]
    assert "6 syncs started later than this machine's clock (1970-01-01 00:00 UTC)" in finding["what"]


def test_sync_refuses_to_write_after_a_run_in_the_future(tmp_path: Path) -> None:
    path = make_history(tmp_path / "h.duckdb", days=2, pins=1)
    change(path, "INSERT INTO _sync_runs (run_id, started_at, status) VALUES ('x', '2100-01-01', 'done')")
    with (
        pytest.raises(
            UserError, match=r"newest sync in .* started at 2100-01-01 .* clock says 2026-03-31 09:00"
        ) as error,
        DatabaseWriter(path) as writer,
    ):
        writer.start_run()
    assert error.value.exit_status == 1
    assert load.load_sync_runs(path).height == 3
    change(path, f"DELETE{str(error.value).partition('DELETE')[2]}")
    with DatabaseWriter(path) as writer:
        writer.start_run()
    assert load.load_sync_runs(path)["run_id"].to_list()[:2] == ["2026-03-30-done", "2026-03-31-done"]
