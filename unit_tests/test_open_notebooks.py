"""The notebooks open in JupyterLab and show answers safely."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import altair as alt
import duckdb
import polars as pl
import pytest

from oneup_pinterest import notebooks
from oneup_pinterest.database.load import load_pins
from oneup_pinterest.database.stored_tables import HistoryFile
from oneup_pinterest.errors import UserError
from oneup_pinterest.notebooks import opening
from oneup_pinterest.questions.answer import Answer, not_enough_data
from oneup_pinterest.questions.chart_style import finished, inline
from test_support.history import HOSTILE_TEXT, LAST_DAY, make_history
from test_support.paths import ROOT


@pytest.fixture
def launches(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Return the calls that would start JupyterLab."""
    calls: list[Any] = []

    def call(command: list[str], env: dict[str, str], check: bool) -> Any:
        calls.append((command, env))
        return subprocess.CompletedProcess(command, 0)

    monkeypatch.setattr(subprocess, "run", call)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: name)
    return calls


def test_jupyterlab_opens_the_notebooks_with_the_chosen_database(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, launches: list[Any]
) -> None:
    make_history(tmp_path / "h.duckdb", days=1)
    monkeypatch.chdir(tmp_path)
    notebooks.open_notebooks("h.duckdb")
    ((command, environment),) = launches
    assert command[:4] == [sys.executable, "-m", "jupyterlab", str(ROOT / "notebooks")]
    assert command[4] == "--LabApp.default_url=/lab/tree/00_start_here.ipynb"
    choice = Path(environment["ONEUP_PINTEREST_CHOICE"])
    assert not choice.parent.exists(), "a choice ends with JupyterLab"
    assert environment[notebooks.DATABASE_VARIABLE] == str(tmp_path / "h.duckdb")
    assert environment["PATH"] == os.environ["PATH"]


def test_notebooks_see_only_the_chosen_accounts_and_days(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, launches: list[Any], capsys: pytest.CaptureFixture[str]
) -> None:
    since, until = LAST_DAY - timedelta(days=5), LAST_DAY - timedelta(days=2)
    chosen = HistoryFile(make_history(tmp_path / "h.duckdb"), accounts=["@two"], since=since, until=until)
    notebooks.open_notebooks(chosen)
    ((_, environment),) = launches
    for name, value in environment.items():
        if name.startswith("ONEUP_PINTEREST_"):
            monkeypatch.setenv(name, value)

    database, account = notebooks.start()

    assert isinstance(database, HistoryFile)
    assert (database.path, account) == (chosen.path, "pin_two")
    assert (database.accounts, database.since, database.until) == (["@two"], since, until)
    assert "pin_one" not in capsys.readouterr().out
    assert set(load_pins(database)["snapshot_date"]) == {since + timedelta(days=day) for day in range(4)}
    with pytest.raises(UserError, match="nobody is not in this database"):
        notebooks.open_notebooks(HistoryFile(chosen.path, accounts=["nobody"]))


def test_jupyterlab_finds_the_users_config_before_ours(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, launches: list[Any]
) -> None:
    monkeypatch.setenv("JUPYTER_CONFIG_PATH", "theirs")
    notebooks.open_notebooks(make_history(tmp_path / "h.duckdb", days=1))
    first, ours = launches[0][1]["JUPYTER_CONFIG_PATH"].split(os.pathsep)
    assert first == "theirs"
    assert (Path(ours) / "labconfig" / "default_setting_overrides.json").is_file()


def test_packaged_notebooks_are_copied_without_overwriting_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, launches: list[Any]
) -> None:
    packaged = tmp_path / "notebook_files"
    packaged.mkdir()
    (packaged / "00_start_here.ipynb").write_text("new")
    (packaged / "01_more.ipynb").write_text("new")
    copies = tmp_path / "oneup_pinterest_notebooks"
    copies.mkdir()
    (copies / "00_start_here.ipynb").write_text("mine")
    monkeypatch.setattr(opening, "_PACKAGED", packaged)
    monkeypatch.chdir(tmp_path)
    notebooks.open_notebooks(make_history(tmp_path / "h.duckdb", days=1))
    assert launches[0][0][3] == "oneup_pinterest_notebooks"
    assert {path.name: path.read_text() for path in copies.iterdir()} == {
        "00_start_here.ipynb": "mine",
        "01_more.ipynb": "new",
    }


def test_error_for_missing_jupyterlab_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(UserError, match=r'pip install "source-oneup-pinterest\[notebooks\]"'):
        notebooks.open_notebooks(make_history(tmp_path / "h.duckdb", days=1))


def test_missing_database_is_an_error_before_jupyterlab_starts(tmp_path: Path, launches: list[Any]) -> None:
    with pytest.raises(UserError, match="does not exist"):
        notebooks.open_notebooks(tmp_path / "none.duckdb")
    assert launches == []


def test_default_database_is_found_in_this_or_the_parent_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(notebooks.DATABASE_VARIABLE, raising=False)
    (tmp_path / "notebooks").mkdir()
    monkeypatch.chdir(tmp_path / "notebooks")
    assert notebooks.chosen_database() == Path("oneup_pinterest.duckdb")
    (tmp_path / "oneup_pinterest.duckdb").touch()
    assert notebooks.chosen_database() == Path("..", "oneup_pinterest.duckdb")


