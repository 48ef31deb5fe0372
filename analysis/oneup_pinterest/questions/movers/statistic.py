"""Find pins that gained more or less in the last week than their own level and their age predict."""

from datetime import timedelta
from itertools import product

import numpy as np
import polars as pl

from oneup_pinterest.history.account_history import AccountHistory
from oneup_pinterest.history.counter_types import USABLE
from oneup_pinterest.history.gains import daily_gains
from oneup_pinterest.history.loaded_history import LoadedHistory, computed_once
from oneup_pinterest.methods.frames import with_account
from oneup_pinterest.methods.types import Columns, Floats
from oneup_pinterest.methods.verdicts import LESS, MORE, NO_VERDICT

WINDOW_DAYS = 7
LEVEL_DAYS = 14  # before the window: a pin's level comes from those on which it was seen
MIN_LEVEL_DAYS = 7  # fewer do not make a level
LAUNCH_DAYS = 7  # a pin's first days show its launch, not its later level
MIN_PINS = 10  # fewer do not show the effect of age in this account
FALSE_DISCOVERIES = 0.05
AS_EXPECTED = "as expected"
MIN_COUNT = 10  # counts, expected or gained: below it, a handful that came together looks like a mover
# How far pins of one level spread beyond chance (standard deviation of the logarithm), whatever their age; how much
# more for each unit of the logarithm by which they aged; and how many counts come together (1: each by itself). The
# first are what few pins are taken to have, the others what is tried
USUAL_SPREAD = (0.25, 0.75, 1.5)
STEADY_SPREADS = (0.05, 0.15, 0.25, 0.4, 0.6, 0.9)
AGING_SPREADS = (0.0, 0.75, 1.5, 3.0)
CLUMPS = (1.0, 1.5, 2.25)

SCHEMA: Columns = {
    "id": pl.String,
    "text": pl.String,
    "permalink": pl.String,
    "age": pl.Int64,
    "gain": pl.Float64,
    "expected": pl.Float64,
    "low": pl.Float64,
    "high": pl.Float64,
    "ratio": pl.Float64,
    "more": pl.Float64,
    "p": pl.Float64,
    "q": pl.Float64,
    "verdict": pl.String,
    "is_imputed": pl.Boolean,
    "first_day": pl.Date,
    "last_day": pl.Date,
}


