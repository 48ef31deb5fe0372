"""`uvx oneup-pinterest` and `pipx install oneup-pinterest` work from a folder with both wheels."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from integration_tests.clients.test_fresh_install import interpreter
from test_support.paths import ROOT
from tools.version import version

pytestmark = pytest.mark.clients

PIPX = ROOT / ".venv-clients" / "pipx" / "bin" / "pipx"
UVX = Path(sys.executable).parent / "uvx"
CHECKOUTS = (ROOT, ROOT / "packaging" / "oneup-pinterest")


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with the wheels of both distributions."""
    folder = tmp_path_factory.mktemp("index")
    for checkout in CHECKOUTS:
        build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
        subprocess.run(build, cwd=checkout, check=True, capture_output=True, timeout=120)
    return folder


def run(folder: Path, *command: object) -> subprocess.CompletedProcess[str]:
    """Run a command in an empty home, with the package index of this machine."""
    home = {"HOME": str(folder / "home"), "USE_EMOJI": "0"}
    kept = ("PATH", "LANG", "SSL_CERT_FILE")
    settings = {name: value for name, value in os.environ.items() if name in kept or name.startswith(("PIP_", "UV_"))}
    return subprocess.run(
        [str(part) for part in command],
        cwd=folder,
        env={**settings, **home},
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )


def assert_demo(ended: subprocess.CompletedProcess[str], folder: Path) -> None:
    assert ended.returncode == 0, ended.stderr[-3000:]
    assert "MADE UP" in ended.stderr
    assert "Made-up data" in (folder / "demo" / "report.html").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def python() -> str:
    found = interpreter("3.12") or interpreter("3.11")
    assert found, "no Python 3.12 or 3.11 with venv on this machine"
    return found


def test_uvx_runs_the_demo(index: Path, python: str, tmp_path: Path) -> None:
    ended = run(tmp_path, UVX, "--find-links", index, "--python", python, "oneup-pinterest", "demo", "--days", "2")

    assert_demo(ended, tmp_path)


@pytest.mark.skipif(not PIPX.exists(), reason="pipx is not installed: make test-clients installs it")
def test_pipx_runs_the_demo(index: Path, python: str, tmp_path: Path) -> None:
    options = ("--python", python, f"--pip-args=--find-links={index}")
    ended = run(tmp_path, PIPX, "run", *options, "oneup-pinterest", "demo", "--days", "2")

    assert_demo(ended, tmp_path)


@pytest.mark.skipif(not PIPX.exists(), reason="pipx is not installed: make test-clients installs it")
def test_pipx_installs_the_one_command(index: Path, python: str, tmp_path: Path) -> None:
    options = ("--python", python, f"--pip-args=--find-links={index}")
    installed = run(tmp_path, PIPX, "install", *options, "oneup-pinterest")
    scripts = tmp_path / "home" / ".local" / "bin"

    assert installed.returncode == 0, installed.stderr[-3000:]
    assert [path.name for path in scripts.iterdir()] == ["oneup-pinterest"]
    assert run(tmp_path, scripts / "oneup-pinterest", "--version").stdout.strip() == version()
    assert_demo(run(tmp_path, scripts / "oneup-pinterest", "demo", "--days", "2"), tmp_path)


def test_the_package_of_the_command_holds_no_code_and_requires_the_same_version(index: Path) -> None:
    with zipfile.ZipFile(index / f"oneup_pinterest-{version()}-py3-none-any.whl") as wheel:
        names = wheel.namelist()
        metadata = wheel.read(f"oneup_pinterest-{version()}.dist-info/METADATA").decode()

    assert [name for name in names if ".dist-info/" not in name] == []
    required = [line for line in metadata.splitlines() if line.startswith("Requires-Dist: ")]
    assert f"Requires-Dist: source-oneup-pinterest[analysis]=={version()}" in required
    assert all(f"=={version()}" in line for line in required)
