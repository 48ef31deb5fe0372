"""Describe the nightly job: which programs run, with which files, at which time."""

import json
from datetime import time
from pathlib import Path, PurePath
from typing import NamedTuple
from unicodedata import category

from oneup_pinterest.errors import UserError

NAME = "oneup-pinterest"  # of the units, the task and the workflow: a second installation replaces the first
SUCCESS = (0, 3)  # exit status of a sync that is followed by the report; 3: an account could not be read
NO_REPORT = "The report was not written; the log says why."


class Job(NamedTuple):
    """A nightly job. All paths are absolute; `at` is local time, but UTC on GitHub; without `report` it only syncs.

    >>> from pathlib import Path
    >>> Job(Path("/bin/oneup-pinterest"), Path("/a/config.json"), Path("/a/b.duckdb"), None, Path("/a/log")).at
    datetime.time(6, 0)
    """

    executable: PurePath
    config: PurePath
    database: PurePath
    report: PurePath | None
    log_file: PurePath
    at: time = time(6)

    def sync_command(self) -> list[str]:
        """Return the program and arguments of the sync."""
        files = ["--config", str(self.config), "--database", str(self.database)]
        return [str(self.executable), "sync", *files, "--quiet", "--log-file", str(self.log_file)]

    def report_command(self) -> list[str]:
        """Return the program and arguments of the report; empty if the job has none."""
        if self.report is None:
            return []
        return [str(self.executable), "report", "--database", str(self.database), "--output", str(self.report)]


def problem_at_night(config: Path) -> str:
    """Return why a config would make every night's sync fail; nothing if it has a key.

    >>> problem_at_night(Path("nowhere.json")).partition(":")[0]
    'The job will fail, because it cannot read nowhere.json'
    """
    advice = "run `oneup-pinterest init`, or name another file with --config. The job does not get your ONEUP_API_KEY."
    try:
        values = json.loads(config.read_text(encoding="utf-8-sig"))
    except OSError:
        return f"The job will fail, because it cannot read {config}: {advice}"
    except ValueError:
        values = None
    if isinstance(values, dict) and values.get("api_key"):
        return ""
    return f"The job will fail, because {config} has no `api_key`: {advice}"


def check_paths(job: Job) -> None:
    """Refuse paths that a scheduler cannot hold.

    Raises:
        UserError: A path is not absolute, or has a line break, another control character or a byte that is not UTF-8.
    """
    for path in filter(None, (job.executable, job.config, job.database, job.report, job.log_file)):
        if not path.is_absolute():
            raise UserError(f"The nightly job needs an absolute path instead of {path}.", 2)
        if any(category(character) in ("Cc", "Cs") for character in str(path)):
            raise UserError(f"A nightly job cannot hold the path {str(path)!r}: rename it without that character.", 2)
