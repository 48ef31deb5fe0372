"""A lasting doubling is a level shift; growth and a single unusual week are not."""

from datetime import timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from oneup_pinterest.database.load import load_pins
from oneup_pinterest.history.account_history import AccountHistory
from oneup_pinterest.questions.anomalies.answer import levels_answer
from oneup_pinterest.questions.anomalies.level_shifts import SCHEMA, gain_levels
from simulations.worlds import MadeUpHistory
from test_support.history import make_history
from test_support.made_gains import FIRST, WEEK, assert_drawn, gains_of

TWICE = [*WEEK * 4, *[2 * count for count in WEEK * 4]]


def test_doubling_is_dated_and_measured() -> None:
    levels = gain_levels(MadeUpHistory(account_gains=gains_of(TWICE)))
    assert levels["first_day"].to_list() == [FIRST, FIRST + timedelta(days=28)]
    assert levels["level"].to_list() == pytest.approx([40, 80], abs=1)
    assert levels["change"].to_list()[1] == pytest.approx(100, abs=3)
    assert levels["change_low"][1] < 100 < levels["change_high"][1]
    assert levels["days"].to_list() == [28, 28]


def test_noise_steady_growth_and_one_outlier_are_not_shifts() -> None:
    rng = np.random.default_rng(1)
    growth = rng.poisson(50 * 1.01 ** np.arange(120)).astype(float)
    odd = WEEK * 10
    odd[30] = 4000
    for counts in (list(rng.poisson(50, 120).astype(float)), list(growth), odd):
        assert gain_levels(MadeUpHistory(account_gains=gains_of(list(counts)))).height == 1


def test_random_walk_and_smooth_wave_have_no_shift() -> None:
    rng = np.random.default_rng(4)
    walk = 100 * np.exp(np.cumsum(rng.normal(0, 0.07, 120)))
    wave = 100 * np.exp(0.6 * np.cos(np.arange(120) * 2 * np.pi / 120))
    for level in (walk, wave):
        assert gain_levels(MadeUpHistory(account_gains=gains_of(rng.poisson(level).tolist()))).height == 1


def test_two_shifts_of_a_quiet_series_are_found() -> None:
    counts = [*WEEK * 5, *[2 * count for count in WEEK * 5], *WEEK * 5]
    levels = gain_levels(MadeUpHistory(account_gains=gains_of(counts)))
    assert levels["first_day"].to_list() == [FIRST + timedelta(days=day) for day in (0, 35, 70)]


def test_fewer_than_ten_days_are_not_a_level() -> None:
    counts = [*WEEK * 5, *[3 * count for count in WEEK], *WEEK * 5]
    assert gain_levels(MadeUpHistory(account_gains=gains_of(counts))).height == 1


def test_unknown_days_are_skipped() -> None:
    gains = gains_of(TWICE)
    with_missing_days = gains.filter(~pl.col("day").is_between(FIRST + timedelta(days=10), FIRST + timedelta(days=13)))
    levels = gain_levels(MadeUpHistory(account_gains=with_missing_days))
    assert levels["days"].to_list() == [24, 28]
    assert levels["first_day"][1] == FIRST + timedelta(days=28)


def test_too_few_days_or_no_gains_give_no_rows() -> None:
    for counts in ([], [5], WEEK * 5, [0] * 60):
        levels = gain_levels(MadeUpHistory(account_gains=gains_of(list(counts))))
        assert levels.is_empty()
        assert levels.columns == ["social_network_id", *SCHEMA]


def test_answer_dates_measures_and_draws_the_shift() -> None:
    answer = levels_answer(MadeUpHistory(account_gains=gains_of(TWICE)))
    assert answer.sentence.startswith("Daily saves shifted once in 56 days: on 29 Jan 2026 by +")
    assert answer.table is not None
    assert answer.table.height == 2
    assert_drawn(answer.chart)


def test_answer_says_that_nothing_shifted_or_what_is_missing(tmp_path: Path) -> None:
    assert levels_answer(MadeUpHistory(account_gains=gains_of(WEEK * 8))).sentence.startswith(
        "No shift that chance, steady growth or slow swings do not explain"
    )
    assert "42 settled days" in levels_answer(MadeUpHistory(account_gains=gains_of(WEEK * 5))).sentence
    assert "none of them" in levels_answer(MadeUpHistory(account_gains=gains_of([0] * 60))).sentence
    rolling = AccountHistory.from_pins(
        load_pins(make_history(tmp_path / "h.duckdb", ("pin_one",), days=50, rolling=True))
    )
    assert "falls too often" in levels_answer(rolling).sentence
