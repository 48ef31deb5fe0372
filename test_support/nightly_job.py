"""Nightly jobs whose paths hold everything that schedulers and shells give a meaning, and a program that records."""

import subprocess
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from oneup_pinterest.setup.schedule import Job

HOME = Path("/home/me")
HOSTILE = 'it\'s 100% "mine" $HOME \\\\x\\%y `id` %h ü'
RECORDER = """#!/bin/sh
printf '%s\\n' "$@" >> "$0.arguments"
if [ "$1" = report ]; then echo "a message of the report"; echo "another" >&2; exit REPORT; fi
exit SYNC
"""


def job_in(folder: Path = HOME, name: str = HOSTILE, with_report: bool = True) -> Job:
    """Return a job whose files are all in `folder / name`."""
    home = folder / name
    report = home / "report.html" if with_report else None
    return Job(home / "oneup-pinterest", home / "config.json", home / "pins.duckdb", report, home / "sync.log")


def record(job: Job, sync: int = 0, report: int = 0) -> None:
    """Write a program in the place of the job's that records its arguments and ends with these exit statuses."""
    path = Path(job.executable)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(RECORDER.replace("REPORT", str(report)).replace("SYNC", str(sync)), encoding="utf-8")
    path.chmod(0o755)


def recorded(job: Job) -> list[str]:
    """Return the arguments of all runs of the recording program."""
    return Path(f"{job.executable}.arguments").read_text(encoding="utf-8").splitlines()


def expected(job: Job) -> list[str]:
    """Return what the program is called with: first the sync, then the report."""
    return [*job.sync_command()[1:], *job.report_command()[1:]]


class FakeTools:
    """Stands in for `subprocess.run`: records commands and answers with what a test gives for their beginning."""

    def __init__(self, responses: Mapping[str, tuple[int, bytes, bytes]] = {}, missing: Sequence[str] = ()) -> None:
        self.responses, self.missing = dict(responses), missing
        self.commands: list[list[str]] = []
        self.stdin: list[bytes | None] = []
        self.on_call: Callable[[list[str]], None] = lambda command: None

    def __call__(self, command: list[str], **options: Any) -> subprocess.CompletedProcess[bytes]:
        if command[0] in self.missing:
            raise FileNotFoundError(command[0])
        self.commands.append(command)
        self.stdin.append(options.get("input"))
        self.on_call(command)
        joined = " ".join(command)
        found = [response for beginning, response in self.responses.items() if joined.startswith(beginning)]
        return subprocess.CompletedProcess(command, *(found[0] if found else (0, b"", b"")))
