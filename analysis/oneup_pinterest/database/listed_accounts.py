"""Keep which accounts each key listed and when, to report accounts that OneUp no longer lists.

OneUp lists the accounts of a key. A file may hold the accounts of several keys, so an account is missing only when no
key lists it and the key that listed it last was used again. Only a fingerprint of each key is stored.
"""

import hashlib
import secrets
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import cached_property
from typing import NamedTuple

import duckdb

from oneup_pinterest.formatting import format_account, format_day

LISTED_ACCOUNTS = "_listed_accounts"
ANY_KEY = "unknown key"  # of a file of schema version 1, which does not say by which key accounts were listed
CONNECTED, NOT_CONNECTED, UNKNOWN = "connected", "connect again in OneUp", "unknown"  # what OneUp says of an account
REMEDY = "Connect it again in OneUp, unless you removed it on purpose."
REMEDY_FOR_SEVERAL = "Connect them again in OneUp, unless you removed them on purpose."
# scrypt takes 16 MB and some 50 ms for one guess (RFC 7914): a key cannot be found by trying
_COST = {"n": 2**14, "r": 8, "p": 1}


class MissingAccount(NamedTuple):
    """An account that OneUp no longer lists; `since` is the first sync without it, in UTC."""

    account: str
    username: str | None
    since: datetime
    is_new: bool = False  # missing since the sync that is being written

    @property
    def name(self) -> str:
        """The username and id of the account."""
        return format_account(self.account, self.username)

    @property
    def sentence(self) -> str:
        """What happened to the account, as one sentence.

        >>> MissingAccount("pin_a", "a", datetime(2026, 3, 2, 6)).sentence
        'OneUp has not listed @a (pin_a) since 2 Mar 2026: it is no longer read, and its history is kept.'
        """
        return (
            f"OneUp has not listed {self.name} since {format_day(self.since.date())}: "
            "it is no longer read, and its history is kept."
        )


def describe_missing(missing: Sequence[MissingAccount]) -> str:
    """Return what the summary of a sync says about missing accounts.

    >>> print(describe_missing([MissingAccount(f"pin_{name}", name, datetime(2026, 3, 2)) for name in "ab"]))
    OneUp no longer lists 2 accounts: @a (pin_a) since 2 Mar 2026, @b (pin_b) since 2 Mar 2026. They are no longer \
read, and their history is kept. Connect them again in OneUp, unless you removed them on purpose.
    """
    if len(missing) == 1:
        return f"{missing[0].sentence} {REMEDY}"
    names = ", ".join(f"{each.name} since {format_day(each.since.date())}" for each in missing)
    return (
        f"OneUp no longer lists {len(missing):,} accounts: {names}. They are no longer read, and their history is "
        f"kept. {REMEDY_FOR_SEVERAL}"
    )


def create_listed_accounts(connection: duckdb.DuckDBPyConnection) -> None:
    """Create the table unless it exists: one row per key and account that the key listed."""
    connection.execute(
        f"CREATE TABLE IF NOT EXISTS {LISTED_ACCOUNTS} (key_fingerprint VARCHAR, social_network_id VARCHAR, "
        "username VARCHAR, first_listed TIMESTAMP, last_listed TIMESTAMP, missing_since TIMESTAMP)"
    )


