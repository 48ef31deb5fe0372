"""The commands `load` and `state`: messages, exit status, and states for `read --state`."""

import json
import os
import re
import threading
from collections import Counter
from pathlib import Path
from typing import Any

import duckdb
import pytest

from integration_tests import airbyte, databases
from integration_tests.databases import contents, rows
from integration_tests.fixture_types import Days
from integration_tests.in_process import run_command
from integration_tests.printed import with_extraction_times
from oneup_pinterest.errors import UserError
from oneup_pinterest.quality.status import read_status
from oneup_pinterest.sandbox import Fault, Sandbox
from oneup_pinterest.sync import sync
from oneup_pinterest.sync.load import load
from test_support.clock import NOON

pytestmark = pytest.mark.slow


def config_of(sandbox: Sandbox) -> dict[str, Any]:
    return {**sandbox.config(), "start_date": "2026-05-01"}  # a short history is enough and fast


def read_to(path: Path, sandbox: Sandbox, state: Path | None = None) -> int:
    """Write the output of `main.py read` to a file; return the exit status."""
    config, catalog = path.with_name("read.config.json"), path.with_name("read.catalog.json")
    config.write_text(json.dumps(config_of(sandbox)))
    catalog.write_text(json.dumps(airbyte.configured_catalog()))
    more = ("--state", state) if state else ()
    ended = airbyte.run("read", "--config", config, "--catalog", catalog, *more, now=sandbox.now)
    path.write_text(with_extraction_times(sandbox.now, ended.stdout))
    return ended.returncode


def test_the_next_read_continues_from_the_state_of_the_file(
    sandbox: Sandbox, database: Path, tmp_path: Path, days_later: Days
) -> None:
    first, second, state = tmp_path / "first.jsonl", tmp_path / "second.jsonl", tmp_path / "state.json"
    synced = tmp_path / "synced.duckdb"
    read_to(first, sandbox)
    sync(config_of(sandbox), synced)
    ended = databases.run("load", first, "--database", database, "--state-output", state, now=sandbox.now)
    assert ended.returncode == 0, ended.stderr
    printed = run_command("state", "--database", database, now=sandbox.now)
    assert (printed.returncode, printed.stderr) == (0, "")
    assert printed.stdout == state.read_text()
    days_later(1)
    sandbox.clear_requests()

    assert read_to(second, sandbox, state) == 0

    asked = Counter(request.path.rsplit("/", 1)[-1] for request in sandbox.requests)
    assert asked == {"listsocialaccounts": 1, "overview": 3, "posts": 3}
    assert load([str(second)], database).exit_status == 0
    sync(config_of(sandbox), synced)
    assert contents(database) == contents(synced)


def test_a_failed_account_is_reported_as_by_a_sync(sandbox: Sandbox, database: Path, tmp_path: Path) -> None:
    bad = sandbox.account_ids[1]
    body = {"success": False, "message": "Not yours."}
    sandbox.inject(Fault("status", social_network_id=bad, status=404, body=body, times=None))
    synced = sync(config_of(sandbox), tmp_path / "synced.duckdb")
    path = tmp_path / "day.jsonl"
    assert read_to(path, sandbox) == 1

    result = load([str(path)], database)

    assert (result.exit_status, result.status, result.error) == (3, "partial", None)
    assert result.skipped_accounts == synced.skipped_accounts
    assert result.streams == synced.streams
    assert contents(database) == contents(tmp_path / "synced.duckdb")


def test_the_load_of_a_failed_read_fails_with_the_reason(database: Path, tmp_path: Path) -> None:
    config, catalog, path = (tmp_path / name for name in ("config.json", "catalog.json", "day.jsonl"))
    config.write_text('{"api_key": ""}')
    catalog.write_text('{"streams": []}')
    path.write_text(airbyte.run("read", "--config", config, "--catalog", catalog).stdout)

    ended = run_command("load", path, "--database", database)

    assert ended.returncode == 2
    assert "`api_key`" in ended.stderr
    assert "Traceback" not in ended.stderr
    assert not database.exists()


def test_each_warning_of_the_connector_is_repeated_once(database: Path, tmp_path: Path) -> None:
    log = json.dumps({"type": "LOG", "log": {"level": "WARN", "message": "Left out 3 rows \x1b[2J."}})
    (tmp_path / "day.jsonl").write_text(f"{log}\n{log}\n")

    ended = run_command("load", tmp_path / "day.jsonl", "--database", database)

    assert ended.returncode == 0
    file, done, *warnings, following = ended.stderr.splitlines()
    assert file.startswith(f"database: {database} (new;")
    assert re.fullmatch(r"done: 0 records, 0 new rows, [\d.]+ s", done)
    assert warnings == ["warning: Left out 3 rows [2J."]
    assert following.startswith("next: ")


def test_loading_old_data_makes_a_file_no_fresher(
    sandbox: Sandbox, database: Path, tmp_path: Path, days_later: Days
) -> None:
    path = tmp_path / "day.jsonl"
    read_to(path, sandbox)
    days_later(9)

    load([str(path)], database)

    assert read_status(database)["freshness"]["hours_ago"] == pytest.approx(9 * 24, abs=0.1)
    line = run_command("status", "--database", database, now=sandbox.now).stdout
    assert re.search(r"2026-05-29 12:00 +done +[\d.]+ +-\n", line)


