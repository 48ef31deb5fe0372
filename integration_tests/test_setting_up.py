"""The commands that set the kit up: `init`, `accounts`, `doctor`, and where config and database are by default."""

import io
import itertools
import json
import os
import pty
import re
import signal
import stat
import subprocess
import sys
import time
import zipfile
from pathlib import Path
from typing import Any

import pytest

from integration_tests.fixture_types import FirstSync
from integration_tests.in_process import run_command
from oneup_pinterest.sandbox import Fault, Sandbox
from source_oneup_pinterest.components.clock import CLOCK_VARIABLE
from test_support.clock import NOON

KEY = "sandbox-key"


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Make the user's folders and the current one empty and this test's own."""
    for name in ("XDG_CONFIG_HOME", "XDG_DATA_HOME"):
        monkeypatch.setenv(name, str(tmp_path / name.lower()))
    here = tmp_path / "here"
    here.mkdir()
    monkeypatch.chdir(here)
    return tmp_path


@pytest.fixture
def config(sandbox: Sandbox, home: Path) -> Path:
    """Return the config in the user's folder, which so far only says where the sandbox is."""
    path = home / "xdg_config_home" / "oneup-pinterest" / "config.json"
    path.parent.mkdir(parents=True)
    values = {name: value for name, value in sandbox.config().items() if name != "api_key"}
    path.write_text(json.dumps({**values, "preset": "last_7_days"}))
    return path


def test_init_writes_a_config_that_only_its_owner_can_read_and_keeps_other_keys(config: Path, sandbox: Sandbox) -> None:
    ended = run_command("init", "--yes", ONEUP_API_KEY=KEY)

    assert ended.returncode == 0, ended.stderr
    written = json.loads(config.read_text())
    assert written["api_key"] == KEY
    assert written["preset"] == "last_7_days"
    assert "social_network_ids" not in written  # all, also those connected later
    assert stat.S_IMODE(config.stat().st_mode) == 0o600
    assert all(account in ended.stderr for account in sandbox.account_ids)
    assert ended.stderr.count("connected") >= len(sandbox.account_ids)
    assert ended.stderr.splitlines()[-1] == "Next: oneup-pinterest sync"
    assert KEY not in ended.stdout + ended.stderr


def test_init_writes_only_the_named_accounts(config: Path, sandbox: Sandbox) -> None:
    first, second, _ = sandbox.account_ids
    listed = run_command("init", "--yes", ONEUP_API_KEY=KEY).stderr
    username = next(line.split()[1] for line in listed.splitlines() if second in line)

    ended = run_command("init", "--yes", "--account", first, "--account", f"@{username}", ONEUP_API_KEY=KEY)

    assert ended.returncode == 0, ended.stderr
    assert json.loads(config.read_text())["social_network_ids"] == [first, second]
    wrong = run_command("init", "--yes", "--account", first[:-1] + "x", ONEUP_API_KEY=KEY)
    assert wrong.returncode == 2
    assert f"Did you mean {first}?" in wrong.stderr


def test_init_with_a_wrong_key_says_so_and_leaves_the_config_as_it_was(config: Path) -> None:
    before = config.read_bytes()

    ended = run_command("init", "--yes", ONEUP_API_KEY="wrong-key")

    assert ended.returncode == 2
    assert "`api_key`" in ended.stderr
    assert "wrong-key" not in ended.stderr
    assert config.read_bytes() == before


def test_init_without_a_terminal_or_a_key_says_how_to_give_one() -> None:
    ended = run_command("init", "--yes", ONEUP_API_KEY="")

    assert ended.returncode == 2
    assert ended.stderr == (
        "oneup-pinterest: There is no key: set ONEUP_API_KEY, or run this in a terminal without --yes.\n"
    )


def test_init_names_accounts_that_must_be_connected_again(config: Path, sandbox: Sandbox) -> None:
    lost = sandbox.account_ids[1]

    def expire(body: dict[str, Any]) -> None:
        for account in body["data"]:
            account["is_expired"] = int(account["social_account_id"] == lost)

    sandbox.inject(Fault("edit", path="listsocialaccounts", edit=expire, times=None))

    ended = run_command("init", "--yes", ONEUP_API_KEY=KEY)

    (line,) = [line for line in ended.stderr.splitlines() if line.startswith("Connect again in OneUp")]
    assert lost in line
    assert sandbox.account_ids[0] not in line


