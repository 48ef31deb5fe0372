"""Which accounts each key listed and when, so that one that OneUp lists no longer is named.

OneUp lists the accounts of a key. A file may hold the accounts of several keys, so that an account is missing only
where no key lists it and the one that listed it last was asked again. A key is known by a fingerprint alone.
"""

import hashlib
import secrets
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import cached_property
from typing import NamedTuple

import duckdb

from oneup_pinterest.formatting import format_account, format_day

TABLE = "_listed_accounts"
ANY_KEY = "unknown key"  # of a file of layout 1: which accounts were listed together, but not with which key
REMEDY = "Connect it again in OneUp, unless that was meant."
REMEDY_FOR_SEVERAL = "Connect them again in OneUp, unless that was meant."
# scrypt takes 16 MB and some 50 ms for one guess (RFC 7914): a key cannot be found by trying
_COST = {"n": 2**14, "r": 8, "p": 1}


class Missing(NamedTuple):
    """An account that OneUp listed and lists no longer; `since` is the first sync without it, in UTC."""

    account: str
    username: str | None
    since: datetime
    is_new: bool = False  # of the sync that is being written

    @property
    def name(self) -> str:
        """Its username and id."""
        return format_account(self.account, self.username)

    @property
    def sentence(self) -> str:
        """What to say of it.

        >>> Missing("pin_a", "a", datetime(2026, 3, 2, 6)).sentence
        '@a (pin_a) is no longer listed by OneUp since 2 Mar 2026: it is not read any more, and its history is kept.'
        """
        return (
            f"{self.name} is no longer listed by OneUp since {format_day(self.since.date())}: "
            "it is not read any more, and its history is kept."
        )


def told(missing: Sequence[Missing]) -> str:
    """What the summary of a sync says of accounts that are missing.

    >>> print(told([Missing(f"pin_{name}", name, datetime(2026, 3, 2)) for name in "ab"]))
    2 accounts are no longer listed by OneUp: @a (pin_a) since 2 Mar 2026, @b (pin_b) since 2 Mar 2026. They are not \
read any more, and their history is kept. Connect them again in OneUp, unless that was meant.
    """
    if len(missing) == 1:
        return f"{missing[0].sentence} {REMEDY}"
    names = ", ".join(f"{each.name} since {format_day(each.since.date())}" for each in missing)
    return (
        f"{len(missing):,} accounts are no longer listed by OneUp: {names}. They are not read any more, and their "
        f"history is kept. {REMEDY_FOR_SEVERAL}"
    )


def create_listings(connection: duckdb.DuckDBPyConnection) -> None:
    """Make the table where there is none: one row per key and account that it listed."""
    connection.execute(
        f"CREATE TABLE IF NOT EXISTS {TABLE} (key_fingerprint VARCHAR, social_network_id VARCHAR, username VARCHAR, "
        "first_listed TIMESTAMP, last_listed TIMESTAMP, missing_since TIMESTAMP)"
    )


def take_over_listings(connection: duckdb.DuckDBPyConnection) -> None:
    """Fill the table from the accounts of a file of layout 1, which does not say with which key they were listed.

    Accounts with one time of extraction came in one list, so they are of one key: the first that lists one of them.
    Rows that have nothing but an id were not listed: the config named them.
    """
    columns = {
        name
        for (name,) in connection.execute(
            "SELECT column_name FROM duckdb_columns() WHERE database_name = current_database() "
            "AND schema_name = 'main' AND table_name = 'accounts'"
        ).fetchall()
    }
    if {"social_network_id", "username", "social_network_type", "_airbyte_extracted_at"} <= columns:
        connection.execute(
            f"INSERT INTO {TABLE} SELECT '{ANY_KEY} ' || listed, social_network_id, username, listed, listed, NULL "
            "FROM (SELECT *, _airbyte_extracted_at AS listed FROM main.accounts WHERE social_network_type IS NOT NULL)"
        )