def fill_listed_accounts(connection: duckdb.DuckDBPyConnection) -> None:
    """Fill the table from the accounts of a file of schema version 1, which does not say by which key they were listed.

    Accounts with the same extraction time came in one list, so they belong to one key: the first that lists one of
    them again. Rows with nothing but an id were not listed; the config named them.
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
            f"INSERT INTO {LISTED_ACCOUNTS} SELECT '{ANY_KEY} ' || listed, social_network_id, username, listed, "
            "listed, NULL FROM (SELECT *, _airbyte_extracted_at AS listed FROM main.accounts "
            "WHERE social_network_type IS NOT NULL)"
        )


class KeyListings:
    """The accounts that one key listed, in a file that is open for writing."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, key: str, salt: str | None = None) -> None:
        self._connection, self._key = connection, key
        self._salt = salt or secrets.token_hex(16)  # of a first key; writers of a lake must agree on it

    def last_listed(self) -> list[str] | None:
        """Return the names of the accounts that this key was the last to list; None where no key is known yet."""
        if not self._fingerprints:
            return None
        rows = self._connection.execute(
            f"SELECT social_network_id, username FROM {LISTED_ACCOUNTS} QUALIFY key_fingerprint = ? "
            "AND last_listed = max(last_listed) OVER (PARTITION BY social_network_id) ORDER BY 1",
            [self._fingerprint],
        ).fetchall()
        return [format_account(*row) for row in rows]

    def record(self, listed: Mapping[str, str | None], at: str) -> list[MissingAccount]:
        """Record a list of accounts (id → username), and return those that this key listed last and no key lists now.

        Call it inside a transaction.
        """
        key, ids, names = self._fingerprint, list(listed), list(listed.values())
        run = self._connection.execute
        run(
            "CREATE OR REPLACE TEMP TABLE listed AS SELECT unnest(?::VARCHAR[]) AS id, unnest(?::VARCHAR[]) AS name",
            [ids, names],
        )
        mine = f"SELECT social_network_id FROM {LISTED_ACCOUNTS} WHERE key_fingerprint = $key"
        run(
            f"UPDATE {LISTED_ACCOUNTS} SET key_fingerprint = $key WHERE starts_with(key_fingerprint, '{ANY_KEY}') "
            f"AND key_fingerprint IN (SELECT key_fingerprint FROM {LISTED_ACCOUNTS} WHERE social_network_id "
            f"IN (SELECT id FROM listed)) AND social_network_id NOT IN ({mine})",
            {"key": key},
        )
        run(
            f"UPDATE {LISTED_ACCOUNTS} SET username = name, last_listed = $at, missing_since = NULL FROM listed "
            "WHERE key_fingerprint = $key AND social_network_id = id",
            {"key": key, "at": at},
        )
        run(
            f"INSERT INTO {LISTED_ACCOUNTS} SELECT $key, id, name, $at, $at, NULL FROM listed WHERE id NOT IN ({mine})",
            {"key": key, "at": at},
        )
        run(
            f"UPDATE {LISTED_ACCOUNTS} SET missing_since = $at WHERE key_fingerprint = $key AND missing_since IS NULL "
            "AND social_network_id NOT IN (SELECT id FROM listed)",
            {"key": key, "at": at},
        )
        run("DROP TABLE listed")
        return [
            each._replace(is_new=each.since == datetime.fromisoformat(at)) for each in _missing(self._connection, key)
        ]

    @cached_property
    def _fingerprint(self) -> str:
        salt = self._fingerprints[0].split(":")[1] if self._fingerprints else self._salt
        return f"scrypt:{salt}:{hashlib.scrypt(self._key.encode(), salt=bytes.fromhex(salt), **_COST).hex()}"

    @cached_property
    def _fingerprints(self) -> list[str]:
        rows = self._connection.execute(
            f"SELECT DISTINCT key_fingerprint FROM {LISTED_ACCOUNTS} WHERE starts_with(key_fingerprint, 'scrypt:') "
            "ORDER BY 1"
        ).fetchall()
        return [fingerprint for (fingerprint,) in rows]


def missing_accounts(connection: duckdb.DuckDBPyConnection) -> list[MissingAccount] | None:
    """Return the accounts that no key lists any more, by id; None where the file does not say what was listed."""
    ((table_count,),) = connection.execute(
        "SELECT count(*) FROM duckdb_tables() WHERE database_name = current_database() AND schema_name = 'main' "
        f"AND table_name = '{LISTED_ACCOUNTS}'"
    ).fetchall()
    if not table_count:
        return None
    ((is_known,),) = connection.execute(
        f"SELECT coalesce(bool_or(starts_with(key_fingerprint, 'scrypt:')), false) FROM main.{LISTED_ACCOUNTS}"
    ).fetchall()
    return _missing(connection) if is_known else None


def _missing(connection: duckdb.DuckDBPyConnection, key: str | None = None) -> list[MissingAccount]:
    """Return the missing accounts of all keys, or those that this key was the last to list."""
    rows = connection.execute(
        "SELECT social_network_id, arg_max(username, last_listed), max(missing_since), "
        f"arg_max(key_fingerprint, last_listed) AS listed_by FROM main.{LISTED_ACCOUNTS} GROUP BY 1 "
        "HAVING bool_and(missing_since IS NOT NULL) AND ($key IS NULL OR listed_by = $key) ORDER BY 1",
        {"key": key},
    ).fetchall()
    return [MissingAccount(*row[:3]) for row in rows]
