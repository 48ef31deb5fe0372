"""Config, catalog and state files of editors, shells and platforms are read, or give a one-sentence error."""

import logging
from pathlib import Path
from typing import Any

import pytest
from airbyte_cdk.models import ConfiguredAirbyteCatalogSerializer, FailureType
from airbyte_cdk.utils.traced_exception import AirbyteTracedException

from source_oneup_pinterest import SourceOneupPinterest

STREAMS = "There are overview_metrics, pins, account_followers, post_performance, pin_totals, accounts."
TEXT = '{"api_key": "sandbox-key", "timezone": "Zoë"}'


def error_message(call: Any, *arguments: Any) -> str:
    with pytest.raises(AirbyteTracedException) as caught:
        call(*arguments)
    assert caught.value.failure_type == FailureType.config_error
    return caught.value.message or ""


@pytest.mark.parametrize(
    "content",
    [TEXT.encode(), TEXT.encode("utf-8-sig"), b"\xff\xfe" + TEXT.encode("utf-16-le"), TEXT.encode("utf-16")],
)
def test_utf_8_and_utf_16_with_a_byte_order_mark_are_read(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "config.json").write_bytes(content)

    assert SourceOneupPinterest.read_config(str(tmp_path / "config.json"))["timezone"] == "Zoë"


@pytest.mark.parametrize(
    ("content", "cause"),
    [
        ('{"a": 1,\n}', "line 2, column 1: there is an extra comma before the closing bracket."),
        ('{"a": [1, ]}', "line 1, column 11: there is an extra comma before the closing bracket."),
        ('{\n  // key\n "a": 1}', "line 2, column 3: JSON has no comments, so remove this one."),
        ('{"a": 1 # key\n}', "line 1, column 9: JSON has no comments, so remove this one."),
        ("{'a': 1}", 'line 1, column 2: strings and keys need straight double quotes ("), so replace these.'),
        ("{“a”: 1}", 'line 1, column 2: strings and keys need straight double quotes ("), so replace these.'),
        ('{"a": None}', "line 1, column 7: JSON writes true, false and null in lower case."),
        ('{"a": 1\n "b": 2}', "line 2, column 2: a comma is missing before this."),
        ("{a: 1}", "line 1, column 2: keys need double quotes."),
        ('{"a": 1', "line 1, column 8: the file ends before its last bracket."),
        ("", "line 1, column 1: the file is empty."),
        ('{"a": kQ7secret}', "line 1, column 7: Expecting value."),
    ],
)
def test_invalid_json_is_reported_with_position_and_cause(tmp_path: Path, content: str, cause: str) -> None:
    path = tmp_path / "config.json"
    path.write_text(content, encoding="utf-8")

    assert error_message(SourceOneupPinterest.read_config, str(path)) == (
        f"The config file {path} is not valid JSON: {cause}"
    )


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"\xe9", "is not text in UTF-8: save it as UTF-8."),
        (b"[" * 100_000, "is not valid JSON: it is nested too deeply or has a number too long."),
        (b"[]", 'must hold a JSON object such as {"api_key": "\u2026"}.'),
    ],
)
def test_invalid_config_file_gives_a_one_sentence_error(tmp_path: Path, content: bytes, words: str) -> None:
    path = tmp_path / "config.json"
    path.write_bytes(content)

    assert error_message(SourceOneupPinterest.read_config, str(path)) == f"The config file {path} {words}"


def test_missing_file_gives_a_one_sentence_error(tmp_path: Path) -> None:
    assert error_message(SourceOneupPinterest.read_catalog, str(tmp_path / "no")) == (
        f"The catalog file {tmp_path / 'no'} cannot be read: No such file or directory."
    )


