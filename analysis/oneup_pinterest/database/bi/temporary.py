"""Create the views for BI for one connection, over what that connection reads."""

import duckdb

from oneup_pinterest.database.bi.create import RENAMES
from oneup_pinterest.database.bi.statements import bi_views
from oneup_pinterest.database.schema import EXTRACTED_AT, PIN_ATTRIBUTES, PIN_COUNTERS, STREAMS, quoted
from oneup_pinterest.database.views import has_pin_tables

_PINS, _DAYS = f"_bi{PIN_ATTRIBUTES}", f"_bi{PIN_COUNTERS}"  # of a file that another tool filled, or with a rename


def create_temporary_bi_views(history: duckdb.DuckDBPyConnection) -> None:
    """Create the views for BI over the views of a connection that `open_history` returned.

    So they show the chosen accounts and days only, and also exist for a file that another tool filled. The views that
    a sync stored in the file read all of its rows.

    >>> from oneup_pinterest.database.reader import open_history
    >>> import tempfile
    >>> database = tempfile.mkdtemp() + "/history.duckdb"
    >>> with duckdb.connect(database) as connection:
    ...     _ = connection.execute("CREATE TABLE pins AS SELECT 'pin_a' AS social_network_id, '1' AS id, "
    ...         "DATE '2026-03-01' + day::INTEGER AS snapshot_date, 7 + day AS saves FROM range(2) AS days(day)")
    >>> with open_history(database) as history:
    ...     create_temporary_bi_views(history)
    ...     history.sql("SELECT saves FROM pin_performance").fetchall()
    [(8,)]
    """
    # the views of the connection already have the newest ids of renamed accounts
    history.execute(
        f"CREATE TEMP TABLE {RENAMES} "
        "(social_network_id VARCHAR, newest_id VARCHAR, place INTEGER, pin_ids MAP(VARCHAR, VARCHAR))"
    )
    queries = bi_views({PIN_ATTRIBUTES, PIN_COUNTERS, *STREAMS})
    if not has_pin_tables(history):
        # under the names of the file's own tables, the view `pins` that is stored in the file would read these
        queries = {
            name: query.replace(PIN_ATTRIBUTES, _PINS).replace(PIN_COUNTERS, _DAYS) for name, query in queries.items()
        }
        history.execute(  # a table, because it is read several times
            f"CREATE TEMP TABLE {_PINS} AS SELECT row_number() OVER (ORDER BY social_network_id, id) AS "
            "pin_key, social_network_id, id, format, text, permalink, media_type, media_url, timestamp FROM pins_latest"
        )
        # the views show no row that is later than the newest extraction, whose time a file may lack
        extracted = f"coalesce({EXTRACTED_AT}, snapshot_date) AS {EXTRACTED_AT}"
        history.execute(
            f"CREATE TEMP VIEW {_DAYS} AS SELECT pin_key, pins.* REPLACE ({extracted}) FROM pins "
            f"JOIN {_PINS} USING (social_network_id, id)"
        )
    for name, query in queries.items():
        history.execute(f"CREATE TEMP VIEW {quoted(name)} AS {query}")
