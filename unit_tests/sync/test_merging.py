"""What a batch replaces in the file, and what it leaves: written directly, without a connector."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from oneup_pinterest.sync.merging import Merged
from oneup_pinterest.sync.writer import DatabaseWriter
from test_support.stream_schemas import SCHEMAS

PERIOD = {"social_network_id": "pin_a", "period_start": "2026-05-01", "period_end": "2026-05-07"}
OF_PRESET = {**PERIOD, "preset": "last_7_days"}
PIN = {"social_network_id": "pin_a", "id": "1", "snapshot_date": "2026-05-20"}
Rows = Sequence[Mapping[str, Any]]


class File:
    """A database that is synced run by run."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def run(self, stream: str, *batches: Rows) -> list[Merged]:
        """One sync: its batches are committed together."""
        with DatabaseWriter(self.path) as history:
            history.prepare({stream: SCHEMAS[stream]})
            written = [history.write(stream, batch) for batch in batches]
            history.commit()
        return [Merged(batch.new_rows, batch.kept, batch.only_zeros) for batch in written]

    def rows(self, query: str) -> list[Any]:
        with DatabaseWriter(self.path) as history:
            return history._connection.execute(query).fetchall()


@pytest.fixture
def file(tmp_path: Path) -> File:
    return File(tmp_path / "history.duckdb")


# ---- lists and periods


def entries(*ids: str | None, ranking: str = "most_views", **fields: Any) -> list[dict[str, Any]]:
    return [
        {**OF_PRESET, "ranking": ranking, "position": place, "id": name, **fields} for place, name in enumerate(ids, 1)
    ]


LISTED = "SELECT ranking, position, id FROM post_performance ORDER BY ALL"


def test_a_shorter_list_leaves_no_position_of_the_earlier_one(file: File) -> None:
    file.run("post_performance", entries("a", "b", "c"))
    (merged,) = file.run("post_performance", entries("b", "a"))

    assert file.rows(LISTED) == [("most_views", 1, "b"), ("most_views", 2, "a")]
    assert merged == Merged(0)


def test_a_ranking_that_is_gone_is_removed_when_the_period_comes_again(file: File) -> None:
    file.run("post_performance", entries("a", "b"), entries("c", ranking="least_views"))
    file.run("post_performance", entries("a", "b"))

    assert file.rows(LISTED) == [("most_views", 1, "a"), ("most_views", 2, "b")]


def test_other_accounts_presets_and_periods_keep_their_lists(file: File) -> None:
    others = [
        {**entry, name: value}
        for entry in entries("x", "y")
        for name, value in (
            ("social_network_id", "pin_b"),
            ("preset", "last_30_days"),
            ("period_end", "2026-05-08"),
        )
    ]
    file.run("post_performance", entries("a", "b", "c"), others)
    file.run("post_performance", entries("a"))

    assert len(file.rows("FROM post_performance")) == 1 + len(others)


@pytest.mark.parametrize("cut", [1, 2, 3, 5])
@pytest.mark.parametrize("are_committed", [False, True])
def test_a_period_that_is_cut_in_two_by_a_batch_is_replaced_once(tmp_path: Path, cut: int, are_committed: bool) -> None:
    file = File(tmp_path / "history.duckdb")
    file.run("post_performance", entries("a", "b", "c", text="A pin"), entries("d", "e", "f", ranking="least_views"))
    again = [*entries("a", "b"), *entries("f", "e", "d", "c", ranking="least_views")]
    with DatabaseWriter(file.path) as history:
        history.prepare({"post_performance": SCHEMAS["post_performance"]})
        for batch in (again[:cut], again[cut:]):
            history.write("post_performance", batch)
            if are_committed:
                history.commit()
        history.commit()

    assert file.rows("SELECT ranking, position, id, text FROM post_performance ORDER BY ALL") == [
        ("least_views", 1, "f", None),
        ("least_views", 2, "e", None),
        ("least_views", 3, "d", None),
        ("least_views", 4, "c", None),
        ("most_views", 1, "a", "A pin"),
        ("most_views", 2, "b", "A pin"),
    ]


def test_a_run_that_fails_removes_nothing(file: File) -> None:
    file.run("post_performance", entries("a", "b", "c"))
    with DatabaseWriter(file.path) as history:
        history.prepare({"post_performance": SCHEMAS["post_performance"]})
        history.write("post_performance", entries("b"))  # and no commit

    assert len(file.rows("FROM post_performance")) == 3


def test_an_answer_without_any_row_leaves_the_lists_of_its_period(file: File) -> None:
    file.run("post_performance", entries("a"))
    file.run("post_performance", [])

    assert file.rows(LISTED) == [("most_views", 1, "a")]


