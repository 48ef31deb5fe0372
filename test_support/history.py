"""Small DuckDB files as a sync writes them, made with SQL: reproducible, and with the faults that occur in practice."""

import json
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from pathlib import Path
from random import Random
from typing import NamedTuple

import duckdb
import numpy as np
import polars as pl

from oneup_pinterest.database.schema import COUNTERS
from oneup_pinterest.sandbox.pin_texts import pin_text
from simulations.worlds import LAST_SNAPSHOT, made_up_pins
from test_support.built_once import built_once

LAST_DAY = date(2026, 3, 31)
NOW = datetime(2026, 3, 31, 9, 0)  # three hours after the last sync
HOSTILE_TEXT = '<script>window.hacked=1</script><img src=x onerror="window.hacked=1"> </script><!-- ${7*7} {{7*7}}'
METRICS = COUNTERS

_METRIC_COLUMNS = (
    "key VARCHAR, name VARCHAR, description VARCHAR, value_current_period DOUBLE, value_last_period DOUBLE, "
    "percentage_change VARCHAR, percentage_change_value DOUBLE"
)
_PERIOD = "period_start DATE, period_end DATE"
_TABLES = {
    "overview_metrics": f"social_network_id VARCHAR, preset VARCHAR, {_PERIOD}, {_METRIC_COLUMNS}",
    "_pins": "social_network_id VARCHAR, id VARCHAR, page_id VARCHAR, format VARCHAR, text VARCHAR, permalink VARCHAR, "
    "media_type VARCHAR, media_url VARCHAR, timestamp TIMESTAMP, impressions BIGINT, saves BIGINT, comments BIGINT, "
    f"repins BIGINT, clicks BIGINT, snapshot_date DATE, {_PERIOD}",
    "account_followers": "social_network_id VARCHAR, snapshot_date DATE, total_followers BIGINT",
    "post_performance": f"social_network_id VARCHAR, preset VARCHAR, {_PERIOD}, "
    "ranking VARCHAR, position BIGINT, id VARCHAR, text VARCHAR, permalink VARCHAR, engagement_rate DOUBLE, item JSON",
    "pin_totals": f"social_network_id VARCHAR, {_PERIOD}, {_METRIC_COLUMNS}",
    "accounts": "social_network_id VARCHAR, username VARCHAR, full_name VARCHAR, social_network_type VARCHAR, "
    "is_expired BOOLEAN, need_refresh BOOLEAN",
}


class Pin(NamedTuple):
    """A made-up pin; `daily` is its gain per day in each metric."""

    id: str
    published: datetime
    text: str
    permalink: str
    daily: tuple[int, ...]


