"""The state of each stream: read it from a file, merge it with a newer one, print it for the next read."""

import json
import uuid
from collections.abc import Mapping
from contextlib import suppress
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb

from oneup_pinterest.database.connection import explain_database_errors
from oneup_pinterest.database.lake import Lake, MissingLake
from oneup_pinterest.database.migrations import PERIOD_KEYS, read_schema_version
from oneup_pinterest.database.place import Place
from oneup_pinterest.sync.database_file import attach


def stored_states(path: Place) -> dict[str, dict[str, Any]]:
    """Return the state of each stream in a file (stream name → state); empty if the file does not exist yet.

    Raises:
        UserError: As `DatabaseWriter`.
    """
    connection = _open(path)
    if connection is None:
        return {}
    try:
        with explain_database_errors(path, to_write=True):
            read_schema_version(connection, path)
            return select_states(connection)
    except duckdb.CatalogException:  # another program's database, or a first sync that never started
        return {}
    finally:
        connection.close()


def _open(place: Place) -> duckdb.DuckDBPyConnection | None:
    """Return a connection; None if there is no such file or lake yet."""
    try:
        return attach(place, "READ_ONLY") if isinstance(place, Lake) or place.exists() else None
    except MissingLake:
        return None


def select_states(connection: duckdb.DuckDBPyConnection) -> dict[str, dict[str, Any]]:
    """Return the state of each stream (stream name → state) in the connection's file."""
    rows = connection.execute("SELECT stream_name, state FROM _airbyte_state").fetchall()
    return {stream: json.loads(state) for stream, state in rows}


def full_refresh_states(path: Place) -> dict[str, dict[str, Any]]:
    """Return the states for a full refresh: no cursor, so all history is read, plus every stored period.

    Raises:
        UserError: As `DatabaseWriter`.
    """
    connection = _open(path)
    states: dict[str, dict[str, Any]] = {}
    if connection is None:
        return states
    try:
        with explain_database_errors(path, to_write=True):
            read_schema_version(connection, path)
            for stream, scope in PERIOD_KEYS.items():
                preset = "preset" if "preset" in scope else "NULL"
                with suppress(duckdb.CatalogException):  # a stream that was never synced
                    rows = connection.execute(
                        f"SELECT social_network_id, {preset}, "
                        "list(DISTINCT [period_start::VARCHAR, period_end::VARCHAR]) "
                        f"FROM main.{stream} GROUP BY ALL"
                    ).fetchall()
                    states[stream] = {"states": [_read_again(*row) for row in rows]}
    finally:
        connection.close()
    return states


def keep_other_entries(state: Mapping[str, Any], stored: Mapping[str, Any]) -> dict[str, Any]:
    """Return a state plus the stored entries of other accounts, and of other presets of the same accounts.

    A 0.1.0 entry has no preset; it is replaced by the account's entry for its current preset.
    """
    entries = [entry for entry in state.get("states") or () if isinstance(entry, Mapping)]
    partitions = {_account_and_preset(entry) for entry in entries}
    accounts = {account for account, _ in partitions}
    kept = []
    for entry in stored.get("states") or ():
        if not isinstance(entry, Mapping) or "cursor" not in entry:
            continue
        account, preset = _account_and_preset(entry)
        if account is None:
            continue
        if account not in accounts or (preset is not None and (account, preset) not in partitions):
            kept.append(entry)
    return {**state, "states": [*entries, *kept]} if kept else dict(state)


def merge_states(
    stored: Mapping[str, Any], stored_at: datetime, loaded: Mapping[str, Any], loaded_at: datetime
) -> tuple[dict[str, Any], datetime]:
    """Return a stream's state after a load, and when it was extracted.

    Each account (and preset) keeps the later cursor. If days between the two cursors were not read, the stored cursor
    stays, so that the next read fills the gap.
    """
    is_later = loaded_at >= stored_at
    newer, older = (loaded, stored) if is_later else (stored, loaded)
    at = max(stored_at, loaded_at)
    if not (isinstance(stored.get("states"), list) and isinstance(loaded.get("states"), list)):
        return dict(newer), at
    older_entries, entries, stored_entries = map(_by_partition, (older, newer, stored))
    accounts_with_preset = {account for account, preset in entries if preset}
    for partition, entry in older_entries.items():
        account, preset = partition
        if preset is None and account in accounts_with_preset:
            continue  # a 0.1.0 entry, from which the one with a preset was made
        if partition not in entries:
            entries[partition] = entry
        else:
            entries[partition] = _later_entry(entry, entries[partition]) or stored_entries[partition]
    return {**newer, "states": list(entries.values())}, at


def states_json(database: Place) -> str:
    """Return the state of each stream in `database` as one line: Airbyte's JSON list for `main.py read --state`.

    Raises:
        UserError: As `DatabaseWriter`.
    """
    return json.dumps(
        [
            {"type": "STREAM", "stream": {"stream_descriptor": {"name": name}, "stream_state": state}}
            for name, state in sorted(stored_states(database).items())
        ],
        ensure_ascii=False,
    )


def write_states_json(database: Place, output: Path) -> None:
    """Write `states_json` to a file in one step: a concurrent reader sees the old content or the new.

    Raises:
        UserError: As `DatabaseWriter`.
        OSError: The file cannot be written.
    """
    text = states_json(database)
    temporary = output.with_name(f".{output.name}.{uuid.uuid4().hex}")
    try:
        temporary.write_text(text + "\n", encoding="utf-8")
        temporary.replace(output)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise OSError(error.errno, error.strerror, str(output)) from None


def _read_again(account: str, preset: str | None, periods: list[list[str]]) -> dict[str, Any]:
    partition = {"social_network_id": account} | ({"preset": preset} if preset else {})
    return {"partition": partition, "read_again": sorted(periods)}


def _account_and_preset(entry: Mapping[str, Any]) -> tuple[str | None, str | None]:
    partition = entry.get("partition")
    if not isinstance(partition, Mapping):
        return None, None
    return partition.get("social_network_id"), partition.get("preset")


def _by_partition(state: Mapping[str, Any]) -> dict[tuple[Any, ...], dict[str, Any]]:
    found = {}
    for entry in state["states"]:
        partition = entry.get("partition") or {}
        found[partition.get("social_network_id"), partition.get("preset")] = entry
    return found


def _later_entry(older: Mapping[str, Any], newer: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the later of two entries, with the earlier `since`; None if days between them were not read."""
    first, last = (newer, older) if _cursor(older) > _cursor(newer) else (older, newer)
    begins, ended = _day(last.get("since")), _day(_cursor(first))
    if begins and ended and begins > ended + timedelta(days=1):
        return None
    since = [str(entry["since"]) for entry in (first, last) if entry.get("since")]
    return {**last, "since": min(since)} if since else dict(last)


def _cursor(entry: Mapping[str, Any]) -> str:
    return str(next(iter((entry.get("cursor") or {}).values()), ""))


def _day(text: object) -> date | None:
    try:
        return date.fromisoformat(str(text)[:10])
    except ValueError:
        return None
