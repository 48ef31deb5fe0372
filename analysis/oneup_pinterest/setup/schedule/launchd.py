"""Write the nightly job as an agent of launchd, and set it up for this user of a Mac."""

import os
import plistlib
from pathlib import Path

from oneup_pinterest.setup.schedule.job import NAME, Job
from oneup_pinterest.setup.schedule.shell import shell_command
from oneup_pinterest.setup.schedule.tools import Run, run_tool, write_texts

LABEL = f"local.{NAME}"
FILE = f"{LABEL}.plist"


def files(job: Job) -> dict[str, str]:
    """Return the property list of the agent."""
    agent = {
        "Label": LABEL,
        "ProgramArguments": ["/bin/sh", "-c", shell_command(job)],
        "StartCalendarInterval": {"Hour": job.at.hour, "Minute": job.at.minute},
        "StandardErrorPath": str(job.log_file),
        "ProcessType": "Background",
    }
    return {FILE: plistlib.dumps(agent, sort_keys=False).decode()}


def instructions(job: Job) -> str:
    """Return what a person types."""
    return f"""Set up: put the file into ~/Library/LaunchAgents, then
  launchctl bootstrap gui/$(id -u) ~/Library/LaunchAgents/{FILE}
Look: launchctl print gui/$(id -u)/{LABEL}
Take away:
  launchctl bootout gui/$(id -u)/{LABEL}
  rm ~/Library/LaunchAgents/{FILE}
The job runs while you are logged in. A Mac that is asleep at {job.at:%H:%M} runs it when it wakes up."""


def install(job: Job, run: Run) -> str:
    """Write the agent for this user and load it, in place of an earlier one.

    Raises:
        UserError: There is no `launchctl`, or it refuses the agent.
    """
    domain = f"gui/{os.getuid()}" if hasattr(os, "getuid") else "gui"
    run_tool(run, ("launchctl", "bootout", f"{domain}/{LABEL}"), check=False)  # fails if there is none
    [path] = write_texts(Path.home() / "Library" / "LaunchAgents", files(job))
    run_tool(run, ("launchctl", "bootstrap", domain, str(path)))
    return f"launchd runs the job every day at {job.at:%H:%M}; its file is {path}."
