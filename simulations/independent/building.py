"""What families are built from: publication, reach, life curves, shared swings, and the draw of the counts.

Means of the account are stationary: pins are published for a whole `LIFE` before day 0, and a pin gains nothing once
it is that old. So, without effects and calendar, the expected gains of the account are the same on every day.
"""

from dataclasses import dataclass

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from simulations.independent.world import FORMATS, METRICS, SATURDAY, VIDEO, WORD, Design, IndependentWorld

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

LIFE = 365  # days
AGES = np.arange(LIFE, dtype=float)
MAX_RATE = 0.95
MAX_REACH = 1e9
MINUTES = 24 * 60
TOPICS = ("kitchen", "garden", "wedding", "bedroom", "outfit", "dessert", "nursery", "workout")
ADJECTIVES = ("easy", "cozy", "modern", "simple", "rustic", "budget", "minimalist", "bold", "small", "vintage")
NOUNS = ("ideas", "inspiration", "checklist", "recipes", "makeover", "guide", "hacks", "style")
TAILS = ("for beginners", "you will love", "on a budget", "this weekend", "in 10 minutes", "to save now", "")


@dataclass(frozen=True)
class Pins:
    """Hold the pins of an account before they gain anything."""

    born: Integers
    minute: Integers
    week: Integers  # pins of one batch share it
    topic: Integers
    format: Integers  # index in FORMATS
    has_word: NDArray[np.bool_]
    title: list[str]
    first_weekday: int

    def __len__(self) -> int:
        """Return the number of pins."""
        return len(self.born)

    def take(self, index: Integers) -> "Pins":
        """Return the pins at these indices."""
        columns = (self.born, self.minute, self.week, self.topic, self.format, self.has_word)
        return Pins(*(column[index] for column in columns), [self.title[i] for i in index], self.first_weekday)

    def boost(self, design: Design) -> Floats:
        """Return the factor of reach that the design gives each pin."""
        boost = np.ones(len(self))
        boost[self.has_word] *= design.word_effect
        boost[(self.born + self.first_weekday) % 7 == SATURDAY] *= design.weekday_effect
        boost[self.format == FORMATS.index(VIDEO)] *= design.format_effect
        boost[self.born >= design.start] *= design.new_pin_effect
        return boost


def publish(
    rng: Generator,
    design: Design,
    *,
    activity: Floats | float = 1.0,
    weekly_topics: bool = False,
    word_by_week: bool = False,
) -> Pins:
    """Draw the pins of an account: when each was published, and its attributes, which are independent of its reach.

    `activity` multiplies the expected number of pins on each of the `LIFE + total_days` days; a batch is published
    where it is positive. With `weekly_topics`, or in batches, all pins of a week have one topic. With `word_by_week`
    they have the word together.
    """
    days = np.arange(-LIFE, design.total_days)
    activity = np.broadcast_to(activity, days.shape)
    first_weekday = int(rng.integers(7)) if design.first_weekday is None else design.first_weekday
    batch_day = int(rng.integers(7))
    numbers = rng.poisson(design.pins_per_day * activity)
    if design.batch:
        numbers = np.where((days % 7 == batch_day) & (activity > 0), design.batch, 0)
    if not numbers.any():
        numbers[LIFE - 30] = 1  # an account has at least one pin
    born = np.repeat(days, numbers)
    count = len(born)
    week = (born - batch_day) // 7
    week -= week[0]
    minute = rng.integers(7 * 60, 22 * 60, count)
    if design.batch:
        minute = np.sort(rng.integers(7 * 60, 20 * 60, week[-1] + 1)[week] + rng.integers(0, 60, count))
    topic = rng.integers(len(TOPICS), size=count)
    if design.batch or weekly_topics:
        topic = rng.integers(len(TOPICS), size=week[-1] + 1)[week]
    format = rng.choice(len(FORMATS), size=count, p=(0.6, 0.25, 0.15))
    has_word = rng.random(count) < design.word_share
    if word_by_week:
        has_word = (rng.random(week[-1] + 1) < design.word_share)[week]
    title = draw_titles(rng, topic, has_word)
    return Pins(born, minute, week, topic, format, has_word, title, first_weekday)


def draw_titles(rng: Generator, topic: Integers, has_word: NDArray[np.bool_]) -> list[str]:
    """Return a title per pin that names its topic, with `WORD` where asked."""
    count = len(topic)
    parts = (rng.integers(len(words), size=count).tolist() for words in (ADJECTIVES, NOUNS, TAILS))
    return [
        f"{ADJECTIVES[a]} {WORD + ' ' if word else ''}{TOPICS[t]} {NOUNS[n]} {TAILS[e]}".strip().capitalize()
        for a, n, e, t, word in zip(*parts, topic.tolist(), has_word.tolist(), strict=True)
    ]


def account_scale(rng: Generator) -> float:
    """Draw the mean lifetime impressions per pin of an account."""
    return float(np.exp(rng.normal(np.log(1500.0), 0.5)))


def lognormal_reach(rng: Generator, design: Design, count: int) -> Floats:
    """Draw lifetime impressions per pin; their mean does not depend on `log_sd`."""
    return account_scale(rng) * np.exp(rng.normal(-(design.log_sd**2) / 2, design.log_sd, count))


def rates(rng: Generator, count: int, typical: float, spread: float = 0.3) -> Floats:
    """Draw a rate per impression for each pin, around a typical rate of the account."""
    return typical * np.exp(rng.normal(0.0, 0.3) + rng.normal(0.0, spread, count))


def exponential(half_life: Floats | float) -> Floats:
    """Return the shape of a life that halves every `half_life` days; one column per value."""
    return 0.5 ** (AGES[:, None] / np.atleast_1d(half_life))


