"""The made-up world: everything in it follows from a seed and a date; a clock decides what is visible."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from operator import add, sub
from threading import RLock

from oneup_pinterest.sandbox.accounts import Account, create_accounts, documented_sample, other_networks
from oneup_pinterest.sandbox.pins import EVERGREEN_DAYS, Counters, Day, Pin, pins_of_day
from oneup_pinterest.sandbox.seeded_random import seeded_random

# A day is final from its third morning on: the last two days are provisional.
PROVISIONAL_DAYS = 2
_LATE_ON_SECOND_DAY = 0.35
_BLOCK = 64
_ZERO = Counters(0, 0, 0, 0, 0)
# Pinterest gets more impressions at weekends (Monday first) and before the end of the year.
_WEEKDAYS = (0.94, 0.9, 0.92, 0.93, 0.98, 1.14, 1.19)


class World:
    """All accounts, their pins and their counters at any moment.

    The pins of a day and their growth follow from the seed, the account and the date alone. A clock
    only decides how much of it is visible: `now` is an aware datetime, and the counters cover the
    UTC days before it.
    """

    def __init__(self, seed: int, accounts: int, reference: date, *, with_documented_sample: bool = False) -> None:
        """Create `accounts` Pinterest accounts; `reference` is today for the new and the dormant one."""
        self.seed = seed
        self.reference = reference
        listed = create_accounts(seed, accounts, reference)
        if with_documented_sample:
            listed.append(documented_sample())
        self._accounts = {account.social_network_id: account for account in listed}
        self._histories: dict[str, _History] = {}
        self._lock = RLock()

    @property
    def account_ids(self) -> list[str]:
        """The ids of the Pinterest accounts."""
        return list(self._accounts)

    @property
    def listed_accounts(self) -> list[Account]:
        """Every account of the key, including other networks."""
        return [*self._accounts.values(), *other_networks()]

    def account(self, social_network_id: str) -> Account | None:
        """Return the Pinterest account of that id, if it exists."""
        return self._accounts.get(social_network_id)

    def add(self, account: Account) -> None:
        """Connect an account, or replace the one with its id."""
        with self._lock:
            self._accounts = {**self._accounts, account.social_network_id: account}
            self._histories.pop(account.social_network_id, None)

    def remove(self, social_network_id: str) -> None:
        """Disconnect an account; raise KeyError if the id is unknown."""
        with self._lock:
            accounts = dict(self._accounts)
            del accounts[social_network_id]
            self._accounts = accounts
            self._histories.pop(social_network_id, None)

    def rename(self, social_network_id: str, new_id: str, username: str) -> None:
        """Give an account another id and username, with the same pins; raise KeyError if the id is unknown."""
        account = self._accounts[social_network_id]
        self.remove(social_network_id)
        self.add(replace(account, social_network_id=new_id, username=username, former_id=account.origin))

    def pins(self, social_network_id: str, start: date, end: date, now: datetime) -> list[Pin]:
        """Return the pins published from start to end (both included) and before now, newest first."""
        moment = _utc(now)
        pins = self._history(social_network_id).pins(start.toordinal(), end.toordinal())
        return [pin for pin in pins if pin.published <= moment][::-1]

    def counters(self, pin: Pin, now: datetime) -> Counters:
        """Return the lifetime counters of a pin as the API has them at a moment."""
        history = self._history(pin.account.social_network_id)
        return pin.counters(history.impressions(pin, _yesterday(now), now))

    def activity(self, social_network_id: str, start: date, end: date, now: datetime) -> tuple[int, Counters]:
        """Return the number of pins published and the gains of all pins, from start to end."""
        return self.activity_of_days(social_network_id, start.toordinal(), end.toordinal(), now)

    def activity_of_days(self, social_network_id: str, start: int, end: int, now: datetime) -> tuple[int, Counters]:
        """Return the same for days as ordinals, which may lie before the year 1."""
        history = self._history(social_network_id)
        moment = _utc(now)
        published = sum(1 for pin in history.pins(start, end) if pin.published <= moment)
        yesterday = _yesterday(now)
        total = list(_ZERO)
        for day in range(max(start, history.first_day), min(end, yesterday) + 1):
            total = list(map(add, total, history.gains(day, yesterday - day)))
        # A restatement may lower a quiet window by more than its gains.
        return published, Counters(*(max(0, value) for value in total))

    def followers(self, social_network_id: str, now: datetime) -> int:
        """Return the number of followers at the end of the day before now."""
        history = self._history(social_network_id)
        return history.followers(_yesterday(now))

    def restatement_days(self, social_network_id: str, start: date, end: date) -> list[date]:
        """Return the days, from start to end, on which lifetime counters of the account may fall."""
        history = self._history(social_network_id)
        delay = PROVISIONAL_DAYS + 1
        first, number = start.toordinal() - delay, (end - start).days + 1
        days = history.days(first, number)
        return [start + timedelta(days=n) for n, day in enumerate(days) if day.cut]

    def _history(self, social_network_id: str) -> _History:
        history = self._histories.get(social_network_id)
        if history is None:
            with self._lock:
                account = self._accounts[social_network_id]
                history = self._histories.setdefault(social_network_id, _History(self.seed, account))
        return history


class _History:
    """The history of one account, computed when it is first needed and cached."""

    def __init__(self, seed: int, account: Account) -> None:
        self._seed = seed
        self._account = account
        self.first_day = account.first_day.toordinal()
        self._last_day = account.last_day.toordinal() if account.last_day else None
        self._days: dict[int, list[Day]] = {}
        self._pins: dict[int, list[Pin]] = {}
        self._gains: dict[tuple[int, int], Counters] = {}
        # Requests come from several threads; the second one waits for the result of the first.
        self._lock = RLock()

    def days(self, first: int, number: int) -> list[Day]:
        """Return the effects of consecutive days, from the ordinal `first` on."""
        blocks = range(first // _BLOCK, (first + number - 1) // _BLOCK + 1)
        found = [day for block in blocks for day in self._days_of_block(block)]
        return found[first % _BLOCK :][:number]

    def _days_of_block(self, block: int) -> list[Day]:
        found = self._days.get(block)
        if found is None:
            found = self._days[block] = _block_of_days(self._seed, self._account, block)
        return found

    def pins(self, start: int, end: int) -> Iterator[Pin]:
        """Yield the pins published from start to end (ordinals, both included), oldest first."""
        start = max(start, self.first_day)
        end = end if self._last_day is None else min(end, self._last_day)
        for block in range(start // _BLOCK, end // _BLOCK + 1):
            for pin in self._pins_of_block(block):
                if start <= pin.day <= end:
                    yield pin

    def _pins_of_block(self, block: int) -> list[Pin]:
        found = self._pins.get(block)
        if found is None:
            with self._lock:
                found = self._pins.get(block)
                if found is None:
                    found = [
                        pin
                        for day in range(block * _BLOCK, (block + 1) * _BLOCK)
                        for pin in pins_of_day(self._seed, self._account, day, self.days)
                    ]
                    self._pins[block] = found
        return found

    def impressions(self, pin: Pin, day: int, now: datetime) -> int:
        """Return the impressions of a pin at the end of a day, as known at `now`."""
        return self._known(pin, day, _yesterday(now) - day)

    def gains(self, day: int, days_since: int) -> Counters:
        """Return the gains of all pins on a day, as known `days_since` days after its first morning."""
        key = (day, min(days_since, PROVISIONAL_DAYS))
        found = self._gains.get(key)
        if found is None:
            with self._lock:
                found = self._gains.get(key) or self._sum_of_gains(*key)
                self._gains[key] = found
        return found

    def followers(self, day: int) -> int:
        account = self._account
        if day < self.first_day:
            return 0
        drift = account.followers_per_day * (day - self.first_day)
        swing = 3 * math.sin(day / 6) * min(1.0, account.followers / 1000)
        return max(0, int(account.followers + drift + swing))

    def _known(self, pin: Pin, day: int, days_since: int) -> int:
        if days_since >= PROVISIONAL_DAYS:
            return pin.impressions_on(day)
        known = pin.impressions_on(day - PROVISIONAL_DAYS + days_since)
        for provisional in range(day - PROVISIONAL_DAYS + days_since + 1, day + 1):
            late = self.days(provisional, 1)[0].late
            if days_since + day - provisional:
                late *= _LATE_ON_SECOND_DAY
            gain = pin.gain_on(provisional)
            known += gain - int(gain * late)
        return known

    def _sum_of_gains(self, day: int, days_since: int) -> Counters:
        total = list(_ZERO)
        for pin in self.pins(day - EVERGREEN_DAYS + 1, day):
            if day - pin.day >= len(pin.impressions):
                continue
            if days_since < PROVISIONAL_DAYS:
                after = self._known(pin, day, days_since)
                before = self._known(pin, day - 1, days_since + 1)
            else:
                after, before = pin.impressions_on(day), pin.impressions_on(day - 1)
            if after != before:
                gained = map(sub, pin.counters(after), pin.counters(before))
                total = list(map(add, total, gained))
        return Counters(*total)


def _utc(now: datetime) -> datetime:
    """Return the moment in UTC without a zone, like the times of pins."""
    return now.astimezone(UTC).replace(tzinfo=None)


def _yesterday(now: datetime) -> int:
    return _utc(now).toordinal() - 1


def _block_of_days(seed: int, account: Account, block: int) -> list[Day]:
    """Return a block of days; seeding a generator costs more than a hundred draws from it."""
    rng = seeded_random(seed, account.origin, "days", block)
    days: list[Day] = []
    for day in range(block * _BLOCK, (block + 1) * _BLOCK):
        # 0 in summer, 1 at the end of the year; ordinals avoid calendar arithmetic.
        season = (1 + math.cos(2 * math.pi * (day % 365.2425 - 345) / 365.2425)) / 2
        activity = _WEEKDAYS[(day - 1) % 7] * (0.85 + 0.3 * season) * rng.lognormvariate(0, 0.1)
        late = rng.uniform(0.03, 0.08)
        cut = rng.uniform(0.003, 0.009)
        days.append(Day(activity, late, cut if rng.random() < 1 / 45 else 0.0))
    return days
