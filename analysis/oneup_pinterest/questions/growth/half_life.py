"""How soon pins have half of what they have at a horizon."""

import warnings
from collections.abc import Sequence
from threading import Lock

import numpy as np
import polars as pl

from oneup_pinterest.history.account_history import AccountHistory
from oneup_pinterest.methods.frames import with_account
from oneup_pinterest.methods.types import Columns, Floats
from oneup_pinterest.questions.growth.statistic import HORIZONS, MIN_COUNT, Curves, curves_to

MIN_PINS = 20  # the interval of a median of fewer covers most of the range
# Chance in counts makes pins look faster than they are: with 20 counts and more, the median comes out about 3% short
# (simulations/growth.py), more than the interval is wide in many pins. So it ends this much later.
ALLOWANCE = 0.04
MAX_LOST = 0.1  # share of pins that may have vanished before the horizon: perhaps these were the slow ones

_ALONE = Lock()  # what is ignored as a warning is one setting for all threads
_HALF_LIFE: Columns = {
    "horizon": pl.Int64,
    "half_life": pl.Float64,
    "low": pl.Float64,
    "high": pl.Float64,
    "pins": pl.Int64,
    "censored": pl.Int64,
    "too_young": pl.Int64,
    "unobserved": pl.Int64,
    "too_few": pl.Int64,
    "reason": pl.String,
}
_CURVE: Columns = {
    "horizon": pl.Int64,
    "age": pl.Float64,
    "share": pl.Float64,
    "low": pl.Float64,
    "high": pl.Float64,
    "at_risk": pl.Int64,
}


def half_lives(history: AccountHistory, metric: str = "saves", horizons: Sequence[int] = HORIZONS) -> pl.DataFrame:
    """Return the age by which half of the pins have half of what they have at a horizon, from `load_pins`.

    A half-life depends on its horizon (for a counter that grows as log(1 + age): 4.6 days of 30, 8.5 of 90), so there
    is one for each of 7, 30 and 90 days. It is the median over pins of t50, the age at which a pin had half of its
    counter at the horizon: linear between two sights, and from 0 at age 0 (the day of publication ends at age 1).

    Which pins are used is decided by days, not by how a pin did: those old enough at the last sync, seen
    from the start, without a long gap. Pins too young are left out: to call each censored at the age at which it had
    half of what it has now (a lower bound of its t50) ties the censoring to its own curve, fast pins are censored
    early, and Kaplan-Meier's estimate comes out too long; censored at their present age, far too long
    (`simulations/growth.py`). Only pins that vanished before the horizon are right-censored, at
    that lower bound.

    One row per account and horizon. Columns:

    - social_network_id; horizon (days)
    - half_life (days; null where there is none), low, high: 95% interval, where Kaplan-Meier's log-log interval holds
      one half (Brookmeyer and Crowley, Biometrics 38, 1982), ended 4% later, as chance in counts makes pins look
      faster than they are; `high` is null where it has no end
    - pins: used; censored: of these, vanished before the horizon
    - too_young, unobserved: left out, as in `followed_pins`; too_few: left out because they have fewer than 20 at the
      horizon. So the figure is about pins with at least 20
    - reason: why there is no half-life, else null

    >>> from datetime import date, datetime
    >>> pins = pl.concat([pl.DataFrame({
    ...     "social_network_id": "pin_a", "id": f"{number}", "timestamp": datetime(2026, 3, 1, 9),
    ...     "snapshot_date": [date(2026, 3, day) for day in range(2, 9)], "saves": [12, 16, 24, 28, 30, 32, 32],
    ... }) for number in range(20)])
    >>> half_lives(AccountHistory.from_pins(pins)).select("horizon", "half_life", "pins", "reason").row(0)
    (7, 2.0, 20, None)
    """

    if history.pins.is_empty():
        return with_account(history.social_network_id, None, _HALF_LIFE)
    rows = [half_life_of(curves_to(history, metric, horizon), horizon) for horizon in horizons]
    return with_account(history.social_network_id, pl.concat(rows), _HALF_LIFE)


