"""Create the views for BI in the file, and keep what they need to know of renamed accounts."""

from collections.abc import Sequence

import duckdb

from oneup_pinterest.database.bi.columns import BI_VIEWS
from oneup_pinterest.database.bi.statements import bi_views
from oneup_pinterest.database.comments import replace_view, stored_relations
from oneup_pinterest.database.renames import Rename, newest_ids
from oneup_pinterest.database.schema import PIN_ATTRIBUTES, PIN_COUNTERS

RENAMES = "_renames"


def create_bi_views(connection: duckdb.DuckDBPyConnection) -> None:
    """Create the views for BI in the connection's file, unless they are there as this version makes them.

    A file without pins gets none until pins are synced. To create them takes a fifth of a second.
    """
    connection.execute(
        f"CREATE TABLE IF NOT EXISTS {RENAMES} "
        "(social_network_id VARCHAR, newest_id VARCHAR, place INTEGER, pin_ids MAP(VARCHAR, VARCHAR))"
    )
    tables = {name for name, (kind, _) in stored_relations(connection).items() if kind == "TABLE"}
    if {PIN_ATTRIBUTES, PIN_COUNTERS} <= tables:
        for name, query in bi_views(tables).items():
            replace_view(connection, name, query, BI_VIEWS[name][0])


def write_renames(connection: duckdb.DuckDBPyConnection, renames: Sequence[Rename]) -> None:
    """Keep the renamed accounts for the views for BI, inside the open transaction."""
    newest = newest_ids(renames)
    rows = [
        (rename.older, newest[rename.older], place, list(rename.ids), list(rename.ids.values()))
        for place, rename in enumerate(renames)
    ]
    stored = f"SELECT * EXCLUDE (pin_ids), map_keys(pin_ids), map_values(pin_ids) FROM {RENAMES} ORDER BY place"
    if rows != connection.execute(stored).fetchall():
        connection.execute(f"DELETE FROM {RENAMES}")
        for row in rows:
            connection.execute(f"INSERT INTO {RENAMES} VALUES (?, ?, ?, map(?::VARCHAR[], ?::VARCHAR[]))", row)
