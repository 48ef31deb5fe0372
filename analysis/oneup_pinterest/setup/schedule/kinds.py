"""Choose a scheduler by name."""

import subprocess
from pathlib import Path
from typing import Protocol

from oneup_pinterest.errors import UserError
from oneup_pinterest.setup.schedule import cron, github, launchd, systemd, windows
from oneup_pinterest.setup.schedule.job import Job, check_paths
from oneup_pinterest.setup.schedule.tools import Run, write_texts


class _Kind(Protocol):
    """What each module of a scheduler has."""

    def files(self, job: Job) -> dict[str, str]: ...
    def instructions(self, job: Job) -> str: ...
    def install(self, job: Job, run: Run) -> str: ...


_MODULES: dict[str, _Kind] = {
    "cron": cron,
    "systemd": systemd,
    "launchd": launchd,
    "windows": windows,
    "github": github,
}
KINDS = tuple(_MODULES)


def default_kind(platform: str) -> str:
    """Return the scheduler of this machine, by the value of `sys.platform`.

    >>> default_kind("darwin")
    'launchd'
    """
    if platform == "win32":
        return "windows"
    if platform == "darwin":
        return "launchd"
    return "systemd" if systemd.user_manager_runs() else "cron"


def files(kind: str, job: Job) -> dict[str, str]:
    """Return the name and the text of each file that sets up the job.

    Raises:
        UserError: The kind is unknown, or it cannot hold a path of the job (exit status 2).

    >>> job = Job(*map(Path, ["/bin/oneup-pinterest", "/c.json", "/d.duckdb", "/report.html", "/log"]))
    >>> list(files("systemd", job))
    ['oneup-pinterest.service', 'oneup-pinterest.timer']
    """
    check_paths(job)
    return _module(kind).files(job)


def instructions(kind: str, job: Job) -> str:
    """Return what a person types to set the job up, to look at it, and to take it away.

    Raises:
        UserError: The kind is unknown (exit status 2).

    >>> job = Job(*map(Path, ["/bin/oneup-pinterest", "/c.json", "/d.duckdb", "/report.html", "/log"]))
    >>> print(instructions("cron", job).splitlines()[0])
    Set up: run `crontab -e` and add the three lines.
    """
    return _module(kind).instructions(job)


def install(kind: str, job: Job, run: Run = subprocess.run) -> str:
    """Set the job up for this user, without root, in place of an earlier one; return what was done.

    `run` starts a tool as `subprocess.run` does.

    Raises:
        UserError: A tool is missing or fails, or something of another origin is in the way.
    """
    check_paths(job)
    return _module(kind).install(job, run)


def write_files(kind: str, job: Job, folder: Path) -> list[Path]:
    """Write the files into a folder, each in the encoding that its reader wants; return their paths.

    Raises:
        UserError: The kind is unknown, it cannot hold a path of the job, or the folder cannot be written.
    """
    return write_texts(folder, files(kind, job))


def _module(kind: str) -> _Kind:
    try:
        return _MODULES[kind]
    except KeyError:
        raise UserError(f"There is no schedule {kind}: choose one of {', '.join(KINDS)}.", 2) from None