def half_life_curve(history: AccountHistory, metric: str = "saves", horizon: int = 30) -> pl.DataFrame:
    """Return the share of pins that do not yet have half of what they have at the horizon, by age (Kaplan-Meier).

    One row per account and age at which the share falls, after one at age 0. Columns: social_network_id; horizon, age
    (days); share (0 to 1), low, high (95%, log-log); at_risk (pins whose half is not before this age). An account for
    which `half_lives` gives a reason has no rows.
    """

    curves = curves_to(history, metric, horizon)
    if half_life_of(curves, horizon)["reason"][0] is not None:
        return with_account(history.social_network_id, None, _CURVE)
    exact, censored, _ = _times(curves)
    ages, share, low, high = _kaplan_meier(exact, censored)
    every = np.concatenate([exact, censored])
    at_risk = len(every) - np.searchsorted(np.sort(every), ages)
    rows = pl.DataFrame(
        {
            "horizon": [horizon] * len(ages),
            "age": ages,
            "share": share,
            "low": low,
            "high": high,
            "at_risk": at_risk,
        },
        schema=_CURVE,
    )
    first = pl.DataFrame([(horizon, 0.0, 1.0, 1.0, 1.0, len(every))], schema=_CURVE, orient="row")
    return with_account(history.social_network_id, pl.concat([first, rows]), _CURVE)


def half_life_of(curves: Curves, horizon: int) -> pl.DataFrame:
    """Return the row of `half_lives` for one horizon, from `followed_curves`."""
    exact, censored, too_few = _times(curves)
    pins, lost = len(exact) + len(censored), len(censored)
    reason = None
    if len(exact) < MIN_PINS:
        reason = (
            f"{MIN_PINS} pins seen from the start to age {horizon} with at least {MIN_COUNT} at that age are "
            f"needed, and there are {len(exact)}"
        )
    elif lost > MAX_LOST * pins:
        reason = f"{lost} of {pins} pins were not seen any more, or were reset, before age {horizon}"
    half = low = high = None
    if reason is None:
        ages, share, lower, upper = _kaplan_meier(exact, censored)
        half = float(ages[share <= 0.5][0])
        low = float(ages[lower <= 0.5][0])
        beyond = ages[upper < 0.5]
        high = float(beyond[0]) * (1 + ALLOWANCE) if len(beyond) else None
    row = (horizon, half, low, high, pins, lost, curves.too_young, curves.unobserved, too_few, reason)
    return pl.DataFrame([row], schema=_HALF_LIFE, orient="row")


def _times(curves: Curves) -> tuple[Floats, Floats, int]:
    """Return ages at which pins had half of what they have at the horizon; lower bounds of those that vanished; pins
    left out because they have too few."""
    enough, lost_enough = curves.values[:, -1] >= MIN_COUNT, curves.lost[:, -1] >= MIN_COUNT
    too_few = int((~enough).sum() + (~lost_enough).sum())
    return _age_at_half(curves.values[enough]), _age_at_half(curves.lost[lost_enough]), too_few


def _age_at_half(values: Floats) -> Floats:
    """Return age at which each row reaches half of its last value."""
    half = values[:, -1:] / 2
    after = (values >= half).argmax(axis=1)[:, None]
    high, low = (np.take_along_axis(values, at, axis=1) for at in (after, after - 1))
    age: Floats = (after - 1 + (half - low) / (high - low))[:, 0]
    return age


def _kaplan_meier(exact: Floats, censored: Floats) -> tuple[Floats, Floats, Floats, Floats]:
    """Return ages, share not yet at half, and its 95% interval."""
    from scipy.stats import CensoredData, ecdf

    survival = ecdf(CensoredData(uncensored=exact, right=censored)).sf
    share = survival.probabilities
    with np.errstate(all="ignore"), _ALONE, warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # at shares of 0 and 1 the interval is undefined
        interval = survival.confidence_interval(0.95, method="log-log")
    low, high = (
        np.where(np.isnan(bound.probabilities), share, bound.probabilities) for bound in (interval.low, interval.high)
    )
    return survival.quantiles, share, low, high
