"""Rows of Airbyte's file destinations as records of a stream: JSON Lines and Parquet, nested or flattened."""

import re
from collections.abc import Collection, Iterator, Mapping
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import orjson
import polars as pl

from oneup_pinterest.database.column_types import duckdb_type
from oneup_pinterest.errors import UserError

AIRBYTE, DATA, ADDITIONAL = "_airbyte_", "_airbyte_data", "_airbyte_additional_properties"
TIMES = ("_airbyte_extracted_at", "_airbyte_emitted_at")  # of today's destinations, and of older ones
SUFFIXES = (".jsonl", ".ndjson", ".json", ".parquet")
PACKED = (".gz", ".zst")
ROWS_AT_ONCE = 5_000  # of a Parquet file
YEAR_10000 = 253_402_300_800_000  # ms


def is_row(value: Mapping[str, Any]) -> bool:
    """Whether an object is a destination's row."""
    return DATA in value or any(name in value for name in TIMES)


def stream_in(path: Path, streams: Collection[str]) -> str | None:
    """Return the stream that a path names, in the file's name or a folder's; None if there is none, or more than one.

    >>> streams = ["pins", "pin_totals", "accounts"]
    >>> stream_in(Path("raw/oneup/pins/2026_05_20_1779235200000_0.jsonl.gz"), streams)
    'pins'
    >>> stream_in(Path("local/_airbyte_raw_pin_totals.jsonl"), streams), stream_in(Path("data.parquet"), streams)
    ('pin_totals', None)
    """
    for part in reversed(path.parts):
        found = [name for name in streams if re.search(rf"(?<![a-z0-9]){name}(?![a-z0-9])", part.lower())]
        if found:
            return found[0] if len(found) == 1 else None
    return None


def files_in(folder: Path) -> tuple[list[Path], list[Path]]:
    """Return the files of a folder and its subfolders that can be read, and those that cannot; hidden ones are none."""
    files = [
        path
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not any(part.startswith(".") for part in path.relative_to(folder).parts)
    ]
    readable = [path for path in files if _suffix(path) in SUFFIXES]
    return readable, [path for path in files if path not in set(readable)]


def _suffix(path: Path) -> str:
    name = path.name.lower()
    for packed in PACKED:
        name = name.removesuffix(packed)
    return Path(name).suffix


def parquet_rows(path: Path) -> Iterator[dict[str, Any]]:
    """Yield the rows of a Parquet file, a batch of it in memory at a time.

    Raises:
        UserError: the file is damaged.
    """
    try:
        batches = pl.scan_parquet(path, glob=False, hive_partitioning=False).collect_batches(chunk_size=ROWS_AT_ONCE)
        for batch in batches:
            yield from batch.iter_rows(named=True)
    except (pl.exceptions.PolarsError, OSError) as error:
        line = (str(error).splitlines() or [type(error).__name__])[0]
        raise UserError(f"{path} is no whole Parquet file ({line})") from None


class Shape:
    """Makes records of one stream from rows."""

    def __init__(self, schema: Mapping[str, Any]) -> None:
        self._json = [name for name, value in schema["properties"].items() if duckdb_type(value) == "JSON"]

    def record(self, row: Mapping[str, Any]) -> tuple[dict[str, Any], int] | str:
        """Return the record and when it was extracted (milliseconds since 1970, UTC), or what the row lacks."""
        extracted_at = milliseconds(next((row[name] for name in TIMES if row.get(name) is not None), None))
        if extracted_at is None:
            return f"a row without a time of extraction (`{TIMES[0]}` or `{TIMES[1]}`)"
        if DATA not in row:
            return self._flattened(row), extracted_at
        data = row[DATA]
        if isinstance(data, str | bytes):
            data = _parsed(data)
        return (data, extracted_at) if isinstance(data, dict) else f"a row whose `{DATA}` is no JSON object"

    def _flattened(self, row: Mapping[str, Any]) -> dict[str, Any]:
        data = {name: _plain(value) for name, value in row.items() if not name.startswith(AIRBYTE)}
        for name in self._json:  # which Parquet has no type for
            if isinstance(data.get(name), str):
                data[name] = _parsed(data[name], data[name])
        more = row.get(ADDITIONAL)
        return {**more, **data} if isinstance(more, dict) else data


def milliseconds(value: object) -> int | None:
    """Return a time of extraction in milliseconds since 1970 (UTC); None if it is none.

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


def _parsed(text: str | bytes, otherwise: Any = None) -> Any:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return otherwise


def _plain(value: Any) -> Any:
    """The value as JSON has it: times and days as OneUp writes them."""
    if isinstance(value, datetime):
        value = value.astimezone(UTC).replace(tzinfo=None) if value.tzinfo else value
        return value.isoformat(sep=" ")
    return value.isoformat() if isinstance(value, date) else value