@pytest.mark.parametrize(("stream", "scope"), [("overview_metrics", OF_PRESET), ("pin_totals", PERIOD)])
def test_a_metric_that_is_gone_is_removed_with_its_period(file: File, stream: str, scope: dict[str, str]) -> None:
    def metrics(*keys: str, **fields: Any) -> list[dict[str, Any]]:
        return [{**scope, "key": key, "value_current_period": 5, **fields} for key in keys]

    file.run(stream, metrics("saves", "clicks", "posts"), metrics("saves", "clicks", period_end="2026-05-14"))
    (merged,) = file.run(stream, metrics("saves", "closeups"))

    kept = f"SELECT period_end::VARCHAR, key FROM {stream} ORDER BY ALL"
    assert file.rows(kept) == [
        ("2026-05-07", "closeups"),
        ("2026-05-07", "saves"),
        ("2026-05-14", "clicks"),
        ("2026-05-14", "saves"),
    ]
    assert merged == Merged(1)


def test_windows_of_pin_totals_with_the_same_end_are_apart(file: File) -> None:
    longer = {**PERIOD, "period_start": "2026-04-01"}
    file.run("pin_totals", [{**PERIOD, "key": "saves"}, {**longer, "key": "saves"}, {**longer, "key": "clicks"}])
    file.run("pin_totals", [{**PERIOD, "key": "clicks"}])

    assert len(file.rows("FROM pin_totals")) == 3


# ---- null replaces no value


def test_null_replaces_no_value_of_the_same_entry_but_another_entry_replaces_it_whole(file: File) -> None:
    file.run("post_performance", entries("a", "b", "c", text="A pin", engagement_rate=2.5))
    (merged,) = file.run("post_performance", entries("a", "x", None, permalink="p"))

    query = "SELECT position, id, text, engagement_rate, permalink FROM post_performance ORDER BY ALL"
    assert file.rows(query) == [
        (1, "a", "A pin", 2.5, "p"),
        (2, "x", None, None, "p"),
        (3, "c", "A pin", 2.5, "p"),
    ]
    assert merged.kept == {"id": 1, "text": 2, "engagement_rate": 2}


def test_an_account_keeps_what_is_known_of_it_without_a_word_where_the_config_names_it(file: File) -> None:
    known = {
        "username": "a",
        "full_name": "A",
        "social_network_type": "pinterest",
        "is_expired": True,
        "need_refresh": True,
    }
    account = {"social_network_id": "pin_a"}
    file.run("accounts", [{**account, **known}])
    (named,) = file.run("accounts", [{**account, **dict.fromkeys(known)}])
    (listed,) = file.run("accounts", [{**account, **known, "full_name": None, "is_expired": False}])

    assert (named, listed) == (Merged(0), Merged(0, {"full_name": 1}))
    assert file.rows("SELECT * EXCLUDE (_airbyte_extracted_at) FROM accounts") == [
        ("pin_a", "a", "A", "pinterest", False, True)
    ]


def test_pins_keep_counters_of_the_day_and_attributes_of_all_days(file: File) -> None:
    file.run("pins", [{**PIN, "text": "A pin", "format": "image", "impressions": 100, "saves": 5}])
    (same_day,) = file.run("pins", [{**PIN, "text": None, "format": "video", "impressions": 110, "saves": None}])
    (next_day,) = file.run("pins", [{**PIN, "snapshot_date": "2026-05-21", "impressions": 120}])

    assert same_day == Merged(0, {"text": 1, "saves": 1})
    assert next_day == Merged(1, {"text": 1, "format": 1})
    assert file.rows("SELECT snapshot_date::VARCHAR, text, format, impressions, saves FROM pins ORDER BY 1") == [
        ("2026-05-20", "A pin", "video", 110, 5),
        ("2026-05-21", "A pin", "video", 120, None),
    ]


def test_a_field_without_a_schema_that_is_missing_later_that_day_is_kept(file: File) -> None:
    odd = {"größe": 1, "a\x00": {"b": None}, "closeups": 4, "board": "Garden", "stats": ["closeups"]}
    file.run("pins", [{**PIN, **odd, "impressions": 1}])
    (merged,) = file.run("pins", [{**PIN, "größe": 2, "tail\n": 3, "impressions": 2}])
    (again,) = file.run("pins", [{**PIN, "impressions": 2}])

    ((board, closeups, others),) = file.rows("SELECT board, closeups, _other_fields FROM pins")
    assert (board, closeups, others) == ("Garden", 4, r'{"größe":2,"a\u0000":{"b":null},"tail\n":3}')
    assert merged.kept == again.kept == {"closeups": 1, "_other_fields": 1}


