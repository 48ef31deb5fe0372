"""Change files as other tools write them, and compare what is read from them."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
from polars.testing import assert_frame_equal

from oneup_pinterest.database import load
from oneup_pinterest.database.schema import STREAMS
from oneup_pinterest.database.stored_tables import HistoryFile
from oneup_pinterest.quality.status import read_status
from oneup_pinterest.report.context import page_of

LOADERS = {name: getattr(load, f"load_{name}") for name in (*STREAMS, "pins_latest")}


def change(path: Path, *statements: str) -> Path:
    with duckdb.connect(path) as connection:
        for statement in statements:
            connection.execute(statement)
    return path


def rename_tables(path: Path, name: Callable[[str], str], schema: str = "client_a") -> Path:
    return change(path, *(f'ALTER TABLE {schema}.{stream} RENAME TO "{name(stream)}"' for stream in STREAMS))


def split_into_schemas(path: Path) -> Path:
    """Move each account to its own schema, as one Airbyte connection per client writes them."""
    return change(
        path,
        "CREATE SCHEMA client_b",
        *(
            f"CREATE TABLE client_b.{name} AS FROM client_a.{name} WHERE social_network_id = 'pin_two'"
            for name in STREAMS
        ),
        *(f"DELETE FROM client_a.{name} WHERE social_network_id = 'pin_two'" for name in STREAMS),
    )


def findings_by_check(path: Path | HistoryFile) -> dict[str, dict[str, Any]]:
    return {finding["check"]: finding for finding in read_status(path)["findings"]}


def assert_same_frames(database: Path | HistoryFile, expected: Path) -> None:
    for loader in LOADERS.values():
        assert_frame_equal(loader(database), loader(expected))


def accounts_on_page(database: Path | HistoryFile) -> str:
    """Return the parts of the report about each account and their comparison, as JSON."""
    page = page_of(database)
    parts = ("id", "tiles", "period", "why", "top", "groups", "charts")
    accounts = [[account[part] for part in parts] for account in page["accounts"]]
    return json.dumps([accounts, page["side_by_side"]], default=str)
