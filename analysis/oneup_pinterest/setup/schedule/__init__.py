"""Write and set up the nightly job: one sync, then one report.

No text holds the API key. On a machine the job reads the config file; on GitHub it reads a secret.
"""

from oneup_pinterest.setup.schedule.job import Job
from oneup_pinterest.setup.schedule.kinds import KINDS, default_kind, files, install, instructions, write_files

__all__ = ["KINDS", "Job", "default_kind", "files", "install", "instructions", "write_files"]
