"""New pins of two periods are compared at the same age, and neither one viral pin nor one batch decides."""

from datetime import date, datetime, timedelta
from typing import Any

import numpy as np
import polars as pl
import pytest

from oneup_pinterest.history.account_history import AccountHistory
from oneup_pinterest.methods.log_contrasts import change_of_typical
from oneup_pinterest.questions.change.answer import new_pins_answer
from oneup_pinterest.questions.change.new_pins import new_pins_change

FIRST = date(2026, 1, 1)


def new_pins(values: list[list[int]]) -> pl.DataFrame:
    """Return one pin per day with its counter at ages 6 and 7; the two lists are the pins of two successive periods."""
    rows = [
        {
            "social_network_id": "pin_a",
            "id": f"{number:03}",
            "text": None,
            "format": None,
            "media_type": None,
            "timestamp": datetime(2026, 1, 1) + timedelta(days=number),
            "snapshot_date": FIRST + timedelta(days=number + age),
            "saves": value,
        }
        for number, value in enumerate(values[0] + values[1])
        for age in (6, 7)
    ]
    return pl.DataFrame(rows, schema_overrides={"text": pl.String, "format": pl.String, "media_type": pl.String})


def test_new_pins_of_two_periods_are_compared_at_the_same_age() -> None:
    row = new_pins_change(
        AccountHistory.from_pins(new_pins([[4, 1, 7, 2, 6, 3, 5], [24, 21, 27, 22, 26, 23, 25]])), 7, 7, ["saves"]
    ).row(0, named=True)
    assert (row["before"], row["now"], row["median_now"]) == (4.0, 24.0, 24.0)
    assert (row["before_start"], row["now_end"]) == (date(2026, 1, 1), date(2026, 1, 14))
    assert (row["pins_before"], row["pins_now"], row["verdict"]) == (7, 7, "up")


def test_one_viral_new_pin_does_not_decide() -> None:
    rng = np.random.default_rng(4)
    before, now = rng.poisson(9, 14).tolist(), rng.poisson(3, 14).tolist()
    now[5] = 900
    history = AccountHistory.from_pins(new_pins([before, now]).with_columns(repins=0, clicks=0))
    row = new_pins_change(history, 14, 7, ["saves"]).row(0, named=True)
    assert row["now"] > 5 * row["before"]
    assert row["change"] < 0
    assert row["verdict"] != "up"
    sentence = new_pins_answer(history, "saves", days=14).sentence
    assert sentence.startswith("Saves per pin: ")
    assert "28 pins published on 28 days" in sentence


def test_new_pins_of_few_batches_give_no_verdict() -> None:
    before, now = [5, 6, 7, 9] * 7, [15, 17, 16, 20] * 7
    daily = change_of_typical(*periods(before, now, np.arange(56)))
    batch = np.repeat([2.0, 1.0, 0.5, 3.0], 14)  # the luck of each batch, two per period
    batches = change_of_typical(*periods(before, now, np.repeat([0, 14, 28, 42], 14), batch))
    assert daily is not None
    assert batches is not None
    assert daily.p_value < 0.001
    assert batches.p_value > 0.1


def periods(before: list[int], now: list[int], days: Any, luck: Any = 1.0) -> tuple[Any, Any, Any]:
    """Return the arguments of `change_of_typical`: counts, which of them are new, and days."""
    return luck * np.array([*before, *now]), np.arange(len(days)) >= len(before), days


def test_log_contrast_finds_the_factor_of_small_counts() -> None:
    rng = np.random.default_rng(1)
    is_now, days = np.arange(6000) >= 3000, np.arange(6000)
    reach = rng.lognormal(-0.5, 1, 6000) * np.where(is_now, 2.0, 1.0)
    found = change_of_typical(rng.poisson(reach).astype(float), is_now, days)
    assert found is not None
    assert found.estimate == pytest.approx(np.log(2), abs=0.1)


def test_new_pins_without_any_counts_are_not_compared() -> None:
    row = new_pins_change(AccountHistory.from_pins(new_pins([[0] * 7, [0] * 7])), 7, 7, ["saves"]).row(0, named=True)
    assert row["reason"] == "no pin of either period had any saves at age 7"