@built_once
def make_history(
    path: Path,
    accounts: Sequence[str] = ("pin_one", "pin_two"),
    days: int = 20,
    pins: int = 12,
    *,
    missing_days: Sequence[int] = (),
    reset_on: int | None = None,
    rolling: bool = False,
    hostile: bool = False,
    seed: int = 1,
) -> Path:
    """Write a file whose last sync was on LAST_DAY at 06:00, and return its path.

    `days` is the number of syncs, one per day; `days=0` creates all tables without rows. `pins` is the number of pins
    that an account starts with; it publishes one more every third day. `missing_days` and `reset_on` are numbers of
    days from the first day, 0.
    """
    with duckdb.connect(path) as connection:
        connection.execute("BEGIN")
        _create(connection)
        for number, account in enumerate(accounts if days else ()):
            rng = Random(f"{seed}/{account}")
            name = f"{'<b>Bad</b> ' if hostile else ''}Account {number}"
            connection.execute(
                "INSERT INTO accounts VALUES (?, ?, ?, 'Pinterest', false, false, ?)",
                [account, account.removeprefix("pin_"), name, _extracted(LAST_DAY)],
            )
            made = [_pin(rng, account, n, days, pins, hostile) for n in range(pins + days // 3)] if pins else []
            rows: list[list[object]] = []
            for back in range(days - 1, -1, -1):
                index, day = days - 1 - back, LAST_DAY - timedelta(days=back)
                if index in missing_days:
                    continue
                rows += [
                    _snapshot_row(pin, account, day, index, reset_on, rolling)
                    for pin in made
                    if pin.published.date() < day
                ]
                _insert_totals(connection, rng, account, day)
            _insert_rows(connection, "_pins", rows)
        for back in range(days - 1, -1, -1):
            if days - 1 - back not in missing_days:
                insert_run(connection, LAST_DAY - timedelta(days=back))
        _reconcile(connection)
        connection.execute("COMMIT")
    return path


@built_once
def make_long_history(
    path: Path,
    accounts: Sequence[str] = ("pin_one", "pin_two"),
    days: int = 90,
    pins: int = 150,
    *,
    hostile: bool = False,
    seed: int = 1,
) -> Path:
    """Write a file with enough data for every answer: months of syncs, several formats, a weekly cycle, a viral pin.

    The account after the first has half as many pins, and so on. The last sync is as in `make_history`.
    """
    with duckdb.connect(path) as connection:
        connection.execute("BEGIN")
        _create(connection)
        for number, account in enumerate(accounts):
            connection.execute(
                "INSERT INTO accounts VALUES (?, ?, ?, 'Pinterest', false, false, ?)",
                [
                    account,
                    account.removeprefix("pin_"),
                    f"{'<b>Bad</b> ' if hostile else ''}Account {number}",
                    _extracted(LAST_DAY),
                ],
            )
            pins_by_day = made_up_pins(
                np.random.default_rng([seed, number]), pins // (number + 1), days, days + 60, account=account
            )
            _insert_rows(connection, "_pins", _with_weekly_cycle(pins_by_day, account, hostile).rows())
            rng = Random(f"{seed}/{account}")
            followers = 1000
            for back in range(days - 1, -1, -1):
                followers += rng.randint(-2, 6)
                _insert_totals(connection, rng, account, LAST_DAY - timedelta(days=back), followers)
        for back in range(days - 1, -1, -1):
            insert_run(connection, LAST_DAY - timedelta(days=back))
        _reconcile(connection)
        connection.execute("COMMIT")
    return path


def _with_weekly_cycle(pins_by_day: pl.DataFrame, account: str, hostile: bool) -> pl.DataFrame:
    """Return pins as rows of `_pins`: weekends gain more, and one pin goes viral three weeks before the end."""
    assert pins_by_day["snapshot_date"].max() == LAST_SNAPSHOT == LAST_DAY
    number, day = pl.col("id").cast(pl.Int64), pl.col("snapshot_date")
    viral = (number == 7) & (day == LAST_DAY - timedelta(days=20))
    more = pl.when(viral).then(40.0).when(day.dt.weekday() > 5).then(1.3).otherwise(0.95)
    texts = {
        key: HOSTILE_TEXT if hostile and place % 4 == 0 else pin_text("recipes", f"{account}/{key}")
        for place, key in enumerate(pins_by_day["id"].unique().sort())
    }
    gains = [pl.col(name).diff().fill_null(pl.col(name)).over("id") * more for name in METRICS]
    counters = [gain.round().cum_sum().over("id").cast(pl.Int64) for gain in gains]
    video, carousel = pl.when(number % 4 == 0).then(pl.lit("video")), pl.when(number % 7 == 1).then(pl.lit("carousel"))
    kind = pl.coalesce(video, carousel, pl.lit("image"))
    return pins_by_day.sort("id", "snapshot_date").select(
        "social_network_id",
        pl.format("{}-{}", pl.lit(account), "id").alias("id"),
        pl.lit(f"pinterest_account_{account}").alias("page_id"),
        kind.alias("format"),
        pl.col("id").replace_strict(texts).alias("text"),
        pl.lit("javascript:window.hacked=1" if hostile else "https://www.pinterest.com/pin/1/").alias("permalink"),
        kind.str.to_uppercase().alias("media_type"),
        "media_url",
        "timestamp",
        *counters,
        "snapshot_date",
        (day - pl.duration(days=90)).alias("period_start"),
        (day - pl.duration(days=1)).alias("period_end"),
        (day.cast(pl.Datetime("us")) + pl.duration(hours=6)).alias("_airbyte_extracted_at"),
    )


def insert_run(
    connection: duckdb.DuckDBPyConnection, day: date, status: str = "done", skipped: Sequence[dict[str, str]] = ()
) -> None:
    """Insert one row of `_sync_runs`, started at 06:00 of that day."""
    finished = None if status in ("running", "interrupted") else _extracted(day) + timedelta(seconds=12)
    connection.execute(
        "INSERT INTO _sync_runs VALUES (?, ?, ?, ?, ?, ?, 4, 12.0, NULL)",
        [
            f"{day}-{status}",
            _extracted(day),
            finished,
            status,
            json.dumps({"pins": {"records": 12, "rows": 12}}),
            json.dumps(list(skipped)),
        ],
    )


def as_other_destination(path: Path, target: Path, schema: str = "oneup") -> Path:
    """Copy a file into the shape of PyAirbyte's cache: own schema, DECIMAL numbers, zoned times, no views."""
    with duckdb.connect(target) as connection:
        connection.execute("SET TimeZone = 'America/New_York'")
        connection.execute(f"ATTACH '{path}' AS source (READ_ONLY)")
        connection.execute(f"CREATE SCHEMA {schema}")
        for table in (*_TABLES, "pins"):
            if table == "_pins":
                continue
            columns = connection.execute(
                "SELECT column_name, data_type FROM duckdb_columns() "
                "WHERE database_name = 'source' AND table_name = ? ORDER BY column_index",
                [table],
            ).fetchall()
            selected = ", ".join(_other_type(str(name), str(kind)) for name, kind in columns)
            connection.execute(
                f"CREATE TABLE {schema}.{table} AS SELECT {selected}, uuid()::VARCHAR AS _airbyte_raw_id, "
                f"'{{}}'::JSON AS _airbyte_meta FROM source.main.{table}"
            )
    return target


def _other_type(name: str, kind: str) -> str:
    if name == "_airbyte_extracted_at":
        return f"timezone('UTC', {name}) AS {name}"
    return f'"{name}"::DECIMAL(38, 9) AS "{name}"' if kind in ("BIGINT", "DOUBLE") else f'"{name}"'


def _create(connection: duckdb.DuckDBPyConnection) -> None:
    for table, columns in _TABLES.items():
        connection.execute(f"CREATE TABLE {table} ({columns}, _airbyte_extracted_at TIMESTAMP)")
    connection.execute("CREATE VIEW pins AS SELECT * FROM _pins")
    connection.execute(
        "CREATE VIEW pins_latest AS SELECT * FROM _pins "
        "QUALIFY row_number() OVER (PARTITION BY social_network_id, id ORDER BY snapshot_date DESC) = 1"
    )
    connection.execute("CREATE TABLE _airbyte_state (stream_name VARCHAR, state JSON, updated_at TIMESTAMP)")
    connection.execute(
        "CREATE TABLE _sync_runs (run_id VARCHAR, started_at TIMESTAMP, finished_at TIMESTAMP, status VARCHAR, "
        "streams VARCHAR, skipped_accounts VARCHAR, requests BIGINT, duration_seconds DOUBLE, error VARCHAR)"
    )


def _pin(rng: Random, account: str, number: int, days: int, old: int, hostile: bool) -> Pin:
    """Return a pin: the first `old` are older than the first sync, the others are published every third day since."""
    back = days + 5 + (number * 7) % 60 if number < old else days - 3 * (number - old + 1)
    published = datetime.combine(LAST_DAY - timedelta(days=back), datetime.min.time()) + timedelta(hours=number % 24)
    text = (
        HOSTILE_TEXT
        if hostile and number % 4 == 0
        else f"Pin {number} of {account} 📌 עברית: " + "long text " * (number % 30)
    )
    link = "javascript:window.hacked=1" if hostile and number % 4 == 0 else f"https://www.pinterest.com/pin/{number}/"
    return Pin(f"{account}-{number:05}", published, text, link, tuple(rng.randint(0, m) for m in (90, 9, 1, 5, 7)))


def _snapshot_row(pin: Pin, account: str, day: date, index: int, reset_on: int | None, rolling: bool) -> list[object]:
    age = (day - pin.published.date()).days
    if reset_on is not None and index >= reset_on:
        age = min(age, index - reset_on)
    counters = [gain * age for gain in pin.daily]
    if rolling:  # rises and falls like a counter of the last days
        counters = [gain * (10 + (index * 7 + position) % 5) for position, gain in enumerate(pin.daily)]
    return [
        account,
        pin.id,
        f"pinterest_account_{account}",
        "pin",
        pin.text,
        pin.permalink,
        "IMAGE",
        "https://i.pinimg.com/x.jpg",
        pin.published,
        *counters,
        day,
        day - timedelta(days=90),
        day - timedelta(days=1),
        _extracted(day),
    ]


def _insert_rows(connection: duckdb.DuckDBPyConnection, table: str, rows: Sequence[Sequence[object]]) -> None:
    kinds = [column.split()[1] for column in f"{_TABLES[table]}, _airbyte_extracted_at TIMESTAMP".split(", ")]
    lists = ", ".join(f"unnest(?::{kind}[])" for kind in kinds)  # one list per column is much faster than row by row
    connection.execute(
        f"INSERT INTO {table} SELECT {lists}", [list(column) for column in zip(*rows, strict=True)] or [[]] * len(kinds)
    )


def _insert_totals(
    connection: duckdb.DuckDBPyConnection, rng: Random, account: str, day: date, followers: int | None = None
) -> None:
    extracted, end = _extracted(day), day - timedelta(days=1)
    month, quarter = day - timedelta(days=30), day - timedelta(days=90)
    metrics: list[list[object]] = []
    for size, key in zip((20, 90000, 700, 40, 300, 500), ("posts", *METRICS), strict=True):
        now, before = rng.randint(0, size), rng.randint(0, size) if key != "comments" else 0
        change = 100 * (now - before) / before if before else 100.0
        metrics.append([key, key.capitalize(), f"Number of {key}", now, before, f"{change:+.1f}%", change, extracted])
    _insert_rows(connection, "overview_metrics", [[account, "last_30_days", month, end, *metric] for metric in metrics])
    _insert_rows(connection, "pin_totals", [[account, quarter, end, *metric] for metric in metrics])
    total = 900 + (day - LAST_DAY).days if followers is None else followers
    _insert_rows(connection, "account_followers", [[account, day, total, extracted]])
    best = [account, "last_30_days", month, end, "most_engaging", 1, f"{account}-0", "text", "link", 2.5]
    _insert_rows(connection, "post_performance", [[*best, '{"likes": 3}', extracted]])


def _reconcile(connection: duckdb.DuckDBPyConnection) -> None:
    """Set the totals to the sums of the pins, and the posts of the overview to the pins published in its period."""
    sums = ", ".join(f"sum({metric})::BIGINT AS {metric}" for metric in METRICS)
    connection.execute(
        "UPDATE pin_totals AS t SET value_current_period = sums.total FROM ("
        f"UNPIVOT (SELECT social_network_id, period_end, count(*) AS posts, {sums} FROM _pins GROUP BY ALL) "
        f"ON posts, {', '.join(METRICS)} INTO NAME key VALUE total) AS sums "
        "WHERE (t.social_network_id, t.period_end, t.key) = (sums.social_network_id, sums.period_end, sums.key)"
    )
    connection.execute(
        "UPDATE overview_metrics AS o SET value_current_period = (SELECT count(DISTINCT id) FROM _pins AS p "
        "WHERE p.social_network_id = o.social_network_id "
        "AND p.timestamp::DATE BETWEEN o.period_start AND o.period_end) WHERE key = 'posts'"
    )


def _extracted(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, 6)
