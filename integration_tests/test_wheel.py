"""The built wheel holds what it needs and no more, and works away from the checkout."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from integration_tests.airbyte import ROOT


@pytest.fixture(scope="module")
def unpacked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True, timeout=120)
    with zipfile.ZipFile(next(folder.glob("*.whl"))) as wheel:
        wheel.extractall(folder / "unpacked")
    return folder / "unpacked"


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


def test_it_holds_the_packages_their_data_and_the_notebooks_but_no_tests(unpacked: Path) -> None:
    tops = {path.name for path in unpacked.iterdir() if not path.name.endswith(".dist-info")}
    assert tops == {"analysis", "source_oneup_pinterest"}
    for name in (
        "source_oneup_pinterest/manifest.yaml",
        "analysis/report/page.html.j2",
        "analysis/sandbox/samples/posts.json",
        "analysis/notebook_files/00_start_here.ipynb",
    ):
        assert (unpacked / name).exists(), name


def test_the_demo_runs_from_it_in_any_folder(unpacked: Path, tmp_path: Path) -> None:
    ended = run(unpacked, tmp_path, "-m", "analysis.cli", "demo", "--days", "2")

    assert ended.returncode == 0, ended.stderr
    assert "MADE UP" in ended.stderr
    assert "demo/report.html" in ended.stdout
    assert "Made-up data" in (tmp_path / "demo" / "report.html").read_text()
    assert (tmp_path / "demo" / "oneup_pinterest.duckdb").exists()


def test_the_demo_replaces_its_own_database_and_no_other(unpacked: Path, tmp_path: Path) -> None:
    (tmp_path / "mine.duckdb").write_text("precious")

    ended = run(unpacked, tmp_path, "-m", "analysis.cli", "demo", "--days", "1", "--database", "mine.duckdb")

    assert ended.returncode == 2
    assert "mine.duckdb exists and is no demo's" in ended.stderr
    assert (tmp_path / "mine.duckdb").read_text() == "precious"


def test_the_connector_needs_neither_the_analysis_nor_its_dependencies(unpacked: Path, tmp_path: Path) -> None:
    code = (
        "import sys\n"
        "for name in ('duckdb', 'polars', 'altair', 'analysis'): sys.modules[name] = None\n"
        "sys.argv = ['source-oneup-pinterest', 'spec']\n"
        "from source_oneup_pinterest.run import run\n"
        "run()\n"
    )
    ended = run(unpacked, tmp_path, "-c", code)

    assert ended.returncode == 0, ended.stderr
    assert '"type":"SPEC"' in ended.stdout
