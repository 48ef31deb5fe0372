"""A history in a lake: what a file shows, a lake shows too, and its commands explain what is wrong.

The processes use the packages of the extra `lake`, which need an older DuckDB than this one.
"""

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import pytest

from integration_tests.databases import contents, environment_of, rows, run
from integration_tests.fixture_types import FirstSync
from test_support.clock import NOON
from test_support.lake import WITH_LAKE, requires_lake
from test_support.paths import ROOT
from test_support.postgres import Postgres, requires_postgres, running_postgres

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def postgres() -> Iterator[Postgres]:
    with running_postgres() as server:
        yield server


def with_lake(*arguments: object, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *map(str, arguments)],
        env=environment_of(NOON, **WITH_LAKE, **environment),
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )


def command(*arguments: object, **environment: str) -> subprocess.CompletedProcess[str]:
    return with_lake("-m", "oneup_pinterest.cli", *arguments, **environment)


@requires_lake
@pytest.mark.nightly  # the rules are those of the next test, whose catalog serves several writers
def test_a_lake_in_a_file_shows_what_a_file_shows(tmp_path: Path) -> None:
    ended = with_lake("-m", "integration_tests.lake.same_as_a_file", tmp_path, f"ducklake:{tmp_path}/lake.ducklake")
    assert ended.returncode == 0, ended.stderr


@requires_lake
@requires_postgres
def test_a_lake_in_postgres_shows_what_a_file_shows(tmp_path: Path, postgres: Postgres) -> None:
    lake = f"ducklake:postgres:{postgres.create_database('same')}"
    ended = with_lake("-m", "integration_tests.lake.same_as_a_file", tmp_path, lake)
    assert ended.returncode == 0, ended.stderr


def test_without_the_extra_one_sentence_says_what_to_install() -> None:
    ended = run("state", "--database", "ducklake:postgres:host=127.0.0.1 port=1")
    assert ended.returncode == 1
    assert "pip install 'source-oneup-pinterest[lake]'" in ended.stderr
    assert len(ended.stderr.splitlines()) == 1


@requires_lake
@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--database", "ducklake:postgres:dbname=x password=hidden"], "holds a password"),
        (["--database", "ducklake:postgres:postgresql://u:hidden@127.0.0.1/x"], "holds a password"),
        (["--database", "ducklake:postgres:"], "names no catalog"),
        (["--database", "ducklake:mysql:db=x"], "another kind"),
        (["--database", "ducklake:nowhere.ducklake"], "There is no lake"),
        (["--database", "ducklake:postgres:host=127.0.0.1 port=1 dbname=x"], "cannot be used"),
    ],
)
def test_a_wrong_name_of_a_lake_is_refused_in_one_sentence(arguments: list[str], words: str, tmp_path: Path) -> None:
    ended = command("status", *arguments, PGPASSWORD="from-the-environment")
    assert ended.returncode in (1, 2)
    assert words in ended.stderr
    assert len(ended.stderr.splitlines()) == 1
    assert "hidden" not in ended.stderr + ended.stdout
    assert "from-the-environment" not in ended.stderr + ended.stdout


@requires_lake
def test_a_file_is_no_lake_and_a_backup_says_how_a_lake_is_copied(tmp_path: Path) -> None:
    code = "import duckdb, sys; duckdb.connect(sys.argv[1]).execute('CREATE TABLE a (b INT)')"
    file = tmp_path / "history.duckdb"
    assert with_lake("-c", code, file).returncode == 0
    before = file.read_bytes()
    ended = command("status", "--database", f"ducklake:{file}")
    assert (ended.returncode, ended.stderr.count("is a DuckDB file, not a lake")) == (2, 1), ended.stderr
    assert file.read_bytes() == before
    ended = command("backup", tmp_path / "copy.duckdb", "--database", "ducklake:postgres:dbname=x")
    assert (ended.returncode, ended.stderr.count("pg_dump")) == (2, 1)
    assert list(tmp_path.iterdir()) == [file]


def started(*arguments: object) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-m", "integration_tests.lake.writing", *map(str, arguments)],
        env=environment_of(NOON, **WITH_LAKE),
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def checked(lake: str) -> dict[str, Any]:
    ended = with_lake("-m", "integration_tests.lake.writing", "check", lake)
    assert ended.returncode == 0, ended.stderr
    found: dict[str, Any] = json.loads(ended.stdout)
    return found


