"""The database after a sync holds what the API holds, once, with the state that vouches for it, whatever happened."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import quote, quote_plus

import duckdb
import pytest

from analysis.errors import UserError
from analysis.load import open_history
from analysis.sandbox import Fault, Sandbox
from analysis.sync import run as run_module
from analysis.sync import sync
from analysis.sync.history import History
from analysis.sync.progress import Progress
from integration_tests.conftest import NOON
from integration_tests.test_read import KEYS, ask
from source_oneup_pinterest.components import CLOCK_VARIABLE

Days = Callable[[int], None]


@contextmanager
def opened(database: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(str(database), read_only=True) as connection:
        yield connection


def rows(database: Path, query: str) -> list[Any]:
    with opened(database) as connection:
        return connection.sql(query).fetchall()


def contents(database: Path) -> dict[str, list[Any]]:
    """Every row of every stream, but for when it was extracted."""
    return {
        stream: rows(database, f"SELECT * EXCLUDE (_airbyte_extracted_at) FROM {stream} ORDER BY ALL")
        for stream in [*KEYS, "pins_latest"]
    }


def doubled_keys(database: Path) -> list[Any]:
    return [
        row
        for stream, keys in KEYS.items()
        for row in rows(database, f"SELECT {', '.join(keys)} FROM {stream} GROUP BY ALL HAVING count(*) > 1")
    ]


def run(*arguments: object, now: datetime = NOON, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command(*arguments),
        env=environment_of(now, **environment),
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def command(*arguments: object) -> list[str]:
    return [sys.executable, "-m", "analysis.cli", *map(str, arguments)]


def environment_of(now: datetime, **environment: str) -> dict[str, str]:
    return {**os.environ, CLOCK_VARIABLE: now.astimezone(UTC).isoformat(), **environment}


@pytest.fixture
def database(tmp_path: Path) -> Path:
    return tmp_path / "history.duckdb"


@pytest.fixture
def config_file(sandbox: Sandbox, tmp_path: Path) -> Path:
    path = tmp_path / "config.json"
    path.touch(mode=0o600)
    path.write_text(json.dumps(sandbox.config()))
    return path


def test_every_day_of_every_pin_is_kept_as_the_server_held_it_on_that_day(
    sandbox: Sandbox, database: Path, days_later: Days
) -> None:
    expected: dict[tuple[str, str, str], tuple[Any, ...]] = {}
    for pause in (0, 0, 1, 1, 3):  # the second is the same day again, the last skips two days
        days_later(pause)
        result = sync(sandbox.config(), database)
        assert result.exit_status == 0
        today, first_asked = sandbox.now.date(), sandbox.now.date() - timedelta(days=90)
        for account in sandbox.account_ids:
            yesterday = today - timedelta(days=1)
            for pin in ask(sandbox, "posts", account, first_asked.isoformat(), yesterday.isoformat())["posts"]:
                counters = tuple(
                    pin["stats"][name] for name in ("impressions", "saves", "comments", "repins", "clicks")
                )
                expected[account, pin["id"], today.isoformat()] = counters

    stored = rows(
        database,
        "SELECT social_network_id, id, snapshot_date::VARCHAR, impressions, saves, comments, repins, clicks FROM pins",
    )
    assert {row[:3]: row[3:] for row in stored} == expected
    assert len(stored) == len(expected)
    assert doubled_keys(database) == []
    newest = "SELECT social_network_id, id, max(snapshot_date) FROM pins GROUP BY ALL ORDER BY ALL"
    assert rows(database, "SELECT social_network_id, id, snapshot_date FROM pins_latest ORDER BY ALL") == rows(
        database, newest
    )


def test_the_same_day_again_changes_no_row_and_counts_none_as_new(sandbox: Sandbox, database: Path) -> None:
    first = sync(sandbox.config(), database)
    before = contents(database)

    again = sync(sandbox.config(), database)

    assert contents(database) == before
    assert sum(counts["rows"] for counts in first.streams.values()) == sum(
        len(stored) for stream, stored in before.items() if stream != "pins_latest"
    )
    assert {counts["rows"] for counts in again.streams.values()} == {0}
    assert again.requests == len(sandbox.account_ids) * 2 + 1


def test_a_sync_of_fewer_accounts_later_that_day_loses_no_other(sandbox: Sandbox, database: Path) -> None:
    sync(sandbox.config(), database)
    before = contents(database)

    sync({**sandbox.config(), "social_network_ids": sandbox.account_ids[:1]}, database, ["pins", "account_followers"])

    assert contents(database) == before


def test_an_account_added_later_is_synced_from_its_start(sandbox: Sandbox, database: Path, days_later: Days) -> None:
    old, late = sandbox.account_ids[:2], sandbox.account_ids[2]
    sync({**sandbox.config(), "social_network_ids": old}, database)
    days_later(5)
    sync({**sandbox.config(), "social_network_ids": [*old, late]}, database)

    ends = rows(database, f"SELECT count(DISTINCT period_end) FROM overview_metrics WHERE social_network_id = '{late}'")
    assert ends[0][0] == 13  # ninety days in weekly steps


def test_full_refresh_reads_all_again_and_deletes_nothing(sandbox: Sandbox, database: Path, days_later: Days) -> None:
    sync(sandbox.config(), database)
    days_later(1)
    result = sync(sandbox.config(), database, full_refresh=True)

    assert result.streams["overview_metrics"]["records"] > 13 * 6
    assert len(rows(database, "SELECT DISTINCT snapshot_date FROM pins")) == 2
    assert doubled_keys(database) == []


def test_only_the_named_streams_are_synced(sandbox: Sandbox, database: Path) -> None:
    result = sync(sandbox.config(), database, ["accounts", "account_followers"])

    assert list(result.streams) == ["accounts", "account_followers"]
    tables = {name for (name,) in rows(database, "SELECT table_name FROM duckdb_tables()")}
    assert tables == {"accounts", "account_followers", "_airbyte_state", "_sync_runs", "_layout"}


def test_fields_that_appear_later_become_columns_by_themselves(
    sandbox: Sandbox, database: Path, days_later: Days
) -> None:
    sync(sandbox.config(), database)
    days_later(1)
    sandbox.inject(
        Fault(
            "edit",
            path="posts",
            times=None,
            edit=lambda a: with_pins(a, board="Garden", meta={"a": [1]}, stats={"closeups": 4}),
        )
    )
    assert sync(sandbox.config(), database).exit_status == 0

    described = dict(row[:2] for row in rows(database, "DESCRIBE pins"))
    assert (described["board"], described["meta"], described["closeups"]) == ("VARCHAR", "JSON", "BIGINT")
    assert rows(database, "SELECT DISTINCT board, meta, closeups FROM pins WHERE closeups IS NOT NULL") == [
        ("Garden", '{"a": [1]}', 4)
    ]
    assert rows(database, "SELECT count(*) FROM pins WHERE closeups IS NULL")[0][0] > 0
    with open_history(database) as history:  # as status, report, export and notebooks read it
        query = "SELECT DISTINCT board, closeups FROM pins WHERE closeups IS NOT NULL"
        assert history.sql(query).fetchall() == [("Garden", 4)]


def with_pins(answer: dict[str, Any], stats: dict[str, Any] | None = None, **fields: Any) -> dict[str, Any]:
    for pin in answer["data"]["posts"]:
        pin["stats"] = {**pin["stats"], **(stats or {})}
        pin.update(fields)
    return answer


@pytest.mark.parametrize(
    ("first", "then", "kind", "stored"),
    [
        (4, "four", "VARCHAR", {"4", "four"}),
        (4, 4.5, "DOUBLE", {4.0, 4.5}),
        (2**62 + 1, 4.5, "VARCHAR", {str(2**62 + 1), "4.5"}),
        (4.5, 2**62 + 1, "VARCHAR", {"4.5", str(2**62 + 1)}),
        (4.5, 4, "DOUBLE", {4.5, 4.0}),
        (4, 10**30, "VARCHAR", {"4", str(10**30)}),
        ("four", 4, "VARCHAR", {"4"}),  # what is no number is an attribute of the pin: the newest is kept
        (True, {"a": 1}, "VARCHAR", {'{"a": 1}'}),
        ([1], "four", "JSON", {'"four"'}),
    ],
)
def test_a_field_that_no_schema_declares_may_change_its_type_and_loses_nothing(
    sandbox: Sandbox, database: Path, days_later: Days, first: Any, then: Any, kind: str, stored: set[Any]
) -> None:
    config = {**sandbox.config(), "start_date": "2026-05-10"}
    sandbox.inject(Fault("edit", path="posts", times=None, edit=lambda a: with_pins(a, stats={"closeups": first})))
    sync(config, database, ["pins"])
    before = rows(database, "SELECT * EXCLUDE (closeups, _airbyte_extracted_at) FROM pins ORDER BY ALL")
    days_later(1)
    sandbox.reset_faults()
    sandbox.inject(Fault("edit", path="posts", times=None, edit=lambda a: with_pins(a, stats={"closeups": then})))

    assert sync(config, database, ["pins"]).exit_status == 0

    assert rows(database, "SELECT typeof(closeups) FROM pins LIMIT 1") == [(kind,)]
    assert {value for (value,) in rows(database, "SELECT DISTINCT closeups FROM pins")} == stored
    of_that_day = "SELECT * EXCLUDE (closeups, _airbyte_extracted_at) FROM pins WHERE snapshot_date = '2026-05-20'"
    assert rows(database, f"{of_that_day} ORDER BY ALL") == before


def test_fields_that_cannot_or_may_not_have_columns_are_kept_in_one(
    sandbox: Sandbox, database: Path, days_later: Days
) -> None:
    config = {**sandbox.config(), "start_date": "2026-05-10"}
    many = {f"field_{n}": n for n in range(1000)}
    odd = {"Text": "b", "TEXT": "c", "pin_key": 7, "_airbyte_extracted_at": "x", "": 1, 'a"; DROP TABLE': 2, "\x00": 3}
    sandbox.inject(Fault("edit", path="posts", times=None, edit=lambda a: with_pins(a, **odd, **many)))
    assert sync(config, database, ["pins"]).exit_status == 0
    days_later(1)
    sandbox.reset_faults()
    again = {"FIELD_1": "other case", "field_1": "another type"}
    sandbox.inject(Fault("edit", path="posts", times=None, edit=lambda a: with_pins(a, **again)))
    assert sync(config, database, ["pins"]).exit_status == 0

    described = [name for name, *_ in rows(database, "DESCRIBE pins")]
    assert len([name for name in described if name.startswith("field_")]) == 50
    newest = rows(database, "SELECT DISTINCT field_1, field_49, _other_fields FROM pins_latest")
    assert newest == [("another type", None, '{"FIELD_1": "other case"}')]
    kept = rows(database, "SELECT DISTINCT field_1, field_49 FROM pins WHERE snapshot_date = '2026-05-20'")
    assert kept == [("1", 49)]


def test_a_declared_type_that_differs_in_the_file_stops_the_sync_before_any_request(
    sandbox: Sandbox, database: Path
) -> None:
    with duckdb.connect(str(database)) as connection:
        connection.execute("CREATE TABLE account_followers (social_network_id VARCHAR, total_followers VARCHAR)")

    with pytest.raises(UserError, match=r"`total_followers` in stream `account_followers` has changed"):
        sync(sandbox.config(), database)

    assert sandbox.requests == []
    assert rows(database, "SELECT table_name FROM duckdb_tables()") == [("account_followers",)]


def test_null_is_kept_as_null_and_zero_as_zero(sandbox: Sandbox, database: Path) -> None:
    sandbox.inject(
        Fault("edit", path="posts", times=None, edit=lambda a: with_pins(a, stats={"saves": None, "clicks": 0}))
    )
    sync(sandbox.config(), database)

    assert rows(database, "SELECT DISTINCT saves, clicks FROM pins") == [(None, 0)]


def test_pins_without_an_id_are_left_out_and_counted(sandbox: Sandbox, database: Path) -> None:
    def nameless(answer: dict[str, Any]) -> dict[str, Any]:
        answer["data"]["posts"] = [{**pin, "id": None} for pin in answer["data"]["posts"][:1]] + answer["data"][
            "posts"
        ][1:]
        return answer

    sandbox.inject(Fault("edit", path="posts", times=None, edit=nameless))
    result = sync(sandbox.config(), database)

    assert result.warnings == ["Left out 3 records of pins that have no key."]
    assert result.streams["pins"]["rows"] == result.streams["pins"]["records"] - 3


def test_an_empty_account_is_done_and_leaves_empty_relations_that_can_be_read(sandbox: Sandbox, database: Path) -> None:
    for account in list(sandbox.account_ids):
        sandbox.remove_account(account)

    result = sync(sandbox.config(), database)

    assert (result.status, result.exit_status) == ("done", 0)
    assert contents(database) == {stream: [] for stream in [*KEYS, "pins_latest"]}


def test_every_record_is_counted_when_its_stream_is_done_whatever_the_batches(
    sandbox: Sandbox, database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Told(Progress):
        streams: ClassVar[dict[str, int]] = {}

        def finished(self, stream: str, records: int) -> None:
            self.streams[stream] = records

    monkeypatch.setattr(run_module, "BATCH_ROWS", 7)
    result = sync(sandbox.config(), database, progress=Told())

    stored = {stream: len(found) for stream, found in contents(database).items() if stream != "pins_latest"}
    assert {stream: counts["records"] for stream, counts in result.streams.items()} == stored
    assert Told.streams == stored


def test_rows_and_their_state_are_committed_together(sandbox: Sandbox, database: Path) -> None:
    sync(sandbox.config(), database, ["account_followers"])
    with History(database) as history:
        schema = {
            "properties": {
                "social_network_id": {"type": ["string"]},
                "snapshot_date": {"type": ["string"], "format": "date"},
            }
        }
        history.prepare({"account_followers": (schema, ["social_network_id", "snapshot_date"])})
        history.write("account_followers", [{"social_network_id": "lost", "snapshot_date": "2026-01-01"}])
        history.write_state("account_followers", {"lost": True})  # and no commit

    assert rows(database, "SELECT * FROM account_followers WHERE social_network_id = 'lost'") == []
    assert "lost" not in rows(database, "SELECT state FROM _airbyte_state")[0][0]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("requests_before", [5, 20])
def test_an_interrupted_sync_ends_at_once_says_what_is_kept_and_is_completed_by_the_next(
    tmp_path: Path, number: signal.Signals, requests_before: int
) -> None:
    with Sandbox(accounts=3, now=NOON, latency=0.2) as sandbox:
        config, database = tmp_path / "config.json", tmp_path / "history.duckdb"
        config.write_text(json.dumps(sandbox.config()))
        process = subprocess.Popen(
            command("sync", "--config", config, "--database", database),
            env=environment_of(NOON),
            stderr=subprocess.PIPE,
            text=True,
        )
        while len(sandbox.requests) < requests_before:
            time.sleep(0.01)
        process.send_signal(number)
        _, words = process.communicate(timeout=10)

        assert process.returncode == 130
        assert "stopped; what was synced so far is kept" in words
        assert "Traceback" not in words
        assert rows(database, "SELECT status FROM _sync_runs") == [("interrupted",)]
        assert run("sync", "--config", config, "--database", database).returncode == 0
    assert doubled_keys(database) == []


def test_the_key_is_in_no_byte_that_a_sync_leaves(tmp_path: Path) -> None:
    key = "k/e+y=1 ü&x"
    forms = {key, quote(key), quote(key, safe=""), quote_plus(key), json.dumps(key)[1:-1]}
    with Sandbox(accounts=3, now=NOON, api_key=key) as sandbox:
        answer = {"success": False, "message": f"Account of {key} and {quote_plus(key)}"}
        sandbox.inject(
            Fault("status", status=404, body=answer, social_network_id=sandbox.account_ids[0], times=None, path="posts")
        )
        config, folder = tmp_path / "config.json", tmp_path / "out"
        config.write_text(json.dumps(sandbox.config()))
        folder.mkdir()
        ended = run("sync", "--config", config, "--database", folder / "history.duckdb", "--json", TMPDIR=str(folder))
    assert ended.returncode == 3
    stored = rows(folder / "history.duckdb", "SELECT skipped_accounts FROM _sync_runs")[0][0]
    assert "****" in stored
    left = [path for path in folder.rglob("*") if path.is_file()]
    written = ended.stdout + ended.stderr + stored + "".join(path.read_bytes().decode("latin-1") for path in left)
    assert [form for form in forms if form in written or form.encode().decode("latin-1") in written] == []
    assert [path.name for path in left] == ["history.duckdb"]


def test_a_config_file_that_others_can_read_is_one_line_on_stderr_that_stops_nothing(
    sandbox: Sandbox, database: Path, config_file: Path
) -> None:
    def words() -> list[str]:
        ended = run("sync", "--config", config_file, "--database", database, "--streams", "accounts", "--json")
        assert json.loads(ended.stdout)["status"] == "done"
        return [line for line in ended.stderr.splitlines() if "chmod" in line]

    assert words() == []
    config_file.chmod(0o644)
    assert words() == [
        f"warning: Other users of this machine can read the config file {config_file}, which holds your key: "
        f"run `chmod 600 {config_file}`."
    ]


def test_a_second_writer_waits_a_little_and_is_told_in_one_sentence(
    sandbox: Sandbox, database: Path, config_file: Path
) -> None:
    sync(sandbox.config(), database)
    with duckdb.connect(str(database)):
        ended = run("sync", "--config", config_file, "--database", database)

    assert ended.returncode == 1
    waiting, told = ended.stderr.splitlines()
    assert waiting == f"{database} is in use by another program: waiting up to 10 seconds for it."
    assert f"{database} is in use by another program (process {os.getpid()})" in told


@pytest.mark.parametrize(
    ("content", "status"), [("not a database, but long enough to look like a file " * 9, 2), (None, 2)]
)
def test_a_path_that_is_no_database_is_one_sentence_and_is_left_as_it_was(
    config_file: Path, tmp_path: Path, content: str | None, status: int
) -> None:
    path = tmp_path / "other"
    if content is None:
        path.mkdir()
    else:
        path.write_text(content)

    ended = run("sync", "--config", config_file, "--database", path)

    assert ended.returncode == status, ended.stderr
    assert str(path) in ended.stderr
    assert "Traceback" not in ended.stderr
    assert content is None or path.read_text() == content


def test_the_command_ends_with_a_summary_for_people_and_one_json_object_for_machines(
    sandbox: Sandbox, database: Path, config_file: Path
) -> None:
    ended = run("sync", "--config", config_file, "--database", database, "--json")

    summary = json.loads(ended.stdout)
    assert ended.returncode == 0
    assert summary["status"] == "done"
    assert summary["skipped_accounts"] == []
    assert summary["requests"] == len(sandbox.requests)
    assert summary["duration_seconds"] > 0
    assert set(summary["streams"]) == set(KEYS)
    assert summary["streams"]["accounts"] == {"records": 3, "rows": 3}
    assert "pins: " in ended.stderr
    assert ended.stderr.splitlines()[-1].startswith("done: ")


def test_an_account_that_cannot_be_read_is_named_and_the_exit_status_is_3(
    sandbox: Sandbox, database: Path, config_file: Path
) -> None:
    bad = sandbox.account_ids[1]
    sandbox.inject(
        Fault("status", social_network_id=bad, status=404, body={"success": False, "message": "Not yours."}, times=None)
    )

    ended = run("sync", "--config", config_file, "--database", database, "--json")

    summary = json.loads(ended.stdout)
    assert ended.returncode == 3
    assert summary["status"] == "partial"
    assert [entry["social_network_id"] for entry in summary["skipped_accounts"]] == [bad]
    assert "Not yours." in summary["skipped_accounts"][0]["reason"]
    assert f"skipped: {bad}: " in ended.stderr
    assert len(rows(database, "SELECT DISTINCT social_network_id FROM pins")) == 2


@pytest.mark.parametrize(
    ("change", "environment", "status", "words"),
    [
        ({"api_key": "wrong"}, {}, 2, "`api_key`"),
        ({"api_key": None}, {}, 2, "`api_key`"),
        ({"api_key": None}, {"ONEUP_API_KEY": "sandbox-key"}, 0, "done"),
        ({"preset": "last_2_days"}, {}, 2, "`preset`"),
        ({"start_date": "2999-01-01"}, {}, 2, "`start_date`"),
        ({"social_network_ids": ["nobody"]}, {}, 2, "nobody"),
    ],
)
def test_a_config_that_is_not_valid_is_one_sentence_that_names_the_key_and_nothing_is_lost(
    sandbox: Sandbox,
    database: Path,
    tmp_path: Path,
    change: dict[str, Any],
    environment: dict[str, str],
    status: int,
    words: str,
) -> None:
    sync(sandbox.config(), database)
    before = contents(database)
    config = {name: value for name, value in {**sandbox.config(), **change}.items() if value is not None}
    file = tmp_path / "config.json"
    file.write_text(json.dumps(config))

    ended = run("sync", "--config", file, "--database", database, **environment)

    assert ended.returncode == status, ended.stderr
    assert words in ended.stderr
    assert "Traceback" not in ended.stderr
    after = contents(database)
    assert {stream: after[stream] for stream in after if stream != "accounts"} == {
        stream: before[stream] for stream in before if stream != "accounts"
    }


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["sync", "--streams", "pins,boards"], "'boards'"),
        (["sync", "--streams", ""], "No stream"),
        (["sync", "--config", "nowhere.json"], "nowhere.json"),
        (["sync", "--colour"], "--colour"),
        (["synch"], "synch"),
        ([], "COMMAND"),
        (["demo", "--days", "0"], "--days"),
    ],
)
def test_wrong_usage_ends_with_status_2_and_says_what_is_wrong(
    sandbox: Sandbox, config_file: Path, tmp_path: Path, arguments: list[str], words: str
) -> None:
    if arguments[:2] == ["sync", "--streams"]:
        arguments = [*arguments, "--config", str(config_file), "--database", str(tmp_path / "x.duckdb")]
    ended = run(*arguments)

    assert ended.returncode == 2, ended.stderr
    assert words in ended.stderr
    assert "Traceback" not in ended.stderr


def test_the_file_is_of_a_storage_version_that_duckdb_1_2_and_later_can_read(sandbox: Sandbox, database: Path) -> None:
    sync(sandbox.config(), database)

    with opened(database) as connection:
        tags = connection.sql("SELECT tags FROM duckdb_databases() WHERE path IS NOT NULL").fetchall()
    assert "v1.2" in str(tags)
    assert database.read_bytes()[12] == 65  # the number of that format; DuckDB 1.5 reads up to 68
