"""The steps of the GitHub workflow, run by bash as GitHub runs them, with stand-ins for its command-line tools."""

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest
import yaml

from integration_tests.scheduler_tools import require
from oneup_pinterest.setup.schedule import files
from test_support.nightly_job import job_in

# Each records its arguments. `gh` sends the prepared list of artifacts, or the archive of one.
STAND_INS = {
    "gh": """
case "$2" in
  *"/artifacts?name="*) cat artifacts.reply ;;
  *) cat "$(basename "$(dirname "$2")").zip" ;;
esac
""",
    "aws": 'if [ "$2" = sync ] && [ -d bucket ]; then cp bucket/* "$4"; fi\nexit "${AWS_STATUS:-0}"',
    "oneup-pinterest": 'cat > stdin\necho "key=$ONEUP_API_KEY" >> calls\nexit "${SYNC_STATUS:-0}"',
}
DATABASE = "data/oneup_pinterest.duckdb"


class Runner:
    """A folder with the stand-ins, and the steps of the job."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        bin_folder = folder / "bin"
        bin_folder.mkdir()
        for name, script in STAND_INS.items():
            (bin_folder / name).write_text(f'#!/bin/sh\necho "{name} $*" >> calls\n{script}\n')
            (bin_folder / name).chmod(0o755)
        (bin_folder / "python").symlink_to(sys.executable)
        workflow = yaml.safe_load(files("github", job_in())["oneup-pinterest.yml"])
        self.steps = {step["name"]: step for step in workflow["jobs"]["sync"]["steps"] if "name" in step}
        self.environment = {
            "PATH": f"{bin_folder}:{os.environ['PATH']}",
            "DATABASE": workflow["env"]["DATABASE"],
            "BUCKET": "",
            "AWS_ENDPOINT_URL": "",
            "GITHUB_REPOSITORY": "me/pins",
            "GITHUB_REF_NAME": "main",
        }

    def __call__(self, step: str, **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["bash", "-e", "-c", self.steps[step]["run"]],  # without `shell:`, GitHub's bash has no pipefail
            cwd=self.folder,
            env={**self.environment, **environment},
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )

    def offer(self, *artifacts: dict[str, Any]) -> None:
        (self.folder / "artifacts.reply").write_text(json.dumps({"total_count": 9, "artifacts": artifacts}))

    def calls(self) -> list[str]:
        path = self.folder / "calls"
        return path.read_text().splitlines() if path.exists() else []

    def database(self) -> str | None:
        path = self.folder / DATABASE
        return path.read_text() if path.exists() else None


@pytest.fixture
def runner(tmp_path: Path) -> Runner:
    require("bash", "bash")
    require("jq", "jq")
    return Runner(tmp_path)


def artifact(number: int, day: int, branch: str = "main", head: int = 1, expired: bool = False) -> dict[str, Any]:
    return {
        "id": number,
        "name": "oneup-pinterest-database",
        "expired": expired,
        "created_at": f"2026-05-{day:02}T06:10:00Z",
        "workflow_run": {"repository_id": 1, "head_repository_id": head, "head_branch": branch},
    }


def test_the_newest_database_of_this_branch_is_restored(runner: Runner) -> None:
    runner.offer(
        artifact(5, 20, branch="other"),
        artifact(4, 19, head=2),  # a fork's pull request
        artifact(2, 17),
        artifact(3, 18),
        artifact(1, 10, expired=True),
    )
    with zipfile.ZipFile(runner.folder / "3.zip", "w") as archive:
        archive.writestr("oneup_pinterest.duckdb", "of run 3")

    ended = runner("Restore the newest database")

    assert ended.returncode == 0, ended.stderr
    assert runner.database() == "of run 3"
    assert runner.calls()[-1] == "gh api repos/me/pins/actions/artifacts/3/zip"


@pytest.mark.parametrize(
    ("artifacts", "message"),
    [
        ([], "::notice::There is no database yet"),
        ([artifact(1, 1, head=2)], "::notice::There is no database yet"),
        ([artifact(1, 1, expired=True)], "::warning::The newest database has expired"),
    ],
)
def test_without_a_database_the_run_says_that_it_starts_one(
    artifacts: list[dict[str, Any]], message: str, runner: Runner
) -> None:
    runner.offer(*artifacts)

    ended = runner("Restore the newest database")

    assert ended.returncode == 0
    assert ended.stdout.startswith(message)
    assert runner.database() is None


def test_a_list_that_cannot_be_read_stops_the_run_instead_of_starting_empty(runner: Runner) -> None:
    assert runner("Restore the newest database").returncode != 0  # `gh` fails: there is nothing to send
    runner.offer(artifact(7, 1))
    assert runner("Restore the newest database").returncode != 0  # the archive cannot be downloaded


def test_a_bucket_takes_the_place_of_artifacts(runner: Runner) -> None:
    (runner.folder / "bucket").mkdir()
    (runner.folder / "bucket" / "oneup_pinterest.duckdb").write_text("of the bucket")

    assert runner("Restore the newest database", BUCKET="s3://pins/history").returncode == 0
    assert runner.database() == "of the bucket"
    assert runner("Keep the database in the bucket", BUCKET="s3://pins/history").returncode == 0

    assert runner.calls() == [
        "aws s3 sync s3://pins/history data --exclude * --include oneup_pinterest.duckdb",
        f"aws s3 cp {DATABASE} s3://pins/history/oneup_pinterest.duckdb",
    ]
    assert runner("Restore the newest database", BUCKET="s3://pins/history", AWS_STATUS="1").returncode != 0


def test_a_bucket_gets_nothing_if_there_is_no_database(runner: Runner) -> None:
    assert runner("Keep the database in the bucket", BUCKET="s3://pins").returncode == 0
    assert runner.calls() == []


@pytest.mark.parametrize(("status", "ends"), [(0, 0), (3, 0), (1, 1), (2, 2)])
def test_a_sync_without_some_account_goes_on_and_a_failed_one_ends_the_run(
    status: int, ends: int, runner: Runner
) -> None:
    config = '{"timezone": "Europe/Berlin"}'
    ended = runner("Sync", SYNC_STATUS=str(status), ONEUP_API_KEY="secret", ONEUP_CONFIG=config)

    assert ended.returncode == ends
    assert ("::warning::An account could not be read" in ended.stdout) == (status == 3)
    assert (runner.folder / "stdin").read_text() == config
    assert runner.calls() == [f"oneup-pinterest sync --config - --database {DATABASE} --quiet", "key=secret"]


def test_the_report_is_written_where_the_page_is_taken_from(runner: Runner) -> None:
    assert runner("Write the report").returncode == 0
    assert runner.calls()[0] == f"oneup-pinterest report --database {DATABASE} --output site/index.html"
    assert (runner.folder / "site").is_dir()


def test_the_database_is_kept_after_a_failed_sync_but_not_after_a_failed_restore(runner: Runner) -> None:
    artifact_step = runner.steps["Keep the database as an artifact"]
    bucket_step = runner.steps["Keep the database in the bucket"]
    for step in (artifact_step, bucket_step):
        assert "!cancelled() && steps.restore.outcome == 'success'" in step["if"]
    assert "vars.ONEUP_BUCKET == ''" in artifact_step["if"]
    assert "vars.ONEUP_BUCKET != ''" in bucket_step["if"]
    assert artifact_step["with"]["retention-days"] == 90
