"""Read the rows of Airbyte's file destinations as records: JSON Lines and Parquet, nested or flattened."""

import re
from collections.abc import Collection, Iterator, Mapping
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import orjson
import polars as pl

from oneup_pinterest.database.column_types import duckdb_type
from oneup_pinterest.database.schema import EXTRACTED_AT
from oneup_pinterest.errors import UserError

PREFIX, DATA, ADDITIONAL = "_airbyte_", "_airbyte_data", "_airbyte_additional_properties"
TIMES = (EXTRACTED_AT, "_airbyte_emitted_at")  # of current destinations, and of older ones
SUFFIXES = (".jsonl", ".ndjson", ".json", ".parquet")
COMPRESSED_SUFFIXES = (".gz", ".zst")
BATCH_ROWS = 5_000  # of a Parquet file
YEAR_10000 = 253_402_300_800_000  # milliseconds since 1970


def is_destination_row(value: Mapping[str, Any]) -> bool:
    """Return whether a JSON object is a row of a destination."""
    return DATA in value or any(name in value for name in TIMES)


def stream_in_path(path: Path, streams: Collection[str]) -> str | None:
    """Return the stream that a file's name or its folders name; None if they name none or several.

    >>> streams = ["pins", "pin_totals", "accounts"]
    >>> stream_in_path(Path("raw/oneup/pins/2026_05_20_1779235200000_0.jsonl.gz"), streams)
    'pins'
    >>> stream_in_path(Path("local/_airbyte_raw_pin_totals.jsonl"), streams)
    'pin_totals'
    >>> print(stream_in_path(Path("data.parquet"), streams))
    None
    """
    for part in reversed(path.parts):
        found = [name for name in streams if re.search(rf"(?<![a-z0-9]){name}(?![a-z0-9])", part.lower())]
        if found:
            return found[0] if len(found) == 1 else None
    return None


def files_in(folder: Path) -> tuple[list[Path], list[Path]]:
    """Return the readable files of a folder and its subfolders, and the other ones; hidden files are ignored."""
    files = [
        path
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not any(part.startswith(".") for part in path.relative_to(folder).parts)
    ]
    readable = [path for path in files if _suffix(path) in SUFFIXES]
    return readable, [path for path in files if path not in set(readable)]


def _suffix(path: Path) -> str:
    name = path.name.lower()
    for suffix in COMPRESSED_SUFFIXES:
        name = name.removesuffix(suffix)
    return Path(name).suffix


def parquet_rows(path: Path) -> Iterator[dict[str, Any]]:
    """Yield the rows of a Parquet file, with one batch in memory at a time.

    Raises:
        UserError: The file is damaged.
    """
    try:
        batches = pl.scan_parquet(path, glob=False, hive_partitioning=False).collect_batches(chunk_size=BATCH_ROWS)
        for batch in batches:
            yield from batch.iter_rows(named=True)
    except (pl.exceptions.PolarsError, OSError) as error:
        line = (str(error).splitlines() or [type(error).__name__])[0]
        raise UserError(f"the Parquet file is damaged: {line}") from None


class RowParser:
    """Turn rows of a destination into records of one stream."""

    def __init__(self, schema: Mapping[str, Any]) -> None:
        self._json_columns = [name for name, value in schema["properties"].items() if duckdb_type(value) == "JSON"]

    def record(self, row: Mapping[str, Any]) -> tuple[dict[str, Any], int] | str:
        """Return the record and when it was extracted (milliseconds since 1970, UTC), or why the row is invalid."""
        extracted_at = milliseconds(next((row[name] for name in TIMES if row.get(name) is not None), None))
        if extracted_at is None:
            return f"a row without an extraction time in `{TIMES[0]}` or `{TIMES[1]}`"
        if DATA not in row:
            return self._parse_flattened(row), extracted_at
        data = row[DATA]
        if isinstance(data, str | bytes):
            data = _parse_json(data)
        return (data, extracted_at) if isinstance(data, dict) else f"a row whose `{DATA}` is not a JSON object"

    def _parse_flattened(self, row: Mapping[str, Any]) -> dict[str, Any]:
        data = {name: _json_value(value) for name, value in row.items() if not name.startswith(PREFIX)}
        for name in self._json_columns:  # Parquet has no type for JSON
            if isinstance(data.get(name), str):
                data[name] = _parse_json(data[name], data[name])
        more = row.get(ADDITIONAL)
        return {**more, **data} if isinstance(more, dict) else data


def milliseconds(value: object) -> int | None:
    """Return an extraction time in milliseconds since 1970 (UTC); None if it is not a valid time.

    >>> milliseconds(1779278400000), milliseconds("2026-05-20T12:00:00Z"), milliseconds(datetime(2026, 5, 20, 12))
    (1779278400000, 1779278400000, 1779278400000)
    >>> milliseconds("soon"), milliseconds(True), milliseconds(-1)
    (None, None, None)
    """
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value)
        except ValueError:
            return None
    if isinstance(value, datetime):
        value = value if value.tzinfo else value.replace(tzinfo=UTC)
        value = round(value.timestamp() * 1000)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < YEAR_10000:
        return None
    return int(value)


def _parse_json(text: str | bytes, default: Any = None) -> Any:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return default


def _json_value(value: Any) -> Any:
    """Return a value as JSON has it, with times and days as OneUp writes them."""
    if isinstance(value, datetime):
        value = value.astimezone(UTC).replace(tzinfo=None) if value.tzinfo else value
        return value.isoformat(sep=" ")
    return value.isoformat() if isinstance(value, date) else value
