"""Every kind of schedule has files and instructions; paths that none can hold are refused."""

from pathlib import Path

import pytest

from oneup_pinterest.errors import UserError
from oneup_pinterest.setup.schedule import KINDS, default_kind, files, install, instructions, write_files
from test_support.nightly_job import HOME, FakeTools, job_in


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_has_files_and_instructions_that_name_them(kind: str, tmp_path: Path) -> None:
    job = job_in(HOME, "plain")
    printed = instructions(kind, job)

    assert "Set up" in printed
    assert "Take away: " in printed.replace("Take away:\n", "Take away: ")
    written = write_files(kind, job, tmp_path / "files")
    assert {path.name for path in written} == set(files(kind, job))
    assert all(path.read_bytes().endswith((b"\n", b"\n\0")) for path in written)


@pytest.mark.parametrize("kind", KINDS)
def test_the_texts_name_the_secret_at_most_and_never_a_key(kind: str) -> None:
    text = "".join([*files(kind, job_in()).values(), instructions(kind, job_in())])

    assert "api_key" not in text
    assert ("ONEUP_API_KEY" in text) == (kind == "github")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", ["two\nlines", "tab\t", "not utf-8 \udcff"])
def test_paths_with_control_characters_are_refused(kind: str, name: str) -> None:
    tools = FakeTools()
    for use in (lambda: files(kind, job_in(HOME, name)), lambda: install(kind, job_in(HOME, name), tools)):
        with pytest.raises(UserError, match="rename it") as raised:
            use()
        assert raised.value.exit_status == 2
    assert tools.commands == []


def test_relative_paths_are_refused() -> None:
    with pytest.raises(UserError, match="absolute path instead of here"):
        files("cron", job_in(Path("here")))


def test_an_unknown_kind_is_refused_with_the_list() -> None:
    with pytest.raises(UserError, match="cron, systemd, launchd, windows, github"):
        files("at", job_in())


@pytest.mark.parametrize(
    ("kind", "tool"),
    [("cron", "crontab"), ("systemd", "systemctl"), ("launchd", "launchctl"), ("windows", "schtasks")],
)
def test_a_missing_tool_is_one_sentence_and_nothing_is_written(
    kind: str, tool: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)

    with pytest.raises(UserError, match=f"The program {tool} is not installed here"):
        install(kind, job_in(), FakeTools(missing=[tool]))

    assert list(tmp_path.iterdir()) == []


def test_the_default_fits_the_platform(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))

    assert default_kind("win32") == "windows"
    assert default_kind("darwin") == "launchd"
    assert default_kind("linux") == "cron"
    (tmp_path / "systemd").mkdir()
    (tmp_path / "systemd" / "private").touch()
    assert default_kind("linux") == "systemd"
    monkeypatch.delenv("XDG_RUNTIME_DIR")
    assert default_kind("linux") == "cron"
