"""Pins and overview by dlt alone, without Airbyte: ONEUP_API_KEY=… python dlt_sync.py DATABASE.duckdb."""

import os
import sys
from datetime import UTC, datetime
from typing import Any

os.environ.setdefault("RUNTIME__DLTHUB_TELEMETRY", "false")

import dlt
from dlt.sources.rest_api import rest_api_source

ANALYTICS = os.environ.get("ONEUP_ANALYTICS_URL", "https://analyze.oneupapp.io/api")
ACCOUNTS = os.environ.get("ONEUP_ACCOUNTS_URL", "https://www.oneupapp.io/api")
KEY = {"type": "api_key", "name": "apiKey", "api_key": os.environ["ONEUP_API_KEY"], "location": "query"}
TODAY = datetime.now(UTC).date()


def is_pinterest(account: dict[str, Any]) -> bool:
    return str(account["social_network_type"]).lower() == "pinterest"


def seen_today(row: dict[str, Any]) -> dict[str, Any]:
    account, counters = row.pop("_accounts_social_account_id"), row.pop("stats", {})
    return {**row, **counters, "social_network_id": account, "snapshot_date": TODAY}


def of_each_account(name: str, path: str, preset: str, rows: str, key: list[str]) -> dict[str, Any]:
    return {
        "name": name,
        "endpoint": {
            "path": f"{ANALYTICS}/pinterest/{path}",
            "params": {"social_network_id": "{resources.accounts.social_account_id}", "preset": preset},
            "data_selector": rows,
            "paginator": "single_page",
        },
        "include_from_parent": ["social_account_id"],
        "processing_steps": [{"map": seen_today}],
        "primary_key": ["social_network_id", "snapshot_date", *key],
        "write_disposition": "merge",
    }


accounts = {
    "name": "accounts",
    "endpoint": {"path": f"{ACCOUNTS}/listsocialaccounts", "data_selector": "data", "paginator": "single_page"},
    "processing_steps": [{"filter": is_pinterest}],
    "primary_key": "social_account_id",
    "write_disposition": "merge",
}
source = rest_api_source(
    {
        "client": {"base_url": ANALYTICS, "auth": KEY, "headers": {"Accept": "application/json"}},
        "resources": [
            accounts,
            of_each_account("pins", "posts", "last_90_days", "data.posts", ["id"]),
            of_each_account("overview_metrics", "overview", "last_30_days", "data.metrics", ["key"]),
        ],
    }
)
pipeline = dlt.pipeline("oneup_pinterest", destination=dlt.destinations.duckdb(sys.argv[1]), dataset_name="oneup")
print(pipeline.run(source))
