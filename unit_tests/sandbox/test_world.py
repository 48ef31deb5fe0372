"""The made-up world is consistent and reproducible, and it restates counters as Pinterest does."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from oneup_pinterest.sandbox import Counters, World

BIG = "pin_sandbox_hearth_and_oak"
NOW = datetime(2026, 5, 20, 12, tzinfo=UTC)


@pytest.fixture(scope="module")
def world() -> World:
    return World(7, 5, NOW.date())


def test_clock_and_reference_day_do_not_change_published_pins(world: World) -> None:
    start, end = NOW.date() - timedelta(days=60), NOW.date() - timedelta(days=30)
    later = NOW + timedelta(days=400)
    other = World(7, 5, later.date())
    for pin, later_pin in zip(world.pins(BIG, start, end, NOW), other.pins(BIG, start, end, later), strict=True):
        assert (pin.id, pin.published) == (later_pin.id, later_pin.published)
        assert world.counters(pin, NOW) == other.counters(later_pin, NOW)


def test_counters_fall_slightly_and_only_on_restatement_days(world: World) -> None:
    today = NOW.date()
    restated_on = world.restatement_days(BIG, today, today + timedelta(days=2000))[0]
    first = restated_on - timedelta(days=20)
    expected = set(world.restatement_days(BIG, first, first + timedelta(days=50)))
    now = NOW + (first - today)
    pins = world.pins(BIG, first - timedelta(days=70), first, now)
    before: dict[str, Counters] = {}
    fell_on = set()
    for day in (first + timedelta(days=passed) for passed in range(50)):
        now = NOW + (day - today)
        for pin in pins:
            counters = world.counters(pin, now)
            old = before.get(pin.id, counters)
            if any(new < previous for new, previous in zip(counters, old, strict=True)):
                fell_on.add(day)
                assert counters.impressions > old.impressions * 0.99
            before[pin.id] = counters
    assert restated_on in fell_on
    assert fell_on <= expected


def test_last_two_days_are_completed_later(world: World) -> None:
    day = NOW.date() - timedelta(days=1)
    seen = [world.activity(BIG, day, day, NOW + timedelta(days=passed))[1].impressions for passed in (0, 1, 2, 3, 30)]
    assert seen[0] < seen[1]
    assert seen[2] == seen[3] == seen[4]
    if not world.restatement_days(BIG, *[day + timedelta(days=3)] * 2):
        assert 0.9 * seen[2] < seen[0] < seen[1] < seen[2]


def test_activity_equals_the_counters_of_all_pins(world: World) -> None:
    account = "pin_sandbox_far_and_slow_travel"  # all of its pins are from the last three weeks
    start, end = NOW.date() - timedelta(days=30), NOW.date() - timedelta(days=1)
    published, gained = world.activity(account, start, end, NOW)
    pins = world.pins(account, start, end, NOW)
    counters = [world.counters(pin, NOW) for pin in pins]
    assert published == len(pins) > 0
    assert gained == Counters(*(sum(column) for column in zip(*counters, strict=True)))


def test_five_accounts_publish_at_different_rates(world: World) -> None:
    today = NOW.date()

    def published(account: str, first: int, last: int) -> int:
        start, end = today - timedelta(days=first), today - timedelta(days=last)
        return world.activity("pin_sandbox_" + account, start, end, NOW)[0]

    assert published("hearth_and_oak", 90, 1) > 300
    assert published("linen_lane_home", 90, 1) == 90
    assert 10 < published("knots_by_noor", 90, 1) < 45
    assert published("the_quiet_garden", 99, 1) == 0 < published("the_quiet_garden", 100, 100)
    assert published("far_and_slow_travel", 400, 21) == 0 < published("far_and_slow_travel", 20, 20)


def test_new_account_starts_before_the_reference_day() -> None:
    reference = NOW.date() + timedelta(days=60)
    new = World(7, 5, reference).account("pin_sandbox_far_and_slow_travel")
    assert new is not None
    assert new.first_day == reference - timedelta(days=20)
