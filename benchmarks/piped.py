"""The cost of `load` relative to the writer that it shares with `sync`, and whether its memory grows with the input.

python -m benchmarks.piped [--pins 66698] [--accounts 20] [--runs 3]
"""

import argparse
import gc
import json
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import duckdb
import orjson

from benchmarks.processes import Cost, cost_of, lowest
from benchmarks.server import Api
from benchmarks.speed import configured_catalog, verdict
from oneup_pinterest.sync.load import load
from oneup_pinterest.sync.manifest import declared_streams
from oneup_pinterest.sync.run import BATCH_ROWS
from oneup_pinterest.sync.writer import DatabaseWriter
from source_oneup_pinterest.start import start_quickly

PYTHON = sys.executable
CAPTION = """
{pins:,} pins in {accounts} accounts; each figure is the lowest of {runs} alternating runs. "The writer alone" has
the parsed records in memory and writes them as `sync` does: batches, state, commits. The first two rows are processor
seconds of one process, without its start and imports; `load` is the command, with both.
"""


def main() -> None:
    """Print a Markdown table and the bounds; exit with 1 if a bound does not hold."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pins", type=int, default=66_698)
    parser.add_argument("--accounts", type=int, default=20)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument(
        "--measure", nargs=3, metavar=("WHAT", "MESSAGES", "DATABASE"), help="measure this process only"
    )
    options = parser.parse_args()
    if options.measure:
        measure(*options.measure)
        return
    with tempfile.TemporaryDirectory() as name:
        costs = measure_all(options.pins, options.accounts, options.runs, Path(name))
    print("| what | user + system s | wall s | peak MB |\n|---|---:|---:|---:|")
    for what, cost in costs.items():
        print(f"| {what} | {cost.cpu:.2f} | {cost.wall:.2f} | {cost.megabytes:.0f} |")
    print(CAPTION.format(**vars(options)))
    small, large = costs["`load`"].megabytes, costs["`load`, 4 x the pins"].megabytes
    bounds = (
        ("load / the writer alone", costs["load"].cpu / costs["the writer alone"].cpu, 1.5),
        ("4 x the pins, peak / load's", large / small, 1.2),  # allows for differences between runs
    )
    results = [verdict(*bound) for bound in bounds]
    sys.exit(not all(results))


def measure_all(pins: int, accounts: int, runs: int, folder: Path) -> dict[str, Cost]:
    """Return the lowest cost of each contestant by name."""
    small, large = folder / "messages.jsonl", folder / "four.jsonl"
    read(pins, accounts, small)
    read(4 * pins, accounts, large)
    costs: dict[str, list[Cost]] = defaultdict(list)
    for _ in range(runs):
        for what, run in {"the writer alone": "write", "load": "load"}.items():
            costs[what].append(cost_within_process(run, small, folder / "history.duckdb", pins))
        for what, messages, count in (("`load`", small, pins), ("`load`, 4 x the pins", large, 4 * pins)):
            database = folder / "history.duckdb"
            database.unlink(missing_ok=True)
            costs[what].append(cost_of([PYTHON, "-m", "oneup_pinterest.cli", "load", messages, "--database", database]))
            check(database, count)
    return {what: lowest(found) for what, found in costs.items()}


def read(pins: int, accounts: int, messages: Path) -> None:
    """Write the output of a first read to a file."""
    config, catalog = messages.with_suffix(".config"), messages.with_suffix(".catalog")
    with Api(pins, accounts) as api:
        config.write_text(json.dumps(api.config()))
        cost_of([PYTHON, "main.py", "discover", "--config", config], output=messages)
        catalog.write_text(json.dumps(configured_catalog(messages.read_text())))
        cost_of([PYTHON, "main.py", "read", "--config", config, "--catalog", catalog], output=messages)


def cost_within_process(what: str, messages: Path, database: Path, pins: int) -> Cost:
    """Return processor and wall time as measured within a process, with the peak memory of the process."""
    database.unlink(missing_ok=True)
    output = database.with_suffix(".json")
    command = [PYTHON, "-m", "benchmarks.piped", "--measure", what, messages, database]
    whole = cost_of(command, output=output)
    check(database, pins)
    return Cost(*json.loads(output.read_text()), whole.megabytes)


def check(database: Path, pins: int) -> None:
    """Fail if the database does not hold all pins."""
    with duckdb.connect(database, read_only=True) as connection:
        found = (connection.execute("SELECT count(*) FROM pins").fetchone() or (0,))[0]
    assert found == pins, f"{found} of {pins} pins were written"


def measure(what: str, messages: str, database: str) -> None:
    """Print processor and wall seconds of a load, or of the writer alone."""
    start_quickly()
    events = list(map(orjson.loads, Path(messages).read_bytes().splitlines())) if what == "write" else []
    gc.freeze()  # exclude existing objects from garbage collection
    processor, wall = time.process_time(), time.perf_counter()
    if what == "write":
        write(events, Path(database))
    else:
        load([messages], Path(database))
    print(json.dumps([time.process_time() - processor, time.perf_counter() - wall]))


def write(messages: Sequence[Mapping[str, Any]], database: Path) -> None:
    """Write records and states as `sync` does."""
    rows: dict[str, list[Mapping[str, Any]]] = defaultdict(list)
    with DatabaseWriter(database) as writer:
        writer.prepare(declared_streams())
        writer.start_run()
        for message in messages:
            if message["type"] == "RECORD":
                stream = message["record"]["stream"]
                rows[stream].append(message["record"]["data"])
                if len(rows[stream]) == BATCH_ROWS:
                    writer.write(stream, rows.pop(stream))
            elif message["type"] == "STATE":
                state = message["state"]["stream"]
                stream = state["stream_descriptor"]["name"]
                if stream in rows:
                    writer.write(stream, rows.pop(stream))
                writer.write_state(stream, state["stream_state"])
                writer.commit()
        for stream, rest in rows.items():
            writer.write(stream, rest)
        for stream in declared_streams():
            writer.duplicates(stream)
        writer.finish_run("done", {}, [], 0, 0.0, None)


if __name__ == "__main__":
    main()