def power(exponent: Floats | float) -> Floats:
    """Return the shape of a life that falls by a power of its age; one column per value."""
    return (1 + AGES[:, None]) ** -np.atleast_1d(exponent)


def hump(peak: Floats | float, sharpness: Floats | float) -> Floats:
    """Return the shape of a life that rises until the day `peak` and then falls, as a gamma density does."""
    relative = (AGES[:, None] + 0.5) / np.atleast_1d(peak)
    return np.exp(np.atleast_1d(sharpness) * (np.log(relative) + 1 - relative))


def life_curves(shape: Floats) -> Floats:
    """Return daily shares of a lifetime that sum to 1 per column, faded out towards the end of `LIFE`."""
    faded = shape * (1 - (AGES[:, None] / LIFE) ** 2)
    return faded / faded.sum(axis=0)


def usual_decay(rng: Generator) -> Floats:
    """Draw the one life curve of an account: a half-life of 2 to 15 days, and an evergreen rest."""
    return life_curves(exponential(rng.uniform(2, 15)) + rng.uniform(0.005, 0.05))


def swings(rng: Generator, design: Design, sd: float, persistence: float, series: int = 1) -> Floats:
    """Draw stationary log-normal AR(1) factors with mean 1, shape (days, series); `Design.day_sd` overrides `sd`."""
    return autoregressive(rng, design.total_days, sd if design.day_sd is None else design.day_sd, persistence, series)


def autoregressive(rng: Generator, days: int, sd: float, persistence: float, series: int = 1) -> Floats:
    """Draw stationary log-normal AR(1) factors with mean 1, shape (days, series)."""
    logs = rng.normal(0.0, sd, (days, series))
    for day in range(1, days):
        logs[day] = persistence * logs[day - 1] + np.sqrt(1 - persistence**2) * logs[day]
    return np.exp(logs - sd**2 / 2)


def ages(design: Design, pins: Pins) -> Integers:
    """Return the age in days of each pin on each observed day, negative before it is published."""
    return np.arange(design.total_days)[:, None] - pins.born


def window_ratio(design: Design, totals: Floats) -> float:
    """Return the sum of daily totals over the last `effect_days` days, over that of as many days before."""
    before = totals[max(0, design.start - design.effect_days) : design.start].sum()
    complete = design.start >= design.effect_days > 0
    return float(totals[design.start :].sum() / before) if complete and before > 0 else float("nan")


def grow(
    rng: Generator,
    design: Design,
    pins: Pins,
    reach: Floats,
    curves: Floats,
    *,
    curve: Integers | int = 0,
    factor: Floats | float = 1.0,
    dispersion: float | None = None,
    rate: dict[str, Floats] | None = None,
    rate_factor: Floats | float = 1.0,
    bursts: Integers | None = None,
    truth: dict[str, float] | None = None,
) -> IndependentWorld:
    """Draw the gains of the pins and return the account.

    Impressions are Poisson around reach times life curve times `factor`, or, with a `dispersion`, gamma-Poisson with
    that shape. Saves and clicks are binomial parts of the impressions. `curve` is each pin's column of `curves`,
    `rate` the pins' rates per impression, `rate_factor` their factor per day. What was gained before day 0 follows
    the life curve alone.
    """
    reach = np.minimum(reach * pins.boost(design), MAX_REACH)
    curve = np.broadcast_to(curve, reach.shape)
    if rate is None:
        rate = {"saves": rates(rng, len(pins), 0.03), "clicks": rates(rng, len(pins), 0.02)}
    past = np.vstack([np.zeros(curves.shape[1]), curves.cumsum(axis=0)])[np.clip(-pins.born, 0, LIFE), curve]
    before = {"impressions": rng.poisson(reach * past)}
    for metric, values in rate.items():
        before[metric] = rng.binomial(before["impressions"], np.minimum(values, MAX_RATE))
    age = ages(design, pins)
    expected = reach * np.where((age >= 0) & (age < LIFE), curves[np.clip(age, 0, LIFE - 1), curve], 0.0)
    expected = np.where(age == 0, expected * (1 - pins.minute / MINUTES), expected)
    mean = expected * factor
    if dispersion is not None:
        mean *= rng.gamma(dispersion, 1 / dispersion, mean.shape)
    late = (np.arange(design.total_days) >= design.start)[:, None]
    step = {metric: np.where(late & (metric in design.effect_metrics), design.effect, 1.0) for metric in METRICS}
    gains = {"impressions": rng.poisson(mean * step["impressions"])}
    for metric, values in rate.items():
        relative = step[metric] / np.where(step["impressions"] > 0, step["impressions"], 1.0)
        gains[metric] = rng.binomial(gains["impressions"], np.minimum(values * rate_factor * relative, MAX_RATE))
    known = {
        "ratio": design.effect,
        "start": float(design.start),
        "drift": 1.0,
        "given_pins": window_ratio(design, expected.sum(axis=1)),
        "new_pin_ratio": design.new_pin_effect,
        "word_ratio": design.word_effect,
        "weekday_ratio": design.weekday_effect,
        "format_ratio": design.format_effect,
        "weekday": float(SATURDAY),
        "weekday_null": 1.0,
        "cohort_null": 1.0,
    }
    return IndependentWorld(
        gains=gains,
        before=before,
        born=pins.born,
        minute=pins.minute,
        first_weekday=pins.first_weekday,
        title=pins.title,
        format=[FORMATS[index] for index in pins.format],
        has_word=pins.has_word,
        topic=pins.topic,
        bursts=np.zeros((0, 3), dtype=np.int64) if bursts is None else bursts,
        truth=known | (truth or {}),
    )
