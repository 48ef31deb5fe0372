"""Find when an account's daily gains moved to another level and stayed there, by penalized change-point detection."""

import numpy as np
import polars as pl

from oneup_pinterest.history.account_history import AccountHistory
from oneup_pinterest.history.loaded_history import computed_once
from oneup_pinterest.history.settled_days import settled_days
from oneup_pinterest.methods.frames import with_account
from oneup_pinterest.methods.step_test import steps_against_wandering
from oneup_pinterest.methods.time_series import ADDED, level_and_weekdays, trimmed_deviation
from oneup_pinterest.methods.types import Columns, Floats
from oneup_pinterest.methods.verdicts import LEVEL

MIN_DAYS = 42  # six weeks: with fewer, a wave of two weeks looks like a level
MIN_LEVEL_DAYS = 10  # shorter levels are odd weeks
# times log n times the long-run variance: what a shift must explain, and what it must explain beyond a straight line.
# Both are calibrated on the false alarms of simulated accounts that wander and grow.
PENALTY = 2.5
BEYOND_A_LINE = 0.4 * PENALTY
MIN_CHANGE = 0.15  # of the logarithm, about 16%: nobody would act on a smaller change

SCHEMA: Columns = {
    "first_day": pl.Date,
    "last_day": pl.Date,
    "days": pl.Int64,
    "level": pl.Float64,
    "change": pl.Float64,
    "change_low": pl.Float64,
    "change_high": pl.Float64,
}


@computed_once
def gain_levels(history: AccountHistory, metric: str = "saves") -> pl.DataFrame:
    """Return the successive levels of each account's daily gains; a single row where they never shifted.

    Columns, sorted by the first two:

    - social_network_id, first_day, last_day
    - days: number of days with a known gain
    - level: count, the gain of a usual day (geometric mean without the weekday cycle)
    - change: percent against the level before; null for the first level
    - change_low, change_high: its 95% interval in percent, which allows for days that resemble those before

    No rows for accounts with fewer than 42 settled days of known gain, or without a gain on any of them.

    Method: PELT (Killick, Fearnhead and Eckley, 2012, doi:10.1080/01621459.2012.737745) from `ruptures`, on logarithms
    without their weekday cycle. Its penalty grows with log n and with the long-run variance, which is larger where days
    resemble each other. Single odd days are winsorized. Where one straight line fits as well as the levels do, the
    account grows or shrinks steadily and has no shift.
    What is left is compared with series that only wander, as random walks and swings of a season do
    (`methods.step_test`, 5%): in short or restless series a shift cannot be told from them, and is not named.

    >>> from datetime import date, timedelta
    >>> gains = [40, 44, 38, 41, 37, 43, 39] * 4 + [80, 87, 77, 82, 73, 85, 79] * 4
    >>> pins = pl.DataFrame({"social_network_id": "pin_a", "id": "1", "timestamp": date(2025, 3, 1),
    ...     "snapshot_date": [date(2026, 3, 1) + timedelta(days=day) for day in range(59)],
    ...     "saves": np.cumsum([0, *gains, 0, 0])})
    >>> levels = gain_levels(AccountHistory.from_pins(pins))
    >>> levels.select("first_day", pl.col("level", "change").round(0)).rows()
    [(datetime.date(2026, 3, 1), 40.0, None), (datetime.date(2026, 3, 29), 80.0, 98.0)]
    """
    return with_account(history.social_network_id, levels_of(settled_days(history, metric)), SCHEMA)