@computed_once
def pin_movers(history: AccountHistory, metric: str = "saves") -> pl.DataFrame:
    """Return what each pin gained in the last 7 settled days, and the gain that its own level and its age predict.

    One row per pin that was seen throughout the window and on at least 7 of the 14 days before it, without its first 7
    days of life. A day whose gain may still be taken back counts as not seen. Columns, sorted by the first two:

    - social_network_id, id; text, permalink: as last seen; age: days, at the end of the window
    - gain, expected: counts of `metric` in the window; low, high: 95% prediction interval (counts)
    - ratio: gain / expected; more: gain - expected (count)
    - p: p value (two-sided) of a pin that only ages; q: adjusted over the account's pins (Benjamini and Hochberg 1995)
    - verdict: `more` or `less` where q is at most 5%; `as expected`; `no verdict` where gain and expected are both
      below 10, or fewer than 10 pins of the account can be compared (then expected, p and q are null)
    - is_imputed: part of the gain is spread over a gap between syncs
    - first_day, last_day: the window

    No rows for accounts whose `metric` is not a lifetime counter.

    Method: a pin's expected gain is its own daily level before the window, times 7, times the effect of age on the
    account's pins between the two spans: a power of the ratio of their ages (as in Hawkes-like popularity decay, Crane
    and Sornette, 2008, doi:10.1073/pnas.0803685105) and a factor for the week. Both are fitted to all pins with Huber's
    weights (1964), so that no pin dominates. So if every pin gains more in a week, none is named. Gains are negative
    binomial: the level is known from a count only (Gamma posterior), and the spread beyond chance is that of the
    account's pins.

    >>> from simulations.worlds import made_up_pins
    >>> pins = made_up_pins(np.random.default_rng(0), pins=30, days=40, publish_days=120)
    >>> moved = pin_movers(AccountHistory.from_pins(pins))
    >>> moved.filter(pl.col("verdict").is_in(["more", "less"])).height
    0
    """
    if history.counter_type(metric) not in USABLE:
        return with_account(history.social_network_id, None, SCHEMA)
    newest = pl.col("snapshot_date").max().over("social_network_id")
    is_recent = pl.col("snapshot_date") > newest - pl.duration(
        days=2 * (WINDOW_DAYS + LEVEL_DAYS)
    )  # the only rows used
    gains = (
        daily_gains(LoadedHistory(history.pins.filter(is_recent)), [metric])
        .filter(~pl.col("is_provisional") & ~pl.col("is_unconfirmed"))
        .select("social_network_id", "id", "day", "gain", "is_imputed")
    )
    known = history.latest_pins.select(
        "social_network_id", "id", "text", "permalink", published=pl.col("timestamp").cast(pl.Date)
    )
    last, day = pl.col("last"), pl.col("day")
    spans = (
        gains.with_columns(last=day.max().over("social_network_id"))
        .filter(day > last - pl.duration(days=WINDOW_DAYS + LEVEL_DAYS))
        .join(known, on=["social_network_id", "id"], how="left")
        .with_columns(
            is_window=day > last - pl.duration(days=WINDOW_DAYS),
            lived=(day - pl.col("published")).dt.total_days().fill_null(10**4),  # pins of unknown age count as old
        )
        .filter((pl.col("lived") >= LAUNCH_DAYS) & pl.col("gain").is_not_null())
    )
    now, before = pl.col("is_window"), ~pl.col("is_window")
    compared = (
        spans.group_by("social_network_id", "id")
        .agg(
            gain=pl.col("gain").filter(now).sum(),
            days=now.sum(),
            before=pl.col("gain").filter(before).sum(),
            before_days=before.sum(),
            lived_before=pl.col("lived").filter(before).mean(),
            lived_now=pl.col("lived").filter(now).mean(),
            is_imputed=(pl.col("is_imputed") & now).any(),
            age=pl.col("lived").max() + 1,
            text=pl.col("text").first(),
            permalink=pl.col("permalink").first(),
            last_day=pl.col("last").first(),
        )
        .filter((pl.col("days") == WINDOW_DAYS) & (pl.col("before_days") >= MIN_LEVEL_DAYS))
        .sort("social_network_id", "id")
    )
    rows = None if compared.is_empty() else _judged(compared)
    return with_account(history.social_network_id, rows, SCHEMA)


def _judged(compared: pl.DataFrame) -> pl.DataFrame:
    gain, before, days, lived_before, lived_now = (
        compared[name].cast(pl.Float64).to_numpy()
        for name in ("gain", "before", "before_days", "lived_before", "lived_now")
    )
    # Jeffreys' prior adds half a count: a pin without a gain so far may still gain
    level = (before + 0.5) / days
    unknown = np.full(len(gain), np.nan)
    expected, low, high, p, q = (unknown,) * 5
    if len(gain) >= MIN_PINS:
        from scipy import stats  # slow to import

        aged = np.log((lived_now + 1) / (lived_before + 1))
        expected, size = _expected(gain, WINDOW_DAYS * level, before + 0.5, aged)
        likely = size / (size + expected)
        above, below = stats.nbinom.sf(np.ceil(gain) - 1, size, likely), stats.nbinom.cdf(np.floor(gain), size, likely)
        p = np.minimum(2 * np.minimum(above, below), 1.0)
        q = stats.false_discovery_control(p)
        low, high = (stats.nbinom.ppf(share, size, likely) for share in (0.025, 0.975))
    is_few = np.isnan(expected) | (np.maximum(gain, np.nan_to_num(expected)) < MIN_COUNT)
    is_named = (q <= FALSE_DISCOVERIES) & ~is_few
    verdict = np.select([is_named & (gain > expected), is_named, is_few], [MORE, LESS, NO_VERDICT], AS_EXPECTED).astype(
        str
    )
    numbers = {
        "expected": expected,
        "low": low,
        "high": high,
        "ratio": gain / expected,
        "more": gain - expected,
        "p": p,
        "q": q,
    }
    return compared.select(
        "id",
        "text",
        "permalink",
        "age",
        "gain",
        "is_imputed",
        *(pl.Series(name, values).fill_nan(None) for name, values in numbers.items()),
        pl.Series("verdict", verdict),
        first_day=pl.col("last_day") - timedelta(days=WINDOW_DAYS - 1),
        last_day="last_day",
    ).with_columns(age=pl.when(pl.col("age") < 10**4).then("age"))


