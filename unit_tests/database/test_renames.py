"""Renamed accounts are recognized by their pins and loaded as one account; unclear cases stay separate."""

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest

from oneup_pinterest.database.load import data_window, load_accounts, load_pins, load_pins_latest
from oneup_pinterest.database.reader import open_history
from oneup_pinterest.database.renames import Rename, registered_renames
from oneup_pinterest.errors import UserError

FIRST = date(2026, 3, 1)
Pins = Iterable[int | str]


def link(pin: int | str) -> str:
    return f"https://www.pinterest.com/pin/{pin}/"


def history(path: Path, *syncs: tuple[str, int, Pins], **columns: Any) -> Path:
    """Write a file as another tool would and return its path.

    A sync is an account, a day and the ids of its pins; each sync is extracted an hour later in its day than the one
    before. Pin 7 was published seven days before the first day. `columns` replaces values: each is a constant, or a
    function of account and pin.
    """
    with duckdb.connect(path) as connection:
        connection.execute(
            "CREATE TABLE pins (social_network_id VARCHAR, id VARCHAR, permalink VARCHAR, timestamp TIMESTAMP, "
            "saves BIGINT, snapshot_date DATE, _airbyte_extracted_at TIMESTAMP)"
        )
        connection.execute("CREATE TABLE accounts (social_network_id VARCHAR, username VARCHAR)")
        for account in dict.fromkeys(account for account, *_ in syncs):
            connection.execute("INSERT INTO accounts VALUES (?, ?)", [account, account.removeprefix("pin_")])
        for number, (account, day, pins) in enumerate(syncs):
            on = FIRST + timedelta(days=day)
            extracted = datetime(on.year, on.month, on.day) + timedelta(hours=number)
            for pin in pins:
                row = {
                    "id": str(pin),
                    "permalink": link(pin),
                    "timestamp": datetime(2026, 3, 1) - timedelta(days=int(pin)),
                    "saves": 10,
                    "_airbyte_extracted_at": extracted,
                }
                row |= {name: value(account, pin) if callable(value) else value for name, value in columns.items()}
                connection.execute(
                    "INSERT INTO pins VALUES (?, ?, ?, ?, ?, ?, ?)",
                    [
                        account,
                        row["id"],
                        row["permalink"],
                        row["timestamp"],
                        row["saves"],
                        on,
                        row["_airbyte_extracted_at"],
                    ],
                )
    return path


def renames(path: Path) -> list[Rename]:
    with open_history(path) as connection:
        return registered_renames(connection)


def renamed(path: Path) -> dict[str, str]:
    return {rename.older: rename.newer for rename in renames(path)}


def test_same_pins_under_a_new_account_id_are_a_rename(tmp_path: Path) -> None:
    path = history(tmp_path / "h.duckdb", ("pin_a", 0, "12345"), ("pin_a", 1, "12345"), ("pin_b", 2, "01235"))
    assert renames(path) == [Rename("pin_a", "a", "pin_b", "b", date(2026, 3, 3), 4, 5, {})]
    assert load_pins(path)["social_network_id"].unique().to_list() == ["pin_b"]
    assert data_window(path)[2:5] == (3, 1, 6)


def test_pins_of_the_old_account_are_loaded_under_the_new_one(tmp_path: Path) -> None:
    path = history(tmp_path / "h.duckdb", ("pin_a", 0, "12345"), ("pin_b", 2, "1234"))
    assert load_pins_latest(path).select("id", "snapshot_date").rows()[-1] == ("5", date(2026, 3, 1))
    assert load_accounts(path)["social_network_id"].to_list() == ["pin_b"]


@pytest.mark.parametrize(("later_pins", "is_renamed"), [("13467", True), ("12467", False), ("246", False), ("7", True)])
def test_rename_needs_most_of_the_possible_pins_in_both_accounts(
    tmp_path: Path, later_pins: str, is_renamed: bool
) -> None:
    path = history(tmp_path / "h.duckdb", ("pin_a", 0, "1357"), ("pin_b", 1, later_pins))
    assert bool(renames(path)) is is_renamed


