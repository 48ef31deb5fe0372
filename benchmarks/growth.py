"""The cost of a year of daily syncs: each day's sync, the size of the file, and the queries on it.

python -m benchmarks.growth [--pins 10000] [--days 365] [--accounts 5] [--runs 3]
"""

import argparse
import os
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import polars as pl
from polars.testing import assert_frame_equal

from benchmarks.processes import cost_of, lowest
from benchmarks.server import COUNTERS, TOPICS, account_list, metrics, overview
from benchmarks.speed import verdict
from oneup_pinterest.clock import CLOCK_VARIABLE
from oneup_pinterest.database.load import load_pins, load_pins_latest
from oneup_pinterest.database.reader import open_history
from oneup_pinterest.history.counter_types import counter_types
from oneup_pinterest.history.gains import PROVISIONAL_DAYS, account_daily_gains, daily_gains
from oneup_pinterest.history.loaded_history import LoadedHistory
from oneup_pinterest.history.observations import METRICS
from oneup_pinterest.sandbox.http_server import Response, Server
from oneup_pinterest.sync.run import sync
from source_oneup_pinterest.components.windows import PRESET_DAYS

LAST_DAY = date(2026, 9, 30)
OBSERVED_DAYS = 1000  # pins of that many days are observed; each day the oldest leave and new ones arrive
CHECKPOINTS = (3, 100, 300, 365)
NEIGHBOR_DAYS = 2  # days before and after a checkpoint; its value is the median of five days


