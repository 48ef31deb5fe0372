"""Airbyte's standard tests pass on both forms of the connector, without warnings."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

from oneup_pinterest.sandbox import Sandbox
from source_oneup_pinterest.components.clock import CLOCK_VARIABLE
from source_oneup_pinterest.export import export
from test_support.paths import ROOT

pytestmark = pytest.mark.slow

TESTS = {
    "test_spec",
    "test_config_matches_spec",
    "test_check",
    "test_discover",
    "test_basic_read",
    "test_fail_read_with_bad_catalog",
}


def copy_package_files(folder: Path) -> None:
    """Copy the files that a connector's folder has besides the installed package."""
    (folder / "integration_tests").mkdir(parents=True)
    for name in ("metadata.yaml", "acceptance-test-config.yml"):
        shutil.copy(ROOT / name, folder)
    for sample in (ROOT / "integration_tests").glob("*.json"):
        shutil.copy(sample, folder / "integration_tests")


@pytest.mark.parametrize(
    "make",
    [
        pytest.param(copy_package_files, id="package"),
        pytest.param(export, id="manifest-only", marks=pytest.mark.nightly),  # test_manifest_only.py reads with it
    ],
)
def test_airbytes_standard_tests_pass_without_warnings(make: object, sandbox: Sandbox, tmp_path: Path) -> None:
    folder = tmp_path / "source-oneup-pinterest"
    make(folder)  # type: ignore[operator]
    (folder / "secrets").mkdir()
    (folder / "secrets" / "config.json").write_text(json.dumps(sandbox.config()))
    options = [
        "-m",
        "not image_tests",
        "-Werror",
        "-o",
        "markers=requires_creds",
    ]  # a mark that the standard tests do not declare

    ended = subprocess.run(
        [
            Path(sys.executable).parent / "airbyte-cdk",
            "connector",
            "test",
            "./source-oneup-pinterest",
            *(f"--pytest-arg={option}" for option in options),
        ],
        cwd=tmp_path,
        env={name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
        | {CLOCK_VARIABLE: sandbox.now.isoformat(), "TMPDIR": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )

    assert ended.returncode == 0, ended.stdout[-3000:]
    report = ElementTree.parse(folder / "build" / "test-results" / "standard-tests-junit.xml")
    passed = [case.get("name", "") for case in report.iter("testcase") if len(case) == 0]
    assert {name.split("[")[0] for name in passed} == TESTS
    assert [name for name in passed if "test_check" in name and "invalid_config" in name]