def levels_of(days: pl.DataFrame) -> pl.DataFrame:
    """Return the rows of `gain_levels` from the rows of `settled_days`."""
    known = days.filter(pl.col("gain").is_not_null())
    gain: Floats = known["gain"].to_numpy().astype(np.float64)
    if len(gain) < MIN_DAYS or not gain.sum():
        return pl.DataFrame(schema=SCHEMA)
    from ruptures import KernelCPD  # slow to import
    from scipy import stats

    logs = np.log(gain + ADDED)
    level, weekly = level_and_weekdays(logs, known["day"].dt.weekday().to_numpy().astype(np.int64) - 1)
    deviation = max(trimmed_deviation(logs - level - weekly), 1e-3)
    evened = np.clip(logs - weekly, level - 3 * deviation, level + 3 * deviation)
    # chance alone makes counts vary, even where a few weeks happen to be constant
    variance = max(_long_run_variance(evened, evened - level), float((1 / np.exp(level)).mean()))
    unit = variance * np.log(len(evened))
    found = KernelCPD(kernel="linear", min_size=MIN_LEVEL_DAYS).fit(evened[:, None]).predict(pen=PENALTY * unit)
    ends = [int(end) for end in found]
    if _unexplained(evened, ends) + (len(ends) - 1) * BEYOND_A_LINE * unit > _beside_a_line(evened):
        ends = [len(evened)]
    ends, deviations = _tested(evened, _worth_naming(evened, ends))
    bounds = list(zip([0, *ends[:-1]], ends, strict=True))
    means = np.array([evened[first:end].mean() for first, end in bounds])
    sizes = np.array([end - first for first, end in bounds])
    step = np.diff(means)
    chance = np.sqrt(variance * (1 / sizes[1:] + 1 / sizes[:-1]))
    reach = stats.t.ppf(0.975, len(evened) / 4) * np.maximum(chance, deviations)
    day = known["day"]
    return pl.DataFrame(
        {
            "first_day": [day[first] for first, _ in bounds],
            "last_day": [day[end - 1] for _, end in bounds],
            "days": sizes,
            "level": np.exp(means) - ADDED,
            **{
                name: [None, *((np.exp(change) - 1) * 100)]
                for name, change in (("change", step), ("change_low", step - reach), ("change_high", step + reach))
            },
        },
        schema=SCHEMA,
    )


def _long_run_variance(logs: Floats, rest: Floats) -> float:
    """Return the long-run variance: the variance of a mean times its number of days, if days are autocorrelated.

    It comes from the differences between days 1 and 2 apart, which a shift hardly affects: in a first-order
    autoregressive series the variance of the second is 1 + rho times the variance of the first.
    """
    one, two = (trimmed_deviation(logs[apart:] - logs[:-apart]) ** 2 for apart in (1, 2))
    rho = float(np.clip(two / one - 1 if one > 0 else 0.0, 0.3, 0.8))  # never assume that days are independent
    variance = max(one / 2 / (1 - rho), trimmed_deviation(rest) ** 2, 1e-6)
    return variance * (1 + rho) / (1 - rho)


def _unexplained(logs: Floats, ends: list[int]) -> float:
    return float(sum(((part - part.mean()) ** 2).sum() for part in np.split(logs, ends[:-1])))


def _beside_a_line(logs: Floats) -> float:
    time = np.arange(len(logs))
    return float(((logs - np.polyval(np.polyfit(time, logs, 1), time)) ** 2).sum())


def _worth_naming(logs: Floats, ends: list[int]) -> list[int]:
    means = [part.mean() for part in np.split(logs, ends[:-1])]
    steps = np.abs(np.diff(means))
    return [end for end, step in zip(ends[:-1], steps, strict=True) if step >= MIN_CHANGE] + [ends[-1]]


def _tested(logs: Floats, ends: list[int]) -> tuple[list[int], Floats]:
    """Return the ends of the levels whose shifts a series that only wanders does not have, and their deviations.

    Shifts are tested together; then the smallest one is left out, as long as they are not significant.
    """
    while len(ends) > 1:
        test = steps_against_wandering(logs, ends[:-1], MIN_LEVEL_DAYS)
        if test.p <= LEVEL:
            return ends, test.deviations
        steps = np.abs(np.diff([part.mean() for part in np.split(logs, ends[:-1])]))
        ends = [end for place, end in enumerate(ends) if place != int(steps.argmin())]
    return ends, np.empty(0)
