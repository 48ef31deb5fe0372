"""The command `oneup-pinterest sync`: messages, exit status, and no API key in anything it writes."""

import json
from pathlib import Path
from typing import Any
from urllib.parse import quote, quote_plus

import pytest

from integration_tests.databases import KEYS, contents, rows, run
from integration_tests.fixture_types import FirstSync
from integration_tests.in_process import run_command
from integration_tests.test_concurrency import hold_open
from oneup_pinterest.database import connection
from oneup_pinterest.sandbox import Fault, Sandbox
from test_support.clock import NOON


def test_a_sync_writes_the_api_key_nowhere(tmp_path: Path) -> None:
    key = "k/e+y=1 ü&x"
    spellings = {key, quote(key), quote(key, safe=""), quote_plus(key), json.dumps(key)[1:-1]}
    with Sandbox(accounts=3, now=NOON, api_key=key) as sandbox:
        response = {"success": False, "message": f"Account of {key} and {quote_plus(key)}"}
        sandbox.inject(
            Fault(
                "status", status=404, body=response, social_network_id=sandbox.account_ids[0], times=None, path="posts"
            )
        )
        config, folder = tmp_path / "config.json", tmp_path / "out"
        config.write_text(json.dumps(sandbox.config()))
        folder.mkdir()
        ended = run("sync", "--config", config, "--database", folder / "history.duckdb", "--json", TMPDIR=str(folder))
    assert ended.returncode == 3
    stored = rows(folder / "history.duckdb", "SELECT skipped_accounts FROM _sync_runs")[0][0]
    assert "****" in stored
    left = [path for path in folder.rglob("*") if path.is_file()]
    written = ended.stdout + ended.stderr + stored + "".join(path.read_bytes().decode("latin-1") for path in left)
    assert [
        spelling for spelling in spellings if spelling in written or spelling.encode().decode("latin-1") in written
    ] == []
    assert [path.name for path in left] == ["history.duckdb"]


@pytest.mark.slow
def test_a_config_file_that_others_can_read_causes_a_warning(
    sandbox: Sandbox, database: Path, config_file: Path
) -> None:
    def warnings() -> list[str]:
        ended = run("sync", "--config", config_file, "--database", database, "--streams", "accounts", "--json")
        assert json.loads(ended.stdout)["status"] == "done"
        return [line for line in ended.stderr.splitlines() if "chmod" in line]

    assert warnings() == []
    config_file.chmod(0o644)
    assert warnings() == [
        f"warning: Other users of this machine can read the config file {config_file}, which holds your API key. "
        f"Run `chmod 600 {config_file}`."
    ]


@pytest.mark.slow
def test_a_second_writer_waits_and_then_fails_with_one_sentence(
    database: Path, config_file: Path, first_sync: FirstSync, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert connection.MAX_WAIT == 10
    monkeypatch.setattr(connection, "MAX_WAIT", 2.0)
    first_sync(database)
    with hold_open(database, "write", 60) as process:
        ended = run_command("sync", "--config", config_file, "--database", database)
        process.kill()

    assert ended.returncode == 1
    waiting, error = ended.stderr.splitlines()
    assert waiting == f"{database} is in use by another program: waiting up to 2 seconds for it."
    assert f"{database} is in use by another program (process {process.pid})" in error


@pytest.mark.parametrize(
    ("content", "status"), [("not a database, but long enough to look like a file " * 9, 2), (None, 2)]
)
def test_a_path_that_is_not_a_database_is_reported_and_left_unchanged(
    config_file: Path, tmp_path: Path, content: str | None, status: int
) -> None:
    path = tmp_path / "other"
    if content is None:
        path.mkdir()
    else:
        path.write_text(content)

    ended = run_command("sync", "--config", config_file, "--database", path)

    assert ended.returncode == status, ended.stderr
    assert str(path) in ended.stderr
    assert "Traceback" not in ended.stderr
    assert content is None or path.read_text() == content


def test_a_sync_prints_a_summary_to_stderr_and_json_to_stdout(
    sandbox: Sandbox, database: Path, config_file: Path
) -> None:
    ended = run("sync", "--config", config_file, "--database", database, "--json")

    summary = json.loads(ended.stdout)
    assert ended.returncode == 0
    assert summary["status"] == "done"
    assert summary["skipped_accounts"] == []
    assert summary["requests"] == len(sandbox.requests)
    assert summary["duration_seconds"] > 0
    assert set(summary["streams"]) == set(KEYS)
    assert summary["streams"]["accounts"] == {"records": 3, "rows": 3}
    assert "pins: " in ended.stderr
    database_line, done, new, following = ended.stderr.splitlines()[-4:]
    assert database_line.startswith(f"database: {database} (new;")
    assert done.startswith("done: ")
    assert "pins " in new
    assert following == f"next: oneup-pinterest report --database {database}"


def test_an_unreadable_account_is_reported_with_exit_status_3(
    sandbox: Sandbox, database: Path, config_file: Path
) -> None:
    bad = sandbox.account_ids[1]
    sandbox.inject(
        Fault("status", social_network_id=bad, status=404, body={"success": False, "message": "Not yours."}, times=None)
    )

    ended = run("sync", "--config", config_file, "--database", database, "--json")

    summary = json.loads(ended.stdout)
    assert ended.returncode == 3
    assert summary["status"] == "partial"
    assert [entry["social_network_id"] for entry in summary["skipped_accounts"]] == [bad]
    assert "Not yours." in summary["skipped_accounts"][0]["reason"]
    assert f"skipped: {bad}: " in ended.stderr
    assert len(rows(database, "SELECT DISTINCT social_network_id FROM pins")) == 2


def test_a_quiet_sync_prints_only_what_went_wrong(sandbox: Sandbox, database: Path, config_file: Path) -> None:
    arguments = ("sync", "--config", config_file, "--database", database, "--quiet")
    assert run_command(*arguments).stderr == ""

    bad = sandbox.account_ids[1]
    body = {"success": False, "message": "Not yours."}
    sandbox.inject(Fault("status", social_network_id=bad, status=404, body=body, times=None))
    ended = run_command(*arguments)

    assert (ended.returncode, ended.stdout) == (3, "")
    (line,) = ended.stderr.splitlines()
    assert line.startswith(f"skipped: {bad}: ")


def test_a_verbose_sync_prints_and_logs_each_request_without_the_key(
    sandbox: Sandbox, database: Path, config_file: Path, tmp_path: Path
) -> None:
    log = tmp_path / "logs" / "sync.log"
    for _ in range(2):
        ended = run_command("sync", "--config", config_file, "--database", database, "--verbose", "--log-file", log)

    requests = [line for line in log.read_text().splitlines() if " 200 " in line]
    assert len(requests) == len(sandbox.requests)
    printed = [line for line in ended.stderr.splitlines() if " 200 " in line]
    assert len(printed) > 1
    assert requests[-len(printed) :] == printed
    assert all(account in log.read_text() for account in sandbox.account_ids)
    assert "sandbox-key" not in log.read_text() + ended.stderr


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="only Linux has a device that is always full")
def test_a_full_disk_of_the_log_file_does_not_stop_a_sync(sandbox: Sandbox, database: Path, config_file: Path) -> None:
    ended = run_command("sync", "--config", config_file, "--database", database, "--quiet", "--log-file", "/dev/full")

    assert ended.returncode == 0
    assert ended.stderr == ("warning: /dev/full cannot be written: No space left on device. The rest is not logged.\n")


