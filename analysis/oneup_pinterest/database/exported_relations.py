"""The tables and views that can be exported, and the queries that read them."""

import difflib
from collections.abc import Iterable, Sequence

import duckdb

from oneup_pinterest.database.bi.columns import BI_KEYS
from oneup_pinterest.database.schema import TABLES, quoted
from oneup_pinterest.errors import UserError
from oneup_pinterest.formatting import truncate

KEYS = {**{name: table.key for name, table in TABLES.items()}, **BI_KEYS}  # of each relation, in the order of its rows


def choose_relations(names: Iterable[str] | None) -> list[str]:
    """Return the relations to export, each once: the named ones, or all tables of `TABLES`.

    Raises:
        UserError: there is no relation of that name (exit status 2).

    >>> choose_relations(["pins", "account_daily", "pins"])
    ['pins', 'account_daily']
    >>> choose_relations(["pin"])
    Traceback (most recent call last):
    ...
    oneup_pinterest.errors.UserError: There is no relation pin; did you mean pins? There are: overview_metrics, pins, \
pins_latest, account_followers, post_performance, pin_totals, accounts, _sync_runs, account_daily, account_weekly, \
pin_daily_gains, pin_performance.
    """
    chosen = list(dict.fromkeys(names or TABLES))
    for name in chosen:
        if name not in KEYS:
            close = difflib.get_close_matches(name.lower(), KEYS, 1)
            meant = f"; did you mean {close[0]}?" if close else "."
            raise UserError(f"There is no relation {truncate(name, 60)}{meant} There are: {', '.join(KEYS)}.", 2)
    return chosen


def column_types(history: duckdb.DuckDBPyConnection, query: str) -> dict[str, str]:
    """Return the DuckDB type of each column of a query.

    >>> column_types(duckdb.connect(), "SELECT 1 AS one, 'a' AS letter")
    {'one': 'INTEGER', 'letter': 'VARCHAR'}
    """
    relation = history.sql(query)
    return dict(zip(relation.columns, map(str, relation.types), strict=True))


def select_rows_in_order(name: str) -> str:
    """Return the query for the rows of a relation, sorted by its key, with the columns that it has.

    >>> print(select_rows_in_order("accounts"))
    SELECT * FROM "accounts" ORDER BY "social_network_id"
    """
    return f"SELECT * FROM {quoted(name)} ORDER BY {_order(KEYS[name])}"


def select_for_spreadsheet(history: duckdb.DuckDBPyConnection, name: str) -> str:
    """Return the query for the rows of a relation for people, sorted by its key.

    Usernames stand beside the ids of accounts, in the column `username`; null where OneUp has listed none.
    """
    columns = list(column_types(history, f"FROM {quoted(name)}"))
    selected = [f"relation.{quoted(column)}" for column in columns]
    joined = ""
    if "social_network_id" in columns and "username" not in columns:
        selected.insert(columns.index("social_network_id") + 1, "names.username")
        joined = (
            " LEFT JOIN (SELECT social_network_id, username FROM accounts) AS names "
            "ON names.social_network_id = relation.social_network_id"
        )
    return (
        f"SELECT {', '.join(selected)} FROM {quoted(name)} AS relation{joined} "
        f"ORDER BY {_order(KEYS[name], 'relation.')}"
    )


def _order(key: Sequence[str], table: str = "") -> str:
    return ", ".join(f"{table}{quoted(column)}" for column in key)
