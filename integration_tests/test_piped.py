"""`load` writes the output of `read` as `sync` does: row for row, in any order and without duplicates."""

import gzip
import json
import random
import re
import subprocess
import sys
from collections.abc import Iterable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import zstandard

from integration_tests import airbyte
from integration_tests.databases import KEYS, contents, duplicate_keys, environment_of, rows
from integration_tests.printed import Day, last_states
from oneup_pinterest.report import write_report
from oneup_pinterest.sandbox import Sandbox
from oneup_pinterest.sync import run as run_module
from oneup_pinterest.sync import sync
from oneup_pinterest.sync.load import load
from oneup_pinterest.sync.run import SyncResult
from source_oneup_pinterest.components.clock import CLOCK_VARIABLE
from test_support.clock import NOON

pytestmark = pytest.mark.slow

NIGHTLY = pytest.mark.nightly
READ_AGAIN = "the next read brings them again."


@pytest.fixture
def days(printed_days: list[Day]) -> list[Day]:
    return printed_days


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(CLOCK_VARIABLE, (NOON + timedelta(days=1)).isoformat())


def load_texts(database: Path, *texts: str | bytes) -> SyncResult:
    """Load texts as files, in this order."""
    paths = []
    for number, text in enumerate(texts):
        path = database.with_name(f"{number}.jsonl")
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        paths.append(str(path))
    return load(paths, database)


def states(database: Path) -> list[tuple[Any, ...]]:
    return [
        (name, json.loads(state))
        for name, state in rows(database, "SELECT stream_name, state FROM _airbyte_state ORDER BY 1")
    ]


def everything(database: Path) -> dict[str, list[Any]]:
    """Return every row and every state, with extraction times."""
    return {
        name: rows(database, f"SELECT * FROM {name} ORDER BY ALL") for name in [*KEYS, "pins_latest", "_airbyte_state"]
    }


def assert_equal(database: Path, synced: Path) -> None:
    assert contents(database) == contents(synced)
    assert states(database) == states(synced)
    assert duplicate_keys(database) == []


def message_type(line: str) -> str:
    return str(json.loads(line)["type"])


def shuffled(lines: list[str]) -> list[str]:
    """Return the lines with the records between two states in random order."""
    rng, result, between = random.Random(5), [], []
    for line in lines:
        if message_type(line) == "RECORD":
            between.append(line)
        elif message_type(line) == "STATE":
            rng.shuffle(between)
            result += [*between, line]
            between = []
        else:
            result.append(line)
    return result + between


def covered_by_state(lines: Iterable[str]) -> set[str]:
    """Return the records, as JSON, that are followed by a state of their stream."""
    waiting: dict[str, list[str]] = {}
    found: set[str] = set()
    for message in map(json.loads, lines):
        if message["type"] == "RECORD":
            waiting.setdefault(message["record"]["stream"], []).append(json.dumps(message["record"]))
        elif message["type"] == "STATE":
            found.update(waiting.pop(message["state"]["stream"]["stream_descriptor"]["name"], ()))
    return found


def count_rows(database: Path) -> int:
    return sum(rows(database, f"SELECT count(*) FROM {stream}")[0][0] for stream in KEYS)


def test_a_pipe_from_read_equals_a_sync_row_for_row(sandbox: Sandbox, config_file: Path, tmp_path: Path) -> None:
    catalog, database, synced = (tmp_path / name for name in ("catalog.json", "piped.duckdb", "synced.duckdb"))
    catalog.write_text(json.dumps(airbyte.configured_catalog()))
    sync(json.loads(config_file.read_text()), synced)

    read_process = airbyte.start("read", "--config", config_file, "--catalog", catalog, now=NOON)
    command = [sys.executable, "-m", "oneup_pinterest.cli", "load", "-", "--database", str(database)]
    load_process = subprocess.run(
        command, stdin=read_process.stdout, env=environment_of(NOON), capture_output=True, text=True, timeout=300
    )
    read_process.communicate()

    assert (read_process.returncode, load_process.returncode) == (0, 0), load_process.stderr
    assert_equal(database, synced)
    records = count_rows(synced)
    assert re.fullmatch(
        rf"done: {records:,} records, {records:,} new rows, [\d.]+ s", load_process.stderr.splitlines()[-3]
    )
    assert load_process.stdout == ""
    assert rows(database, "SELECT status, streams, requests, error FROM _sync_runs") == [
        ("done", rows(synced, "SELECT streams FROM _sync_runs")[0][0], None, None)
    ]


