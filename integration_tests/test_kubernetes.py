"""The manifest for Kubernetes: its pods run commands that exist, with settings that exist, one shard each."""

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from integration_tests.databases import rows
from oneup_pinterest.cli.syncing import sync as sync_command
from oneup_pinterest.sandbox import Sandbox
from oneup_pinterest.sync.config import KEY_VARIABLE
from source_oneup_pinterest.components.clock import CLOCK_VARIABLE
from test_support.paths import ROOT

BIN = Path(sys.executable).parent
SETTINGS = '"timezone": "UTC"'


@pytest.fixture(scope="module")
def job() -> dict[str, Any]:
    manifest = yaml.safe_load((ROOT / "docs" / "recipes" / "kubernetes.yaml").read_text(encoding="utf-8"))
    found: dict[str, Any] = manifest["spec"]["jobTemplate"]["spec"]
    return found


@pytest.fixture(scope="module")
def container(job: dict[str, Any]) -> dict[str, Any]:
    (found,) = job["template"]["spec"]["containers"]
    assert isinstance(found, dict)
    return found


def values(container: dict[str, Any]) -> dict[str, str]:
    return {each["name"]: each["value"] for each in container["env"] if "value" in each}


def run_pod(
    container: dict[str, Any], index: int, sandbox: Sandbox, **environment: str
) -> subprocess.CompletedProcess[str]:
    """Run the command of a pod as Kubernetes does, against the sandbox."""
    (script,) = container["args"]
    urls = {key: value for key, value in sandbox.config().items() if key.endswith("_url")}
    assert script.count(SETTINGS) == 1
    settings = ", ".join([SETTINGS, '"start_date": "2026-05-01"', *(f'"{key}": "{url}"' for key, url in urls.items())])
    return subprocess.run(
        [*container["command"], script.replace(SETTINGS, settings)],
        env={
            "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}",
            "JOB_COMPLETION_INDEX": str(index),
            CLOCK_VARIABLE: sandbox.now.isoformat(),
            **values(container),
            KEY_VARIABLE: sandbox.api_key,
            **environment,
        },
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def test_each_shard_has_a_pod(job: dict[str, Any], container: dict[str, Any]) -> None:
    settings = values(container)

    assert job["completionMode"] == "Indexed"
    assert job["completions"] == int(settings["SHARDS"])
    assert job["parallelism"] == int(settings["WORKERS"])
    assert job["completions"] % job["parallelism"] == 0
    assert int(settings["REQUESTS_PER_MINUTE"]) >= int(settings["WORKERS"])


def test_options_and_secrets_are_those_of_the_command(container: dict[str, Any]) -> None:
    (script,) = container["args"]
    options = {option for parameter in sync_command.params for option in parameter.opts}
    secrets = [each["name"] for each in container["env"] if "valueFrom" in each]

    used = set(re.findall(r"--[a-z-]+", script))
    assert {"--config", "--database", "--data-path"} <= used <= options
    assert KEY_VARIABLE in secrets
    assert not any("KEY" in name or "PASS" in name or "SECRET" in name for name in values(container))


def test_statuses_that_are_not_tried_again_are_config_errors_and_unreadable_accounts(job: dict[str, Any]) -> None:
    (rule,) = [rule for rule in job["podFailurePolicy"]["rules"] if rule["action"] == "FailIndex"]

    assert rule["onExitCodes"]["containerName"] == "sync"
    assert rule["onExitCodes"]["values"] == [2, 3]


@pytest.mark.slow
def test_pods_together_sync_every_account(
    container: dict[str, Any], sandbox: Sandbox, database: Path, tmp_path: Path
) -> None:
    file = {"DATABASE": str(database), "DATA_PATH": "", "HOME": str(tmp_path), "SHARDS": "2", "WORKERS": "2"}

    ended = [run_pod(container, index, sandbox, **file) for index in range(2)]

    assert [each.returncode for each in ended] == [0, 0], [each.stderr for each in ended]
    assert rows(database, "SELECT social_network_id FROM accounts ORDER BY 1") == [
        (account,) for account in sorted(sandbox.account_ids)
    ]
    assert not any(sandbox.api_key in each.stdout + each.stderr for each in ended)


def test_wrong_number_of_shards_ends_with_the_status_of_a_config_error(
    container: dict[str, Any], sandbox: Sandbox, database: Path
) -> None:
    ended = run_pod(container, 16, sandbox, DATABASE=str(database), DATA_PATH="")

    assert ended.returncode == 2
    assert "`shard` is `17/16`" in ended.stderr
