"""Fixtures of the sync tests."""

from pathlib import Path

import pytest

from unit_tests.sync.synced_file import SyncedFile


@pytest.fixture
def file(tmp_path: Path) -> SyncedFile:
    return SyncedFile(tmp_path / "history.duckdb")
