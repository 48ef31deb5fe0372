"""The cost of a day of pins in bytes and time, as the kit stores it and with ids and texts in every row.

python -m benchmarks.storage [--pins 10000] [--days 100]
"""

import argparse
import random
import tempfile
import time
from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import oneup_pinterest.sync.writer as writer_module
from oneup_pinterest.database.schema import COUNTERS
from oneup_pinterest.sync.pin_tables import PinTables
from oneup_pinterest.sync.tables import StreamTable
from oneup_pinterest.sync.writer import DatabaseWriter
from test_support.stream_schemas import SCHEMAS

FIRST_DAY = date(2026, 1, 1)


def main() -> None:
    """Print a Markdown table with one row per way of storage."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pins", type=int, default=10_000)
    parser.add_argument("--days", type=int, default=100)
    options = parser.parse_args()
    print("| storage | bytes per observation | day 3, ms | last day, ms |\n|---|---:|---:|---:|")
    for name, table_class in {
        "ids and texts in every row": StreamTable,
        "attributes in a table of their own": PinTables,
    }.items():
        size, early, late = measure(table_class, options.pins, options.days)
        print(
            f"| {name} | {size / options.pins / options.days:.1f} | {early * 1e3:.0f} | {late * 1e3:.0f} |", flush=True
        )
    print(f"\n{options.pins:,} pins observed on {options.days} days; times are medians of three days.")


def measure(table_class: type[StreamTable], pins: int, days: int) -> tuple[int, float, float]:
    """Return the size of the file after all days in bytes, and the seconds of an early and a late day."""
    schema, key = SCHEMAS["pins"]
    writer_module.PinTables = table_class  # type: ignore[misc,assignment] # the storage to measure, for pins only
    records = made_up(pins)
    seconds = []
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "history.duckdb"
        for day in range(days):
            grow(records, day)
            with DatabaseWriter(path) as writer:
                writer.prepare({"pins": (schema, key)})
                started = time.perf_counter()
                for first in range(0, pins, 10_000):
                    writer.write("pins", records[first : first + 10_000])
                writer.commit()
                seconds.append(time.perf_counter() - started)
        return path.stat().st_size, sorted(seconds[2:5])[1], sorted(seconds[-3:])[1]


def made_up(pins: int) -> list[dict[str, Any]]:
    """Return pins of five accounts with heavy-tailed counters."""
    rng = random.Random(1)
    return [
        {
            "social_network_id": f"pin_account_{n % 5}",
            "id": str(rng.randrange(10**17, 10**18)),
            "text": f"A pin about idea {rng.randrange(10**9)}, step by step",
            "permalink": f"https://www.pinterest.com/pin/{n}/",
            "timestamp": "2026-01-01 09:00:00",
            **dict.fromkeys(COUNTERS, 0),
        }
        for n in range(pins)
    ]


def grow(records: Sequence[dict[str, Any]], day: int) -> None:
    """Add one day: most pins gain impressions, few gain anything else."""
    rng = random.Random(day)
    seen = FIRST_DAY + timedelta(days=day)
    period = {"period_start": str(seen - timedelta(days=90)), "period_end": str(seen - timedelta(days=1))}
    for record in records:
        record["impressions"] += int(rng.paretovariate(1.2)) * 5
        for counter, chance in (("saves", 0.2), ("comments", 0.01), ("repins", 0.1), ("clicks", 0.2)):
            record[counter] += rng.random() < chance
        record.update(period, snapshot_date=str(seen))


if __name__ == "__main__":
    main()