@pytest.fixture
def displayed(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Return what a notebook would display, in order."""
    outputs: list[Any] = []
    monkeypatch.setattr("IPython.display.display", outputs.append)
    return outputs


CHART = finished(alt.Chart(inline([{"x": 1}])).mark_point().encode(x="x:Q"), "One point", 100, 100)
TABLE = pl.DataFrame(
    {"Pin": ["one"], "Saves": [1200], "Since": [None]}, {"Pin": pl.String, "Saves": int, "Since": pl.Date}
)


def test_answer_is_shown_as_chart_then_text_then_table(displayed: list[Any]) -> None:
    notebooks.show(Answer("Did saves rise?", "Saves rose.", CHART, TABLE, ("Of 2 pins.", "In March.")))
    chart, text, table = displayed
    assert chart is CHART
    assert repr(text) == "Saves rose.\nOf 2 pins.\nIn March."
    assert "1,200" in repr(table)


def test_answer_without_data_is_shown_as_text_only(displayed: list[Any]) -> None:
    notebooks.show(not_enough_data("Did saves rise?", "there is one day."))
    notebooks.show(Answer("Did saves rise?", "No.", None, TABLE.clear()))
    assert [repr(text) for text in displayed] == ["Not enough data yet: there is one day.", "No."]


def test_texts_of_pins_are_escaped_everywhere_in_an_answer(displayed: list[Any]) -> None:
    hostile = pl.DataFrame({HOSTILE_TEXT: [HOSTILE_TEXT + "\x1b]8;;http://x\x07\u202e"], "n": [1]})
    notebooks.show(Answer(HOSTILE_TEXT, HOSTILE_TEXT, None, hostile, (HOSTILE_TEXT,)))
    markup = "".join(output._repr_html_() for output in displayed)
    assert markup.count("&lt;script&gt;") == 4
    assert not [tag for tag in ("<script", "<img", "<!--") if tag in markup]
    assert not {"\x1b", "\x07", "\u202e"} & set(markup + repr(displayed[1]))


def test_tables_need_no_style_sheet_and_are_reproducible() -> None:
    one, other = notebooks.as_html_table(TABLE)._repr_html_(), notebooks.as_html_table(TABLE)._repr_html_()
    assert one == other
    assert "<style" not in one
    assert " id=" not in one
    assert '<td style="text-align: right; white-space: nowrap" dir="auto">1,200</td>' in one
    assert '<td style="text-align: start" dir="auto">one</td>' in one


def test_headings_wrap_so_that_a_table_fits_the_window() -> None:
    html = notebooks.as_html_table(pl.DataFrame({"Not seen from the start (pins)": [1], "Day": [date(2026, 3, 1)]}))
    heads = re.findall("<th style=.*?</th>", html._repr_html_())
    assert [head.startswith('<th style="text-align: ') for head in heads] == [True, True]
    assert not [head for head in heads if "nowrap" in head]


def test_long_table_is_truncated_with_a_note() -> None:
    table = notebooks.as_html_table(pl.DataFrame({"n": range(1234)}))
    assert table._repr_html_().count("<td") == notebooks.MAX_ROWS
    assert table._repr_html_().endswith("<p><small>The first 40 of 1,234 rows.</small></p>")
    assert repr(table).endswith("The first 40 of 1,234 rows.")
    assert "rows" not in notebooks.as_html_table(pl.DataFrame({"n": range(40)}))._repr_html_()


@pytest.mark.parametrize("table", [pl.DataFrame(), TABLE.clear(), pl.DataFrame({"all": [None, None]})])
def test_table_without_values_is_rendered(table: pl.DataFrame) -> None:
    shown = notebooks.as_html_table(table)
    assert shown._repr_html_().endswith("</table></div>")
    assert isinstance(repr(shown), str)


@pytest.fixture(autouse=True)
def _renderer() -> Iterator[None]:
    active = alt.renderers.active
    yield
    alt.renderers.enable(active)


@pytest.fixture
def database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = make_history(tmp_path / "h.duckdb", days=3, hostile=True)
    monkeypatch.setenv(notebooks.DATABASE_VARIABLE, str(path))
    return path


def test_notebook_starts_with_the_account_with_the_most_pins(
    database: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert notebooks.start() == (database, "pin_one")
    printed = capsys.readouterr().out.splitlines()
    assert printed[0].startswith("3 daily snapshots from 2026-03-29 to 2026-03-31")
    assert [line.split()[:2] for line in printed[1:]] == [["→", "pin_one"], ["pin_two", "\u2068<b>Bad</b>"]]


def test_account_can_be_chosen_and_an_unknown_one_is_rejected(database: Path) -> None:
    assert notebooks.start("pin_two")[1] == "pin_two"
    with pytest.raises(
        UserError, match=r"^pin_three is not in this database; there are: pin_one \(@one\), pin_two \(@two\)\.$"
    ):
        notebooks.start("pin_three")


def test_notebook_reports_an_empty_database(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(notebooks.DATABASE_VARIABLE, str(make_history(tmp_path / "h.duckdb", days=0)))
    assert notebooks.start()[1] == "none"
    assert capsys.readouterr().out.endswith("Not enough data yet: no account has been synced.\n")


def test_starting_a_notebook_leaves_the_database_unlocked(database: Path) -> None:
    notebooks.start()
    duckdb.connect(database).close()  # opens it for writing, as a sync does
