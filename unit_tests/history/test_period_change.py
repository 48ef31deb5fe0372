"""Only known, settled days enter a comparison of two periods, and a year earlier the same days are counted."""

from datetime import date, datetime, timedelta

import polars as pl
import pytest

from oneup_pinterest.history import period_change
from oneup_pinterest.history.account_history import AccountHistory
from oneup_pinterest.history.period_change import account_change
from oneup_pinterest.history.pin_levels import PinDays, level_change
from oneup_pinterest.methods.own_level import LogRatio

FIRST = date(2026, 1, 1)


def account(days: int, *, pins: int = 12, reset_on: int | None = None) -> AccountHistory:
    """Return an account of pins that gain their number per day; all are reset at the snapshot of a day."""
    seen = range(days)
    start = {day: 0 if reset_on is None or day < reset_on else reset_on for day in seen}
    return AccountHistory.from_pins(
        pl.concat(
            pl.DataFrame(
                {
                    "social_network_id": "pin_a",
                    "id": f"{pin:02}",
                    "timestamp": datetime(2025, 6, 1) + timedelta(days=9 * pin),
                    "snapshot_date": [FIRST + timedelta(days=day) for day in seen],
                    "saves": [1 + 1000 * (start[day] == 0) + (pin + 1) * (day - start[day]) for day in seen],
                }
            )
            for pin in range(pins)
        )
    )


def with_unconfirmed_rise(history: AccountHistory, days: int) -> AccountHistory:
    """Add a pin that is seen three times, and last on a day with a rise far above all others."""
    seen = [FIRST + timedelta(days=days + day) for day in range(3)]
    rise = pl.DataFrame({"social_network_id": "pin_a", "id": "rising", "snapshot_date": seen, "saves": [1, 2, 9_000]})
    pins = history.pins
    return AccountHistory.from_pins(
        pl.concat([pins, rise.with_columns(timestamp=pl.lit(datetime(2025, 6, 1))).select(pins.columns)])
    )


def compared_days(history: AccountHistory, monkeypatch: pytest.MonkeyPatch) -> set[date]:
    """Return the days of which gains enter the levels, where two weeks are compared."""
    last, found = account_change(history, 14, ["saves"])["now_end"].item(), []

    def record(pins: PinDays, days: int, what: str = "gains") -> LogRatio | str:
        found.append(pins)
        return level_change(pins, days, what)

    with monkeypatch.context() as patched:
        patched.setattr(period_change, "level_change", record)
        account_change(AccountHistory.from_pins(history.pins), 14, ["saves"])
    return {last - timedelta(days=int(back)) for back in found[0].back}


def test_days_that_are_not_settled_or_unknown_enter_no_level(monkeypatch: pytest.MonkeyPatch) -> None:
    known = {FIRST + timedelta(days=day) for day in range(47)}  # of 50 snapshots, and two days are provisional
    assert compared_days(account(50), monkeypatch) == known
    # a rise at the last snapshot of a pin that is not seen again stays unconfirmed
    day_of_rise = FIRST + timedelta(days=11)
    assert compared_days(with_unconfirmed_rise(account(50), 10), monkeypatch) == known - {day_of_rise}
    day_of_reset = FIRST + timedelta(days=19)
    assert compared_days(account(50, reset_on=20), monkeypatch) == known - {day_of_reset}


def test_year_before_counts_the_days_that_now_counts() -> None:
    whole = account_change(account(410), 14, ["saves"]).row(0, named=True)
    assert whole["year_before"] == whole["now"] == 14 * 78
    # a reset in the second week: one day of this year is not compared
    part = account_change(account(410, reset_on=400), 14, ["saves"]).row(0, named=True)
    assert part["days_compared"] == 13
    assert part["year_before"] == part["now"] == 13 * 78
    # a reset a year earlier on a compared day: unknown
    unknown = account_change(account(410, reset_on=400 - 364), 14, ["saves"]).row(0, named=True)
    assert (unknown["days_compared"], unknown["year_before"]) == (14, None)
