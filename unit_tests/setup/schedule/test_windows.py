"""The task of Windows holds a command whose values nobody replaces, in the order that Microsoft's schema asks for."""

import re
from datetime import time
from pathlib import Path, PureWindowsPath
from xml.etree import ElementTree

import pytest

from oneup_pinterest.errors import UserError
from oneup_pinterest.setup.schedule import Job, files, install, write_files
from oneup_pinterest.setup.schedule.windows import powershell_command
from test_support.nightly_job import FakeTools

NAMESPACE = "{http://schemas.microsoft.com/windows/2004/02/mit/task}"
FILE = "oneup-pinterest.xml"
HOME = PureWindowsPath("C:/Users/it's ‘mine’ & 100% <ü> %USERNAME% $(Arg0) $HOME")
JOB = Job(HOME / "oneup-pinterest.exe", HOME / "c.json", HOME / "p.duckdb", HOME / "r.html", HOME / "l.log", time(5, 7))
# From Microsoft's documentation of the schema: what may stand below an element, and in which order if that is fixed.
SEQUENCES = {"CalendarTrigger": ["Enabled", "StartBoundary", "EndBoundary", "RandomDelay", "ScheduleByDay"]}
SETS = {
    "Task": {"RegistrationInfo", "Triggers", "Principals", "Settings", "Actions"},
    "RegistrationInfo": {"Description"},
    "Triggers": {"CalendarTrigger"},
    "ScheduleByDay": {"DaysInterval"},
    "Principals": {"Principal"},
    "Principal": {"UserId", "LogonType", "RunLevel"},
    "Settings": {
        "MultipleInstancesPolicy",
        "DisallowStartIfOnBatteries",
        "StopIfGoingOnBatteries",
        "StartWhenAvailable",
        "RunOnlyIfNetworkAvailable",
        "ExecutionTimeLimit",
    },
    "Actions": {"Exec"},
    "Exec": {"Command", "Arguments", "WorkingDirectory"},
}


def words(command: str) -> list[str]:
    """Return the values in a command: a second implementation of PowerShell's quotes and of the joining of parts."""
    part = r"'(?:[^'‘’‚‛]|(['‘’‚‛])\1)*'|\[char\]\d+"
    found = []
    for match in re.finditer(rf"\((?:{part})(?: \+ (?:{part.replace('1', '2')}))*\)|{part.replace('1', '3')}", command):
        text = ""
        for piece in re.findall(r"'(?:[^'‘’‚‛]|''|‘‘|’’|‚‚|‛‛)*'|\[char\]\d+", match[0]):
            is_number = piece.startswith("[char]")
            text += chr(int(piece[6:])) if is_number else re.sub("(['‘’‚‛])\\1", r"\1", piece[1:-1])
        found.append(text)
    return found


def task(tmp_path: Path) -> ElementTree.Element:
    [path] = [path for path in write_files("windows", JOB, tmp_path) if path.suffix == ".xml"]
    assert path.read_bytes()[:2] in (b"\xff\xfe", b"\xfe\xff")  # UTF-16 with its mark, as its first line says
    return ElementTree.parse(path).getroot()


def test_elements_stand_where_the_schema_allows_them(tmp_path: Path) -> None:
    for element in task(tmp_path).iter():
        name = element.tag.removeprefix(NAMESPACE)
        children = [child.tag.removeprefix(NAMESPACE) for child in element]
        assert len(set(children)) == len(children)
        if name in SEQUENCES:
            assert children == [child for child in SEQUENCES[name] if child in children]
        elif children:
            assert set(children) <= SETS[name]


def test_the_task_runs_daily_and_later_if_the_machine_was_off(tmp_path: Path) -> None:
    root = task(tmp_path)

    def text(path: str) -> str | None:
        return root.findtext("/".join(f"{NAMESPACE}{part}" for part in path.split("/")))

    assert text("Triggers/CalendarTrigger/StartBoundary") == "2026-01-01T05:07:00"
    assert text("Triggers/CalendarTrigger/ScheduleByDay/DaysInterval") == "1"
    assert text("Settings/StartWhenAvailable") == "true"
    assert text("Settings/MultipleInstancesPolicy") == "IgnoreNew"
    assert text("Principals/Principal/RunLevel") == "LeastPrivilege"
    assert text("Actions/Exec/Arguments") == (
        f'-NoProfile -NonInteractive -WindowStyle Hidden -Command "{powershell_command(JOB)}"'
    )


def test_powershell_gets_every_value_whole() -> None:
    stop, *values = words(powershell_command(JOB))

    assert stop == "Stop"  # otherwise a missing program would end with exit status 0
    assert values == [*JOB.sync_command(), *JOB.report_command()]


def test_nothing_in_the_values_can_be_replaced_or_end_the_command() -> None:
    command = powershell_command(JOB)

    assert '"' not in command
    assert "%" not in command
    assert set(re.findall(r"\$\W?\w+", command)) == {"$ErrorActionPreference", "$s", "$LASTEXITCODE"}


def test_without_a_report_only_the_sync_runs() -> None:
    assert words(powershell_command(JOB._replace(report=None)))[1:] == JOB.sync_command()


def test_install_registers_the_written_file_and_replaces_an_earlier_task() -> None:
    tools = FakeTools()
    seen: list[str] = []
    tools.on_call = lambda command: seen.append(Path(command[command.index("/XML") + 1]).read_text(encoding="utf-16"))

    install("windows", JOB, tools)

    [command] = tools.commands
    assert command[:4] == ["schtasks", "/Create", "/TN", "oneup-pinterest"]
    assert command[-1] == "/F"
    assert seen == [files("windows", JOB)[FILE]]
    assert not Path(command[5]).exists()


def test_a_refused_task_is_reported() -> None:
    tools = FakeTools({"schtasks": (1, b"", "ERROR: Zugriff verweigert \xe4\r\n".encode("cp850"))})

    with pytest.raises(UserError, match="failed: ERROR: Zugriff verweigert"):
        install("windows", JOB, tools)
