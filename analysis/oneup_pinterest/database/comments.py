"""Write comments on tables, views and columns, which BI tools and `DESCRIBE`-like queries show."""

import hashlib
from collections import defaultdict
from collections.abc import Mapping

import duckdb

from oneup_pinterest.database.schema import EXTRACTED_AT, OTHER_FIELDS, PIN_ATTRIBUTES, PIN_COUNTERS, PIN_IMAGES, quoted

Comments = tuple[str, Mapping[str, str]]  # of a table or view, and of each of its columns

_HERE = "database_name = current_database() AND schema_name = 'main'"
_STREAM_COLUMNS = {
    EXTRACTED_AT: "When the row was read from OneUp (UTC).",
    OTHER_FIELDS: "JSON of the undeclared fields that have no column of their own.",
    "pin_key": "Number of the pin in this file; joins _pin_attributes and _pin_counters.",
}
ADDED_COLUMN = "A field that OneUp added; the connector does not declare it."

RELATIONS: Mapping[str, str] = {
    "overview_metrics": "One row per account, metric, preset and end of the period: OneUp's own totals.",
    "pins": "One row per pin and day on which it was seen.",
    "pins_latest": "The newest row of each pin.",
    "account_followers": "One row per account and day: its followers.",
    "post_performance": "One row per entry of OneUp's lists of best posts.",
    "pin_totals": "One row per account, metric and window: the totals that OneUp sends beside the pins.",
    "accounts": "One row per account, as OneUp listed it last.",
    PIN_ATTRIBUTES: "One row per pin: what does not change daily. The view pins joins it with _pin_counters.",
    PIN_COUNTERS: "One row per pin and day: counters. The view pins joins it with _pin_attributes.",
}
# tables of the kit itself: comment, and the meaning of each column
OWN_TABLES: Mapping[str, Comments] = {
    "_airbyte_state": (
        "Where the next sync continues.",
        {
            "stream_name": "Name of the stream.",
            "state": "The state as JSON, as Airbyte's protocol has it.",
            "updated_at": "When the state was written (UTC).",
        },
    ),
    "_layout": (
        "The schema version of this file.",
        {
            "version": "Schema version.",
            "layout_1_until": "Until when a kit of schema version 1 wrote the file (UTC); null if none did.",
        },
    ),
    "_listed_accounts": (
        "One row per key and account that OneUp listed for it.",
        {
            "key_fingerprint": "Salted hash of the API key; the key cannot be found from it.",
            "social_network_id": "OneUp's id of the account.",
            "username": "The account's username when it was listed last.",
            "first_listed": "When the key listed the account first (UTC).",
            "last_listed": "When the key listed the account last (UTC).",
            "missing_since": "Since when the key no longer lists the account (UTC); null while it does.",
        },
    ),
    PIN_IMAGES: (
        "One row per pin that a report named: its thumbnail, or why there is none.",
        {
            "social_network_id": "OneUp's id of the account.",
            "id": "The pin.",
            "path": "Path of the address that the picture came from; a new path is fetched again.",
            "status": "fetched, or why there is no picture.",
            "checked_at": "When the address was asked last (UTC).",
            "webp": "The thumbnail, at most 160 x 160 pixels; null if there is none.",
        },
    ),
    "_renames": (
        "One row per former id of a renamed account, as recognized by its pins. The views for BI use it.",
        {
            "social_network_id": "The former id.",
            "newest_id": "The account's id now.",
            "place": "Order of the renames, the latest first.",
            "pin_ids": "Pins whose id changed as well: former id to id now.",
        },
    ),
    "_sync_runs": (
        "One row per run of sync or load.",
        {
            "run_id": "Random id of the run.",
            "started_at": "When the run started (UTC).",
            "finished_at": "When the run ended (UTC).",
            "status": "running, done, partial, failed or interrupted.",
            "streams": "JSON: records and new rows of each stream.",
            "skipped_accounts": "JSON: accounts that could not be read, and why.",
            "requests": "Number of requests to OneUp; null for load.",
            "duration_seconds": "How long the run took, in seconds.",
            "error": "Why the run failed, in words.",
        },
    ),
}


def stream_comments(relation: str, descriptions: Mapping[str, str]) -> Comments:
    """Return the comments of a table or view that holds a stream. `descriptions`: of its declared columns.

    >>> comments = stream_comments("accounts", {"username": "The name."})[1]
    >>> comments["username"], comments["likes"]
    ('The name.', 'A field that OneUp added; the connector does not declare it.')
    """
    return RELATIONS[relation], defaultdict(lambda: ADDED_COLUMN, {**descriptions, **_STREAM_COLUMNS})


def stored_relations(connection: duckdb.DuckDBPyConnection) -> dict[str, tuple[str, str | None]]:
    """Return TABLE or VIEW, and the comment, of each table and view of the connection's file."""
    rows = connection.execute(
        f"SELECT table_name, 'TABLE', comment FROM duckdb_tables() WHERE {_HERE} "
        f"UNION ALL SELECT view_name, 'VIEW', comment FROM duckdb_views() WHERE {_HERE}"
    ).fetchall()
    return {name: (kind, comment) for name, kind, comment in rows}


def write_comments(connection: duckdb.DuckDBPyConnection, comments: Mapping[str, Comments]) -> None:
    """Write the comments of tables and views, and of their columns, as far as the file has others.

    It writes inside the open transaction. What the file lacks is left out. Views keep the comment of `replace_view`.

    >>> connection = duckdb.connect()
    >>> _ = connection.execute("CREATE TABLE _layout (version INTEGER)")
    >>> write_comments(connection, {"_layout": ("The schema version.", {"version": "A number."})})
    >>> connection.sql("SELECT comment FROM duckdb_columns() WHERE table_name = '_layout'").fetchall()
    [('A number.',)]
    """
    relations = stored_relations(connection)
    for name, (comment, _) in comments.items():
        kind, stored = relations.get(name, ("VIEW", None))
        if kind == "TABLE" and stored != comment:
            connection.execute(f"COMMENT ON {kind} {quoted(name)} IS {_literal(comment)}")
    for name, column, stored in _columns(connection):
        if name in comments and stored != (meaning := comments[name][1][column]):
            connection.execute(f"COMMENT ON COLUMN {quoted(name)}.{quoted(column)} IS {_literal(meaning)}")


def replace_view(
    connection: duckdb.DuckDBPyConnection, name: str, query: str, meaning: str, types: Mapping[str, str] | None = None
) -> None:
    """Create a view with a comment, unless the file has it with the same query over columns of the same types.

    A new view has no comments on its columns. The comment of the view ends with a fingerprint, because DuckDB keeps
    the query itself in another form.
    """
    fingerprint = hashlib.sha256(f"{query} {types}".encode()).hexdigest()[:12]
    comment = f"{meaning} Version: {fingerprint}."
    if stored_relations(connection).get(name) != ("VIEW", comment):
        connection.execute(f"CREATE OR REPLACE VIEW {quoted(name)} AS {query}")
        connection.execute(f"COMMENT ON VIEW {quoted(name)} IS {_literal(comment)}")


def _columns(connection: duckdb.DuckDBPyConnection) -> list[tuple[str, str, str | None]]:
    return connection.execute(
        f"SELECT table_name, column_name, comment FROM duckdb_columns() WHERE {_HERE} ORDER BY table_name, column_index"
    ).fetchall()


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