class World:
    """Made-up pins: the same number is published every day, so that each day has `pins` pins. Young pins gain most."""

    def __init__(self, pins: int, days: int, accounts: int) -> None:
        self.rng = np.random.default_rng(1)
        self.first_day = LAST_DAY - timedelta(days=days - 1)
        numbers = np.arange(pins * (OBSERVED_DAYS + days) // OBSERVED_DAYS)
        self.published = numbers * OBSERVED_DAYS // pins - OBSERVED_DAYS  # in days since the first day
        count = len(self.published)
        self.seconds = self.rng.integers(0, 86_400, count)
        self.appeal = self.rng.pareto(1.3, count) + 0.1
        self.account = np.arange(count) % accounts
        self.names = [f"pin_account_{n}" for n in range(accounts)]
        self.counters = np.zeros((count, len(COUNTERS)), np.int64)
        self.ids = [str(10**17 + int(n)) for n in self.rng.permutation(count) * 7_919]
        self.texts = [f"{self.rng.integers(100)} ideas for {self.rng.choice(TOPICS)}, number {n}" for n in range(count)]
        self.day = -1

    def next_day(self) -> datetime:
        """Add one day of gains to every published pin; return the moment of the day's sync."""
        self.day += 1
        age = self.day - self.published
        expected = np.where(age > 0, self.appeal * (20 / np.maximum(age, 1) + 0.5), 0)
        for place, rate in enumerate((1, 0.03, 0.002, 0.02, 0.04)):
            self.counters[:, place] += self.rng.poisson(expected * rate)
        return datetime.combine(self.first_day + timedelta(days=self.day), datetime.min.time(), UTC).replace(hour=6)

    def pins(self, account: int, start: date, end: date) -> list[dict[str, Any]]:
        """Return the pins of an account published from `start` to `end`, as in the API's response."""
        first, last = ((day - self.first_day).days for day in (start, end))
        wanted = (self.account == account) & (self.published >= first) & (self.published <= last)
        midnight = datetime.combine(self.first_day, datetime.min.time())
        return [
            {
                "id": self.ids[n],
                "page_id": self.names[account],
                "format": "image" if n % 3 else "video",
                "text": self.texts[n],
                "permalink": f"https://www.pinterest.com/pin/{self.ids[n]}/",
                "media_type": "IMAGE" if n % 3 else "VIDEO",
                "media_url": f"https://example.com/made-up/{self.ids[n]}.jpg",
                "stats": dict(zip(COUNTERS, self.counters[n].tolist(), strict=True)),
                "timestamp": str(midnight + timedelta(int(self.published[n]), int(self.seconds[n]))),
            }
            for n in np.flatnonzero(wanted).tolist()
        ]

    def respond(self, path: str, params: Mapping[str, str], accept: str) -> Response:
        """Return the response to an API request."""
        if "social_network_id" not in params:
            return Response(200, orjson.dumps(account_list(self.names)))
        account = self.names.index(params["social_network_id"])
        if path.endswith("overview"):
            return Response(200, orjson.dumps(overview(account)))
        if "preset" in params:
            end = self.first_day + timedelta(days=self.day - 1)
            start = end - timedelta(days=PRESET_DAYS[params["preset"]] - 1)
        else:
            start, end = (date.fromisoformat(params[name]) for name in ("start_date", "end_date"))
        data = {"stats": metrics(account), "posts": self.pins(account, start, end)}
        return Response(200, orjson.dumps({"success": True, "data": data}))

    def control(self, method: str, path: str, body: bytes) -> Response:
        """Return 404, because nothing can be controlled."""
        return Response(404, b"")


def main() -> None:
    """Print the tables and each bound with its value; exit with 1 if a bound does not hold."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pins", type=int, default=10_000, help="per day")
    parser.add_argument("--days", type=int, default=365)
    parser.add_argument("--accounts", type=int, default=5)
    parser.add_argument("--runs", type=int, default=3)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        database = Path(folder) / "history.duckdb"
        seconds, sizes = grow(World(options.pins, options.days, options.accounts), options.days, database)
        with open_history(database) as history:
            rows = history.execute("SELECT count(*), count(DISTINCT snapshot_date) FROM pins").fetchall()[0]
        print(f"{rows[0]:,} observations: {options.pins:,} pins per day, {rows[1]} days, {options.accounts} accounts\n")
        results = [*check_days(seconds, sizes, rows[0]), *check_analysis(database, Path(folder), options.runs)]
    sys.exit(0 if all(results) else 1)


def check_days(seconds: Sequence[float], sizes: Sequence[int], observations: int) -> list[bool]:
    """Print the duration of each checkpoint's sync; return whether the bounds hold."""
    checkpoints = [day for day in CHECKPOINTS if day <= len(seconds)]
    median = {
        # the first day has a first sync, and the second is the first to look back more than 90 days
        day: statistics.median(seconds[max(2, day - 1 - NEIGHBOR_DAYS) : day + NEIGHBOR_DAYS])
        for day in checkpoints
    }
    print("| day | sync, s | x day 3 | file, MB |\n|---:|---:|---:|---:|")
    for day in checkpoints:
        print(f"| {day} | {median[day]:.2f} | {median[day] / median[3]:.2f} | {sizes[day - 1] / 1e6:.1f} |")
    print()
    results = [verdict("bytes per observation, whole file", sizes[-1] / observations, 24)]
    if 300 in median:
        results.append(verdict("sync of day 300 / day 3", median[300] / median[3], 1.25))
    return results


def check_analysis(database: Path, folder: Path, runs: int) -> list[bool]:
    """Print the duration of each query of the file; return whether the bounds hold."""
    pins = load_pins(database)
    latest, loaded = quickest(lambda: load_pins_latest(database), runs), quickest(lambda: load_pins(database), runs)
    print("\n| in one process | s |\n|---|---:|")
    seconds_by_query: dict[str, float] = {
        "open the file": quickest(lambda: open_and_count(database), runs),
        "load_pins_latest": latest,
        "load_pins": loaded,
        "counter_types": quickest(lambda: counter_types(LoadedHistory(pins)), runs),
        "account_daily_gains": quickest(lambda: account_daily_gains(LoadedHistory(pins)), runs),
        "daily_gains": quickest(lambda: daily_gains(LoadedHistory(pins)), runs),
        "daily gains by hand": quickest(lambda: gains_by_hand(pins), runs),
    }
    for what, seconds in seconds_by_query.items():
        print(f"| {what} | {seconds:.2f} |")
    assert_frame_equal(daily_gains(LoadedHistory(pins)).drop("is_unconfirmed"), gains_by_hand(pins))
    print("\n| command | user + system s | wall s | peak MB |\n|---|---:|---:|---:|")
    commands = {"status": ["status"], "report": ["report", "--output", folder / "report.html"]}
    costs = {}
    for name, arguments in commands.items():
        command = [sys.executable, "-m", "oneup_pinterest.cli", *arguments, "--database", database]
        costs[name] = lowest([cost_of(command) for _ in range(runs)])
        print(f"| {name} | {costs[name].cpu:.2f} | {costs[name].wall:.2f} | {costs[name].megabytes:.0f} |")
    print()
    return [
        verdict("report, wall s", costs["report"].wall, 15),
        verdict("report, peak MB", costs["report"].megabytes, 1500),
        verdict(
            "daily_gains / by hand", seconds_by_query["daily_gains"] / seconds_by_query["daily gains by hand"], 1.5
        ),
    ]


def grow(world: World, days: int, database: Path) -> tuple[list[float], list[int]]:
    """Sync each day; return the seconds of each day's sync, and the size of the file after it in bytes."""
    server = Server(0, world)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_port}/api"
    config = {
        "api_key": "benchmark",
        "analytics_url": url,
        "accounts_url": url,
        "max_requests_per_minute": 1_000_000,
        "pins_lookback_days": OBSERVED_DAYS,
    }
    seconds, sizes = [], []
    for _ in range(days):
        os.environ[CLOCK_VARIABLE] = world.next_day().isoformat()
        started = time.perf_counter()
        result = sync(config, database)
        seconds.append(time.perf_counter() - started)
        if result.exit_status:
            raise RuntimeError(f"a sync failed: {result.error}")
        sizes.append(database.stat().st_size)
    server.shutdown()
    return seconds, sizes


