"""The config comes from a file or the environment, and a file that others can read is told of."""

import os
from pathlib import Path

import pytest

from oneup_pinterest.errors import UserError
from oneup_pinterest.sync.config import read_config, warning_about


def written(path: Path, content: str = '{"api_key": "of the file"}', mode: int = 0o600) -> Path:
    path.write_text(content)
    path.chmod(mode)
    return path


def test_the_environment_stands_in_for_the_key_of_the_file_and_for_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = written(tmp_path / "config.json")
    monkeypatch.chdir(tmp_path)

    assert read_config(file, {}) == {"api_key": "of the file"}
    assert read_config(file, {"ONEUP_API_KEY": "of the environment"}) == {"api_key": "of the environment"}
    assert read_config(None, {"ONEUP_API_KEY": "of the environment"}) == {"api_key": "of the environment"}


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such modes")
@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644, 0o440])
def test_a_file_that_others_can_read_is_named_with_the_remedy(tmp_path: Path, mode: int) -> None:
    file = written(tmp_path / "my config.json", mode=mode)

    warning = warning_about(file)

    assert warning is not None
    assert f"chmod 600 '{file}'" in warning
    assert "of the file" not in warning


@pytest.mark.parametrize("mode", [0o600, 0o400, 0o620])
def test_a_file_that_only_its_owner_can_read_is_fine(tmp_path: Path, mode: int) -> None:
    assert warning_about(written(tmp_path / "config.json", mode=mode)) is None


def test_there_is_nothing_to_say_of_no_file_or_on_windows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert warning_about(None) is None
    assert warning_about(Path("nowhere.json")) is None

    file = written(Path("config.json"), mode=0o644)
    monkeypatch.setattr("oneup_pinterest.sync.config.os.name", "nt")
    assert warning_about(file) is None


@pytest.mark.parametrize(
    ("content", "words"), [("{", "not valid JSON"), ("[]", "must hold a JSON object"), ('{"a": kQ7secret}', "line 1")]
)
def test_a_file_that_is_no_config_is_told_without_what_it_holds(tmp_path: Path, content: str, words: str) -> None:
    with pytest.raises(UserError, match=words) as caught:
        read_config(written(tmp_path / "config.json", content), {})

    assert caught.value.exit_status == 2
    assert "kQ7secret" not in str(caught.value)
