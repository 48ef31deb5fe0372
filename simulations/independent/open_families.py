"""Families of accounts that may be looked at while a method is tuned; the others are sealed.

In all of them the pins' attributes (word, format, topic) are drawn independently of reach, unless a docstring says
more, and a null statement concerns a design without effects.
"""

from collections.abc import Callable

import numpy as np
from numpy.random import Generator

from simulations.independent.building import (
    TOPICS,
    Floats,
    account_scale,
    exponential,
    grow,
    hump,
    life_curves,
    lognormal_reach,
    power,
    publish,
    swings,
    usual_decay,
    window_ratio,
)
from simulations.independent.world import Design, IndependentWorld


def poisson_lognormal(rng: Generator, design: Design) -> IndependentWorld:
    """Draw log-normal reach, an exponential decay shared by all pins, and Poisson counts.

    Random: publication days, reach, counts. Null: the expected gains of the account are the same on all days.
    """
    pins = publish(rng, design)
    factor = swings(rng, design, 0.0, 0.5)
    return grow(rng, design, pins, lognormal_reach(rng, design, len(pins)), usual_decay(rng), factor=factor)


def overdispersed(rng: Generator, design: Design) -> IndependentWorld:
    """Draw gamma-Poisson counts per pin and day, and lives that fall by a power of their age.

    Random: also a gamma factor (shape 0.3 to 2) for each pin and day, independent of all others. Null: as in
    `poisson_lognormal`.
    """
    pins = publish(rng, design)
    reach = lognormal_reach(rng, design, len(pins))
    curves = life_curves(power(rng.uniform(0.6, 1.4)))
    factor = swings(rng, design, 0.0, 0.5)
    return grow(rng, design, pins, reach, curves, factor=factor, dispersion=rng.uniform(0.3, 2))


def viral_tail(rng: Generator, design: Design) -> IndependentWorld:
    """Draw Pareto reach with a finite mean and infinite variance (at `log_sd` 1), and a rare viral pin on top.

    Random: also which pins (1 in 200) reach 20 to 60 times as far. Null: as in `poisson_lognormal`, but one pin can
    make most of a window's gains; `truth["given_pins"]` shows it.
    """
    pins = publish(rng, design)
    tail = 1 + 0.5 / max(design.log_sd, 0.01)
    reach = account_scale(rng) * (tail - 1) / tail * (1 + rng.pareto(tail, len(pins)))
    viral = rng.random(len(pins)) < 0.005
    reach = np.where(viral, reach * rng.uniform(20, 60, len(pins)), reach)
    curves = life_curves(power(rng.uniform(0.8, 1.4)))
    return grow(rng, design, pins, reach, curves, factor=swings(rng, design, 0.0, 0.5), dispersion=3.0)


def shared_swings(rng: Generator, design: Design) -> IndependentWorld:
    """Draw daily factors that all pins share: a log-normal AR(1) with sd 0.15 or 0.3.

    Random: also the persistence, one of 0, 0.5, 0.8 and 0.95 per account. Null: the factor is stationary with mean 1,
    so expected gains are the same on all days, although the means of two windows differ by its swings.
    """
    pins = publish(rng, design)
    factor = swings(rng, design, rng.choice([0.15, 0.3]), rng.choice([0.0, 0.5, 0.8, 0.95]))
    return grow(rng, design, pins, lognormal_reach(rng, design, len(pins)), usual_decay(rng), factor=factor)


def weekly_holidays(rng: Generator, design: Design) -> IndependentWorld:
    """Draw a weekly pattern of gains, and holidays of 1 to 3 days on which gains fall to 0.4 or rise to 2.2 times.

    Random: also the pattern (log sd 0.2), and the holidays, on average one in 25 days at any time. Null: windows of
    whole weeks have equal expected gains; for others `truth["drift"]` has the ratio. Pins published on different
    weekdays differ in their first days, so `weekday_null` is 0.
    """
    pins = publish(rng, design)
    days = np.arange(design.total_days)
    pattern = np.exp(rng.normal(0.0, 0.2, 7))
    week = pattern[(days + pins.first_weekday) % 7] / pattern.mean()
    holiday = np.ones(design.total_days)
    for first in np.flatnonzero(rng.random(design.total_days + 2) < 1 / 25) - 2:  # some began before day 0
        last = first + rng.integers(1, 4)
        holiday[max(first, 0) : max(last, 0)] = np.exp(rng.uniform(np.log(0.4), np.log(2.2)))
    factor = (week * holiday)[:, None] * swings(rng, design, 0.08, 0.4)
    truth = {"weekday_null": 0.0, "drift": window_ratio(design, week)}
    reach = lognormal_reach(rng, design, len(pins))
    return grow(rng, design, pins, reach, usual_decay(rng), factor=factor, truth=truth)