def test_init_names_accounts_without_figures(config: Path, sandbox: Sandbox) -> None:
    bad = sandbox.account_ids[1]
    body = {"success": False, "message": "Not yours."}
    sandbox.inject(Fault("status", social_network_id=bad, status=404, body=body, times=None))

    ended = run_command("init", "--yes", ONEUP_API_KEY=KEY)

    assert ended.returncode == 0
    assert "warning: " in ended.stderr
    assert "Not yours." in ended.stderr


@pytest.mark.skipif(os.name == "nt", reason="Windows has no pseudo-terminals in the standard library")
def test_init_in_a_terminal_asks_for_the_key_unseen_and_for_the_accounts(config: Path, sandbox: Sandbox) -> None:
    command = [sys.executable, "-m", "oneup_pinterest.cli", "init"]
    process, terminal = pty.fork()
    if process == 0:
        os.environ[CLOCK_VARIABLE] = NOON.isoformat()
        os.environ.pop("ONEUP_API_KEY", None)
        os.execv(command[0], command)
    seen = read_until(terminal, "API key: ")
    os.write(terminal, f"{KEY}\n".encode())
    seen += read_until(terminal, "[all]: ")
    os.write(terminal, b"9\n")
    seen += read_until(terminal, "[all]: ")
    os.write(terminal, b"1,3\n")
    seen += read_until(terminal, "Next: ")
    _, status = os.waitpid(process, 0)

    assert os.waitstatus_to_exitcode(status) == 0, seen
    assert KEY not in seen
    assert "9 is not a number from 1 to 3" in seen
    listed = sandbox.account_ids
    assert json.loads(config.read_text())["social_network_ids"] == [listed[0], listed[2]]


@pytest.mark.skipif(os.name == "nt", reason="Windows has no pseudo-terminals in the standard library")
@pytest.mark.parametrize("answers", [[], [("API key: ", f"{KEY}\n")]])
@pytest.mark.parametrize("end", ["\x03", "\x04"])
def test_init_ends_at_once_on_ctrl_c_and_writes_nothing(config: Path, answers: list[tuple[str, str]], end: str) -> None:
    before = config.read_bytes()
    command = [sys.executable, "-m", "oneup_pinterest.cli", "init"]
    process, terminal = pty.fork()
    if process == 0:
        os.environ.pop("ONEUP_API_KEY", None)
        os.execv(command[0], command)
    for prompt, answer in answers:
        read_until(terminal, prompt)
        os.write(terminal, answer.encode())
    read_until(terminal, "[all]: " if answers else "API key: ")
    time.sleep(0.5)  # now it waits for the keyboard
    os.write(terminal, end.encode())
    seen = read_until(terminal, "No config was written.")
    os.write(terminal, b"\n")  # which would end a wait that the signal has not ended
    _, status = os.waitpid(process, 0)

    assert os.waitstatus_to_exitcode(status) == 130
    assert "Interrupted. No config was written." in seen
    assert config.read_bytes() == before


def test_init_without_a_terminal_does_not_ask(config: Path) -> None:
    config.write_text(json.dumps({**json.loads(config.read_text()), "api_key": KEY}))

    ended = run_command("init")

    assert ended.returncode == 2
    assert "run it in one, or with --yes" in ended.stderr
    assert run_command("init", "--yes", "--config", "-", ONEUP_API_KEY=KEY).returncode == 2
    assert list(Path().iterdir()) == []


