"""A forecast uses the baseline unless a model is better, and needs enough history."""

from datetime import timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from oneup_pinterest.database.load import load_pins
from oneup_pinterest.history.account_history import AccountHistory
from oneup_pinterest.history.gains import account_daily_gains
from oneup_pinterest.history.loaded_history import LoadedHistory
from oneup_pinterest.questions.forecast import answer as answers
from oneup_pinterest.questions.forecast import statistic as forecast
from oneup_pinterest.questions.forecast.answer import backtest_answer, forecast_answer
from oneup_pinterest.questions.forecast.statistic import BASELINE, MEAN, Forecasts, gain_forecasts, usable_days
from simulations.worlds import MadeUpHistory
from test_support.history import make_history
from test_support.made_gains import FIRST, WEEK, assert_drawn, gains_of


def noisy(days: int = 75, seed: int = 1) -> pl.DataFrame:
    return gains_of(list(np.random.default_rng(seed).poisson(40, days).astype(float)))


def of_baseline(forecasts: Forecasts) -> Forecasts:
    """Return the rows of the baseline that repeats the last week."""
    days, weeks, skill = (frame.filter(pl.col("model") == BASELINE) for frame in forecasts[:3])
    return forecasts._replace(days=days, weeks=weeks, skill=skill)


def test_baseline_repeats_the_last_settled_week() -> None:
    gains = gains_of([float(count) for count in WEEK * 10], is_provisional=[day >= 68 for day in range(70)])
    forecasts = of_baseline(gain_forecasts(MadeUpHistory(account_gains=gains), models=()))
    assert forecasts.days["day"][0] == FIRST + timedelta(days=68)
    assert forecasts.days["forecast"].to_list() == [float(count) for count in [*WEEK[5:], *WEEK[:5]] * 2]
    assert forecasts.days["horizon"].to_list() == list(range(1, 15))
    assert forecasts.weeks["forecast"].to_list() == [282.0, 282.0]
    assert forecasts.skill.select("mae", "coverage", "is_chosen").row(0) == (0.0, 1.0, True)


def test_intervals_come_from_past_errors_and_are_never_negative() -> None:
    forecasts = of_baseline(gain_forecasts(MadeUpHistory(account_gains=noisy()), models=()))
    days = forecasts.days
    assert (days["low"] < days["forecast"]).all()
    assert (days["high"] > days["forecast"]).all()
    low = gain_forecasts(
        MadeUpHistory(account_gains=gains_of(list(np.random.default_rng(2).poisson(0.7, 80).astype(float)))), models=()
    )
    assert low.days["low"].min() == 0.0
    assert 0.6 < forecasts.skill["coverage"].item() < 0.95
    assert forecasts.skill["relative_mae"].item() == 1.0
    assert forecasts.backtest.height == 28
    assert forecasts.backtest["day"].n_unique() == 28


def test_mean_of_four_weeks_is_better_where_weeks_are_noise() -> None:
    weeks = [float(count + 10 * week) for week in range(10) for count in WEEK]
    days = gain_forecasts(MadeUpHistory(account_gains=gains_of(weeks)), models=()).days
    assert days.filter(pl.col("model") == MEAN)["forecast"].to_list() == [count + 75.0 for count in WEEK] * 2
    skill = gain_forecasts(MadeUpHistory(account_gains=noisy(120)), models=()).skill
    assert skill.filter("is_chosen").select("model", pl.col("relative_mae") < 1).row(0) == (MEAN, True)


def test_28_days_have_an_interval_from_84_days_on() -> None:
    for days, has_interval in ((83, False), (84, True)):
        gains = noisy(days)
        total = gain_forecasts(MadeUpHistory(account_gains=gains), models=()).totals.row(0, named=True)
        assert total["forecast"] == gains["gain"].tail(28).sum()
        assert (total["last_day"] - total["first_day"]).days == 27
        assert (total["low"] is not None) == has_interval
    assert total["low"] < total["forecast"] < total["high"]
    answer = forecast_answer(MadeUpHistory(account_gains=noisy(84)))
    assert f"; {total['forecast']:,.0f} in the 28 days to " in answer.sentence


def test_interval_of_a_week_holds_under_a_falling_trend() -> None:
    falling = np.random.default_rng(5).poisson(400 * 0.98 ** np.arange(90)).astype(float)
    forecasts = gain_forecasts(MadeUpHistory(account_gains=gains_of(list(falling[:76]))), models=())
    chosen = forecasts.skill.filter("is_chosen")["model"].item()
    week = forecasts.weeks.filter(pl.col("model") == chosen).row(0, named=True)
    assert week["low"] < falling[76:83].sum() < week["high"]


def test_backtest_does_not_use_the_days_it_forecasts() -> None:
    gains = noisy()
    last = gains["day"][-1]
    changed = gains.with_columns(
        gain=pl.when(pl.col("day") > last - timedelta(days=14)).then(pl.col("gain") * 50).otherwise("gain")
    )
    before, after = (
        gain_forecasts(MadeUpHistory(account_gains=frame), models=()).backtest for frame in (gains, changed)
    )
    known = ("origin", "forecast", "low", "high")
    assert before.select(known).equals(after.select(known))


