"""The workflow asks for few rights, never runs twice at once, and replaces no file of another origin."""

from datetime import time
from pathlib import Path
from typing import Any

import pytest
import yaml

from oneup_pinterest.errors import UserError
from oneup_pinterest.setup.schedule import files, install, instructions
from test_support.nightly_job import FakeTools, job_in

FILE = "oneup-pinterest.yml"


def workflow(**changes: Any) -> dict[Any, Any]:
    return dict(yaml.safe_load(files("github", job_in()._replace(**changes))[FILE]))


def test_the_workflow_runs_daily_at_the_time_and_never_twice_at_once() -> None:
    parsed = workflow(at=time(3, 20))

    assert parsed[True]["schedule"] == [{"cron": "20 3 * * *"}]  # YAML reads `on` as true
    assert "workflow_dispatch" in parsed[True]
    assert parsed["concurrency"] == {"group": "oneup-pinterest", "cancel-in-progress": False}


def test_each_job_has_only_the_permissions_that_it_needs() -> None:
    parsed = workflow()

    assert parsed["permissions"] == {}
    assert {name: job["permissions"] for name, job in parsed["jobs"].items()} == {
        "sync": {"actions": "read"},
        "publish": {"pages": "write", "id-token": "write"},
    }


def test_only_the_sync_sees_the_key_and_the_report_no_secret() -> None:
    parsed = workflow()
    with_key = [step["name"] for step in parsed["jobs"]["sync"]["steps"] if "ONEUP_API_KEY" in str(step)]

    assert with_key == ["Sync"]
    assert "secrets" not in str(parsed["env"])
    assert "secrets" not in str(parsed["jobs"]["publish"])


def test_actions_are_official_ones_with_a_major_version() -> None:
    steps = [step for job in workflow()["jobs"].values() for step in job["steps"]]
    used = {step["uses"] for step in steps if "uses" in step}

    assert used == {
        "actions/setup-python@v6",
        "actions/upload-artifact@v7",
        "actions/upload-pages-artifact@v5",
        "actions/deploy-pages@v5",
    }


def test_without_a_report_there_is_no_public_page() -> None:
    parsed = workflow(report=None)

    assert list(parsed["jobs"]) == ["sync"]
    assert [step.get("name") for step in parsed["jobs"]["sync"]["steps"]][-1] == "Keep the database in the bucket"
    assert "pages" not in instructions("github", job_in(with_report=False))


def test_comments_say_who_can_see_the_data_and_how_long_they_are_kept() -> None:
    comments = " ".join(line.removeprefix("# ") for line in files("github", job_in())[FILE].splitlines())

    assert "In a public repository, everybody who is signed in to GitHub can download the database" in comments
    assert "The page of the report is public, also that of a private repository" in comments
    assert "deletes artifacts after at most 90 days" in comments


def test_install_writes_the_workflow_into_a_checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match="not a git checkout"):
        install("github", job_in(), FakeTools())
    assert list(tmp_path.iterdir()) == []
    (tmp_path / ".git").mkdir()

    for _ in range(2):
        assert "gh secret set ONEUP_API_KEY" in install("github", job_in(), FakeTools())

    path = tmp_path / ".github" / "workflows" / FILE
    assert path.read_text(encoding="utf-8") == files("github", job_in())[FILE]


def test_install_refuses_to_overwrite_a_different_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".git").touch()  # a worktree
    path = tmp_path / ".github" / "workflows" / FILE
    path.parent.mkdir(parents=True)
    path.write_text("mine")

    with pytest.raises(UserError, match="exists and differs"):
        install("github", job_in(), FakeTools())

    assert path.read_text() == "mine"