def gains_by_hand(pins: pl.DataFrame) -> pl.DataFrame:
    """Return `daily_gains` of a history without falls, as a user would write it: one shift per metric.

    Pins are already sorted, as loaded. Falls, resets, dips, spikes and days of zeros are not handled.
    """
    account, id_ = pl.col("social_network_id"), pl.col("id")
    same = (account == account.shift(1)) & (id_ == id_.shift(1))
    place = ["social_network_id", "snapshot_date"]
    snapshots = (
        pins.lazy()
        .select(place)
        .unique()
        .sort(place)
        .with_columns(
            before_on=pl.col("snapshot_date").shift(1).over("social_network_id"),
            settled=pl.col("snapshot_date").max().over("social_network_id") - pl.duration(days=PROVISIONAL_DAYS),
        )
        .collect()
    )
    rows = pins.join(snapshots, on=place, how="left", maintain_order="left").with_columns(
        same=same.fill_null(value=False), pin=(~same.fill_null(value=False)).cum_sum()
    )
    published = pl.col("timestamp").cast(pl.Date)
    is_new = ~pl.col("same") & (published >= pl.col("before_on") - pl.duration(days=1)).fill_null(value=False)
    blocks = []
    for number, metric in enumerate(sorted(METRICS)):
        value = pl.col(metric)
        before_on = pl.when("same").then(pl.col("snapshot_date").shift(1)).otherwise(published)
        steps = (
            rows.lazy()
            .select(
                "pin",
                "social_network_id",
                "id",
                "snapshot_date",
                "settled",
                "same",
                is_new=is_new,
                days=(pl.col("snapshot_date") - before_on).dt.total_days().clip(1),
                gained=pl.when("same").then(value - value.shift(1)).otherwise(value),
                number=pl.lit(number, pl.Int8),
                metric=pl.lit(metric),
            )
            .filter(pl.col("same") | pl.col("is_new"))
        )
        one = steps.filter(pl.col("days") == 1).with_columns(back=pl.lit(1, pl.Int64))
        more = steps.filter(pl.col("days") > 1).with_columns(back=pl.int_ranges(1, pl.col("days") + 1)).explode("back")
        day = pl.col("snapshot_date") - pl.duration(days=pl.col("back"))
        blocks.append(
            pl.concat([one, more]).select(
                "pin",
                "number",
                "social_network_id",
                "id",
                "metric",
                day.alias("day"),
                (pl.col("gained") / pl.col("days")).alias("gain"),
                (pl.col("days") > 1).alias("is_imputed"),
                pl.lit(value=False).alias("is_fall"),
                "is_new",
                (day >= pl.col("settled")).alias("is_provisional"),
                pl.lit(None, pl.String).alias("fall"),
            )
        )
    return pl.concat(blocks).sort("pin", "number", "day").drop("pin", "number").collect()


def open_and_count(database: Path) -> int:
    """Open the file and count rows."""
    with open_history(database) as history:
        return int(history.execute("SELECT count(*) FROM pins_latest").fetchall()[0][0])


def quickest(work: Callable[[], object], runs: int) -> float:
    """Return the seconds of the quickest of several runs."""
    seconds = []
    for _ in range(runs):
        started = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - started)
    return min(seconds)


if __name__ == "__main__":
    main()