def yearly_wave(rng: Generator, design: Design) -> IndependentWorld:
    """Draw a yearly wave and a steady trend of the whole account's level.

    Random: also the wave's phase and height (log 0.2 to 0.7), and the trend (log -0.5 to 1 a year). Null: no step at
    any day, but the expected change is not zero: `truth["drift"]` is the expected ratio. Recent pins differ from
    earlier ones in the same way, so `cohort_null` is 0.
    """
    pins = publish(rng, design)
    years = (np.arange(design.total_days) + rng.uniform(0, 365)) / 365
    trend = rng.uniform(-0.5, 1.0) * (np.arange(design.total_days) / 365)
    level = np.exp(rng.uniform(0.2, 0.7) * np.cos(2 * np.pi * years) + trend)
    factor = level[:, None] * swings(rng, design, 0.1, 0.6)
    truth = {"drift": window_ratio(design, level), "cohort_null": 0.0}
    reach = lognormal_reach(rng, design, len(pins))
    return grow(rng, design, pins, reach, usual_decay(rng), factor=factor, truth=truth)


def late_bloomers(rng: Generator, design: Design) -> IndependentWorld:
    """Draw an account where 20 to 40 % of the pins rise only after 30 to 120 days, and then fall.

    Random: also which pins bloom late, independently of their attributes and reach, and when. Null: as in
    `poisson_lognormal`; a pin that rises is no news.
    """
    pins = publish(rng, design)
    peaks = rng.uniform(30, 120, 30)
    late = hump(peaks, rng.uniform(2, 12, 30))
    curves = life_curves(np.hstack([exponential(rng.uniform(3, 20)) + 0.01, late + 0.002]))
    blooms = rng.random(len(pins)) < rng.uniform(0.2, 0.4)
    curve = np.where(blooms, rng.integers(1, 31, len(pins)), 0)
    reach = lognormal_reach(rng, design, len(pins))
    factor = swings(rng, design, 0.05, 0.5)
    return grow(rng, design, pins, reach, curves, curve=curve, factor=factor, dispersion=4.0)


def bursts(rng: Generator, design: Design) -> IndependentWorld:
    """Draw bursts: a pin gains 50 times as much for 3 to 6 days, and then decays back within about two weeks.

    Random: also the bursts, on average one in 20 days per account, at any time and on any pin of age 3 to 119
    days.
    Null: bursts are as frequent on all days, and expected gains are the same on all days.
    """
    pins = publish(rng, design)
    factor = np.ones((design.total_days, len(pins)))
    found = []
    lead = 20  # a burst may have begun before day 0
    for first in np.flatnonzero(rng.random(design.total_days + lead) < 1 / 20) - lead:
        eligible = np.flatnonzero((pins.born + 2 < first) & (pins.born + 120 > first))
        length, fall = int(rng.integers(3, 7)), rng.uniform(1.5, 4)
        if len(eligible):
            pin = int(rng.choice(eligible))
            since = np.arange(design.total_days) - first
            height = 49 * np.exp(-np.maximum(since - length + 1, 0) / fall)
            factor[:, pin] += np.where(since >= 0, height, 0.0)
            found.append((pin, int(first), length))
    factor *= swings(rng, design, 0.1, 0.5)
    rows = np.array(found, dtype=np.int64).reshape(-1, 3)
    reach = lognormal_reach(rng, design, len(pins))
    return grow(rng, design, pins, reach, usual_decay(rng), factor=factor, dispersion=5.0, bursts=rows)


def weekly_topics(rng: Generator, design: Design) -> IndependentWorld:
    """Draw weeks of publication that have one topic and share a random factor of reach.

    Random: also a log-normal factor (sd 0.4 to 0.8) per week of publication, or per batch, and one (sd 0.3) per
    topic. Null: expected gains are the same on all days, but pins of one week are not independent draws.
    """
    pins = publish(rng, design, weekly_topics=True)
    reach = lognormal_reach(rng, design, len(pins))
    reach = reach * log_factors(rng, pins.week[-1] + 1, rng.uniform(0.4, 0.8))[pins.week]
    reach = reach * log_factors(rng, len(TOPICS), 0.3)[pins.topic]
    factor = swings(rng, design, 0.1, 0.5)
    return grow(rng, design, pins, reach, usual_decay(rng), factor=factor, dispersion=4.0)


def tiny_account(rng: Generator, design: Design) -> IndependentWorld:
    """Draw an account where most pins gain nothing on most days, and 40 to 70 % never gain anything.

    Random: also which pins never show, independently of their attributes; the others reach 5 to 40 impressions on
    average. Null: as in `poisson_lognormal`, with counts so small that rates are often 0 or undefined.
    """
    pins = publish(rng, design)
    reach = lognormal_reach(rng, design, len(pins))
    reach *= rng.uniform(5, 40) / 1500 * (rng.random(len(pins)) > rng.uniform(0.4, 0.7))
    factor = swings(rng, design, 0.1, 0.3)
    return grow(rng, design, pins, reach, usual_decay(rng), factor=factor, dispersion=0.5)


def log_factors(rng: Generator, count: int, sd: float) -> Floats:
    """Draw independent log-normal factors with mean 1."""
    return np.exp(rng.normal(-(sd**2) / 2, sd, count))


FAMILIES: dict[str, Callable[[Generator, Design], IndependentWorld]] = {
    family.__name__: family
    for family in (
        poisson_lognormal,
        overdispersed,
        viral_tail,
        shared_swings,
        weekly_holidays,
        yearly_wave,
        late_bloomers,
        bursts,
        weekly_topics,
        tiny_account,
    )
}