RESET = "Start without a state, or reset (clear) the streams where a platform keeps it."


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (
            '[{"type": "GLOBAL", "global": {"shared_state": {"a": 1}, "stream_states": []}}]',
            f"The state is of type GLOBAL, but this connector keeps one state of type STREAM per stream. {RESET}",
        ),
        (
            '[{"type": "LEGACY", "data": {"pins": {"timestamp": "2026-01-01"}}}]',
            f"The state is of type LEGACY, but this connector keeps one state of type STREAM per stream. {RESET}",
        ),
        (
            '[{"type": "STREAM"}]',
            f"The state names no stream, but this connector keeps one state of type STREAM per stream. {RESET}",
        ),
        (
            '[{"data": {"pins": {}}}]',
            f"The state is of type LEGACY, but this connector keeps one state of type STREAM per stream. {RESET}",
        ),
    ],
)
def test_state_that_is_not_per_stream_is_rejected(tmp_path: Path, content: str, message: str) -> None:
    (tmp_path / "state.json").write_text(content)
    state = SourceOneupPinterest.read_state(str(tmp_path / "state.json"))

    assert error_message(lambda: SourceOneupPinterest(config={"api_key": "sandbox-key"}, state=state)) == message


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        ("[5]", "an object is expected"),
        ('[{"type": "SOME"}]', "`type` is not of Airbyte's protocol"),
        ('[{"type": "STREAM", "stream": {}}]', "`stream/stream_descriptor` is missing"),
        (
            '[{"stream": {"stream_descriptor": {"name": "pins"}, "stream_state": "x"}}]',
            "`stream/stream_state` is not of Airbyte's protocol",
        ),
        ("[", "JSON: line 1, column 2: the file ends before its last bracket"),
        ("", "JSON: line 1, column 1: the file is empty"),
    ],
)
def test_error_for_an_invalid_state_file_has_a_remedy(tmp_path: Path, content: str, fault: str) -> None:
    path = tmp_path / "state.json"
    path.write_text(content)

    between = " " if fault.startswith("JSON") else ": "
    assert error_message(SourceOneupPinterest.read_state, str(path)) == (
        f"The state file {path} is not valid{between}{fault}. {RESET}"
    )


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        ("{}", "`streams` is missing"),
        ("[]", "an object is expected"),
        ('{"streams": [{"stream": {"name": "pins"}}]}', "`streams/0/stream/json_schema` is missing"),
        ('{"streams": 5}', "`streams` is not of Airbyte's protocol"),
    ],
)
def test_invalid_catalog_file_gives_a_one_sentence_error(tmp_path: Path, content: str, fault: str) -> None:
    path = tmp_path / "catalog.json"
    path.write_text(content)

    assert error_message(SourceOneupPinterest.read_catalog, str(path)) == (
        f"The catalog file {path} is not valid: {fault}. Make it from the streams that `discover` prints."
    )


def test_state_that_is_an_object_is_rejected_with_a_remedy(tmp_path: Path) -> None:
    path = tmp_path / "state.json"
    path.write_text('{"pins": {"timestamp": "2026-01-01"}}')

    assert error_message(SourceOneupPinterest.read_state, str(path)) == (
        f"The state file {path} must hold a list of states of type STREAM, as this connector writes them. {RESET}"
    )


def read(*names: str) -> None:
    streams = [
        {
            "stream": {"name": name, "json_schema": {}, "supported_sync_modes": ["full_refresh"]},
            "sync_mode": "full_refresh",
            "destination_sync_mode": "append",
        }
        for name in names
    ]
    catalog = ConfiguredAirbyteCatalogSerializer.load({"streams": streams})
    config = {"api_key": "sandbox-key", "social_network_ids": ["pin_a"]}
    list(SourceOneupPinterest(catalog, config, []).read(logging.getLogger("airbyte"), config, catalog, []))


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["boards"], f"The catalog names streams that do not exist: `boards`. {STREAMS}"),
        (["boards", "Pins"], f"The catalog names streams that do not exist: `boards`, `Pins`. {STREAMS}"),
        ([], f"The catalog names no stream. {STREAMS}"),
    ],
)
def test_catalog_without_a_known_stream_is_an_error(
    names: list[str], message: str, caplog: pytest.LogCaptureFixture
) -> None:
    assert error_message(read, *names) == message
    assert [(record.levelname, record.message) for record in caplog.records if record.levelno >= logging.WARNING] == [
        ("ERROR", message)
    ]


def test_catalog_with_a_duplicate_stream_is_rejected() -> None:
    assert error_message(read, "pins", "accounts", "pins") == (
        "The catalog names `pins` more than once: name each stream once."
    )


def test_unknown_stream_among_known_ones_gives_a_warning(caplog: pytest.LogCaptureFixture) -> None:
    read("accounts", "boards")

    assert [(record.levelname, record.message) for record in caplog.records if record.levelno >= logging.WARNING] == [
        ("WARNING", f"The catalog names streams that do not exist: `boards`. {STREAMS}")
    ]
