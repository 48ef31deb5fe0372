"""Answers have OneUp's shapes and tell one consistent, repeatable story."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import pytest
import requests

import oneup_pinterest.sandbox
from oneup_pinterest.sandbox import Counters, Sandbox
from oneup_pinterest.sandbox.responses import percentage_change

from .conftest import BIG, Ask, days_ago

SAMPLES = Path(oneup_pinterest.sandbox.__file__).parent / "samples"


@pytest.mark.parametrize("endpoint", ["overview", "posts"])
def test_documented_sample_is_answered_byte_for_byte(ask: Ask, endpoint: str) -> None:
    response = ask(f"pinterest/{endpoint}", social_network_id="pin_sandbox_documented_sample")
    assert response.content == (SAMPLES / f"{endpoint}.json").read_bytes()
    assert response.headers["X-Made-Up-Data"] == "oneup-pinterest sandbox"


def test_answers_have_the_keys_and_types_of_the_samples(ask: Ask) -> None:
    def shape(value: object) -> object:
        if isinstance(value, dict):
            return {key: shape(part) for key, part in value.items()}
        if isinstance(value, list):
            return [shape(value[0])] if value else []
        return type(value).__name__

    for endpoint in ("overview", "posts"):
        sample = json.loads((SAMPLES / f"{endpoint}.json").read_bytes())
        answer = ask(f"pinterest/{endpoint}", social_network_id=BIG).json()
        rows = "metrics" if endpoint == "overview" else "stats"
        fixed = [("key", "name", "description")] * 6
        assert [[row[k] for k in keys] for row, keys in zip(answer["data"][rows], fixed, strict=True)] == [
            [row[k] for k in keys] for row, keys in zip(sample["data"][rows], fixed, strict=True)
        ]
        if endpoint == "overview":
            entries = answer["data"]["post_performance"]
            assert entries.keys() == sample["data"]["post_performance"].keys()
            for entry in entries["most_engaging"]:
                assert entry.keys() == {"id", "text", "permalink", "engagement_rate", "impressions"}
            assert all(len(ranking) == 3 for ranking in entries.values())
            answer["data"]["post_performance"] = sample["data"]["post_performance"]
        assert shape(answer) == shape(sample)


def test_accounts_are_listed_with_other_networks(sandbox: Sandbox, ask: Ask) -> None:
    answer = ask("listsocialaccounts").json()
    assert (answer["message"], answer["error"]) == ("OK", False)
    pinterest = [row for row in answer["data"] if row["social_network_type"] == "Pinterest"]
    others = [row for row in answer["data"] if row not in pinterest]
    assert [row["social_account_id"] for row in pinterest] == sandbox.account_ids
    assert any("/" in row["social_account_id"] for row in others)
    assert all(row["full_name"].endswith("(made up)") for row in answer["data"])
    assert all(row["social_account_id"].startswith("pin_sandbox_") for row in pinterest)
    assert answer["data"][0].keys() == {
        "username",
        "full_name",
        "social_account_id",
        "social_network_type",
        "is_expired",
        "need_refresh",
    }


def test_posts_are_those_published_in_the_window_newest_first(sandbox: Sandbox, ask: Ask) -> None:
    window = {"start_date": days_ago(sandbox, 40), "end_date": days_ago(sandbox, 11)}
    data = ask(social_network_id=BIG, **window).json()["data"]
    days = [post["timestamp"][:10] for post in data["posts"]]
    assert {window["start_date"], window["end_date"]} <= set(days)
    assert all(window["start_date"] <= day <= window["end_date"] for day in days)
    stamps = [post["timestamp"] for post in data["posts"]]
    assert stamps == sorted(stamps, reverse=True)
    assert all(3 <= days.count(day) <= 5 for day in days)
    assert data["stats"][0]["value_current_period"] == len(days)
    assert len({post["id"] for post in data["posts"]}) == len(days)


def test_neighbouring_windows_share_no_pin_and_miss_none(sandbox: Sandbox, ask: Ask) -> None:
    def ids(first: int, last: int) -> set[str]:
        window = {"start_date": days_ago(sandbox, first), "end_date": days_ago(sandbox, last)}
        posts = ask(social_network_id=BIG, **window).json()["data"]["posts"]
        return {post["id"] for post in posts}

    assert ids(28, 15) | ids(14, 1) == ids(28, 1)
    assert not ids(28, 15) & ids(14, 1)


def test_same_seed_same_answers_and_another_seed_others(sandbox: Sandbox, ask: Ask) -> None:
    def answer(other: Sandbox) -> object:
        params = {"apiKey": "sandbox-key", "social_network_id": BIG, "preset": "last_30_days"}
        return requests.get(f"{other.analytics_url}/pinterest/posts", params, timeout=60).json()

    with Sandbox(now=sandbox.now) as same, Sandbox(now=sandbox.now, seed=8) as different:
        assert answer(sandbox) == answer(same)
        assert answer(sandbox) != answer(different)


def test_clock_and_reference_do_not_change_what_was_published(sandbox: Sandbox) -> None:
    start, end = sandbox.now.date() - timedelta(days=60), sandbox.now.date() - timedelta(days=30)
    later = sandbox.now + timedelta(days=400)
    with Sandbox(now=later) as other:
        for at_once, long_after in zip(
            sandbox.world.pins(BIG, start, end, sandbox.now),
            other.world.pins(BIG, start, end, other.now),
            strict=True,
        ):
            assert (at_once.id, at_once.published) == (long_after.id, long_after.published)
            before = sandbox.world.counters(at_once, sandbox.now)
            assert before == other.world.counters(long_after, sandbox.now)


def test_counters_fall_on_announced_restatements_only_and_little(sandbox: Sandbox) -> None:
    world, today = sandbox.world, sandbox.now.date()
    restated_on = world.restatement_days(BIG, today, today + timedelta(days=2000))[0]
    first = restated_on - timedelta(days=20)
    announced = set(world.restatement_days(BIG, first, first + timedelta(days=50)))
    now = sandbox.now + (first - today)
    pins = world.pins(BIG, first - timedelta(days=70), first, now)
    before: dict[str, Counters] = {}
    fell_on = set()
    for day in (first + timedelta(days=passed) for passed in range(50)):
        now = sandbox.now + (day - today)
        for pin in pins:
            counters = world.counters(pin, now)
            old = before.get(pin.id, counters)
            if any(new < previous for new, previous in zip(counters, old, strict=True)):
                fell_on.add(day)
                assert counters.impressions > old.impressions * 0.99
            before[pin.id] = counters
    assert restated_on in fell_on
    assert fell_on <= announced


def test_last_two_days_are_completed_later(sandbox: Sandbox) -> None:
    world, day = sandbox.world, sandbox.now.date() - timedelta(days=1)
    seen = [
        world.activity(BIG, day, day, sandbox.now + timedelta(days=passed))[1].impressions
        for passed in (0, 1, 2, 3, 30)
    ]
    assert seen[0] < seen[1]
    assert seen[2] == seen[3] == seen[4]
    if not world.restatement_days(BIG, *[day + timedelta(days=3)] * 2):
        assert 0.9 * seen[2] < seen[0] < seen[1] < seen[2]


def test_activity_is_the_difference_of_the_counters_of_all_pins(sandbox: Sandbox) -> None:
    world, now = sandbox.world, sandbox.now
    account = "pin_sandbox_far_and_slow_travel"  # All its pins are of the last three weeks.
    start, end = now.date() - timedelta(days=30), now.date() - timedelta(days=1)
    published, gained = world.activity(account, start, end, now)
    pins = world.pins(account, start, end, now)
    counters = [world.counters(pin, now) for pin in pins]
    assert published == len(pins) > 0
    assert gained == Counters(*(sum(column) for column in zip(*counters, strict=True)))


def test_five_accounts_differ_in_habit(sandbox: Sandbox) -> None:
    today = sandbox.now.date()

    def published(account: str, first: int, last: int) -> int:
        start, end = today - timedelta(days=first), today - timedelta(days=last)
        return sandbox.world.activity("pin_sandbox_" + account, start, end, sandbox.now)[0]

    assert published("hearth_and_oak", 90, 1) > 300
    assert published("linen_lane_home", 90, 1) == 90
    assert 10 < published("knots_by_noor", 90, 1) < 45
    assert published("the_quiet_garden", 99, 1) == 0 < published("the_quiet_garden", 100, 100)
    assert published("far_and_slow_travel", 400, 21) == 0 < published("far_and_slow_travel", 20, 20)


def test_reference_is_the_day_new_and_dormant_are_counted_from(sandbox: Sandbox) -> None:
    reference = sandbox.now.date() + timedelta(days=60)
    world = Sandbox(now=sandbox.now, reference=reference).world
    new = world.account("pin_sandbox_far_and_slow_travel")
    assert new is not None
    assert new.first_day == reference - timedelta(days=20)


def test_texts_hold_what_breaks_naive_writers(sandbox: Sandbox, ask: Ask) -> None:
    posts = ask(social_network_id=BIG, preset="last_90_days").json()["data"]["posts"]
    texts = "".join(post["text"] for post in posts)
    assert all(part in texts for part in ("\n", '"', "'", ",", "<b>", "&", "📌", "اكتشف"))


def test_saves_and_repins_are_two_things(ask: Ask) -> None:
    posts = ask(social_network_id=BIG, preset="last_90_days").json()["data"]["posts"]
    stats = [post["stats"] for post in posts]
    assert all(isinstance(value, int) and value >= 0 for row in stats for value in row.values())
    assert sum(row["saves"] for row in stats) > sum(row["repins"] for row in stats) > 0
    assert all(row["saves"] <= row["impressions"] for row in stats)


@pytest.mark.parametrize(
    ("current", "last", "text"),
    [
        (25, 20, "+25.0%"),
        (47, 100, "-53.0%"),
        (0, 0, "0%"),
        (3, 3, "0%"),
        (3, 0, "+100.0%"),
        (0, 3, "-100.0%"),
        (40450, 100, "+40,350.0%"),
    ],
)
def test_percentage_change_is_as_documented(current: int, last: int, text: str) -> None:
    assert percentage_change(current, last) == text


@pytest.mark.parametrize(
    "odd",
    [
        "pin_sandbox_a/b c",
        "pin_sandbox_'q' \"d\"",
        "pin_sandbox_100%25",
        "pin_sandbox_é😀&=+#?",
        "1000",
    ],
)
def test_account_id_is_an_opaque_string(sandbox: Sandbox, ask: Ask, odd: str) -> None:
    sandbox.add_account(odd, pins_on_weekday=(1.0,) * 7)
    response = ask(social_network_id=odd)
    assert len(response.json()["data"]["posts"]) == 7
    assert sandbox.requests[-1].params["social_network_id"] == odd
    listed = ask("listsocialaccounts").json()["data"]
    assert odd in [row["social_account_id"] for row in listed]
    sandbox.remove_account(odd)
    assert ask(social_network_id=odd).status_code == 404


def test_stale_connection_answers_plausible_zeros(sandbox: Sandbox, ask: Ask) -> None:
    expired = sandbox.add_account(is_expired=True)
    data = ask("pinterest/overview", social_network_id=expired).json()["data"]
    assert {row["value_current_period"] for row in data["metrics"]} == {0}
    assert data["total_followers"] == 0
    assert ask(social_network_id=expired).json()["data"]["posts"] == []


def test_a_thousand_accounts_have_ids_of_their_own() -> None:
    assert len(set(Sandbox(accounts=1000).account_ids)) == 1000
    assert Sandbox(accounts=0).account_ids == []


def test_any_year_has_pins(sandbox: Sandbox, ask: Ask) -> None:
    for year in (2016, 2037):
        sandbox.now = sandbox.now.replace(year=year, month=6, day=15)
        posts = ask(social_network_id=BIG).json()["data"]["posts"]
        assert 21 <= len(posts) <= 35
        assert all(post["timestamp"].startswith(str(year)) for post in posts)