def test_pins_that_only_one_account_can_have_are_ignored(tmp_path: Path) -> None:
    def published(account: str, pin: int | str) -> datetime:
        return datetime(2026, 3, 1) - timedelta(days=int(pin)) if int(pin) < 60 else datetime(2026, 3, 20)

    later = [1, 2, 3, *range(60, 90)]
    path = history(
        tmp_path / "h.duckdb", ("pin_a", 0, [1, 2, 3, *range(20, 50)]), ("pin_b", 30, later), timestamp=published
    )
    (rename,) = renames(path)
    assert (rename.shared, rename.pins) == (3, 3)


def test_accounts_synced_on_the_same_days_are_not_a_rename(tmp_path: Path) -> None:
    days = [(account, day, "123") for day in range(4) for account in ("pin_a", "pin_b")]
    assert renames(history(tmp_path / "h.duckdb", *days)) == []
    assert renames(history(tmp_path / "same.duckdb", *days[:2], _airbyte_extracted_at=datetime(2026, 3, 1))) == []


def test_extraction_times_decide_the_order_on_a_shared_day(tmp_path: Path) -> None:
    path = history(tmp_path / "h.duckdb", ("pin_a", 0, "123"), ("pin_a", 1, "123"), ("pin_b", 1, "123"))
    assert renamed(path) == {"pin_a": "pin_b"}
    assert load_pins(path).height == 6
    assert load_pins(path, until=FIRST + timedelta(days=1))["snapshot_date"].n_unique() == 2


def test_restored_name_counts_as_the_newer_one(tmp_path: Path) -> None:
    days = [("pin_b" if day in (2, 3) else "pin_a", day, "123") for day in range(6)]
    path = history(tmp_path / "h.duckdb", *days)
    assert renamed(path) == {"pin_b": "pin_a"}
    assert load_pins(path).height == 18


def test_account_renamed_twice_is_loaded_under_its_last_name(tmp_path: Path) -> None:
    path = history(tmp_path / "h.duckdb", ("pin_a", 0, "123"), ("pin_b", 1, "234"), ("pin_c", 2, "345"))
    assert data_window(path)[2:5] == (3, 1, 5)
    assert set(load_pins(path, "pin_a")["social_network_id"]) == {"pin_c"}
    assert load_pins(path, "@a").equals(load_pins(path))


def test_pins_with_new_ids_are_matched_by_permalink(tmp_path: Path) -> None:
    path = history(
        tmp_path / "h.duckdb", ("pin_a", 0, "123"), ("pin_b", 1, "123"), id=lambda account, pin: f"{account}/{pin}"
    )
    assert renamed(path) == {"pin_a": "pin_b"}
    assert load_pins(path).group_by("id").len().sort("id").rows() == [("pin_b/1", 2), ("pin_b/2", 2), ("pin_b/3", 2)]


def test_conflicting_or_external_links_do_not_show_a_rename(tmp_path: Path) -> None:
    syncs = (("pin_a", 0, "123"), ("pin_b", 1, "123"))
    same_links = history(tmp_path / "n.duckdb", *syncs, permalink=lambda account, pin: link(f"{len(account)}{pin}"))
    assert len(renames(same_links)) == 1
    other_links = history(
        tmp_path / "o.duckdb", *syncs, permalink=lambda account, pin: link(f"{ord(account[-1])}{pin}")
    )
    external_links = history(
        tmp_path / "s.duckdb", *syncs, id=lambda account, pin: f"{account}/{pin}", permalink="https://shop.example/"
    )
    assert renames(other_links) == renames(external_links) == []


def test_ids_and_days_alone_can_show_a_rename(tmp_path: Path) -> None:
    path = history(
        tmp_path / "h.duckdb",
        ("pin_a", 0, "123"),
        ("pin_b", 1, "123"),
        permalink=None,
        timestamp=None,
        _airbyte_extracted_at=None,
    )
    assert renamed(path) == {"pin_a": "pin_b"}


def test_unknown_account_name_is_rejected(tmp_path: Path) -> None:
    path = history(tmp_path / "h.duckdb", ("pin_a", 0, "123"), ("pin_b", 1, "123"))
    with pytest.raises(UserError, match="pin_c is not in this database; there are: pin_b"):
        load_pins(path, "pin_c")
