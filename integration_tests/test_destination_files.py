"""`load` reads files of Airbyte's file destinations: JSON Lines and Parquet, nested or flat, compressed or not."""

import gzip
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import zstandard

from integration_tests.databases import KEYS, contents, rows, run
from integration_tests.printed import Day
from oneup_pinterest.sync.load import load
from oneup_pinterest.sync.manifest import declared_streams
from source_oneup_pinterest.components.clock import CLOCK_VARIABLE
from test_support.clock import NOON

pytestmark = pytest.mark.slow

WITHOUT_STATE = "The input has no state: the next read continues from what `oneup-pinterest state` prints."
AT = 1779278400000  # NOON in milliseconds
Rows = dict[str, list[dict[str, Any]]]


@pytest.fixture
def days(printed_days: list[Day]) -> list[Day]:
    return printed_days


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(CLOCK_VARIABLE, (NOON + timedelta(days=1)).isoformat())


def records(day: Day) -> Rows:
    """Return the records of each stream."""
    found: Rows = {stream: [] for stream in KEYS}
    for message in map(json.loads, day.lines):
        if message["type"] == "RECORD":
            found[message["record"]["stream"]].append(message["record"])
    return found


def nested(record: dict[str, Any]) -> dict[str, Any]:
    """Return a record as current destinations write it."""
    meta = {"_airbyte_raw_id": "0-1", "_airbyte_meta": {"changes": []}, "_airbyte_generation_id": 0}
    return {**meta, "_airbyte_extracted_at": record["emitted_at"], "_airbyte_data": record["data"]}


def nested_by_older_version(record: dict[str, Any]) -> dict[str, Any]:
    """Return a record as older versions of the local JSON destination wrote it: with the data as text."""
    return {
        "_airbyte_ab_id": "0-1",
        "_airbyte_emitted_at": record["emitted_at"],
        "_airbyte_data": json.dumps(record["data"]),
    }


def flattened(record: dict[str, Any]) -> dict[str, Any]:
    return {"_airbyte_raw_id": "0-1", "_airbyte_extracted_at": record["emitted_at"], **record["data"]}


def lines(rows: list[dict[str, Any]]) -> bytes:
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode()


def write_jsonl(folder: Path, name: str, shape: Any, day: Day) -> None:
    for stream, found in records(day).items():
        path = folder / name.format(stream)
        path.parent.mkdir(parents=True, exist_ok=True)
        content = lines([shape(record) for record in found])
        pack = {".gz": gzip.compress, ".zst": zstandard.compress}.get(path.suffix, bytes)
        path.write_bytes(pack(content))


def write_parquet(folder: Path, name: str, day: Day, has_logical_types: bool = False) -> None:
    """Write objects as JSON texts, because Parquet has no type for them; dates and times may have their own types."""
    for stream, found in records(day).items():
        path = folder / name.format(stream)
        path.parent.mkdir(parents=True, exist_ok=True)
        flat = [
            {name: json.dumps(value) if isinstance(value, dict) else value for name, value in flattened(record).items()}
            for record in found
        ]
        frame = pl.DataFrame(flat, infer_schema_length=None)
        if has_logical_types:
            at = pl.col("_airbyte_extracted_at")
            frame = frame.with_columns(pl.from_epoch(at, "ms").dt.replace_time_zone("UTC"))
            for column in frame.columns:
                if column in ("snapshot_date", "period_start", "period_end"):
                    frame = frame.with_columns(pl.col(column).str.to_date())
                if column == "timestamp":
                    frame = frame.with_columns(pl.col(column).str.to_datetime())
        frame.write_parquet(path, row_group_size=100)


def test_declared_schemas_equal_the_discovered_ones() -> None:
    import logging

    from source_oneup_pinterest import SourceOneupPinterest

    config = {"api_key": "none"}
    catalog = SourceOneupPinterest(config=config).discover(logging.getLogger("airbyte"), config)
    assert {
        stream.name: (stream.json_schema["properties"], [path[0] for path in stream.source_defined_primary_key or []])
        for stream in catalog.streams
    } == {name: (schema["properties"], key) for name, (schema, key) in declared_streams().items()}


@pytest.mark.parametrize(
    ("name", "shape"),
    [
        ("_airbyte_raw_{}.jsonl", nested_by_older_version),
        ("2026/{}_2026_05_20.jsonl.zst", nested),
        pytest.param("oneup/{}/2026_05_20_1779278400000_0.jsonl", nested, marks=pytest.mark.slow),
        pytest.param("{}/part.jsonl.gz", flattened, marks=pytest.mark.slow),
    ],
)
def test_json_lines_of_two_days_equal_two_syncs(
    days: list[Day], database: Path, tmp_path: Path, name: str, shape: Any
) -> None:
    for number, day in enumerate(reversed(days)):  # the older day comes last
        write_jsonl(tmp_path / str(number), name, shape, day)

    result = load([str(tmp_path / "0"), str(tmp_path / "1")], database)

    assert (result.exit_status, result.status, result.warnings) == (0, "done", [WITHOUT_STATE])
    assert contents(database) == contents(days[1].synced)
    assert rows(database, "SELECT * FROM _airbyte_state") == []
    again = load([str(tmp_path)], database)
    assert {counts["rows"] for counts in again.streams.values()} == {0}
    assert contents(database) == contents(days[1].synced)


@pytest.mark.parametrize("has_logical_types", [False, True])
def test_parquet_of_two_days_equals_two_syncs(
    days: list[Day], database: Path, tmp_path: Path, has_logical_types: bool
) -> None:
    for number, day in enumerate(days):
        write_parquet(tmp_path / "out", f"{{}}/{9 - number}.parquet", day, has_logical_types)

    result = load([str(tmp_path / "out")], database)

    assert (result.exit_status, result.warnings) == (0, [WITHOUT_STATE])
    assert contents(database) == contents(days[1].synced)


