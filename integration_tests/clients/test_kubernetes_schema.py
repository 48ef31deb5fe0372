"""The manifest for Kubernetes fits the JSON schemas of Kubernetes' API, as kubernetes-validate holds them."""

import subprocess
from pathlib import Path

import pytest

from test_support.paths import ROOT

COMMAND = ROOT / ".venv-clients" / "kubernetes-validate" / "bin" / "kubernetes-validate"
MANIFEST = ROOT / "docs" / "recipes" / "kubernetes.yaml"
pytestmark = [
    pytest.mark.clients,
    pytest.mark.skipif(
        not COMMAND.exists(), reason="kubernetes-validate is not installed: make test-clients installs it"
    ),
]


def validate(path: Path, version: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [COMMAND, "--strict", "--kubernetes-version", version, path],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize("version", ["1.33", "1.35", "1.37"])
def test_manifest_fits_the_schema(version: str) -> None:
    ended = validate(MANIFEST, version)

    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert f"passed for resource cronjob/oneup-pinterest against version {version}" in ended.stdout


@pytest.mark.parametrize(
    ("written", "wrong"),
    [
        ("completions: 16", "completions: sixteen"),
        ("backoffLimitPerIndex: 2", "backoffLimitPerIndexes: 2"),
        ("secretKeyRef: { name: oneup-pinterest, key: api-key }", "secretKeyRef: { name: oneup-pinterest }"),
    ],
)
def test_damaged_manifest_does_not_fit(tmp_path: Path, written: str, wrong: str) -> None:
    text = MANIFEST.read_text(encoding="utf-8")
    assert written in text
    (tmp_path / "damaged.yaml").write_text(text.replace(written, wrong), encoding="utf-8")

    assert validate(tmp_path / "damaged.yaml", "1.37").returncode != 0
