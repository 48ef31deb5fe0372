"""Find values that schema version 1 took from folders named `column=value`, and report no other value."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pytest

from oneup_pinterest.clock import CLOCK_VARIABLE
from oneup_pinterest.quality.status import read_status
from oneup_pinterest.sandbox.server import Sandbox
from oneup_pinterest.sync.run import sync
from oneup_pinterest.sync.tables import ARRIVED, StreamTable
from test_support.clock import NOON

pytestmark = pytest.mark.slow

WHAT_TO_DO = (
    "The real values cannot be restored, and the counters of past days are lost for these rows. Sync into a new file, "
    "in a folder without `=` in its path, and keep this one only for data that no finding names."
)


@pytest.fixture
def sandbox(monkeypatch: pytest.MonkeyPatch) -> Iterator[Sandbox]:
    monkeypatch.setenv(CLOCK_VARIABLE, NOON.isoformat())
    with Sandbox(accounts=2, now=NOON) as running:
        yield running


@contextmanager
def _through_a_file(table: StreamTable, batch: pl.DataFrame) -> Iterator[None]:
    """Hand a batch to DuckDB as schema version 1 did, through a Parquet file."""
    connection = table._connection
    ((folder,),) = connection.execute("SELECT current_setting('temp_directory')").fetchall()
    batch.write_parquet(f"{folder}/batch.parquet")
    connection.execute(f"CREATE OR REPLACE TEMP VIEW \"{ARRIVED}\" AS FROM read_parquet('{folder}/batch.parquet')")
    yield
    connection.execute(f'DROP VIEW "{ARRIVED}"')


def sync_file(sandbox: Sandbox, database: Path, accounts: Sequence[str] = (), **options: Any) -> Path:
    database.parent.mkdir(parents=True, exist_ok=True)
    config = {**sandbox.config(), "start_date": "2026-05-01", "social_network_ids": list(accounts)}
    assert sync(config, database, **options).status == "done"
    return database


def sync_with_version_1(sandbox: Sandbox, database: Path, accounts: Sequence[str] = ()) -> Path:
    """Sync into a file as 0.1.0 did."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(StreamTable, "_arrived", _through_a_file)
        sync_file(sandbox, database, accounts)
    with duckdb.connect(database) as connection:
        connection.execute("CREATE OR REPLACE TABLE _layout AS SELECT 1 AS version")
    return database


def path_findings(database: Path) -> list[str]:
    findings = [item for item in read_status(database)["findings"] if item["check"] == "path_in_data"]
    for finding in findings:
        assert (finding["severity"], finding["where"], finding["since"]) == ("error", "all", "2026-05-20")
        assert finding["what_to_do"] == WHAT_TO_DO
    return [finding["what"] for finding in findings]


def wrong_values(rows: str, column: str, part: str, path: str = "the path of this file") -> str:
    return f"{rows} have a wrong `{column}`: an older version of this kit took the value from `{part}` in {path}."


def merged_rows(stream: str, records: int, rows: str) -> str:
    return (
        f"The first sync of {stream} read {records} records but left {rows}: an older version of this kit took a value "
        "of each row from the path of this file, such as `id=5`, so many rows became one."
    )


ROWS_OF_ALL_STREAMS = (
    "18 rows of overview_metrics, 94 rows of pins, 1 row of account_followers, 54 rows of post_performance, "
    "6 rows of pin_totals and 1 row of accounts"
)
FORMER_PATH = "the former path of this file"
DAMAGED = {
    "id=5/h.duckdb": (
        [
            wrong_values("2 rows of pins and 108 rows of post_performance", "id", "id=5"),
            merged_rows("pins", 94, "2 rows"),
        ],
        [merged_rows("pins", 94, "2 rows")],
    ),
    "ID=%41b/h.duckdb": (
        [
            wrong_values("2 rows of pins and 108 rows of post_performance", "id", "ID=%41b"),
            merged_rows("pins", 94, "2 rows"),
        ],
        [merged_rows("pins", 94, "2 rows")],
    ),
    "id=5": (
        [
            wrong_values("2 rows of pins and 108 rows of post_performance", "id", "id=5"),
            merged_rows("pins", 94, "2 rows"),
        ],
        [merged_rows("pins", 94, "2 rows")],
    ),
    "social_network_id=zzz/h.duckdb": (
        [wrong_values(ROWS_OF_ALL_STREAMS, "social_network_id", "social_network_id=zzz")],
        [wrong_values(ROWS_OF_ALL_STREAMS, "social_network_id", "social_network_id=zzz", FORMER_PATH)],
    ),
    "snapshot_date=2020-01-01/h.duckdb": (
        [wrong_values("94 rows of pins and 2 rows of account_followers", "snapshot_date", "snapshot_date=2020-01-01")],
        [
            wrong_values(
                "94 rows of pins and 2 rows of account_followers",
                "snapshot_date",
                "snapshot_date=2020-01-01",
                FORMER_PATH,
            )
        ],
    ),
    "period_end=2020-01-01/h.duckdb": (
        [
            wrong_values(
                "12 rows of overview_metrics, 94 rows of pins, 36 rows of post_performance and 12 rows of pin_totals",
                "period_end",
                "period_end=2020-01-01",
            ),
            merged_rows("overview_metrics", 36, "12 rows"),
            merged_rows("post_performance", 108, "36 rows"),
        ],
        [merged_rows("overview_metrics", 36, "12 rows"), merged_rows("post_performance", 108, "36 rows")],
    ),
    "impressions=7.duckdb": ([wrong_values("94 rows of pins", "impressions", "impressions=7.duckdb")], []),
    "preset=last_7_days/h.duckdb": (
        [wrong_values("36 rows of overview_metrics and 108 rows of post_performance", "preset", "preset=last_7_days")],
        [],
    ),
}

