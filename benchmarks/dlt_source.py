"""Load the rows of all streams into DuckDB with dlt's rest_api source, in the environment of `make test-clients`.

python dlt_source.py URL DATABASE
"""

import os
import sys
from typing import Any

WEEKS = 13  # of a first sync's 90 days of overviews


def resource_of_accounts(table: str, path: str, rows: str, key: list[str], week: int = 0) -> dict[str, Any]:
    """Return a resource with one request per account; without a response cache, each resource sends its own."""
    return {
        "name": f"{table}_{week}",
        "table_name": table,
        "endpoint": {
            "path": path,
            "params": {"social_network_id": "{resources.accounts.social_account_id}", "week": week},
            "data_selector": rows,
            "paginator": "single_page",
        },
        "include_from_parent": ["social_account_id"],
        "primary_key": ["_accounts_social_account_id", *key],
    }


def main() -> None:
    """Read everything from `URL` into a new file `DATABASE`."""
    os.environ.setdefault("RUNTIME__DLTHUB_TELEMETRY", "false")  # before dlt is imported
    import dlt
    from dlt.sources.rest_api import rest_api_source

    resources: list[dict[str, Any]] = [
        {"name": "accounts", "endpoint": {"path": "listsocialaccounts", "data_selector": "data"}},
        resource_of_accounts("pins", "pinterest/posts", "data.posts", ["id"]),
        resource_of_accounts("pin_totals", "pinterest/posts", "data.stats", ["key"]),
    ]
    for week in range(WEEKS):
        for table, rows in {"overview_metrics": "data.metrics", "post_performance": "data.post_performance"}.items():
            resource = resource_of_accounts(table, "pinterest/overview", rows, [], week)
            resources.append(resource | {"write_disposition": "append"})
    source = rest_api_source(
        {
            "client": {
                "base_url": sys.argv[1],
                "auth": {"type": "api_key", "name": "apiKey", "api_key": "benchmark", "location": "query"},
                "paginator": "single_page",
            },
            "resource_defaults": {"write_disposition": "merge"},
            "resources": resources,
        }
    )
    destination = dlt.destinations.duckdb(sys.argv[2])
    dlt.pipeline("benchmark", destination=destination, dataset_name="oneup").run(source)


if __name__ == "__main__":
    main()