def test_the_last_of_several_syncs_of_a_day_wins(database: Path, tmp_path: Path) -> None:
    def write(name: str, saves: int, hours: int) -> None:
        data = {"social_network_id": "a", "id": "1", "snapshot_date": "2026-05-20", "saves": saves}
        at = (datetime(2026, 5, 20, tzinfo=UTC) + timedelta(hours=hours)).isoformat()
        (tmp_path / name).write_bytes(lines([{"_airbyte_extracted_at": at, "_airbyte_data": data}]))

    (tmp_path / "pins").mkdir()
    write("pins/1.jsonl", 30, 20)
    write("pins/2.jsonl", 10, 3)
    write("pins/3.jsonl", 20, 11)

    assert load([str(tmp_path / "pins")], database).exit_status == 0
    assert rows(database, "SELECT saves, _airbyte_extracted_at::VARCHAR FROM pins") == [(30, "2026-05-20 20:00:00")]


def test_files_without_state_leave_the_stored_state_unchanged(days: list[Day], database: Path, tmp_path: Path) -> None:
    messages = tmp_path / "day.jsonl"
    messages.write_text(days[0].text)
    load([str(messages)], database)
    before = rows(database, "SELECT * FROM _airbyte_state ORDER BY ALL")
    write_jsonl(tmp_path / "out", "{}.jsonl", nested, days[1])

    result = load([str(tmp_path / "out")], database)

    assert result.warnings == [WITHOUT_STATE]
    assert rows(database, "SELECT * FROM _airbyte_state ORDER BY ALL") == before
    assert contents(database) == contents(days[1].synced)


def test_the_stream_option_names_a_stream_that_the_path_does_not(
    days: list[Day], database: Path, tmp_path: Path
) -> None:
    path = tmp_path / "data.jsonl"
    path.write_bytes(lines([nested(record) for record in records(days[0])["accounts"]]))

    refused = run("load", path, "--database", database)
    ended = run("load", path, "--database", database, "--stream", "accounts")

    assert refused.returncode == 1
    assert refused.stderr.splitlines()[1:3] == [
        "error: None of the input was loaded.",
        f"warning: {path}: lines 1, 2 and 3 were not loaded (a row of an unknown stream; name it with --stream).",
    ]
    assert ended.returncode == 0, ended.stderr
    assert contents(database)["accounts"] == contents(days[0].synced)["accounts"]


ROW = {"_airbyte_extracted_at": AT, "_airbyte_data": {"social_network_id": "b", "username": "x"}}
NO_TIME = "a row without an extraction time in `_airbyte_extracted_at` or `_airbyte_emitted_at`"


@pytest.mark.parametrize(
    ("row", "why"),
    [
        ({**ROW, "_airbyte_extracted_at": None}, NO_TIME),
        ({**ROW, "_airbyte_extracted_at": "soon"}, NO_TIME),
        ({"_airbyte_data": ROW["_airbyte_data"]}, NO_TIME),
        ({**ROW, "_airbyte_data": "{"}, "a row whose `_airbyte_data` is not a JSON object"),
        ({**ROW, "_airbyte_data": [1]}, "a row whose `_airbyte_data` is not a JSON object"),
        (
            {**ROW, "_airbyte_data": {"social_network_id": "b", "is_expired": "perhaps"}},
            "a record of accounts with a value of the wrong type",
        ),
    ],
)
def test_an_invalid_row_is_reported_and_the_others_are_loaded(
    database: Path, tmp_path: Path, row: dict[str, Any], why: str
) -> None:
    path = tmp_path / "accounts.jsonl"
    path.write_bytes(lines([row, ROW]))

    result = load([str(path)], database)

    assert (result.exit_status, result.status) == (3, "partial")
    assert f"{path}: line 1 was not loaded ({why})." in result.warnings
    assert rows(database, "SELECT social_network_id FROM accounts") == [("b",)]


def test_damaged_and_other_files_are_reported_and_the_rest_is_loaded(
    days: list[Day], database: Path, tmp_path: Path
) -> None:
    write_parquet(tmp_path / "out", "{}.parquet", days[0])
    whole = (tmp_path / "out" / "pins.parquet").read_bytes()
    (tmp_path / "out" / "pins.parquet").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "out" / "pins.csv").write_text("id\n1\n")
    (tmp_path / "out" / ".hidden").write_text("x")
    (tmp_path / "out" / "_SUCCESS").touch()
    packed = gzip.compress(lines([nested(record) for record in records(days[0])["pins"]]), 1)
    (tmp_path / "out" / "pins.jsonl.gz").write_bytes(packed[: len(packed) // 2])

    result = load([str(tmp_path / "out")], database)

    assert (result.exit_status, result.status) == (3, "partial")
    cut, csv, parquet, state = sorted(result.warnings)[:1] + sorted(result.warnings)[1:]
    assert cut.startswith(f"{tmp_path}/out/pins.csv: line 1 was not loaded (neither JSON Lines nor Parquet).")
    assert csv.startswith(f"{tmp_path}/out/pins.jsonl.gz is truncated or damaged after line ")
    assert csv.endswith(". Everything before that was loaded.")
    assert parquet.startswith(f"{tmp_path}/out/pins.parquet: line 1 was not loaded (the Parquet file is damaged: ")
    assert state == WITHOUT_STATE
    stored, expected = contents(database), contents(days[0].synced)
    assert {name for name in expected if stored[name] != expected[name]} == {"pins", "pins_latest"}
    assert 0 < len(stored["pins"]) < len(expected["pins"])