# a key in another case and in code, the file's own name, a key of all streams, a period, and a counter
IN_SLOW_TESTS = (
    "ID=%41b/h.duckdb",
    "id=5",
    "social_network_id=zzz/h.duckdb",
    "period_end=2020-01-01/h.duckdb",
    "impressions=7.duckdb",
)


def names(*in_slow_tests: str) -> list[Any]:
    return [name if name in in_slow_tests else pytest.param(name, marks=pytest.mark.nightly) for name in DAMAGED]


@pytest.mark.parametrize("name", names(*IN_SLOW_TESTS))
def test_values_of_the_path_are_found_before_and_after_a_move(sandbox: Sandbox, tmp_path: Path, name: str) -> None:
    database = sync_with_version_1(sandbox, tmp_path / name)
    expected, expected_after_move = DAMAGED[name]
    assert path_findings(database) == expected
    assert path_findings(database.rename(tmp_path / "moved.duckdb")) == expected_after_move


def test_values_of_the_path_are_found_after_later_syncs_too(
    sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    database = sync_with_version_1(sandbox, tmp_path / "id=5" / "h.duckdb")
    sandbox.now = NOON.replace(day=21)
    monkeypatch.setenv(CLOCK_VARIABLE, sandbox.now.isoformat())
    sync_file(sandbox, database)
    first, second = path_findings(database)
    assert first.startswith("2 rows of pins and ")
    assert second == merged_rows("pins", 94, "2 rows")


@pytest.mark.parametrize("name", names("ID=%41b/h.duckdb", "period_end=2020-01-01/h.duckdb"))
def test_a_file_of_this_version_has_no_such_finding(sandbox: Sandbox, tmp_path: Path, name: str) -> None:
    assert path_findings(sync_file(sandbox, tmp_path / name)) == []


def test_a_folder_named_like_the_only_account_is_not_a_finding(sandbox: Sandbox, tmp_path: Path) -> None:
    account = sandbox.account_ids[0]
    for version in (sync_file, sync_with_version_1):
        place = tmp_path / version.__name__
        database = version(
            sandbox, place / f"social_network_id={account}" / "snapshot_date=2026-05-20" / "h", [account]
        )
        assert path_findings(database) == []
    with duckdb.connect(database, read_only=True) as connection:
        ((username, page),) = connection.execute("SELECT DISTINCT username, page_id FROM accounts, pins").fetchall()
    for part in (f"username={username}", f"page_id={page}", "is_expired=false", "preset=last_30_days", "position=1"):
        (tmp_path / part).mkdir()
        assert path_findings(database.rename(tmp_path / part / "h")) == []
        (tmp_path / part / "h").rename(database)


def test_a_folder_named_like_an_account_is_found_if_it_has_all_rows(sandbox: Sandbox, tmp_path: Path) -> None:
    part = f"social_network_id={sandbox.account_ids[0]}"
    damaged = sync_with_version_1(sandbox, tmp_path / part / "h.duckdb")
    assert path_findings(damaged) == [wrong_values(ROWS_OF_ALL_STREAMS, "social_network_id", part)]
    whole = sync_with_version_1(sandbox, tmp_path / "whole.duckdb")
    assert path_findings(whole.replace(damaged)) == []
