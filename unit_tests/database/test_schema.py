"""The tables of the database agree with the connector's manifest."""

from typing import Any

import pytest
import yaml

from oneup_pinterest.database.column_types import COUNT, JSON, TEXT, duckdb_type
from oneup_pinterest.database.schema import COUNTERS, EXTRACTED_AT, STREAMS, TABLES
from test_support.paths import ROOT

MANIFEST = yaml.safe_load((ROOT / "source_oneup_pinterest" / "manifest.yaml").read_text(encoding="utf-8"))


def properties(stream: str) -> dict[str, Any]:
    declared: dict[str, Any] = MANIFEST["schemas"][stream]["properties"]
    return declared


def test_streams_match_the_manifest() -> None:
    assert set(STREAMS) == {stream["$ref"].rsplit("/", 1)[-1] for stream in MANIFEST["streams"]}


@pytest.mark.parametrize("stream", STREAMS)
def test_primary_keys_match_the_manifest(stream: str) -> None:
    assert list(TABLES[stream].key) == MANIFEST["definitions"][stream]["primary_key"]


@pytest.mark.parametrize("stream", STREAMS)
def test_columns_and_types_match_the_manifest(stream: str) -> None:
    declared = {name: duckdb_type(schema) for name, schema in properties(stream).items()}
    readable = {name: TEXT if kind == JSON else kind for name, kind in declared.items()}  # JSON is read as text
    assert TABLES[stream].columns == {**readable, EXTRACTED_AT: "TIMESTAMP"}


def test_counters_match_the_count_fields_of_pins() -> None:
    assert list(COUNTERS) == [name for name, schema in properties("pins").items() if duckdb_type(schema) == COUNT]
