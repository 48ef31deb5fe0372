"""An audit passes only if every package was looked up and no vulnerability was found."""

import json
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from test_support.paths import ROOT

SAFE = {"name": "polars", "version": "2.1.0", "vulns": []}
UNSAFE = {"name": "x", "version": "1", "vulns": [{"id": "PYSEC-1", "fix_versions": ["2"]}]}
UNKNOWN = {"name": "duckdb", "skip_reason": "Dependency not found on PyPI and could not be audited: duckdb (2.0.0)"}


@pytest.mark.parametrize(
    ("dependencies", "status", "message"),
    [
        ([SAFE], 0, "1 packages looked up, 0 known vulnerabilities"),
        ([SAFE, UNSAFE], 1, "x 1: PYSEC-1, fixed in 2"),
        ([SAFE, UNKNOWN], 2, "1 of 2 packages could not be looked up"),
        (None, 2, "no connection"),
    ],
)
def test_an_audit_fails_if_a_package_could_not_be_looked_up(
    tmp_path: Path, dependencies: list[dict[str, Any]] | None, status: int, message: str
) -> None:
    fake_pip_audit = tmp_path / "pip-audit"
    report = "" if dependencies is None else json.dumps({"dependencies": dependencies})
    fake_pip_audit.write_text(f"#!{sys.executable}\nimport sys\nprint({report!r})\nsys.exit('no connection')\n")
    fake_pip_audit.chmod(fake_pip_audit.stat().st_mode | stat.S_IXUSR)

    ended = subprocess.run(
        [sys.executable, "-m", "tools.audit", fake_pip_audit], cwd=ROOT, capture_output=True, text=True
    )

    assert ended.returncode == status, ended.stderr
    assert message in ended.stdout


def test_every_locked_package_is_pinned_by_hash() -> None:
    for lock in ("requirements.lock", "requirements-duckdb15.lock", "requirements-lake.lock", "requirements-uv.lock"):
        packages = (ROOT / lock).read_text().replace("\\\n", "").splitlines()
        pinned = [line for line in packages if line and not line.lstrip().startswith("#")]
        assert pinned
        assert [line for line in pinned if "==" not in line or "--hash=sha256:" not in line] == []
