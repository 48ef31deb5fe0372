"""New pins are compared by any metric, and not where all counts of a period are equal."""

import polars as pl
import pytest

from oneup_pinterest.history.account_history import AccountHistory
from oneup_pinterest.questions.change.answer import new_pins_answer
from oneup_pinterest.questions.change.new_pins import new_pins_change
from test_support.made_pins import pin


def account(saves: list[int]) -> AccountHistory:
    """Return one pin per day with its saves at ages 6 and 7, and a hundred times as many impressions."""
    return AccountHistory.from_pins(pl.concat(pin(f"{day:03}", day, {6: n, 7: n}) for day, n in enumerate(saves)))


@pytest.mark.parametrize(("before", "now", "pins"), [(5, 5, 7), (5, 9, 7), (6, 60, 5), (3, 7, 30)])
def test_new_pins_with_equal_counts_are_not_compared(before: int, now: int, pins: int) -> None:
    row = new_pins_change(account([before] * pins + [now] * pins), pins, 7, ["saves"]).row(0, named=True)
    assert (row["p"], row["verdict"]) == (None, "no verdict")
    assert row["reason"] == "in each period, all pins had the same number of saves at age 7"


def test_new_pins_are_compared_by_metrics_beside_the_headline_ones() -> None:
    history = account([4, 1, 7, 2, 6, 3, 5, 24, 21, 27, 22, 26, 23, 25])
    answer = new_pins_answer(history, "impressions", days=7)
    assert answer.sentence.startswith("Impressions per pin: 2,400.0 on average, 400.0 before.")
    assert answer.sentence.endswith("more than chance explains among 14 pins published on 14 days: up.")
    assert not any("judged together" in note for note in answer.notes)
