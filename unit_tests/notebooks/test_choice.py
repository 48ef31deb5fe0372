"""An account and days are chosen once for all notebooks: in a cell, with the widget, or on the command line."""

from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import altair as alt
import pytest

from oneup_pinterest import notebooks
from oneup_pinterest.database.load import load_pins
from oneup_pinterest.database.stored_tables import HistoryFile
from oneup_pinterest.errors import UserError
from oneup_pinterest.notebooks import choice, widget
from test_support.history import LAST_DAY, make_history

SINCE, UNTIL = LAST_DAY - timedelta(days=9), LAST_DAY - timedelta(days=3)


@pytest.fixture(autouse=True)
def _renderer() -> Iterator[None]:
    active = alt.renderers.active
    yield
    alt.renderers.enable(active)


@pytest.fixture
def database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the database of a notebook that `open_notebooks` started without options."""
    path = make_history(tmp_path / "h.duckdb", hostile=True)
    monkeypatch.setenv(choice.DATABASE_VARIABLE, str(path))
    monkeypatch.setenv(choice.CHOICE_VARIABLE, str(tmp_path / "choice.json"))
    return path


def restrict(monkeypatch: pytest.MonkeyPatch, file: HistoryFile) -> None:
    """Set what the options of the command leave in the environment."""
    for name, value in choice.environment_of(file).items():
        monkeypatch.setenv(name, value)


def chosen_days(database: Path | HistoryFile) -> tuple[date, date]:
    days = load_pins(database)["snapshot_date"]
    return days.min(), days.max()  # type: ignore[return-value]


def days(database: Path | HistoryFile) -> tuple[date | None, date | None]:
    """Return the limits."""
    assert isinstance(database, HistoryFile)
    return database.since, database.until


def parts(chooser: Any) -> tuple[Any, Any, Any, Any]:
    """Return the list of accounts, the two days and the line below."""
    row, status = chooser.children
    return (*row.children, status)


def test_a_cell_chooses_the_account_and_the_days(database: Path) -> None:
    chosen, account = notebooks.start("@TWO", str(SINCE), UNTIL)
    assert account == "pin_two"
    assert chosen_days(chosen) == (SINCE, UNTIL)


def test_a_cell_comes_before_the_widget_and_that_before_the_command_line(
    database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    restrict(monkeypatch, HistoryFile(database, since=SINCE, until=UNTIL))
    assert days(notebooks.start(until=SINCE)[0]) == (SINCE, SINCE)
    _, since, until, _ = parts(widget.chooser())
    assert (since.value, until.value) == (SINCE, UNTIL)
    since.value = None

    assert days(notebooks.start()[0]) == (None, UNTIL)
    assert days(notebooks.start(since=str(UNTIL))[0]) == (UNTIL, UNTIL)


def test_every_notebook_starts_with_what_the_widget_chose(database: Path) -> None:
    account, since, _, status = parts(widget.chooser())
    assert [value for _, value in account.options] == [None, "pin_one", "pin_two"]
    assert notebooks.start() == (database, "pin_one")

    account.value, since.value = "pin_two", SINCE

    assert status.value == widget.KEPT
    chosen, name = notebooks.start()
    assert name == "pin_two"
    assert chosen_days(chosen) == (SINCE, LAST_DAY)
    assert notebooks.start("pin_one")[1] == "pin_one"
    again = parts(widget.chooser())
    assert (again[0].value, again[1].value, again[2].value) == ("pin_two", SINCE, None)

    again[0].value, again[1].value = None, None
    assert notebooks.start() == (database, "pin_one")


def test_widget_lists_only_the_accounts_of_the_command_line(database: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    restrict(monkeypatch, HistoryFile(database, accounts=["@two"]))
    assert [value for _, value in parts(widget.chooser())[0].options] == [None, "pin_two"]
    assert "pin_one" not in str(parts(widget.chooser())[0].options)


def test_a_choice_without_data_is_not_kept_and_says_why(database: Path) -> None:
    _, since, until, status = parts(widget.chooser())
    since.value = SINCE
    until.value = SINCE - timedelta(days=1)
    assert status.value == f"Not kept: --since {SINCE} is after --until {until.value}: swap them."
    assert choice.read_choice() == choice.Choice(None, SINCE, None)
    until.value = None
    since.value = LAST_DAY + timedelta(days=30)
    assert status.value.startswith("Not kept: ")
    assert "has no data since" in status.value
    assert choice.read_choice() == choice.Choice(None, SINCE, None)


def test_a_text_that_is_no_day_is_one_sentence(database: Path) -> None:
    with pytest.raises(UserError, match=r"^SINCE is not a day: write it as YYYY-MM-DD, for example 2026-03-31\.$"):
        notebooks.start(since="yesterday")


@pytest.mark.parametrize("missing", ["the command", "ipywidgets"])
def test_without_the_widget_a_sentence_says_how_to_choose(
    database: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], missing: str
) -> None:
    if missing == "ipywidgets":
        monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    else:
        monkeypatch.delenv(choice.CHOICE_VARIABLE)
    notebooks.choose()
    assert capsys.readouterr().out == (
        "To choose here, open the notebooks with `oneup-pinterest notebooks --database FILE`. Or write ACCOUNT, SINCE "
        "and UNTIL in the first cell.\n"
    )


def test_widget_is_displayed_and_shows_names_as_text(database: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shown: list[Any] = []
    monkeypatch.setattr("IPython.display.display", shown.append)
    notebooks.choose()
    (chooser,) = shown
    assert parts(chooser)[0].options[2][0] == "pin_two \u2068<b>Bad</b> Account 1 (@two)\u2069"
