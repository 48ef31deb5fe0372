"""SEALED UNTIL THE END, TO BE RUN ONCE. Do not read this file while a method is still being tuned.

Its families judge the finished methods. Their names are neutral on purpose. Whoever has read on, or has changed a
method after a run of these families, has to say so, and needs new ones.
"""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.random import Generator

from simulations.independent.building import (
    LIFE,
    TOPICS,
    ages,
    autoregressive,
    exponential,
    grow,
    hump,
    life_curves,
    lognormal_reach,
    power,
    publish,
    rates,
    swings,
    usual_decay,
    window_ratio,
)
from simulations.independent.world import Design, IndependentWorld


def sealed_a(rng: Generator, design: Design) -> IndependentWorld:
    """Draw a slowly wandering level of the account, and small daily swings.

    Random: the level, a log-normal process that returns to its mean within 30 to 90 days (sd 0.15 to 0.3). Null: it
    is stationary with mean 1 and has no step, but two windows differ by its slow movement.
    """
    pins = publish(rng, design)
    memory = np.exp(-1 / rng.uniform(30, 90))
    level = autoregressive(rng, design.total_days, rng.uniform(0.15, 0.3), memory)
    factor = level * swings(rng, design, 0.05, 0.2)
    reach = lognormal_reach(rng, design, len(pins))
    return grow(rng, design, pins, reach, usual_decay(rng), factor=factor, dispersion=6.0)


def sealed_b(rng: Generator, design: Design) -> IndependentWorld:
    """Draw daily factors that the pins of a topic share, beside smaller ones that all share.

    Random: one AR(1) factor (log sd 0.4 to 0.7, persistence 0.8) per topic. Topics are unequal in reach, so one or
    two carry the account. Null: all factors are stationary with mean 1.
    """
    pins = publish(rng, design)
    topics = len(TOPICS)
    shocks = autoregressive(rng, design.total_days, rng.uniform(0.4, 0.7), 0.8, topics)
    size = rng.dirichlet(np.full(topics, 0.7)) * topics + 0.02
    factor = shocks[:, pins.topic] * swings(rng, design, 0.1, 0.5)
    reach = lognormal_reach(rng, design, len(pins)) * size[pins.topic]
    return grow(rng, design, pins, reach, usual_decay(rng), factor=factor, dispersion=5.0)


def sealed_c(rng: Generator, design: Design) -> IndependentWorld:
    """Draw seasonal topics: each gains most around a date of the year, and revives with it whatever the pin's age.

    Random: day of the year, which 3 of the topics are seasonal, their dates, widths (10 to 30 days) and heights (4
    to 15). Null: no step, but the expected change is not zero: `truth["drift"]` has the ratio. Recent pins differ
    from earlier ones by the calendar too, so `cohort_null` is 0.
    """
    pins = publish(rng, design)
    day = (np.arange(design.total_days)[:, None] + rng.integers(365)) % 365
    seasonal = rng.permutation(len(TOPICS)) < 3
    apart = np.abs(day - rng.uniform(0, 365, len(TOPICS)))
    apart = np.minimum(apart, 365 - apart)
    wave = 0.3 + rng.uniform(4, 15, len(TOPICS)) * np.exp(-((apart / rng.uniform(10, 30, len(TOPICS))) ** 2) / 2)
    level = np.where(seasonal, wave, 1.0)
    curves = life_curves(power(rng.uniform(0.3, 0.7)))
    factor = level[:, pins.topic] * swings(rng, design, 0.1, 0.5)
    truth = {"drift": window_ratio(design, level.mean(axis=1)), "cohort_null": 0.0}
    reach = lognormal_reach(rng, design, len(pins))
    return grow(rng, design, pins, reach, curves, factor=factor, dispersion=5.0, truth=truth)


def sealed_d(rng: Generator, design: Design) -> IndependentWorld:
    """Draw changes of the algorithm that hit only pins older than 20 to 60 days.

    Random: the days of change, on average one in 60, and the level of old pins between them (log sd 0.5, mean 1).
    Null: changes are as likely on all days, so the process is stationary; a change near the last window looks like
    an effect, and new pins do not follow it. `truth["last_change"]` is the day of the last one, -1 without any.
    """
    pins = publish(rng, design)
    change = rng.random(design.total_days) < 1 / 60
    change[0] = False
    levels = np.exp(rng.normal(-(0.5**2) / 2, 0.5, change.sum() + 1))
    level = levels[change.cumsum()][:, None]
    factor = np.where(ages(design, pins) > rng.integers(20, 61), level, 1.0) * swings(rng, design, 0.1, 0.5)
    curves = life_curves(exponential(rng.uniform(3, 10)) + rng.uniform(0.03, 0.1))
    truth = {"last_change": float(np.flatnonzero(change)[-1]) if change.any() else -1.0}
    reach = lognormal_reach(rng, design, len(pins))
    return grow(rng, design, pins, reach, curves, factor=factor, dispersion=5.0, truth=truth)


