"""Find days that stand out from an account's own daily gains, by a Hampel filter with false discovery control."""

import numpy as np
import polars as pl

from oneup_pinterest.history.account_history import AccountHistory
from oneup_pinterest.history.loaded_history import computed_once
from oneup_pinterest.history.settled_days import settled_days
from oneup_pinterest.methods.frames import with_account
from oneup_pinterest.methods.time_series import ADDED, level_and_weekdays, trimmed_deviation
from oneup_pinterest.methods.types import Columns, Floats

MIN_DAYS = 28  # four of each weekday: with fewer, a weekday effect looks like chance
FALSE_DISCOVERIES = 0.05  # expected share of false alarms among the named days
BAND = 0.99  # share of usual days within the band of the chart

SCHEMA: Columns = {
    "day": pl.Date,
    "gain": pl.Float64,
    "expected": pl.Float64,
    "low": pl.Float64,
    "high": pl.Float64,
    "ratio": pl.Float64,
    "p": pl.Float64,
    "q": pl.Float64,
    "state": pl.String,
}


@computed_once
def daily_anomalies(history: AccountHistory, metric: str = "saves") -> pl.DataFrame:
    """Return which settled days gained more or less than the days around them and their weekday predict.

    Columns, sorted by the first two:

    - social_network_id, day
    - gain: count; null where unknown
    - expected: count, the rolling median of 29 days with the weekday's effect
    - low, high: counts; 99% of single days of such an account lie between them
    - ratio: gain / expected
    - p: p value (two-sided) of a usual day; null where the state is `not judged` or `unknown`
    - q: p adjusted over the account's days (Benjamini and Hochberg 1995)
    - state: `high` or `low` where q is at most 5%; `usual`; `not judged` (imputed, next to a gap or an unknown day,
      or a day on which more than a tenth of the counters fell); `unknown`

    No rows for accounts with fewer than 28 days that can be tested, or without a gain on any of them.

    Method: Hampel's filter (Pearson, 2002, doi:10.1109/87.974338) on logarithms, with the standard deviation from
    median absolute deviations. The p value is the larger of two: of a Student t distribution on the logarithms, because
    days are heavy-tailed, and of a negative binomial on the counts, so that a zero among small counts is not an
    anomaly.

    >>> from datetime import date, timedelta
    >>> gains = [40, 44, 38, 41, 37, 43, 39] * 4 + [40, 200, 38, 41, 37, 43, 39]
    >>> pins = pl.DataFrame({"social_network_id": "pin_a", "id": "1", "timestamp": date(2025, 3, 1),
    ...     "snapshot_date": [date(2026, 3, 1) + timedelta(days=day) for day in range(38)],
    ...     "saves": np.cumsum([0, *gains, 0, 0])})
    >>> days = daily_anomalies(AccountHistory.from_pins(pins))
    >>> days.filter(pl.col("state") == "high").select("day", "gain", "state").rows()
    [(datetime.date(2026, 3, 30), 200.0, 'high')]
    """
    return with_account(history.social_network_id, anomalous_days(settled_days(history, metric)), SCHEMA)


def anomalous_days(days: pl.DataFrame) -> pl.DataFrame:
    """Return the rows of `daily_anomalies` from the rows of `settled_days`."""
    sure = days["is_sure"].to_numpy()
    gain: Floats = days["gain"].cast(pl.Float64).to_numpy().astype(np.float64)
    if sure.sum() < MIN_DAYS or not np.nansum(gain):
        return pl.DataFrame(schema=SCHEMA)
    from scipy import stats  # slow to import

    logs = np.where(sure, np.log(gain + ADDED), np.nan)
    level, weekly = level_and_weekdays(logs, days["day"].dt.weekday().to_numpy().astype(np.int64) - 1)
    log_expected = level + weekly
    expected = np.maximum(np.exp(log_expected) - ADDED, 0.0)
    counting = 1 / (expected + ADDED)  # variance of the logarithm of a Poisson count
    rest = (logs - log_expected)[sure]
    # the medians follow the days a little, which makes the deviation too small
    freed = len(rest) / max(len(rest) - 9 - len(rest) / 14, 1.0)
    beyond = max(trimmed_deviation(rest) ** 2 * freed - float(np.median(counting[sure])), 1e-6)
    deviation = np.sqrt(beyond + counting)
    freedom = max(0.8 * (len(rest) - 7), 5.0)
    far = np.abs(logs - log_expected) / deviation
    by_logs = 2 * stats.t.sf(far, freedom)
    size, likely = 1 / beyond, 1 / (1 + beyond * (expected + 1e-9))
    above = stats.nbinom.sf(np.ceil(gain) - 1, size, likely)
    below = stats.nbinom.cdf(np.floor(gain), size, likely)
    p = np.where(sure, np.minimum(np.maximum(by_logs, 2 * np.minimum(above, below)), 1.0), np.nan)
    q = np.full(len(p), np.nan)
    q[sure] = stats.false_discovery_control(p[sure])
    reach = stats.t.ppf((1 + BAND) / 2, freedom) * deviation
    is_named = q <= FALSE_DISCOVERIES
    state = np.select(
        [is_named & (gain > expected), is_named, sure, np.isfinite(gain)],
        ["high", "low", "usual", "not judged"],
        "unknown",
    )
    return days.select(
        "day",
        "gain",
        pl.Series("expected", expected),
        pl.Series("low", np.maximum(np.exp(log_expected - reach) - ADDED, 0.0)),
        pl.Series("high", np.exp(log_expected + reach) - ADDED),
        pl.Series("ratio", gain / np.where(expected > 0, expected, np.nan)).fill_nan(None),
        pl.Series("p", p).fill_nan(None),
        pl.Series("q", q).fill_nan(None),
        pl.Series("state", state.astype(str)),
    ).with_columns(pl.col("expected", "low", "high").fill_nan(None))
