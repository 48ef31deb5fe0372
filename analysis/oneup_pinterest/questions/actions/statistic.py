"""Find pins to act on: those that still earn, and those whose rates lie far from the account's."""

from datetime import timedelta
from typing import Literal

import polars as pl

from oneup_pinterest.history.account_history import AccountHistory
from oneup_pinterest.history.gains import numbered_gains
from oneup_pinterest.history.loaded_history import computed_once
from oneup_pinterest.history.pin_rates import EXPOSURE, pin_rates
from oneup_pinterest.history.publication import publication_times
from oneup_pinterest.methods.frames import with_account
from oneup_pinterest.methods.types import Columns
from oneup_pinterest.questions.top_pins.statistic import SO_FAR, top_pins

OLD_DAYS = 45  # most of what a usual pin will ever get has come by then
MIN_GAIN = 10  # counts: fewer clicks are no reason to act
WEEK = 7
MIN_WEEKS, MAX_WEEKS = 2, 4  # in one week a burst of a day looks steady
FAR_ABOVE, FAR_BELOW = 1.25, 0.75  # times the account's rate: a smaller difference is no reason to act
MIN_PINS = 20  # with a rate: fewer have no usual number of impressions
MIN_AGE = 14  # days: younger pins are shown little because they are young
SETTLED_SHARE = 0.75  # quantile of impressions above which a pin counts as shown often
FALSE_DISCOVERIES = 0.05

EARNING: Columns = {"id": pl.String, "value": pl.Float64, "weeks": pl.Int64}
UNUSUAL: Columns = {
    "id": pl.String,
    "rate": pl.Float64,
    "low": pl.Float64,
    "high": pl.Float64,
    "account_rate": pl.Float64,
    "impressions": pl.Int64,
    "q": pl.Float64,
}
Side = Literal["high", "low"]


@computed_once
def still_earning(history: AccountHistory, metric: str = "clicks") -> pl.DataFrame | str:
    """Return the pins older than 45 days that gained a metric in each of the last weeks, the most first.

    A text says why there is no such list yet. Columns: social_network_id, id, value (counts gained in the period of
    `top_pins`, at least 10), weeks (number of settled weeks, two to four, in each of which the pin gained some).

    >>> from datetime import date
    >>> days = [date(2026, 3, 1) + timedelta(days=n) for n in range(17)]
    >>> pins = pl.DataFrame({"social_network_id": "pin_a", "id": "1", "timestamp": date(2025, 3, 1),
    ...     "snapshot_date": days, "clicks": [5 * n for n in range(17)]})
    >>> still_earning(AccountHistory.from_pins(pins)).select("id", "value", "weeks").rows()
    [('1', 35.0, 2)]
    """
    top = top_pins(history, metric)
    if top.basis == SO_FAR or top.start is None or top.end is None:
        return f"no gains of {metric} are known yet"
    known = history.account_gains.filter((pl.col("metric") == metric) & (pl.col("day") <= top.end))
    weeks = min(known["day"].n_unique() // WEEK, MAX_WEEKS)
    if weeks < MIN_WEEKS:
        return f"{MIN_WEEKS} whole weeks of {metric} are needed to see who earns in each"
    ids = publication_times(history)
    is_old = pl.col("published").cast(pl.Date) <= top.end - timedelta(days=OLD_DAYS)
    old = ids.with_row_index("pin").filter(is_old)
    gains = numbered_gains(history, metric, top.end - timedelta(days=weeks * WEEK - 1)).filter(
        (pl.col("day") <= top.end) & (pl.col("gain") > 0)
    )
    week = (pl.lit(top.end) - pl.col("day")).dt.total_days() // WEEK
    steady = gains.group_by(pl.col("pin").cast(old["pin"].dtype)).agg(weeks=week.n_unique().cast(pl.Int64))
    found = (
        old.join(steady.filter(pl.col("weeks") == weeks), on="pin")
        .join(top.pins.filter(pl.col("value") >= MIN_GAIN), on="id")
        .sort("value", "id", descending=[True, False])
    )
    return with_account(history.social_network_id, found, EARNING)


@computed_once
def unusual_rates(history: AccountHistory, metric: str, side: Side) -> pl.DataFrame | str:
    """Return pins whose rate of a metric per impression lies far from the account's, the furthest first.

    `high`: pins with fewer impressions than the account's median whose rate is more than 1.25 times the account's, and
    that are at least 14 days old. `low`: pins with more impressions than three quarters of the pins whose rate is less
    than 0.75 times the account's. A text says why there is no such list yet. Columns:

    - social_network_id, id, impressions (count)
    - rate, low, high: the pin's own rate (share of impressions), with its Wilson interval (95%)
    - account_rate: mean rate of the account's pins (`pin_rates`)
    - q: p value of a binomial test against 1.25 (0.75) times that mean, adjusted over the pins of the list's kind
      (Benjamini and Hochberg 1995); at most 0.05

    >>> from datetime import date
    >>> pins = pl.DataFrame({"social_network_id": "pin_a", "id": [str(n) for n in range(20)], "text": "",
    ...     "permalink": "", "timestamp": date(2026, 1, 1), "snapshot_date": date(2026, 3, 9),
    ...     "impressions": [500] + [10_000] * 19, "saves": [90] + [100] * 19})
    >>> unusual_rates(AccountHistory.from_pins(pins), "saves", "high").select("id", "rate").rows()
    [('0', 0.18)]
    """
    from scipy.stats import binom, false_discovery_control

    rates = pin_rates(history, metric).drop_nulls("rate")
    if rates.height < MIN_PINS:
        return f"{MIN_PINS} pins with impressions and {metric} are needed, and there are {rates.height}"
    shown, mean = pl.col(EXPOSURE), float(rates["prior_mean"][0])
    if side == "high":
        last = history.pins["snapshot_date"].max()
        age = (pl.lit(last) - pl.col("published").cast(pl.Date)).dt.total_days()
        part = rates.filter((shown < shown.median()) & (age >= MIN_AGE))
        counts, impressions = part["count"].to_numpy(), part[EXPOSURE].to_numpy()
        p_values = binom.sf(counts - 1, impressions, min(FAR_ABOVE * mean, 1.0))
    else:
        part = rates.filter(shown >= shown.quantile(SETTLED_SHARE))
        counts, impressions = part["count"].to_numpy(), part[EXPOSURE].to_numpy()
        p_values = binom.cdf(counts, impressions, FAR_BELOW * mean)
    if part.is_empty():
        return with_account(history.social_network_id, None, UNUSUAL)
    found = part.select(
        "id",
        EXPOSURE,
        rate="raw",
        low="raw_low",
        high="raw_high",
        account_rate="prior_mean",
        q=pl.Series(false_discovery_control(p_values)),
    ).filter(pl.col("q") <= FALSE_DISCOVERIES)
    return with_account(
        history.social_network_id, found.sort("rate", "id", descending=[side == "high", False]), UNUSUAL
    )