def test_a_user_without_a_home_has_config_and_database_in_the_current_folder(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("could not determine the home directory")

    for name in ("user_config_path", "user_data_path"):
        monkeypatch.setattr(f"platformdirs.{name}", fail)

    read, synced = run_command("status"), run_command("sync", ONEUP_API_KEY="")

    assert read.returncode == synced.returncode == 2
    assert f"{Path('oneup_pinterest.duckdb').absolute()} does not exist" in read.stderr
    assert "There is no config file secrets/config.json" in synced.stderr


def test_schedule_warns_of_a_config_that_would_fail_at_night(config: Path) -> None:
    without_key = run_command("schedule", "cron", ONEUP_API_KEY=KEY)
    run_command("init", "--yes", ONEUP_API_KEY=KEY)

    assert f"warning: The job will fail, because {config} has no `api_key`" in without_key.stderr
    assert "warning" not in run_command("schedule", "cron").stderr


def read_until(terminal: int, end: str) -> str:
    """Return what a terminal shows up to a text, or all of it if the process ends."""
    seen, deadline = "", time.monotonic() + 60
    while end not in seen and time.monotonic() < deadline:
        try:
            seen += os.read(terminal, 4096).decode()
        except OSError:  # the process has ended
            break
    return seen


def test_accounts_are_listed_with_state_newest_snapshot_and_pins(
    sandbox: Sandbox, home: Path, first_sync: FirstSync
) -> None:
    database = home / "history.duckdb"
    first_sync(database)

    ended = run_command("accounts", "--database", database)
    listed = json.loads(run_command("accounts", "--database", database, "--json").stdout)

    title, _, *lines = [line.split() for line in ended.stdout.splitlines()]
    assert title == ["Id", "Username", "Name", "State", "Newest", "snapshot", "Pins"]
    assert [line[0] for line in lines] == [row["id"] for row in listed]
    assert {row["id"] for row in listed} == set(sandbox.account_ids)
    assert {row["state"] for row in listed} == {"connected"}
    assert {row["newest_snapshot"] for row in listed} == {f"{NOON:%Y-%m-%d}"}
    assert all(row["pins"] > 0 and row["username"] for row in listed)


def test_the_first_sync_goes_to_the_users_folder_and_readers_find_it(config: Path, home: Path) -> None:
    assert run_command("init", "--yes", ONEUP_API_KEY=KEY).returncode == 0
    database = home / "xdg_data_home" / "oneup-pinterest" / "oneup_pinterest.duckdb"

    synced = run_command("sync", "--streams", "accounts")
    listed = run_command("accounts")

    assert f"database: {database} (new;" in synced.stderr
    assert database.exists()
    assert list(Path().iterdir()) == []
    assert f"database: {database}\n" in listed.stderr
    assert listed.returncode == 0


def test_a_database_in_this_folder_comes_first_and_the_other_is_named(
    config: Path, home: Path, first_sync: FirstSync, sandbox: Sandbox
) -> None:
    other = home / "xdg_data_home" / "oneup-pinterest" / "oneup_pinterest.duckdb"
    other.parent.mkdir(parents=True)
    for path in (other, Path("oneup_pinterest.duckdb").absolute()):
        first_sync(path)

    ended = run_command("accounts")

    here = Path("oneup_pinterest.duckdb").absolute()
    assert f"note: this uses {here}; another history is in {other}" in ended.stderr


def test_a_sync_without_any_config_says_what_to_do() -> None:
    ended = run_command("sync", ONEUP_API_KEY="")

    assert ended.returncode == 2
    assert "Run `oneup-pinterest init`" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_doctor_finds_nothing_wrong_in_a_good_installation_and_bundles_no_secret(config: Path, home: Path) -> None:
    run_command("init", "--yes", ONEUP_API_KEY=KEY)
    run_command("sync")
    bundle = home / "support.zip"

    ended = run_command("doctor", "--bundle", bundle)

    assert ended.returncode == 0, ended.stdout
    for words in ("duckdb", "timezone", "lists 3 Pinterest accounts", "last sync", "GB free"):
        assert words in ended.stdout
    with zipfile.ZipFile(bundle) as opened:
        contents = {name: opened.read(name).decode() for name in opened.namelist()}
    assert set(contents) == {"checks.json", "config.json", "status.json"}
    assert json.loads(contents["config.json"])["preset"] == "last_7_days"
    assert KEY not in "".join(contents.values()) + ended.stdout + ended.stderr


def test_doctor_reads_standard_input_once_and_bundles_no_key(
    config: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = json.dumps({**json.loads(config.read_text()), "api_key": KEY})
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(text.encode())))

    ended = run_command("doctor", "--config", "-", "--bundle", home / "b.zip")

    assert ended.returncode == 0, ended.stdout
    assert "standard input, it holds a key" in ended.stdout
    with zipfile.ZipFile(home / "b.zip") as opened:
        assert json.loads(opened.read("config.json")) == {"preset": "last_7_days"}


