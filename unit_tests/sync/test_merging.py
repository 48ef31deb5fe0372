"""A batch replaces the stored rows of its keys and periods, but no known value with an unknown one."""

from pathlib import Path
from typing import Any

import pytest

from oneup_pinterest.sync.merging import MergeResult
from oneup_pinterest.sync.writer import DatabaseWriter
from test_support.stream_schemas import SCHEMAS
from unit_tests.sync.synced_file import PERIOD, PIN, Rows, SyncedFile

OF_PRESET = {**PERIOD, "preset": "last_7_days"}


# ---- lists and periods


def entries(*ids: str | None, ranking: str = "most_views", **fields: Any) -> list[dict[str, Any]]:
    return [
        {**OF_PRESET, "ranking": ranking, "position": place, "id": name, **fields} for place, name in enumerate(ids, 1)
    ]


LISTED = "SELECT ranking, position, id FROM post_performance ORDER BY ALL"


def test_shorter_list_removes_extra_positions(file: SyncedFile) -> None:
    file.run("post_performance", entries("a", "b", "c"))
    (merged,) = file.run("post_performance", entries("b", "a"))

    assert file.rows(LISTED) == [("most_views", 1, "b"), ("most_views", 2, "a")]
    assert merged == MergeResult(0)


def test_missing_ranking_is_removed_with_its_period(file: SyncedFile) -> None:
    file.run("post_performance", entries("a", "b"), entries("c", ranking="least_views"))
    file.run("post_performance", entries("a", "b"))

    assert file.rows(LISTED) == [("most_views", 1, "a"), ("most_views", 2, "b")]


def test_other_accounts_presets_and_periods_keep_their_lists(file: SyncedFile) -> None:
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
def test_period_split_between_batches_is_replaced_once(tmp_path: Path, cut: int, are_committed: bool) -> None:
    file = SyncedFile(tmp_path / "history.duckdb")
    file.run("post_performance", entries("a", "b", "c", text="A pin"), entries("d", "e", "f", ranking="least_views"))
    again = [*entries("a", "b"), *entries("f", "e", "d", "c", ranking="least_views")]
    with DatabaseWriter(file.path) as writer:
        writer.prepare({"post_performance": SCHEMAS["post_performance"]})
        for batch in (again[:cut], again[cut:]):
            writer.write("post_performance", batch)
            if are_committed:
                writer.commit()
        writer.commit()

    assert file.rows("SELECT ranking, position, id, text FROM post_performance ORDER BY ALL") == [
        ("least_views", 1, "f", None),
        ("least_views", 2, "e", None),
        ("least_views", 3, "d", None),
        ("least_views", 4, "c", None),
        ("most_views", 1, "a", "A pin"),
        ("most_views", 2, "b", "A pin"),
    ]


def test_run_without_commit_removes_nothing(file: SyncedFile) -> None:
    file.run("post_performance", entries("a", "b", "c"))
    with DatabaseWriter(file.path) as writer:
        writer.prepare({"post_performance": SCHEMAS["post_performance"]})
        writer.write("post_performance", entries("b"))  # without a commit

    assert len(file.rows("FROM post_performance")) == 3


def test_empty_response_keeps_the_lists_of_its_period(file: SyncedFile) -> None:
    file.run("post_performance", entries("a"))
    file.run("post_performance", [])

    assert file.rows(LISTED) == [("most_views", 1, "a")]


@pytest.mark.parametrize(("stream", "scope"), [("overview_metrics", OF_PRESET), ("pin_totals", PERIOD)])
def test_missing_metric_is_removed_with_its_period(file: SyncedFile, stream: str, scope: dict[str, str]) -> None:
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
    assert merged == MergeResult(1)


def test_pin_totals_windows_with_the_same_end_are_separate(file: SyncedFile) -> None:
    longer = {**PERIOD, "period_start": "2026-04-01"}
    file.run("pin_totals", [{**PERIOD, "key": "saves"}, {**longer, "key": "saves"}, {**longer, "key": "clicks"}])
    file.run("pin_totals", [{**PERIOD, "key": "clicks"}])

    assert len(file.rows("FROM pin_totals")) == 3


# ---- null does not replace values


def test_null_keeps_values_of_the_same_entry_but_not_of_another(file: SyncedFile) -> None:
    file.run("post_performance", entries("a", "b", "c", text="A pin", engagement_rate=2.5))
    (merged,) = file.run("post_performance", entries("a", "x", None, permalink="p"))

    query = "SELECT position, id, text, engagement_rate, permalink FROM post_performance ORDER BY ALL"
    assert file.rows(query) == [
        (1, "a", "A pin", 2.5, "p"),
        (2, "x", None, None, "p"),
        (3, "c", "A pin", 2.5, "p"),
    ]
    assert merged.kept == {"id": 1, "text": 2, "engagement_rate": 2}


def test_configured_account_keeps_its_known_values_silently(file: SyncedFile) -> None:
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

    assert (named, listed) == (MergeResult(0), MergeResult(0, {"full_name": 1}))
    assert file.rows("SELECT * EXCLUDE (_airbyte_extracted_at) FROM accounts") == [
        ("pin_a", "a", "A", "pinterest", False, True)
    ]


