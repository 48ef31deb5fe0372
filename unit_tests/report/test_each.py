"""One page per account: each holds only its account, and the index lists all of them."""

import re
from pathlib import Path
from typing import Any

import duckdb
import pytest

from oneup_pinterest.errors import UserError
from oneup_pinterest.report import write_reports
from oneup_pinterest.report.each import file_names
from test_support.history import NOW, make_history


@pytest.fixture(autouse=True)
def _clock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ONEUP_PINTEREST_NOW", f"{NOW.isoformat()}+00:00")


def test_each_page_holds_only_its_account_and_the_index_has_all(tmp_path: Path) -> None:
    database = make_history(tmp_path / "h.duckdb", ("pin_one", "pin_two", "pin_three"), days=17, pins=4)
    told: list[tuple[int, int]] = []
    index, rows = write_reports(database, tmp_path / "each", progress=lambda done, whole, _: told.append((done, whole)))
    assert told == [(1, 3), (2, 3), (3, 3)]
    assert sorted(path.name for path in (tmp_path / "each").iterdir()) == [
        "index.html",
        "one.html",
        "three.html",
        "two.html",
    ]
    with duckdb.connect(database, read_only=True) as connection:
        texts = connection.execute("SELECT DISTINCT social_network_id, id FROM pins").fetchall()
    for row in rows:
        page = (tmp_path / "each" / row.file).read_text(encoding="utf-8")
        assert f">{row.id}<" in page
        for account, pin in texts:
            if account != row.id:
                assert not re.search(rf"\b{account}\b", page)
                assert pin not in page
    listed = index.read_text(encoding="utf-8")
    assert [f'href="{row.file}"' in listed for row in rows] == [True] * 3
    assert all(row.tiles["saves"]["value"] is not None for row in rows)


@pytest.mark.slow
def test_numbers_of_the_index_are_those_of_the_pages(tmp_path: Path) -> None:
    database = make_history(tmp_path / "h.duckdb", ("pin_one", "pin_two"), days=17, pins=4)
    index, rows = write_reports(database, tmp_path / "each")
    listed = index.read_text(encoding="utf-8")
    for row in rows:
        page = (tmp_path / "each" / row.file).read_text(encoding="utf-8")
        saves = f"{row.tiles['saves']['value']:,.0f}"
        assert f'<td class="n">{saves}</td>' in listed
        assert f'<strong class="value">{saves}</strong>' in page


def test_an_account_whose_page_fails_is_named_and_the_others_are_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    database = make_history(tmp_path / "h.duckdb", ("pin_one", "pin_two"), days=2, pins=2)
    folder = tmp_path / "each"
    (folder / "two.html").mkdir(parents=True)  # a folder in the way of a page
    index, rows = write_reports(database, folder)
    errors = {row.id: row.error for row in rows}
    assert errors["pin_one"] is None
    assert "cannot be written" in str(errors["pin_two"])
    assert "cannot be written" in index.read_text(encoding="utf-8")


@pytest.mark.slow
def test_hostile_names_stay_text_and_make_plain_file_names(tmp_path: Path) -> None:
    database = make_history(tmp_path / "h.duckdb", days=2, pins=2, hostile=True)
    with duckdb.connect(database) as connection:
        connection.execute("UPDATE accounts SET username = '../../etc/passwd' WHERE social_network_id = 'pin_one'")
    index, _ = write_reports(database, tmp_path / "each")
    assert (tmp_path / "each" / "etc_passwd.html").is_file()
    assert "<b>Bad" not in index.read_text(encoding="utf-8")


@pytest.mark.parametrize("name", ["CON", "com1", "Index", "", "///", "名前", "a" * 300])
def test_every_file_system_takes_the_names(name: str) -> None:
    (file,) = file_names(["pin_a"], {"pin_a": name}).values()
    assert re.fullmatch(r"[a-z0-9][a-z0-9_-]{0,70}\.html", file)
    assert file.partition(".")[0] not in ("con", "com1", "index")


def test_a_folder_that_cannot_be_made_is_an_error(tmp_path: Path) -> None:
    database = make_history(tmp_path / "h.duckdb", days=1)
    with pytest.raises(UserError, match=r"cannot be made: .* Name another folder with --each"):
        write_reports(database, database / "each")


def test_file_without_accounts_gives_an_empty_index(tmp_path: Path) -> None:
    index, rows = write_reports(make_history(tmp_path / "h.duckdb", days=0), tmp_path / "each")
    assert rows == []
    assert "0 accounts" in index.read_text(encoding="utf-8")


@pytest.mark.slow
def test_all_pages_share_title_and_logo(tmp_path: Path) -> None:
    database = make_history(tmp_path / "h.duckdb", days=1)
    options: dict[str, Any] = {"title": "Agency & Co"}
    write_reports(database, tmp_path / "each", **options)
    for path in (tmp_path / "each").iterdir():
        assert "Agency &amp; Co" in path.read_text(encoding="utf-8")
