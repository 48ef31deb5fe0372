"""The checks of an installation, and the file for support, which holds no key in any spelling."""

import json
import zipfile
from pathlib import Path
from urllib.parse import quote
from zoneinfo import ZoneInfoNotFoundError

import pytest

from oneup_pinterest.setup.doctor import OK, Check, ConfigFound, examine, write_bundle


def test_bundle_masks_the_key_however_it_is_written(tmp_path: Path) -> None:
    key = 'kQ7/"é+x'
    spellings = (key, quote(key), quote(key, safe=""), json.dumps(key))
    found = [Check(OK, "OneUp", spelling) for spelling in spellings]

    write_bundle(tmp_path / "b.zip", found, ConfigFound(Path("-"), {"api_key": key}), tmp_path / "h.duckdb")

    with zipfile.ZipFile(tmp_path / "b.zip") as bundle:
        checks = json.loads(bundle.read("checks.json"))
    assert [check["found"].strip('"') for check in checks] == ["****"] * len(spellings)


def test_machine_without_time_zones_is_told_which_package_has_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing(name: str) -> None:
        raise ZoneInfoNotFoundError(name)

    monkeypatch.setattr("oneup_pinterest.setup.doctor.ZoneInfo", missing)

    checks = examine(ConfigFound(Path("-"), {"api_key": "k"}), tmp_path / "h.duckdb")

    assert "pip install tzdata" in next(check.what_to_do for check in checks if check.what == "timezone")


def test_folder_that_the_database_cannot_be_created_in_is_a_failure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("oneup_pinterest.setup.doctor.os.access", lambda path, mode: mode == 0)

    checks = examine(ConfigFound(Path("-"), {}), tmp_path / "h.duckdb")

    (database,) = [check for check in checks if check.what == "database"]
    assert database.is_failure
    assert f"you may not write to {tmp_path}" in database.found
