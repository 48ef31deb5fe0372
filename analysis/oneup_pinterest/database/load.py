"""Loads the history out of a DuckDB file: one function a relation, each returns a Polars frame.

A frame has the contract's columns and fixed dtypes whoever filled the file (`oneup-pinterest sync`, PyAirbyte's
cache, any Airbyte destination for DuckDB) and also when the file lacks the relation: then it has no rows.
Dates are `Date`, times `Datetime("us")` in UTC, counters `Int64`, values and percentages `Float64`. Every
`load_*` function takes

- `database`: path of the file, or a `HistoryFile` that also chooses schemas and a prefix; it is opened read-only and
  closed again before the function returns;
- `accounts`: only this account or these, by `social_network_id` or `@username` (default: all);
- `since`, `until`: first and last day, both included, of `snapshot_date` or, where a relation has none,
  of `period_end`;

and raises `UserError` where `open_history` does, and where the file does not know an account.

>>> import duckdb, tempfile
>>> database = tempfile.mkdtemp() + "/history.duckdb"
>>> with duckdb.connect(database) as connection:
...     _ = connection.execute("CREATE TABLE account_followers (social_network_id TEXT, snapshot_date DATE, "
...         "total_followers BIGINT)")
...     _ = connection.execute("INSERT INTO account_followers VALUES ('pin_a', '2026-03-01', 3200)")
>>> load_account_followers(database).select("snapshot_date", "total_followers").rows()
[(datetime.date(2026, 3, 1), 3200)]
>>> load_pins(database, accounts="pin_a").height
0
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date, datetime
from pathlib import Path
from typing import NamedTuple

import duckdb
import polars as pl

from oneup_pinterest.clock import utc_now
from oneup_pinterest.database._arrow import as_frame
from oneup_pinterest.database.accounts import Accounts, account_ids
from oneup_pinterest.database.connection import connect_waiting, database_path, explain_database_errors
from oneup_pinterest.database.migrations import layout_of
from oneup_pinterest.database.renames import find_renames
from oneup_pinterest.database.schema import (
    EXTRACTED_AT,
    PIN_ATTRIBUTES,
    PIN_COUNTERS,
    STREAMS,
    SYNC_RUNS,
    TABLES,
    TableSchema,
    quoted,
)
from oneup_pinterest.database.sources import HistoryFile, find_tables, stored_tables
from oneup_pinterest.database.views import AHEAD, create_views, has_pin_tables
from oneup_pinterest.errors import UserError

Database = str | Path | HistoryFile


@contextmanager
def open_history(database: Database) -> Iterator[duckdb.DuckDBPyConnection]:
    """A read-only connection in which each relation of the contract is a view with its columns and types.

    Hold it briefly: nobody can sync into the file meanwhile.

    Raises:
        UserError: as `database_path`, or there is no such file, it is no DuckDB database, a newer DuckDB wrote it,
            a sync is writing it (that is waited for a little), a newer version of this kit wrote it, it is damaged,
            it holds none of the streams, or not under the chosen schemas and prefix, or it can be read in more than
            one way.

    >>> import duckdb, tempfile
    >>> database = tempfile.mkdtemp() + "/history.duckdb"
    >>> with duckdb.connect(database) as connection:
    ...     _ = connection.execute("CREATE TABLE accounts AS SELECT 'pin_a' AS social_network_id, 'a' AS username")
    >>> with open_history(database) as history:
    ...     history.sql("SELECT username, is_expired FROM accounts").fetchall()
    [('a', None)]
    """
    path = database_path(database)
    if not path.is_file():
        what = "is a folder" if path.is_dir() else "does not exist"
        raise UserError(
            f"{path} {what}: name the DuckDB file with --database, or make one with `oneup-pinterest sync`.", 2
        )
    connection = connect_waiting(path, lambda: duckdb.connect(path, read_only=True), to_write=False)
    try:
        with explain_database_errors(path, to_write=False):
            connection.execute("SET TimeZone = 'UTC'")
            layout_of(connection, path)
            schemas, prefix = (database.schemas, database.prefix) if isinstance(database, HistoryFile) else ((), None)
            tables = find_tables(connection, str(path), schemas, prefix)
            if not any(table.relation in STREAMS for table in tables):
                names = ", ".join(STREAMS)
                raise UserError(
                    f"{path} holds none of the streams ({names}): sync into it first, or name another file."
                )
            create_views(connection, tables, find_renames(connection, tables))
            yield connection
    finally:
        connection.close()


def load_pins(
    database: Database, accounts: Accounts = None, since: date | None = None, until: date | None = None
) -> pl.DataFrame:
    """Pins as they were seen: one row per account, pin and `snapshot_date`, sorted by these.

    Columns: social_network_id, id, page_id, format, text, permalink, media_type, media_url; timestamp (when the
    pin was published; the API does not say in which zone); impressions, saves, comments, repins, clicks (counts,
    as OneUp names them; null is unknown); snapshot_date (day of the sync); period_start, period_end (the window
    of publish dates that was asked for); _airbyte_extracted_at (UTC).

    >>> list(TABLES["pins"].schema.items())[-6:-4]
    [('repins', Int64), ('clicks', Int64)]
    """
    return _load(database, "pins", accounts, since, until)


def load_pins_latest(
    database: Database, accounts: Accounts = None, since: date | None = None, until: date | None = None
) -> pl.DataFrame:
    """Of each pin the newest row, with the columns of `load_pins`; `since` and `until` say when it was last seen."""
    return _load(database, "pins_latest", accounts, since, until)


def load_overview_metrics(
    database: Database, accounts: Accounts = None, since: date | None = None, until: date | None = None
) -> pl.DataFrame:
    """Totals of an account: one row per account, key (metric), preset and `period_end`. Periods overlap: never sum.

    Columns: social_network_id, preset, period_start, period_end, key, name, description; value_current_period,
    value_last_period (counts in this period and in the one before); percentage_change (the API's text),
    percentage_change_value (percent); _airbyte_extracted_at (UTC).
    """
    return _load(database, "overview_metrics", accounts, since, until)


def load_account_followers(
    database: Database, accounts: Accounts = None, since: date | None = None, until: date | None = None
) -> pl.DataFrame:
    """Followers: one row per account and day. Columns: social_network_id, snapshot_date, total_followers (a count),
    _airbyte_extracted_at (UTC)."""
    return _load(database, "account_followers", accounts, since, until)


def load_pin_totals(
    database: Database, accounts: Accounts = None, since: date | None = None, until: date | None = None
) -> pl.DataFrame:
    """Totals that the API sends beside the pins of a window: the columns of `load_overview_metrics` but preset."""
    return _load(database, "pin_totals", accounts, since, until)


def load_post_performance(
    database: Database, accounts: Accounts = None, since: date | None = None, until: date | None = None
) -> pl.DataFrame:
    """OneUp's six lists of best and worst pins: one row per account, preset, `period_end`, ranking and position.

    Columns: social_network_id, preset, period_start, period_end, ranking (which list), position (1 to 3), id, text,
    permalink, engagement_rate (percent), item (the entry as JSON text), _airbyte_extracted_at (UTC).
    """
    return _load(database, "post_performance", accounts, since, until)


def load_accounts(database: Database, accounts: Accounts = None) -> pl.DataFrame:
    """Accounts as OneUp lists them: social_network_id, username, full_name, social_network_type, is_expired,
    need_refresh (whether OneUp has lost the connection to Pinterest), _airbyte_extracted_at (UTC)."""
    return _load(database, "accounts", accounts)


def load_sync_runs(database: Database) -> pl.DataFrame:
    """One row a run of `oneup-pinterest sync`, oldest first; no rows where something else filled the file.

    Columns: run_id, started_at, finished_at (UTC), status (running, done, partial, failed, interrupted), streams
    (JSON text: name → records, rows), skipped_accounts (JSON text), requests (count), duration_seconds, error.
    """
    return _load(database, SYNC_RUNS)


class DataWindow(NamedTuple):
    """What a file covers. The snapshot of a day has the figures of the days up to the one before it."""

    first_day: date | None
    last_day: date | None
    snapshot_days: int
    accounts: int
    pins: int
    last_extracted: datetime | None

    def __str__(self) -> str:
        if self.first_day is None or self.last_day is None:
            return f"No snapshot yet; {_number(self.accounts, 'account')}."
        return (
            f"{_number(self.snapshot_days, 'daily snapshot')} from {self.first_day} to {self.last_day}: "
            f"{_number(self.pins, 'pin')} of {_number(self.accounts, 'account')}."
        )


def data_window(database: Database) -> DataWindow:
    """First and last snapshot_date, number of days with a snapshot, accounts and pins, and the last extraction (UTC).

    Raises:
        UserError: as `open_history`.

    >>> str(DataWindow(date(2026, 3, 1), date(2026, 3, 2), 2, 1, 40, None))
    '2 daily snapshots from 2026-03-01 to 2026-03-02: 40 pins of 1 account.'
    """
    with open_history(database) as history:
        return read_window(history)


def read_relation(
    history: duckdb.DuckDBPyConnection,
    name: str,
    accounts: Accounts = None,
    since: date | None = None,
    until: date | None = None,
    columns: Collection[str] | None = None,
) -> pl.DataFrame:
    """A relation of the contract as a frame, from a connection that `open_history` gave; for several from one moment.

    `columns`: only these (default: all).

    >>> import duckdb, tempfile
    >>> database = tempfile.mkdtemp() + "/history.duckdb"
    >>> with duckdb.connect(database) as connection:
    ...     _ = connection.execute("CREATE TABLE accounts AS SELECT 'pin_a' AS social_network_id")
    >>> with open_history(database) as history:
    ...     read_relation(history, "accounts").height, read_relation(history, "pins").height
    (1, 0)
    """
    relation = TABLES[name]
    wanted = [column for column in relation.columns if columns is None or column in columns]
    ids = account_ids(history, accounts)
    if name == "pins" and has_pin_tables(history):
        return _pins_of_two_tables(history, wanted, ids, since, until)
    order = ", ".join(map(quoted, relation.key))
    where, values = _where(relation, ids, since, until)
    return as_frame(history.sql(f"SELECT {_listed(wanted)} FROM {quoted(name)}{where} ORDER BY {order}", params=values))


def read_window(history: duckdb.DuckDBPyConnection) -> DataWindow:
    """`data_window` from a connection that `open_history` gave."""
    days = "SELECT DISTINCT snapshot_date FROM pins UNION SELECT DISTINCT snapshot_date FROM account_followers"
    ids = " UNION ".join(f"SELECT DISTINCT social_network_id FROM {quoted(stream)}" for stream in STREAMS)
    at = f"coalesce(max({EXTRACTED_AT}) FILTER (WHERE {EXTRACTED_AT} <= $clock), max({EXTRACTED_AT}))"
    times = " UNION ALL ".join(f"SELECT {at} AS extracted FROM {quoted(stream)}" for stream in STREAMS)
    row = history.execute(
        f"SELECT *, (SELECT count(social_network_id) FROM ({ids})), (SELECT count(*) FROM pins_latest), "
        "(SELECT coalesce(max(extracted) FILTER (WHERE extracted <= $clock), max(extracted)) FROM ("
        f"{times})) FROM (SELECT min(snapshot_date), max(snapshot_date), count(DISTINCT snapshot_date) FROM ({days}))",
        {"clock": (utc_now() + AHEAD).replace(tzinfo=None)},
    ).fetchall()[0]
    return DataWindow(*row)


def _load(
    database: Database, name: str, accounts: Accounts = None, since: date | None = None, until: date | None = None
) -> pl.DataFrame:
    with open_history(database) as history:
        return read_relation(history, name, accounts, since, until)


def _pins_of_two_tables(
    history: duckdb.DuckDBPyConnection,
    wanted: Sequence[str],
    accounts: Sequence[str] | None,
    since: date | None,
    until: date | None,
) -> pl.DataFrame:
    """`pins` of a file of ours: texts are handed over once a pin, not once a row, which costs a fifth of the time and
    half of the memory (`benchmarks/growth.py`)."""
    stored, relation = {table.relation: table.columns for table in stored_tables(history)}, TABLES["pins"]
    of_pin, of_day = ([name for name in wanted if name in stored[table]] for table in (PIN_ATTRIBUTES, PIN_COUNTERS))
    where, values = _where(relation._replace(date=None), accounts)
    place = "row_number() OVER (ORDER BY social_network_id, id) - 1 AS pin"
    numbers = f"SELECT pin_key, {place} FROM {PIN_ATTRIBUTES}{where}"
    texts = as_frame(
        history.sql(
            f"SELECT {_listed(of_pin)} FROM {PIN_ATTRIBUTES}{where} ORDER BY social_network_id, id", params=values
        )
    )
    within, days = _where(relation, None, since, until)
    rows = as_frame(
        history.sql(
            f"SELECT pin, {_listed(of_day)} FROM {PIN_COUNTERS} JOIN ({numbers}) USING (pin_key){within} "
            "ORDER BY pin, snapshot_date",
            params=[*values, *days],
        )
    ).rechunk()
    nothing = {name: pl.lit(None, kind) for name, kind in relation.schema.items() if name not in (*of_pin, *of_day)}
    return rows.with_columns(texts[rows["pin"]].get_columns()).with_columns(**nothing).select(wanted)


def _where(
    relation: TableSchema, accounts: Sequence[str] | None, since: date | None = None, until: date | None = None
) -> tuple[str, list[object]]:
    """An SQL condition with its values."""
    conditions: list[str] = []
    values: list[object] = []
    if accounts is not None:
        conditions.append("social_network_id IN (SELECT unnest(?::VARCHAR[]))")
        values.append(list(accounts))
    for day, sign in ((since, ">="), (until, "<=")):
        if day is not None and relation.date is not None:
            conditions.append(f"{relation.date} {sign} ?::DATE")
            values.append(day)
    return f" WHERE {' AND '.join(conditions)}" if conditions else "", values


def _listed(columns: Iterable[str]) -> str:
    return ", ".join(map(quoted, columns))


def _number(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 's'}"