class KeyListings:
    """What one key listed, in a file that is open for writing."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, key: str) -> None:
        self._connection, self._key = connection, key

    def known(self) -> list[str] | None:
        """The accounts, named for people, that this key was the last to list; None where no key is known yet."""
        if not self._fingerprints:
            return None
        rows = self._connection.execute(
            f"SELECT social_network_id, username FROM {TABLE} QUALIFY key_fingerprint = ? "
            "AND last_listed = max(last_listed) OVER (PARTITION BY social_network_id) ORDER BY 1",
            [self._fingerprint],
        ).fetchall()
        return [format_account(*row) for row in rows]

    def take(self, listed: Mapping[str, str | None], at: str) -> list[Missing]:
        """Write down a list (id → username) that OneUp gave, and return what this key listed last and nobody lists now.

        It is to be called inside a transaction.
        """
        key, ids, names = self._fingerprint, list(listed), list(listed.values())
        run = self._connection.execute
        run(
            "CREATE OR REPLACE TEMP TABLE listed AS SELECT unnest(?::VARCHAR[]) AS id, unnest(?::VARCHAR[]) AS name",
            [ids, names],
        )
        mine = f"SELECT social_network_id FROM {TABLE} WHERE key_fingerprint = $key"
        run(
            f"UPDATE {TABLE} SET key_fingerprint = $key WHERE starts_with(key_fingerprint, '{ANY_KEY}') "
            f"AND key_fingerprint IN (SELECT key_fingerprint FROM {TABLE} WHERE social_network_id IN (SELECT id FROM "
            f"listed)) AND social_network_id NOT IN ({mine})",
            {"key": key},
        )
        run(
            f"UPDATE {TABLE} SET username = name, last_listed = $at, missing_since = NULL FROM listed "
            "WHERE key_fingerprint = $key AND social_network_id = id",
            {"key": key, "at": at},
        )
        run(
            f"INSERT INTO {TABLE} SELECT $key, id, name, $at, $at, NULL FROM listed WHERE id NOT IN ({mine})",
            {"key": key, "at": at},
        )
        run(
            f"UPDATE {TABLE} SET missing_since = $at WHERE key_fingerprint = $key AND missing_since IS NULL "
            "AND social_network_id NOT IN (SELECT id FROM listed)",
            {"key": key, "at": at},
        )
        run("DROP TABLE listed")
        return [
            each._replace(is_new=each.since == datetime.fromisoformat(at)) for each in _missing(self._connection, key)
        ]

    @cached_property
    def _fingerprint(self) -> str:
        salt = self._fingerprints[0].split(":")[1] if self._fingerprints else secrets.token_hex(16)
        return f"scrypt:{salt}:{hashlib.scrypt(self._key.encode(), salt=bytes.fromhex(salt), **_COST).hex()}"

    @cached_property
    def _fingerprints(self) -> list[str]:
        rows = self._connection.execute(
            f"SELECT DISTINCT key_fingerprint FROM {TABLE} WHERE starts_with(key_fingerprint, 'scrypt:') ORDER BY 1"
        ).fetchall()
        return [fingerprint for (fingerprint,) in rows]


def missing_accounts(connection: duckdb.DuckDBPyConnection) -> list[Missing] | None:
    """The accounts that no key lists any more, by id; None where the file does not say what was listed."""
    ((there,),) = connection.execute(
        "SELECT count(*) FROM duckdb_tables() WHERE database_name = current_database() AND schema_name = 'main' "
        f"AND table_name = '{TABLE}'"
    ).fetchall()
    if not there:
        return None
    ((is_known,),) = connection.execute(
        f"SELECT coalesce(bool_or(starts_with(key_fingerprint, 'scrypt:')), false) FROM main.{TABLE}"
    ).fetchall()
    return _missing(connection) if is_known else None


def _missing(connection: duckdb.DuckDBPyConnection, key: str | None = None) -> list[Missing]:
    """Those of all keys, or those that this key was the last to list."""
    rows = connection.execute(
        "SELECT social_network_id, arg_max(username, last_listed), max(missing_since), "
        f"arg_max(key_fingerprint, last_listed) AS listed_by FROM main.{TABLE} GROUP BY 1 "
        "HAVING bool_and(missing_since IS NOT NULL) AND ($key IS NULL OR listed_by = $key) ORDER BY 1",
        {"key": key},
    ).fetchall()
    return [Missing(*row[:3]) for row in rows]
