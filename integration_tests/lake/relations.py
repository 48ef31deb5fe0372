"""What a place shows its readers: every relation with columns, types and rows, and the state."""

import json
from typing import Any

from oneup_pinterest.database.bi.columns import BI_VIEWS
from oneup_pinterest.database.bi.temporary import create_temporary_bi_views
from oneup_pinterest.database.place import Place
from oneup_pinterest.database.reader import open_history
from oneup_pinterest.database.schema import SYNC_RUNS, TABLES, quoted
from oneup_pinterest.sync.database_file import attach

RANDOM = ("run_id", "duration_seconds")  # of a run
OWN = {
    "_listed_accounts": "* EXCLUDE (key_fingerprint)",  # of a random salt
    "_renames": "* EXCLUDE (pin_ids), map_keys(pin_ids), map_values(pin_ids)",
    "_layout": "version",
}


def relations(place: Place, *, with_bi: bool = False) -> dict[str, Any]:
    """Return the columns with types, and the rows, of each relation that readers have."""
    found: dict[str, Any] = {}
    with open_history(place) as history:
        if with_bi:
            create_temporary_bi_views(history)
        for name in (*TABLES, *(BI_VIEWS if with_bi else ())):
            shape = history.sql(f"FROM {quoted(name)}")
            columns = [each for each in shape.columns if name != SYNC_RUNS or each not in RANDOM]
            rows = history.sql(f"SELECT {', '.join(map(quoted, columns))} FROM {quoted(name)} ORDER BY ALL").fetchall()
            found[name] = list(zip(shape.columns, map(str, shape.types), strict=True)), rows
    return found


def stored_views(place: Place) -> dict[str, Any]:
    """Return the rows of the relations that other programs read: the views in the file or lake itself, and our own."""
    connection = attach(place, "READ_ONLY")
    try:
        names = {**dict.fromkeys([*TABLES, *BI_VIEWS], "*"), **OWN}
        names[SYNC_RUNS] = "* EXCLUDE (run_id, duration_seconds)"
        found: dict[str, Any] = {
            name: connection.sql(f"SELECT {columns} FROM main.{quoted(name)} ORDER BY ALL").fetchall()
            for name, columns in names.items()
        }
        found["_airbyte_state"] = [
            (stream, _in_order(json.loads(state)), at)
            for stream, state, at in connection.sql("FROM main._airbyte_state ORDER BY 1").fetchall()
        ]
        return found
    finally:
        connection.close()


def _in_order(state: dict[str, Any]) -> dict[str, Any]:
    if "states" in state:
        state["states"].sort(key=lambda entry: json.dumps(entry["partition"], sort_keys=True))
    return state
