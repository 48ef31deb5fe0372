"""Write one shard of a lake without a network: the process that tests kill, and what they read afterwards.

Run with the packages of the extra `lake`: `python -m integration_tests.lake.writing write|check LAKE …`.
"""

import json
import sys
from contextlib import closing
from datetime import date, timedelta
from typing import Any

from oneup_pinterest.database.connection import explain_database_errors
from oneup_pinterest.database.place import Place, place_of
from oneup_pinterest.errors import UserError
from oneup_pinterest.sync.database_file import attach
from oneup_pinterest.sync.lake_writer import LakeWriter
from test_support.stream_schemas import SCHEMAS

FIRST = date(2026, 5, 1)
PINS = 40  # of each account, each day


def write(place: Any, shard: str, commits: int, data_path: str) -> None:
    """Append one day after another for two accounts of a shard, each with its state, and print each commit."""
    with LakeWriter(place_of(place, data_path), shard) as writer:  # type: ignore[arg-type]
        writer.prepare({name: SCHEMAS[name] for name in ("pins", "account_followers")})
        writer.start_run()
        stored = writer.states().get("pins", {"states": []})["states"]
        accounts = [f"pin_{shard.partition('/')[0]}_{letter}" for letter in "ab"]
        done = {entry["partition"]["social_network_id"]: entry["cursor"]["day"] for entry in stored}
        for number in range(commits):
            for account in accounts:
                day = int(done.get(account, -1)) + 1
                writer.write("pins", [_pin(account, pin, day) for pin in range(PINS)])
                entry = {"partition": {"social_network_id": account}, "cursor": {"day": str(day)}}
                writer.write_state("pins", {"states": [entry]})
                done[account] = str(day)
            writer.commit()
            writer.append()
            print(number, flush=True)
        writer.finish_run("done", {}, [], 0, 0.0, None)


def _pin(account: str, pin: int, day: int) -> dict[str, Any]:
    return {
        "social_network_id": account,
        "id": f"{account}/{pin}",
        "text": f"Pin {pin}",
        "impressions": 100 * day + pin,
        "snapshot_date": (FIRST + timedelta(days=day)).isoformat(),
    }


def check(place: Place) -> dict[str, Any]:
    """Return the commits of each account by its state, and the problems: lost, doubled or unvouched rows."""
    with closing(attach(place, "READ_ONLY")) as connection:
        run = connection.execute
        run("BEGIN")  # all queries see one moment
        states = json.loads(run("SELECT state FROM _airbyte_state WHERE stream_name = 'pins'").fetchall()[0][0])
        cursors = {entry["partition"]["social_network_id"]: int(entry["cursor"]["day"]) for entry in states["states"]}
        problems = []
        found = {
            account: (rows, days, last, impressions)
            for account, rows, days, last, impressions in run(
                "SELECT social_network_id, count(*), count(DISTINCT snapshot_date), max(snapshot_date), "
                "sum(impressions) FROM pins GROUP BY 1"
            ).fetchall()
        }
        for account in cursors.keys() | found.keys():
            days = cursors.get(account, -1) + 1
            total = sum(100 * day + pin for day in range(days) for pin in range(PINS))
            expected = (PINS * days, days, FIRST + timedelta(days=days - 1), total)
            if found.get(account) != expected:
                problems.append(f"{account}: {found.get(account)} instead of {expected}")
        versions = run(
            "SELECT count(*) - count(DISTINCT (social_network_id, id, snapshot_date)) FROM versions._pin_counters"
        ).fetchall()
        if versions != [(0,)]:
            problems.append(f"{versions[0][0]} rows were appended twice")
        return {"commits": sum(day + 1 for day in cursors.values()), "problems": problems}


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["write", lake, shard, commits, data_path]:
            try:
                with explain_database_errors(place_of(lake), to_write=True):
                    write(lake, shard, int(commits), data_path)
            except UserError as error:
                sys.exit(str(error))
        case ["check", lake]:
            print(json.dumps(check(place_of(lake))))
