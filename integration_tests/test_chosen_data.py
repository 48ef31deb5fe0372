"""`report`, `export`, `status` and `notebooks` read only the chosen accounts and days."""

import json
from datetime import timedelta
from pathlib import Path

import polars as pl
import pytest

from integration_tests.databases import run
from integration_tests.in_process import run_command
from test_support.history import LAST_DAY, make_history

SINCE, UNTIL = LAST_DAY - timedelta(days=9), LAST_DAY - timedelta(days=3)
CHOSEN = ("--account", "@two", "--since", SINCE, "--until", UNTIL)
ACCOUNTS = ("pin_one", "pin_two", "pin_three")


@pytest.fixture
def database(tmp_path: Path) -> Path:
    return make_history(tmp_path / "history.duckdb", accounts=ACCOUNTS)


@pytest.mark.slow
def test_report_of_chosen_accounts_with_a_title(database: Path, tmp_path: Path) -> None:
    ended = run("report", "--database", database, "--output", tmp_path / "page.html", *CHOSEN, "--title", "Second & Co")

    assert ended.returncode == 0, ended.stderr
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert "<title>Second &amp; Co</title>" in page
    assert ("pin_two" in page, "pin_one" in page, "pin_three" in page) == (True, False, False)
    assert "seen on 7 days from 22 Mar 2026 to 28 Mar 2026" in page


def test_export_of_chosen_accounts(database: Path, tmp_path: Path) -> None:
    ended = run_command("export", "--database", database, "--output", tmp_path, *CHOSEN, "--account", "pin_three")

    assert ended.returncode == 0, ended.stderr
    pins = pl.read_parquet(tmp_path / "pins" / "pins.parquet")
    assert set(pins["social_network_id"]) == {"pin_two", "pin_three"}
    assert (pins["snapshot_date"].min(), pins["snapshot_date"].max()) == (SINCE, UNTIL)


def test_status_of_chosen_accounts(database: Path) -> None:
    ended = run_command("status", "--database", database, "--json", *CHOSEN)

    assert ended.returncode == 0, ended.stderr
    status = json.loads(ended.stdout)
    assert status["streams"]["accounts"]["rows"] == 1
    assert (status["streams"]["pins"]["first"], status["streams"]["pins"]["last"]) == (str(SINCE), str(UNTIL))
    assert not any(account in ended.stdout for account in ("pin_one", "pin_three"))


@pytest.mark.parametrize("command", ["report", "export", "status", "notebooks"])
@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (
            ["--account", "two"],
            "two is not in this database; there are: pin_one (@one), pin_three (@three), pin_two (@two). "
            "Did you mean @two?",
        ),
        (["--since", "2026-02-30"], "2026-02-30 is not a day: write it as YYYY-MM-DD, for example 2026-03-31."),
        (["--since", UNTIL, "--until", SINCE], f"--since {UNTIL} is after --until {SINCE}: swap them."),
        (["--until", "2020-01-01"], "{database} has no data until 2020-01-01; its days are 2026-03-11 to 2026-03-31."),
    ],
)
def test_a_wrong_choice_is_one_sentence(
    database: Path, tmp_path: Path, command: str, options: list[object], sentence: str
) -> None:
    output = ("--output", tmp_path / "output") if command in ("report", "export") else ()

    ended = run_command(command, "--database", database, *output, *options)

    expected = f"oneup-pinterest: {sentence.format(database=database)}\n"
    assert (ended.returncode, ended.stdout, ended.stderr) == (2, "", expected)
    assert not (tmp_path / "output").exists()
