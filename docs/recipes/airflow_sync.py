"""Sync and report as an Airflow DAG, once a day: copy this file into the folder of DAGs."""

import json
import logging
import os
import subprocess
from datetime import datetime, timedelta
from pathlib import Path

from airflow.sdk import dag, task
from airflow.sdk.exceptions import AirflowFailException

# a command in an environment of its own, because Airflow pins other versions of what the kit needs
COMMAND = os.environ.get("ONEUP_PINTEREST", "oneup-pinterest")
DATABASE = os.environ.get("ONEUP_PINTEREST_DATABASE", "oneup_pinterest.duckdb")
REPORT = os.environ.get("ONEUP_PINTEREST_REPORT", "report.html")
log = logging.getLogger(__name__)


def run(*arguments: str) -> str:
    """Run a command on the database and return its stdout; status 3 means that some accounts could not be read."""
    command = [COMMAND, *arguments, "--database", DATABASE]
    ended = subprocess.run(command, capture_output=True, encoding="utf-8", check=False)
    log.info(ended.stderr)
    if ended.returncode == 2:  # the config is wrong: trying again would not help
        raise AirflowFailException(ended.stderr)
    if ended.returncode not in (0, 3):
        raise RuntimeError(ended.stderr)
    return ended.stdout


@dag(schedule="0 4 * * *", start_date=datetime(2026, 1, 1), catchup=False, max_active_runs=1)
def oneup_pinterest():
    @task(retries=2, retry_delay=timedelta(minutes=10))
    def sync() -> dict:
        summary = json.loads(run("sync", "--json"))
        for skipped in summary["skipped_accounts"]:
            log.warning("%s: %s", skipped["social_network_id"], skipped["reason"])
        return summary  # an XCom that later tasks may read

    @task
    def report() -> str:
        run("report", "--output", REPORT)
        return str(Path(REPORT).absolute())

    sync() >> report()


history = oneup_pinterest()
