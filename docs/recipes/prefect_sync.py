"""Sync and report as a Prefect flow: python prefect_sync.py runs it once, and --serve once a day."""

import json
import os
import subprocess
import sys

from prefect import flow, get_run_logger, task

# a command in an environment of its own, because Prefect pins other versions of what the kit needs
COMMAND = os.environ.get("ONEUP_PINTEREST", "oneup-pinterest")
DATABASE = os.environ.get("ONEUP_PINTEREST_DATABASE", "oneup_pinterest.duckdb")
REPORT = os.environ.get("ONEUP_PINTEREST_REPORT", "report.html")
DAILY = "0 4 * * *"


class WrongConfig(Exception):
    """Trying again would not help."""


def may_help(task, run, state) -> bool:
    return not isinstance(state.result(raise_on_failure=False), WrongConfig)


@task(task_run_name="{arguments[0]}", retries=2, retry_delay_seconds=600, retry_condition_fn=may_help)
def run(*arguments: str) -> str:
    """Run a command on the database and return its stdout; status 3 means that some accounts could not be read."""
    command = [COMMAND, *arguments, "--database", DATABASE]
    ended = subprocess.run(command, capture_output=True, encoding="utf-8", check=False)
    get_run_logger().info(ended.stderr)
    if ended.returncode not in (0, 3):
        raise (WrongConfig if ended.returncode == 2 else RuntimeError)(ended.stderr)
    return ended.stdout


@flow(name="oneup-pinterest")
def history() -> dict:
    summary = json.loads(run("sync", "--json"))
    for skipped in summary["skipped_accounts"]:
        get_run_logger().warning(f"{skipped['social_network_id']}: {skipped['reason']}")
    run("report", "--output", REPORT)
    return summary


if __name__ == "__main__":
    if "--serve" in sys.argv:
        history.serve(name="daily", cron=DAILY)  # needs a running server: prefect server start
    else:
        print(json.dumps(history()))
