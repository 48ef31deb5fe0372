"""Sync and load the same into a file and into a lake, and compare all that readers see.

Run with the packages of the extra `lake`: `python -m integration_tests.lake.same_as_a_file FOLDER LAKE`.
"""

import csv
import json
import os
import re
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

from integration_tests.lake.relations import RANDOM, relations, stored_views
from integration_tests.test_fields import with_pins
from oneup_pinterest.database.export import export_relations
from oneup_pinterest.database.place import Place, place_of
from oneup_pinterest.report import write_report
from oneup_pinterest.sandbox import Fault, Sandbox
from oneup_pinterest.sync import run as run_module
from oneup_pinterest.sync import sync
from oneup_pinterest.sync.load import load
from source_oneup_pinterest.components.clock import CLOCK_VARIABLE
from test_support.clock import NOON

OLD, NEW = "pin_sandbox_hearth_and_oak", "pin_sandbox_hearth_kitchen"


def main(folder: Path, lake: str) -> None:
    file, place = folder / "history.duckdb", place_of(lake, str(folder / "files"))
    run_module.BATCH_ROWS = 100  # periods and days are split between batches
    with Sandbox(accounts=3, now=NOON) as sandbox:
        for step in STEPS:
            os.environ[CLOCK_VARIABLE] = sandbox.now.isoformat()
            step(sandbox, file, place)
            print(step.__name__, flush=True)
            with_bi = step is a_full_refresh  # a file with a rename has none in DuckDB 1.5
            _require_equal(step.__name__, relations(file, with_bi=with_bi), relations(place, with_bi=with_bi))
        _require_equal("views", stored_views(file), stored_views(place))
        _require_equal("exports", *(_exported(each, folder / f"export{n}") for n, each in enumerate((file, place))))
        _require_equal("reports", *(_report(each, folder / f"report{n}.html") for n, each in enumerate((file, place))))


def _both(sandbox: Sandbox, file: Path, place: Place, full_refresh: bool = False) -> None:
    results = []
    for database in (file, place):
        result = sync(sandbox.config(), database, full_refresh=full_refresh)
        results.append((result.status, result.streams, sorted(result.warnings), result.skipped_accounts))
    _require_equal("results", *results)
    assert results[0][0] == "done", results[0]


def first_day(sandbox: Sandbox, file: Path, place: Place) -> None:
    _both(sandbox, file, place)


def missing_values_on_the_same_day(sandbox: Sandbox, file: Path, place: Place) -> None:
    def with_nulls(response: dict[str, Any]) -> dict[str, Any]:
        response["data"]["stats"][0]["value_current_period"] = None
        return with_pins(response, text=None, stats={"saves": None})

    sandbox.inject(Fault("edit", path="posts", times=None, edit=with_nulls))
    _both(sandbox, file, place)
    sandbox.reset_faults()
    sandbox.now += timedelta(days=1)


def new_fields(sandbox: Sandbox, file: Path, place: Place) -> None:
    def with_fields(response: dict[str, Any]) -> dict[str, Any]:
        return with_pins(response, board="Garden", meta={"a": [1]}, size=4, stats={"closeups": 4})

    sandbox.inject(Fault("edit", path="posts", times=None, edit=with_fields))
    _both(sandbox, file, place)
    sandbox.reset_faults()
    sandbox.now += timedelta(days=1)


def fields_of_other_types(sandbox: Sandbox, file: Path, place: Place) -> None:
    def with_fields(response: dict[str, Any]) -> dict[str, Any]:
        return with_pins(response, board=5, meta=[2], size=4.5, stats={"closeups": 2**62 + 1}, pin_key="a\0b")

    sandbox.inject(Fault("edit", path="posts", times=None, edit=with_fields))
    _both(sandbox, file, place)
    sandbox.reset_faults()
    sandbox.now += timedelta(days=1)


def zeros_of_an_expired_connection(sandbox: Sandbox, file: Path, place: Place) -> None:
    _both(sandbox, file, place)
    sandbox.add_account(sandbox.account_ids[0], is_expired=True)
    _both(sandbox, file, place)
    sandbox.add_account(sandbox.account_ids[0])
    sandbox.now += timedelta(days=1)


