"""Names of folders and files in the path of a database never become data."""

import json
import os
import subprocess
import sys
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from oneup_pinterest.sync.writer import DatabaseWriter
from test_support.old_duckdb import WITH_OLD_DUCKDB, requires_old_duckdb
from test_support.paths import ROOT
from test_support.stream_schemas import SCHEMAS

PERIOD = {"social_network_id": "pin_a", "period_start": "2026-05-01", "period_end": "2026-05-07"}

ROWS = {  # of each stream, as the connector emits them
    "overview_metrics": [
        {
            **PERIOD,
            "preset": "last_7_days",
            "key": key,
            "name": key,
            "description": "d",
            "value_current_period": 2.5,
            "value_last_period": 2.0,
            "percentage_change": "+25.0%",
            "percentage_change_value": 25.0,
        }
        for key in ("saves", "clicks")
    ],
    "pins": [
        {
            "social_network_id": "pin_a",
            "id": str(n),
            "page_id": "p",
            "format": "image",
            "text": "t",
            "permalink": "l",
            "media_type": "IMAGE",
            "media_url": "u",
            "timestamp": "2026-05-01 09:00:00",
            "impressions": n,
            "saves": 1,
            "comments": 2,
            "repins": 3,
            "clicks": 4,
            "snapshot_date": "2026-05-20",
            "period_start": "2026-05-01",
            "period_end": "2026-05-07",
        }
        for n in range(16)
    ],
    "account_followers": [
        {"social_network_id": f"pin_{n}", "snapshot_date": "2026-05-20", "total_followers": n} for n in range(3)
    ],
    "post_performance": [
        {
            **PERIOD,
            "preset": "last_7_days",
            "ranking": "most_views",
            "position": n,
            "id": str(n),
            "text": "t",
            "permalink": "l",
            "engagement_rate": 2.5,
            "item": {"id": n},
        }
        for n in range(1, 4)
    ],
    "pin_totals": [
        {
            **PERIOD,
            "key": key,
            "name": key,
            "description": "d",
            "value_current_period": 2.5,
            "value_last_period": 2.0,
            "percentage_change": "+25.0%",
            "percentage_change_value": 25.0,
        }
        for key in ("saves", "clicks")
    ],
    "accounts": [
        {
            "social_network_id": f"pin_{n}",
            "username": "u",
            "full_name": "f",
            "social_network_type": "pinterest",
            "is_expired": False,
            "need_refresh": True,
        }
        for n in range(3)
    ],
}
COLUMNS = sorted({column for schema, _ in SCHEMAS.values() for column in schema["properties"]})
ALONE = [f"{name}=5" for name in COLUMNS]
UNUSUAL = [
    "/".join(f"{name}=5" for name in COLUMNS),
    "snapshot_date=2020-01-01",
    "a*b",
    "[ab]",
    "a{b,c}",
    "'\"%41",
]


def write_and_read(database: Path) -> dict[str, list[dict[str, Any]]]:
    """Write the rows of every stream to a new file and return its contents."""
    found = {}
    with DatabaseWriter(database) as writer:
        writer.prepare(SCHEMAS)
        for stream, rows in ROWS.items():
            writer.write(stream, rows)
        writer.commit()
        for stream, rows in ROWS.items():
            columns = ", ".join(f'"{name}"' + ("" if name != "item" else "::JSON AS item") for name in rows[0])
            values = writer._connection.execute(f"SELECT {columns} FROM {stream}").fetchall()
            found[stream] = [dict(zip(rows[0], map(as_record_value, row), strict=True)) for row in values]
    return found


def as_record_value(value: Any) -> Any:
    """Return a value as a record has it."""
    if isinstance(value, date):
        return str(value)
    return json.loads(value) if isinstance(value, str) and value.startswith("{") else value


def equals_written_rows(found: dict[str, list[dict[str, Any]]]) -> bool:
    return all(sorted(map(str, found[stream])) == sorted(map(str, rows)) for stream, rows in ROWS.items())


@pytest.mark.parametrize(
    "folder",
    [  # all columns in one path, and unusual names; the folders of single columns run at night
        *(pytest.param(folder, marks=pytest.mark.nightly) for folder in ALONE),
        *(pytest.param(folder, marks=pytest.mark.slow) for folder in UNUSUAL),
    ],
)
def test_folder_names_do_not_become_data(tmp_path: Path, folder: str) -> None:
    (tmp_path / folder).mkdir(parents=True)
    assert equals_written_rows(write_and_read(tmp_path / folder / "history.duckdb"))


def test_file_names_do_not_become_data(tmp_path: Path) -> None:
    assert equals_written_rows(write_and_read(tmp_path / "impressions=7.duckdb"))
    assert equals_written_rows(write_and_read(tmp_path / "id=5"))


def test_rows_have_every_column_of_every_stream() -> None:
    assert {stream: set(rows[0]) for stream, rows in ROWS.items()} == {
        stream: set(schema["properties"]) for stream, (schema, _) in SCHEMAS.items()
    }


@requires_old_duckdb
@pytest.mark.parametrize(
    "folders",
    [
        pytest.param(ALONE, marks=pytest.mark.nightly, id="alone"),
        pytest.param(UNUSUAL, marks=pytest.mark.slow, id="unusual"),
    ],
)
def test_folder_names_do_not_become_data_with_duckdb_1_5(tmp_path: Path, folders: list[str]) -> None:
    program = (
        "import sys; from pathlib import Path; import duckdb; from integration_tests import test_folder_names as t\n"
        "assert duckdb.__version__.startswith('1.5.')\n"
        "for folder in sys.argv[2:]:\n"
        "    place = Path(sys.argv[1]) / folder; place.mkdir(parents=True)\n"
        "    assert t.equals_written_rows(t.write_and_read(place / 'history.duckdb')), folder\n"
    )
    ended = subprocess.run(
        [sys.executable, "-c", program, tmp_path, *folders],
        env={**os.environ, **WITH_OLD_DUCKDB},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
