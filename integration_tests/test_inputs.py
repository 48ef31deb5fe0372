"""Unusual inputs and environments, given to real processes: message, exit status and no traceback."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from integration_tests import databases
from integration_tests.airbyte import ReadResult, messages, read, run
from integration_tests.fixture_types import FirstSync
from integration_tests.in_process import run_command, run_connector
from oneup_pinterest.errors import UserError
from oneup_pinterest.sandbox import Fault, Sandbox
from oneup_pinterest.sync import sync
from test_support.paths import ROOT

pytestmark = pytest.mark.slow

CATALOG = ROOT / "integration_tests" / "configured_catalog.json"
NO_ACCOUNT = "This key has no Pinterest account in OneUp: connect one there, then try again."


def shell(command: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["bash", "-c", command],
        cwd=ROOT,
        env={**os.environ, "PYTHON": sys.executable, **environment},
        capture_output=True,
        encoding="utf-8",
        timeout=120,
        check=False,
    )


def test_both_commands_read_a_config_from_a_pipe(sandbox: Sandbox, config_file: Path, database: Path) -> None:
    paths = {"CONFIG": str(config_file), "DATABASE": str(database)}

    checked = shell('"$PYTHON" main.py check --config <(cat "$CONFIG")', **paths)
    read_in = shell('"$PYTHON" main.py check --config - < "$CONFIG"', **paths)
    synced = shell(
        '"$PYTHON" -m oneup_pinterest.cli sync --config - --database "$DATABASE" --streams accounts < "$CONFIG"',
        **paths,
    )

    assert messages(checked.stdout)[-1]["connectionStatus"]["status"] == "SUCCEEDED"
    assert messages(read_in.stdout)[-1]["connectionStatus"]["status"] == "SUCCEEDED"
    assert synced.returncode == 0, synced.stderr


@pytest.mark.parametrize(
    ("target", "message"),
    [
        (
            "| head -c 100 > /dev/null; exit ${PIPESTATUS[0]}",
            "The reader of the output is gone, so that the command stopped.",
        ),
        ("> /dev/full", "The output cannot be written: No space left on device, so that the command stopped."),
    ],
)
def test_a_read_without_a_writable_output_ends_with_one_sentence(
    sandbox: Sandbox, config_file: Path, target: str, message: str
) -> None:
    ended = shell(
        f'"$PYTHON" main.py read --config "$CONFIG" --catalog "$CATALOG" {target}',
        CONFIG=str(config_file),
        CATALOG=str(CATALOG),
    )

    assert ended.returncode == 1
    assert ended.stderr.splitlines() == [message]


@pytest.mark.parametrize("verb", ["spec", "check --config nowhere.json", "discover --config nowhere.json"])
def test_no_verb_ends_with_a_traceback_on_a_full_disk(verb: str) -> None:
    ended = shell(f'"$PYTHON" main.py {verb} > /dev/full')

    assert ended.returncode == 1
    assert ended.stderr == "The output cannot be written: No space left on device, so that the command stopped.\n"


EMPTY_FIELDS = {
    "social_network_ids": None,
    "shard": "",
    "start_date": "",
    "preset": None,
    "timezone": "",
    "num_workers": None,
    "max_requests_per_minute": "",
    "analytics_url": None,
}


def test_empty_config_fields_count_as_absent_in_check_and_sync(
    sandbox: Sandbox, tmp_path: Path, database: Path
) -> None:
    path = tmp_path / "config.json"
    path.write_text(json.dumps({**EMPTY_FIELDS, **sandbox.config(), "pins_lookback_days": "90", "__injected": {}}))

    checked = run_connector("check", "--config", path)
    synced = run_command("sync", "--config", path, "--database", database, "--streams", "account_followers")

    assert messages(checked.stdout)[-1]["connectionStatus"]["status"] == "SUCCEEDED"
    assert synced.returncode == 0, synced.stderr
    assert "account_followers: 3 records" in synced.stderr


def test_a_misspelled_config_key_ends_a_sync_before_any_request(
    sandbox: Sandbox, tmp_path: Path, database: Path
) -> None:
    path = tmp_path / "config.json"
    path.touch(mode=0o600)
    path.write_text(json.dumps({**sandbox.config(), "start_dat": "2026-01-01"}))

    ended = run_command("sync", "--config", path, "--database", database)

    assert ended.returncode == 2
    assert ended.stderr == (
        "oneup-pinterest: The config has a key `start_dat`, which does not exist: did you mean `start_date`?\n"
    )
    assert sandbox.requests == []
    assert not database.exists()


@pytest.mark.parametrize(
    "environment",
    [
        pytest.param({"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}, id="C"),
        pytest.param({"PYTHONIOENCODING": "ascii:strict"}, id="ascii", marks=pytest.mark.nightly),
        # as on Windows with redirected output
        pytest.param({"PYTHONIOENCODING": "cp1252:strict", "PYTHONUTF8": "0"}, id="cp1252", marks=pytest.mark.nightly),
    ],
)
def test_messages_are_utf_8_in_any_locale(
    sandbox: Sandbox, tmp_path: Path, database: Path, environment: dict[str, str]
) -> None:
    account = sandbox.add_account("pin_zoë🌷")
    config = {**sandbox.config(), "social_network_ids": [account, "pin_café🌷"]}
    (tmp_path / "config.json").write_text(json.dumps(config))
    assert sync(config, database).exit_status == 3
    paths = {"CONFIG": str(tmp_path / "config.json"), "CATALOG": str(CATALOG), "DATABASE": str(database)}
    oneup = '"$PYTHON" -m oneup_pinterest.cli'

    ended = shell('"$PYTHON" main.py read --config "$CONFIG" --catalog "$CATALOG" 2>&1', **environment, **paths)
    synced = shell(f'{oneup} sync --config "$CONFIG" --database "$DATABASE" --json', **environment, **paths)
    status = shell(f'{oneup} status --database "$DATABASE"', **environment, **paths)
    status_json = shell(f'{oneup} status --database "$DATABASE" --json', **environment, **paths)

    assert ended.returncode == 1  # for the account that does not exist
    read_accounts = {m["record"]["data"]["social_network_id"] for m in messages(ended.stdout) if "record" in m}
    assert read_accounts == {account, "pin_café🌷"}
    assert "pin_café🌷" in messages(ended.stdout)[-1]["trace"]["error"]["message"]
    assert (synced.returncode, status.returncode, status_json.returncode) == (3, 0, 0)
    assert "pin_café🌷" in synced.stderr
    assert json.loads(synced.stdout)["skipped_accounts"][0]["social_network_id"] == "pin_café🌷"
    assert "pin_café🌷" in status.stdout
    assert "pin_café🌷" in {finding["where"] for finding in json.loads(status_json.stdout)["findings"]}


def test_spec_needs_no_temporary_folder_and_check_reports_a_missing_one(sandbox: Sandbox, config_file: Path) -> None:
    prelude = "import tempfile, runpy, sys; tempfile._candidate_tempdir_list = lambda: ['/nowhere']; sys.argv = "
    ended = [
        subprocess.run(
            [
                sys.executable,
                "-c",
                f"{prelude}{['main.py', *arguments]!r}; runpy.run_path('main.py', run_name='__main__')",
            ],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
        )
        for arguments in (["spec"], ["check", "--config", str(config_file)])
    ]

    assert [process.returncode for process in ended] == [0, 1]
    assert messages(ended[0].stdout)[0]["type"] == "SPEC"
    assert messages(ended[1].stdout)[-1]["trace"]["error"]["message"] == (
        "No temporary folder can be written, and OneUp's responses wait in one: let TMPDIR name a folder."
    )
    assert ended[1].stderr == ""


def test_a_report_without_docstrings_ends_with_one_sentence(database: Path) -> None:
    ended = databases.run("report", "--database", database, PYTHONOPTIMIZE="2")

    assert ended.returncode == 2
    assert ended.stderr == (
        "oneup-pinterest: Charts need Python's docstrings, because Altair does. Unset PYTHONOPTIMIZE (or do not use "
        "-OO), then try again.\n"
    )


def test_a_report_needs_no_home_directory(
    sandbox: Sandbox, database: Path, tmp_path: Path, first_sync: FirstSync
) -> None:
    first_sync(database)
    arguments = ["report", "--database", str(database), "--output", str(tmp_path / "report.html")]
    without_home = "import os, pwd; os.environ.pop('HOME', None); pwd.getpwuid = {}.__getitem__; "

    ended = subprocess.run(
        [sys.executable, "-c", f"{without_home}from oneup_pinterest.cli import main; main({arguments!r})"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )

    assert ended.returncode == 0, ended.stderr
    assert (tmp_path / "report.html").exists()


def test_a_read_of_an_unknown_stream_ends_with_a_config_error(
    sandbox: Sandbox, config_file: Path, tmp_path: Path
) -> None:
    stream = {"name": "boards", "json_schema": {}, "supported_sync_modes": ["full_refresh"]}
    configured = {"stream": stream, "sync_mode": "full_refresh", "destination_sync_mode": "append"}
    (tmp_path / "catalog.json").write_text(json.dumps({"streams": [configured]}))

    ended = run("read", "--config", config_file, "--catalog", tmp_path / "catalog.json")

    *_, log, trace = messages(ended.stdout)
    assert ended.returncode == 1
    assert log["log"]["level"] == "ERROR"
    assert trace["trace"]["error"]["failure_type"] == "config_error"
    assert trace["trace"]["error"]["message"] == log["log"]["message"]
    assert ended.stderr == ""
    assert sandbox.requests == []


@pytest.mark.parametrize("name", ["@hearth_and_oak", "hearth_and_oak", "@Hearth_And_Oak"])
def test_a_username_in_the_config_is_rejected_with_its_id(sandbox: Sandbox, database: Path, name: str) -> None:
    result = sync({**sandbox.config(), "social_network_ids": name}, database)

    assert result.exit_status == 2
    assert result.skipped_accounts == [
        {
            "social_network_id": name,
            "reason": f"`{name}` is `pin_sandbox_hearth_and_oak`: write the id, not the username, into "
            "`social_network_ids`.",
        }
    ]


def test_an_empty_account_list_fails_unless_accounts_were_read_before(sandbox: Sandbox, database: Path) -> None:
    ids = list(sandbox.account_ids)
    for account in ids:
        sandbox.remove_account(account)
    never = sync(sandbox.config(), database.with_name("new.duckdb"))
    for account in ids:
        sandbox.add_account(account)
    sync(sandbox.config(), database)
    for account in ids:
        sandbox.remove_account(account)

    later = sync(sandbox.config(), database)

    assert (never.status, never.exit_status, never.error) == ("failed", 2, NO_ACCOUNT)
    assert (later.status, later.exit_status) == ("done", 0)
    message = [warning for warning in later.warnings if "no Pinterest account" in warning]
    assert len(message) == 1
    assert all(account in message[0] for account in ids)


def test_an_empty_account_list_leaves_cursors_unchanged(sandbox: Sandbox, first_read: ReadResult) -> None:
    before = first_read
    for account in list(sandbox.account_ids):
        sandbox.remove_account(account)

    after = read(sandbox.config(), before.state)

    assert after.exception is None
    assert after.cursors("pins") == before.cursors("pins")


@pytest.mark.parametrize("key", ["", " ", "\u200b"])
def test_a_blank_api_key_is_rejected_before_any_request(sandbox: Sandbox, database: Path, key: str) -> None:
    with pytest.raises(UserError, match="`api_key` is blank") as caught:
        sync({**sandbox.config(), "api_key": key}, database)

    assert caught.value.exit_status == 2
    assert sandbox.requests == []


def test_a_short_api_key_masks_no_letters_of_oneups_message(sandbox: Sandbox, tmp_path: Path) -> None:
    path = tmp_path / "config.json"
    path.write_text(json.dumps({**sandbox.config(), "api_key": "e"}))
    sandbox.inject(Fault("status", status=401, body={"message": "Please provide a valid API key"}, times=None))

    ended = run_connector("check", "--config", path)

    assert '(HTTP 401: "Please provide a valid API key")' in messages(ended.stdout)[-1]["connectionStatus"]["message"]
