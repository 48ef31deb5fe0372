"""Accounts that were renamed: OneUp lists them under a new id, with the same pins. They are read as one account.

OneUp's ids are made of usernames, so that a rename makes a new account with the pins of the old one. The file keeps
each row under the id with which it came. Readers get the rows of the old id under the new one, from one place
(`database.views.create_views`), so that whatever adds up over accounts or pins counts each pin once, and a pin's
history goes on over the rename.
"""

from collections.abc import Sequence
from datetime import date, datetime
from typing import NamedTuple

import duckdb

from oneup_pinterest.database.schema import EXTRACTED_AT, PIN_ATTRIBUTES, PIN_COUNTERS, quoted
from oneup_pinterest.database.sources import Table
from oneup_pinterest.formatting import format_account

MOST = 0.5  # of the pins that both accounts could have
_OWN_PAGE = r"^https?://([a-z]+\.)*pinterest\.[a-z.]+/pin/"  # where a link leads to the pin itself
_RENAMES, _IDS = "temp.main._oneup_renames", "temp.main._oneup_renamed_pins"
_Days = dict[date, tuple[datetime | None, datetime | None]]


class Rename(NamedTuple):
    """An account with two ids: `since` is the first day on which it was read under the newer one; of `pins` pins that
    both could have, `shared` are the same. `ids`: pins whose id changed as well (older → newer)."""

    older: str
    older_name: str | None
    newer: str
    newer_name: str | None
    since: date
    shared: int
    pins: int
    ids: dict[str, str]

    @property
    def sentence(self) -> str:
        """What to say of it.

        >>> print(Rename("pin_a", "a", "pin_b", None, date(2026, 3, 1), 8, 9, {}).sentence)
        pin_b was @a (pin_a) before: 8 of the 9 pins that both can have are the same. They are read as one account, \
pin_b, and no pin counts twice.
        """
        newer, older = format_account(self.newer, self.newer_name), format_account(self.older, self.older_name)
        return (
            f"{newer} was {older} before: {self.shared:,} of the {self.pins:,} pins that both can have are the same. "
            f"They are read as one account, {format_account(self.newer, None)}, and no pin counts twice."
        )


class _Span(NamedTuple):
    """The days on which pins of an account were seen, and the times of extraction."""

    first_day: date
    last_day: date
    first_at: datetime | None
    last_at: datetime | None


def find_renames(connection: duckdb.DuckDBPyConnection, tables: Sequence[Table]) -> list[Rename]:
    """The renamed accounts among the pins of some tables, the ones that were read last first.

    Two accounts are one where most of the pins that both could have are the same: those published while the older was
    read, in the days from which the newer has pins. A pin is the same by its id, unless its links lead to different
    pins, or by a link to its own page. Both must have been read one after the other: accounts that are read on the same
    days are two, but for one day with a sync of each.
    """
    read = [table for table in tables if table.is_read]
    pins, seen = _pins(connection, read), _seen(connection, read)
    if not pins or (_is_quick(read) and not _is_any_shared(connection, pins)):
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
        if len(ids) > MOST * comparable:
            since = min(day for day in later if day >= spans[before].last_day)
            changed = {old: new for old, new in ids.items() if old != new}
            found[before] = Rename(
                before, None, after, None, since, len(ids), max(comparable, len(ids)), changed
            )  # the last one wins
    return _named(connection, read, sorted(found.values(), key=lambda it: _order(spans[it.older]), reverse=True))


def newest_ids(renames: Sequence[Rename]) -> dict[str, str]:
    """Old id → the id that the account has now, after however many renames.

    >>> names = [Rename(old, None, new, None, date(2026, 3, 1), 9, 9, {}) for old, new in (("a", "b"), ("b", "c"))]
    >>> newest_ids(names)
    {'a': 'c', 'b': 'c'}
    """
    following = {rename.older: rename.newer for rename in renames}
    newest = {}
    for older in following:
        newer = following[older]
        while newer in following:  # an end is always reached: each is read longer than the one before
            newer = following[newer]
        newest[older] = newer
    return newest


def keep_renames(connection: duckdb.DuckDBPyConnection, renames: Sequence[Rename]) -> None:
    """Keep what `find_renames` returned with the connection, for `kept_renames` and `under_new_ids`."""
    newest = newest_ids(renames)
    connection.execute(
        f"CREATE TEMP TABLE {_RENAMES.rpartition('.')[2]} (place INTEGER, older VARCHAR, older_name VARCHAR, "
        "newer VARCHAR, newer_name VARCHAR, since DATE, shared BIGINT, pins BIGINT, newest VARCHAR)"
    )
    connection.execute(f"CREATE TEMP TABLE {_IDS.rpartition('.')[2]} (older VARCHAR, older_id VARCHAR, id VARCHAR)")
    for place, rename in enumerate(renames):
        connection.execute(
            f"INSERT INTO {_RENAMES} VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", [place, *rename[:-1], newest[rename.older]]
        )
        if rename.ids:
            connection.execute(
                f"INSERT INTO {_IDS} SELECT ?, unnest(?::VARCHAR[]), unnest(?::VARCHAR[])",
                [rename.older, list(rename.ids), list(rename.ids.values())],
            )