def test_loading_twice_changes_nothing(days: list[Day], database: Path) -> None:
    first = load_texts(database, days[0].text)
    before = everything(database)

    again = load_texts(database, days[0].text)

    assert (first.exit_status, again.exit_status) == (0, 0)
    assert again.warnings == []
    assert {counts["rows"] for counts in again.streams.values()} == {0}
    assert everything(database) == before


@pytest.mark.parametrize(
    ("order", "batch"),
    [
        ((1, 0), 10_000),
        ((1, 0, 1), 150),
        pytest.param((0, 1), 150, marks=NIGHTLY),
        pytest.param((0, 1, 0), 150, marks=NIGHTLY),
    ],
)
def test_the_last_extraction_wins_in_any_order_of_loading(
    days: list[Day], database: Path, order: tuple[int, ...], batch: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run_module, "BATCH_ROWS", batch)
    # values that change from day to day: a pin's text, an account's name, a metric's name
    texts = [
        day.text.replace("Saves", f"Saves {n}")
        .replace('"text":"', f'"text":"Day {n}: ')
        .replace('"full_name":"', f'"full_name":"{n}')
        for n, day in enumerate(days)
    ]
    load_texts(database.with_name("right.duckdb"), texts[0])
    expected = database.with_name("right.duckdb")
    load_texts(expected, texts[1])

    for n in order:
        assert load_texts(database, texts[n]).exit_status == 0

    assert everything(database) == everything(expected)
    again = "SELECT DISTINCT text[:6] FROM pins_latest WHERE snapshot_date = DATE '2026-05-21'"
    assert rows(database, again) == [("Day 1:",)]
    assert {name[0] for (name,) in rows(database, "SELECT full_name FROM accounts")} == {"1"}
    assert states(database) == states(days[1].synced)


def test_several_files_and_one_concatenated_file_equal_two_syncs(days: list[Day], database: Path) -> None:
    assert load_texts(database, days[0].text, days[1].text).exit_status == 0
    assert_equal(database, days[1].synced)

    other = database.with_name("other.duckdb")
    assert load_texts(other, days[0].text + days[1].text).warnings == []
    assert_equal(other, days[1].synced)


def test_the_report_after_a_load_equals_that_after_a_sync(days: list[Day], database: Path) -> None:
    load_texts(database, days[0].text, days[1].text)

    def page(path: Path) -> str:
        text = write_report(path, path.with_suffix(".html")).read_text()
        return text.replace(path.name, "DATABASE").replace(str(path.parent), "FOLDER")

    assert page(database) == page(days[1].synced)


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(shuffled, id="shuffled"),
        pytest.param(lambda lines: lines + lines, id="twice", marks=NIGHTLY),  # test_loading_twice_changes_nothing
        pytest.param(
            lambda lines: [line for line in lines for _ in range(2 if message_type(line) == "RECORD" else 1)],
            id="each record twice",
        ),
        pytest.param(
            lambda lines: [line for line in lines if message_type(line) in ("RECORD", "STATE")],
            id="only records and states",
            marks=NIGHTLY,
        ),
        pytest.param(
            lambda lines: ["\ufeff", *(line.replace("\n", "\r\n") for line in lines[:-1]), "\n", lines[-1].rstrip()],
            id="byte order mark, CRLF, empty line, no final newline",
        ),
    ],
)
def test_reordered_or_repeated_input_equals_the_sync(
    days: list[Day], database: Path, change: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run_module, "BATCH_ROWS", 150)
    result = load_texts(database, "".join(change(days[0].lines)))

    assert (result.status, result.exit_status) == ("done", 0), result.warnings
    assert_equal(database, days[0].synced)


@pytest.mark.parametrize(
    "compress", [gzip.compress, zstandard.compress, lambda content: content.decode().encode("utf-16")]
)
def test_compressed_and_utf_16_files_are_recognized(days: list[Day], database: Path, compress: Any) -> None:
    lines = days[0].text.encode().splitlines(keepends=True)
    parts = b"".join(lines[:700]), b"".join(lines[700:])
    compressed = compress(days[0].text.encode())
    if not compressed.startswith(b"\xff\xfe"):
        compressed = b"".join(map(compress, parts))  # as `cat a.gz b.gz` creates it

    assert load_texts(database, compressed).exit_status == 0
    assert_equal(database, days[0].synced)


