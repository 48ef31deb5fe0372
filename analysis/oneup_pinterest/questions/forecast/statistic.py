"""Forecast the next two weeks of an account's daily gains, with a baseline and a backtest."""

import importlib.util
import warnings
from collections.abc import Sequence
from datetime import date, timedelta
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import polars as pl

from oneup_pinterest.history.account_history import AccountHistory
from oneup_pinterest.history.loaded_history import computed_once
from oneup_pinterest.history.settled_days import settled_days
from oneup_pinterest.methods.types import Flags, Floats

HORIZON = 14  # days
MIN_DAYS = 56  # eight weeks: four to learn from, and four as origins of the backtest
MAX_ORIGINS = 28
LEARNING_DAYS = 28  # a model needs this many before its first forecast
SHARE = 0.8  # of days within the interval
MIN_ERRORS = 10  # fewer do not show where the outer tenths start
BASELINE = "Seasonal naive"
MODELS = ("AutoETS", "AutoTheta")
EXTRA = 'pip install "source-oneup-pinterest[forecast]"'

_WEEK = 7
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
    """The four frames of `gain_forecasts`; its docstring has the columns."""

    days: pl.DataFrame
    weeks: pl.DataFrame
    skill: pl.DataFrame
    backtest: pl.DataFrame


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

    `models` are classes of `statsforecast` that compete with the baseline: by default AutoETS and AutoTheta if the
    extra `forecast` is installed, else none. There are four frames, sorted by social_network_id, model and day:

    - days: social_network_id, model, day, horizon (days ahead), forecast, low, high (counts; the interval holds 80%)
    - weeks: social_network_id, model, first_day, last_day; forecast, low, high of the week's total
    - skill: social_network_id, model; mae (mean absolute error, counts per day), mase (mae over the error of the naive
      forecast on the days before the backtest), relative_mae (mae over that of the baseline in the same backtest: below
      1 is better), coverage (share of days within their interval, 0 to 1, each from earlier errors only; null where
      these are too few), origins (number of days from which the next 14 were forecast), is_chosen (one model per
      account: the one with the smallest relative_mae; the baseline unless another is below 1)
    - backtest: the last four weeks of the chosen model: social_network_id, model, origin (last day known to the
      forecast), day, gain (null where imputed), forecast, low, high (counts)

    No rows for accounts with fewer than 56 days after the last unknown one, or without a gain on any of them.

    The baseline repeats the last week (Hyndman and Athanasopoulos, Forecasting, 3rd edition, 5.2). Models are fitted
    to logarithms. Intervals are quantiles of the errors of earlier forecasts, as a ratio, so that they grow with the
    level and stay above zero (split conformal prediction; Lei et al., 2018, doi:10.1080/01621459.2017.1307116).
    Errors on imputed days are left out.

    >>> pins = pl.DataFrame({"social_network_id": "pin_a", "id": "1", "timestamp": date(2025, 3, 1),
    ...     "snapshot_date": [date(2026, 1, 1) + timedelta(days=day) for day in range(73)],
    ...     "saves": np.cumsum([0, *[4, 5, 6, 7, 8, 9, 10] * 10, 0, 0])})
    >>> forecasts = gain_forecasts(AccountHistory.from_pins(pins), models=())
    >>> forecasts.days["forecast"].to_list()[:7], forecasts.weeks["forecast"].to_list()
    ([4.0, 5.0, 6.0, 7.0, 8.0, 9.0, 10.0], [49.0, 49.0])
    """
    account, used = history.social_network_id, usable_days(history, metric)
    chosen_models = (MODELS if models_installed() else ()) if models is None else tuple(models)
    is_enough = used.height >= MIN_DAYS and used["gain"].sum()
    parts = _of_account(account, used, chosen_models) if is_enough else ([], [], [], [])
    schemas = (_DAYS, _WEEKS, _SKILL, _BACKTEST)
    return Forecasts(*(pl.DataFrame(rows, schema=schema) for rows, schema in zip(parts, schemas, strict=True)))


Rows = list[dict[str, object]]
Days = npt.NDArray[np.int64]


class _Backtest(NamedTuple):
    """A model's forecasts from each origin (rows) for each of the next days; the last row is the future."""

    paths: Floats
    mae: float
    low: Floats
    high: Floats
    coverage: float | None
    week_low: Floats
    week_high: Floats


