"""Compute rates of pins (saves, repins, clicks per impression), shrunk toward the account's mean."""

import numpy as np
import polars as pl

from oneup_pinterest.history.account_history import AccountHistory
from oneup_pinterest.history.latest import latest_counters
from oneup_pinterest.history.loaded_history import computed_once
from oneup_pinterest.methods.frames import with_account
from oneup_pinterest.methods.shrinkage import fitted_prior, wilson_interval
from oneup_pinterest.methods.types import Columns

EXPOSURE = "impressions"
_MAX_IMPRESSIONS = 10**12  # a float still distinguishes neighboring numbers of this size

RATES: Columns = {
    "id": pl.String,
    "metric": pl.String,
    "text": pl.String,
    "permalink": pl.String,
    "published": pl.Datetime("us"),
    "impressions": pl.Int64,
    "count": pl.Int64,
    "raw": pl.Float64,
    "raw_low": pl.Float64,
    "raw_high": pl.Float64,
    "rate": pl.Float64,
    "rate_low": pl.Float64,
    "rate_high": pl.Float64,
    "prior_mean": pl.Float64,
    "prior_strength": pl.Float64,
    "reason": pl.String,
    "is_rolling": pl.Boolean,
    "is_earlier": pl.Boolean,
}


@computed_once
def pin_rates(history: AccountHistory, metric: str = "saves") -> pl.DataFrame:
    """Return the rate of each pin as last seen: `metric` per impression, raw, and shrunk toward the other pins.

    One row per pin with impressions above 0 and a known count, sorted by id. The counts are the newest ones without a
    glitch or a rise that may still be taken back (`history.latest.latest_counters`). Rates and their bounds are shares
    (0.01 is 10 per 1,000 impressions). Columns:

    - social_network_id, id, metric, text, permalink, published
    - impressions, count: counts of impressions and of `metric`, as last seen
    - raw, raw_low, raw_high: count / impressions, with Wilson's 95% interval (JASA 22, 1927)
    - rate: mean of the posterior
    - rate_low, rate_high: from the lower of both lower bounds to the higher of both upper bounds: of the posterior's
      central 95% interval and of Wilson's. So it also holds for the best pins, which the posterior shrinks too hard
    - prior_mean, prior_strength: the account's mean rate, and the weight of the prior in impressions
    - reason: why this pin has no rates (more saves than impressions, ...); all rates are then null, and the pin is
      not part of the prior
    - is_rolling: both counters cover a window of days that moves on, and so do the rates
    - is_earlier: the newest row is not credible (yet); the counts are those of an earlier snapshot

    The method is beta-binomial empirical Bayes: true rates are Beta(a, b) over the pins of an account, a and b fitted
    by marginal likelihood (Robbins 1956; Robinson, "Introduction to Empirical Bayes", 2017), with the weak prior
    (a + b)^(-5/2) of Gelman et al., Bayesian Data Analysis, 3rd ed., 5.3, which keeps the fit finite where pins do not
    differ or are few.

    Both counters must cover the same window: where only one of them is rolling, rates are meaningless, and every pin
    has that reason.

    Accuracy in simulation, with 300 pins whose true rates are Beta(2, 198) and whose impressions are lognormal(5, 1.6):
    at most 0.4 of the error (RMSE) of raw rates. The intervals contain at least 96% of all true rates, and at least 93%
    of those above three times the mean, also where rates have heavier tails than a Beta distribution. The posterior's
    own contain 30 to 90% of these. Where impressions are few, intervals are thereby as wide as those of raw rates.

    >>> from datetime import date
    >>> pins = pl.DataFrame({"social_network_id": "pin_a", "id": ["1", "2", "3", "4"], "text": "", "permalink": "",
    ...     "timestamp": date(2026, 3, 1), "snapshot_date": date(2026, 3, 9), "impressions": [10] + [100_000] * 3,
    ...     "saves": [1, 900, 1_000, 1_100]})
    >>> rates = pin_rates(AccountHistory.from_pins(pins))
    >>> rates.select("id", "raw", pl.col("rate", "rate_low", "rate_high").round(3)).head(2).rows()
    [('1', 0.1, 0.01, 0.008, 0.404), ('2', 0.009, 0.009, 0.008, 0.01)]
    """
    rolls = [history.counter_type(name) == "rolling" for name in (EXPOSURE, metric)]
    latest = (
        latest_counters(history, (EXPOSURE, metric))
        .filter((pl.col(EXPOSURE) > 0) & pl.col(metric).is_not_null())
        .select(
            "id",
            "text",
            "permalink",
            "is_earlier",
            "is_unconfirmed",
            published=pl.col("timestamp").cast(pl.Datetime("us")),
            impressions=pl.col(EXPOSURE).cast(pl.Int64),
            count=pl.col(metric).cast(pl.Int64),
        )
    )

    if latest.is_empty():
        return with_account(history.social_network_id, None, RATES)
    rates = _rates_of(latest, metric, rolls[0] == rolls[1]).with_columns(is_rolling=pl.lit(all(rolls)))
    return with_account(history.social_network_id, rates, RATES)


def _rates_of(part: pl.DataFrame, metric: str, is_one_window: bool) -> pl.DataFrame:
    from scipy.special import betaincinv

    reason = (
        pl.when(pl.lit(not is_one_window))
        .then(pl.lit(f"{metric} and {EXPOSURE} do not count over the same window"))
        .when(pl.col("count") > pl.col("impressions"))
        .then(pl.lit(f"more {metric} than {EXPOSURE}"))
        .when(pl.col("impressions") > _MAX_IMPRESSIONS)
        .then(pl.lit(f"more {EXPOSURE} than any pin has"))
        .when(pl.col("count") < 0)
        .then(pl.lit(f"a negative count of {metric}"))
        .when("is_unconfirmed")
        .then(pl.lit("a rise that may still be taken back"))
    )
    part = part.sort("id").with_columns(reason=reason.cast(pl.String), metric=pl.lit(metric))
    good = part["reason"].is_null().to_numpy()
    empty = np.full(part.height, np.nan)
    columns = {name: empty.copy() for name, dtype in RATES.items() if dtype == pl.Float64}
    if good.any():
        counts = part["count"].to_numpy().astype(np.float64)[good]
        shown = part["impressions"].to_numpy().astype(np.float64)[good]
        a, b = fitted_prior(counts, shown)
        low, high = wilson_interval(counts, shown)
        posterior = (a + counts, b + shown - counts)
        found = {
            "raw": counts / shown,
            "raw_low": low,
            "raw_high": high,
            "rate": (a + counts) / (a + b + shown),
            "rate_low": np.minimum(betaincinv(*posterior, 0.025), low),
            "rate_high": np.maximum(betaincinv(*posterior, 0.975), high),
            "prior_mean": a / (a + b),
            "prior_strength": a + b,
        }
        for name, values in found.items():
            columns[name][good] = values
    return part.with_columns(pl.Series(name, values).fill_nan(None) for name, values in columns.items())
