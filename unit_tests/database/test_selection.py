"""A file that is restricted to some accounts and days looks as if it held nothing else."""

from datetime import date, timedelta
from pathlib import Path

import duckdb
import polars as pl
import pytest

from oneup_pinterest.database.export import export_parquet
from oneup_pinterest.database.load import load_accounts, load_pins, load_pins_latest, load_sync_runs
from oneup_pinterest.database.stored_tables import HistoryFile
from oneup_pinterest.errors import UserError
from oneup_pinterest.quality.status import read_status
from test_support.history import LAST_DAY, as_other_destination, insert_run, make_history
from test_support.two_tables import copied_as_synced

SINCE, UNTIL = LAST_DAY - timedelta(days=9), LAST_DAY - timedelta(days=3)


@pytest.fixture(params=["flat", "synced", "foreign"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    flat = make_history(tmp_path / "flat.duckdb")
    if request.param == "foreign":
        return as_other_destination(flat, tmp_path / "foreign.duckdb")
    return copied_as_synced(flat, tmp_path / "synced.duckdb") if request.param == "synced" else flat


def test_only_the_chosen_accounts_and_days_are_read(database: Path) -> None:
    chosen = HistoryFile(database, accounts=["@two"], since=SINCE, until=UNTIL)
    is_chosen = (pl.col("social_network_id") == "pin_two") & pl.col("snapshot_date").is_between(SINCE, UNTIL)

    assert load_pins(chosen).equals(load_pins(database).filter(is_chosen))
    assert load_accounts(chosen)["social_network_id"].to_list() == ["pin_two"]
    newest = (
        load_pins(database).filter(is_chosen).group_by("id").agg(pl.col("snapshot_date", "saves").last()).sort("id")
    )
    assert load_pins_latest(chosen).select("id", "snapshot_date", "saves").equals(newest)


def test_one_bound_or_accounts_alone_are_enough(database: Path) -> None:
    days = load_pins(database)["snapshot_date"]

    assert load_pins(HistoryFile(database, since=SINCE))["snapshot_date"].min() == SINCE
    assert load_pins(HistoryFile(database, until=UNTIL))["snapshot_date"].max() == UNTIL
    both = load_pins(HistoryFile(database, accounts=["pin_one", "@TWO"]))
    assert both["snapshot_date"].len() == days.len()


def test_status_and_export_hold_only_what_was_chosen(database: Path, tmp_path: Path) -> None:
    chosen = HistoryFile(database, accounts=["pin_two"], since=SINCE, until=UNTIL)

    rows = export_parquet(chosen, tmp_path / "export")
    status = read_status(chosen)

    pins = pl.read_parquet(tmp_path / "export" / "pins" / "pins.parquet")
    assert (set(pins["social_network_id"]), pins["snapshot_date"].min()) == ({"pin_two"}, SINCE)
    assert {name: stream["rows"] for name, stream in status["streams"].items()}.items() <= rows.items()
    assert status["streams"]["pins"] == {
        "rows": pins.height,
        "first": SINCE.isoformat(),
        "last": UNTIL.isoformat(),
    }
    assert "pin_one" not in str(status)


def test_runs_say_nothing_of_other_accounts(tmp_path: Path) -> None:
    database = tmp_path / "history.duckdb"
    make_history(database)
    with duckdb.connect(database) as connection:
        skipped = [{"social_network_id": name, "reason": f"{name} failed"} for name in ("pin_one", "pin_two")]
        insert_run(connection, LAST_DAY + timedelta(days=1), "partial", skipped)
        connection.execute("UPDATE _sync_runs SET error = 'pin_one cannot be read'")

    runs = load_sync_runs(HistoryFile(database, accounts=["pin_two"]))

    assert "pin_one" not in str(runs.rows())
    assert runs["skipped_accounts"].to_list()[-1] == '[{"social_network_id":"pin_two","reason":"pin_two failed"}]'


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (
            {"accounts": ["two"]},
            "two is not in this database; there are: pin_one (@one), pin_two (@two). Did you mean @two?",
        ),
        ({"accounts": ["pin_x"]}, "pin_x is not in this database; there are: pin_one (@one), pin_two (@two)."),
        ({"since": UNTIL, "until": SINCE}, f"--since {UNTIL} is after --until {SINCE}: swap them."),
        (
            {"accounts": ["@two"], "until": date(2020, 1, 1)},
            "{path} has no data of @two until 2020-01-01; its days are 2026-03-11 to 2026-03-31.",
        ),
        ({"since": date(2030, 1, 1)}, "{path} has no data since 2030-01-01; its days are 2026-03-11 to 2026-03-31."),
    ],
)
def test_a_choice_that_finds_nothing_says_what_there_is(tmp_path: Path, options: dict, sentence: str) -> None:
    database = make_history(tmp_path / "history.duckdb")

    with pytest.raises(UserError) as error:
        load_pins(HistoryFile(database, **options))

    assert (str(error.value), error.value.exit_status) == (sentence.format(path=database), 2)


def test_many_accounts_are_listed_briefly(tmp_path: Path) -> None:
    database = make_history(tmp_path / "history.duckdb", accounts=[f"pin_{n:02}" for n in range(14)], days=1, pins=1)

    with pytest.raises(UserError, match=r"there are: pin_00 .* and 4 more\.$"):
        load_pins(HistoryFile(database, accounts=["nobody"]))
