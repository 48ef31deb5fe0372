"""The recipes for Dagster, Prefect and Airflow sync and report, each in an environment of its own."""

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from integration_tests.databases import contents, rows
from integration_tests.fixture_types import Days
from oneup_pinterest.sandbox import Sandbox
from oneup_pinterest.sync import sync
from source_oneup_pinterest.components.clock import CLOCK_VARIABLE
from test_support.paths import ROOT

CLIENTS, RECIPES = ROOT / ".venv-clients", ROOT / "docs" / "recipes"
COMMAND = Path(sys.executable).parent / "oneup-pinterest"
pytestmark = pytest.mark.clients


class Orchestrator(NamedTuple):
    """A tool, its command for one run of the recipe, and its settings: a folder of its own, and no calls home."""

    name: str
    run: tuple[str, ...]
    settings: Callable[[Path], dict[str, str]]
    schedule: str  # code that prints the schedule of the imported recipe

    def environment(self, folder: Path, sandbox: Sandbox) -> dict[str, str]:
        return {
            "PATH": os.pathsep.join((str(CLIENTS / self.name / "bin"), os.environ["PATH"])),
            "HOME": str(folder),
            "ONEUP_PINTEREST": str(COMMAND),
            "ONEUP_PINTEREST_DATABASE": str(folder / "history.duckdb"),
            "ONEUP_PINTEREST_REPORT": str(folder / "report.html"),
            "NO_COLOR": "1",
            CLOCK_VARIABLE: sandbox.now.isoformat(),
            **self.settings(folder),
        }


def dagster_settings(folder: Path) -> dict[str, str]:
    (folder / "dagster.yaml").write_text("telemetry:\n  enabled: false\n")
    return {"DAGSTER_HOME": str(folder)}


