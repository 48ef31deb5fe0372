"""The units hold the command of the shell, and are set up for this user only."""

from configparser import RawConfigParser
from datetime import time
from pathlib import Path

import pytest

from oneup_pinterest.errors import UserError
from oneup_pinterest.setup.schedule import files, install
from oneup_pinterest.setup.schedule.shell import shell_command
from test_support.nightly_job import FakeTools, job_in


def unit(text: str) -> RawConfigParser:
    parser = RawConfigParser(interpolation=None)
    parser.optionxform = str  # type: ignore[method-assign, assignment]
    parser.read_string(text)
    return parser


def test_the_timer_runs_daily_and_makes_up_for_a_missed_night() -> None:
    timer = unit(files("systemd", job_in()._replace(at=time(4, 30)))["oneup-pinterest.timer"])

    assert dict(timer["Timer"]) == {
        "OnCalendar": "*-*-* 04:30:00",
        "Persistent": "true",
        "RandomizedDelaySec": "15min",
    }
    assert dict(timer["Install"]) == {"WantedBy": "timers.target"}


def test_the_service_holds_the_command_once_unquoted() -> None:
    service = unit(files("systemd", job_in())["oneup-pinterest.service"])["Service"]
    start, _, quoted = service["ExecStart"].partition(' "')

    assert start == "/bin/sh -c"
    # a second implementation of the quoting: pairs of %, $ and backslashes, and backslashes before quotes
    read, rest = "", quoted.removesuffix('"')
    while rest:
        if rest[:2] in ("%%", "$$", "\\\\", '\\"'):
            rest = rest[1:]
        else:
            assert rest[0] not in '%$\\"'
        read, rest = read + rest[0], rest[1:]
    assert read == shell_command(job_in())
    assert service["SuccessExitStatus"] == "3"
    assert service["Type"] == "oneshot"


@pytest.mark.parametrize(("config", "folder"), [("config", "config"), (None, ".config"), ("relative", ".config")])
def test_install_writes_both_units_and_starts_the_timer(
    config: str | None, folder: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv(
        "XDG_CONFIG_HOME", "relative" if config == "relative" else str(tmp_path / config) if config else ""
    )
    tools = FakeTools()
    seen: list[bool] = []
    units = tmp_path / folder / "systemd" / "user"
    tools.on_call = lambda command: seen.append(units.exists())

    for _ in range(2):
        message = install("systemd", job_in(), tools)

    assert {path.name: path.read_text(encoding="utf-8") for path in units.iterdir()} == files("systemd", job_in())
    assert [command[2] for command in tools.commands[:3]] == ["show-environment", "daemon-reload", "enable"]
    assert tools.commands[2] == ["systemctl", "--user", "enable", "--now", "oneup-pinterest.timer"]
    assert all(command[1] == "--user" for command in tools.commands)
    assert seen[:3] == [False, True, True]  # systemd runs before a unit is written, and reads what was written
    assert "loginctl enable-linger" in message


def test_without_a_user_manager_nothing_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    tools = FakeTools({"systemctl": (1, b"", b"Failed to connect to bus: No medium found\n")})

    with pytest.raises(
        UserError, match=r"does not run for your user here \(Failed to connect to bus: No medium found\)"
    ):
        install("systemd", job_in(), tools)

    assert list(tmp_path.iterdir()) == []
