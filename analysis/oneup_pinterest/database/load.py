"""Load the tables of a database: one function per table, each returns a Polars frame.

A frame always has the same columns and dtypes, whoever filled the file (`oneup-pinterest sync`, PyAirbyte's cache, any
Airbyte destination for DuckDB). Where the file lacks the table, the frame has no rows. Dates are `Date`, times
`Datetime("us")` in UTC, counters `Int64`, values and percentages `Float64`.

Every `load_*` function takes

- `database`: path of the file, or a `HistoryFile` that also chooses schemas and a prefix; it is opened read-only and
  closed again before the function returns;
- `accounts`: only this account or these, by `social_network_id` or `@username` (default: all);
- `since`, `until`: first and last day, both included, of `snapshot_date` or, where a table has none, of `period_end`;

and raises `UserError` as `open_history` does, and for an account that the file does not know.

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

from datetime import date

import polars as pl

from oneup_pinterest.database.accounts import Accounts
from oneup_pinterest.database.reader import Database, DataWindow, open_history, read_relation, read_window
from oneup_pinterest.database.schema import SYNC_RUNS


def load_pins(
    database: Database, accounts: Accounts = None, since: date | None = None, until: date | None = None
) -> pl.DataFrame:
    """Return pins as they were seen: one row per account, pin and `snapshot_date`, sorted by these columns.

    Columns: social_network_id, id, page_id, format, text, permalink, media_type, media_url; timestamp (when the
    pin was published; the API does not document the time zone); impressions, saves, comments, repins, clicks (counts,
    as OneUp names them; null is unknown); snapshot_date (day of the sync); period_start, period_end (the requested
    window of publish dates); _airbyte_extracted_at (UTC).

    >>> import duckdb, tempfile
    >>> database = tempfile.mkdtemp() + "/history.duckdb"
    >>> duckdb.connect(database).execute("CREATE TABLE pins AS SELECT 'pin_a' AS social_network_id, '1' AS id, "
    ...     "DATE '2026-03-01' AS snapshot_date, 7 AS saves").close()
    >>> load_pins(database).select("id", "saves", "clicks").rows()
    [('1', 7, None)]
    """
    return _load(database, "pins", accounts, since, until)


def load_pins_latest(
    database: Database, accounts: Accounts = None, since: date | None = None, until: date | None = None
) -> pl.DataFrame:
    """Return the newest row of each pin, with the columns of `load_pins`.

    `since` and `until` filter by the day on which the pin was last seen.

    >>> import duckdb, tempfile
    >>> database = tempfile.mkdtemp() + "/history.duckdb"
    >>> duckdb.connect(database).execute("CREATE TABLE pins AS SELECT 'pin_a' AS social_network_id, '1' AS id, "
    ...     "DATE '2026-03-01' + days::INT AS snapshot_date, 7 + days AS saves FROM range(3) AS r(days)").close()
    >>> load_pins_latest(database).select("id", "saves").rows()
    [('1', 9)]
    """
    return _load(database, "pins_latest", accounts, since, until)


def load_overview_metrics(
    database: Database, accounts: Accounts = None, since: date | None = None, until: date | None = None
) -> pl.DataFrame:
    """Return OneUp's totals of accounts: one row per account, key (metric), preset and `period_end`.

    Periods overlap, so do not sum over them.

    Columns: social_network_id, preset, period_start, period_end, key, name, description; value_current_period,
    value_last_period (counts in this period and in the one before it); percentage_change (the API's text),
    percentage_change_value (percent); _airbyte_extracted_at (UTC).

    >>> import duckdb, tempfile
    >>> database = tempfile.mkdtemp() + "/history.duckdb"
    >>> duckdb.connect(database).execute("CREATE TABLE overview_metrics AS SELECT 'pin_a' AS social_network_id, "
    ...     "DATE '2026-03-07' AS period_end, 'saves' AS key, 9 AS value_current_period").close()
    >>> load_overview_metrics(database).select("key", "value_current_period").rows()
    [('saves', 9.0)]
    """
    return _load(database, "overview_metrics", accounts, since, until)


def load_account_followers(
    database: Database, accounts: Accounts = None, since: date | None = None, until: date | None = None
) -> pl.DataFrame:
    """Return followers: one row per account and day.

    Columns: social_network_id, snapshot_date, total_followers (count), _airbyte_extracted_at (UTC).

    >>> import duckdb, tempfile
    >>> database = tempfile.mkdtemp() + "/history.duckdb"
    >>> duckdb.connect(database).execute("CREATE TABLE account_followers AS SELECT 'pin_a' AS social_network_id, "
    ...     "DATE '2026-03-01' AS snapshot_date, 3200 AS total_followers").close()
    >>> load_account_followers(database)["total_followers"].to_list()
    [3200]
    """
    return _load(database, "account_followers", accounts, since, until)


def load_pin_totals(
    database: Database, accounts: Accounts = None, since: date | None = None, until: date | None = None
) -> pl.DataFrame:
    """Return the totals that the API sends with the pins of a window: one row per account, key (metric) and window.

    Columns: those of `load_overview_metrics` without preset.

    >>> import duckdb, tempfile
    >>> database = tempfile.mkdtemp() + "/history.duckdb"
    >>> duckdb.connect(database).execute("CREATE TABLE pin_totals AS SELECT 'pin_a' AS social_network_id, "
    ...     "DATE '2026-03-01' AS period_start, DATE '2026-03-07' AS period_end, 'saves' AS key").close()
    >>> load_pin_totals(database).select("period_start", "key").rows()
    [(datetime.date(2026, 3, 1), 'saves')]
    """
    return _load(database, "pin_totals", accounts, since, until)


def load_post_performance(
    database: Database, accounts: Accounts = None, since: date | None = None, until: date | None = None
) -> pl.DataFrame:
    """Return OneUp's six lists of best and worst pins: one row per account, preset, `period_end`, ranking and position.

    Columns: social_network_id, preset, period_start, period_end, ranking (which list), position (1 to 3), id, text,
    permalink, engagement_rate (percent), item (the entry as JSON text), _airbyte_extracted_at (UTC).

    >>> import duckdb, tempfile
    >>> database = tempfile.mkdtemp() + "/history.duckdb"
    >>> duckdb.connect(database).execute("CREATE TABLE post_performance AS SELECT 'pin_a' AS social_network_id, "
    ...     "'last_7_days' AS preset, DATE '2026-03-07' AS period_end, 'top_saves' AS ranking, 1 AS position").close()
    >>> load_post_performance(database).select("ranking", "position").rows()
    [('top_saves', 1)]
    """
    return _load(database, "post_performance", accounts, since, until)


def load_accounts(database: Database, accounts: Accounts = None) -> pl.DataFrame:
    """Return accounts as OneUp lists them: one row per account.

    Columns: social_network_id, username, full_name, social_network_type, is_expired, need_refresh (whether OneUp has
    lost the connection to Pinterest), _airbyte_extracted_at (UTC).

    >>> import duckdb, tempfile
    >>> database = tempfile.mkdtemp() + "/history.duckdb"
    >>> duckdb.connect(database).execute("CREATE TABLE accounts AS SELECT 'pin_a' AS social_network_id").close()
    >>> load_accounts(database)["social_network_id"].to_list()
    ['pin_a']
    """
    return _load(database, "accounts", accounts)


def load_sync_runs(database: Database) -> pl.DataFrame:
    """Return one row per run of `oneup-pinterest sync`, oldest first; no rows where another tool filled the file.

    Columns: run_id, started_at, finished_at (UTC), status (running, done, partial, failed, interrupted), streams
    (JSON text: name → records, rows), skipped_accounts (JSON text), requests (count), duration_seconds, error.

    >>> import duckdb, tempfile
    >>> database = tempfile.mkdtemp() + "/history.duckdb"
    >>> duckdb.connect(database).execute("CREATE TABLE accounts AS SELECT 'pin_a' AS social_network_id").close()
    >>> load_sync_runs(database).height
    0
    """
    return _load(database, SYNC_RUNS)


def data_window(database: Database) -> DataWindow:
    """Return the first and last snapshot day, the numbers of days, accounts and pins, and the last extraction (UTC).

    Raises:
        UserError: as `open_history`.

    >>> str(DataWindow(date(2026, 3, 1), date(2026, 3, 2), 2, 1, 40, None))
    '2 daily snapshots from 2026-03-01 to 2026-03-02: 40 pins of 1 account.'
    """
    with open_history(database) as history:
        return read_window(history)


def _load(
    database: Database, name: str, accounts: Accounts = None, since: date | None = None, until: date | None = None
) -> pl.DataFrame:
    with open_history(database) as history:
        return read_relation(history, name, accounts, since, until)