def a_full_refresh(sandbox: Sandbox, file: Path, place: Place) -> None:
    def with_fewer_entries(response: dict[str, Any]) -> None:
        lists = response["data"]["post_performance"]
        del lists["most_views"], response["data"]["metrics"][2]
        lists["least_views"] = lists["least_views"][::-1][:2]

    sandbox.inject(Fault("edit", path="overview", times=None, edit=with_fewer_entries))
    _both(sandbox, file, place, full_refresh=True)
    sandbox.reset_faults()
    sandbox.now += timedelta(days=1)


def a_rename(sandbox: Sandbox, file: Path, place: Place) -> None:
    sandbox.rename_account(OLD, NEW)
    _both(sandbox, file, place)


def loads_with_a_time_per_row(sandbox: Sandbox, file: Path, place: Place) -> None:
    """Load rows that are older and newer than the stored ones, twice in one input, and of days in between."""
    at = int(sandbox.now.timestamp() * 1000)
    day = (sandbox.now - timedelta(days=2)).date().isoformat()
    messages = []
    for hours, saves in ((-100, 1), (2, 22), (1, 11)):
        for pin in range(3):
            row = {"social_network_id": NEW, "id": f"loaded{pin}", "snapshot_date": day, "saves": saves + pin}
            row |= {"text": f"after {hours} hours", "impressions": None if hours == 1 else 50}
            messages.append(_record("pins", row, at + hours * 3_600_000))
    for hours, keys in ((1, ("saves", "clicks")), (3, ("saves",)), (-100, ("repins",))):
        for key in keys:
            row = {"social_network_id": NEW, "key": key, "period_start": day, "period_end": day, "name": str(hours)}
            messages.append(_record("pin_totals", row, at + hours * 3_600_000))
    for number, lines in enumerate((messages, messages[::-1])):
        name = file.with_name(f"messages{number}.jsonl")
        name.write_text("\n".join(lines))
        results = [load([str(name)], database) for database in (file, place)]
        _require_equal("loads", *[(each.status, each.streams, each.warnings) for each in results])
    assert relations(place)["pins"][1]


def _record(stream: str, row: dict[str, Any], at: int) -> str:
    return json.dumps({"type": "RECORD", "record": {"stream": stream, "data": row, "emitted_at": at}})


STEPS = (
    first_day,
    missing_values_on_the_same_day,
    new_fields,
    fields_of_other_types,
    zeros_of_an_expired_connection,
    a_full_refresh,
    a_rename,
    loads_with_a_time_per_row,
)


def _exported(place: Place, folder: Path) -> dict[str, Any]:
    export_relations(place, folder, "csv")
    files = {path.name: path.read_text(encoding="utf-8-sig") for path in folder.rglob("*.csv")}
    runs = csv.DictReader(files.pop("_sync_runs.csv").splitlines())
    kept = [{name: value for name, value in run.items() if name not in RANDOM} for run in runs]
    return {**files, "_sync_runs.csv": sorted(kept, key=str)}


def _report(place: Place, page: Path) -> str:
    write_report(place, page)
    text = page.read_text().replace(str(place), "PLACE")
    return re.sub(r"\d+(\.\d+)? (ms|s|seconds)\b", "TIME", text)


def _require_equal(what: str, one: Any, other: Any) -> None:
    if one == other:
        return
    if isinstance(one, dict) and isinstance(other, dict):
        for name in one.keys() | other.keys():
            _require_equal(f"{what}: {name}", one.get(name), other.get(name))
    if isinstance(one, list | tuple) and isinstance(other, list | tuple) and len(one) == len(other):
        for n, (left, right) in enumerate(zip(one, other, strict=True)):
            _require_equal(f"{what}[{n}]", left, right)
    raise AssertionError(f"{what} differ:\n{str(one)[:1000]}\n{str(other)[:1000]}")


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
