"""A database or a state of a released version is read and continued like one of this version."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pytest

from integration_tests.airbyte import read
from integration_tests.databases import KEYS, rows
from oneup_pinterest.database.bi.columns import BI_VIEWS
from oneup_pinterest.database.export import export_parquet
from oneup_pinterest.database.load import load_pins, load_sync_runs
from oneup_pinterest.database.migrations import SCHEMA_VERSION, VERSION_TABLE
from oneup_pinterest.quality.status import read_status
from oneup_pinterest.report import write_report
from oneup_pinterest.sandbox import Sandbox
from oneup_pinterest.sync import sync
from oneup_pinterest.sync.manifest import declared_streams
from oneup_pinterest.sync.writer import DatabaseWriter
from source_oneup_pinterest.components.clock import CLOCK_VARIABLE
from test_support.old_duckdb import WITH_OLD_DUCKDB, requires_old_duckdb
from test_support.paths import ROOT
from tools.released import ACCOUNTS, DAY_ONE, build, config, fixtures, stored_schema

CHANGED = """\
The tables of a database or the format of a state differ from {fixture}, but the schema version is still {number}.
Existing files must keep working: add a migration from {number} to analysis/oneup_pinterest/database/migrations.py,
make the readers read both versions and, before a release, run `python -m tools.released VERSION`. Write the fixture of
{version} again only while CHANGELOG.md calls it unreleased."""
RELEASED = pytest.mark.parametrize("fixture", fixtures(), ids=lambda path: path.stem)


@pytest.fixture
def two_days(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    """Yield a sandbox at day one with the accounts of the fixtures, and a function that moves it to day two."""
    monkeypatch.setenv(CLOCK_VARIABLE, DAY_ONE.isoformat())
    with Sandbox(accounts=ACCOUNTS, now=DAY_ONE) as sandbox:

        def tomorrow() -> None:
            sandbox.now = DAY_ONE.replace(day=DAY_ONE.day + 1)
            monkeypatch.setenv(CLOCK_VARIABLE, sandbox.now.isoformat())

        yield sandbox, tomorrow


def sorted_rows(database: Path, query: str) -> list[Any]:
    return rows(database, f"{query} ORDER BY ALL")


def with_old_duckdb(fixture: Path, database: Path) -> None:
    code = "import sys; from pathlib import Path; from tools.released import build; build(*map(Path, sys.argv[1:]))"
    subprocess.run(
        [sys.executable, "-c", code, fixture, database],
        check=True,
        cwd=ROOT,
        env={**os.environ, **WITH_OLD_DUCKDB},
    )


def without_version_table(fixture: Path, database: Path) -> None:
    """Build the database without a version table, as builds before the first release did."""
    build(fixture, database)
    with duckdb.connect(str(database)) as connection:
        connection.execute(f"DROP TABLE {VERSION_TABLE}")


BUILDS = [
    build,
    pytest.param(without_version_table, marks=pytest.mark.slow),
    pytest.param(with_old_duckdb, marks=[pytest.mark.slow, requires_old_duckdb]),
]


@RELEASED
@pytest.mark.parametrize("make", BUILDS)
def test_a_sync_continues_a_released_database(
    two_days: tuple[Sandbox, Callable[[], None]],
    tmp_path: Path,
    fixture: Path,
    make: Callable[[Path, Path], None],
) -> None:
    sandbox, tomorrow = two_days
    released, fresh = tmp_path / "released.duckdb", tmp_path / "fresh.duckdb"
    make(fixture, released)
    before = {stream: rows(released, f"SELECT * FROM {stream}") for stream in KEYS}
    sync(config(sandbox), fresh)
    tomorrow()
    sandbox.clear_requests()
    expected = sync(config(sandbox), fresh)

    result = sync(config(sandbox), released)

    assert (result.status, result.requests, result.streams) == ("done", expected.requests, expected.streams)
    for stream in KEYS:
        of_today = f"_airbyte_extracted_at >= TIMESTAMP '{sandbox.now:%Y-%m-%d}'"
        query = f"SELECT * EXCLUDE (_airbyte_extracted_at) FROM {stream} WHERE {of_today}"
        assert sorted_rows(released, query) == sorted_rows(fresh, query)
        older = set(rows(released, f"SELECT * FROM {stream} WHERE NOT {of_today}"))
        assert older <= set(before[stream])
        assert len(older) == len(before[stream]) - (len(rows(fresh, query)) - result.streams[stream]["rows"])
    # the rest of the state depends on the duration of the sync
    cursors = "SELECT stream_name, state->'states' FROM _airbyte_state"
    assert sorted_rows(released, cursors) == sorted_rows(fresh, cursors)
    upgraded_at = sandbox.now.replace(tzinfo=None)
    assert rows(released, f"FROM {VERSION_TABLE}") == [(SCHEMA_VERSION, upgraded_at)]
    assert rows(fresh, f"FROM {VERSION_TABLE}") == [(SCHEMA_VERSION, None)]
    assert stored_schema(released) == stored_schema(fresh)
    for view in BI_VIEWS:
        assert sorted_rows(released, f"FROM {view}") == sorted_rows(fresh, f"FROM {view}") != []


@RELEASED
def test_every_reader_reads_a_released_database(tmp_path: Path, fixture: Path) -> None:
    database = tmp_path / "released.duckdb"
    build(fixture, database)
    stored = {stream: rows(database, f"SELECT count(*) FROM {stream}")[0][0] for stream in KEYS}

    assert {stream: counts["rows"] for stream, counts in read_status(database)["streams"].items()} == stored
    assert load_pins(database).height == stored["pins"] > 0
    assert load_sync_runs(database)["status"].to_list() == ["done"]
    assert export_parquet(database, tmp_path / "export").items() >= stored.items()
    assert write_report(database, tmp_path / "report.html").stat().st_size > 0


@RELEASED
def test_a_migration_removes_rows_left_from_replaced_lists(tmp_path: Path, fixture: Path) -> None:
    database = tmp_path / "history.duckdb"
    build(fixture, database)
    later = f"{DAY_ONE.date()} 13:00:00"
    of_period = "social_network_id = (SELECT min(social_network_id) FROM accounts) AND period_end = '2026-05-19'"
    came_again = {
        "post_performance": "ranking = 'most_views' AND position <= 2",
        "overview_metrics": "key <> 'clicks'",
        "pin_totals": "key <> 'clicks'",
    }
    with duckdb.connect(str(database)) as connection:
        connection.execute(f"INSERT INTO _sync_runs (run_id, started_at) VALUES ('b', '{later}')")
        counts = {}
        for stream, again in came_again.items():
            where = f"{of_period} AND {again}"
            connection.execute(
                f"UPDATE {stream} SET _airbyte_extracted_at = '{later}'::TIMESTAMP + INTERVAL 1 SECOND WHERE {where}"
            )
            others = f"SELECT count(*) FROM {stream} WHERE NOT ({of_period})"
            ((kept, left),) = connection.execute(
                f"SELECT count(*) FILTER (WHERE {again}), ({others}) FROM {stream} WHERE {of_period}"
            ).fetchall()
            assert 0 < kept < connection.execute(f"SELECT count(*) FROM {stream} WHERE {of_period}").fetchall()[0][0]
            counts[stream] = kept + left

    with DatabaseWriter(database) as writer:
        writer.prepare(declared_streams())

    assert {stream: rows(database, f"SELECT count(*) FROM {stream}")[0][0] for stream in counts} == counts
    assert rows(database, "SELECT count(*) FROM post_performance WHERE ranking = 'most_views' AND " + of_period) == [
        (2,)
    ]


def test_a_changed_schema_has_a_new_schema_version(
    two_days: tuple[Sandbox, Callable[[], None]], tmp_path: Path
) -> None:
    sandbox, _ = two_days
    fixture = fixtures()[-1]
    released, fresh = tmp_path / "released.duckdb", tmp_path / "fresh.duckdb"
    build(fixture, released)
    number = rows(released, f"SELECT version FROM {VERSION_TABLE}")[0][0]
    sync(config(sandbox), fresh)

    is_same = stored_schema(fresh) == stored_schema(released)

    assert is_same or number < SCHEMA_VERSION, CHANGED.format(fixture=fixture.name, number=number, version=fixture.stem)


def test_a_read_continues_a_state_of_an_earlier_build(
    two_days: tuple[Sandbox, Callable[[], None]],
) -> None:
    sandbox, tomorrow = two_days
    first = read(config(sandbox))
    older = json.loads(json.dumps(first.state))
    for entry in older:
        for state in entry["stream"]["stream_state"].get("states", ()):
            if "timestamp" in state["cursor"]:
                state["cursor"] = {"timestamp": "2026-05-19 21:14:00"}
    assert older != first.state
    tomorrow()

    newest, older_result = read(config(sandbox), first.state), read(config(sandbox), older)

    assert older_result.exception is None
    assert {name: sorted(map(repr, found)) for name, found in older_result.records.items()} == {
        name: sorted(map(repr, found)) for name, found in newest.records.items()
    }
    assert {stream: older_result.cursors(stream) for stream in ("pins", "pin_totals")} == {
        stream: newest.cursors(stream) for stream in ("pins", "pin_totals")
    }
