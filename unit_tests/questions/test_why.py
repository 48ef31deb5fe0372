"""The split of a change adds up to it, and names the pins that made most of it."""

import re
from datetime import date, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from oneup_pinterest.database.load import load_pins
from oneup_pinterest.formatting import format_table
from oneup_pinterest.history.account_history import AccountHistory
from oneup_pinterest.history.period_change import account_change
from oneup_pinterest.questions.chart_style import signed_count
from oneup_pinterest.questions.why.answer import why_answer
from oneup_pinterest.questions.why.chart import split_chart
from oneup_pinterest.questions.why.statistic import gain_split, largest_parts, parts_by
from test_support.history import make_history
from unit_tests.questions.test_change import HISTORIES, checked_spec, observed_pins, steady

FIRST = date(2026, 1, 1)


def new_pin(name: str, day: int, per_day: int) -> pl.DataFrame:
    """Return a pin published on a day (0 is FIRST) that gains `per_day` from then on."""
    counters = [None if at <= day else per_day * (at - day) for at in range(17)]
    published = datetime.combine(FIRST + timedelta(days=day), datetime.min.time())
    return observed_pins({name: counters}).with_columns(timestamp=pl.lit(published))


def account() -> AccountHistory:
    """Two older pins gain 3 per day; one new pin gains 10 per day in the first week, two gain 20 in the second."""
    new = [new_pin("b", 0, 10), new_pin("c", 7, 20), new_pin("d", 7, 20)]
    return AccountHistory.from_pins(pl.concat([observed_pins(steady(pins=2)), *new]))


def test_parts_add_up_to_the_difference() -> None:
    split = gain_split(account(), 7, ["saves"]).row(0, named=True)
    older = 7 * 3
    assert (split["before"], split["now"]) == (older + 70, older + 70 + 2 * 140)
    assert (split["pins_before"], split["pins_now"], split["mean_before"], split["mean_now"]) == (1, 2, 70, 140)
    assert (split["from_number"], split["from_mean"], split["from_older"]) == (105, 105, 70)
    assert split["difference"] == 105 + 105 + 70


def test_sums_are_those_of_the_comparison() -> None:
    history = account()
    change = account_change(history, 7, ["saves"]).row(0, named=True)
    split = gain_split(history, 7, ["saves"]).row(0, named=True)
    assert {name: split[name] for name in ("before", "now", "now_start", "now_end")} == {
        name: change[name] for name in ("before", "now", "now_start", "now_end")
    }


def test_largest_parts_come_first_and_add_up() -> None:
    parts = largest_parts(account(), "saves", 7)
    assert parts["id"].to_list()[:2] == ["c", "d"]
    assert parts["difference"].sum() == 280
    assert parts["share"].sum() == pytest.approx(100)
    assert parts_by(parts, "month").select("month", "difference").rows()[0] == ("2026-01", 280.0)


def test_sentence_names_the_parts_and_the_few_pins_behind_them() -> None:
    answer = why_answer(account(), "saves", days=7)
    assert answer.sentence == (
        "Saves went from 91 to 371 (+280). 2 pins were published after 1 in the period before: +105. A new pin gained "
        "140.0 on average after 70.0: +105. Older pins: +70. One pin alone brought +140; without it the change is "
        "+154%."
    )
    assert "older pins +70" in checked_spec(answer.chart)["description"]
    assert answer.table is not None
    assert answer.table["Difference"].to_list()[0] == 140


def test_period_without_new_pins_splits_its_part_evenly() -> None:
    history = AccountHistory.from_pins(pl.concat([observed_pins(steady(pins=2)), new_pin("c", 7, 20)]))
    split = gain_split(history, 7, ["saves"]).row(0, named=True)
    assert (split["pins_before"], split["mean_before"]) == (0, 0)
    assert (split["from_number"], split["from_mean"], split["from_older"]) == (70, 70, 0)


def third_of_a_count_less() -> AccountHistory:
    """Return two pins, synced every third day, that gained a third of a save less in the last 7 settled days."""
    gains = {"1": [11, 10, 10, 10, 10, 10], "2": [10] * 6}
    rows = {
        pin: [100 + sum(each[: day // 3]) if day % 3 == 0 else None for day in range(19)] for pin, each in gains.items()
    }
    return AccountHistory.from_pins(observed_pins(rows))


def test_differences_that_round_to_none_have_no_sign() -> None:
    history = third_of_a_count_less()
    answer = why_answer(history, "saves", days=7)
    assert answer.sentence.startswith("Saves went from 47 to 47 (0). ")
    assert "alone brought" not in answer.sentence
    assert answer.table is not None
    assert format_table(answer.table)["Difference"].to_list() == ["0", "0"]
    parts = largest_parts(history, "saves", 7)
    assert parts["share"].null_count() == parts.height == 2
    spec = checked_spec(answer.chart)
    assert "together 0." in spec["description"]
    parts_of_counts = {"from_number": 0.2, "from_mean": -0.4, "from_older": -0.1, "difference": -0.3}
    split = {"before": 10.0, "now": 9.7, **parts_of_counts}
    drawn = checked_spec(split_chart(split, "saves"))
    assert [row["label"] for row in drawn["data"]["values"]] == ["0", "0", "0", "0"]
    for text in (answer.sentence, *answer.notes, spec["description"], drawn["description"]):
        assert not re.search(r"[+−-]0(?![.\d])", text), text
    assert [signed_count(count) for count in (0.6, -0.6, 1200, -0.5, 0)] == ["+1", "−1", "+1,200", "0", "0"]


def test_frames_without_rows_have_the_same_columns() -> None:
    history = account()
    empty = AccountHistory.from_pins(history.pins.clear())
    assert gain_split(empty, 7, ["saves"]).schema == gain_split(history, 7, ["saves"]).schema
    assert largest_parts(empty, "saves", 7).schema == largest_parts(history, "saves", 7).schema


@pytest.mark.slow
@pytest.mark.parametrize("name", HISTORIES)
def test_every_history_gets_a_valid_answer(tmp_path: Path, name: str) -> None:
    pins = load_pins(make_history(tmp_path / "h.duckdb", **HISTORIES[name]))
    answer = why_answer(AccountHistory.from_pins(pins.filter(pl.col("social_network_id") == "pin_one")))
    assert answer.sentence.startswith("Not enough data yet: ") == (answer.chart is None)
    if answer.chart is not None:
        checked_spec(answer.chart)


def test_texts_come_from_the_newest_rows() -> None:
    history = account()
    pins = history.pins.drop("text", "format", strict=False)
    newest = pins.group_by("id").last().with_columns(text=pl.lit("Soup"), format=pl.lit("pin"))
    loaded = AccountHistory(
        "pin_a", pins, pins_latest=newest.select("social_network_id", pl.exclude("social_network_id"))
    )
    assert largest_parts(loaded, "saves", 7).select("text", "format").row(0) == ("Soup", "pin")
