"""Files with only some of the fields: every command works, and missing fields are reported."""

import random
import re
from itertools import combinations
from pathlib import Path

import duckdb
import polars as pl
import pytest

from oneup_pinterest.database.export import export_parquet
from oneup_pinterest.database.load import load_pins
from oneup_pinterest.database.schema import STREAMS, TABLES
from oneup_pinterest.history.account_history import AccountHistory
from oneup_pinterest.history.period_change import account_change
from oneup_pinterest.quality.status import format_status, read_status
from oneup_pinterest.questions.change.answer import change_answer
from oneup_pinterest.report import write_report
from oneup_pinterest.report.context import page_of
from test_support.history import METRICS, NOW, as_other_destination, make_long_history

pytestmark = pytest.mark.slow

FIELDS = [
    (stream, (column,)) for stream in STREAMS for column in TABLES[stream].columns if column not in TABLES[stream].key
]
IN_SLOW_TESTS = [  # the selections below cover the other fields
    ("pins", ("timestamp",)),
    ("pins", METRICS),
    ("account_followers", ("total_followers",)),
    ("accounts", ("username",)),
]
PAIRS = [("pins", pair) for pair in (*combinations(METRICS, 2), METRICS)]


@pytest.fixture(autouse=True)
def _clock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ONEUP_PINTEREST_NOW", f"{NOW.isoformat()}+00:00")


@pytest.fixture(scope="module")
def complete(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("fields")
    return as_other_destination(make_long_history(folder / "h.duckdb", ("pin_one",), pins=60), folder / "c.duckdb")


def without(complete: Path, path: Path, stream: str, columns: tuple[str, ...] = ()) -> Path:
    """Return a copy without some columns of a stream, or without the stream."""
    path.write_bytes(complete.read_bytes())
    with duckdb.connect(path) as connection:
        for column in columns:
            connection.execute(f"ALTER TABLE oneup.{stream} DROP COLUMN {column}")
        if not columns:
            connection.execute(f"DROP TABLE oneup.{stream}")
    return path


def assert_every_command_works(path: Path, output: Path, missing: dict[str, tuple[str, ...]]) -> None:
    page, status = page_of(path), read_status(path)
    export_parquet(path, output)
    for findings in ([item.as_json() for item in page["findings"]], status["findings"]):
        named = {item["what"] for item in findings if item["check"] == "missing_columns"}
        assert len(named) == len(missing)
        for stream, columns in missing.items():
            assert any(f"oneup.{stream} lacks" in what and all(name in what for name in columns) for what in named)
    assert all(finding["what"] in format_status(status) for finding in status["findings"])
    for section in page["accounts"][0]["groups"]:
        for answer in section["answers"]:
            assert answer["sentence"]
            assert not re.search(r"\b(nan|None|null)\b", " ".join([answer["sentence"], *answer["notes"]]))


@pytest.mark.parametrize(
    ("stream", "columns"),
    [pytest.param(*field, marks=() if field in IN_SLOW_TESTS else pytest.mark.nightly) for field in (*FIELDS, *PAIRS)],
    ids=lambda value: "-".join([value] if isinstance(value, str) else value),
)
def test_every_command_works_and_reports_a_missing_field(
    complete: Path, tmp_path: Path, stream: str, columns: tuple[str, ...]
) -> None:
    path = without(complete, tmp_path / "h.duckdb", stream, columns)
    assert_every_command_works(path, tmp_path / "export", {stream: columns})


@pytest.mark.parametrize("seed", [0, 1, *(pytest.param(seed, marks=pytest.mark.nightly) for seed in range(2, 10))])
def test_every_command_works_with_any_selection_of_fields(complete: Path, tmp_path: Path, seed: int) -> None:
    missing: dict[str, tuple[str, ...]] = {}
    for stream, column in FIELDS:
        if seed == 0 or random.Random(f"{seed} {stream} {column}").random() < 0.5:  # seed 0: only the keys
            missing[stream] = (*missing.get(stream, ()), *column)
    path = without(complete, tmp_path / "h.duckdb", *next(iter(missing.items())))
    with duckdb.connect(path) as connection:
        for stream, columns in list(missing.items())[1:]:
            for column in columns:
                connection.execute(f"ALTER TABLE oneup.{stream} DROP COLUMN {column}")
    assert_every_command_works(path, tmp_path / "export", missing)


@pytest.mark.parametrize("stream", STREAMS)
def test_every_command_works_without_a_stream(complete: Path, tmp_path: Path, stream: str) -> None:
    path = without(complete, tmp_path / "h.duckdb", stream)
    assert write_report(path, tmp_path / "report.html").stat().st_size
    assert export_parquet(path, tmp_path / "export")[stream] == 0
    assert read_status(path)["streams"][stream]["rows"] == 0


@pytest.mark.parametrize("metric", ["saves", "repins", "clicks"])
def test_the_change_of_a_missing_counter_has_no_verdict(complete: Path, tmp_path: Path, metric: str) -> None:
    path = without(complete, tmp_path / "h.duckdb", "pins", (metric,))
    history = AccountHistory.from_pins(load_pins(path))
    row = account_change(history).row(by_predicate=pl.col("metric") == metric, named=True)
    assert (row["before"], row["verdict"]) == (None, "no verdict")
    assert row["reason"] in change_answer(history).sentence