@pytest.mark.parametrize(
    ("how", "share"),
    [
        pytest.param("between lines", 0.1, marks=NIGHTLY),
        ("between lines", 0.6),
        ("in a line", 0.3),
        pytest.param("in a line", 0.95, marks=NIGHTLY),
        ("gz", 0.5),
        ("zst", 0.5),
    ],
)
def test_a_truncated_file_loads_what_a_state_covers(days: list[Day], database: Path, how: str, share: float) -> None:
    content = days[0].text.encode()
    name = database.with_name("0.jsonl")
    match how:
        case "between lines":
            cut = b"".join(content.splitlines(keepends=True)[: int(len(days[0].lines) * share)])
            readable = cut
        case "in a line":
            cut = content[: content.index(b"\n", int(len(content) * share)) - 9]
            readable = cut[: cut.rindex(b"\n") + 1]
        case "gz":
            compressed = gzip.compress(content)
            cut = compressed[: int(len(compressed) * share)]
            readable = b""
        case _:
            compressed = b"".join(zstandard.compress(content[n : n + 9999]) for n in range(0, len(content), 9999))
            cut = compressed[: int(len(compressed) * share)]
            readable = b""
    result = load_texts(database, cut)

    kept = count_rows(database)
    warning = result.warnings[0]
    assert (result.exit_status, result.status) == ((3, "partial") if kept else (1, "failed"))
    assert result.error == ("Not all of the input was loaded." if kept else "None of the input was loaded.")
    if readable:
        lines = readable.decode().splitlines()
        assert kept == len(covered_by_state(lines))
        uncovered = sum(message_type(line) == "RECORD" for line in lines) - kept
        ending = (
            f" {uncovered:,} records after the last state were not loaded; {READ_AGAIN}"
            if uncovered
            else (" Everything before that was loaded.")
        )
        if how == "in a line":
            assert warning == f"{name} ends in the middle of line {len(lines) + 1}.{ending}"
        else:
            assert re.fullmatch(r"A read ended before it finished [a-z_, ]+\." + re.escape(ending), warning)
        assert states(database) == [
            (state["stream"]["stream_descriptor"]["name"], state["stream"]["stream_state"])
            for state in last_states(map(json.loads, lines))
        ]
    else:
        assert re.match(rf"{re.escape(str(name))} is truncated or damaged after line \d+\. ", warning)
    assert load_texts(database, days[0].text).exit_status == 0
    assert_equal(database, days[0].synced)


def test_a_truncated_read_before_a_complete_one_loses_nothing(days: list[Day], database: Path) -> None:
    cut = "".join(days[0].lines[: len(days[0].lines) // 2])
    result = load_texts(database, cut + days[0].text)

    assert result.exit_status == 3
    assert_equal(database, days[0].synced)
    assert load_texts(database, days[0].text).exit_status == 0
    assert_equal(database, days[0].synced)


@pytest.mark.parametrize("has_counts", [True, False])
def test_a_state_is_not_stored_if_its_records_are_missing(days: list[Day], database: Path, has_counts: bool) -> None:
    lines = days[0].lines
    if not has_counts:
        lines = [re.sub(r',"sourceStats":\{[^}]*\}', "", line) for line in lines]
    place = next(n for n, line in enumerate(lines) if '"stream":"pins"' in line)
    lines[place] = lines[place][:-20] + "\n"

    result = load_texts(database, "".join(lines))

    assert (result.exit_status, result.status) == (3, "partial")
    assert result.warnings[0] == f"{database.with_name('0.jsonl')}: line {place + 1} was not loaded (not valid JSON)."
    assert "The state of pins was not updated, because records before it are missing; " + READ_AGAIN in result.warnings
    assert "pins" not in dict(states(database))
    assert count_rows(database) == count_rows(days[0].synced) - 1
    assert load_texts(database, days[0].text).exit_status == 0
    assert_equal(database, days[0].synced)


def test_a_file_without_its_beginning_stores_no_state_of_that_stream(days: list[Day], database: Path) -> None:
    first = next(n for n, line in enumerate(days[0].lines) if message_type(line) == "RECORD")
    result = load_texts(database, "".join(days[0].lines[first + 1 :]))

    assert result.exit_status == 3
    assert len(result.warnings) == 1
    assert result.warnings[0].endswith(READ_AGAIN)
    missing = json.loads(days[0].lines[first])["record"]["stream"]
    assert missing not in dict(states(database))
    assert len(states(database)) == len(KEYS) - 1
