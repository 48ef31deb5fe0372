"""A lake in PostgreSQL: 1, 2 and 4 writers at once, a late day against an early one, and what `maintain` saves.

python -m benchmarks.lake [--pins 10000] [--days 100]
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from contextlib import closing
from statistics import median
from typing import Any

import duckdb

from benchmarks.storage import grow, made_up
from test_support.lake import WITH_LAKE
from test_support.paths import ROOT
from test_support.postgres import running_postgres
from test_support.stream_schemas import SCHEMAS

DAYS_OF_WRITERS = 5


def main() -> None:
    """Print Markdown tables; the work is done by processes with the packages of the extra `lake`."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pins", type=int, default=10_000)
    parser.add_argument("--days", type=int, default=100)
    options = parser.parse_args()
    with running_postgres() as server, tempfile.TemporaryDirectory() as folder:
        print("| writers | observations per second, all together | seconds of a day, median |\n|---:|---:|---:|")
        for writers in (1, 2, 4):
            lake = f"ducklake:postgres:{server.create_database(f'writers{writers}')}"
            _wait(_start("write", lake, f"{folder}/writers{writers}", "1/1", 1, options.pins))  # creates the lake
            started = time.perf_counter()
            each = [
                _start("write", lake, f"{folder}/writers{writers}", f"{n}/{writers}", DAYS_OF_WRITERS, options.pins)
                for n in range(1, writers + 1)
            ]
            days = [float(seconds) for process in each for seconds in _wait(process)]
            total = writers * DAYS_OF_WRITERS * options.pins / (time.perf_counter() - started)
            print(f"| {writers} | {total:,.0f} | {median(days):.2f} |", flush=True)
        lake = f"ducklake:postgres:{server.create_database('days')}"
        days = [
            float(seconds)
            for seconds in _wait(_start("write", lake, f"{folder}/days", "1/1", options.days, options.pins))
        ]
        print(f"\nDay 3 took {days[2]:.2f} s, day {options.days} {days[-1]:.2f} s.\n")
        print("| | files | bytes per observation | seconds to count the pins |\n|---|---:|---:|---:|")
        print("\n".join(_wait(_start("maintain", lake, options.pins * options.days))))
    print(f"\n{options.pins:,} pins of five accounts per writer and day; {os.cpu_count()} cores.")


def _start(*arguments: object) -> "subprocess.Popen[str]":
    command = [sys.executable, "-m", "benchmarks.lake", *map(str, arguments)]
    return subprocess.Popen(command, env={**os.environ, **WITH_LAKE}, cwd=ROOT, stdout=subprocess.PIPE, text=True)


def _wait(process: "subprocess.Popen[str]") -> list[str]:
    out, _ = process.communicate()
    if process.returncode:
        raise SystemExit(process.returncode)
    return out.splitlines()


def write(lake: str, data_path: str, shard: str, days: int, pins: int) -> None:
    """Append days of pins of five accounts, and print the seconds of each."""
    from oneup_pinterest.database.place import place_of
    from oneup_pinterest.sync.lake_writer import LakeWriter

    records: list[dict[str, Any]] = made_up(pins)
    for record in records:
        record["social_network_id"] += f"_{shard.partition('/')[0]}"
    place: Any = place_of(lake, data_path)
    with LakeWriter(place, shard) as writer:
        writer.prepare({"pins": SCHEMAS["pins"]})
        for day in range(days):
            grow(records, day)
            started = time.perf_counter()
            for first in range(0, pins, 10_000):
                writer.write("pins", records[first : first + 10_000])
            writer.commit()
            writer.append()
            print(time.perf_counter() - started, flush=True)


def measure_maintenance(lake: str, observations: int) -> None:
    """Print two rows of a table: before and after `maintain`."""
    from oneup_pinterest.database.lake_maintenance import maintain
    from oneup_pinterest.database.place import place_of

    place: Any = place_of(lake)
    before = _seconds_to_count(place)
    done = maintain(place)
    after = _seconds_to_count(place)
    print(f"| before | {done.files_before:,} | {done.bytes_before / observations:.1f} | {before:.2f} |")
    print(f"| after | {done.files_after:,} | {done.bytes_after / observations:.1f} | {after:.2f} |")


def _seconds_to_count(place: Any) -> float:
    from oneup_pinterest.database.lake_connection import connect_lake

    connection: duckdb.DuckDBPyConnection = connect_lake(place)
    with closing(connection):
        started = time.perf_counter()
        connection.execute("SELECT count(*), sum(impressions) FROM pins").fetchall()
        return time.perf_counter() - started


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["write", lake, data_path, shard, days, pins]:
            write(lake, data_path, shard, int(days), int(pins))
        case ["maintain", lake, observations]:
            measure_maintenance(lake, int(observations))
        case _:
            main()
