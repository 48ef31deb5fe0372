"""Write the nightly job as one command for a POSIX shell."""

import shlex
from collections.abc import Callable

from oneup_pinterest.setup.schedule.job import NO_REPORT, SUCCESS, Job


def shell_command(job: Job, quote: Callable[[str], str] = shlex.quote) -> str:
    """Return the command; its exit status is that of the sync. The report's messages go to the log file.

    `quote` makes one word of a text.

    >>> from pathlib import PurePosixPath as Path
    >>> job = Job(Path("/opt/oneup-pinterest"), Path("/my data/c.json"), Path("/d.duckdb"), None, Path("/l.log"))
    >>> shell_command(job)
    "/opt/oneup-pinterest sync --config '/my data/c.json' --database /d.duckdb --quiet --log-file /l.log"
    """
    if job.report is None:
        return " ".join(map(quote, job.sync_command()))
    # What stands twice becomes a variable, because cron's lines are short.
    variables = {str(job.executable): "p", str(job.database): "d", str(job.log_file): "l"}

    def word(text: str) -> str:
        return f'"${variables[text]}"' if text in variables else quote(text)

    assignments = " ".join(f"{name}={quote(path)};" for path, name in variables.items())
    sync, report = (" ".join(map(word, command)) for command in (job.sync_command(), job.report_command()))
    succeeded = " || ".join(f"[ $s = {status} ]" for status in SUCCESS)
    return (
        f"{assignments} {sync}; s=$?; if {succeeded}; then {report} >>{word(str(job.log_file))} 2>&1 "
        f"|| echo '{NO_REPORT}' >&2; fi; exit $s"
    )
