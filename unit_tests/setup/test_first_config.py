"""The first config is refused before anybody types a key, if it could not be written or read."""

from pathlib import Path

import pytest

from oneup_pinterest.errors import UserError
from oneup_pinterest.setup.first_config import read_known, require_writable


def test_folder_without_permission_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    require_writable(tmp_path / "new" / "config.json")
    monkeypatch.setattr("oneup_pinterest.setup.first_config.os.access", lambda path, mode: mode == 0)

    with pytest.raises(UserError, match=rf"because {tmp_path} is not a folder that you may write to"):
        require_writable(tmp_path / "config.json")


def test_config_that_cannot_be_read_is_not_called_invalid(tmp_path: Path) -> None:
    (tmp_path / "config.json").mkdir()

    with pytest.raises(UserError, match="cannot be read"):
        read_known(tmp_path / "config.json")
    assert read_known(tmp_path / "nowhere.json") == {}
