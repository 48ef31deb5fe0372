"""The name of a database and of its folders changes nothing in what is stored."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from analysis.sync.history import History
from integration_tests.airbyte import ROOT

SCHEMA = {
    "properties": {
        "social_network_id": {"type": ["string"]},
        "id": {"type": ["string"]},
        "timestamp": {"type": ["string"], "format": "date-time"},
        "impressions": {"type": ["integer"]},
        "snapshot_date": {"type": ["string"], "format": "date"},
    }
}
KEY = ["social_network_id", "id", "snapshot_date"]
ROWS = [
    {"social_network_id": "pin_a", "id": str(n), "snapshot_date": "2026-05-20", "impressions": n} for n in range(16)
]
OLD_DUCKDB = ROOT / ".duckdb15"
FOLDERS = [
    *(f"{name}=5" for name in SCHEMA["properties"]),
    "snapshot_date=2020-01-01",
    "a*b",
    "[ab]",
    "a{b,c}",
    "'\"%41",
]


def stored(database: Path) -> list[tuple[object, ...]]:
    """Write the rows in a new file and return what it holds."""
    with History(database) as history:
        history.prepare({"pins": (SCHEMA, KEY)})
        history.write("pins", ROWS)
        history.commit()
        query = "SELECT social_network_id, id, impressions, snapshot_date::VARCHAR FROM pins ORDER BY impressions"
        return history._connection.execute(query).fetchall()


EXPECTED = [("pin_a", str(n), n, "2026-05-20") for n in range(16)]


@pytest.mark.parametrize("folder", FOLDERS)
def test_folder_names_are_no_data(tmp_path: Path, folder: str) -> None:
    (tmp_path / folder).mkdir()
    assert stored(tmp_path / folder / "history.duckdb") == EXPECTED


def test_file_names_are_no_data(tmp_path: Path) -> None:
    assert stored(tmp_path / "impressions=7.duckdb") == EXPECTED
    assert stored(tmp_path / "id=5") == EXPECTED


@pytest.mark.skipif(not OLD_DUCKDB.exists(), reason="DuckDB 1.5 is not installed in .duckdb15; `make test` does that")
def test_folder_names_are_no_data_with_duckdb_1_5(tmp_path: Path) -> None:
    program = (
        "import sys; from pathlib import Path; import duckdb; from unit_tests.sync import test_paths as t\n"
        "assert duckdb.__version__.startswith('1.5.')\n"
        "for folder in t.FOLDERS:\n"
        "    place = Path(sys.argv[1]) / folder; place.mkdir()\n"
        "    assert t.stored(place / 'history.duckdb') == t.EXPECTED, folder\n"
    )
    ended = subprocess.run(
        [sys.executable, "-c", program, tmp_path],
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(OLD_DUCKDB), str(ROOT)])},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
