"""Forecast the next two weeks of an account's daily gains, with a baseline and a backtest."""

import importlib.util
import warnings
from collections.abc import Sequence
from datetime import date, timedelta
from typing import NamedTuple

import numpy as np
import polars as pl

from oneup_pinterest.history.account_history import AccountHistory
from oneup_pinterest.history.loaded_history import computed_once
from oneup_pinterest.history.settled_days import settled_days
from oneup_pinterest.methods.types import Flags, Floats, Integers
from oneup_pinterest.questions.forecast.backtest import (
    HORIZON,
    TOTAL_DAYS,
    WEEK,
    backtested,
    last_week_again,
    mean_of_weeks,
    total_again,
)

MIN_DAYS = 56  # eight weeks: four to learn from, and four as origins of the backtest
MAX_ORIGINS = 28
LEARNING_DAYS = 28  # a model needs this many before its first forecast
BASELINE = "Seasonal naive"
MEAN = "Mean of four weeks"
MODELS = ("AutoETS", "AutoTheta")
EXTRA = 'pip install "source-oneup-pinterest[forecast]"'

_DAYS = {
    "social_network_id": pl.String(),
    "model": pl.String(),
    "day": pl.Date(),
    "horizon": pl.Int64(),
    "forecast": pl.Float64(),
    "low": pl.Float64(),
    "high": pl.Float64(),
}
_WEEKS = {
    "social_network_id": pl.String(),
    "model": pl.String(),
    "first_day": pl.Date(),
    "last_day": pl.Date(),
    "forecast": pl.Float64(),
    "low": pl.Float64(),
    "high": pl.Float64(),
}
_TOTALS = _WEEKS
_SKILL = {
    "social_network_id": pl.String(),
    "model": pl.String(),
    "mae": pl.Float64(),
    "mase": pl.Float64(),
    "relative_mae": pl.Float64(),
    "coverage": pl.Float64(),
    "origins": pl.Int64(),
    "is_chosen": pl.Boolean(),
}
_BACKTEST = {
    "social_network_id": pl.String(),
    "model": pl.String(),
    "origin": pl.Date(),
    "day": pl.Date(),
    "gain": pl.Float64(),
    "forecast": pl.Float64(),
    "low": pl.Float64(),
    "high": pl.Float64(),
}


class Forecasts(NamedTuple):
    """The five frames of `gain_forecasts`; its docstring has the columns."""

    days: pl.DataFrame
    weeks: pl.DataFrame
    skill: pl.DataFrame
    backtest: pl.DataFrame
    totals: pl.DataFrame


def models_installed() -> bool:
    """Return whether the extra `forecast` is installed, without importing it (which takes seconds)."""
    return importlib.util.find_spec("statsforecast") is not None


@computed_once
def usable_days(history: AccountHistory, metric: str = "saves") -> pl.DataFrame:
    """Return the settled days after the last one whose gain is unknown: the data for a forecast.

    Columns as in `settled_days`. The models cannot bridge an unknown day.
    """
    days = settled_days(history, metric)
    unknown = pl.col("day").filter(pl.col("gain").is_null()).max().over("social_network_id")
    return days.filter(unknown.is_null() | (pl.col("day") > unknown))


@computed_once
def gain_forecasts(history: AccountHistory, metric: str = "saves", *, models: Sequence[str] | None = None) -> Forecasts:
    """Forecast daily gains and weekly totals for the 14 days after the last settled one, with past errors.

    `models` are classes of `statsforecast` that compete with the two baselines: by default AutoETS and AutoTheta if the
    extra `forecast` is installed, else none. There are five frames, sorted by social_network_id, model and day:

    - days: social_network_id, model, day, horizon (days ahead), forecast, low, high (counts; the interval holds 80%)
    - weeks: social_network_id, model, first_day, last_day; forecast, low, high of the week's total
    - skill: social_network_id, model; mae (mean absolute error, counts per day), mase (mae over the error of the naive
      forecast on the days before the backtest), relative_mae (mae over that of the baseline in the same backtest: below
      1 is better; these three are null where all days of the backtest are imputed), coverage (share of days within
      their interval, 0 to 1, each from earlier errors only; null where these are too few), origins (number of days from
      which the next 14 were forecast), is_chosen (one model per account: the one with the smallest relative_mae; the
      last week unless another is below 1)
    - backtest: the last four weeks of the chosen model: social_network_id, model, origin (last day known to the
      forecast), day, gain (null where imputed), forecast, low, high (counts)
    - totals: social_network_id, model, first_day, last_day; forecast, low, high (counts) of the total of the 28 days
      after the last settled one. It is that of the last 28 days; no interval below 84 days

    No rows for accounts with fewer than 56 days after the last unknown one, or without a gain on any of them.

    There are two baselines: the last week again (Hyndman and Athanasopoulos, Forecasting, 3rd edition, 5.2), which the
    others are compared with, and the mean of the last four same weekdays. Models are fitted to logarithms. Errors are
    ratios, so that intervals grow with the level and stay above zero. Intervals of days are quantiles of the errors of
    earlier forecasts (split conformal prediction; Lei et al., 2018, doi:10.1080/01621459.2017.1307116). Those of weeks
    and of 28 days have few errors, because theirs overlap: Student's t of their root mean square about 0, so that a
    trend widens them. All are taken a little wider than 80%, which brings them to about that in simulation. Errors on
    imputed days are left out.

    >>> pins = pl.DataFrame({"social_network_id": "pin_a", "id": "1", "timestamp": date(2025, 3, 1),
    ...     "snapshot_date": [date(2026, 1, 1) + timedelta(days=day) for day in range(73)],
    ...     "saves": np.cumsum([0, *[4, 5, 6, 7, 8, 9, 10] * 10, 0, 0])})
    >>> forecasts = gain_forecasts(AccountHistory.from_pins(pins), models=())
    >>> forecasts.days["forecast"].to_list()[:7], forecasts.weeks["forecast"].to_list()
    ([4.0, 5.0, 6.0, 7.0, 8.0, 9.0, 10.0], [49.0, 49.0, 49.0, 49.0])
    >>> forecasts.totals["forecast"].to_list()
    [196.0]
    """
    account, used = history.social_network_id, usable_days(history, metric)
    chosen_models = (MODELS if models_installed() else ()) if models is None else tuple(models)
    is_enough = used.height >= MIN_DAYS and used["gain"].sum()
    parts = _of_account(account, used, chosen_models) if is_enough else ([], [], [], [], [])
    schemas = (_DAYS, _WEEKS, _SKILL, _BACKTEST, _TOTALS)
    return Forecasts(*(pl.DataFrame(rows, schema=schema) for rows, schema in zip(parts, schemas, strict=True)))


