"""Compare an account with itself: counts of its pins per week, and the level that all of them share."""

from collections.abc import Iterator
from datetime import date
from typing import NamedTuple

import numpy as np
import polars as pl

from oneup_pinterest.methods.own_level import Levels, LogRatio, shared_levels, step_at_end
from oneup_pinterest.methods.types import Floats, Integers

MAX_HISTORY_DAYS = 182  # half a year says how an account swings; more costs time and changes little
MIN_GAINS = 10  # per part of a period: the level of fewer is mostly chance
MIN_PINS = 5  # effective number (Kish) of pins: the largest of fewer decide
MAX_DEVIATION = 2.0  # log units: a factor of more than 50 to either side says nothing
MIN_EXPOSURE = 0.6  # of a part: with fewer known days a pin's count is not used
OLD = 3_650  # days: the age of pins whose time of publication is unknown; so old, a few weeks change little
WEEK = 7


class PinDays(NamedTuple):
    """Known gains per pin and day: pin (number), back (days before the last day compared), gain (count), and, per
    pin, `born`, the days between its publication and the last day (`OLD` where that is unknown)."""

    pin: Integers
    back: Integers
    gain: Floats
    born: Floats


def pin_days(gains: pl.DataFrame, published: pl.Series, last: date) -> PinDays:
    """Return the gains (pin, day, gain; one row per known day) as arrays; `published` has the time of each pin."""
    known = gains.filter(pl.col("gain").is_not_null() & (pl.col("day") <= last))
    born = (pl.lit(last) - published.cast(pl.Date)).dt.total_days().fill_null(OLD)
    return PinDays(
        known["pin"].to_numpy().astype(np.int64),
        known.select((pl.lit(last) - pl.col("day")).dt.total_days()).to_series().to_numpy().astype(np.int64),
        known["gain"].to_numpy().astype(np.float64),
        pl.select(born).to_series().to_numpy().astype(np.float64),
    )


def level_change(pins: PinDays, days: int, what: str = "gains") -> LogRatio | str:
    """Compare the level of the last `days` days with that of the `days` before; a text says why it is not possible.

    `what` is the name of what is gained, for that text.

    The log ratio is the step of the typical pin: what a pin gained beyond its own level, its age, a straight trend of
    the levels and what the account's own swings explain (`step_at_end`). Periods are cut into weeks, or into longer
    parts where a week has few gains.

    >>> rng, days, count = np.random.default_rng(2), 112, 60
    >>> rate = np.where(np.arange(days) < 28, 6.0, 2.0)
    >>> pins = PinDays(np.repeat(np.arange(count), days), np.tile(np.arange(days), count),
    ...     rng.poisson(np.tile(rate, count)).astype(float), 113.0 + 5 * np.arange(count))
    >>> change = level_change(pins, 28)
    >>> change.p < 0.05, round(np.exp(change.estimate))
    (True, 3)
    """
    why = ""
    for width in _widths(days):
        parts = _levels(pins, days, width, what)
        if isinstance(parts, Levels):
            if parts.df + 1 < MIN_PINS:
                return _few_pins(what)
            change = step_at_end(parts, days // width)
            return change if change.deviation < MAX_DEVIATION else f"its pins do not allow a comparison of {what} yet"
        why = parts
    return why


def _levels(pins: PinDays, days: int, width: int, what: str) -> Levels | str:
    """Return the levels of parts of `width` days; a text says why there are none, true where a part is a period."""
    length = int(pins.back.max()) + 1 if len(pins.back) else 0
    parts = max(min(length, max(MAX_HISTORY_DAYS, 2 * days)) // width, 1)
    is_used = pins.back < parts * width
    cell = pins.pin[is_used] * parts + (parts - 1 - pins.back[is_used] // width)
    size = len(pins.born) * parts
    counts: Floats = np.bincount(cell, pins.gain[is_used], size).reshape(-1, parts).astype(np.float64)
    exposure = np.bincount(cell, minlength=size).reshape(-1, parts) / width
    begins = pins.born[:, None] - width * np.arange(parts, 0, -1) + 1  # age at the first day of the part
    exposure = np.where((exposure >= MIN_EXPOSURE) & (begins >= 0), np.minimum(exposure, 1.0), 0.0)
    sums = np.where(exposure > 0, counts, 0.0).sum(axis=0)
    fewest = float(sums[-2 * (days // width) :].min()) if parts >= 2 * (days // width) else 0.0
    if fewest < MIN_GAINS:
        whole = int(fewest + 1e-6)  # gains over a gap between syncs are fractions
        there = f"there {'is' if whole == 1 else 'are'} {whole} in one"
        return f"{MIN_GAINS} {what} of pins published earlier are needed in each period; {there}"
    usable = np.flatnonzero(sums >= MIN_GAINS)
    try:
        levels = shared_levels(counts[:, usable], exposure[:, usable], (begins + (width - 1) / 2)[:, usable])
    except ValueError:
        return _few_pins(what)
    return Levels(usable.astype(np.float64), levels.level, levels.covariance, levels.df)


def _few_pins(what: str) -> str:
    return f"at least {MIN_PINS + 1} pins that gained {what} are needed, and a few of them must not have most of it"


def _widths(days: int) -> Iterator[int]:
    """Yield the parts into which a period is cut, in days, the shortest first."""
    divisors = [width for width in range(1, days + 1) if days % width == 0]
    shortest = min(divisors, key=lambda width: abs(width - WEEK))
    yield from (width for width in divisors if width % shortest == 0)
