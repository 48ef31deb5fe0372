"""File names, paths in SQL, locks and folders as Windows has them."""

import os
import re
from pathlib import Path, PureWindowsPath

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from oneup_pinterest.database import connection, export
from oneup_pinterest.database.stored_tables import TABLES
from oneup_pinterest.errors import UserError
from oneup_pinterest.report.each import file_names
from oneup_pinterest.sync import database_file
from oneup_pinterest.sync.destination_files import stream_in_path

DEVICES = [
    "CON",
    "PRN",
    "AUX",
    "NUL",
    "CONIN$",
    "CONOUT$",
    *(f"{port}{n}" for port in ("COM", "LPT") for n in "0123456789¹²³"),
]
IN_USE = (
    'IO Error: Cannot open file "C:\\data\\history.duckdb": Der Prozess kann nicht auf die Datei zugreifen, da sie von '
    "einem anderen Prozess verwendet wird.\r\n\n\nFile is already open in \nC:\\Python\\python.exe (PID {})"
)


def is_valid_on_windows(name: str) -> bool:
    """Return whether Windows accepts a file name and keeps it as it is."""
    is_device = name.partition(".")[0].rstrip().upper() in DEVICES
    return not is_device and not re.search(r'[<>:"/\\|?*\x00-\x1f]', name) and name == name.rstrip(". ") and name != ""


@pytest.mark.parametrize("name", ["NUL", "nul.html", "Com¹.html", "a.", "a ", "a:b", "a?b", "a\\b", "", "CON .html"])
def test_the_rules_refuse_invalid_names(name: str) -> None:
    assert not is_valid_on_windows(name)


@given(st.lists(st.one_of(st.text(max_size=80), st.sampled_from(DEVICES)), min_size=1, max_size=8))
def test_pages_of_accounts_have_names_that_windows_accepts(usernames: list[str]) -> None:
    accounts = [f"pin_{number}" for number in range(len(usernames))]

    names = file_names(accounts, dict(zip(accounts, usernames, strict=True))).values()

    assert [name for name in names if not is_valid_on_windows(name)] == []
    assert len({name.lower() for name in names} | {"index.html"}) == len(usernames) + 1


def test_folders_and_files_of_an_export_have_names_that_windows_accepts() -> None:
    assert [name for table in TABLES for name in (table, f"{table}.parquet") if not is_valid_on_windows(name)] == []


@pytest.mark.parametrize("path", [r"C:\Users\O'Neil\new\test.duckdb", r"\\server\share\table.duckdb", "D:/a/b.duckdb"])
@pytest.mark.parametrize("literal", [database_file._literal, export._literal])
def test_sql_literals_keep_drives_and_backslashes(path: str, literal: object) -> None:
    written = PureWindowsPath(path)

    [(read,)] = duckdb.sql(f"SELECT {literal(written)}").fetchall()  # type: ignore[operator]

    assert read == str(written)


@pytest.mark.parametrize("text", ["here/", "here\\", "here\\..", "here/."])
def test_both_separators_of_windows_end_the_name_of_a_folder(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sep", "\\")
    monkeypatch.setattr(os, "altsep", "/")

    with pytest.raises(UserError, match="is the name of a folder"):
        connection.database_path(text)


def test_the_stream_of_a_file_is_found_in_a_path_of_windows() -> None:
    path = PureWindowsPath(r"C:\Users\accounts\OneUp\Pins\2026_05_20.jsonl")

    assert stream_in_path(path, ["pins", "accounts"]) == "pins"  # type: ignore[arg-type]


def test_a_file_that_windows_locks_is_waited_for(tmp_path: Path) -> None:
    answers = [duckdb.IOException(IN_USE.format(1)), duckdb.connect()]

    def connect() -> duckdb.DuckDBPyConnection:
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    assert connection.connect_waiting(tmp_path / "history.duckdb", connect, to_write=True)
    assert answers == []


def test_a_file_that_windows_locks_names_the_process(tmp_path: Path) -> None:
    other, own = (
        str(connection.open_error(tmp_path / "h.duckdb", duckdb.IOException(IN_USE.format(process)), to_write=False))
        for process in (1, os.getpid())
    )

    assert "is being written (process 1), most likely by a sync" in other
    assert "in this very process" in own


def test_a_file_that_nobody_else_may_open_is_left_to_duckdb(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "history.duckdb"
    path.touch()
    locked = PermissionError(13, "Permission denied")
    locked.winerror = 32  # type: ignore[attr-defined, unused-ignore]

    def refuse(*_: object) -> None:
        raise locked

    monkeypatch.setattr(Path, "open", refuse)
    found = duckdb.connect()

    assert connection.connect_waiting(path, lambda: found, to_write=False) is found
