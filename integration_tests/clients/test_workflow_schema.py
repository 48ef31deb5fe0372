"""The GitHub workflow fits the JSON schema of workflows, as a release of check-jsonschema from PyPI holds it."""

import subprocess
import sys
from pathlib import Path

import pytest

from oneup_pinterest.setup.schedule import write_files
from test_support.nightly_job import job_in

pytestmark = pytest.mark.clients
CHECKER = "check-jsonschema==0.39.0"


def check(path: Path) -> subprocess.CompletedProcess[str]:
    uv = Path(sys.executable).with_name("uv")
    environment = [uv, "run", "--no-project", "--isolated", "--with", CHECKER]
    command = [*environment, "check-jsonschema", "--builtin-schema", "vendor.github-workflows", path]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)


@pytest.mark.parametrize("with_report", [True, False])
def test_the_workflow_fits_the_schema_and_a_damaged_one_does_not(with_report: bool, tmp_path: Path) -> None:
    [path] = write_files("github", job_in(with_report=with_report), tmp_path)

    ended = check(path)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    path.write_text(path.read_text().replace("permissions: {}", "permissions: everything"))
    assert "permissions" in check(path).stdout
