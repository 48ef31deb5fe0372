"""Write the nightly job as a service and a timer of systemd, and set them up for this user."""

import os
from pathlib import Path

from oneup_pinterest.errors import UserError
from oneup_pinterest.setup.schedule.job import NAME, Job
from oneup_pinterest.setup.schedule.shell import shell_command
from oneup_pinterest.setup.schedule.tools import Run, run_tool, write_texts

TIMER = f"{NAME}.timer"
RELOAD = ("systemctl", "--user", "daemon-reload")
ENABLE = ("systemctl", "--user", "enable", "--now", TIMER)
LINGER = "`loginctl enable-linger` lets the job run while you are logged out."


def files(job: Job) -> dict[str, str]:
    """Return the two units. Exit status 3, with which a report was written, is no failure."""
    service = f"""[Unit]
Description=Sync Pinterest analytics from OneUp

[Service]
Type=oneshot
ExecStart=/bin/sh -c {systemd_quote(shell_command(job))}
SuccessExitStatus=3
"""
    timer = f"""[Unit]
Description=Sync Pinterest analytics from OneUp every day

[Timer]
OnCalendar=*-*-* {job.at:%H:%M}:00
Persistent=true
RandomizedDelaySec=15min

[Install]
WantedBy=timers.target
"""
    return {f"{NAME}.service": service, TIMER: timer}


def systemd_quote(text: str) -> str:
    r"""Return a text as one argument in a unit, where %, $, quotes and backslashes have a meaning.

    >>> print(systemd_quote("echo '100%'; exit $s"))
    "echo '100%%'; exit $$s"
    """
    for character, written in (("\\", "\\\\"), ('"', '\\"'), ("%", "%%"), ("$", "$$")):
        text = text.replace(character, written)
    return f'"{text}"'


def unit_folder() -> Path:
    """Return the folder of this user's units."""
    config = Path(os.environ.get("XDG_CONFIG_HOME", ""))
    return (config if config.is_absolute() else Path.home() / ".config") / "systemd" / "user"


def user_manager_runs() -> bool:
    """Return whether systemd runs for this user, so that `systemctl --user` works."""
    runtime = os.environ.get("XDG_RUNTIME_DIR")
    return bool(runtime) and (Path(str(runtime)) / "systemd" / "private").exists()


def instructions(job: Job) -> str:
    """Return what a person types."""
    return f"""Set up: put both files into ~/.config/systemd/user, then
  {" ".join(RELOAD)}
  {" ".join(ENABLE)}
{LINGER}
Look: `systemctl --user list-timers` and `journalctl --user --unit {NAME}`
Take away:
  systemctl --user disable --now {TIMER}
  rm ~/.config/systemd/user/{NAME}.service ~/.config/systemd/user/{TIMER}
  {" ".join(RELOAD)}
A machine that is off or asleep at {job.at:%H:%M} runs the job when it is back."""


def install(job: Job, run: Run) -> str:
    """Write the units for this user and start the timer.

    Raises:
        UserError: systemd does not run for this user, or it refuses the units.
    """
    status, _, message = run_tool(run, ("systemctl", "--user", "show-environment"), check=False)
    if status:  # nothing is written, because nobody would read it
        raise UserError(f"systemd does not run for your user here ({message}): choose another kind of schedule.")
    folder = unit_folder()
    write_texts(folder, files(job))
    run_tool(run, RELOAD)
    run_tool(run, ENABLE)
    return f"systemd runs the job every day at {job.at:%H:%M}; its units are in {folder}. {LINGER}"
