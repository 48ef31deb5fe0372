"""Lines that `load` rejects are reported with their file and line, and no other line is lost."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from integration_tests import databases
from integration_tests.databases import rows
from oneup_pinterest.sync.load import load

pytestmark = pytest.mark.slow


def pin(**changes: Any) -> dict[str, Any]:
    data = {"social_network_id": "a", "id": "1", "snapshot_date": "2026-05-20", "saves": 1, "text": "x"}
    return {**data, **changes}


def message(stream: str = "pins", data: Any = None, **changes: Any) -> dict[str, Any]:
    record = {"stream": stream, "data": pin() if data is None else data, "emitted_at": 1779278400000}
    return {"type": "RECORD", "record": {**record, **changes}}


STREAMS = "overview_metrics, pins, account_followers, post_performance, pin_totals, accounts"
NO_FIELDS = "a record without `stream`, `data` or `emitted_at`"
NO_OBJECT = "a record of pins whose `data` is not an object or `emitted_at` is not a time"


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("no JSON at all", "not valid JSON"),
        (json.dumps(message())[:-9], "not valid JSON"),
        ('{"type":"RECORD","record":' + "[" * 100_000, "not valid JSON"),
        (b"\xff\xfe\x00", "not valid JSON"),
        ('{"saves":NaN}', "not valid JSON"),
        ("[1]", "not a JSON object"),
        ("7", "not a JSON object"),
        ("{}", "neither a message of an Airbyte source nor a row of a destination"),
        (pin(), "neither a message of an Airbyte source nor a row of a destination"),
        (message("boards"), f"a record of the stream `boards`, which does not exist; the streams are {STREAMS}"),
        (message("\x1b[2J"), f"a record of the stream `[2J`, which does not exist; the streams are {STREAMS}"),
        (message(data=[1]), NO_OBJECT),
        (message(emitted_at="soon"), NO_OBJECT),
        (message(emitted_at=-1), NO_OBJECT),
        (message(stream=None), f"a record of the stream `None`, which does not exist; the streams are {STREAMS}"),
        (message(data=pin(saves="many")), "a record of pins with a value of the wrong type"),
        (message(data=pin(saves=2**63)), "a record of pins with a value of the wrong type"),
        ({"type": "RECORD"}, NO_FIELDS),
        ({"type": "RECORD", "record": {"stream": "pins"}}, NO_FIELDS),
        ({"type": "RECORD", "record": [1]}, NO_FIELDS),
        ({"type": "STATE"}, "an incomplete message of type STATE"),
        ({"type": "TRACE", "trace": {}}, "an incomplete message of type TRACE"),
        (
            {"type": "STATE", "state": {"type": "GLOBAL", "global": {}}},
            "a state of type `GLOBAL`; only the state of a stream can be loaded",
        ),
        (
            {"type": "STATE", "state": {"type": "STREAM", "stream": {"stream_descriptor": {"name": "boards"}}}},
            f"a state of the stream `boards`, which does not exist; the streams are {STREAMS}",
        ),
        (
            {
                "type": "STATE",
                "state": {"type": "STREAM", "stream": {"stream_descriptor": {"name": "pins"}, "stream_state": [1]}},
            },
            "a state of pins that is not an object",
        ),
        (
            {"_airbyte_data": pin(), "_airbyte_extracted_at": 1779278400000},
            "a row of an unknown stream; name it with --stream",
        ),
    ],
)
def test_a_rejected_line_is_reported_and_the_others_are_loaded(
    database: Path, tmp_path: Path, line: Any, why: str
) -> None:
    path = tmp_path / "day.jsonl"
    written = line if isinstance(line, bytes) else (line if isinstance(line, str) else json.dumps(line)).encode()
    good = [json.dumps(message(data=pin(id=str(n)))).encode() for n in range(3)]
    path.write_bytes(b"\n".join([good[0], written, good[1], good[2], b""]))

    result = load([str(path)], database)

    assert (result.exit_status, result.status, result.error) == (3, "partial", "Not all of the input was loaded.")
    assert f"{path}: line 2 was not loaded ({why})." in result.warnings
    assert result.streams["pins"] == {"records": 3, "rows": 3}
    assert rows(database, "SELECT id, saves FROM pins ORDER BY id") == [("0", 1), ("1", 1), ("2", 1)]
    assert rows(database, "SELECT status, error FROM _sync_runs") == [("partial", "Not all of the input was loaded.")]


def test_many_rejected_lines_are_reported_in_one_sentence(database: Path, tmp_path: Path) -> None:
    path = tmp_path / "day.jsonl"
    path.write_text("x\n" * 100 + json.dumps(message()) + "\n" + json.dumps(message("boards")) + "\n")

    ended = databases.run("load", path, "--database", database)

    assert ended.returncode == 3
    _, first, new, *messages, following = ended.stderr.splitlines()
    assert re.fullmatch(r"partial: 1 record, 1 new row, [\d.]+ s", first)
    assert new == "new rows: pins 1"
    assert following.startswith("next: fix what is named above")
    assert messages == [
        "error: Not all of the input was loaded.",
        "warning: The input has no state: the next read continues from what `oneup-pinterest state` prints.",
        f"warning: {path}: lines 1, 2, 3, 4, 5 and 95 more were not loaded (not valid JSON).",
        f"warning: {path}: line 102 was not loaded (a record of the stream `boards`, which does not exist; "
        f"the streams are {STREAMS}).",
    ]
