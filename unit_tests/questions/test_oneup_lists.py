"""OneUp's own lists are shown as sent: of the newest period of one preset, also for pins that were never synced."""

from datetime import date, datetime
from pathlib import Path
from typing import Any

import duckdb
import polars as pl

from oneup_pinterest.database.schema import TABLES
from oneup_pinterest.history.account_history import AccountHistory, load_account_history
from oneup_pinterest.questions.oneup_lists.answer import NOTE, oneup_lists_answer
from oneup_pinterest.questions.oneup_lists.statistic import RANKINGS, oneup_lists
from test_support.history import make_history

PINS = TABLES["pins"].schema
SCHEMA = TABLES["post_performance"].schema


def entry(ranking: str, position: int | None, pin: str | None, **values: Any) -> dict[str, Any]:
    return {
        "social_network_id": "pin_one",
        "preset": "last_30_days",
        "period_start": date(2026, 3, 1),
        "period_end": date(2026, 3, 30),
        "ranking": ranking,
        "position": position,
        "id": pin,
        "text": f"text of {pin}",
        "permalink": f"https://www.pinterest.com/pin/{pin}/",
        "engagement_rate": 5.25,
        "_airbyte_extracted_at": datetime(2026, 3, 31, 6),
        **values,
    }


def history_of(*entries: dict[str, Any], pins: pl.DataFrame | None = None) -> AccountHistory:
    lists = pl.DataFrame(entries, schema=SCHEMA)
    return AccountHistory("pin_one", pl.DataFrame(schema=PINS) if pins is None else pins, post_performance=lists)


def seen_pin(pin: str, text: str | None) -> pl.DataFrame:
    row = {"social_network_id": "pin_one", "id": pin, "text": text, "snapshot_date": date(2026, 3, 31)}
    return pl.DataFrame([row], schema=PINS)


def test_lists_have_the_order_of_oneup() -> None:
    entries = [entry(ranking, position, f"{ranking}{position}") for ranking in sorted(RANKINGS) for position in (2, 1)]
    found = oneup_lists(history_of(*entries, entry("a_new_list", 1, "9")))
    assert found.entries.select("ranking", "position").rows() == [
        *((ranking, position) for ranking in RANKINGS for position in (1, 2)),
        ("a_new_list", 1),
    ]
    assert (found.start, found.end) == (date(2026, 3, 1), date(2026, 3, 30))


def test_only_the_newest_period_of_the_preset_synced_last_is_shown() -> None:
    earlier, later = datetime(2026, 3, 30, 6), datetime(2026, 3, 31, 6)
    week = {"preset": "last_7_days", "_airbyte_extracted_at": later}
    found = oneup_lists(
        history_of(
            entry("most_views", 1, "older", period_end=date(2026, 3, 23), **week),
            entry("most_views", 1, "newest", period_end=date(2026, 3, 29), **week),
            entry("most_views", 1, "other preset", period_end=date(2026, 3, 30), _airbyte_extracted_at=earlier),
        )
    )
    assert found.entries["id"].to_list() == ["newest"]


def test_text_and_link_of_a_pin_are_as_last_seen_and_of_the_list_for_others() -> None:
    lists = [entry("most_views", 1, "1"), entry("most_views", 2, "2"), entry("most_views", 3, "1", text=None)]
    shown = oneup_lists(history_of(*lists, pins=seen_pin("1", "Soup"))).entries
    assert shown["text"].to_list() == ["Soup", "text of 2", "Soup"]
    assert shown["permalink"].to_list() == [f"https://www.pinterest.com/pin/{pin}/" for pin in ("1", "2", "1")]
    unknown = oneup_lists(history_of(*lists, pins=seen_pin("1", " "))).entries
    assert unknown["text"].to_list() == ["text of 1", "text of 2", None]


def test_answer_names_the_first_pins_and_says_whose_lists_these_are() -> None:
    answer = oneup_lists_answer(history_of(entry("most_views", 1, "1"), entry("least_views", 1, "2")))
    assert answer.sentence == (
        "OneUp's first pins, for the period from 1 Mar 2026 to 30 Mar 2026: most views “text of 1”."
    )
    assert answer.notes == (NOTE,)
    assert answer.table is not None
    assert answer.table.rows() == [
        ("Most views", 1, "text of 1", "https://www.pinterest.com/pin/1/", 5.25),
        ("Least views", 1, "text of 2", "https://www.pinterest.com/pin/2/", 5.25),
    ]
    assert answer.pins == ("1", "2")


def test_entry_without_id_text_and_position_is_shown() -> None:
    bare = entry("most_views", None, None, text=None, permalink="javascript:alert(1)", engagement_rate=None)
    answer = oneup_lists_answer(history_of(bare))
    assert "“a pin without a text”" in answer.sentence
    assert answer.table is not None
    assert answer.table.row(0) == ("Most views", None, "", None, None)
    assert answer.pins == (None,)


def test_no_lists_give_no_answer_yet() -> None:
    assert oneup_lists_answer(history_of()).sentence.startswith("Not enough data yet: no list of OneUp")
    assert oneup_lists_answer(history_of(entry("most_views", 1, "1") | {"ranking": None})).table is None


def test_a_file_gives_the_newest_lists_of_the_chosen_days_and_one_without_them_gives_none(tmp_path: Path) -> None:
    database = make_history(tmp_path / "h.duckdb", ("pin_one",), days=1)
    with duckdb.connect(database) as connection:
        connection.execute("DELETE FROM post_performance")
        for day, pin in ((23, "older"), (30, "newest")):
            connection.execute(
                "INSERT INTO post_performance BY NAME SELECT 'pin_one' AS social_network_id, 'most_views' AS ranking, "
                "1 AS position, ? AS id, ?::DATE AS period_end",  # no preset, as in a file of another tool
                [pin, date(2026, 3, day)],
            )
    assert load_account_history(database, "pin_one").post_performance["id"].to_list() == ["newest"]
    until = load_account_history(database, "pin_one", until=date(2026, 3, 25))
    assert oneup_lists(until).entries["id"].to_list() == ["older"]
    with duckdb.connect(database) as connection:
        connection.execute("DROP TABLE post_performance")
    assert oneup_lists(load_account_history(database, "pin_one")).entries.is_empty()