def sealed_e(rng: Generator, design: Design) -> IndependentWorld:
    """Draw heavy-tailed shocks of single days that all pins share: exp of a t with 3 degrees of freedom.

    Random: the shocks, independent between days, with scale 0.12 to 0.25 and logs cut off at 2.5 either way. With
    `day_sd` the scale is such that the t has this sd. Null: the days are exchangeable.
    """
    pins = publish(rng, design)
    scale = rng.uniform(0.12, 0.25)
    if design.day_sd is not None:
        scale = design.day_sd / np.sqrt(3)  # the sd of a t with 3 degrees of freedom
    factor = np.exp(np.clip(scale * rng.standard_t(3, (design.total_days, 1)), -2.5, 2.5))
    reach = lognormal_reach(rng, design, len(pins))
    return grow(rng, design, pins, reach, usual_decay(rng), factor=factor)


def sealed_f(rng: Generator, design: Design) -> IndependentWorld:
    """Draw irregular publication: spells of activity, and pauses of 8 to 25 days on average.

    Random: the spells, memoryless; batches are skipped in pauses. Pins live short, so totals follow the pauses. Null:
    publication is stationary, and pins gain as ever; given the pins that were published the account's totals do
    change: `truth["given_pins"]` has the ratio.
    """
    days = LIFE + design.total_days
    pause, spell = rng.uniform(8, 25), rng.uniform(10, 30)
    active = np.empty(days, dtype=bool)
    now = rng.random() < spell / (spell + pause)
    for day, chance in enumerate(rng.random(days)):
        active[day] = now
        now = now ^ bool(chance < 1 / (spell if now else pause))
    pins = publish(rng, design, activity=active * (spell + pause) / spell)
    curves = life_curves(exponential(rng.uniform(1.5, 5)) + 0.004)
    reach = lognormal_reach(rng, design, len(pins))
    return grow(rng, design, pins, reach, curves, factor=swings(rng, design, 0.1, 0.5), dispersion=5.0)


def sealed_g(rng: Generator, design: Design) -> IndependentWorld:
    """Draw twins: pins with the same image and URL, published on one day, whose counters Pinterest counts together.

    Random: also which pins (20 to 50 %) repeat the pin before them if it is of the same day; twins share title,
    format and all counters. Null: groups of twins are exchangeable, and expected gains are the same on all days; sums
    over pins count twice. `truth["twin_share"]` is the share of pins that repeat another.
    """
    pins = publish(rng, design)
    number = np.arange(len(pins))
    repeats = np.append(False, pins.born[1:] == pins.born[:-1]) & (rng.random(len(pins)) < rng.uniform(0.2, 0.5))
    leader = np.maximum.accumulate(np.where(repeats, 0, number))
    world = grow(
        rng,
        design,
        pins,
        lognormal_reach(rng, design, len(pins)),
        usual_decay(rng),
        factor=swings(rng, design, 0.15, 0.6),
        dispersion=3.0,
    )
    same = pins.take(leader)
    gains = {metric: values[:, leader] for metric, values in world.gains.items()}
    truth = world.truth | {
        "twin_share": float(repeats.mean()),
        "given_pins": float("nan"),  # was computed before pins became twins
    }
    return replace(
        world,
        gains=gains,
        before={metric: values[leader] for metric, values in world.before.items()},
        minute=same.minute,
        title=same.title,
        format=[world.format[index] for index in leader],
        has_word=same.has_word,
        topic=same.topic,
        truth=truth,
    )


def sealed_h(rng: Generator, design: Design) -> IndependentWorld:
    """Draw reporting gaps: for 1 to 3 days no counter moves, and the next day brings what was missed.

    Random: the gaps, on average one in 15 to 40 days at any time, the last day included. Null: gaps are as likely on
    all days, so the process is stationary; totals have zeros and peaks that say nothing about pins.
    """
    pins = publish(rng, design)
    lead = 20  # the process has run before day 0
    reported = np.zeros(design.total_days + lead)
    chance = 1 / rng.uniform(15, 40)
    missed = left = 0
    for day in range(len(reported)):
        if left == 0 and missed == 0 and rng.random() < chance:
            left = int(rng.integers(1, 4))
        if left:
            left, missed = left - 1, missed + 1
        else:
            reported[day], missed = 1 + missed, 0
    factor = reported[lead:, None] * swings(rng, design, 0.12, 0.5)
    reach = lognormal_reach(rng, design, len(pins))
    return grow(rng, design, pins, reach, usual_decay(rng), factor=factor, dispersion=5.0)


