"""The config is read from a file or the environment; a file that other users can read causes a warning."""

import os
from pathlib import Path

import pytest

from oneup_pinterest.errors import UserError
from oneup_pinterest.sync.config import permission_warning, read_config


def write(path: Path, content: str = '{"api_key": "of the file"}', mode: int = 0o600) -> Path:
    path.write_text(content)
    path.chmod(mode)
    return path


def test_environment_key_overrides_the_file_or_replaces_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = write(tmp_path / "config.json")
    monkeypatch.chdir(tmp_path)

    assert read_config(file, {}) == {"api_key": "of the file"}
    assert read_config(file, {"ONEUP_API_KEY": "of the environment"}) == {"api_key": "of the environment"}
    nowhere = file.with_name("nowhere.json")
    assert read_config(nowhere, {"ONEUP_API_KEY": "of the environment"}, is_default=True) == {
        "api_key": "of the environment"
    }


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such modes")
@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644, 0o440])
def test_file_that_others_can_read_causes_a_warning_with_the_fix(tmp_path: Path, mode: int) -> None:
    file = write(tmp_path / "my config.json", mode=mode)

    warning = permission_warning(file)

    assert warning is not None
    assert f"chmod 600 '{file}'" in warning
    assert "of the file" not in warning


@pytest.mark.parametrize("mode", [0o600, 0o400, 0o620])
def test_file_that_only_its_owner_can_read_is_accepted(tmp_path: Path, mode: int) -> None:
    assert permission_warning(write(tmp_path / "config.json", mode=mode)) is None


def test_file_without_a_key_is_accepted(tmp_path: Path) -> None:
    assert permission_warning(write(tmp_path / "config.json", '{"preset": "last_7_days"}', mode=0o644)) is None


def test_no_warning_without_a_file_or_on_windows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert permission_warning(Path("nowhere.json")) is None

    file = write(Path("config.json"), mode=0o644)
    monkeypatch.setattr("oneup_pinterest.sync.config.os.name", "nt")
    assert permission_warning(file) is None


@pytest.mark.parametrize(
    ("content", "words"), [("{", "not valid JSON"), ("[]", "must hold a JSON object"), ('{"a": kQ7secret}', "line 1")]
)
def test_error_for_an_invalid_file_does_not_quote_it(tmp_path: Path, content: str, words: str) -> None:
    with pytest.raises(UserError, match=words) as caught:
        read_config(write(tmp_path / "config.json", content), {})

    assert caught.value.exit_status == 2
    assert "kQ7secret" not in str(caught.value)
