"""Renamed accounts: OneUp lists them under a new id, with the same pins. Readers see them as one account.

OneUp derives ids from usernames, so a rename creates a new account with the pins of the old one. The file keeps each
row under its original id. The views (`database.views.create_views`) give the rows of the old id the new one, so that
sums count each pin once, and a pin's history continues over the rename.
"""

from collections.abc import Sequence
from datetime import date
from typing import NamedTuple

import duckdb

from oneup_pinterest.database.schema import quoted
from oneup_pinterest.formatting import format_account

_RENAMES, _IDS = "temp.main._oneup_renames", "temp.main._oneup_renamed_pins"


class Rename(NamedTuple):
    """An account with two ids.

    Attributes:
        older, older_name: The former id and username.
        newer, newer_name: The id and username since the rename.
        since: The first day on which it was read under the newer id.
        shared: How many pins are the same under both ids.
        pins: How many pins both could have.
        ids: Pins whose id changed as well (older → newer).
    """

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
        """What happened to the account, as two sentences.

        >>> print(Rename("pin_a", "a", "pin_b", None, date(2026, 3, 1), 8, 9, {}).sentence)
        pin_b was formerly @a (pin_a): 8 of the 9 pins that both can have are the same. They are read as one account, \
pin_b, and no pin counts twice.
        """
        newer, older = format_account(self.newer, self.newer_name), format_account(self.older, self.older_name)
        return (
            f"{newer} was formerly {older}: {self.shared:,} of the {self.pins:,} pins that both can have are the same. "
            f"They are read as one account, {format_account(self.newer, None)}, and no pin counts twice."
        )


def newest_ids(renames: Sequence[Rename]) -> dict[str, str]:
    """Return old id → current id, after any number of renames.

    >>> names = [Rename(old, None, new, None, date(2026, 3, 1), 9, 9, {}) for old, new in (("a", "b"), ("b", "c"))]
    >>> newest_ids(names)
    {'a': 'c', 'b': 'c'}
    """
    following = {rename.older: rename.newer for rename in renames}
    newest = {}
    for older in following:
        newer = following[older]
        while newer in following:  # this ends: each account was read longer than the one before
            newer = following[newer]
        newest[older] = newer
    return newest


def register_renames(connection: duckdb.DuckDBPyConnection, renames: Sequence[Rename]) -> None:
    """Keep what `find_renames` returned with the connection, for `registered_renames` and `with_newest_ids`."""
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


def registered_renames(connection: duckdb.DuckDBPyConnection) -> list[Rename]:
    """Return the renamed accounts of a connection from `open_history`, without the ids of pins."""
    rows = connection.execute(f"SELECT * EXCLUDE (place, newest) FROM {_RENAMES} ORDER BY place").fetchall()
    return [Rename._make((*row, {})) for row in rows]


def with_newest_ids(body: str, key: Sequence[str]) -> str:
    """Return a query for the rows of another query under the newest id of each account.

    Call `register_renames` first. Of rows that then share a key, the row of the newest account is kept.
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
