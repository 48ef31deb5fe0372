"""Only our block of a crontab changes, and its command survives each reading of % and backslashes."""

import re
import shlex
from datetime import time
from pathlib import Path

import pytest

from oneup_pinterest.errors import UserError
from oneup_pinterest.setup.schedule import files, install
from oneup_pinterest.setup.schedule.cron import BEGIN, END, MAX_COMMAND
from test_support.nightly_job import HOME, HOSTILE, FakeTools, job_in

OTHERS = b"MAILTO=me\n# caf\xe9 in Latin-1\n0 1 * * * backup\n"
EMPTY = (1, b"", b"no crontab for me\n")


def command_of(crontab: str) -> str:
    [line] = [line for line in crontab.splitlines() if not line.startswith("#")]
    return line.split(" ", 5)[5]


def as_read_by(cron: str, command: str) -> str:
    r"""Return what a cron passes to the shell: a second implementation of `\%` and `\\`, and of the end at a bare %."""
    if cron == "BusyBox":  # passes everything on
        return command
    command = re.split(r"(?<!\\)%", command)[0] if cron == "cronie" else command
    read, escaped = "", False
    for character in command:
        if escaped:
            escaped = False
            if character == "%" or (character == "\\" and cron == "Vixie"):
                read = read[:-1]
        elif character == "%":
            return read
        else:
            escaped = character == "\\"
        read += character
    return read


@pytest.mark.parametrize("cron", ["Vixie", "cronie", "BusyBox"])
@pytest.mark.parametrize("name", [HOSTILE, "%", "\\", "\\\\", "\\%\\%%'\\'", "plain"])
def test_the_shell_gets_the_same_words_from_every_cron(cron: str, name: str) -> None:
    job = job_in(HOME, f"x{name}", with_report=False)

    assert shlex.split(as_read_by(cron, command_of(files("cron", job)["crontab"]))) == job.sync_command()


def test_the_line_stands_between_markers_and_has_the_time() -> None:
    job = job_in()._replace(at=time(23, 5))

    first, line, last = files("cron", job)["crontab"].splitlines()
    assert (first, last) == (BEGIN, END)
    assert line.startswith("5 23 * * * ")


def test_a_command_that_cron_would_cut_is_refused() -> None:
    job = job_in(Path("/"), "a", with_report=False)
    missing = MAX_COMMAND - len(command_of(files("cron", job)["crontab"]))
    longest = job._replace(config=job.config.with_name("config.json" + missing * "x"))

    assert len(command_of(files("cron", longest)["crontab"])) == MAX_COMMAND
    with pytest.raises(UserError, match="too long for cron"):
        files("cron", longest._replace(config=job.config.with_name("config.json" + (missing + 1) * "x")))
    with pytest.raises(UserError, match="too long for cron"):  # bytes count
        files("cron", longest._replace(config=job.config.with_name("config.json" + (missing - 2) * "x" + "ü")))


@pytest.mark.parametrize("before", [OTHERS, OTHERS[:-1], b""])
def test_install_adds_the_job_and_keeps_every_other_byte(before: bytes) -> None:
    tools = FakeTools({"crontab -l": (0, before, b"")})

    assert "every day at 06:00" in install("cron", job_in(), tools)

    after = tools.stdin[1]
    assert tools.commands == [["crontab", "-l"], ["crontab", "-"]]
    assert after == (OTHERS if before else b"") + files("cron", job_in())["crontab"].encode()


def test_install_replaces_an_earlier_job_in_its_place() -> None:
    block = files("cron", job_in(HOME, "earlier"))["crontab"].encode()
    tools = FakeTools({"crontab -l": (0, OTHERS + block + b"5 5 * * * true\n", b"")})

    install("cron", job_in(), tools)

    now = files("cron", job_in())["crontab"].encode()
    assert tools.stdin[1] == OTHERS + now + b"5 5 * * * true\n"


def test_the_same_job_twice_writes_nothing() -> None:
    tools = FakeTools({"crontab -l": (0, files("cron", job_in())["crontab"].encode(), b"")})

    install("cron", job_in(), tools)

    assert tools.commands == [["crontab", "-l"]]


@pytest.mark.parametrize("message", [b"no crontab for me\n", b"crontab: can't open 'me': No such file or directory\n"])
def test_a_user_without_a_crontab_gets_one(message: bytes) -> None:
    tools = FakeTools({"crontab -l": (1, b"", message)})

    install("cron", job_in(), tools)

    assert tools.stdin[1] == files("cron", job_in())["crontab"].encode()


def test_a_crontab_that_cannot_be_read_is_not_overwritten() -> None:
    tools = FakeTools(
        {"crontab -l": (1, b"", b"You (me) are not allowed to use this program (crontab)\nSee crontab(1)\n")}
    )

    with pytest.raises(UserError, match=r"`crontab -l` failed"):
        install("cron", job_in(), tools)

    assert tools.commands == [["crontab", "-l"]]


def test_a_refused_crontab_is_reported() -> None:
    tools = FakeTools({"crontab -l": EMPTY, "crontab -": (1, b"", b"errors in crontab file, can't install.\n")})

    with pytest.raises(UserError, match=r"`crontab -` failed: errors in crontab file, can't install\.$"):
        install("cron", job_in(), tools)


@pytest.mark.parametrize(
    "damaged", [f"{BEGIN}\n0 1 * * * x\n", f"{END}\n", f"{END}\n{BEGIN}\n", 2 * f"{BEGIN}\n{END}\n"]
)
def test_damaged_markers_are_left_to_the_user(damaged: str) -> None:
    tools = FakeTools({"crontab -l": (0, damaged.encode(), b"")})

    with pytest.raises(UserError, match="incomplete job"):
        install("cron", job_in(), tools)

    assert tools.commands == [["crontab", "-l"]]


@pytest.mark.parametrize(
    ("line", "refused"), [("SHELL=/usr/bin/fish", True), ('SHELL = "csh"', True), ("SHELL=/bin/bash", False)]
)
def test_a_crontab_for_another_kind_of_shell_is_refused(line: str, refused: bool) -> None:
    tools = FakeTools({"crontab -l": (0, f"{line}\n".encode(), b"")})

    if refused:
        with pytest.raises(UserError, match=r"sets SHELL to (fish|csh), but the job needs sh"):
            install("cron", job_in(), tools)
    else:
        install("cron", job_in(), tools)
    assert (["crontab", "-"] in tools.commands) != refused