def _expected(gain: Floats, level: Floats, seen: Floats, aged: Floats) -> tuple[Floats, Floats]:
    """Return the expected gain of each pin, and the size of its negative binomial (the smaller, the wider).

    Two steps alternate: the factor of the week and the power of age, by iteratively reweighted least squares with
    Huber's weights; and the spread of pins, by maximum likelihood.
    """
    expected, spread = level, USUAL_SPREAD
    for _ in range(3):
        expected = level * np.exp(_aging(gain, level, seen, aged, spread))
        spread = _spread(gain, expected, seen, aged)
    return expected, _size(expected, seen, aged, *spread)


def _aging(gain: Floats, level: Floats, seen: Floats, aged: Floats, spread: tuple[float, float, float]) -> Floats:
    design = np.column_stack([np.ones(len(gain)), aged])
    ridge = np.array([1.0, 4.0])  # shrink toward no change: few pins make few claims
    coefficients = np.zeros(2)
    for _ in range(30):
        expected = level * np.exp(design @ coefficients)
        variance = expected + expected**2 / _size(expected, seen, aged, *spread)
        rest = (gain - expected) / np.sqrt(variance)
        weight = expected**2 / variance * np.minimum(1, 1.5 / np.maximum(np.abs(rest), 1e-9))
        gradient = design.T @ (weight * (gain - expected) / expected) - ridge * coefficients
        step = np.linalg.solve(design.T @ (design * weight[:, None]) + np.diag(ridge), gradient)
        coefficients = np.clip(coefficients + np.clip(step, -0.5, 0.5), -4, 4)
        if np.abs(step).max() < 1e-4:
            break
    logs: Floats = design @ coefficients
    return logs


def _spread(gain: Floats, expected: Floats, seen: Floats, aged: Floats) -> tuple[float, float, float]:
    from scipy.special import gammaln

    best, found = -np.inf, USUAL_SPREAD
    whole = gammaln(gain + 1)
    for tried in product(STEADY_SPREADS, AGING_SPREADS, CLUMPS):
        size = _size(expected, seen, aged, *tried)
        likely = size / (size + expected)
        logs = gammaln(gain + size) - gammaln(size) - whole + size * np.log(likely) + gain * np.log1p(-likely)
        # one pin in a hundred may be a mover, which does not show how the others spread
        likelihood = float(np.log(0.99 * np.exp(logs) + 0.01 / (1 + 10 * expected)).sum())
        likelihood -= np.log(tried[0] / USUAL_SPREAD[0]) ** 2 + (tried[1] - USUAL_SPREAD[1]) ** 2
        if likelihood > best:
            best, found = likelihood, tried
    return found


def _size(expected: Floats, seen: Floats, aged: Floats, steady: float, aging: float, clump: float) -> Floats:
    """Return the size parameter of the negative binomial of pins whose level comes from `seen` counts."""
    of_level, of_pins = clump / seen, steady**2 + (aging * aged) ** 2
    return 1 / (of_level + of_pins * (1 + of_level) + (clump - 1) / expected)
