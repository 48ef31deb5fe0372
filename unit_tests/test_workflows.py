"""The workflows of GitHub name fixed versions and existing targets, and only one job may publish."""

import re
import shlex
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

from test_support.paths import ROOT

WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
RELEASE = ROOT / ".github" / "workflows" / "release.yml"


def jobs(workflow: Path) -> dict[str, dict[str, Any]]:
    return dict(yaml.safe_load(workflow.read_text(encoding="utf-8"))["jobs"])


def steps(workflow: Path, key: str) -> list[str]:
    return [step[key] for job in jobs(workflow).values() for step in job["steps"] if key in step]


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.stem)
def test_every_action_is_pinned_by_its_commit(workflow: Path) -> None:
    assert [name for name in steps(workflow, "uses") if not re.fullmatch(r"[\w./-]+@[0-9a-f]{40}", name)] == []


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.stem)
def test_every_target_of_make_exists(workflow: Path) -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = [shlex.split(command)[1] for command in steps(workflow, "run") if command.startswith("make ")]
    assert [name for name in targets if not re.search(rf"^{re.escape(name)}:", makefile, re.MULTILINE)] == []


def test_only_the_approved_job_may_publish() -> None:
    rights = {
        (workflow.stem, name): job.get("permissions", {})
        for workflow in WORKFLOWS
        for name, job in jobs(workflow).items()
    }
    assert [job for job, right in rights.items() if "id-token" in right] == [("release", "publish")]
    assert jobs(RELEASE)["publish"]["environment"] == "pypi"
    assert yaml.safe_load(RELEASE.read_text(encoding="utf-8"))["permissions"] == {}


def test_a_release_tests_builds_and_checks_every_distribution_before_it_publishes() -> None:
    build = jobs(RELEASE)["build"]["steps"]
    commands = [step.get("run", "") for step in build]
    built = [ROOT / step.get("working-directory", ".") for step in build if "hatchling build" in step.get("run", "")]
    names = {
        tomllib.loads((folder / "pyproject.toml").read_text(encoding="utf-8"))["project"]["name"] for folder in built
    }

    assert names == {"source-oneup-pinterest", "oneup-pinterest"}
    last_build = max(number for number, command in enumerate(commands) if "hatchling build" in command)
    assert commands.index("make test") < last_build
    assert "twine" in commands[last_build + 1]
    assert (jobs(RELEASE)["publish"]["needs"], jobs(RELEASE)["release"]["needs"]) == ("build", "publish")
