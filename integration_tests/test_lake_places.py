"""What a command finds or leaves at a place: a lake whose files are in object storage, and a move that fails."""

import subprocess
import sys
from pathlib import Path

import pytest

from integration_tests.databases import environment_of
from test_support.clock import NOON
from test_support.lake import WITH_LAKE, requires_lake
from test_support.paths import ROOT

pytestmark = pytest.mark.slow

CREATE_THEN_READ = """
import sys
from oneup_pinterest.database.lake_connection import connect_lake
from oneup_pinterest.database.place import place_of

connect_lake(place_of(sys.argv[1], "s3://bucket/history"), to_write=True, may_create=True).close()
for to_write in (False, True):
    connect_lake(place_of(sys.argv[1]), to_write=to_write).close()
"""


def with_lake(*arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *map(str, arguments)],
        env=environment_of(NOON, **WITH_LAKE),
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@requires_lake
def test_a_lake_in_object_storage_is_opened_without_its_data_path(tmp_path: Path) -> None:
    ended = with_lake("-c", CREATE_THEN_READ, f"ducklake:{tmp_path}/lake.ducklake")
    assert ended.returncode == 0, ended.stderr


@requires_lake
def test_a_move_from_a_lake_that_is_not_there_leaves_no_file(tmp_path: Path) -> None:
    target = tmp_path / "history.duckdb"
    lake = f"ducklake:{tmp_path}/none.ducklake"
    ended = with_lake("-m", "oneup_pinterest.cli", "export", "--database", lake, "--to", target)
    assert (ended.returncode, ended.stderr.count("There is no lake")) == (2, 1), ended.stderr
    assert list(tmp_path.iterdir()) == []