@pytest.mark.parametrize(
    ("key", "change", "words"),
    [
        ("wrong-key", {}, "`api_key`"),
        (KEY, {"timezone": "Nowhere/Land"}, "IANA name"),
        (KEY, {"start_dat": "2026-01-01"}, "FAILED config"),
        (KEY, {"analytics_url": "http://127.0.0.1:1", "accounts_url": "http://127.0.0.1:1"}, "FAILED OneUp"),
    ],
)
def test_doctor_names_what_is_wrong(
    config: Path, waits: list[float], key: str, change: dict[str, str], words: str
) -> None:
    config.write_text(json.dumps({**json.loads(config.read_text()), **change, "api_key": key}))
    config.chmod(0o600)

    ended = run_command("doctor")

    assert ended.returncode == 1
    assert words in " ".join(ended.stdout.split())
    assert "Traceback" not in ended.stderr + ended.stdout


@pytest.mark.slow
@pytest.mark.parametrize("shell", ["bash", "zsh"])
def test_completion_completes_commands_and_options(shell: str, home: Path) -> None:
    if subprocess.run(["which", shell], capture_output=True).returncode:
        pytest.skip(f"{shell} is not installed")
    folder = Path(sys.executable).parent
    load = f'eval "$(_ONEUP_PINTEREST_COMPLETE={shell}_source {folder}/oneup-pinterest)"'
    ask = {
        "bash": "COMP_WORDS=(oneup-pinterest st); COMP_CWORD=1; _oneup_pinterest_completion oneup-pinterest; "
        'echo "${COMPREPLY[@]}"',
        "zsh": "whence -f _oneup_pinterest_completion | head -1",
    }[shell]
    start = {"bash": "", "zsh": "autoload -Uz compinit; compinit -u; "}[shell]
    environment = {**os.environ, "PATH": f"{folder}:{os.environ['PATH']}", "ZDOTDIR": str(home)}

    ended = subprocess.run(
        [shell, "-c", f"{start}{load}; {ask}"], capture_output=True, text=True, timeout=60, env=environment
    )

    assert ended.returncode == 0, ended.stderr
    assert {"bash": "state status", "zsh": "_oneup_pinterest_completion"}[shell] in " ".join(ended.stdout.split())


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="Windows has no pseudo-terminals in the standard library")
def test_the_bar_of_a_sync_moves_at_least_once_a_second(home: Path) -> None:
    with Sandbox(accounts=40, now=NOON, latency=0.3) as sandbox:
        config = home / "config.json"
        more = {"start_date": "2026-05-10", "num_workers": 16, "max_requests_per_minute": 10_000}
        config.write_text(json.dumps(sandbox.config() | more))
        config.chmod(0o600)
        command = [sys.executable, "-m", "oneup_pinterest.cli", "sync", "--config", str(config)]
        process, terminal = pty.fork()
        if process == 0:
            os.execve(command[0], command, os.environ | {CLOCK_VARIABLE: NOON.isoformat(), "COLUMNS": "120"})
        seen, moments = "", []
        while part := read_part(terminal):
            seen += part
            if "accounts, " in seen:
                moments.append(time.monotonic())
        _, status = os.waitpid(process, 0)

    assert os.waitstatus_to_exitcode(status) == 0, seen
    assert len(set(re.findall(r"newest figures of 40 accounts, (\d+) requests", seen))) > 3
    assert max(after - before for before, after in itertools.pairwise(moments)) < 1.5  # seconds; a busy machine


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="Windows has no pseudo-terminals in the standard library")
def test_a_closed_terminal_ends_a_sync_as_an_interrupt(home: Path) -> None:
    with Sandbox(accounts=8, now=NOON, latency=0.5) as sandbox:
        config = home / "config.json"
        config.write_text(json.dumps(sandbox.config()))
        config.chmod(0o600)
        command = [sys.executable, "-m", "oneup_pinterest.cli", "sync", "--config", str(config)]
        process, terminal = pty.fork()
        if process == 0:
            signal.signal(signal.SIGHUP, signal.SIG_DFL)  # the tests may run where it is ignored, as under nohup
            os.execve(command[0], command, os.environ | {CLOCK_VARIABLE: NOON.isoformat(), "COLUMNS": "120"})
        read_until(terminal, "newest figures of 8 accounts")
        os.close(terminal)
        _, status = os.waitpid(process, 0)

    assert os.waitstatus_to_exitcode(status) == 130


def read_part(terminal: int) -> str:
    """Return what a terminal shows next; nothing when the process has ended."""
    try:
        return os.read(terminal, 65_536).decode(errors="replace")
    except OSError:
        return ""
