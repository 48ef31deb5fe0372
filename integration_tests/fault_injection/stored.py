"""Compare the database with the expectation: rows, exact values and types."""

import json
import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import duckdb

from integration_tests.fault_injection.expected import Expected
from integration_tests.fault_injection.values import text
from oneup_pinterest.database.schema import EXTRACTED_AT, STREAMS, TABLES

MAX_EXTRA_COLUMNS = 51  # besides the declared ones
Rows = Mapping[tuple[str, str], Sequence[Mapping[str, Any]]]
KEYS = {  # within an account and a day or a period
    "overview_metrics": ("key",),
    "account_followers": (),
    "post_performance": ("ranking", "position"),
    "pins": ("id",),
    "pin_totals": ("key",),
    "accounts": (),
}


def rows_of(database: Path, day: str, day_before: str) -> tuple[Rows, int]:
    """Return a day's rows by (stream, account), and a hash of the pins of all other days."""
    found: dict[tuple[str, str], list[Mapping[str, Any]]] = defaultdict(list)
    with duckdb.connect(str(database), read_only=True) as connection:
        for stream in STREAMS:
            of_day = {"snapshot_date": f"= '{day}'", "period_end": f"= '{day_before}'"}
            column = TABLES[stream].date
            condition = f"{column} {of_day[column]}" if column else "true"
            rows = connection.sql(f"SELECT * FROM {stream} WHERE {condition}")
            for row in rows.fetchall():
                named = dict(zip(rows.columns, row, strict=True))
                found[stream, named["social_network_id"]].append(named)
        columns = "social_network_id, id, snapshot_date, impressions, saves, comments, repins, clicks"
        others = f"SELECT sum(hash({columns})::HUGEINT) FROM pins WHERE snapshot_date <> '{day}'"
        ((number,),) = connection.sql(others).fetchall()
    return found, number or 0


def find_wrong_types(database: Path) -> list[str]:
    """Return declared columns with a wrong type, and streams with too many columns."""
    problems = []
    with duckdb.connect(str(database), read_only=True) as connection:
        for stream in STREAMS:
            stored = {name: type_ for name, type_, *_ in connection.sql(f"DESCRIBE {stream}").fetchall()}
            for name, type_ in TABLES[stream].columns.items():
                if stored.get(name) != ("JSON" if name == "item" else type_):
                    problems.append(f"{stream}.{name} is {stored.get(name)}")
            if len(stored) > len(TABLES[stream].columns) + MAX_EXTRA_COLUMNS:
                problems.append(f"{stream} has {len(stored)} columns")
    return problems


def find_differences(stream: str, rows: Sequence[Mapping[str, Any]], wanted: Expected) -> list[str]:
    """Return the differences between the stored rows of an account and the rows expected from its response."""
    stored = {tuple(row[name] for name in KEYS[stream]): row for row in rows}
    expected_rows = {
        key if isinstance(key, tuple) else (key,)[: len(KEYS[stream])]: row for key, row in wanted.rows.items()
    }
    others = dict(zip(expected_rows, wanted.others.values(), strict=True))
    problems = []
    if len(stored) != len(rows):
        problems.append(f"{stream}: two rows have the same key")
    if stored.keys() != expected_rows.keys():
        problems.append(f"{stream}: {len(stored)} rows, not {len(expected_rows)}")
    for key in stored.keys() & expected_rows.keys():
        row = stored[key]
        for name, value in expected_rows[key].items():
            if not is_stored(row[name], value, is_json=name == "item"):
                problems.append(f"{stream}.{name} is {row[name]!r:.80}, not {value!r:.80}")
        shared = json.loads(row.get("_other_fields") or "{}")
        for name, value in others[key].items():
            if row.get(name) is not None and name not in ("_other_fields", EXTRACTED_AT):
                is_stored_value = is_kept(row[name], value)
            else:
                is_stored_value = text(name) in shared and same_json(shared[text(name)], value)
            if not is_stored_value:
                problems.append(f"{stream}: the field {name!r:.40} lost {value!r:.80}, has {row.get(name)!r:.80}")
    return problems


def is_stored(stored: Any, value: Any, is_json: bool) -> bool:
    if is_json:
        return (stored is None and value is None) or (stored is not None and same_json(json.loads(stored), value))
    return type(stored) is type(value) and stored == value


def is_kept(stored: Any, value: Any) -> bool:
    """Return whether a column that no schema declares holds the exact value, whatever its type."""
    if isinstance(stored, float) and isinstance(value, float):
        return stored == value or (math.isnan(stored) and math.isnan(value))
    if not isinstance(stored, str):
        return bool(stored == value) and isinstance(stored, bool) == isinstance(value, bool)
    if isinstance(value, str) and stored == text(value):
        return True
    if isinstance(value, float):
        return same_json(_parsed(stored), value) or float(stored) == value
    return same_json(_parsed(stored), value)


def _parsed(stored: str) -> Any:
    try:
        return json.loads(stored)
    except ValueError:
        return ...


def same_json(stored: Any, value: Any) -> bool:
    """Return whether stored JSON equals a value: NaN becomes null, halves of surrogate pairs become question marks."""
    if isinstance(value, float) and not math.isfinite(value):
        return stored is None
    if isinstance(value, dict):
        wanted = {text(name): inner for name, inner in value.items()}
        return (
            isinstance(stored, dict)
            and stored.keys() == wanted.keys()
            and all(same_json(stored[name], inner) for name, inner in wanted.items())
        )
    if isinstance(value, list):
        return isinstance(stored, list) and len(stored) == len(value) and all(map(same_json, stored, value))
    if isinstance(value, str):
        return bool(stored == text(value))
    return bool(stored == value) and type(stored) is type(value)