def _of_account(account: str, days: pl.DataFrame, models: Sequence[str]) -> tuple[Rows, Rows, Rows, Rows]:
    gain: Floats = days["gain"].to_numpy().astype(np.float64)
    counted: Flags = ~days["is_imputed"].to_numpy()
    known = len(gain)
    origins = np.arange(
        known - HORIZON - min(MAX_ORIGINS, known - LEARNING_DAYS - HORIZON + 1) + 1, known - HORIZON + 1
    )
    # the baseline has errors from its second week on, so its intervals rest on more errors
    early = np.arange(_WEEK, origins[0])
    results = {BASELINE: _backtested(gain, counted, early, origins, _baseline(gain, np.concatenate([early, origins])))}
    for model, paths in _model_paths(days["day"], gain, origins, models).items():
        results[model] = _backtested(gain, counted, early[:0], origins, paths)
    naive = np.abs(gain[_WEEK : origins[0]] - gain[: origins[0] - _WEEK]).mean()
    least = results[BASELINE].mae
    chosen = min(results, key=lambda model: (results[model].mae, model != BASELINE))
    last: date = days["day"][-1]
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
                "first_day": ahead[week * _WEEK],
                "last_day": ahead[week * _WEEK + _WEEK - 1],
                "forecast": results[model].paths[-1].reshape(-1, _WEEK)[week].sum(),
                "low": _or_none(results[model].week_low[week]),
                "high": _or_none(results[model].week_high[week]),
            }
            for model in order
            for week in range(HORIZON // _WEEK)
        ],
        [
            {
                "social_network_id": account,
                "model": model,
                "mae": results[model].mae,
                "mase": results[model].mae / naive if naive > 0 else None,
                "relative_mae": results[model].mae / least if least > 0 else None,
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
    )


def _baseline(gain: Floats, origins: Days) -> Floats:
    """Return the week before each origin, and before the end, repeated over the horizon."""
    starts = np.append(origins, len(gain)) - _WEEK
    paths: Floats = gain[starts[:, None] + np.arange(HORIZON) % _WEEK]
    return paths


def _model_paths(days: pl.Series, gain: Floats, origins: Days, models: Sequence[str]) -> dict[str, Floats]:
    if not models:
        return {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from statsforecast import StatsForecast
        from statsforecast import models as known_models

        frame = pl.DataFrame({"unique_id": "account", "ds": days, "y": np.log1p(gain)})
        forecaster = StatsForecast(
            models=[getattr(known_models, model)(season_length=_WEEK) for model in models], freq="1d", n_jobs=1
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


def _backtested(
    gain: Floats,
    counted: Flags,
    early: Days,
    origins: Days,
    paths: Floats,
) -> _Backtest:
    """Return the intervals and errors of `paths`: one row per element of `early` and `origins`, and the future."""
    starts = np.append(np.concatenate([early, origins]), len(gain))
    target = starts[:, None] + np.arange(HORIZON)
    is_known = (target < len(gain)) & np.append(counted, False)[np.minimum(target, len(gain))]
    there = np.append(gain, np.nan)[np.minimum(target, len(gain))]
    error = np.where(is_known, np.log((there + 1) / (paths + 1)), np.nan)
    low, high = np.full(paths.shape, np.nan), np.full(paths.shape, np.nan)
    for place in range(len(early), len(starts)):
        for week in range(HORIZON // _WEEK):
            span = slice(week * _WEEK, (week + 1) * _WEEK)
            earlier = error[:, span][target[:, span] < starts[place]]
            seen = np.unique(target[:, span][(target[:, span] < starts[place]) & is_known[:, span]]).size
            least, most = _quantiles(earlier[np.isfinite(earlier)], seen)
            low[place, span] = np.maximum((paths[place, span] + 1) * np.exp(least) - 1, 0.0)
            high[place, span] = (paths[place, span] + 1) * np.exp(most) - 1
    tested = slice(len(early), len(starts) - 1)
    compared = is_known[tested] & np.isfinite(low[tested])
    held = (there[tested] >= low[tested]) & (there[tested] <= high[tested])
    off = np.abs(there - paths)[tested][is_known[tested]]
    totals = paths.reshape(len(starts), -1, _WEEK).sum(axis=2)
    sums = np.where(is_known, there, np.nan).reshape(len(starts), -1, _WEEK).sum(axis=2)
    week_error = np.log((sums + 1) / (totals + 1))
    # weeks that start a day apart share six days: three of them count as one
    known_errors = [errors[np.isfinite(errors)] for errors in week_error.T]
    bounds = np.array([_quantiles(errors, errors.size / 3) for errors in known_errors])
    week_low, week_high = np.maximum((totals[-1] + 1) * np.exp(bounds.T) - 1, 0.0)
    return _Backtest(
        paths[len(early) :],
        float(off.mean()) if off.size else np.inf,
        low[len(early) :],
        high[len(early) :],
        float(held[compared].mean()) if compared.any() else None,
        week_low,
        week_high,
    )


def _quantiles(errors: Floats, independent: float) -> tuple[float, float]:
    """Return bounds that hold 80% of the future; `independent` is the effective number of errors."""
    if errors.size < MIN_ERRORS:
        return np.nan, np.nan
    outer = (1 - SHARE) / 2 - SHARE / 2 / (independent + 1)  # quantiles of a finite sample are too narrow
    return float(np.quantile(errors, max(outer, 0.0))), float(np.quantile(errors, min(1 - outer, 1.0)))


def _or_none(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
