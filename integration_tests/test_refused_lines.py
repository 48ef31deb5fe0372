"""Lines that `load` cannot take are named with their file and line, and no other line is lost."""

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
WITHOUT = "a record without `stream`, `data` or `emitted_at`"
NO_OBJECT = "a record of pins whose `data` is no object, or `emitted_at` no time"


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("no JSON at all", "no JSON"),
        (json.dumps(message())[:-9], "no JSON"),
        ('{"type":"RECORD","record":' + "[" * 100_000, "no JSON"),
        (b"\xff\xfe\x00", "no JSON"),
        ('{"saves":NaN}', "no JSON"),
        ("[1]", "no JSON object"),
        ("7", "no JSON object"),
        ("{}", "neither a message of an Airbyte source nor a row of a destination"),
        (pin(), "neither a message of an Airbyte source nor a row of a destination"),
        (message("boards"), f"a record of the stream `boards`, which does not exist (there are {STREAMS})"),
        (message("\x1b[2J"), f"a record of the stream `[2J`, which does not exist (there are {STREAMS})"),
        (message(data=[1]), NO_OBJECT),
        (message(emitted_at="soon"), NO_OBJECT),
        (message(emitted_at=-1), NO_OBJECT),
        (message(stream=None), f"a record of the stream `None`, which does not exist (there are {STREAMS})"),
        (message(data=pin(saves="many")), "a record of pins with a value of another type"),
        (message(data=pin(saves=2**63)), "a record of pins with a value of another type"),
        ({"type": "RECORD"}, WITHOUT),
        ({"type": "RECORD", "record": {"stream": "pins"}}, WITHOUT),
        ({"type": "RECORD", "record": [1]}, WITHOUT),
        ({"type": "STATE"}, "a message of type STATE that lacks what such a message has"),
        ({"type": "TRACE", "trace": {}}, "a message of type TRACE that lacks what such a message has"),
        (
            {"type": "STATE", "state": {"type": "GLOBAL", "global": {}}},
            "a state of type `GLOBAL`, where each stream has its own",
        ),
        (
            {"type": "STATE", "state": {"type": "STREAM", "stream": {"stream_descriptor": {"name": "boards"}}}},
            f"a state of the stream `boards`, which does not exist (there are {STREAMS})",
        ),
        (
            {
                "type": "STATE",
                "state": {"type": "STREAM", "stream": {"stream_descriptor": {"name": "pins"}, "stream_state": [1]}},
            },
            "a state of pins that is no object",
        ),
        (
            {"_airbyte_data": pin(), "_airbyte_extracted_at": 1779278400000},
            "a row of a stream that neither its path nor --stream names",
        ),
    ],
)
def test_a_line_that_cannot_be_taken_is_named_and_loses_no_other(
    database: Path, tmp_path: Path, line: Any, why: str
) -> None:
    path = tmp_path / "day.jsonl"
    written = line if isinstance(line, bytes) else (line if isinstance(line, str) else json.dumps(line)).encode()
    good = [json.dumps(message(data=pin(id=str(n)))).encode() for n in range(3)]
    path.write_bytes(b"\n".join([good[0], written, good[1], good[2], b""]))

    result = load([str(path)], database)

    assert (result.exit_status, result.status, result.error) == (3, "partial", "Not all of the input was loaded.")
    assert f"{path}, line 2: {why}; refused." in result.warnings
    assert result.streams["pins"] == {"records": 3, "rows": 3}
    assert rows(database, "SELECT id, saves FROM pins ORDER BY id") == [("0", 1), ("1", 1), ("2", 1)]
    assert rows(database, "SELECT status, error FROM _sync_runs") == [("partial", "Not all of the input was loaded.")]


def test_many_lines_that_cannot_be_taken_are_one_sentence(database: Path, tmp_path: Path) -> None:
    path = tmp_path / "day.jsonl"
    path.write_text("x\n" * 100 + json.dumps(message()) + "\n" + json.dumps(message("boards")) + "\n")

    ended = databases.run("load", path, "--database", database)

    assert ended.returncode == 3
    _, _, first, *words = ended.stderr.splitlines()
    assert re.fullmatch(r"partial: 1 records, 1 new rows, [\d.]+ s", first)
    assert words == [
        "error: Not all of the input was loaded.",
        "warning: The input carries no state: the next read goes on from what `oneup-pinterest state` prints.",
        f"warning: {path}, lines 1, 2, 3, 4, 5 and 95 more: no JSON; refused.",
        f"warning: {path}, line 102: a record of the stream `boards`, which does not exist (there are {STREAMS}); "
        "refused.",
    ]