def airflow_settings(folder: Path) -> dict[str, str]:
    return {
        "AIRFLOW_HOME": str(folder / "airflow"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "false",
        "AIRFLOW__USAGE_DATA_COLLECTION__ENABLED": "false",
    }


ORCHESTRATORS = [
    Orchestrator(
        "dagster",
        ("dagster", "job", "execute", "-f", "{recipes}/dagster_sync.py", "-j", "oneup_pinterest"),
        dagster_settings,
        "[schedule] = recipe.defs.schedules; print(schedule.job.name, schedule.cron_schedule)",
    ),
    Orchestrator(
        "prefect",
        ("python", "{recipes}/prefect_sync.py"),
        lambda folder: {
            "PREFECT_HOME": str(folder / "prefect"),
            "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
            "DO_NOT_TRACK": "1",
        },
        "[schedule] = recipe.history.to_deployment('daily', cron=recipe.DAILY).schedules; "
        "print('oneup_pinterest', schedule.schedule.cron)",
    ),
    Orchestrator(
        "airflow",
        ("airflow", "dags", "test", "oneup_pinterest"),
        airflow_settings,
        "print(recipe.history.dag_id, recipe.history.schedule)",
    ),
]


@pytest.fixture(params=ORCHESTRATORS, ids=lambda orchestrator: orchestrator.name)
def orchestrator(request: pytest.FixtureRequest, tmp_path: Path) -> Orchestrator:
    found: Orchestrator = request.param
    if not (CLIENTS / found.name / "bin" / "python").exists():
        pytest.skip(f"{found.name} is not installed: make test-clients installs it")
    return found


@pytest.fixture
def run(
    orchestrator: Orchestrator, sandbox: Sandbox, tmp_path: Path
) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Return a function that runs the recipe once with a config, and with environment variables."""
    (tmp_path / "secrets").mkdir()
    config_file = tmp_path / "secrets" / "config.json"
    config_file.touch(mode=0o600)
    if orchestrator.name == "airflow":
        prepared = execute(("airflow", "db", "migrate"), tmp_path, orchestrator, sandbox)
        assert prepared.returncode == 0, prepared.stderr[-2000:]

    def run_once(
        config: dict[str, Any], recipes: Path = RECIPES, **environment: str
    ) -> subprocess.CompletedProcess[str]:
        config_file.write_text(json.dumps(config))
        command = tuple(part.format(recipes=recipes) for part in orchestrator.run)
        folder = {"AIRFLOW__CORE__DAGS_FOLDER": str(recipes)}
        ended = execute(command, tmp_path, orchestrator, sandbox, **folder, **environment)
        assert str(config["api_key"]) not in ended.stdout + ended.stderr
        return ended

    return run_once


def execute(
    command: tuple[str, ...], folder: Path, orchestrator: Orchestrator, sandbox: Sandbox, **environment: str
) -> subprocess.CompletedProcess[str]:
    program = CLIENTS / orchestrator.name / "bin" / command[0]
    return subprocess.run(
        [str(program), *command[1:]],
        cwd=folder,
        env={**orchestrator.environment(folder, sandbox), **environment},
        capture_output=True,
        text=True,
        timeout=240,  # less than the pause before another try
        check=False,
    )


def test_two_days_equal_those_of_the_command(
    orchestrator: Orchestrator, run: Any, sandbox: Sandbox, days_later: Days, tmp_path: Path
) -> None:
    config = {**sandbox.config(), "start_date": "2026-05-01"}
    for _ in range(2):
        ended = run(config)
        assert ended.returncode == 0, ended.stdout[-3000:] + ended.stderr[-3000:]
        assert sync(config, tmp_path / "expected.duckdb").status == "done"
        days_later(1)

    assert contents(tmp_path / "history.duckdb") == contents(tmp_path / "expected.duckdb")
    assert rows(tmp_path / "history.duckdb", "SELECT count(*) FROM _sync_runs") == [(2,)]
    assert (tmp_path / "report.html").stat().st_size > 100_000


def test_a_wrong_config_fails_at_once_with_its_message(run: Any, sandbox: Sandbox, tmp_path: Path) -> None:
    ended = run({**sandbox.config(), "start_dat": "2026-05-01"})

    assert ended.returncode != 0
    assert "did you mean `start_date`?" in ended.stdout + ended.stderr
    assert sandbox.requests == []
    assert not (tmp_path / "report.html").exists()


def test_an_account_that_cannot_be_read_does_not_stop_the_report(run: Any, sandbox: Sandbox, tmp_path: Path) -> None:
    accounts = [sandbox.account_ids[0], "pin_typo"]

    ended = run({**sandbox.config(), "start_date": "2026-05-01", "social_network_ids": accounts})

    assert ended.returncode == 0, ended.stdout[-3000:] + ended.stderr[-3000:]
    assert "pin_typo: " in ended.stdout + ended.stderr
    assert (tmp_path / "report.html").exists()


def test_a_failed_sync_is_tried_again(orchestrator: Orchestrator, run: Any, sandbox: Sandbox, tmp_path: Path) -> None:
    recipe = (RECIPES / f"{orchestrator.name}_sync.py").read_text(encoding="utf-8")
    shorter, count = re.subn(r"delay=600|delay_seconds=600|delay=timedelta\(minutes=10\)", shorter_pause, recipe)
    (tmp_path / "recipes").mkdir()
    (tmp_path / "recipes" / f"{orchestrator.name}_sync.py").write_text(shorter, encoding="utf-8")
    command = tmp_path / "fails_once"
    command.write_text(f'#!/bin/sh\nmkdir "{tmp_path}/failed" 2>/dev/null && exit 1\nexec {COMMAND} "$@"\n')
    command.chmod(0o755)
    config = {**sandbox.config(), "start_date": "2026-05-01"}

    ended = run(config, tmp_path / "recipes", ONEUP_PINTEREST=str(command))

    assert count == 1
    assert ended.returncode == 0, ended.stdout[-3000:] + ended.stderr[-3000:]
    assert (tmp_path / "failed").exists()
    assert rows(tmp_path / "history.duckdb", "SELECT count(*) FROM _sync_runs") == [(1,)]
    assert (tmp_path / "report.html").exists()


def shorter_pause(pause: re.Match[str]) -> str:
    return pause[0].replace("600", "1").replace("minutes=10", "seconds=1")


def test_the_recipe_runs_once_a_day(orchestrator: Orchestrator, sandbox: Sandbox, tmp_path: Path) -> None:
    code = f"import {orchestrator.name}_sync as recipe; {orchestrator.schedule}"
    command = ("python", "-c", f"import sys; sys.path.insert(0, {str(RECIPES)!r}); {code}")

    ended = execute(command, tmp_path, orchestrator, sandbox)

    assert ended.stdout.splitlines()[-1:] == ["oneup_pinterest 0 4 * * *"], ended.stderr[-3000:]


def test_prefect_serves_the_flow(sandbox: Sandbox, tmp_path: Path) -> None:
    [prefect] = [orchestrator for orchestrator in ORCHESTRATORS if orchestrator.name == "prefect"]
    python = CLIENTS / "prefect" / "bin" / "python"
    if not python.exists():
        pytest.skip("prefect is not installed: make test-clients installs it")
    process = subprocess.Popen(
        [python, "-u", RECIPES / "prefect_sync.py", "--serve"],
        cwd=tmp_path,
        env=prefect.environment(tmp_path, sandbox),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert process.stdout
    try:
        served = next((line for line in process.stdout if "is being served" in line), None)
    finally:
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=60)

    assert served
    assert "'oneup-pinterest'" in served