def test_too_few_unknown_or_zero_days_give_no_forecast() -> None:
    for gains in (
        noisy(55),
        gains_of([]),
        gains_of([0] * 80),
        noisy().filter(pl.col("day") != FIRST + timedelta(days=40)),
    ):
        assert all(frame.is_empty() for frame in gain_forecasts(MadeUpHistory(account_gains=gains), models=()))
    with_missing_day = noisy().filter(pl.col("day") != FIRST + timedelta(days=3))
    assert usable_days(MadeUpHistory(account_gains=with_missing_day))["day"][0] == FIRST + timedelta(days=4)
    assert gain_forecasts(MadeUpHistory(account_gains=with_missing_day), models=()).days.height == 28


def test_imputed_days_are_used_for_fitting_but_not_for_scoring() -> None:
    gains = noisy().with_columns(is_imputed=pl.col("day") >= FIRST + timedelta(days=65))
    backtest = gain_forecasts(MadeUpHistory(account_gains=gains), models=()).backtest
    assert backtest["gain"].null_count() == 10


def test_error_is_unknown_where_all_tested_days_are_imputed() -> None:
    gains = gains_of([float(count) for count in WEEK * 12], is_imputed=[day >= 30 for day in range(84)])
    history = MadeUpHistory(account_gains=gains)
    skill = gain_forecasts(history, models=()).skill
    assert skill.select("mae", "mase", "relative_mae").unique().rows() == [(None, None, None)]
    assert skill.filter("is_chosen")["model"].to_list() == [BASELINE]
    backtest = backtest_answer(history)
    assert backtest.sentence.startswith("Not enough data yet: the gains of all days that a forecast could be compared")
    answer = forecast_answer(history)
    assert "how far off it was in past days is unknown" in answer.sentence
    assert "inf" not in answer.sentence
    assert_drawn(answer.chart)


def test_model_is_chosen_only_if_it_beats_the_baseline() -> None:
    pytest.importorskip("statsforecast")
    skill = gain_forecasts(MadeUpHistory(account_gains=noisy()), models=("AutoETS",)).skill
    assert skill["model"].to_list() == ["AutoETS", MEAN, BASELINE]
    chosen = skill.filter("is_chosen")
    assert chosen["model"].item() == "AutoETS", "the mean forecasts noise better than the last week"
    assert chosen["relative_mae"].item() < 1
    weekly = gain_forecasts(
        MadeUpHistory(account_gains=gains_of([float(count) for count in WEEK * 10])), models=("AutoETS",)
    ).skill
    assert weekly.filter("is_chosen")["model"].to_list() == [BASELINE], "no model beats an exact baseline"


def test_row_order_does_not_matter() -> None:
    gains = noisy()
    mixed = gain_forecasts(MadeUpHistory(account_gains=gains.sample(fraction=1, shuffle=True, seed=1)), models=())
    for one, other in zip(mixed, gain_forecasts(MadeUpHistory(account_gains=gains), models=()), strict=True):
        assert one.equals(other)


def test_missing_models_fall_back_to_the_baseline_with_a_note(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (forecast, answers):
        monkeypatch.setattr(module, "models_installed", lambda: False)
    answer, backtest = (
        forecast_answer(MadeUpHistory(account_gains=noisy())),
        backtest_answer(MadeUpHistory(account_gains=noisy())),
    )
    assert "Forecast by the mean of the last four same weekdays" in answer.sentence
    assert any("pip install" in note for note in answer.notes)
    assert "Its 80% intervals held" in backtest.sentence
    assert backtest.table is not None
    assert backtest.table["Forecast by"].to_list() == [MEAN, BASELINE]
    for drawn in (answer, backtest):
        assert_drawn(drawn.chart)


def test_answer_gives_weekly_totals_with_intervals() -> None:
    history = MadeUpHistory(account_gains=noisy())
    forecasts, answer = gain_forecasts(history), forecast_answer(history)
    chosen = forecasts.skill.filter("is_chosen")["model"][0]
    first = forecasts.weeks.filter(pl.col("model") == chosen).row(0, named=True)
    assert f"{first['forecast']:,.0f} saves in the week of 17 Mar 2026 (80% interval" in answer.sentence
    assert answer.table is not None
    assert answer.table.height == 14


def test_too_little_data_gives_no_answer(tmp_path: Path) -> None:
    for days in (0, 1, 20):
        gains = account_daily_gains(
            LoadedHistory(load_pins(make_history(tmp_path / f"{days}.duckdb", ("pin_one",), days=days)))
        )
        for answer in (
            forecast_answer(MadeUpHistory(account_gains=gains)),
            backtest_answer(MadeUpHistory(account_gains=gains)),
        ):
            assert answer.sentence.startswith("Not enough data yet: a forecast needs 56 settled days")
    assert "none of them" in forecast_answer(MadeUpHistory(account_gains=gains_of([0] * 80))).sentence
    rolling = AccountHistory.from_pins(
        load_pins(make_history(tmp_path / "r.duckdb", ("pin_one",), days=70, rolling=True))
    )
    assert "falls too often" in forecast_answer(rolling).sentence
