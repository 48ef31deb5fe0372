"""Install only the wheel with each available Python: both scripts work, and no unneeded package is installed."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from integration_tests.airbyte import messages
from oneup_pinterest.sandbox import Sandbox
from source_oneup_pinterest.components.clock import CLOCK_VARIABLE
from test_support.clock import NOON
from test_support.paths import ROOT

pytestmark = pytest.mark.clients
VERSIONS = ("3.11", "3.12", "3.13")


def interpreter(version: str) -> str | None:
    """Return a Python of that version that can create environments, from PATH or pyenv."""
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    candidates = [shutil.which(f"python{version}"), *map(str, pyenv.glob(f"{version}.*/bin/python"))]
    for candidate in filter(None, candidates):
        code = "import sys, venv, ensurepip; print('%d.%d' % sys.version_info[:2])"
        output = subprocess.run([candidate, "-c", code], capture_output=True, text=True, check=False)
        if output.stdout.strip() == version:
            return candidate
    return None


@pytest.fixture(scope="module", params=VERSIONS)
def installed(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the scripts' folder of an environment with the wheel and its dependencies."""
    python = interpreter(request.param)
    if python is None:
        pytest.skip(f"there is no Python {request.param} with venv on this machine")
    folder = tmp_path_factory.mktemp("fresh")
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True, timeout=120)
    subprocess.run([python, "-m", "venv", folder / "venv"], check=True, timeout=120)
    scripts = folder / "venv" / "bin"
    pip = [scripts / "pip", "install", "--quiet", "--disable-pip-version-check", *folder.glob("*.whl")]
    subprocess.run(pip, check=True, capture_output=True, timeout=600)
    return scripts


def run(*command: object, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a command outside the checkout, so that it imports nothing from there."""
    return subprocess.run(
        list(map(str, command)),
        cwd=Path(str(command[0])).parent,
        env={"PATH": os.environ["PATH"], "HOME": os.environ["HOME"], **environment},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def test_the_connector_prints_its_spec_and_reads(installed: Path, tmp_path: Path) -> None:
    spec = run(installed / "source-oneup-pinterest", "spec")
    assert spec.returncode == 0, spec.stderr
    assert [message["type"] for message in messages(spec.stdout)].count("SPEC") == 1

    with Sandbox(accounts=2, now=NOON) as sandbox:
        (tmp_path / "config.json").write_text(json.dumps(sandbox.config()))
        options = ("--config", tmp_path / "config.json")
        catalog = ("--catalog", ROOT / "integration_tests" / "configured_catalog.json")
        clock = {CLOCK_VARIABLE: NOON.isoformat()}
        checked = run(installed / "source-oneup-pinterest", "check", *options, **clock)
        read = run(installed / "source-oneup-pinterest", "read", *options, *catalog, **clock)

    assert '"SUCCEEDED"' in checked.stdout
    assert read.returncode == 0, read.stdout[-2000:]
    streams = {message["record"]["stream"] for message in messages(read.stdout) if message["type"] == "RECORD"}
    assert len(streams) == 6


def test_the_kit_reports_missing_extras_in_one_line(installed: Path) -> None:
    assert run(installed / "oneup-pinterest", "--help").returncode == 0
    ended = run(installed / "oneup-pinterest", "status")
    assert ended.returncode == 1
    assert ended.stderr.count("\n") == 1
    assert "pip install 'source-oneup-pinterest[notebooks]'" in ended.stderr


@pytest.mark.parametrize("package", ["duckdb", "polars", "altair", "jupyterlab", "pytest"])
def test_unneeded_packages_are_not_installed(installed: Path, package: str) -> None:
    ended = run(installed / "python", "-c", f"import {package}")
    assert ended.returncode == 1
    assert f"No module named '{package}'" in ended.stderr
