"""The commands that read a database: their results on stdout, their exit status, and one sentence for a wrong use."""

import csv
import io
import json
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from integration_tests.in_process import run_command
from test_support.history import NOW, make_history

pytestmark = pytest.mark.usefixtures("after_the_last_sync")
UTC_NOW = datetime.fromisoformat(f"{NOW.isoformat()}+00:00")


@pytest.fixture
def history(tmp_path: Path) -> Path:
    return make_history(tmp_path / "h.duckdb", days=6, pins=4)


def test_status_ends_with_4_where_the_data_are_older_than_the_maximum_age(history: Path) -> None:
    fresh = run_command("status", "--database", history, "--max-age", "36h", now=UTC_NOW)
    later = UTC_NOW + timedelta(days=2)
    old = run_command("status", "--database", history, "--max-age", "36h", ONEUP_PINTEREST_NOW=later.isoformat())

    assert (fresh.returncode, old.returncode) == (0, 4)
    assert "older than --max-age: all" in old.stdout
    assert run_command("status", "--database", history, ONEUP_PINTEREST_NOW=later.isoformat()).returncode == 0


def test_status_names_a_wrong_age(history: Path) -> None:
    ended = run_command("status", "--database", history, "--max-age", "soon")

    assert ended.returncode == 2
    assert ended.stderr == ("oneup-pinterest: soon is not an age: write a number and m, h or d, for example 36h.\n")


def test_query_prints_a_table_or_csv(history: Path) -> None:
    sql = "SELECT social_network_id, count(*) AS pins FROM pins_latest GROUP BY ALL ORDER BY ALL"

    table = run_command("query", sql, "--database", history)
    text = run_command("query", sql, "--database", history, "--format", "csv")

    rows = list(csv.reader(io.StringIO(text.stdout.removeprefix("\ufeff"))))
    assert rows[0] == ["social_network_id", "pins"]
    assert [line.split() for line in table.stdout.splitlines()[2:]] == rows[1:]
    assert {row[0] for row in rows[1:]} == {"pin_one", "pin_two"}


@pytest.mark.parametrize("sql", ["DELETE FROM pins", "SELECT * FROM read_csv('/etc/passwd')", "SELECT 1; SELECT 2"])
def test_query_only_reads_the_database(history: Path, sql: str) -> None:
    before = history.read_bytes()

    ended = run_command("query", sql, "--database", history)

    assert (ended.returncode, ended.stdout) == (2, "")
    assert len(ended.stderr.splitlines()) == 1
    assert history.read_bytes() == before


@pytest.mark.parametrize("form", ["csv", "xlsx"])
def test_export_writes_other_formats_and_chosen_relations(history: Path, tmp_path: Path, form: str) -> None:
    output = tmp_path / "out"

    ended = run_command(
        *("export", "--database", history, "--output", output, "--format", form),
        *("--relation", "account_weekly", "--relation", "pins_latest"),
    )

    assert ended.returncode == 0, ended.stderr
    assert [line.split(":")[0].replace(", ", "/").rsplit("/")[-1] for line in ended.stdout.splitlines()] == [
        "account_weekly",
        "pins_latest",
    ]
    assert {path.suffix for path in output.rglob("*") if path.is_file()} == {f".{form}"}


def test_export_suggests_the_relation_that_was_meant(history: Path, tmp_path: Path) -> None:
    ended = run_command("export", "--database", history, "--output", tmp_path / "out", "--relation", "acount_weekly")

    assert ended.returncode == 2
    assert "account_weekly" in ended.stderr


def test_export_names_the_workbook_and_its_sheets(history: Path, tmp_path: Path) -> None:
    output = tmp_path / "out"

    ended = run_command("export", "--database", history, "--output", output, "--format", "xlsx", "--relation", "pins")

    file, _, rest = ended.stdout.partition(", ")
    assert Path(file).is_file()
    assert rest == "pins: 54 rows\n"


def test_backup_copies_the_database_and_refuses_to_overwrite(history: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy.duckdb"

    first = run_command("backup", copy, "--database", history)
    second = run_command("backup", copy, "--database", history)

    assert (first.returncode, first.stdout) == (0, f"{copy}\n")
    assert "read back" in first.stderr
    assert second.returncode == 2
    listed = [run_command("accounts", "--database", path, "--json").stdout for path in (history, copy)]
    assert json.loads(listed[0]) == json.loads(listed[1]) != []


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["stauts"], "No such command 'stauts'. (Did you mean one of: 'state', 'status'?)"),
        (["status", "--databse", "x"], "No such option '--databse'. Did you mean '--database'?"),
        (["export", "--format", "xml"], "'xml' is not one of 'parquet', 'csv', 'xlsx'."),
        (["query"], "Missing argument 'SQL'."),
        (["query", "SELECT", "1"], "Got unexpected extra argument (1). Run"),
        (["schedule", "cron", "--config", "-"], "name a file with --config."),
        (["schedule", "anacron"], "'anacron' is not one of 'cron', 'systemd', 'launchd', 'windows', 'github'."),
        (["schedule", "cron", "--at", "25:00"], "25:00 is not a time of day: write it as HH:MM"),
    ],
)
def test_wrong_use_is_one_sentence_and_says_what_was_meant(arguments: list[str], sentence: str) -> None:
    ended = run_command(*arguments)

    assert (ended.returncode, ended.stdout) == (2, "")
    assert sentence in ended.stderr.splitlines()[-1]


@pytest.mark.parametrize("kind", ["cron", "systemd", "launchd", "windows", "github"])
def test_schedule_prints_a_job_and_how_to_set_it_up(kind: str, history: Path, tmp_path: Path) -> None:
    config = tmp_path / "config.json"
    arguments = ("schedule", kind, "--database", history, "--config", config, "--at", "05:40")

    printed = run_command(*arguments)
    written = run_command(*arguments, "--output", tmp_path / "jobs")

    assert printed.returncode == 0, printed.stderr
    assert "oneup-pinterest" in printed.stdout
    assert "Set up" in printed.stderr
    assert all(Path(line).is_file() for line in written.stdout.splitlines())