def kept_renames(connection: duckdb.DuckDBPyConnection) -> list[Rename]:
    """The renamed accounts of a connection that `open_history` gave, without the ids of pins."""
    rows = connection.execute(f"SELECT * EXCLUDE (place, newest) FROM {_RENAMES} ORDER BY place").fetchall()
    return [Rename._make((*row, {})) for row in rows]


def under_new_ids(body: str, key: Sequence[str]) -> str:
    """A query for the rows of another one with the newest id of each account, once `keep_renames` was called.

    Of rows that then have one key, that of the newest account counts.
    """
    replaced = "coalesce(renamed.newest, body.social_network_id) AS social_network_id"
    joins = f"LEFT JOIN {_RENAMES} AS renamed ON renamed.older = body.social_network_id"
    if "id" in key:
        replaced += ", coalesce(pin.id, body.id) AS id"
        joins += f" LEFT JOIN {_IDS} AS pin ON pin.older = body.social_network_id AND pin.older_id = body.id"
    return (
        f"SELECT * EXCLUDE (_oneup_place) FROM (SELECT body.* REPLACE ({replaced}), renamed.place AS _oneup_place "
        f"FROM ({body}) AS body {joins}) "
        f"QUALIFY row_number() OVER (PARTITION BY {', '.join(map(quoted, key))} ORDER BY _oneup_place NULLS FIRST) = 1"
    )


def _is_quick(tables: Sequence[Table]) -> bool:
    """Whether there is one row per pin, so that pins are looked through sooner than days."""
    return any(table.relation == PIN_ATTRIBUTES for table in tables)


def _is_any_shared(connection: duckdb.DuckDBPyConnection, pins: str) -> bool:
    """Whether two accounts have a pin of one id or link; most files end here."""
    return any(
        connection.execute(
            f"SELECT 1 FROM ({pins}) GROUP BY {column} HAVING min(account) <> max(account) AND {column} <> '' LIMIT 1"
        ).fetchall()
        for column in ("id", "link")
    )


def _ended(spans: dict[str, _Span]) -> list[str]:
    """The accounts that may be the older one of a rename: they are read no longer, while another one is."""
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
    """(An account of `older`, another one) → ids of the pins that are the same: in the one → in the other."""
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
    """How many pins both could have: of each account those published in the days in common, and the fewer of these."""
    counts = connection.execute(
        f"WITH both_have AS (SELECT account, published::DATE AS day FROM ({pins}) WHERE account IN (?, ?)), "
        "since AS (SELECT max(first) AS first FROM (SELECT min(day) AS first FROM both_have GROUP BY account)) "
        "SELECT count(*) FROM both_have, since WHERE day IS NULL OR day BETWEEN first AND ?::DATE GROUP BY account",
        [before, after, until],
    ).fetchall()
    return min((int(count) for (count,) in counts), default=0) if len(counts) == 2 else 0


def _named(connection: duckdb.DuckDBPyConnection, tables: Sequence[Table], renames: list[Rename]) -> list[Rename]:
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


def _pins(connection: duckdb.DuckDBPyConnection, tables: Sequence[Table]) -> str:
    """account, id, link, published: one row per pin."""
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


def _seen(connection: duckdb.DuckDBPyConnection, tables: Sequence[Table]) -> str:
    """account, day, extracted: when pins were seen, and extracted."""
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


def _holding(tables: Sequence[Table], part: str) -> list[Table]:
    """The tables of pins; where a schema has them in two tables, one of the two."""
    split = {table.schema for table in tables if table.relation == PIN_ATTRIBUTES}
    split &= {table.schema for table in tables if table.relation == PIN_COUNTERS}
    return [
        table
        for table in tables
        if (table.relation == part and table.schema in split)
        or (table.relation == "pins" and table.schema not in split)
    ]


def _column(table: Table, name: str, kind: str = "VARCHAR") -> str:
    return f"TRY_CAST({quoted(table.columns[name])} AS {kind})" if name in table.columns else f"NULL::{kind}"


def _from(connection: duckdb.DuckDBPyConnection, table: Table) -> str:
    ((database,),) = connection.execute("SELECT current_database()").fetchall()
    return f"FROM {quoted(database)}.{quoted(table.schema)}.{quoted(table.name)}"
