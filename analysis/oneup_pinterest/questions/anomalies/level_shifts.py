"""When an account's daily gains moved to another level and stayed there, by penalized change-point detection."""

import numpy as np
import polars as pl

from oneup_pinterest.history.account_history import AccountHistory
from oneup_pinterest.history.loaded_history import computed_once
from oneup_pinterest.history.settled_days import settled_days
from oneup_pinterest.methods.frames import with_account
from oneup_pinterest.methods.time_series import ADDED, level_and_weekdays, trimmed_deviation
from oneup_pinterest.methods.types import Columns, Floats

MIN_DAYS = 42  # six weeks: of fewer, a level looks like a wave of two weeks
SHORTEST_LEVEL = 10  # days; what is over sooner is an odd week
# times log n times the long-run variance: what a shift must explain, and what it must explain beyond a straight line;
# the false alarms of simulated accounts, which wander and grow, chose both
PENALTY = 2.5
BEYOND_A_LINE = 0.4 * PENALTY
MIN_CHANGE = 0.15  # of the logarithm, about 16%: a smaller one is none that anybody would act on

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
    """Return the levels that each account's daily gains had, one after the other: one row where they never shifted.

    Columns, sorted by the first two:

    - social_network_id, first_day, last_day
    - days: with a known gain
    - level: gain of a usual day (geometric mean, weekdays evened out), as a count
    - change: against the level before, in percent; null for the first
    - change_low, change_high: its 95% interval, in percent; days that resemble the day before count for less in it

    No rows for accounts with fewer than 42 settled days of known gain, or without a gain on any of them.

    Method: PELT (Killick, Fearnhead and Eckley, 2012, doi:10.1080/01621459.2012.737745) as `ruptures` has it, on
    logarithms without their weekday cycle. Its penalty grows with log n and with the long-run variance, which days
    that resemble each other make larger; single odd days are cut to size; and where one straight line fits as well as
    the levels do, the account grows or shrinks and has shifted nowhere.

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
    """Return the rows of `gain_levels` from those of `settled_days`."""
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
    # chance alone makes counts vary, even where those of a few weeks happen not to
    variance = max(_long_run_variance(evened, evened - level), float((1 / np.exp(level)).mean()))
    unit = variance * np.log(len(evened))
    found = KernelCPD(kernel="linear", min_size=SHORTEST_LEVEL).fit(evened[:, None]).predict(pen=PENALTY * unit)
    ends = [int(end) for end in found]
    if _unexplained(evened, ends) + (len(ends) - 1) * BEYOND_A_LINE * unit > _beside_a_line(evened):
        ends = [len(evened)]
    ends = _worth_naming(evened, ends)
    bounds = list(zip([0, *ends[:-1]], ends, strict=True))
    means = np.array([evened[first:end].mean() for first, end in bounds])
    sizes = np.array([end - first for first, end in bounds])
    step = np.diff(means)
    reach = stats.t.ppf(0.975, len(evened) / 4) * np.sqrt(variance * (1 / sizes[1:] + 1 / sizes[:-1]))
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
    """Return what the variance of a mean is, times its days, if each day resembles the one before.

    Of the differences between days 1 and 2 apart, because a shift hardly touches these: in an autoregressive series
    the variance of the second is 1 + rho times the variance of the first.
    """
    one, two = (trimmed_deviation(logs[apart:] - logs[:-apart]) ** 2 for apart in (1, 2))
    rho = float(np.clip(two / one - 1 if one > 0 else 0.0, 0.3, 0.8))  # never trust that days are independent
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