Rows = list[dict[str, object]]


def _of_account(account: str, days: pl.DataFrame, models: Sequence[str]) -> tuple[Rows, ...]:
    gain: Floats = days["gain"].to_numpy().astype(np.float64)
    counted: Flags = ~days["is_imputed"].to_numpy()
    known = len(gain)
    origins = np.arange(
        known - HORIZON - min(MAX_ORIGINS, known - LEARNING_DAYS - HORIZON + 1) + 1, known - HORIZON + 1
    )
    # the baseline has errors from its second week on, so its intervals rest on more errors
    early = np.arange(WEEK, origins[0])
    both = np.concatenate([early, origins])
    later = early[early >= LEARNING_DAYS]
    results = {
        BASELINE: backtested(gain, counted, early, origins, last_week_again(gain, both)),
        MEAN: backtested(gain, counted, later, origins, mean_of_weeks(gain, np.concatenate([later, origins]))),
    }
    for model, paths in _model_paths(days["day"], gain, origins, models).items():
        results[model] = backtested(gain, counted, early[:0], origins, paths)
    naive = float(np.abs(gain[WEEK : origins[0]] - gain[: origins[0] - WEEK]).mean())
    least = results[BASELINE].mae
    known_errors = {model: result.mae for model, result in results.items() if result.mae is not None}
    chosen = min(known_errors, key=lambda model: (known_errors[model], model != BASELINE), default=BASELINE)
    last: date = days["day"][-1]
    total = total_again(gain, counted)
    ahead = [last + timedelta(days=day + 1) for day in range(HORIZON)]
    order = sorted(results)
    return (
        [
            {
                "social_network_id": account,
                "model": model,
                "day": day,
                "horizon": step + 1,
                "forecast": results[model].paths[-1, step],
                "low": _or_none(results[model].low[-1, step]),
                "high": _or_none(results[model].high[-1, step]),
            }
            for model in order
            for step, day in enumerate(ahead)
        ],
        [
            {
                "social_network_id": account,
                "model": model,
                "first_day": ahead[week * WEEK],
                "last_day": ahead[week * WEEK + WEEK - 1],
                "forecast": results[model].paths[-1].reshape(-1, WEEK)[week].sum(),
                "low": _or_none(results[model].week_low[week]),
                "high": _or_none(results[model].week_high[week]),
            }
            for model in order
            for week in range(HORIZON // WEEK)
        ],
        [
            {
                "social_network_id": account,
                "model": model,
                "mae": results[model].mae,
                "mase": _ratio(results[model].mae, naive),
                "relative_mae": _ratio(results[model].mae, least),
                "coverage": results[model].coverage,
                "origins": len(origins),
                "is_chosen": model == chosen,
            }
            for model in order
        ],
        [
            {
                "social_network_id": account,
                "model": chosen,
                "origin": days["day"][origin - 1],
                "day": days["day"][origin + step],
                "gain": gain[origin + step] if counted[origin + step] else None,
                "forecast": results[chosen].paths[place, step],
                "low": _or_none(results[chosen].low[place, step]),
                "high": _or_none(results[chosen].high[place, step]),
            }
            for origin, place in ((known - 2 * HORIZON, -2 - HORIZON), (known - HORIZON, -2))
            for step in range(HORIZON)
        ],
        [
            {
                "social_network_id": account,
                "model": MEAN,
                "first_day": ahead[0],
                "last_day": last + timedelta(days=TOTAL_DAYS),
                "forecast": total.forecast,
                "low": _or_none(total.low),
                "high": _or_none(total.high),
            }
        ],
    )


def _model_paths(days: pl.Series, gain: Floats, origins: Integers, models: Sequence[str]) -> dict[str, Floats]:
    if not models:
        return {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from statsforecast import StatsForecast
        from statsforecast import models as known_models

        frame = pl.DataFrame({"unique_id": "account", "ds": days, "y": np.log1p(gain)})
        forecaster = StatsForecast(
            models=[getattr(known_models, model)(season_length=WEEK) for model in models], freq="1d", n_jobs=1
        )
        past = forecaster.cross_validation(df=frame, h=HORIZON, step_size=1, n_windows=len(origins)).sort(
            "cutoff", "ds"
        )
        future = forecaster.forecast(df=frame, h=HORIZON).sort("ds")
    return {
        model: np.maximum(np.expm1(np.concatenate([past[model].to_numpy(), future[model].to_numpy()])), 0.0)
        .astype(np.float64)
        .reshape(-1, HORIZON)
        for model in models
    }


def _ratio(error: float | None, of_other: float | None) -> float | None:
    return error / of_other if error is not None and of_other else None


def _or_none(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
