"""Kill syncs at random moments, and check the file after each kill and after the sync that completes it.

python -m integration_tests.fault_injection.kills [--kills 200] [--seed 1]

First and daily syncs run as processes and get SIGKILL, SIGTERM, SIGINT or SIGHUP (sometimes twice). The signal comes
after a time, after some requests or in the middle of a write, up to four times before a sync may complete. The table:

- not begun … too late: kills before the run was recorded, with no, some or all rows, or after its end
- broken: kills after which a promise was broken: the file must open, in DuckDB 2.0 and, one time in ten, in 1.5 with
  the same rows; a caught signal must end the sync with status 130, one sentence and nothing left behind
- ahead: rows that a state claims to be stored but that the file does not have
- lost, added, duplicated: rows compared with a reference database, after the next sync
"""

import argparse
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
from collections import Counter, defaultdict
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from multiprocessing import get_context, parent_process
from pathlib import Path

import duckdb

from integration_tests.databases import KEYS
from integration_tests.fault_injection.processes import (
    CATCHABLE,
    STOPPED,
    Ended,
    SyncExtent,
    measure_sync,
    on_day,
    random_moment,
    run_interrupted_sync,
    serve_sandbox,
)
from integration_tests.fault_injection.rows import Damage, count_duplicate_keys, damage
from oneup_pinterest.sandbox import Sandbox
from oneup_pinterest.sync import sync
from test_support.old_duckdb import OLD_DUCKDB
from test_support.paths import ROOT

SIGNALS = (signal.SIGKILL, *CATCHABLE)
WEIGHTS = (5, 2, 2, 1)
PROCESSES = 2
MAX_KILLS_IN_A_ROW = 4
MOMENTS = ("not begun", "no rows", "some rows", "all rows", "too late")
# the day up to which the cursor of a row's stream must have read
DAY_OF_A_ROW = {"pins": "snapshot_date - 1", "account_followers": "snapshot_date"}
COUNT_ROWS = (
    "import duckdb, sys; c = duckdb.connect(sys.argv[1]); print(sum(c.execute(q).fetchone()[0] for q in sys.argv[2:]))"
)


@dataclass
class Kill:
    """One killed sync and its result; `problems` lists broken promises."""

    sync_type: str
    signal: str
    moment: str
    reached: str
    problems: list[str] = field(default_factory=list)
    ahead: int = 0
    damage: Damage | None = None


class Testbed:
    """A sandbox for the kills of one process, with reference databases of syncs that were not killed."""

    def __init__(self, sandbox: Sandbox, folder: Path) -> None:
        self.sandbox, self.folder = sandbox, folder
        self.day_one, self.day_two = folder / "one.duckdb", folder / "two.duckdb"
        warm_up = measure_sync(sandbox, folder / "warm up.duckdb", folder)
        first = min(warm_up, measure_sync(sandbox, self.day_one, folder))
        with duckdb.connect(str(self.day_one)) as connection:
            self.rows_before = {"first": 0, "daily": sum(_count(connection, stream) for stream in KEYS)}
        shutil.copy(self.day_one, self.day_two)
        on_day(sandbox, 1)
        self.runs: dict[str, SyncExtent] = {"first": first, "daily": measure_sync(sandbox, self.day_two, folder)}

    def reference(self, sync_type: str) -> Path:
        return self.day_one if sync_type == "first" else self.day_two

    def begin(self, sync_type: str, name: str) -> Path:
        """Create a folder for one database; before a daily sync it holds the database of day one."""
        on_day(self.sandbox, 0 if sync_type == "first" else 1)
        database = self.folder / name / "history.duckdb"
        database.parent.mkdir()
        if sync_type == "daily":
            shutil.copy(self.day_one, database)
        return database


def kill_in_a_row(testbed: Testbed, rng: random.Random, name: str, limit: int) -> list[Kill]:
    """Kill syncs of one database several times in a row, inspect it each time, and then complete it."""
    sync_type = rng.choice(("first", "daily"))
    in_a_row = min(limit, rng.choices(range(1, MAX_KILLS_IN_A_ROW + 1), (6, 2, 1, 1))[0])
    database = testbed.begin(sync_type, name)
    kills = [one_kill(testbed, rng, sync_type, database) for _ in range(in_a_row)]
    last = kills[-1]
    result = sync(testbed.sandbox.config(), database)
    if result.status != "done":
        last.problems.append(f"the next sync ended {result.status}")
    last.damage = damage(database, testbed.reference(sync_type))
    if any(last.damage):
        last.problems.append(str(last.damage))
    with duckdb.connect(str(database), read_only=True) as connection:
        statuses = [
            row[0] for row in connection.sql("SELECT status FROM _sync_runs ORDER BY started_at, rowid").fetchall()
        ]
    begun = [kill.reached for kill in kills if kill.reached != MOMENTS[0]]
    expected = ["done" if reached == "too late" else "interrupted" for reached in begun]
    if statuses != [*(["done"] if sync_type == "daily" else []), *expected, "done"]:
        last.problems.append(f"_sync_runs says {statuses}")
    if left := sorted(path.name for path in database.parent.iterdir() if path != database):
        last.problems.append(f"left behind: {left}")
    shutil.rmtree(database.parent)
    return kills


