"""Suggestions name the pins that stand out by construction, and nothing where all pins are alike."""

from datetime import date, datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from oneup_pinterest.database.schema import TABLES
from oneup_pinterest.history.account_history import AccountHistory, load_account_history
from oneup_pinterest.questions.actions.answer import Suggestion, actions_answer, suggestions
from oneup_pinterest.questions.actions.statistic import still_earning, unusual_rates
from test_support.history import make_history, make_long_history

FIRST, DAYS = date(2026, 1, 1), 17


def pins(gains: dict[str, list[int]], metric: str = "clicks", age: int = 100) -> AccountHistory:
    """Return pins that were `age` days old on the first day and gain these counts per day."""
    frames = [
        pl.DataFrame(
            {
                "social_network_id": "pin_a",
                "id": pin,
                "timestamp": datetime.combine(FIRST - timedelta(days=age), datetime.min.time()),
                "snapshot_date": [FIRST + timedelta(days=day) for day in range(len(gained) + 1)],
                metric: [0, *np.cumsum(gained).tolist()],
            }
        )
        for pin, gained in gains.items()
    ]
    return AccountHistory.from_pins(pl.concat(frames))


def seen_once(impressions: list[int], counts: list[int], metric: str, age: int = 60) -> AccountHistory:
    """Return pins with these counters on one day."""
    frame = pl.DataFrame(
        {
            "social_network_id": "pin_a",
            "id": [str(number) for number in range(len(counts))],
            "text": "",
            "permalink": "",
            "format": "image",
            "media_type": "IMAGE",
            "timestamp": FIRST - timedelta(days=age),
            "snapshot_date": FIRST,
            "impressions": impressions,
            "saves": [100] * len(counts),
            metric: counts,
        }
    )
    return AccountHistory.from_pins(frame)


def of_title(history: AccountHistory, start: str) -> Suggestion:
    return next(one for one in suggestions(history) if one.title.startswith(start))


def test_old_pins_with_clicks_in_every_week_still_earn() -> None:
    steady, burst, few = [3] * 16, [0] * 10 + [90] + [0] * 5, [1, *[0] * 9, 1, *[0] * 5]
    found = still_earning(pins({"steady": steady, "burst": burst, "few": few}))
    assert isinstance(found, pl.DataFrame)
    assert found.select("id", "value", "weeks").rows() == [("steady", 21.0, 2)], "a burst of one day is not steady"


def test_young_pins_are_not_called_old() -> None:
    found = still_earning(pins({"young": [9] * 16}, age=20))
    assert isinstance(found, pl.DataFrame)
    assert found.is_empty()


def test_first_days_say_why_nothing_is_listed() -> None:
    assert still_earning(pins({"new": [3]})) == "no gains of clicks are known yet"
    assert still_earning(pins({"new": [3] * 5})) == ("2 whole weeks of clicks are needed to see who earns in each")


def test_pin_with_a_far_better_rate_on_few_impressions_is_found() -> None:
    history = seen_once([500, *[10_000] * 29], [90, *[100] * 29], "saves")
    found = unusual_rates(history, "saves", "high")
    assert isinstance(found, pl.DataFrame)
    assert found["id"].to_list() == ["0"]
    assert found["rate"][0] == pytest.approx(0.18)


def test_pin_that_is_shown_little_because_it_is_young_is_left_out() -> None:
    found = unusual_rates(seen_once([500, *[10_000] * 29], [90, *[100] * 29], "saves", age=5), "saves", "high")
    assert isinstance(found, pl.DataFrame)
    assert found.is_empty()


def test_pin_that_is_shown_often_and_rarely_clicked_is_found() -> None:
    history = seen_once([90_000, *[10_000] * 29], [90, *[100] * 29], "clicks")
    found = unusual_rates(history, "clicks", "low")
    assert isinstance(found, pl.DataFrame)
    assert found["id"].to_list() == ["0"]


@pytest.mark.parametrize("side", ["high", "low"])
def test_few_of_many_equal_pins_are_named(side: str) -> None:
    """All pins have the same true rate: the expected number of named ones is far below one per account."""
    named = 0
    for seed in range(40):
        rng = np.random.default_rng(seed)
        impressions = rng.lognormal(7, 1.2, 200).astype(int) + 50
        counts = rng.binomial(impressions, 0.02)
        found = unusual_rates(seen_once(impressions.tolist(), counts.tolist(), "saves"), "saves", side)  # type: ignore[arg-type] # a parameter
        assert isinstance(found, pl.DataFrame)
        named += found.height
    assert named <= 2


def test_too_few_pins_have_no_usual_rate() -> None:
    assert unusual_rates(seen_once([500] * 4, [5] * 4, "saves"), "saves", "high") == (
        "20 pins with impressions and saves are needed, and there are 4"
    )


@pytest.mark.parametrize("days", [1, 2, 10, 20])
def test_every_empty_list_says_why(tmp_path: Path, days: int) -> None:
    history = load_account_history(make_history(tmp_path / "h.duckdb", ("pin_one",), days=days), "pin_one")
    for one in suggestions(history):
        assert bool(one.pins or one.findings) == (one.empty is None)
        assert one.empty is None or one.empty.endswith(".")
        assert one.certainty


def test_formats_that_pass_their_test_are_named(tmp_path: Path) -> None:
    history = load_account_history(make_long_history(tmp_path / "h.duckdb", ("pin_one",)), "pin_one")
    tested = of_title(history, "Formats")
    assert (
        tested.findings
        or tested.empty == "No format, feature of the text, word, weekday or time of day passed its test."
    )


def test_answer_has_one_row_per_pin_of_every_list() -> None:
    history = seen_once([90_000, *[10_000] * 29], [90, *[100] * 29], "clicks")
    answer = actions_answer(history)
    assert answer.table is not None
    assert answer.table.height == sum(len(one.pins) for one in suggestions(history))
    assert "Shown often, rarely clicked: fix title or link (1)" in answer.sentence


def test_account_without_pins_has_only_empty_lists() -> None:
    empty = AccountHistory("pin_a", pl.DataFrame(schema=TABLES["pins"].schema))
    assert actions_answer(empty).sentence == "Nothing stands out to act on yet."
    assert all(one.empty for one in suggestions(empty))
