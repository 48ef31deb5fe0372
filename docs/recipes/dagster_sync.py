"""Sync and report as two Dagster assets, once a day: dagster dev -f dagster_sync.py"""

import json
import os
import subprocess
from pathlib import Path

import dagster as dg

# a command in an environment of its own, because Dagster pins other versions of what the kit needs
COMMAND = os.environ.get("ONEUP_PINTEREST", "oneup-pinterest")
DATABASE = os.environ.get("ONEUP_PINTEREST_DATABASE", "oneup_pinterest.duckdb")
REPORT = os.environ.get("ONEUP_PINTEREST_REPORT", "report.html")


def run(context: dg.AssetExecutionContext, *arguments: str) -> str:
    """Run a command on the database and return its stdout; status 3 means that some accounts could not be read."""
    command = [COMMAND, *arguments, "--database", DATABASE]
    ended = subprocess.run(command, capture_output=True, encoding="utf-8", check=False)
    context.log.info(ended.stderr)
    if ended.returncode not in (0, 3):
        raise dg.Failure(ended.stderr, allow_retries=ended.returncode != 2)  # 2: the config is wrong
    return ended.stdout


@dg.asset(retry_policy=dg.RetryPolicy(max_retries=2, delay=600))
def oneup_pinterest_history(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
    """The DuckDB file with the history of all accounts."""
    summary = json.loads(run(context, "sync", "--json"))
    for skipped in summary["skipped_accounts"]:
        context.log.warning(f"{skipped['social_network_id']}: {skipped['reason']}")
    rows = {f"new_rows/{stream}": counts["rows"] for stream, counts in summary["streams"].items()}
    return dg.MaterializeResult(
        metadata={**rows, "requests": summary["requests"], "skipped_accounts": len(summary["skipped_accounts"])}
    )


@dg.asset(deps=[oneup_pinterest_history])
def oneup_pinterest_report(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
    """One HTML page on what changed."""
    run(context, "report", "--output", REPORT)
    return dg.MaterializeResult(metadata={"page": dg.MetadataValue.path(str(Path(REPORT).absolute()))})


job = dg.define_asset_job("oneup_pinterest", [oneup_pinterest_history, oneup_pinterest_report])
defs = dg.Definitions(
    assets=[oneup_pinterest_history, oneup_pinterest_report],
    jobs=[job],
    schedules=[dg.ScheduleDefinition(job=job, cron_schedule="0 4 * * *", execution_timezone="UTC")],
)
