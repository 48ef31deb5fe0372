"""Write the nightly job as a line of a crontab, and put it into the user's crontab."""

import re
import shlex

from oneup_pinterest.errors import UserError
from oneup_pinterest.setup.schedule.job import NAME, Job
from oneup_pinterest.setup.schedule.shell import shell_command
from oneup_pinterest.setup.schedule.tools import Run, run_tool

BEGIN, END = f"# begin {NAME}", f"# end {NAME}"
MAX_COMMAND = 998  # bytes; Debian's cron refuses more, older ones cut the rest off
SHELLS = ("ash", "bash", "dash", "ksh", "sh", "zsh")  # that read our command


def files(job: Job) -> dict[str, str]:
    """Return the lines for the crontab.

    Raises:
        UserError: The command is longer than cron allows.
    """
    command = shell_command(job, cron_quote)
    if len(command.encode()) > MAX_COMMAND:
        raise UserError("The paths of the nightly job are too long for cron: use shorter ones, or systemd.", 2)
    return {"crontab": f"{BEGIN}\n{job.at.minute} {job.at.hour} * * * {command}\n{END}\n"}


def cron_quote(text: str) -> str:
    r"""Return a text as one word for the shell that survives cron, which gives % and backslashes a meaning.

    cron turns `\%` into `%`. Some versions also turn two backslashes into one, so no two stand side by side. BusyBox
    passes everything on, so `\%` stands outside of the quotes, where the shell reads it as `%` too.

    >>> print(cron_quote("/100% mine"))
    '/100'\%' mine'
    """
    if not {"%", "\\"} & set(text):
        return shlex.quote(text)
    quoted = text.replace("'", "'\"'\"'").replace("\\", "\\''").replace("%", "'\\%'")
    return f"'{quoted}'"


def instructions(job: Job) -> str:
    """Return what a person types."""
    return f"""Set up: run `crontab -e` and add the three lines.
Look: `crontab -l` lists your jobs. cron mails what a job prints on stderr, if the machine can send mail.
Take away: crontab -l | sed '/^{BEGIN}$/,/^{END}$/d' | crontab -
A machine that is off or asleep at {job.at:%H:%M} skips that night."""


def install(job: Job, run: Run) -> str:
    """Put the job into the user's crontab, in place of an earlier one; keep every other line.

    Raises:
        UserError: There is no `crontab`, it refuses, or the lines of an earlier job were damaged.
    """
    block = files(job)["crontab"]
    status, output, message = run_tool(run, ["crontab", "-l"], check=False)
    if status and (output or not re.search("no crontab|no such file", message, re.IGNORECASE)):
        raise UserError(f"`crontab -l` failed: {message.rstrip('.')}.")
    before = output.decode("utf-8", "surrogateescape")
    after = with_block(before, block)
    if after != before:
        run_tool(run, ["crontab", "-"], stdin=after.encode("utf-8", "surrogateescape"))
    return f"cron runs the job every day at {job.at:%H:%M}. `crontab -l` shows it."


def with_block(crontab: str, block: str) -> str:
    """Return a crontab with the block in place of an earlier one, or at the end.

    Raises:
        UserError: Only one of the two marker lines is there, or the crontab has chosen a shell of another kind.

    >>> print(with_block("@daily true\\n", f"{BEGIN}\\n@daily false\\n{END}\\n"), end="")
    @daily true
    # begin oneup-pinterest
    @daily false
    # end oneup-pinterest
    """
    lines = crontab.splitlines(keepends=True)
    stripped = [line.strip() for line in lines]
    counts = stripped.count(BEGIN), stripped.count(END)
    if counts not in ((0, 0), (1, 1)) or (counts == (1, 1) and stripped.index(BEGIN) > stripped.index(END)):
        raise UserError(f"Your crontab has an incomplete job between `{BEGIN}` and `{END}`: remove it (`crontab -e`).")
    first, last = (stripped.index(BEGIN), stripped.index(END) + 1) if counts == (1, 1) else (len(lines), len(lines))
    for line in lines[:first]:
        shell = re.fullmatch(r"\s*SHELL\s*=\s*[\"']?(?:.*/)?([^\"'/]*?)[\"']?\s*", line)
        if shell and shell[1] not in SHELLS:
            raise UserError(f"Your crontab sets SHELL to {shell[1]}, but the job needs sh: remove that line first.")
    if first and not lines[first - 1].endswith("\n"):
        lines[first - 1] += "\n"
    return "".join([*lines[:first], block, *lines[last:]])
