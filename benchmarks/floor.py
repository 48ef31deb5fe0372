"""The lower bound for the cost of a first sync: the same requests, the same rows, one insert per table, nothing else.

python -m benchmarks.floor URL DATABASE
"""

import sys
from collections import defaultdict
from typing import Any

import duckdb
import orjson
import polars as pl
import requests

WEEKS = 13  # of a first sync's 90 days of overviews
TODAY, FIRST_DAY = "2026-01-31", "2025-11-02"


def main() -> None:
    """Read everything from `URL` into a new file `DATABASE`."""
    url, database = sys.argv[1:]
    rows: dict[str, list[dict[str, Any]]] = defaultdict(list)
    with requests.Session() as session:
        for account in _data(session, f"{url}/listsocialaccounts"):
            rows["accounts"].append(account)
            name = {"social_network_id": account["social_account_id"]}
            for week in range(WEEKS):
                stamp = name | {"period_start": FIRST_DAY, "period_end": TODAY, "week": week}
                data = _data(session, f"{url}/pinterest/overview", name | {"week": week})
                rows["overview_metrics"] += [metric | stamp for metric in data["metrics"]]
                for ranking, entries in data["post_performance"].items():
                    rows["post_performance"] += [entry | stamp | {"ranking": ranking} for entry in entries]
            rows["account_followers"].append(name | {"total_followers": data["total_followers"]})
            data = _data(session, f"{url}/pinterest/posts", name)
            stamp = name | {"period_start": FIRST_DAY, "period_end": TODAY, "snapshot_date": TODAY}
            rows["pin_totals"] += [metric | stamp for metric in data["stats"]]
            for pin in data["posts"]:
                rows["pins"].append(pin | pin.pop("stats") | stamp)
    with duckdb.connect(database) as connection:
        for table, records in rows.items():
            frame = pl.DataFrame(records)  # noqa: F841 - DuckDB finds it by name
            connection.execute(f"CREATE TABLE {table} AS FROM frame")


def _data(session: requests.Session, url: str, parameters: dict[str, Any] | None = None) -> Any:
    return orjson.loads(session.get(url, params={"apiKey": "benchmark", **(parameters or {})}, timeout=60).content)[
        "data"
    ]


if __name__ == "__main__":
    main()