def test_pins_keep_counters_per_day_and_attributes_across_days(file: SyncedFile) -> None:
    file.run("pins", [{**PIN, "text": "A pin", "format": "image", "impressions": 100, "saves": 5}])
    (same_day,) = file.run("pins", [{**PIN, "text": None, "format": "video", "impressions": 110, "saves": None}])
    (next_day,) = file.run("pins", [{**PIN, "snapshot_date": "2026-05-21", "impressions": 120}])

    assert same_day == MergeResult(0, {"text": 1, "saves": 1})
    assert next_day == MergeResult(1, {"text": 1, "format": 1})
    assert file.rows("SELECT snapshot_date::VARCHAR, text, format, impressions, saves FROM pins ORDER BY 1") == [
        ("2026-05-20", "A pin", "video", 110, 5),
        ("2026-05-21", "A pin", "video", 120, None),
    ]


def test_undeclared_field_missing_later_that_day_is_kept(file: SyncedFile) -> None:
    odd = {"größe": 1, "a\x00": {"b": None}, "closeups": 4, "board": "Garden", "stats": ["closeups"]}
    file.run("pins", [{**PIN, **odd, "impressions": 1}])
    (merged,) = file.run("pins", [{**PIN, "größe": 2, "tail\n": 3, "impressions": 2}])
    (again,) = file.run("pins", [{**PIN, "impressions": 2}])

    ((board, closeups, others),) = file.rows("SELECT board, closeups, _other_fields FROM pins")
    assert (board, closeups, others) == ("Garden", 4, r'{"größe":2,"a\u0000":{"b":null},"tail\n":3}')
    assert merged.kept == again.kept == {"closeups": 1, "_other_fields": 1}


@pytest.mark.parametrize("sizes", [(2,), (1, 1)])
def test_duplicate_key_in_a_run_is_merged_across_batches(file: SyncedFile, sizes: tuple[int, ...]) -> None:
    rows = [{**PIN, "text": "A pin", "saves": 5, "clicks": 7}, {**PIN, "saves": None, "clicks": 8}]
    file.run("pins", *([rows] if sizes == (2,) else [rows[:1], rows[1:]]))

    assert file.rows("SELECT text, saves, clicks FROM pins") == [("A pin", 5, 8)]


def test_newest_known_attributes_win_within_a_batch(file: SyncedFile) -> None:
    days = [{**PIN, "snapshot_date": f"2026-05-{day}", "saves": day} for day in (21, 20, 22)]
    file.run("pins", [{**days[0], "text": "new"}, {**days[1], "text": "old", "format": "image"}, days[2]])

    assert file.rows("SELECT text, format, saves FROM pins ORDER BY saves") == [
        ("new", "image", day) for day in (20, 21, 22)
    ]


def test_older_day_only_fills_unknown_attributes(file: SyncedFile) -> None:
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
def test_pins_accounts_and_followers_are_kept_if_missing_later(file: SyncedFile, stream: str, rows: Rows) -> None:
    file.run(stream, rows)
    file.run(stream, rows[:1])

    assert len(file.rows(f"FROM {stream}")) == 2


# ---- only zeros do not replace figures


def test_zero_followers_do_not_replace_followers_of_the_same_day(file: SyncedFile) -> None:
    day = {"social_network_id": "pin_a", "snapshot_date": "2026-05-20"}
    file.run("account_followers", [{**day, "total_followers": 1200}])
    (merged,) = file.run("account_followers", [{**day, "total_followers": 0}])

    assert merged == MergeResult(0, {}, only_zeros=1)
    assert file.rows("SELECT total_followers FROM account_followers") == [(1200,)]


def test_only_a_period_of_all_zeros_keeps_the_stored_figures(file: SyncedFile) -> None:
    def metrics(**values: float) -> list[dict[str, Any]]:
        return [
            {**OF_PRESET, "key": key, "value_current_period": value, "value_last_period": 0, "percentage_change": "0%"}
            for key, value in values.items()
        ]

    query = "SELECT key, value_current_period FROM overview_metrics ORDER BY key"
    file.run("overview_metrics", metrics(saves=5, clicks=7, posts=0))
    (broken,) = file.run("overview_metrics", metrics(saves=0, clicks=0, posts=0))
    assert (broken.only_zeros, file.rows(query)) == (3, [("clicks", 7), ("posts", 0), ("saves", 5)])

    file.run("overview_metrics", metrics(saves=0), metrics(clicks=8, posts=0))  # split between two batches
    assert file.rows(query) == [("clicks", 8), ("posts", 0), ("saves", 0)]


def test_pin_with_only_zeros_keeps_its_counters_of_the_day(file: SyncedFile) -> None:
    counters = ("impressions", "saves", "comments", "repins", "clicks")
    file.run("pins", [{**PIN, **dict.fromkeys(counters, 3)}, {**PIN, "id": "2", **dict.fromkeys(counters, 0)}])
    (merged,) = file.run("pins", [{**PIN, "id": name, **dict.fromkeys(counters, 0)} for name in ("1", "2")])

    assert merged == MergeResult(0, {}, only_zeros=1)
    assert file.rows("SELECT id, impressions, clicks FROM pins ORDER BY id") == [("1", 3, 3), ("2", 0, 0)]
    file.run("pins", [{**PIN, **dict.fromkeys(counters, 0), "saves": 2}])
    assert file.rows("SELECT impressions, saves FROM pins WHERE id = '1'") == [(0, 2)]
