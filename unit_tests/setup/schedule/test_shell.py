"""The command for a shell runs the sync, and the report if the job has one."""

import shlex

from oneup_pinterest.setup.schedule.shell import shell_command
from test_support.nightly_job import HOME, HOSTILE, job_in


def test_without_a_report_the_command_is_the_sync_alone() -> None:
    job = job_in(HOME, HOSTILE, with_report=False)

    assert shlex.split(shell_command(job)) == job.sync_command()


def test_hostile_paths_are_single_words() -> None:
    job = job_in(HOME, HOSTILE)
    words = shlex.split(shell_command(job).replace(";", " ;"))

    assert words[:6] == [f"p={job.executable}", ";", f"d={job.database}", ";", f"l={job.log_file}", ";"]
    assert words[6:14] == ["$p", "sync", "--config", str(job.config), "--database", "$d", "--quiet", "--log-file"]
    begin = words.index("then") + 1
    assert words[begin : begin + 7] == ["$p", "report", "--database", "$d", "--output", str(job.report), ">>$l"]
    assert words[-2:] == ["exit", "$s"]
