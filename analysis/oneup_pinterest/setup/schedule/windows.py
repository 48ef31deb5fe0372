"""Write the nightly job as a task of Windows Task Scheduler, and register it for this user."""

import re
from pathlib import Path
from tempfile import TemporaryDirectory
from xml.sax.saxutils import escape

from oneup_pinterest.setup.schedule.job import NAME, SUCCESS, Job
from oneup_pinterest.setup.schedule.tools import Run, run_tool, write_texts

FILE = f"{NAME}.xml"
REGISTER = ("schtasks", "/Create", "/TN", NAME, "/XML", FILE, "/F")
_QUOTES = re.compile("(['\u2018\u2019\u201a\u201b])")  # PowerShell takes each of them as a single quote
_REPLACED = re.compile('[%$"]')  # Task Scheduler replaces %NAME% and $(Arg0); a double quote would end the command
_TEMPLATE = Path(__file__).with_name("task.xml")


def files(job: Job) -> dict[str, str]:
    """Return the task, and the command that registers it."""
    arguments = f'-NoProfile -NonInteractive -WindowStyle Hidden -Command "{powershell_command(job)}"'
    text = _TEMPLATE.read_text(encoding="utf-8")
    for name, value in (("TIME", f"{job.at:%H:%M}:00"), ("ARGUMENTS", arguments)):
        text = text.replace(f"@{name}@", escape(value), 1)
    return {FILE: text, f"{NAME}.cmd": f"{' '.join(REGISTER)}\r\n"}


def powershell_command(job: Job) -> str:
    """Return the job as a command for PowerShell; its exit status is that of the sync."""
    sync, report = (" ".join(map(powershell_quote, command)) for command in (job.sync_command(), job.report_command()))
    command = f"$ErrorActionPreference = 'Stop'; & {sync}; $s = $LASTEXITCODE"
    if report:
        command += f"; if ({' -or '.join(f'$s -eq {status}' for status in SUCCESS)}) {{ & {report} }}"
    return f"{command}; exit $s"


def powershell_quote(text: str) -> str:
    """Return a text as one value of PowerShell, without characters that others would replace.

    >>> print(powershell_quote("C:/it's 100%"))
    ('C:/it''s 100' + [char]37 + '')
    """
    quoted = _QUOTES.sub(r"\1\1", text)
    if not _REPLACED.search(quoted):
        return f"'{quoted}'"
    return "('" + _REPLACED.sub(lambda match: f"' + [char]{ord(match[0])} + '", quoted) + "')"


def instructions(job: Job) -> str:
    """Return what a person types."""
    return f"""Set up: save the XML as {FILE} in UTF-16, then
  {" ".join(REGISTER)}
Look: schtasks /Query /TN {NAME} /V /FO LIST
Take away: schtasks /Delete /TN {NAME} /F
The job runs while you are logged in. A machine that is off or asleep at {job.at:%H:%M} runs it when it is back."""


def install(job: Job, run: Run) -> str:
    """Register the task for this user, in place of an earlier one.

    Raises:
        UserError: There is no `schtasks`, or it refuses the task.
    """
    with TemporaryDirectory(prefix="oneup_pinterest_") as folder:
        write_texts(Path(folder), files(job))
        run_tool(run, [str(Path(folder) / FILE) if part == FILE else part for part in REGISTER])
    return f"Task Scheduler runs the job every day at {job.at:%H:%M}; the task is named {NAME}."
