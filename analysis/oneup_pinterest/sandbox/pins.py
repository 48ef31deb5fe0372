"""Create the pins of the made-up world: when each is published, how it grows, and its counters at each age."""

from __future__ import annotations

import math
import random
from array import array
from bisect import bisect_left
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, time
from itertools import accumulate
from typing import NamedTuple

from oneup_pinterest.sandbox.accounts import Account
from oneup_pinterest.sandbox.seeded_random import seeded_random

# After this many days a pin of each kind has gained all but a few percent of its final impressions.
DYING_DAYS = 60
EVERGREEN_DAYS = 400

# (format, media_type, weight, impressions relative to an image)
_FORMATS = (
    ("image", "IMAGE", 70, 1.0),
    ("video", "VIDEO", 18, 1.3),
    ("carousel", "CAROUSEL", 12, 0.9),
)
# Up to this many saves (or clicks), each belongs to one random impression; beyond it randomness
# matters so little that they simply follow the impressions in proportion.
_MAX_SINGLE_EVENTS = 64
_MAX_IMPRESSIONS = 20_000_000


class Counters(NamedTuple):
    """The counters of a pin or of an account."""

    impressions: int
    saves: int
    comments: int
    repins: int
    clicks: int


class Day(NamedTuple):
    """The effect of a day on a whole account.

    `activity` multiplies the impressions of the day. `late` is the share of the day's gains that
    is still missing on the day after; `cut` is the share by which a restatement lowers the counters
    of the end of this day (nearly always 0.0).
    """

    activity: float
    late: float
    cut: float


@dataclass(slots=True, eq=False, kw_only=True)
class Pin:
    """One pin. `impressions[n]` are its lifetime impressions, once final, n days after publishing.

    `day` is the day of `published` (UTC, without a zone) as an ordinal.

    Saves, comments, repins and clicks each belong to one of the impressions, so that every
    counter is a function of the impressions: it is exact, and rises and falls with them.
    """

    id: str
    account: Account
    page_id: str
    published: datetime
    day: int
    format: str
    media_type: str
    evergreen: bool
    impressions: array[int]
    cuts: dict[int, int]
    top: int
    saves: array[int] | int
    comments: array[int] | int
    repins: array[int] | int
    clicks: array[int] | int

    def impressions_on(self, day: int) -> int:
        """Return the lifetime impressions at the end of a day (an ordinal), once that day is final."""
        age = day - self.day
        if age < 0:
            return 0
        return self.impressions[min(age, len(self.impressions) - 1)]

    def gain_on(self, day: int) -> int:
        """Return the impressions gained on a day, without restatements."""
        age = day - self.day
        if age < 0 or age >= len(self.impressions):
            return 0
        before = self.impressions[age - 1] if age else 0
        return self.impressions[age] - before + self.cuts.get(age, 0)

    def counters(self, impressions: int) -> Counters:
        """Return all counters at a number of impressions."""
        return Counters(
            impressions,
            self._share(self.saves, impressions),
            self._share(self.comments, impressions),
            self._share(self.repins, impressions),
            self._share(self.clicks, impressions),
        )

    def _share(self, events: array[int] | int, impressions: int) -> int:
        if isinstance(events, int):
            return events * impressions // self.top
        return bisect_left(events, impressions)


def pins_of_day(seed: int, account: Account, day: int, days: Callable[[int, int], list[Day]]) -> list[Pin]:
    """Return the pins that an account publishes on a day (an ordinal), oldest first.

    `days(first, number)` returns the effects of consecutive days on the account. Nothing here
    depends on the clock.
    """
    first, last = account.first_day.toordinal(), account.last_day
    if day < first or (last is not None and day > last.toordinal()):
        return []
    rng = seeded_random(seed, account.origin, "pins", day)
    expected = account.pins_on_weekday[(day - 1) % 7]
    number = int(expected) + (rng.random() < expected % 1)
    if number >= 3:
        number += rng.choice((-1, 0, 1))
    if day == first or (last is not None and day == last.toordinal()):
        number = max(1, number)
    clock = sorted(time(rng.choice(account.hours), rng.randrange(60), rng.randrange(60)) for _ in range(number))
    return [_pin(rng, account, datetime.combine(date.fromordinal(day), moment), days) for moment in clock]


