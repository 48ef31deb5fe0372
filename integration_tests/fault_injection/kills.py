"""Syncs that are killed at random moments: what the file holds after each, and after the sync that completes it.

python -m integration_tests.fault_injection.kills [--kills 200] [--seed 1]

First and daily syncs, as processes, get SIGKILL, SIGTERM, SIGINT or SIGHUP (sometimes twice) at a moment by time, by
requests or in the middle of a write, up to four times before a sync may end. What is told:

- moments: before a run was noted / with no rows yet / with some / with all / after its end
- opened: the file opens, in DuckDB 2.0 and, each tenth time, in 1.5 with the same rows
- ended well: 130, one sentence, nothing left behind (SIGKILL: nothing in the temporary folder)
- ahead: rows that a state vouches for and the file has not
- lost, added, doubled: rows beside an undisturbed database, once the next sync is done
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
    Run,
    broken_off,
    measured,
    moment,
    on_day,
    served,
)
from integration_tests.fault_injection.rows import Damage, damage, doubled
from oneup_pinterest.sandbox import Sandbox
from oneup_pinterest.sync import sync
from test_support.old_duckdb import OLD_DUCKDB
from test_support.paths import ROOT

SIGNALS = (signal.SIGKILL, *CATCHABLE)
WEIGHTS = (5, 2, 2, 1)
LOOPS = 2
MOST_IN_A_ROW = 4
MOMENTS = ("not begun", "no rows", "some rows", "all rows", "too late")
DAY_OF_A_ROW = {"pins": "snapshot_date - 1", "account_followers": "snapshot_date"}  # the day its cursor must have read
COUNT_ROWS = (
    "import duckdb, sys; c = duckdb.connect(sys.argv[1]); print(sum(c.execute(q).fetchone()[0] for q in sys.argv[2:]))"
)


@dataclass
class Kill:
    """One killed sync and what was found; `wrong` says what broke a promise."""

    kind: str
    signal: str
    moment: str
    reached: str
    wrong: list[str] = field(default_factory=list)
    ahead: int = 0
    damage: Damage | None = None


class Place:
    """Where the kills of one loop happen: a sandbox, and the databases that nobody disturbed."""

    def __init__(self, sandbox: Sandbox, folder: Path) -> None:
        self.sandbox, self.folder = sandbox, folder
        self.day_one, self.day_two = folder / "one.duckdb", folder / "two.duckdb"
        warm_up = measured(sandbox, folder / "warm up.duckdb", folder)
        first = min(warm_up, measured(sandbox, self.day_one, folder))
        with duckdb.connect(str(self.day_one)) as connection:
            self.rows_before = {"first": 0, "daily": sum(_count(connection, stream) for stream in KEYS)}
        shutil.copy(self.day_one, self.day_two)
        on_day(sandbox, 1)
        self.runs: dict[str, Run] = {"first": first, "daily": measured(sandbox, self.day_two, folder)}

    def undisturbed(self, kind: str) -> Path:
        return self.day_one if kind == "first" else self.day_two

    def begin(self, kind: str, name: str) -> Path:
        """Create a folder for one database; before a daily sync it holds the database of day one."""
        on_day(self.sandbox, 0 if kind == "first" else 1)
        database = self.folder / name / "history.duckdb"
        database.parent.mkdir()
        if kind == "daily":
            shutil.copy(self.day_one, database)
        return database


def story(place: Place, rng: random.Random, name: str, most: int) -> list[Kill]:
    """Kill syncs of one database several times in a row, inspect it each time, and then complete it."""
    kind = rng.choice(("first", "daily"))
    in_a_row = min(most, rng.choices(range(1, MOST_IN_A_ROW + 1), (6, 2, 1, 1))[0])
    database = place.begin(kind, name)
    kills = [one_kill(place, rng, kind, database) for _ in range(in_a_row)]
    last = kills[-1]
    result = sync(place.sandbox.config(), database)
    if result.status != "done":
        last.wrong.append(f"the next sync ended {result.status}")
    last.damage = damage(database, place.undisturbed(kind))
    if any(last.damage):
        last.wrong.append(str(last.damage))
    with duckdb.connect(str(database), read_only=True) as connection:
        told = [row[0] for row in connection.sql("SELECT status FROM _sync_runs ORDER BY started_at, rowid").fetchall()]
    begun = [kill.reached for kill in kills if kill.reached != MOMENTS[0]]
    expected = ["done" if reached == "too late" else "interrupted" for reached in begun]
    if told != [*(["done"] if kind == "daily" else []), *expected, "done"]:
        last.wrong.append(f"_sync_runs says {told}")
    if left := sorted(path.name for path in database.parent.iterdir() if path != database):
        last.wrong.append(f"left behind: {left}")
    shutil.rmtree(database.parent)
    return kills


def one_kill(place: Place, rng: random.Random, kind: str, database: Path) -> Kill:
    number = rng.choices(SIGNALS, WEIGHTS)[0]
    when, is_now = moment(rng, place.runs[kind])
    again_after = rng.uniform(0, 0.3) if number != signal.SIGKILL and rng.random() < 0.3 else None
    runs_before = _runs(database)
    try:
        ended = broken_off(place.sandbox, database, place.folder, number, is_now, again_after)
    except subprocess.TimeoutExpired:
        return Kill(kind, number.name, when, "some rows", ["it did not end within 30 seconds"])
    kill = Kill(kind, number.name, when + (" twice" if again_after is not None else ""), MOMENTS[0])
    if left := [path.name for path in (place.folder / "tmp").iterdir()]:
        kill.wrong.append(f"left in the temporary folder: {left}")
    if database.exists():
        look_at_a_copy(place, rng, kill, database, runs_before)
    if number != signal.SIGKILL:
        kill.wrong += ending(number, ended, kill, database)
    return kill


def look_at_a_copy(place: Place, rng: random.Random, kill: Kill, database: Path, runs_before: int) -> None:
    """Inspect a copy of what the kill left, log included, so that the next sync finds the original unchanged."""
    folder = place.folder / "looked at"
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(database.parent, folder, ignore=shutil.ignore_patterns("*.syncing"))
    copy = folder / database.name
    old = old_rows(folder, database.name) if rng.random() < 0.1 and OLD_DUCKDB.exists() else None
    try:
        undisturbed = place.undisturbed(kill.kind)
        kill.ahead = rows_ahead(copy, undisturbed)
        twice = doubled(copy)
        lacking = damage(copy, undisturbed).lost
        with duckdb.connect(str(copy)) as connection:
            names = {row[0] for row in connection.sql("SELECT table_name FROM duckdb_tables()").fetchall()}
            query = "SELECT status FROM _sync_runs ORDER BY started_at DESC, rowid DESC"
            runs = connection.sql(query).fetchall() if "_sync_runs" in names else []
            there = sum(_count(connection, stream) for stream in KEYS) if "_pin_counters" in names else 0
    except duckdb.Error as error:
        kill.wrong.append(f"does not open: {error}")
        return
    if twice:
        kill.wrong.append(f"{twice} keys twice")
    if kill.ahead:
        kill.wrong.append(f"state ahead of {kill.ahead} rows")
    if old is not None and old != str(there):
        kill.wrong.append(f"DuckDB 1.5 finds {old} rows of {there}")
    if len(runs) > runs_before:
        some = MOMENTS[1] if there == place.rows_before[kill.kind] else MOMENTS[2]
        kill.reached = MOMENTS[4] if runs[0][0] == "done" else MOMENTS[3] if not lacking else some


def ending(number: signal.Signals, ended: Ended, kill: Kill, database: Path) -> list[str]:
    """Return what is wrong with how a sync ended after a signal that it can catch."""
    wrong = []
    if kill.reached == MOMENTS[0] and ended.status == -number and "in main" not in ended.words:
        return wrong  # Python itself was still starting
    if ended.status == 0 and not (kill.reached == MOMENTS[4] or not ended.signalled):
        wrong.append("ended with 0, but the run is not done")
    if ended.status not in (0, 130):
        wrong.append(f"ended with {ended.status}")
    if "Traceback" in ended.words or "Exception ignored" in ended.words:
        wrong.append(f"traceback: {ended.words[-600:]}")
    if ended.status == 130 and ended.words.count(STOPPED) != 1:
        wrong.append(f"said {ended.words!r}")
    if kill.reached != MOMENTS[0] and database.with_name(database.name + ".syncing").exists():  # else that of before
        wrong.append("left its folder behind")
    return wrong


def rows_ahead(database: Path, undisturbed: Path) -> int:
    """Return how many rows of the undisturbed database are missing although a cursor says they were read."""
    ahead = 0
    with duckdb.connect(str(database)) as connection:
        connection.execute(f"ATTACH '{undisturbed}' AS undisturbed (READ_ONLY)")
        query = "SELECT stream_name, state FROM main._airbyte_state"
        in_main = "SELECT table_name FROM duckdb_tables() WHERE database_name = current_database()"
        names = {row[0] for row in connection.sql(in_main).fetchall()}
        for stream, state in connection.sql(query).fetchall() if "_airbyte_state" in names else []:
            for entry in json.loads(state).get("states", []):
                account, cursor = entry["partition"]["social_network_id"], next(iter(entry["cursor"].values()))[:10]
                day = DAY_OF_A_ROW.get(stream, "period_end")
                missing = (
                    f"SELECT * EXCLUDE (_airbyte_extracted_at) FROM undisturbed.{stream} "
                    f"WHERE social_network_id = ? AND {day} <= ?::DATE "
                    f"EXCEPT SELECT * EXCLUDE (_airbyte_extracted_at) FROM main.{stream}"
                )
                ahead += len(connection.execute(missing, [account, cursor]).fetchall())
    return ahead


def old_rows(folder: Path, name: str) -> str:
    """Return the rows that DuckDB 1.5 finds in another copy, or what it says."""
    other = folder.with_name("looked at by the old one")
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


def _runs(database: Path) -> int:
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


def loop(seed: int, kills: int) -> list[Kill]:
    """Run some kills, one database after the other."""
    rng, found, parent = random.Random(seed), list[Kill](), parent_process()
    with tempfile.TemporaryDirectory(prefix="kills-") as folder, served(Path(folder) / "place") as sandbox:
        place = Place(sandbox, Path(folder) / "place")
        while len(found) < kills and (parent is None or parent.is_alive()):  # else the command was broken off
            found += story(place, rng, f"{len(found)}", kills - len(found))
    return found


def table(kills: Sequence[Kill]) -> str:
    """Return what was found, by kind of sync and signal."""
    heads = ["sync", "signal", "kills", *MOMENTS, "wrong", "ahead", "completed", "lost", "added", "doubled"]
    lines = [f"| {' | '.join(heads)} |", f"|---|---|{'---:|' * (len(heads) - 2)}"]
    groups: dict[tuple[str, str], list[Kill]] = defaultdict(list)
    for kill in kills:
        groups[kill.kind, kill.signal].append(kill)
    for (kind, name), those in [*sorted(groups.items()), (("all", ""), list(kills))]:
        reached = Counter(kill.reached for kill in those)
        completed = [kill.damage for kill in those if kill.damage]
        cells = [
            len(those),
            *(reached[moment] for moment in MOMENTS),
            sum(bool(kill.wrong) for kill in those),
            sum(kill.ahead for kill in those),
            len(completed),
            *map(sum, zip(*completed or [(0, 0, 0)], strict=True)),
        ]
        lines.append(f"| {kind} | {name} | {' | '.join(map(str, cells))} |")
    return "\n".join(lines)


def main() -> None:
    """Print a Markdown table; end with 1 if a promise was broken."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    shares = [options.kills // LOOPS + (n < options.kills % LOOPS) for n in range(LOOPS)]
    with ProcessPoolExecutor(LOOPS, get_context("spawn")) as pool:
        loops = pool.map(loop, [LOOPS * options.seed + n for n in range(LOOPS)], shares)
        kills = [kill for found in loops for kill in found]
    print(table(kills))
    print(f"\nseed {options.seed}")
    broken = [kill for kill in kills if kill.wrong]
    for kill in broken:
        print(f"- {kill.kind} sync, {kill.signal} {kill.moment}: {'; '.join(kill.wrong)}")
    sys.exit(bool(broken))


if __name__ == "__main__":
    main()
