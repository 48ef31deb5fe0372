"""Shrink rates towards their common mean (beta-binomial empirical Bayes), and compute intervals of rates."""

import numpy as np

from oneup_pinterest.methods.types import Floats

_MAX_STRENGTH = 1e6  # trials: a stronger prior leaves no room for differences


def fitted_prior(counts: Floats, impressions: Floats) -> tuple[float, float]:
    """Return the parameters a and b of the Beta distribution that fits the true rates of these pins best.

    `counts` and `impressions` have one element per pin. Empirical Bayes: the maximum of the beta-binomial likelihood
    with the hyperprior (a + b)^(-5/2) of Gelman et al., "Bayesian Data Analysis", 3rd ed., section 5.3.

    >>> a, b = fitted_prior(np.array([0.0, 0.0]), np.array([100.0, 50.0]))  # all zeros: a low rate
    >>> 0 < a / (a + b) < 0.02
    True
    """
    from scipy.optimize import minimize
    from scipy.special import betaln, expit, logit

    if not counts.any() or (counts == impressions).all():  # no maximum: the rate is close to 0 or to 1
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

    bounds = [(float(logit(least)), float(logit(1 - least))), (0.0, float(np.log(_MAX_STRENGTH)))]
    start = np.array([logit(pooled), np.log(100.0)])
    # two parameters; the gradient methods spend ten times as long in threads when the machine is busy
    best = minimize(loss, start, method="Nelder-Mead", bounds=bounds, options={"xatol": 1e-3, "fatol": 1e-6}).x
    mean, strength = float(expit(best[0])), float(np.exp(best[1]))
    return mean * strength, (1 - mean) * strength


def wilson_interval(counts: Floats, impressions: Floats) -> tuple[Floats, Floats]:
    """Return Wilson's 95% interval of the rate (counts / impressions) of each pin.

    Vectorized, unlike scipy's `proportion_ci`. Source: Wilson, JASA 22, 1927.

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
    """Return the raw rates between which 95% of pins with these impressions fall if all have the true rate `mean`.

    Limits of a funnel plot: exact binomial limits, interpolated between counts, that allow at least one save
    (Spiegelhalter, Statistics in Medicine 24, 2005).

    >>> low, high = chance_limits(0.01, np.array([100.0, 10_000.0]))
    >>> high.round(4).tolist()
    [0.028, 0.0119]
    """
    from scipy.special import bdtrik

    rate = min(max(mean, 1e-12), 1 - 1e-12)
    low, high = (np.nan_to_num(bdtrik(part, impressions, rate)) for part in (0.025, 0.975))
    return np.maximum(low, 0) / impressions, np.clip(high, 1, impressions) / impressions
