"""Look up known vulnerabilities of the locked dependencies (`make audit`, which installs pip-audit).

pip-audit also exits with 0 if it could look up nothing. Here, packages that were not looked up are reported, and the
audit fails.
"""

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

LOCKS = ("requirements.lock", "requirements-duckdb15.lock", "requirements-lake.lock", "requirements-uv.lock")


class Audit(NamedTuple):
    """The number of packages looked up, the packages that could not be, and a line per known vulnerability."""

    looked_up: int
    not_looked_up: Sequence[str]
    vulnerabilities: Sequence[str]

    @property
    def sentence(self) -> str:
        """Return the result as a sentence."""
        packages = self.looked_up + len(self.not_looked_up)
        if self.not_looked_up:
            return (
                f"{len(self.not_looked_up)} of {packages} packages could not be looked up: the database of "
                "vulnerabilities was not reached. Run `make audit` again with access to it."
            )
        return f"{self.looked_up} packages looked up, {len(self.vulnerabilities)} known vulnerabilities."

    @property
    def exit_status(self) -> int:
        """Return 0 if no vulnerability was found, 1 if one was, 2 if not every package could be looked up."""
        return 1 if self.vulnerabilities else 2 if self.not_looked_up else 0


def audit_of(report: Mapping[str, Any]) -> Audit:
    """Parse pip-audit's JSON.

    >>> audit_of({"dependencies": [{"name": "polars", "skip_reason": "not found"}]}).exit_status
    2
    """
    looked_up = [each for each in report["dependencies"] if "skip_reason" not in each]
    return Audit(
        looked_up=len(looked_up),
        not_looked_up=[each["name"] for each in report["dependencies"] if "skip_reason" in each],
        vulnerabilities=[
            f"{each['name']} {each['version']}: {found['id']}, fixed in {', '.join(found['fix_versions']) or 'none'}"
            for each in looked_up
            for found in each["vulns"]
        ],
    )


def main() -> None:
    """Audit all lock files with the given pip-audit; exit with the worst status."""
    statuses = []
    for lock in LOCKS:
        command = [sys.argv[1], "--disable-pip", "--require-hashes", "--progress-spinner", "off", "--format", "json"]
        ran = subprocess.run([*command, "-r", lock], capture_output=True, text=True)
        if not ran.stdout.strip():  # a status of 1 may also mean that it found something
            print(f"{lock}: pip-audit failed: {ran.stderr.strip().splitlines()[-1]}")
            statuses.append(2)
            continue
        audit = audit_of(json.loads(ran.stdout))
        print(f"{lock}: {audit.sentence}", *audit.vulnerabilities, sep="\n  ")
        statuses.append(audit.exit_status)
    sys.exit(1 if 1 in statuses else max(statuses))


if __name__ == "__main__":
    main()
