"""The built wheel holds only the files it needs, and works outside the checkout."""

import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from test_support.paths import ROOT

pytestmark = pytest.mark.slow


@pytest.fixture(scope="session")
def unpacked(built: Path) -> Path:
    return built.parent / "unpacked"


def run(unpacked: Path, folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(unpacked)},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def test_the_wheel_holds_only_the_packages_their_data_and_the_notebooks(unpacked: Path) -> None:
    tracked = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    ).stdout.split()
    expected = {name for name in tracked if name.startswith("source_oneup_pinterest/")}
    expected |= {name.removeprefix("analysis/") for name in tracked if name.startswith("analysis/")}
    expected |= {
        f"oneup_pinterest/notebook_files/{Path(name).name}" for name in tracked if name.startswith("notebooks/")
    }
    found = {str(path.relative_to(unpacked)) for path in unpacked.rglob("*") if path.is_file()}

    assert {name for name in found if ".dist-info/" not in name} == expected
    assert "source_oneup_pinterest/manifest.yaml" in expected


def test_the_wheel_without_extras_requires_only_the_connectors_packages(unpacked: Path) -> None:
    metadata = next(unpacked.glob("*.dist-info/METADATA")).read_text(encoding="utf-8").splitlines()
    required = [line.removeprefix("Requires-Dist: ") for line in metadata if line.startswith("Requires-Dist: ")]
    without_extras = {re.match(r"[\w-]+", line).group() for line in required if "extra ==" not in line}  # type: ignore[union-attr]

    assert without_extras == {"airbyte-cdk", "jsonschema", "orjson", "requests", "urllib3"}
    assert any(line.startswith("duckdb") and "extra == 'analysis'" in line for line in required)


def test_the_docker_build_context_is_enough_to_build_the_wheel(unpacked: Path, tmp_path: Path) -> None:
    lines = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    for name in (line.removeprefix("!") for line in lines if line.startswith("!")):
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        copy(ROOT / name, tmp_path / name)
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", "dist"]
    subprocess.run(command, cwd=tmp_path, check=True, capture_output=True, timeout=120)

    with zipfile.ZipFile(next((tmp_path / "dist").glob("*.whl"))) as wheel:
        found = {name for name in wheel.namelist() if "__pycache__" not in name}
    assert "*" in lines
    assert found == {str(path.relative_to(unpacked)) for path in unpacked.rglob("*") if path.is_file()}


def test_pip_installs_both_console_scripts(built: Path, tmp_path: Path) -> None:
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-index", "--no-deps", "--target", str(tmp_path)]
    subprocess.run([*pip, str(built)], check=True, capture_output=True, timeout=120)

    assert {path.name for path in (tmp_path / "bin").iterdir()} == {"source-oneup-pinterest", "oneup-pinterest"}
    for script, arguments, text in (
        ("source-oneup-pinterest", ["spec"], '"type":"SPEC"'),
        ("oneup-pinterest", ["--help"], "Usage: oneup-pinterest"),
    ):
        ended = run(tmp_path, tmp_path, str(tmp_path / "bin" / script), *arguments)
        assert ended.returncode == 0, ended.stderr
        assert text in ended.stdout


def test_the_wheel_exports_the_manifest_only_form(unpacked: Path, tmp_path: Path) -> None:
    ended = run(unpacked, tmp_path, "-m", "source_oneup_pinterest.export", "out")

    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.split() == ["out/components.py", "out/manifest.yaml"]


def test_the_demo_of_the_wheel_runs_in_any_folder(unpacked: Path, tmp_path: Path) -> None:
    ended = run(unpacked, tmp_path, "-m", "oneup_pinterest.cli", "demo", "--days", "1")

    assert ended.returncode == 0, ended.stderr
    assert "MADE UP" in ended.stderr
    assert "demo/report.html" in ended.stdout
    assert "Made-up data" in (tmp_path / "demo" / "report.html").read_text()
    assert (tmp_path / "demo" / "oneup_pinterest.duckdb").exists()


def test_the_demo_overwrites_only_its_own_database(unpacked: Path, tmp_path: Path) -> None:
    (tmp_path / "mine.duckdb").write_text("precious")

    ended = run(unpacked, tmp_path, "-m", "oneup_pinterest.cli", "demo", "--days", "1", "--database", "mine.duckdb")

    assert ended.returncode == 2
    assert "mine.duckdb was not made by a demo" in ended.stderr
    assert (tmp_path / "mine.duckdb").read_text() == "precious"


def test_the_connector_runs_without_the_analysis_and_its_dependencies(unpacked: Path, tmp_path: Path) -> None:
    code = (
        "import sys\n"
        "for name in ('duckdb', 'polars', 'altair', 'oneup_pinterest'): sys.modules[name] = None\n"
        "sys.argv = ['source-oneup-pinterest', 'spec']\n"
        "from source_oneup_pinterest.run import run\n"
        "run()\n"
    )
    ended = run(unpacked, tmp_path, "-c", code)

    assert ended.returncode == 0, ended.stderr
    assert '"type":"SPEC"' in ended.stdout