@pytest.mark.parametrize("sizes", [(2,), (1, 1)])
def test_the_same_key_twice_in_a_run_is_merged_whatever_the_batches(file: File, sizes: tuple[int, ...]) -> None:
    rows = [{**PIN, "text": "A pin", "saves": 5, "clicks": 7}, {**PIN, "saves": None, "clicks": 8}]
    file.run("pins", *([rows] if sizes == (2,) else [rows[:1], rows[1:]]))

    assert file.rows("SELECT text, saves, clicks FROM pins") == [("A pin", 5, 8)]


def test_several_days_of_a_pin_in_one_batch_give_it_the_newest_attributes_that_are_known(file: File) -> None:
    days = [{**PIN, "snapshot_date": f"2026-05-{day}", "saves": day} for day in (21, 20, 22)]
    file.run("pins", [{**days[0], "text": "new"}, {**days[1], "text": "old", "format": "image"}, days[2]])

    assert file.rows("SELECT text, format, saves FROM pins ORDER BY saves") == [
        ("new", "image", day) for day in (20, 21, 22)
    ]


def test_an_older_day_that_comes_later_only_fills_what_is_not_known_of_a_pin(file: File) -> None:
    file.run("pins", [{**PIN, "text": "new", "saves": 2}])
    day = {"snapshot_date": "2026-05-19", "text": "old", "format": "image"}
    file.run("pins", [{**PIN, **day, "saves": 1}, {**PIN, **day, "id": "2"}])

    query = "SELECT id, snapshot_date::VARCHAR, text, format, saves FROM pins ORDER BY ALL"
    assert file.rows(query) == [
        ("1", "2026-05-19", "new", "image", 1),
        ("1", "2026-05-20", "new", "image", 2),
        ("2", "2026-05-19", "old", "image", None),
    ]


@pytest.mark.parametrize(
    ("stream", "rows"),
    [
        ("pins", [{**PIN, "id": name, "saves": 1} for name in "ab"]),
        ("accounts", [{"social_network_id": name, "username": name} for name in "ab"]),
        ("account_followers", [{"social_network_id": name, "snapshot_date": "2026-05-20"} for name in "ab"]),
    ],
)
def test_rows_of_pins_accounts_and_followers_that_do_not_come_again_stay(file: File, stream: str, rows: Rows) -> None:
    file.run(stream, rows)
    file.run(stream, rows[:1])

    assert len(file.rows(f"FROM {stream}")) == 2


# ---- nothing but zeros replace no figures


def test_followers_of_an_expired_connection_do_not_replace_those_of_the_same_day(file: File) -> None:
    day = {"social_network_id": "pin_a", "snapshot_date": "2026-05-20"}
    file.run("account_followers", [{**day, "total_followers": 1200}])
    (merged,) = file.run("account_followers", [{**day, "total_followers": 0}])

    assert merged == Merged(0, {}, only_zeros=1)
    assert file.rows("SELECT total_followers FROM account_followers") == [(1200,)]


def test_a_period_of_zeros_replaces_none_with_figures_but_single_zeros_do(file: File) -> None:
    def metrics(**values: float) -> list[dict[str, Any]]:
        return [
            {**OF_PRESET, "key": key, "value_current_period": value, "value_last_period": 0, "percentage_change": "0%"}
            for key, value in values.items()
        ]

    query = "SELECT key, value_current_period FROM overview_metrics ORDER BY key"
    file.run("overview_metrics", metrics(saves=5, clicks=7, posts=0))
    (broken,) = file.run("overview_metrics", metrics(saves=0, clicks=0, posts=0))
    assert (broken.only_zeros, file.rows(query)) == (3, [("clicks", 7), ("posts", 0), ("saves", 5)])

    file.run("overview_metrics", metrics(saves=0), metrics(clicks=8, posts=0))  # cut in two by a batch
    assert file.rows(query) == [("clicks", 8), ("posts", 0), ("saves", 0)]


def test_a_pin_whose_counters_are_all_zero_keeps_those_of_the_same_day(file: File) -> None:
    counters = ("impressions", "saves", "comments", "repins", "clicks")
    file.run("pins", [{**PIN, **dict.fromkeys(counters, 3)}, {**PIN, "id": "2", **dict.fromkeys(counters, 0)}])
    (merged,) = file.run("pins", [{**PIN, "id": name, **dict.fromkeys(counters, 0)} for name in ("1", "2")])

    assert merged == Merged(0, {}, only_zeros=1)
    assert file.rows("SELECT id, impressions, clicks FROM pins ORDER BY id") == [("1", 3, 3), ("2", 0, 0)]
    file.run("pins", [{**PIN, **dict.fromkeys(counters, 0), "saves": 2}])
    assert file.rows("SELECT impressions, saves FROM pins WHERE id = '1'") == [(0, 2)]