STREAMS = "the streams are overview_metrics, pins, account_followers, post_performance, pin_totals, accounts"


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        (["load", "nowhere.jsonl"], 2, "There is no file nowhere.jsonl to load."),
        (["load", "{folder}"], 2, "The folder {folder} has no JSON Lines or Parquet files to load."),
        (["load", "--stream", "boards"], 2, f"There is no stream `boards`; {STREAMS}."),
        (["load"], 1, "Standard input is empty. Nothing was loaded."),
        (["load", "-"], 1, "Standard input is empty. Nothing was loaded."),
        (["state"], 1, "There is no database {database}. Sync or load into it first."),
    ],
)
def test_wrong_usage_prints_one_sentence_and_creates_no_file(
    tmp_path: Path, arguments: list[str], status: int, message: str
) -> None:
    folder, database = tmp_path / "folder", tmp_path / "history.duckdb"
    folder.mkdir()
    names = {"folder": folder, "database": database}

    is_empty_pipe = arguments in (["load"], ["load", "-"])  # which does not exist within pytest

    ended = (databases.run if is_empty_pipe else run_command)(
        *(argument.format(**names) for argument in arguments), "--database", database
    )

    assert (ended.returncode, ended.stderr) == (status, f"oneup-pinterest: {message.format(**names)}\n")
    assert not database.exists()


def test_an_empty_file_is_reported_and_loads_nothing(database: Path, tmp_path: Path) -> None:
    (tmp_path / "day.jsonl").touch()
    with pytest.raises(UserError, match=r"^.*day\.jsonl is empty\. Nothing was loaded\.$"):
        load([str(tmp_path / "day.jsonl")], database)
    assert not database.exists()


def test_state_prints_an_empty_list_if_the_file_has_no_state(database: Path, sandbox: Sandbox, tmp_path: Path) -> None:
    (tmp_path / "day.jsonl").write_text("\n")
    load([str(tmp_path / "day.jsonl")], database)

    ended = run_command("state", "--database", database)

    assert (ended.returncode, ended.stdout) == (0, "[]\n")
    assert ended.stderr == f"{database} has no state yet; the next read starts from the beginning.\n"


def test_rows_are_kept_if_the_state_output_cannot_be_written(sandbox: Sandbox, database: Path, tmp_path: Path) -> None:
    read_to(tmp_path / "day.jsonl", sandbox)
    output = tmp_path / "nowhere" / "state.json"

    ended = run_command("load", tmp_path / "day.jsonl", "--database", database, "--state-output", output)

    assert ended.returncode == 1
    assert ended.stderr.splitlines()[-1] == (
        f"oneup-pinterest: Cannot read or write {output}: No such file or directory."
    )
    assert len(contents(database)["accounts"]) == 3


def test_a_named_pipe_is_read_like_a_file(database: Path, tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    record = {"stream": "accounts", "data": {"social_network_id": "a"}, "emitted_at": 1779278400000}
    line = json.dumps({"type": "RECORD", "record": record}) + "\n"
    writer = threading.Thread(target=pipe.write_text, args=(line,))
    writer.start()

    result = load([str(pipe)], database)

    writer.join()
    assert result.streams["accounts"] == {"records": 1, "rows": 1}


def test_integers_beyond_64_bits_stay_exact(database: Path, tmp_path: Path) -> None:
    data = {"social_network_id": "a", "id": "1", "snapshot_date": NOON.date().isoformat()}
    number = 123456789012345678901234567890
    record = {"stream": "pins", "data": {**data, "big": number, "views": 2**63 - 1}, "emitted_at": 1779278400000}
    (tmp_path / "day.jsonl").write_text(json.dumps({"type": "RECORD", "record": record}) + "\n")

    load([str(tmp_path / "day.jsonl")], database)

    assert [int(value) for row in rows(database, "SELECT big, views FROM pins") for value in row] == [number, 2**63 - 1]


@pytest.mark.parametrize("kind", ["TABLE", "VIEW"])
def test_pins_of_another_program_are_neither_replaced_nor_hidden(database: Path, tmp_path: Path, kind: str) -> None:
    with duckdb.connect(database) as connection:
        connection.execute(f"CREATE {kind} pins AS SELECT 'pin_a' AS social_network_id, '1' AS id")
    before = database.read_bytes()
    record = {"stream": "accounts", "data": {"social_network_id": "pin_a"}, "emitted_at": 1779278400000}
    (tmp_path / "day.jsonl").write_text(json.dumps({"type": "RECORD", "record": record}) + "\n")

    ended = run_command("load", tmp_path / "day.jsonl", "--database", database)

    assert ended.returncode == 2
    assert ended.stderr == (
        f"oneup-pinterest: {database} has pins that another program wrote, and a sync would hide them: name another "
        "file with --database. All commands that read can read this one as it is.\n"
    )
    assert database.read_bytes() == before
