"""What the checks look at, and the thresholds that they share."""

from collections.abc import Callable, Collection, Iterator, Sequence
from datetime import date, datetime
from typing import NamedTuple

import duckdb
import polars as pl

from oneup_pinterest.clock import utc_now
from oneup_pinterest.database.invalid_values import (
    CLOCK_TOLERANCE,
    ImpossibleDays,
    UnreadableValues,
    find_unreadable_values,
    registered_impossible_days,
)
from oneup_pinterest.database.listed_accounts import MissingAccount, missing_accounts
from oneup_pinterest.database.reader import Database, open_history, read_relation, read_window
from oneup_pinterest.database.renames import Rename, newest_ids, registered_renames
from oneup_pinterest.database.replaced_values import MergedRows, ReplacedValues, find_replaced_values
from oneup_pinterest.database.schema import SYNC_RUNS, TABLES, quoted
from oneup_pinterest.database.selection import selected_accounts
from oneup_pinterest.database.stored_tables import StoredTable, registered_tables
from oneup_pinterest.database.table_sql import qualified_name
from oneup_pinterest.history.loaded_history import LoadedHistory
from oneup_pinterest.quality.findings import Finding

KEPT_DAYS = 90  # Pinterest keeps figures this long
AGREEMENT_TOLERANCE = 0.01  # a sync takes a moment, in which counters move
MIN_IMPRESSIONS = 20  # two pins with fewer have equal counters by chance
MIN_CASES = 7  # were an assumption true in half of the cases, 7 in a row one way come once in 128
NEARLY_ALL_THRESHOLD = 0.95  # share of the cases

UNCHECKED_COLUMNS = ("page_id", "format", "text", "media_type")  # of pins


class CheckContext(NamedTuple):
    """What the checks look at.

    Attributes:
        history: What the `load_*` functions return; its `pins` have only the columns that checks look at.
        runs: The syncs, as `load_sync_runs` returns them.
        last_sync: When the newest data came, in UTC; None before the first sync.
        now: The present time in UTC.
        tables: The tables of the file.
        unreadable, impossible: What is left out of the frames.
        replaced, merged: What the path of the file did to its rows.
        missing: The accounts that no key lists any more; None where the file does not say.
        renames: The accounts with a new id.
    """

    history: LoadedHistory
    runs: pl.DataFrame
    last_sync: datetime | None
    now: datetime
    tables: Sequence[StoredTable] = ()
    unreadable: Sequence[UnreadableValues] = ()
    impossible: Sequence[ImpossibleDays] = ()
    replaced: Sequence[ReplacedValues] = ()
    merged: Sequence[MergedRows] = ()
    missing: Sequence[MissingAccount] | None = None
    renames: Sequence[Rename] = ()

    def lacks_rows(self, relation: str, *, including_impossible_days: bool = True) -> bool:
        """Return whether rows of a table are left out, because their key is unreadable or their day impossible."""
        places = tuple(f"{table.place}." for table in self.tables if table.relation == relation)
        if any(values.is_key and values.column.startswith(places) for values in self.unreadable):
            return True
        return including_impossible_days and any(days.relation == relation for days in self.impossible)

    def with_history(self, history: LoadedHistory) -> "CheckContext":
        """Return the same file with another history, such as that of one account."""
        return self._replace(history=history)


Check = Callable[[CheckContext], Iterator[Finding]]


def read_check_context(history: duckdb.DuckDBPyConnection, pins: pl.DataFrame | None = None) -> CheckContext:
    """Return what the checks look at, from a connection that `open_history` returned.

    `pins`: the pins, where they were read already.
    """
    if pins is None:
        columns = [name for name in TABLES["pins"].columns if name not in UNCHECKED_COLUMNS]
        pins = read_relation(history, "pins", columns=columns)
    followers, accounts, runs, overview, totals = (
        read_relation(history, name)
        for name in ("account_followers", "accounts", SYNC_RUNS, "overview_metrics", "pin_totals")
    )
    now, tables = utc_now().replace(tzinfo=None), registered_tables(history)
    context = CheckContext(
        LoadedHistory(pins, followers=followers, accounts=accounts, overview=overview, pin_totals=totals),
        runs,
        _last_sync(history, runs, now),
        now,
        tables,
        find_unreadable_values(history, tables),
        registered_impossible_days(history),
        *find_replaced_values(history),
        missing_accounts(history),
        registered_renames(history),
    )
    chosen = selected_accounts(history)
    return context if chosen is None else _without_other_accounts(history, context, chosen)


def _without_other_accounts(
    history: duckdb.DuckDBPyConnection, context: CheckContext, chosen: Collection[str]
) -> CheckContext:
    """Leave out what the file says of other accounts: names of schemas, examples, listed and renamed accounts."""
    ((database,),) = history.execute("SELECT current_database()").fetchall()

    def holds_chosen(table: StoredTable) -> bool:
        if "social_network_id" not in table.columns:
            return table.schema == "main"
        older = [rename.older for rename in context.renames if rename.newer in chosen]
        found = f"SELECT 1 FROM {qualified_name(database, table)} WHERE {quoted(table.columns['social_network_id'])} "
        return bool(
            history.execute(f"{found} IN (SELECT unnest(?::VARCHAR[])) LIMIT 1", [[*chosen, *older]]).fetchall()
        )

    tables = [table for table in context.tables if table.is_read and holds_chosen(table)]
    places = tuple(f"{table.place}." for table in tables)
    return context._replace(
        tables=tables,
        unreadable=[
            values._replace(example=values.example and "not shown")
            for values in context.unreadable
            if values.column.startswith(places)
        ],
        impossible=[days for days in context.impossible if days.place in {table.place for table in tables}],
        replaced=(),  # parts of the path of the file
        merged=(),
        missing=context.missing and [missing for missing in context.missing if missing.account in chosen],
        renames=[rename for rename in context.renames if newest_ids(context.renames)[rename.older] in chosen],
    )


def load_check_context(database: Database) -> CheckContext:
    """Return what the checks look at, from a file that is closed again before the function returns.

    Raises:
        UserError: as `open_history`.
    """
    with open_history(database) as history:
        return read_check_context(history)


def _last_sync(history: duckdb.DuckDBPyConnection, runs: pl.DataFrame, now: datetime) -> datetime | None:
    # a run without requests is a load, whose data are only as new as their extraction
    is_sync = pl.col("status").is_in(["done", "partial"]) & pl.col("requests").is_not_null()
    finished = runs.filter(is_sync)["finished_at"].max()
    times = [time for time in (read_window(history).last_extracted, finished) if isinstance(time, datetime)]
    times = [time for time in times if time <= now + CLOCK_TOLERANCE] or times  # skip runs with a wrong clock
    return max(times, default=None)


def first_day(days: pl.Series) -> date | None:
    """Return the earliest of some days; None where there is none.

    >>> first_day(pl.Series([date(2026, 3, 2), None, date(2026, 3, 1)]))
    datetime.date(2026, 3, 1)
    """
    earliest = days.min()
    return earliest if isinstance(earliest, date) else None


def in_parentheses(name: pl.Expr) -> pl.Expr:
    """Return a name in parentheses with a blank before it; nothing where the name is null.

    >>> pl.select(in_parentheses(pl.lit("last_7_days"))).item()
    ' (last_7_days)'
    """
    return pl.when(name.is_null()).then(pl.lit("")).otherwise(pl.format(" ({})", name))
