"""Rank pins by their shrunk rates, with the certainty of each rank, and compare raw rates with chance."""

import numpy as np
import polars as pl

from oneup_pinterest.history.account_history import AccountHistory
from oneup_pinterest.history.loaded_history import computed_once
from oneup_pinterest.history.pin_rates import RATES, pin_rates
from oneup_pinterest.methods.frames import with_account
from oneup_pinterest.methods.shrinkage import chance_limits
from oneup_pinterest.methods.types import Columns, Floats

DRAWS = 2_000  # standard error of a probability: about 0.01
TOP = 10
_CELLS = 250_000  # draws x pins held at once: 2 MB, which stays in the processor's cache

P_IN = {"best": "p_in_top", "worst": "p_in_bottom"}  # column of `ranked_pins` for each side
RANKED: Columns = {**RATES, "rank": pl.Int64, "p_in_top": pl.Float64, "p_in_bottom": pl.Float64}


@computed_once
def ranked_pins(
    history: AccountHistory, metric: str = "saves", top: int = TOP, *, seed: int = 0, draws: int = DRAWS
) -> pl.DataFrame:
    """Return the pins of `pin_rates`, best first by posterior mean, with the probability of being in the top or bottom.

    There is no cutoff: a pin with few impressions ranks near the account's mean. Pins without a rate are left out.
    Sorted by account and rank. Columns: those of `pin_rates`, and

    - rank: 1 is best
    - p_in_top, p_in_bottom: probability (0 to 1) of being among the `top` highest, or lowest, true rates: the share of
      draws from all posteriors (beta-binomial empirical Bayes) in which the pin is

    >>> from datetime import date
    >>> pins = pl.DataFrame({"social_network_id": "pin_a", "id": ["1", "2", "3"], "text": "", "permalink": "",
    ...     "timestamp": date(2026, 3, 1), "snapshot_date": date(2026, 3, 9), "impressions": 10_000,
    ...     "saves": [900, 100, 95]})
    >>> ranked_pins(AccountHistory.from_pins(pins), top=1).select("id", "rank", "p_in_top").row(0)
    ('1', 1, 1.0)
    """
    return ranked_rates(pin_rates(history, metric), top, seed=seed, draws=draws)


def ranked_rates(rates: pl.DataFrame, top: int = TOP, *, seed: int = 0, draws: int = DRAWS) -> pl.DataFrame:
    """Return `ranked_pins` from the rows of one account of `pin_rates`."""
    known = rates.filter(pl.col("rate").is_not_null())
    if known.is_empty():
        return with_account("", None, RANKED)
    best, worst = _top_probabilities(*_posterior(known), min(top, known.height), draws, seed)
    ranked = (
        known.with_columns(p_in_top=pl.Series(best), p_in_bottom=pl.Series(worst))
        .sort("rate", "impressions", "id", descending=[True, True, False])
        .with_columns(rank=pl.int_range(1, pl.len() + 1))
    )
    return with_account(known["social_network_id"][0], ranked, RANKED)


def beyond_chance(rates: pl.DataFrame) -> tuple[float, int]:
    """Return the pooled rate of one account's pins (`pin_rates`), and how many lie outside `chance_limits`."""
    known = rates.drop_nulls("rate")
    if known.is_empty():
        return 0.0, 0
    mean = float(known["count"].sum()) / float(known["impressions"].sum())
    raw = known["raw"].to_numpy()
    low, high = chance_limits(mean, known["impressions"].to_numpy().astype(np.float64))
    return mean, int(((raw < low) | (raw > high)).sum())


def _posterior(part: pl.DataFrame) -> tuple[Floats, Floats]:
    mean, strength = part["prior_mean"].to_numpy(), part["prior_strength"].to_numpy()
    counts, shown = part["count"].to_numpy(), part["impressions"].to_numpy()
    return mean * strength + counts, (1 - mean) * strength + shown - counts


def _top_probabilities(a: Floats, b: Floats, top: int, draws: int, seed: int) -> tuple[Floats, Floats]:
    """Return the shares of draws in which each pin is among the `top` highest, and lowest."""
    rng = np.random.default_rng(seed)
    best, worst = np.zeros(len(a)), np.zeros(len(a))
    rows = max(1, _CELLS // len(a))
    for first in range(0, draws, rows):
        drawn = rng.beta(a, b, (min(rows, draws - first), len(a)))
        order = np.argpartition(drawn, sorted({top - 1, len(a) - top}), axis=1)
        best += np.bincount(order[:, -top:].ravel(), minlength=len(a))
        worst += np.bincount(order[:, :top].ravel(), minlength=len(a))
    return best / draws, worst / draws
