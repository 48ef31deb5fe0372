"""Recognize renamed accounts by their pins."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import NamedTuple

import duckdb

from oneup_pinterest.database.renames import Rename
from oneup_pinterest.database.schema import EXTRACTED_AT, PIN_ATTRIBUTES, PIN_COUNTERS, quoted
from oneup_pinterest.database.stored_tables import StoredTable
from oneup_pinterest.database.table_sql import qualified_name

MIN_SHARED_PINS = 0.5  # share of the pins that both accounts could have
_OWN_PAGE = r"^https?://([a-z]+\.)*pinterest\.[a-z.]+/pin/"  # a link to the pin itself
_Days = dict[date, tuple[datetime | None, datetime | None]]


class _Span(NamedTuple):
    """The days on which pins of an account were seen, and the times of extraction."""

    first_day: date
    last_day: date
    first_at: datetime | None
    last_at: datetime | None


def find_renames(connection: duckdb.DuckDBPyConnection, tables: Sequence[StoredTable]) -> list[Rename]:
    """Return the renamed accounts among the pins of some tables, those that were read last first.

    Two accounts are one if most of the pins that both could have are the same: pins that were published while the older
    account was read, on days from which the newer one has pins. Pins are the same by their id, unless their links lead
    to different pins, or by a link to their own page. The two must have been read one after the other; they may share
    one day with a sync of each.
    """
    read = [table for table in tables if table.is_read]
    pins, seen = _pins(connection, read), _seen(connection, read)
    if not pins or (_has_pin_rows(read) and not _is_any_shared(connection, pins)):
        return []
    spans = {
        account: _Span(*span)
        for account, *span in connection.execute(
            "SELECT account, min(day), max(day), min(extracted), max(extracted) FROM "
            f"({seen}) WHERE account IS NOT NULL AND day IS NOT NULL GROUP BY 1"
        ).fetchall()
    }
    older = _ended(spans)
    if not older:
        return []
    same = _same_pins(connection, pins, older)
    found: dict[str, Rename] = {}
    for before, after in sorted(same, key=lambda pair: _order(spans[pair[1]])):
        if _order(spans[before]) >= _order(spans[after]):
            continue
        days, later = (_days(connection, seen, account) for account in (before, after))
        if not _is_one_after_the_other(days, later):
            continue
        comparable = _comparable(connection, pins, before, after, spans[before].last_day)
        ids = same[before, after]
        if len(ids) > MIN_SHARED_PINS * comparable:
            since = min(day for day in later if day >= spans[before].last_day)
            changed = {old: new for old, new in ids.items() if old != new}
            found[before] = Rename(
                before, None, after, None, since, len(ids), max(comparable, len(ids)), changed
            )  # the latest rename wins
    return _named(connection, read, sorted(found.values(), key=lambda it: _order(spans[it.older]), reverse=True))


def _has_pin_rows(tables: Sequence[StoredTable]) -> bool:
    """Return whether a table has one row per pin, so that pins are read faster than days."""
    return any(table.relation == PIN_ATTRIBUTES for table in tables)


def _is_any_shared(connection: duckdb.DuckDBPyConnection, pins: str) -> bool:
    """Return whether two accounts have a pin with the same id or link. Most files have none."""
    return any(
        connection.execute(
            f"SELECT 1 FROM ({pins}) GROUP BY {column} HAVING min(account) <> max(account) AND {column} <> '' LIMIT 1"
        ).fetchall()
        for column in ("id", "link")
    )


def _ended(spans: dict[str, _Span]) -> list[str]:
    """Return the accounts that may be the older one of a rename: no longer read, while another one is."""
    last = max((span.last_day for span in spans.values()), default=None)
    begun = [span.first_at for span in spans.values() if span.first_day == last and span.first_at is not None]
    return [
        account
        for account, span in spans.items()
        if span.last_day != last or (begun and span.last_at is not None and span.last_at < max(begun))
    ]


def _order(span: _Span) -> tuple[date, datetime]:
    return span.last_day, span.last_at or datetime.min


def _is_one_after_the_other(days: _Days, later: _Days) -> bool:
    common = days.keys() & later.keys()
    for day in common:
        (first, last), (next_first, next_last) = days[day], later[day]
        if first is None or last is None or next_first is None or next_last is None:
            return False
        if not (last < next_first or next_last < first):
            return False
    return len(common) <= 1


def _days(connection: duckdb.DuckDBPyConnection, seen: str, account: str) -> _Days:
    rows = connection.execute(
        f"SELECT day, min(extracted), max(extracted) FROM ({seen}) WHERE account = ? AND day IS NOT NULL GROUP BY 1",
        [account],
    ).fetchall()
    return {day: (first, last) for day, first, last in rows}


def _same_pins(
    connection: duckdb.DuckDBPyConnection, pins: str, older: Sequence[str]
) -> dict[tuple[str, str], dict[str, str]]:
    """Return (an account of `older`, another one) → ids of the pins that are the same, in the one → in the other."""
    own = "regexp_matches({}.link, $own_page)"
    differ = f"{own.format('a')} AND {own.format('b')} AND a.link <> b.link"
    links = (
        f"SELECT account, link, any_value(id) AS id FROM ({pins}) WHERE link IN (SELECT link FROM ended "
        "WHERE regexp_matches(link, $own_page)) GROUP BY ALL HAVING count(*) = 1"
    )
    rows = connection.execute(
        f"WITH ended AS MATERIALIZED (SELECT * FROM ({pins}) WHERE account IN (SELECT unnest($older::VARCHAR[]))), "
        f"links AS MATERIALIZED ({links}) "
        f"SELECT a.account, b.account, a.id, b.id FROM ended AS a JOIN ({pins}) AS b ON a.id = b.id "
        f"WHERE a.account <> b.account AND NOT coalesce({differ}, false) "
        "UNION ALL SELECT a.account, b.account, a.id, b.id FROM links AS a JOIN links AS b ON a.link = b.link "
        "WHERE a.account IN (SELECT unnest($older::VARCHAR[])) AND a.account <> b.account AND a.id <> b.id",
        {"older": list(older), "own_page": _OWN_PAGE},
    ).fetchall()
    same: dict[tuple[str, str], dict[str, str]] = {}
    for before, after, old, new in rows:
        same.setdefault((before, after), {}).setdefault(old, new)
    return same


def _comparable(connection: duckdb.DuckDBPyConnection, pins: str, before: str, after: str, until: date) -> int:
    """Return how many pins both could have: the smaller number of pins published on their common days."""
    counts = connection.execute(
        f"WITH both_have AS (SELECT account, published::DATE AS day FROM ({pins}) WHERE account IN (?, ?)), "
        "since AS (SELECT max(first) AS first FROM (SELECT min(day) AS first FROM both_have GROUP BY account)) "
        "SELECT count(*) FROM both_have, since WHERE day IS NULL OR day BETWEEN first AND ?::DATE GROUP BY account",
        [before, after, until],
    ).fetchall()
    return min((int(count) for (count,) in counts), default=0) if len(counts) == 2 else 0


def _named(connection: duckdb.DuckDBPyConnection, tables: Sequence[StoredTable], renames: list[Rename]) -> list[Rename]:
    names: dict[str, str] = {}
    for table in tables:
        if renames and table.relation == "accounts" and "username" in table.columns:
            query = (
                f"SELECT {_column(table, 'social_network_id')}, "
                f"last({_column(table, 'username')} ORDER BY {_column(table, EXTRACTED_AT, 'TIMESTAMP')}) "
                f"{_from(connection, table)} WHERE {_column(table, 'username')} IS NOT NULL GROUP BY 1"
            )
            names |= dict(connection.execute(query).fetchall())
    return [it._replace(older_name=names.get(it.older), newer_name=names.get(it.newer)) for it in renames]


def _pins(connection: duckdb.DuckDBPyConnection, tables: Sequence[StoredTable]) -> str:
    """Return a query for account, id, link and published, with one row per pin."""
    parts = []
    for table in _holding(tables, PIN_ATTRIBUTES):
        columns = (
            f"{_column(table, 'social_network_id')} AS account, {_column(table, 'id')} AS id, "
            f"{_column(table, 'permalink')} AS link, {_column(table, 'timestamp', 'TIMESTAMP')} AS published"
        )
        parts.append(f"SELECT {columns} {_from(connection, table)}")
    rows = " UNION ALL ".join(parts)
    if len(parts) == 1 and any(table.relation == PIN_ATTRIBUTES for table in tables):
        return rows
    grouped = "account, id, any_value(link) AS link, any_value(published) AS published"
    return rows and f"SELECT {grouped} FROM ({rows}) GROUP BY account, id"


def _seen(connection: duckdb.DuckDBPyConnection, tables: Sequence[StoredTable]) -> str:
    """Return a query for account, day and extracted: when pins were seen and extracted."""
    parts = []
    for table in _holding(tables, PIN_COUNTERS):
        account = _column(table, "social_network_id")
        day, extracted = _column(table, "snapshot_date", "DATE"), _column(table, EXTRACTED_AT, "TIMESTAMP")
        source = _from(connection, table)
        if table.relation == PIN_COUNTERS:
            pins = next(it for it in tables if it.relation == PIN_ATTRIBUTES and it.schema == table.schema)
            account = _column(pins, "social_network_id")
            source = f"{source} JOIN (SELECT * {_from(connection, pins)}) AS pins USING (pin_key)"
        parts.append(f"SELECT {account} AS account, {day} AS day, {extracted} AS extracted {source}")
    return " UNION ALL ".join(parts)


def _holding(tables: Sequence[StoredTable], part: str) -> list[StoredTable]:
    """Return the tables of pins; where a schema has two of them, the one for `part`."""
    split = {table.schema for table in tables if table.relation == PIN_ATTRIBUTES}
    split &= {table.schema for table in tables if table.relation == PIN_COUNTERS}
    return [
        table
        for table in tables
        if (table.relation == part and table.schema in split)
        or (table.relation == "pins" and table.schema not in split)
    ]


def _column(table: StoredTable, name: str, kind: str = "VARCHAR") -> str:
    return f"TRY_CAST({quoted(table.columns[name])} AS {kind})" if name in table.columns else f"NULL::{kind}"


def _from(connection: duckdb.DuckDBPyConnection, table: StoredTable) -> str:
    ((database,),) = connection.execute("SELECT current_database()").fetchall()
    return f"FROM {qualified_name(database, table)}"
