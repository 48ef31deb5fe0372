"""Rates of pins (saves, repins, clicks per impression), shrunk to the account's, and rankings that say how sure."""

import numpy as np
import numpy.typing as npt
import polars as pl

from oneup_pinterest.history.counter_types import counter_types
from oneup_pinterest.history.observations import latest_counters
from oneup_pinterest.history.per_account import for_each_account
from oneup_pinterest.history.remembered import remembered

EXPOSURE = "impressions"
DRAWS = 2_000  # chances are good to 0.01
TOP = 10
_CELLS = 250_000  # draws x pins held at once: 2 MB, which stays in the processor's cache
_MOST = 10**12  # of such numbers a float still tells the next ones apart
_MOST_STRENGTH = 1e6  # impressions: a prior as strong as this leaves no room for differences between pins
Floats = npt.NDArray[np.float64]
Columns = dict[str, pl.DataType | type[pl.DataType]]

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
P_IN = {"best": "p_in_top", "worst": "p_in_bottom"}  # column of `ranked_pins` for each side
RANKED: Columns = {**RATES, "rank": pl.Int64, "p_in_top": pl.Float64, "p_in_bottom": pl.Float64}


@remembered
def pin_rates(pins: pl.DataFrame, metric: str = "saves", *, kinds: pl.DataFrame | None = None) -> pl.DataFrame:
    """The rate of each pin as last seen: `metric` per impression, raw, and shrunk towards the account's other pins.

    `pins` as `load_pins` returns them; of each the newest row counts that has no glitch and no rise that may still be
    taken back (`history.observations.latest_counters`). `kinds`, where known already, is `counter_types`
    of the same pins. One row per account and pin with impressions above 0 and a known count, sorted by account and
    id. Rates and their bounds are shares (0.01 is 10 per 1,000 impressions). Columns:

    - social_network_id, id, metric, text, permalink, published
    - impressions, count: of `metric`; as last seen
    - raw, raw_low, raw_high: count / impressions, with Wilson's 95% interval (JASA 22, 1927)
    - rate, rate_low, rate_high: mean and central 95% interval of the posterior
    - prior_mean, prior_strength: the account's mean rate, and how many impressions of evidence the prior weighs
    - reason: why this pin has no rates (more saves than impressions, ...); all rates are then null, and the prior
      knows nothing of it
    - is_rolling: both counters cover a window of days that moves on, and the rates are those of that window
    - is_earlier: the newest row is not to be believed (yet); the counts are those of an earlier snapshot

    The method is beta-binomial empirical Bayes: true rates are Beta(a, b) over the pins of an account, a and b fitted
    by marginal likelihood (Robbins 1956; Robinson, "Introduction to Empirical Bayes", 2017), with the weak prior
    (a + b)^(-5/2) of Gelman et al., Bayesian Data Analysis, 3rd ed., 5.3, which keeps it finite where pins do not
    differ or hardly any are there.

    Saves and impressions must cover one window: where only one of them is a rolling counter, the rates mean nothing,
    and every pin has that as its reason.

    It promises, with 300 pins whose true rates are Beta(2, 198) and whose impressions are lognormal(5, 1.6): at most
    0.4 of the error (RMSE) of raw rates, and 95% intervals that hold at least 93% of the truths. With few pins the
    prior is itself uncertain and the intervals are too narrow: they hold 92% with 30 pins and 87% with 10.

    >>> from datetime import date
    >>> pins = pl.DataFrame({"social_network_id": "pin_a", "id": ["1", "2", "3", "4"], "text": "", "permalink": "",
    ...     "timestamp": date(2026, 3, 1), "snapshot_date": date(2026, 3, 9), "impressions": [10] + [100_000] * 3,
    ...     "saves": [1, 900, 1_000, 1_100]})
    >>> pin_rates(pins).select("id", "raw", pl.col("rate", "rate_low", "rate_high").round(3)).head(2).rows()
    [('1', 0.1, 0.01, 0.008, 0.012), ('2', 0.009, 0.009, 0.009, 0.01)]
    """
    kinds = counter_types(pins, [EXPOSURE, metric]) if kinds is None else kinds
    of_kind = {(row[0], row[1]): row[2] for row in kinds.select("social_network_id", "metric", "kind").iter_rows()}
    latest = (
        latest_counters(pins, (EXPOSURE, metric))
        .filter((pl.col(EXPOSURE) > 0) & pl.col(metric).is_not_null())
        .select(
            "social_network_id",
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

    def rates(part: pl.DataFrame) -> pl.DataFrame:
        account = str(part["social_network_id"][0])
        rolls = [of_kind.get((account, name)) == "rolling" for name in (EXPOSURE, metric)]
        return _rates_of(part, metric, rolls[0] == rolls[1]).with_columns(is_rolling=pl.lit(all(rolls)))

    return for_each_account(latest, rates, RATES)


@remembered
def ranked_pins(rates: pl.DataFrame, top: int = TOP, *, seed: int = 0, draws: int = DRAWS) -> pl.DataFrame:
    """The pins of `pin_rates`, best first by posterior mean, with the chance to be among the `top` best, and worst.

    No cut-off: a pin with few impressions ranks near the account's mean, where its evidence puts it. Columns: those of
    `pin_rates`, rank (1 is best), p_in_top and p_in_bottom (shares of draws from all posteriors in which the pin
    is among the `top` highest or lowest true rates). Pins without a rate are left out. Sorted by account and rank.

    >>> from datetime import date
    >>> pins = pl.DataFrame({"social_network_id": "pin_a", "id": ["1", "2", "3"], "text": "", "permalink": "",
    ...     "timestamp": date(2026, 3, 1), "snapshot_date": date(2026, 3, 9), "impressions": 10_000,
    ...     "saves": [900, 100, 95]})
    >>> ranked_pins(pin_rates(pins), top=1).select("id", "rank", "p_in_top").row(0)
    ('1', 1, 1.0)
    """
    known = rates.filter(pl.col("rate").is_not_null())

    def ranked(part: pl.DataFrame) -> pl.DataFrame:
        best, worst = _chances(*_posterior(part), min(top, part.height), draws, seed)
        return (
            part.with_columns(p_in_top=pl.Series(best), p_in_bottom=pl.Series(worst))
            .sort("rate", "impressions", "id", descending=[True, True, False])
            .with_columns(rank=pl.int_range(1, pl.len() + 1))
        )

    return for_each_account(known, ranked, RANKED)


def fitted_prior(counts: Floats, impressions: Floats) -> tuple[float, float]:
    """a and b of the Beta distribution of true rates that fits these pins best (see `pin_rates`).

    >>> a, b = fitted_prior(np.array([0.0, 0.0]), np.array([100.0, 50.0]))  # nothing but zeros: no crash, a low rate
    >>> 0 < a / (a + b) < 0.02
    True
    """
    from scipy.optimize import minimize
    from scipy.special import betaln, expit, logit

    if not counts.any() or (counts == impressions).all():  # no maximum: what is known is that it is (almost) never
        return float(counts.sum()) + 0.5, float((impressions - counts).sum()) + 0.5
    pairs, times = np.unique(np.column_stack([counts, impressions]), axis=0, return_counts=True)
    count, shown = pairs[:, 0], pairs[:, 1]
    pooled = (counts.sum() + 0.5) / (impressions.sum() + 1)  # never 0 or 1, where the likelihood has no maximum
    least = 0.5 / (impressions.sum() + 1)

    def loss(parameters: Floats) -> float:
        mean, strength = expit(parameters[0]), np.exp(parameters[1])
        a, b = mean * strength, (1 - mean) * strength
        likelihood = times @ (betaln(count + a, shown - count + b) - betaln(a, b))
        return float(-likelihood + 0.5 * parameters[1])  # (a + b)^(-5/2) as a density of the mean and log(a + b)

    bounds = [(float(logit(least)), float(logit(1 - least))), (0.0, float(np.log(_MOST_STRENGTH)))]
    start = np.array([logit(pooled), np.log(100.0)])
    # two parameters; the gradient methods spend ten times as long in threads when the machine is busy
    best = minimize(loss, start, method="Nelder-Mead", bounds=bounds, options={"xatol": 1e-3, "fatol": 1e-6}).x
    mean, strength = float(expit(best[0])), float(np.exp(best[1]))
    return mean * strength, (1 - mean) * strength


def wilson_interval(counts: Floats, impressions: Floats) -> tuple[Floats, Floats]:
    """Wilson's 95% interval of a rate, for many pins at once (scipy's `proportion_ci` takes one at a time).

    >>> low, high = wilson_interval(np.array([1.0]), np.array([10.0]))
    >>> round(float(low[0]), 3), round(float(high[0]), 3)
    (0.018, 0.404)
    """
    z = 1.959964
    rate, width = counts / impressions, z**2 / impressions
    middle = (rate + width / 2) / (1 + width)
    half = z * np.sqrt(rate * (1 - rate) / impressions + width / (4 * impressions)) / (1 + width)
    return np.maximum(middle - half, 0), np.minimum(middle + half, 1)


def chance_limits(mean: float, impressions: Floats) -> tuple[Floats, Floats]:
    """Between which raw rates chance alone keeps 95% of pins with so many impressions, if all have the rate `mean`.

    The exact binomial limits, interpolated between counts, with room for one save at least (Spiegelhalter, Statistics
    in Medicine 24, 2005).

    >>> low, high = chance_limits(0.01, np.array([100.0, 10_000.0]))
    >>> high.round(4).tolist()
    [0.028, 0.0119]
    """
    from scipy.special import bdtrik

    rate = min(max(mean, 1e-12), 1 - 1e-12)
    low, high = (np.nan_to_num(bdtrik(part, impressions, rate)) for part in (0.025, 0.975))
    return np.maximum(low, 0) / impressions, np.clip(high, 1, impressions) / impressions


def beyond_chance(rates: pl.DataFrame) -> tuple[float, int]:
    """The pooled rate of the pins of one account (`pin_rates`), and how many lie outside `chance_limits` around it."""
    known = rates.drop_nulls("rate")
    if known.is_empty():
        return 0.0, 0
    mean = float(known["count"].sum()) / float(known["impressions"].sum())
    raw = known["raw"].to_numpy()
    low, high = chance_limits(mean, known["impressions"].to_numpy().astype(np.float64))
    return mean, int(((raw < low) | (raw > high)).sum())


def _rates_of(part: pl.DataFrame, metric: str, is_one_window: bool) -> pl.DataFrame:
    from scipy.special import betaincinv

    reason = (
        pl.when(pl.lit(not is_one_window))
        .then(pl.lit(f"{metric} and {EXPOSURE} do not count over the same window"))
        .when(pl.col("count") > pl.col("impressions"))
        .then(pl.lit(f"more {metric} than {EXPOSURE}"))
        .when(pl.col("impressions") > _MOST)
        .then(pl.lit(f"more {EXPOSURE} than any pin has"))
        .when(pl.col("count") < 0)
        .then(pl.lit(f"a negative count of {metric}"))
        .when("is_unconfirmed")
        .then(pl.lit("a rise that may still be taken back"))
    )
    part = part.sort("id").with_columns(reason=reason.cast(pl.String), metric=pl.lit(metric))
    good = part["reason"].is_null().to_numpy()
    empty = np.full(part.height, np.nan)
    columns = {name: empty.copy() for name, kind in RATES.items() if kind == pl.Float64}
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
            "rate_low": betaincinv(*posterior, 0.025),
            "rate_high": betaincinv(*posterior, 0.975),
            "prior_mean": a / (a + b),
            "prior_strength": a + b,
        }
        for name, values in found.items():
            columns[name][good] = values
    return part.with_columns(pl.Series(name, values).fill_nan(None) for name, values in columns.items())


def _posterior(part: pl.DataFrame) -> tuple[Floats, Floats]:
    mean, strength = part["prior_mean"].to_numpy(), part["prior_strength"].to_numpy()
    counts, shown = part["count"].to_numpy(), part["impressions"].to_numpy()
    return mean * strength + counts, (1 - mean) * strength + shown - counts


def _chances(a: Floats, b: Floats, top: int, draws: int, seed: int) -> tuple[Floats, Floats]:
    """Shares of draws in which each pin is among the `top` highest, and lowest."""
    rng = np.random.default_rng(seed)
    best, worst = np.zeros(len(a)), np.zeros(len(a))
    rows = max(1, _CELLS // len(a))
    for first in range(0, draws, rows):
        drawn = rng.beta(a, b, (min(rows, draws - first), len(a)))
        order = np.argpartition(drawn, sorted({top - 1, len(a) - top}), axis=1)
        best += np.bincount(order[:, -top:].ravel(), minlength=len(a))
        worst += np.bincount(order[:, :top].ravel(), minlength=len(a))
    return best / draws, worst / draws
