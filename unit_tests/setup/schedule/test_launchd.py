"""The agent of launchd holds the command of the shell, and an earlier one is unloaded first."""

import os
import plistlib
from datetime import time
from pathlib import Path

import pytest

from oneup_pinterest.setup.schedule import files, install
from oneup_pinterest.setup.schedule.shell import shell_command
from test_support.nightly_job import FakeTools, job_in

FILE = "local.oneup-pinterest.plist"


def test_the_agent_runs_the_command_every_day() -> None:
    job = job_in()._replace(at=time(7, 45))
    agent = plistlib.loads(files("launchd", job)[FILE].encode())

    assert agent["Label"] == "local.oneup-pinterest"
    assert agent["ProgramArguments"] == ["/bin/sh", "-c", shell_command(job)]
    assert agent["StartCalendarInterval"] == {"Hour": 7, "Minute": 45}
    assert agent["StandardErrorPath"] == str(job.log_file)
    assert "RunAtLoad" not in agent


@pytest.mark.skipif(os.name == "nt", reason="Windows has no user ids")
def test_install_replaces_an_earlier_agent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    tools = FakeTools({"launchctl bootout": (3, b"", b"Boot-out failed: 3: No such process\n")})

    for _ in range(2):
        message = install("launchd", job_in(), tools)

    path = tmp_path / "Library" / "LaunchAgents" / FILE
    assert path.read_text(encoding="utf-8") == files("launchd", job_in())[FILE]
    domain = f"gui/{os.getuid()}"
    assert tools.commands[:2] == [
        ["launchctl", "bootout", f"{domain}/local.oneup-pinterest"],
        ["launchctl", "bootstrap", domain, str(path)],
    ]
    assert str(path) in message