def _pin(
    rng: random.Random,
    account: Account,
    published: datetime,
    days: Callable[[int, int], list[Day]],
) -> Pin:
    day = published.toordinal()
    identifier = str(rng.randrange(10**17, 10**18))
    weights = [weight for _, _, weight, _ in _FORMATS]
    pin_format, media_type, _, lift = rng.choices(_FORMATS, weights)[0]
    evergreen = rng.random() < account.evergreen_share
    final = account.typical_impressions * rng.lognormvariate(0.0, account.spread) * lift
    final = min(final * (1.6 if evergreen else 1.0), _MAX_IMPRESSIONS)
    lived = days(day, EVERGREEN_DAYS if evergreen else DYING_DAYS)
    impressions = array("i", _growth(rng, final, evergreen, 1 - published.hour / 24, lived))
    top = impressions[-1]
    cuts = _restate(rng, impressions, lived)

    liked = rng.lognormvariate(0.0, 0.5)
    save_rate = account.save_rate * liked
    saves = _events(rng, top, save_rate)
    repins = _events(rng, top, save_rate * rng.uniform(0.3, 0.6))
    clicks = _events(rng, top, account.click_rate * rng.lognormvariate(0.0, 0.6))
    comments = _events(rng, top, account.comment_rate * liked)
    return Pin(
        id=identifier,
        account=account,
        page_id=page_id(account),
        published=published,
        day=day,
        format=pin_format,
        media_type=media_type,
        evergreen=evergreen,
        impressions=impressions,
        cuts=cuts,
        top=top,
        saves=saves,
        comments=comments,
        repins=repins,
        clicks=clicks,
    )


def page_id(account: Account) -> str:
    """Return OneUp's id of the Pinterest page behind an account."""
    number = seeded_random(account.origin, "page").randrange(10**8, 10**9)
    return f"pinterest_account_{number}"


def _growth(rng: random.Random, final: float, evergreen: bool, first_day_part: float, days: list[Day]) -> list[int]:
    """Return cumulative impressions by age in days: K (1 - exp(-(age / s)^k)), with noise.

    Dying pins gain most of them within a week, evergreen pins over months.
    """
    if evergreen:
        scale, shape = rng.uniform(60, 130), rng.uniform(0.9, 1.2)
    else:
        scale, shape = rng.lognormvariate(1.1, 0.4), rng.uniform(0.6, 0.95)
    noise, exp = rng.random, math.exp
    gains: list[float] = []
    before = 0.0
    for age, day in enumerate(days):
        reached = 1.0 - exp(-(((age + first_day_part) / scale) ** shape))
        gains.append((reached - before) * day.activity * (0.4 + 1.2 * noise()))
        before = reached
    return [int(final * part) for part in accumulate(gains)]


def _restate(rng: random.Random, impressions: array[int], days: list[Day]) -> dict[int, int]:
    """Lower the impressions by the restatements that hit this pin, and return each reduction by age."""
    cuts: dict[int, int] = {}
    for age, day in enumerate(days):
        # Two pins in three are hit: a restatement is about many pins, not all.
        if day.cut and rng.random() < 2 / 3 and (taken := int(impressions[age] * day.cut)):
            cuts[age] = taken
            for later in range(age, len(impressions)):
                impressions[later] -= taken
    return cuts


def _events(rng: random.Random, top: int, rate: float) -> array[int] | int:
    """Return which of `top` impressions led to a save (or click); only how many if there are many."""
    number = min(_poisson(rng, top * rate), top)
    if number > _MAX_SINGLE_EVENTS:
        return number
    return array("i", sorted(rng.sample(range(top), number)))


def _poisson(rng: random.Random, mean: float) -> int:
    """Return a Poisson number: Knuth's product of uniforms for a small mean, else the normal limit."""
    if mean > 30:
        return max(0, round(rng.gauss(mean, math.sqrt(mean))))
    limit, product, number = math.exp(-mean), rng.random(), 0
    while product > limit:
        product *= rng.random()
        number += 1
    return number
