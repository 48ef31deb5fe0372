"""The nightly job: each scheduler's own tool accepts it, and shells start the programs with the right arguments."""

import os
import plistlib
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from integration_tests.scheduler_tools import require
from oneup_pinterest.errors import UserError
from oneup_pinterest.setup.schedule import Job, files, install, write_files
from oneup_pinterest.setup.schedule.job import NO_REPORT
from test_support.nightly_job import expected, job_in, record, recorded

FAKE_CRONTAB = """#!/bin/sh
if [ "$1" = - ]; then cat > "$0.kept"; exit; fi
if [ -f "$0.kept" ]; then cat "$0.kept"; else echo "no crontab for me" >&2; exit 1; fi
"""
pytestmark = pytest.mark.skipif(os.name == "nt", reason="needs a POSIX shell")


@pytest.fixture
def folder() -> Iterator[Path]:
    """Return a new folder with a short name, which every user may read: pytest's own is for one user."""
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        yield Path(name)


def run(*command: object, **options: Any) -> subprocess.CompletedProcess[str]:
    words = [str(part) for part in command]
    return subprocess.run(words, capture_output=True, text=True, check=False, timeout=60, **options)


def cron_command(job: Job) -> str:
    """Return what cron passes to the shell, which takes the backslash from each escaped percent sign."""
    return files("cron", job)["crontab"].splitlines()[1].split(" ", 5)[5].replace("\\%", "%")


def agent_command(job: Job) -> list[str]:
    [text] = files("launchd", job).values()
    return list(plistlib.loads(text.encode())["ProgramArguments"])


def systemd_command(job: Job, folder: Path) -> list[str]:
    """Return the arguments that systemd reads from our unit, from its dump of a start that it only plans."""
    manager = require("systemd", "systemd")
    units = folder / "units"
    write_files("systemd", job, units)
    (units / "default.target").write_text("[Unit]\nDescription=Start\nWants=oneup-pinterest.service\n")
    for path in (units, *units.iterdir()):
        path.chmod(0o755)
    runtime = folder / "runtime"
    runtime.mkdir(mode=0o777)
    runtime.chmod(0o777)
    root = os.geteuid() == 0  # systemd plans the units of a user only for one without all rights
    ended = run(
        *(["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"] if root else []),
        *(manager, "--user", "--test", "--no-pager"),
        env={"PATH": os.environ["PATH"], "XDG_RUNTIME_DIR": str(runtime), "SYSTEMD_UNIT_PATH": str(units)},
    )
    commands = [line.partition(": ")[2] for line in ended.stdout.splitlines() if "Command Line: /bin/sh" in line]
    if not commands:
        pytest.skip(f"systemd plans nothing on this machine: {ended.stderr.strip()}")
    # It prints the arguments for a shell. When it starts the program, it also makes one $ of two.
    printed = run("/bin/sh", "-c", f"for word in {commands[0]}; do printf '%s\\n' \"$word\"; done").stdout
    return printed.replace("$$", "$").splitlines()


@pytest.mark.parametrize("kind", ["cron", "launchd", "systemd"])
@pytest.mark.parametrize("with_report", [True, False])
def test_the_shell_starts_the_programs_with_hostile_paths(kind: str, with_report: bool, folder: Path) -> None:
    job = job_in(folder, with_report=with_report)
    record(job)
    match kind:
        case "cron":
            command: Sequence[str] = ["/bin/sh", "-c", cron_command(job)]
        case "launchd":
            command = agent_command(job)
        case _:
            command = systemd_command(job, folder)

    ended = run(*command, cwd="/")

    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "", "")
    assert recorded(job) == expected(job)
    if with_report:
        assert Path(job.log_file).read_text() == "a message of the report\nanother\n"


@pytest.mark.parametrize(
    ("sync", "report", "writes"),
    [(0, 0, True), (3, 0, True), (0, 1, True), (3, 2, True), (1, 0, False), (130, 0, False)],
)
def test_the_job_ends_like_the_sync_and_a_failed_sync_writes_no_report(
    sync: int, report: int, writes: bool, folder: Path
) -> None:
    job = job_in(folder)
    record(job, sync, report)

    ended = run("/bin/sh", "-c", cron_command(job))

    assert ended.returncode == sync
    assert ("report" in recorded(job)) == writes
    assert ended.stderr == (f"{NO_REPORT}\n" if report else "")