@requires_lake
@requires_postgres
def test_a_second_owner_is_refused_at_once_and_a_killed_one_frees_its_shard(tmp_path: Path, postgres: Postgres) -> None:
    lake, files = f"ducklake:postgres:{postgres.create_database('owners')}", tmp_path / "files"
    owner = started("write", lake, "1/2", 1000, files)
    try:
        assert owner.stdout is not None
        assert owner.stdout.readline() == "0\n"
        for shard in ("1/2", "1/1", "2/3"):
            refused = with_lake("-m", "integration_tests.lake.writing", "write", lake, shard, 1, files)
            assert refused.returncode == 1
            assert "Another process has been writing the shard 1/2" in refused.stderr.splitlines()[-1]
        other = with_lake("-m", "integration_tests.lake.writing", "write", lake, "2/2", 1, files)
        assert (other.returncode, other.stdout) == (0, "0\n"), other.stderr
    finally:
        owner.kill()
        owner.communicate()
    next_owner = with_lake("-m", "integration_tests.lake.writing", "write", lake, "1/1", 1, files)
    assert next_owner.returncode == 0, next_owner.stderr
    assert checked(lake)["problems"] == []


@requires_lake
@requires_postgres
@pytest.mark.parametrize("rounds", [1, pytest.param(20, marks=pytest.mark.nightly)])
def test_kills_of_four_writers_and_of_the_catalog_lose_and_double_nothing(tmp_path: Path, rounds: int) -> None:
    random, files, commits = Random(18), tmp_path / "files", 0
    with running_postgres() as server:
        lake = f"ducklake:postgres:{server.create_database('kills')}"
        for round_number in range(rounds):
            writers = [started("write", lake, f"{shard}/4", 1000, files) for shard in range(1, 5)]
            for writer in writers:
                assert writer.stdout is not None
                assert writer.stdout.readline() == "0\n", writer.communicate()[1]
            time.sleep(random.uniform(0, 2))
            found = checked(lake)  # while all of them write
            assert found["problems"] == []
            if round_number % 2:
                assert command("maintain", "--database", lake).returncode == 0
                server.stop("immediate")
                for writer in writers:
                    _, error = writer.communicate(timeout=60)
                    assert writer.returncode == 1
                    assert "cannot be used" in error.splitlines()[-1], error
                server.start()
            else:
                for writer in random.sample(writers, 4):
                    writer.kill()
                    writer.communicate()
                    time.sleep(random.uniform(0, 0.3))
            found = checked(lake)
            assert found["problems"] == []
            assert found["commits"] >= commits + 8  # two accounts of each writer at least
            commits = found["commits"]


@requires_lake
def test_a_history_moves_into_a_lake_and_back(tmp_path: Path, first_sync: FirstSync) -> None:
    file, back, lake = tmp_path / "history.duckdb", tmp_path / "back.duckdb", f"ducklake:{tmp_path}/lake.ducklake"
    first_sync(file)
    there = command("export", "--database", file, "--to", lake)
    assert there.returncode == 0, there.stderr
    compared = dict(line.split(": ", 1) for line in there.stdout.splitlines()[:-1])
    for relation in ("pins", "_sync_runs", "_airbyte_state", "_listed_accounts"):
        assert not compared[relation].startswith("0 rows")
    again = command("export", "--database", file, "--to", lake)
    assert (again.returncode, again.stderr.count("has a history already")) == (2, 1), again.stderr
    returned = command("export", "--database", lake, "--to", back)
    assert returned.returncode == 0, returned.stderr
    assert returned.stdout.splitlines()[:-1] == there.stdout.splitlines()[:-1]
    assert contents(back) == contents(file)
    assert rows(back, "SELECT stream_name FROM _airbyte_state ORDER BY 1") == rows(
        file, "SELECT stream_name FROM _airbyte_state ORDER BY 1"
    )
    assert command("status", "--database", lake).returncode == 0
    queries = [command("query", "SELECT count(*), sum(saves) FROM pins", "--database", place) for place in (file, lake)]
    assert queries[0].stdout == queries[1].stdout != "", queries[1].stderr
    refused = command("query", f"FROM read_blob('{file}')", "--database", lake)
    assert (refused.returncode, refused.stderr.count("can read the database only")) == (2, 1), refused.stderr
    assert command("maintain", "--database", lake).returncode == 0
