"""Create the made-up accounts: how much each publishes, when, about what, and how well it does."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

from oneup_pinterest.sandbox.seeded_random import seeded_random

ID_PREFIX = "pin_sandbox_"
DOCUMENTED_SAMPLE_ID = ID_PREFIX + "documented_sample"

_EVENINGS = (8, 12, 18, 19, 20, 20, 20, 21, 21, 22)
_SHOP_HOURS = (9, 9, 10, 10, 10, 14, 15, 16)
_ANY_HOUR = tuple(range(7, 23))


@dataclass(frozen=True, kw_only=True)
class Account:
    """One connected account: its row in the list of accounts, and the habits behind its pins.

    `pins_on_weekday` is the expected number of pins from Monday to Sunday, `hours` the UTC hours
    it publishes at (an hour listed twice is twice as likely), `typical_impressions` the
    median lifetime impressions of a pin and `spread` the sigma of their lognormal distribution.
    The rates are per impression. Nothing is published outside `first_day` to `last_day`. `former_id` is the id from
    before a rename, which still decides the pins.
    """

    social_network_id: str
    username: str
    full_name: str
    theme: str = "home"
    pins_on_weekday: tuple[float, ...] = (1.0,) * 7
    hours: tuple[int, ...] = _ANY_HOUR
    typical_impressions: float = 400.0
    spread: float = 1.2
    evergreen_share: float = 0.25
    save_rate: float = 0.012
    click_rate: float = 0.010
    comment_rate: float = 0.0004
    followers: int = 500
    followers_per_day: float = 0.2
    first_day: date = date(2014, 2, 3)
    last_day: date | None = None
    social_network_type: str = "Pinterest"
    is_expired: bool = False
    need_refresh: bool = False
    analytics_enabled: bool = True
    former_id: str | None = None

    @property
    def origin(self) -> str:
        """The id from which its pins are generated."""
        return self.former_id or self.social_network_id


def create_accounts(seed: int, number: int, reference: date) -> list[Account]:
    """Return the first `number` accounts: five with a character of their own, then small ones.

    The first days of the dormant and of the new account are counted back from the day `reference`.
    """
    return list(_accounts(seed, number, reference))


def other_networks() -> list[Account]:
    """Return accounts of other networks, which the key lists but analytics does not know."""
    return [
        Account(
            social_network_id="sandbox/facebook/page/10006400",
            username="hearth and oak (made up)",
            full_name="Hearth & Oak on Facebook (made up)",
            social_network_type="Facebook",
        ),
        Account(
            social_network_id="sandbox_ig_17841400",
            username="hearthandoak.madeup",
            full_name="Hearth & Oak on Instagram (made up)",
            social_network_type="Instagram",
        ),
    ]


def documented_sample() -> Account:
    """Return the account whose responses are OneUp's documented samples, for any window."""
    return Account(
        social_network_id=DOCUMENTED_SAMPLE_ID,
        username="documented_sample",
        full_name="OneUp's documented sample (made up)",
    )


def _accounts(seed: int, number: int, reference: date) -> Iterator[Account]:
    named = _named_accounts(reference)
    yield from named[:number]
    for index in range(len(named), number):
        yield _small_account(seed, index)


def _named_accounts(reference: date) -> list[Account]:
    return [
        Account(
            social_network_id=ID_PREFIX + "hearth_and_oak",
            username="hearth_and_oak",
            full_name="Hearth & Oak Recipes (made up)",
            theme="recipes",
            pins_on_weekday=(4.0,) * 7,
            hours=_EVENINGS,
            typical_impressions=1400.0,
            spread=1.4,
            evergreen_share=0.25,
            save_rate=0.016,
            click_rate=0.011,
            followers=18_400,
            followers_per_day=4.1,
            first_day=date(2013, 5, 6),
        ),
        Account(
            social_network_id=ID_PREFIX + "linen_lane_home",
            username="linen_lane_home",
            full_name="Linen Lane Home (made up)",
            theme="home",
            hours=_SHOP_HOURS,
            typical_impressions=520.0,
            spread=1.2,
            evergreen_share=0.3,
            save_rate=0.009,
            click_rate=0.018,
            followers=3_150,
            followers_per_day=0.8,
            first_day=date(2014, 9, 1),
        ),
        Account(
            social_network_id=ID_PREFIX + "knots_by_noor",
            username="knots_by_noor",
            full_name="Knots by Noor (made up)",
            theme="crafts",
            pins_on_weekday=(0.0, 0.8, 0.0, 0.2, 0.0, 0.8, 0.2),
            hours=_EVENINGS,
            typical_impressions=160.0,
            spread=1.1,
            evergreen_share=0.2,
            save_rate=0.02,
            click_rate=0.006,
            followers=410,
            followers_per_day=0.1,
            first_day=date(2015, 1, 13),
        ),
        Account(
            social_network_id=ID_PREFIX + "the_quiet_garden",
            username="the_quiet_garden",
            full_name="The Quiet Garden (made up)",
            theme="garden",
            pins_on_weekday=(0.0, 0.0, 0.4, 0.0, 0.0, 0.0, 0.6),
            hours=_ANY_HOUR,
            typical_impressions=900.0,
            spread=1.3,
            evergreen_share=1.0,
            save_rate=0.015,
            followers=1_290,
            followers_per_day=-0.05,
            first_day=reference - timedelta(days=1200),
            last_day=reference - timedelta(days=100),
        ),
        Account(
            social_network_id=ID_PREFIX + "far_and_slow_travel",
            username="far_and_slow_travel",
            full_name="Far & Slow Travel (made up)",
            theme="travel",
            pins_on_weekday=(1.0, 0.5, 1.0, 0.5, 1.5, 2.0, 1.0),
            hours=_ANY_HOUR,
            typical_impressions=90.0,
            spread=1.0,
            evergreen_share=0.3,
            followers=14,
            followers_per_day=1.7,
            first_day=reference - timedelta(days=20),
        ),
    ]


def _small_account(seed: int, index: int) -> Account:
    rng = seeded_random(seed, "small account", index)
    first, second = rng.choice(_FIRST_WORDS), rng.choice(_SECOND_WORDS)
    weekly_pins = rng.uniform(0.5, 4.0)
    habits = [rng.random() ** 2 + 0.05 for _ in range(7)]
    return Account(
        social_network_id=f"{ID_PREFIX}{first}_{second}_{index + 1}".lower(),
        username=f"{first}_{second}_{index + 1}".lower(),
        full_name=f"{first} {second} {index + 1} (made up)",
        theme=rng.choice(("recipes", "home", "crafts", "garden", "travel")),
        pins_on_weekday=tuple(weekly_pins * habit / sum(habits) for habit in habits),
        hours=tuple(rng.sample(_ANY_HOUR, 5)),
        typical_impressions=rng.lognormvariate(5.0, 0.7),
        spread=rng.uniform(0.9, 1.4),
        evergreen_share=rng.uniform(0.05, 0.4),
        save_rate=rng.uniform(0.005, 0.02),
        click_rate=rng.uniform(0.004, 0.02),
        followers=int(rng.lognormvariate(5.5, 1.0)),
        followers_per_day=rng.uniform(-0.02, 0.4),
    )


_FIRST_WORDS = ("Amber", "Birch", "Clover", "Dune", "Ember", "Fern", "Harbor", "Indigo", "Juniper")
_SECOND_WORDS = ("Atelier", "Bakery", "Cottage", "Diary", "Kitchen", "Studio", "Supply", "Trail")