def one_kill(testbed: Testbed, rng: random.Random, sync_type: str, database: Path) -> Kill:
    """Kill one sync at a random moment and inspect what it leaves."""
    number = rng.choices(SIGNALS, WEIGHTS)[0]
    when, is_now = random_moment(rng, testbed.runs[sync_type])
    again_after = rng.uniform(0, 0.3) if number != signal.SIGKILL and rng.random() < 0.3 else None
    runs_before = _count_runs(database)
    try:
        ended = run_interrupted_sync(testbed.sandbox, database, testbed.folder, number, is_now, again_after)
    except subprocess.TimeoutExpired:
        return Kill(sync_type, number.name, when, "some rows", ["did not end within 30 seconds"])
    kill = Kill(sync_type, number.name, when + (" twice" if again_after is not None else ""), MOMENTS[0])
    if left := [path.name for path in (testbed.folder / "tmp").iterdir()]:
        kill.problems.append(f"left in the temporary folder: {left}")
    if database.exists():
        inspect_copy(testbed, rng, kill, database, runs_before)
    if number != signal.SIGKILL:
        kill.problems += check_ending(number, ended, kill, database)
    return kill


def inspect_copy(testbed: Testbed, rng: random.Random, kill: Kill, database: Path, runs_before: int) -> None:
    """Inspect a copy of the file and its WAL, so that the next sync finds the original unchanged."""
    folder = testbed.folder / "inspected"
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(database.parent, folder, ignore=shutil.ignore_patterns("*.syncing"))
    copy = folder / database.name
    old_count = (
        count_rows_with_old_duckdb(folder, database.name) if rng.random() < 0.1 and OLD_DUCKDB.exists() else None
    )
    try:
        reference = testbed.reference(kill.sync_type)
        kill.ahead = rows_ahead(copy, reference)
        duplicates = count_duplicate_keys(copy)
        missing = damage(copy, reference).lost
        with duckdb.connect(str(copy)) as connection:
            names = {row[0] for row in connection.sql("SELECT table_name FROM duckdb_tables()").fetchall()}
            query = "SELECT status FROM _sync_runs ORDER BY started_at DESC, rowid DESC"
            runs = connection.sql(query).fetchall() if "_sync_runs" in names else []
            stored = sum(_count(connection, stream) for stream in KEYS) if "_pin_counters" in names else 0
    except duckdb.Error as error:
        kill.problems.append(f"does not open: {error}")
        return
    if duplicates:
        kill.problems.append(f"{duplicates} duplicate keys")
    if kill.ahead:
        kill.problems.append(f"state ahead of {kill.ahead} rows")
    if old_count is not None and old_count != str(stored):
        kill.problems.append(f"DuckDB 1.5 finds {old_count} rows of {stored}")
    if len(runs) > runs_before:
        progress = MOMENTS[1] if stored == testbed.rows_before[kill.sync_type] else MOMENTS[2]
        kill.reached = MOMENTS[4] if runs[0][0] == "done" else MOMENTS[3] if not missing else progress


def check_ending(number: signal.Signals, ended: Ended, kill: Kill, database: Path) -> list[str]:
    """Return the broken promises of a sync that ended after a signal that it can catch."""
    problems = []
    if kill.reached == MOMENTS[0] and ended.status == -number and "in main" not in ended.stderr:
        return problems  # Python itself was still starting
    if ended.status == 0 and not (kill.reached == MOMENTS[4] or not ended.signalled):
        problems.append("ended with 0, but the run is not done")
    if ended.status not in (0, 130):
        problems.append(f"ended with {ended.status}")
    if "Traceback" in ended.stderr or "Exception ignored" in ended.stderr:
        problems.append(f"traceback: {ended.stderr[-600:]}")
    if ended.status == 130 and ended.stderr.count(STOPPED) != 1:
        problems.append(f"stderr is {ended.stderr!r}")
    # a kill before the run began leaves the folder of an earlier kill
    if kill.reached != MOMENTS[0] and database.with_name(database.name + ".syncing").exists():
        problems.append("left its work folder behind")
    return problems