def test_crontab_accepts_the_line_and_refuses_a_wrong_time(folder: Path) -> None:
    crontab = require("crontab", "cron")
    check = "-T" if "-T" in run(crontab, "-h").stderr else "-n"  # cronie's, Debian's: nothing is installed
    [path] = write_files("cron", job_in(folder), folder)

    assert run(crontab, check, path).returncode == 0
    path.write_text(path.read_text().replace("\n0 6 ", "\n61 6 "))
    assert run(crontab, check, path).returncode != 0


def test_cron_install_twice_gives_one_job_beside_the_others(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake = folder / "bin" / "crontab"
    fake.parent.mkdir()
    fake.write_text(FAKE_CRONTAB)
    fake.chmod(0o755)
    monkeypatch.setenv("PATH", f"{fake.parent}:{os.environ['PATH']}")
    others = b"# caf\xe9\n0 1 * * * backup\n"
    kept = folder / "bin" / "crontab.kept"

    install("cron", job_in(folder))
    assert kept.read_text() == files("cron", job_in(folder))["crontab"]
    kept.write_bytes(others + kept.read_bytes())
    for _ in range(2):
        install("cron", job_in(folder, "moved"))

    assert kept.read_bytes() == others + files("cron", job_in(folder, "moved"))["crontab"].encode()


def test_systemd_install_without_a_user_manager_is_one_sentence(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    require("systemctl", "systemd")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(folder))
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(folder))  # without a socket
    monkeypatch.delenv("DBUS_SESSION_BUS_ADDRESS", raising=False)

    with pytest.raises(UserError, match="systemd does not run for your user here"):
        install("systemd", job_in(folder))

    assert list(folder.iterdir()) == []


def test_systemd_finds_no_problem_in_the_units_and_one_in_damaged_ones(folder: Path) -> None:
    analyze = require("systemd-analyze", "systemd")
    service, timer = write_files("systemd", job_in(folder), folder / "units")
    (folder / "runtime").mkdir(mode=0o700)
    environment = {**os.environ, "XDG_RUNTIME_DIR": str(folder / "runtime")}

    def problems() -> str:
        ended = run(analyze, "--user", "--man=no", "verify", service, timer, env=environment)
        return f"{ended.stderr}{ended.stdout}" if ended.returncode or ended.stderr else ""

    assert problems() == ""
    timer.write_text(timer.read_text().replace("OnCalendar=*-*-* 06", "OnCalendar=*-*-* 26"))
    assert "26:00:00" in problems()


def test_a_second_reader_of_property_lists_reads_the_same(folder: Path) -> None:
    plutil = shutil.which("plutil")  # of macOS
    command: list[object]
    [path] = write_files("launchd", job_in(folder), folder)
    binary = folder / "binary.plist"

    if plutil:
        command = [plutil, "-convert", "binary1", "-o", binary, path]
    else:
        command = [require("plistutil", "libplist-utils"), "-i", path, "-o", binary]
    assert run(*command).returncode == 0
    assert binary.read_bytes()[:6] == b"bplist"
    assert plistlib.loads(binary.read_bytes()) == plistlib.loads(path.read_bytes())


def test_actionlint_accepts_the_workflow_and_refuses_a_wrong_one(folder: Path) -> None:
    actionlint = shutil.which("actionlint")
    if actionlint is None:
        pytest.skip("actionlint is not installed (go install github.com/rhysd/actionlint/cmd/actionlint@latest)")
    for job in (job_in(folder), job_in(folder, with_report=False)):
        [path] = write_files("github", job, folder)
        ended = run(actionlint, path)
        assert ended.returncode == 0, ended.stdout
    path.write_text(path.read_text().replace("steps.restore.outcome", "steps.restored.outcome"))
    assert run(actionlint, path).returncode != 0