def test_a_log_file_that_cannot_be_written_is_one_sentence(config_file: Path, tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    ended = run_command("sync", "--config", config_file, "--log-file", tmp_path / "file" / "log")

    assert ended.returncode == 2
    assert ended.stderr.endswith("Name another file with --log-file.\n")


def test_a_failed_first_sync_prints_no_zeros_and_leaves_no_file(
    sandbox: Sandbox, database: Path, config_file: Path
) -> None:
    ended = run_command("sync", "--config", config_file, "--database", database, ONEUP_API_KEY="wrong-key")

    assert ended.returncode == 2
    assert " 0 " not in ended.stderr
    assert ended.stderr.splitlines()[-1].startswith("next: fix what is named above")
    assert list(database.parent.glob("history*")) == []


@pytest.mark.slow
@pytest.mark.parametrize(
    ("change", "environment", "status", "message"),
    [
        ({"api_key": "wrong"}, {}, 2, "`api_key`"),
        ({"api_key": None}, {}, 2, "`api_key`"),
        ({"api_key": None}, {"ONEUP_API_KEY": "sandbox-key"}, 0, "done"),
        ({"preset": "last_2_days"}, {}, 2, "`preset`"),
        ({"start_date": "2999-01-01"}, {}, 2, "`start_date`"),
        ({"social_network_ids": ["nobody"]}, {}, 2, "nobody"),
    ],
)
def test_an_invalid_config_is_reported_with_its_key_and_loses_nothing(
    sandbox: Sandbox,
    database: Path,
    tmp_path: Path,
    change: dict[str, Any],
    environment: dict[str, str],
    status: int,
    message: str,
    first_sync: FirstSync,
) -> None:
    first_sync(database)
    before = contents(database)
    config = {name: value for name, value in {**sandbox.config(), **change}.items() if value is not None}
    file = tmp_path / "config.json"
    file.write_text(json.dumps(config))

    ended = run_command("sync", "--config", file, "--database", database, **environment)

    assert ended.returncode == status, ended.stderr
    assert message in ended.stderr
    assert "Traceback" not in ended.stderr
    after = contents(database)
    assert {stream: after[stream] for stream in after if stream != "accounts"} == {
        stream: before[stream] for stream in before if stream != "accounts"
    }


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["sync", "--streams", "pins,boards"], "'boards'"),
        (["sync", "--streams", ""], "No stream"),
        (["sync", "--config", "nowhere.json"], "nowhere.json"),
        (["sync", "--color"], "--color"),
        (["sinc"], "sinc"),
        ([], "COMMAND"),
        (["demo", "--days", "0"], "--days"),
    ],
)
def test_wrong_usage_is_reported_with_exit_status_2(
    sandbox: Sandbox, config_file: Path, tmp_path: Path, arguments: list[str], message: str
) -> None:
    if arguments[:2] == ["sync", "--streams"]:
        arguments = [*arguments, "--config", str(config_file), "--database", str(tmp_path / "x.duckdb")]
    ended = run_command(*arguments)

    assert ended.returncode == 2, ended.stderr
    assert message in ended.stderr
    assert "Traceback" not in ended.stderr
