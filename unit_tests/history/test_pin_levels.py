"""Levels compare pins with themselves, also pins of unknown age, and reasons against a comparison are true."""

from datetime import date, datetime, timedelta

import numpy as np
import polars as pl
import pytest

from oneup_pinterest.history.account_history import AccountHistory
from oneup_pinterest.history.period_change import account_change
from oneup_pinterest.history.pin_levels import OLD, PinDays, level_change, pin_days
from oneup_pinterest.methods.own_level import LogRatio
from oneup_pinterest.methods.types import Floats

DAYS = 56
LAST = date(2026, 3, 31)


def gained(per_day: Floats, *, days: int = DAYS, born: float = OLD) -> PinDays:
    """Return pins that gain a number per day each (pins x days, the last day first)."""
    pins = len(per_day)
    gains = np.broadcast_to(per_day.reshape(pins, -1), (pins, days))
    return PinDays(
        np.repeat(np.arange(pins), days),
        np.tile(np.arange(days), pins),
        gains.ravel().astype(np.float64),
        np.full(pins, float(born)),
    )


def reason(pins: PinDays, days: int = 28) -> str:
    found = level_change(pins, days, "saves")
    assert isinstance(found, str)
    return found


def test_pins_without_a_publication_time_count_as_old() -> None:
    rng = np.random.default_rng(3)
    rate = np.where(np.arange(DAYS) < 28, 6.0, 2.0)
    saves = rng.poisson(np.tile(rate[::-1], (30, 1))).cumsum(axis=1)
    pins = pl.concat(
        pl.DataFrame(
            {
                "social_network_id": "pin_a",
                "id": f"{pin:02}",
                "timestamp": None,
                "snapshot_date": [LAST - timedelta(days=back) for back in range(DAYS + 2, -1, -1)],
                "saves": [0, *saves[pin].tolist(), *[int(saves[pin, -1])] * 2],
            },
            schema_overrides={"timestamp": pl.Datetime},
        )
        for pin in range(30)
    )
    row = account_change(AccountHistory.from_pins(pins), 28, ["saves"]).row(0, named=True)
    assert row["reason"] is None
    assert 150 < row["change"] < 250
    known = pl.DataFrame({"pin": [0, 1], "day": LAST, "gain": 1.0})
    published = pl.Series([None, datetime(2026, 3, 1)], dtype=pl.Datetime)
    assert pin_days(known, published, LAST).born.tolist() == [OLD, 30]


def test_no_pins_and_no_known_day_give_a_reason() -> None:
    nothing = pl.DataFrame(schema={"pin": pl.UInt32, "day": pl.Date, "gain": pl.Float64})
    for published in (pl.Series([], dtype=pl.Datetime), pl.Series([None], dtype=pl.Datetime)):
        why = reason(pin_days(nothing, published, LAST))
        assert why == "10 saves of pins published earlier are needed in each period; there are 0 in one"


@pytest.mark.parametrize(("total", "words"), [(0, "are 0"), (1, "is 1"), (2, "are 2"), (9.7, "are 9")])
def test_reason_names_the_gains_of_the_poorer_period(total: float, words: str) -> None:
    per_day = np.full((8, DAYS), 3.0)
    per_day[:, :28] = total / 28 / 8
    expected = f"10 saves of pins published earlier are needed in each period; there {words} in one"
    assert reason(gained(per_day)) == expected


def test_half_of_the_history_has_no_gains_in_one_period() -> None:
    assert reason(gained(np.full(8, 3.0), days=28)).endswith("there are 0 in one")


def test_reason_says_that_pins_are_too_few_where_gains_are_many() -> None:
    few = "at least 6 pins that gained saves are needed, and a few of them must not have most of it"
    assert reason(gained(np.array([100.0]))) == few
    assert reason(gained(np.array([100.0, *[0.02] * 8]))) == few
    assert isinstance(level_change(gained(np.full(8, 3.0)), 28, "saves"), LogRatio)


def test_gains_that_only_go_on_to_grow_have_no_step() -> None:
    growing = np.tile(9 * 1.3 ** (-np.arange(112) / 7), (20, 1))
    change = level_change(gained(growing, days=112), 28)
    assert isinstance(change, LogRatio)
    assert abs(change.estimate) < 0.05 < np.log(1.3)
    stepped = growing * np.where(np.arange(112) < 28, 2, 1)
    change = level_change(gained(stepped, days=112), 28)
    assert isinstance(change, LogRatio)
    assert abs(change.estimate - np.log(2)) < 0.1