def sealed_i(rng: Generator, design: Design) -> IndependentWorld:
    """Draw pins that each swing on their own for weeks, with a mix of life curves.

    Random: an AR(1) factor per pin (log sd 0.5 to 0.9, persistence 0.85 to 0.97), and one of 24 curves per pin:
    exponential, power, or a hump. Both are independent of the pin's attributes. Null: all factors are stationary with
    mean 1; single pins rise and fall by large factors without any news.
    """
    pins = publish(rng, design)
    own = autoregressive(rng, design.total_days, rng.uniform(0.5, 0.9), rng.uniform(0.85, 0.97), len(pins))
    shapes = [
        exponential(rng.uniform(1, 30, 8)) + 0.01,
        power(rng.uniform(0.3, 1.6, 8)),
        hump(rng.uniform(2, 60, 8), rng.uniform(0.5, 4, 8)) + 0.003,
    ]
    curves = life_curves(np.hstack(shapes))
    curve = rng.integers(curves.shape[1], size=len(pins))
    factor = own * swings(rng, design, 0.1, 0.5)
    reach = lognormal_reach(rng, design, len(pins))
    return grow(rng, design, pins, reach, curves, curve=curve, factor=factor)


def sealed_j(rng: Generator, design: Design) -> IndependentWorld:
    """Draw rates that differ between pins, fall with reach, and swing from day to day.

    Random: the pins' rates (log sd 0.8, slope -0.2 to -0.5 on log reach), and an AR(1) factor of all rates (log sd
    0.15 to 0.3, persistence 0.7). Null: all is stationary; the account's rate moves with the mix of pins, although no
    pin's rate changes beyond the shared swings. Expected saves are the same on all days.
    """
    pins = publish(rng, design)
    reach = lognormal_reach(rng, design, len(pins))
    relative = np.log(reach / np.median(reach)) * -rng.uniform(0.2, 0.5)
    rate = {
        "saves": rates(rng, len(pins), 0.02, 0.8) * np.exp(np.clip(relative, -3, 2)),
        "clicks": rates(rng, len(pins), 0.01, 0.8) * np.exp(np.clip(relative, -3, 2)),
    }
    moving = autoregressive(rng, design.total_days, rng.uniform(0.15, 0.3), 0.7)
    factor = swings(rng, design, 0.15, 0.6)
    curves = life_curves(power(rng.uniform(0.7, 1.2)))
    return grow(rng, design, pins, reach, curves, factor=factor, dispersion=2.0, rate=rate, rate_factor=moving)


def sealed_k(rng: Generator, design: Design) -> IndependentWorld:
    """Draw much at once: words by the week, shared factors by week and topic, swings, a weekly pattern, rare leaps.

    Random: a factor of reach per week of publication (log sd 0.5), whole weeks with or without the word, a shared
    AR(1) (sd 0.2, persistence 0.9), a weekly pattern (log sd 0.15), and gamma factors of shape 0.15 per pin and day.
    Null: windows of whole weeks have equal expected gains, otherwise see `truth["drift"]`; pins of one week are one
    draw of the word. The weekly pattern makes `weekday_null` 0.
    """
    pins = publish(rng, design, weekly_topics=True, word_by_week=True)
    reach = lognormal_reach(rng, design, len(pins))
    reach *= np.exp(rng.normal(-(0.5**2) / 2, 0.5, pins.week[-1] + 1))[pins.week]
    pattern = np.exp(rng.normal(0.0, 0.15, 7))
    week = pattern[(np.arange(design.total_days) + pins.first_weekday) % 7] / pattern.mean()
    factor = week[:, None] * swings(rng, design, 0.2, 0.9)
    truth = {"drift": window_ratio(design, week), "weekday_null": 0.0}
    curves = life_curves(power(rng.uniform(0.5, 1.2)))
    return grow(rng, design, pins, reach, curves, factor=factor, dispersion=0.15, truth=truth)


FAMILIES: dict[str, Callable[[Generator, Design], IndependentWorld]] = {
    family.__name__: family
    for family in (
        sealed_a,
        sealed_b,
        sealed_c,
        sealed_d,
        sealed_e,
        sealed_f,
        sealed_g,
        sealed_h,
        sealed_i,
        sealed_j,
        sealed_k,
    )
}
