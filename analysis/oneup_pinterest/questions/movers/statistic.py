"""Find pins that gained more or less in the last week than their own level and their age predict."""

from datetime import date, timedelta

import numpy as np
import polars as pl

from oneup_pinterest.history.account_history import AccountHistory
from oneup_pinterest.history.counter_types import USABLE
from oneup_pinterest.history.loaded_history import computed_once
from oneup_pinterest.methods.frames import with_account
from oneup_pinterest.methods.types import Columns, Floats
from oneup_pinterest.methods.verdicts import LESS, MORE, NO_VERDICT
from oneup_pinterest.questions.movers.prediction import MIN_COUNT, WINDOW_DAYS, Week, predicted

LEVEL_DAYS = 14  # before the window: a pin's level comes from those on which it was seen
MIN_LEVEL_DAYS = 7  # fewer do not make a level
LAUNCH_DAYS = 7  # a pin's first days show its launch, not its later level
MIN_PINS = 10  # fewer do not show the effect of age in this account
FALSE_DISCOVERIES = 0.05
AS_EXPECTED = "as expected"
MAX_RISE = 2.5  # times from week to week: a late bloomer may go on to rise so fast
PAST_WEEKS = 4  # before the window: they show how unusual a week of a pin can be

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
    - p: p value (two-sided) of a pin that only ages, or goes on to rise; q: adjusted over the account's pins (Benjamini
      and Hochberg 1995)
    - verdict: `more` or `less` where q is at most 5%; `as expected`; `no verdict` where gain and expected are both
      below 10, or fewer than 10 pins of the account can be compared (then expected, p and q are null)
    - is_imputed: part of the gain is spread over a gap between syncs
    - first_day, last_day: the window

    No rows for accounts whose `metric` is not a lifetime counter.

    Method: a pin's expected gain is its own daily level in the two weeks before, times 7, times the effect of age on
    the account's pins between the two spans: a power of the ratio of their ages (as in Hawkes-like popularity decay,
    Crane and Sornette, 2008, doi:10.1073/pnas.0803685105) and a factor for the week. Both are fitted to all pins with
    Huber's weights (1964), so that no pin dominates. So if every pin gains more in a week, none is named. A pin that
    rose between the two weeks before may go on to rise as fast (at most 2.5 times a week): late bloomers do. Gains are
    negative binomial: the level is known from a count only (Gamma posterior), and the spread beyond chance is that of
    the account's pins. The same prediction of the four weeks before shows how unusual a week becomes in this account,
    where counts come in clumps or pins have trends of their own. P values and intervals are widened accordingly.

    >>> from simulations.worlds import made_up_pins
    >>> pins = made_up_pins(np.random.default_rng(0), pins=30, days=40, publish_days=120)
    >>> moved = pin_movers(AccountHistory.from_pins(pins))
    >>> moved.filter(pl.col("verdict").is_in(["more", "less"])).height
    0
    """
    if history.counter_type(metric) not in USABLE:
        return with_account(history.social_network_id, None, SCHEMA)
    weeks = PAST_WEEKS + 1 + LEVEL_DAYS // WINDOW_DAYS
    newest = history.pins["snapshot_date"].max()
    assert isinstance(newest, date)  # a counter type comes from snapshots
    gains = (
        history.daily_gains([metric], newest - timedelta(days=WINDOW_DAYS * (weeks + 3)))
        .filter(~pl.col("is_provisional") & ~pl.col("is_unconfirmed"))
        .select("id", "day", "gain", "is_imputed")
    )
    known = history.latest_pins.select("id", "text", "permalink", published=pl.col("timestamp").cast(pl.Date))
    day = pl.col("day")
    lived = (day - pl.col("published")).dt.total_days().fill_null(10**4)  # pins of unknown age count as old
    spans = (
        gains.join(known, on="id", how="left")
        .with_columns(lived=lived, week=(day.max() - day).dt.total_days() // WINDOW_DAYS, last_day=day.max())
        .filter((pl.col("lived") >= LAUNCH_DAYS) & pl.col("gain").is_not_null() & (pl.col("week") < weeks))
    )
    pins = (
        spans.sort("id", "day")
        .group_by("id", maintain_order=True)
        .agg(
            pl.col("text", "permalink", "last_day").first(),
            *(
                pl.col(name).filter(pl.col("week") == week).sum().alias(f"{name}{week}")
                for name in ("gain", "lived")
                for week in range(weeks)
            ),
            *((pl.col("week") == week).sum().alias(f"days{week}") for week in range(weeks)),
            is_imputed=(pl.col("is_imputed") & (pl.col("week") == 0)).any(),
            age=pl.col("lived").max() + 1,
        )
    )
    compared = pins.filter(_is_compared(0))
    rows = None if compared.is_empty() else _judged(compared, pins)
    return with_account(history.social_network_id, rows, SCHEMA)


def _is_compared(week: int) -> pl.Expr:
    """Return whether a pin was seen throughout a week (0 is the last), and on enough days of the two before it."""
    before = pl.sum_horizontal(f"days{week + back}" for back in (1, 2))
    return (pl.col(f"days{week}") == WINDOW_DAYS) & (before >= MIN_LEVEL_DAYS)


def _week(pins: pl.DataFrame, week: int) -> Week:
    def counted(name: str) -> Floats:
        return np.stack([pins[f"{name}{week + back}"].cast(pl.Float64).to_numpy() for back in range(3)])

    gain, days, lived = (counted(name) for name in ("gain", "days", "lived"))
    seen = gain[1:].sum(axis=0) + 0.5  # Jeffreys' prior adds half a count: a pin without a gain so far may still gain
    before = days[1:].sum(axis=0)
    aged = np.log((lived[0] / days[0] + 1) / (lived[1:].sum(axis=0) / before + 1))
    level = WINDOW_DAYS * seen / before
    later, earlier = (gain[1:] + 2) / np.maximum(days[1:], 1)  # two counts more: a single one is no rise
    goes_on = WINDOW_DAYS * gain[1] / np.maximum(days[1], 1) * np.clip(later / earlier, 1, MAX_RISE)
    rising = np.where(days[1:].min(axis=0) > 0, np.maximum(goes_on / level, 1), 1.0)
    return Week(gain[0], level, seen, aged, rising)


def _judged(compared: pl.DataFrame, pins: pl.DataFrame) -> pl.DataFrame:
    now = _week(compared, 0)
    gain = now.gain
    unknown = np.full(len(gain), np.nan)
    expected, low, high, p, q = (unknown,) * 5
    if len(gain) >= MIN_PINS:
        from scipy import stats  # slow to import

        past = [pins.filter(_is_compared(week)) for week in range(1, PAST_WEEKS + 1)]
        found = predicted(now, [_week(there, week) for week, there in enumerate(past, 1) if there.height >= MIN_PINS])
        expected, low, high = found.expected, found.low, found.high
        p = np.minimum(2 * np.minimum(found.above, found.below), 1.0)
        q = stats.false_discovery_control(p)
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
        pl.col("gain0").alias("gain"),
        "is_imputed",
        *(pl.Series(name, values).fill_nan(None) for name, values in numbers.items()),
        pl.Series("verdict", verdict),
        first_day=pl.col("last_day") - timedelta(days=WINDOW_DAYS - 1),
        last_day="last_day",
    ).with_columns(age=pl.when(pl.col("age") < 10**4).then("age"))