def rows_ahead(database: Path, reference: Path) -> int:
    """Return how many rows of the reference database are missing although a cursor says that they were read."""
    ahead = 0
    with duckdb.connect(str(database)) as connection:
        connection.execute(f"ATTACH '{reference}' AS reference (READ_ONLY)")
        query = "SELECT stream_name, state FROM main._airbyte_state"
        in_main = "SELECT table_name FROM duckdb_tables() WHERE database_name = current_database()"
        names = {row[0] for row in connection.sql(in_main).fetchall()}
        for stream, state in connection.sql(query).fetchall() if "_airbyte_state" in names else []:
            for entry in json.loads(state).get("states", []):
                account, cursor = entry["partition"]["social_network_id"], next(iter(entry["cursor"].values()))[:10]
                day = DAY_OF_A_ROW.get(stream, "period_end")
                missing = (
                    f"SELECT * EXCLUDE (_airbyte_extracted_at) FROM reference.{stream} "
                    f"WHERE social_network_id = ? AND {day} <= ?::DATE "
                    f"EXCEPT SELECT * EXCLUDE (_airbyte_extracted_at) FROM main.{stream}"
                )
                ahead += len(connection.execute(missing, [account, cursor]).fetchall())
    return ahead


def count_rows_with_old_duckdb(folder: Path, name: str) -> str:
    """Return the number of rows that DuckDB 1.5 finds in a copy, or its error message."""
    other = folder.with_name("inspected with old DuckDB")
    shutil.rmtree(other, ignore_errors=True)
    shutil.copytree(folder, other)
    queries = [f"SELECT count(*) FROM {stream}" for stream in KEYS]
    ended = subprocess.run(
        [sys.executable, "-c", COUNT_ROWS, other / name, *queries],
        env={**os.environ, "PYTHONPATH": str(OLD_DUCKDB)},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    is_empty = "does not exist" in ended.stderr  # no table yet
    return ended.stdout.strip() or ("0" if is_empty else ended.stderr.strip().splitlines()[-1])


def _count_runs(database: Path) -> int:
    if not database.exists():
        return 0
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / database.name
        for path in (database, database.with_name(database.name + ".wal")):
            if path.exists():
                shutil.copy(path, folder)
        with duckdb.connect(str(copy)) as connection:
            if not connection.sql("SELECT 1 FROM duckdb_tables() WHERE table_name = '_sync_runs'").fetchall():
                return 0
            return _count(connection, "_sync_runs")


def _count(connection: duckdb.DuckDBPyConnection, relation: str) -> int:
    return int(connection.sql(f"SELECT count(*) FROM {relation}").fetchall()[0][0])


def run_kills(seed: int, kills: int) -> list[Kill]:
    """Run a number of kills, one database after another."""
    rng, found, parent = random.Random(seed), list[Kill](), parent_process()
    with tempfile.TemporaryDirectory(prefix="kills-") as folder, serve_sandbox(Path(folder) / "work") as sandbox:
        testbed = Testbed(sandbox, Path(folder) / "work")
        while len(found) < kills and (parent is None or parent.is_alive()):  # stop if the main process was killed
            found += kill_in_a_row(testbed, rng, f"{len(found)}", kills - len(found))
    return found


def table(kills: Sequence[Kill]) -> str:
    """Return the results by type of sync and signal, as a Markdown table."""
    heads = ["sync", "signal", "kills", *MOMENTS, "broken", "ahead", "completed", "lost", "added", "duplicated"]
    lines = [f"| {' | '.join(heads)} |", f"|---|---|{'---:|' * (len(heads) - 2)}"]
    groups: dict[tuple[str, str], list[Kill]] = defaultdict(list)
    for kill in kills:
        groups[kill.sync_type, kill.signal].append(kill)
    for (sync_type, name), group in [*sorted(groups.items()), (("all", ""), list(kills))]:
        reached = Counter(kill.reached for kill in group)
        completed = [kill.damage for kill in group if kill.damage]
        cells = [
            len(group),
            *(reached[moment] for moment in MOMENTS),
            sum(bool(kill.problems) for kill in group),
            sum(kill.ahead for kill in group),
            len(completed),
            *map(sum, zip(*completed or [(0, 0, 0)], strict=True)),
        ]
        lines.append(f"| {sync_type} | {name} | {' | '.join(map(str, cells))} |")
    return "\n".join(lines)


def main() -> None:
    """Print a Markdown table; exit with 1 if a promise was broken."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    shares = [options.kills // PROCESSES + (n < options.kills % PROCESSES) for n in range(PROCESSES)]
    with ProcessPoolExecutor(PROCESSES, get_context("spawn")) as pool:
        results = pool.map(run_kills, [PROCESSES * options.seed + n for n in range(PROCESSES)], shares)
        kills = [kill for found in results for kill in found]
    print(table(kills))
    print(f"\nseed {options.seed}")
    broken = [kill for kill in kills if kill.problems]
    for kill in broken:
        print(f"- {kill.sync_type} sync, {kill.signal} {kill.moment}: {'; '.join(kill.problems)}")
    sys.exit(bool(broken))


if __name__ == "__main__":
    main()
